"""Each rule about an instance: what raises it, the near miss that does not, and an instance of which nothing is known."""

import ipaddress
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.rules import (
    AT,
    HOME,
    LONG_AGO,
    MACHINE,
    OURS,
    OWN,
    SESSION,
    STRANGER,
    WORLD,
    allow,
    created,
    machine,
    network,
    other,
    past,
    policy,
    region,
)
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_index import Answered, EventIndex
from vpce_tui.detection.assessment import findings_by_instance
from vpce_tui.detection.instance import RULES, judge_instance
from vpce_tui.detection.instance.instance_facts import InstanceSubject, NearbySuspiciousEndpoint
from vpce_tui.detection.instance.related_events import UNREAD_TARGETS
from vpce_tui.detection.rule import Inconclusive, Match
from vpce_tui.detection.signals import Severity
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.powerful_actions import DESCRIBED
from vpce_tui.iam.role_privileges import IamRole, IamRoles, privileges_of
from vpce_tui.inventory.account_inventory import Mirror
from vpce_tui.inventory.amis import Image
from vpce_tui.inventory.flow_log_queries import FlowPeer, Traffic, Window
from vpce_tui.inventory.resources import Finding, Instance, Interface, SecurityGroupPermission

PROFILE = f"arn:aws:iam::{OWN}:instance-profile/web"


def roles(*actions: str, resource: Any = "*", **more: Any) -> IamRoles:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    role = IamRole(
        name="web",
        arn=f"arn:aws:iam::{OWN}:role/web",
        trust="",
        policies=(("app", json.dumps({"Statement": statement})),),
    )
    return IamRoles({"web": role}, {PROFILE: "web"})


def trusting(account: str) -> IamRoles:
    """The role with its work, that somebody may take."""
    named = "*" if account == "*" else f"arn:aws:iam::{account}:root"
    trust = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": named}}}
    held = roles("s3:GetObject", resource="arn:aws:s3:::assets/*")
    return IamRoles({"web": replace(held.by_name["web"], trust=json.dumps(trust))}, held.by_profile)


