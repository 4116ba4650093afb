"""AWS's own check of a policy: what is asked of which event, and what is made of the answers."""

import json
from typing import Any

import pytest

from tests.conftest import Aws, Labs
from tests.rules import HOME, OPEN, OURS, allow, created, other, policy
from vpce_tui.aws.call import Call
from vpce_tui.aws.catalogue import find
from vpce_tui.investigation.access_analyzer import PolicyCheck, ask, checks

S3 = f"com.amazonaws.{HOME}.s3"
TRUST = policy(allow(Action="sts:AssumeRole"))
NARROW = json.dumps(
    {"Version": "2012-10-17", "Statement": [allow(Action="s3:GetObject", Resource="arn:aws:s3:::mine/*")]}
)


def operations(found: Any) -> list[tuple[str, bool]]:
    return [(check.call.operation, check.billed) for check in found]


def test_an_endpoint_is_asked_whether_it_can_carry_data_to_somebody_else_and_what_it_costs() -> None:
    found = checks(created(S3, OPEN))
    assert operations(found) == [("ValidatePolicy", False), ("CheckAccessNotGranted", True)]
    access = found[1].call.parameters["access"][0]
    assert access == {"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::somebody-elses-bucket/*"]}
    assert found[1].call.parameters["policyDocument"] == OPEN


def test_the_policy_that_it_has_by_now_stands_in_the_place_of_the_one_it_was_made_with() -> None:
    assert checks(created(S3, None), OPEN)[0].call.parameters["policyDocument"] == OPEN
    assert checks(created(S3, None)) == ()


def test_where_the_policy_was_changed_since_both_are_asked_about_and_said_apart() -> None:
    found = checks(created(S3, OPEN), NARROW)
    assert operations(found) == [("ValidatePolicy", False), ("CheckAccessNotGranted", True)] * 2
    assert [check.call.parameters["policyDocument"] for check in found] == [OPEN, OPEN, NARROW, NARROW]
    assert "as set by the event" in found[1].question
    assert "current" in found[3].question


def test_a_strangers_thing_that_the_policy_names_is_asked_about_by_name() -> None:
    named = policy(allow(Action="s3:PutObject", Resource=["arn:aws:s3:::exfil-of-eve/*", "arn:aws:s3:::assets/*", "*"]))
    access = checks(created(S3, named), "", OURS)[1].call.parameters["access"][0]
    assert access["resources"] == [
        "arn:aws:s3:::somebody-elses-bucket/*",
        "arn:aws:s3:::exfil-of-eve/*",
        "arn:aws:s3:::assets/*",
    ]
    alone = policy(allow(Action="s3:PutObject", Resource="arn:aws:s3:::exfil-of-eve/*"))
    assert "exfil-of-eve" in checks(created(S3, alone), "", OURS)[1].question


def test_a_service_of_which_no_call_is_known_is_asked_only_what_is_free() -> None:
    assert operations(checks(created(f"com.amazonaws.{HOME}.logs", OPEN))) == [("ValidatePolicy", False)]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (
            other("PutBucketPolicy", "s3", requestParameters={"bucketName": "b", "bucketPolicy": json.loads(OPEN)}),
            "AWS::S3::Bucket",
        ),
        (
            other("UpdateAssumeRolePolicy", "iam", requestParameters={"roleName": "r", "policyDocument": TRUST}),
            "AWS::IAM::AssumeRolePolicyDocument",
        ),
        (
            other("CreateRole", "iam", requestParameters={"roleName": "r", "assumeRolePolicyDocument": TRUST}),
            "AWS::IAM::AssumeRolePolicyDocument",
        ),
    ],
)
def test_policies_of_buckets_and_roles_are_asked_whether_they_let_in_everybody(event: Any, kind: str) -> None:
    found = checks(event)
    assert operations(found) == [("ValidatePolicy", False), ("CheckNoPublicAccess", True)]
    assert found[0].call.parameters["validatePolicyResourceType"] == found[1].call.parameters["resourceType"] == kind


def test_events_that_set_no_policy_are_asked_nothing() -> None:
    for name, source in (("RunInstances", "ec2"), ("PutBucketPolicy", "ec2"), ("PutBucketPolicy", "s3")):
        assert checks(other(name, source, requestParameters=None)) == ()


def test_every_check_is_on_the_reviewed_list_of_reads() -> None:
    for check in (
        *checks(created(S3, OPEN)),
        *checks(other("CreateRole", "iam", requestParameters={"assumeRolePolicyDocument": TRUST})),
    ):
        listed = find(check.call.service, check.call.operation)
        assert listed is not None
        assert listed.access.value == "read"
        assert listed.iam_action == f"access-analyzer:{check.call.operation}"


def test_the_answers_over_http(aws: Aws) -> None:
    client = aws.session(read_only=True)
    validated, granted = ask(client, checks(created(S3, OPEN)))
    assert (validated.good, granted.good) == (True, False)
    assert granted.said[0].startswith("yes, possibly")
    assert "statement 1" in granted.said[1]
    assert [answer.good for answer in ask(client, checks(created(S3, NARROW)))] == [True, True]
    broken = ask(client, checks(created(S3, "{")))
    assert [answer.good for answer in broken] == [False, None]
    assert "JSON" in broken[0].said[0]
    trust = ask(client, checks(other("CreateRole", "iam", requestParameters={"assumeRolePolicyDocument": TRUST})))
    assert [answer.good for answer in trust] == [True, False]


def test_a_refused_check_says_why_and_keeps_no_other_from_being_asked(labs: Labs) -> None:
    aws = labs.new("denied@CheckAccessNotGranted:9")
    free, billed = ask(aws.session(read_only=True), checks(created(S3, OPEN)))
    assert free.good is True
    assert billed.good is None
    assert "CheckAccessNotGranted" in billed.said[0]


@pytest.mark.parametrize(
    "data",
    [
        {"result": "FAIL", "reasons": ["x", None, {}]},
        {"result": "FAIL", "reasons": [{"statementIndex": "two", "description": 7}]},
        {"result": "FAIL", "reasons": "x"},
        {"result": 7},
        {},
    ],
)
def test_an_odd_answer_loses_no_other(data: Any) -> None:
    class Odd:
        def read(self, call: Call) -> Any:
            return type("Answer", (), {"data": data})()

    asked = [
        PolicyCheck(name, Call(service="accessanalyzer", operation="CheckNoPublicAccess", region=HOME, parameters={}))
        for name in ("a", "b")
    ]
    found = ask(Odd(), asked)  # type: ignore[arg-type]
    assert [answer.question for answer in found] == ["a", "b"]
    assert not any("statement" in said for answer in found for said in answer.said)


def test_an_answer_that_is_not_known_is_no_pass() -> None:
    class Odd:
        def read(self, call: Call) -> Any:
            return type("Answer", (), {"data": {"result": "PERHAPS"}})()

    found = ask(
        Odd(),
        [PolicyCheck("q", Call(service="accessanalyzer", operation="CheckNoPublicAccess", region=HOME, parameters={}))],
    )  # type: ignore[arg-type]
    assert found[0].good is None
