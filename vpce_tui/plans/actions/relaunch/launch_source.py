"""What the Auto Scaling group of the old instance starts from now on: a new version of its launch template, or a template in place of its configuration."""

from collections.abc import Mapping
from typing import Final

from vpce_tui.core.text import many
from vpce_tui.plans.actions.relaunch.launch import USER_DATA, chosen_image, sha256_of
from vpce_tui.plans.actions.relaunch.new_security_group import GROUP, LAUNCH_STEP, PROFILE, PROFILE_STEP, PURPOSE
from vpce_tui.plans.placeholders import INCIDENT, TOKEN, ref, sealed, text
from vpce_tui.plans.step_builder import Draft, short_id
from vpce_tui.plans.targets.instance_state import InstanceState
from vpce_tui.plans.targets.launch import Settings
from vpce_tui.plans.targets.load_balancing import CONFIGURATION, MIXED, TEMPLATE, LaunchSource, version_mark

VERSION: Final = "TEMPLATE_VERSION"


TEMPLATE_ID: Final = "TEMPLATE_ID"


def group_and_profile(state: InstanceState, draft: Draft) -> None:
    own = state.groups.own.get(PURPOSE) if state.groups else None
    if own is not None:
        draft.bindings[GROUP] = own.id
    if state.groups is not None:
        draft.stand_ins[GROUP] = next(iter(state.groups.all), "")
    if state.new_role is not None and state.new_role.profile_arn:
        draft.bindings[PROFILE] = state.new_role.profile_arn
    draft.stand_ins[PROFILE] = "arn:aws:iam::123456789012:instance-profile/stand-in"
    draft.stand_ins[USER_DATA] = "IyEvYmluL3No"


def recalled(draft: Draft) -> None:
    """What exists because this step created it, where the live state no longer shows what it was created from."""
    assert draft.remembered is not None
    for call in draft.remembered.undo:
        if call.id not in {known.id for known in draft.undo}:
            draft.undo.append(call)


def _template_data(state: InstanceState, settings: Settings | None, draft: Draft) -> dict[str, object]:
    """What a clean instance is started with: as the replacement."""
    launch = draft.others.get(LAUNCH_STEP, {})
    image = state.images.by_id(chosen_image(state, draft.others)) if state.images else None
    key = {"KmsKeyId": launch["key"]} if launch.get("key") else {}
    data: dict[str, object] = {
        "ImageId": chosen_image(state, draft.others),
        "InstanceType": launch.get("type") or state.instance.type,
        "SecurityGroupIds": [ref(GROUP)],
        "Monitoring": {"Enabled": True},
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    }
    if image is not None and image.root_device:
        ebs = {"Encrypted": True, "VolumeType": "gp3", "DeleteOnTermination": True, **key}
        data["BlockDeviceMappings"] = [{"DeviceName": image.root_device, "Ebs": ebs}]
    if settings is not None and settings.ebs_optimized:
        data["EbsOptimized"] = True
    if draft.others.get(PROFILE_STEP, {}).get("profile") == "new":
        data["IamInstanceProfile"] = {"Arn": ref(PROFILE)}
    if launch.get("key_pair"):
        data["KeyName"] = launch["key_pair"]
    if launch.get("user_data") == "copy":
        data["UserData"] = sealed(ref(USER_DATA), sha256=sha256_of(settings.user_data if settings else b""))
    return data


