"""Playbook revoke-credentials: what a principal made, whoever contained its machine first; rights cut down to what is used."""

import json
from typing import Any

import pytest

from tests.conftest import HOME, Aws, Labs
from tests.world import clients
from vpce_tui.inventory.dossiers.made import Made
from vpce_tui.playbooks.actions.credentials.least import narrowed


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
    code, said = apply(aws, "terminate-instance", "hold", "cut-credentials")
    assert code == 0, said
    held = clients(aws)("ec2").describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [aws.victim]}, {"Name": "state", "Values": ["associated"]}]
    )["IamInstanceProfileAssociations"]
    assert held == [], "its profile is taken: nothing on the machine tells of the role any more"
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
    assert any(aws.victim in note for note in named["notes"])


def test_the_operators_own_rights_are_never_contained_unasked(labs: Labs) -> None:
    aws = labs.new()
    step = plan(aws, "revoke-credentials", "role/web-app")["persistence"]
    assert "OnCallResponder" not in step["choices"]["contain"]


def policy(*actions: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


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


def test_a_name_with_a_comma_is_one_name() -> None:
    assert "," not in Made("user", "svc,backup", "", HOME, None, "198.51.100.23").key
