"""Whether as many people are behind a run, or an undo, as the team wants for what cannot be undone."""

from collections.abc import Sequence

from vpce_tui.cloudtrail.session_owner import identify_operator
from vpce_tui.core import os_keyring
from vpce_tui.engine.execution_context import ExecutionContext
from vpce_tui.engine.outcome import Ended, Outcome
from vpce_tui.incident.approval import Approved, Runner, Use, lacking, public_key
from vpce_tui.incident.rows import PersonApproved
from vpce_tui.plans.plan import PlannedCall, Step
from vpce_tui.plans.targets.planning_context import iam_region


def not_approved(
    context: ExecutionContext, step: Step, calls: Sequence[PlannedCall], *, undo: bool = False
) -> Outcome | None:
    """Why these calls of a step, or of its undo, are refused; None: enough people approved them, which the journal has then."""
    if context.team.approvals <= 1:
        return None
    key = context.key(step.id)
    unseen = _not_in_plan(context, step.id, calls, undo=undo)
    if unseen:
        return Outcome(Ended.REFUSED, unseen)
    record = context.record()
    known = record.step(key)
    due = {call.id for call in calls}
    spent = known.spent | {number for number, made in known.made_under.items() if made & due}
    spent |= {number for number, was_undo in known.used_for.items() if was_undo is not undo}
    counted: list[Approved] = []
    use = Use(record.id, context.aws_now(), frozenset(spent))
    runner = _runner(context)
    alone = lacking(context.plan, runner, context.team, context.approvals, use, counted.append)
    if alone:
        return Outcome(Ended.REFUSED, alone)
    for approved in counted:
        context.journal.append(
            PersonApproved(
                step=key,
                plan=context.plan.sha256,
                approval=approved.id,
                by=approved.arn,
                person=approved.person.to_json(),
                until=approved.body["until"],
                runner=runner.person.to_json(),
                undo=undo,
                how="vpce-tui approve",
            )
        )
    return None


def _not_in_plan(context: ExecutionContext, step_id: str, calls: Sequence[PlannedCall], *, undo: bool) -> str:
    """Which call the plan that people approve does not show; ``""``: none."""
    planned = context.plan.step(step_id)
    shown = {call.id: call for call in (planned.undo if undo else (*planned.calls, *planned.already))}
    for call in calls:
        if call.id not in shown or not call.same_as(shown[call.id]):
            return f"the approved plan does not show {call.name} ({call.id}) as it would be sent: plan again, and have it approved"
    return ""


def _runner(context: ExecutionContext) -> Runner:
    home = context.client.home_region
    person = identify_operator(context.client, (home, iam_region(home)))
    try:
        private = os_keyring.get(os_keyring.APPROVER_KEY)
    except os_keyring.NoKeyring:
        private = ""
    return Runner(person, public_key(private) if private else "")
