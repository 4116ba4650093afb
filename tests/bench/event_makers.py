"""CloudTrail records and calls by the thousand, for the benchmarks."""

import json
import random
from datetime import timedelta
from typing import Any

from tests.rules import (
    AT,
    BOB,
    HOME,
    LIMITED,
    OPEN,
    OTHER_ACCOUNT,
    OWN,
    SESSION,
    allow,
    created,
    policy,
)

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
                    Principal={"AWS": OTHER_ACCOUNT if n % 9 == 0 else OWN},
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
        refused: dict[str, Any] = {"errorCode": "Client.UnauthorizedOperation"} if chance.random() < bad else {}
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
            **refused,
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
