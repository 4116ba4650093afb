"""Cases of the rules about what its creator did before and after."""

from tests.rule_cases.endpoint_parts import PIPELINE, REFUSED, ROLE, S3
from tests.rules import (
    BOB,
    LIMITED,
    OTHER_ACCOUNT,
    allow,
    created,
    other,
    past,
    policy,
    see,
)
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts

CASES: list[tuple[str, str, EventFacts, str | None]] = [
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
                            "PolicyDocument": policy(allow(Action="s3:Put*", Principal={"AWS": OTHER_ACCOUNT})),
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
]
