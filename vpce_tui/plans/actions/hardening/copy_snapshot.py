"""An encrypted copy of a volume: snapshot, encrypted copy of it, new volume alike."""

from typing import Final

from vpce_tui.core.json_values import mappings
from vpce_tui.plans.actions.hardening.volume_encryption import VOLUME_STATE, home_of, name_of, wait_for
from vpce_tui.plans.placeholders import TOKEN, ref
from vpce_tui.plans.plan import Until
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.ebs_volumes import KEPT, REPLACED, EbsVolumes, UnencryptedVolume

_SNAPSHOT: Final = "Snapshots[0].State"


def plan_copy(ebs: EbsVolumes, volume: UnencryptedVolume, draft: Draft) -> None:
    """Snapshot, encrypted copy, encrypted volume."""
    name, part = volume.id, volume.instance or volume.id
    target, region = draft.target, volume.region
    key = {"KmsKeyId": draft.choices["key"]} if draft.choices["key"] else {}
    snapshot, copy, new = (
        ebs.snapshots.get(f"snapshot-{name}"),
        ebs.snapshots.get(f"copy-{name}"),
        ebs.own_volumes.get(f"volume-{name}"),
    )
    draft.part = home_of(volume, draft)[0] or part
    draft.ensure(
        f"snapshot-{name}",
        "CreateSnapshot",
        {
            "VolumeId": name,
            "Description": f"temporary snapshot of {name}, to encrypt it",
            "TagSpecifications": draft.tags("snapshot", f"snapshot-{name}", target, f"vpce-tui-{name}"),
        },
        so_already=snapshot is not None or copy is not None or new is not None,
        why=f"{name}: snapshot",
        gives={name_of("SNAPSHOT", volume): "SnapshotId"},
        region=region,
    )
    wait_for(
        draft,
        f"snapshot-{name}-done",
        "DescribeSnapshots",
        {"SnapshotIds": [ref(name_of("SNAPSHOT", volume))]},
        Until(_SNAPSHOT, ("completed",), ("error",)),
        done=bool(copy or new) or (snapshot is not None and snapshot.state == "completed"),
        why=f"{name}: wait for the snapshot",
        region=region,
    )
    draft.ensure(
        f"copy-{name}",
        "CopySnapshot",
        {
            "SourceRegion": region,
            "SourceSnapshotId": ref(name_of("SNAPSHOT", volume)),
            "Encrypted": True,
            **key,
            "Description": f"{name}, encrypted",
            "TagSpecifications": draft.tags("snapshot", f"copy-{name}", target, f"vpce-tui-{name}-encrypted"),
        },
        so_already=copy is not None or new is not None,
        why=f"{name}: encrypted copy of the snapshot",
        gives={name_of("COPY", volume): "SnapshotId"},
        region=region,
    )
    wait_for(
        draft,
        f"copy-{name}-done",
        "DescribeSnapshots",
        {"SnapshotIds": [ref(name_of("COPY", volume))]},
        Until(_SNAPSHOT, ("completed",), ("error",)),
        done=new is not None or (copy is not None and copy.state == "completed"),
        why=f"{name}: wait for the copy",
        region=region,
    )
    draft.ensure(
        f"volume-{name}",
        "CreateVolume",
        _like(volume, draft),
        so_already=new is not None,
        why=f"{name}: new encrypted volume, {volume.size_gib} GiB {volume.type} in {volume.zone}",
        gives={name_of("VOLUME", volume): "VolumeId"},
        region=region,
    )
    wait_for(
        draft,
        f"volume-{name}-done",
        "DescribeVolumes",
        {"VolumeIds": [ref(name_of("VOLUME", volume))]},
        Until(VOLUME_STATE, ("available", "in-use"), ("error",)),
        done=new is not None and new.state in ("available", "in-use"),
        why=f"{name}: wait for the new volume",
        region=region,
    )
    for reference, thing in (("SNAPSHOT", snapshot), ("COPY", copy), ("VOLUME", new)):
        if thing is not None:
            draft.bindings[name_of(reference, volume)] = thing.id
    draft.stand_ins.update(
        {
            name_of("SNAPSHOT", volume): "snap-00000000000000000",
            name_of("COPY", volume): "snap-00000000000000000",
            name_of("VOLUME", volume): volume.id,
        }
    )
    one: Place = {"service": "ec2", "region": region}
    draft.add_inverse(
        f"undo-snapshot-{name}",
        "DeleteSnapshot",
        {"SnapshotId": ref(name_of("SNAPSHOT", volume))},
        undoes=(f"snapshot-{name}",),
        why=f"{name}: delete the snapshot",
        **one,
    )
    draft.add_inverse(
        f"undo-copy-{name}",
        "DeleteSnapshot",
        {"SnapshotId": ref(name_of("COPY", volume))},
        undoes=(f"copy-{name}",),
        why=f"{name}: delete the copy",
        **one,
    )
    if home_of(volume, draft)[0].startswith("i-"):
        draft.add_inverse(
            f"undo-volume-{name}",
            "CreateTags",
            {"Resources": [ref(name_of("VOLUME", volume))], "Tags": [{"Key": KEPT, "Value": name}]},
            undoes=(f"volume-{name}",),
            why=f"{name}: keep and tag the encrypted volume: data written since the swap is only on it",
            **one,
        )
    else:
        draft.add_inverse(
            f"undo-volume-{name}",
            "DeleteVolume",
            {"VolumeId": ref(name_of("VOLUME", volume))},
            undoes=(f"volume-{name}",),
            why=f"{name}: delete the encrypted copy",
            **one,
        )


def _like(volume: UnencryptedVolume, draft: Draft) -> dict[str, object]:
    """A volume as the old one: type, size, speed, zone, tags; and encrypted."""
    theirs = [
        {"Key": key, "Value": value}
        for key, value in sorted(volume.tags.items())
        if not key.startswith(("aws:", "vpce-tui:"))
    ]
    ours = [
        tag
        for tag in mappings(draft.tags("volume", f"volume-{volume.id}", draft.target, ""), 0, "Tags")
        if tag["Key"] != "Name"
    ]
    made: dict[str, object] = {
        "AvailabilityZone": volume.zone,
        "Size": volume.size_gib,
        "VolumeType": volume.type,
        "SnapshotId": ref(name_of("COPY", volume)),
        "Encrypted": True,
        "ClientToken": ref(TOKEN),
        "TagSpecifications": [{"ResourceType": "volume", "Tags": [*theirs, *ours]}],
    }
    if draft.choices["key"]:
        made["KmsKeyId"] = draft.choices["key"]
    if volume.iops and volume.type in ("gp3", "io1", "io2"):
        made["Iops"] = volume.iops
    if volume.throughput and volume.type == "gp3":
        made["Throughput"] = volume.throughput
    return made


def plan_mark(ebs: EbsVolumes, volume: UnencryptedVolume, draft: Draft) -> None:
    """The old volume is kept, and says what took its place."""
    tag = {"Resources": [volume.id], "Tags": [{"Key": REPLACED, "Value": ref(name_of("VOLUME", volume))}]}
    name = f"mark-{volume.id}"
    draft.ensure(
        name,
        "CreateTags",
        tag,
        so_already=REPLACED in volume.tags,
        why=f"{volume.id}: tag it with the id of its replacement",
        region=volume.region,
    )
    draft.add_inverse(
        f"undo-{name}",
        "DeleteTags",
        {"Resources": [volume.id], "Tags": [{"Key": REPLACED}]},
        undoes=(name,),
        why=f"{volume.id}: remove that tag",
        region=volume.region,
    )
