"""EBS volumes that are not encrypted, the instances they are attached to, and what this incident made on the way to an encrypted
one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.core.json_values import integer, mappings, strings
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import Instance, tags_of
from vpce_tui.plans.targets.kms_keys import KmsKey, read_key
from vpce_tui.plans.targets.planning_context import TAG_CALL, TAG_INCIDENT, TAG_TARGET, PlanningContext, ours

REPLACED: Final = "vpce-tui:replaced-by"
"""The tag on an old volume that an encrypted one took the place of."""
KEPT: Final = "vpce-tui:kept-after-undo"
"""The tag on an encrypted volume that an undo took out again: what was written to it since the swap is on it alone."""


@dataclass(frozen=True, slots=True)
class UnencryptedVolume:
    """One volume. ``instance``, ``device``: where it is attached (``""``: nowhere); ``delete_on_termination``: it is deleted with its instance."""

    region: str
    id: str
    zone: str
    size_gib: int
    type: str
    iops: int
    throughput: int
    state: str
    encrypted: bool
    kms_key: str = ""
    instance: str = ""
    device: str = ""
    attachment: str = ""
    delete_on_termination: bool = False
    multi_attach: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Value of this option in ``--set``; unique in its list."""
        return f"{self.region}/{self.id}"


@dataclass(frozen=True, slots=True)
class Copy:
    """A snapshot of ours on the way: from ``call``; ``started``: the moment that it holds."""

    id: str
    call: str
    state: str
    progress: str
    started: datetime | None = None


@dataclass(frozen=True, slots=True)
class EbsVolumes:
    """The volumes of some regions that are not encrypted, and what is around them."""

    volumes: tuple[UnencryptedVolume, ...] = ()
    own_volumes: Mapping[str, UnencryptedVolume] = field(default_factory=dict)
    """Volumes that this incident made, by call."""
    snapshots: Mapping[str, Copy] = field(default_factory=dict)
    """Snapshots that this incident made, by call."""
    instances: Mapping[str, Instance] = field(default_factory=dict)
    up: Mapping[str, str] = field(default_factory=dict)
    """How far each of those instances is: ``running/ok/ok``."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """The Auto Scaling group of each instance that is in one."""
    keys: Mapping[str, KmsKey] = field(default_factory=dict)
    """The key of the answers, by region; under ``""`` of no answer the region's default."""


READS: Final = (
    "ec2:DescribeVolumes",
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeSnapshots",
    "autoscaling:DescribeAutoScalingInstances",
    "kms:DescribeKey",
)


def read(client: AwsClient, region: str, account: str, asked: PlanningContext) -> EbsVolumes:
    """The unencrypted volumes of one region, with all around them."""
    plain = _volumes(client, region, [{"Name": "encrypted", "Values": ["false"]}])
    mine = [
        {"Name": f"tag:{TAG_TARGET}", "Values": [account]},
        {"Name": f"tag:{TAG_INCIDENT}", "Values": [asked.incident]},
    ]
    own: dict[str, UnencryptedVolume] = {}
    snapshots: dict[str, Copy] = {}
    if asked.incident:
        for volume in _volumes(client, region, mine):
            call = volume.tags.get(TAG_CALL, "")
            if (
                ours(volume.tags, account, asked)
                and asked.made_by(call, volume.id)
                and volume.state != "deleting"
                and KEPT not in volume.tags
            ):
                own[call] = volume
        for page in client.pages(
            Call(
                service="ec2",
                operation="DescribeSnapshots",
                region=region,
                parameters={"OwnerIds": ["self"], "Filters": mine},
            )
        ):
            for raw in page.data.get("Snapshots", []):
                tags, identifier = tags_of(raw.get("Tags")), str(raw["SnapshotId"])
                if ours(tags, account, asked) and asked.made_by(tags[TAG_CALL], identifier):
                    snapshots[tags[TAG_CALL]] = Copy(
                        id=identifier,
                        call=tags[TAG_CALL],
                        state=str(raw.get("State", "")),
                        progress=str(raw.get("Progress", "")),
                        started=parse.moment(raw.get("StartTime")),
                    )
    wanted = {volume.instance for volume in (*plain, *own.values()) if volume.instance}
    wanted |= {str(name) for name in strings(asked.remembered, "instances") if name}
    instances = _instances(client, region, account, sorted(wanted))
    doomed = {volume.id for item in instances.values() for volume in item.volumes if volume.delete_on_termination}
    plain = [replace(volume, delete_on_termination=volume.id in doomed) for volume in plain]
    own = {call: replace(volume, delete_on_termination=volume.id in doomed) for call, volume in own.items()}
    return EbsVolumes(
        volumes=tuple(plain),
        own_volumes=own,
        snapshots=snapshots,
        instances=instances,
        up=_up(client, region, sorted(instances)),
        groups=_groups(client, region, sorted(instances)),
        keys={region: read_key(client, region, str(asked.remembered.get("key") or ""))},
    )


