"""Cases of the rules about an endpoint's policy."""

from dataclasses import replace

from tests.rule_cases.endpoint_parts import S3
from tests.rules import (
    FOREIGN,
    LIMITS,
    OPEN,
    OTHER_ACCOUNT,
    OURS,
    allow,
    created,
    network,
    now,
    policy,
    region,
    see,
)
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts

CASES: list[tuple[str, str, EventFacts, str | None]] = [
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
        see(created(S3, policy(allow(Principal={"AWS": OTHER_ACCOUNT})))),
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
        see(created(S3, policy(allow(Resource="arn:aws:s3:::drop-box/*"))), trust_zone=replace(OURS, buckets=None)),
        None,
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
                                "aws:ResourceAccount": [OTHER_ACCOUNT, "${aws:PrincipalAccount}"],
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
]
