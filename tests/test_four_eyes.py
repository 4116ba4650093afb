"""What cannot be undone runs only from a plan that a second operator signed, where the team wants that; and secrets handed out once."""

import json
from pathlib import Path

import pytest

from tests.conftest import Aws, Labs
from tests.world import clients


def keyring(aws: Aws, who: str) -> dict[str, str]:
    return {"PYTHON_KEYRING_BACKEND": "filekeyring.FileKeyring", "TEST_KEYRING": str(aws.folder / f"keyring-{who}")}


def bob(aws: Aws) -> dict[str, str]:
    """A second operator, on a machine of his own."""
    role = f"arn:aws:iam::{aws.facts['account']}:role/OnCallResponder"
    keys = clients(aws)("sts").assume_role(RoleArn=role, RoleSessionName="bob")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"], "VPCE_TUI_STATE": str(aws.folder / "bob"), **keyring(aws, "bob"),
    }  # fmt: skip


def team(aws: Aws, *approvers: tuple[str, str], approvals: str = "2") -> None:
    folder = aws.folder / "config"
    folder.mkdir(exist_ok=True)
    lines = [f"approvals = {approvals}"]
    for arn, key in approvers:
        lines += ["[[approvers]]", f'arn = "{arn}"', f'key = "{key}"']
    (folder / "config.toml").write_text("\n".join(lines))


def key_of(aws: Aws, env: dict[str, str]) -> str:
    code, said = aws.run("approve", "--key", env=env)
    assert code == 0, said
    return said.strip().splitlines()[-1]


BOB = "arn:aws:sts::*:assumed-role/OnCallResponder/bob"


def stop_plan(aws: Aws) -> str:
    path = str(aws.folder / "plan.json")
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--out", path, "--set", "evidence=waived")
    assert code == 0, said
    return path


def snapshots(aws: Aws, path: str, *more: str) -> tuple[int | None, str]:
    words = (
        "apply",
        path,
        "--incident",
        "case",
        "--yes",
        "--wait",
        "1",
        "--confirm",
        aws.victim,
        "--step",
        "snapshots",
    )
    return aws.run(*words, *more)


def test_without_a_second_person_nothing_irreversible_runs_and_the_rest_does(aws: Aws) -> None:
    team(aws, (BOB, key_of(aws, bob(aws))))
    path = stop_plan(aws)
    code, said = snapshots(aws, path)
    assert code == 5, said
    assert "your team wants 2 people behind what cannot be undone" in said
    assert aws.writes() == []
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "hold")
    assert code == 0, said


def test_a_plan_that_somebody_else_signed_runs_and_stands_in_both_records(aws: Aws) -> None:
    env = bob(aws)
    team(aws, (BOB, key_of(aws, env)))
    path = stop_plan(aws)
    code, said = aws.run("approve", path, "--incident", "mine", "--yes", env=env)
    assert code == 0, said
    assert "cannot be undone" in said
    code, said = snapshots(aws, path, "--approval", f"{path}.approval")
    assert code == 0, said
    sha = json.loads(Path(path).read_text())["sha256"]
    from vpce_tui.incident.journal import Journal

    for folder in (aws.incident(), aws.folder / "bob" / "incidents" / "mine"):
        with Journal.open(folder, "reader", write=False) as journal:
            rows = [row.data for row in journal.rows() if row.kind == "approved" and row.data.get("plan") == sha]
        assert len(rows) == 1
        assert "OnCallResponder/bob" in str(rows[0])
    assert aws.run("verify", "case")[0] == 0


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("changed", "the signature of"),
        ("another plan", "is for another plan"),
        ("no approver", "is no approver of your team"),
        ("other name", "the signature of"),
        ("no json", "is no approval"),
    ],
)
def test_an_approval_that_does_not_count_is_refused_with_the_reason(how: str, expected: str, aws: Aws) -> None:
    env = bob(aws)
    key = key_of(aws, env)
    team(aws, ("arn:aws:sts::*:assumed-role/OnCallResponder/carol" if how == "no approver" else BOB, key))
    path = stop_plan(aws)
    assert aws.run("approve", path, "--incident", "mine", "--yes", env=env)[0] == 0
    approval = Path(f"{path}.approval")
    body = json.loads(approval.read_text())
    if how == "changed":
        body["target"] = "i-0bad0bad0bad0bad0"
    elif how == "other name":
        body["approver"] = body["approver"].replace("bob", "alice2")
    approval.write_text("{" if how == "no json" else json.dumps(body))
    if how == "another plan":
        assert (
            aws.run(
                "plan", "terminate-instance", aws.victim, "--out", path, "--set", "evidence=waived", "--set", "how=stop"
            )[0]
            == 0
        )
    code, said = snapshots(aws, path, "--approval", str(approval))
    assert code in (1, 5), said
    assert expected in said
    assert aws.writes() == []


