"""Everything a playbook needs to know about the traffic of an instance, an endpoint or one interface: its interfaces, who it
talks with, and every rule, list and set that lets it through."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError
from vpce_tui.cloudtrail.lookup import A_MOMENT, LookupQuery
from vpce_tui.core.coverage import Status
from vpce_tui.core.json_values import at, integer, mappings, strings
from vpce_tui.inventory import flow_log_queries, parse
from vpce_tui.inventory.flow_log_queries import Traffic, Window
from vpce_tui.inventory.resources import Interface
from vpce_tui.plans.targets import read_barriers
from vpce_tui.plans.targets.flow_logs import FlowLog, FlowLogging, flow_logging
from vpce_tui.plans.targets.interface_state import HOURS, InterfaceAspect, InterfaceState
from vpce_tui.plans.targets.planning_context import (
    PlanningContext,
    Reader,
    TargetGone,
    Unreadable,
    aws_now,
    read_aspects,
)
from vpce_tui.plans.targets.read_barriers import described


def observe(
    client: AwsClient, target: str, region: str, aspects: Iterable[str], asked: PlanningContext
) -> InterfaceState:
    """Read the interfaces of an instance, an endpoint, or one of its own, and the named aspects now.

    Raises :class:`TargetGone`, and :class:`AwsError` where the interfaces cannot be read.
    """
    account = client.identity().account
    raws = _interfaces(client, target, region)
    if not raws:
        if not asked.begun:
            said = "; a gateway endpoint has none: use contain-endpoint" if target.startswith("vpce-") else ""
            raise TargetGone(
                f"{target} has no interface in {region} of account {account}, or does not exist there{said}."
            )
        before = [
            {"Name": "network-interface-id", "Values": list(strings(asked.remembered, "interfaces") or ("eni-none",))}
        ]
        raws = described(client, region, before)
    found = sorted((parse.interface(raw) for raw in raws), key=lambda nic: (not nic.primary, nic.id))
    what = {
        str(raw["NetworkInterfaceId"]): str(raw.get("Description") or raw.get("InterfaceType") or "") for raw in raws
    }
    ranges = _ranges(client, region, found[0].vpc_id) if found else ()
    state = InterfaceState(
        target=target,
        region=region,
        account=account,
        interfaces=tuple(found),
        what=what,
        vpc_ranges=ranges,
        in_effect=asked.in_effect,
        remembered=asked.remembered,
        gone=not found,
    )
    read, unknown = read_aspects(client, state, aspects if found else (), _READERS, asked)
    return replace(read, unknown=unknown)


def _interfaces(client: AwsClient, target: str, region: str) -> list[Mapping[str, object]]:
    if target.startswith("vpce-"):
        by_endpoint = [{"Name": "vpc-endpoint-id", "Values": [target]}]
        call = Call(service="ec2", operation="DescribeVpcEndpoints", region=region, parameters={"Filters": by_endpoint})
        ids = [
            str(item)
            for page in client.pages(call)
            for raw in page.data.get("VpcEndpoints", [])
            for item in raw.get("NetworkInterfaceIds") or ()
        ]
        return described(client, region, [{"Name": "network-interface-id", "Values": ids}]) if ids else []
    name = "attachment.instance-id" if target.startswith("i-") else "network-interface-id"
    return described(client, region, [{"Name": name, "Values": [target]}])


def _ranges(client: AwsClient, region: str, vpc: str) -> tuple[str, ...]:
    raws = client.read(
        Call(service="ec2", operation="DescribeVpcs", region=region, parameters={"VpcIds": [vpc]})
    ).data.get("Vpcs", [])
    four = [str(item["CidrBlock"]) for raw in raws for item in raw.get("CidrBlockAssociationSet") or ()]
    six = [str(item["Ipv6CidrBlock"]) for raw in raws for item in raw.get("Ipv6CidrBlockAssociationSet") or ()]
    return tuple(sorted({*four, *six, *(str(raw.get("CidrBlock", "")) for raw in raws)} - {""}))


def _flow_logs(client: AwsClient, state: InterfaceState, asked: PlanningContext) -> InterfaceState:
    subnets = sorted({nic.subnet_id for nic in state.interfaces})
    resources = (state.vpc_id, *subnets, *(nic.id for nic in state.interfaces))
    logging = flow_logging(client, state.region, resources, state.target, asked)
    return replace(state, flow_logs=logging, log=_covering(logging, state.vpc_id, state.interfaces, subnets))


def _covering(
    logging: FlowLogging, vpc: str, interfaces: Sequence[Interface], subnets: Sequence[str]
) -> FlowLog | None:
    """A flow log that records all that the target has; one that can be asked and says enough, where there is one."""
    whole = ({vpc}, set(subnets), {nic.id for nic in interfaces})
    found = [log for log in logging.logs if log.good and log.traffic == "ALL" and {log.resource} in whole]
    return min(
        found,
        key=lambda log: (not log.in_log_group, len(flow_log_queries.missing_fields(log.format)), log.interval),
        default=None,
    )


def _traffic(client: AwsClient, state: InterfaceState, asked: PlanningContext) -> InterfaceState:
    read = _flow_logs(client, state, asked)
    log = read.log
    if log is None:
        return read
    if not log.in_log_group:
        raise Unreadable(f"{log.id} writes to {log.destination}, and only CloudWatch Logs can be queried here")
    missing = flow_log_queries.missing_fields(log.format)
    if missing:
        raise Unreadable(
            f"{log.id} does not record {', '.join(missing)}: its fields are not enough; create another flow log"
        )
    now = aws_now(client)
    window = Window.last(integer(asked.remembered.get(HOURS, 6)), now)
    ids = [nic.id for nic in state.interfaces]
    try:
        asking = flow_log_queries.flow_peers_query(log.format, ids)
        rows = flow_log_queries.ask(client, state.region, log.destination, asking, window)
        slots = flow_log_queries.ask(
            client,
            state.region,
            log.destination,
            flow_log_queries.bytes_over_time_query(log.format, ids, window),
            window,
        )
    except flow_log_queries.Unanswered as error:
        raise Unreadable(str(error)) from error
    peers = described(client, state.region, [{"Name": "vpc-id", "Values": [state.vpc_id]}])
    endpoints = {
        str(item["PrivateIpAddress"]): str(raw.get("Description") or raw["NetworkInterfaceId"])
        for raw in peers
        if "vpc_endpoint" in str(raw.get("InterfaceType")) or "VPC Endpoint" in str(raw.get("Description"))
        for item in mappings(raw, "PrivateIpAddresses") or (raw,)
        if item.get("PrivateIpAddress")
    }
    seen = flow_log_queries.traffic_of(window, rows, slots, state.addresses)
    return replace(read, traffic=seen, endpoints=endpoints, holder_of=_holder_of(peers))


def _holder_of(interfaces: Iterable[Mapping[str, object]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw in interfaces:
        instance = at(raw, "Attachment", "InstanceId")
        holder = str(instance or raw.get("Description") or raw["NetworkInterfaceId"])
        six = [item.get("Ipv6Address") for item in mappings(raw, "Ipv6Addresses")]
        four = [item.get("PrivateIpAddress") for item in mappings(raw, "PrivateIpAddresses") or (raw,)]
        found |= {str(address): holder for address in (*four, *six) if address}
    return found


def _operator(client: AwsClient, state: InterfaceState, __: PlanningContext) -> InterfaceState:
    who = client.identity().arn.rpartition("/")[2]
    about = {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": who}], "MaxResults": 50}
    answer = client.read(
        Call(service="cloudtrail", operation="LookupEvents", region=client.home_region, parameters=about)
    ).data
    found = (re.search(r'"sourceIPAddress": ?"([^"]+)"', str(raw.get("CloudTrailEvent"))) for raw in answer["Events"])
    return replace(state, operator=frozenset(match[1] for match in found if match))


_CALLER_DAYS: Final = 7
_CALLER_PAGES: Final = 4
"""Pages of the newest calls of an instance that are looked through for addresses."""


def _callers(client: AwsClient, state: InterfaceState, asked: PlanningContext) -> InterfaceState:
    """Where an instance's role sessions, which EC2 names after it, were used from; addresses inside the VPC are its own."""
    if not state.target.startswith("i-"):
        return state
    until = aws_now(client)
    query = LookupQuery(
        until - timedelta(days=_CALLER_DAYS), until, state.target, "Username", pages=_CALLER_PAGES, may_be_old=A_MOMENT
    )
    events, part = asked.event_history(client).ask(state.region, query)
    if part.status is not Status.LOOKED:
        raise Unreadable(part.reason)
    own = {*state.addresses, *state.holder_of}
    used = {event.source_ip for event in events if event.principal.ec2_role_delivery and event.account == state.account}
    return replace(state, callers=frozenset(used - own))


