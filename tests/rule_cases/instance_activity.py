"""Cases of the rules about what an instance did, and was done to it."""

from datetime import timedelta

from tests.rule_cases.instance_parts import (
    OLDER_RUN,
    RUN,
    SHARED,
    SNAPPED,
    YOUNG,
    about,
    copied,
    recorded,
    subject,
)
from tests.rules import (
    AT,
    INSTANCE_ID,
    OTHER_ACCOUNT,
    SESSION,
    make_instance,
    network,
    other,
    past,
)
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.team_context import Context
from vpce_tui.inventory.account_inventory import Mirror

CASES: list[tuple[str, str, InstanceFacts, str | None]] = [
    (
        "INST-09",
        "a large one that a fleet started",
        subject(make_instance(launched=AT - timedelta(hours=2), type="p4d.24xlarge"), past=past()),
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
                    requestParameters={"instanceId": INSTANCE_ID, "userData": "<sensitiveDataRemoved>"},
                )
            )
        ),
        "high",
    ),
    (
        "INST-08",
        "another role, by a response",
        subject(
            about=about(other("AssociateIamInstanceProfile", minutes=30, requestID="r-1")),
            recorded=recorded("AssociateIamInstanceProfile", minutes=30),
        ),
        None,
    ),
    (
        "INST-09",
        "by a response",
        subject(
            YOUNG,
            past=past(other("RunInstances", minutes=120, requestID="r-1", **RUN)),
            recorded=recorded("RunInstances", minutes=120),
        ),
        None,
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
            make_instance(launched=AT - timedelta(hours=2), type="g5.12xlarge"),
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
            context=Context(forensics_account=OTHER_ACCOUNT),
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
]
