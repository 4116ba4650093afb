"""Every instance of the account, and what rules about them need: all regions side by side, with coverage."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vpce_tui.aws.call import Call
from vpce_tui.aws.caller import Caller, Cancel
from vpce_tui.aws.errors import AwsError, Cancelled, Kind
from vpce_tui.coverage import Coverage, Part, Status, side_by_side
from vpce_tui.inventory import parse
from vpce_tui.inventory.model import Endpoint, Finding, Instance, SecurityGroup

FINDINGS_A_CALL = 50


@dataclass(frozen=True, slots=True)
class Region:
    """What was found in one region; ``unknown`` says what could not be read, and why."""

    name: str
    instances: tuple[Instance, ...] = ()
    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    nat_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The regions by name, and the coverage of the look."""

    regions: Mapping[str, Region]
    coverage: Coverage

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance of every region."""
        return tuple(instance for region in self.regions.values() for instance in region.instances)


def look(
    caller: Caller,
    regions: Sequence[str],
    *,
    cancel: Cancel | None = None,
    on_region: Callable[[Region, Part], object] | None = None,
) -> Inventory:
    """Instances, their groups, GuardDuty findings and NAT addresses in ``regions``."""
    stop = cancel or Cancel()
    account = caller.identity().account

    def one(name: str) -> tuple[list[Region], Part]:
        try:
            region, part = _region(caller, name, account, stop)
        except Cancelled:
            region, part = Region(name), Part(name, Status.STOPPED, "stopped by the operator")
        except AwsError as error:
            status = Status.DENIED if error.kind is Kind.DENIED else Status.FAILED
            region, part = Region(name), Part(name, status, error.sentence())
        if on_region:
            on_region(region, part)
        return [region], part

    found, parts = side_by_side(regions, one)
    return Inventory({region.name: region for region in found}, Coverage("regions", parts))


def _region(caller: Caller, name: str, account: str, stop: Cancel) -> tuple[Region, Part]:
    unknown: dict[str, str] = {}
    instances = [
        instance
        for page in caller.pages(Call("ec2", "DescribeInstances", name), before_page=stop.check)
        for instance in parse.instances(page.data, name, account)
    ]
    groups: dict[str, SecurityGroup] = {}
    nat: dict[str, tuple[str, ...]] = {}
    findings: list[Finding] = []
    if instances:
        try:
            for page in caller.pages(Call("ec2", "DescribeSecurityGroups", name), before_page=stop.check):
                for raw in page.data.get("SecurityGroups", []):
                    group = parse.security_group(raw, name)
                    groups[group.id] = group
        except AwsError as error:
            unknown["security groups"] = error.sentence()
        try:
            nat = _nat_addresses(caller, name, stop)
        except AwsError as error:
            unknown["NAT gateways"] = error.sentence()
    try:
        findings = list(_findings(caller, name, stop))
    except AwsError as error:
        unknown["GuardDuty findings"] = error.sentence()
    region = Region(name, tuple(instances), groups, tuple(findings), nat, unknown)
    reason = "; ".join(f"{what}: {why}" for what, why in unknown.items())
    return region, Part(name, Status.PARTIAL if unknown else Status.LOOKED, reason, len(instances))


def _nat_addresses(caller: Caller, region: str, stop: Cancel) -> dict[str, tuple[str, ...]]:
    """Public NAT addresses by VPC."""
    found: dict[str, tuple[str, ...]] = {}
    for page in caller.pages(Call("ec2", "DescribeNatGateways", region), before_page=stop.check):
        for gateway in page.data.get("NatGateways", []):
            vpc = str(gateway.get("VpcId", ""))
            addresses = [str(item.get("PublicIp", "")) for item in gateway.get("NatGatewayAddresses") or ()]
            found[vpc] = (*found.get(vpc, ()), *(address for address in addresses if address))
    return found


def _findings(caller: Caller, region: str, stop: Cancel) -> Iterable[Finding]:
    for detectors in caller.pages(Call("guardduty", "ListDetectors", region), before_page=stop.check):
        for detector in detectors.data.get("DetectorIds", []):
            criteria = {"Criterion": {"service.archived": {"Eq": ["false"]}}}
            call = Call("guardduty", "ListFindings", region, {"DetectorId": detector, "FindingCriteria": criteria})
            for page in caller.pages(call, before_page=stop.check):
                ids = list(page.data.get("FindingIds", []))
                for start in range(0, len(ids), FINDINGS_A_CALL):
                    some = ids[start : start + FINDINGS_A_CALL]
                    answer = caller.read(
                        Call("guardduty", "GetFindings", region, {"DetectorId": detector, "FindingIds": some})
                    )
                    for raw in answer.data.get("Findings", []):
                        yield parse.finding(raw, region)


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What stands behind a CreateVpcEndpoint event now. None in a field: it could not be read, see ``unknown``."""

    endpoint: Endpoint | None = None
    gone: bool = False
    groups: tuple[SecurityGroup, ...] | None = None
    service_owner: str | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


