"""Actions on a VPC endpoint: what it is, close or put right by policy and by network, private DNS, delete, guard.

(AWS: "Control access to VPC endpoints using endpoint policies", "Gateway endpoints", "Interface VPC endpoints".)
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from vpce_tui.inventory.dossiers.common import VpcGroups
from vpce_tui.inventory.dossiers.endpoint import DELETE, RECREATE, Dossier, Facet
from vpce_tui.inventory.model import Rule
from vpce_tui.inventory.policy import allows_everything, statements
from vpce_tui.playbooks.actions import Action, Choice, Proof, by_effects, read_back, unchanged
from vpce_tui.playbooks.actions.quarantine import QUARANTINE, name_of, no_egress, own_group
from vpce_tui.playbooks.draft import Draft
from vpce_tui.playbooks.plan import Kind, PlannedCall, Step
from vpce_tui.playbooks.values import TOKEN, ref

_WITH_GROUPS: Final = ("Interface", "Resource", "ServiceNetwork")
_NARROW: Final = "ENDPOINT_GROUP"


def _filters(world: Dossier) -> dict[str, Any]:
    return {"Filters": [{"Name": "vpc-endpoint-id", "Values": [world.endpoint.id]}]}


def _cannot(world: Dossier, draft: Draft, *facets: str) -> bool:
    """Block what no step can do: a deleted endpoint, one that another service manages, something unreadable."""
    endpoint = world.endpoint
    draft.block_unknown(world.unknown, *facets)
    if world.gone:
        draft.block(f"{endpoint.id} is {endpoint.state}", "nothing; it is gone")
    elif endpoint.requester_managed:
        draft.block(
            f"{endpoint.id} is managed by the service that made it ({endpoint.service}): AWS refuses every change from you",
            "change or delete it in the service that made it (its events say which), or ask that service's owner",
        )
    elif endpoint.state in ("pending", "pendingacceptance", "rejected", "failed", "expired") and draft.id != "delete":
        draft.notes.append(f"its state is {endpoint.state}: nothing flows through it yet")
    return bool(draft.blocked)


# -- what it is


def _plan_identify(world: Dossier, draft: Draft) -> Step:
    endpoint = world.endpoint
    named = [{"AttributeKey": "ResourceName", "AttributeValue": endpoint.id}]
    draft.read(
        "endpoint", "DescribeVpcEndpoints", _filters(world), "the endpoint: type, service, policy, groups, tables"
    )
    if endpoint.service:
        draft.read(
            "service", "DescribeVpcEndpointServices", {"ServiceNames": [endpoint.service]}, "whose service it leads to",
            optional=True,
        )  # fmt: skip
    draft.read(
        "history", "LookupEvents", {"LookupAttributes": named}, "who created and changed it", service="cloudtrail",
        optional=True,
    )  # fmt: skip
    if endpoint.interfaces:
        by_id = [{"Name": "network-interface-id", "Values": list(endpoint.interfaces)}]
        draft.read("interfaces", "DescribeNetworkInterfaces", {"Filters": by_id}, "its interfaces", optional=True)
    if endpoint.groups:
        by_group = [{"Name": "group-id", "Values": list(endpoint.groups)}]
        draft.read(
            "group-rules", "DescribeSecurityGroupRules", {"Filters": by_group}, "the rules of its groups", optional=True
        )
    in_vpc = [{"Name": "vpc-id", "Values": [endpoint.vpc_id]}]
    draft.read("routes", "DescribeRouteTables", {"Filters": in_vpc}, "routes of its VPC", optional=True)
    by_resource = [{"Name": "resource-id", "Values": [endpoint.vpc_id, *endpoint.interfaces]}]
    draft.read("flow-logs", "DescribeFlowLogs", {"Filter": by_resource}, "is its traffic recorded", optional=True)
    draft.notes += _what_it_is(world)
    draft.notes += [f"the {facet} could not be read: {why}" for facet, why in world.unknown.items()]
    draft.prove("every answer is kept as evidence")
    return draft.step(Kind.READ)


def _what_it_is(world: Dossier) -> list[str]:
    endpoint, service = world.endpoint, world.service
    owner = (service.owner if service else "") or "unknown: AWS does not list it to this account"
    said = [
        f"{endpoint.type} endpoint to {endpoint.service or 'a resource'}, state {endpoint.state}, in {endpoint.vpc_id}",
        f"owner of the service: {'AWS' if owner == 'amazon' else owner}",
    ]
    if endpoint.requester_managed:
        said.append("it is managed by another AWS service: no step of this playbook can change it; go to that service")
    if world.groups and endpoint.groups:
        said.append(f"groups: {', '.join(world.groups.label(group) for group in endpoint.groups)}")
    if endpoint.route_tables:
        said.append(f"route tables: {', '.join(endpoint.route_tables)}")
    if world.routes:
        said.append(f"routes that lead to it: {', '.join(f'{where} in {table}' for table, where in world.routes)}")
    said.append(f"private DNS: {'on' if endpoint.private_dns else 'off'}")
    if endpoint.policy:
        said.append(
            "policy: "
            + ("lets everything through" if allows_everything(endpoint.policy) else "has limits; in evidence")
        )
    if world.flow_logs is not None:
        log = world.flow_logs.covers(endpoint.vpc_id)
        said.append(
            f"traffic: recorded by {log.id} into {log.destination}"
            if log
            else "traffic: not recorded, so nobody can tell who uses it"
        )
    return said


# -- by policy


def policy_of(mode: str, organisation: str, account: str) -> dict[str, Any]:
    """The endpoint policy of a mode: ``deny-all``, ``own-organisation`` or ``own-account``."""
    anything: dict[str, Any] = {"Principal": "*", "Action": "*", "Resource": "*"}
    if mode == "deny-all":
        statements = [{"Sid": "IncidentDenyAll", "Effect": "Deny", **anything}]
    else:
        own = (
            {"aws:PrincipalOrgID": organisation, "aws:ResourceOrgID": organisation}
            if mode == "own-organisation"
            else {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
        )
        statements = [
            {"Sid": "OwnOnly", "Effect": "Allow", **anything, "Condition": {"StringEquals": own}},
            {
                "Sid": "EncryptedOnly",
                "Effect": "Deny",
                **anything,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def _same(one: str, other: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(one) == other)
    except (ValueError, RecursionError):
        return False


def _plan_policy(world: Dossier, draft: Draft) -> Step:
    endpoint, mode = world.endpoint, draft.choices["mode"]
    if _cannot(world, draft, Facet.SERVICE, *((Facet.ORGANISATION,) if mode == "own-organisation" else ())):
        return draft.step(Kind.CHANGE)
    if not endpoint.policy or (world.service and world.service.takes_policy is False):
        draft.notes.append(
            f"an endpoint of type {endpoint.type} to {endpoint.service or 'a resource'} takes no policy: close it by network, the next step"
        )
        return draft.step(Kind.CHANGE)
    if mode == "own-organisation" and not world.organisation:
        draft.block("this account is in no organisation", "choose mode: own-account, or deny-all")
        return draft.step(Kind.CHANGE)
    wanted = policy_of(mode, world.organisation, endpoint.account)
    so_already = _same(endpoint.policy, wanted)
    done = draft.recall("policy")
    before = endpoint.policy
    if so_already and draft.remembered is not None:
        before = next(
            (str(call.parameters["PolicyDocument"]) for call in draft.remembered.undo if call.id == "undo-policy"),
            before,
        )
    named = {"VpcEndpointId": endpoint.id}
    why = {
        "deny-all": f"{endpoint.id}: nobody gets anything through it",
        "own-organisation": f"{endpoint.id}: only {world.organisation}'s principals reach its resources, and only encrypted",
        "own-account": f"{endpoint.id}: only account {endpoint.account} reaches its own resources, and only encrypted",
    }[mode]
    draft.want(
        "policy", "ModifyVpcEndpoint", {**named, "PolicyDocument": json.dumps(wanted, separators=(",", ":"))},
        so_already=so_already, why=why,
    )  # fmt: skip
    if not so_already or done is not None:
        draft.take_back(
            "undo-policy", "ModifyVpcEndpoint", {**named, "PolicyDocument": before}, undoes=("policy",),
            why=f"{endpoint.id}: the policy of before",
        )  # fmt: skip
    draft.changes += [why, *_policy_diff(before, wanted)]
    draft.hits(
        "everything that uses this endpoint"
        + (" loses the service it leads to" if mode == "deny-all" else ", where it acts for others"),
        world.endpoint.route_tables or world.endpoint.subnets,
    )
    if mode != "deny-all":
        draft.notes.append(
            "AWS-owned resources behind S3 (package repositories, image layers) are outside your organisation: name those you need by hand"
        )
    draft.notes.append("a policy change takes minutes until it holds everywhere")
    draft.prove("the endpoint's policy reads as written", "DescribeVpcEndpoints", _filters(world))
    return draft.step(Kind.CHANGE)


def _policy_diff(before: str, after: Mapping[str, Any]) -> list[str]:
    """The two policies as a short diff, a statement a line."""
    removed = [f"- {json.dumps(item, sort_keys=True)}" for item in statements(before) if item not in after["Statement"]]
    added = [f"+ {json.dumps(item, sort_keys=True)}" for item in after["Statement"] if item not in statements(before)]
    return [*(removed or [] if statements(before) else [f"- {before[:200]}"]), *added]


# -- by network


def _plan_network(world: Dossier, draft: Draft) -> Step:
    endpoint, mode = world.endpoint, draft.choices["mode"]
    if _cannot(world, draft, Facet.GROUPS, Facet.VPC, Facet.ROUTES):
        if world.gone and world.groups is not None and draft.remembered is not None:
            _group_that_stays(world, draft)
        return draft.step(Kind.CHANGE)
    if endpoint.type == "Gateway":
        _gateway(world, draft, mode)
    elif endpoint.type in _WITH_GROUPS:
        _swap_groups(world, draft, mode)
    else:
        routes = ", ".join(f"{where} in {table}" for table, where in world.routes or ()) or "none"
        draft.block(
            f"an endpoint of type {endpoint.type} has neither groups nor route tables of its own; routes that lead to it: {routes}",
            "put those routes back to what they led to before (its events say), or delete the endpoint, the last step",
        )
    return draft.step(Kind.CHANGE)


def _gateway(world: Dossier, draft: Draft, mode: str) -> None:
    endpoint = world.endpoint
    if mode == "narrow":
        draft.notes.append("a gateway endpoint has no groups: its policy is what limits it")
        return
    before = draft.recall("tables")
    tables = list(endpoint.route_tables) or (list(before.parameters["RemoveRouteTableIds"]) if before else [])
    if not tables:
        draft.notes.append("it is in no route table: nothing reaches it")
        return
    named = {"VpcEndpointId": endpoint.id}
    draft.want(
        "tables", "ModifyVpcEndpoint", {**named, "RemoveRouteTableIds": tables},
        so_already=not set(tables) & set(endpoint.route_tables), why=f"{endpoint.id} leaves {', '.join(tables)}",
    )  # fmt: skip
    draft.take_back(
        "undo-tables", "ModifyVpcEndpoint", {**named, "AddRouteTableIds": tables}, undoes=("tables",),
        why=f"{endpoint.id} back into {', '.join(tables)}",
    )  # fmt: skip
    draft.changes.append(f"{endpoint.id} leaves {len(tables)} route tables: {', '.join(tables)}")
    draft.hits(
        "every subnet of these route tables: what went through the endpoint goes another way out, or nowhere",
        tuple(tables),
    )
    draft.prove("no route table leads to it", "DescribeVpcEndpoints", _filters(world))


def _swap_groups(world: Dossier, draft: Draft, mode: str) -> None:
    endpoint, groups = world.endpoint, world.groups
    assert groups is not None
    purpose, reference = ("quarantine", QUARANTINE) if mode == "quarantine" else ("narrow", _NARROW)
    rules = ("no-egress",) if mode == "quarantine" else ("no-egress", "only-443")
    own = own_group(
        draft, groups, vpc=endpoint.vpc_id, target=endpoint.id, purpose=purpose, reference=reference, with_rules=rules,
        stand_in=next(iter(endpoint.groups), ""),
    )  # fmt: skip
    if mode == "quarantine":
        no_egress(draft, groups, own, reference)
    else:
        _narrow_rules(world, draft, own)
    before = _groups_before(draft, endpoint.groups, draft.bindings.get(reference, ""))
    named = {"VpcEndpointId": endpoint.id}
    swapped = bool(own) and endpoint.groups == (own.id if own else "",)
    draft.want(
        "groups", "ModifyVpcEndpoint", {**named, "AddSecurityGroupIds": [ref(reference)], "RemoveSecurityGroupIds": list(before)},
        so_already=swapped, why=f"{endpoint.id}: {', '.join(map(groups.label, before))} → {name_of(groups, purpose, endpoint.id)}",
    )  # fmt: skip
    draft.take_back(
        "undo-groups", "ModifyVpcEndpoint", {**named, "AddSecurityGroupIds": list(before), "RemoveSecurityGroupIds": [ref(reference)]},
        undoes=("groups",), why=f"{endpoint.id} back into {', '.join(map(groups.label, before))}",
    )  # fmt: skip
    draft.undo.sort(key=lambda call: call.operation == "DeleteSecurityGroup")
    label = ", ".join(map(groups.label, before)) or "no group"
    what = "no rules, in or out" if mode == "quarantine" else f"443 from {', '.join(world.vpc_ranges)}, nothing out"
    draft.changes += [
        f"new group {name_of(groups, purpose, endpoint.id)} in {endpoint.vpc_id}: {what}",
        f"{endpoint.id}  {label} → {name_of(groups, purpose, endpoint.id)}",
    ]
    if mode == "quarantine":
        draft.notes.append(
            "connections that are open now are tracked and live on until they end; deleting the endpoint ends them"
        )
        draft.hits("everything that uses this endpoint loses it", tuple(endpoint.subnets))
    else:
        draft.hits("callers from outside the VPC's own ranges, or on other ports than 443", tuple(endpoint.subnets))
    draft.prove("the endpoint is in that group alone", "DescribeVpcEndpoints", _filters(world))


def _group_that_stays(world: Dossier, draft: Draft) -> None:
    """The endpoint is gone; the group that we made for it may still be there, and can be deleted."""
    assert draft.remembered is not None
    own = (world.groups or VpcGroups()).own
    for call in (*draft.remembered.calls, *draft.remembered.already):
        if call.operation == "CreateSecurityGroup" and call.id in own:
            draft.already.append(call)
    draft.undo += draft.remembered.undo


def _narrow_rules(world: Dossier, draft: Draft, own: Any) -> None:
    permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    for key, name, six in (("IpRanges", "CidrIp", False), ("Ipv6Ranges", "CidrIpv6", True)):
        ranges = [{name: block, "Description": "own VPC"} for block in world.vpc_ranges if (":" in block) is six]
        if ranges:
            permission[key] = ranges
    groups = world.groups or VpcGroups()
    everywhere: dict[str, Any] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    if groups.ipv6:
        everywhere["Ipv6Ranges"] = [{"CidrIpv6": "::/0"}]
    draft.want(
        "no-egress", "RevokeSecurityGroupEgress", {"GroupId": ref(_NARROW), "IpPermissions": [everywhere]},
        so_already=own is not None and not own.egress, why="take away the rule that lets everything out of a new group",
    )  # fmt: skip
    draft.want(
        "only-443", "AuthorizeSecurityGroupIngress", {"GroupId": ref(_NARROW), "IpPermissions": [permission]},
        so_already=own is not None and _only_443(own.ingress, world.vpc_ranges),
        why=f"let in 443 from {', '.join(world.vpc_ranges)}",
    )  # fmt: skip


def _only_443(rules: tuple[Rule, ...], ranges: tuple[str, ...]) -> bool:
    exact = all((rule.protocol, rule.from_port, rule.to_port) == ("tcp", 443, 443) for rule in rules)
    return exact and {rule.peer for rule in rules} == set(ranges)


def _groups_before(draft: Draft, live: tuple[str, ...], own: str) -> tuple[str, ...]:
    if draft.remembered is not None and own and live == (own,):
        for call in draft.remembered.undo:
            if call.id == "undo-groups":
                return tuple(call.parameters["AddSecurityGroupIds"])
    return live


# -- private DNS


def _plan_dns(world: Dossier, draft: Draft) -> Step:
    endpoint = world.endpoint
    if _cannot(world, draft):
        return draft.step(Kind.CHANGE)
    if not endpoint.private_dns and draft.recall("dns") is None:
        draft.notes.append("private DNS is off: it takes no name of a service over")
        return draft.step(Kind.CHANGE)
    named = {"VpcEndpointId": endpoint.id}
    draft.want(
        "dns", "ModifyVpcEndpoint", {**named, "PrivateDnsEnabled": False}, so_already=not endpoint.private_dns,
        why=f"names of {endpoint.service} lead to the public service again",
    )  # fmt: skip
    draft.take_back(
        "undo-dns", "ModifyVpcEndpoint", {**named, "PrivateDnsEnabled": True}, undoes=("dns",),
        why=f"names of {endpoint.service} lead to the endpoint again",
    )  # fmt: skip
    draft.changes.append(f"in {endpoint.vpc_id} the names of {endpoint.service} no longer lead to {endpoint.id}")
    draft.hits(
        f"everything in {endpoint.vpc_id} that calls {endpoint.service}: it needs another way out, a NAT gateway for instance"
    )
    draft.prove("private DNS reads off", "DescribeVpcEndpoints", _filters(world))
    return draft.step(Kind.CHANGE)


# -- encryption control


def _plan_encryption(world: Dossier, draft: Draft) -> Step:
    endpoint, control = world.endpoint, world.encryption
    if draft.choices["monitor"] == "no":
        draft.notes.append("not chosen; it costs by the hour and VPC, and says which traffic is not encrypted")
        return draft.step(Kind.CHANGE)
    draft.block_unknown(world.unknown, Facet.ENCRYPTION)
    if draft.blocked or control is None:
        return draft.step(Kind.CHANGE)
    draft.want(
        "monitor", "CreateVpcEncryptionControl",
        {"VpcId": endpoint.vpc_id, "TagSpecifications": draft.tags("vpc-encryption-control", "monitor", endpoint.id, "monitor")},
        so_already=bool(control.id), why=f"{endpoint.vpc_id}: see which traffic is not encrypted",
        gives={"ENCRYPTION_CONTROL": "VpcEncryptionControl.VpcEncryptionControlId"},
    )  # fmt: skip
    if control.id and not control.ours:
        draft.notes.append(f"{endpoint.vpc_id} has one already: {control.id}, in mode {control.mode}")
        return draft.step(Kind.CHANGE)
    if control.id:
        draft.bindings["ENCRYPTION_CONTROL"] = control.id
    draft.take_back(
        "undo-monitor", "DeleteVpcEncryptionControl", {"VpcEncryptionControlId": ref("ENCRYPTION_CONTROL")}, undoes=("monitor",),
        why="remove the encryption control",
    )  # fmt: skip
    draft.changes.append(
        f"{endpoint.vpc_id} gets VPC Encryption Control in monitor mode: nothing is cut, flow logs say what is encrypted"
    )
    draft.notes.append(
        "it costs by the hour and VPC; enforcing is a step of its own, once the list of what would break is empty"
    )
    draft.hits("nobody: monitor mode cuts nothing")
    draft.prove("the control reads back", "DescribeVpcEncryptionControls", {"VpcIds": [endpoint.vpc_id]})
    return draft.step(Kind.CHANGE)


# -- delete


def recreation(raw: Mapping[str, Any], inverses: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters of ``CreateVpcEndpoint`` that make such an endpoint again, from its description.

    ``inverses``: what was changed of it in this incident; it is made again as it was before.
    """
    wanted: dict[str, Any] = {"VpcId": raw.get("VpcId", ""), "VpcEndpointType": raw.get("VpcEndpointType", "")}
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
            wanted[key] = list(raw[key])
    if raw.get("Groups"):
        wanted["SecurityGroupIds"] = [group["GroupId"] for group in raw["Groups"]]
    if raw.get("VpcEndpointType") == "Interface":
        wanted["PrivateDnsEnabled"] = bool(raw.get("PrivateDnsEnabled"))
    for call, key, name in (
        ("undo-policy", "PolicyDocument", "PolicyDocument"), ("undo-groups", "AddSecurityGroupIds", "SecurityGroupIds"),
        ("undo-tables", "AddRouteTableIds", "RouteTableIds"), ("undo-dns", "PrivateDnsEnabled", "PrivateDnsEnabled"),
    ):  # fmt: skip
        if call in inverses:
            wanted[name] = inverses[call][key]
    dns = {
        key: value
        for key, value in (raw.get("DnsOptions") or {}).items()
        if key != "PrivateDnsOnlyForInboundResolverEndpoint"
    }
    if dns.get("DnsRecordIpType") in ("ipv4", "dualstack", "ipv6"):
        wanted["DnsOptions"] = dns
    return wanted


