"""What tables of rules are made of: records, networks, pasts, instances. Each builder's defaults raise nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from vpce_tui.cloudtrail.event import Event, parse
from vpce_tui.cloudtrail.event_index import Answered, EventIndex
from vpce_tui.detection.endpoint import CALLER_RULES, ENDPOINT_RULES
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts
from vpce_tui.detection.endpoint.facts_cache import FactsCache
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.networks import Acl, AclEntry, Network, Routes, Subnet, Vpc
from vpce_tui.inventory.resources import Endpoint, Instance, Interface, SecurityGroup, SecurityGroupPermission, Volume

HOME, OWN, OTHER_ACCOUNT = "eu-west-1", "123456789012", "999999999999"
AT = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
LONG_AGO = AT - timedelta(days=30)
FOREIGN = "com.amazonaws.vpce.eu-west-1.vpce-svc-0f3c9a1b2d4e5f607"
WORLD = "0.0.0.0/0"
INSTANCE_ID = "i-0a1b2c3d4e5f60718"
BOB = {
    "type": "IAMUser",
    "arn": f"arn:aws:iam::{OWN}:user/bob",
    "userName": "bob",
    "accountId": OWN,
    "accessKeyId": "ASIABOB",
    "sessionContext": {"attributes": {"mfaAuthenticated": "true"}},
}
SESSION = {
    "type": "AssumedRole",
    "arn": f"arn:aws:sts::{OWN}:assumed-role/web/{INSTANCE_ID}",
    "accountId": OWN,
    "accessKeyId": "ASIAWEB",
    "sessionContext": {
        "sessionIssuer": {"arn": f"arn:aws:iam::{OWN}:role/web", "userName": "web"},
        "ec2RoleDelivery": "2.0",
    },
}
OURS = TrustZone(frozenset({OWN}), frozenset({"o-ours"}), frozenset({"assets"}))


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def allow(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **changes}


LIMITS = {"StringEquals": {"aws:PrincipalOrgID": "o-ours", "aws:ResourceOrgID": "o-ours"}}
SECURE = {"Bool": {"aws:SecureTransport": "true"}}
LIMITED = policy(allow(Condition={**LIMITS, **SECURE}))
OPEN = policy(allow())


def when(minutes: float = 0) -> str:
    """A time, so many minutes before the event's."""
    return f"{AT - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def record(name: str, source: str = "ec2", minutes: float = 0, who: Any = BOB, **more: Any) -> dict[str, Any]:
    """A record of a call, so many minutes before the event."""
    return {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": when(minutes),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": HOME,
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "console.amazonaws.com",
        "readOnly": False,
        "eventID": f"{name}-{minutes}",
        "eventType": "AwsApiCall",
        "recipientAccountId": OWN,
        **more,
    }


def other(name: str, source: str = "ec2", minutes: float = 60, who: Any = BOB, **more: Any) -> Event:
    return parse(record(name, source, minutes, who, **more))


_DEFAULT = object()


def created(
    service: str = f"com.amazonaws.{HOME}.sns",
    rules: Any = _DEFAULT,
    *,
    minutes: float = 0,
    who: Any = BOB,
    answer: bool = True,
    request: dict[str, Any] | None = None,
    **more: Any,
) -> Event:
    """A ``CreateVpcEndpoint`` event of an interface endpoint with limits, a group and no private DNS."""
    asked: dict[str, Any] = {
        "VpcId": "vpc-1",
        "ServiceName": service,
        "VpcEndpointType": "Interface",
        "SecurityGroupId": {"tag": 1, "content": "sg-1"},
        "SubnetId": {"tag": 1, "content": "subnet-1"},
        **(request or {}),
    }
    text = LIMITED if rules is _DEFAULT else rules
    if text is not None:
        asked["PolicyDocument"] = text
    asked = {key: value for key, value in asked.items() if value is not None}
    made = {
        "CreateVpcEndpointResponse": {
            "vpcEndpoint": {"vpcEndpointId": "vpce-1", "vpcId": "vpc-1", "serviceName": service}
        }
    }
    found = record("CreateVpcEndpoint", minutes=minutes, who=who, **more)
    found["requestParameters"] = {"CreateVpcEndpointRequest": asked}
    found["responseElements"] = made if answer and "errorCode" not in more else None
    return parse(found)


EMPTY = parse(
    {
        **record("CreateVpcEndpoint", who=None),
        "requestParameters": None,
        "responseElements": None,
        "sourceIPAddress": None,
        "userAgent": None,
        "awsRegion": None,
    }
)
"""The record with every field absent that it can do without."""