def endpoint_states(
    caller: Caller, region: str, ids: Sequence[str], services: Sequence[str], *, cancel: Cancel | None = None
) -> dict[str, EndpointState]:
    """The state behind each endpoint id of ``region``; ``services`` are service names to find the owner of."""
    stop = cancel or Cancel()
    account = caller.identity().account
    owners, unknown = _owners(caller, region, services, stop)
    endpoints: dict[str, Endpoint] = {}
    groups: dict[str, SecurityGroup] | None = {}
    try:
        for some in _by(100, sorted(set(ids))):
            call = Call(
                "ec2",
                "DescribeVpcEndpoints",
                region,
                {"Filters": [{"Name": "vpc-endpoint-id", "Values": some}]},
            )
            for page in caller.pages(call, before_page=stop.check):
                for raw in page.data.get("VpcEndpoints", []):
                    endpoint = parse.endpoint(raw, region, account)
                    endpoints[endpoint.id] = endpoint
    except AwsError as error:
        unknown["endpoint"] = error.sentence()
    wanted = sorted({group for endpoint in endpoints.values() for group in endpoint.groups})
    try:
        for some in _by(100, wanted):
            call = Call("ec2", "DescribeSecurityGroups", region, {"Filters": [{"Name": "group-id", "Values": some}]})
            for page in caller.pages(call, before_page=stop.check):
                for raw in page.data.get("SecurityGroups", []):
                    group = parse.security_group(raw, region)
                    assert groups is not None
                    groups[group.id] = group
    except AwsError as error:
        groups = None
        unknown["security groups"] = error.sentence()
    found = {}
    for identifier in ids:
        endpoint_now = endpoints.get(identifier)
        gone = (endpoint_now is None and "endpoint" not in unknown) or (
            endpoint_now is not None and endpoint_now.state in ("deleted", "deleting")
        )
        own = None
        if groups is not None and endpoint_now is not None:
            own = tuple(groups[group] for group in endpoint_now.groups if group in groups)
        found[identifier] = EndpointState(
            endpoint_now, gone, own, owners.get(endpoint_now.service) if endpoint_now else None, unknown
        )
    return found


def _owners(
    caller: Caller, region: str, services: Sequence[str], stop: Cancel
) -> tuple[dict[str, str], dict[str, str]]:
    """Owner by service name (``amazon`` or an account id). A service that is not listed has no entry."""
    owners: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for service in sorted(set(services)):
        stop.check()
        call = Call("ec2", "DescribeVpcEndpointServices", region, {"ServiceNames": [service]})
        try:
            details = caller.read(call).data.get("ServiceDetails", [])
        except AwsError as error:
            if error.kind is not Kind.NOT_FOUND and error.code != "InvalidServiceName":
                unknown["service owner"] = error.sentence()
            continue
        for detail in details:
            owners[str(detail.get("ServiceName", ""))] = str(detail.get("Owner", ""))
    return owners, unknown


def _by(size: int, items: Sequence[str]) -> Iterable[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
