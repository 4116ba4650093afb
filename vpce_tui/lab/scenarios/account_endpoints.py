"""The VPC endpoints of the account on an ordinary day."""

import json
from datetime import datetime, timedelta
from typing import Any

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_parts import (
    ELSEWHERE,
    HOME,
    ORGANISATION,
    Facts,
    endpoint,
    group,
)


def record_flows_elsewhere(clients: InProcess, account: str) -> None:
    """Flow logs of the networks elsewhere; what they record is not asked in any scenario."""
    for region in ELSEWHERE:
        local, logs = clients.client("ec2", region), clients.client("logs", region)
        logs.create_log_group(logGroupName="/vpc/platform")
        local.create_flow_logs(
            ResourceIds=[local.describe_vpcs()["Vpcs"][0]["VpcId"]],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName="/vpc/platform",
            DeliverLogsPermissionArn=f"arn:aws:iam::{account}:role/flow-logs",
        )


def policy_with_limits() -> str:
    """Own organization's principals and resources only."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OwnOrganizationOnly",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {"aws:PrincipalOrgID": ORGANISATION, "aws:ResourceOrgID": ORGANISATION}
                    },
                }
            ],
        }
    )


def create_endpoints(clients: InProcess, account: str, now: datetime, facts: Facts, *, tidy: bool) -> None:
    ec2 = clients.client("ec2", HOME)
    vpc, private = facts["vpc"], [facts["subnet_app-a"], facts["subnet_app-b"]]
    made: dict[str, Any] = facts["endpoints"]
    for service in ("sts", "logs", "ssm"):
        made[f"pipeline_{service}"] = endpoint(
            ec2,
            account,
            HOME,
            now - timedelta(hours=3, minutes=4),
            VpcEndpointType="Interface",
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{HOME}.{service}",
            SubnetIds=private,
            SecurityGroupIds=[facts["group_endpoints-443"]],
            PrivateDnsEnabled=True,
            PolicyDocument=policy_with_limits(),
        )
    for region, service in (("us-east-1", "sqs"), ("us-west-2", "ecr.api"), ("ap-southeast-2", "logs")):
        local = clients.client("ec2", region)
        home = local.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
        guard = group(local, home, "endpoints-443", [(443, 443, "172.31.0.0/16")])
        made[f"pipeline_{region}"] = endpoint(
            local,
            account,
            region,
            now - timedelta(hours=5),
            VpcEndpointType="Interface",
            VpcId=home,
            ServiceName=f"com.amazonaws.{region}.{service}",
            SubnetIds=[subnet],
            SecurityGroupIds=[guard],
            PrivateDnsEnabled=True,
            PolicyDocument=policy_with_limits(),
        )
    local = clients.client("ec2", "us-east-1")
    home = local.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
    made["bob"] = endpoint(
        local,
        account,
        "us-east-1",
        now - timedelta(hours=2),
        VpcEndpointType="Interface",
        VpcId=home,
        ServiceName="com.amazonaws.us-east-1.sns",
        SubnetIds=[subnet],
        SecurityGroupIds=[group(local, home, "bob-test", [(443, 443, "172.31.0.0/16")])],
        PrivateDnsEnabled=False,
        **({"PolicyDocument": policy_with_limits()} if tidy else {}),
    )
