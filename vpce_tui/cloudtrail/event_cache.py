"""Events seen before, so that a second start shows them at once and asks only for what is new.

One SQLite file (0600). It is a convenience: where it cannot be used, or somebody else could get at it, everything is asked
for again, and it never takes part in a decision. Raw records are kept as they came.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from vpce_tui.cloudtrail.event import Event, parse_text
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.private_files import private_file, private_folder

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
  account TEXT, region TEXT, id TEXT, name TEXT, time TEXT, raw TEXT, PRIMARY KEY (account, region, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
  account TEXT, region TEXT, asked TEXT, id TEXT, PRIMARY KEY (account, region, asked, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spans (
  account TEXT, region TEXT, asked TEXT, since TEXT, until TEXT, PRIMARY KEY (account, region, asked)
) WITHOUT ROWID;
"""


class Cache:
    """Events by account and region, and the span of time that was asked for completely."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        try:
            private_folder(folder)
            path = folder / "events-2.db"
            for beside in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm", "-journal"))):
                if beside == path or beside.exists() or beside.is_symlink():
                    private_file(beside)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error):
            self._db = None

    def span(self, account: str, region: str, asked: str) -> tuple[str, str] | None:
        """From when to when (RFC 3339) everything of ``asked`` is here."""
        rows = self._rows(
            "SELECT since, until FROM spans WHERE account=? AND region=? AND asked=?", account, region, asked
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def events(self, account: str, region: str, asked: str, since: datetime, until: datetime) -> list[Event]:
        """What is here of the answers to ``asked``, newest first."""
        rows = self._rows(
            "SELECT raw FROM answers JOIN events USING (account, region, id) WHERE account=? AND region=? AND asked=? "
            "AND time BETWEEN ? AND ? ORDER BY time DESC",
            account, region, asked, rfc3339(since), rfc3339(until),
        )  # fmt: skip
        return [parse_text(row[0]) for row in rows]

    def keep(self, account: str, region: str, asked: str, events: Iterable[Event]) -> None:
        """Remember events, as answers to ``asked``."""
        named = [event for event in events if event.id]
        self._write(
            "INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,?)",
            [(account, region, e.id, e.name, rfc3339(e.time), e.raw) for e in named],
        )
        self._write("INSERT OR IGNORE INTO answers VALUES (?,?,?,?)", [(account, region, asked, e.id) for e in named])

    def keep_span(self, account: str, region: str, asked: str, since: datetime, until: datetime) -> None:
        """Remember that this span was asked for completely (joined with the one before, where they touch)."""
        begin, end = rfc3339(since), rfc3339(until)
        old = self.span(account, region, asked)
        if old and old[0] <= end and begin <= old[1]:
            begin, end = min(begin, old[0]), max(end, old[1])
        self._write("INSERT OR REPLACE INTO spans VALUES (?,?,?,?,?)", [(account, region, asked, begin, end)])

    def _rows(self, sql: str, *given: str) -> list[tuple[str, ...]]:
        if self._db is None:
            return []
        try:
            with self._lock:
                return self._db.execute(sql, given).fetchall()
        except sqlite3.Error:
            return []

    def _write(self, sql: str, rows: list[tuple[str, ...]]) -> None:
        if self._db is None:
            return
        with contextlib.suppress(sqlite3.Error), self._lock:
            self._db.execute("BEGIN")
            self._db.executemany(sql, rows)
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None
