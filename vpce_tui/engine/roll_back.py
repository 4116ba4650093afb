"""The way back: the recorded inverse of what we did, where it is still as we left it, through the same path."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import to_builtins
from msgspec.structs import replace

from vpce_tui.aws.errors import AwsError, Cancelled
from vpce_tui.aws.gate import Refused
from vpce_tui.core.text import many, short
from vpce_tui.engine.approvals import not_approved
from vpce_tui.engine.early_exit import refusal, stopped
from vpce_tui.engine.execute import dry_run_calls, execute_calls
from vpce_tui.engine.execution_context import ExecutionContext, OutcomeUnknown, StepError
from vpce_tui.engine.outcome import VERIFICATION, Approval, Ended, Outcome, Progress, ProgressState
from vpce_tui.engine.reconcile import reconcile_calls
from vpce_tui.incident.rows import ErrorRecorded, RunApproved, StepVerification, UndoShown
from vpce_tui.incident.states import CallState, StepState, VerificationState
from vpce_tui.plans.placeholders import AWS_NOW, INCIDENT, TOKEN, Unresolved, fill, names, resolve
from vpce_tui.plans.plan import PlanError, PlannedCall, Step, StepKind, is_final
from vpce_tui.plans.plan_validation import recorded_step
from vpce_tui.plans.targets.planning_context import TargetGone, Unreadable


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoing a step would do: the step as recorded, the inverse calls in their order, and what is left as it is, with why.

    Every reference in a call that means something by now is filled in. It is shown whole before it is made, and nothing else
    is made.
    """

    step: Step
    calls: tuple[PlannedCall, ...] = ()
    left: tuple[str, ...] = ()
    recorded: tuple[PlannedCall, ...] = ()
    """The same calls as they were planned, and approved."""

    def shows(self, other: "Undo") -> bool:
        """Whether all that ``other`` would do is in this, in this order."""
        mine = {call.id: call for call in self.calls}
        order = [call.id for call in self.calls]
        theirs = [call.id for call in other.calls]
        return [name for name in order if name in theirs] == theirs and all(
            call.same_as(mine[call.id]) for call in other.calls
        )


def shown_parameters(call: PlannedCall) -> object:
    """The parameters of an inverse as they will be sent; a reference whose value only the run will know as ``$NAME``."""
    return resolve(call.parameters, {name: f"${name}" for name in names(call.parameters)})


def planned_undo(context: ExecutionContext, step_id: str, *, with_others: bool = False) -> Undo:
    """What undoing the step would do now. First AWS is asked about calls whose outcome is not known.

    Only what we did is taken back, and only where it is still as we left it. ``with_others``: as part of undoing
    everything; then the session cut of an instance that is gone stays. Raises :class:`Unreadable`, :class:`OutcomeUnknown`.
    """
    planned = context.record().step(context.key(step_id)).planned
    step = recorded_step(planned) if planned else context.plan.step(step_id)
    unknown = reconcile_calls(context, step)
    if unknown:
        raise OutcomeUnknown(unknown)
    record = context.record().step(context.key(step_id))
    ours = record.done_by_us
    if not ours:
        return Undo(step)
    strange = context.playbook_step(step_id).action.strange(replace(step, calls=(), already=()))
    if strange is not None:
        raise PlanError(
            f"the record has {strange.name} as an inverse of {step_id}, which is not valid for that step: undo it manually"
        )
    live = context.live(step, undone=True)
    for name, value in live.step.bindings.items():
        if record.bindings.get(name, value) != value:
            raise PlanError(f"for {name} the record has {record.bindings[name]}, and AWS has {value}: undo it manually")
    step = replace(step, bindings=live.step.bindings)
    if live.unknown:
        aspect, why = next(iter(live.unknown.items()))
        raise Unreadable(f"the {aspect} could not be read, so nothing is undone: {why}")
    still = {call.id for call in live.step.already} & ours
    calls, left = [], []
    for call in step.undo:
        if not ours & set(call.undoes):
            continue
        said = short(call.why or call.name, 200)
        reason = live.why_not_undone(call, bool(still & set(call.undoes)), with_others)
        if reason:
            left.append(f"{said}: {reason}")
        elif still & set(call.undoes):
            calls.append(call)
        else:
            left.append(f"{said}: it was changed by somebody since the step ran, so it is not undone")
    covered = {name for call in step.undo for name in call.undoes}
    lost = sorted(ours - covered)
    left += [f"{name}: no inverse of it is recorded; check it in AWS" for name in lost]
    return Undo(
        step=step,
        calls=tuple(_filled_in(context, live.step, calls, {**step.bindings, **record.bindings})),
        left=tuple(left),
        recorded=tuple(calls),
    )


