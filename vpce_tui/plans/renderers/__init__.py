"""A plan as the operator prefers to work: console path, AWS CLI script, Python. All are generated from the plan."""

from typing import Final

from msgspec.structs import replace

from vpce_tui.plans.plan import Plan, Step
from vpce_tui.plans.renderers import aws_cli, boto3_program, console

FORMS: Final = ("console", "cli", "python", "json")


def render(plan: Plan, form: str) -> str:
    """The whole plan in one of :data:`FORMS`."""
    if form == "json":
        return plan.text()
    return {"console": console.plan_text, "cli": aws_cli.script, "python": boto3_program.script}[form](plan)


def render_step(plan: Plan, step: Step, form: str, *, runnable: bool = False) -> str:
    """One step of it: ``console``, ``cli`` or ``python``; ``runnable``: with what a script needs to run on its own."""
    if runnable and form != "console":
        return render(replace(plan, steps=(step,)), form)
    return {"console": console.step_text, "cli": aws_cli.step_script, "python": boto3_program.step_script}[form](
        plan, step
    )
