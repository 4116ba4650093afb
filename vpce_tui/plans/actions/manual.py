"""A step for a person: guidance, no call."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from vpce_tui.plans.actions import Action, read_back, unchanged
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft


def told(guidance: Sequence[str]) -> Action:
    """A step that tells ``guidance``."""

    def plan(_: Any, draft: Draft) -> Step:
        draft.note(*list(guidance))
        return draft.step(StepKind.MANUAL)

    return replace(MANUAL, plan=plan)


MANUAL: Final = Action(
    facets=frozenset(),
    plan=lambda _, draft: draft.step(StepKind.MANUAL),
    expect=unchanged,
    settled=read_back,
    target="",
)
