"""Actions on the instance itself: identify, preserve, hold still, snapshot, memory, terminate."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from vpce_tui.inventory.dossiers.common import iam_region
from vpce_tui.inventory.dossiers.instance import Attributes, Dossier, Facet
from vpce_tui.inventory.model import Volume
from vpce_tui.playbooks.actions import Action, Choice, Proof, by_effects, read_back, unchanged
from vpce_tui.playbooks.actions.service import leaving
from vpce_tui.playbooks.actions.undoing import unless_gone
from vpce_tui.playbooks.draft import Draft, short_id
from vpce_tui.playbooks.plan import Kind, Step
from vpce_tui.playbooks.values import ref

_ACCOUNT: Final = re.compile(r"\d{12}")
_FLEET_TAGS: Final = ("aws:ec2:fleet-id", "aws:ec2spot:fleet-request-id")


def _describe(world: Dossier) -> dict[str, object]:
    return {"InstanceIds": [world.instance.id]}


def _plan_identify(world: Dossier, draft: Draft) -> Step:
    instance = world.instance
    attached = [{"Name": "attachment.instance-id", "Values": [instance.id]}]
    draft.read("instance", "DescribeInstances", _describe(world), "the instance")
    draft.read(
        "interfaces",
        "DescribeNetworkInterfaces",
        {"Filters": attached},
        "its interfaces and their groups",
        optional=True,
    )
    if instance.volumes:
        draft.read(
            "volumes",
            "DescribeVolumes",
            {"VolumeIds": [volume.id for volume in instance.volumes]},
            "its disks",
            optional=True,
        )
    by_instance = [{"Name": "instance-id", "Values": [instance.id]}]
    draft.read(
        "profile",
        "DescribeIamInstanceProfileAssociations",
        {"Filters": by_instance},
        "its instance profile",
        optional=True,
    )
    draft.read("addresses", "DescribeAddresses", {"Filters": by_instance}, "its Elastic IPs", optional=True)
    draft.read(
        "scaling",
        "DescribeAutoScalingInstances",
        {"InstanceIds": [instance.id]},
        "its Auto Scaling group",
        service="autoscaling",
        optional=True,
    )
    draft.read(
        "history", "LookupEvents", {"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": instance.id}]},
        "who launched and changed it", service="cloudtrail", optional=True)  # fmt: skip
    draft.read(
        "calls-by-its-role", "LookupEvents", {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": instance.id}]},
        "what its role's session did", service="cloudtrail", optional=True)  # fmt: skip
    if instance.region != iam_region(instance.region):
        draft.read(
            "global-calls-by-its-role", "LookupEvents",
            {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": instance.id}]},
            "what its role's session did in global services, as IAM", service="cloudtrail",
            region=iam_region(instance.region), optional=True)  # fmt: skip
    for detector, findings in sorted(world.detectors.items()):
        if findings:
            draft.read(
                "findings", "GetFindings", {"DetectorId": detector, "FindingIds": list(findings)}, "GuardDuty findings",
                service="guardduty", optional=True)  # fmt: skip
    draft.read(
        "flow-logs",
        "DescribeFlowLogs",
        {"Filter": [{"Name": "resource-id", "Values": [instance.vpc_id]}]},
        "is its traffic recorded",
        optional=True,
    )
    draft.notes += _what_it_is(world)
    for facet, why in world.unknown.items():
        draft.notes.append(f"the {facet} could not be read: {why}")
    draft.prove("every answer is kept as evidence")
    return draft.step(Kind.READ)


def _what_it_is(world: Dossier) -> list[str]:
    """What the operator wants to know at once, from what is read anyway."""
    instance = world.instance
    launched = instance.launched.strftime("%Y-%m-%d %H:%MZ") if instance.launched else "at an unknown time"
    addresses = [f"{nic.private_ip} {nic.public_ip}".strip() + f" ({nic.id})" for nic in instance.interfaces]
    disks = [f"{volume.device} {volume.id}" for volume in instance.volumes]
    findings = sum(len(found) for found in world.detectors.values())
    return [
        f"{instance.type} from {instance.image_id}, {instance.state}, launched {launched}",
        f"role: {instance.profile_arn.rpartition('/')[2] or 'none'}; metadata tokens: {instance.http_tokens or 'unknown'}",
        f"addresses: {', '.join(addresses) or 'none'}",
        f"disks: {', '.join(disks) or 'none'}",
        f"GuardDuty findings about it: {findings}",
        "who launched and changed it, and what its role did: history and calls-by-its-role among the evidence",
    ]


def _plan_preserve(world: Dossier, draft: Draft) -> Step:
    instance = world.instance
    one = {"InstanceId": instance.id}
    draft.read("instance", "DescribeInstances", _describe(world), "full description")
    draft.read("console-output", "GetConsoleOutput", {**one, "Latest": True}, "what it printed", optional=True)
    draft.read("console-screenshot", "GetConsoleScreenshot", one, "what its screen shows", optional=True)
    draft.read(
        "user-data",
        "DescribeInstanceAttribute",
        {**one, "Attribute": "userData"},
        "user data, kept as evidence and not shown",
    )
    interfaces = world.interfaces if world.interfaces is not None else instance.interfaces
    groups = sorted({group for nic in interfaces for group in nic.groups})
    if groups:
        draft.read("groups", "DescribeSecurityGroups", {"GroupIds": groups}, "its security groups")
        draft.read(
            "group-rules",
            "DescribeSecurityGroupRules",
            {"Filters": [{"Name": "group-id", "Values": groups}]},
            "their rules with ids",
        )
    subnets = sorted({nic.subnet_id for nic in interfaces if nic.subnet_id})
    if subnets:
        draft.read("subnets", "DescribeSubnets", {"SubnetIds": subnets}, "its subnets")
        by_subnet = [{"Name": "association.subnet-id", "Values": subnets}]
        draft.read("routes", "DescribeRouteTables", {"Filters": by_subnet}, "their routes")
        draft.read("acls", "DescribeNetworkAcls", {"Filters": by_subnet}, "their network ACLs")
    role = world.role
    if role and role.name:
        named = {"RoleName": role.name}
        draft.read("role", "GetRole", named, "its role", service="iam", region=iam_region(instance.region))
        for policy in role.inline:
            draft.read(
                f"role-policy-{short_id(policy)}", "GetRolePolicy", {**named, "PolicyName": policy}, f"inline policy {policy} of the role",
                service="iam", region=iam_region(instance.region),
            )  # fmt: skip
        for arn, version in role.attached:
            draft.read(
                f"managed-policy-{short_id(arn)}", "GetPolicyVersion", {"PolicyArn": arn, "VersionId": version},
                f"managed policy {arn.rpartition('/')[2]} of the role", service="iam", region=iam_region(instance.region),
            )  # fmt: skip
    draft.notes += [f"the {facet} could not be read: {why}" for facet, why in world.unknown.items()]
    draft.notes.append("instance store is lost on stop and on termination; nothing but the machine itself can copy it")
    draft.prove("one evidence file for each answer, by SHA-256")
    return draft.step(Kind.READ)


def _plan_hold(world: Dossier, draft: Draft) -> Step:
    instance, now = world.instance, world.attributes
    draft.block_unknown(world.unknown, Facet.ATTRIBUTES)
    if instance.gone:
        draft.block(f"{instance.id} is {instance.state}", "nothing; it is gone")
    if now is None or draft.blocked:
        return draft.step(Kind.CHANGE)
    one = {"InstanceId": instance.id}
    if instance.lifecycle == "spot":
        draft.notes.append(
            "AWS allows no termination protection on a spot instance: it may be interrupted at any time; snapshot soon"
        )
    else:
        draft.want(
            "protect", "ModifyInstanceAttribute", {**one, "DisableApiTermination": {"Value": True}},
            so_already=now.termination_protection, why="termination protection on",
        )  # fmt: skip
        draft.take_back(
            "undo-protect", "ModifyInstanceAttribute", {**one, "DisableApiTermination": {"Value": False}}, undoes=("protect",),
            why="termination protection off again",
        )  # fmt: skip
        draft.want(
            "shutdown-stops", "ModifyInstanceAttribute", {**one, "InstanceInitiatedShutdownBehavior": {"Value": "stop"}},
            so_already=now.shutdown_behavior == "stop", why="a shutdown from inside stops it, and does not terminate it",
        )  # fmt: skip
        draft.take_back(
            "undo-shutdown-stops", "ModifyInstanceAttribute", {**one, "InstanceInitiatedShutdownBehavior": {"Value": "terminate"}},
            undoes=("shutdown-stops",), why="a shutdown from inside terminates it again",
        )  # fmt: skip
    for volume in instance.volumes:
        name = f"keep-{volume.id}"
        draft.want(
            name, "ModifyInstanceAttribute", _delete_flag(instance.id, volume, False),
            so_already=not volume.delete_on_termination, why=f"{volume.id} ({volume.device}) survives termination",
        )  # fmt: skip
        draft.take_back(
            f"undo-{name}", "ModifyInstanceAttribute", _delete_flag(instance.id, volume, True), undoes=(name,),
            why=f"{volume.id} goes with the instance again",
        )  # fmt: skip
    draft.changes = [f"{call.why}" for call in draft.calls]
    draft.hits("nobody: these are settings of this instance alone")
    draft.prove(
        "protection, shutdown behaviour and the flag of each disk read back",
        "DescribeInstances",
        _describe(world),
    )
    return draft.step(Kind.CHANGE)


def _delete_flag(instance: str, volume: Volume, value: bool) -> dict[str, object]:
    mapping = {"DeviceName": volume.device, "Ebs": {"DeleteOnTermination": value}}
    return {"InstanceId": instance, "BlockDeviceMappings": [mapping]}


def _expect_hold(world: Dossier, _: Mapping[str, str]) -> Dossier:
    if world.instance.gone:
        return world
    volumes = tuple(replace(volume, delete_on_termination=False) for volume in world.instance.volumes)
    held = Attributes(True, world.attributes.stop_protection if world.attributes else False, "stop")
    return replace(world, instance=replace(world.instance, volumes=volumes), attributes=held)


def _plan_snapshots(world: Dossier, draft: Draft) -> Step:
    instance = world.instance
    draft.block_unknown(world.unknown, Facet.SNAPSHOTS, Facet.VOLUMES)
    volumes = instance.volumes
    if not volumes:
        draft.notes.append("no EBS volume is attached: there is nothing to snapshot")
        return draft.step(Kind.CHANGE, reversible=False)
    made = {snapshot.volume_id: snapshot for snapshot in world.snapshots or () if snapshot.state != "error"}
    draft.want(
        "snapshots", "CreateSnapshots",
        {
            "InstanceSpecification": {"InstanceId": instance.id, "ExcludeBootVolume": False},
            "Description": f"evidence of {instance.id}",
            "TagSpecifications": draft.tags("snapshot", "snapshots", instance.id, f"evidence-{instance.id}"),
        },
        so_already=all(volume.id in made for volume in volumes),
        why=f"snapshot {len(volumes)} {'volume' if len(volumes) == 1 else 'volumes'} as one set",
        gives={_name(volume): f"Snapshots[?VolumeId=='{volume.id}'].SnapshotId | [0]" for volume in volumes},
    )  # fmt: skip
    for volume in volumes:
        if volume.id in made:
            draft.bindings[_name(volume)] = made[volume.id].id
    _lock_and_share(world, draft, made)
    known = {volume.id: volume for volume in world.volumes or ()}
    for volume in volumes:
        disk = known.get(volume.id, volume)
        state = "encrypted with " + (disk.kms_key.rpartition("/")[2] or "a key") if disk.encrypted else "not encrypted"
        draft.changes.append(f"new snapshot of {volume.id} ({volume.device}, {disk.size_gib} GiB, {state})")
        if disk.encrypted:
            draft.notes.append(f"the snapshot of {volume.id} stays readable only while its key lives: {disk.kms_key}")
        if disk.key_unread:
            draft.notes.append(f"whose key {disk.kms_key} is could not be read: {disk.key_unread}")
    draft.notes.append("a snapshot is of the moment of the call; termination may go on while it is still pending")
    draft.hits("nobody: the disks go on working")
    wanted = [{"Name": "tag:vpce-tui:target", "Values": [instance.id]}]
    draft.prove(
        "a snapshot of every volume exists, none in error",
        "DescribeSnapshots",
        {"OwnerIds": ["self"], "Filters": wanted},
    )
    return draft.step(Kind.CHANGE, reversible=False)


def _wrong_days(text: str) -> str:
    good = re.fullmatch("0|[1-9][0-9]{0,4}", text) is not None and int(text) <= 36500
    return "" if good else f"{text!r} is no number of days from 1 to 36500, or 0 for no lock"


def _wrong_account(text: str) -> str:
    return "" if _ACCOUNT.fullmatch(text) else f"{text!r} is no account id of twelve digits"


def _lock_and_share(world: Dossier, draft: Draft, made: Mapping[str, object]) -> None:
    days, account = draft.choices["lock_days"], draft.choices["share_with"]
    snapshots = {snapshot.volume_id: snapshot for snapshot in world.snapshots or ()}
    for volume in world.instance.volumes:
        snapshot = snapshots.get(volume.id)
        if days != "0":
            draft.changes.append(
                f"the snapshot of {volume.id} is locked for {days} days: nobody can delete it without special rights"
            )
            draft.want(
                f"lock-{volume.id}", "LockSnapshot",
                {"SnapshotId": ref(_name(volume)), "LockMode": "governance", "LockDuration": int(days)},
                so_already=bool(snapshot and snapshot.locked), why=f"nobody without special rights can delete it for {days} days",
            )  # fmt: skip
        if account:
            encrypted = next((v for v in world.volumes or () if v.id == volume.id), volume)
            if encrypted.key_unread:
                draft.block(
                    f"whether {volume.id} is encrypted with the AWS-managed key, which cannot be shared, could not be read: {encrypted.key_unread}",
                    "make it readable, then plan again; or do not share",
                )
            if encrypted.key_manager == "AWS":
                draft.block(
                    f"{volume.id} is encrypted with the AWS-managed key; its snapshot cannot be shared",
                    "copy the snapshot to a customer key by hand first, or do not share",
                )
            draft.changes.append(f"the snapshot of {volume.id} is shared with account {account}")
            draft.want(
                f"share-{volume.id}", "ModifySnapshotAttribute",
                {
                    "SnapshotId": ref(_name(volume)), "Attribute": "createVolumePermission", "OperationType": "add",
                    "UserIds": [account],
                },
                so_already=bool(snapshot and account in snapshot.shared_with), why=f"account {account} may copy it",
            )  # fmt: skip


def _name(volume: Volume) -> str:
    return "SNAPSHOT_" + volume.id.replace("-", "_").upper()


def _snapshots_settled(world: Dossier, step: Step) -> Proof:
    good = {snapshot.volume_id for snapshot in world.snapshots or () if snapshot.state != "error"}
    failed = [snapshot.id for snapshot in world.snapshots or () if snapshot.volume_id not in good]
    if failed:
        return "failed", f"in error: {', '.join(failed)}"
    state, said = by_effects(world, step)
    if state == "proved" and world.snapshots:
        progress = ", ".join(
            f"{snapshot.id} {snapshot.state} {snapshot.progress}".strip() for snapshot in world.snapshots
        )
        return "proved", progress
    return state, said


def _plan_memory(world: Dossier, draft: Draft) -> Step:
    identifier = world.instance.id
    draft.notes += [
        "memory cannot be taken once the machine is stopped; decide before the last step",
        f"collect it from inside, with a collector of yours (AVML on Linux, WinPmem on Windows), for instance by Session Manager on {identifier}",
        "write the image to a bucket that the compromised role cannot reach, and note its SHA-256 here (n)",
        "once isolated, Session Manager no longer reaches it: then only a serial console or a memory snapshot of the hypervisor's owner is left",
    ]
    return draft.step(Kind.MANUAL)


def _plan_terminate(world: Dossier, draft: Draft) -> Step:
    instance = world.instance
    stop = draft.choices["how"] == "stop"
    waived = draft.choices["evidence"] == "waived"
    requires = () if waived else ("preserve", "snapshots")
    draft.block_unknown(world.unknown, Facet.ATTRIBUTES, Facet.SCALING, Facet.SPOT)
    if world.scaling is not None and not instance.gone and not leaving(world.scaling):
        draft.block(
            f"it is still in the Auto Scaling group {world.scaling.group}, which would start another from the same image",
            "run the step that takes it out of service first",
        )
    if stop:
        _stop(world, draft)
        return draft.step(Kind.CHANGE, reversible=True, requires=requires)
    _terminate(world, draft, waived)
    return draft.step(Kind.CHANGE, reversible=False, requires=requires)


def _stop(world: Dossier, draft: Draft) -> None:
    identifier = world.instance.id
    protected = bool(world.attributes and world.attributes.stop_protection)
    _lift(draft, identifier, "lift-stop-protection", "DisableApiStop", protected, "stop protection off")
    draft.want(
        "stop", "StopInstances", {"InstanceIds": [identifier]},
        so_already=world.instance.state in ("stopping", "stopped"), why="stop it; disks stay, memory and instance store go",
    )  # fmt: skip
    draft.take_back(
        "undo-stop", "StartInstances", {"InstanceIds": [identifier]}, undoes=("stop",), why="start it again"
    )
    draft.changes.append(f"{identifier} stops; memory and instance store are lost, disks stay")
    draft.prove("its state reads stopped", "DescribeInstances", _describe(world))


def _lift(draft: Draft, identifier: str, call_id: str, attribute: str, protected: bool, why: str) -> None:
    draft.want(
        call_id, "ModifyInstanceAttribute", {"InstanceId": identifier, attribute: {"Value": False}},
        so_already=not protected, why=why,
    )  # fmt: skip
    if draft.choices.get("how") == "stop":
        draft.take_back(
            f"undo-{call_id}", "ModifyInstanceAttribute", {"InstanceId": identifier, attribute: {"Value": True}},
            undoes=(call_id,), why=f"{why.removesuffix(' off')} on again",
        )  # fmt: skip


def _terminate(world: Dossier, draft: Draft, waived: bool) -> None:
    instance = world.instance
    doomed = [volume.id for volume in instance.volumes if volume.delete_on_termination]
    if doomed and not waived and not instance.gone:
        draft.block(
            f"{', '.join(doomed)} would be deleted with it",
            "run the step that holds it still first, or choose evidence: waived",
        )
    attributes = world.attributes or Attributes(False, False, "")
    _lift(
        draft,
        instance.id,
        "lift-termination-protection",
        "DisableApiTermination",
        attributes.termination_protection,
        "termination protection off",
    )
    _lift(
        draft,
        instance.id,
        "lift-stop-protection",
        "DisableApiStop",
        attributes.stop_protection,
        "stop protection off",
    )
    if world.spot and world.spot.type == "persistent":
        draft.want(
            "cancel-spot", "CancelSpotInstanceRequests", {"SpotInstanceRequestIds": [world.spot.id]},
            so_already=world.spot.state in ("cancelled", "closed"), why=f"cancel {world.spot.id}, which would start it again",
        )  # fmt: skip
    for key in _FLEET_TAGS:
        if instance.tags.get(key):
            draft.hits(f"the fleet {instance.tags[key]} will start another one: lower its target capacity first")
    draft.want(
        "terminate",
        "TerminateInstances",
        {"InstanceIds": [instance.id]},
        so_already=instance.gone,
        why=f"terminate {instance.id}",
    )
    draft.changes.append(
        f"{instance.id} is gone for good; its disks stay, detached"
        if not doomed
        else f"{instance.id} and {len(doomed)} disks are gone for good"
    )
    draft.notes.append(
        "endpoints, users and keys that its role made are not removed by this playbook: look at the events again"
    )
    draft.notes.append("stopping instead keeps the machine for later study: choose how: stop")
    draft.hits("nobody else, once it is out of service" if world.scaling is None else "the group starts another one")
    draft.prove("its state reads terminated", "DescribeInstances", _describe(world))


def _terminate_settled(world: Dossier, step: Step) -> Proof:
    state = world.instance.state
    wanted = "stopped" if step.choices.get("how") == "stop" else "terminated"
    if state == wanted:
        return "proved", f"{world.instance.id} is {state}"
    return "not yet", f"{world.instance.id} is {state}"


IDENTIFY: Final = Action(
    frozenset({Facet.FINDINGS}),
    _plan_identify,
    unchanged,
    read_back,
    may=(
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeVolumes",
        "ec2:DescribeIamInstanceProfileAssociations",
        "ec2:DescribeAddresses",
        "autoscaling:DescribeAutoScalingInstances",
        "cloudtrail:LookupEvents",
        "guardduty:GetFindings",
        "ec2:DescribeFlowLogs",
    ),
)
PRESERVE: Final = Action(
    frozenset({Facet.INTERFACES, Facet.ROLE}),
    _plan_preserve,
    unchanged,
    read_back,
    may=(
        "ec2:GetConsoleOutput",
        "ec2:GetConsoleScreenshot",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeNetworkAcls",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:GetPolicyVersion",
    ),
)
HOLD: Final = Action(
    frozenset({Facet.ATTRIBUTES}),
    _plan_hold,
    _expect_hold,
    by_effects,
    leave=unless_gone,
    may=("ec2:ModifyInstanceAttribute",),
)
SNAPSHOTS: Final = Action(
    frozenset({Facet.SNAPSHOTS, Facet.VOLUMES}), _plan_snapshots, unchanged, _snapshots_settled,
    (
        Choice(
            "lock_days", "Lock the snapshots against deletion for how many days (0: no lock)",
            (("0", "no lock"), ("7", "7 days"), ("30", "30 days")), free=True, check=_wrong_days,
        ),
        Choice(
            "share_with", "Share them with which account (nothing: none)", (("", "nobody"),), free=True, check=_wrong_account,
        ),
    ),
    may=("ec2:CreateSnapshots", "ec2:LockSnapshot", "ec2:ModifySnapshotAttribute",),
)  # fmt: skip
MEMORY: Final = Action(frozenset(), _plan_memory, unchanged, read_back)
TERMINATE: Final = Action(
    frozenset({Facet.ATTRIBUTES, Facet.SCALING, Facet.SPOT}), _plan_terminate, unchanged, _terminate_settled,
    (
        Choice("how", "Terminate it, or only stop it", (("terminate", "terminate"), ("stop", "stop only"))),
        Choice("evidence", "Must evidence and snapshots come first", (("required", "yes"), ("waived", "no, go on without"))),
    ),
    leave=unless_gone,
    may=("ec2:ModifyInstanceAttribute", "ec2:CancelSpotInstanceRequests", "ec2:TerminateInstances", "ec2:StopInstances", "ec2:StartInstances",),
)  # fmt: skip
