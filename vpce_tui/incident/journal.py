"""The journal: append-only rows in a SHA-256 chain, in SQLite, on disk before a permit is handed out.

Each row holds the time (UTC), the operator, a kind, a JSON payload, the hash of the row before and its own:
``sha256(previous + canonical([seq, time, operator, kind, payload]))``.
"""

import hashlib
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from vpce_tui.aws.call import Call, Permit
from vpce_tui.core import paths
from vpce_tui.core.canonical_json import canonical
from vpce_tui.core.private_files import private_file
from vpce_tui.incident import redaction
from vpce_tui.incident.durable_files import ensure_room, record_folder
from vpce_tui.incident.incident_lock import Lock
from vpce_tui.incident.journal_file import connect_to_read, create
from vpce_tui.incident.journal_schema import VERSION, beside_a_journal, foreign, harden, lacking
from vpce_tui.incident.permits import IssuedPermits
from vpce_tui.incident.record import Record, replay
from vpce_tui.incident.record_errors import DiskFull, NewerRecord, NotAJournal, ReadOnlyRecord, RecordError
from vpce_tui.incident.row_reader import ROWS, RowReader
from vpce_tui.incident.rows import CallsIntended, IntendedCall, JournalRow, RowContent, RowKind

GENESIS: Final = "0" * 64
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def row_hash(previous: str, seq: int, time: str, operator: str, kind: str, payload: str) -> str:
    """The hash that binds a row to all before it."""
    return hashlib.sha256(previous.encode("ascii") + canonical([seq, time, operator, kind, payload])).hexdigest()


