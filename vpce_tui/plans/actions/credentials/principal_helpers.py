"""What every action on a principal needs: how IAM names it, and why it may not be acted on."""

from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.principal_state import (
    PrincipalState,
)


def names_in_iam(world: PrincipalState) -> dict[str, object]:
    return {f"{world.kind.capitalize()}Name": world.name}


def cannot_act(world: PrincipalState, draft: Draft, *facets: str) -> bool:
    """Block what no policy reaches: the root user, roles that belong to AWS, something unreadable."""
    draft.block_unknown(world.unknown, *facets)
    if world.kind == "root":
        draft.block(
            "no IAM policy of this account limits the root user",
            "do the last step manually: sign in as root, change its password, delete its keys, check its MFA devices",
        )
    elif world.own:
        draft.block(
            f"you are signed in as this {world.kind}: you would lock yourself out in the middle",
            "sign in as somebody else who may do it, then open the incident again",
        )
    elif world.managed:
        draft.block(f"{world.name}: {world.managed}", world.elsewhere)
    return bool(draft.blocked)
