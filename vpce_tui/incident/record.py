"""What a journal amounts to: the state of every step, folded from its rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vpce_tui.incident.journal import JournalRow, RowKind
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.states import CallState, Decision, StepState, VerificationState


@dataclass
class JournaledCall:
    """One API call as the record knows it."""

    id: str
    intent: int
    state: CallState = CallState.INTENDED
    service: str = ""
    operation: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    gave: dict[str, str] = field(default_factory=dict)
    says: str = ""
    seconds: float = 0.0
    at: str = ""
    """When the intent was written (RFC 3339)."""


@dataclass
class StepRecord:
    """One step as the record knows it."""

    key: str
    state: StepState = StepState.TODO
    newest: Mapping[str, Any] = field(default_factory=dict)
    """The plan's JSON as it was last approved."""
    older_calls: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Calls of earlier plans that were made, and that the newest plan does not have."""
    older_undo: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Inverses of such calls."""
    calls: dict[str, JournaledCall] = field(default_factory=dict)
    undo_calls: dict[str, JournaledCall] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    saw: str = ""
    notes: list[str] = field(default_factory=list)
    rounds: int = 0
    """How often it was undone."""
    half_undone: bool = False
    """Whether an undo was begun and has not ended."""
    approvals: set[str] = field(default_factory=set)
    """Numbers of the approvals of the run that is under way; one that was interrupted continues with them."""
    spent: set[str] = field(default_factory=set)
    """Numbers of approvals whose run has ended."""
    used_for: dict[str, bool] = field(default_factory=dict)
    """What each approval was used for first, by its number: True for an undo. It counts for nothing else."""
    made_under: dict[str, set[str]] = field(default_factory=dict)
    """Calls that were made under an approval, by its number: an interrupted run continues with those that were not."""

    @property
    def planned(self) -> Mapping[str, Any]:
        """The newest plan's JSON, with what earlier plans made and how to take that back; empty: there is none."""
        if not self.newest or not (self.older_calls or self.older_undo):
            return self.newest
        already = [*self.newest.get("already", ()), *self.older_calls.values()]
        return {**self.newest, "already": already, "undo": [*self.newest["undo"], *self.older_undo.values()]}

    @property
    def id(self) -> str:
        """The step's id within its playbook."""
        return self.key.rpartition("/")[2]

    @property
    def done_by_us(self) -> frozenset[str]:
        """Calls that took effect because we made them, and that we did not take back."""
        return frozenset(call.id for call in self.calls.values() if call.state is CallState.DONE)

    @property
    def bindings(self) -> dict[str, str]:
        """What earlier calls gave."""
        return {name: value for call in self.calls.values() for name, value in call.gave.items()}

    @property
    def open_calls(self) -> list[JournaledCall]:
        """Calls, or undo calls, whose outcome is not known."""
        return [
            call
            for call in (*self.calls.values(), *self.undo_calls.values())
            if call.state in (CallState.INTENDED, CallState.UNKNOWN)
        ]


@dataclass
class Record:
    """The state of an incident, folded from its rows."""

    id: str = ""
    """Hash of the first row: no other incident has it, whatever its name."""
    account: str = ""
    opened_at: str = ""
    opened_by: str = ""
    reason: str = ""
    closed_at: str = ""
    operator: str = ""
    plans: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The latest whole plan by ``playbook/target``."""
    steps: dict[str, StepRecord] = field(default_factory=dict)

    def step(self, key: str) -> StepRecord:
        """The step's record (an empty one where nothing was done)."""
        return self.steps.setdefault(key, StepRecord(key))


