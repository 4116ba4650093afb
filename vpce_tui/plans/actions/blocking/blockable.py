"""What every way of blocking needs: chosen addresses that something filters."""

from vpce_tui.plans.actions.flow_log_verdicts import BEYOND_REMEDY, why_not_blockable
from vpce_tui.plans.actions.traffic import CHOOSE, chosen
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.interface_state import InterfaceState


def filtered(state: InterfaceState, blocks: tuple[str, ...], draft: Draft) -> None:
    """Block what no list and no group filters."""
    for block in blocks:
        beyond = why_not_blockable(state, block)
        if beyond:
            draft.block(beyond, BEYOND_REMEDY)


def nothing_chosen(state: InterfaceState, draft: Draft) -> tuple[str, ...]:
    """The chosen addresses; blocks or says why there is nothing to do."""
    if state.gone:
        draft.block(f"{state.target} does not exist any more", "nothing; it has no traffic any more")
        return ()
    blocks = chosen(draft)
    if not blocks:
        step = (
            "the step that chooses addresses"
            if CHOOSE in draft.others
            else "a step with action traffic-choose, which this playbook lacks,"
        )
        draft.note(f"no address is chosen: choose one in {step}")
    return blocks
