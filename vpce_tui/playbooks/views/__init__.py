"""A plan as the operator prefers to work: console path, AWS CLI script, Python. All are generated from the plan."""

from dataclasses import replace
from typing import Final

from vpce_tui.playbooks.plan import Plan, Step
from vpce_tui.playbooks.views import cli, console, python

FORMS: Final = ("console", "cli", "python", "json")


def render(plan: Plan, form: str) -> str:
    """The whole plan in one of :data:`FORMS`."""
    if form == "json":
        return plan.text()
    return {"console": console.plan_text, "cli": cli.script, "python": python.script}[form](plan)


def render_step(plan: Plan, step: Step, form: str, *, runnable: bool = False) -> str:
    """One step of it: ``console``, ``cli`` or ``python``; ``runnable``: with what a script needs to run on its own."""
    if runnable and form != "console":
        return render(replace(plan, steps=(step,)), form)
    return {"console": console.step_text, "cli": cli.step_script, "python": python.step_script}[form](plan, step)