def bounded(action: str, text: str = "") -> IamRoles:
    """A role that may do everything inside a permissions boundary."""
    held = roles("*")
    document = {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
    return IamRoles(
        {"web": replace(held.by_name["web"], boundary=("edge", text or json.dumps(document)))}, held.by_profile
    )


def copied(source: str, made: str) -> Any:
    asked, answer = {"sourceSnapshotId": source}, {"snapshotId": made}
    return other("CopySnapshot", minutes=25, requestParameters=asked, responseElements=answer, eventID=made)


HARMLESS = roles("s3:GetObject", resource="arn:aws:s3:::assets/*")


def image(**changes: Any) -> Image:
    made: dict[str, Any] = {
        "id": "ami-1",
        "name": "al2023",
        "owner": "137112412989",
        "alias": "amazon",
        "created": AT - timedelta(days=30),
        "deprecated": None,
        "state": "available",
        "architecture": "x86_64",
        "virtualization": "hvm",
        "root_device": "/dev/xvda",
    }
    return Image(**{**made, **changes})


def about(*events: Event) -> dict[str, tuple[Event, ...]]:
    return {event.name: tuple(item for item in events if item.name == event.name) for event in events}


def subject(instance: Instance | None = None, *ingress: SecurityGroupPermission, **more: Any) -> InstanceSubject:
    instance = instance or machine()
    changes = {
        key: more.pop(key)
        for key in ("findings", "images", "unencrypted", "public_snapshots", "mirrored", "unknown", "network")
        if key in more
    }
    here = region(*ingress, instances=(instance,), images=changes.pop("images", {"ami-1": image()}), **changes)
    made: dict[str, Any] = {
        "past": past(),
        "now": AT,
        "ours": OURS,
        "roles": HARMLESS,
        "alike": 3,
        "traffic": Traffic(WINDOW),
        "findings": findings_by_instance([here]).get(instance.id, ()),
    }
    return InstanceSubject(instance, here, **{**made, **more})


WINDOW = Window(AT - timedelta(hours=3), AT)


def flow_peer(peer: str, **more: Any) -> FlowPeer:
    made: dict[str, Any] = {"accepted": 3, "first": AT - timedelta(hours=3), "last": AT, "sent": 1000}
    return FlowPeer(
        peer=peer,
        port=443,
        protocol="tcp",
        serving=more.pop("serving", False),
        interfaces=frozenset({"eni-1"}),
        **{**made, **more},
    )


def traffic(*flow_peers: FlowPeer) -> Traffic:
    return Traffic(WINDOW, flow_peers)


def finding(severity: float, instance: str = MACHINE) -> Finding:
    return Finding(
        id="f",
        region=HOME,
        type="Backdoor:EC2/C&CActivity.B",
        severity=severity,
        instance_id=instance,
        title="t",
        updated=None,
    )


def used(address: str, **more: Any) -> Event:
    return other("DescribeVpcs", minutes=5, who=SESSION, sourceIPAddress=address, **more)


PUBLIC = machine(public_ip="203.0.113.50")
SIX = machine(
    interfaces=(
        Interface(
            id="eni-1",
            private_ip="10.0.1.17",
            public_ip="",
            subnet_id="subnet-7",
            vpc_id="vpc-1",
            groups=("sg-1",),
            primary=True,
            ipv6=("2001:db8::7",),
        ),
    )
)
YOUNG = machine(launched=AT - timedelta(hours=2))
RUN = {"responseElements": {"instancesSet": {"items": [{"instanceId": MACHINE}]}}}
OLDER_RUN = other("RunInstances", minutes=9000)
MADE = NearbySuspiciousEndpoint(
    event=created(who=SESSION),
    endpoint="vpce-1",
    severity=Severity.CRITICAL,
    vpc="vpc-1",
    subnets=frozenset({"subnet-1"}),
    addresses=frozenset({"10.0.1.9"}),
)
BESIDE = NearbySuspiciousEndpoint(
    event=created(),
    endpoint="vpce-1",
    severity=Severity.HIGH,
    vpc="vpc-1",
    subnets=frozenset({"subnet-7"}),
    addresses=frozenset({"10.0.1.9"}),
)
FAR = NearbySuspiciousEndpoint(
    event=created(),
    endpoint="vpce-1",
    severity=Severity.HIGH,
    vpc="vpc-2",
    subnets=frozenset({"subnet-8"}),
    addresses=frozenset({"10.9.1.9"}),
)
SHARED = {
    "requestParameters": {"snapshotId": "snap-1", "createVolumePermission": {"add": {"items": [{"userId": STRANGER}]}}}
}
SNAPPED = other(
    "CreateSnapshot", minutes=30, requestParameters={"volumeId": "vol-1"}, responseElements={"snapshotId": "snap-1"}
)

TABLE: list[tuple[str, str, InstanceSubject, str | None]] = [
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
    ("INST-04", "with a role", subject(machine(http_tokens="optional")), "medium"),
    ("INST-04", "with a powerful role", subject(machine(http_tokens="optional"), roles=roles("iam:*")), "high"),
    ("INST-04", "without a role", subject(machine(http_tokens="optional", profile_arn="")), "low"),
    ("INST-04", "IMDSv2", subject(), None),
    ("INST-04", "switched off", subject(machine(http_tokens="optional", http_endpoint="disabled")), None),
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
    ("INST-07", "an external principal may take it", subject(roles=trusting(STRANGER)), "high"),
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
    (
        "INST-02",
        "through an external principal's endpoint",
        subject(by_role=(used("10.0.1.17", vpcEndpointId="vpce-0evil"),)),
        "critical",
    ),
    (
        "INST-09",
        "a large one that a fleet started",
        subject(machine(launched=AT - timedelta(hours=2), type="p4d.24xlarge"), past=past()),
        "high",
    ),
    (
        "INST-08",
        "user data",
        subject(
            about=about(
                other(
                    "ModifyInstanceAttribute",
                    minutes=30,
                    requestParameters={"instanceId": MACHINE, "userData": "<sensitiveDataRemoved>"},
                )
            )
        ),
        "high",
    ),
    ("INST-08", "another role", subject(about=about(other("AssociateIamInstanceProfile", minutes=30))), "medium"),
    ("INST-08", "last week", subject(about=about(other("AssociateIamInstanceProfile", minutes=9000))), None),
    (
        "INST-08",
        "by a service of AWS",
        subject(
            about=about(other("AttachVolume", who={"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}))
        ),
        None,
    ),
    ("INST-09", "by somebody new", subject(YOUNG, past=past(other("RunInstances", minutes=120, **RUN))), "high"),
    (
        "INST-09",
        "an instance for mining",
        subject(
            machine(launched=AT - timedelta(hours=2), type="g5.12xlarge"),
            past=past(OLDER_RUN, other("RunInstances", minutes=120, **RUN)),
        ),
        "high",
    ),
    (
        "INST-09",
        "six at once",
        subject(YOUNG, past=past(OLDER_RUN, *(other("RunInstances", minutes=120 + n, **RUN) for n in range(6)))),
        "high",
    ),
    (
        "INST-09",
        "by somebody who does",
        subject(
            YOUNG,
            past=past(
                OLDER_RUN, other("RunInstances", minutes=120, **RUN), other("CreateTags", minutes=9000, who=SESSION)
            ),
        ),
        None,
    ),
    (
        "INST-09",
        "by a group",
        subject(
            YOUNG,
            past=past(
                other(
                    "RunInstances",
                    minutes=120,
                    who={"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
                    **RUN,
                )
            ),
        ),
        None,
    ),
    ("INST-10", "an external principal's AMI", subject(images={"ami-1": image(owner=STRANGER, alias="")}), "high"),
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
        subject(images={"ami-1": image(owner=STRANGER, alias="")}, context=Context(trusted_images=(STRANGER,))),
        None,
    ),
    ("INST-11", "old", subject(images={"ami-1": image(created=AT - timedelta(days=200))}), "low"),
    ("INST-11", "deprecated", subject(images={"ami-1": image(deprecated=AT - timedelta(days=1))}), "medium"),
    ("INST-11", "gone", subject(images={}), "low"),
    ("INST-11", "young", subject(), None),
    ("INST-12", "a plain volume", subject(unencrypted=frozenset({"vol-1"})), "low"),
    ("INST-12", "a plain volume of another", subject(unencrypted=frozenset({"vol-2"})), None),
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
    (
        "INST-15",
        "a session by somebody new",
        subject(about=about(other("StartSession", "ssm", 30)), past=past(other("StartSession", "ssm", 30))),
        "high",
    ),
    (
        "INST-15",
        "by an instance",
        subject(about=about(other("SendCommand", "ssm", 30, SESSION)), past=past(asked=())),
        "high",
    ),
    (
        "INST-15",
        "by who always does",
        subject(about=about(other("StartSession", "ssm", 30)), past=past(other("StartSession", "ssm", 9000))),
        None,
    ),
    ("INST-16", "its password", subject(about=about(other("GetPasswordData", minutes=30))), "medium"),
    (
        "INST-16",
        "its user data",
        subject(
            about=about(other("DescribeInstanceAttribute", minutes=30, requestParameters={"attribute": "userData"}))
        ),
        "medium",
    ),
    (
        "INST-16",
        "another attribute",
        subject(about=about(other("DescribeInstanceAttribute", minutes=30, requestParameters={"attribute": "kernel"}))),
        None,
    ),
    (
        "INST-16",
        "by who always does",
        subject(about=about(other("GetPasswordData", minutes=30)), past=past(other("GetPasswordData", minutes=9000))),
        None,
    ),
    ("INST-17", "public", subject(public_snapshots={"vol-1": ("snap-1",)}), "critical"),
    (
        "INST-17",
        "shared with an external principal",
        subject(about=about(SNAPPED), past=past(other("ModifySnapshotAttribute", minutes=20, **SHARED))),
        "critical",
    ),
    (
        "INST-17",
        "shared for forensics",
        subject(
            about=about(SNAPPED),
            past=past(other("ModifySnapshotAttribute", minutes=20, **SHARED)),
            context=Context(forensics_account=STRANGER),
        ),
        None,
    ),
    (
        "INST-17",
        "a copy of a copy of it is shared",
        subject(
            about=about(SNAPPED),
            past=past(
                copied("snap-1", "snap-2"),
                copied("snap-2", "snap-3"),
                other(
                    "ModifySnapshotAttribute",
                    minutes=20,
                    requestParameters={**SHARED["requestParameters"], "snapshotId": "snap-3"},
                ),
            ),
        ),
        "critical",
    ),
    (
        "INST-17",
        "a copy of another is shared",
        subject(
            about=about(SNAPPED),
            past=past(
                copied("snap-9", "snap-3"),
                other(
                    "ModifySnapshotAttribute",
                    minutes=20,
                    requestParameters={**SHARED["requestParameters"], "snapshotId": "snap-3"},
                ),
            ),
        ),
        None,
    ),
    (
        "INST-17",
        "a snapshot of another volume",
        subject(past=past(other("ModifySnapshotAttribute", minutes=20, **SHARED))),
        None,
    ),
    ("INST-18", "monitoring off", subject(about=about(other("UnmonitorInstances", minutes=30))), "medium"),
    (
        "INST-18",
        "flow logs deleted",
        subject(past=past(other("DeleteFlowLogs", minutes=30)), network=network(recorded=frozenset())),
        "medium",
    ),
    ("INST-18", "flow logs deleted elsewhere", subject(past=past(other("DeleteFlowLogs", minutes=30))), None),
    ("INST-19", "a copy", subject(mirrored={"eni-1": Mirror("tms-1")}), "high"),
    ("INST-19", "it takes the copies", subject(mirrored={"eni-2": Mirror("tms-1", "eni-1")}), "high"),
    ("INST-19", "a copy of another", subject(mirrored={"eni-2": Mirror("tms-1", "eni-3")}), None),
    ("INST-20", "nobody is named", subject(machine(tags={"Name": "x"})), "low"),
    ("INST-20", "as with its neighbours", subject(machine(tags={}), alike=0), None),
]


def raised(item: InstanceSubject) -> dict[str, str]:
    return {signal.id: signal.severity.word for signal in judge_instance(item).signals}


@pytest.mark.parametrize(("rule", "what", "item", "severity"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_a_rule_about_an_instance(rule: str, what: str, item: InstanceSubject, severity: str | None) -> None:
    assert raised(item).get(rule) == severity


BARE = Instance(id=MACHINE, region=HOME, account=OWN, state="running")


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_each_rule_has_a_raiser_and_a_near_miss_and_is_silent_where_nothing_is_known(rule: Any) -> None:
    rows = [severity for identifier, _, _, severity in TABLE if identifier == rule.id]
    assert any(rows), "a raiser"
    assert None in rows, "a near miss"
    for before in (past(asked=()), past()):
        assert not isinstance(
            rule.check(InstanceSubject(BARE, region(net=network(groups={}, nat={}), instances=(BARE,)), before)), Match
        )


def test_the_defaults_of_the_table_raise_nothing_at_all() -> None:
    assessed = judge_instance(subject())
    assert (assessed.signals, assessed.unknown) == ((), ())


UNREAD = [
    ("INST-01", subject(unknown={"GuardDuty findings": "denied"}), "denied"),
    ("INST-02", subject(past=past(asked=())), "not all"),
    (
        "INST-02",
        subject(
            past=EventIndex(
                (), {f"Username={MACHINE}": Answered(LONG_AGO, frozenset({HOME}), frozenset({"us-east-1"}))}
            )
        ),
        "not all",
    ),
    ("INST-02", subject(by_role=(used("198.51.100.23"),), unknown={"NAT gateways": "denied"}), "NAT"),
    ("INST-05", subject(PUBLIC, unknown={"security groups": "denied"}), "denied"),
    ("INST-07", subject(roles=None), "not read"),
    ("INST-07", subject(roles=IamRoles(problem="denied")), "denied"),
    ("INST-07", subject(roles=IamRoles()), "no role of this account"),
    ("INST-07", subject(roles=bounded("", "{")), "boundary edge could not be read"),
    (
        "INST-07",
        subject(roles=IamRoles({"web": replace(HARMLESS.by_name["web"], trust="{")}, HARMLESS.by_profile)),
        "who may assume its role",
    ),
    ("INST-17", subject(past=past(missing=("us-east-1",))), "not searched"),
    ("INST-17", subject(past=past(asked=("EventName=ModifySnapshotAttribute",))), "not searched"),
    ("INST-15", subject(about={UNREAD_TARGETS: (other("SendCommand", "ssm", 5),)}), "cannot be evaluated"),
    (
        "INST-07",
        subject(roles=roles("ec2:*", Condition={"StringEquals": {"aws:PrincipalTag/may": "x"}})),
        "may limit it",
    ),
    ("INST-10", subject(images={}), "no longer visible"),
    ("INST-16", subject(past=past(asked=())), "not searched"),
    ("INST-17", subject(past=past(asked=())), "not searched"),
    ("INST-18", subject(past=past(asked=())), "not searched"),
    ("INST-08", subject(past=past(asked=())), "not searched"),
    ("INST-09", subject(YOUNG, past=past(asked=())), "not searched"),
    ("INST-10", subject(unknown={"images": "denied"}), "denied"),
    ("INST-12", subject(unknown={"volumes": "denied"}), "denied"),
    ("INST-13", subject(traffic=None), "billed"),
    ("INST-14", subject(traffic=None, near=(BESIDE,)), "billed"),
    ("INST-15", subject(past=past(asked=())), "not searched"),
    (
        "INST-15",
        subject(about=about(other("StartSession", "ssm", 30)), past=past(since=AT - timedelta(hours=5))),
        "too little",
    ),
    ("INST-17", subject(unknown={"snapshots": "denied"}), "denied"),
    ("INST-19", subject(unknown={"traffic mirroring": "denied"}), "denied"),
    ("INST-19", subject(unknown={"everything": "denied"}), "denied"),
]


@pytest.mark.parametrize(("rule", "item", "words"), UNREAD, ids=[f"{row[0]} {row[2]}" for row in UNREAD])
def test_what_was_not_looked_at_is_said(rule: str, item: InstanceSubject, words: str) -> None:
    answers = [one.check(item) for one in RULES if one.id == rule]
    assert isinstance(answers[0], Inconclusive)
    assert words in answers[0].why
    assert rule not in raised(item)


def test_of_one_that_is_gone_only_what_outlives_it_is_said() -> None:
    gone = machine(state="terminated", http_tokens="optional", public_ip="203.0.113.50")
    assert set(raised(subject(gone, findings=(finding(8),), by_role=(used("198.51.100.23"),)))) == {
        "INST-01",
        "INST-02",
    }


@pytest.mark.parametrize(
    ("actions", "more", "may"),
    [
        (["iam:CreateUser"], {}, ["iam:CreateUser"]),
        (["IAM:createuser"], {}, ["iam:CreateUser"]),
        (["ec2:Create*"], {}, ["ec2:CreateVpcEndpoint"]),
        (["ec2:CreateTags"], {}, []),
        (["sts:AssumeRole"], {"resource": f"arn:aws:iam::{OWN}:role/one"}, []),
        (["sts:AssumeRole"], {"resource": f"arn:aws:iam::{OWN}:role/*"}, ["sts:AssumeRole"]),
    ],
)
def test_what_a_role_may_do(actions: list[str], more: dict[str, Any], may: list[str]) -> None:
    held = roles(*actions, **more)
    assert [action for action, _, _ in privileges_of(held.by_name["web"]).may] == may


def test_all_but_some_actions_is_nearly_everything_and_a_deny_takes_away() -> None:
    text = '{"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}]}'
    found = {action for action, _, _ in privileges_of(IamRole(name="x", arn="", trust="", policies=(("p", text),))).may}
    assert found == {action for action, _ in DESCRIBED if not action.startswith(("iam:", "ec2:"))}


def test_a_policy_that_cannot_be_read_is_a_doubt_and_not_a_weak_role() -> None:
    assert privileges_of(IamRole(name="x", arn="", trust="", policies=(("p", "{"), ("managed", "")))).doubts
