"""Rows as one writes them who knows how."""

import sqlite3
from pathlib import Path
from typing import Any

from vpce_tui.incident.journal import row_hash


def append_raw(folder: Path, kind: str, payload: str, **columns: Any) -> None:
    """A row whose hash fits, whatever its payload: as one writes who knows how."""
    db = sqlite3.connect(folder / "journal.db", isolation_level=None)
    seq, previous = db.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    time, operator = "2026-11-27T03:00:00.000000Z", "arn:aws:iam::123456789012:user/ann"
    own = row_hash(previous, seq + 1, time, operator, kind, payload)
    db.execute("INSERT INTO journal VALUES (?,?,?,?,?,?,?)", (seq + 1, time, operator, kind, payload, previous, own))
    db.close()
