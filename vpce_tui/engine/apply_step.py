"""A step that changes something: looked at again, compared with what was approved, made, verified."""

from msgspec.structs import replace

from vpce_tui.blocks.model import sentences
from vpce_tui.engine.approvals import not_approved
from vpce_tui.engine.early_exit import blocked, stale
from vpce_tui.engine.execute import dry_run_calls, execute_calls
from vpce_tui.engine.execution_context import ExecutionContext
from vpce_tui.engine.outcome import Approval, Ended, Outcome
from vpce_tui.engine.reconcile import reconcile_calls, verify_step
from vpce_tui.incident import redaction
from vpce_tui.incident.rows import RunApproved, StepPlan, StepVerification
from vpce_tui.incident.states import SETTLED, VerificationState
from vpce_tui.plans.plan import PlannedCall, Step, step_data
from vpce_tui.plans.plan_differences import differences
from vpce_tui.plans.plan_validation import recorded_step


def apply_step(context: ExecutionContext, step: Step, approval: Approval) -> Outcome:
    """Make exactly the planned calls, or say why not."""
    key = context.key(step.id)
    lost = reconcile_calls(context, step)
    if lost:
        return lost
    live = context.live(step)
    missing = _unmet_prerequisite(context, live.step)
    if missing:
        return Outcome(Ended.BLOCKED, missing)
    in_the_way = blocked(context, live.step)
    if in_the_way:
        return in_the_way
    found = [*differences(step, live.step), *_other_inverses(context, step, live.step)]
    if found:
        return stale(context, step, found)
    if any(call.secret for call in live.step.calls) and context.hand_over is None:
        return Outcome(
            Ended.BLOCKED, "the secret could not be shown to anybody; nothing was done: run it in the app or a terminal"
        )
    lossy = next((call for call in live.step.undo if redaction.holds_secret(call.parameters)), None)
    if live.step.calls and lossy is not None:
        said = (
            f"its inverse call ({lossy.name}) contains a credential, and credentials are not recorded; nothing was done"
        )
        return Outcome(Ended.BLOCKED, f"{said}: do this step manually")
    if live.step.calls:
        if not live.step.reversible and approval.confirmed != context.plan.target:
            return Outcome(
                Ended.REFUSED,
                f"{step.title} cannot be undone: it needs the id {context.plan.target}, typed (--confirm {context.plan.target}).",
            )
        alone = not_approved(context, step, live.step.calls) if live.step.final else None
        if alone:
            return alone
        context.journal.append(
            StepPlan(step=key, plan=step_data(_step_to_journal(context, step, live.step)), sha256=context.plan.sha256)
        )
        context.journal.append(RunApproved(step=key, how=approval.how, confirmed=approval.confirmed))
        denied = dry_run_calls(context, key, live.step, live.step.calls)
        if denied:
            return denied
        bindings = {**context.record().step(key).bindings, **live.step.bindings}
        execute_calls(context, step, live.step.calls, bindings)
    elif not live.step.already:
        said = "; ".join(sentences(live.step.content)) or "nothing has to be changed"
        context.journal.append(StepVerification(step=key, verification=VerificationState.NOTHING_TO_DO, saw=said))
        return Outcome(
            Ended.NOTHING,
            said,
            sentences(live.step.content),
        )
    ours = context.record().step(key).done_by_us
    return verify_step(context, step, nothing=not live.step.calls and not ours)


def _other_inverses(context: ExecutionContext, filed: Step, live: Step) -> list[str]:
    """Inverse calls that the file adds, changes or leaves out: each must be one that is planned now; the inverse of a
    call that was made is the recorded one, and nothing changes it."""
    known = _inverses(context, live)
    named = {call.id for call in filed.undo}
    found = [
        f"its undo would also call {call.name} ({call.id})"
        for call in filed.undo
        if call.id not in known or not call.same_as(known[call.id]) or set(call.undoes) != set(known[call.id].undoes)
    ]
    found += [f"its undo would no longer call {call.name} ({call.id})" for call in live.undo if call.id not in named]
    there = {call.id for call in live.undo}
    planned_before = (
        context.record().step(context.key(filed.id)).planned
    )  # of what is in effect the record has the order
    if not planned_before and [call.id for call in filed.undo if call.id in there] != [
        call.id for call in live.undo if call.id in named
    ]:
        found.append("its undo would make the calls in another order")
    return found


def _inverses(context: ExecutionContext, live: Step) -> dict[str, PlannedCall]:
    """Inverses by id, in their order: those of calls that were made as the record has them, the others as they are planned now.

    What the record has keeps its order; what is new was done after it, and is undone before it.
    """
    record = context.record().step(context.key(live.id))
    made = record.done_by_us | {call.id for call in record.calls_with_unknown_outcome}
    recorded = recorded_step(record.planned).undo if record.planned else ()
    known = {call.id: call for call in live.undo}
    known |= {call.id: call for call in recorded if made & set(call.undoes)}
    older = [call.id for call in recorded if call.id in known]
    return {name: known[name] for name in (*(name for name in known if name not in older), *older)}


def _unmet_prerequisite(context: ExecutionContext, step: Step) -> str:
    record = context.record()
    for needed in step.requires:
        if record.step(context.key(needed)).state not in SETTLED:
            title = context.plan.step(needed).title
            return f"“{title}” must be verified, or recorded as done manually, before “{step.title}”"
    for other in context.playbook.steps:  # of the playbook, whatever the file leaves out
        if other.id == step.id:
            break
        if other.prerequisite and record.step(context.key(other.id)).state not in SETTLED:
            return f"“{other.title}” is a prerequisite and is not done"
    return ""


def _step_to_journal(context: ExecutionContext, filed: Step, live: Step) -> Step:
    """What is journalled as the plan: every call and inverse that was approved, whatever is in effect already, as it is planned
    now; of the file's prose nothing."""
    now = {call.id: call for call in (*live.calls, *live.already)}
    inverses = _inverses(context, live)
    calls, already = (tuple(now[call.id] for call in group) for group in (filed.calls, filed.already))
    named = {call.id for call in filed.undo}
    undo = tuple(call for name, call in inverses.items() if name in named)
    return replace(live, undo=undo, calls=calls, already=already)
