"""How fast judging is: ``python -m tests.bench.signals``. Each figure beside a floor measured in the same run."""

import json
import os
import platform
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.rules import (
    AT,
    BOB,
    HOME,
    LIMITED,
    OPEN,
    OWN,
    SESSION,
    STRANGER,
    allow,
    created,
    machine,
    network,
    now,
    other,
    policy,
    record,
    region,
)
from vpce_tui.aws.call import Answer, Call, Identity
from vpce_tui.cli.main import tune_gc
from vpce_tui.cloudtrail.event import parse, parse_text
from vpce_tui.detection.assessment import AssessmentInputs, assess_events, assess_instances, ours_of, whole_past
from vpce_tui.detection.pivot import Relation, related, relations
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.role_privileges import IamRole, IamRoles
from vpce_tui.inventory.account_inventory import Region, look
from vpce_tui.inventory.resources import Interface, SecurityGroup, SecurityGroupPermission


def best(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds of one core."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


LIVE = 500
"""Endpoints that are there now: those of the newest events."""
_SERVICES = (
    "sns",
    "s3",
    "ssm",
    "sts",
    "kms",
    "sqs",
    "logs",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "secretsmanager",
    "dynamodb",
    "lambda",
)


def records(count: int, *, bad: float, alike: bool = True) -> list[str]:
    """Endpoint events of a few hundred principals over a month, each of an endpoint of its own.

    A principal has three addresses. ``bad``: the share that an instance's stolen session made, that was refused, and that came
    from a new address. ``alike``: they ask for some thousand different things, as pipelines do that build the same in each VPC;
    else each asks for something else.
    """
    chance = random.Random(7)
    policies = [
        None,
        OPEN,
        LIMITED,
        *(
            policy(
                allow(
                    Action="s3:*",
                    Resource=f"arn:aws:s3:::bucket-{n}/*",
                    Principal={"AWS": STRANGER if n % 9 == 0 else OWN},
                )
            )
            for n in range(50)
        ),
    ]
    found = []
    for number in range(count):
        who: Any = {
            **BOB,
            "arn": f"arn:aws:iam::{OWN}:user/u{number % 300}",
            "userName": f"u{number % 300}",
            "accessKeyId": f"ASIA{number % 900}",
            "principalId": f"AIDA{number % 300}",
            "sessionContext": {"attributes": {"creationDate": "2026-01-31T01:00:00Z", "mfaAuthenticated": "true"}},
        }
        if chance.random() < bad:
            who = SESSION
        vpc, service = f"vpc-{chance.randrange(40)}", chance.choice(_SERVICES)
        subnets = {"content": f"subnet-{vpc}-{chance.randrange(3) if alike else number}"}
        event = created(
            f"com.amazonaws.{HOME}.{service}",
            policies[(int(vpc[4:]) * 13 + _SERVICES.index(service)) % len(policies)]
            if chance.random() < 0.98
            else chance.choice(policies),
            request={
                "VpcId": vpc,
                "SubnetId": subnets,
                "TagSpecification": {"Tag": {"Key": "Name", "Value": f"n{number}"}},
            },
            minutes=chance.uniform(0, 43_000),
            who=who,
            eventID=f"e-{number}",
            sourceIPAddress=f"192.0.2.{number % 300 % 80 * 3 + chance.randrange(3)}"
            if chance.random() >= bad
            else f"198.51.100.{chance.randrange(250)}",
            userAgent="aws-cli/2.22.4 md/awscrt#0.22.0 os/linux",
            tlsDetails={
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": "ec2.eu-west-1.amazonaws.com",
            },
            requestID=f"r-{number}",
            managementEvent=True,
            eventCategory="Management",
            **({"errorCode": "Client.UnauthorizedOperation"} if chance.random() < bad else {}),
        )
        record = event.record
        if not event.error_code:
            record["responseElements"] = answer(number, vpc, service, event.request.policy if event.request else None)
        found.append(json.dumps(record, separators=(",", ":")))
    return found


def answer(number: int, vpc: str, service: str, rules: str | None) -> dict[str, Any]:
    """What EC2 answers to ``CreateVpcEndpoint``, with the parts that its API reference names."""
    names = [
        f"vpce-{number}-abcdefgh.{service}.{HOME}.vpce.amazonaws.com",
        f"vpce-{number}-abcdefgh-{HOME}a.{service}.{HOME}.vpce.amazonaws.com",
    ]
    made = {
        "creationTimestamp": "2026-01-31T01:59:58Z",
        "dnsEntrySet": {"item": [{"dnsName": name, "hostedZoneId": "Z38GZ743OKFT7T"} for name in names]},
        "dnsOptions": {"dnsRecordIpType": "ipv4"},
        "groupSet": {"item": {"groupId": "sg-1", "groupName": "g"}},
        "ipAddressType": "ipv4",
        "networkInterfaceIdSet": {"item": f"eni-{number:017x}"},
        "ownerId": OWN,
        "policyDocument": rules or OPEN,
        "privateDnsEnabled": False,
        "requesterManaged": False,
        "routeTableIdSet": "",
        "serviceName": f"com.amazonaws.{HOME}.{service}",
        "state": "pending",
        "subnetIdSet": {"item": f"subnet-{vpc}-0"},
        "tagSet": "",
        "vpcEndpointId": f"vpce-{number}",
        "vpcEndpointType": "Interface",
        "vpcId": vpc,
    }
    return {
        "CreateVpcEndpointResponse": {
            "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
            "requestId": f"r-{number}",
            "vpcEndpoint": made,
        }
    }


def judging(what: str, count: int = 50_000, *, bad: float, alike: bool = True) -> str:
    texts = records(count, bad=bad, alike=alike)
    floor = best(lambda: [json.loads(text) for text in texts])
    events = [parse_text(text) for text in texts]
    live = {name: now(id=name, vpc_id=f"vpc-{n % 40}") for n in range(LIVE) if (name := f"vpce-{n}")}
    vpcs = {name: replace(network().vpcs["vpc-1"], id=name) for n in range(40) if (name := f"vpc-{n}")}
    here = region(net=network(endpoints=live, vpcs=vpcs))
    calls = [
        {**_call(number), "eventSource": f"{_SERVICES[number % len(_SERVICES)]}.amazonaws.com"}
        for number in range(130_000, 130_500)
    ]
    past = whole_past([*events, *(parse(call) for call in calls), *(parse(_call(number)) for number in range(500))])

    def assessed() -> object:
        return assess_events(
            events,
            AssessmentInputs(
                past=past, regions={HOME: here}, ours=ours_of(events, Context()), roles=None, context=Context(), now=AT
            ),
        )

    began = time.process_time()
    assessed()
    first = time.process_time() - began
    taken = best(assessed)
    return f"{count:,} endpoint events, {what}: {taken:.2f} s, and {first - taken:.2f} s once for what else happened; parsing their JSON {floor:.2f} s: {taken / floor:.2f}x (bounds: 1 s, 1.5x)"


def growth() -> str:
    """Each rule's worst case: everything by one principal, in one session, region and VPC, within an hour."""

    def took(count: int) -> float:
        events = [
            parse(
                {
                    **record("CreateVpcEndpoint", minutes=number / count * 50, who=SESSION, eventID=f"e-{number}"),
                    "requestParameters": {
                        "CreateVpcEndpointRequest": {"VpcId": "vpc-1", "ServiceName": f"com.amazonaws.{HOME}.ssm"}
                    },
                    **({"errorCode": "Client.UnauthorizedOperation"} if number % 3 == 0 else {}),
                }
            )
            for number in range(count)
        ]
        at = [number / count * 50 for number in range(count)]
        events += [
            other("CreateUser", "iam", minutes, SESSION, requestParameters={"userName": f"u{minutes}"})
            for minutes in at
        ]
        events += [
            other("ModifyVpcEndpoint", minutes=minutes, who=SESSION, requestParameters={"VpcEndpointId": "vpce-1"})
            for minutes in at
        ]
        known = AssessmentInputs(
            past=whole_past(events),
            regions={HOME: region()},
            ours=ours_of(events, Context()),
            roles=None,
            context=Context(),
            now=AT,
        )
        return best(lambda: assess_events(events, known), 1)

    took(300)
    small, large = took(1_000), took(8_000)
    return f"one principal's 1,000 endpoints, users and changes {small:.2f} s, 8,000 of each {large:.2f} s: {large / small:.1f}x for 8x"


def instances(count: int = 5_000) -> str:
    chance = random.Random(7)
    groups = {
        f"sg-{n}": SecurityGroup(
            id=f"sg-{n}",
            name=f"g{n}",
            vpc_id="vpc-1",
            region=HOME,
            ingress=tuple(
                SecurityGroupPermission(
                    protocol="tcp", from_port=port, to_port=port, peer=chance.choice(("10.0.0.0/8", "0.0.0.0/0"))
                )
                for port in (22, 443, 5432)
            ),
        )
        for n in range(400)
    }
    machines = []
    for n in range(count):
        nic = Interface(
            id=f"eni-{n}",
            private_ip=f"10.0.{n // 250}.{n % 250}",
            public_ip="203.0.113.5" if n % 9 == 0 else "",
            subnet_id=f"subnet-{n % 40}",
            vpc_id="vpc-1",
            groups=(f"sg-{n % 400}", f"sg-{(n * 7) % 400}"),
        )
        machines.append(
            machine(
                id=f"i-{n:017x}",
                interfaces=(nic,),
                subnet_id=nic.subnet_id,
                http_tokens="optional" if n % 3 else "required",
                profile_arn=f"arn:p/{n % 100}",
            )
        )
    document = json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": ["s3:*", "ec2:Describe*", "logs:*"], "Resource": "*"}] * 5}
    )
    held = {
        f"r{n}": IamRole(name=f"r{n}", arn="", trust="", policies=tuple((f"p{part}", document) for part in range(4)))
        for n in range(100)
    }
    roles = IamRoles(held, {f"arn:p/{n}": f"r{n}" for n in range(100)})
    ends = {f"vpce-{n}": replace(now(), id=f"vpce-{n}") for n in range(500)}
    here: Region = region(net=network(groups=groups, endpoints=ends), instances=tuple(machines))
    events = [
        other("ModifyInstanceAttribute", minutes=n, requestParameters={"instanceId": f"i-{n % count:017x}"})
        for n in range(2_000)
    ]
    known = AssessmentInputs(
        past=whole_past(events),
        regions={HOME: here},
        ours=ours_of(events, Context()),
        roles=roles,
        context=Context(),
        now=AT,
    )
    bad = assess_events([created(eventID=f"b{n}", rules=OPEN, who=SESSION) for n in range(20)], known)
    floor = best(
        lambda: [
            json.loads(json.dumps({"Groups": [str(nic) for nic in item.interfaces], "Tags": dict(item.tags)}))
            for item in machines
        ]
    )
    taken = best(lambda: assess_instances(known, bad), int(os.environ.get("RUNS", "3")))
    return f"{count:,} instances with 400 groups, 100 roles of 4 policies, 500 endpoints: {taken:.2f} s (bound 1 s; writing and reading a line of JSON for each: {floor:.2f} s)"


