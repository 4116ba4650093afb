"""What the actions on an endpoint share: what none of them can do, and who is hit."""

from collections.abc import Mapping
from typing import Final

from vpce_tui.core.json_values import string
from vpce_tui.core.text import many
from vpce_tui.plans.plan import PlannedCall, Step
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState

WITH_GROUPS: Final = ("Interface", "Resource", "ServiceNetwork")
"""Types of endpoints that are in subnets and have security groups."""


def named(state: EndpointState) -> dict[str, object]:
    """The endpoint, as parameters of ``DescribeVpcEndpoints``."""
    return {"Filters": [{"Name": "vpc-endpoint-id", "Values": [state.endpoint.id]}]}


def cannot(state: EndpointState, draft: Draft, *aspects: str) -> bool:
    """Block what no step can do: a deleted endpoint, one that another service manages, something unreadable."""
    endpoint = state.endpoint
    draft.block_unknown(state.unknown, *aspects)
    if state.gone:
        draft.block(f"{endpoint.id} is {endpoint.state}", "nothing; it does not exist any more")
    elif endpoint.requester_managed:
        draft.block(
            f"{endpoint.id} is managed by the service that created it ({endpoint.leads_to}): AWS rejects changes by you",
            "change or delete it in the service that created it (see its events), or ask that service's owner",
        )
    elif endpoint.state in ("pending", "pendingacceptance", "rejected", "failed", "expired") and draft.id != "delete":
        draft.note(f"its state is {endpoint.state}: it carries no traffic yet")
    return bool(draft.blocked)


def vpc_of(step: Step) -> Mapping[str, object]:
    """The VPC that an earlier plan of the step was about; see :attr:`Action.remember`."""
    for call in (*step.calls, *step.already):
        named = string(call.parameters, "ResourceIds", 0) or string(call.parameters, "VpcId")
        if named.startswith("vpc-"):
            return {"vpc_id": named}
    return {}


def only_live(state: EndpointState, call: PlannedCall, _: bool, __: bool) -> str:
    """Why an inverse on the endpoint is not made; see :attr:`Action.why_not_undone`."""
    if state.gone and call.operation == "ModifyVpcEndpoint":
        return f"{state.endpoint.id} is {state.endpoint.state}, there is nothing to undo"
    return ""


def seen_using(state: EndpointState, draft: Draft) -> None:
    """Say who was seen using it, so that whoever closes it knows whom that hits."""
    if EndpointAspect.HIT in state.unknown:
        draft.add_impact(f"its users are unknown: {state.unknown[EndpointAspect.HIT]}")
    if state.reach is not None:
        draft.add_impact(
            f"{many(len(state.reach), 'instance')} in the subnets of its route tables can use it", state.reach
        )
    if state.use is None or state.use.traffic is None:
        return
    traffic = state.use.traffic
    hours = traffic.window.hours
    users = dict.fromkeys(flow_peer.peer for flow_peer in traffic.flow_peers if flow_peer.accepted)
    named_so = tuple(f"{peer} {state.use.holder_of.get(peer, '')}".strip() for peer in users)
    if named_so:
        draft.add_impact(f"{many(len(named_so), 'address', 'addresses')} used it in the last {hours} h", named_so)
    else:
        draft.note(f"flow logs show no use in the last {hours} h")
