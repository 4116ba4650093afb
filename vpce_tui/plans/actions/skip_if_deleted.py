"""When an inverse call on an instance makes no sense any more."""

from typing import Final

from vpce_tui.plans.plan import PlannedCall
from vpce_tui.plans.targets.instance_state import InstanceState

_WITHOUT_INSTANCE: Final = ("DeleteSecurityGroup", "DeleteRolePolicy", "ModifyNetworkInterfaceAttribute")
"""Inverses that make sense although the instance is gone."""


def skip_if_deleted(state: InstanceState, call: PlannedCall, still: bool, everything: bool) -> str:
    """Why ``call`` is not made on an instance that is gone; see :attr:`Action.why_not_undone`."""
    if not state.gone:
        return ""
    instance = state.instance
    if call.operation not in _WITHOUT_INSTANCE:
        return f"{instance.id} is {instance.state}, there is nothing to undo"
    if call.operation == "ModifyNetworkInterfaceAttribute" and not still:
        return f"it was deleted with {instance.id}"
    if call.operation == "DeleteRolePolicy" and everything:
        return "not undone, so that stolen sessions stay denied; name the step to undo it"
    return ""
