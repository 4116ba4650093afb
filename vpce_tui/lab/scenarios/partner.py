"""A partner's role is taken over from the partner's side, and doors to somebody else's resources are built with it."""

import json
import random
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_parts import HOME, Facts, endpoint, group
from vpce_tui.lab.scenarios.ordinary import DAY
from vpce_tui.lab.scenarios.records import EventWriter, made
from vpce_tui.lab.scenarios.scenario import PIPELINE_CONTEXT, Scenario, Truth

PARTNER: Final = "777788889999"
THEIRS: Final = "203.0.113.140"
KEY: Final = "ASIALABPARTNER000001"
_AGENT: Final = "Boto3/1.34.84 md/Botocore#1.34.84 ua/2.0 os/macos#23.4.0 lang/python#3.12.2"


def build(clients: InProcess, account: str, now: datetime, facts: Facts) -> None:
    """The role that the partner may take; an endpoint to a database of theirs, one with them in its policy."""
    ec2, iam = clients.client("ec2", HOME), clients.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="partner-integration",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    guard = group(ec2, facts["vpc"], "replica-link", [(5432, 5432, "10.0.0.0/16")])
    facts["resource"] = f"arn:aws:vpc-lattice:{HOME}:{PARTNER}:resourceconfiguration/rcfg-0c1d2e3f4a5b6c7d8"
    facts["endpoints"]["door"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=34),
        VpcEndpointType="Resource",
        VpcId=facts["vpc"],
        ResourceConfigurationArn=facts["resource"],
        SubnetIds=[facts["subnet_data-a"]],
        SecurityGroupIds=[guard],
    )
    theirs = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:role/etl"},
                "Action": "*",
                "Resource": "*",
            }
        ],
    }
    facts["endpoints"]["guest"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=22),
        VpcEndpointType="Interface",
        VpcId=facts["vpc"],
        ServiceName=f"com.amazonaws.{HOME}.secretsmanager",
        SubnetIds=[facts["subnet_data-a"]],
        SecurityGroupIds=[facts["group_endpoints-443"]],
        PrivateDnsEnabled=True,
        PolicyDocument=json.dumps(theirs),
    )
    closed = ec2.create_route_table(VpcId=facts["vpc"])["RouteTable"]["RouteTableId"]
    facts["endpoints"]["closet"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=15),
        VpcEndpointType="Gateway",
        VpcId=facts["vpc"],
        ServiceName=f"com.amazonaws.{HOME}.dynamodb",
        RouteTableIds=[closed],
    )


def write(scribe: EventWriter, facts: Facts, _: random.Random) -> None:
    """The partner's usual nightly reading; then the role is used to build."""
    for days in (22, 17, 12, 8, 4, 2):
        usual = scribe.role("partner-integration", "nightly", f"ASIALABPARTNEROLD{days:03}")
        scribe.write(
            days * DAY + 90, HOME, "rds", "DescribeDBInstances", usual, ip="203.0.113.12", agent=_AGENT, read_only=True
        )
    taken = scribe.role("partner-integration", "nightly", KEY, minutes_old=50)
    theirs = {
        "type": "AWSAccount",
        "principalId": "AROAPARTNERETL:nightly",
        "accountId": PARTNER,
    }
    scribe.write(
        50,
        HOME,
        "sts",
        "AssumeRole",
        theirs,
        ip=THEIRS,
        agent=_AGENT,
        read_only=True,
        request={"roleArn": f"arn:aws:iam::{facts['account']}:role/partner-integration", "roleSessionName": "nightly"},
        response={"credentials": {"accessKeyId": KEY}, "assumedRoleUser": {"arn": taken["arn"]}},
        sharedEventID=scribe.identifier(),
    )

    def did(minutes_ago: float, source: str, name: str, **more: Any) -> Any:
        return scribe.write(minutes_ago, HOME, source, name, taken, ip=THEIRS, agent=_AGENT, **more)

    for minute, name in ((47, "DescribeVpcs"), (46, "DescribeSubnets"), (45, "DescribeSecurityGroups")):
        did(minute, "ec2", name, request={"filterSet": {}}, read_only=True)
    facts["event_door"] = made(scribe, facts, 34, HOME, taken, "door", THEIRS, _AGENT)
    shared = {"sharedEventID": scribe.identifier()}
    facts["event_guest"] = made(scribe, facts, 22, HOME, taken, "guest", THEIRS, _AGENT, **shared)
    facts["event_closet"] = made(scribe, facts, 15, HOME, taken, "closet", THEIRS, _AGENT)


SCENARIO: Final = Scenario(
    name="partner",
    build=build,
    write=write,
    truth=(
        Truth(
            subject="event_door",
            bad=True,
            what="endpoint to an external principal's database",
            reasons=("VPCE-12", "VPCE-14", "VPCE-32"),
        ),
        Truth(
            subject="event_guest",
            bad=True,
            what="an external principal's role in its policy",
            reasons=("VPCE-04", "VPCE-12", "VPCE-14", "VPCE-30"),
        ),
        Truth(
            subject="event_closet",
            bad=True,
            what="egress for instances that had none",
            reasons=("VPCE-02", "VPCE-14", "VPCE-22"),
        ),
        Truth("event_ssm", False, "the pipeline's endpoints"),
        Truth("event_pipeline_ap-southeast-2", False, "the pipeline's, elsewhere"),
        Truth("event_service", False, "made by RDS"),
        Truth("build-1", False, "a build instance"),
    ),
    context=PIPELINE_CONTEXT,
)