def region_of(client: AwsClient, target: str, regions: Sequence[str]) -> str:
    """The region of ``regions`` in which the target has interfaces. Raises :class:`TargetGone`, :class:`Unreadable`."""
    failed = []
    for region in regions:
        try:
            if _interfaces(client, target, region):
                return region
        except AwsError as error:
            failed.append(f"{region}: {error.sentence()}")
    if failed:
        raise Unreadable(f"{target} was not found, and these regions could not be searched: {'; '.join(failed[:3])}")
    raise TargetGone(
        f"{target} has no interface in any of the regions searched. Is it in another account? A gateway endpoint, and an instance that "
        "is terminated, have none."
    )


def query_traffic(client: AwsClient, target: str, region: str, hours: int) -> tuple[Traffic | None, str]:
    """Traffic of the last ``hours`` of an endpoint or an instance, by its flow logs; None and why where none could be queried."""
    context = PlanningContext(remembered={HOURS: str(hours)})
    try:
        found = observe(client, target, region, [InterfaceAspect.FLOW_LOGS, InterfaceAspect.TRAFFIC], context)
    except AwsError as error:
        return None, error.sentence()
    except TargetGone as error:
        return None, str(error)
    return found.traffic, "; ".join(found.unknown.values()) or "none of its flow logs can be queried"


