"""A plan from its file: read whole, or not at all.

Whoever hands a plan over may have written anything into it, and scripts, links and calls are made from it. Its form is that of
:mod:`vpce_tui.plans.plan_validation`, its steps and calls are such as its playbook has, and its SHA-256 fits.
"""

from vpce_tui.core.canonical_json import digest, loads_strict
from vpce_tui.plans.plan import SCHEMA, Plan, PlanError
from vpce_tui.plans.plan_validation import from_json
from vpce_tui.plans.targets import KINDS
from vpce_tui.playbooks.library import load


class Tampered(PlanError):
    """The plan's hash does not fit its content."""


def read(text: str, name: str = "the plan") -> Plan:
    """A plan from its file's content. Raises :class:`Tampered` where the hash does not fit, :class:`PlanError` otherwise."""
    try:
        data = loads_strict(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{name} is not valid JSON: {type(error).__name__}: {error}.") from error
    if isinstance(data, dict) and data.get("schema") != SCHEMA:
        raise PlanError(f"{name} is not a plan of this version ({SCHEMA}); create a new plan.")
    plan = from_json(data, name)
    problem = _not_of_playbook(plan)
    if problem:
        raise PlanError(f"{name} is not a plan: {problem}.")
    if digest({key: value for key, value in data.items() if key != "sha256"}) != data["sha256"]:
        raise Tampered(
            f"{name} was changed after it was created: its sha256 does not match. Create a new plan, and review it again."
        )
    if plan.sha256 != data["sha256"]:
        raise PlanError(f"{name} is not written as this version writes a plan: create a new plan.")
    return plan


def _not_of_playbook(plan: Plan) -> str:
    """What in the plan its playbook cannot have: a step, or a write of another kind than the step's action makes."""
    playbook = load(plan.playbook)
    if not KINDS[playbook.target].pattern.fullmatch(plan.target):
        return f"{plan.target[:80]!r} is not a valid {KINDS[playbook.target].name}, the target of {plan.playbook}"
    playbook_steps = {playbook_step.id: playbook_step for playbook_step in playbook.steps}
    for step in plan.steps:
        playbook_step = playbook_steps.get(step.id)
        if playbook_step is None:
            return f"{plan.playbook} has no step {step.id!r} in this version; create a new plan"
        strange = playbook_step.action.strange(step)
        if strange is not None:
            return f"no step {step.id!r} makes {strange.name}{' as an inverse call' if strange in step.undo else ''}"
    return ""
