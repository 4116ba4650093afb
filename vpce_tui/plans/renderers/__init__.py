"""A plan as the operator prefers to work: console path, AWS CLI script, Python. All are generated from the plan."""

from typing import Final

from msgspec.structs import replace

from vpce_tui.blocks.output import rendered as text_of
from vpce_tui.plans.plan import Plan, Step
from vpce_tui.plans.renderers import aws_cli, boto3_program, console
from vpce_tui.plans.renderers.overview import plan_blocks

FORMS: Final = ("text", "markdown", "console", "cli", "python", "json")


def render(plan: Plan, form: str, *, terminal: bool = False) -> str:
    """The whole plan in one of :data:`FORMS`; ``terminal``: its text is for one, in its width and colours."""
    if form == "json":
        return plan.text()
    if form in ("text", "markdown"):
        return text_of(plan_blocks(plan), form, terminal=terminal)
    return {"console": console.plan_text, "cli": aws_cli.script, "python": boto3_program.script}[form](plan)


def render_step(plan: Plan, step: Step, form: str, *, runnable: bool = False) -> str:
    """One step of it: ``console``, ``cli`` or ``python``; ``runnable``: with what a script needs to run on its own."""
    if runnable and form != "console":
        return render(replace(plan, steps=(step,)), form)
    return {"console": console.step_text, "cli": aws_cli.step_script, "python": boto3_program.step_script}[form](
        plan, step
    )
