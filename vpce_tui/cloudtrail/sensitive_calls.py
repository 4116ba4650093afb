"""Calls that intruders make, and what each means: blinding the account, opening data, making credentials."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from vpce_tui.cloudtrail.event import EC2, Event
from vpce_tui.core.text import many
from vpce_tui.iam.external_access import evaluate_external_access, external_assumers
from vpce_tui.iam.policy_document import parse
from vpce_tui.iam.role_privileges import IamRole, privileges_of
from vpce_tui.iam.trust_zone import AccessScope, TrustZone

Asked = Mapping[str, Any]
Meaning = Callable[[Asked, TrustZone], str]
"""What a call means by its request parameters and by what is ours; ``""``: no harm."""


def _always(words: str) -> Meaning:
    return lambda _, __: words


def _shared(asked: Asked, _: TrustZone) -> str:
    """Whether an attribute change of a snapshot or an AMI gives it to others."""
    for key in ("createVolumePermission", "launchPermission"):
        block = asked.get(key)
        added = block.get("add") if isinstance(block, Mapping) else None
        if added:
            text = str(added)
            return "made public" if "all" in text and "group" in text else "shared with another account"
    operation = str(asked.get("operationType", "")).lower()
    if operation == "add":
        return "made public" if "all" in str(asked.get("groupSet", "")) else "shared with another account"
    return ""


def _text(document: Any) -> str:
    """A policy as the characters that AWS counts."""
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _opened(what: str, who: str, unsure: str, otherwise: str) -> str:
    if who:
        return f"{what}{OPENED}{who}"
    return f"{what}{MAY_BE_OPEN}{unsure}" if unsure else otherwise


def _bucket_policy(asked: Asked, trust_zone: TrustZone) -> str:
    """Whether a bucket's policy opens it to everybody or to somebody else."""
    document = asked.get("bucketPolicy")
    if document is None:
        return "bucket policy changed"
    found = evaluate_external_access(parse(_text(document)), trust_zone, in_endpoint=False)
    who = "everybody" if found.who.reach is AccessScope.ANY else "".join(found.who.names[:1])
    return _opened("bucket", who, found.problem or "".join(found.who.why[:1]), "bucket policy changed")


def _trust(what: str, key: str, otherwise: str) -> Meaning:
    """Whether the trust policy under ``key`` opens a role to everybody or to somebody else."""

    def meaning(asked: Asked, trust_zone: TrustZone) -> str:
        document = asked.get(key)
        return (
            otherwise if document is None else _opened(what, *external_assumers(_text(document), trust_zone), otherwise)
        )

    return meaning


def _written(whose: str) -> Meaning:
    """Whether the policy that is written lets its holder do everything, or what an intruder wants."""

    def meaning(asked: Asked, _: TrustZone) -> str:
        power = privileges_of(
            IamRole(name="", arn="", trust="", policies=(("it", _text(asked.get("policyDocument"))),))
        )
        may = "do everything" if power.everything else "".join(said for _, said, _ in power.may[:1])
        return f"{whose} may {may}{BY_A_POLICY}" if may else f"inline policy written for {whose}"

    return meaning


_WIDE: Final = frozenset({"AdministratorAccess", "PowerUserAccess", "IAMFullAccess"})


def _given(whose: str) -> Meaning:
    """Whether the policy of AWS that is attached lets its holder do everything, or make users and roles."""

    def meaning(asked: Asked, _: TrustZone) -> str:
        name = str(asked.get("policyArn", "")).rpartition(":iam::aws:policy/")[2]
        return f"{name} attached to {whose}" if name in _WIDE else f"policy attached to {whose}"

    return meaning


def _fewer_logs(asked: Asked, _: TrustZone) -> str:
    """Whether a change of a trail takes something away from it."""
    off = [
        key
        for key in ("isMultiRegionTrail", "includeGlobalServiceEvents", "enableLogFileValidation")
        if asked.get(key) is False
    ]
    return (
        f"trail coverage reduced ({', '.join(off)})"
        if off
        else "trail delivery redirected"
        if asked.get("s3BucketName")
        else ""
    )


