"""What sends an instance work: its Auto Scaling group and what that starts, target groups, classic load balancers, addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.core.json_values import integer, mappings, string, strings
from vpce_tui.inventory.resources import Instance, tags_of
from vpce_tui.plans.targets.planning_context import TAG_CALL, PlanningContext, ours


@dataclass(frozen=True, slots=True)
class AutoScalingMembership:
    """The Auto Scaling group the instance is in."""

    group: str
    lifecycle: str
    minimum: int
    desired: int
    maximum: int
    target_groups: tuple[str, ...] = ()
    launch: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration with a target group (``id``: instance id or address) or classic load balancer (port 0)."""

    balancer: str
    id: str
    port: int = 0
    state: str = ""
    name: str = ""


def auto_scaling_of(client: AwsClient, instance: Instance) -> AutoScalingMembership | None:
    """The Auto Scaling group the instance is in."""
    region = instance.region
    call = Call(
        service="autoscaling",
        operation="DescribeAutoScalingInstances",
        region=region,
        parameters={"InstanceIds": [instance.id]},
    )
    members = [item for page in client.pages(call) for item in page.data.get("AutoScalingInstances", [])]
    if not members:
        return None
    name = str(members[0]["AutoScalingGroupName"])
    groups = client.read(
        Call(
            service="autoscaling",
            operation="DescribeAutoScalingGroups",
            region=region,
            parameters={"AutoScalingGroupNames": [name]},
        )
    ).data
    group: Mapping[str, object] = next(iter(groups.get("AutoScalingGroups", [])), {})
    return AutoScalingMembership(
        group=name,
        lifecycle=str(members[0].get("LifecycleState", "")),
        minimum=integer(group, "MinSize"),
        desired=integer(group, "DesiredCapacity"),
        maximum=integer(group, "MaxSize"),
        target_groups=tuple(sorted(strings(group, "TargetGroupARNs"))),
        launch=string(group, "LaunchTemplate", "LaunchTemplateName") or string(group, "LaunchConfigurationName"),
    )


def targets_of(client: AwsClient, instance: Instance) -> tuple[Registration, ...]:
    """Its registrations with target groups, by id and by address."""
    found = []
    for page in client.pages(Call("elbv2", "DescribeTargetGroups", instance.region)):
        for group in page.data.get("TargetGroups", []):
            kind = group.get("TargetType")
            if group.get("VpcId") != instance.vpc_id or kind not in ("instance", "ip"):
                continue
            own = {instance.id} if kind == "instance" else instance.addresses
            arn = str(group["TargetGroupArn"])
            health = client.read(
                Call(
                    service="elbv2",
                    operation="DescribeTargetHealth",
                    region=instance.region,
                    parameters={"TargetGroupArn": arn},
                )
            ).data
            for item in health.get("TargetHealthDescriptions", []):
                target, state = item.get("Target", {}), str((item.get("TargetHealth") or {}).get("State", ""))
                if target.get("Id") in own and state != "draining":
                    found.append(
                        Registration(
                            balancer=arn,
                            id=str(target["Id"]),
                            port=int(target.get("Port", 0)),
                            state=state,
                            name=str(group.get("TargetGroupName", "")),
                        )
                    )
    return tuple(sorted(found, key=lambda item: (item.balancer, item.id, item.port)))


