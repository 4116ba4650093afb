"""Start the replacement: hardened, once, and wait until both status checks pass.

(AWS: "Ensuring idempotency in Amazon EC2 API requests", "Use IMDSv2", "Status checks for your instances".)
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.core.json_values import sequence
from vpce_tui.incident.states import VerificationState
from vpce_tui.inventory.amis import Ami
from vpce_tui.plans.actions import Action, Answers, Choice, Options, ReadBack, parts, unchanged
from vpce_tui.plans.actions.relaunch.ami import NAME as IMAGE_STEP
from vpce_tui.plans.actions.relaunch.ami import USER_DATA as USER_DATA_STEP
from vpce_tui.plans.actions.relaunch.ami import default_image
from vpce_tui.plans.actions.relaunch.block_devices import block_device_mappings
from vpce_tui.plans.actions.relaunch.new_security_group import GROUP, GROUP_STEP, PROFILE, PROFILE_STEP, PURPOSE
from vpce_tui.plans.placeholders import TOKEN, ref, sealed
from vpce_tui.plans.plan import Step, StepKind, Until
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.launch import KEY, SUBNET, Settings
from vpce_tui.plans.targets.launch_amis import IMAGE
from vpce_tui.plans.targets.replacement import CHECKS, UP

NEW: Final = "NEW_INSTANCE"
USER_DATA: Final = "USER_DATA"
_SUBNET: Final = re.compile(r"subnet-[0-9a-f]{8,17}")
_TYPE: Final = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")
_KEY: Final = re.compile(
    r"[0-9a-f-]{36}|mrk-[0-9a-f]{32}|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(?:key|alias)/[A-Za-z0-9_/-]+|alias/[A-Za-z0-9_/-]+"
)
_NAME: Final = re.compile(r"[\x20-\x7e]{1,255}")


def _look(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    return {
        IMAGE: others.get(IMAGE_STEP, {}).get("ami", ""),
        SUBNET: choices.get("subnet", ""),
        KEY: choices.get("key", ""),
    }


def chosen_image(state: InstanceState, others: Answers) -> str:
    """The AMI that the step before chose, or the default where this playbook has no such step."""
    return others.get(IMAGE_STEP, {}).get("ami", "") or default_image(state)


def _plan(state: InstanceState, draft: Draft) -> Step:
    requires = [GROUP_STEP]
    if draft.others.get(PROFILE_STEP, {}).get("profile") == "new":
        requires.append(PROFILE_STEP)
    if draft.choices["user_data"] == "copy":
        requires.append(USER_DATA_STEP)
    _stand_ins(state, draft)
    settings = state.settings
    new = state.replacement
    if new is None:
        draft.block_unknown(state.unknown, InstanceAspect.IMAGES, InstanceAspect.SETTINGS, InstanceAspect.GROUPS)
    draft.block_unknown(state.unknown, InstanceAspect.REPLACEMENT)
    if draft.recall("launch") is not None and new is not None:
        draft.already += [call for call in (draft.recall("user-data"), draft.recall("launch")) if call is not None]
        draft.undo += [call for call in draft.remembered.undo if "launch" in call.undoes] if draft.remembered else []
    elif not draft.blocked and settings is not None:
        image = state.images.by_id(chosen_image(state, draft.others)) if state.images else None
        if _may_start(state, settings, image, draft):
            assert image is not None
            _launch(state, settings, image, draft)
    if draft.calls or draft.already:
        _protect(new is not None and new.protected, draft)
        _wait(new is not None and new.checks == UP, draft)
    if new is not None:
        draft.bindings[NEW] = new.id
        draft.note_first(f"the new instance is {new.id}, {new.private_ip}: {new.checks}")
    draft.prove(
        "the instance is running, and both status checks pass", "DescribeInstanceStatus", {"InstanceIds": [ref(NEW)]}
    )
    return draft.step(StepKind.CHANGE, requires=tuple(requires))


def _stand_ins(state: InstanceState, draft: Draft) -> None:
    """For dry runs, before these exist."""
    if state.groups is not None:
        own = state.groups.own.get(PURPOSE)
        if own is not None:
            draft.bindings[GROUP] = own.id
        draft.stand_ins[GROUP] = next(iter(state.groups.all), "")
    if state.new_role is not None and state.new_role.profile_arn:
        draft.bindings[PROFILE] = state.new_role.profile_arn
    draft.stand_ins[USER_DATA] = "IyEvYmluL3No"
    draft.stand_ins[NEW] = state.instance.id


def _may_start(state: InstanceState, settings: Settings, image: Ami | None, draft: Draft) -> bool:
    wanted = chosen_image(state, draft.others)
    if not wanted:
        draft.block("no AMI is chosen", "choose one in the step that chooses the AMI, or --set ami.ami=ami-…")
    elif image is None or image.state != "available":
        draft.block(
            f"the AMI {wanted} does not exist any more, or may not be launched any more",
            "choose another in the step that chooses the AMI, or --set ami.ami=ami-…",
        )
    if settings.subnet is None:
        named = draft.choices["subnet"]
        said = (
            f"the subnet {named} does not exist here"
            if named
            else "it is terminated, and AWS no longer returns its subnet"
        )
        draft.block(said, "name one in its prompts, or --set launch.subnet=subnet-…")
    elif settings.subnet.free < 1:
        draft.block(
            f"{settings.subnet.id} has no free address",
            "name another subnet in its prompts, or --set launch.subnet=subnet-…",
        )
    if settings.key.unusable:
        draft.block(
            f"the key {settings.key.id} cannot be used: {settings.key.unusable}",
            "name another in its prompts, or --set launch.key=…, or enable it in KMS",
        )
    if not state.instance.type and not draft.choices["type"]:
        draft.block("its instance type is no longer known", "name one: --set launch.type=m6i.large")
    return not draft.blocked


def _launch(state: InstanceState, settings: Settings, image: Ami, draft: Draft) -> None:
    instance, choices = state.instance, draft.choices
    copy = choices["user_data"] == "copy"
    if copy:
        one = {"InstanceId": instance.id, "Attribute": "userData"}
        draft.ensure(
            "user-data",
            "DescribeInstanceAttribute",
            one,
            so_already=False,
            why="read its user data",
            gives={USER_DATA: "UserData.Value"},
        )
    subnet = settings.subnet
    assert subnet is not None
    kind = choices["type"] or instance.type
    tags = {key: value for key, value in instance.tags.items() if not key.startswith(("aws:", "vpce-tui:"))}
    ours = sequence(
        draft.tags("instance", "launch", instance.id, tags.get("Name") or f"replaces {instance.id}"), 0, "Tags"
    )
    theirs = [{"Key": key, "Value": value} for key, value in sorted(tags.items()) if key != "Name"]
    parameters: dict[str, object] = {
        "ImageId": image.id,
        "InstanceType": kind,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": ref(TOKEN),
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": subnet.id,
                "Groups": [ref(GROUP)],
                "DeleteOnTermination": True,
                "AssociatePublicIpAddress": choices["public"] == "yes",
            }
        ],
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": block_device_mappings(state, settings, image, draft),
        "InstanceInitiatedShutdownBehavior": "stop",
        "Monitoring": {"Enabled": True},
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [*theirs, *ours]},
            {"ResourceType": "volume", "Tags": [*theirs, *ours]},
        ],
    }
    if settings.ebs_optimized:
        parameters["EbsOptimized"] = True
    if settings.tenancy not in ("", "default"):
        parameters["Placement"] = {"Tenancy": settings.tenancy}
    if choices["key_pair"]:
        parameters["KeyName"] = choices["key_pair"]
    if draft.others.get(PROFILE_STEP, {}).get("profile") == "new":
        parameters["IamInstanceProfile"] = {"Arn": ref(PROFILE)}
    if copy:
        parameters["UserData"] = sealed(ref(USER_DATA), decode=True, sha256=sha256_of(settings.user_data))
    draft.ensure(
        "launch",
        "RunInstances",
        parameters,
        so_already=False,
        why=f"launch one {kind} from {image.id} in {subnet.id}",
        gives={NEW: "Instances[0].InstanceId"},
    )
    draft.add_inverse(
        "undo-launch",
        "TerminateInstances",
        {"InstanceIds": [ref(NEW)]},
        undoes=("launch",),
        why="terminate the new instance",
    )
    _said(state, settings, image, kind, draft)


def _said(state: InstanceState, settings: Settings, image: Ami, kind: str, draft: Draft) -> None:
    choices, old = draft.choices, state.instance
    key = choices["key"] or settings.default_key or "the region's key for EBS"
    if settings.default_key_unread and not choices["key"]:
        draft.note(f"the region's default EBS key could not be read: {settings.default_key_unread}")
    profile = "a new one" if draft.others.get(PROFILE_STEP, {}).get("profile") == "new" else "none"
    draft.changes += [
        f"AMI        {old.image_id}  →  {image.id} {image.name}",
        f"type       {old.type or 'unknown'}  →  {kind}",
        f"metadata   {old.http_tokens or 'unknown'}  →  IMDSv2 required, one hop",
        f"group      {', '.join(dict.fromkeys(g for nic in old.interfaces for g in nic.groups)) or 'unknown'}  →  the new one",
        f"profile    {old.profile_arn.rpartition('/')[2] or 'none'}  →  {profile}",
        f"volumes    every one encrypted with {key}",
        f"address    {'a public one, as chosen' if choices['public'] == 'yes' else 'private only'}, in {settings.subnet.id if settings.subnet else ''}",
        f"key pair   {settings.key_name or 'none'}  →  {choices['key_pair'] or 'none'}",
        f"user data  {_copied(settings) if choices['user_data'] == 'copy' else 'none'}",
        "termination protection, detailed monitoring (1 minute), a shutdown from inside stops it",
    ]
    data = [volume for volume in settings.volumes if volume.device != old.root_device]
    brought = parts(choices["volumes"])
    draft.note(
        *(
            f"{volume.volume} ({volume.device}, {volume.size_gib} GiB): "
            + (
                "created new and empty; restore its data from a backup older than the incident"
                if volume.volume in brought
                else "not created"
            )
            for volume in data
        )
    )
    if choices["user_data"] == "none" and settings.user_data:
        draft.note("the old instance had user data that is not copied: set the new instance up in another way")
    if choices["user_data"] == "copy" and not settings.user_data:
        draft.block(
            f"{old.id} is terminated, and its user data is no longer available"
            if state.gone
            else "the old instance has no user data to copy",
            "choose none in its prompts, or --set launch.user_data=none",
        )
    if state.gone:
        draft.note(
            "the old instance is terminated: its volumes, security groups and role are known only as far as AWS still lists them"
        )
    draft.add_impact("nobody; AWS bills one more instance until the old one is terminated")


def _copied(settings: Settings) -> str:
    return f"copied: {len(settings.user_data):,} bytes, sha256 {sha256_of(settings.user_data)[:12]}…, the same as in the step that shows it"


def sha256_of(user_data: bytes) -> str:
    """By which what was reviewed is known again; ``""`` where there is none."""
    return hashlib.sha256(user_data).hexdigest() if user_data else ""


def _protect(protected: bool, draft: Draft) -> None:
    """Its own call, so that undo can take it back before it terminates the instance."""
    one = {"InstanceId": ref(NEW)}
    draft.ensure(
        "protect",
        "ModifyInstanceAttribute",
        {**one, "DisableApiTermination": {"Value": True}},
        so_already=protected,
        why="termination protection on",
    )
    draft.add_inverse(
        "undo-protect",
        "ModifyInstanceAttribute",
        {**one, "DisableApiTermination": {"Value": False}},
        undoes=("protect",),
        why="its termination protection off",
    )


def _wait(up: bool, draft: Draft) -> None:
    asked = {"InstanceIds": [ref(NEW)], "IncludeAllInstances": True}
    bad = tuple(
        f"{state}/not-applicable/not-applicable" for state in ("terminated", "shutting-down", "stopped", "stopping")
    )
    draft.ensure(
        "up",
        "DescribeInstanceStatus",
        asked,
        so_already=up,
        why="wait until both status checks pass",
        until=Until(CHECKS, (UP,), (*bad, "running/ok/impaired", "running/impaired/ok", "running/impaired/impaired")),
    )


def _settled(state: InstanceState, step: Step) -> ReadBack:
    new = state.replacement
    if InstanceAspect.REPLACEMENT in state.unknown:
        return VerificationState.NOT_YET, state.unknown[InstanceAspect.REPLACEMENT]
    if new is None:
        return VerificationState.NOT_YET, step.blocked[0].says if step.blocked else "the new instance does not exist"
    if new.checks == UP and not new.protected:
        return VerificationState.NOT_YET, f"{new.id} is up, and not protected against termination"
    if new.checks == UP:
        return VerificationState.VERIFIED, f"{new.id} runs from {new.image}, both status checks ok"
    return (
        VerificationState.FAILED if "impaired" in new.checks else VerificationState.NOT_YET
    ), f"{new.id}: {new.checks}"


def _volume_options(state: InstanceState) -> Options:
    if state.settings is None:
        return ()
    data = [volume for volume in state.settings.volumes if volume.device != state.instance.root_device]
    return tuple((volume.volume, f"{volume.device}, {volume.size_gib} GiB {volume.type}") for volume in data)


def _key_pair_options(state: InstanceState) -> Options:
    known = state.settings.key_name if state.settings else ""
    return (("", "none: Session Manager"), *(((known, f"{known}, as the old one"),) if known else ()))


def _wrong(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    return lambda text: "" if not text or pattern.fullmatch(text) else f"{text!r} is not a valid {what}"


LAUNCH: Final[Action[InstanceState]] = Action(
    aspects=frozenset(
        {
            InstanceAspect.IMAGES,
            InstanceAspect.SETTINGS,
            InstanceAspect.GROUPS,
            InstanceAspect.NEW_ROLE,
            InstanceAspect.REPLACEMENT,
        }
    ),
    plan=_plan,
    expect=unchanged,
    verify=_settled,
    choices=(
        Choice(
            "subnet",
            "In which subnet (empty: as the old instance)",
            (("", "that of the old one"),),
            free=True,
            check=_wrong(_SUBNET, "id of a subnet"),
        ),
        Choice(
            "type",
            "Instance type (empty: as the old instance)",
            (("", "that of the old one"),),
            free=True,
            check=_wrong(_TYPE, "instance type"),
        ),
        Choice("user_data", "User data", (("none", "none"), ("copy", "copied from the old one, once it was reviewed"))),
        Choice("volumes", "Which data volumes are created new and empty", _volume_options, many=True),
        Choice(
            "key",
            "Which KMS key encrypts its volumes (empty: the region's default key for EBS encryption)",
            (("", "the region's key for EBS"),),
            free=True,
            check=_wrong(_KEY, "id, ARN or alias of a KMS key"),
        ),
        Choice("public", "A public address", (("no", "no"), ("yes", "yes"))),
        Choice(
            "key_pair", "A key pair for SSH", _key_pair_options, free=True, check=_wrong(_NAME, "name of a key pair")
        ),
    ),
    read_options=_look,
    may=(
        "ec2:RunInstances",
        "ec2:TerminateInstances",
        "ec2:ModifyInstanceAttribute",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceAttribute",
    ),
    taken_back_by=("ec2:TerminateInstances", "ec2:ModifyInstanceAttribute"),
)
