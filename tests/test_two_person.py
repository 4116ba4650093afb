"""What cannot be undone runs only with as many people behind it as the team wants."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Aws
from tests.emulated_aws import clients
from tests.people import (
    ALICE,
    approved,
    bob,
    bobs_keys,
    key_of,
    keyring,
    opened,
    operator,
    rotate_plan,
    session,
    team,
    with_team,
)
from vpce_tui.core.canonical_json import canonical, digest, rfc3339
from vpce_tui.incident import approval
from vpce_tui.incident.journal import Journal


def stop_plan(aws: Aws, incident: str = "case", *more: str, env: dict[str, str] | None = None) -> str:
    opened(aws, incident)
    path = str(aws.folder / "plan.json")
    words = (
        "plan",
        "terminate-instance",
        aws.victim,
        "--out",
        path,
        "--set",
        "evidence=waived",
        "--incident",
        incident,
    )
    code, said = aws.run(*words, *more, env=env)
    assert code == 0, said
    return path


def snapshots(
    aws: Aws, path: str, *more: str, incident: str = "case", env: dict[str, str] | None = None
) -> tuple[int | None, str]:
    words = (
        "apply",
        path,
        "--incident",
        incident,
        "--yes",
        "--wait",
        "1",
        "--confirm",
        aws.victim,
        "--step",
        "snapshots",
    )
    return aws.run(*words, *more, env=env or keyring(aws, ALICE))


def test_without_a_second_person_nothing_irreversible_runs_and_the_rest_does(aws: Aws) -> None:
    with_team(aws)
    path = stop_plan(aws)
    code, said = snapshots(aws, path)
    assert code == 5, said
    assert "requires 2 people" in said
    assert aws.writes() == []
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "protect")
    assert code == 0, said


def test_a_plan_that_somebody_else_signed_runs_and_stands_in_both_records(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    code, said = aws.run("approve", path, "--incident", "mine", "--yes", env=env)
    assert code == 0, said
    code, said = snapshots(aws, path, "--approval", f"{path}.approval")
    assert code == 0, said
    sha = json.loads(Path(path).read_text())["sha256"]
    for folder in (aws.incident(), aws.folder / "bob" / "incidents" / "mine"):
        with Journal.open(folder, "reader", write=False) as journal:
            approved = (row.content.data() for row in journal.rows() if row.kind == "approved")
            rows = [data for data in approved if data.get("plan") == sha]
        assert len(rows) == 1
        assert "OnCallResponder/bob" in str(rows[0])
    assert rows[0]["approver"]["behind"] == "role and session name alone", "what is not known is said"
    assert aws.run("verify", "case")[0] == 0


def test_the_approver_sees_every_call_with_its_parameters_and_every_inverse(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    _, said = aws.run("approve", path, "--incident", "mine", "--yes", env=env)
    plan = json.loads(Path(path).read_text())
    for step in plan["steps"]:
        for call in (*step["calls"], *step["already"], *step["undo"]):
            assert f"{call['service']}:{call['operation']} {call['region']}" in said
            assert json.dumps(call["parameters"]) in said
    assert said.count("CANNOT BE UNDONE") == sum(not step["reversible"] for step in plan["steps"])


# -- one approval: one plan, one incident, some hours, one run


def test_an_approval_is_for_one_run(aws: Aws) -> None:
    """The step is undone manually in AWS; run again it would do the same again, and the same approval is used up."""
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    assert snapshots(aws, path, "--approval", file)[0] == 0
    ec2 = clients(aws)("ec2")
    for item in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        with suppress(ClientError):  # an AMI's
            ec2.delete_snapshot(SnapshotId=item["SnapshotId"])
    before = len(aws.writes())
    code, said = snapshots(aws, path, "--approval", file)
    assert code == 5, said
    assert "was already used" in said
    assert len(aws.writes()) == before
    code, said = snapshots(aws, path, "--approval", approved(aws, path, env))
    assert code == 0, said


RUN = ("--incident", "case", "--yes", "--wait", "1", "--step", "snapshots")


def killed_at_each_row(aws: Aws, words: tuple[str, ...]) -> tuple[int | None, str, int]:
    passed = ["none yet"]
    for _ in range(40):
        code, said = aws.run(*words, kill_new=passed, env=keyring(aws, ALICE))
        if code is not None:
            break
        passed.append(said.rpartition("killed at: ")[2].strip())
    return code, said, len(passed) - 1


def test_a_run_that_was_interrupted_goes_on_with_its_approval(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    code, said, kills = killed_at_each_row(aws, ("apply", path, *RUN, "--confirm", aws.victim, "--approval", file))
    assert code == 0, said
    assert kills > 5, "it was killed at hardly any row"
    assert [name for name, _ in aws.writes()].count("ec2:CreateSnapshots") == 1


def test_a_call_is_made_once_under_an_approval_though_its_run_was_interrupted(aws: Aws) -> None:
    """Killed after the call and before its proof; what it made is deleted manually; run again it would be made again."""
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    words = ("apply", path, *RUN, "--confirm", aws.victim, "--approval", file)
    passed, last = ["none yet"], ""
    while not (last.startswith("result") and "ec2:CreateSnapshots" in [name for name, _ in aws.writes()]):
        code, said = aws.run(*words, kill_new=passed, env=keyring(aws, ALICE))
        assert code is None, said
        last = said.rpartition("killed at: ")[2].strip()
        passed.append(last)
    ec2 = clients(aws)("ec2")
    for item in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        with suppress(ClientError):  # an AMI's
            ec2.delete_snapshot(SnapshotId=item["SnapshotId"])
    code, said = aws.run(*words, env=keyring(aws, ALICE))
    assert code == 5, said
    assert "was already used" in said
    assert [name for name, _ in aws.writes()].count("ec2:CreateSnapshots") == 1


def test_an_undo_is_covered_only_by_a_plan_that_shows_its_calls(aws: Aws) -> None:
    """A plan of the same playbook with its calls taken out is approved; the undo of what the first plan did is not."""
    env = with_team(aws)
    path = rotate_plan(aws)
    words = ("--incident", "case", "--yes", "--wait", "1")
    mine = keyring(aws, ALICE)
    assert (
        aws.run(
            "apply",
            path,
            *words,
            "--step",
            "rotate",
            "--secret-to",
            "keyring",
            "--approval",
            approved(aws, path, env),
            env=mine,
        )[0]
        == 0
    )
    data = json.loads(Path(path).read_text())
    data["steps"] = [
        {**step, "calls": [], "undo": [], "already": [], "permissions": [], "checks": []} for step in data["steps"]
    ]
    body = {key: value for key, value in data.items() if key != "sha256"}
    Path(path).write_text(json.dumps({**body, "sha256": digest(body)}))
    file = approved(aws, path, env)
    aws.run("apply", path, *words, "--step", "who", env=mine)
    code, said = aws.run("undo", "rotate", *words, "--confirm", "user/bob", "--approval", file, env=mine)
    assert code == 5, said
    assert "does not show" in said
    assert len(bobs_keys(aws)) == 1


@pytest.mark.parametrize("target", ["nowhere.toml", "config.toml"])
def test_rules_behind_a_link_that_leads_nowhere_are_not_no_rules(aws: Aws, target: str) -> None:
    path = stop_plan(aws)
    folder = aws.folder / "config"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").symlink_to(target)
    code, said = snapshots(aws, path)
    assert code == 2, said
    assert aws.writes() == []


def test_an_approval_does_not_count_in_another_incident_even_of_the_same_name(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    opened(aws, "other")
    code, said = snapshots(aws, path, "--approval", file, incident="other")
    assert code == 5, said
    assert "is for another incident" in said
    elsewhere = {**keyring(aws, ALICE), "VPCE_TUI_STATE": str(aws.folder / "second-machine")}
    assert aws.run("open", "case", env=elsewhere)[0] == 0
    code, said = snapshots(aws, path, "--approval", file, env=elsewhere)
    assert code == 5, said
    assert aws.writes() == []


def test_a_plan_for_no_incident_is_not_approved(aws: Aws) -> None:
    env = with_team(aws)
    path = str(aws.folder / "plan.json")
    assert aws.run("plan", "terminate-instance", aws.victim, "--out", path, "--set", "evidence=waived")[0] == 0
    code, said = aws.run("approve", path, "--incident", "mine", "--yes", env=env)
    assert code == 5, said
    assert "the plan has no incident" in said
    code, said = snapshots(aws, path)
    assert code == 5, said
    assert "--incident NAME" in said


def resigned(aws: Aws, file: str, env: dict[str, str], **changes: Any) -> None:
    """The approval with other content, signed by the approver's own key: as a careless or bribed tool would."""
    private = json.loads(Path(env["TEST_KEYRING"]).read_text())["vpce-tui approver-key"]
    data = json.loads(Path(file).read_text())
    body = {key: value for key, value in data.items() if key not in ("key", "signature")} | changes
    signature = approval._private(private).sign(canonical(body))
    Path(file).write_text(json.dumps({**body, "key": data["key"], "signature": base64.b64encode(signature).decode()}))


