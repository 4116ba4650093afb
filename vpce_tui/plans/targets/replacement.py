"""The new instance that takes the place of an old one, and whether it is up."""

from dataclasses import dataclass
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.core.json_values import at, mappings
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import Instance
from vpce_tui.plans.targets.launch import _there
from vpce_tui.plans.targets.planning_context import (
    TAG_CALL,
    TAG_INCIDENT,
    TAG_TARGET,
    PlanningContext,
)


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new instance. ``checks``: ``running/ok/ok`` once it is up."""

    id: str
    state: str
    checks: str
    image: str
    vpc_id: str = ""
    private_ip: str = ""
    protected: bool = False


def read_replacement(client: AwsClient, instance: Instance, asked: PlanningContext) -> Replacement | None:
    """The instance that this incident started in its place, where there is one."""
    if not asked.incident:
        return None
    filters = [
        {"Name": f"tag:{TAG_TARGET}", "Values": [instance.id]},
        {"Name": f"tag:{TAG_INCIDENT}", "Values": [asked.incident]},
        {"Name": f"tag:{TAG_CALL}", "Values": ["launch"]},
    ]
    pages = client.pages(
        Call(service="ec2", operation="DescribeInstances", region=instance.region, parameters={"Filters": filters})
    )
    found = [
        item
        for page in pages
        for item in parse.instances(page.data, instance.region, instance.account)
        if asked.made_by("launch", item.id) and item.state != "terminated"
    ]
    if not found:
        return None
    new = found[0]
    return Replacement(
        id=new.id,
        state=new.state,
        checks=_checks(client, instance.region, new.id),
        image=new.image_id,
        vpc_id=new.vpc_id,
        private_ip=new.private_ip,
        protected=_protected(client, instance.region, new.id),
    )


def _protected(client: AwsClient, region: str, identifier: str) -> bool:
    parameters = {"InstanceId": identifier, "Attribute": "disableApiTermination"}
    answer = _there(
        client, Call(service="ec2", operation="DescribeInstanceAttribute", region=region, parameters=parameters)
    )
    return bool(at(answer, "DisableApiTermination", "Value"))


CHECKS: Final = "InstanceStatuses[0].[InstanceState.Name, SystemStatus.Status, InstanceStatus.Status] | join('/', @)"
"""How far a new instance is, as JMESPath over ``DescribeInstanceStatus``; good once it is :data:`UP`."""


UP: Final = "running/ok/ok"


def _checks(client: AwsClient, region: str, identifier: str) -> str:
    parameters = {"InstanceIds": [identifier], "IncludeAllInstances": True}
    answer = _there(
        client, Call(service="ec2", operation="DescribeInstanceStatus", region=region, parameters=parameters)
    )
    statuses = mappings(answer, "InstanceStatuses")
    if not statuses:
        return "not listed yet"
    one = statuses[0]
    parts = [at(one, "InstanceState", "Name"), *(at(one, key, "Status") for key in _BOTH)]
    return "/".join(str(part or "unknown") for part in parts)


_BOTH: Final = ("SystemStatus", "InstanceStatus")
