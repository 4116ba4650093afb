"""Ways a run ends without doing what was planned, each recorded, each with its words."""

from vpce_tui.engine.execution_context import ExecutionContext
from vpce_tui.engine.outcome import Ended, Outcome
from vpce_tui.incident.rows import ErrorRecorded
from vpce_tui.plans.plan import Step, StepKind


def refusal(context: ExecutionContext, step: Step) -> Outcome | None:
    """Why the step may not run here at all: another account, or a process that is read-only."""
    identity = context.client.confirm_identity()
    if identity.account != context.plan.account:
        return Outcome(
            Ended.REFUSED,
            f"the plan is for account {context.plan.account}, and these credentials are for {identity.account}; nothing was done.",
        )
    ours = context.record().id
    if context.plan.incident_id not in ("", ours):
        return Outcome(
            Ended.REFUSED,
            f"the plan is for another incident, {context.plan.incident!r}; nothing was done.",
        )
    if context.client.read_only and step.kind is StepKind.CHANGE:
        return Outcome(
            Ended.REFUSED, "this process is read-only; nothing was done. Start vpce-tui without --read-only."
        )
    return None


def blocked(context: ExecutionContext, step: Step) -> Outcome | None:
    """A precondition of the step is not met; each with what would make it pass."""
    if not step.blocked:
        return None
    first = step.blocked[0]
    said = tuple(f"{item.says}. To unblock it: {item.remedy}" for item in step.blocked)
    context.journal.append(ErrorRecorded(step=context.key(step.id), error=f"blocked: {first.says}"))
    return Outcome(Ended.BLOCKED, first.says, said)


def stale(context: ExecutionContext, step: Step, found: list[str]) -> Outcome:
    """The step would now do something else than was approved."""
    context.journal.append(
        ErrorRecorded(step=context.key(step.id), error="the plan is stale", differences=tuple(found))
    )
    said = "the step would now make other changes than the plan; nothing was done. Plan again, with --incident"
    return Outcome(Ended.STALE, f"{said} {context.journal.name}", tuple(found))


def stopped(context: ExecutionContext, step_id: str) -> Outcome:
    """The operator asked to stop."""
    said = "stopped by the operator"
    context.journal.append(ErrorRecorded(step=context.key(step_id), error=said))
    return Outcome(Ended.STOPPED, f"{said}; completed calls are recorded; run it again for the rest")