class Pages:
    """A caller whose answers are at hand: what is left is our own share of a look at an account."""

    def __init__(self, pages: dict[str, list[dict[str, Any]]]) -> None:
        self._pages = pages

    def identity(self) -> Identity:
        return Identity(OWN, f"arn:aws:iam::{OWN}:user/bench", "x")

    def pages(self, call: Call, **_: Any) -> Iterator[Answer]:
        for data in self._pages.get(call.operation, [{}]):
            yield Answer(data=data, request_id="r", aws_time=None, seconds=0.0)

    def read(self, call: Call) -> Answer:
        return next(self.pages(call))


def inventory(count: int = 5_000) -> str:
    raw = [
        {
            "InstanceId": f"i-{n:017x}",
            "State": {"Name": "running"},
            "InstanceType": "m6i.large",
            "ImageId": "ami-1",
            "VpcId": f"vpc-{n % 40}",
            "SubnetId": f"subnet-{n % 120}",
            "PrivateIpAddress": f"10.0.{n // 250}.{n % 250}",
            "LaunchTime": AT,
            "MetadataOptions": {"HttpTokens": "required"},
            "NetworkInterfaces": [
                {
                    "NetworkInterfaceId": f"eni-{n}",
                    "PrivateIpAddress": f"10.0.{n // 250}.{n % 250}",
                    "SubnetId": f"subnet-{n % 120}",
                    "VpcId": f"vpc-{n % 40}",
                    "Groups": [{"GroupId": f"sg-{n % 400}"}],
                    "Attachment": {"DeviceIndex": 0},
                }
            ],
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": f"vol-{n}", "DeleteOnTermination": True}}
            ],
            "Tags": [{"Key": "Name", "Value": f"web-{n}"}, {"Key": "team", "Value": "x"}],
        }
        for n in range(count)
    ]
    ends = [
        {
            "VpcEndpointId": f"vpce-{n:017x}",
            "VpcEndpointType": "Interface",
            "ServiceName": f"com.amazonaws.{HOME}.sns",
            "State": "available",
            "VpcId": f"vpc-{n % 40}",
            "Groups": [{"GroupId": f"sg-{n % 400}"}],
            "SubnetIds": [f"subnet-{n % 120}"],
            "NetworkInterfaceIds": [f"eni-e{n}"],
            "PolicyDocument": OPEN,
        }
        for n in range(500)
    ]
    groups = [
        {
            "GroupId": f"sg-{n}",
            "GroupName": f"g{n}",
            "VpcId": f"vpc-{n % 40}",
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
                for port in (22, 443)
            ],
        }
        for n in range(400)
    ]
    pages = {
        "DescribeInstances": [
            {"Reservations": [{"OwnerId": OWN, "Instances": raw[at : at + 1_000]}]} for at in range(0, count, 1_000)
        ],
        "DescribeVpcEndpoints": [{"VpcEndpoints": ends}],
        "DescribeSecurityGroups": [{"SecurityGroups": groups}],
        "DescribeVpcs": [{"Vpcs": [{"VpcId": f"vpc-{n}", "CidrBlock": "10.0.0.0/16"} for n in range(40)]}],
    }
    found = look(Pages(pages), [HOME]).regions[HOME]  # type: ignore[arg-type]
    assert (len(found.instances), len(found.network.endpoints), found.network.unknown) == (count, 500, {})
    text = json.dumps(pages, default=str)
    floor = best(lambda: json.loads(text))
    taken = best(lambda: look(Pages(pages), [HOME]))  # type: ignore[arg-type,return-value]
    return f"{count:,} instances, 500 endpoints, 400 groups, from AWS's pages to ours: {taken:.2f} s of ours; reading them as JSON {floor:.2f} s"


