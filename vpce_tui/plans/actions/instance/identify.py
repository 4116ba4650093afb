"""See what a compromised instance is, and keep what vanishes with it."""

from typing import Final

from vpce_tui.blocks.model import Fact, FactsBlock
from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, read_back, unchanged
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, short_id
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.planning_context import iam_region


def describe(state: InstanceState) -> dict[str, object]:
    """The instance, as parameters of ``DescribeInstances``."""
    return {"InstanceIds": [state.instance.id]}


def _plan_identify(state: InstanceState, draft: Draft) -> Step:
    instance = state.instance
    attached = [{"Name": "attachment.instance-id", "Values": [instance.id]}]
    draft.read("instance", "DescribeInstances", describe(state), "the instance")
    draft.read(
        "interfaces",
        "DescribeNetworkInterfaces",
        {"Filters": attached},
        "its interfaces and their security groups",
        optional=True,
    )
    if instance.volumes:
        draft.read(
            "volumes",
            "DescribeVolumes",
            {"VolumeIds": [volume.id for volume in instance.volumes]},
            "its volumes",
            optional=True,
        )
    by_instance = [{"Name": "instance-id", "Values": [instance.id]}]
    draft.read(
        "profile",
        "DescribeIamInstanceProfileAssociations",
        {"Filters": by_instance},
        "its instance profile",
        optional=True,
    )
    draft.read("addresses", "DescribeAddresses", {"Filters": by_instance}, "its Elastic IPs", optional=True)
    draft.read(
        "scaling",
        "DescribeAutoScalingInstances",
        {"InstanceIds": [instance.id]},
        "its Auto Scaling group",
        service="autoscaling",
        optional=True,
    )
    draft.read(
        "history",
        "LookupEvents",
        {"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": instance.id}]},
        "calls that launched and changed it",
        service="cloudtrail",
        optional=True,
    )
    draft.read(
        "calls-by-its-role",
        "LookupEvents",
        {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": instance.id}]},
        "calls of its role's session",
        service="cloudtrail",
        optional=True,
    )
    if instance.region != iam_region(instance.region):
        draft.read(
            "global-calls-by-its-role",
            "LookupEvents",
            {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": instance.id}]},
            "calls of its role's session in global services, for example IAM",
            service="cloudtrail",
            region=iam_region(instance.region),
            optional=True,
        )
    for detector, findings in sorted(state.detectors.items()):
        if findings:
            draft.read(
                "findings",
                "GetFindings",
                {"DetectorId": detector, "FindingIds": list(findings)},
                "GuardDuty findings",
                service="guardduty",
                optional=True,
            )
    draft.read(
        "flow-logs",
        "DescribeFlowLogs",
        {"Filter": [{"Name": "resource-id", "Values": [instance.vpc_id]}]},
        "flow logs of its traffic",
        optional=True,
    )
    draft.show(_what_it_is(state))
    draft.note("who launched and changed it, and calls of its role: see history and calls-by-its-role in the evidence")
    draft.note_unread(state.unknown)
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


def _what_it_is(state: InstanceState) -> FactsBlock:
    """What the operator wants to know at once, from what is read anyway."""
    instance = state.instance
    launched = instance.launched.strftime("%Y-%m-%d %H:%MZ") if instance.launched else "at an unknown time"
    addresses = [f"{nic.private_ip} {nic.public_ip}".strip() + f" ({nic.id})" for nic in instance.interfaces]
    volumes = [f"{volume.device} {volume.id}" for volume in instance.volumes]
    findings = sum(len(found) for found in state.detectors.values())
    facts = (
        ("instance", f"{instance.type} from {instance.image_id}, {instance.state}"),
        ("launched", launched),
        ("role", instance.profile_arn.rpartition("/")[2] or "none"),
        ("metadata", f"tokens {instance.http_tokens or 'unknown'}"),
        ("addresses", ", ".join(addresses) or "none"),
        ("volumes", ", ".join(volumes) or "none"),
        ("GuardDuty", many(findings, "finding") + " about it"),
    )
    return FactsBlock(facts=tuple(Fact(name=name, value=value) for name, value in facts))


def _plan_preserve(state: InstanceState, draft: Draft) -> Step:
    instance = state.instance
    one = {"InstanceId": instance.id}
    draft.read("instance", "DescribeInstances", describe(state), "full description")
    draft.read("console-output", "GetConsoleOutput", {**one, "Latest": True}, "its console output", optional=True)
    draft.read("console-screenshot", "GetConsoleScreenshot", one, "its console screenshot", optional=True)
    draft.read(
        "user-data",
        "DescribeInstanceAttribute",
        {**one, "Attribute": "userData"},
        "user data, recorded as evidence and not shown",
    )
    interfaces = state.interfaces if state.interfaces is not None else instance.interfaces
    groups = sorted({group for nic in interfaces for group in nic.groups})
    if groups:
        draft.read("groups", "DescribeSecurityGroups", {"GroupIds": groups}, "its security groups")
        draft.read(
            "group-rules",
            "DescribeSecurityGroupRules",
            {"Filters": [{"Name": "group-id", "Values": groups}]},
            "their rules with ids",
        )
    subnets = sorted({nic.subnet_id for nic in interfaces if nic.subnet_id})
    if subnets:
        draft.read("subnets", "DescribeSubnets", {"SubnetIds": subnets}, "its subnets")
        by_subnet = [{"Name": "association.subnet-id", "Values": subnets}]
        draft.read("routes", "DescribeRouteTables", {"Filters": by_subnet}, "their routes")
        draft.read("acls", "DescribeNetworkAcls", {"Filters": by_subnet}, "their network ACLs")
    role = state.role
    if role and role.name:
        named = {"RoleName": role.name}
        draft.read("role", "GetRole", named, "its role", service="iam", region=iam_region(instance.region))
        for policy in role.inline:
            draft.read(
                f"role-policy-{short_id(policy)}",
                "GetRolePolicy",
                {**named, "PolicyName": policy},
                f"inline policy {policy} of the role",
                service="iam",
                region=iam_region(instance.region),
            )
        for arn, version in role.attached:
            draft.read(
                f"managed-policy-{short_id(arn)}",
                "GetPolicyVersion",
                {"PolicyArn": arn, "VersionId": version},
                f"managed policy {arn.rpartition('/')[2]} of the role",
                service="iam",
                region=iam_region(instance.region),
            )
    draft.note_unread(state.unknown)
    draft.note("instance store is lost on stop and on termination; only the instance itself can copy it")
    draft.prove("one evidence file for each answer, by SHA-256")
    return draft.step(StepKind.READ)


def _plan_memory(state: InstanceState, draft: Draft) -> Step:
    identifier = state.instance.id
    draft.note(
        "memory cannot be captured once the instance is stopped; decide before the last step",
        f"collect it from inside, with a collector of yours (AVML on Linux, WinPmem on Windows), for example through Session Manager on {identifier}",
        "write the memory dump to a bucket that the compromised role cannot reach, and note its SHA-256 as a note of this step",
        "once isolated, Session Manager no longer reaches it: then only the EC2 serial console is left",
    )
    return draft.step(StepKind.MANUAL)


IDENTIFY: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.FINDINGS}),
    plan=_plan_identify,
    expect=unchanged,
    verify=read_back,
    may=(
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeVolumes",
        "ec2:DescribeIamInstanceProfileAssociations",
        "ec2:DescribeAddresses",
        "autoscaling:DescribeAutoScalingInstances",
        "cloudtrail:LookupEvents",
        "guardduty:GetFindings",
        "ec2:DescribeFlowLogs",
    ),
)


PRESERVE: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.INTERFACES, InstanceAspect.ROLE}),
    plan=_plan_preserve,
    expect=unchanged,
    verify=read_back,
    may=(
        "ec2:GetConsoleOutput",
        "ec2:GetConsoleScreenshot",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeNetworkAcls",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:GetPolicyVersion",
    ),
)


MEMORY: Final[Action[InstanceState]] = Action(
    aspects=frozenset(), plan=_plan_memory, expect=unchanged, verify=read_back
)
