"""Playbook revoke-credentials: what a principal made, whoever contained its instance first; rights cut down to what is used."""

import json
from typing import Any

import boto3
import pytest

from tests.cases import shown
from tests.conftest import HOME, Aws
from tests.emulated_aws import clients
from vpce_tui.plans.actions.credentials.least_privilege import narrowed


def plan(aws: Aws, playbook: str, target: str, *words: str) -> dict[str, Any]:
    """The plan's steps by id."""
    path = aws.folder / f"{playbook}.json"
    more = ("--incident", "case") if aws.incident().exists() else ()
    code, said = aws.run("plan", playbook, target, "--region", HOME, "--out", str(path), *words, *more)
    assert code == 0, said
    return {step["id"]: step for step in json.loads(path.read_text())["steps"]}


def apply(aws: Aws, playbook: str, *steps: str) -> tuple[int | None, str]:
    words = [word for step in steps for word in ("--step", step)]
    return aws.run("apply", str(aws.folder / f"{playbook}.json"), "--incident", "case", "--yes", "--wait", "3", *words)


def offered(step: dict[str, Any]) -> dict[str, str]:
    return {item["value"]: item["label"] for item in step["questions"][0]["options"]}


def test_what_the_role_made_is_found_after_its_machine_was_contained(aws: Aws) -> None:
    before = offered(plan(aws, "revoke-credentials", "role/web-app")["persistence"])
    assert any(key.startswith("user:") for key in before)
    plan(aws, "terminate-instance", aws.victim)
    code, said = apply(aws, "terminate-instance", "protect", "cut-credentials")
    assert code == 0, said
    held = clients(aws)("ec2").describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [aws.victim]}, {"Name": "state", "Values": ["associated"]}]
    )["IamInstanceProfileAssociations"]
    assert held == [], "its profile is taken: nothing on the instance tells of the role any more"
    assert offered(plan(aws, "revoke-credentials", "role/web-app")["persistence"]) == before


def test_a_session_that_the_operator_names_is_looked_through(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    (held,) = ec2.describe_iam_instance_profile_associations(Filters=[{"Name": "instance-id", "Values": [aws.victim]}])[
        "IamInstanceProfileAssociations"
    ]
    ec2.disassociate_iam_instance_profile(AssociationId=held["AssociationId"])
    without = plan(aws, "revoke-credentials", "role/web-app")["persistence"]
    named = plan(aws, "revoke-credentials", "role/web-app", "--set", f"persistence.sessions={aws.victim}")[
        "persistence"
    ]
    assert len(offered(named)) > len(offered(without))
    assert any(aws.victim in note for note in shown(named))
    assert any("no longer have web-app, unless" in note for note in shown(without))
    assert any("no longer have web-app, other than those that are named" in note for note in shown(named))


def deploy(aws: Aws) -> Any:
    """IAM as a user who may do everything, whose calls stand in event history."""
    iam = clients(aws)("iam")
    iam.create_user(UserName="deploy")
    key = iam.create_access_key(UserName="deploy")["AccessKey"]
    made = iam.create_policy(PolicyName="everything", PolicyDocument=json.dumps(policy("*")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="deploy", PolicyArn=made)
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    return session.client("iam", endpoint_url=aws.url)


def test_the_operators_own_rights_are_never_contained(aws: Aws) -> None:
    iam = deploy(aws)
    iam.put_role_policy(RoleName="OnCallResponder", PolicyName="more", PolicyDocument=json.dumps(policy("*")))
    iam.create_user(UserName="svc,backup")
    step = plan(aws, "revoke-credentials", "user/deploy")["persistence"]
    own = "inline-role:OnCallResponder:more"
    assert own in offered(step)
    assert step["choices"]["contain"] == "user:svc%2Cbackup", "a name with a comma is one name, and is ticked"
    assert [call["parameters"].get("UserName") for call in step["calls"]] == ["svc,backup"]
    code, said = aws.run("plan", "revoke-credentials", "user/deploy", "--set", f"persistence.contain={own}")
    assert code == 2
    assert "lock yourself out" in said


def policy(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


@pytest.mark.parametrize(
    ("allowed", "used", "left"),
    [
        (["ec2:*"], {"ec2:RunInstances"}, ["ec2:CreateTags", "ec2:RunInstances"]),
        (["ec2:StopInstances", "ec2:RunInstances"], {"ec2:RunInstances"}, ["ec2:RunInstances"]),
        (["iam:PassRole", "iam:CreateUser"], {"ec2:RunInstances"}, ["iam:PassRole"]),
        (["s3:*Object"], set(), ["s3:*Object"]),
        (["s3:GetObject"], set(), ["s3:GetObject"]),
        (["apigateway:GET"], {"apigateway:GetRestApis"}, ["apigateway:GET"]),
        (["apigateway:*"], {"apigateway:GetRestApis"}, ["apigateway:*"]),
        (["rds:Describe*"], set(), []),
    ],
)
def test_what_event_history_cannot_show_is_never_taken_away(
    allowed: list[str], used: set[str], left: list[str]
) -> None:
    found, _, _ = narrowed(policy(*allowed), frozenset(used))
    assert [action for statement in found["Statement"] for action in statement["Action"]] == left
