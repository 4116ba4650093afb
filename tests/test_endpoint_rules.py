"""Each rule about an event: what raises it, the near miss that does not, and a record in which its fields are absent."""

import ipaddress
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from tests.rules import (
    AT,
    BOB,
    EMPTY,
    FOREIGN,
    HOME,
    LIMITED,
    LIMITS,
    MACHINE,
    OPEN,
    OURS,
    OWN,
    SESSION,
    STRANGER,
    WORLD,
    allow,
    created,
    machine,
    network,
    now,
    other,
    past,
    policy,
    region,
    says,
    see,
)
from vpce_tui.cloudtrail.event_index import Answered, EventIndex
from vpce_tui.detection.endpoint import RULES, assess_signals
from vpce_tui.detection.endpoint.endpoint_facts import EventSubject
from vpce_tui.detection.rule import Inconclusive, Match
from vpce_tui.detection.team_context import Context, Hours
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.flow_log_queries import FlowPeer, Traffic, Window
from vpce_tui.inventory.networks import Acl, AclEntry, Routes, Subnet, Vpc
from vpce_tui.inventory.resources import SecurityGroupPermission

S3 = f"com.amazonaws.{HOME}.s3"
REFUSED = {"errorCode": "Client.UnauthorizedOperation"}
KEY = {**BOB, "accessKeyId": "AKIABOB", "sessionContext": None}
ROLE = {
    "type": "AssumedRole",
    "arn": f"arn:aws:sts::{OWN}:assumed-role/ci/x",
    "accountId": OWN,
    "accessKeyId": "ASIACI",
    "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{OWN}:role/ci", "userName": "ci"}},
}
PIPELINE = Context(pipelines=(("*:assumed-role/ci/*", "*Terraform*"),))
GATEWAY = {
    "VpcEndpointType": "Gateway",
    "SecurityGroupId": None,
    "SubnetId": None,
    "RouteTableId": {"tag": 1, "content": "rtb-1"},
}
ALL_OPEN = Acl(
    id="acl-0",
    default=True,
    entries=(
        AclEntry(number=100, egress=False, allow=True, protocol="-1", block=WORLD),
        AclEntry(number=100, egress=True, allow=True, protocol="-1", block=WORLD),
    ),
    subnets=("subnet-1",),
)
OFFICE = Hours(days=frozenset(range(5)), begin=time(8), end=time(18), zone="Europe/Dublin")
MINE = machine()
HERE = (MINE, region())
USUAL = tuple(other("DescribeVpcs", minutes=60 * 24 * day, readOnly=True) for day in range(2, 20))
WINDOW = Window(AT - timedelta(hours=3), AT + timedelta(hours=1))


def lattice(account: str) -> dict[str, Any]:
    arn = f"arn:aws:vpc-lattice:{HOME}:{account}:resourceconfiguration/rcfg-1"
    return {"ServiceName": None, "VpcEndpointType": "Resource", "ResourceConfigurationArn": arn}


def vpc(**changes: Any) -> dict[str, Vpc]:
    return {"vpc-1": replace(network().vpcs["vpc-1"], **changes)}


def talks(received: int) -> Traffic:
    return Traffic(
        WINDOW,
        (
            FlowPeer(
                peer="10.0.1.17",
                port=443,
                protocol="tcp",
                serving=True,
                interfaces=frozenset({"eni-9"}),
                received=received,
                accepted=9,
                first=AT,
            ),
        ),
    )


def through(**more: Any) -> Any:
    return other("PutObject", "s3", minutes=-5, vpcEndpointId="vpce-1", **more)


