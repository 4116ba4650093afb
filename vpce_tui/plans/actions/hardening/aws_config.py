"""AWS Config records in a region: recorder, role, channel, bucket.

(AWS: "Setting up AWS Config with the AWS CLI", "Using service-linked roles for AWS Config".)
"""

import re
from collections.abc import Mapping
from typing import Final

from vpce_tui.plans.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.hardening.log_bucket import full_bucket_stays, partition, plan_bucket, wrong_bucket
from vpce_tui.plans.actions.hardening.overview import gaps, read_options_in_scope
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.account import AccountAspect, AccountState
from vpce_tui.plans.targets.planning_context import iam_region
from vpce_tui.plans.targets.recording import CONFIG_BUCKET, CONFIG_ROLE, ConfigRecorder, own_bucket

_ROLE: Final = "CONFIG_ROLE"


def _look_config(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    return {**read_options_in_scope(choices, others), CONFIG_BUCKET: choices.get("bucket", "")}


def _config_statements(account: str, home: str, bucket: str) -> list[dict[str, object]]:
    service, source = {"Service": "config.amazonaws.com"}, {"AWS:SourceAccount": account}
    root = f"arn:{partition(home)}:s3:::{bucket}"
    return [
        {
            "Sid": "AWSConfigBucketPermissionsCheck",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:GetBucketAcl",
            "Resource": root,
            "Condition": {"StringEquals": source},
        },
        {
            "Sid": "AWSConfigBucketExistenceCheck",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:ListBucket",
            "Resource": root,
            "Condition": {"StringEquals": source},
        },
        {
            "Sid": "AWSConfigBucketDelivery",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"{root}/AWSLogs/{account}/Config/*",
            "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]


def _config_options(state: AccountState) -> Options:
    return tuple(
        (region, _recorder_said(item)) for region, item in (state.config.recorders if state.config else {}).items()
    )


def _recorder_said(item: ConfigRecorder) -> str:
    if not item.name:
        return "no recorder"
    said = "records" if item.recording else "a recorder that is stopped"
    return f"{said}{'' if item.channel else ', no delivery channel'}{'' if item.everything else ', not every resource type'}"


def _plan_config(state: AccountState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, AccountAspect.CONFIG)
    config, chosen = state.config, parts(draft.choices["in"])
    if config is not None and not draft.blocked:
        if chosen:
            _config(state, chosen, draft)
        else:
            off = [region for region, item in config.recorders.items() if not item.recording]
            draft.note(f"AWS Config does not record in {len(off)} of {len(config.recorders)} regions; none is chosen")
    gaps(state, draft, "AWS Config")
    draft.prove("AWS Config records in every chosen region")
    return draft.step(StepKind.CHANGE)


def _config(state: AccountState, chosen: tuple[str, ...], draft: Draft) -> None:
    config = state.config
    assert config is not None
    items = {region: config.recorders.get(region) for region in chosen}
    for region, item in items.items():
        if item is None:
            draft.block(
                f"AWS Config of {region} could not be read", "deselect the region in its prompts, or grant read access"
            )
    if draft.blocked:
        return
    needs_channel = [
        region for region, item in items.items() if item and (not item.channel or draft.recall(f"channel-{region}"))
    ]
    bucket = config.bucket
    if needs_channel:
        if bucket is None:
            draft.block("no bucket is named", "name one in its prompts, or --set config.bucket=…")
            return
        if not plan_bucket(bucket, state.region, _config_statements(state.account, state.region, bucket.name), draft):
            return
    _service_role(state, draft)
    for region, item in items.items():
        assert item is not None
        _record(state, region, item, bucket.name if bucket else "", draft)
    draft.add_impact("nobody: changes are recorded, not blocked; AWS Config bills each recorded change")


def _service_role(state: AccountState, draft: Draft) -> None:
    """The role by which AWS Config reads. AWS gives it its rights, and refuses to delete it while a region uses it."""
    there = bool(state.config and state.config.role)
    if there and draft.recall("service-role") is None:
        return
    iam: Place = {"service": "iam", "region": iam_region(state.region)}
    draft.ensure(
        "service-role",
        "CreateServiceLinkedRole",
        {"AWSServiceName": "config.amazonaws.com"},
        so_already=there,
        why="the service-linked role of AWS Config",
        **iam,
    )
    draft.add_inverse(
        "undo-service-role",
        "DeleteServiceLinkedRole",
        {"RoleName": CONFIG_ROLE},
        undoes=("service-role",),
        why=f"delete the role {CONFIG_ROLE}",
        **iam,
    )


def _record(state: AccountState, region: str, item: ConfigRecorder, bucket: str, draft: Draft) -> None:
    at: Place = {"service": "config", "region": region}
    name = item.name or "default"
    role = f"arn:{partition(region)}:iam::{state.account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    if not item.name or draft.recall(f"recorder-{region}") is not None:
        draft.ensure(
            f"recorder-{region}",
            "PutConfigurationRecorder",
            {
                "ConfigurationRecorder": {
                    "name": name,
                    "roleARN": role,
                    "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": region == state.region},
                }
            },
            so_already=bool(item.name),
            why=f"{region}: create a configuration recorder for every resource type",
            **at,
        )
        draft.add_inverse(
            f"undo-recorder-{region}",
            "DeleteConfigurationRecorder",
            {"ConfigurationRecorderName": name},
            undoes=(f"recorder-{region}",),
            why=f"{region}: delete the configuration recorder",
            **at,
        )
    if not item.channel or draft.recall(f"channel-{region}") is not None:
        channel: dict[str, object] = {"name": "default", "s3BucketName": bucket}
        if draft.choices["topic"]:
            channel["snsTopicARN"] = draft.choices["topic"]
        draft.ensure(
            f"channel-{region}",
            "PutDeliveryChannel",
            {"DeliveryChannel": channel},
            so_already=bool(item.channel),
            why=f"{region}: create a delivery channel to {bucket}",
            **at,
        )
        draft.add_inverse(
            f"undo-channel-{region}",
            "DeleteDeliveryChannel",
            {"DeliveryChannelName": "default"},
            undoes=(f"channel-{region}",),
            why=f"{region}: delete the delivery channel",
            **at,
        )
    if not item.recording or draft.recall(f"start-{region}") is not None:
        draft.ensure(
            f"start-{region}",
            "StartConfigurationRecorder",
            {"ConfigurationRecorderName": name},
            so_already=item.recording,
            why=f"{region}: start recording",
            **at,
        )
        draft.add_inverse(
            f"undo-start-{region}",
            "StopConfigurationRecorder",
            {"ConfigurationRecorderName": name},
            undoes=(f"start-{region}",),
            why=f"{region}: stop recording",
            **at,
        )
        draft.changes.append(f"{region}: AWS Config records every resource type into {item.bucket or bucket}")
    if item.name and not item.everything and draft.recall(f"recorder-{region}") is None:
        draft.note(f"{region}: the recorder {item.name} excludes resource types; this is not changed")


def _config_buckets(state: AccountState) -> Options:
    own = own_bucket(state.account, "config")
    used = [item.bucket for item in (state.config.recorders.values() if state.config else ()) if item.bucket]
    known = state.config.buckets if state.config else ()
    return tuple((name, name if name != own else f"{name}, new") for name in dict.fromkeys([*used, own, *known]))


ACCOUNT_CONFIG: Final[Action[AccountState]] = Action(
    aspects=frozenset({AccountAspect.CONFIG}),
    plan=_plan_config,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice("in", "In which regions AWS Config records", _config_options, many=True),
        Choice("bucket", "Into which bucket", _config_buckets, free=True, check=wrong_bucket),
        Choice(
            "topic",
            "Which SNS topic is notified (empty: none)",
            (("", "none"),),
            free=True,
            check=lambda text: (
                ""
                if not text or re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}", text)
                else f"{text!r} is not an SNS topic ARN"
            ),
        ),
    ),
    why_not_undone=full_bucket_stays,
    read_options=_look_config,
    may=(
        "s3:CreateBucket",
        "s3:DeleteBucket",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:PutPublicAccessBlock",
        "iam:CreateServiceLinkedRole",
        "iam:DeleteServiceLinkedRole",
        "config:PutConfigurationRecorder",
        "config:PutDeliveryChannel",
        "config:StartConfigurationRecorder",
        "config:StopConfigurationRecorder",
        "config:DeleteDeliveryChannel",
        "config:DeleteConfigurationRecorder",
    ),
    taken_back_by=(
        "s3:DeleteBucket",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "iam:DeleteServiceLinkedRole",
        "config:StopConfigurationRecorder",
        "config:DeleteDeliveryChannel",
        "config:DeleteConfigurationRecorder",
    ),
)
