"""After a lost answer, a death, or a run: ask AWS what took effect, and prove a step by reading it back."""

from collections.abc import Iterator
from datetime import UTC, datetime

from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.blocks.model import sentences
from vpce_tui.engine.execution_context import ExecutionContext, OutcomeUnknown, StepError, StepFailed
from vpce_tui.engine.outcome import VERIFICATION, Ended, Outcome, Progress, ProgressState
from vpce_tui.incident.rows import CallCheck, StepVerification
from vpce_tui.incident.states import CallState, VerificationState
from vpce_tui.plans.live_step import LiveStep
from vpce_tui.plans.plan import PlannedCall, Step
from vpce_tui.plans.plan_validation import recorded_step
from vpce_tui.plans.targets.planning_context import TargetGone


def reconcile_calls(context: ExecutionContext, step: Step) -> Outcome | None:
    """Ask AWS about every call of the step whose outcome is not known; an outcome only where AWS does not say."""
    record = context.record().step(context.key(step.id))
    for made in record.calls_with_unknown_outcome:
        undo = made.id in record.undo_calls and record.undo_calls[made.id] is made
        began = datetime.fromisoformat(made.at) if made.at else datetime.now(UTC)
        planned = _find(step, made.id, undo=undo)
        if planned is None and record.planned:  # a plan made since may ask for less: what was begun is in the record
            planned = _find(recorded_step(record.planned), made.id, undo=undo)
        if planned is None:
            return Outcome(
                Ended.OUTCOME_UNKNOWN,
                f"the plan does not know the call {made.id} that was started; check it in AWS",
            )
        try:
            check_call_outcome(context, step, planned, undo=undo, began=began)
        except StepError as lost:
            if lost.outcome.ended is Ended.OUTCOME_UNKNOWN:
                return lost.outcome
    return None


def check_call_outcome(
    context: ExecutionContext, step: Step, planned: PlannedCall, *, undo: bool, began: datetime
) -> dict[str, str]:
    """Whether ``planned`` took effect, from live state. Gives what it would have given; raises :class:`StepError`.

    While the call may still be under way (it began less than :attr:`WaitPolicy.under_way` seconds ago) *not there* is
    no answer.
    """
    context.on_progress(
        Progress(
            step=step.id, call=planned.id, state=ProgressState.ASKING, says="checking with AWS whether it took effect"
        )
    )
    found, saw, live = CallState.UNKNOWN, "", None
    for wait in _waits(context, began):
        if wait:
            context.cancel.wait(wait)
        try:
            live = context.live(step, undone=undo)
        except (AwsError, TargetGone) as error:
            found, saw = CallState.UNKNOWN, error.sentence() if isinstance(error, AwsError) else str(error)
            continue
        found = _found(live, planned, undo=undo)
        saw = f"read back: {planned.why or planned.name}: {found}"
        if found is CallState.DONE:
            break
    gave = (
        {name: live.step.bindings[name] for name in planned.gives if live and name in live.step.bindings}
        if found is CallState.DONE
        else {}
    )
    context.journal.append(
        CallCheck(
            step=context.key(step.id),
            call=planned.id,
            found=found,
            saw=saw,
            gave=gave,
            undo=undo,
            undoes=planned.undoes,
        )
    )
    context.on_progress(Progress(step=step.id, call=planned.id, state=ProgressState(found), says=saw))
    if found is CallState.DONE:
        return gave
    if found is CallState.NOT_DONE:
        raise StepFailed(
            Outcome(
                Ended.FAILED,
                f"{planned.why or planned.name} did not take effect (checked with AWS); run the step again",
            )
        )
    raise OutcomeUnknown(
        Outcome(
            Ended.OUTCOME_UNKNOWN,
            f"it is unknown whether {planned.name} took effect: {saw}",
            ("check it yourself, then record the outcome: vpce-tui resolve --incident NAME STEP CALL done|not-done",),
        )
    )


def _waits(context: ExecutionContext, began: datetime) -> Iterator[float]:
    """Seconds to wait before each time of asking."""
    yield 0.0
    yield from context.wait_policy.call_outcome
    while (left := context.wait_policy.under_way - (datetime.now(UTC) - began).total_seconds()) > 0:
        yield min(left, 5.0)


def resolve_call(context: ExecutionContext, step_id: str, call_id: str, done: bool) -> None:
    """Record the outcome of a call whose result is unknown, as the operator found it."""
    record = context.record().step(context.key(step_id))
    undo = call_id in record.undo_calls and record.undo_calls[call_id].state in (CallState.INTENDED, CallState.UNKNOWN)
    planned = _find(context.plan.step(step_id), call_id, undo=undo)
    context.journal.append(
        CallCheck(
            step=context.key(step_id),
            call=call_id,
            undo=undo,
            undoes=planned.undoes if planned else (),
            found=CallState.DONE if done else CallState.NOT_DONE,
            saw="decided by the operator",
        )
    )


def verify_step(context: ExecutionContext, step: Step, *, nothing: bool) -> Outcome:
    """Read the step back until it is verified, or time is up. ``nothing``: no call was needed."""
    key, proof, saw = context.key(step.id), VerificationState.NOT_YET, ""
    live: LiveStep | None = None
    for wait in (0.0, *context.wait_policy.verification):
        if wait:
            context.on_progress(Progress(step=step.id, call=VERIFICATION, state=ProgressState.WAITING, says=saw))
            context.cancel.wait(wait)
        try:
            live = context.live(step)
        except AwsError as error:
            proof, saw = VerificationState.NOT_YET, f"could not be read back: {error.sentence()}"
            if error.kind in (ErrorKind.EXPIRED, ErrorKind.NO_CREDENTIALS):
                break
            continue
        proof, saw = live.read_back()
        if proof is not VerificationState.NOT_YET:
            break
    context.journal.append(StepVerification(step=key, verification=proof, saw=saw))
    context.on_progress(Progress(step=step.id, call=VERIFICATION, state=ProgressState(proof), says=saw))
    if proof is VerificationState.VERIFIED:
        said = "already in effect; no call was made" if nothing else saw
        return Outcome(Ended.VERIFIED, said, sentences(live.step.content) if live else ())
    return Outcome(Ended.FAILED if proof is VerificationState.FAILED else Ended.NOT_VERIFIED, saw)


def _find(step: Step, call_id: str, *, undo: bool) -> PlannedCall | None:
    calls = step.undo if undo else (*step.calls, *step.already)
    return next((call for call in calls if call.id == call_id), None)


def _found(live: LiveStep, planned: PlannedCall, *, undo: bool) -> CallState:
    """Whether a call took effect, from a step planned live: done, not done, or unknown."""
    if live.unknown:
        return CallState.UNKNOWN
    there, wanted = {call.id for call in live.step.already}, {call.id for call in live.step.calls}
    if undo:
        if there & set(planned.undoes):
            return CallState.NOT_DONE
        return CallState.DONE if set(planned.undoes) <= wanted or not live.step.blocked else CallState.UNKNOWN
    if planned.id in there:
        return CallState.DONE
    return CallState.NOT_DONE if planned.id in wanted else CallState.UNKNOWN
