"""A stolen session again, in an account that cannot be looked at whole: a region is denied, the trail was stopped, parts are refused."""

import random
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_parts import HOME, Facts, endpoint
from vpce_tui.lab.scenarios.records import EventWriter, create_endpoint, made
from vpce_tui.lab.scenarios.scenario import PIPELINE_CONTEXT, Scenario, Truth

INTRUDER: Final = "198.51.100.77"
_AGENT: Final = "aws-cli/2.17.9 md/awscrt#0.20.11 ua/2.0 os/windows#10 md/arch#amd64 lang/python#3.11.9"


def build(clients: InProcess, account: str, now: datetime, facts: Facts) -> None:
    """One open gateway endpoint."""
    facts["endpoints"]["quiet"] = endpoint(
        clients.client("ec2", HOME),
        account,
        HOME,
        now - timedelta(minutes=27),
        VpcEndpointType="Gateway",
        VpcId=facts["vpc"],
        ServiceName=f"com.amazonaws.{HOME}.dynamodb",
        RouteTableIds=[facts["route_table"]],
    )


def write(scribe: EventWriter, facts: Facts, _: random.Random) -> None:
    """The session stops the trail, waits, and builds."""
    stolen = scribe.role("web-app", facts["web_servers"][0], "ASIALABQUIET00000001", minutes_old=90, ec2=True)

    def did(minutes_ago: float, source: str, name: str, **more: Any) -> Any:
        return scribe.write(minutes_ago, HOME, source, name, stolen, ip=INTRUDER, agent=_AGENT, **more)

    did(58, "sts", "GetCallerIdentity", read_only=True)
    did(55, "cloudtrail", "StopLogging", request={"name": "main"})
    facts["event_quiet"] = made(scribe, facts, 27, HOME, stolen, "quiet", INTRUDER, _AGENT)
    facts["web_server"] = facts["web_servers"][0]
    root = {
        "type": "Root",
        "principalId": facts["account"],
        "arn": f"arn:aws:iam::{facts['account']}:root",
        "accountId": facts["account"],
    }
    asked, answer = create_endpoint(
        {
            "VpcId": "vpc-0c0ffee0c0ffee000",
            "ServiceName": "com.amazonaws.us-west-2.sqs",
            "VpcEndpointType": "Interface",
        },
        {
            "VpcEndpointId": "vpce-0c0ffee0c0ffee000",
            "VpcId": "vpc-0c0ffee0c0ffee000",
            "ServiceName": "com.amazonaws.us-west-2.sqs",
        },
    )
    record = scribe.write(
        19, "us-west-2", "ec2", "CreateVpcEndpoint", root, ip=INTRUDER, agent=_AGENT, request=asked, response=answer
    )
    facts["event_root"] = str(record["eventID"])


SCENARIO: Final = Scenario(
    name="gaps",
    build=build,
    write=write,
    truth=(
        Truth(
            subject="event_quiet",
            bad=True,
            what="open gateway endpoint by a stolen session",
            reasons=("VPCE-02", "VPCE-07", "VPCE-08", "VPCE-24"),
        ),
        Truth(
            subject="web_server",
            bad=True,
            what="the instance whose credentials were stolen",
            reasons=("INST-02", "INST-03"),
        ),
        Truth(
            subject="event_root", bad=True, what="created by root, and already deleted", reasons=("VPCE-09", "VPCE-28")
        ),
        Truth("event_sts", False, "the pipeline's endpoints"),
        Truth("event_service", False, "made by RDS"),
    ),
    context=PIPELINE_CONTEXT,
    gaps=("ap-southeast-2", "eu-west-1"),
    faults=("denied@LookupEvents%ap-southeast-2:1000000", "denied@DescribeRouteTables%eu-west-1:1000000"),
)
