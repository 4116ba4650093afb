"""Events seen before, so that a second start shows them at once and only what is new is asked for.

One SQLite file (0600); where it cannot be used, or somebody else could get at it, one in memory for this process. It is a
convenience: raw records are kept as they came, with the attributes by which AWS found them.
"""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from vpce_tui.cloudtrail.event import parse_text
from vpce_tui.cloudtrail.lookup import ANY, FoundEvent, LookupQuery
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.private_files import private_file, private_folder
from vpce_tui.core.spans import Span

DELIVERY_DELAY: Final = timedelta(minutes=30)
"""How long after it happened an event may arrive: what is younger than that when it is asked for is asked for again."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
  account TEXT, region TEXT, id TEXT, time TEXT, raw TEXT, attributes TEXT, PRIMARY KEY (account, region, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_time ON events (account, region, time);
CREATE TABLE IF NOT EXISTS found_by (
  account TEXT, region TEXT, attribute TEXT, value TEXT, id TEXT, PRIMARY KEY (account, region, attribute, value, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spans (
  account TEXT, region TEXT, asked TEXT, since TEXT, until TEXT, fetched TEXT, PRIMARY KEY (account, region, asked)
) WITHOUT ROWID;
"""


class EventCache:
    """Events by account and region, and the spans of time that were asked for completely."""

    def __init__(self, folder: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._db = self._in_memory()
        if folder is None:
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            private_folder(folder)
            path = folder / "events-3.db"
            for beside in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm", "-journal"))):
                if beside == path or beside.exists() or beside.is_symlink():
                    private_file(beside)
            db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.executescript(_SCHEMA)
            self._db = db

    @staticmethod
    def _in_memory() -> sqlite3.Connection:
        db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        db.executescript(_SCHEMA)
        return db

    def complete_spans(self, account: str, region: str, query: LookupQuery) -> list[Span]:
        """The spans of time in which every answer to ``query`` is here and will not change any more.

        What was asked until the very end of ``query`` is taken as it is: that is the same run. So is what was asked no longer ago
        than ``query`` says that it may be.
        """
        rows = self._read(
            "SELECT since, until, fetched FROM spans WHERE account=? AND region=? AND asked IN (?, ?)",
            account,
            region,
            query.key,
            ANY,
        )
        found = []
        for row in rows:
            since, until, fetched = (datetime.fromisoformat(item) for item in row)
            old = max(query.until - until, datetime.now(UTC) - fetched)
            just_now = timedelta(0) < query.may_be_old and old <= query.may_be_old
            whole = until == _whole(query.until) or (until < query.until and just_now)
            found.append((since, query.until if whole else min(until, fetched - DELIVERY_DELAY)))
        return found

    def events(self, account: str, region: str, query: LookupQuery) -> list[FoundEvent]:
        """What is here of the answers to ``query``, newest first."""
        span = (rfc3339(query.since), rfc3339(query.until))
        if query.value == ANY:
            sql = "SELECT raw, attributes FROM events WHERE account=? AND region=? AND time BETWEEN ? AND ? ORDER BY time DESC"
            rows = self._read(sql, account, region, *span)
        else:
            sql = (
                "SELECT raw, attributes FROM found_by JOIN events USING (account, region, id) "
                "WHERE account=? AND region=? AND attribute=? AND value=? AND time BETWEEN ? AND ? ORDER BY time DESC"
            )
            rows = self._read(sql, account, region, query.attribute, query.value, *span)
        return [
            FoundEvent(parse_text(raw), frozenset((name, value) for name, value in json.loads(attributes)))
            for raw, attributes in rows
        ]

    def keep(self, account: str, region: str, found: Iterable[FoundEvent]) -> None:
        """Remember events."""
        named = [item for item in found if item.event.id]
        self._write(
            "INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,?)",
            [
                (
                    account,
                    region,
                    item.event.id,
                    rfc3339(item.event.time),
                    item.event.raw,
                    json.dumps(sorted(item.attributes)),
                )
                for item in named
            ],
        )
        self._write(
            "INSERT OR IGNORE INTO found_by VALUES (?,?,?,?,?)",
            [(account, region, *pair, item.event.id) for item in named for pair in item.attributes],
        )

    def keep_span(self, account: str, region: str, asked: str, span: Span, fetched: datetime | None = None) -> None:
        """Remember that ``span`` was asked for completely (joined with the one before, where they touch), at ``fetched``."""
        at = fetched or datetime.now(UTC)
        since, until = span
        rows = self._read(
            "SELECT since, until, fetched FROM spans WHERE account=? AND region=? AND asked=?", account, region, asked
        )
        for row in rows:
            old_since, old_until, old_fetched = (datetime.fromisoformat(item) for item in row)
            if since <= min(old_until, old_fetched - DELIVERY_DELAY) and until >= old_until:
                since = min(since, old_since)
            elif since <= old_since <= until <= old_until:
                until, at = old_until, old_fetched
            elif until <= old_until:
                return  # within it; or older and apart from it, and the newer one is worth more
        self._write(
            "INSERT OR REPLACE INTO spans VALUES (?,?,?,?,?,?)",
            [(account, region, asked, rfc3339(since), rfc3339(until), rfc3339(at))],
        )

    def _read(self, sql: str, *given: str) -> list[tuple[str, ...]]:
        try:
            with self._lock:
                return self._db.execute(sql, given).fetchall()
        except sqlite3.Error:
            self._begin_anew()
            return []

    def _write(self, sql: str, rows: list[tuple[str, ...]]) -> None:
        try:
            with self._lock:
                self._db.execute("BEGIN")
                self._db.executemany(sql, rows)
                self._db.execute("COMMIT")
        except sqlite3.Error:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """A file that fails once is not asked again: what it cannot give would be taken for what is not there."""
        with self._lock:
            self._db = self._in_memory()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
            self._db = self._in_memory()


def _whole(moment: datetime) -> datetime:
    """The second that a time is kept as."""
    return moment.replace(microsecond=0)
