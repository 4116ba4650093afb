"""What calls mean that intruders make: by their parameters, and by what is ours."""

import json
from typing import Any

import pytest

from tests.rules import OTHER_ACCOUNT, OWN, allow, created, other, past, policy, see
from vpce_tui.cloudtrail.sensitive_calls import contextual_meaning, describe_impact, impact_with_target
from vpce_tui.detection.endpoint import assess_signals
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.external_access import external_assumers
from vpce_tui.iam.trust_zone import TrustZone

SISTER = "222222222222"
OURS = TrustZone(frozenset({SISTER}))


def by(account: str, **more: Any) -> str:
    return policy(allow(Principal={"AWS": f"arn:aws:iam::{account}:root"}, **more))


EVERYTHING = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
READS = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})


@pytest.mark.parametrize(
    ("name", "source", "asked", "means"),
    [
        ("PutBucketPolicy", "s3", {"bucketPolicy": json.loads(policy(allow()))}, "bucket opened to everybody"),
        (
            "PutBucketPolicy",
            "s3",
            {"bucketPolicy": json.loads(by(OTHER_ACCOUNT))},
            f"bucket opened to account {OTHER_ACCOUNT}",
        ),
        ("PutBucketPolicy", "s3", {"bucketPolicy": json.loads(by(SISTER))}, "bucket policy changed"),
        ("PutBucketPolicy", "s3", {"bucketPolicy": json.loads(by(OWN))}, "bucket policy changed"),
        ("PutBucketPolicy", "s3", {"bucketPolicy": 7}, "bucket may be open: it has no statements"),
        ("PutBucketPolicy", "s3", None, "bucket policy changed"),
        (
            "UpdateAssumeRolePolicy",
            "iam",
            {"policyDocument": by(OTHER_ACCOUNT)},
            f"role opened to account {OTHER_ACCOUNT}",
        ),
        ("UpdateAssumeRolePolicy", "iam", {"policyDocument": by(OWN)}, "trust policy of a role changed"),
        (
            "CreateRole",
            "iam",
            {"assumeRolePolicyDocument": by(OTHER_ACCOUNT)},
            f"new role opened to account {OTHER_ACCOUNT}",
        ),
        (
            "CreateRole",
            "iam",
            {"assumeRolePolicyDocument": policy(allow(Principal={"Service": "ec2.amazonaws.com"}))},
            "",
        ),
        ("PutUserPolicy", "iam", {"policyDocument": EVERYTHING}, "a user may do everything by a new policy"),
        ("PutRolePolicy", "iam", {"policyDocument": READS}, "inline policy written for a role"),
        ("PutRolePolicy", "iam", {"policyDocument": "{"}, "inline policy written for a role"),
        (
            "AttachUserPolicy",
            "iam",
            {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            "AdministratorAccess attached to a user",
        ),
        (
            "AttachRolePolicy",
            "iam",
            {"policyArn": f"arn:aws:iam::{OWN}:policy/AdministratorAccess"},
            "policy attached to a role",
        ),
        ("AttachRolePolicy", "iam", {"policyArn": ["x"]}, "policy attached to a role"),
        ("PutRolePolicy", "ec2", {"policyDocument": EVERYTHING}, ""),
    ],
)
def test_what_a_call_means(name: str, source: str, asked: Any, means: str) -> None:
    assert describe_impact(other(name, source, requestParameters=asked), OURS) == means


def test_a_pipeline_that_opens_a_role_to_an_account_of_ours_is_at_work_and_to_a_strangers_is_not() -> None:
    pipeline = Context(pipelines=(("*", "*"),))

    def says(account: str) -> bool:
        opened = other("UpdateAssumeRolePolicy", "iam", 5, requestParameters={"policyDocument": by(account)})
        trust_zone = TrustZone(frozenset({OWN, SISTER}))
        found = assess_signals(
            see(created(userAgent="Terraform"), past=past(opened), trust_zone=trust_zone, context=pipeline)
        )
        return "VPCE-24" in {signal.id for signal in found.signals}

    assert says(OTHER_ACCOUNT)
    assert not says(SISTER)


DENY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "*",
    "Condition": {"StringNotEquals": {"aws:PrincipalAccount": OWN}},
}


def without_resources(*statements: dict[str, Any]) -> str:
    return policy(*({key: value for key, value in statement.items() if key != "Resource"} for statement in statements))