def plan_launch_source(state: InstanceState, starter: LaunchSource, draft: Draft) -> None:
    if draft.choices["group_starts"] == "old":
        draft.note(f"{starter.group} keeps launching from {starter.image or 'its present AMIs'}: not chosen")
        return
    if starter.kind in (MIXED, ""):
        draft.note(
            f"{starter.group} has a mixed instances policy: its templates are changed manually (Auto Scaling Groups › {starter.group} › Edit)"
        )
        return
    recalled = draft.recall("starts")
    made_before = recalled is not None
    data = _template_data(state, state.settings, draft)
    if draft.others.get(LAUNCH_STEP, {}).get("user_data") == "copy":
        one = {"InstanceId": state.instance.id, "Attribute": "userData"}
        there = bool(starter.own_template or starter.own_version)
        draft.ensure(
            "user-data",
            "DescribeInstanceAttribute",
            one,
            so_already=there,
            why="read its user data",
            gives={USER_DATA: "UserData.Value"},
        )
    if starter.kind == CONFIGURATION or (made_before and draft.recall("template") is not None):
        wanted = _new_template(state, starter, data, draft)
    else:
        wanted = _new_version(starter, data, draft)
    group = {"AutoScalingGroupName": starter.group}
    own = starter.own_template or starter.id
    now = (starter.own_template and starter.id == starter.own_template) or (
        starter.own_version and starter.version == starter.own_version
    )
    draft.ensure(
        "starts",
        "UpdateAutoScalingGroup",
        {**group, "LaunchTemplate": wanted},
        so_already=bool(now),
        why=f"{starter.group} launches from the clean AMI from now on",
        service="autoscaling",
    )
    before: dict[str, object] = {"LaunchConfigurationName": starter.name}
    if starter.kind == TEMPLATE:
        before = {"LaunchTemplate": {"LaunchTemplateId": own, "Version": starter.version}}
    inverse = (
        next((call for call in draft.remembered.undo if call.id == "undo-starts"), None) if draft.remembered else None
    )
    draft.add_inverse(
        "undo-starts",
        "UpdateAutoScalingGroup",
        inverse.parameters if inverse else {**group, **before},
        undoes=("starts",),
        why=f"{starter.group} launches from its earlier launch template or configuration",
        service="autoscaling",
    )
    draft.changes.append(
        f"{starter.group} launches from {data['ImageId']} in place of {starter.image or 'its earlier AMIs'}"
    )
    others = tuple(member for member in starter.members if member != state.instance.id)
    draft.add_impact(f"instances that {starter.group} launches from now on; running ones are not changed", others)
    if others:
        draft.note(
            f"{starter.group}: {many(len(others), 'other instance runs', 'other instances run')} the old AMI; an instance refresh replaces them (Auto Scaling Groups › Instance refresh)"
        )


def _new_template(
    state: InstanceState, starter: LaunchSource, data: Mapping[str, object], draft: Draft
) -> dict[str, object]:
    """For a group with a launch configuration, which AWS lets nobody make any more."""
    name = f"vpce-tui-{starter.group}-{short_id(state.instance.id)}"
    draft.ensure(
        "template",
        "CreateLaunchTemplate",
        {
            "LaunchTemplateName": name,
            "LaunchTemplateData": data,
            "ClientToken": ref(TOKEN),
            "TagSpecifications": draft.tags("launch-template", "template", state.instance.id, name),
        },
        so_already=bool(starter.own_template),
        why=f"new launch template {name}",
        gives={TEMPLATE_ID: "LaunchTemplate.LaunchTemplateId"},
    )
    draft.add_inverse(
        "undo-template",
        "DeleteLaunchTemplate",
        {"LaunchTemplateId": ref(TEMPLATE_ID)},
        undoes=("template",),
        why=f"delete {name}",
    )
    if starter.own_template:
        draft.bindings[TEMPLATE_ID] = starter.own_template
    draft.changes.append(f"new launch template {name}, in place of the launch configuration")
    return {"LaunchTemplateId": ref(TEMPLATE_ID), "Version": "1"}


def _new_version(starter: LaunchSource, data: Mapping[str, object], draft: Draft) -> dict[str, object]:
    recalled = draft.recall("version")
    parameters: Mapping[str, object] = {
        "LaunchTemplateId": starter.id,
        "LaunchTemplateData": data,
        "ClientToken": ref(TOKEN),
        "VersionDescription": text(version_mark(""), ref(INCIDENT)),
    }
    if recalled is not None and starter.own_version:
        parameters = recalled.parameters
    draft.ensure(
        "version",
        "CreateLaunchTemplateVersion",
        parameters,
        so_already=bool(starter.own_version),
        why=f"new version of {starter.name}",
        gives={VERSION: "LaunchTemplateVersion.VersionNumber"},
    )
    draft.add_inverse(
        "undo-version",
        "DeleteLaunchTemplateVersions",
        {"LaunchTemplateId": starter.id, "Versions": [ref(VERSION)]},
        undoes=("version",),
        why=f"delete that version of {starter.name}",
    )
    if starter.own_version:
        draft.bindings[VERSION] = starter.own_version
    draft.stand_ins[VERSION] = "1"
    draft.changes.append(
        f"new version of launch template {starter.name}, with the settings shown here and nothing of version {starter.version}: no role, user data, key or tag of it"
    )
    return {"LaunchTemplateId": starter.id, "Version": ref(VERSION)}
