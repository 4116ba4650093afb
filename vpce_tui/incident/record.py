"""What a journal amounts to: the state of every step, folded from its rows.

A record does not change: rows that follow give another one (:func:`replay`), which shares with it the steps that they leave alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.cloudtrail.event import EPOCH
from vpce_tui.cloudtrail.recorded_calls import RecordedCall, RecordedCalls
from vpce_tui.core.json_values import mappings, string
from vpce_tui.incident.progress import PlaybookProgress, UnfinishedStep
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.rows import (
    CallCheck,
    CallResult,
    CallsIntended,
    DryRunResult,
    ErrorRecorded,
    EvidenceKept,
    IncidentClosed,
    IncidentOpened,
    JournalRow,
    NoteWritten,
    PersonApproved,
    RowContent,
    RunApproved,
    StepPlan,
    StepVerification,
    WholePlan,
)
from vpce_tui.incident.states import SETTLED, CallState, Decision, StepState, VerificationState
from vpce_tui.inventory.parse import moment


@dataclass
class CallStatus:
    """What is known of a call since its intent was written, by the id that it has in the plan."""

    id: str
    call: Call
    """With its parameters as they were written down."""
    intent: int
    """Number of the row that says that it is about to be made."""
    state: CallState = CallState.INTENDED
    gave: dict[str, str] = field(default_factory=dict)
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
    calls: dict[str, CallStatus] = field(default_factory=dict)
    undo_calls: dict[str, CallStatus] = field(default_factory=dict)
    probes: dict[str, CallStatus] = field(default_factory=dict)
    """The newest dry runs."""
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

    def copy(self) -> "StepRecord":
        """The same, for rows to change."""
        return replace(
            self,
            older_calls=dict(self.older_calls),
            older_undo=dict(self.older_undo),
            calls={key: replace(call, gave=dict(call.gave)) for key, call in self.calls.items()},
            undo_calls={key: replace(call, gave=dict(call.gave)) for key, call in self.undo_calls.items()},
            probes=dict(self.probes),
            evidence=dict(self.evidence),
            missing=dict(self.missing),
            notes=list(self.notes),
            approvals=set(self.approvals),
            spent=set(self.spent),
            used_for=dict(self.used_for),
            made_under={number: set(made) for number, made in self.made_under.items()},
        )

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
    def calls_with_unknown_outcome(self) -> list[CallStatus]:
        """Calls, or undo calls, whose outcome is not known."""
        return [
            call
            for call in (*self.calls.values(), *self.undo_calls.values())
            if call.state in (CallState.INTENDED, CallState.UNKNOWN)
        ]


@dataclass(frozen=True, slots=True)
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
    plans: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The latest whole plan by ``playbook/target``."""
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    recorded_calls: RecordedCalls = field(default_factory=dict)
    """The calls that AWS answered, by its request id."""

    def progress_on(self, target: str) -> tuple[PlaybookProgress, ...]:
        """Of every playbook that was run on ``target``, the one begun last first."""
        found = []
        for key in reversed(tuple(self.plans)):
            playbook, _, of = key.partition("/")
            if of != target:
                continue
            ids = [string(step, "id") for step in mappings(self.plans[key], "steps")]
            states = [self.step(f"{key}/{step}").state for step in ids]
            if any(state is not StepState.TODO for state in states):
                found.append(
                    PlaybookProgress(
                        playbook=playbook,
                        done=sum(state in SETTLED for state in states),
                        skipped=sum(state is StepState.SKIPPED for state in states),
                        steps=len(ids),
                    )
                )
        return tuple(found)

    def unfinished(self) -> tuple[UnfinishedStep, ...]:
        """Steps of the playbooks that were run which are not settled: skipped, undone, failed, open; or never run, where the plan has
        something to do."""
        found = []
        for key, plan in self.plans.items():
            for step in mappings(plan, "steps"):
                state = self.step(f"{key}/{string(step, 'id')}").state
                idle = step.get("kind") == "change" and not step.get("calls") and not step.get("blocked")
                if state not in SETTLED and not (state is StepState.TODO and idle):
                    found.append(UnfinishedStep(key, string(step, "title") or string(step, "id"), state))
        return tuple(found)

    def step(self, key: str) -> StepRecord:
        """The step's record (an empty one where nothing was done)."""
        return self.steps.get(key) or StepRecord(key)


