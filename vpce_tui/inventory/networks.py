"""The networks of one region, as far as an assessment needs them: VPCs, subnets, ACLs, routes, groups, endpoints, flow logs."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import Endpoint, SecurityGroup, tags_of
from vpce_tui.inventory.world_open_rules import read_together

Raw = Mapping[str, Any]
LISTS: Final = 60
"""Prefix lists that are read at most, a call each."""
OWNERS: Final = 60
"""Services whose owner is asked for at most, a call each: an attempt may name any number of them."""


@dataclass(frozen=True, slots=True)
class Vpc:
    """One VPC. ``encryption``: the mode of its VPC Encryption Control, ``""`` where it has none."""

    id: str
    owner: str
    blocks: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    encryption: str = ""


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet."""

    id: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One entry of a network ACL."""

    number: int
    egress: bool
    allow: bool
    protocol: str
    block: str
    ports: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Acl:
    """One network ACL with the subnets it guards."""

    id: str
    default: bool
    entries: tuple[AclEntry, ...]
    subnets: tuple[str, ...]

    @property
    def all_open(self) -> bool:
        """Whether everything passes, both ways: as AWS makes the default one."""
        return all(self._lets_all(egress) for egress in (False, True))

    def _lets_all(self, egress: bool) -> bool:
        """In the order of their numbers: everything is let through before anything is denied."""
        for entry in sorted(
            (one for one in self.entries if one.egress is egress and ":" not in one.block), key=lambda one: one.number
        ):
            if not entry.allow:
                return False
            if entry.protocol == "-1" and entry.block == "0.0.0.0/0":
                return True
        return False


@dataclass(frozen=True, slots=True)
class Routes:
    """One route table. ``routes`` are (destination, target) of those that work."""

    id: str
    subnets: tuple[str, ...]
    routes: tuple[tuple[str, str], ...]

    @property
    def ways_out(self) -> tuple[str, ...]:
        """Targets that lead out of the VPC to more than an endpoint."""
        return tuple(
            target
            for where, target in self.routes
            if target != "local" and not (target.startswith("vpce-") and where.startswith("pl-"))
        )


@dataclass(frozen=True, slots=True)
class Network:
    """Everything of one region by id; ``unknown`` says what could not be read, by the name of the part, and why."""

    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    acls: tuple[Acl, ...] = ()
    tables: Mapping[str, Routes] = field(default_factory=dict)
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    """Who owns an endpoint service, by its name: ``amazon``, or an account."""
    recorded: frozenset[str] = frozenset()
    """VPCs, subnets and interfaces whose traffic an active flow log records."""
    nat: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Public addresses of NAT gateways, by VPC."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """The private address of each interface of an endpoint."""
    unknown: Mapping[str, str] = field(default_factory=dict)

    def acl_of(self, subnet: str) -> Acl | None:
        """The network ACL that guards a subnet."""
        return next((acl for acl in self.acls if subnet in acl.subnets), None)


def read_network(
    client: AwsClient, region: str, account: str, services: Collection[str], stop: Cancel, *, whole: bool
) -> Network:
    """Read one region. ``services``: names of endpoint services to find the owner of, beside those of its endpoints.

    Without ``whole`` the rest is read only where there are endpoints. What may not be read is in ``unknown``.
    """
    found: dict[str, Any] = {}
    unknown: dict[str, str] = {}

    def part(name: str, read: Callable[[], Any]) -> Any:
        try:
            found[name] = read()
        except AwsError as error:
            unknown[name] = error.sentence()
        return found.get(name)

    def every(operation: str, key: str, **parameters: Any) -> Iterator[Raw]:
        for page in client.pages(
            Call(service="ec2", operation=operation, region=region, parameters=parameters), cancel=stop
        ):
            yield from page.data.get(key, [])

    endpoints = part(
        "endpoints",
        lambda: _by_id(parse.endpoint(raw, region, account) for raw in every("DescribeVpcEndpoints", "VpcEndpoints")),
    )
    if endpoints or whole:
        part(
            "groups",
            lambda: _by_id(
                parse.security_group(raw, region) for raw in every("DescribeSecurityGroups", "SecurityGroups")
            ),
        )
        if "groups" in found:
            lists = dict(_lists(every, found["groups"].values(), unknown))
            found["groups"] = {
                name: replace(group, ingress=read_together(group.ingress, lists))
                for name, group in found["groups"].items()
            }
        part("nat", lambda: _nat(every("DescribeNatGateways", "NatGateways")))
        part("subnets", lambda: _by_id(_subnet(raw) for raw in every("DescribeSubnets", "Subnets")))
        part("vpcs", lambda: _by_id(_vpc(raw) for raw in every("DescribeVpcs", "Vpcs")))
        part("acls", lambda: tuple(acl(raw) for raw in every("DescribeNetworkAcls", "NetworkAcls")))
        part("tables", lambda: _by_id(_routes(raw) for raw in every("DescribeRouteTables", "RouteTables")))
        part("recorded", lambda: frozenset(_recorded(every("DescribeFlowLogs", "FlowLogs"))))
    if endpoints:
        modes = part("encryption", lambda: _modes(every("DescribeVpcEncryptionControls", "VpcEncryptionControls")))
        if modes and "vpcs" in found:
            found["vpcs"] = {name: replace(vpc, encryption=modes.get(name, "")) for name, vpc in found["vpcs"].items()}
        nics = sorted({nic for endpoint in endpoints.values() for nic in endpoint.interfaces})
        part("addresses", lambda: dict(_addresses(every, nics)))
    found.pop("encryption", None)
    wanted = {endpoint.service for endpoint in (endpoints or {}).values() if ".vpce." in endpoint.service} | {*services}
    found["owners"] = _owners(client, region, sorted(wanted - {""}), stop, unknown)
    return Network(**found, unknown=unknown)


def _lists(
    every: Callable[..., Iterator[Raw]], groups: Iterable[SecurityGroup], unknown: dict[str, str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The blocks of each prefix list that a group lets in. One that may not be read stays a list."""
    named = sorted({rule.peer for group in groups for rule in group.ingress if rule.peer.startswith("pl-")})
    if len(named) > LISTS:
        unknown["prefix lists"] = f"{len(named) - LISTS} prefix lists beyond the first {LISTS} were not read"
    for name in named[:LISTS]:
        try:
            entries = list(every("GetManagedPrefixListEntries", "Entries", PrefixListId=name))
        except AwsError as error:
            unknown["prefix lists"] = error.sentence()
            continue
        yield name, tuple(str(entry.get("Cidr", "")) for entry in entries)


