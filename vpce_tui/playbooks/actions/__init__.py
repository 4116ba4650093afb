"""The code behind the steps. An action is pure: it plans from a dossier, says what the world is after, and when it is proved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vpce_tui.inventory.dossier import Dossier
from vpce_tui.playbooks.draft import Draft
from vpce_tui.playbooks.plan import Step

Proof = tuple[str, str]
"""``("proved" | "not yet" | "failed", what was seen)``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something the operator decides before a step; the first option is the safe default unless ``default`` says more."""

    id: str
    question: str
    options: tuple[tuple[str, str], ...]
    default: Callable[[Dossier], str] | None = None
    free: bool = False

    def value(self, world: Dossier, given: Mapping[str, str]) -> str:
        """What was given, or the default in this world. Raises ``ValueError`` for what is no option."""
        chosen = given.get(self.id)
        if chosen is None:
            return self.default(world) if self.default else self.options[0][0]
        if not self.free and chosen not in dict(self.options):
            raise ValueError(f"{self.id} must be one of {', '.join(dict(self.options))}, not {chosen!r}.")
        return chosen


@dataclass(frozen=True, slots=True)
class Action:
    """One step's code. ``facets``: what must be read to plan it; ``expect``: the world once it is done.

    ``remember`` gives what an earlier plan of the step holds and looking needs: fields of :class:`Asked`.
    """

    facets: frozenset[str]
    plan: Callable[[Dossier, Draft], Step]
    expect: Callable[[Dossier, Mapping[str, str]], Dossier]
    settled: Callable[[Dossier, Step], Proof]
    choices: tuple[Choice, ...] = ()
    remember: Callable[[Step], Mapping[str, Any]] = lambda _: {}


def unchanged(world: Dossier, _: Mapping[str, str]) -> Dossier:
    """For actions that change nothing a later step looks at."""
    return world


def by_effects(_: Dossier, step: Step) -> Proof:
    """Proved when every call of the step is in effect."""
    if step.blocked:
        return "not yet", step.blocked[0].says
    if step.calls:
        waiting = ", ".join(call.why or call.name for call in step.calls[:3])
        return "not yet", f"not in effect yet: {waiting}"
    return "proved", f"{len(step.already)} of {len(step.already)} effects read back"
