"""Which planner plans a playbook: the one of its kind of target, with the actions that take that kind's state."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from vpce_tui.plans.actions import Action, AnyAction, S, manual
from vpce_tui.plans.actions.action_table import (
    ACCOUNT_ACTIONS,
    ENDPOINT_ACTIONS,
    INSTANCE_ACTIONS,
    INTERFACE_ACTIONS,
    PRINCIPAL_ACTIONS,
)
from vpce_tui.plans.planner import KindPlanner
from vpce_tui.plans.playbook import Planner
from vpce_tui.plans.targets import ACCOUNT, ENDPOINT, INSTANCE, INTERFACE, PRINCIPAL, TargetKind

Steps = Sequence[tuple[str, str, Sequence[str]]]
"""Id, action and guidance of each step of a playbook."""


def planner_of(kind: str, steps: Steps) -> tuple[Planner, Mapping[str, AnyAction]]:
    """What plans these steps on targets of this kind, and their actions by step id."""
    return _FAMILIES[kind](steps)


def _family(
    kind: TargetKind[S], actions: Mapping[str, Action[S]]
) -> Callable[[Steps], tuple[Planner, Mapping[str, AnyAction]]]:
    def made(steps: Steps) -> tuple[Planner, Mapping[str, AnyAction]]:
        own: dict[str, Action[S]] = {
            step_id: manual.manual(guidance) if action == manual.NAME else actions[action]
            for step_id, action, guidance in steps
        }
        return KindPlanner(kind, own), own

    return made


_FAMILIES: Final = {
    INSTANCE.name: _family(INSTANCE, INSTANCE_ACTIONS),
    ENDPOINT.name: _family(ENDPOINT, ENDPOINT_ACTIONS),
    PRINCIPAL.name: _family(PRINCIPAL, PRINCIPAL_ACTIONS),
    INTERFACE.name: _family(INTERFACE, INTERFACE_ACTIONS),
    ACCOUNT.name: _family(ACCOUNT, ACCOUNT_ACTIONS),
}
