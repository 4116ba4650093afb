"""Close an endpoint by network: groups of an interface endpoint, route tables of a gateway endpoint.

(AWS: "Interface VPC endpoints", "Gateway endpoints".)
"""

from typing import Final

from vpce_tui.core.json_values import strings
from vpce_tui.core.text import many
from vpce_tui.inventory.resources import SecurityGroup, SecurityGroupPermission
from vpce_tui.plans.actions import Action, Choice, by_effects, unchanged
from vpce_tui.plans.actions.created_security_group import QUARANTINE, name_of, no_egress, plan_security_group
from vpce_tui.plans.actions.endpoint.endpoint_action import WITH_GROUPS, cannot, named, only_live, seen_using, vpc_of
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState
from vpce_tui.plans.targets.planning_context import VpcGroups

_NARROW: Final = "ENDPOINT_GROUP"


def _plan_network(state: EndpointState, draft: Draft) -> Step:
    endpoint, mode = state.endpoint, draft.choices["mode"]
    if cannot(state, draft, EndpointAspect.GROUPS, EndpointAspect.VPC, EndpointAspect.ROUTES):
        if state.gone and state.groups is not None and draft.remembered is not None:
            _group_that_stays(state, draft)
        return draft.step(StepKind.CHANGE)
    if endpoint.type == "Gateway":
        _gateway(state, draft, mode)
    elif endpoint.type in WITH_GROUPS and mode == "narrow" and endpoint.resource:
        draft.block(
            f"{endpoint.leads_to} uses its own ports (a database: 5432): allowing only 443 would block it",
            "choose quarantine, or revoke single rules: run playbook block-traffic on this endpoint",
        )
    elif endpoint.type in WITH_GROUPS:
        _swap_groups(state, draft, mode)
    else:
        routes = ", ".join(f"{where} in {table}" for table, where in state.routes or ()) or "none"
        draft.block(
            f"an endpoint of type {endpoint.type} has neither security groups nor route tables; routes to it: {routes}",
            "restore the earlier targets of those routes (see its events), or delete the endpoint",
        )
    kept = draft.others.get("endpoint-policy", {}).get("mode", "deny-all") != "deny-all"
    if kept and mode == "quarantine" and draft.changes:
        draft.warn("you chose a policy under which it stays in use, and this step blocks all new connections to it")
    return draft.step(StepKind.CHANGE)


def _gateway(state: EndpointState, draft: Draft, mode: str) -> None:
    endpoint = state.endpoint
    if mode == "narrow":
        draft.note("a gateway endpoint has no security groups: only its policy limits it")
        return
    before = draft.recall("tables")
    tables = list(endpoint.route_tables) or (list(strings(before.parameters, "RemoveRouteTableIds")) if before else [])
    if not tables:
        draft.note("it is associated with no route table: nothing reaches it")
        return
    it = {"VpcEndpointId": endpoint.id}
    draft.ensure(
        "tables",
        "ModifyVpcEndpoint",
        {**it, "RemoveRouteTableIds": tables},
        so_already=not set(tables) & set(endpoint.route_tables),
        why=f"{endpoint.id} is removed from {', '.join(tables)}",
    )
    draft.add_inverse(
        "undo-tables",
        "ModifyVpcEndpoint",
        {**it, "AddRouteTableIds": tables},
        undoes=("tables",),
        why=f"associate {endpoint.id} with {', '.join(tables)} again",
    )
    draft.changes.append(f"{endpoint.id} leaves {many(len(tables), 'route table')}: {', '.join(tables)}")
    draft.add_impact(
        "every subnet of these route tables: traffic to the service uses another route, or fails",
        tuple(tables),
    )
    seen_using(state, draft)
    draft.prove("no route table has a route to it", "DescribeVpcEndpoints", named(state))


