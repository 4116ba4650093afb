"""Who outside may do what through a policy: AWS's documented examples, their near misses, and texts that are none."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy_cases import EXAMPLES, OURS, OWN, PARTNER, allow, deny, equals
from vpce_tui.iam.external_access import ExternalAccess, evaluate_external_access
from vpce_tui.iam.policy_document import LONGEST, parse
from vpce_tui.iam.trust_zone import AccessScope, TrustZone
from vpce_tui.iam.wildcards import patterns_overlap, subsumes

UNKNOWING = TrustZone(frozenset({OWN}))


def asked(*statements: dict[str, Any], trust_zone: TrustZone = OURS, in_endpoint: bool = True) -> ExternalAccess:
    return evaluate_external_access(
        parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)})), trust_zone, in_endpoint=in_endpoint
    )


@pytest.mark.parametrize(("what", "statements", "who", "reached"), EXAMPLES, ids=[item[0] for item in EXAMPLES])
def test_a_documented_example(
    what: str, statements: list[dict[str, Any]], who: AccessScope, reached: AccessScope
) -> None:
    found = asked(*statements)
    assert (found.who.reach, found.what.reach) == (who, reached)


def test_whether_an_organization_is_ours_is_not_guessed() -> None:
    found = asked(allow(Condition=equals(aws_PrincipalOrgID="o-ours")), trust_zone=UNKNOWING)
    assert found.who.reach is AccessScope.UNSURE
    assert "o-ours" in found.doubts[0]


def test_a_bucket_is_nobodys_as_long_as_the_buckets_are_not_known() -> None:
    assert asked(allow(Resource="arn:aws:s3:::x/*"), trust_zone=UNKNOWING).what.reach is AccessScope.UNSURE


def test_the_foreign_are_named() -> None:
    found = asked(allow(Principal={"AWS": PARTNER}, Resource="arn:aws:s3:::drop/*"))
    assert PARTNER in found.who.names[0]
    assert "drop" in found.what.names[0]


def test_a_trusted_principal_of_another_account_is_no_stranger_and_its_neighbours_are() -> None:
    trust_zone = TrustZone(
        accounts=OURS.accounts,
        organizations=OURS.organizations,
        buckets=OURS.buckets,
        trusted=(f"arn:aws:iam::{PARTNER}:role/etl*",),
    )
    assert (
        asked(allow(Principal={"AWS": f"arn:aws:iam::{PARTNER}:role/etl"}), trust_zone=trust_zone).who.reach
        is AccessScope.OURS
    )
    assert (
        asked(allow(Principal={"AWS": f"arn:aws:iam::{PARTNER}:role/other"}), trust_zone=trust_zone).who.reach
        is AccessScope.NAMED
    )
    assert asked(allow(Principal={"AWS": PARTNER}), trust_zone=trust_zone).who.reach is AccessScope.NAMED


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
    found = evaluate_external_access(parse(text), OURS)
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
    evaluate_external_access(parse(json.dumps({"Statement": statements})), OURS).doubts  # noqa: B018


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