class Journal:
    """An open incident record. Use :meth:`open`; close it, or use it as a context."""

    def __init__(self, folder: Path, operator: str, clock: Callable[[], datetime]) -> None:
        self.folder = folder
        self.operator = operator
        self.holder = ""
        self._clock = clock
        self._lock = Lock(folder / "lock")
        self._guard = threading.RLock()
        self._running = threading.Lock()
        self._permits = IssuedPermits()
        self._db: sqlite3.Connection | None = None
        self._writable = False
        self._last = 0
        self._record, self._folded = Record(), 0
        self._process = os.getpid()
        self._file: os.stat_result = os.stat_result(range(10))
        self._begin: Callable[[], None] = lambda: None

    @classmethod
    def open(
        cls,
        folder: Path,
        operator: str,
        *,
        create: bool = False,
        write: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Open (or with ``create`` make) the record in ``folder``.

        Where another process holds it, it opens for reading and ``holder`` says who that is.
        Raises :class:`RecordError` and its kinds.
        """
        if not NAME.fullmatch(folder.name):
            raise RecordError(
                f"{folder.name!r} is not a valid incident name: use letters, digits, dot, dash, at most 63."
            )
        there = os.path.lexists(folder / "journal.db")
        if not there and not create:
            lab = folder.parent.parent / paths.LAB
            said = f"there is no incident {folder.name!r} in {folder.parent}; vpce-tui incidents lists them."
            if os.path.lexists(lab / "incidents" / folder.name / "journal.db"):
                said += f" The lab has one of this name: set VPCE_TUI_STATE={lab} for it."
            raise RecordError(said)
        journal = cls(folder, operator, clock)
        if write:
            record_folder(folder)
            record_folder(folder / "evidence")
            journal.holder = journal._lock.take(operator, _now(clock))
            journal._writable = not journal.holder
        try:
            journal._connect(there)
        except BaseException:
            journal._lock.release()
            raise
        return journal

    @property
    def name(self) -> str:
        """The incident's name: its folder's."""
        return self.folder.name

    @property
    def writable(self) -> bool:
        """Whether this process holds the record."""
        return self._writable

    def _connect(self, there: bool) -> None:
        path = self.folder / "journal.db"
        problem = beside_a_journal(path)
        if problem:
            raise self._not_a_journal(problem)
        try:
            if self._writable:
                if not there:
                    create(path)
                private_file(path)
                self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
                self._file = os.lstat(path)
                self._begin = harden(self._db)
                self._check_version()
                self._check_schema()
                if lacking(self._db):
                    raise self._not_a_journal(lacking(self._db))
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                for beside in self.folder.glob("journal.db*"):
                    beside.chmod(0o600)
                self._check_chain()
            else:
                self._db, self._begin = connect_to_read(path)
                self._check_version()
                self._check_schema()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._record_error(error) from error
        except OSError as error:
            from vpce_tui.incident.durable_files import record_error_from  # noqa: PLC0415

            raise record_error_from(error, path) from error

    def _check_version(self) -> None:
        assert self._db is not None
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise NewerRecord(
                f"the record {self.name!r} was written by a newer vpce-tui (format {version}, this one knows {VERSION}). "
                "It is left untouched. Use the newer version."
            )

    def _check_schema(self) -> None:
        assert self._db is not None
        problem = foreign(self._db)
        if problem:
            raise self._not_a_journal(problem)

    def _check_chain(self) -> None:
        """See that nothing is written to, or taken back by, a record that somebody changed."""
        previous = GENESIS
        for number, row in enumerate(self.rows(), start=1):
            own = row_hash(previous, number, row.time, row.operator, row.kind, row.payload)
            if (row.seq, row.previous, row.hash) != (number, previous, own):
                raise RecordError(
                    f"the record {self.name!r} was changed at row {row.seq}: run vpce-tui verify. It is now read-only; "
                    "continue with a new incident."
                )
            previous = row.hash
            self._last = row.seq

    def _not_a_journal(self, problem: str) -> RecordError:
        return NotAJournal(
            f"the record {self.name!r} was not written by vpce-tui: {problem}. Do not trust its content."
        )

    @property
    def lacking(self) -> str:
        """What every journal has and this file has not; ``""``: nothing."""
        assert self._db is not None
        return lacking(self._db)

    def _record_error(self, error: Exception) -> RecordError:
        said = str(error)
        if "full" in said or "disk I/O" in said:
            return DiskFull(f"the record {self.name!r} cannot be written: {said}. Free some space, then try again.")
        return RecordError(f"the record {self.name!r} cannot be used: {said}. Run vpce-tui verify {self.name}.")

    def append(self, content: RowContent) -> JournalRow:
        """Add a row; it is on disk when this returns. Secrets are taken out first.

        Raises :class:`ReadOnlyRecord` where somebody else holds the record, :class:`DiskFull`.
        """
        if not self._writable:
            raise ReadOnlyRecord(
                f"the record {self.name!r} is open for reading only"
                + (f": locked by {self.holder}." if self.holder else ".")
            )
        text = canonical(redaction.payload(content.data())).decode("ascii")
        with self._guard:
            assert self._db is not None
            try:
                self._begin()
                row = self._insert(content.kind, text)
                kept = self._db.execute(ROWS, (row.seq - 1, 1)).fetchone()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self._record_error(error) from error
            if kept is None or JournalRow(*kept) != row:
                raise RecordError(
                    f"the record {self.name!r} lost a row that was written. Run vpce-tui verify {self.name}."
                )
            self._last = row.seq
            if not self._there():
                raise RecordError(f"the record {self.name!r} was removed while it was open: nothing more is done.")
        return row

    def _insert(self, kind: RowKind, text: str) -> JournalRow:
        assert self._db is not None
        last = self._db.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
        time = _now(self._clock)
        own = row_hash(previous, seq, time, self.operator, kind.value, text)
        row = JournalRow(
            seq=seq, time=time, operator=self.operator, kind=kind.value, payload=text, previous=previous, hash=own
        )
        self._db.execute(
            "INSERT INTO journal VALUES (?,?,?,?,?,?,?)",
            (row.seq, row.time, row.operator, row.kind, row.payload, row.previous, row.hash),
        )
        return row

    def record(self) -> Record:
        """What the rows amount to now: those that are new since it was asked last are folded into what was known then.

        Raises :class:`RecordError` for a damaged file, or a row that no version of ours wrote.
        """
        with self._guard:
            last = self._folded

            def counted() -> Iterator[JournalRow]:
                nonlocal last
                for row in self.rows(after=last):
                    last = row.seq
                    yield row

            record = replay(counted(), self._record)
            if last != self._folded:
                self._record, self._folded = record, last
            return self._record

    def rows(self, after: int = 0) -> Iterator[JournalRow]:
        """Every row behind row ``after``, oldest first, read a few hundred at a time. Raises :class:`RecordError` for a damaged
        file."""
        assert self._db is not None
        reader = RowReader(self._db, self._begin, self.folder / "journal.db")
        while True:
            try:
                with self._guard:
                    found, whole = reader.some(after)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self._record_error(error) from error
            yield from found
            if whole:
                return
            after = found[-1].seq

    @property
    def head(self) -> str:
        """The hash of the last row: it means the whole record."""
        last = GENESIS
        for row in self.rows():
            last = row.hash
        return last

    def ensure_room(self) -> None:
        """Raise :class:`DiskFull` before a step begins that could not be recorded."""
        ensure_room(self.folder)

    def intend(
        self,
        step: str,
        calls: Mapping[str, Call],
        account: str,
        *,
        recorded: Mapping[str, Mapping[str, Any]] | None = None,
        probe: bool = False,
        undo: bool = False,
    ) -> dict[str, Permit]:
        """Write down that these calls are about to be made; gives one permit for each, by the same key.

        The row is on disk before the permits exist. A call whose parameters hold a secret is not journalled and
        gets none (:class:`RecordError`). ``recorded``: parameters as they are written down, by the same key, where
        something of them is sealed.
        """
        written = {key: (recorded or {}).get(key, call.parameters) for key, call in calls.items()}
        for key, call in calls.items():
            if redaction.holds_secret(written[key]):
                raise RecordError(
                    f"a parameter of {call.name} ({key}) looks like a secret, and secrets are never recorded; "
                    "the call is not made. Do this step manually."
                )
        row = self.append(
            CallsIntended(
                step=step,
                calls=tuple(
                    IntendedCall(
                        id=key,
                        service=call.service,
                        operation=call.operation,
                        region=call.region,
                        parameters=dict(written[key]),
                        fingerprint=call.fingerprint(account),
                    )
                    for key, call in calls.items()
                ),
                probe=probe,
                undo=undo,
            )
        )
        with self._guard:
            return {key: self._permits.give(row.seq, call.fingerprint(account)) for key, call in calls.items()}

    @contextmanager
    def one_step(self) -> Iterator[bool]:
        """One step at a time in this process; gives whether this one may run."""
        free = self._running.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._running.release()

    @property
    def busy(self) -> bool:
        """Whether a step is running on this record in this process."""
        return self._running.locked()

    def redeem(self, permit: Permit, fingerprint: str) -> str:
        """The gate's question: see :class:`vpce_tui.aws.gate.PermitIssuer`."""
        with self._guard:
            return self._permits.use(permit, fingerprint, self._alone)

    def _alone(self) -> bool:
        """Whether this process is still the only writer: its lock is in its place, and the last row is its own."""
        if self._db is None or not self._lock.held or not self._there():
            return False
        try:
            self._begin()
            return bool(self._db.execute("SELECT max(seq) FROM journal").fetchone()[0] == self._last)
        except sqlite3.Error:
            return False

    def _there(self) -> bool:
        """Whether the file that is written to is the one in the folder, and this process the one that opened it."""
        try:
            return os.getpid() == self._process and os.path.samestat(self._file, os.lstat(self.folder / "journal.db"))
        except OSError:
            return False

    def close(self) -> None:
        """Close the file and let go of the lock."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None
        self._permits.clear()
        self._writable = False
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _now(clock: Callable[[], datetime]) -> str:
    return clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
