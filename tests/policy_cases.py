"""Documents of policies, with what each lets whom do: mostly AWS's own examples."""

from typing import Any

from vpce_tui.iam.trust_zone import AccessScope, TrustZone

OWN, PARTNER = "123456789012", "999999999999"
OURS = TrustZone(frozenset({OWN}), frozenset({"o-ours"}), frozenset({"storefront-assets"}))


def allow(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **changes}


def deny(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", **changes}


def equals(**keys: Any) -> dict[str, Any]:
    return {"StringEquals": {key.replace("_", ":", 1): value for key, value in keys.items()}}


# Each: the statements, who, what. From AWS's "Control access to VPC endpoints using endpoint policies", "Gateway endpoints
# for Amazon S3", "Establishing a data perimeter", "Condition operators" and "Global condition context keys".
EXAMPLES: list[tuple[str, list[dict[str, Any]], AccessScope, AccessScope]] = [
    ("the default policy", [allow()], AccessScope.ANY, AccessScope.ANY),
    (
        "principals of the organization",
        [allow(Condition=equals(aws_PrincipalOrgID="o-ours"))],
        AccessScope.OURS,
        AccessScope.ANY,
    ),
    (
        "principals and resources of the organization",
        [allow(Condition=equals(aws_PrincipalOrgID="o-ours", aws_ResourceOrgID="o-ours"))],
        AccessScope.OURS,
        AccessScope.OURS,
    ),
    (
        "another organization",
        [allow(Condition=equals(aws_PrincipalOrgID="o-other"))],
        AccessScope.NAMED,
        AccessScope.ANY,
    ),
    (
        "ours or another",
        [allow(Condition=equals(aws_PrincipalOrgID=["o-ours", "o-other"]))],
        AccessScope.NAMED,
        AccessScope.ANY,
    ),
    (
        "any organization, as a pattern",
        [allow(Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}})],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "a star that is no pattern",
        [allow(Condition=equals(aws_PrincipalAccount="*"))],
        AccessScope.NOBODY,
        AccessScope.NOBODY,
    ),
    (
        "only if there is an organization",
        [allow(Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-ours"}})],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "ForAllValues, true of nothing",
        [allow(Condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-ours"}})],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "ForAnyValue over the paths",
        [allow(Condition={"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-ours/r-1/*"]}})],
        AccessScope.OURS,
        AccessScope.ANY,
    ),
    (
        "all but one account",
        [allow(Condition={"StringNotEquals": {"aws:PrincipalAccount": PARTNER}})],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "a NotPrincipal in what allows",
        [{"Effect": "Allow", "NotPrincipal": {"AWS": PARTNER}, "Action": "*", "Resource": "*"}],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "a deny for who is not of the organization",
        [allow(), deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-ours"}})],
        AccessScope.OURS,
        AccessScope.ANY,
    ),
    (
        "a perimeter: identities, with AWS's services spared",
        [
            allow(),
            deny(
                Condition={
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-ours"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                }
            ),
        ],
        AccessScope.AWS,
        AccessScope.ANY,
    ),
    (
        "a perimeter that a tag opens",
        [
            allow(),
            deny(
                Condition={
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-ours", "aws:PrincipalTag/outside": "true"}
                }
            ),
        ],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "a perimeter: resources",
        [allow(), deny(Condition={"StringNotEqualsIfExists": {"aws:ResourceOrgID": "o-ours"}})],
        AccessScope.ANY,
        AccessScope.OURS,
    ),
    (
        "a perimeter of resources by the asker's organization",
        [allow(Condition=equals(aws_PrincipalOrgID="o-ours", aws_ResourceOrgID="${aws:PrincipalOrgID}"))],
        AccessScope.OURS,
        AccessScope.OURS,
    ),
    (
        "the asker's organization, whoever asks",
        [allow(Condition=equals(aws_ResourceOrgID="${aws:PrincipalOrgID}"))],
        AccessScope.ANY,
        AccessScope.UNSURE,
    ),
    (
        "a deny for some actions only",
        [allow(), deny(Action="s3:PutObject", Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-ours"}})],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "a deny for a service, of what is allowed of it",
        [
            allow(Action=["s3:GetObject", "s3:Put*"]),
            deny(Action="s3:*", Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-ours"}}),
        ],
        AccessScope.OURS,
        AccessScope.ANY,
    ),
    (
        "a deny of all but one action, which is allowed",
        [allow(Action="s3:GetObject"), {"Effect": "Deny", "Principal": "*", "NotAction": "s3:Get*", "Resource": "*"}],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "a deny of all but own accounts",
        [
            allow(),
            {"Effect": "Deny", "NotPrincipal": {"AWS": f"arn:aws:iam::{OWN}:root"}, "Action": "*", "Resource": "*"},
        ],
        AccessScope.OURS,
        AccessScope.ANY,
    ),
    ("everything denied", [allow(), deny()], AccessScope.NOBODY, AccessScope.NOBODY),
    ("nothing allowed", [deny()], AccessScope.NOBODY, AccessScope.NOBODY),
    (
        "an own role",
        [allow(Principal={"AWS": f"arn:aws:iam::{OWN}:role/app"}, Resource="arn:aws:s3:::storefront-assets/*")],
        AccessScope.OURS,
        AccessScope.OURS,
    ),
    ("a partner's account by number", [allow(Principal={"AWS": [OWN, PARTNER]})], AccessScope.NAMED, AccessScope.ANY),
    (
        "a partner, with a further condition",
        [allow(Principal={"AWS": PARTNER}, Condition=equals(**{"aws_PrincipalTag/team": "x"}))],
        AccessScope.NAMED,
        AccessScope.ANY,
    ),
    (
        "a role of that name in any account",
        [allow(Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}})],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "a role of an own account by its ARN",
        [allow(Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}})],
        AccessScope.OURS,
        AccessScope.ANY,
    ),
    (
        "everybody with a tag",
        [allow(Condition=equals(**{"aws_PrincipalTag/team": "x"}))],
        AccessScope.UNSURE,
        AccessScope.ANY,
    ),
    (
        "everybody, over TLS",
        [allow(Condition={"Bool": {"aws:SecureTransport": True}})],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "everybody out of this VPC, which an endpoint's callers all are",
        [allow(Condition=equals(aws_SourceVpc="vpc-1"))],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    ("a service of AWS", [allow(Principal={"Service": "logs.amazonaws.com"})], AccessScope.AWS, AccessScope.ANY),
    ("a principal that is gone", [allow(Principal={"AWS": "AROAEXAMPLE"})], AccessScope.UNSURE, AccessScope.ANY),
    (
        "a bucket of this account",
        [allow(Resource=["arn:aws:s3:::storefront-assets", "arn:aws:s3:::storefront-assets/*"])],
        AccessScope.ANY,
        AccessScope.OURS,
    ),
    (
        "a bucket of somebody else",
        [allow(Resource="arn:aws:s3:::their-drop-box/*")],
        AccessScope.ANY,
        AccessScope.NAMED,
    ),
    (
        "a name that an external principal may take",
        [allow(Resource="arn:aws:s3:::storefront-*/*")],
        AccessScope.ANY,
        AccessScope.UNSURE,
    ),
    (
        "AWS's own packages",
        [allow(Resource="arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*")],
        AccessScope.ANY,
        AccessScope.AWS,
    ),
    (
        "a queue of a partner",
        [allow(Resource=f"arn:aws:sqs:eu-west-1:{PARTNER}:q")],
        AccessScope.ANY,
        AccessScope.NAMED,
    ),
    ("queues of every account", [allow(Resource="arn:aws:sqs:eu-west-1:*:q")], AccessScope.ANY, AccessScope.ANY),
    (
        "all buckets but one",
        [{"Effect": "Allow", "Principal": "*", "Action": "*", "NotResource": "arn:aws:s3:::x"}],
        AccessScope.ANY,
        AccessScope.ANY,
    ),
    (
        "resources of an own account",
        [allow(Condition=equals(s3_ResourceAccount=OWN))],
        AccessScope.ANY,
        AccessScope.OURS,
    ),
    (
        "resources of a partner",
        [allow(Condition=equals(aws_ResourceAccount=PARTNER))],
        AccessScope.ANY,
        AccessScope.NAMED,
    ),
]
