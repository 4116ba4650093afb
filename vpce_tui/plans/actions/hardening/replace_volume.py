"""The encrypted volume in place of the old one, at the same device, while the instance is stopped; and back."""

from collections.abc import Mapping

from vpce_tui.inventory.resources import Instance
from vpce_tui.plans.actions.hardening.copy_snapshot import plan_mark
from vpce_tui.plans.actions.hardening.volume_encryption import STILL_STOPPED, VOLUME_STATE, home_of, name_of, wait_for
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import PlannedCall, Until
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.ebs_volumes import EbsVolumes, UnencryptedVolume


def _attached_to(instance: str) -> str:
    return f"Volumes[0].Attachments[?InstanceId=='{instance}'].State | [0]"


def is_swapped(ebs: EbsVolumes, volume: UnencryptedVolume, instance: Instance) -> bool:
    """Whether the encrypted volume is in the place of the old one."""
    new = ebs.own_volumes.get(f"volume-{volume.id}")
    return new is not None and new.instance == instance.id and new.attachment == "attached"


def plan_swap(ebs: EbsVolumes, volume: UnencryptedVolume, instance: Instance, draft: Draft) -> None:
    """The old volume out, the encrypted one in, at the same device."""
    _, device, doomed = home_of(volume, draft)
    new = ebs.own_volumes.get(f"volume-{volume.id}")
    name = volume.id
    at: Place = {"service": "ec2", "region": volume.region}
    old = {"VolumeId": name, "InstanceId": instance.id, "Device": device}
    ours = {"VolumeId": ref(name_of("VOLUME", volume)), "InstanceId": instance.id, "Device": device}
    here = new is not None and new.instance == instance.id
    wait_for(
        draft,
        f"detach-{name}-safe",
        "DescribeInstances",
        {"InstanceIds": [instance.id]},
        STILL_STOPPED,
        done=volume.instance != instance.id,
        why=f"check that {instance.id} is still stopped",
        region=volume.region,
    )
    draft.ensure(
        f"detach-{name}",
        "DetachVolume",
        old,
        so_already=volume.instance != instance.id,
        why=f"detach {name} from {device}",
        **at,
    )
    wait_for(
        draft,
        f"detach-{name}-done",
        "DescribeVolumes",
        {"VolumeIds": [name]},
        Until(VOLUME_STATE, ("available",), ("error",)),
        done=here or volume.state == "available",
        why=f"wait until {name} is detached",
        region=volume.region,
    )
    draft.ensure(
        f"attach-{name}", "AttachVolume", ours, so_already=here, why=f"attach the encrypted volume as {device}", **at
    )
    wait_for(
        draft,
        f"attach-{name}-done",
        "DescribeVolumes",
        {"VolumeIds": [ref(name_of("VOLUME", volume))]},
        Until(_attached_to(instance.id), ("attached",)),
        done=here and new is not None and new.attachment == "attached",
        why="wait until it is attached",
        region=volume.region,
    )
    flag = {
        "InstanceId": instance.id,
        "BlockDeviceMappings": [{"DeviceName": device, "Ebs": {"DeleteOnTermination": True}}],
    }
    if doomed:
        draft.ensure(
            f"flag-{name}",
            "ModifyInstanceAttribute",
            flag,
            so_already=(here and new is not None and new.delete_on_termination)
            or _half_undone(volume, instance, draft),
            why=f"{device}: set delete on termination on {instance.id}, as for the old volume",
            **at,
        )
    plan_mark(ebs, volume, draft)
    _take_back_swap(volume, old, ours, flag if doomed else None, draft)


def _half_undone(volume: UnencryptedVolume, instance: Instance, draft: Draft) -> bool:
    """Whether the old volume is back and does not go with its instance yet: the flag on the new one is still set."""
    known = draft.recall(f"flag-{volume.id}") is not None
    return known and volume.instance == instance.id and not volume.delete_on_termination


def _take_back_swap(
    volume: UnencryptedVolume,
    old: Mapping[str, object],
    ours: Mapping[str, object],
    flag: Mapping[str, object] | None,
    draft: Draft,
) -> None:
    """The old volume in again: taken back in this order, before what was made is deleted."""
    name = volume.id
    at: Place = {"service": "ec2", "region": volume.region}

    def waits(call: str, identifier: object, undoes: tuple[str, ...], path: str, good: str, why: str) -> PlannedCall:
        return PlannedCall(
            id=call,
            service="ec2",
            operation="DescribeVolumes",
            region=volume.region,
            parameters={"VolumeIds": [identifier]},
            why=why,
            gives={},
            undoes=undoes,
            until=Until(path, (good,), ("error",)),
            part=draft.part,
        )

    if flag is not None:
        into = waits(
            f"undo-flag-{name}-in",
            name,
            (f"flag-{name}", f"detach-{name}"),
            _attached_to(str(old["InstanceId"])),
            "attached",
            f"wait until {name} is attached",
        )
        draft.add_inverse(
            f"undo-flag-{name}",
            "ModifyInstanceAttribute",
            flag,
            undoes=(f"flag-{name}", f"detach-{name}"),  # an undo that was killed with no volume in still has to
            why=f"{name}: set delete on termination again",
            first=(into,),
            **at,
        )
    out = waits(
        f"undo-detach-{name}-out",
        ref(name_of("VOLUME", volume)),
        (f"detach-{name}",),
        VOLUME_STATE,
        "available",
        "wait until the encrypted volume is detached",
    )
    draft.add_inverse(
        f"undo-detach-{name}",
        "AttachVolume",
        old,
        undoes=(f"detach-{name}",),
        why=f"attach {name} as {old['Device']} again",
        first=(out,),
        **at,
    )
    draft.add_inverse(
        f"undo-attach-{name}",
        "DetachVolume",
        ours,
        undoes=(f"attach-{name}",),
        why=f"detach the encrypted volume from {old['Device']}",
        **at,
    )