def _swap_groups(state: EndpointState, draft: Draft, mode: str) -> None:
    endpoint, groups = state.endpoint, state.groups
    assert groups is not None
    purpose, reference = ("quarantine", QUARANTINE) if mode == "quarantine" else ("narrow", _NARROW)
    rules = ("no-egress",) if mode == "quarantine" else ("no-egress", "only-443")
    own = plan_security_group(
        draft,
        groups,
        vpc=endpoint.vpc_id,
        target=endpoint.id,
        purpose=purpose,
        reference=reference,
        with_rules=rules,
        stand_in=next(iter(endpoint.groups), ""),
    )
    if mode == "quarantine":
        no_egress(draft, groups, own, reference)
    else:
        _narrow_rules(state, draft, own)
    before = _groups_before(draft, endpoint.groups, draft.bindings.get(reference, ""))
    it = {"VpcEndpointId": endpoint.id}
    swapped = bool(own) and endpoint.groups == (own.id if own else "",)
    draft.ensure(
        "groups",
        "ModifyVpcEndpoint",
        {**it, "AddSecurityGroupIds": [ref(reference)], "RemoveSecurityGroupIds": list(before)},
        so_already=swapped,
        why=f"{endpoint.id}: {', '.join(map(groups.label, before))} → {name_of(groups, purpose, endpoint.id)}",
    )
    draft.add_inverse(
        "undo-groups",
        "ModifyVpcEndpoint",
        {**it, "AddSecurityGroupIds": list(before), "RemoveSecurityGroupIds": [ref(reference)]},
        undoes=("groups",),
        why=f"{endpoint.id}: restore security groups {', '.join(map(groups.label, before))}",
    )
    draft.undo.sort(key=lambda call: call.operation == "DeleteSecurityGroup")
    label = ", ".join(map(groups.label, before)) or "no group"
    what = (
        "no rules, in or out"
        if mode == "quarantine"
        else f"inbound TCP 443 from {', '.join(state.vpc_ranges)}, no outbound"
    )
    draft.changes += [
        f"new group {name_of(groups, purpose, endpoint.id)} in {endpoint.vpc_id}: {what}",
        f"{endpoint.id}  {label} → {name_of(groups, purpose, endpoint.id)}",
    ]
    seen_using(state, draft)
    if mode == "quarantine":
        draft.note("established connections are tracked and stay open until they end; deleting the endpoint ends them")
        draft.add_impact("everything that uses this endpoint loses it", tuple(endpoint.subnets))
    else:
        draft.add_impact(
            "callers from outside the VPC's own ranges, or on other ports than 443", tuple(endpoint.subnets)
        )
    draft.prove("the endpoint has only that security group", "DescribeVpcEndpoints", named(state))


def _group_that_stays(state: EndpointState, draft: Draft) -> None:
    """The endpoint is gone; the group that we made for it may still be there, and can be deleted."""
    assert draft.remembered is not None
    own = (state.groups or VpcGroups()).own
    for call in (*draft.remembered.calls, *draft.remembered.already):
        if call.operation == "CreateSecurityGroup" and call.id in own:
            draft.already.append(call)
    draft.undo += draft.remembered.undo


def _narrow_rules(state: EndpointState, draft: Draft, own: SecurityGroup | None) -> None:
    permission: dict[str, object] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    for key, name, six in (("IpRanges", "CidrIp", False), ("Ipv6Ranges", "CidrIpv6", True)):
        ranges = [{name: block, "Description": "own VPC"} for block in state.vpc_ranges if (":" in block) is six]
        if ranges:
            permission[key] = ranges
    groups = state.groups or VpcGroups()
    everywhere: dict[str, object] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    if groups.ipv6:
        everywhere["Ipv6Ranges"] = [{"CidrIpv6": "::/0"}]
    draft.ensure(
        "no-egress",
        "RevokeSecurityGroupEgress",
        {"GroupId": ref(_NARROW), "IpPermissions": [everywhere]},
        so_already=own is not None and not own.egress,
        why="revoke the default egress rule of a new security group",
    )
    draft.ensure(
        "only-443",
        "AuthorizeSecurityGroupIngress",
        {"GroupId": ref(_NARROW), "IpPermissions": [permission]},
        so_already=own is not None and _only_443(own.ingress, state.vpc_ranges),
        why=f"allow 443 from {', '.join(state.vpc_ranges)}",
    )


def _only_443(rules: tuple[SecurityGroupPermission, ...], ranges: tuple[str, ...]) -> bool:
    exact = all((rule.protocol, rule.from_port, rule.to_port) == ("tcp", 443, 443) for rule in rules)
    return exact and {rule.peer for rule in rules} == set(ranges)


def _groups_before(draft: Draft, live: tuple[str, ...], own: str) -> tuple[str, ...]:
    if draft.remembered is not None and own and live == (own,):
        for call in draft.remembered.undo:
            if call.id == "undo-groups":
                return strings(call.parameters, "AddSecurityGroupIds")
    return live


NETWORK: Final[Action[EndpointState]] = Action(
    aspects=frozenset({EndpointAspect.GROUPS, EndpointAspect.VPC, EndpointAspect.ROUTES, EndpointAspect.HIT}),
    plan=_plan_network,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "mode",
            "Who may still reach it",
            (
                ("quarantine", "nobody: an empty security group, or no route table"),
                ("narrow", "it stays: only port 443 from the VPC's own ranges"),
            ),
        ),
    ),
    remember=vpc_of,
    why_not_undone=only_live,
    may=(
        "ec2:ModifyVpcEndpoint",
        "ec2:CreateSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup",
    ),
    taken_back_by=("ec2:ModifyVpcEndpoint", "ec2:DeleteSecurityGroup"),
)
