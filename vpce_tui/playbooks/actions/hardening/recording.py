"""Turn on what records an account: a trail of CloudTrail for every region, AWS Config in each; with the bucket they write to.

(AWS: "Amazon S3 bucket policy for CloudTrail", "Creating a trail with the AWS CLI", "Permissions for the Amazon S3 bucket for the
AWS Config delivery channel", "Using service-linked roles for AWS Config".)
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from vpce_tui.inventory.dossiers.account import Dossier, Facet
from vpce_tui.inventory.dossiers.common import iam_region
from vpce_tui.inventory.dossiers.recording import (
    CONFIG_BUCKET,
    CONFIG_ROLE,
    TRAIL_BUCKET,
    Bucket,
    Recorder,
    Trail,
    Trails,
    own_bucket,
)
from vpce_tui.inventory.parse import account_of
from vpce_tui.playbooks.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.playbooks.actions.hardening.overview import gaps, look_in_scope
from vpce_tui.playbooks.draft import Draft
from vpce_tui.playbooks.plan import Kind, PlannedCall, Step
from vpce_tui.playbooks.values import document

_BUCKET: Final = re.compile(r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_TRAIL: Final = re.compile(r"[A-Za-z0-9](?:[._-]?[A-Za-z0-9]){2,127}")
NEW_TRAIL: Final = "vpce-tui-every-region"
_ROLE: Final = "CONFIG_ROLE"


def _partition(region: str) -> str:
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _wrong_bucket(text: str) -> str:
    return (
        ""
        if _BUCKET.fullmatch(text)
        else f"{text!r} is no name of a bucket (3 to 63 small letters, digits, dots and hyphens)"
    )


# -- the bucket


def _bucket(bucket: Bucket, region: str, statements: list[dict[str, Any]], draft: Draft) -> bool:
    """Plan a bucket closed to the public with a policy that holds ``statements``; what its policy says already stays."""
    if bucket.taken:
        draft.block(
            f"the bucket name {bucket.name} is taken by another account, or may not be looked at",
            f"choose another: c, or --set {draft.id}.bucket=…",
        )
        return False
    at: dict[str, Any] = {"service": "s3", "region": region}
    named = {"Bucket": bucket.name}
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    recalled = draft.recall("bucket") is not None
    if not bucket.mine or recalled:
        draft.want(
            "bucket",
            "CreateBucket",
            {**named, **where},
            so_already=bucket.mine,
            why=f"new bucket {bucket.name} in {region}",
            **at,
        )
        draft.take_back(
            "undo-bucket",
            "DeleteBucket",
            named,
            undoes=("bucket", "closed"),
            why=f"delete the bucket {bucket.name}",
            **at,
        )
        draft.changes.append(f"new bucket {bucket.name} in {region}")
    closed = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    if not bucket.mine or recalled:
        draft.want(
            "closed", "PutPublicAccessBlock", {**named, "PublicAccessBlockConfiguration": closed}, so_already=bucket.blocked,
            why=f"{bucket.name}: closed to the public", **at,
        )  # fmt: skip
    elif not bucket.blocked:
        draft.notes.append(
            f"{bucket.name} is not closed to the public all four ways: look at it (S3 › {bucket.name} › Permissions)"
        )
    _policy(bucket, statements, at, draft)
    return True


def _policy(bucket: Bucket, statements: list[dict[str, Any]], at: Mapping[str, Any], draft: Draft) -> None:
    named = {"Bucket": bucket.name}
    there = bucket.policy.get("Statement", [])
    there = there if isinstance(there, list) else [there]
    missing = [item for item in statements if item not in there]
    before = draft.recall("bucket-policy")
    wanted: dict[str, Any] = {
        **bucket.policy,
        "Version": bucket.policy.get("Version", "2012-10-17"),
        "Statement": [*there, *missing],
    }
    parameters: Mapping[str, Any] = {**named, "Policy": document(wanted)}
    if before is not None and not missing:
        parameters = before.parameters
    draft.want(
        "bucket-policy", "PutBucketPolicy", parameters, so_already=bucket.mine and not missing, why=f"{bucket.name}: the service may write to it", **at
    )  # fmt: skip
    recorded = (
        next((call for call in draft.remembered.undo if call.id == "undo-bucket-policy"), None)
        if draft.remembered
        else None
    )
    if recorded is not None:
        draft.undo.insert(0, recorded)
    elif bucket.mine and bucket.policy:
        draft.take_back(
            "undo-bucket-policy", "PutBucketPolicy", {**named, "Policy": json.dumps(bucket.policy)}, undoes=("bucket-policy",),
            why=f"{bucket.name}: its policy as it was", **at,
        )  # fmt: skip
    else:
        draft.take_back(
            "undo-bucket-policy",
            "DeleteBucketPolicy",
            named,
            undoes=("bucket-policy",),
            why=f"{bucket.name}: no policy",
            **at,
        )
    if missing:
        draft.changes += [f"{bucket.name}: + {item['Sid']}" for item in missing]


def _leave(world: Any, call: PlannedCall, _: bool, __: bool) -> str:
    """A bucket that holds records by now stays, with its policy."""
    bucket: Bucket | None = next(
        (
            found.bucket
            for found in (getattr(world, "trails", None), getattr(world, "config", None))
            if found is not None and found.bucket
        ),
        None,
    )
    if bucket is not None and bucket.mine and not bucket.empty and call.service == "s3":
        return f"{bucket.name} holds records by now, so it stays"
    return ""


# -- CloudTrail


def _trail_arn(account: str, home: str, name: str) -> str:
    return f"arn:{_partition(home)}:cloudtrail:{home}:{account}:trail/{name}"


def _trail_statements(account: str, home: str, name: str, bucket: str) -> list[dict[str, Any]]:
    service, source = {"Service": "cloudtrail.amazonaws.com"}, {"aws:SourceArn": _trail_arn(account, home, name)}
    root = f"arn:{_partition(home)}:s3:::{bucket}"
    return [
        {
            "Sid": "CloudTrailAclCheck", "Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": root,
            "Condition": {"StringEquals": source},
        },
        {
            "Sid": "CloudTrailWrite", "Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": f"{root}/AWSLogs/{account}/*",
            "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]  # fmt: skip


def look_trail(choices: Mapping[str, str], others: Answers) -> Mapping[str, Any]:
    """The bucket of the answers is looked at."""
    return {**look_in_scope(choices, others), TRAIL_BUCKET: choices.get("bucket", "")}


def _look_config(choices: Mapping[str, str], others: Answers) -> Mapping[str, Any]:
    return {**look_in_scope(choices, others), CONFIG_BUCKET: choices.get("bucket", "")}


def plan_trail(trails: Trails | None, account: str, home: str, draft: Draft) -> Step:
    """A trail of every region that records and can be checked; ``home``: where a new one is made."""
    if trails is None or draft.blocked:
        return draft.step(Kind.CHANGE)
    draft.notes += [_said(trail) for trail in trails.trails] or [
        f"there is no trail that covers {home}; one of another region alone would not be listed here"
    ]
    draft.notes += [
        f"{trail.name} writes to {trail.bucket}, which is no bucket of this account: make sure that it is yours"
        for trail in trails.trails
        if trails.buckets and trail.bucket not in trails.buckets and not trail.organization
    ]
    draft.notes += [f"lately: {stop}" for stop in trails.stops]
    chosen = draft.choices["trail"]
    named = chosen if chosen != "new" else NEW_TRAIL
    own = draft.recall("trail") is not None
    known = trails.named(named)
    if (
        known is not None
        and not own
        and draft.recall("validate") is None
        and draft.recall("log") is None
        and known.good
    ):
        draft.notes.insert(0, f"{known.name} records every region and can be checked: nothing to do")
        return draft.step(Kind.CHANGE)
    if known is not None and not own and known.organization and account_of(known.arn) != account:
        draft.block(
            f"{known.name} belongs to the organisation's management account",
            "have it put right there, or choose trail: new",
        )
        return draft.step(Kind.CHANGE)
    if known is not None and not own and known.blind:
        draft.block(
            f"{known.name}: {known.blind}",
            f"turn them on: CloudTrail › Trails › {known.name} › Management events › Edit; or choose trail: new",
        )
        return draft.step(Kind.CHANGE)
    if known is None or own:
        _new_trail(trails, account, home, named, known, draft)
    else:
        _put_right(known, draft)
    draft.hits(
        "nobody: calls are recorded, not touched; the first copy of management events is free, S3 bills what is stored"
    )
    draft.prove(
        "the trail reads as multi-region, validated and logging",
        "DescribeTrails",
        {"trailNameList": [named]},
        service="cloudtrail",
        region=home,
    )
    return draft.step(Kind.CHANGE)


def _said(trail: Trail) -> str:
    words = [
        "every region" if trail.multi_region else f"{trail.home} alone", "records" if trail.logging else "does NOT record",
        "can be checked" if trail.validated else "no validation", f"to {trail.bucket}",
    ]  # fmt: skip
    stopped = f"; last stopped {trail.stopped}" if trail.stopped else ""
    return f"{trail.name}: {', '.join(words)}{stopped}{f'; delivery fails: {trail.problem}' if trail.problem else ''}{f'; {trail.blind}' if trail.blind else ''}"


def _new_trail(trails: Trails, account: str, home: str, name: str, known: Trail | None, draft: Draft) -> None:
    if trails.bucket is None:
        draft.block("no bucket is named", f"name one: c, or --set {draft.id}.bucket=…")
        return
    if not _bucket(trails.bucket, home, _trail_statements(account, home, name, trails.bucket.name), draft):
        return
    at: dict[str, Any] = {"service": "cloudtrail", "region": home}
    draft.want(
        "trail", "CreateTrail",
        {
            "Name": name, "S3BucketName": trails.bucket.name, "IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": True,
            "EnableLogFileValidation": True, "TagsList": draft.tags("trail", "trail", account, name)[0]["Tags"],
        },
        so_already=known is not None, why=f"new trail {name} of every region, with validation", **at,
    )  # fmt: skip
    draft.take_back(
        "undo-trail", "DeleteTrail", {"Name": name}, undoes=("trail",), why=f"delete the trail {name}", **at
    )
    draft.want(
        "log",
        "StartLogging",
        {"Name": name},
        so_already=known is not None and known.logging,
        why=f"{name} records from now on",
        **at,
    )
    draft.take_back("undo-log", "StopLogging", {"Name": name}, undoes=("log",), why=f"{name} records no more", **at)
    draft.changes.append(f"new trail {name}: every region, validated, recording into {trails.bucket.name}")


def _put_right(trail: Trail, draft: Draft) -> None:
    at: dict[str, Any] = {"service": "cloudtrail", "region": trail.home}
    now = {
        "IsMultiRegionTrail": trail.multi_region,
        "IncludeGlobalServiceEvents": trail.global_events,
        "EnableLogFileValidation": trail.validated,
    }
    wanted = dict.fromkeys(now, True)
    right = all(now.values())
    recorded = (
        next((call for call in draft.remembered.undo if call.id == "undo-validate"), None) if draft.remembered else None
    )
    if not right or recorded is not None:
        draft.want(
            "validate", "UpdateTrail", {"Name": trail.name, **wanted}, so_already=right, why=f"{trail.name}: every region, with global events and validation", **at
        )  # fmt: skip
        if recorded is not None:
            draft.undo.insert(0, recorded)
        else:
            draft.take_back(
                "undo-validate",
                "UpdateTrail",
                {"Name": trail.name, **now},
                undoes=("validate",),
                why=f"{trail.name}: as it was",
                **at,
            )
        draft.changes += [f"{trail.name}: {key} on" for key, on in now.items() if not on]
    if not trail.logging or draft.recall("log") is not None:
        draft.want(
            "log",
            "StartLogging",
            {"Name": trail.name},
            so_already=trail.logging,
            why=f"{trail.name} records again",
            **at,
        )
        draft.take_back(
            "undo-log",
            "StopLogging",
            {"Name": trail.name},
            undoes=("log",),
            why=f"{trail.name} records no more, as before",
            **at,
        )
        draft.changes.append(f"{trail.name} records again")
    if trail.problem:
        draft.notes.append(
            f"{trail.name} cannot deliver ({trail.problem}): look at the policy of {trail.bucket} and its key"
        )


def trail_choices(trails: Callable[[Any], Trails | None], account: Callable[[Any], str]) -> tuple[Choice, ...]:
    """The questions of a step that turns a trail on."""

    def options(world: Any) -> Options:
        found = trails(world)
        named = [(trail.name, _said(trail)) for trail in (found.trails if found else ()) if trail.name != NEW_TRAIL]
        return (*named, ("new", f"a new one, {NEW_TRAIL}"))

    def default(world: Any) -> str:
        found = trails(world)
        known = found.trails if found else ()
        best = next((trail for trail in known if trail.good), None) or next(
            (trail for trail in known if trail.multi_region and not trail.blind), None
        )
        return best.name if best and best.name != NEW_TRAIL else "new"

    def buckets(world: Any) -> Options:
        found = trails(world)
        own = own_bucket(account(world), "trail")
        return tuple(
            (name, name if name != own else f"{name}, new")
            for name in dict.fromkeys([own, *(found.buckets if found else ())])
        )

    return (
        Choice(
            "trail", "Which trail", options, default, free=True,
            check=lambda text: "" if _TRAIL.fullmatch(text) else f"{text!r} is no name of a trail",
        ),
        Choice("bucket", "Into which bucket a new trail writes", buckets, free=True, check=_wrong_bucket),
    )  # fmt: skip


TRAIL_MAY: Final = (
    "s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutPublicAccessBlock", "cloudtrail:CreateTrail",
    "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:StartLogging", "cloudtrail:StopLogging",
)  # fmt: skip


def _plan_account_trail(world: Dossier, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.TRAILS)
    return plan_trail(world.trails, world.account, world.region, draft)


ACCOUNT_TRAIL: Final = Action(
    frozenset({Facet.TRAILS}), _plan_account_trail, unchanged, by_effects, trail_choices(lambda world: world.trails, lambda world: str(world.account)),
    leave=_leave, look=look_trail, target="account", may=TRAIL_MAY,
)  # fmt: skip


# -- AWS Config


def _config_statements(account: str, home: str, bucket: str) -> list[dict[str, Any]]:
    service, source = {"Service": "config.amazonaws.com"}, {"AWS:SourceAccount": account}
    root = f"arn:{_partition(home)}:s3:::{bucket}"
    return [
        {
            "Sid": "AWSConfigBucketPermissionsCheck", "Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": root,
            "Condition": {"StringEquals": source},
        },
        {
            "Sid": "AWSConfigBucketExistenceCheck", "Effect": "Allow", "Principal": service, "Action": "s3:ListBucket", "Resource": root,
            "Condition": {"StringEquals": source},
        },
        {
            "Sid": "AWSConfigBucketDelivery", "Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
            "Resource": f"{root}/AWSLogs/{account}/Config/*",
            "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]  # fmt: skip


def _config_options(world: Dossier) -> Options:
    return tuple(
        (region, _recorder_said(item)) for region, item in (world.config.recorders if world.config else {}).items()
    )


def _recorder_said(item: Recorder) -> str:
    if not item.name:
        return "no recorder"
    said = "records" if item.recording else "a recorder that is stopped"
    return f"{said}{'' if item.channel else ', no channel'}{'' if item.everything else ', not every type'}"


def _plan_config(world: Dossier, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.CONFIG)
    config, chosen = world.config, parts(draft.choices["in"])
    if config is not None and not draft.blocked:
        if chosen:
            _config(world, chosen, draft)
        else:
            off = [region for region, item in config.recorders.items() if not item.recording]
            draft.notes.append(
                f"AWS Config does not record in {len(off)} of {len(config.recorders)} regions; none is chosen"
            )
    gaps(world, draft, "AWS Config")
    draft.prove("every chosen region reads as recording")
    return draft.step(Kind.CHANGE)


def _config(world: Dossier, chosen: tuple[str, ...], draft: Draft) -> None:
    config = world.config
    assert config is not None
    items = {region: config.recorders.get(region) for region in chosen}
    for region, item in items.items():
        if item is None:
            draft.block(f"AWS Config of {region} could not be read", "leave it out: c, or make it readable")
    if draft.blocked:
        return
    needs_channel = [
        region for region, item in items.items() if item and (not item.channel or draft.recall(f"channel-{region}"))
    ]
    bucket = config.bucket
    if needs_channel:
        if bucket is None:
            draft.block("no bucket is named", "name one: c, or --set config.bucket=…")
            return
        if not _bucket(bucket, world.region, _config_statements(world.account, world.region, bucket.name), draft):
            return
    _service_role(world, draft)
    for region, item in items.items():
        assert item is not None
        _record(world, region, item, bucket.name if bucket else "", draft)
    draft.hits("nobody: changes are recorded, not touched; AWS Config bills each recorded change")


def _service_role(world: Dossier, draft: Draft) -> None:
    """The role by which AWS Config reads. AWS gives it its rights, and refuses to delete it while a region uses it."""
    there = bool(world.config and world.config.role)
    if there and draft.recall("service-role") is None:
        return
    iam: dict[str, Any] = {"service": "iam", "region": iam_region(world.region)}
    draft.want(
        "service-role", "CreateServiceLinkedRole", {"AWSServiceName": "config.amazonaws.com"}, so_already=there,
        why="the role by which AWS Config reads", **iam,
    )  # fmt: skip
    draft.take_back(
        "undo-service-role", "DeleteServiceLinkedRole", {"RoleName": CONFIG_ROLE}, undoes=("service-role",), why=f"delete the role {CONFIG_ROLE}", **iam
    )  # fmt: skip


def _record(world: Dossier, region: str, item: Recorder, bucket: str, draft: Draft) -> None:
    at: dict[str, Any] = {"service": "config", "region": region}
    name = item.name or "default"
    role = f"arn:{_partition(region)}:iam::{world.account}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    if not item.name or draft.recall(f"recorder-{region}") is not None:
        draft.want(
            f"recorder-{region}", "PutConfigurationRecorder",
            {
                "ConfigurationRecorder": {
                    "name": name, "roleARN": role,
                    "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": region == world.region},
                }
            },
            so_already=bool(item.name), why=f"{region}: a recorder of every type", **at,
        )  # fmt: skip
        draft.take_back(
            f"undo-recorder-{region}", "DeleteConfigurationRecorder", {"ConfigurationRecorderName": name}, undoes=(f"recorder-{region}",),
            why=f"{region}: no recorder", **at,
        )  # fmt: skip
    if not item.channel or draft.recall(f"channel-{region}") is not None:
        channel: dict[str, Any] = {"name": "default", "s3BucketName": bucket}
        if draft.choices["topic"]:
            channel["snsTopicARN"] = draft.choices["topic"]
        draft.want(
            f"channel-{region}", "PutDeliveryChannel", {"DeliveryChannel": channel}, so_already=bool(item.channel), why=f"{region}: it writes to {bucket}", **at
        )  # fmt: skip
        draft.take_back(
            f"undo-channel-{region}", "DeleteDeliveryChannel", {"DeliveryChannelName": "default"}, undoes=(f"channel-{region}",), why=f"{region}: no channel", **at
        )  # fmt: skip
    if not item.recording or draft.recall(f"start-{region}") is not None:
        draft.want(
            f"start-{region}",
            "StartConfigurationRecorder",
            {"ConfigurationRecorderName": name},
            so_already=item.recording,
            why=f"{region}: it records",
            **at,
        )
        draft.take_back(
            f"undo-start-{region}", "StopConfigurationRecorder", {"ConfigurationRecorderName": name}, undoes=(f"start-{region}",), why=f"{region}: it stops", **at
        )  # fmt: skip
        draft.changes.append(f"{region}: AWS Config records every type into {item.bucket or bucket}")
    if item.name and not item.everything and draft.recall(f"recorder-{region}") is None:
        draft.notes.append(f"{region}: the recorder {item.name} leaves types out; it is left so")


def _config_buckets(world: Dossier) -> Options:
    own = own_bucket(world.account, "config")
    used = [item.bucket for item in (world.config.recorders.values() if world.config else ()) if item.bucket]
    known = world.config.buckets if world.config else ()
    return tuple((name, name if name != own else f"{name}, new") for name in dict.fromkeys([*used, own, *known]))


ACCOUNT_CONFIG: Final = Action(
    frozenset({Facet.CONFIG}), _plan_config, unchanged, by_effects,
    (
        Choice("in", "In which regions AWS Config records", _config_options, many=True),
        Choice("bucket", "Into which bucket", _config_buckets, free=True, check=_wrong_bucket),
        Choice(
            "topic", "Which SNS topic is told (nothing: none)", (("", "none"),), free=True,
            check=lambda text: "" if not text or re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", text) else f"{text!r} is no ARN of a topic",
        ),
    ),
    leave=_leave, look=_look_config, target="account",
    may=(
        "s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutPublicAccessBlock", "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole",
        "config:PutConfigurationRecorder", "config:PutDeliveryChannel", "config:StartConfigurationRecorder", "config:StopConfigurationRecorder",
        "config:DeleteDeliveryChannel", "config:DeleteConfigurationRecorder",
    ),
)  # fmt: skip


def _plan_principal_trail(world: Any, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.TRAILS)
    return plan_trail(world.trails, world.account, draft.region, draft)


PRINCIPAL_TRAIL: Final = Action(
    frozenset({Facet.TRAILS}), _plan_principal_trail, unchanged, by_effects,
    trail_choices(lambda world: world.trails, lambda world: str(world.account)),
    leave=_leave, look=lambda choices, _: {TRAIL_BUCKET: choices.get("bucket", "")}, target="principal", may=TRAIL_MAY,
)  # fmt: skip