def merged(parts: Iterable[EbsVolumes]) -> EbsVolumes:
    """Those of several regions as one."""
    made = EbsVolumes()
    for part in parts:
        made = EbsVolumes(
            volumes=(*made.volumes, *part.volumes),
            own_volumes={**made.own_volumes, **part.own_volumes},
            snapshots={**made.snapshots, **part.snapshots},
            instances={**made.instances, **part.instances},
            up={**made.up, **part.up},
            groups={**made.groups, **part.groups},
            keys={**made.keys, **part.keys},
        )
    return made


def _volumes(client: AwsClient, region: str, filters: Sequence[Mapping[str, object]]) -> list[UnencryptedVolume]:
    pages = client.pages(
        Call(service="ec2", operation="DescribeVolumes", region=region, parameters={"Filters": filters})
    )
    return sorted(
        (_volume(raw, region) for page in pages for raw in page.data.get("Volumes", [])), key=lambda volume: volume.id
    )


def _volume(raw: Mapping[str, object], region: str) -> UnencryptedVolume:
    attached = [item for item in mappings(raw, "Attachments") if item.get("State") != "detached"]
    first: Mapping[str, object] = attached[0] if attached else {}
    return UnencryptedVolume(
        region=region,
        id=str(raw["VolumeId"]),
        zone=str(raw.get("AvailabilityZone", "")),
        size_gib=integer(raw, "Size"),
        type=str(raw.get("VolumeType", "")),
        iops=integer(raw, "Iops"),
        throughput=integer(raw, "Throughput"),
        state=str(raw.get("State", "")),
        encrypted=bool(raw.get("Encrypted")),
        kms_key=str(raw.get("KmsKeyId") or ""),
        instance=str(first.get("InstanceId", "")),
        device=str(first.get("Device", "")),
        attachment=str(first.get("State", "")),
        delete_on_termination=bool(first.get("DeleteOnTermination")),
        multi_attach=bool(raw.get("MultiAttachEnabled")),
        tags=tags_of(raw.get("Tags")),
    )


def _instances(client: AwsClient, region: str, account: str, ids: list[str]) -> dict[str, Instance]:
    found: dict[str, Instance] = {}
    for start in range(0, len(ids), 100):
        filters = [{"Name": "instance-id", "Values": ids[start : start + 100]}]
        for page in client.pages(
            Call(service="ec2", operation="DescribeInstances", region=region, parameters={"Filters": filters})
        ):
            found.update({item.id: item for item in parse.instances(page.data, region, account)})
    return found


def _up(client: AwsClient, region: str, ids: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(ids), 100):
        asked = {"InstanceIds": ids[start : start + 100], "IncludeAllInstances": True}
        for page in client.pages(
            Call(service="ec2", operation="DescribeInstanceStatus", region=region, parameters=asked)
        ):
            for raw in page.data.get("InstanceStatuses", []):
                parts = [(raw.get("InstanceState") or {}).get("Name")]
                parts += [(raw.get(key) or {}).get("Status") for key in ("SystemStatus", "InstanceStatus")]
                found[str(raw["InstanceId"])] = "/".join(str(part or "unknown") for part in parts)
    return found


def _groups(client: AwsClient, region: str, ids: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(ids), 50):
        asked = {"InstanceIds": ids[start : start + 50]}
        for page in client.pages(
            Call(service="autoscaling", operation="DescribeAutoScalingInstances", region=region, parameters=asked)
        ):
            for item in page.data.get("AutoScalingInstances", []):
                if not str(item.get("LifecycleState", "")).startswith(("Standby", "Detach", "Terminat")):
                    found[str(item["InstanceId"])] = str(item["AutoScalingGroupName"])
    return found
