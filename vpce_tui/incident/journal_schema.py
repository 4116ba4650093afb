"""The tables of a journal file, and whether a file has these and nothing else.

SQLite runs what a file's schema says: a view in the place of the table hides rows, or never ends. A file is read only where
its schema is, to the letter, the one written here.
"""

import os
import sqlite3
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final

VERSION: Final = 1
CREATE: Final = """
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY, time TEXT NOT NULL, operator TEXT NOT NULL, kind TEXT NOT NULL,
  payload TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
  WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""

_LONGEST: Final = 16 * 1024 * 1024
"""Bytes of one row at most: some ten times what the largest plan takes."""
_STEPS: Final = 100_000
"""Steps of SQLite's machine between two looks at the clock."""
_MOST_SECONDS: Final = 10.0
"""Seconds of one statement at most: each reads some hundred rows."""
_MOST_ITEMS: Final = 100
"""Of a schema that are read: a journal has five, and a file with more is refused for the first of them already."""
_LIST: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master"

Item = tuple[str, str, str, str | None]


def harden(db: sqlite3.Connection) -> Callable[[], None]:
    """Settings for a file that somebody else may have made: nothing in its schema runs functions, and nothing runs for ever.

    Gives what is called before each statement, so that the bound is of one statement and not of a long incident.
    """
    began = monotonic()

    def too_long() -> int:
        return int(monotonic() - began > _MOST_SECONDS)

    def begin() -> None:
        nonlocal began
        began = monotonic()

    db.set_progress_handler(too_long, _STEPS)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    return begin


def foreign(db: sqlite3.Connection) -> str:
    """What the file has that a journal has not; ``""``: nothing. An empty file has nothing."""
    found = _found(db)
    strange = sorted((found - _expected()).elements(), key=str)
    if not strange:
        return ""
    kind, name, _, _ = strange[0]
    return f"it has a {kind} {name!r} that no journal has"


def lacking(db: sqlite3.Connection) -> str:
    """What a journal has that the file has not; ``""``: nothing."""
    missing = sorted(f"{kind} {name!r}" for kind, name, _, _ in _expected() - _found(db))
    return f"it has no {missing[0]}" if missing else ""


def beside_a_journal(path: Path) -> str:
    """Why the journal at ``path`` is not opened for what it is, or for what is beside it; ``""``: it may be.

    A rollback journal would be rolled back, and the file that it names deleted. A journal of ours never has one: it is made in
    its place, and written ahead.
    """
    for end in ("", "-wal", "-shm"):
        problem = not_a_file(path.with_name(path.name + end))
        if problem:
            return problem
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and wal.stat().st_size and not (path.exists() and path.stat().st_size):
        return f"{path.name} is empty, and {wal.name} is beside it, which would be deleted"
    rollback = path.with_name(f"{path.name}-journal")
    return f"{rollback.name} is beside it, which would change it" if os.path.lexists(rollback) else ""


def not_a_file(path: Path) -> str:
    """Why ``path`` is not opened; ``""``: it is a regular file, or not there. A link or a pipe is no journal."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return ""
    return (
        "" if stat.S_ISREG(mode) else f"{path.name} is a link" if stat.S_ISLNK(mode) else f"{path.name} is not a file"
    )


def _found(db: sqlite3.Connection) -> "Counter[Item]":
    """What the file's schema lists, each as often as it is listed: SQLite takes the same index twice."""
    return Counter(
        (str(kind), str(name), str(table), sql) for kind, name, table, sql in db.execute(_LIST).fetchmany(_MOST_ITEMS)
    )


def _expected() -> "Counter[Item]":
    with sqlite3.connect(":memory:") as fresh:
        fresh.executescript(CREATE)
        return _found(fresh)
