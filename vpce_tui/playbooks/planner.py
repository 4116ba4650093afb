"""Makes plans: a whole playbook over the world as it will be, or one step over the world as it is now."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from vpce_tui.aws.caller import Caller
from vpce_tui.canonical import rfc3339
from vpce_tui.incident.record import Record
from vpce_tui.inventory.dossier import Asked, Dossier, observe
from vpce_tui.playbooks.draft import Draft
from vpce_tui.playbooks.library import Playbook, Recipe
from vpce_tui.playbooks.plan import Plan, Step, WrongChoice

Choices = Mapping[str, Mapping[str, str]]
"""Choices by step id, then by choice id."""


@dataclass(frozen=True, slots=True)
class Live:
    """A step planned from the world as it is now."""

    step: Step
    world: Dossier
    recipe: Recipe = field(repr=False)

    @property
    def proof(self) -> tuple[str, str]:
        """Whether its effects are there: see :data:`vpce_tui.playbooks.actions.Proof`."""
        return self.recipe.action.settled(self.world, self.step)


def asked_for(incident: str, record: Record | None, prefix: str) -> Asked:
    """On whose behalf to look: the incident, and what its record knows of the calls below ``prefix``."""
    if record is None or not incident:
        return Asked(incident)
    steps = [step for key, step in record.steps.items() if key.startswith(prefix)]
    calls = [call for step in steps for call in step.calls.values()]
    known = {call.id: value for call in calls if len(call.gave) == 1 for value in call.gave.values()}
    begun = frozenset(call.id for call in calls if call.state not in ("taken back", "not done", "failed"))
    return Asked(incident, since=record.opened_at, known=known, begun=begun)


def remembered_step(record: Record | None, key: str) -> Step | None:
    """A step as the record has it, where calls of it were begun."""
    known = record.steps.get(key) if record else None
    return Step.from_json(known.planned) if known and known.planned and known.calls else None


def plan_playbook(
    caller: Caller,
    playbook: Playbook,
    target: str,
    region: str,
    now: datetime,
    choices: Choices | None = None,
    incident: str = "",
    record: Record | None = None,
) -> Plan:
    """Plan every step; each over the world that the steps before it leave. Reads only.

    With an incident's record, what was made in it is known as ours. Raises
    :class:`~vpce_tui.inventory.dossier.TargetGone`, :class:`WrongChoice` for a choice that is none.
    """
    identity = caller.identity()
    prefix = f"{playbook.name}/{target}/"
    facets = frozenset(facet for recipe in playbook.steps for facet in recipe.action.facets)
    remembered = {recipe.id: remembered_step(record, prefix + recipe.id) for recipe in playbook.steps}
    looked = {
        name: value
        for recipe in playbook.steps
        if (step := remembered[recipe.id])
        for name, value in recipe.action.remember(step).items()
    }
    world = observe(caller, target, region, facets, replace(asked_for(incident, record, prefix), **looked))
    known = {recipe.id for recipe in playbook.steps}
    for step_id in choices or {}:
        if step_id not in known:
            raise WrongChoice(
                f"there is no step {step_id!r} to choose for; there is {', '.join(recipe.id for recipe in playbook.steps)}."
            )
    steps = []
    for recipe in playbook.steps:
        step = _step(recipe, world, region, (choices or {}).get(recipe.id, {}), remembered[recipe.id])
        steps.append(step)
        world = recipe.action.expect(world, step.choices)
    return Plan(playbook.name, target, identity.account, region, identity.arn, rfc3339(now), tuple(steps))


def plan_step(
    caller: Caller,
    recipe: Recipe,
    target: str,
    region: str,
    choices: Mapping[str, str],
    *,
    asked: Asked,
    remembered: Step | None = None,
) -> Live:
    """Plan one step from live state; ``remembered`` is the step as planned before."""
    looked = recipe.action.remember(remembered) if remembered else {}
    world = observe(caller, target, region, recipe.action.facets, replace(asked, **looked))
    return Live(_step(recipe, world, region, choices, remembered), world, recipe)


def _step(recipe: Recipe, world: Dossier, region: str, given: Mapping[str, str], remembered: Step | None) -> Step:
    try:
        choices = {choice.id: choice.value(world, given) for choice in recipe.action.choices}
    except ValueError as error:
        raise WrongChoice(f"step {recipe.id}: {error}") from error
    strange = sorted(set(given) - set(choices))
    if strange:
        known = ", ".join(sorted(choices)) or "nothing"
        raise WrongChoice(f"step {recipe.id} has no choice {strange[0]!r}; it has {known}.")
    draft = Draft(recipe.id, recipe.title, recipe.words, region, choices, remembered)
    return replace(recipe.action.plan(world, draft), must_come_first=recipe.first)


def parse_choices(pairs: list[str]) -> dict[str, dict[str, str]]:
    """``step.choice=value`` texts as choices. Raises :class:`WrongChoice`."""
    found: dict[str, dict[str, str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        step, dot, choice = name.partition(".")
        if not (equals and dot and step and choice):
            raise WrongChoice(f"{pair!r} is no choice; write step.choice=value, for instance isolate.moves=one.")
        found.setdefault(step, {})[choice] = value
    return found


def choices_json(recipe: Recipe, step: Step) -> list[dict[str, Any]]:
    """The questions of a step with their options and what is chosen, for screens."""
    return [
        {
            "id": choice.id,
            "question": choice.question,
            "options": choice.options,
            "chosen": step.choices.get(choice.id, ""),
            "free": choice.free,
        }
        for choice in recipe.action.choices
    ]
