"""Everything a playbook needs to know about one instance, read live, aspect by aspect.

An aspect that could not be read is named in ``unknown`` with the reason; it is never taken for empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.core.json_values import strings
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import Instance
from vpce_tui.plans.targets import launch, launch_amis, load_balancing, replacement
from vpce_tui.plans.targets.instance_disks import read_snapshots, read_volumes
from vpce_tui.plans.targets.instance_state import Attributes, InstanceAspect, InstanceState, Spot
from vpce_tui.plans.targets.load_balancing import auto_scaling_of, classic_of, targets_of
from vpce_tui.plans.targets.planning_context import (
    PlanningContext,
    Reader,
    TargetGone,
    read_aspects,
    vpc_groups,
)
from vpce_tui.plans.targets.role import role_of

_OF_INSTANCE: Final = (
    InstanceAspect.VOLUMES,
    InstanceAspect.SCALING,
    InstanceAspect.TARGETS,
    InstanceAspect.CLASSIC,
    InstanceAspect.SPOT,
    InstanceAspect.FINDINGS,
    InstanceAspect.IMAGES,
    InstanceAspect.SETTINGS,
    InstanceAspect.OLD_RULES,
    InstanceAspect.POLICIES,
)
"""What cannot be read of an instance that AWS does not list any more."""


def observe(
    client: AwsClient, instance_id: str, region: str, aspects: Iterable[str], asked: PlanningContext | None = None
) -> InstanceState:
    """Read the instance and the named aspects now.

    ``asked.incident`` limits what counts as made by us to this incident; without one, nothing does.
    Raises :class:`TargetGone`, and :class:`AwsError` where the instance itself cannot be read.
    """
    account, asked = client.identity().account, asked or PlanningContext()
    try:
        state = InstanceState(_instance(client, instance_id, region, account))
    except TargetGone:
        if not asked.begun:
            raise
        # AWS forgets a terminated instance within the hour; what this incident did around it can still be taken back
        vpc = str(asked.remembered.get("vpc_id", ""))
        state = InstanceState(Instance(id=instance_id, region=region, account=account, state="terminated", vpc_id=vpc))
        aspects = [
            aspect for aspect in aspects if aspect not in _OF_INSTANCE and (vpc or aspect != InstanceAspect.GROUPS)
        ]
    read, unknown = read_aspects(client, state, aspects, _READERS, asked)
    return replace(read, unknown=unknown)


def _instance(client: AwsClient, instance_id: str, region: str, account: str) -> Instance:
    try:
        answer = client.read(
            Call(service="ec2", operation="DescribeInstances", region=region, parameters={"InstanceIds": [instance_id]})
        )
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND or error.code.startswith("InvalidInstanceID"):
            raise TargetGone(f"{instance_id} does not exist in {region} of account {account}.") from error
        raise
    found = list(parse.instances(answer.data, region, account))
    if not found:
        raise TargetGone(f"{instance_id} does not exist in {region} of account {account}.")
    return found[0]


def _attributes(client: AwsClient, state: InstanceState, _: PlanningContext) -> InstanceState:
    if state.instance.gone:
        return replace(state, attributes=Attributes(False, False, ""))

    def one(name: str) -> object:
        parameters = {"InstanceId": state.instance.id, "Attribute": name}
        answer = client.read(
            Call(
                service="ec2",
                operation="DescribeInstanceAttribute",
                region=state.instance.region,
                parameters=parameters,
            )
        ).data
        return (answer.get(name[0].upper() + name[1:]) or {}).get("Value")

    return replace(
        state,
        attributes=Attributes(
            termination_protection=bool(one("disableApiTermination")),
            stop_protection=bool(one("disableApiStop")),
            shutdown_behavior=str(one("instanceInitiatedShutdownBehavior") or "stop"),
        ),
    )


def _interfaces(client: AwsClient, state: InstanceState, asked: PlanningContext) -> InstanceState:
    filters = [{"Name": "attachment.instance-id", "Values": [state.instance.id]}]
    before = strings(asked.remembered, "interfaces")
    if state.instance.gone and before:  # some outlive the instance, detached
        filters = [{"Name": "network-interface-id", "Values": list(before)}]
    call = Call(
        service="ec2",
        operation="DescribeNetworkInterfaces",
        region=state.instance.region,
        parameters={"Filters": filters},
    )
    found = [parse.interface(raw) for page in client.pages(call) for raw in page.data.get("NetworkInterfaces", [])]
    return replace(state, interfaces=tuple(sorted(found, key=lambda nic: (not nic.primary, nic.id))))


def _groups(client: AwsClient, state: InstanceState, asked: PlanningContext) -> InstanceState:
    instance = state.instance
    vpc = launch.vpc_of(client, instance, asked)
    return replace(state, groups=vpc_groups(client, instance.region, vpc, instance.id, asked))


def _spot(client: AwsClient, state: InstanceState, _: PlanningContext) -> InstanceState:
    request = state.instance.spot_request_id
    if not request:
        return replace(state, spot=None)
    call = Call(
        service="ec2",
        operation="DescribeSpotInstanceRequests",
        region=state.instance.region,
        parameters={"SpotInstanceRequestIds": [request]},
    )
    found = [item for page in client.pages(call) for item in page.data.get("SpotInstanceRequests", [])]
    if not found:
        return replace(state, spot=None)
    return replace(state, spot=Spot(request, str(found[0].get("Type", "")), str(found[0].get("State", ""))))


def _findings(client: AwsClient, state: InstanceState, _: PlanningContext) -> InstanceState:
    region, found = state.instance.region, {}
    for page in client.pages(Call("guardduty", "ListDetectors", region)):
        for detector in page.data.get("DetectorIds", []):
            criteria = {"Criterion": {"resource.instanceDetails.instanceId": {"Eq": [state.instance.id]}}}
            call = Call(
                service="guardduty",
                operation="ListFindings",
                region=region,
                parameters={"DetectorId": detector, "FindingCriteria": criteria},
            )
            ids = [str(item) for answer in client.pages(call) for item in answer.data.get("FindingIds", [])]
            found[str(detector)] = tuple(ids[:50])
    return replace(state, detectors=found)


def _group_name(state: InstanceState, asked: PlanningContext) -> str:
    """Its Auto Scaling group, also where the incident detached it."""
    before = str(asked.before.get("undo-detach", {}).get("AutoScalingGroupName", ""))
    return state.scaling.group if state.scaling else before


def _old_rules(client: AwsClient, state: InstanceState, asked: PlanningContext) -> InstanceState:
    rules, names = launch.read_rules(client, state.instance, asked)
    return replace(state, old_rules=rules, group_names=names)


def _starter(client: AwsClient, state: InstanceState, asked: PlanningContext) -> InstanceState:
    scaled = state
    if state.scaling is None and not state.gone:
        scaled = replace(state, scaling=auto_scaling_of(client, state.instance))
    name = _group_name(scaled, asked)
    return replace(
        state, starter=load_balancing.launch_source_of(client, state.instance, name, asked) if name else None
    )


def _target_groups(client: AwsClient, state: InstanceState, asked: PlanningContext) -> InstanceState:
    new = replacement.read_replacement(client, state.instance, asked)
    vpc = new.vpc_id if new else state.instance.vpc_id
    found = load_balancing.target_groups_of(client, state.instance, vpc, asked)
    there = {item.arn: load_balancing.registered(client, state.instance.region, item.arn) for item in found}
    balancers = load_balancing.classic_balancers_of(client, state.instance, vpc, asked)
    return replace(state, target_groups=found, registered=there, balancers=balancers)


def _addresses(client: AwsClient, state: InstanceState, asked: PlanningContext) -> InstanceState:
    new = replacement.read_replacement(client, state.instance, asked)
    both = [state.instance.id, *([new.id] if new else [])]
    return replace(state, addresses=load_balancing.addresses_of(client, state.instance.region, both))


READS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("ec2:DescribeInstances",),
    InstanceAspect.ATTRIBUTES: ("ec2:DescribeInstanceAttribute",),
    InstanceAspect.INTERFACES: ("ec2:DescribeNetworkInterfaces",),
    InstanceAspect.VOLUMES: ("ec2:DescribeVolumes", "kms:DescribeKey"),
    InstanceAspect.ROLE: (
        "ec2:DescribeIamInstanceProfileAssociations",
        "iam:GetInstanceProfile",
        "iam:ListRolePolicies",
        "iam:ListAttachedRolePolicies",
        "iam:GetPolicy",
        "iam:GetRolePolicy",
    ),
    InstanceAspect.SCALING: ("autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeAutoScalingGroups"),
    InstanceAspect.TARGETS: ("elbv2:DescribeTargetGroups", "elbv2:DescribeTargetHealth"),
    InstanceAspect.CLASSIC: ("elb:DescribeLoadBalancers",),
    InstanceAspect.GROUPS: ("ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"),
    InstanceAspect.SNAPSHOTS: ("ec2:DescribeSnapshots", "ec2:DescribeLockedSnapshots", "ec2:DescribeSnapshotAttribute"),
    InstanceAspect.SPOT: ("ec2:DescribeSpotInstanceRequests",),
    InstanceAspect.FINDINGS: ("guardduty:ListDetectors", "guardduty:ListFindings"),
    InstanceAspect.IMAGES: ("sts:GetCallerIdentity", "ec2:DescribeImages", "ssm:GetParameters"),
    InstanceAspect.SETTINGS: (
        "ec2:DescribeSubnets",
        "ec2:DescribeVolumes",
        "ec2:GetEbsDefaultKmsKeyId",
        "ec2:DescribeInstanceAttribute",
        "kms:DescribeKey",
    ),
    InstanceAspect.OLD_RULES: ("ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups"),
    InstanceAspect.POLICIES: (
        "iam:GetInstanceProfile",
        "iam:ListRolePolicies",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
    ),
    InstanceAspect.NEW_ROLE: (
        "iam:GetRole",
        "iam:GetInstanceProfile",
        "iam:ListRolePolicies",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
    ),
    InstanceAspect.REPLACEMENT: ("ec2:DescribeInstanceStatus", "ec2:DescribeInstanceAttribute"),
    InstanceAspect.STARTER: (
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeAutoScalingGroups",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribeLaunchTemplateVersions",
        "autoscaling:DescribeLaunchConfigurations",
    ),
    InstanceAspect.TARGET_GROUPS: (
        "elb:DescribeLoadBalancers",
        "elbv2:DescribeTargetGroups",
        "elbv2:DescribeTargetHealth",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceAttribute",
    ),
    InstanceAspect.ADDRESSES: ("ec2:DescribeAddresses", "ec2:DescribeInstanceStatus", "ec2:DescribeInstanceAttribute"),
}
"""The operations that reading each aspect takes; under ``""`` those of the target itself."""

_READERS: Final[Mapping[str, Reader[InstanceState]]] = {
    InstanceAspect.ATTRIBUTES: _attributes,
    InstanceAspect.INTERFACES: _interfaces,
    InstanceAspect.VOLUMES: read_volumes,
    InstanceAspect.ROLE: lambda client, state, asked: replace(state, role=role_of(client, state.instance, asked)),
    InstanceAspect.SCALING: lambda client, state, _: replace(state, scaling=auto_scaling_of(client, state.instance)),
    InstanceAspect.TARGETS: lambda client, state, _: replace(state, targets=targets_of(client, state.instance)),
    InstanceAspect.CLASSIC: lambda client, state, _: replace(state, classic=classic_of(client, state.instance)),
    InstanceAspect.GROUPS: _groups,
    InstanceAspect.SNAPSHOTS: read_snapshots,
    InstanceAspect.SPOT: _spot,
    InstanceAspect.FINDINGS: _findings,
    InstanceAspect.IMAGES: lambda client, state, asked: replace(
        state, images=launch_amis.read_launch_amis(client, state.instance, asked)
    ),
    InstanceAspect.SETTINGS: lambda client, state, asked: replace(
        state, settings=launch.read_settings(client, state.instance, asked)
    ),
    InstanceAspect.OLD_RULES: _old_rules,
    InstanceAspect.POLICIES: lambda client, state, asked: replace(
        state, policies=launch.read_policies(client, state.instance, asked)
    ),
    InstanceAspect.NEW_ROLE: lambda client, state, asked: replace(
        state, new_role=launch.read_new_role(client, state.instance, asked)
    ),
    InstanceAspect.REPLACEMENT: lambda client, state, asked: replace(
        state, replacement=replacement.read_replacement(client, state.instance, asked)
    ),
    InstanceAspect.STARTER: _starter,
    InstanceAspect.TARGET_GROUPS: _target_groups,
    InstanceAspect.ADDRESSES: _addresses,
}