def _filled_in(
    context: ExecutionContext, live: Step, calls: Sequence[PlannedCall], bindings: Mapping[str, str]
) -> Iterator[PlannedCall]:
    """Recorded inverses with the values of their references. The values that they give to one another, and the states that they wait for,
    are those of the step as it is planned now: a forged record could put other values into calls that were shown."""
    today = {call.id: call for call in live.undo}
    given_now = {name for call in calls for name in (today[call.id].gives if call.id in today else ())}
    known = {name: value for name, value in bindings.items() if name not in given_now and name not in (AWS_NOW, TOKEN)}
    known[INCIDENT] = context.journal.name
    for call in calls:
        trusted = today.get(call.id)
        if not call.writes and (trusted is None or not trusted.same_as(call)):
            raise PlanError(
                f"the record has a read ({call.name}) in an undo, which is not valid for that step: undo it manually"
            )
        gives, until = (trusted.gives, trusted.until) if trusted is not None else ({}, None)
        yield replace(call, parameters=fill(call.parameters, known), gives=gives, until=until)


def verify_undone(
    context: ExecutionContext, step: Step, calls: Sequence[PlannedCall], left: tuple[str, ...]
) -> Outcome:
    """Read back until nothing of what was taken back is in effect, or time is up."""
    key, proof, saw = context.key(step.id), VerificationState.NOT_YET, ""
    forward = {name for call in calls for name in call.undoes}
    for wait in (0.0, *context.wait_policy.verification):
        if wait:
            context.cancel.wait(wait)
        try:
            live = context.live(step, undone=True)
        except AwsError as error:
            saw = error.sentence()
            continue
        if live.unknown:
            saw = f"could not be verified: {next(iter(live.unknown.values()))}"
            continue
        there = forward & {call.id for call in live.step.already}
        if not there:
            proof, saw = VerificationState.VERIFIED, f"{many(len(calls), 'inverse call')}, verified"
            if left:
                saw += f"; {len(left)} not undone: {'; '.join(left)}"
            break
        saw = f"still in effect: {', '.join(sorted(there))}"
    context.journal.append(StepVerification(step=key, verification=proof, saw=saw, undo=True))
    context.on_progress(Progress(step=step.id, call=VERIFICATION, state=ProgressState(proof), says=saw))
    _judged_before(context, step)
    return Outcome(Ended.UNDONE if proof is VerificationState.VERIFIED else Ended.NOT_VERIFIED, saw, left)


def _judged_before(context: ExecutionContext, undone: Step) -> None:
    """What a step assessed before an undo changed the state is no longer true."""
    record = context.record()
    for step in context.plan.steps:
        assessed = context.playbook_step(step.id).action.verifies_from_answers
        if assessed and record.step(context.key(step.id)).state is StepState.VERIFIED:
            saw = f"“{undone.title}” was undone since; run it again"
            context.journal.append(
                StepVerification(step=context.key(step.id), verification=VerificationState.NOT_YET, saw=saw)
            )


def roll_back(context: ExecutionContext, step_id: str, approval: Approval, shown: Undo, with_others: bool) -> Outcome:
    """Make the recorded inverse of what we did as it was ``shown``, or say why not."""
    key = context.key(step_id)
    context.cancel = context.asked_to_stop
    try:
        step = context.plan.step(step_id)
        said_no = refusal(context, replace(step, kind=StepKind.CHANGE))
        if said_no:
            return said_no
        context.journal.ensure_room()
        now = planned_undo(context, step_id, with_others=with_others)
        step, calls, left = now.step, now.calls, now.left
        made = context.record().step(key)
        begun = [
            call
            for call in step.undo
            if call.id in made.undo_calls and made.undo_calls[call.id].state is CallState.DONE
        ]
        if not calls and begun and made.half_undone:
            return verify_undone(context, step, begun, left)
        if not calls:
            return Outcome(
                Ended.NOTHING,
                "; ".join(left) or "this incident changed nothing here, so there is nothing to undo",
                left,
            )
        if not shown.shows(now):
            said = f"undoing {step.title} would now make other changes than shown; nothing was done. Review it again"
            context.journal.append(ErrorRecorded(step=key, error=said))
            return Outcome(Ended.STALE, said)
        if is_final(calls) and approval.confirmed != context.plan.target:
            return Outcome(
                Ended.REFUSED,
                f"undoing {step.title} permanently deletes what it created: it needs the id {context.plan.target}, typed "
                f"(--confirm {context.plan.target}).",
            )
        alone = not_approved(context, step, now.recorded, undo=True) if is_final(calls) else None
        if alone:
            return alone
        context.journal.append(UndoShown(step=key, calls=[to_builtins(call) for call in calls], left=list(left)))
        context.journal.append(RunApproved(step=key, how=approval.how, undo=True))
        denied = dry_run_calls(context, key, replace(step, stand_ins={}, bindings={}), calls, undo=True)
        if denied:
            return denied
        execute_calls(context, step, calls, {}, undo=True)
        return verify_undone(context, step, calls, left)
    except StepError as lost_call:
        return lost_call.outcome
    except (AwsError, TargetGone, Unreadable) as error:
        said = error.sentence() if isinstance(error, AwsError) else str(error)
        context.journal.append(ErrorRecorded(step=key, error=said))
        return Outcome(Ended.FAILED, said)
    except (PlanError, Unresolved) as error:
        said = f"{error}: undo this manually, then record it: vpce-tui note"
        context.journal.append(ErrorRecorded(step=key, error=said))
        return Outcome(Ended.FAILED, said)
    except Refused as error:
        return Outcome(Ended.REFUSED, str(error))
    except Cancelled:
        return stopped(context, step_id)
