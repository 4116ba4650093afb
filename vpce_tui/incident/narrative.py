"""The rows of a journal in words: what a person reads of an incident. Rows that only serve the machine are left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from vpce_tui.core.json_values import mappings, string
from vpce_tui.core.text import many
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.rows import (
    ApprovalSigned,
    CallCheck,
    CallResult,
    DryRunResult,
    ErrorRecorded,
    EvidenceKept,
    IncidentClosed,
    IncidentOpened,
    JournalRow,
    NoteWritten,
    OperatorResumed,
    PersonApproved,
    RowContent,
    RunApproved,
    StepPlan,
    StepVerification,
    UndoShown,
)
from vpce_tui.incident.states import VerificationState

_UNKNOWN_TIME: Final = "1970-01-01T00:00:00Z"
"""The time of a row whose own cannot be read, where no row before it has one."""


class LineMark(StrEnum):
    """How a line is to be taken."""

    NONE = ""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NarrativeLine:
    """One row in words. ``subject``: the playbook and target that it is about, ``step``: the step (``""``: the incident itself).

    ``calls_aws``: a call was made, or taken back; ``decided``: a person skipped the step or did it. Not yet safe to show.
    """

    time: str
    operator: str
    subject: str
    step: str
    says: str
    mark: LineMark = LineMark.NONE
    calls_aws: bool = False
    decided: bool = False


def narrate(rows: Iterable[JournalRow]) -> Iterator[NarrativeLine]:
    """Each row that says something, in its order."""
    whys: dict[tuple[str, str], str] = {}
    when = _UNKNOWN_TIME
    for row in rows:
        try:
            datetime.fromisoformat(row.time).astimezone(UTC)
            when, line = row.time, _line(row, whys)
        except (ValueError, OverflowError, RecordError):
            said = f"row {row.seq} of the record is damaged. Run vpce-tui verify."
            line = NarrativeLine(when, row.operator.rpartition("/")[2], "", "", said, LineMark.FAILED)
        if line is not None:
            yield line


def _line(row: JournalRow, whys: dict[tuple[str, str], str]) -> NarrativeLine | None:
    """One row in words; None: it says nothing. ``whys``: what each call is for, of the plans so far."""
    content = row.content
    key = getattr(content, "step", "")
    if isinstance(content, StepPlan):
        for item in (*mappings(content.plan, "calls"), *mappings(content.plan, "undo")):
            whys[key, string(item, "id")] = string(item, "why")
    call = getattr(content, "call", "")
    said, mark = _in_words(content, row.operator.rpartition("/")[2], whys.get((key, call)) or call)
    if said:
        subject, _, step = key.rpartition("/")
        return NarrativeLine(
            time=row.time,
            operator=row.operator.rpartition("/")[2],
            subject=subject.replace("/", " on ", 1),
            step=step,
            says=f"undo: {said}" if getattr(content, "undo", False) else said,
            mark=mark,
            calls_aws=isinstance(content, CallResult),
            decided=isinstance(content, NoteWritten) and content.decision is not None,
        )
    return None


def _in_words(content: RowContent, who: str, call: str) -> tuple[str, LineMark]:
    """One row; ``who`` wrote it; ``call``: what its call was for."""
    match content:
        case DryRunResult():
            denied = f", denied: {', '.join(content.denied)}" if content.denied else ""
            return f"dry run passed for {many(len(content.passed), 'call')}{denied}", LineMark.NONE
        case CallResult() if content.ok:
            return f"{call} {' '.join(content.gave.values())}".rstrip(), LineMark.DONE
        case CallResult():
            return f"{call}: {content.error}", LineMark.FAILED
        case StepVerification():
            good = content.verification is VerificationState.VERIFIED
            said = "undone" if content.undo and good else content.verification
            return f"{said}: {content.saw}", LineMark.DONE if good else LineMark.NONE
        case CallCheck():
            return f"checked with AWS: {call}: {content.found}", LineMark.NONE
        case ErrorRecorded():
            return f"{content.evidence} {content.error}".strip(), LineMark.FAILED
    return _plainly(content, who), LineMark.NONE


def _plainly(content: RowContent, who: str) -> str:
    match content:
        case IncidentOpened():
            return f"opened by {who} for account {content.account}"
        case OperatorResumed():
            return f"{who} resumed"
        case StepPlan():
            return f"plan shown: {many(len(mappings(content.plan, 'calls')), 'call')}"
        case RunApproved():
            typed = f", typed {content.confirmed}" if content.confirmed else ""
            return f"approved by {who} ({content.how}){typed}"
        case ApprovalSigned():
            return f"{who} approved the plan of {content.playbook} on {content.target} ({content.how})"
        case PersonApproved():
            return f"approved by {content.by.rpartition('/')[2] or 'another person'} ({content.how})"
        case EvidenceKept():
            return f"evidence {content.evidence}, {content.size:,} bytes, {content.sha256[:16]}…"
        case NoteWritten():
            said = (
                f"{content.decision or 'note'}: {content.text}" if content.text else f"recorded as {content.decision}"
            )
            return f"{said} ({who})"
        case UndoShown():
            return f"undo shown: {many(len(content.calls), 'call')}"
        case IncidentClosed():
            return f"closed by {who}"
    return ""
