"""A few hundred ordinary events of a working account, in four regions, over the last day."""

import itertools
import random
from typing import Any, Final

from vpce_tui.lab.scenarios.account_parts import ELSEWHERE, HOME, Facts
from vpce_tui.lab.scenarios.records import CONSOLE, TERRAFORM, EventWriter

_EVENTS: Final = 420
_SDK: Final = "Boto3/1.40.12 md/Botocore#1.40.12 ua/2.1 os/linux#6.1.112 md/arch#x86_64 lang/python#3.12.7"


def write(scribe: EventWriter, facts: Facts, chance: random.Random) -> None:
    """Write the noise."""
    regions = (HOME, *ELSEWHERE)
    monitor = scribe.role("monitoring", "i-0c0ffee0c0ffee000", "ASIALABMONITOR000001", ec2=True)
    web = scribe.role("web-app", facts["web_servers"][0], "ASIALABWEBONE0000001", ec2=True)
    carol = scribe.user("carol", "ASIALABCAROL00000001", mfa=True)
    pipeline = scribe.role("ci-network", "build-4699", "ASIALABPIPELINE00002", minutes_old=700)
    inside = facts["nat_address"]
    ordinary: tuple[tuple[str, str, Any, str, str, bool], ...] = (
        ("ec2", "DescribeInstances", monitor, inside, _SDK, True),
        ("ec2", "DescribeVolumes", monitor, inside, _SDK, True),
        ("monitoring", "GetMetricData", monitor, inside, _SDK, True),
        ("logs", "CreateLogStream", web, inside, _SDK, False),
        ("ssm", "UpdateInstanceInformation", web, inside, "aws-sdk-go/1.55.5 amazon-ssm-agent/", False),
        ("ec2", "DescribeSecurityGroups", carol, "192.0.2.18", CONSOLE, True),
        ("health", "DescribeEventAggregates", carol, "192.0.2.18", CONSOLE, True),
        ("ec2", "DescribeVpcs", pipeline, "192.0.2.40", TERRAFORM, True),
        ("ec2", "DescribeRouteTables", pipeline, "192.0.2.40", TERRAFORM, True),
        (
            "elasticloadbalancing",
            "DescribeTargetHealth",
            scribe.service("autoscaling"),
            "autoscaling.amazonaws.com",
            "autoscaling.amazonaws.com",
            True,
        ),
        ("sts", "AssumeRole", scribe.service("ec2"), "ec2.amazonaws.com", "ec2.amazonaws.com", True),
        ("kms", "GenerateDataKey", scribe.service("ebs"), "ebs.amazonaws.com", "ebs.amazonaws.com", True),
    )
    # the stolen session is not among them: what is known of it must come from elsewhere
    instances = itertools.cycle(item for item in facts["web_servers"] if item != facts["victim"])
    for _ in range(_EVENTS):
        source, name, who, ip, agent, read_only = chance.choice(ordinary)
        region = chance.choices(regions, weights=(5, 3, 2, 1))[0]
        asked = answered = None
        if name == "AssumeRole":  # EC2 hands a role's session to an instance that holds it, where the instance is
            region, instance = HOME, next(instances)
            asked = {"roleArn": f"arn:aws:iam::{scribe.account}:role/web-app", "roleSessionName": instance}
            session = f"arn:aws:sts::{scribe.account}:assumed-role/web-app/{instance}"
            answered = {"assumedRoleUser": {"arn": session, "assumedRoleId": f"AROAEXAMPLE:{instance}"}}
        scribe.write(
            chance.uniform(6, 1430),
            region,
            source,
            name,
            who,
            ip=ip,
            agent=agent,
            read_only=read_only,
            request=asked,
            response=answered,
        )
