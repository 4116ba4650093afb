"""Cases of the rules about who created an endpoint."""

import ipaddress
from dataclasses import replace
from datetime import time

from tests.rule_cases.endpoint_parts import (
    HERE,
    KEY,
    OFFICE,
    PIPELINE,
    REFUSED,
    ROLE,
    USUAL,
)
from tests.rules import (
    BOB,
    HOME,
    OWN,
    SESSION,
    created,
    other,
    past,
    region,
    see,
)
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts
from vpce_tui.detection.team_context import Context

CASES: list[tuple[str, str, EventFacts, str | None]] = [
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
    ("VPCE-15", "an attacker's tool", see(created(userAgent="Boto3/1.34 Pacu/1.5")), "high"),
    ("VPCE-15", "an attacker's system", see(created(userAgent="aws-cli/2.22 os/linux#6.11.2-kali1-amd64")), "high"),
    ("VPCE-15", "manually, with a pipeline", see(created(userAgent="aws-cli/2.22"), context=PIPELINE), "low"),
    ("VPCE-15", "a word that only has it inside", see(created(userAgent="kalimba/1.0 parroting")), None),
    ("VPCE-15", "the pipeline's", see(created(who=ROLE, userAgent="aws-sdk-go Terraform/1.9"), context=PIPELINE), None),
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
    ("VPCE-12", "a first time", see(created(), past=past(*USUAL)), "medium"),
    ("VPCE-12", "made one last week", see(created(), past=past(created(minutes=9000, eventID="before"))), None),
    (
        "VPCE-12",
        "tried one last week, and was refused",
        see(created(), past=past(created(minutes=9000, eventID="before", **REFUSED))),
        "medium",
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
    ("VPCE-29", "a service of AWS", see(created(who={"type": "AWSService", "invokedBy": "rds.amazonaws.com"})), "info"),
    ("VPCE-29", "the pipeline", see(created(who=ROLE, userAgent="Terraform"), context=PIPELINE), "info"),
    (
        "VPCE-29",
        "the pipeline's role with another agent",
        see(created(who=ROLE, userAgent="curl"), context=PIPELINE),
        None,
    ),
]
