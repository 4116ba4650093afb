"""Snapshots of every volume as one set; locked and shared where wanted.

(AWS: "Create multi-volume Amazon EBS snapshots", "Amazon EBS snapshot lock".)
"""

import re
from collections.abc import Mapping
from typing import Final

from vpce_tui.incident.states import VerificationState
from vpce_tui.inventory.resources import Volume
from vpce_tui.plans.actions import Action, Choice, ReadBack, by_effects, unchanged
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState

_ACCOUNT: Final = re.compile(r"[0-9]{12}")


def _plan_snapshots(state: InstanceState, draft: Draft) -> Step:
    instance = state.instance
    draft.block_unknown(state.unknown, InstanceAspect.SNAPSHOTS, InstanceAspect.VOLUMES)
    volumes = instance.volumes
    if not volumes:
        draft.note("no EBS volume is attached: there is nothing to snapshot")
        return draft.step(StepKind.CHANGE, reversible=False)
    made = {snapshot.volume_id: snapshot for snapshot in state.snapshots or () if snapshot.state != "error"}
    draft.ensure(
        "snapshots",
        "CreateSnapshots",
        {
            "InstanceSpecification": {"InstanceId": instance.id, "ExcludeBootVolume": False},
            "Description": f"evidence of {instance.id}",
            "TagSpecifications": draft.tags("snapshot", "snapshots", instance.id, f"evidence-{instance.id}"),
        },
        so_already=all(volume.id in made for volume in volumes),
        why=f"snapshot {len(volumes)} {'volume' if len(volumes) == 1 else 'volumes'} as one set",
        gives={_name(volume): f"Snapshots[?VolumeId=='{volume.id}'].SnapshotId | [0]" for volume in volumes},
    )
    for volume in volumes:
        if volume.id in made:
            draft.bindings[_name(volume)] = made[volume.id].id
    _lock_and_share(state, draft, made)
    known = {volume.id: volume for volume in state.volumes or ()}
    for volume in volumes:
        ebs_volume = known.get(volume.id, volume)
        encryption = (
            "encrypted with " + (ebs_volume.kms_key.rpartition("/")[2] or "a key")
            if ebs_volume.encrypted
            else "not encrypted"
        )
        draft.changes.append(f"new snapshot of {volume.id} ({volume.device}, {ebs_volume.size_gib} GiB, {encryption})")
        if ebs_volume.encrypted:
            draft.note(
                f"the snapshot of {volume.id} stays readable only while its KMS key exists: {ebs_volume.kms_key}"
            )
        if ebs_volume.key_unread:
            draft.note(f"the owner of key {ebs_volume.kms_key} could not be read: {ebs_volume.key_unread}")
    draft.note("a snapshot has the data of the time of the call; the instance can be terminated while it is pending")
    draft.add_impact("nobody: the volumes stay in use")
    wanted = [{"Name": "tag:vpce-tui:target", "Values": [instance.id]}]
    draft.prove(
        "a snapshot of every volume exists, none in error",
        "DescribeSnapshots",
        {"OwnerIds": ["self"], "Filters": wanted},
    )
    return draft.step(StepKind.CHANGE, reversible=False)


def _wrong_days(text: str) -> str:
    good = re.fullmatch("0|[1-9][0-9]{0,4}", text) is not None and int(text) <= 36500
    return "" if good else f"{text!r} is not a number of days from 1 to 36500, or 0 for no lock"


def _wrong_account(text: str) -> str:
    return "" if _ACCOUNT.fullmatch(text) else f"{text!r} is not a 12-digit account id"


def _lock_and_share(state: InstanceState, draft: Draft, made: Mapping[str, object]) -> None:
    days, account = draft.choices["lock_days"], draft.choices["share_with"]
    snapshots = {snapshot.volume_id: snapshot for snapshot in state.snapshots or ()}
    for volume in state.instance.volumes:
        snapshot = snapshots.get(volume.id)
        if days != "0":
            draft.changes.append(
                f"the snapshot of {volume.id} is locked for {days} days: governance mode: only principals with ec2:UnlockSnapshot can unlock and delete it"
            )
            draft.ensure(
                f"lock-{volume.id}",
                "LockSnapshot",
                {"SnapshotId": ref(_name(volume)), "LockMode": "governance", "LockDuration": int(days)},
                so_already=bool(snapshot and snapshot.locked),
                why=f"lock it for {days} days in governance mode",
            )
        if account:
            encrypted = next((v for v in state.volumes or () if v.id == volume.id), volume)
            if encrypted.key_unread:
                draft.block(
                    f"whether {volume.id} is encrypted with the AWS managed key, which cannot be shared, could not be read: {encrypted.key_unread}",
                    "grant read access, then plan again; or do not share",
                )
            if encrypted.key_manager == "AWS":
                draft.block(
                    f"{volume.id} is encrypted with the AWS managed key; its snapshot cannot be shared",
                    "copy the snapshot with a customer managed key manually first, or do not share",
                )
            draft.changes.append(f"the snapshot of {volume.id} is shared with account {account}")
            draft.ensure(
                f"share-{volume.id}",
                "ModifySnapshotAttribute",
                {
                    "SnapshotId": ref(_name(volume)),
                    "Attribute": "createVolumePermission",
                    "OperationType": "add",
                    "UserIds": [account],
                },
                so_already=bool(snapshot and account in snapshot.shared_with),
                why=f"account {account} may copy it",
            )


def _name(volume: Volume) -> str:
    return "SNAPSHOT_" + volume.id.replace("-", "_").upper()


def _snapshots_settled(state: InstanceState, step: Step) -> ReadBack:
    good = {snapshot.volume_id for snapshot in state.snapshots or () if snapshot.state != "error"}
    failed = [snapshot.id for snapshot in state.snapshots or () if snapshot.volume_id not in good]
    if failed:
        return VerificationState.FAILED, f"in error: {', '.join(failed)}"
    proof, said = by_effects(state, step)
    if proof == VerificationState.VERIFIED and state.snapshots:
        progress = ", ".join(
            f"{snapshot.id} {snapshot.state} {snapshot.progress}".strip() for snapshot in state.snapshots
        )
        return VerificationState.VERIFIED, progress
    return proof, said


SNAPSHOTS: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.SNAPSHOTS, InstanceAspect.VOLUMES}),
    plan=_plan_snapshots,
    expect=unchanged,
    verify=_snapshots_settled,
    choices=(
        Choice(
            "lock_days",
            "Lock the snapshots against deletion for how many days (0: no lock)",
            (("0", "no lock"), ("7", "7 days"), ("30", "30 days")),
            free=True,
            check=_wrong_days,
        ),
        Choice(
            "share_with",
            "Share them with which account (empty: none)",
            (("", "nobody"),),
            free=True,
            check=_wrong_account,
        ),
    ),
    may=(
        "ec2:CreateSnapshots",
        "ec2:LockSnapshot",
        "ec2:ModifySnapshotAttribute",
    ),
)
