"""What every action on a principal needs: how IAM names it, and why it may not be acted on."""

from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.principal_state import (
    PrincipalKind,
    PrincipalState,
)


def names_in_iam(state: PrincipalState) -> dict[str, object]:
    return {f"{state.kind.capitalize()}Name": state.name}


def cannot_act(state: PrincipalState, draft: Draft, *aspects: str) -> bool:
    """Block what no policy reaches: the root user, roles that belong to AWS, something unreadable."""
    draft.block_unknown(state.unknown, *aspects)
    if state.kind is PrincipalKind.ROOT:
        draft.block(
            "no IAM policy of this account limits the root user",
            "do the last step manually: sign in as root, change its password, delete its keys, check its MFA devices",
        )
    elif state.own:
        draft.block(
            f"you are signed in as this {state.kind}: you would lock yourself out halfway",
            "sign in as somebody else who may do it, then open the incident again",
        )
    elif state.managed:
        draft.block(f"{state.name}: {state.managed}", state.elsewhere)
    return bool(draft.blocked)
