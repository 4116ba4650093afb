"""The catalogue of powerful actions."""

import os
from pathlib import Path
from typing import Any

import pytest

from vpce_tui.iam import powerful_actions
from vpce_tui.plans.actions.relaunch.instance_profile import why_overprivileged
from vpce_tui.plans.targets.launch import PolicyOf


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
    assert list(powerful_actions.permissions_management()) == found, (
        "UPDATE_TABLES=1 pytest tests/test_powerful_actions.py"
    )


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
        ("s3:**", False),
        ("s3:?*", False),
        ("sso:*", True),
        ("ram:*", True),
        ("iam:UpdateAccountName", True),
        ("iam:SetSTS*", True),
        ("iam:PutAccountProperties", True),
        ("iam:" + "*z" * 2900, True),
        ("s3:Put*", True),
        ("cloudtrail:*", True),
        ("IAM:*", True),
    ],
)
def test_what_is_powerful(action: str, powerful: bool) -> None:
    assert powerful_actions.is_powerful(action) is powerful


@pytest.mark.parametrize(
    "action",
    [
        "*:*",
        "**",
        "iam:C*",
        "iam:?reateUser",
        "sts:A*",
        "ec2:R*",
        "ec2:*",
        "lambda:C*",
        "cloudtrail:S*",
        "ssm:*",
        "?*" * 3000,
        "iam:" + "*?" * 3,
    ],
)
def test_no_way_to_write_a_dangerous_action_gets_past(action: str) -> None:
    statement = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    assert why_overprivileged(PolicyOf("x", "", statement))


@pytest.mark.parametrize("action", ["s3:*", "ec2:Describe*", "logs:PutLogEvents", "iam:Get*", "kms:Decrypt"])
def test_what_a_machine_needs_may_be_ticked(action: str) -> None:
    assert not why_overprivileged(
        PolicyOf("x", "", {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
    )


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"Statement": {"Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*"}}, "it allows iam:CreateUser"),
        ({"Statement": [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]}, "it uses NotAction"),
        ({"Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "iam:CreateUser"]}]}, "it allows iam:CreateUser"),
        ({"Statement": []}, "its text could not be read"),
        ({}, "its text could not be read"),
        ("not json", "its text could not be read"),
    ],
    ids=str,
)
def test_a_policy_that_gives_too_much_or_cannot_be_read_is_not_taken_over(document: Any, says: str) -> None:
    assert why_overprivileged(PolicyOf("x", "", document)) == says
