"""Delete an endpoint, and what is needed to make it again."""

from collections.abc import Mapping
from typing import Final

from vpce_tui.core.json_values import mapping, mappings, sequence
from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.actions import Action, ReadBack, by_effects, unchanged
from vpce_tui.plans.actions.endpoint.endpoint_action import WITH_GROUPS, cannot, named, seen_using
from vpce_tui.plans.placeholders import TOKEN, ref
from vpce_tui.plans.plan import PlannedCall, Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import DELETE, RECREATE, EndpointAspect, EndpointState


def recreation(raw: Mapping[str, object], inverses: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """The parameters of ``CreateVpcEndpoint`` that make such an endpoint again, from its description.

    ``inverses``: what was changed of it in this incident; it is made again as it was before.
    """
    wanted: dict[str, object] = {"VpcId": raw.get("VpcId", ""), "VpcEndpointType": raw.get("VpcEndpointType", "")}
    for key in (
        "ServiceName",
        "PolicyDocument",
        "IpAddressType",
        "ServiceNetworkArn",
        "ResourceConfigurationArn",
        "ServiceRegion",
    ):
        if raw.get(key):
            wanted[key] = raw[key]
    for key in ("SubnetIds", "RouteTableIds"):
        if raw.get(key):
            wanted[key] = list(sequence(raw, key))
    if raw.get("Groups"):
        wanted["SecurityGroupIds"] = [group["GroupId"] for group in mappings(raw, "Groups")]
    if raw.get("VpcEndpointType") in WITH_GROUPS:
        wanted["PrivateDnsEnabled"] = bool(raw.get("PrivateDnsEnabled"))
    for call, key, name in (
        ("undo-policy", "PolicyDocument", "PolicyDocument"),
        ("undo-groups", "AddSecurityGroupIds", "SecurityGroupIds"),
        ("undo-tables", "AddRouteTableIds", "RouteTableIds"),
        ("undo-dns", "PrivateDnsEnabled", "PrivateDnsEnabled"),
    ):
        if call in inverses:
            wanted[name] = inverses[call][key]
    dns = {
        key: value
        for key, value in mapping(raw, "DnsOptions").items()
        if key != "PrivateDnsOnlyForInboundResolverEndpoint"
    }
    if dns.get("DnsRecordIpType") in ("ipv4", "dualstack", "ipv6"):
        wanted["DnsOptions"] = dns
    return wanted


def _plan_delete(state: EndpointState, draft: Draft) -> Step:
    endpoint = state.endpoint
    recalled = next((call for call in (draft.remembered.undo if draft.remembered else ()) if call.id == RECREATE), None)
    if state.gone:
        _deleted(state, draft, recalled)
        return draft.step(StepKind.CHANGE, reversible=False)
    if cannot(state, draft):
        return draft.step(StepKind.CHANGE, reversible=False)
    again = "create it again with the same settings and a new id"
    if state.inverses:
        again = "create it again, open as it was before this incident, with a new id"
    tags = draft.tags("vpc-endpoint", RECREATE, endpoint.id, endpoint.tags.get("Name", f"again-{endpoint.id}"))
    kept = [
        {"Key": key, "Value": value}
        for key, value in endpoint.tags.items()
        if key != "Name" and not key.startswith(("aws:", "vpce-tui:"))
    ]
    tags[0]["Tags"] = [*mappings(tags, 0, "Tags"), *kept]
    draft.ensure(
        DELETE, "DeleteVpcEndpoints", {"VpcEndpointIds": [endpoint.id]}, so_already=False, why=f"delete {endpoint.id}"
    )
    draft.add_inverse(
        RECREATE,
        "CreateVpcEndpoint",
        {**recreation(state.raw, state.inverses), "TagSpecifications": tags, "ClientToken": ref(TOKEN)},
        undoes=(DELETE,),
        why=f"{again} (it was {endpoint.id})",
        gives={"NEW_ENDPOINT": "VpcEndpoint.VpcEndpointId"},
    )
    draft.changes.append(f"{endpoint.id} ({endpoint.type}, {endpoint.leads_to}) is deleted; its connections end")
    seen_using(state, draft)
    draft.add_impact("everything that uses it", endpoint.route_tables or endpoint.subnets)
    if state.routes and endpoint.type == "GatewayLoadBalancer":
        draft.add_impact(
            "these routes lose their target", tuple(f"{where} in {table}" for table, where in state.routes)
        )
    draft.note(
        "it cannot be restored: its settings are recorded, and an undo creates one like it, as it was before this incident, with a new id and new addresses"
    )
    draft.prove("it is no longer listed", "DescribeVpcEndpoints", named(state))
    return draft.step(StepKind.CHANGE, reversible=False)


def _deleted(state: EndpointState, draft: Draft, recalled: PlannedCall | None) -> None:
    call = draft.recall(DELETE)
    if call is None:
        draft.note(f"{state.endpoint.id} is {state.endpoint.state}")
        return
    draft.ensure(DELETE, call.operation, call.parameters, so_already=not state.recreated, why=call.why)
    if recalled is not None:
        draft.undo.append(recalled)
    draft.changes.append(f"{state.endpoint.id} is deleted")
    if state.recreated:
        draft.note(f"it was created again as {state.recreated}: contain that one if needed")
        draft.block(
            f"{state.endpoint.id} was created again as {state.recreated}", f"open the playbook on {state.recreated}"
        )


def _delete_settled(state: EndpointState, step: Step) -> ReadBack:
    if state.gone and not state.recreated:
        now = state.endpoint.state
        return (
            (VerificationState.VERIFIED, f"{state.endpoint.id} is no longer listed")
            if now == "deleted"
            else (VerificationState.NOT_YET, f"it is {now}")
        )
    return by_effects(state, step)


DELETE_ENDPOINT: Final[Action[EndpointState]] = Action(
    aspects=frozenset({EndpointAspect.ROUTES, EndpointAspect.HIT, EndpointAspect.RECREATED}),
    plan=_plan_delete,
    expect=unchanged,
    verify=_delete_settled,
    may=(
        "ec2:DeleteVpcEndpoints",
        "ec2:CreateVpcEndpoint",
    ),
    taken_back_by=("ec2:CreateVpcEndpoint",),
)
