"""What calls mean that intruders make: by their parameters, and by what is ours."""

import json
from typing import Any

import pytest

from tests.rules import OWN, STRANGER, allow, created, other, past, policy, see
from vpce_tui.inventory.policies.outside import Ours
from vpce_tui.signals.context import Context
from vpce_tui.signals.deeds import deed_of
from vpce_tui.signals.endpoint import judge_event

SISTER = "222222222222"
OURS = Ours(frozenset({SISTER}))


def by(account: str, **more: Any) -> str:
    return policy(allow(Principal={"AWS": f"arn:aws:iam::{account}:root"}, **more))


EVERYTHING = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
READS = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})


@pytest.mark.parametrize(
    ("name", "source", "asked", "means"),
    [
        ("PutBucketPolicy", "s3", {"bucketPolicy": json.loads(policy(allow()))}, "bucket opened to everybody"),
        ("PutBucketPolicy", "s3", {"bucketPolicy": json.loads(by(STRANGER))}, f"bucket opened to account {STRANGER}"),
        ("PutBucketPolicy", "s3", {"bucketPolicy": json.loads(by(SISTER))}, "bucket policy changed"),
        ("PutBucketPolicy", "s3", {"bucketPolicy": json.loads(by(OWN))}, "bucket policy changed"),
        ("PutBucketPolicy", "s3", {"bucketPolicy": 7}, "bucket may be open: it has no statements"),
        ("PutBucketPolicy", "s3", None, "bucket policy changed"),
        ("UpdateAssumeRolePolicy", "iam", {"policyDocument": by(STRANGER)}, f"role opened to account {STRANGER}"),
        ("UpdateAssumeRolePolicy", "iam", {"policyDocument": by(OWN)}, "who may take a role was changed"),
        ("CreateRole", "iam", {"assumeRolePolicyDocument": by(STRANGER)}, f"new role opened to account {STRANGER}"),
        ("CreateRole", "iam", {"assumeRolePolicyDocument": policy(allow(Principal={"Service": "ec2.amazonaws.com"}))}, ""),
        ("PutUserPolicy", "iam", {"policyDocument": EVERYTHING}, "a user may do everything by a new policy"),
        ("PutRolePolicy", "iam", {"policyDocument": READS}, "policy written for a role"),
        ("PutRolePolicy", "iam", {"policyDocument": "{"}, "policy written for a role"),
        ("AttachUserPolicy", "iam", {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, "AdministratorAccess given to a user"),
        ("AttachRolePolicy", "iam", {"policyArn": f"arn:aws:iam::{OWN}:policy/AdministratorAccess"}, "policy given to a role"),
        ("AttachRolePolicy", "iam", {"policyArn": ["x"]}, "policy given to a role"),
        ("PutRolePolicy", "ec2", {"policyDocument": EVERYTHING}, ""),
    ],
)  # fmt: skip
def test_what_a_call_means(name: str, source: str, asked: Any, means: str) -> None:
    assert deed_of(other(name, source, requestParameters=asked), OURS) == means


def test_a_pipeline_that_opens_a_role_to_an_account_of_ours_is_at_work_and_to_a_strangers_is_not() -> None:
    pipeline = Context(pipelines=(("*", "*"),))

    def says(account: str) -> bool:
        opened = other("UpdateAssumeRolePolicy", "iam", 5, requestParameters={"policyDocument": by(account)})
        ours = Ours(frozenset({OWN, SISTER}))
        found = judge_event(see(created(userAgent="Terraform"), past=past(opened), ours=ours, context=pipeline))
        return "VPCE-24" in {signal.id for signal in found.signals}

    assert says(STRANGER)
    assert not says(SISTER)
