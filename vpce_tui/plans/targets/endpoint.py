"""Everything a playbook needs to know about one VPC endpoint, read live, aspect by aspect."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.core.arn import account_of
from vpce_tui.core.json_values import mapping, mappings
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import Endpoint, tags_of
from vpce_tui.plans.targets import interface
from vpce_tui.plans.targets.flow_logs import FlowLogging, flow_logging
from vpce_tui.plans.targets.interface_state import InterfaceAspect, InterfaceState
from vpce_tui.plans.targets.planning_context import (
    TAG_CALL,
    PlanningContext,
    Reader,
    TargetGone,
    Unreadable,
    VpcGroups,
    ours,
    read_aspects,
    vpc_groups,
)

DELETE: Final = "delete"
RECREATE: Final = "undo-delete"
"""The calls that delete the endpoint and make it again: what is ours is recognised by them."""


@dataclass(frozen=True, slots=True)
class Service:
    """The service or resource behind an endpoint. ``owner``: ``amazon``, an account id, ``""`` where AWS does not list it to us."""

    owner: str = ""
    takes_policy: bool | None = None


@dataclass(frozen=True, slots=True)
class EncryptionControl:
    """VPC Encryption Control of the VPC (``""``: there is none)."""

    id: str = ""
    mode: str = ""
    state: str = ""
    by_vpce_tui: bool = False


@dataclass(frozen=True, slots=True)
class EndpointState:
    """One endpoint and all around it. A field of None was not asked for, or is in ``unknown``."""

    endpoint: Endpoint
    raw: Mapping[str, object] = field(default_factory=dict)
    service: Service | None = None
    groups: VpcGroups | None = None
    vpc_ranges: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] | None = None
    """Routes that lead to it, as (route table, destination)."""
    organization: str = ""
    flow_logs: FlowLogging | None = None
    use: InterfaceState | None = None
    """What its interfaces were seen to do; None too where it has none, or while one step is about to run."""
    reach: tuple[str, ...] | None = None
    """For a gateway endpoint, which has no interfaces: the instances in subnets of its route tables, by id and name."""
    encryption: EncryptionControl | None = None
    inverses: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """What this incident changed of it, as the parameters of the recorded inverses by call id."""
    recreated: str = ""
    """The id of the endpoint that an undo made in its place."""
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Whether it is deleted, or on its way there."""
        return self.endpoint.state in ("deleted", "deleting")


class EndpointAspect:
    """Names of the parts that can be read."""

    SERVICE = "service"
    GROUPS = "security groups"
    VPC = "VPC"
    ROUTES = "routes"
    ORGANISATION = "organization"
    FLOW_LOGS = "flow logs"
    USE = "traffic of its interfaces"
    HIT = "users of the endpoint"
    """As USE, while a plan is made and not again before a step: each question to flow logs is billed."""
    ENCRYPTION = "VPC encryption control"
    RECREATED = "recreated endpoint"


_OF_VPC: Final = (EndpointAspect.GROUPS, EndpointAspect.FLOW_LOGS, EndpointAspect.ENCRYPTION)
"""What belongs to the VPC, and is there when the endpoint is gone."""


_OF_ACCOUNT: Final = (EndpointAspect.RECREATED, EndpointAspect.ORGANISATION)
"""What does not depend on the endpoint."""


def observe(
    client: AwsClient, target: str, region: str, aspects: Iterable[str], asked: PlanningContext
) -> EndpointState:
    """Read the endpoint and the named aspects now.

    An endpoint that this incident deleted is the state of its target that is ``gone``; any other that is not there raises
    :class:`TargetGone`. Raises :class:`AwsError` where the endpoint itself cannot be read.
    """
    account = client.identity().account
    filters = [{"Name": "vpc-endpoint-id", "Values": [target]}]
    call = Call(service="ec2", operation="DescribeVpcEndpoints", region=region, parameters={"Filters": filters})
    found = [raw for page in client.pages(call) for raw in page.data.get("VpcEndpoints", [])]
    if not found and DELETE not in asked.begun:
        raise TargetGone(f"{target} does not exist in {region} of account {account}.")
    deleted = {"VpcEndpointId": target, "State": "deleted", "VpcId": asked.remembered.get("vpc_id", "")}
    raw: Mapping[str, object] = found[0] if found else deleted
    state = EndpointState(parse.endpoint(raw, region, account), raw, inverses=asked.inverses)
    if state.gone:
        aspects = [
            aspect for aspect in aspects if aspect in _OF_ACCOUNT or (aspect in _OF_VPC and state.endpoint.vpc_id)
        ]
    read, unknown = read_aspects(client, state, aspects, _READERS, asked)
    return replace(read, unknown=unknown)