# rule, what, subject, severity (None: not raised)
TABLE: list[tuple[str, str, EventSubject, str | None]] = [
    ("VPCE-01", "a service of somebody", see(created(FOREIGN, None)), "critical"),
    (
        "VPCE-01",
        "whose owner is known and foreign",
        see(created(FOREIGN, None), region=region(net=network(owners={FOREIGN: STRANGER}))),
        "critical",
    ),
    ("VPCE-01", "a name made to look like AWS's", see(created("com.amazonaws.evil/vpce")), "critical"),
    (
        "VPCE-01",
        "of an own account",
        see(created(FOREIGN, None), region=region(net=network(owners={FOREIGN: OWN}))),
        None,
    ),
    (
        "VPCE-01",
        "trusted",
        see(created(FOREIGN, None), context=Context(trusted_services=("com.amazonaws.vpce.*.vpce-svc-0f3*",))),
        None,
    ),
    ("VPCE-01", "AWS's by another name", see(created("aws.api.eu-west-1.bedrock")), None),
    ("VPCE-02", "no policy, a valuable service", see(created(S3, None)), "high"),
    ("VPCE-02", "an open one, another service", see(created(rules=OPEN)), "medium"),
    ("VPCE-02", "everything of the service", see(created(S3, policy(allow(Action="s3:*")))), "high"),
    ("VPCE-02", "with limits", see(created()), None),
    ("VPCE-02", "a service that takes none", see(created(FOREIGN, None)), None),
    ("VPCE-03", "some actions, whoever and wherever", see(created(S3, policy(allow(Action="s3:PutObject")))), "medium"),
    (
        "VPCE-03",
        "own principals, any bucket",
        see(
            created(
                S3, policy(allow(Action="s3:PutObject", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-ours"}}))
            )
        ),
        "medium",
    ),
    (
        "VPCE-03",
        "IfExists limits nobody",
        see(
            created(
                S3,
                policy(
                    allow(
                        Action="s3:Get*",
                        Condition={
                            "StringEqualsIfExists": {"aws:PrincipalOrgID": "o-ours", "aws:ResourceOrgID": "o-ours"}
                        },
                    )
                ),
            )
        ),
        "medium",
    ),
    ("VPCE-03", "both limited", see(created(S3, policy(allow(Action="s3:PutObject", Condition=LIMITS)))), None),
    (
        "VPCE-04",
        "an external principal's account",
        see(created(S3, policy(allow(Principal={"AWS": STRANGER})))),
        "critical",
    ),
    (
        "VPCE-04",
        "an external principal's bucket",
        see(created(S3, policy(allow(Resource="arn:aws:s3:::drop-box/*")))),
        "critical",
    ),
    (
        "VPCE-04",
        "an own bucket",
        see(created(S3, policy(allow(Resource="arn:aws:s3:::assets/*", Condition=LIMITS)))),
        None,
    ),
    (
        "VPCE-04",
        "buckets are not known",
        see(created(S3, policy(allow(Resource="arn:aws:s3:::drop-box/*"))), ours=replace(OURS, buckets=None)),
        None,
    ),
    (
        "VPCE-05",
        "every port for the world",
        see(created(), region=region(SecurityGroupPermission(protocol="-1", from_port=None, to_port=None, peer=WORLD))),
        "high",
    ),
    (
        "VPCE-05",
        "IPv6",
        see(created(), region=region(SecurityGroupPermission(protocol="tcp", from_port=0, to_port=65535, peer="::/0"))),
        "high",
    ),
    (
        "VPCE-05",
        "half of the internet",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="0.0.0.0/1")),
        ),
        "medium",
    ),
    (
        "VPCE-05",
        "443 for the world",
        see(created(), region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer=WORLD))),
        "medium",
    ),
    ("VPCE-05", "the default group", see(created(), region=region(net=network(group="default"))), "high"),
    ("VPCE-05", "the VPC alone", see(created()), None),
    (
        "VPCE-06",
        "no group named",
        see(created(request={"SecurityGroupId": None}), region=region(net=network(group="default"))),
        "medium",
    ),
    ("VPCE-06", "a gateway has none", see(created(S3, request=GATEWAY)), None),
    ("VPCE-07", "an instance's session", see(created(who=SESSION), machine=HERE), "high"),
    ("VPCE-07", "a role of a person", see(created(who=ROLE)), None),
    ("VPCE-08", "used elsewhere", see(created(who=SESSION, sourceIPAddress="198.51.100.23"), machine=HERE), "critical"),
    ("VPCE-08", "used through its NAT", see(created(who=SESSION, sourceIPAddress="203.0.113.9"), machine=HERE), None),
    (
        "VPCE-08",
        "used through an endpoint",
        see(created(who=SESSION, sourceIPAddress="10.0.7.7", vpcEndpointId="vpce-1"), machine=HERE),
        None,
    ),
    (
        "VPCE-08",
        "used through an external principal's endpoint, from its own private address",
        see(created(who=SESSION, sourceIPAddress="10.0.1.17", vpcEndpointId="vpce-0evil"), machine=HERE),
        "critical",
    ),
    (
        "VPCE-08",
        "a session that somebody gave its name",
        see(
            created(
                who={**SESSION, "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::1:role/x", "userName": "x"}}},
                sourceIPAddress="198.51.100.23",
            ),
            machine=HERE,
        ),
        None,
    ),
    ("VPCE-09", "root", see(created(who={"type": "Root", "arn": f"arn:aws:iam::{OWN}:root"})), "critical"),
    ("VPCE-09", "a user called root", see(created(who={**BOB, "userName": "root"})), None),
    (
        "VPCE-10",
        "no second factor",
        see(created(who={**BOB, "sessionContext": {"attributes": {"mfaAuthenticated": "false"}}})),
        "medium",
    ),
    ("VPCE-10", "with one", see(created()), None),
    (
        "VPCE-10",
        "a role's session, which never has one",
        see(created(who={**ROLE, "sessionContext": {"attributes": {"mfaAuthenticated": "false"}}})),
        None,
    ),
    (
        "VPCE-11",
        "a key where others use roles",
        see(
            created(who=KEY),
            past=past(
                *(
                    created(minutes=9000 + n, who={**ROLE, "arn": f"r{n}", "sessionContext": None}, eventID=f"r{n}")
                    for n in range(4)
                )
            ),
        ),
        "medium",
    ),
    (
        "VPCE-11",
        "a key where others use keys",
        see(
            created(who=KEY),
            past=past(*(created(minutes=9000 + n, who={**KEY, "arn": f"u{n}"}, eventID=f"r{n}") for n in range(4))),
        ),
        None,
    ),
    ("VPCE-12", "a first time", see(created(), past=past(*USUAL)), "medium"),
    ("VPCE-12", "made one last week", see(created(), past=past(created(minutes=9000, eventID="before"))), None),
    (
        "VPCE-12",
        "tried one last week, and was refused",
        see(created(), past=past(created(minutes=9000, eventID="before", **REFUSED))),
        "medium",
    ),
    (
        "VPCE-13",
        "a key of this morning",
        see(
            created(),
            past=past(other("CreateAccessKey", "iam", 40, responseElements={"accessKey": {"accessKeyId": "ASIABOB"}})),
        ),
        "high",
    ),
    (
        "VPCE-13",
        "a user of this morning",
        see(created(), past=past(other("CreateUser", "iam", 40, requestParameters={"userName": "bob"}))),
        "high",
    ),
    (
        "VPCE-13",
        "a user of last week",
        see(created(), past=past(other("CreateUser", "iam", 9000, requestParameters={"userName": "bob"}))),
        None,
    ),
    (
        "VPCE-13",
        "the making was refused",
        see(
            created(),
            past=past(other("CreateUser", "iam", 40, requestParameters={"userName": "bob"}, errorCode="AccessDenied")),
        ),
        None,
    ),
    ("VPCE-14", "an address never seen", see(created(sourceIPAddress="198.51.100.23"), past=past(*USUAL)), "medium"),
    (
        "VPCE-14",
        "a range that is listed",
        see(
            created(sourceIPAddress="198.51.100.23"),
            context=Context(untrusted_networks=(ipaddress.ip_network("198.51.100.0/24"),)),
        ),
        "high",
    ),
    ("VPCE-14", "the usual one", see(created(), past=past(*USUAL)), None),
    (
        "VPCE-14",
        "the office",
        see(
            created(sourceIPAddress="198.51.100.23"),
            past=past(*USUAL),
            context=Context(networks=(ipaddress.ip_network("198.51.100.0/24"),)),
        ),
        None,
    ),
    ("VPCE-15", "an attacker's tool", see(created(userAgent="Boto3/1.34 Pacu/1.5")), "high"),
    ("VPCE-15", "an attacker's system", see(created(userAgent="aws-cli/2.22 os/linux#6.11.2-kali1-amd64")), "high"),
    ("VPCE-15", "manually, with a pipeline", see(created(userAgent="aws-cli/2.22"), context=PIPELINE), "low"),
    ("VPCE-15", "a word that only has it inside", see(created(userAgent="kalimba/1.0 parroting")), None),
    ("VPCE-15", "the pipeline's", see(created(who=ROLE, userAgent="aws-sdk-go Terraform/1.9"), context=PIPELINE), None),
    ("VPCE-16", "nobody else there", see(created(), past=past(), region=region(instances=())), "high"),
    (
        "VPCE-16",
        "switched on two days ago",
        see(created(), past=past(other("EnableRegion", "account", 2880, requestParameters={"RegionName": HOME}))),
        "high",
    ),
    (
        "VPCE-16",
        "others work there",
        see(created(), past=past(other("CreateTags", who=ROLE)), region=region(instances=())),
        None,
    ),
    ("VPCE-16", "instances of others are there", see(created()), None),
    ("VPCE-17", "at night", see(created(), context=Context(working_hours=OFFICE)), "low"),
    (
        "VPCE-17",
        "at work",
        see(
            created(minutes=-60 * 61),
            context=Context(working_hours=replace(OFFICE, days=frozenset(range(7)), begin=time(0), end=time(23, 59))),
        ),
        None,
    ),
    ("VPCE-18", "refused", see(created(**REFUSED)), "medium"),
    ("VPCE-18", "after refused ones", see(created(), past=past(created(minutes=10, eventID="no", **REFUSED))), "high"),
    (
        "VPCE-18",
        "after another's",
        see(created(), past=past(created(minutes=10, eventID="no", who=ROLE, **REFUSED))),
        None,
    ),
    ("VPCE-18", "long after", see(created(), past=past(created(minutes=400, eventID="no", **REFUSED))), None),
    ("VPCE-19", "a dry run", see(created(errorCode="Client.DryRunOperation")), "low"),
    ("VPCE-19", "a refusal is none", see(created(**REFUSED)), None),
    ("VPCE-20", "never used", see(created(f"com.amazonaws.{HOME}.ssm"), past=past()), "medium"),
    (
        "VPCE-20",
        "the fellows of a shell",
        see(
            created(f"com.amazonaws.{HOME}.ssmmessages"),
            past=past(created(f"com.amazonaws.{HOME}.ssm", minutes=5, eventID="one")),
        ),
        "high",
    ),
    (
        "VPCE-20",
        "fellows of somebody else",
        see(
            created(f"com.amazonaws.{HOME}.ssmmessages"),
            past=past(
                other("OpenDataChannel", "ssmmessages", who=ROLE),
                created(f"com.amazonaws.{HOME}.ssm", minutes=5, eventID="one", who=ROLE),
            ),
        ),
        None,
    ),
    (
        "VPCE-20",
        "used before",
        see(created(f"com.amazonaws.{HOME}.ssm"), past=past(other("UpdateInstanceInformation", "ssm", who=ROLE))),
        None,
    ),
    (
        "VPCE-20",
        "its own refused look just before",
        see(
            created(f"com.amazonaws.{HOME}.ssm"),
            past=past(
                other("DescribeInstanceInformation", "ssm", 1, errorCode="AccessDenied"),
                other("DescribeInstanceInformation", "ssm", 2),
            ),
        ),
        "medium",
    ),
    (
        "VPCE-16",
        "a refused call of a second stolen key",
        see(
            created(),
            past=past(other("RunInstances", minutes=60, who=ROLE, errorCode="Client.UnauthorizedOperation")),
            region=region(instances=()),
        ),
        "high",
    ),
    (
        "VPCE-04",
        "an external principal beside a variable",
        see(
            created(
                S3,
                policy(
                    allow(
                        Condition={
                            "StringEquals": {
                                "aws:PrincipalOrgID": "o-ours",
                                "aws:ResourceAccount": [STRANGER, "${aws:PrincipalAccount}"],
                            }
                        }
                    )
                ),
            )
        ),
        "critical",
    ),
    (
        "VPCE-04",
        "a deny in other letters takes nothing away",
        see(
            created(
                S3,
                policy(
                    allow(Resource="arn:aws:s3:::their-drop/*"),
                    {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::THEIR-DROP/*"},
                ),
            )
        ),
        "critical",
    ),
    (
        "VPCE-02",
        "opened since, by somebody else",
        see(created(S3), region=region(net=network(endpoints={"vpce-1": now(policy=OPEN, service=S3)}))),
        "high",
    ),
    ("VPCE-02", "everything, spelt otherwise", see(created(S3, policy(allow(Action="s3:?*")))), "high"),
    (
        "VPCE-02",
        "everything but one harmless action",
        see(created(S3, policy({"Effect": "Allow", "Principal": "*", "NotAction": "iam:GetUser", "Resource": "*"}))),
        "high",
    ),
    (
        "VPCE-02",
        "with a deny that never fires",
        see(
            created(
                S3,
                policy(
                    allow(),
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:PrincipalAccount": "false"}},
                    },
                ),
            )
        ),
        "high",
    ),
    (
        "VPCE-03",
        "a condition that says little",
        see(created(S3, policy(allow(Condition={"Bool": {"aws:ViaAWSService": "false"}})))),
        "medium",
    ),
    (
        "VPCE-03",
        "a bucket made to look like AWS's",
        see(created(S3, policy(allow(Resource="arn:aws:s3:::aws-ssm-exfil-drop/*", Action="s3:Put*")))),
        "medium",
    ),
    (
        "VPCE-13",
        "a role of the name of a user that was made first",
        see(
            created(who=ROLE),
            past=past(
                other("CreateUser", "iam", 50, requestParameters={"userName": "ci"}),
                other("CreateRole", "iam", 40, requestParameters={"roleName": "ci"}),
            ),
        ),
        "high",
    ),
    (
        "VPCE-13",
        "a user of another service",
        see(created(), past=past(other("CreateUser", "transfer", 40, requestParameters={"userName": "bob"}))),
        None,
    ),
    (
        "VPCE-23",
        "a policy that names an external principal",
        see(
            created(S3),
            past=past(
                other(
                    "ModifyVpcEndpoint",
                    minutes=-8,
                    requestParameters={
                        "ModifyVpcEndpointRequest": {
                            "VpcEndpointId": "vpce-1",
                            "PolicyDocument": policy(allow(Action="s3:Put*", Principal={"AWS": STRANGER})),
                        }
                    },
                )
            ),
        ),
        "high",
    ),
    (
        "VPCE-23",
        "behind 300 changes of nothing",
        see(
            created(),
            past=past(
                *(
                    other(
                        "ModifyVpcEndpoint",
                        minutes=-n / 60,
                        eventID=f"m{n}",
                        requestParameters={"VpcEndpointId": "vpce-1"},
                    )
                    for n in range(300)
                ),
                other(
                    "ModifyVpcEndpoint", minutes=-8, requestParameters={"VpcEndpointId": "vpce-1", "ResetPolicy": True}
                ),
            ),
        ),
        "high",
    ),
    (
        "VPCE-23",
        "a deletion that AWS did not carry out",
        see(
            created(),
            past=past(
                other(
                    "DeleteVpcEndpoints",
                    minutes=-8,
                    requestParameters={"VpcEndpointId": "vpce-1"},
                    responseElements={"unsuccessful": {"item": {"resourceId": "vpce-1"}}},
                )
            ),
        ),
        None,
    ),
    (
        "VPCE-24",
        "behind 300 calls that mean nothing",
        see(
            created(),
            past=past(
                *(other("ModifySnapshotAttribute", minutes=30 + n / 60, eventID=f"m{n}") for n in range(300)),
                other("StopLogging", "cloudtrail", 20),
            ),
        ),
        "critical",
    ),
    (
        "VPCE-24",
        "a taken pipeline makes a key",
        see(
            created(who=ROLE, userAgent="Terraform"),
            past=past(other("CreateAccessKey", "iam", 20, ROLE)),
            context=PIPELINE,
        ),
        "critical",
    ),
    (
        "VPCE-24",
        "a call of that name of another service",
        see(created(), past=past(other("DeleteDetector", "frauddetector", 20))),
        None,
    ),
    (
        "VPCE-29",
        "a role whose path looks like a service's",
        see(
            created(
                who={
                    **ROLE,
                    "sessionContext": {
                        "sessionIssuer": {
                            "arn": f"arn:aws:iam::{OWN}:role/x/aws-service-role/y/evil",
                            "userName": "evil",
                        }
                    },
                }
            )
        ),
        None,
    ),
    (
        "VPCE-34",
        "a condition that is always true",
        see(
            created(
                rules=policy(allow(Condition={**LIMITS, "BoolIfExists": {"aws:SecureTransport": ["true", "false"]}})),
            ),
            region=region(net=network(endpoints={"vpce-1": now(policy="")})),
        ),
        "low",
    ),
    (
        "VPCE-35",
        "an ACL of its own that is all open",
        see(
            created(),
            region=region(
                net=network(
                    acls=(
                        replace(
                            ALL_OPEN,
                            default=False,
                            entries=(
                                AclEntry(
                                    number=50, egress=False, allow=True, protocol="6", block=WORLD, ports=(443, 443)
                                ),
                                *ALL_OPEN.entries,
                            ),
                        ),
                    )
                )
            ),
        ),
        "low",
    ),
    (
        "VPCE-20",
        "a shell by an endpoint of another region",
        see(
            created(f"com.amazonaws.{HOME}.ssm"),
            past=past(created("com.amazonaws.us-east-1.ssmmessages", minutes=30, eventID="m")),
        ),
        "high",
    ),
    ("VPCE-21", "names are taken over", see(created(request={"PrivateDnsEnabled": True})), "low"),
    ("VPCE-21", "names are not", see(created(request={"PrivateDnsEnabled": False})), None),
    (
        "VPCE-22",
        "the only way out",
        see(
            created(S3, request=GATEWAY),
            region=region(
                net=network(
                    tables={"rtb-1": Routes("rtb-1", ("subnet-1",), (("10.0.0.0/16", "local"), ("pl-1", "vpce-1")))}
                )
            ),
        ),
        "medium",
    ),
    ("VPCE-22", "beside a NAT gateway", see(created(S3, request=GATEWAY)), None),
    (
        "VPCE-23",
        "deleted soon",
        see(
            created(), past=past(other("DeleteVpcEndpoints", minutes=-8, requestParameters={"VpcEndpointId": "vpce-1"}))
        ),
        "high",
    ),
    (
        "VPCE-23",
        "its policy reset",
        see(
            created(),
            past=past(
                other(
                    "ModifyVpcEndpoint",
                    minutes=-8,
                    requestParameters={"ModifyVpcEndpointRequest": {"VpcEndpointId": "vpce-1", "ResetPolicy": True}},
                )
            ),
        ),
        "high",
    ),
    (
        "VPCE-23",
        "narrowed",
        see(
            created(),
            past=past(
                other(
                    "ModifyVpcEndpoint",
                    minutes=-8,
                    requestParameters={
                        "ModifyVpcEndpointRequest": {"VpcEndpointId": "vpce-1", "PolicyDocument": LIMITED}
                    },
                )
            ),
        ),
        None,
    ),
    (
        "VPCE-23",
        "deleted by somebody else",
        see(
            created(),
            past=past(other("DeleteVpcEndpoints", minutes=-8, who=ROLE, requestParameters={"VpcEndpointId": "vpce-1"})),
        ),
        None,
    ),
    (
        "VPCE-24",
        "a trail stopped by the same session",
        see(created(), past=past(other("StopLogging", "cloudtrail", 20))),
        "critical",
    ),
    (
        "VPCE-24",
        "a snapshot made public",
        see(
            created(),
            past=past(
                other(
                    "ModifySnapshotAttribute",
                    minutes=20,
                    requestParameters={
                        "snapshotId": "snap-1",
                        "createVolumePermission": {"add": {"items": [{"group": "all"}]}},
                    },
                )
            ),
        ),
        "critical",
    ),
    (
        "VPCE-24",
        "by another session of the same user",
        see(created(), past=past(other("StopLogging", "cloudtrail", 20, {**BOB, "accessKeyId": "ASIAOTHER"}))),
        "medium",
    ),
    ("VPCE-24", "by another user", see(created(), past=past(other("StopLogging", "cloudtrail", 20, ROLE))), None),
    (
        "VPCE-24",
        "refused",
        see(created(), past=past(other("StopLogging", "cloudtrail", 20, errorCode="AccessDenied"))),
        None,
    ),
    (
        "VPCE-24",
        "the pipeline makes a bucket policy",
        see(
            created(who=ROLE, userAgent="Terraform"),
            past=past(other("PutBucketPolicy", "s3", 20, ROLE)),
            context=PIPELINE,
        ),
        None,
    ),
    ("VPCE-25", "much, since it was made", see(created(), traffic=talks(900_000_000)), "high"),
    ("VPCE-25", "little", see(created(), traffic=talks(9_000)), None),
    (
        "VPCE-26",
        "refused by its policy",
        see(created(), past=past(through(errorCode="VpceAccessDenied", tlsDetails={"tlsVersion": "TLSv1.3"}))),
        "high",
    ),
    (
        "VPCE-26",
        "another account's principal",
        see(
            created(),
            past=past(
                through(
                    who={"type": "AssumedRole", "arn": "x", "accountId": STRANGER}, tlsDetails={"tlsVersion": "TLSv1.3"}
                )
            ),
        ),
        "high",
    ),
    ("VPCE-26", "an own one", see(created(), past=past(through(tlsDetails={"tlsVersion": "TLSv1.3"}))), None),
    (
        "VPCE-27",
        "production, nobody named",
        see(
            created(),
            region=region(net=network(vpcs=vpc(tags={"env": "production"}), endpoints={"vpce-1": now(tags={})})),
        ),
        "low",
    ),
    (
        "VPCE-27",
        "a restricted subnet",
        see(
            created(),
            region=region(
                net=network(
                    subnets={"subnet-1": Subnet("subnet-1", {"data-classification": "restricted"})},
                    endpoints={"vpce-1": now(tags={})},
                )
            ),
        ),
        "low",
    ),
    (
        "VPCE-27",
        "an owner is named",
        see(created(), region=region(net=network(vpcs=vpc(tags={"env": "production"})))),
        None,
    ),
    ("VPCE-28", "gone", see(created(), region=region(net=network(endpoints={}))), "info"),
    (
        "VPCE-28",
        "another group now",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(groups=("sg-2",))}))),
        "medium",
    ),
    (
        "VPCE-28",
        "another policy now",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(policy=OPEN)}))),
        "medium",
    ),
    (
        "VPCE-28",
        "the same, written otherwise",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(policy=LIMITED.replace(" ", ""))}))),
        None,
    ),
    ("VPCE-29", "a service of AWS", see(created(who={"type": "AWSService", "invokedBy": "rds.amazonaws.com"})), "info"),
    ("VPCE-29", "the pipeline", see(created(who=ROLE, userAgent="Terraform"), context=PIPELINE), "info"),
    (
        "VPCE-29",
        "the pipeline's role with another agent",
        see(created(who=ROLE, userAgent="curl"), context=PIPELINE),
        None,
    ),
    (
        "VPCE-30",
        "a VPC of another account",
        see(created(), region=region(net=network(vpcs=vpc(owner=STRANGER)))),
        "medium",
    ),
    ("VPCE-30", "seen by two accounts", see(created(sharedEventID="s-1"), region=None), "medium"),
    (
        "VPCE-30",
        "a VPC of an own account",
        see(
            created(),
            region=region(net=network(vpcs=vpc(owner="222222222222"))),
            ours=replace(OURS, accounts=frozenset({OWN, "222222222222"})),
        ),
        None,
    ),
    (
        "VPCE-31",
        "a load balancer endpoint",
        see(created(FOREIGN, None, request={"VpcEndpointType": "GatewayLoadBalancer"})),
        "high",
    ),
    (
        "VPCE-31",
        "with a route to it",
        see(
            created(FOREIGN, None, request={"VpcEndpointType": "GatewayLoadBalancer"}),
            region=region(net=network(tables={"rtb-1": Routes("rtb-1", (), ((WORLD, "vpce-1"),))})),
        ),
        "critical",
    ),
    ("VPCE-31", "an interface endpoint", see(created()), None),
    ("VPCE-32", "an external principal's database", see(created(rules=None, request=lattice(STRANGER))), "high"),
    ("VPCE-32", "an own one", see(created(rules=None, request=lattice(OWN))), None),
    ("VPCE-33", "asked for another region", see(created(request={"ServiceRegion": "us-east-1"})), "medium"),
    ("VPCE-33", "named another region", see(created("com.amazonaws.us-east-1.sns")), "medium"),
    ("VPCE-33", "this region", see(created(request={"ServiceRegion": HOME})), None),
    ("VPCE-33", "a global name", see(created("com.amazonaws.s3-global.accesspoint")), None),
    (
        "VPCE-34",
        "more than 443",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=80, to_port=443, peer="10.0.0.0/16")),
        ),
        "medium",
    ),
    (
        "VPCE-34",
        "plain calls were seen",
        see(created(), past=past(through(tlsDetails={"tlsVersion": "TLSv1.1"}))),
        "high",
    ),
    (
        "VPCE-34",
        "nothing enforces it",
        see(
            created(rules=policy(allow(Condition=LIMITS))),
            region=region(
                net=network(vpcs=vpc(encryption=""), endpoints={"vpce-1": now(policy=policy(allow(Condition=LIMITS)))})
            ),
        ),
        "low",
    ),
    (
        "VPCE-34",
        "mail has ports of its own",
        see(
            created(f"com.amazonaws.{HOME}.email-smtp"),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=587, to_port=587, peer="10.0.0.0/16")),
        ),
        None,
    ),
    ("VPCE-34", "443, a condition, enforced", see(created()), None),
    (
        "VPCE-35",
        "an open ACL, and no flow logs",
        see(created(), region=region(net=network(acls=(ALL_OPEN,), recorded=frozenset()))),
        "medium",
    ),
    ("VPCE-35", "no flow logs", see(created(), region=region(net=network(recorded=frozenset()))), "low"),
    (
        "VPCE-35",
        "another network is let in",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="10.8.0.0/16")),
        ),
        "low",
    ),
    (
        "VPCE-35",
        "recorded by its subnet",
        see(created(), region=region(net=network(recorded=frozenset({"subnet-1"})))),
        None,
    ),
]


def raised(subject: EventSubject) -> dict[str, str]:
    return {signal.id: signal.severity.word for signal in assess_signals(subject).signals}


@pytest.mark.parametrize(("rule", "what", "subject", "severity"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_a_rule_about_an_event(rule: str, what: str, subject: EventSubject, severity: str | None) -> None:
    assert raised(subject).get(rule) == severity


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_each_rule_has_a_raiser_and_a_near_miss_and_is_silent_where_its_fields_are_absent(rule: Any) -> None:
    rows = [severity for identifier, _, _, severity in TABLE if identifier == rule.id]
    assert any(rows), "a raiser"
    assert None in rows, "a near miss"
    for region_now in (None, region()):
        for before in (past(asked=()), past()):
            assert EMPTY.request is not None
            answer = says(rule, see(EMPTY, past=before, region=region_now, ours=TrustZone()))
            assert not isinstance(answer, Match), f"raised by a record that says nothing: {answer}"


def test_the_defaults_of_the_table_raise_nothing_at_all() -> None:
    assessed = assess_signals(see(created(), past=past(*USUAL, created(minutes=9000, eventID="before"))))
    assert assessed.signals == ()
    assert sorted(rule for rule, _ in assessed.unknown) == ["VPCE-25", "VPCE-26"], (
        "flow logs and network activity were not searched"
    )


# -- what was not searched is never taken for fine

UNREAD = [
    (
        "VPCE-03",
        see(
            created(
                S3,
                policy(
                    allow(
                        Action="s3:Put*",
                        Condition={"StringEquals": {"aws:PrincipalOrgID": "o-x", "aws:ResourceOrgID": "o-x"}},
                    )
                ),
            ),
            ours=replace(OURS, organizations=frozenset()),
        ),
        "organization o-x",
    ),
    ("VPCE-02", see(created(rules="{")), "not valid JSON"),
    ("VPCE-05", see(created(), region=region(net=network(unknown={"groups": "denied"}))), "denied"),
    ("VPCE-05", see(created(), region=None), "was not read"),
    ("VPCE-05", see(created(), region=region(net=network(groups={}))), "do not exist any more"),
    ("VPCE-08", see(created(who=SESSION, sourceIPAddress="198.51.100.23")), MACHINE),
    (
        "VPCE-08",
        see(
            created(who=SESSION, sourceIPAddress="198.51.100.23"),
            machine=(MINE, region(net=network(unknown={"nat": "denied"}, nat={}))),
        ),
        "denied",
    ),
    ("VPCE-11", see(created(who=KEY), past=past(asked=())), "not searched"),
    ("VPCE-12", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-12", see(created(), past=past(since=AT - timedelta(hours=5))), "only 0 days"),
    ("VPCE-13", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-14", see(created(), past=past()), "too few"),
    ("VPCE-16", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-16", see(created(), past=past(missing=(HOME,))), "not searched"),
    ("VPCE-20", see(created(f"com.amazonaws.{HOME}.ssm"), past=past(asked=())), "not searched"),
    ("VPCE-16", see(created(), past=past(cut=(HOME,)), region=region(instances=())), "all are by the same caller"),
    ("VPCE-20", see(created(f"com.amazonaws.{HOME}.ssm"), past=past(cut=(HOME,))), "only the newest"),
    (
        "VPCE-05",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(groups=("sg-1", "sg-theirs"))}))),
        "sg-theirs",
    ),
    (
        "VPCE-05",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="pl-0everything")),
        ),
        "prefix list",
    ),
    (
        "VPCE-08",
        see(
            created(who=SESSION, sourceIPAddress="10.0.1.17", vpcEndpointId="vpce-x"),
            machine=(MINE, region(net=network(endpoints={}, unknown={"endpoints": "denied"}))),
        ),
        "denied",
    ),
    (
        "VPCE-08",
        see(
            created(who=SESSION, sourceIPAddress="198.51.100.23"),
            machine=(replace(MINE, launched=AT + timedelta(hours=1)), region()),
        ),
        "stopped and started",
    ),
    ("VPCE-13", see(created(), past=past(since=AT - timedelta(minutes=5))), "not searched"),
    ("VPCE-16", see(created(), region=region(instances=(), unknown={"everything": "denied"})), "denied"),
    ("VPCE-24", see(created(), past=past(since=AT - timedelta(minutes=5))), "not searched"),
    ("VPCE-34", see(created(), region=region(net=network(unknown={"groups": "denied"}))), "denied"),
    ("VPCE-35", see(created(), region=region(net=network(unknown={"groups": "denied"}))), "denied"),
    ("VPCE-22", see(created(S3, request=GATEWAY), region=region(net=network(unknown={"tables": "denied"}))), "denied"),
    ("VPCE-23", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-24", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-25", see(created()), "billed"),
    ("VPCE-26", see(created(), past=past(asked=())), "network activity"),
    ("VPCE-28", see(created(), region=region(net=network(endpoints={}, unknown={"endpoints": "denied"}))), "denied"),
    (
        "VPCE-32",
        see(created(rules=None, request={"ServiceName": None, "VpcEndpointType": "Resource"})),
        "does not name it",
    ),
    ("VPCE-34", see(created(), region=region(net=network(unknown={"encryption": "denied"}))), "denied"),
    (
        "VPCE-35",
        see(created(), region=region(net=network(unknown={"recorded": "denied"}, recorded=frozenset()))),
        "denied",
    ),
]


@pytest.mark.parametrize(("rule", "subject", "words"), UNREAD, ids=[f"{row[0]} {row[2]}" for row in UNREAD])
def test_what_was_not_looked_at_is_said(rule: str, subject: EventSubject, words: str) -> None:
    answers = [says(item, subject) for item in RULES if item.id == rule]
    assert isinstance(answers[0], Inconclusive)
    assert words in answers[0].why
    assert rule not in raised(subject)


def test_never_is_said_of_what_was_looked_at_alone() -> None:
    line = created(minutes=9000, eventID="theirs", who=ROLE)
    answered = Answered(AT - timedelta(days=30), frozenset({HOME}), frozenset({"ap-southeast-2"}))
    assessed = assess_signals(see(created(), past=EventIndex((line,), {"EventName=CreateVpcEndpoint": answered})))
    title = next(signal.title for signal in assessed.signals if signal.id == "VPCE-12")
    assert title == "Its creator never created an endpoint in the 30 days before, as far as 1 of 2 regions known"


def test_that_a_role_changed_nothing_is_not_said_where_its_other_sessions_are_not_known() -> None:
    role = {"EventName=CreateVpcEndpoint": Answered(AT - timedelta(days=30))}
    before = other("DescribeVpcs", minutes=9000, who=ROLE, readOnly=True)
    assessed = assess_signals(see(created(who=ROLE), past=EventIndex((before,), role)))
    assert "created an endpoint" in next(signal.title for signal in assessed.signals if signal.id == "VPCE-12")


def test_the_same_name_of_another_service_is_not_judged() -> None:
    assert created(FOREIGN, eventSource="es.amazonaws.com").request is None


def test_what_made_no_endpoint_is_judged_as_an_attempt_and_at_most_medium() -> None:
    assessed = assess_signals(see(created(FOREIGN, None, errorCode="Client.DryRunOperation")))
    assert assessed.severity.word == "medium"
    assert {"VPCE-01", "VPCE-19"} <= {signal.id for signal in assessed.signals}
    assert "VPCE-02" not in raised(see(created(S3, None, **REFUSED)))