def _plan_delete(world: Dossier, draft: Draft) -> Step:
    endpoint = world.endpoint
    recalled = next((call for call in (draft.remembered.undo if draft.remembered else ()) if call.id == RECREATE), None)
    if world.gone:
        _deleted(world, draft, recalled)
        return draft.step(Kind.CHANGE, reversible=False)
    if _cannot(world, draft):
        return draft.step(Kind.CHANGE, reversible=False)
    tags = draft.tags("vpc-endpoint", RECREATE, endpoint.id, endpoint.tags.get("Name", f"again-{endpoint.id}"))
    kept = [
        {"Key": key, "Value": value}
        for key, value in endpoint.tags.items()
        if key != "Name" and not key.startswith(("aws:", "vpce-tui:"))
    ]
    tags[0]["Tags"] += kept
    draft.want(
        DELETE, "DeleteVpcEndpoints", {"VpcEndpointIds": [endpoint.id]}, so_already=False, why=f"delete {endpoint.id}"
    )
    draft.take_back(
        RECREATE, "CreateVpcEndpoint", {**recreation(world.raw, world.inverses), "TagSpecifications": tags, "ClientToken": ref(TOKEN)},
        undoes=(DELETE,), why=f"make it again as it was, with a new id (it was {endpoint.id})",
    )  # fmt: skip
    draft.changes.append(
        f"{endpoint.id} ({endpoint.type}, {endpoint.service or 'a resource'}) is gone; its connections end"
    )
    draft.hits("everything that uses it", endpoint.route_tables or endpoint.subnets)
    if world.routes and endpoint.type == "GatewayLoadBalancer":
        draft.hits("these routes lead nowhere then", tuple(f"{where} in {table}" for table, where in world.routes))
    draft.notes.append(
        "what is needed to make it again is recorded: vpce-tui undo makes one like it, with a new id and new addresses"
    )
    draft.prove("it is no longer listed", "DescribeVpcEndpoints", _filters(world))
    return draft.step(Kind.CHANGE, reversible=False)