def past(
    *events: Event, asked: Any = ("*",), since: datetime = LONG_AGO, missing: Any = (), cut: Any = ()
) -> EventIndex:
    """A past in which these questions were answered: everything, unless said otherwise."""
    answer = Answered(since=since, regions=frozenset(), missing=frozenset(missing), cut=frozenset(cut))
    return EventIndex(events, dict.fromkeys(asked, answer))


def network(*ingress: SecurityGroupPermission, group: str = "g", **changes: Any) -> Network:
    """One VPC with an endpoint in a subnet: flow logs, an ACL of its own, encryption enforced, a group that lets in the VPC."""
    rules = ingress or (SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="10.0.0.0/16"),)
    made: dict[str, Any] = {
        "vpcs": {
            "vpc-1": Vpc(id="vpc-1", owner=OWN, blocks=("10.0.0.0/16",), tags={"Name": "dev"}, encryption="enforce")
        },
        "subnets": {"subnet-1": Subnet("subnet-1")},
        "acls": (
            Acl(
                id="acl-1",
                default=False,
                entries=(AclEntry(number=100, egress=False, allow=True, protocol="6", block="10.0.0.0/16"),),
                subnets=("subnet-1",),
            ),
        ),
        "tables": {"rtb-1": Routes("rtb-1", ("subnet-1",), (("10.0.0.0/16", "local"), (WORLD, "nat-1")))},
        "groups": {"sg-1": SecurityGroup(id="sg-1", name=group, vpc_id="vpc-1", region=HOME, ingress=tuple(rules))},
        "endpoints": {"vpce-1": now()},
        "recorded": frozenset({"vpc-1"}),
        "nat": {"vpc-1": ("203.0.113.9",)},
        "addresses": {"eni-9": "10.0.1.9"},
    }
    return Network(**{**made, **changes})


def now(**changes: Any) -> Endpoint:
    """The endpoint as it is now."""
    made = Endpoint(
        id="vpce-1",
        region=HOME,
        account=OWN,
        type="Interface",
        service=f"com.amazonaws.{HOME}.sns",
        state="available",
        vpc_id="vpc-1",
        groups=("sg-1",),
        subnets=("subnet-1",),
        route_tables=(),
        interfaces=("eni-9",),
        policy=LIMITED,
        private_dns=False,
        tags={"owner": "net"},
    )
    return replace(made, **changes)


def region(*ingress: SecurityGroupPermission, net: Network | None = None, **changes: Any) -> Region:
    made: dict[str, Any] = {"network": net or network(*ingress), "instances": (make_instance(),)}
    return Region(HOME, **{**made, **changes})


def make_instance(**changes: Any) -> Instance:
    """An instance that nothing is to be said against."""
    made: dict[str, Any] = {
        "id": INSTANCE_ID,
        "region": HOME,
        "account": OWN,
        "state": "running",
        "type": "m6i.large",
        "vpc_id": "vpc-1",
        "subnet_id": "subnet-7",
        "private_ip": "10.0.1.17",
        "interfaces": (
            Interface(
                id="eni-1",
                private_ip="10.0.1.17",
                public_ip="",
                subnet_id="subnet-7",
                vpc_id="vpc-1",
                groups=("sg-1",),
                primary=True,
            ),
        ),
        "http_tokens": "required",
        "profile_arn": f"arn:aws:iam::{OWN}:instance-profile/web",
        "image_id": "ami-1",
        "launched": AT - timedelta(days=40),
        "volumes": (Volume("vol-1", "/dev/xvda", True),),
        "tags": {"owner": "web"},
    }
    return Instance(**{**made, **changes})


def see(event: Event, **more: Any) -> EventFacts:
    """What rules about an event see: everything was looked at, and nothing else is there."""
    here, told, trust_zone = more.pop("region", region()), more.pop("context", Context()), more.pop("trust_zone", OURS)
    before = more.pop("past", past())
    assert event.request is not None
    machines = {INSTANCE_ID: held} if (held := more.pop("machine", None)) else {}
    flows = {event.request.endpoint_id: held} if (held := more.pop("traffic", None)) else {}
    known = FactsCache(
        regions={event.region: here} if here else None,
        context=told,
        trust_zone=trust_zone,
        past=before,
        instances_by_id=machines,
        roles=None,
        traffic=flows,
    )
    return EventFacts(
        event=event,
        endpoint_facts=known.endpoint_facts(event, event.request),
        caller_facts=known.caller_facts(event),
        past=before,
        **more,
    )


def says(rule: Any, subject: EventFacts) -> Any:
    """What one rule about an event says."""
    return rule.check(
        subject.endpoint_facts if rule in ENDPOINT_RULES else subject.caller_facts if rule in CALLER_RULES else subject
    )