def classic_of(client: AwsClient, instance: Instance) -> tuple[Registration, ...]:
    """The classic load balancers it is behind."""
    found = [
        Registration(str(item["LoadBalancerName"]), instance.id, name=str(item["LoadBalancerName"]))
        for page in client.pages(Call("elb", "DescribeLoadBalancers", instance.region))
        for item in page.data.get("LoadBalancerDescriptions", [])
        if any(member.get("InstanceId") == instance.id for member in item.get("Instances", []))
    ]
    return tuple(sorted(found, key=lambda item: item.balancer))


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group that takes instances. ``ports``: on which ports the old instance was registered, else its own."""

    arn: str
    name: str
    ports: tuple[int, ...]
    held_old: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """As they are chosen: ``storefront-web:443``."""
        return tuple(f"{self.name}:{port}" for port in self.ports)


def target_groups_of(
    client: AwsClient, instance: Instance, vpc: str, asked: PlanningContext
) -> tuple[TargetGroup, ...]:
    """The target groups of ``vpc`` that take instances, and where the old one stood before the incident took it out."""
    recorded: dict[str, set[int]] = {}
    for call, parameters in asked.before.items():
        if call.startswith("undo-deregister-") and "TargetGroupArn" in parameters:
            ports = {integer(item, "Port") for item in mappings(parameters, "Targets")}
            recorded.setdefault(str(parameters["TargetGroupArn"]), set()).update(ports)
    found = []
    for page in client.pages(Call("elbv2", "DescribeTargetGroups", instance.region)):
        for raw in page.data.get("TargetGroups", []):
            if raw.get("TargetType") != "instance" or raw.get("VpcId") != vpc:
                continue
            arn = str(raw["TargetGroupArn"])
            ports = recorded.get(arn, set()) | {
                port for identifier, port in registered(client, instance.region, arn) if identifier == instance.id
            }
            held = bool(ports)
            listed = tuple(sorted(ports - {0})) or (int(raw.get("Port") or 0),)
            found.append(TargetGroup(arn=arn, name=str(raw.get("TargetGroupName", "")), ports=listed, held_old=held))
    return tuple(sorted(found, key=lambda item: item.name))


@dataclass(frozen=True, slots=True)
class ClassicBalancer:
    """A classic load balancer of the VPC. ``held_old``: the old instance is in it, or was before the incident took it out."""

    name: str
    held_old: bool
    members: frozenset[str]


def classic_balancers_of(
    client: AwsClient, instance: Instance, vpc: str, asked: PlanningContext
) -> tuple[ClassicBalancer, ...]:
    """The classic load balancers of ``vpc``."""
    recorded = {
        str(parameters["LoadBalancerName"]) for parameters in asked.before.values() if "LoadBalancerName" in parameters
    }
    found = []
    for page in client.pages(Call("elb", "DescribeLoadBalancers", instance.region)):
        for raw in page.data.get("LoadBalancerDescriptions", []):
            name = str(raw["LoadBalancerName"])
            members = frozenset(str(item["InstanceId"]) for item in raw.get("Instances") or ())
            if raw.get("VPCId") == vpc or name in recorded or instance.id in members:
                found.append(ClassicBalancer(name, name in recorded or instance.id in members, members))
    return tuple(sorted(found, key=lambda item: item.name))


def registered(client: AwsClient, region: str, arn: str) -> frozenset[tuple[str, int]]:
    """Targets of a group, by id and port; those that are on their way out are not."""
    health = client.read(
        Call(service="elbv2", operation="DescribeTargetHealth", region=region, parameters={"TargetGroupArn": arn})
    ).data
    return frozenset(
        (str(item["Target"]["Id"]), int(item["Target"].get("Port", 0)))
        for item in health.get("TargetHealthDescriptions", [])
        if (item.get("TargetHealth") or {}).get("State") != "draining"
    )


TEMPLATE: Final = "template"
CONFIGURATION: Final = "configuration"
MIXED: Final = "mixed"


@dataclass(frozen=True, slots=True)
class LaunchSource:
    """What an Auto Scaling group starts. ``kind``: a launch template, a launch configuration, or several of them.

    ``version``: as the group names it (``3``, ``$Default``, ``$Latest``); ``own_template``, ``own_version``: what this incident
    made; ``members``: the instances in the group.
    """

    group: str
    kind: str
    members: tuple[str, ...]
    desired: int
    maximum: int
    id: str = ""
    name: str = ""
    version: str = ""
    image: str = ""
    own_template: str = ""
    own_version: str = ""


def launch_source_of(client: AwsClient, instance: Instance, group: str, asked: PlanningContext) -> LaunchSource | None:
    """What the group called ``group`` starts; None where there is no such group."""
    region = instance.region
    call = Call(
        service="autoscaling",
        operation="DescribeAutoScalingGroups",
        region=region,
        parameters={"AutoScalingGroupNames": [group]},
    )
    raw = next((item for page in client.pages(call) for item in page.data.get("AutoScalingGroups", [])), None)
    if raw is None:
        return None
    source = LaunchSource(
        group=group,
        kind=MIXED if raw.get("MixedInstancesPolicy") else "",
        members=tuple(sorted(str(item["InstanceId"]) for item in raw.get("Instances") or ())),
        desired=int(raw.get("DesiredCapacity", 0)),
        maximum=int(raw.get("MaxSize", 0)),
        own_template=_own_template(client, region, instance.id, asked),
    )
    template = raw.get("LaunchTemplate")
    if template:
        identifier, version = str(template.get("LaunchTemplateId", "")), str(template.get("Version") or "$Default")
        versions = _versions(client, region, identifier)
        current = _current(versions, version)
        image = string(current, "LaunchTemplateData", "ImageId")
        return replace(
            source,
            kind=TEMPLATE,
            id=identifier,
            name=str(template.get("LaunchTemplateName", "")),
            version=version,
            image=image,
            own_version=_own_version(versions, asked),
        )
    if raw.get("LaunchConfigurationName"):
        name = str(raw["LaunchConfigurationName"])
        asked_for = Call(
            service="autoscaling",
            operation="DescribeLaunchConfigurations",
            region=region,
            parameters={"LaunchConfigurationNames": [name]},
        )
        known = [item for page in client.pages(asked_for) for item in page.data.get("LaunchConfigurations", [])]
        image = str(known[0].get("ImageId", "")) if known else ""
        return replace(source, kind=CONFIGURATION, id=name, name=name, image=image)
    return source


def _versions(client: AwsClient, region: str, template: str) -> list[Mapping[str, object]]:
    call = Call(
        service="ec2",
        operation="DescribeLaunchTemplateVersions",
        region=region,
        parameters={"LaunchTemplateId": template},
    )
    return [item for page in client.pages(call) for item in page.data.get("LaunchTemplateVersions", [])]


def _current(versions: Sequence[Mapping[str, object]], version: str) -> Mapping[str, object]:
    if version == "$Latest":
        return max(versions, key=lambda item: integer(item, "VersionNumber"), default={})
    named = version == "$Default"
    return next(
        (item for item in versions if (item.get("DefaultVersion") if named else str(item["VersionNumber"]) == version)),
        {},
    )


def version_mark(incident: str) -> str:
    """What the description of a template version that this incident made says: versions take no tags."""
    return f"vpce-tui {incident}"


def _own_version(versions: Sequence[Mapping[str, object]], asked: PlanningContext) -> str:
    mark = version_mark(asked.incident)
    mine = [
        str(item["VersionNumber"])
        for item in versions
        if asked.incident
        and item.get("VersionDescription") == mark
        and asked.made_by("version", str(item["VersionNumber"]))
    ]
    return mine[-1] if mine else ""


def _own_template(client: AwsClient, region: str, target: str, asked: PlanningContext) -> str:
    if not asked.incident:
        return ""
    for page in client.pages(Call("ec2", "DescribeLaunchTemplates", region)):
        for raw in page.data.get("LaunchTemplates", []):
            tags, identifier = tags_of(raw.get("Tags")), str(raw["LaunchTemplateId"])
            if ours(tags, target, asked) and asked.made_by(tags[TAG_CALL], identifier):
                return identifier
    return ""


@dataclass(frozen=True, slots=True)
class ElasticIp:
    """An Elastic IP of the old instance, or of its replacement."""

    allocation: str
    public_ip: str
    instance: str
    interface: str


def addresses_of(client: AwsClient, region: str, instances: Sequence[str]) -> tuple[ElasticIp, ...]:
    """The Elastic IPs of some instances."""
    filters = [{"Name": "instance-id", "Values": list(instances)}]
    answer = client.read(
        Call(service="ec2", operation="DescribeAddresses", region=region, parameters={"Filters": filters})
    ).data
    return tuple(
        ElasticIp(
            allocation=str(raw["AllocationId"]),
            public_ip=str(raw.get("PublicIp", "")),
            instance=str(raw.get("InstanceId", "")),
            interface=str(raw.get("NetworkInterfaceId", "")),
        )
        for raw in sorted(answer.get("Addresses", []), key=lambda raw: str(raw.get("PublicIp", "")))
        if raw.get("AllocationId")
    )
