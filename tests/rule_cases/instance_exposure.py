"""Cases of the rules about how an instance can be reached and what it may do."""

import ipaddress
from datetime import timedelta

from tests.rule_cases.instance_parts import (
    BESIDE,
    FAR,
    MADE,
    PUBLIC,
    SIX,
    bounded,
    finding,
    flow_peer,
    image,
    roles,
    subject,
    traffic,
    trusting,
    used,
)
from tests.rules import (
    AT,
    OTHER_ACCOUNT,
    OWN,
    WORLD,
    allow,
    make_instance,
    policy,
)
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.team_context import Context
from vpce_tui.inventory.resources import SecurityGroupPermission

CASES: list[tuple[str, str, InstanceFacts, str | None]] = [
    ("INST-04", "with a role", subject(make_instance(http_tokens="optional")), "medium"),
    ("INST-04", "with a powerful role", subject(make_instance(http_tokens="optional"), roles=roles("iam:*")), "high"),
    ("INST-04", "without a role", subject(make_instance(http_tokens="optional", profile_arn="")), "low"),
    ("INST-04", "IMDSv2", subject(), None),
    ("INST-04", "switched off", subject(make_instance(http_tokens="optional", http_endpoint="disabled")), None),
    (
        "INST-05",
        "SSH",
        subject(PUBLIC, SecurityGroupPermission(protocol="tcp", from_port=22, to_port=22, peer=WORLD)),
        "high",
    ),
    (
        "INST-05",
        "everything on IPv6",
        subject(PUBLIC, SecurityGroupPermission(protocol="-1", from_port=None, to_port=None, peer="::/0")),
        "high",
    ),
    (
        "INST-05",
        "a database in a range",
        subject(PUBLIC, SecurityGroupPermission(protocol="tcp", from_port=5000, to_port=6000, peer=WORLD)),
        "high",
    ),
    (
        "INST-05",
        "HTTPS",
        subject(PUBLIC, SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer=WORLD)),
        None,
    ),
    (
        "INST-05",
        "no public address",
        subject(None, SecurityGroupPermission(protocol="tcp", from_port=22, to_port=22, peer=WORLD)),
        None,
    ),
    (
        "INST-05",
        "UDP",
        subject(PUBLIC, SecurityGroupPermission(protocol="udp", from_port=22, to_port=22, peer=WORLD)),
        None,
    ),
    ("INST-06", "a public address", subject(PUBLIC), "low"),
    ("INST-06", "a private one", subject(), None),
    ("INST-07", "everything", subject(roles=roles("*")), "high"),
    ("INST-07", "users", subject(roles=roles("iam:Create*")), "high"),
    ("INST-07", "endpoints", subject(roles=roles("ec2:*")), "high"),
    ("INST-07", "its work", subject(), None),
    ("INST-07", "an external principal may take it", subject(roles=trusting(OTHER_ACCOUNT)), "high"),
    ("INST-07", "everybody may take it", subject(roles=trusting("*")), "high"),
    ("INST-07", "its own account may take it", subject(roles=trusting(OWN)), None),
    ("INST-07", "everything, inside a boundary that lets it read", subject(roles=bounded("s3:Get*")), None),
    ("INST-07", "everything, inside a boundary that lets it do everything", subject(roles=bounded("*")), "high"),
    (
        "INST-07",
        "everything, inside a boundary of a bucket",
        subject(roles=bounded("", policy(allow(Resource="arn:aws:s3:::mine/*")))),
        None,
    ),
    (
        "INST-07",
        "everything, inside a boundary that denies what matters",
        subject(
            roles=bounded(
                "",
                policy(
                    allow(), {"Effect": "Deny", "Action": ["iam:*", "ec2:*", "sts:*", "cloudtrail:*"], "Resource": "*"}
                ),
            )
        ),
        None,
    ),
    (
        "INST-07",
        "everything, inside a boundary of all but what matters",
        subject(
            roles=bounded(
                "",
                policy({"Effect": "Allow", "NotAction": ["iam:*", "ec2:*", "sts:*", "cloudtrail:*"], "Resource": "*"}),
            )
        ),
        None,
    ),
    (
        "INST-07",
        "with a condition",
        subject(roles=roles("ec2:*", Condition={"StringEquals": {"aws:PrincipalTag/may": "x"}})),
        None,
    ),
    (
        "INST-07",
        "over TLS alone, which is no limit",
        subject(roles=roles("*", Condition={"Bool": {"aws:SecureTransport": "true"}})),
        "high",
    ),
    (
        "INST-05",
        "SSH over IPv6 alone",
        subject(SIX, SecurityGroupPermission(protocol="tcp", from_port=22, to_port=22, peer="::/0")),
        "high",
    ),
    (
        "INST-05",
        "SSH open on IPv4, reachable on IPv6",
        subject(SIX, SecurityGroupPermission(protocol="tcp", from_port=22, to_port=22, peer=WORLD)),
        None,
    ),
    ("INST-06", "a public IPv6 address", subject(SIX), "low"),
    ("INST-10", "an external principal's AMI", subject(images={"ami-1": image(owner=OTHER_ACCOUNT, alias="")}), "high"),
    (
        "INST-10",
        "made here since it began",
        subject(images={"ami-1": image(owner=OWN, alias="", created=AT - timedelta(hours=1))}, near=(FAR,)),
        "high",
    ),
    ("INST-10", "an own old one", subject(images={"ami-1": image(owner=OWN, alias="")}, near=(FAR,)), None),
    (
        "INST-10",
        "trusted",
        subject(images={"ami-1": image(owner=OTHER_ACCOUNT, alias="")}, context=Context(trusted_amis=(OTHER_ACCOUNT,))),
        None,
    ),
    ("INST-11", "old", subject(images={"ami-1": image(created=AT - timedelta(days=200))}), "low"),
    ("INST-11", "deprecated", subject(images={"ami-1": image(deprecated=AT - timedelta(days=1))}), "medium"),
    ("INST-11", "gone", subject(images={}), "low"),
    ("INST-11", "young", subject(), None),
    ("INST-12", "a plain volume", subject(unencrypted=frozenset({"vol-1"})), "low"),
    ("INST-12", "a plain volume of another", subject(unencrypted=frozenset({"vol-2"})), None),
    ("INST-20", "nobody is named", subject(make_instance(tags={"Name": "x"})), "low"),
    ("INST-20", "as with its neighbours", subject(make_instance(tags={}), alike=0), None),
    ("INST-01", "high", subject(findings=(finding(8),)), "high"),
    ("INST-01", "an attack sequence", subject(findings=(finding(9.1),)), "critical"),
    ("INST-01", "low", subject(findings=(finding(2),)), "low"),
    ("INST-01", "about another", subject(findings=(finding(8, "i-other"),)), None),
    ("INST-02", "used elsewhere", subject(by_role=(used("198.51.100.23"),)), "critical"),
    ("INST-02", "through its NAT", subject(by_role=(used("203.0.113.9"),)), None),
    ("INST-02", "from its own address", subject(by_role=(used("10.0.1.17"),)), None),
    ("INST-02", "through an endpoint", subject(by_role=(used("10.0.7.7", vpcEndpointId="vpce-1"),)), None),
    ("INST-02", "by a service of AWS", subject(by_role=(used("ec2.amazonaws.com"),)), None),
    ("INST-03", "it made it", subject(near=(MADE,)), "high"),
    ("INST-03", "it stands beside it", subject(near=(BESIDE,)), "medium"),
    ("INST-03", "another subnet", subject(near=(FAR,)), None),
    (
        "INST-02",
        "through an external principal's endpoint",
        subject(by_role=(used("10.0.1.17", vpcEndpointId="vpce-0evil"),)),
        "critical",
    ),
    (
        "INST-13",
        "a listed range",
        subject(
            traffic=traffic(flow_peer("198.51.100.23")),
            context=Context(untrusted_networks=(ipaddress.ip_network("198.51.100.0/24"),)),
        ),
        "high",
    ),
    (
        "INST-13",
        "a scan",
        subject(traffic=traffic(*(flow_peer(f"10.0.7.{n}", accepted=0, rejected=4) for n in range(30)))),
        "high",
    ),
    (
        "INST-13",
        "much to one address",
        subject(traffic=traffic(flow_peer("198.51.100.23", sent=2_000_000_000))),
        "high",
    ),
    ("INST-13", "a beacon", subject(traffic=traffic(flow_peer("198.51.100.23", accepted=30, sent=40_000))), "high"),
    (
        "INST-13",
        "customers",
        subject(traffic=traffic(flow_peer("198.51.100.23", serving=True, sent=2_000_000_000, accepted=500))),
        None,
    ),
    ("INST-14", "talks to it", subject(traffic=traffic(flow_peer("10.0.1.9")), near=(BESIDE,)), "high"),
    ("INST-14", "talks to another", subject(traffic=traffic(flow_peer("10.0.1.8")), near=(BESIDE,)), None),
]
