"""Recomputes a whole record: every row's hash, the chain, every evidence file."""

import itertools
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vpce_tui.incident.evidence import LARGEST, evidence_path, file_hash
from vpce_tui.incident.journal import GENESIS, Journal, row_hash
from vpce_tui.incident.record_errors import NotAJournal, RecordError
from vpce_tui.incident.rows import EvidenceKept, JournalRow, RowContent, RowKind

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class IntegrityCheck:
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


def verify(folder: Path) -> IntegrityCheck:
    """Check the record in ``folder`` without changing anything. Raises :class:`RecordError` where there is none to read."""
    try:
        with Journal.open(folder, "verify", write=False) as journal:
            verdict = check_rows(journal.rows(), folder)
            problem = journal.lacking if verdict.good else ""
            return replace(verdict, problem=f"the file was changed: {problem}") if problem else verdict
    except NotAJournal as error:
        return IntegrityCheck(rows=0, evidence=0, head=GENESIS, wrong_row=0, problem=str(error))


def row_of(folder: Path, head: str) -> int:
    """The number of the row whose hash is ``head``; 0 where there is none."""
    with Journal.open(folder, "verify", write=False) as journal:
        return next((row.seq for row in journal.rows() if row.hash == head), 0)


def check_rows(rows: Iterable[JournalRow], folder: Path) -> IntegrityCheck:
    """The verdict over ``rows``, with evidence looked up below ``folder``."""
    previous, count, files = GENESIS, 0, 0
    looked_at: dict[tuple[str, int], str] = {}
    known = iter(rows)
    for expected in itertools.count(1):
        try:
            row = next(known)
        except StopIteration:
            break
        except RecordError as error:
            return IntegrityCheck(rows=count, evidence=files, head=previous, wrong_row=expected, problem=str(error))
        problem = _row_problem(row, expected, previous)
        if not problem and row.kind == RowKind.EVIDENCE.value:
            problem = _evidence_problem(row.content, folder, looked_at)
            files += 1
        if problem:
            return IntegrityCheck(rows=count, evidence=files, head=previous, wrong_row=row.seq, problem=problem)
        previous, count = row.hash, count + 1
    if not count:
        return IntegrityCheck(rows=0, evidence=0, head=previous, wrong_row=0, problem="the record is empty")
    return IntegrityCheck(count, files, previous)


def _row_problem(row: JournalRow, expected: int, previous: str) -> str:
    if row.seq != expected:
        return f"row {expected} is missing: the next one is {row.seq}"
    if row.previous != previous:
        return "its hash does not match the row before it"
    try:
        own = row_hash(row.previous, row.seq, row.time, row.operator, row.kind, row.payload)
    except (ValueError, RecursionError):
        return "it cannot be read"
    if row.hash != own:
        return "its content was changed"
    try:
        row.content  # noqa: B018 - reading it is the check
    except RecordError:
        return "its content is not valid for a record"
    return ""


def _evidence_problem(content: RowContent, folder: Path, looked_at: dict[tuple[str, int], str]) -> str:
    """What is wrong with the file that a row names; each file is hashed once."""
    if not isinstance(content, EvidenceKept) or not _SHA256.fullmatch(content.sha256):
        return "it names no evidence file"
    named = (content.sha256, content.size)
    if named not in looked_at:
        looked_at[named] = _file_problem(content.sha256, content.size, folder)
    return looked_at[named]


def _file_problem(sha256: str, size: int, folder: Path) -> str:
    path = evidence_path(folder, sha256)
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return f"its evidence file {sha256} is a link, or not a file"
        if found.st_size == size and size > LARGEST:
            return f"its evidence file {sha256} is larger than vpce-tui allows ({size:,} bytes)"
        if found.st_size != size or file_hash(path) != sha256:
            return f"its evidence file {sha256} was changed"
    except FileNotFoundError:
        return f"its evidence file {sha256} is missing"
    except OSError as error:
        return f"its evidence file {sha256} cannot be read: {error.strerror}"
    return ""
