"""What sends an instance work: its Auto Scaling group, target groups, classic load balancers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vpce_tui.aws.call import Call
from vpce_tui.aws.caller import Caller
from vpce_tui.inventory.model import Instance


@dataclass(frozen=True, slots=True)
class Scaling:
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


def scaling_of(caller: Caller, instance: Instance) -> Scaling | None:
    """The Auto Scaling group the instance is in."""
    region = instance.region
    call = Call("autoscaling", "DescribeAutoScalingInstances", region, {"InstanceIds": [instance.id]})
    members = [item for page in caller.pages(call) for item in page.data.get("AutoScalingInstances", [])]
    if not members:
        return None
    name = str(members[0]["AutoScalingGroupName"])
    groups = caller.read(
        Call("autoscaling", "DescribeAutoScalingGroups", region, {"AutoScalingGroupNames": [name]})
    ).data
    group: Mapping[str, Any] = next(iter(groups.get("AutoScalingGroups", [])), {})
    template = group.get("LaunchTemplate") or {}
    return Scaling(
        name,
        str(members[0].get("LifecycleState", "")),
        int(group.get("MinSize", 0)),
        int(group.get("DesiredCapacity", 0)),
        int(group.get("MaxSize", 0)),
        tuple(sorted(str(arn) for arn in group.get("TargetGroupARNs") or ())),
        str(template.get("LaunchTemplateName") or group.get("LaunchConfigurationName") or ""),
    )


def targets_of(caller: Caller, instance: Instance) -> tuple[Registration, ...]:
    """Its registrations with target groups, by id and by address."""
    found = []
    for page in caller.pages(Call("elbv2", "DescribeTargetGroups", instance.region)):
        for group in page.data.get("TargetGroups", []):
            kind = group.get("TargetType")
            if group.get("VpcId") != instance.vpc_id or kind not in ("instance", "ip"):
                continue
            own = {instance.id} if kind == "instance" else instance.addresses
            arn = str(group["TargetGroupArn"])
            health = caller.read(Call("elbv2", "DescribeTargetHealth", instance.region, {"TargetGroupArn": arn})).data
            for item in health.get("TargetHealthDescriptions", []):
                target, state = item.get("Target", {}), str((item.get("TargetHealth") or {}).get("State", ""))
                if target.get("Id") in own and state != "draining":
                    found.append(
                        Registration(
                            arn,
                            str(target["Id"]),
                            int(target.get("Port", 0)),
                            state,
                            str(group.get("TargetGroupName", "")),
                        )
                    )
    return tuple(sorted(found, key=lambda item: (item.balancer, item.id, item.port)))


def classic_of(caller: Caller, instance: Instance) -> tuple[Registration, ...]:
    """The classic load balancers it is behind."""
    found = [
        Registration(str(item["LoadBalancerName"]), instance.id, name=str(item["LoadBalancerName"]))
        for page in caller.pages(Call("elb", "DescribeLoadBalancers", instance.region))
        for item in page.data.get("LoadBalancerDescriptions", [])
        if any(member.get("InstanceId") == instance.id for member in item.get("Instances", []))
    ]
    return tuple(sorted(found, key=lambda item: item.balancer))