def _service(client: AwsClient, state: EndpointState, _: PlanningContext) -> EndpointState:
    if state.endpoint.resource:  # its ARN names the account; no such endpoint takes a policy
        return replace(state, service=Service(account_of(state.endpoint.resource), takes_policy=False))
    call = Call(
        service="ec2",
        operation="DescribeVpcEndpointServices",
        region=state.endpoint.region,
        parameters={"ServiceNames": [state.endpoint.service]},
    )
    if not state.endpoint.service:
        return replace(state, service=Service())
    try:
        details = client.read(call).data.get("ServiceDetails", [])
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND or error.code == "InvalidServiceName":
            return replace(state, service=Service())
        raise
    if not details:
        return replace(state, service=Service())
    supported = details[0].get("VpcEndpointPolicySupported")
    return replace(
        state, service=Service(str(details[0].get("Owner", "")), bool(supported) if supported is not None else None)
    )


def _groups(client: AwsClient, state: EndpointState, asked: PlanningContext) -> EndpointState:
    endpoint = state.endpoint
    return replace(state, groups=vpc_groups(client, endpoint.region, endpoint.vpc_id, endpoint.id, asked))


def _vpc(client: AwsClient, state: EndpointState, _: PlanningContext) -> EndpointState:
    call = Call(
        service="ec2",
        operation="DescribeVpcs",
        region=state.endpoint.region,
        parameters={"VpcIds": [state.endpoint.vpc_id]},
    )
    ranges = []
    for raw in client.read(call).data.get("Vpcs", []):
        four = raw.get("CidrBlockAssociationSet") or ({"CidrBlock": raw.get("CidrBlock", "")},)
        ranges += [str(block["CidrBlock"]) for block in four if _associated(block, "CidrBlockState")]
        six = raw.get("Ipv6CidrBlockAssociationSet") or ()
        ranges += [str(block["Ipv6CidrBlock"]) for block in six if _associated(block, "Ipv6CidrBlockState")]
    return replace(state, vpc_ranges=tuple(sorted(set(ranges) - {""})))


def _associated(block: Mapping[str, object], key: str) -> bool:
    return mapping(block, key).get("State", "associated") == "associated"


def _routes(client: AwsClient, state: EndpointState, _: PlanningContext) -> EndpointState:
    filters = [{"Name": "vpc-id", "Values": [state.endpoint.vpc_id]}]
    call = Call(
        service="ec2", operation="DescribeRouteTables", region=state.endpoint.region, parameters={"Filters": filters}
    )
    found = [
        (str(table["RouteTableId"]), str(route.get("DestinationCidrBlock") or route.get("DestinationPrefixListId", "")))
        for page in client.pages(call)
        for table in page.data.get("RouteTables", [])
        for route in table.get("Routes", [])
        if state.endpoint.id in (route.get("GatewayId"), route.get("VpcEndpointId"))
    ]
    return replace(state, routes=tuple(sorted(found)))


def _organization(client: AwsClient, state: EndpointState, _: PlanningContext) -> EndpointState:
    try:
        answer = client.read(Call("organizations", "DescribeOrganization", "us-east-1")).data
    except AwsError as error:
        if error.code == "AWSOrganizationsNotInUseException":
            return replace(state, organization="")
        raise
    return replace(state, organization=str((answer.get("Organization") or {}).get("Id", "")))


def _flow_logs(client: AwsClient, state: EndpointState, asked: PlanningContext) -> EndpointState:
    endpoint = state.endpoint
    return replace(state, flow_logs=flow_logging(client, endpoint.region, (endpoint.vpc_id,), endpoint.id, asked))


def _use(client: AwsClient, state: EndpointState, asked: PlanningContext) -> EndpointState:
    if state.endpoint.type == "Gateway":
        return replace(state, reach=_in_its_subnets(client, state.endpoint))
    if not state.endpoint.interfaces:
        return state
    aspects = {InterfaceAspect.TRAFFIC}
    seen = interface.observe(client, state.endpoint.id, state.endpoint.region, aspects, asked)
    if why := seen.unknown.get(InterfaceAspect.TRAFFIC):
        raise Unreadable(why)
    return replace(state, use=seen)


