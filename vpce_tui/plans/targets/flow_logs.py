"""Which VPCs, subnets and interfaces record their traffic, and where to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.core.json_values import at
from vpce_tui.iam.policy_document import raw_statements, texts
from vpce_tui.inventory.resources import tags_of
from vpce_tui.plans.targets.planning_context import TAG_CALL, PlanningContext, iam_region, ours

OWN_ROLE: Final = "vpce-tui-flow-logs"
OWN_POLICY: Final = "write-logs"
"""The role that we make for the flow log service where there is none, and its inline policy."""


@dataclass(frozen=True, slots=True)
class FlowLog:
    """One flow log. ``good``: it is active and what it records arrives."""

    id: str
    resource: str
    traffic: str
    destination: str
    role: str
    good: bool
    said: str = ""
    call: str = ""
    """The call of ours that made it; ``""`` where it is not ours."""
    format: str = ""
    """The fields of its records, in AWS's form; ``""``: the default one."""
    in_log_group: bool = True
    """Whether its records go to CloudWatch Logs."""
    interval: int = 600
    """Seconds of traffic that one record holds at most."""


@dataclass(frozen=True, slots=True)
class FlowLogging:
    """The flow logs of some resources, and what a new one could use."""

    logs: tuple[FlowLog, ...] = ()
    roles: tuple[str, ...] = ()
    """ARNs of roles that the flow log service may take."""
    log_groups: tuple[str, ...] = ()
    own_role: str = ""
    """The ARN of :data:`OWN_ROLE`, where it exists."""
    own_policy: bool = False
    """Whether that role has its policy."""

    def covers(self, resource: str) -> FlowLog | None:
        """A good flow log of all traffic of ``resource``."""
        return next((log for log in self.logs if log.resource == resource and log.good and log.traffic == "ALL"), None)

    def made_by(self, call: str) -> FlowLog | None:
        """The flow log that our call made."""
        return next((log for log in self.logs if log.call == call), None)


def flow_logging(
    client: AwsClient, region: str, resources: Sequence[str], target: str, asked: PlanningContext
) -> FlowLogging:
    """The flow logs of ``resources``, the roles and log groups that a new one could use."""
    filters = [{"Name": "resource-id", "Values": list(resources)}]
    logs = []
    for page in client.pages(
        Call(service="ec2", operation="DescribeFlowLogs", region=region, parameters={"Filter": filters})
    ):
        for raw in page.data.get("FlowLogs", []):
            tags = tags_of(raw.get("Tags"))
            mine = ours(tags, target, asked) and asked.made_by(tags[TAG_CALL], str(raw["FlowLogId"]))
            failed = str(raw.get("DeliverLogsStatus", "")) == "FAILED"
            logs.append(
                FlowLog(
                    id=str(raw["FlowLogId"]),
                    resource=str(raw.get("ResourceId", "")),
                    traffic=str(raw.get("TrafficType", "")),
                    destination=str(raw.get("LogGroupName") or raw.get("LogDestination") or ""),
                    role=str(raw.get("DeliverLogsPermissionArn") or ""),
                    good=str(raw.get("FlowLogStatus", "")) == "ACTIVE" and not failed,
                    said=str(raw.get("DeliverLogsErrorMessage") or ""),
                    call=tags[TAG_CALL] if mine else "",
                    format=str(raw.get("LogFormat") or ""),
                    in_log_group=bool(raw.get("LogGroupName")),
                    interval=int(raw.get("MaxAggregationInterval") or 600),
                )
            )
    roles = _roles(client, region)
    own = next((arn for arn in roles if arn.endswith(f"/{OWN_ROLE}")), "")
    return FlowLogging(
        logs=tuple(sorted(logs, key=lambda log: log.id)),
        roles=tuple(arn for arn in roles if arn != own),
        log_groups=_log_groups(client, region),
        own_role=own,
        own_policy=bool(own) and _has_policy(client, region),
    )


def _has_policy(client: AwsClient, region: str) -> bool:
    call = Call(
        service="iam", operation="ListRolePolicies", region=iam_region(region), parameters={"RoleName": OWN_ROLE}
    )
    return any(OWN_POLICY in page.data.get("PolicyNames", []) for page in client.pages(call))


def _roles(client: AwsClient, region: str) -> tuple[str, ...]:
    """Roles whose trust policy names the flow log service."""
    found = []
    for page in client.pages(Call("iam", "ListRoles", iam_region(region))):
        for role in page.data.get("Roles", []):
            for statement in raw_statements(role.get("AssumeRolePolicyDocument")):
                if "vpc-flow-logs.amazonaws.com" in texts(at(statement, "Principal", "Service")):
                    found.append(str(role["Arn"]))
    return tuple(sorted(set(found)))


def _log_groups(client: AwsClient, region: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            str(group["logGroupName"])
            for page in client.pages(Call("logs", "DescribeLogGroups", region))
            for group in page.data.get("logGroups", [])
        )
    )
