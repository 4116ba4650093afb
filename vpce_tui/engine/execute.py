"""Writes: dry runs first, then each call behind its own intent, with the permit that the journal gives for it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import jmespath

from vpce_tui.aws.call import Call, Permit
from vpce_tui.aws.catalogue import find
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.aws.operation import Access
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.text import many
from vpce_tui.engine.collect_evidence import read
from vpce_tui.engine.execution_context import (
    ExecutionContext,
    StepFailed,
    WaitFailed,
    WaitTimeout,
    extract_outputs,
    resolved_call,
)
from vpce_tui.engine.outcome import Ended, Outcome, Progress, ProgressState
from vpce_tui.engine.reconcile import check_call_outcome
from vpce_tui.incident.rows import CallResult, DryRunResult, ErrorRecorded, StepVerification
from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.placeholders import AWS_NOW, INCIDENT, TOKEN, Unresolved, not_as_reviewed, resolve_parameters
from vpce_tui.plans.plan import PlanError, PlannedCall, Step

_ALL_FAIL: Final = (ErrorKind.EXPIRED, ErrorKind.NO_CREDENTIALS, ErrorKind.UNREACHABLE)
"""After such an error no other call would do better."""
_NOT_HANDED: Final = "could not be delivered"


def dry_run_calls(
    context: ExecutionContext, key: str, step: Step, calls: Sequence[PlannedCall], *, undo: bool = False
) -> Outcome | None:
    """Every call of the step as a dry run, where the operation takes one, before the first real one."""
    known = {
        INCIDENT: context.journal.name,
        AWS_NOW: rfc3339(datetime.now(UTC)),
        TOKEN: "0" * 32,
        **step.stand_ins,
        **step.bindings,
    }
    probes: dict[str, Call] = {}
    recorded: dict[str, dict[str, object]] = {}
    for call in calls:
        listed = find(call.service, call.operation)
        if listed is None or not listed.dry_run:
            continue
        try:
            parameters = resolve_parameters(call.parameters, known)
        except Unresolved:
            continue
        probes[call.id] = resolved_call(call, {**parameters, "DryRun": True})
        recorded[call.id] = {**resolve_parameters(call.parameters, known, recorded=True), "DryRun": True}
    if not probes:
        return None
    permits = context.journal.intend(key, probes, context.plan.account, recorded=recorded, probe=True, undo=undo)
    denied, passed, problems = [], [], []
    request_ids: dict[str, str] = {}
    for call_id, probe in probes.items():
        try:
            context.client.write(probe, permits[call_id])
        except AwsError as error:
            request_ids[call_id] = error.request_id
            if error.kind is ErrorKind.DRY_RUN_OK:
                passed.append(call_id)
            elif error.kind is ErrorKind.DENIED:
                denied.append(_action(probe))
            elif error.kind is not ErrorKind.CONFLICT:
                problems.append(error.sentence())
        else:
            passed.append(call_id)
    context.journal.append(
        DryRunResult(
            step=key,
            probe=True,
            passed=tuple(passed),
            denied=tuple(sorted(set(denied))),
            problems=tuple(problems),
            request_ids={name: found for name, found in request_ids.items() if found},
        )
    )
    context.on_progress(
        Progress(
            step=step.id,
            call="dry run",
            state=ProgressState.DENIED if denied else ProgressState.DONE,
            says=f"passed for {len(passed)} of {many(len(probes), 'call')}{_without_one(len(calls) - len(probes))}",
        )
    )
    if denied:
        needed = ", ".join(sorted(set(denied)))
        return Outcome(
            Ended.BLOCKED,
            f"missing permission: {needed}; nothing was done",
            (f"ask for {needed}, or do this step manually",),
        )
    if problems:
        return Outcome(Ended.BLOCKED, f"AWS would reject it; nothing was done: {problems[0]}", tuple(problems))
    return None


def _without_one(calls: int) -> str:
    """What is said of calls that AWS offers no dry run for."""
    return f"; {many(calls, 'call has', 'calls have')} none" if calls else ""


def execute_calls(
    context: ExecutionContext, step: Step, calls: Sequence[PlannedCall], bindings: dict[str, str], *, undo: bool = False
) -> None:
    """Make the calls in order, each behind its own intent. Raises :class:`StepError` when one did not take effect."""
    key = context.key(step.id)
    refused: list[str] = []
    part, broken, written = "", set[str](), False
    for planned in calls:
        if planned.part in broken:
            continue
        if not planned.part or planned.part != part:
            context.asked_to_stop.check()
        part = planned.part
        context.cancel = context.asked_to_stop.patient() if part else context.asked_to_stop
        context.cancel.check()
        if _is_read(planned):
            _read_on_the_way(context, step, planned, bindings)
            continue
        try:
            call, recorded = _resolved(context, step, planned, bindings)
        except (PlanError, Unresolved) as error:
            if not written:
                raise
            raise _ended_halfway(context, step, planned, error, refused, undo=undo) from error
        permits = context.journal.intend(
            key, {planned.id: call}, context.plan.account, undo=undo, recorded={planned.id: recorded}
        )
        permit = permits[planned.id]
        began = datetime.now(UTC)
        context.on_progress(Progress(step=step.id, call=planned.id, state=ProgressState.RUNNING, says=planned.why))
        try:
            gave, seconds, request_id, handed = _call(context, planned, call, permit)
        except AwsError as error:
            context.journal.append(
                CallResult(
                    step=key,
                    call=planned.id,
                    ok=False,
                    undo=undo,
                    undoes=planned.undoes,
                    error=error.sentence(),
                    outcome_known=error.outcome_known,
                    request_id=error.request_id,
                )
            )
            context.on_progress(
                Progress(
                    step=step.id,
                    call=planned.id,
                    state=ProgressState.FAILED if error.outcome_known else ProgressState.LOST,
                    says=error.sentence(),
                )
            )
            if not error.outcome_known:
                bindings.update(check_call_outcome(context, step, planned, undo=undo, began=began))
                written = True
                continue
            said = f"{planned.why or planned.name}: {error.sentence()}"
            if not undo or error.kind in _ALL_FAIL:
                raise StepFailed(Outcome(Ended.FAILED, said)) from error
            refused.append(said)  # what can be taken back is taken back, whatever AWS says of the rest
            broken |= {planned.part} - {""}  # but within a part each call needs the one before
            continue
        written = True
        context.journal.append(
            CallResult(
                step=key,
                call=planned.id,
                ok=True,
                undo=undo,
                undoes=planned.undoes,
                gave=gave,
                request_id=request_id,
                seconds=round(seconds, 3),
                handed_over=handed,
            )
        )
        bindings.update(gave)
        if handed.startswith(_NOT_HANDED):
            lost = f"{', '.join(gave.values())} was created, and its secret is lost ({handed})"
            raise StepFailed(Outcome(Ended.FAILED, f"{lost}: undo the step, which deletes it, and run it again"))
        said = ": ".join(part for part in (planned.why or planned.name, ", ".join(gave.values())) if part)
        context.on_progress(
            Progress(step=step.id, call=planned.id, state=ProgressState.DONE, says=said, seconds=seconds)
        )
    context.cancel = context.asked_to_stop
    if refused:
        raise StepFailed(Outcome(Ended.FAILED, f"not everything was undone: {'; '.join(refused)}", tuple(refused)))


def _resolved(
    context: ExecutionContext, step: Step, planned: PlannedCall, bindings: dict[str, str]
) -> tuple[Call, dict[str, object]]:
    """The call, and its parameters as they may be written down."""
    known = context.reference_values(step, planned, bindings)
    if not_as_reviewed(planned.parameters, known):
        raise PlanError(f"{planned.why or planned.name}: the request differs from the reviewed one; plan again")
    call = resolved_call(planned, resolve_parameters(planned.parameters, known))
    return call, resolve_parameters(planned.parameters, known, recorded=True)


def _ended_halfway(
    context: ExecutionContext,
    step: Step,
    planned: PlannedCall,
    error: Exception,
    refused: Sequence[str],
    *,
    undo: bool,
) -> StepFailed:
    """Calls before this one took effect, and it cannot be made. ``refused``: calls of an undo that AWS refused before."""
    why = str(error) if isinstance(error, PlanError) else f"AWS did not return {error}, which it needs"
    said = f"{planned.why or planned.name}: not made: {why}"
    failed = VerificationState.FAILED
    context.journal.append(StepVerification(step=context.key(step.id), verification=failed, saw=said, undo=undo))
    then = "run the undo again, or finish it manually" if undo else "undo the step, or run it again"
    return StepFailed(
        Outcome(Ended.FAILED, f"{said}. Earlier calls took effect: {then}.", (*refused, said)),
    )


def _read_on_the_way(context: ExecutionContext, step: Step, planned: PlannedCall, bindings: dict[str, str]) -> None:
    """A read between writes: what it gives is used by the next call, or its answer is waited for."""
    try:
        _, seconds = read(context, step, planned, bindings)
    except WaitFailed as error:
        ended = Ended.NOT_VERIFIED if isinstance(error, WaitTimeout) else Ended.FAILED
        context.journal.append(ErrorRecorded(step=context.key(step.id), error=str(error)))
        raise StepFailed(Outcome(ended, str(error))) from error
    context.on_progress(
        Progress(
            step=step.id, call=planned.id, state=ProgressState.DONE, says=planned.why or planned.name, seconds=seconds
        )
    )


def _call(
    context: ExecutionContext, planned: PlannedCall, call: Call, permit: Permit
) -> tuple[dict[str, str], float, str, str]:
    """What the call gave; a secret in its answer is handed to the operator here, and goes no further."""
    answer = context.client.write(call, permit)
    gave, handed = extract_outputs(planned, answer.data), ""
    if planned.secret and context.hand_over is not None:
        label = f"{context.plan.account}/{next(iter(gave.values()), planned.id)}"
        try:
            handed = context.hand_over(label, str(jmespath.search(planned.secret, answer.data) or ""))
        except Exception as error:  # whatever it was: AWS has made it, and that must be recorded
            handed = f"{_NOT_HANDED}: {type(error).__name__}"
    return gave, answer.seconds, answer.request_id, handed


def _is_read(planned: PlannedCall) -> bool:
    listed = find(planned.service, planned.operation)
    return listed is not None and listed.access is Access.READ


def _action(call: Call) -> str:
    listed = find(call.service, call.operation)
    return listed.iam_action if listed else call.name