BLINDING: Final[Mapping[str, Meaning]] = {
    "StopLogging": _always("trail logging stopped"),
    "DeleteTrail": _always("trail deleted"),
    "UpdateTrail": _fewer_logs,
    "PutEventSelectors": _always("event selectors of a trail changed"),
    "DeleteFlowLogs": _always("flow logs deleted"),
    "DeleteDetector": _always("GuardDuty turned off"),
    "UpdateDetector": lambda asked, _: "GuardDuty turned off" if asked.get("enable") is False else "",
    "StopConfigurationRecorder": _always("AWS Config stopped"),
    "DeleteConfigurationRecorder": _always("AWS Config recorder deleted"),
    "DisableSecurityHub": _always("Security Hub turned off"),
    "DeleteLogGroup": _always("log group deleted"),
    "ModifySnapshotAttribute": _shared,
    "ModifyImageAttribute": _shared,
}
"""What no tooling does in a day's work; and what it means, ``""`` where these parameters mean no harm."""

SENSITIVE_CALLS: Final[Mapping[str, Meaning]] = {
    **BLINDING,
    "PutBucketPolicy": _bucket_policy,
    "PutBucketAcl": _always("bucket ACL changed"),
    "DeleteBucketPolicy": _always("bucket policy deleted"),
    "DeleteBucketPublicAccessBlock": _always("bucket's public access block removed"),
    "DeleteAccountPublicAccessBlock": _always("the account's public access block removed"),
    "CreateUser": _always("user created"),
    "CreateAccessKey": _always("access key created"),
    "CreateLoginProfile": _always("console password created"),
    "UpdateLoginProfile": _always("console password changed"),
    "AttachUserPolicy": _given("a user"),
    "PutUserPolicy": _written("a user"),
    "AttachRolePolicy": _given("a role"),
    "PutRolePolicy": _written("a role"),
    "CreateRole": _trust("new role", "assumeRolePolicyDocument", ""),
    "UpdateAssumeRolePolicy": _trust("role", "policyDocument", "trust policy of a role changed"),
    "DeactivateMFADevice": _always("MFA device deactivated"),
    "CreateTrafficMirrorSession": _always("traffic mirrored elsewhere"),
}
"""All calls that count beside an endpoint."""


ROUTINE: Final = frozenset(
    {
        "bucket policy changed",
        "policy attached to a role",
        "inline policy written for a role",
        "trust policy of a role changed",
    }
)
"""What a pipeline does in a day's work. Opening, blinding and making credentials are not among it."""

OPENED: Final = " opened to "
MAY_BE_OPEN: Final = " may be open: "
BY_A_POLICY: Final = " by a new policy"


def routine(said: str) -> bool:
    """Whether a pipeline makes such a call in ordinary work; what only may open something is no reason to worry by itself."""
    return said in ROUTINE or MAY_BE_OPEN in said


def opens(said: str) -> bool:
    """Whether a call opens something to others, or gives more than work needs: the worst that there is of its name."""
    return OPENED in said or said.endswith((BY_A_POLICY, "made public")) or said.startswith(tuple(_WIDE))


def may_mean_something(event: Event) -> bool:
    """Whether a call is one of :data:`SENSITIVE_CALLS`; what it means depends on what is ours."""
    return _SOURCE_OF.get(event.name) == event.source