def _addresses(every: Callable[..., Iterator[Raw]], nics: Sequence[str]) -> Iterator[tuple[str, str]]:
    for start in range(0, len(nics), 200):
        filters = [{"Name": "network-interface-id", "Values": list(nics[start : start + 200])}]
        for raw in every("DescribeNetworkInterfaces", "NetworkInterfaces", Filters=filters):
            yield str(raw.get("NetworkInterfaceId", "")), str(raw.get("PrivateIpAddress", ""))


def _by_id(items: Any) -> dict[str, Any]:
    return {item.id: item for item in items}


def _owners(
    client: AwsClient, region: str, services: Sequence[str], stop: Cancel, unknown: dict[str, str]
) -> dict[str, str]:
    """Owner by service name. A service that AWS does not list has no entry."""
    owners: dict[str, str] = {}
    if len(services) > OWNERS:
        unknown["owners"] = f"{len(services) - OWNERS} services beyond the first {OWNERS} were not looked up"
    for service in services[:OWNERS]:
        stop.check()
        call = Call(
            service="ec2",
            operation="DescribeVpcEndpointServices",
            region=region,
            parameters={"ServiceNames": [service]},
        )
        try:
            details = client.read(call).data.get("ServiceDetails", [])
        except AwsError as error:
            if error.kind is not ErrorKind.NOT_FOUND and error.code != "InvalidServiceName":
                unknown["owners"] = error.sentence()
            continue
        for detail in details:
            owners[str(detail.get("ServiceName", ""))] = str(detail.get("Owner", ""))
    return owners


