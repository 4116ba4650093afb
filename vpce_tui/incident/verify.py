"""Recomputes a whole record: every row's hash, the chain, every evidence file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vpce_tui.incident.evidence import evidence_path, file_hash
from vpce_tui.incident.journal import GENESIS, Journal, Kind, Row, row_hash


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found. ``head`` is the last good hash; ``wrong_row`` the first bad row (0: none)."""

    rows: int
    evidence: int
    head: str
    wrong_row: int = 0
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problem


def verify(folder: Path) -> Verdict:
    """Check the record in ``folder`` without changing anything. Raises ``RecordError`` where it cannot be read."""
    with Journal.open(folder, "verify", write=False) as journal:
        return check_rows(journal.rows(), folder)


def row_of(folder: Path, head: str) -> int:
    """The number of the row whose hash is ``head``; 0 where there is none."""
    with Journal.open(folder, "verify", write=False) as journal:
        return next((row.seq for row in journal.rows() if row.hash == head), 0)


def check_rows(rows: Iterable[Row], folder: Path) -> Verdict:
    """The verdict over ``rows``, with evidence looked up below ``folder``."""
    previous, count, files = GENESIS, 0, 0
    for expected, row in enumerate(rows, start=1):
        problem = _row_problem(row, expected, previous)
        if not problem and row.kind == Kind.EVIDENCE.value:
            problem = _file_problem(row, folder)
            files += 1
        if problem:
            return Verdict(count, files, previous, row.seq, problem)
        previous, count = row.hash, count + 1
    if not count:
        return Verdict(0, 0, previous, 0, "the record is empty")
    return Verdict(count, files, previous)


def _row_problem(row: Row, expected: int, previous: str) -> str:
    if row.seq != expected:
        return f"row {expected} is missing: the next one is {row.seq}"
    if row.previous != previous:
        return "it does not follow the row before it"
    if row.hash != row_hash(row.previous, row.seq, row.time, row.operator, row.kind, row.payload):
        return "its content was changed"
    return ""


def _file_problem(row: Row, folder: Path) -> str:
    data = row.data
    path = evidence_path(folder, str(data["sha256"]))
    if not path.is_file():
        return f"its evidence file {data['sha256']} is missing"
    if path.stat().st_size != data["size"] or file_hash(path) != data["sha256"]:
        return f"its evidence file {data['sha256']} was changed"
    return ""