DAMAGED: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading a row raises that no version of ours wrote."""


def replay(rows: Iterable[JournalRow]) -> Record:
    """Fold the rows, oldest first."""
    record = Record()
    for row in rows:
        try:
            data = row.data
        except (ValueError, RecursionError) as error:
            raise RecordError(f"row {row.seq} of the record is damaged: {error}. Run vpce-tui verify.") from error
        if not isinstance(data, dict):
            raise RecordError(f"row {row.seq} of the record is damaged. Run vpce-tui verify.")
        handler = _HANDLERS.get(row.kind)
        record.id = record.id or row.hash
        record.operator = row.operator
        if row.kind == RowKind.OPENED.value:
            record.account, record.reason = str(data.get("account", "")), str(data.get("reason", ""))
            record.opened_at, record.opened_by = row.time, row.operator
        elif row.kind == RowKind.CLOSED.value:
            record.closed_at = row.time
        elif row.kind == RowKind.PLAN.value and "whole" in data:
            whole = data["whole"]
            if not isinstance(whole, dict) or not all(
                isinstance(whole.get(key), str) for key in ("playbook", "target")
            ):
                raise RecordError(f"row {row.seq} of the record is damaged. Run vpce-tui verify.")
            record.plans[f"{whole['playbook']}/{whole['target']}"] = whole
        elif handler and data.get("step"):
            try:
                handler(record.step(str(data["step"])), data, row)
            except DAMAGED as error:
                raise RecordError(f"row {row.seq} of the record is damaged. Run vpce-tui verify.") from error
    return record


def _plan(step: StepRecord, data: Mapping[str, Any], _: JournalRow) -> None:
    """The newest plan, with the calls that earlier plans made and their inverses: nothing we did is forgotten."""
    before, plan = step.newest, dict(data["plan"])
    calls, already, undo = plan["calls"], plan.get("already", ()), plan["undo"]
    for call in (*calls, *already, *undo):
        if not isinstance(call["id"], str) or not all(isinstance(name, str) for name in call.get("undoes", ())):
            raise ValueError("a call that no plan has")
    if before:
        for call in (*before["calls"], *before.get("already", ())):
            if call["id"] in step.calls:
                step.older_calls.setdefault(call["id"], call)
        for call in before["undo"]:
            if not step.calls.keys().isdisjoint(call.get("undoes", ())):
                step.older_undo.setdefault(call["id"], call)
    for call in (*calls, *already):
        step.older_calls.pop(call["id"], None)
    for call in undo:
        step.older_undo.pop(call["id"], None)
    step.newest = plan


def _approved(step: StepRecord, data: Mapping[str, Any], _: JournalRow) -> None:
    if data.get("approval"):
        step.approvals.add(str(data["approval"]))
        step.used_for.setdefault(str(data["approval"]), bool(data.get("undo")))
        return
    step.state = StepState.RUNNING  # a step whose undo was begun is verified no more


def _intent(step: StepRecord, data: Mapping[str, Any], row: JournalRow) -> None:
    if data.get("probe"):
        return
    step.half_undone = bool(data.get("undo"))
    into = step.undo_calls if data.get("undo") else step.calls
    for call in data["calls"]:
        into[call["id"]] = JournaledCall(
            id=call["id"],
            intent=row.seq,
            state=CallState.INTENDED,
            service=call["service"],
            operation=call["operation"],
            parameters=call["parameters"],
            at=row.time,
        )


def _result(step: StepRecord, data: Mapping[str, Any], _: JournalRow) -> None:
    if data.get("probe"):
        if data.get("denied"):
            step.state = StepState.FAILED
        return
    known = data.get("outcomeKnown", True)
    _settle(step, data, CallState.DONE if data["ok"] else CallState.FAILED if known else CallState.UNKNOWN)
    if not data["ok"]:
        if known:
            _run_ended(step)
        step.state = StepState.FAILED if known else StepState.OUTCOME_UNKNOWN
        step.saw = str(data.get("error", ""))


def _run_ended(step: StepRecord) -> None:
    step.spent |= step.approvals
    step.approvals = set()


def _check(step: StepRecord, data: Mapping[str, Any], _: JournalRow) -> None:
    if "verification" in data:
        verification = VerificationState(data["verification"])
        _run_ended(step)
        step.saw = str(data.get("saw", ""))
        if data.get("undo"):
            undone = verification is VerificationState.VERIFIED
            step.state = StepState.UNDONE if undone else StepState.NOT_VERIFIED
            step.rounds += undone
            step.half_undone = not undone
        else:
            step.state = _VERIFIED[verification]
        return
    found = CallState(data["found"])
    if found not in _FOUND:
        raise ValueError("a state that reading back does not give")
    _settle(step, data, found)
    if found is CallState.UNKNOWN:
        step.state = StepState.OUTCOME_UNKNOWN
    elif found is CallState.NOT_DONE and step.state is not StepState.RUNNING:
        step.state = StepState.FAILED


_FOUND: Final = (CallState.DONE, CallState.NOT_DONE, CallState.UNKNOWN)
"""What is found when AWS is asked whether a call took effect."""
_VERIFIED: Final = {
    VerificationState.VERIFIED: StepState.VERIFIED,
    VerificationState.NOT_YET: StepState.NOT_VERIFIED,
    VerificationState.FAILED: StepState.FAILED,
}
_DECIDED: Final = {
    Decision.SKIPPED: StepState.SKIPPED,
    Decision.MANUAL: StepState.MANUAL,
    Decision.OPEN: StepState.OPEN,
}


def _settle(step: StepRecord, data: Mapping[str, Any], state: CallState) -> None:
    made = (step.undo_calls if data.get("undo") else step.calls).get(str(data["call"]))
    if made is None:
        return
    made.state, made.seconds = state, float(data.get("seconds", 0))
    made.says = str(data.get("error") or data.get("saw") or "")
    made.gave.update({str(name): str(value) for name, value in data.get("gave", {}).items()})
    if state is CallState.DONE:
        for number in step.approvals:
            step.made_under.setdefault(number, set()).add(made.id)
    if state is CallState.DONE and data.get("undo"):
        for forward in data.get("undoes", ()):
            if forward in step.calls:
                step.calls[forward].state = CallState.UNDONE
                step.calls[forward].gave.clear()


def _evidence(step: StepRecord, data: Mapping[str, Any], _: JournalRow) -> None:
    step.evidence[str(data["evidence"])] = str(data["sha256"])
    step.missing.pop(str(data["evidence"]), None)


def _note(step: StepRecord, data: Mapping[str, Any], _: JournalRow) -> None:
    if data.get("decision"):
        step.state = _DECIDED[Decision(data["decision"])]
    if data.get("text"):
        step.notes.append(str(data["text"]))


def _error(step: StepRecord, data: Mapping[str, Any], _: JournalRow) -> None:
    if data.get("evidence"):
        step.missing[str(data["evidence"])] = str(data.get("error", ""))
    else:
        step.saw = str(data.get("error", ""))


_HANDLERS = {
    RowKind.PLAN.value: _plan,
    RowKind.APPROVED.value: _approved,
    RowKind.INTENT.value: _intent,
    RowKind.RESULT.value: _result,
    RowKind.CHECK.value: _check,
    RowKind.EVIDENCE.value: _evidence,
    RowKind.NOTE.value: _note,
    RowKind.ERROR.value: _error,
}
