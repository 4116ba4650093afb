"""What is found out once for many events is never another event's answer: judged together or alone, each is judged the same."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.rules import (
    AT,
    BOB,
    FOREIGN,
    HOME,
    LIMITED,
    LONG_AGO,
    OPEN,
    OTHER_ACCOUNT,
    OURS,
    OWN,
    SESSION,
    WORLD,
    allow,
    created,
    network,
    now,
    other,
    past,
    policy,
    region,
)
from vpce_tui.cloudtrail.event import Event, parse
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.detection.assessment import AssessedEvent, AssessmentInputs, assess_event
from vpce_tui.detection.team_context import Context
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.resources import SecurityGroupPermission

CI = {
    "type": "AssumedRole",
    "arn": f"arn:aws:sts::{OWN}:assumed-role/ci/one",
    "accountId": OWN,
    "accessKeyId": "ASIACI1",
    "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{OWN}:role/ci", "userName": "ci"}},
}
WHO: list[Any] = [
    BOB,
    SESSION,
    CI,
    {**CI, "accessKeyId": "ASIACI2", "arn": f"arn:aws:sts::{OWN}:assumed-role/ci/two"},
    {"type": "Root", "arn": f"arn:aws:iam::{OWN}:root", "accountId": OWN},
    {**BOB, "accessKeyId": "AKIABOB", "sessionContext": {"attributes": {"mfaAuthenticated": "false"}}},
    {"type": "AWSService", "invokedBy": "rds.amazonaws.com"},
    {"type": "AWSAccount", "accountId": OTHER_ACCOUNT, "principalId": "AIDA"},
    None,
    {},
    7,
]
SERVICES = [f"com.amazonaws.{HOME}.{name}" for name in ("s3", "sns", "ssm", "ssmmessages", "kms")] + [
    FOREIGN,
    "",
    "com.amazonaws.us-east-1.s3",
]
POLICIES = [None, LIMITED, OPEN, policy(allow(Action="s3:Get*")), policy(allow(Principal={"AWS": OTHER_ACCOUNT})), "{"]
MINUTES = [0, 1, 60, 61, 1439, 1440, 1441, 2880, 2881, 10_080, 10_081, 20_000, -5]
ENDPOINTS = ["vpce-1", "vpce-2", "vpce-3", ""]
CHANGES: list[dict[str, Any]] = [
    {},
    {"errorCode": "Client.UnauthorizedOperation"},
    {"errorCode": "Client.DryRunOperation"},
    {"awsRegion": "us-east-1"},
    {"awsRegion": None},
    {"recipientAccountId": OTHER_ACCOUNT},
    {"sharedEventID": "s-1"},
    {"sourceIPAddress": "198.51.100.7"},
    {"userAgent": "Boto3/1 kali"},
    {"userAgent": "Terraform/1"},
    {"eventTime": None},
    {"sessionCredentialFromConsole": "true"},
]
ASKED: list[dict[str, Any]] = [
    {},
    {"VpcEndpointType": "Gateway"},
    {"VpcEndpointType": "GatewayLoadBalancer"},
    {"VpcId": "vpc-2"},
    {"VpcId": None},
    {"PrivateDnsEnabled": True},
    {"SubnetId": "subnet-2"},
    {"SecurityGroupId": None},
    {"RouteTableId": "rtb-1"},
    {"ServiceRegion": "us-east-1"},
    {"TagSpecification": {"Tag": {"Key": "owner", "Value": "net"}}},
]
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("CreateUser", "iam", {"requestParameters": {"userName": "bob"}}),
    ("StopLogging", "cloudtrail", {}),
    ("RunInstances", "ec2", {}),
    ("CreateAccessKey", "iam", {"responseElements": {"accessKey": {"accessKeyId": "AKIABOB"}}}),
    ("PutObject", "s3", {"vpcEndpointId": "vpce-1"}),
    ("ModifyVpcEndpoint", "ec2", {"requestParameters": {"VpcEndpointId": "vpce-1", "PolicyDocument": OPEN}}),
    ("SendCommand", "ssm", {}),
    (
        "UpdateAssumeRolePolicy",
        "iam",
        {"requestParameters": {"policyDocument": policy(allow(Principal={"AWS": OTHER_ACCOUNT}))}},
    ),
]


def night(seed: int) -> tuple[list[Event], AssessmentInputs]:
    """Some events and what is known, of everything that rules look at."""
    chance = random.Random(seed)
    pick = chance.choice
    # few of each, so that many events are alike in all but one thing
    services, policies, asked = chance.sample(SERVICES, 2), chance.sample(POLICIES, 2), chance.sample(ASKED, 2)
    changes, who = chance.sample(CHANGES, 4), chance.sample(WHO, 3)
    events: list[Event] = []
    for number in range(20):
        made = created(
            pick(services),
            pick(policies),
            minutes=pick(MINUTES),
            who=pick(who),
            request=pick(asked),
            eventID=f"e{number}",
            **pick(changes),
        )
        record = made.record
        if record.get("responseElements"):
            record["responseElements"]["CreateVpcEndpointResponse"]["vpcEndpoint"]["vpcEndpointId"] = pick(ENDPOINTS)
        events.append(parse(record))
    for number in range(8):
        name, source, more = pick(CALLS)
        events.append(other(name, source, pick(MINUTES), pick(who), eventID=f"o{number}", **more))
    answered = past(
        *events,
        asked=pick([("*",), (), ("EventName=CreateVpcEndpoint", "ReadOnly=false", "AccessKeyId=ASIACI1")]),
        since=pick([LONG_AGO, AT - timedelta(days=7)]),
        missing=pick([(), ("us-east-1",)]),
        cut=pick([(), (HOME,)]),
    )
    ends = {
        "vpce-1": now(policy=pick([OPEN, LIMITED]), requester_managed=pick([True, False])),
        "vpce-2": now(id="vpce-2"),
    }
    net = network(
        *pick([(), (SecurityGroupPermission(protocol="tcp", from_port=22, to_port=22, peer=WORLD),)]),
        endpoints=ends,
        owners=pick([{}, {FOREIGN: OWN}]),
        unknown=pick([{}, {"groups": "denied"}]),
    )
    regions = pick([None, {HOME: region(net=net), "us-east-1": Region("us-east-1")}])
    context = Context(pipelines=pick([(), (("*role/ci*", "Terraform*"),)]))
    return events, AssessmentInputs(
        past=answered, regions=regions, trust_zone=OURS, roles=None, context=context, now=AT
    )


def said(assessed: AssessedEvent) -> Any:
    found = assessed.assessment
    return found.severity, found.signals, sorted(found.unknown), sorted(found.fine)


@pytest.mark.parametrize("seed", range(40))
def test_judged_together_or_alone_an_event_is_judged_the_same(seed: int) -> None:
    events, known = night(seed)
    shuffled = random.Random(seed).sample(events, len(events))
    together = {event.id: said(assess_event(event, known)) for event in shuffled}
    for event in events:
        alone = replace(known, past=EventIndex(known.past.events, known.past.answered))
        assert said(assess_event(event, alone)) == together[event.id], event.id


def test_what_is_alike_is_found_out_once() -> None:
    known = AssessmentInputs(past(), {HOME: region()}, OURS, now=AT)
    one, two = (
        created(eventID="a"),
        created(eventID="b", minutes=9, request={"TagSpecification": {"Tag": {"Key": "Name", "Value": "b"}}}),
    )
    assert known.facts_cache.endpoint_facts(one, one.request) is known.facts_cache.endpoint_facts(two, two.request)  # type: ignore[arg-type]
    assert known.facts_cache.caller_facts(one) is known.facts_cache.caller_facts(two)


@pytest.mark.parametrize("gone", [True, False])
def test_an_event_says_whether_its_endpoint_is_gone(gone: bool) -> None:
    here = region(net=network(endpoints={} if gone else {"vpce-1": now()}))
    found = assess_event(created(), AssessmentInputs(past(), {HOME: here}, OURS, now=AT))
    assert found.endpoint_gone is gone