EMPTY: Final = Record()
_TEXTS: Final = ("id", "account", "opened_at", "opened_by", "reason", "closed_at", "operator")
DAMAGED: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading a plan in a row raises that no version of ours wrote."""


def _damaged(row: JournalRow) -> RecordError:
    return RecordError(f"row {row.seq} of the record is damaged. Run vpce-tui verify.")


def replay(rows: Iterable[JournalRow], known: Record = EMPTY) -> Record:
    """The record after ``rows``, oldest first, which follow those that ``known`` was folded from.

    Raises :class:`RecordError` for a row that no version of ours wrote.
    """
    values = {name: getattr(known, name) for name in _TEXTS}
    plans, steps = dict(known.plans), dict(known.steps)
    own: set[str] = set()
    recorded: dict[str, RecordedCall] = {}
    for row in rows:
        content = row.content
        values["id"] = values["id"] or row.hash
        values["operator"] = row.operator
        match content:
            case IncidentOpened():
                values |= {"account": content.account, "reason": content.reason}
                values |= {"opened_at": row.time, "opened_by": row.operator}
            case IncidentClosed():
                values["closed_at"] = row.time
            case WholePlan():
                names = [string(content.whole, "playbook"), string(content.whole, "target")]
                if not all(names):
                    raise _damaged(row)
                plans["/".join(names)] = content.whole
        key = getattr(content, "step", "")
        if not key:
            continue
        if key not in own:
            steps[key] = steps[key].copy() if key in steps else StepRecord(key)
            own.add(key)
        try:
            _change(steps[key], content, row)
        except DAMAGED as error:
            raise _damaged(row) from error
        for request_id, made in _answered(steps[key], content):
            recorded[request_id] = _recorded_call(made, row, values["account"])
    calls = {**known.recorded_calls, **recorded} if recorded else known.recorded_calls
    return Record(**values, plans=plans, steps=steps, recorded_calls=calls)


def _answered(step: StepRecord, content: RowContent) -> Iterator[tuple[str, CallStatus]]:
    """The calls of the step that a row has AWS's answers to, each by its request id; none whose intent is not recorded."""
    if isinstance(content, CallResult) and content.request_id:
        made = (step.undo_calls if content.undo else step.calls).get(content.call)
        if made is not None:
            yield content.request_id, made
    elif isinstance(content, DryRunResult):
        for name, request_id in content.request_ids.items():
            if name in step.probes:
                yield request_id, step.probes[name]


def _recorded_call(made: CallStatus, row: JournalRow, account: str) -> RecordedCall:
    call = made.call
    return RecordedCall(call.operation, call.region, account, row.operator, moment(made.at) or EPOCH)


def _change(step: StepRecord, content: RowContent, row: JournalRow) -> None:
    match content:
        case StepPlan():
            _planned(step, content.plan)
        case RunApproved():
            step.state = StepState.RUNNING  # a step whose undo was begun is verified no more
        case PersonApproved():
            step.approvals.add(content.approval)
            step.used_for.setdefault(content.approval, content.undo)
        case CallsIntended():
            _intended(step, content, row)
        case DryRunResult():
            step.state = StepState.FAILED if content.denied else step.state
        case CallResult():
            _result(step, content)
        case StepVerification():
            _verified(step, content)
        case CallCheck():
            _checked(step, content)
        case EvidenceKept():
            step.evidence[content.evidence] = content.sha256
            step.missing.pop(content.evidence, None)
        case NoteWritten():
            step.state = _DECIDED[content.decision] if content.decision else step.state
            step.notes += [content.text] if content.text else []
        case ErrorRecorded() if content.evidence:
            step.missing[content.evidence] = content.error
        case ErrorRecorded():
            step.saw = content.error