def test_an_approval_that_ended_does_not_count_on_the_command_line(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    now = datetime.now(UTC)
    resigned(aws, file, env, at=rfc3339(now - timedelta(minutes=2)), until=rfc3339(now - timedelta(minutes=1)))
    refused_with(aws, path, "expired at", file)


# -- somebody else: by key and by who is behind the session


def refused_with(aws: Aws, path: str, expected: str, *files: str, env: dict[str, str] | None = None) -> None:
    words = [word for file in files for word in ("--approval", file)]
    code, said = snapshots(aws, path, *words, env=env)
    assert code == 5, said
    assert expected in said, said
    assert aws.writes() == []


def test_an_operator_does_not_approve_herself_under_a_second_session_name(aws: Aws) -> None:
    """On one instance the key is the same; from a second one hers is in the rules once, as approver's or as runner's."""
    second = operator(aws, "alice-2", machine=ALICE)
    key = key_of(aws, keyring(aws, ALICE))
    team(aws, ("*", key))
    path = stop_plan(aws)
    refused_with(aws, path, "signed with the key of this host", approved(aws, path, second))
    third = operator(aws, "alice-3")
    team(aws, ("*", key_of(aws, third)))
    refused_with(aws, path, "the key of this host is not listed", approved(aws, path, third))
    refused_with(aws, path, "the key of this host is not listed", approved(aws, path, third), env={})


def test_a_source_identity_gives_her_away_whatever_the_session_is_called(aws: Aws) -> None:
    first = operator(aws, "alice", source="alice@example.com")
    second = operator(aws, "somebody", source="alice@example.com")
    other = operator(aws, "whoever", source="bob@example.com")
    team(
        aws,
        *(
            (f"*/{name}", key_of(aws, env))
            for name, env in (("alice", first), ("somebody", second), ("whoever", other))
        ),
    )
    path = stop_plan(aws, env={**operator(aws, "carol"), "VPCE_TUI_STATE": str(aws.folder / "state")})
    for env in (first, second, other):  # what a session did is in event history before it signs
        assert aws.run("incidents", env=env)[0] == 0
    alice = {**first, "VPCE_TUI_STATE": str(aws.folder / "state")}
    refused_with(aws, path, "alice@example.com (source identity) runs the plan", approved(aws, path, second), env=alice)
    code, said = snapshots(aws, path, "--approval", approved(aws, path, other), env=alice)
    assert code == 0, said


def test_one_key_under_two_names_is_one_person(aws: Aws) -> None:
    env = bob(aws)
    key = key_of(aws, env)
    team(aws, (session("bob"), key), (session("carol"), key), approvals="3")
    path = stop_plan(aws)
    code, said = snapshots(aws, path)
    assert code == 2, said
    assert "is listed for two approvers" in said
    team(aws, (session("alice"), key_of(aws, keyring(aws, ALICE))), ("*", key), approvals="3")
    one = approved(aws, path, env, "--out", f"{path}.one")
    two = approved(aws, path, operator(aws, "carol", machine="bob"), "--out", f"{path}.two")
    refused_with(aws, path, "signed with the same key", f"{path}.one", f"{path}.two")
    assert one, two


def test_one_approval_given_twice_is_one(aws: Aws) -> None:
    env = with_team(aws)
    folder = aws.folder / "config" / "config.toml"
    folder.write_text(folder.read_text().replace("approvals = 2", "approvals = 3"))
    path = stop_plan(aws)
    file = approved(aws, path, env)
    refused_with(aws, path, "signed with the same key", file, file)


def test_nobody_approves_what_they_planned(aws: Aws) -> None:
    path = stop_plan(aws)
    code, said = aws.run("approve", path, "--incident", "mine", "--yes", env=keyring(aws, ALICE))
    assert code == 5, said
    assert "cannot approve it" in said


def test_nobody_runs_what_they_approved(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    refused_with(
        aws,
        path,
        "runs the plan and cannot approve it",
        file,
        env={**env, "VPCE_TUI_STATE": str(aws.folder / "state")},
    )


@pytest.mark.parametrize(
    "approvals", ["0", "true", '"two"', "99", "2\nunknown = 1", "2\napproval_hours = 0", "2\napproval_hours = 9999"]
)
def test_a_broken_rule_stops_what_changes_aws(approvals: str, aws: Aws) -> None:
    path = stop_plan(aws)
    team(aws, approvals=approvals)
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--step", "protect")
    assert code == 2, said
    assert "config.toml" in said
    assert aws.writes() == []