def pivots(count: int = 100_000) -> str:
    texts = [json.dumps(_call(number)) for number in range(count)]
    events = [parse_text(text) for text in texts]
    past = whole_past(events)
    subject = events[count // 2]
    rows = []
    warm = best(lambda: [related(past, relation) for relation in relations(subject)], 1)
    for relation in [*relations(subject), Relation("VPC", "vpc-0aa11bb22cc33dd44")]:
        taken = best(lambda relation=relation: related(past, relation))  # type: ignore[misc]
        rows.append(f"{relation.name} {taken * 1000:.1f}")
    floor = best(lambda: [event for event in events if event.source_ip == subject.source_ip])
    return f"{count:,} events, ms a pivot: {', '.join(rows)} (bound 100; a plain walk over all: {floor * 1000:.0f}); the first one of all kinds, with its indexes: {warm * 1000:.0f}"


def _call(number: int) -> dict[str, Any]:
    at = AT - timedelta(seconds=number * 20)
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            **BOB,
            "userName": f"u{number % 500}",
            "arn": f"arn:aws:iam::{OWN}:user/u{number % 500}",
            "accessKeyId": f"ASIA{number % 2000}",
        },
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": HOME,
        "sourceIPAddress": f"192.0.2.{number % 250}",
        "userAgent": "aws-cli/2.22.4 md/awscrt#0.22.0 ua/2.0 os/linux#6.11.2 md/arch#x86_64 lang/python#3.12.6",
        "requestParameters": {
            "instancesSet": {"items": [{"instanceId": f"i-{number % 5000:017x}"}]},
            "filterSet": {"items": [{"name": "vpc-id", "valueSet": {"items": [{"value": f"vpc-{number % 90:017x}"}]}}]},
        },
        "responseElements": None,
        "requestID": f"r-{number}",
        "eventID": f"e-{number}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": OWN,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": "ec2.eu-west-1.amazonaws.com",
        },
    }


def main() -> None:
    tune_gc()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    for what, measured in (
        ("judging", lambda: judging("1 in 100 bad", bad=0.01)),
        ("", lambda: judging("1 in 7 bad", bad=0.14)),
        ("", lambda: judging("1 in 100 bad, each asking for something else", bad=0.01, alike=False)),
        ("growth", growth),
        ("instances", instances),
        ("inventory", inventory),
        ("pivots", pivots),
    ):
        print(f"{what:<12} {measured()}", flush=True)


if __name__ == "__main__":
    main()
