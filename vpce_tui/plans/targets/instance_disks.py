"""The EBS volumes of an instance and the snapshots of them that an incident made."""

from collections.abc import Mapping
from dataclasses import replace

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError
from vpce_tui.core.json_values import integer
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import tags_of
from vpce_tui.plans.targets.instance_state import EbsSnapshot, InstanceState
from vpce_tui.plans.targets.planning_context import (
    TAG_CALL,
    TAG_INCIDENT,
    TAG_TARGET,
    PlanningContext,
)


def read_volumes(client: AwsClient, state: InstanceState, _: PlanningContext) -> InstanceState:
    ids = [volume.id for volume in state.instance.volumes]
    known: dict[str, Mapping[str, object]] = {}
    if ids:
        call = Call(
            service="ec2", operation="DescribeVolumes", region=state.instance.region, parameters={"VolumeIds": ids}
        )
        for page in client.pages(call):
            known.update({str(raw["VolumeId"]): raw for raw in page.data.get("Volumes", [])})
    managers = {
        key: _key_manager(client, state.instance.region, key)
        for key in {str(raw.get("KmsKeyId", "")) for raw in known.values()}
        if key
    }
    volumes = [
        replace(
            volume,
            key_manager=managers.get(str(raw.get("KmsKeyId", "")), ("", ""))[0],
            key_unread=managers.get(str(raw.get("KmsKeyId", "")), ("", ""))[1],
            encrypted=bool(raw.get("Encrypted")),
            kms_key=str(raw.get("KmsKeyId", "")),
            size_gib=integer(raw, "Size"),
        )
        for volume in state.instance.volumes
        for raw in (known.get(volume.id, {}),)
    ]
    return replace(state, volumes=tuple(volumes))


def _key_manager(client: AwsClient, region: str, key: str) -> tuple[str, str]:
    """``AWS`` or ``CUSTOMER``; ``""`` where it could not be read, and why."""
    try:
        answer = client.read(
            Call(service="kms", operation="DescribeKey", region=region, parameters={"KeyId": key})
        ).data
    except AwsError as error:
        return "", error.sentence()
    return str((answer.get("KeyMetadata") or {}).get("KeyManager", "")), ""


def read_snapshots(client: AwsClient, state: InstanceState, asked: PlanningContext) -> InstanceState:
    if not asked.incident:
        return replace(state, snapshots=())
    region = state.instance.region
    filters = [
        {"Name": f"tag:{TAG_TARGET}", "Values": [state.instance.id]},
        {"Name": f"tag:{TAG_INCIDENT}", "Values": [asked.incident]},
    ]
    call = Call(
        service="ec2",
        operation="DescribeSnapshots",
        region=region,
        parameters={"OwnerIds": ["self"], "Filters": filters},
    )
    raws = [
        raw
        for page in client.pages(call)
        for raw in page.data.get("Snapshots", [])
        if asked.made_by(tags_of(raw.get("Tags")).get(TAG_CALL, ""), str(raw["SnapshotId"])) and _since(raw, asked)
    ]
    locked: set[str] = set()
    if raws:
        ids = [str(raw["SnapshotId"]) for raw in raws]
        answer = client.read(
            Call(service="ec2", operation="DescribeLockedSnapshots", region=region, parameters={"SnapshotIds": ids})
        ).data
        locked = {
            str(item["SnapshotId"])
            for item in answer.get("Snapshots", [])
            if item.get("LockState") not in (None, "expired")
        }
    shared = {str(raw["SnapshotId"]): _shared_with(client, region, str(raw["SnapshotId"])) for raw in raws}
    return replace(
        state,
        snapshots=tuple(
            EbsSnapshot(
                id=str(raw["SnapshotId"]),
                volume_id=str(raw.get("VolumeId", "")),
                state=str(raw.get("State", "")),
                progress=str(raw.get("Progress", "")),
                call=tags_of(raw.get("Tags")).get(TAG_CALL, ""),
                locked=str(raw["SnapshotId"]) in locked,
                shared_with=shared[str(raw["SnapshotId"])],
            )
            for raw in sorted(raws, key=lambda raw: str(raw["SnapshotId"]))
        ),
    )


def _since(raw: Mapping[str, object], asked: PlanningContext) -> bool:
    """Whether a snapshot was begun in this incident: tags can be written on any."""
    began, opened = parse.moment(raw.get("StartTime")), parse.moment(asked.since)
    return began is None or opened is None or began >= opened.replace(microsecond=0)


def _shared_with(client: AwsClient, region: str, snapshot: str) -> tuple[str, ...]:
    parameters = {"SnapshotId": snapshot, "Attribute": "createVolumePermission"}
    answer = client.read(
        Call(service="ec2", operation="DescribeSnapshotAttribute", region=region, parameters=parameters)
    ).data
    return tuple(
        sorted(str(item["UserId"]) for item in answer.get("CreateVolumePermissions") or () if item.get("UserId"))
    )