@pytest.mark.parametrize(
    ("document", "who"),
    [
        (without_resources(allow(Principal={"AWS": "*"}, Action="sts:AssumeRole")), "everybody"),
        (without_resources(allow(Principal={"AWS": "*"}, Action="sts:AssumeRole"), DENY), ""),
        (
            without_resources(
                allow(Principal="*", Action="sts:AssumeRole", Condition={"StringEquals": {"sts:ExternalId": "x"}})
            ),
            "everybody",
        ),
        (without_resources(allow(Principal={"AWS": OTHER_ACCOUNT}, Action="sts:TagSession")), ""),
        (
            without_resources(allow(Principal={"AWS": OTHER_ACCOUNT}, Action="sts:AssumeRole*")),
            f"account {OTHER_ACCOUNT}",
        ),
        (
            without_resources(
                allow(
                    Principal={"Federated": f"arn:aws:iam::{OTHER_ACCOUNT}:saml-provider/evil"},
                    Action="sts:AssumeRoleWithSAML",
                )
            ),
            f"arn:aws:iam::{OTHER_ACCOUNT}:saml-provider/evil of account {OTHER_ACCOUNT}",
        ),
        (without_resources(allow(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")), ""),
        ("", ""),
    ],
)
def test_who_outside_may_take_a_role(document: str, who: str) -> None:
    assert external_assumers(document, TrustZone(frozenset({OWN}))) == (who, "")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        without_resources(
            allow(Principal={"Federated": "accounts.google.com"}, Action="sts:AssumeRoleWithWebIdentity")
        ),
    ],
)
def test_what_cannot_be_told_of_a_trust_policy_is_said(document: str) -> None:
    who, unsure = external_assumers(document, TrustZone(frozenset({OWN})))
    assert (who, bool(unsure)) == ("", True)


def test_what_aws_itself_reads_opens_nothing_to_strangers() -> None:
    for named in (
        "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
        "arn:aws:iam::156460612806:root",
    ):
        document = {"Statement": [allow(Principal={"AWS": named}, Action="s3:GetObject")]}
        assert (
            describe_impact(other("PutBucketPolicy", "s3", requestParameters={"bucketPolicy": document}))
            == "bucket policy changed"
        )


def test_a_decoy_before_it_hides_no_deed() -> None:
    pipeline = Context(pipelines=(("*", "*"),))
    decoys = [
        other(
            "UpdateAssumeRolePolicy", "iam", 50 - n / 10, requestParameters={"policyDocument": by(OWN)}, eventID=f"d{n}"
        )
        for n in range(300)
    ]
    impact = other("UpdateAssumeRolePolicy", "iam", 5, requestParameters={"policyDocument": by("*")}, eventID="deed")
    for context in (pipeline, Context()):
        found = assess_signals(see(created(userAgent="Terraform"), past=past(*decoys, impact), context=context))
        facts = {signal.id: signal.evidence for signal in found.signals}
        assert "opened to everybody" in facts["VPCE-24"][0].value


def test_a_foreign_organization_is_named_where_ones_own_is_known() -> None:
    opened = policy(allow(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-evil"}}))
    impact = other("PutBucketPolicy", "s3", 5, requestParameters={"bucketPolicy": json.loads(opened)})
    found = assess_signals(see(created(), past=past(impact)))
    assert "organization o-evil" in next(signal for signal in found.signals if signal.id == "VPCE-24").evidence[0].value


def test_a_pipeline_that_opens_something_to_a_vendor_is_looked_at_and_no_alarm() -> None:
    impact = other("CreateRole", "iam", 5, requestParameters={"assumeRolePolicyDocument": by(OTHER_ACCOUNT)})
    found = assess_signals(
        see(created(userAgent="Terraform"), past=past(impact), context=Context(pipelines=(("*", "*"),)))
    )
    assert next(signal for signal in found.signals if signal.id == "VPCE-24").severity.word == "medium"


def test_what_it_was_done_to_is_named() -> None:
    made = other(
        "CreateAccessKey",
        "iam",
        requestParameters={"userName": "bob"},
        responseElements={"accessKey": {"accessKeyId": "AKIANEW"}},
    )
    assert impact_with_target(made) == "access key created: bob (AKIANEW)"
    assert (
        impact_with_target(other("StopLogging", "cloudtrail", requestParameters={"name": "main"}))
        == "trail logging stopped: main"
    )
    assert (
        impact_with_target(other("StopLogging", "cloudtrail", requestParameters={"name": 7})) == "trail logging stopped"
    )
    assert impact_with_target(other("DescribeVpcs", requestParameters={"name": "x"})) == ""


@pytest.mark.parametrize(
    ("call", "means"),
    [
        (
            other("CreateRoute", requestParameters={"destinationCidrBlock": "0.0.0.0/0", "vpcEndpointId": "vpce-1"}),
            "traffic to 0.0.0.0/0 sent to vpce-1",
        ),
        (other("CreateRoute", requestParameters={"destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}), ""),
        (
            other("ModifyInstanceAttribute", requestParameters={"instanceId": "i-1", "userData": "x"}),
            "user data of i-1 changed",
        ),
        (
            other(
                "RunInstances", responseElements={"instancesSet": {"items": [{"instanceId": "i-0a1b2c3d4e5f60718"}]}}
            ),
            "1 instance launched: i-0a1b2c3d4e5f60718",
        ),
        (other("RunInstances", responseElements=None), ""),
    ],
)
def test_what_is_a_days_work_and_may_be_a_part_of_it(call: Any, means: str) -> None:
    assert contextual_meaning(call) == means
