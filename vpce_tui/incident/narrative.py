"""The rows of a journal in words: what a person reads of an incident. Rows that only serve the machine are left out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from vpce_tui.core.text import many
from vpce_tui.incident.journal import JournalRow, RowKind
from vpce_tui.incident.record import DAMAGED
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
            when, told = row.time, _line(row, whys)
        except DAMAGED:
            said = f"row {row.seq} of the record is damaged. Run vpce-tui verify."
            told = NarrativeLine(when, row.operator.rpartition("/")[2], "", "", said, LineMark.FAILED)
        if told is not None:
            yield told


def _line(row: JournalRow, whys: dict[tuple[str, str], str]) -> NarrativeLine | None:
    """One row in words; None: it says nothing. ``whys``: what each call is for, of the plans so far."""
    data = row.data
    key, plan = str(data.get("step", "")), data.get("plan", {})
    if row.kind == RowKind.PLAN.value and plan:
        whys |= {(key, item["id"]): item.get("why", "") for item in (*plan["calls"], *plan.get("undo", ()))}
    call = str(data.get("call", ""))
    said, mark = _in_words(row, data, whys.get((key, call)) or call)
    if said:
        subject, _, step = key.rpartition("/")
        return NarrativeLine(
            time=row.time,
            operator=row.operator.rpartition("/")[2],
            subject=subject.replace("/", " on ", 1),
            step=step,
            says=f"undo: {said}" if data.get("undo") else said,
            mark=mark,
            calls_aws=row.kind == RowKind.RESULT.value and not data.get("probe"),
            decided=row.kind == RowKind.NOTE.value and bool(data.get("decision")),
        )
    return None


def _in_words(row: JournalRow, data: Mapping[str, Any], call: str) -> tuple[str, LineMark]:
    """One row; ``call``: what its call was for."""
    who = row.operator.rpartition("/")[2]
    if row.kind == RowKind.RESULT.value:
        return _result(data, call)
    if row.kind == RowKind.CHECK.value:
        proof = data.get("verification")
        said = f"{proof}: {data.get('saw')}" if proof else f"checked with AWS: {call}: {data['found']}"
        return said, LineMark.DONE if proof == VerificationState.VERIFIED else LineMark.NONE
    if row.kind == RowKind.ERROR.value:
        return f"{data.get('evidence', '')} {data.get('error')}".strip(), LineMark.FAILED
    return _plainly(row, data, who), LineMark.NONE


def _result(data: Mapping[str, Any], call: str) -> tuple[str, LineMark]:
    if data.get("probe"):
        denied = ", ".join(data.get("denied", ()))
        said = f"dry run passed for {many(len(data.get('passed', ())), 'call')}"
        return said + (f", denied: {denied}" if denied else ""), LineMark.NONE
    if data["ok"]:
        return f"{call} {' '.join(data.get('gave', {}).values())}".rstrip(), LineMark.DONE
    return f"{call}: {data.get('error')}", LineMark.FAILED


def _plainly(row: JournalRow, data: Mapping[str, Any], who: str) -> str:
    if row.kind == RowKind.OPENED.value:
        return f"opened by {who} for account {data.get('account')}"
    if row.kind == RowKind.OPERATOR.value:
        return f"{who} resumed"
    if row.kind == RowKind.PLAN.value:
        return "" if "whole" in data else f"plan shown: {many(len(data['plan']['calls']), 'call')}"
    if row.kind == RowKind.APPROVED.value:
        typed = f", typed {data['confirmed']}" if data.get("confirmed") else ""
        return f"approved by {who} ({data.get('how')}){typed}"
    if row.kind == RowKind.EVIDENCE.value:
        return f"evidence {data['evidence']}, {data['size']:,} bytes, {data['sha256'][:16]}…"
    if row.kind == RowKind.NOTE.value:
        return f"{data.get('decision') or 'note'}: {data.get('text')} ({who})"
    if row.kind == RowKind.UNDO.value:
        return f"undo shown: {many(len(data.get('calls', ())), 'call')}"
    return f"closed by {who}" if row.kind == RowKind.CLOSED.value else ""
