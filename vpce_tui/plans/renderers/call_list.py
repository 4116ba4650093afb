"""Every call of a plan with every parameter, and every inverse: what somebody signs who approves it."""

import json
from collections.abc import Iterable, Iterator

from vpce_tui.core.text import visible
from vpce_tui.plans.plan import Plan, PlannedCall, Step, StepKind

_WHOLE = 1_000_000
"""Characters of a call's parameters that are shown: all that a plan holds."""


def plan_text(plan: Plan) -> str:
    """The plan as a list of calls."""
    head = [
        f"{plan.playbook} {plan.target} in {plan.region}, account {plan.account}",
        f"incident {plan.incident or 'none'}  {plan.incident_id[:12]}",
        f"planned {plan.planned_at} by {plan.operator}",
        f"plan sha256 {plan.sha256}",
        "",
    ]
    return "\n".join([*map(visible, head), *(line for step in plan.steps for line in _step(step))])


def _step(step: Step) -> Iterator[str]:
    mark = "  CANNOT BE UNDONE" if step.kind is StepKind.CHANGE and step.final else ""
    yield visible(f"{step.title} ({step.id}), {step.kind.value}{mark}")
    yield from (f"  blocked: {visible(item.says)}" for item in step.blocked)
    yield from (
        f"  also affects: {visible(item.says)} {visible(', '.join(item.names))}".rstrip() for item in step.affects
    )
    yield from (f"  already in effect: {_call(call)}" for call in step.already)
    yield from (f"  call: {_call(call)}" for call in step.calls)
    yield from (f"  undo: {_call(call)}" for call in step.undo)
    if step.kind is StepKind.MANUAL:
        yield "  manual step: no call is made"
    yield ""


def inverse_lines(calls: Iterable[tuple[PlannedCall, object]]) -> Iterator[str]:
    """Inverse calls with their parameters as they will be sent: first what is sent, whole, then what it is for, in short."""
    for call, parameters in calls:
        sent = json.dumps(parameters, ensure_ascii=True, default=str)
        yield visible(f"{call.name} in {call.region} {sent}", limit=_WHOLE)
        if call.why:
            yield f"    {visible(call.why, limit=200)}"
        yield from (f"    ${name}, below, is its {visible(path, limit=200)}" for name, path in call.gives.items())


def _call(call: PlannedCall) -> str:
    profile = f" with profile {call.profile}" if call.profile else ""
    said = f"{call.name} {call.region}{profile} {json.dumps(call.parameters, ensure_ascii=True)}"
    return visible(said, limit=_WHOLE)