def _in_its_subnets(client: AwsClient, endpoint: Endpoint) -> tuple[str, ...]:
    in_vpc = [{"Name": "vpc-id", "Values": [endpoint.vpc_id]}]

    def every(operation: str, key: str, filters: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
        call = Call(service="ec2", operation=operation, region=endpoint.region, parameters={"Filters": list(filters)})
        return [raw for page in client.pages(call) for raw in page.data.get(key, [])]

    associations = [
        (str(raw["RouteTableId"]), str(item.get("SubnetId", "")))
        for raw in every("DescribeRouteTables", "RouteTables", in_vpc)
        for item in mappings(raw, "Associations")
    ]
    subnets = {subnet for table, subnet in associations if subnet and table in endpoint.route_tables}
    if any(
        not subnet and table in endpoint.route_tables for table, subnet in associations
    ):  # the main table: of all the others
        subnets |= {str(raw["SubnetId"]) for raw in every("DescribeSubnets", "Subnets", in_vpc)} - {
            s for _, s in associations
        }
    if not subnets:
        return ()
    filters = [
        {"Name": "subnet-id", "Values": sorted(subnets)},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    return tuple(
        sorted(
            f"{raw['InstanceId']} {tags_of(raw.get('Tags')).get('Name', '')}".strip()
            for item in every("DescribeInstances", "Reservations", filters)
            for raw in mappings(item, "Instances")
        )
    )


def _hit(client: AwsClient, state: EndpointState, asked: PlanningContext) -> EndpointState:
    return state if asked.live else _use(client, state, asked)


def _encryption(client: AwsClient, state: EndpointState, asked: PlanningContext) -> EndpointState:
    call = Call(
        service="ec2",
        operation="DescribeVpcEncryptionControls",
        region=state.endpoint.region,
        parameters={"VpcIds": [state.endpoint.vpc_id]},
    )
    for page in client.pages(call):
        for raw in page.data.get("VpcEncryptionControls", []):
            if raw.get("State") in ("deleted", "deleting"):
                continue
            identifier, tags = str(raw.get("VpcEncryptionControlId", "")), tags_of(raw.get("Tags"))
            mine = ours(tags, state.endpoint.id, asked) and asked.made_by(tags[TAG_CALL], identifier)
            return replace(
                state,
                encryption=EncryptionControl(
                    id=identifier, mode=str(raw.get("Mode", "")), state=str(raw.get("State", "")), by_vpce_tui=mine
                ),
            )
    return replace(state, encryption=EncryptionControl())


def _recreated(client: AwsClient, state: EndpointState, asked: PlanningContext) -> EndpointState:
    if not asked.incident:
        return state
    filters = [{"Name": "tag:vpce-tui:target", "Values": [state.endpoint.id]}]
    call = Call(
        service="ec2", operation="DescribeVpcEndpoints", region=state.endpoint.region, parameters={"Filters": filters}
    )
    found = [
        str(raw["VpcEndpointId"])
        for page in client.pages(call)
        for raw in page.data.get("VpcEndpoints", [])
        if ours(tags_of(raw.get("Tags")), state.endpoint.id, asked)
        and tags_of(raw.get("Tags")).get(TAG_CALL) == RECREATE
        and str(raw.get("State", "")).lower() not in ("deleted", "deleting", "failed")
    ]
    return replace(state, recreated=found[0] if found else "")


_USE_READS: Final = (
    *interface.READS[""],
    *interface.READS[InterfaceAspect.TRAFFIC],
    "ec2:DescribeRouteTables",
    "ec2:DescribeSubnets",
    "ec2:DescribeInstances",
)
READS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("ec2:DescribeVpcEndpoints",),
    EndpointAspect.SERVICE: ("ec2:DescribeVpcEndpointServices",),
    EndpointAspect.GROUPS: ("ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"),
    EndpointAspect.VPC: ("ec2:DescribeVpcs",),
    EndpointAspect.ROUTES: ("ec2:DescribeRouteTables",),
    EndpointAspect.ORGANISATION: ("organizations:DescribeOrganization",),
    EndpointAspect.FLOW_LOGS: (
        "ec2:DescribeFlowLogs",
        "iam:ListRoles",
        "iam:ListRolePolicies",
        "logs:DescribeLogGroups",
    ),
    EndpointAspect.USE: _USE_READS,
    EndpointAspect.HIT: _USE_READS,
    EndpointAspect.ENCRYPTION: ("ec2:DescribeVpcEncryptionControls",),
    EndpointAspect.RECREATED: ("ec2:DescribeVpcEndpoints",),
}
"""The operations that reading each aspect takes; under ``""`` those of the target itself."""

_READERS: Final[Mapping[str, Reader[EndpointState]]] = {
    EndpointAspect.SERVICE: _service,
    EndpointAspect.GROUPS: _groups,
    EndpointAspect.VPC: _vpc,
    EndpointAspect.ROUTES: _routes,
    EndpointAspect.ORGANISATION: _organization,
    EndpointAspect.FLOW_LOGS: _flow_logs,
    EndpointAspect.USE: _use,
    EndpointAspect.HIT: _hit,
    EndpointAspect.ENCRYPTION: _encryption,
    EndpointAspect.RECREATED: _recreated,
}
