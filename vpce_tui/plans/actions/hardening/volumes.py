"""Volumes that exist get an encrypted one in their place, instance by instance.

A volume is moved with its instance stopped before the snapshot is taken, so that nothing that is written meanwhile is lost; the
order of the steps in many guides (snapshot first, stop later) loses it. (AWS: "Amazon EBS encryption", "Replace a root volume".)
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from vpce_tui.blocks.model import ColumnKind, column
from vpce_tui.core.json_values import string
from vpce_tui.core.text import many
from vpce_tui.inventory.resources import Instance
from vpce_tui.plans.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.hardening.copy_snapshot import plan_copy, plan_mark
from vpce_tui.plans.actions.hardening.overview import gaps, read_options_in_scope
from vpce_tui.plans.actions.hardening.replace_volume import is_swapped, plan_swap
from vpce_tui.plans.actions.hardening.volume_encryption import STOPPED, home_of, wait_for
from vpce_tui.plans.plan import Option, PlannedCall, Step, StepKind, Until
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.account import AccountAspect, AccountState
from vpce_tui.plans.targets.ebs_volumes import REPLACED, EbsVolumes, UnencryptedVolume
from vpce_tui.plans.targets.replacement import CHECKS, UP

_KEY: Final = re.compile(
    r"[0-9a-f-]{36}|mrk-[0-9a-f]{32}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(?:key|alias)/[A-Za-z0-9_/-]+|alias/[A-Za-z0-9_/-]+"
)


def _look(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    return {**read_options_in_scope(choices, others), "key": choices.get("key", "")}


def _instances(step: Step) -> Mapping[str, object]:
    """The instances that the step stops: they are looked at, also while nothing of theirs is attached."""
    return {
        "instances": tuple(
            string(call.parameters, "InstanceIds", 0)
            for call in (*step.calls, *step.already)
            if call.id.startswith("stop-")
        )
    }


def _listed(state: AccountState) -> list[UnencryptedVolume]:
    """Those that could be moved: not what an encrypted one has taken the place of already."""
    return [volume for volume in (state.volumes or EbsVolumes()).volumes if REPLACED not in volume.tags]


_COLUMNS: Final = (
    column("REGION"),
    column("VOLUME"),
    column("GIB", ColumnKind.COUNT),
    column("TYPE"),
    column("INSTANCE"),
    column("DEVICE"),
    column("STATE"),
)


def _options(state: AccountState) -> Options:
    return tuple(_option(state, volume) for volume in _listed(state))


def _option(state: AccountState, volume: UnencryptedVolume) -> Option:
    ebs = state.volumes or EbsVolumes()
    instance = ebs.instances.get(volume.instance)
    where = "not attached"
    if volume.instance:
        name = f" {instance.name}" if instance and instance.name else ""
        root = ", its root" if instance and instance.root_device == volume.device else ""
        where = f"{volume.device} of {volume.instance}{name}{root}"
    return Option(
        value=volume.key,
        label=f"{volume.size_gib} GiB {volume.type}, {where}",
        cells=(
            volume.region,
            volume.id,
            volume.size_gib,
            volume.type,
            f"{volume.instance} {instance.name if instance else ''}".strip(),
            volume.device,
            volume.state,
        ),
    )


def _plan(state: AccountState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, AccountAspect.VOLUMES)
    ebs = state.volumes or EbsVolumes()
    known = {volume.key: volume for volume in ebs.volumes}
    chosen: list[UnencryptedVolume] = []
    for key in parts(draft.choices["volumes"]):
        if key in known:
            chosen.append(known[key])
        else:
            draft.block(
                f"the volume {key} does not exist any more, or is already encrypted",
                "choose again in its prompts, or --set volumes.volumes=…",
            )
    by_instance: dict[str, list[UnencryptedVolume]] = {}
    for volume in chosen:
        by_instance.setdefault(home_of(volume, draft)[0] or volume.id, []).append(volume)
    for name, volumes in by_instance.items():
        instance = ebs.instances.get(name)
        if not name.startswith("i-"):
            for volume in volumes:
                plan_copy(ebs, volume, draft)
                plan_mark(ebs, volume, draft)
        elif instance is None:
            draft.block(f"{name} is gone", "choose again in its prompts")
        elif _may_stop(ebs, instance, volumes, draft):
            _moved(ebs, instance, volumes, draft)
    if not chosen:
        draft.note(f"{many(len(_listed(state)), 'volume is', 'volumes are')} not encrypted; none is chosen")
    else:
        _said(by_instance, ebs, draft)
    kept = [volume for volume in ebs.volumes if REPLACED in volume.tags]
    draft.note(
        *(f"kept: {volume.id}, replaced by {volume.tags[REPLACED]}; delete it once you are sure" for volume in kept)
    )
    gaps(state, draft, "volumes")
    draft.prove(
        "each encrypted volume is attached where the old one was, and the instance runs with both status checks ok"
    )
    return draft.step(StepKind.CHANGE)


def _may_stop(ebs: EbsVolumes, instance: Instance, volumes: Iterable[UnencryptedVolume], draft: Draft) -> bool:
    """Blocks what a stop would break."""
    before = len(draft.blocked)
    ours = draft.remembered is not None
    if instance.gone:
        draft.block(f"{instance.id} is {instance.state}", "nothing; it is gone")
    if instance.lifecycle == "spot":
        draft.block(
            f"{instance.id} is a Spot Instance; vpce-tui does not stop it",
            "launch an encrypted one in its place: relaunch-instance",
        )
    if instance.id in ebs.groups and not ours:
        draft.block(
            f"{instance.id} is in the Auto Scaling group {ebs.groups[instance.id]}, which would replace it once it is stopped",
            "put it into standby first (Auto Scaling Groups › Instance management › Set to Standby), or launch an encrypted one: relaunch-instance",
        )
    if any(volume.multi_attach for volume in volumes):
        draft.block(
            f"a volume of {instance.id} is attached to several instances",
            "replace it manually, with all of them stopped",
        )
    region = next(iter(volumes)).region
    key = ebs.keys.get(region)
    if key is not None and key.unusable:
        draft.block(
            f"the key {key.id} cannot be used: {key.unusable}",
            "name another in its prompts, or --set volumes.key=…, or enable it in KMS",
        )
    return len(draft.blocked) == before


def _moved(ebs: EbsVolumes, instance: Instance, volumes: list[UnencryptedVolume], draft: Draft) -> None:
    """Every chosen volume of one instance: stop, copy, swap, start."""
    _outdated(ebs, instance, volumes, draft)
    region = volumes[0].region
    one: dict[str, object] = {"InstanceIds": [instance.id]}
    at: Place = {"service": "ec2", "region": region}
    draft.part = instance.id
    swapped = all(is_swapped(ebs, volume, instance) for volume in volumes)
    recalled = draft.recall(f"stop-{instance.id}") is not None
    stops = recalled or instance.state in ("running", "pending")
    down = instance.state == "stopped"
    if stops:
        draft.ensure(
            f"stop-{instance.id}",
            "StopInstances",
            one,
            so_already=swapped or instance.state in ("stopped", "stopping"),
            why=f"stop {instance.id}",
            **at,
        )
        draft.add_inverse(
            f"undo-stop-{instance.id}",
            "StartInstances",
            one,
            undoes=(f"stop-{instance.id}",),
            why=f"start {instance.id}",
            **at,
        )
    wait_for(
        draft,
        f"stop-{instance.id}-done",
        "DescribeInstances",
        one,
        STOPPED,
        done=swapped or down,
        why=f"wait until {instance.id} is stopped",
        region=region,
    )
    for volume in volumes:
        plan_copy(ebs, volume, draft)
    for volume in volumes:
        plan_swap(ebs, volume, instance, draft)
    if stops:
        up = swapped and ebs.up.get(instance.id, "") == UP
        started = swapped and instance.state in ("running", "pending")
        draft.ensure(
            f"start-{instance.id}", "StartInstances", one, so_already=started, why=f"start {instance.id}", **at
        )
        checked = {**one, "IncludeAllInstances": True}
        wait_for(
            draft,
            f"start-{instance.id}-done",
            "DescribeInstanceStatus",
            checked,
            Until(CHECKS, (UP,), ("terminated/not-applicable/not-applicable",)),
            done=up,
            why=f"wait until {instance.id} runs and both status checks pass",
            region=region,
        )
        stopped = PlannedCall(
            id=f"undo-start-{instance.id}-done",
            service="ec2",
            operation="DescribeInstances",
            region=region,
            parameters=one,
            why=f"wait until {instance.id} is stopped",
            gives={},
            undoes=_later(volumes),
            until=STOPPED,
            part=draft.part,
        )
        draft.undo.insert(0, stopped)
        draft.add_inverse(
            f"undo-start-{instance.id}",
            "StopInstances",
            one,
            undoes=(f"start-{instance.id}",),
            why=f"stop {instance.id}",
            **at,
        )
    draft.part = ""


def _outdated(ebs: EbsVolumes, instance: Instance, volumes: list[UnencryptedVolume], draft: Draft) -> None:
    """Blocks a swap that would put old data in: the instance ran, and wrote, after its volume was copied."""
    for volume in volumes:
        snapshot, new = ebs.snapshots.get(f"snapshot-{volume.id}"), ebs.own_volumes.get(f"volume-{volume.id}")
        in_place = new is not None and new.instance == instance.id
        if in_place or snapshot is None or snapshot.started is None or instance.launched is None:
            continue
        if instance.launched >= snapshot.started.replace(microsecond=0):
            draft.block(
                f"{instance.id} was started after {volume.id} was copied: the copy lacks what it wrote since",
                "undo this step, which removes the copy, and run it again",
            )


def _leave(state: AccountState, call: PlannedCall, _: bool, __: bool) -> str:
    """Why an inverse is not made: the volume of before is in use elsewhere; see :attr:`Action.why_not_undone`."""
    ebs = state.volumes or EbsVolumes()
    new = {volume.id for volume in ebs.own_volumes.values() if volume.instance == call.part}
    for old in ebs.volumes:
        if old.instance not in ("", call.part) and old.tags.get(REPLACED) in new:
            return f"{old.id}, the earlier volume, is attached to {old.instance}: detach it there, and undo again"
    return ""


def _later(volumes: list[UnencryptedVolume]) -> tuple[str, ...]:
    """The calls whose undoing needs a stopped instance."""
    return tuple(f"attach-{volume.id}" for volume in volumes)


def _said(by_instance: Mapping[str, list[UnencryptedVolume]], ebs: EbsVolumes, draft: Draft) -> None:
    for name, volumes in by_instance.items():
        instance = ebs.instances.get(name)
        for volume in volumes:
            where = f"{home_of(volume, draft)[1]} of {name}" if name.startswith("i-") else "not attached"
            draft.changes.append(
                f"{volume.id}  {volume.size_gib} GiB {volume.type}, {where}  →  a new encrypted one; the old one is kept"
            )
        if instance is not None:
            draft.changes.append(f"{name} {instance.name} stops before its volumes are copied, and starts after")
            draft.add_impact(
                f"{name} {instance.name} is down while its volumes are copied: usually some minutes for each 100 GiB",
                (name,),
            )
            if instance.public_ip:
                draft.add_impact(
                    f"{name} gets another public address when it starts, unless {instance.public_ip} is an Elastic IP"
                )
    sizes = sum(volume.size_gib for volumes in by_instance.values() for volume in volumes)
    draft.note(
        f"{many(sum(map(len, by_instance.values())), 'volume')}, {sizes:,} GiB in all, instance by instance; Escape stops after the current instance",
        "instance store data is lost when an instance stops",
        "undo puts the old volumes back as they were at the swap, and keeps the encrypted ones, tagged: only those contain data written since the swap",
    )


ACCOUNT_VOLUMES: Final[Action[AccountState]] = Action(
    aspects=frozenset({AccountAspect.VOLUMES}),
    plan=_plan,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="volumes",
            question="Which volumes are replaced by encrypted ones",
            options=_options,
            many=True,
            columns=_COLUMNS,
        ),
        Choice(
            "key",
            "Which KMS key encrypts them (empty: the region's default key for EBS encryption)",
            (("", "the region's key for EBS"),),
            free=True,
            check=lambda text: (
                "" if not text or _KEY.fullmatch(text) else f"{text!r} is not an id, ARN or alias of a KMS key"
            ),
        ),
    ),
    remember=_instances,
    read_options=_look,
    why_not_undone=_leave,
    may=(
        "ec2:StopInstances",
        "ec2:StartInstances",
        "ec2:CreateSnapshot",
        "ec2:CopySnapshot",
        "ec2:DeleteSnapshot",
        "ec2:CreateVolume",
        "ec2:DeleteVolume",
        "ec2:DetachVolume",
        "ec2:AttachVolume",
        "ec2:ModifyInstanceAttribute",
        "ec2:CreateTags",
        "ec2:DeleteTags",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeVolumes",
        "ec2:DescribeSnapshots",
    ),
    taken_back_by=(
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:DeleteSnapshot",
        "ec2:DeleteVolume",
        "ec2:AttachVolume",
        "ec2:DetachVolume",
        "ec2:ModifyInstanceAttribute",
        "ec2:CreateTags",
        "ec2:DeleteTags",
    ),
)
