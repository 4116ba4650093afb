"""What the cases of the rules about an instance are made of."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.rules import (
    AT,
    HOME,
    INSTANCE_ID,
    OTHER_ACCOUNT,
    OURS,
    OWN,
    SESSION,
    created,
    make_instance,
    other,
    past,
    region,
)
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.recorded_calls import RecordedCall
from vpce_tui.detection.assessment import findings_by_instance
from vpce_tui.detection.instance.instance_facts import InstanceFacts, NearbySuspiciousEndpoint
from vpce_tui.detection.signals import Severity
from vpce_tui.iam.role_privileges import IamRole, IamRoles
from vpce_tui.inventory.amis import Ami
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


def image(**changes: Any) -> Ami:
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
    return Ami(**{**made, **changes})


def about(*events: Event) -> dict[str, tuple[Event, ...]]:
    return {event.name: tuple(item for item in events if item.name == event.name) for event in events}


def subject(instance: Instance | None = None, *ingress: SecurityGroupPermission, **more: Any) -> InstanceFacts:
    instance = instance or make_instance()
    changes = {
        key: more.pop(key)
        for key in ("findings", "images", "unencrypted", "public_snapshots", "mirrored", "unknown", "network")
        if key in more
    }
    here = region(*ingress, instances=(instance,), images=changes.pop("images", {"ami-1": image()}), **changes)
    made: dict[str, Any] = {
        "past": past(),
        "now": AT,
        "trust_zone": OURS,
        "roles": HARMLESS,
        "alike": 3,
        "traffic": Traffic(WINDOW),
        "findings": findings_by_instance([here]).get(instance.id, ()),
    }
    return InstanceFacts(instance, here, **{**made, **more})


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


def finding(severity: float, instance: str = INSTANCE_ID) -> Finding:
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


PUBLIC = make_instance(public_ip="203.0.113.50")
SIX = make_instance(
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
YOUNG = make_instance(launched=AT - timedelta(hours=2))
RUN = {"responseElements": {"instancesSet": {"items": [{"instanceId": INSTANCE_ID}]}}}
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
    "requestParameters": {
        "snapshotId": "snap-1",
        "createVolumePermission": {"add": {"items": [{"userId": OTHER_ACCOUNT}]}},
    }
}
SNAPPED = other(
    "CreateSnapshot", minutes=30, requestParameters={"volumeId": "vol-1"}, responseElements={"snapshotId": "snap-1"}
)


def recorded(operation: str, *, minutes: float) -> dict[str, RecordedCall]:
    """An incident record that has the call of Bob's with the request id ``r-1``."""
    made = other(operation, minutes=minutes)
    call = RecordedCall(operation, HOME, OWN, made.principal.arn, made.time, "case")
    return {"r-1": call}