READS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs"),
    InterfaceAspect.FLOW_LOGS: (
        "ec2:DescribeFlowLogs",
        "iam:ListRoles",
        "iam:ListRolePolicies",
        "logs:DescribeLogGroups",
    ),
    InterfaceAspect.TRAFFIC: (
        "ec2:DescribeFlowLogs",
        "iam:ListRoles",
        "iam:ListRolePolicies",
        "logs:DescribeLogGroups",
        "logs:StartQuery",
        "logs:GetQueryResults",
    ),
    InterfaceAspect.OPERATOR: ("cloudtrail:LookupEvents",),
    InterfaceAspect.CALLERS: ("cloudtrail:LookupEvents",),
    InterfaceAspect.RULES: ("ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups"),
    InterfaceAspect.ACLS: ("ec2:DescribeNetworkAcls", "ec2:DescribeSubnets"),
    InterfaceAspect.SETS: ("wafv2:ListIPSets", "wafv2:GetIPSet", "wafv2:ListWebACLs", "wafv2:GetWebACL"),
    InterfaceAspect.PUBLIC: (
        "ec2:DescribeVpcBlockPublicAccessOptions",
        "ec2:DescribeVpcBlockPublicAccessExclusions",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeEgressOnlyInternetGateways",
    ),
}
"""The operations that reading each aspect takes; under ``""`` those of the target itself."""

_READERS: Final[Mapping[str, Reader[InterfaceState]]] = {
    InterfaceAspect.FLOW_LOGS: _flow_logs,
    InterfaceAspect.TRAFFIC: _traffic,
    InterfaceAspect.OPERATOR: _operator,
    InterfaceAspect.CALLERS: _callers,
    InterfaceAspect.RULES: read_barriers.rules,
    InterfaceAspect.ACLS: read_barriers.acls,
    InterfaceAspect.SETS: read_barriers.sets,
    InterfaceAspect.PUBLIC: read_barriers.public,
}
