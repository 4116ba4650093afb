"""Reading what lets traffic through to interfaces: rules of security groups, network ACLs, IP sets of WAF, VPC Block Public Access."""

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.core.json_values import at, integer, mappings, string
from vpce_tui.inventory.networks import acl
from vpce_tui.inventory.resources import tags_of
from vpce_tui.plans.targets.barriers import AddressSet, BlockPublicAccess, SecurityGroupRule
from vpce_tui.plans.targets.interface_state import InterfaceState
from vpce_tui.plans.targets.planning_context import TAG_CALL, PlanningContext, ours


def described(client: AwsClient, region: str, filters: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Network interfaces as AWS describes them."""
    call = Call(
        service="ec2", operation="DescribeNetworkInterfaces", region=region, parameters={"Filters": list(filters)}
    )
    return [raw for page in client.pages(call) for raw in page.data.get("NetworkInterfaces", [])]


def rules(client: AwsClient, state: InterfaceState, _: PlanningContext) -> InterfaceState:
    """The rules of the groups that the interfaces are in, the names of the groups, and who else holds them."""
    groups = sorted({group for nic in state.interfaces for group in nic.groups})
    if not groups:
        return replace(state, rules=())
    call = Call(
        service="ec2",
        operation="DescribeSecurityGroupRules",
        region=state.region,
        parameters={"Filters": [{"Name": "group-id", "Values": groups}]},
    )
    raws = [raw for page in client.pages(call) for raw in page.data.get("SecurityGroupRules", [])]
    named = client.read(
        Call(service="ec2", operation="DescribeSecurityGroups", region=state.region, parameters={"GroupIds": groups})
    ).data
    own = {nic.id for nic in state.interfaces}
    holders: dict[str, list[str]] = {group: [] for group in groups}
    for raw in described(client, state.region, [{"Name": "group-id", "Values": groups}]):
        if raw["NetworkInterfaceId"] not in own:
            for held in mappings(raw, "Groups"):
                if held.get("GroupId") in holders:
                    holders[str(held["GroupId"])].append(_label(raw))
    return replace(
        state,
        rules=tuple(
            sorted((group_rule(raw) for raw in raws), key=lambda rule: (rule.egress, rule.group, rule.peer, rule.id))
        ),
        group_names={str(item["GroupId"]): str(item.get("GroupName", "")) for item in named.get("SecurityGroups", [])},
        holders={group: tuple(sorted(names)) for group, names in holders.items()},
    )


def _label(raw: Mapping[str, object]) -> str:
    """An interface by what it belongs to."""
    owner = at(raw, "Attachment", "InstanceId")
    return f"{owner or raw.get('Description') or 'unattached'} ({raw['NetworkInterfaceId']})"


def group_rule(raw: Mapping[str, object]) -> SecurityGroupRule:
    """One item of ``DescribeSecurityGroupRules``."""
    peer = raw.get("CidrIpv4") or raw.get("CidrIpv6") or raw.get("PrefixListId")
    return SecurityGroupRule(
        id=str(raw.get("SecurityGroupRuleId", "")),
        group=str(raw.get("GroupId", "")),
        egress=bool(raw.get("IsEgress")),
        protocol=str(raw.get("IpProtocol", "-1")),
        from_port=_port(raw.get("FromPort")),
        to_port=_port(raw.get("ToPort")),
        peer=str(peer or string(raw, "ReferencedGroupInfo", "GroupId")),
        description=str(raw.get("Description") or ""),
    )


def _port(value: object) -> int:
    return -1 if value is None else integer(value)


def acls(client: AwsClient, state: InterfaceState, _: PlanningContext) -> InterfaceState:
    """The network ACLs of their subnets, and who else is in the subnets these guard."""
    subnets = sorted({nic.subnet_id for nic in state.interfaces})
    call = Call(
        service="ec2",
        operation="DescribeNetworkAcls",
        region=state.region,
        parameters={"Filters": [{"Name": "association.subnet-id", "Values": subnets}]},
    )
    found = [acl(raw) for page in client.pages(call) for raw in page.data.get("NetworkAcls", [])]
    guarded = sorted({subnet for acl in found for subnet in acl.subnets})
    own, neighbours = {nic.id for nic in state.interfaces}, {subnet: list[str]() for subnet in guarded}
    for raw in described(client, state.region, [{"Name": "subnet-id", "Values": guarded}]) if guarded else ():
        if raw["NetworkInterfaceId"] not in own:
            neighbours[str(raw["SubnetId"])].append(_label(raw))
    described_subnets = (
        client.read(
            Call(service="ec2", operation="DescribeSubnets", region=state.region, parameters={"SubnetIds": subnets})
        ).data
        if subnets
        else {}
    )
    ranges = [str(raw.get("CidrBlock", "")) for raw in described_subnets.get("Subnets", [])]
    ranges += [
        str(item.get("Ipv6CidrBlock", ""))
        for raw in described_subnets.get("Subnets", [])
        for item in raw.get("Ipv6CidrBlockAssociationSet") or ()
    ]
    return replace(
        state,
        subnet_ranges=tuple(sorted({*ranges} - {""})),
        acls=tuple(sorted(found, key=lambda acl: acl.id)),
        neighbours={subnet: tuple(sorted(names)) for subnet, names in neighbours.items()},
    )


def sets(client: AwsClient, state: InterfaceState, _: PlanningContext) -> InterfaceState:
    """Every IP set of WAF for the region and for CloudFront, and which web ACLs name it."""
    found = []
    for scope, region in (("REGIONAL", state.region), ("CLOUDFRONT", "us-east-1")):
        users = _users_of_sets(client, scope, region)
        for item in _listed(client, "ListIPSets", "IPSets", scope, region):
            named = {"Name": item["Name"], "Scope": scope, "Id": item["Id"]}
            raw = client.read(Call(service="wafv2", operation="GetIPSet", region=region, parameters=named)).data[
                "IPSet"
            ]
            uses = {name: arns[str(raw.get("ARN"))] for name, arns in users.items() if raw.get("ARN") in arns}
            written = tuple(str(address) for address in raw.get("Addresses") or ())
            found.append(
                AddressSet(
                    id=str(item["Id"]),
                    name=str(item["Name"]),
                    scope=scope,
                    region=region,
                    version=str(raw.get("IPAddressVersion", "IPV4")),
                    addresses=tuple(_canonical(address) for address in written),
                    used_by=tuple(sorted(uses)),
                    written=written,
                    lets_in=tuple(sorted(name for name, blocks in uses.items() if not blocks)),
                )
            )
    return replace(state, sets=tuple(sorted(found, key=lambda item: item.key)))


def _listed(client: AwsClient, operation: str, key: str, scope: str, region: str) -> Iterable[Mapping[str, object]]:
    """Every item; WAF pages by a marker that botocore does not follow."""
    marker: dict[str, str] = {}
    while True:
        answer = client.read(
            Call(
                service="wafv2", operation=operation, region=region, parameters={"Scope": scope, "Limit": 100, **marker}
            )
        ).data
        yield from answer.get(key) or ()
        following = str(answer.get("NextMarker") or "")
        if not following or not answer.get(key) or marker == {"NextMarker": following}:
            return
        marker = {"NextMarker": following}


def _canonical(address: str) -> str:
    """One spelling for one block: WAF writes IPv6 in full."""
    try:
        return str(ipaddress.ip_network(address, strict=False))
    except ValueError:
        return address


def _users_of_sets(client: AwsClient, scope: str, region: str) -> dict[str, dict[str, bool]]:
    """The IP sets that each web ACL names, and whether every rule that does blocks what is in the set."""
    found: dict[str, dict[str, bool]] = {}
    for item in _listed(client, "ListWebACLs", "WebACLs", scope, region):
        named = {"Name": item["Name"], "Scope": scope, "Id": item["Id"]}
        raw = (
            client.read(Call(service="wafv2", operation="GetWebACL", region=region, parameters=named)).data.get(
                "WebACL"
            )
            or {}
        )
        uses: dict[str, bool] = {}
        for rule in raw.get("Rules") or ():
            statement = rule.get("Statement") or {}
            blocks = "Block" in (rule.get("Action") or {}) and "NotStatement" not in json.dumps(statement, default=str)
            for arn in _arns(statement):
                uses[arn] = uses.get(arn, True) and blocks
        found[str(item["Name"])] = uses
    return found


def _arns(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "ARN" and isinstance(item, str):
                yield item
            else:
                yield from _arns(item)
    elif isinstance(value, list):
        for item in value:
            yield from _arns(item)


def public(client: AwsClient, state: InterfaceState, asked: PlanningContext) -> InterfaceState:
    """VPC Block Public Access of the region."""
    answer = client.read(Call("ec2", "DescribeVpcBlockPublicAccessOptions", state.region)).data
    options = answer.get("VpcBlockPublicAccessOptions") or {}
    mode, verify = str(options.get("InternetGatewayBlockMode", "off")), options.get("State") != "update-in-progress"
    gateways = client.pages(Call("ec2", "DescribeInternetGateways", state.region))
    vpcs = {
        str(item["VpcId"])
        for page in gateways
        for raw in page.data.get("InternetGateways", [])
        for item in raw.get("Attachments") or ()
        if item.get("VpcId")
    }
    exclusions, own = {}, {}
    for page in client.pages(Call("ec2", "DescribeVpcBlockPublicAccessExclusions", state.region)):
        for raw in page.data.get("VpcBlockPublicAccessExclusions", []):
            vpc = str(raw.get("ResourceArn", "")).rpartition("/")[2]
            lets, exclusion_state = str(raw.get("InternetGatewayExclusionMode", "")), str(raw.get("State", ""))
            whole = lets == "allow-bidirectional" and exclusion_state in (
                "create-complete",
                "update-complete",
                "create-in-progress",
            )
            if not vpc.startswith("vpc-") or not whole:  # a subnet's, one that failed, or one that lets out alone
                continue
            identifier, tags = str(raw["ExclusionId"]), tags_of(raw.get("Tags"))
            exclusions[vpc] = (identifier, lets)
            if ours(tags, state.target, asked) and asked.made_by(tags[TAG_CALL], identifier):
                own[tags[TAG_CALL]] = identifier
    for page in client.pages(Call("ec2", "DescribeEgressOnlyInternetGateways", state.region)):
        for raw in page.data.get("EgressOnlyInternetGateways", []):
            vpcs |= {str(item["VpcId"]) for item in raw.get("Attachments") or () if item.get("VpcId")}
    return replace(
        state,
        public=BlockPublicAccess(
            mode=mode, open_vpcs=tuple(sorted(vpcs)), exclusions=exclusions, own=own, verify=verify
        ),
    )
