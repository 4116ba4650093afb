"""EBS encryption: on for new disks of a region; and an existing disk moved to an encrypted one in its place.

A disk is moved with its machine stopped before the snapshot is taken, so that nothing that is written meanwhile is lost; the
order of the steps in many guides (snapshot first, stop later) loses it. (AWS: "Amazon EBS encryption", "Replace a root volume".)
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from vpce_tui.inventory.dossiers.account import Dossier, Facet
from vpce_tui.inventory.dossiers.disks import KEPT, REPLACED, Disks, Volume
from vpce_tui.inventory.dossiers.launch import CHECKS, UP
from vpce_tui.inventory.model import Instance
from vpce_tui.playbooks.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.playbooks.actions.hardening.overview import gaps, look_in_scope
from vpce_tui.playbooks.draft import Draft
from vpce_tui.playbooks.plan import Kind, PlannedCall, Step, Until
from vpce_tui.playbooks.values import TOKEN, ref
from vpce_tui.text import many

# -- new disks


def _default_options(world: Dossier) -> Options:
    return tuple((region, "off" if not on else "on already") for region, on in (world.encrypted or {}).items())


def _where_off(world: Dossier) -> str:
    return ",".join(region for region, on in (world.encrypted or {}).items() if not on)


def _plan_default(world: Dossier, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.ENCRYPTION)
    for region in parts(draft.choices["in"]):
        on = (world.encrypted or {}).get(region)
        if on is None:
            draft.block(
                f"whether {region} encrypts new disks could not be read", "leave it out: c, or make it readable"
            )
            continue
        call = f"on-{region}"
        draft.want(
            call,
            "EnableEbsEncryptionByDefault",
            {},
            so_already=on,
            why=f"{region}: new disks are encrypted",
            region=region,
        )
        draft.take_back(
            f"undo-{call}", "DisableEbsEncryptionByDefault", {}, undoes=(call,), why=f"{region}: new disks are as they are asked for", region=region
        )  # fmt: skip
        if not on:
            draft.changes.append(f"{region}: every new disk and snapshot copy is encrypted")
    draft.hits("whoever makes disks there from now on; disks that exist stay as they are")
    draft.notes.append(
        "what shares snapshots with other accounts needs a customer key: those under the AWS-managed key cannot be shared"
    )
    gaps(world, draft, "encryption by default")
    draft.prove("each region reads as on")
    return draft.step(Kind.CHANGE)


ENCRYPTION_BY_DEFAULT: Final = Action(
    frozenset({Facet.ENCRYPTION}), _plan_default, unchanged, by_effects,
    (Choice("in", "In which regions new disks are encrypted", _default_options, _where_off, many=True),),
    look=look_in_scope, target="account", may=("ec2:EnableEbsEncryptionByDefault", "ec2:DisableEbsEncryptionByDefault"),
)  # fmt: skip

# -- existing disks

_KEY: Final = re.compile(
    r"[0-9a-f-]{36}|mrk-[0-9a-f]{32}|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/[\w/-]+|alias/[\w/-]+"
)
_SNAPSHOT: Final = "Snapshots[0].State"
_VOLUME: Final = "Volumes[0].State"
_STATE: Final = "Reservations[0].Instances[0].State.Name"
_STOPPED: Final = Until(_STATE, ("stopped",), ("terminated", "shutting-down"))
_STILL: Final = Until(_STATE, ("stopped",), ("running", "pending", "terminated", "shutting-down"))


def _look(choices: Mapping[str, str], others: Answers) -> Mapping[str, Any]:
    return {**look_in_scope(choices, others), "key": choices.get("key", "")}


def _machines(step: Step) -> Mapping[str, Any]:
    """The machines that the step stops: they are looked at, also while nothing of theirs is attached."""
    return {
        "machines": tuple(
            str(call.parameters["InstanceIds"][0])
            for call in (*step.calls, *step.already)
            if call.id.startswith("stop-")
        )
    }


def _listed(world: Dossier) -> list[Volume]:
    """Those that could be moved: not what an encrypted one has taken the place of already."""
    return [volume for volume in (world.disks or Disks()).volumes if REPLACED not in volume.tags]


def _options(world: Dossier) -> Options:
    return tuple((volume.key, _label(world, volume)) for volume in _listed(world))


def _label(world: Dossier, volume: Volume) -> str:
    disks = world.disks or Disks()
    machine = disks.instances.get(volume.instance)
    where = "attached to nothing"
    if volume.instance:
        name = f" {machine.name}" if machine and machine.name else ""
        root = ", its root" if machine and machine.root_device == volume.device else ""
        where = f"{volume.device} of {volume.instance}{name}{root}"
    return f"{volume.size_gib} GiB {volume.type}, {where}"


def _plan(world: Dossier, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.DISKS)
    disks = world.disks or Disks()
    known = {volume.key: volume for volume in disks.volumes}
    chosen: list[Volume] = []
    for key in parts(draft.choices["volumes"]):
        if key in known:
            chosen.append(known[key])
        else:
            draft.block(f"the volume {key} is gone, or encrypted by now", "choose again: c, or --set volumes.volumes=…")
    by_machine: dict[str, list[Volume]] = {}
    for volume in chosen:
        by_machine.setdefault(_home(volume, draft)[0] or volume.id, []).append(volume)
    for name, volumes in by_machine.items():
        instance = disks.instances.get(name)
        if not name.startswith("i-"):
            for volume in volumes:
                _copied(disks, volume, draft)
                _mark(disks, volume, draft)
        elif instance is None:
            draft.block(f"{name} is gone", "choose again: c")
        elif _may_stop(disks, instance, volumes, draft):
            _moved(disks, instance, volumes, draft)
    if not chosen:
        draft.notes.append(f"{many(len(_listed(world)), 'disk is', 'disks are')} not encrypted; none is chosen")
    else:
        _said(by_machine, disks, draft)
    kept = [volume for volume in disks.volumes if REPLACED in volume.tags]
    draft.notes += [
        f"kept: {volume.id}, replaced by {volume.tags[REPLACED]}; delete it once you are sure" for volume in kept
    ]
    gaps(world, draft, "disks")
    draft.prove("each encrypted disk is attached where the old one was, and the machine is up")
    return draft.step(Kind.CHANGE)


def _home(volume: Volume, draft: Draft) -> tuple[str, str, bool]:
    """The machine and device that a volume belongs to, and whether it goes with the machine: as recorded, where we moved it."""
    recalled = draft.recall(f"attach-{volume.id}")
    if recalled is not None:
        doomed = draft.recall(f"flag-{volume.id}") is not None
        return str(recalled.parameters["InstanceId"]), str(recalled.parameters["Device"]), doomed
    return volume.instance, volume.device, volume.delete_on_termination


def _may_stop(disks: Disks, instance: Instance, volumes: Iterable[Volume], draft: Draft) -> bool:
    """Blocks what a stop would break."""
    before = len(draft.blocked)
    ours = draft.remembered is not None
    if instance.gone:
        draft.block(f"{instance.id} is {instance.state}", "nothing; it is gone")
    if instance.lifecycle == "spot":
        draft.block(
            f"{instance.id} is a spot instance, which cannot be stopped by you",
            "start an encrypted one in its place: relaunch-instance",
        )
    if instance.id in disks.groups and not ours:
        draft.block(
            f"{instance.id} is in the Auto Scaling group {disks.groups[instance.id]}, which would replace it once it is stopped",
            "put it into standby first (Auto Scaling Groups › Instance management › Set to Standby), or start an encrypted one: relaunch-instance",
        )
    if any(volume.multi_attach for volume in volumes):
        draft.block(
            f"a volume of {instance.id} is attached to several machines", "move it by hand, with all of them stopped"
        )
    region = next(iter(volumes)).region
    key = disks.keys.get(region)
    if key is not None and key.unusable:
        draft.block(
            f"the key {key.id} cannot be used: {key.unusable}",
            "name another: c, or --set volumes.key=…, or enable it in KMS",
        )
    return len(draft.blocked) == before


def _ref(kind: str, volume: Volume) -> str:
    return f"{kind}_{volume.id.replace('-', '_').upper()}"


def _copied(disks: Disks, volume: Volume, draft: Draft) -> None:
    """Snapshot, encrypted copy, encrypted volume."""
    name, part = volume.id, volume.instance or volume.id
    target, region = draft.target, volume.region
    key = {"KmsKeyId": draft.choices["key"]} if draft.choices["key"] else {}
    snapshot, copy, new = (
        disks.snapshots.get(f"snapshot-{name}"),
        disks.snapshots.get(f"copy-{name}"),
        disks.own_volumes.get(f"volume-{name}"),
    )
    draft.part = _home(volume, draft)[0] or part
    draft.want(
        f"snapshot-{name}", "CreateSnapshot",
        {
            "VolumeId": name, "Description": f"{name} on the way to an encrypted disk",
            "TagSpecifications": draft.tags("snapshot", f"snapshot-{name}", target, f"vpce-tui-{name}"),
        },
        so_already=snapshot is not None or copy is not None or new is not None, why=f"{name}: snapshot", gives={_ref("SNAPSHOT", volume): "SnapshotId"}, region=region,
    )  # fmt: skip
    _wait(
        draft, f"snapshot-{name}-done", "DescribeSnapshots", {"SnapshotIds": [ref(_ref("SNAPSHOT", volume))]}, Until(_SNAPSHOT, ("completed",), ("error",)),
        done=bool(copy or new) or (snapshot is not None and snapshot.state == "completed"), why=f"{name}: wait for the snapshot", region=region,
    )  # fmt: skip
    draft.want(
        f"copy-{name}", "CopySnapshot",
        {
            "SourceRegion": region, "SourceSnapshotId": ref(_ref("SNAPSHOT", volume)), "Encrypted": True, **key,
            "Description": f"{name}, encrypted", "TagSpecifications": draft.tags("snapshot", f"copy-{name}", target, f"vpce-tui-{name}-encrypted"),
        },
        so_already=copy is not None or new is not None, why=f"{name}: encrypted copy of the snapshot", gives={_ref("COPY", volume): "SnapshotId"}, region=region,
    )  # fmt: skip
    _wait(
        draft, f"copy-{name}-done", "DescribeSnapshots", {"SnapshotIds": [ref(_ref("COPY", volume))]}, Until(_SNAPSHOT, ("completed",), ("error",)),
        done=new is not None or (copy is not None and copy.state == "completed"), why=f"{name}: wait for the copy", region=region,
    )  # fmt: skip
    draft.want(
        f"volume-{name}", "CreateVolume", _like(volume, draft), so_already=new is not None, why=f"{name}: new encrypted disk, {volume.size_gib} GiB {volume.type} in {volume.zone}",
        gives={_ref("VOLUME", volume): "VolumeId"}, region=region,
    )  # fmt: skip
    _wait(
        draft, f"volume-{name}-done", "DescribeVolumes", {"VolumeIds": [ref(_ref("VOLUME", volume))]}, Until(_VOLUME, ("available", "in-use"), ("error",)),
        done=new is not None and new.state in ("available", "in-use"), why=f"{name}: wait for the new disk", region=region,
    )  # fmt: skip
    for reference, thing in (("SNAPSHOT", snapshot), ("COPY", copy), ("VOLUME", new)):
        if thing is not None:
            draft.bindings[_ref(reference, volume)] = thing.id
    draft.stand_ins.update(
        {
            _ref("SNAPSHOT", volume): "snap-00000000000000000",
            _ref("COPY", volume): "snap-00000000000000000",
            _ref("VOLUME", volume): volume.id,
        }
    )
    one: dict[str, Any] = {"region": region}
    draft.take_back(
        f"undo-snapshot-{name}",
        "DeleteSnapshot",
        {"SnapshotId": ref(_ref("SNAPSHOT", volume))},
        undoes=(f"snapshot-{name}",),
        why=f"{name}: delete the snapshot",
        **one,
    )
    draft.take_back(
        f"undo-copy-{name}",
        "DeleteSnapshot",
        {"SnapshotId": ref(_ref("COPY", volume))},
        undoes=(f"copy-{name}",),
        why=f"{name}: delete the copy",
        **one,
    )
    if _home(volume, draft)[0].startswith("i-"):
        draft.take_back(
            f"undo-volume-{name}", "CreateTags", {"Resources": [ref(_ref("VOLUME", volume))], "Tags": [{"Key": KEPT, "Value": name}]},
            undoes=(f"volume-{name}",), why=f"{name}: the encrypted disk is kept, and marked: what was written since is on it alone", **one,
        )  # fmt: skip
    else:
        draft.take_back(
            f"undo-volume-{name}", "DeleteVolume", {"VolumeId": ref(_ref("VOLUME", volume))}, undoes=(f"volume-{name}",),
            why=f"{name}: delete the encrypted copy", **one,
        )  # fmt: skip


def _like(volume: Volume, draft: Draft) -> dict[str, Any]:
    """A volume as the old one: type, size, speed, zone, tags; and encrypted."""
    theirs = [
        {"Key": key, "Value": value}
        for key, value in sorted(volume.tags.items())
        if not key.startswith(("aws:", "vpce-tui:"))
    ]
    ours = [
        tag for tag in draft.tags("volume", f"volume-{volume.id}", draft.target, "")[0]["Tags"] if tag["Key"] != "Name"
    ]
    made: dict[str, Any] = {
        "AvailabilityZone": volume.zone, "Size": volume.size_gib, "VolumeType": volume.type, "SnapshotId": ref(_ref("COPY", volume)),
        "Encrypted": True, "ClientToken": ref(TOKEN), "TagSpecifications": [{"ResourceType": "volume", "Tags": [*theirs, *ours]}],
    }  # fmt: skip
    if draft.choices["key"]:
        made["KmsKeyId"] = draft.choices["key"]
    if volume.iops and volume.type in ("gp3", "io1", "io2"):
        made["Iops"] = volume.iops
    if volume.throughput and volume.type == "gp3":
        made["Throughput"] = volume.throughput
    return made


def _mark(disks: Disks, volume: Volume, draft: Draft) -> None:
    """The old volume is kept, and says what took its place."""
    tag = {"Resources": [volume.id], "Tags": [{"Key": REPLACED, "Value": ref(_ref("VOLUME", volume))}]}
    name = f"mark-{volume.id}"
    draft.want(
        name,
        "CreateTags",
        tag,
        so_already=REPLACED in volume.tags,
        why=f"{volume.id}: say what replaced it",
        region=volume.region,
    )
    draft.take_back(
        f"undo-{name}", "DeleteTags", {"Resources": [volume.id], "Tags": [{"Key": REPLACED}]}, undoes=(name,), why=f"{volume.id}: remove that mark",
        region=volume.region,
    )  # fmt: skip


def _wait(
    draft: Draft,
    call: str,
    operation: str,
    parameters: Mapping[str, Any],
    until: Until,
    *,
    done: bool,
    why: str,
    region: str,
) -> None:
    draft.want(call, operation, parameters, so_already=done, why=why, until=until, region=region)


def _moved(disks: Disks, instance: Instance, volumes: list[Volume], draft: Draft) -> None:
    """Every chosen volume of one machine: stop, copy, swap, start."""
    _outdated(disks, instance, volumes, draft)
    region = volumes[0].region
    one: dict[str, Any] = {"InstanceIds": [instance.id]}
    at: dict[str, Any] = {"region": region}
    draft.part = instance.id
    swapped = all(_is_swapped(disks, volume, instance) for volume in volumes)
    recalled = draft.recall(f"stop-{instance.id}") is not None
    stops = recalled or instance.state in ("running", "pending")
    down = instance.state == "stopped"
    if stops:
        draft.want(
            f"stop-{instance.id}", "StopInstances", one, so_already=swapped or instance.state in ("stopped", "stopping"), why=f"stop {instance.id}", **at
        )  # fmt: skip
        draft.take_back(
            f"undo-stop-{instance.id}",
            "StartInstances",
            one,
            undoes=(f"stop-{instance.id}",),
            why=f"start {instance.id}",
            **at,
        )
    _wait(
        draft, f"stop-{instance.id}-done", "DescribeInstances", one, _STOPPED, done=swapped or down,
        why=f"wait until {instance.id} is stopped", region=region,
    )  # fmt: skip
    for volume in volumes:
        _copied(disks, volume, draft)
    for volume in volumes:
        _swap(disks, volume, instance, draft)
    if stops:
        up = swapped and disks.up.get(instance.id, "") == UP
        started = swapped and instance.state in ("running", "pending")
        draft.want(f"start-{instance.id}", "StartInstances", one, so_already=started, why=f"start {instance.id}", **at)
        checked = {**one, "IncludeAllInstances": True}
        _wait(draft, f"start-{instance.id}-done", "DescribeInstanceStatus", checked, Until(CHECKS, (UP,), ("terminated/not-applicable/not-applicable",)), done=up, why=f"wait until {instance.id} is up", region=region)  # fmt: skip
        stopped = PlannedCall(
            f"undo-start-{instance.id}-done", "ec2", "DescribeInstances", region, one, f"wait until {instance.id} is stopped", {}, _later(volumes),
            until=_STOPPED, part=draft.part,
        )  # fmt: skip
        draft.undo.insert(0, stopped)
        draft.take_back(
            f"undo-start-{instance.id}",
            "StopInstances",
            one,
            undoes=(f"start-{instance.id}",),
            why=f"stop {instance.id}",
            **at,
        )
    draft.part = ""


def _outdated(disks: Disks, instance: Instance, volumes: list[Volume], draft: Draft) -> None:
    """Blocks a swap that would put old data in: the machine ran, and wrote, after its disk was copied."""
    for volume in volumes:
        snapshot, new = disks.snapshots.get(f"snapshot-{volume.id}"), disks.own_volumes.get(f"volume-{volume.id}")
        in_place = new is not None and new.instance == instance.id
        if in_place or snapshot is None or snapshot.started is None or instance.launched is None:
            continue
        if instance.launched >= snapshot.started.replace(microsecond=0):
            draft.block(
                f"{instance.id} was started after {volume.id} was copied: the copy lacks what it wrote since",
                "undo this step, which removes the copy, and run it again",
            )


def _attached_to(instance: str) -> str:
    return f"Volumes[0].Attachments[?InstanceId=='{instance}'].State | [0]"


def _leave(world: Dossier, call: PlannedCall, _: bool, __: bool) -> str:
    """Why an inverse is not made: the disk of before is in use elsewhere; see :attr:`Action.leave`."""
    disks = world.disks or Disks()
    new = {volume.id for volume in disks.own_volumes.values() if volume.instance == call.part}
    for old in disks.volumes:
        if old.instance not in ("", call.part) and old.tags.get(REPLACED) in new:
            return f"{old.id}, the disk of before, is in {old.instance}: take it out there, and undo again"
    return ""


def _later(volumes: list[Volume]) -> tuple[str, ...]:
    """The calls whose undoing needs a stopped machine."""
    return tuple(f"attach-{volume.id}" for volume in volumes)


def _is_swapped(disks: Disks, volume: Volume, instance: Instance) -> bool:
    new = disks.own_volumes.get(f"volume-{volume.id}")
    return new is not None and new.instance == instance.id and new.attachment == "attached"


def _swap(disks: Disks, volume: Volume, instance: Instance, draft: Draft) -> None:
    _, device, doomed = _home(volume, draft)
    new = disks.own_volumes.get(f"volume-{volume.id}")
    name = volume.id
    at: dict[str, Any] = {"region": volume.region}
    old = {"VolumeId": name, "InstanceId": instance.id, "Device": device}
    ours = {"VolumeId": ref(_ref("VOLUME", volume)), "InstanceId": instance.id, "Device": device}
    here = new is not None and new.instance == instance.id
    _wait(
        draft, f"detach-{name}-safe", "DescribeInstances", {"InstanceIds": [instance.id]}, _STILL, done=volume.instance != instance.id,
        why=f"see that {instance.id} is still stopped", region=volume.region,
    )  # fmt: skip
    draft.want(
        f"detach-{name}",
        "DetachVolume",
        old,
        so_already=volume.instance != instance.id,
        why=f"{name}: out of {device}",
        **at,
    )
    _wait(
        draft, f"detach-{name}-done", "DescribeVolumes", {"VolumeIds": [name]}, Until(_VOLUME, ("available",), ("error",)),
        done=here or volume.state == "available", why=f"{name}: wait until it is out", region=volume.region,
    )  # fmt: skip
    draft.want(f"attach-{name}", "AttachVolume", ours, so_already=here, why=f"the encrypted disk into {device}", **at)
    _wait(
        draft, f"attach-{name}-done", "DescribeVolumes", {"VolumeIds": [ref(_ref("VOLUME", volume))]}, Until(_attached_to(instance.id), ("attached",)),
        done=here and new is not None and new.attachment == "attached", why="wait until it is in", region=volume.region,
    )  # fmt: skip
    flag = {
        "InstanceId": instance.id,
        "BlockDeviceMappings": [{"DeviceName": device, "Ebs": {"DeleteOnTermination": True}}],
    }
    if doomed:
        draft.want(
            f"flag-{name}", "ModifyInstanceAttribute", flag,
            so_already=(here and new is not None and new.delete_on_termination) or _half_undone(volume, instance, draft),
            why=f"{device} goes with {instance.id}, as the old one did", **at,
        )  # fmt: skip
    _mark(disks, volume, draft)
    _take_back_swap(volume, old, ours, flag if doomed else None, draft)


def _half_undone(volume: Volume, instance: Instance, draft: Draft) -> bool:
    """Whether the old disk is back and does not go with its machine yet: what flagging the new one did still stands."""
    known = draft.recall(f"flag-{volume.id}") is not None
    return known and volume.instance == instance.id and not volume.delete_on_termination


def _take_back_swap(
    volume: Volume, old: Mapping[str, Any], ours: Mapping[str, Any], flag: Mapping[str, Any] | None, draft: Draft
) -> None:
    """The old disk in again: taken back in this order, before what was made is deleted."""
    name = volume.id
    at: dict[str, Any] = {"region": volume.region}

    def waits(call: str, identifier: Any, undoes: tuple[str, ...], path: str, good: str, why: str) -> PlannedCall:
        return PlannedCall(
            call, "ec2", "DescribeVolumes", volume.region, {"VolumeIds": [identifier]}, why, {}, undoes, until=Until(path, (good,), ("error",)),
            part=draft.part,
        )  # fmt: skip

    if flag is not None:
        into = waits(
            f"undo-flag-{name}-in",
            name,
            (f"flag-{name}", f"detach-{name}"),
            _attached_to(str(old["InstanceId"])),
            "attached",
            f"{name}: wait until it is in",
        )
        draft.take_back(
            f"undo-flag-{name}",
            "ModifyInstanceAttribute",
            flag,
            undoes=(f"flag-{name}", f"detach-{name}"),  # an undo that was killed with no disk in still has to
            why=f"{name} goes with its machine again",
            first=(into,),
            **at,
        )
    out = waits(
        f"undo-detach-{name}-out",
        ref(_ref("VOLUME", volume)),
        (f"detach-{name}",),
        _VOLUME,
        "available",
        "wait until the encrypted disk is out",
    )
    draft.take_back(
        f"undo-detach-{name}",
        "AttachVolume",
        old,
        undoes=(f"detach-{name}",),
        why=f"{name}: into {old['Device']} again",
        first=(out,),
        **at,
    )
    draft.take_back(
        f"undo-attach-{name}",
        "DetachVolume",
        ours,
        undoes=(f"attach-{name}",),
        why=f"the encrypted disk out of {old['Device']}",
        **at,
    )


def _said(by_machine: Mapping[str, list[Volume]], disks: Disks, draft: Draft) -> None:
    for name, volumes in by_machine.items():
        machine = disks.instances.get(name)
        for volume in volumes:
            where = f"{_home(volume, draft)[1]} of {name}" if name.startswith("i-") else "attached to nothing"
            draft.changes.append(
                f"{volume.id}  {volume.size_gib} GiB {volume.type}, {where}  →  a new encrypted one; the old one is kept"
            )
        if machine is not None:
            draft.changes.append(f"{name} {machine.name} stops before its disks are copied, and starts after")
            draft.hits(
                f"whoever uses {name} {machine.name}, for as long as its disks are copied: minutes for each 100 GiB, as a rule",
                (name,),
            )
            if machine.public_ip:
                draft.hits(
                    f"{name} gets another public address when it starts, unless {machine.public_ip} is an Elastic IP"
                )
    sizes = sum(volume.size_gib for volumes in by_machine.values() for volume in volumes)
    draft.notes += [
        f"{many(sum(map(len, by_machine.values())), 'disk')}, {sizes:,} GiB in all, machine by machine; Escape stops after the present machine",
        "instance store of a machine is lost when it stops",
        "undo puts the old disks back as they were at the swap, and keeps the encrypted ones, marked: what was written since is on those alone",
    ]


ACCOUNT_VOLUMES: Final = Action(
    frozenset({Facet.DISKS}), _plan, unchanged, by_effects,
    (
        Choice("volumes", "Which disks are moved to encrypted ones", _options, many=True),
        Choice(
            "key", "Which key encrypts them (nothing: the region's key for EBS)", (("", "the region's key for EBS"),), free=True,
            check=lambda text: "" if not text or _KEY.fullmatch(text) else f"{text!r} is no id, ARN or alias of a key",
        ),
    ),
    remember=_machines, look=_look, leave=_leave, target="account",
    may=(
        "ec2:StopInstances", "ec2:StartInstances", "ec2:CreateSnapshot", "ec2:CopySnapshot", "ec2:DeleteSnapshot", "ec2:CreateVolume",
        "ec2:DeleteVolume", "ec2:DetachVolume", "ec2:AttachVolume", "ec2:ModifyInstanceAttribute", "ec2:CreateTags", "ec2:DeleteTags",
        "ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeVolumes", "ec2:DescribeSnapshots",
    ),
)  # fmt: skip
