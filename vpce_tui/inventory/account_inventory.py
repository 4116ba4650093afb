"""Everything live that rules look at: all regions side by side, paged, with coverage. One look serves endpoints and instances."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.aws.errors import AwsError, Cancelled, ErrorKind
from vpce_tui.core.coverage import Coverage, Part, Status, side_by_side
from vpce_tui.inventory import networks, parse
from vpce_tui.inventory.amis import Ami, image
from vpce_tui.inventory.networks import Network
from vpce_tui.inventory.resources import Finding, Instance

FINDINGS_A_CALL: Final = 50
IMAGES_A_CALL: Final = 200


@dataclass(frozen=True, slots=True)
class Mirror:
    """One traffic mirroring session, and where it sends the copies: an interface, a load balancer, or ``""``: not known."""

    session: str
    goes_to: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """What was found in one region; ``unknown`` says what could not be read, and why.

    ``unencrypted``: volumes without encryption. ``public_snapshots``: own snapshots that everybody may use, by volume.
    ``mirrored``: interfaces whose traffic is copied elsewhere, with what copies it and where to.
    """

    name: str
    instances: tuple[Instance, ...] = ()
    network: Network = field(default_factory=Network)
    findings: tuple[Finding, ...] = ()
    images: Mapping[str, Ami] = field(default_factory=dict)
    unencrypted: frozenset[str] = frozenset()
    public_snapshots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mirrored: Mapping[str, Mirror] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    read_at: datetime | None = field(default=None, compare=False)
    """When reading it began: what was changed later may not be in it. Two that show the same are equal whenever they were read."""

    def outside_addresses(self, vpc: str) -> frozenset[str]:
        """The addresses as which a VPC is seen outside."""
        return frozenset(self.network.nat.get(vpc, ()))


@dataclass(frozen=True, slots=True)
class Inventory:
    """The regions by name, and the coverage of the look."""

    regions: Mapping[str, Region]
    coverage: Coverage

    @property
    def instances(self) -> tuple[Instance, ...]:
        """Every instance of every region."""
        return tuple(instance for region in self.regions.values() for instance in region.instances)


def read_inventory(
    client: AwsClient,
    regions: Sequence[str],
    *,
    services: Mapping[str, Collection[str]] | None = None,
    cancel: Cancel | None = None,
    on_region: Callable[[Region, Part], object] | None = None,
) -> Inventory:
    """Instances, endpoints, their networks, GuardDuty findings, AMIs and volumes in ``regions``.

    ``services``: by region, names of endpoint services to find the owner of, beside those of the endpoints that are there.
    """
    stop = cancel or Cancel()
    account = client.identity().account
    asked = services or {}

    def one(name: str) -> tuple[list[Region], Part]:
        try:
            region, part = _region(client, name, account, asked.get(name, ()), stop)
        except Cancelled:
            region, part = (
                Region(name, unknown={"everything": "stopped by the operator"}),
                Part(name, Status.STOPPED, "stopped by the operator"),
            )
        except AwsError as error:
            status = Status.DENIED if error.kind is ErrorKind.DENIED else Status.FAILED
            region, part = Region(name, unknown={"everything": error.sentence()}), Part(name, status, error.sentence())
        if on_region:
            on_region(region, part)
        return [region], part

    found, parts = side_by_side(regions, one)
    return Inventory({region.name: region for region in found}, Coverage("regions", parts))


def _region(client: AwsClient, name: str, account: str, services: Collection[str], stop: Cancel) -> tuple[Region, Part]:
    unknown: dict[str, str] = {}
    found: dict[str, Any] = {"read_at": datetime.now(UTC)}

    def part(what: str, words: str, read: Callable[[], Any]) -> None:
        try:
            found[what] = read()
        except AwsError as error:
            unknown[words] = error.sentence()

    instances: list[Instance] = []
    refused: AwsError | None = None
    try:
        for page in client.pages(Call("ec2", "DescribeInstances", name), cancel=stop):
            instances += parse.instances(page.data, name, account)
    except AwsError as error:
        if error.kind is not ErrorKind.DENIED:
            raise
        refused = error
        unknown["instances"] = error.sentence()
    part(
        "network",
        "networks",
        lambda: networks.read_network(client, name, account, services, stop, whole=bool(instances)),
    )
    part("findings", "GuardDuty findings", lambda: tuple(_findings(client, name, stop)))
    if instances:
        part("images", "AMIs", lambda: _images(client, name, {item.image_id for item in instances}, stop))
        part("unencrypted", "volumes", lambda: frozenset(_unencrypted(client, name, stop)))
        part("public_snapshots", "snapshots", lambda: _public_snapshots(client, name, stop))
        part("mirrored", "traffic mirroring", lambda: dict(_mirrored(client, name, stop)))
    looked: Network = found.get("network", Network())
    unknown |= {_WORDS.get(what, what): why for what, why in looked.unknown.items()}
    if refused is not None and "endpoints" in looked.unknown:
        raise refused
    region = Region(name, tuple(instances), unknown=unknown, **found)
    reason = "; ".join(f"{what}: {why}" for what, why in unknown.items())
    return region, Part(
        name=name, status=Status.PARTIAL if unknown else Status.LOOKED, reason=reason, items=len(instances)
    )


_WORDS: Final = {
    "groups": "security groups",
    "nat": "NAT gateways",
    "acls": "network ACLs",
    "tables": "route tables",
    "recorded": "flow logs",
    "encryption": "VPC Encryption Control",
    "owners": "owners of endpoint services",
    "vpcs": "VPCs",
}
"""How a part of the network is called."""


def _findings(client: AwsClient, region: str, stop: Cancel) -> Iterable[Finding]:
    for detectors in client.pages(Call("guardduty", "ListDetectors", region), cancel=stop):
        for detector in detectors.data.get("DetectorIds", []):
            criteria = {"Criterion": {"service.archived": {"Eq": ["false"]}}}
            call = Call(
                service="guardduty",
                operation="ListFindings",
                region=region,
                parameters={"DetectorId": detector, "FindingCriteria": criteria},
            )
            for page in client.pages(call, cancel=stop):
                for some in _by(FINDINGS_A_CALL, list(page.data.get("FindingIds", []))):
                    answer = client.read(
                        Call(
                            service="guardduty",
                            operation="GetFindings",
                            region=region,
                            parameters={"DetectorId": detector, "FindingIds": some},
                        )
                    )
                    for raw in answer.data.get("Findings", []):
                        yield parse.finding(raw, region)


def _images(client: AwsClient, region: str, wanted: Collection[str], stop: Cancel) -> dict[str, Ami]:
    """By a filter: an id that is gone makes no error of the whole question."""
    found = {}
    for some in _by(IMAGES_A_CALL, sorted({*wanted} - {""})):
        filters = [{"Name": "image-id", "Values": some}]
        call = Call(
            service="ec2",
            operation="DescribeImages",
            region=region,
            parameters={"Filters": filters, "IncludeDeprecated": True},
        )
        for page in client.pages(call, cancel=stop):
            found.update({str(raw.get("ImageId")): image(raw) for raw in page.data.get("Images", [])})
    return found


def _unencrypted(client: AwsClient, region: str, stop: Cancel) -> Iterable[str]:
    filters = [{"Name": "encrypted", "Values": ["false"]}, {"Name": "attachment.status", "Values": ["attached"]}]
    for page in client.pages(
        Call(service="ec2", operation="DescribeVolumes", region=region, parameters={"Filters": filters}), cancel=stop
    ):
        for raw in page.data.get("Volumes", []):
            if raw.get("Encrypted") is False:
                yield str(raw.get("VolumeId", ""))


def _public_snapshots(client: AwsClient, region: str, stop: Cancel) -> dict[str, tuple[str, ...]]:
    call = Call(
        service="ec2",
        operation="DescribeSnapshots",
        region=region,
        parameters={"OwnerIds": ["self"], "RestorableByUserIds": ["all"]},
    )
    found: dict[str, tuple[str, ...]] = {}
    for page in client.pages(call, cancel=stop):
        for raw in page.data.get("Snapshots", []):
            volume = str(raw.get("VolumeId", ""))
            found[volume] = (*found.get(volume, ()), str(raw.get("SnapshotId", "")))
    return found


def _mirrored(client: AwsClient, region: str, stop: Cancel) -> Iterable[tuple[str, Mirror]]:
    sessions = [
        raw
        for page in client.pages(Call("ec2", "DescribeTrafficMirrorSessions", region), cancel=stop)
        for raw in page.data.get("TrafficMirrorSessions", [])
    ]
    targets: dict[str, str] = {}
    if sessions:
        with contextlib.suppress(AwsError):  # that it is copied is known all the same
            for page in client.pages(Call("ec2", "DescribeTrafficMirrorTargets", region), cancel=stop):
                for raw in page.data.get("TrafficMirrorTargets", []):
                    goes_to = (
                        raw.get("NetworkInterfaceId")
                        or raw.get("NetworkLoadBalancerArn")
                        or raw.get("GatewayLoadBalancerEndpointId")
                    )
                    targets[str(raw.get("TrafficMirrorTargetId", ""))] = str(goes_to or "")
    for raw in sessions:
        goes_to = targets.get(str(raw.get("TrafficMirrorTargetId", "")), "")
        yield str(raw.get("NetworkInterfaceId", "")), Mirror(str(raw.get("TrafficMirrorSessionId", "")), goes_to)


def _by(size: int, items: Sequence[str]) -> Iterable[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