def test_nobody_approves_what_they_planned_or_run(aws: Aws) -> None:
    path = stop_plan(aws)
    code, said = aws.run("approve", path, "--incident", "mine", "--yes", env=keyring(aws, "alice"))
    assert code == 5, said
    assert "approving it is for somebody else" in said
    env = bob(aws)
    team(aws, ("*", key_of(aws, env)))
    assert aws.run("approve", path, "--incident", "mine", "--yes", env=env)[0] == 0
    words = ("apply", path, "--incident", "case", "--yes", "--confirm", aws.victim, "--step", "snapshots")
    folder = {"VPCE_TUI_CONFIG": str(aws.folder / "config")}
    code, said = aws.run(*words, "--approval", f"{path}.approval", env={**env, **folder})
    assert code == 5, said
    assert "runs it: approving it is for somebody else" in said


@pytest.mark.parametrize("approvals", ["0", "true", '"two"', "99", "2\nunknown = 1"])
def test_a_broken_rule_stops_what_changes_aws(approvals: str, aws: Aws) -> None:
    path = stop_plan(aws)
    team(aws, approvals=approvals)
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--step", "hold")
    assert code == 2, said
    assert "config.toml" in said
    assert aws.writes() == []


# -- rotation: a secret is handed out once


def rotate(aws: Aws, *more: str, env: dict[str, str] | None = None) -> tuple[int | None, str]:
    path = str(aws.folder / "rotate.json")
    code, said = aws.run("plan", "revoke-credentials", "user/bob", "--out", path, "--set", "rotate=yes")
    assert code == 0, said
    words = ("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "rotate")
    return aws.run(*words, *more, env=env)


def test_the_secret_of_a_new_key_is_in_the_keyring_and_nowhere_else(aws: Aws) -> None:
    env = keyring(aws, "alice")
    code, said = rotate(aws, "--keyring", env=env)
    assert code == 0, said
    ((name, secret),) = json.loads((aws.folder / "keyring-alice").read_text()).items()
    (key,) = clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert name.endswith(f"/{key['AccessKeyId']}")
    assert len(secret) == 40
    files = [path for path in aws.folder.rglob("*") if path.is_file() and path.name != "keyring-alice"]
    for path in files:
        assert secret.encode() not in path.read_bytes(), path
    assert secret not in said


def test_without_anybody_to_take_the_secret_no_key_is_made(aws: Aws) -> None:
    code, said = rotate(aws)
    assert code == 1, said
    assert "nobody is there to take the secret" in said
    assert aws.writes() == []


def test_a_key_whose_answer_was_lost_is_found_and_deleted_not_left_alive(labs) -> None:  # type: ignore[no-untyped-def]
    aws = labs.new("lost-answer@CreateAccessKey:1")
    env = keyring(aws, "alice")
    code, said = rotate(aws, "--keyring", env=env)
    assert code != 0, said
    (lost,) = clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    path = str(aws.folder / "rotate.json")
    plan = ("plan", "revoke-credentials", "user/bob", "--out", path, "--set", "rotate=yes", "--incident", "case")
    assert aws.run(*plan)[0] == 0
    step = next(item for item in json.loads(Path(path).read_text())["steps"] if item["id"] == "rotate")
    assert [call["operation"] for call in step["calls"]] == ["DeleteAccessKey", "CreateAccessKey"]
    words = ("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "rotate", "--keyring")
    code, said = aws.run(*words, env=env)
    assert code != 0, "the lost key is deleted for good: that needs the typed id"
    assert "--confirm" in said
    code, said = aws.run(*words, "--confirm", "user/bob", env=env)
    assert code == 0, said
    (left,) = clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert left["AccessKeyId"] != lost["AccessKeyId"]
    assert any(name.endswith(left["AccessKeyId"]) for name in json.loads((aws.folder / "keyring-alice").read_text()))
    code, said = aws.run("undo", "--incident", "case", "rotate", "--yes", "--wait", "1")
    assert code == 0, said
    assert clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"] == []


def test_old_keys_go_only_after_the_new_one_was_seen_used(aws: Aws) -> None:
    env = keyring(aws, "alice")
    old = clients(aws)("iam").create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    code, said = rotate(aws, "--keyring", env=env)
    assert code == 0, said
    path = str(aws.folder / "drop.json")
    plan = (
        "plan",
        "revoke-credentials",
        "user/bob",
        "--out",
        path,
        "--set",
        f"drop-keys.keys={old}",
        "--incident",
        "case",
    )
    assert aws.run(*plan)[0] == 0
    step = next(item for item in json.loads(Path(path).read_text())["steps"] if item["id"] == "drop-keys")
    assert not step["reversible"]
    assert any("is active" in item["says"] for item in step["blocked"])
    assert any("was not seen used yet" in item["says"] for item in step["blocked"])


def test_a_keyring_that_keeps_nothing_is_found_out_before_a_key_is_made(aws: Aws) -> None:
    code, said = rotate(aws, "--keyring", env={"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})
    assert code != 0, said
    assert "does not give it back" in said
    assert aws.writes() == []


def keys_of_bob(aws: Aws) -> list[str]:
    return [key["AccessKeyId"] for key in clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]]


def until_done(aws: Aws, env: dict[str, str], kill_new: list[str] | None = None) -> tuple[int | None, str]:
    """Planned within the incident and applied, as an operator would go on after a fault."""
    path = str(aws.folder / "rotate.json")
    more = ("--incident", "case") if aws.incident().exists() else ()
    code, said = aws.run("plan", "revoke-credentials", "user/bob", "--out", path, "--set", "rotate=yes", *more)
    assert code == 0, said
    words = ("--incident", "case", "--yes", "--wait", "1", "--step", "rotate", "--keyring", "--confirm", "user/bob")
    return aws.run("apply", path, *words, env=env, kill_new=kill_new)


@pytest.mark.parametrize("fault", ["throttle", "http500", "reset", "lost-answer"])
def test_whatever_fault_a_rotation_meets_it_ends_with_one_new_key_whose_secret_is_kept(fault: str, labs: Labs) -> None:
    aws = labs.new(f"{fault}@CreateAccessKey:1", f"{fault}@DeleteAccessKey:1")
    env = keyring(aws, "alice")
    for _ in range(5):
        code, said = until_done(aws, env)
        if code == 0:
            break
    assert code == 0, said
    (key,) = keys_of_bob(aws)
    assert any(name.endswith(key) for name in json.loads((aws.folder / "keyring-alice").read_text()))
    code, said = aws.run("undo", "--incident", "case", "rotate", "--yes", "--wait", "1")
    if code != 0:  # the fault of the deletion
        code, said = aws.run("undo", "--incident", "case", "rotate", "--yes", "--wait", "1")
    assert code == 0, said
    assert keys_of_bob(aws) == []


def test_killed_at_each_boundary_a_rotation_leaves_no_key_whose_secret_nobody_has(aws: Aws) -> None:
    env, passed = keyring(aws, "alice"), ["none yet"]
    for _ in range(40):
        code, said = until_done(aws, env, passed)
        if code is not None:
            break
        passed.append(said.rpartition("killed at: ")[2].strip())
    assert code == 0, said
    assert len(passed) > 5
    (key,) = keys_of_bob(aws)
    assert any(name.endswith(key) for name in json.loads((aws.folder / "keyring-alice").read_text()))


@pytest.mark.parametrize("fault", ["", "throttle", "http500", "reset", "lost-answer"])
def test_old_keys_are_deleted_once_whatever_fault_it_meets(fault: str, labs: Labs) -> None:
    aws = labs.new(*([f"{fault}@DeleteAccessKey:1"] if fault else []))
    iam = clients(aws)("iam")
    old = iam.create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="bob", AccessKeyId=old, Status="Inactive")
    before, path = len(aws.writes()), str(aws.folder / "drop.json")
    sets = ("--set", f"drop-keys.keys={old}", "--set", "drop-keys.wait=no")
    assert aws.run("plan", "revoke-credentials", "user/bob", "--out", path, *sets)[0] == 0
    words = ("--incident", "case", "--yes", "--wait", "1", "--step", "drop-keys", "--confirm", "user/bob")
    for _ in range(3):
        code, said = aws.run("apply", path, *words)
        if code == 0:
            break
    assert code == 0, said
    assert keys_of_bob(aws) == []
    assert [name for name, _ in aws.writes()[before:]] == ["iam:DeleteAccessKey"]
    assert aws.run("verify", "case")[0] == 0