def _deleted(world: Dossier, draft: Draft, recalled: PlannedCall | None) -> None:
    call = draft.recall(DELETE)
    if call is None:
        draft.notes.append(f"{world.endpoint.id} is {world.endpoint.state}")
        return
    draft.want(DELETE, call.operation, call.parameters, so_already=not world.recreated, why=call.why)
    if recalled is not None:
        draft.undo.append(recalled)
    draft.changes.append(f"{world.endpoint.id} is gone")
    if world.recreated:
        draft.notes.append(f"it was made again as {world.recreated}: contain that one, if it must go again")
        draft.block(
            f"{world.endpoint.id} was made again as {world.recreated}", f"open the playbook on {world.recreated}"
        )


def _delete_settled(world: Dossier, step: Step) -> Proof:
    if world.gone and not world.recreated:
        state = world.endpoint.state
        return (
            ("proved", f"{world.endpoint.id} is no longer listed")
            if state == "deleted"
            else ("not yet", f"it is {state}")
        )
    return by_effects(world, step)


# -- guard


def _plan_guard(world: Dossier, draft: Draft) -> Step:
    organisation = world.organisation or "o-yourorganisation"
    guard = {
        "Sid": "EndpointsOnlyByThePipeline", "Effect": "Deny", "Action": "ec2:CreateVpcEndpoint", "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{world.endpoint.account}:role/YOUR-PIPELINE-ROLE"}},
    }  # fmt: skip
    services = {
        "Sid": "OnlyServicesOfAws", "Effect": "Deny", "Action": "ec2:CreateVpcEndpoint", "Resource": "arn:aws:ec2:*:*:vpc-endpoint/*",
        "Condition": {"StringNotEquals": {"ec2:VpceServiceOwner": ["amazon", world.endpoint.account]}},
    }  # fmt: skip
    data = {
        "Sid": "OnlyThroughOwnEndpoints", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:VpceOrgID": organisation},
            "Bool": {"aws:ViaAWSService": "false"}, "Null": {"aws:SourceVpce": "false"},
        },
    }  # fmt: skip
    draft.notes += [
        "service control policy, so that only your pipeline creates endpoints (put its role in): " + json.dumps(guard),
        "service control policy, so that endpoints lead only to AWS's services and your own: " + json.dumps(services),
        "bucket or resource control policy, so that your data leaves only through endpoints of your organisation: "
        + json.dumps(data),
        "try each on one account first; a wrong deny stops your own deployments",
    ]
    return draft.step(Kind.MANUAL)


