"""Reads: a step that only reads keeps every answer as evidence; a read between writes waits for what the next one needs."""

from collections.abc import Mapping, Sequence
from typing import Final

import jmespath

from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.engine.early_exit import blocked
from vpce_tui.engine.execution_context import ExecutionContext, WaitFailed, WaitTimeout, extract_outputs, resolved_call
from vpce_tui.engine.outcome import Approval, Ended, Outcome, Progress, ProgressState
from vpce_tui.incident import evidence
from vpce_tui.incident.rows import ErrorRecorded, RunApproved, StepPlan, StepVerification
from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.placeholders import Unresolved, names, resolve_parameters
from vpce_tui.plans.plan import PlannedCall, Step, step_data

_UNAVAILABLE: Final = (ErrorKind.DENIED, ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.CONFLICT)


def collect_evidence(context: ExecutionContext, step: Step, approval: Approval) -> Outcome:
    """A step that only reads: every answer becomes an evidence file."""
    key = context.key(step.id)
    live = context.live(step)
    in_the_way = blocked(context, live.step)
    if in_the_way:
        return in_the_way
    verify_answers = live.verify_answers
    known = {} if verify_answers else context.record().step(key).evidence
    answers: dict[str, Sequence[Mapping[str, object]]] = {}
    context.journal.append(StepPlan(step=key, plan=step_data(live.step), sha256=context.plan.sha256))
    context.journal.append(RunApproved(step=key, how=approval.how))
    missing: list[str] = []
    bindings: dict[str, str] = {}
    for call in _due(live.step.calls, known):
        context.cancel.check()
        context.on_progress(Progress(step=step.id, call=call.id, state=ProgressState.RUNNING, says=call.why))
        try:
            pages, seconds = read(context, step, call, bindings)
        except (AwsError, Unresolved, WaitFailed) as error:
            if isinstance(error, AwsError) and error.kind not in _UNAVAILABLE:
                raise
            said = error.sentence() if isinstance(error, AwsError) else _why_not(error)
            context.journal.append(ErrorRecorded(step=key, evidence=call.id, error=said))
            context.on_progress(Progress(step=step.id, call=call.id, state=ProgressState.MISSING, says=said))
            missing.append(f"{call.id}: {said}")
            continue
        if call.gives:
            continue
        answers[call.id] = pages
        about = {"service": call.service, "operation": call.operation, "region": call.region}
        if call.profile:
            about["profile"] = call.profile
        kept = evidence.store(
            context.journal,
            key,
            call.id,
            {**about, "parameters": _parameters(call, bindings), "pages": pages},
            **about,
        )
        context.on_progress(
            Progress(
                step=step.id,
                call=call.id,
                state=ProgressState.DONE,
                says=f"{call.why}: {kept.size:,} bytes, {kept.sha256[:12]}…",
                seconds=seconds,
            )
        )
    kept_now = (
        answers if verify_answers else context.record().step(key).evidence
    )  # what is assessed is assessed by what was read now
    wanted = [call for call in live.step.calls if not call.gives]
    needed = [call.id for call in wanted if call.id not in kept_now and not call.optional]
    saw = f"{sum(call.id in kept_now for call in wanted)} of {len(wanted)} results recorded"
    assessed = verify_answers(answers) if verify_answers else live.read_back()
    proof, seen = (VerificationState.NOT_YET, "") if needed else assessed
    saw = f"{seen}; {saw}" if seen else saw
    context.journal.append(StepVerification(step=key, verification=proof, saw="; ".join([saw, *missing])))
    if needed:
        said = f"{saw}; missing: {', '.join(needed)}. Run the step again, or accept the gap: vpce-tui note … {step.id} --manual"
        return Outcome(Ended.INCOMPLETE, said, tuple(missing))
    ended = {VerificationState.VERIFIED: Ended.VERIFIED, VerificationState.NOT_YET: Ended.INCOMPLETE}.get(
        proof, Ended.FAILED
    )
    return Outcome(ended, saw, tuple(missing))


def read(
    context: ExecutionContext, step: Step, planned: PlannedCall, bindings: dict[str, str]
) -> tuple[list[Mapping[str, object]], float]:
    """Every page of a read, made again until it says what is waited for; what it gives goes into ``bindings``.

    Raises :class:`WaitFailed` when it says that what is waited for never comes, :class:`WaitTimeout` when time is up.
    """
    call, seconds = (
        resolved_call(
            planned, resolve_parameters(planned.parameters, context.reference_values(step, planned, bindings))
        ),
        0.0,
    )
    if planned.profile:
        return [context.client.check_credentials(planned.profile, call).to_json()], seconds
    for wait in (0.0, *context.wait_policy.condition):
        if wait:
            context.cancel.wait(wait)
        pages: list[Mapping[str, object]] = []
        try:
            for page in context.client.pages(call, cancel=context.cancel):
                pages.append(page.data)
                seconds += page.seconds
        except AwsError as error:  # what was just made is not known everywhere at once
            if planned.until is None or error.kind is not ErrorKind.NOT_FOUND:
                raise
            pages = [{}]
        state = str(jmespath.search(planned.until.path, pages[-1])) if planned.until else ""
        if planned.until is None or state in planned.until.good:
            bindings.update(extract_outputs(planned, pages[0]))
            return pages, seconds
        if state in planned.until.bad:
            raise WaitFailed(f"{planned.why or planned.name}: it is {state}")
        context.on_progress(
            Progress(
                step=step.id,
                call=planned.id,
                state=ProgressState.WAITING,
                says=f"{planned.why or planned.name}: {state}",
            )
        )
    raise WaitTimeout(f"{planned.why or planned.name}: it is {state}; run the step again to continue waiting")


def _due(calls: Sequence[PlannedCall], kept: Mapping[str, str]) -> list[PlannedCall]:
    """The reads whose answers are not kept yet, with the means to them."""
    due: list[PlannedCall] = []
    for call in reversed(calls):
        needed = {name for other in due for name in names(other.parameters)}
        if needed & set(call.gives) if call.gives else call.id not in kept:
            due.insert(0, call)
    return due


def _why_not(error: Exception) -> str:
    return f"a value that it needs ({error}) could not be read" if isinstance(error, Unresolved) else str(error)


def _parameters(planned: PlannedCall, bindings: Mapping[str, str]) -> dict[str, object]:
    """As they were sent, for the evidence."""
    return resolve_parameters(
        planned.parameters, {**{name: f"${name}" for name in names(planned.parameters)}, **bindings}
    )
