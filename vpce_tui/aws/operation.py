"""One operation of AWS as it was reviewed: what it can do, the IAM actions it takes, the parameters it is limited to."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Access(StrEnum):
    """What an operation can do to an account."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Operation:
    """One reviewed operation. ``dry_run``: it takes EC2's ``DryRun``."""

    service: str
    name: str
    access: Access
    why: str
    dry_run: bool = False

    @property
    def iam_actions(self) -> tuple[str, ...]:
        """Every IAM action that it needs as we call it: its own, passing a role on, tagging what it creates."""
        return (self.iam_action, *_ALSO.get(self.name, ()))

    @property
    def final(self) -> bool:
        """Whether AWS gives back nothing of what it takes: no inverse call restores it."""
        return (self.service, self.name) in _FINAL

    @property
    def passes_role_to(self) -> str:
        """The service that it passes a role to; ``""``: it passes none."""
        return _PASSES_TO.get(self.name, "ec2.amazonaws.com") if "iam:PassRole" in self.iam_actions else ""

    @property
    def iam_action(self) -> str:
        """The IAM action that allows it (``elasticloadbalancing:RegisterTargets``)."""
        name = _IAM_NAME.get((self.service, self.name), self.name)
        return f"{_IAM_PREFIX.get(self.service, self.service)}:{name}"

    def parameters_problem(self, parameters: Mapping[str, Any]) -> str:
        """Why these parameters are not what it is listed for; ``""``: they are."""
        limit = _LIMITS.get((self.service, self.name))
        return limit(parameters) if limit else ""


def _public_parameters(parameters: Mapping[str, Any]) -> str:
    named = parameters.get("Names") or ()
    good = bool(named) and all(re.fullmatch(r"/aws/service/[A-Za-z0-9_./-]+", str(name)) for name in named)
    return "" if good and not parameters.get("WithDecryption") else "only AWS's public parameters, /aws/service/…"


_FLOW_LOG_SUMS: Final = re.compile(
    r'parse @message "\*(?: \*){3,60}" as f_[a-z0-9_]+(?:, f_[a-z0-9_]+){3,60}\n'
    r'\| filter f_interface_id in \["eni-[0-9a-f]+"(?:, "eni-[0-9a-f]+")*\]\n'
    r"(?:\| fields least\(f_srcport, f_dstport\) as port\n"
    r"\| stats sum\(f_bytes\) as total, count\(\*\) as flows, min\(f_start\) as first, max\(f_start\) as latest, max\(f_end\) as last,"
    r" min\(f_dstport\) as lowest by f_interface_id, f_srcaddr, f_dstaddr, port, f_protocol, f_action, f_log_status\n"
    r"\| sort total desc"
    r"|\| stats sum\(f_bytes\) as total, max\(f_end\) as last by bin\([0-9]+m\) as slot, f_interface_id\n"
    r"\| sort slot asc)\n"
    r"\| limit [0-9]+"
)
"""The two queries that :mod:`vpce_tui.inventory.flow_log_queries` makes: sums over the records of named interfaces."""


def _sums_only(parameters: Mapping[str, Any]) -> str:
    """An Insights query that gives sums over flow log records, never a record's text."""
    good = _FLOW_LOG_SUMS.fullmatch(str(parameters.get("queryString", "")))
    return "" if good else "only sums over flow log records"


def _no_key_press(parameters: Mapping[str, Any]) -> str:
    """A screenshot may wake the screen first, which is a key press on the instance."""
    return "it would press a key on the instance" if parameters.get("WakeUp") else ""


_LIMITS: Final[Mapping[tuple[str, str], Callable[[Mapping[str, Any]], str]]] = {
    ("ssm", "GetParameters"): _public_parameters,
    ("logs", "StartQuery"): _sums_only,
    ("ec2", "GetConsoleScreenshot"): _no_key_press,
}
"""Reads that could hand out more than they are listed for: what their parameters must be."""


_DISK_KEY: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What EBS does with the key of an encrypted volume in the caller's name (AWS: "Permissions for Amazon EBS encryption")."""


_ALSO: Final = {
    "AddRoleToInstanceProfile": ("iam:PassRole",),
    "AssociateIamInstanceProfile": ("iam:PassRole",),
    "AttachVolume": ("kms:CreateGrant",),
    "CreateFlowLogs": ("ec2:CreateTags", "iam:PassRole"),
    "CreateInstanceProfile": ("iam:TagInstanceProfile",),
    "CreateLaunchTemplate": ("ec2:CreateTags",),
    "CopySnapshot": ("ec2:CreateTags", *_DISK_KEY),
    "CreateRole": ("iam:TagRole",),
    "CreateSecurityGroup": ("ec2:CreateTags",),
    "CreateSnapshot": ("ec2:CreateTags",),
    "CreateSnapshots": ("ec2:CreateTags",),
    "CreateTrail": ("cloudtrail:AddTags",),
    "CreateVolume": ("ec2:CreateTags", *_DISK_KEY),
    "CreateVpcBlockPublicAccessExclusion": ("ec2:CreateTags",),
    "CreateVpcEncryptionControl": ("ec2:CreateTags",),
    "CreateVpcEndpoint": (
        "ec2:CreateTags",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "route53:AssociateVPCWithHostedZone",
    ),
    "PutConfigurationRecorder": ("iam:PassRole",),
    "RunInstances": ("ec2:CreateTags", "iam:PassRole", *_DISK_KEY),
    "StartInstances": ("kms:CreateGrant",),
    "UpdateAutoScalingGroup": ("ec2:RunInstances", "iam:PassRole"),
}


_PASSES_TO: Final = {
    "CreateFlowLogs": "vpc-flow-logs.amazonaws.com",
    "PutConfigurationRecorder": "config.amazonaws.com",
}
"""The service that a role is passed to, where it is not EC2."""


_FINAL: Final = frozenset(
    {
        ("ec2", "CancelSpotInstanceRequests"),
        ("ec2", "DeleteVpcEndpoints"),
        ("ec2", "LockSnapshot"),
        ("ec2", "TerminateInstances"),
        ("iam", "DeactivateMFADevice"),
        ("iam", "DeleteAccessKey"),
        ("iam", "DeleteLoginProfile"),
        ("iam", "DeleteServiceSpecificCredential"),
        ("iam", "DeleteSigningCertificate"),
    }
)
"""A deleted endpoint can be made again, with another id. Not here: what we made ourselves on the way and delete on undo."""


_IAM_NAME: Final = {
    ("s3", "ListBuckets"): "ListAllMyBuckets",
    ("s3", "HeadBucket"): "ListBucket",
    ("s3", "ListObjectsV2"): "ListBucket",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
}
"""IAM actions that are not called as their operation."""


_IAM_PREFIX: Final = {
    "accessanalyzer": "access-analyzer",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
}