def vpc_of(step: Step) -> Mapping[str, Any]:
    """The VPC that an earlier plan of the step was about; see :attr:`Action.remember`."""
    for call in (*step.calls, *step.already):
        resources = call.parameters.get("ResourceIds") or [call.parameters.get("VpcId", "")]
        if str(resources[0]).startswith("vpc-"):
            return {"vpc_id": resources[0]}
    return {}


def _only_live(world: Dossier, call: PlannedCall, _: bool, __: bool) -> str:
    """Why an inverse on the endpoint is not made; see :attr:`Action.leave`."""
    if world.gone and call.operation == "ModifyVpcEndpoint":
        return f"{world.endpoint.id} is {world.endpoint.state}, there is nothing to put back"
    return ""


IDENTIFY: Final = Action(
    frozenset({Facet.SERVICE, Facet.GROUPS, Facet.ROUTES, Facet.FLOW_LOGS}),
    _plan_identify,
    unchanged,
    read_back,
    target="endpoint",
    may=(
        "cloudtrail:LookupEvents",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroupRules",
    ),
)
POLICY: Final = Action(
    frozenset({Facet.SERVICE, Facet.ORGANISATION}), _plan_policy, unchanged, by_effects,
    (
        Choice(
            "mode", "What may still go through it",
            (
                ("deny-all", "nothing: deny everything"),
                ("own-organisation", "it stays: only own organisation's principals and resources, only encrypted"),
                ("own-account", "it stays: only this account's principals and resources, only encrypted"),
            ),
        ),
    ),
    leave=_only_live, target="endpoint",
    may=("ec2:ModifyVpcEndpoint",),
)  # fmt: skip
NETWORK: Final = Action(
    frozenset({Facet.GROUPS, Facet.VPC, Facet.ROUTES}), _plan_network, unchanged, by_effects,
    (
        Choice(
            "mode", "What may still reach it",
            (
                ("quarantine", "nothing: an empty group, or no route table"),
                ("narrow", "it stays: only port 443 from the VPC's own ranges"),
            ),
        ),
    ),
    vpc_of,
    leave=_only_live, target="endpoint",
    may=("ec2:ModifyVpcEndpoint", "ec2:CreateSecurityGroup", "ec2:RevokeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:DeleteSecurityGroup",),
)  # fmt: skip
DNS: Final = Action(
    frozenset(),
    _plan_dns,
    unchanged,
    by_effects,
    leave=_only_live,
    target="endpoint",
    may=("ec2:ModifyVpcEndpoint",),
)
ENCRYPTION: Final = Action(
    frozenset({Facet.ENCRYPTION}), _plan_encryption, unchanged, by_effects,
    (Choice("monitor", "Turn on VPC Encryption Control in monitor mode (it costs)", (("no", "no"), ("yes", "yes, monitor"))),),
    vpc_of, target="endpoint",
    may=("ec2:CreateVpcEncryptionControl", "ec2:DeleteVpcEncryptionControl",),
)  # fmt: skip
REMOVE: Final = Action(
    frozenset({Facet.ROUTES, Facet.RECREATED}),
    _plan_delete,
    unchanged,
    _delete_settled,
    target="endpoint",
    may=(
        "ec2:DeleteVpcEndpoints",
        "ec2:CreateVpcEndpoint",
    ),
)
GUARD: Final = Action(frozenset({Facet.ORGANISATION}), _plan_guard, unchanged, read_back, target="endpoint")