def _planned(step: StepRecord, plan: Mapping[str, Any]) -> None:
    """The newest plan, with the calls that earlier plans made and their inverses: nothing we did is forgotten."""
    before = step.newest
    calls, already, undo = plan["calls"], plan.get("already", ()), plan["undo"]
    for call in (*calls, *already, *undo):
        if not isinstance(call["id"], str) or not all(isinstance(name, str) for name in call.get("undoes", ())):
            raise ValueError("a call that is in no plan")
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


def _intended(step: StepRecord, content: CallsIntended, row: JournalRow) -> None:
    if content.probe:
        step.probes = {
            call.id: CallStatus(id=call.id, call=call.resolved, intent=row.seq, at=row.time) for call in content.calls
        }
        return
    step.half_undone = content.undo
    into = step.undo_calls if content.undo else step.calls
    for call in content.calls:
        into[call.id] = CallStatus(id=call.id, call=call.resolved, intent=row.seq, at=row.time)


def _result(step: StepRecord, content: CallResult) -> None:
    known = content.outcome_known
    _settle(step, content, CallState.DONE if content.ok else CallState.FAILED if known else CallState.UNKNOWN)
    if not content.ok:
        if known:
            _run_ended(step)
        step.state = StepState.FAILED if known else StepState.OUTCOME_UNKNOWN
        step.saw = content.error


def _run_ended(step: StepRecord) -> None:
    step.spent |= step.approvals
    step.approvals = set()


def _verified(step: StepRecord, content: StepVerification) -> None:
    _run_ended(step)
    step.saw = content.saw
    if content.undo:
        undone = content.verification is VerificationState.VERIFIED
        step.state = StepState.UNDONE if undone else StepState.NOT_VERIFIED
        step.rounds += undone
        step.half_undone = not undone
    else:
        waits = content.verification is VerificationState.NOT_YET
        step.state = (
            StepState.INCOMPLETE if waits and step.newest.get("kind") == "read" else _VERIFIED[content.verification]
        )


def _checked(step: StepRecord, content: CallCheck) -> None:
    if content.found not in _FOUND:
        raise ValueError("a state that no verification gives")
    _settle(step, content, content.found)
    if content.found is CallState.UNKNOWN:
        step.state = StepState.OUTCOME_UNKNOWN
    elif content.found is CallState.NOT_DONE and step.state is not StepState.RUNNING:
        step.state = StepState.FAILED


_FOUND: Final = (CallState.DONE, CallState.NOT_DONE, CallState.UNKNOWN)
"""What is found when AWS is asked whether a call took effect."""
_VERIFIED: Final = {
    VerificationState.VERIFIED: StepState.VERIFIED,
    VerificationState.NOTHING_TO_DO: StepState.NOTHING_TO_DO,
    VerificationState.NOT_YET: StepState.NOT_VERIFIED,
    VerificationState.FAILED: StepState.FAILED,
}
_DECIDED: Final = {
    Decision.SKIPPED: StepState.SKIPPED,
    Decision.MANUAL: StepState.MANUAL,
    Decision.OPEN: StepState.OPEN,
}


def _settle(step: StepRecord, content: CallResult | CallCheck, state: CallState) -> None:
    made = (step.undo_calls if content.undo else step.calls).get(content.call)
    if made is None:
        return
    made.state = state
    made.gave.update(content.gave)
    if state is CallState.DONE:
        for number in step.approvals:
            step.made_under.setdefault(number, set()).add(made.id)
    if state is CallState.DONE and content.undo:
        for forward in content.undoes:
            if forward in step.calls:
                step.calls[forward].state = CallState.UNDONE
                step.calls[forward].gave.clear()
