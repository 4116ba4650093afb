"""The SQLite file of a journal: made whole or not at all, and opened where nothing may be written."""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from vpce_tui.core.private_files import private_file
from vpce_tui.incident.durable_files import sync_folder
from vpce_tui.incident.journal_schema import CREATE, VERSION, harden


def create(path: Path) -> None:
    """An empty journal, there whole or not at all: of a rollback that was under way nothing is ever left beside it."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".creating-") as scratch:
        made = Path(scratch) / path.name
        private_file(made)
        with closing(sqlite3.connect(made, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(f"BEGIN;{CREATE}PRAGMA user_version = {VERSION};COMMIT;")
        os.rename(made, path)
    sync_folder(path.parent)


def connect_to_read(path: Path) -> tuple[sqlite3.Connection, Callable[[], None]]:
    """A connection that writes nothing, and what is called before each statement (:func:`harden`); also in a read-only folder."""
    uri = path.absolute().as_uri()
    try:
        db = sqlite3.connect(f"{uri}?mode=ro", uri=True, check_same_thread=False, timeout=10)
        begin = harden(db)
        db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise sqlite3.OperationalError(
                f"{error}; its newest rows are in {wal.name}, which cannot be read in a read-only folder without "
                f"{path.name}-shm: copy the folder to where it can be written"
            ) from error
        if os.access(path.parent, os.W_OK):
            raise
        db = sqlite3.connect(f"{uri}?immutable=1", uri=True, check_same_thread=False)
        begin = harden(db)
        db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    return db, begin
