"""The plan in words, as a person does it in the AWS console, with deep links."""

import contextlib
from collections.abc import Iterator

from vpce_tui.blocks.model import sentences
from vpce_tui.core.text import visible
from vpce_tui.plans.plan import Plan, PlannedCall, Step, StepKind
from vpce_tui.plans.renderers.console_links import link
from vpce_tui.plans.renderers.console_steps import WORDS
from vpce_tui.plans.renderers.console_steps.phrases import say


def plan_text(plan: Plan) -> str:
    """The plan as a person does it in the console."""
    head = f"{plan.playbook} {plan.target} in {plan.region}, account {plan.account}, planned {plan.planned_at}\n"
    return "\n".join([visible(head, multiline=True), *(line for step in plan.steps for line in _step(step))])


def step_text(_: Plan, step: Step) -> str:
    """A step as lines of console instructions."""
    return "\n".join(_step(step))


def _step(step: Step) -> Iterator[str]:
    yield f"{visible(step.title)} ({step.id})"
    if step.kind is StepKind.MANUAL:
        yield from (f"  manually: {visible(note)}" for note in sentences(step.content))
        yield ""
        return
    yield from (f"  blocked: {visible(item.says)}" for item in step.blocked)
    yield from (f"  already in effect: {visible(call.why or call.name)}" for call in step.already)
    if not step.calls and not step.already:
        yield "  nothing to do"
    for number, call in enumerate(step.calls, start=1):
        yield f"  {number}. {visible(call.why or call.name)}"
        yield f"     {visible(words(call), limit=1500)}"
        if not call.profile:
            yield f"     {link(call)}"
    yield ""


def words(call: PlannedCall) -> str:
    """Console page and clicks for one call."""
    if call.profile:
        return f"not in the console: run the command of the CLI view on this host, with --profile {say(call.profile)}"
    with contextlib.suppress(KeyError):  # a plan's file may leave out what AWS takes as optional
        return WORDS[call.operation](call.parameters)
    shown = ", ".join(f"{key} {say(value)}" for key, value in call.parameters.items())
    return f"check {call.name}" + (f" ({shown})" if shown else "")
