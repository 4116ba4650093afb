"""A step for a person, on any kind of target: guidance, no call."""

from collections.abc import Sequence

from vpce_tui.plans.actions import Action, S, read_back, unchanged
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft

NAME = "manual"
"""How a playbook's file calls it."""


def manual(guidance: Sequence[str]) -> Action[S]:
    """A manual step that shows ``guidance``."""

    def plan(_: S, draft: Draft) -> Step:
        draft.note(*guidance)
        return draft.step(StepKind.MANUAL)

    return Action(aspects=frozenset(), plan=plan, expect=unchanged, verify=read_back)
