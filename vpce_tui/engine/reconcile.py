"""After a lost answer, a death, or a run: ask AWS what took effect, and prove a step by reading it back."""

from collections.abc import Iterator
from datetime import UTC, datetime

from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.engine.execution_context import ExecutionContext, Lost
from vpce_tui.engine.outcome import Ended, Outcome, Progress
from vpce_tui.incident.journal import RowKind
from vpce_tui.plans.plan import PlannedCall, Step
from vpce_tui.plans.plan_validation import recorded_step
from vpce_tui.plans.planner import Live
from vpce_tui.plans.targets.planning_context import TargetGone


def settle_open(work: ExecutionContext, step: Step) -> Outcome | None:
    """Ask AWS about every call of the step whose outcome is not known; an outcome only where AWS cannot tell."""
    record = work.record().step(work.key(step.id))
    for made in record.open_calls:
        undo = made.id in record.undo_calls and record.undo_calls[made.id] is made
        began = datetime.fromisoformat(made.at) if made.at else datetime.now(UTC)
        planned = _find(step, made.id, undo=undo)
        if (
            planned is None and record.planned
        ):  # a plan made since may ask for less: what was begun stands in the record
            planned = _find(recorded_step(record.planned), made.id, undo=undo)
        if planned is None:
            return Outcome(
                Ended.UNKNOWN, f"the plan does not know the call {made.id} that was begun; look at it by hand"
            )
        try:
            ask(work, step, planned, undo=undo, began=began)
        except Lost as lost:
            if lost.outcome.ended is Ended.UNKNOWN:
                return lost.outcome
    return None


def ask(work: ExecutionContext, step: Step, planned: PlannedCall, *, undo: bool, began: datetime) -> dict[str, str]:
    """Whether ``planned`` took effect, from live state. Gives what it would have given; raises :class:`Lost`.

    While the call may still be under way (it began less than :attr:`Patience.under_way` seconds ago) *not there* is
    no answer.
    """
    key = work.key(step.id)
    about = {"step": key, "call": planned.id, "undo": undo, "undoes": list(planned.undoes)}
    work.tell(Progress(step.id, planned.id, "asking", "asking AWS whether it took effect"))
    found, saw, live = "cannot tell", "", None
    for wait in _waits(work, began):
        if wait:
            work.cancel.wait(wait)
        try:
            live = work.live(step, undone=undo)
        except (AwsError, TargetGone) as error:
            found, saw = "cannot tell", error.sentence() if isinstance(error, AwsError) else str(error)
            continue
        found = _found(live, planned, undo=undo)
        saw = f"read back: {planned.why or planned.name}: {found}"
        if found == "done":
            break
    gave = (
        {name: live.step.bindings[name] for name in planned.gives if live and name in live.step.bindings}
        if found == "done"
        else {}
    )
    work.journal.append(RowKind.CHECK, {**about, "found": found, "saw": saw, "gave": gave})
    work.tell(Progress(step.id, planned.id, found, saw))
    if found == "done":
        return gave
    if found == "not done":
        raise Lost(
            Outcome(
                Ended.FAILED,
                f"{planned.why or planned.name} did not take effect (AWS was asked); run the step again to make it",
            )
        )
    raise Lost(
        Outcome(
            Ended.UNKNOWN,
            f"AWS cannot tell whether {planned.name} took effect: {saw}",
            ("check it yourself, then record the outcome: vpce-tui resolve --incident NAME STEP CALL done|not-done",),
        )
    )


def _waits(work: ExecutionContext, began: datetime) -> Iterator[float]:
    """Seconds to wait before each time of asking."""
    yield 0.0
    yield from work.patience.ask
    while (left := work.patience.under_way - (datetime.now(UTC) - began).total_seconds()) > 0:
        yield min(left, 5.0)


def decide(work: ExecutionContext, step_id: str, call_id: str, done: bool) -> None:
    """The operator says what became of a call that AWS cannot tell about."""
    record = work.record().step(work.key(step_id))
    undo = call_id in record.undo_calls and record.undo_calls[call_id].state in ("intended", "unknown")
    planned = _find(work.plan.step(step_id), call_id, undo=undo)
    work.journal.append(
        RowKind.CHECK,
        {
            "step": work.key(step_id), "call": call_id, "undo": undo, "undoes": list(planned.undoes) if planned else [],
            "found": "done" if done else "not done", "saw": "decided by the operator",
        },
    )  # fmt: skip


def prove(work: ExecutionContext, step: Step, *, nothing: bool) -> Outcome:
    """Read the step back until it is proved, or time is up. ``nothing``: no call was needed."""
    key, proof, saw = work.key(step.id), "not yet", ""
    live: Live | None = None
    for wait in (0.0, *work.patience.prove):
        if wait:
            work.tell(Progress(step.id, "proof", "waiting", saw))
            work.cancel.wait(wait)
        try:
            live = work.live(step)
        except AwsError as error:
            proof, saw = "not yet", f"could not be read back: {error.sentence()}"
            if error.kind in (ErrorKind.EXPIRED, ErrorKind.NO_CREDENTIALS):
                break
            continue
        proof, saw = live.proof
        if proof != "not yet":
            break
    work.journal.append(RowKind.CHECK, {"step": key, "proof": proof, "saw": saw})
    work.tell(Progress(step.id, "proof", proof, saw))
    if proof == "proved":
        said = "already so; nothing was called" if nothing else saw
        return Outcome(Ended.NOTHING if nothing else Ended.PROVED, said, live.step.notes if live else ())
    return Outcome(Ended.FAILED if proof == "failed" else Ended.UNPROVED, saw)


def _find(step: Step, call_id: str, *, undo: bool) -> PlannedCall | None:
    calls = step.undo if undo else (*step.calls, *step.already)
    return next((call for call in calls if call.id == call_id), None)


def _found(live: Live, planned: PlannedCall, *, undo: bool) -> str:
    """Whether a call took effect, from a step planned live: done, not done, cannot tell."""
    if live.world.unknown:
        return "cannot tell"
    there, wanted = {call.id for call in live.step.already}, {call.id for call in live.step.calls}
    if undo:
        if there & set(planned.undoes):
            return "not done"
        return "done" if set(planned.undoes) <= wanted or not live.step.blocked else "cannot tell"
    if planned.id in there:
        return "done"
    return "not done" if planned.id in wanted else "cannot tell"
