"""Reading the rows of a journal's file, which somebody else may have made: in order, bounded, each of the right types."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.rows import JournalRow

ROWS: Final = "SELECT seq,time,operator,kind,payload,previous,hash FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"
_AT_ONCE: Final = 500
"""Rows that are read at once."""
_BYTES_AT_ONCE: Final = 8 * 1024 * 1024
"""Bytes after which no further row is read at once."""
_SLACK: Final = 1024 * 1024
"""Bytes by which the rows may be longer than the file: rows appended since it was looked at."""


class RowReader:
    """One reading of the file at ``path``. ``begin``: what is called before each statement."""

    def __init__(self, db: sqlite3.Connection, begin: Callable[[], None], path: Path) -> None:
        self._db, self._begin, self._path = db, begin, path
        self._name = path.parent.name
        self._read = 0

    def some(self, last: int) -> tuple[list[JournalRow], bool]:
        """Rows behind row ``last``, as many as are read at once, and whether these are all.

        Raises :class:`RecordError` for a row of wrong types or out of its order, and for more rows than the file can hold.
        """
        self._begin()
        before = self._db.execute("SELECT seq FROM journal WHERE seq < 1 LIMIT 1").fetchone()
        if before:
            raise RecordError(
                f"the record {self._name!r} has a row {before[0]}, before its first. Run vpce-tui verify."
            )
        found, held = list[JournalRow](), 0
        for row in self._db.execute(ROWS, (last, _AT_ONCE)):
            if not _is_row(row) or row[0] <= last:
                raise RecordError(f"the record {self._name!r} is damaged after row {last}. Run vpce-tui verify.")
            found.append(JournalRow(*row))
            last = row[0]
            held += sum(len(item) for item in row[1:])
            if held > _BYTES_AT_ONCE:
                break
        self._read += held
        if self._read > self._size() + _SLACK:
            raise RecordError(
                f"the record {self._name!r} has more rows than its file can contain. Run vpce-tui verify."
            )
        return found, held <= _BYTES_AT_ONCE and len(found) < _AT_ONCE

    def _size(self) -> int:
        """Bytes of the file, with what was written and not moved into it yet."""
        return sum(
            beside.stat().st_size
            for end in ("", "-wal")
            if (beside := self._path.with_name(self._path.name + end)).exists()
        )


def _is_row(found: tuple[Any, ...]) -> bool:
    return isinstance(found[0], int) and all(isinstance(item, str) for item in found[1:])