_SOURCES: Final[Mapping[str, frozenset[str]]] = {
    "cloudtrail": frozenset({"StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"}),
    "ec2": frozenset(
        {"DeleteFlowLogs", "ModifySnapshotAttribute", "ModifyImageAttribute", "CreateTrafficMirrorSession"}
    ),
    "guardduty": frozenset({"DeleteDetector", "UpdateDetector"}),
    "config": frozenset({"StopConfigurationRecorder", "DeleteConfigurationRecorder"}),
    "securityhub": frozenset({"DisableSecurityHub"}),
    "logs": frozenset({"DeleteLogGroup"}),
    "s3": frozenset(
        {
            "PutBucketPolicy",
            "PutBucketAcl",
            "DeleteBucketPolicy",
            "DeleteBucketPublicAccessBlock",
            "DeleteAccountPublicAccessBlock",
        }
    ),
    "iam": frozenset(
        {
            "CreateUser",
            "CreateAccessKey",
            "CreateLoginProfile",
            "UpdateLoginProfile",
            "AttachUserPolicy",
            "PutUserPolicy",
            "AttachRolePolicy",
            "PutRolePolicy",
            "CreateRole",
            "UpdateAssumeRolePolicy",
            "DeactivateMFADevice",
        }
    ),
}
"""Which service's calls these are: others have calls of the same names."""
_SOURCE_OF: Final = {name: f"{source}.amazonaws.com" for source, names in _SOURCES.items() for name in names}


def describe_impact(event: Event, trust_zone: TrustZone = TrustZone()) -> str:
    """What a call of :data:`SENSITIVE_CALLS` means, in a few words; ``""``: no harm, or another call. The event's own account is ours."""
    return (
        _meaning(event.name, event.raw, event.account, trust_zone) if _SOURCE_OF.get(event.name) == event.source else ""
    )


@lru_cache(maxsize=8192)
def _meaning(name: str, raw: str, account: str, trust_zone: TrustZone) -> str:
    record = json.loads(raw)
    asked = record.get("requestParameters") if isinstance(record, Mapping) else None
    whole = replace(trust_zone, accounts=trust_zone.accounts | {account}) if account else trust_zone
    return SENSITIVE_CALLS[name](asked if isinstance(asked, Mapping) else {}, whole)


def impact_with_target(event: Event, trust_zone: TrustZone = TrustZone()) -> str:
    """:func:`describe_impact` with what it was done to: ``user made: backup-admin``."""
    said, named = describe_impact(event, trust_zone), object_of(event)
    return f"{said}: {named}" if said and named else said


def contextual_meaning(event: Event) -> str:
    """What a call means that is a day's work, and may be a part of an attack: shown on its path, and assessed by other rules."""
    record = event.record
    asked, answer = record.get("requestParameters"), record.get("responseElements")
    asked = asked if isinstance(asked, Mapping) else {}
    if event.source != EC2 or event.error_code:
        return ""
    if event.name in ("CreateRoute", "ReplaceRoute"):
        target = asked.get("vpcEndpointId") or asked.get("networkInterfaceId") or asked.get("instanceId")
        return f"traffic to {asked.get('destinationCidrBlock', 'somewhere')} sent to {target}" if target else ""
    if event.name == "ModifyInstanceAttribute" and "userData" in asked:
        return f"user data of {asked.get('instanceId', 'an instance')} changed"
    if event.name == "RunInstances":
        started = list(dict.fromkeys(_INSTANCE.findall(json.dumps(answer))))
        return f"{many(len(started), 'instance')} launched: {', '.join(started[:2])}" if started else ""
    return ""


_INSTANCE: Final = re.compile(r"(?<![\w-])i-[0-9a-f]{8,17}(?![\w-])")
_NAMES: Final = (
    "userName",
    "roleName",
    "groupName",
    "bucketName",
    "snapshotId",
    "imageId",
    "instanceId",
    "logGroupName",
    "detectorId",
    "trailName",
    "name",
    "functionName",
    "keyId",
    "policyArn",
    "accessKeyId",
    "vpcEndpointId",
    "volumeId",
    "groupId",
)
"""Under which names a request says what it is about, the most telling first."""


def object_of(event: Event) -> str:
    """What a call was about by its request parameters, and the key that it made; ``""``: they do not say."""
    record = event.record
    asked, answer = record.get("requestParameters"), record.get("responseElements")
    asked = asked if isinstance(asked, Mapping) else {}
    found = next((value for key in _NAMES if isinstance(value := asked.get(key), str) and value), "")
    made = answer.get("accessKey") if isinstance(answer, Mapping) else None
    key = made.get("accessKeyId") if isinstance(made, Mapping) else None
    return f"{found} ({key})" if isinstance(key, str) and event.name == "CreateAccessKey" else found