def _nat(raws: Iterator[Raw]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for gateway in raws:
        vpc = str(gateway.get("VpcId", ""))
        addresses = [str(item.get("PublicIp", "")) for item in gateway.get("NatGatewayAddresses") or ()]
        found[vpc] = (*found.get(vpc, ()), *(address for address in addresses if address))
    return found


def _vpc(raw: Raw) -> Vpc:
    blocks = [str(item.get("CidrBlock", "")) for item in raw.get("CidrBlockAssociationSet") or ()]
    blocks += [str(item.get("Ipv6CidrBlock", "")) for item in raw.get("Ipv6CidrBlockAssociationSet") or ()]
    return Vpc(
        id=str(raw.get("VpcId", "")),
        owner=str(raw.get("OwnerId", "")),
        blocks=tuple(dict.fromkeys(block for block in (str(raw.get("CidrBlock", "")), *blocks) if block)),
        tags=tags_of(raw.get("Tags")),
    )


def _modes(raws: Iterator[Raw]) -> dict[str, str]:
    return {
        str(raw.get("VpcId", "")): str(raw.get("Mode", ""))
        for raw in raws
        if raw.get("State") not in ("deleted", "deleting")
    }


def _subnet(raw: Raw) -> Subnet:
    return Subnet(
        id=str(raw.get("SubnetId", "")),
        tags=tags_of(raw.get("Tags")),
    )


def acl(raw: Raw) -> Acl:
    """One item of ``DescribeNetworkAcls``."""
    entries = [
        AclEntry(
            number=int(item["RuleNumber"]),
            egress=bool(item.get("Egress")),
            allow=item.get("RuleAction") == "allow",
            protocol=str(item.get("Protocol", "-1")),
            block=str(item.get("CidrBlock") or item.get("Ipv6CidrBlock") or ""),
            ports=(_port(ports.get("From")), _port(ports.get("To"))) if (ports := item.get("PortRange")) else None,
        )
        for item in raw.get("Entries") or ()
    ]
    return Acl(
        id=str(raw["NetworkAclId"]),
        default=bool(raw.get("IsDefault")),
        entries=tuple(sorted(entries, key=lambda item: (item.egress, item.number))),
        subnets=tuple(sorted(str(item["SubnetId"]) for item in raw.get("Associations") or ())),
    )


def _port(value: Any) -> int:
    return -1 if value is None else int(value)


_TARGETS: Final = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "InstanceId",
    "NetworkInterfaceId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "VpcEndpointId",
)


def _routes(raw: Raw) -> Routes:
    associations = raw.get("Associations") or ()
    routes = []
    for route in raw.get("Routes") or ():
        where = next(
            (
                str(route[key])
                for key in ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
                if route.get(key)
            ),
            "",
        )
        target = next((str(route[key]) for key in _TARGETS if route.get(key)), "")
        if target and route.get("State") != "blackhole":
            routes.append((where, target))
    return Routes(
        id=str(raw.get("RouteTableId", "")),
        subnets=tuple(sorted(str(item["SubnetId"]) for item in associations if item.get("SubnetId"))),
        routes=tuple(routes),
    )


def _recorded(raws: Iterator[Raw]) -> Iterator[str]:
    for raw in raws:
        records = raw.get("TrafficType", "ALL") in ("ALL", "ACCEPT")
        if records and raw.get("FlowLogStatus", "ACTIVE") == "ACTIVE" and raw.get("DeliverLogsStatus") != "FAILED":
            yield str(raw.get("ResourceId", ""))
