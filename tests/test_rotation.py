"""A new access key: one, whose secret somebody has, whatever fault it meets."""

import json
from pathlib import Path

import pytest

from tests.conftest import Aws, Labs
from tests.emulated_aws import clients
from tests.people import ALICE, approved, bobs_keys, keyring, rotate_plan, with_team


def rotate(aws: Aws, *more: str, env: dict[str, str] | None = None) -> tuple[int | None, str]:
    words = ("apply", rotate_plan(aws), "--incident", "case", "--yes", "--wait", "1", "--step", "rotate")
    return aws.run(*words, *more, env=env)


def test_rotation_and_its_undo_need_a_second_person_and_the_undo_the_typed_id(aws: Aws) -> None:
    env = with_team(aws)
    mine = keyring(aws, ALICE)
    path = rotate_plan(aws)
    words = ("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "rotate", "--secret-to", "keyring")
    code, said = aws.run(*words, env=mine)
    assert code == 5, said
    assert bobs_keys(aws) == []
    file = f"{path}.used"
    approved(aws, path, env, "--out", file)
    code, said = aws.run(*words, "--approval", file, env=mine)
    assert code == 0, said
    assert len(bobs_keys(aws)) == 1
    undo = ("undo", "--incident", "case", "rotate", "--yes", "--wait", "1")
    code, said = aws.run(*undo, "--approval", approved(aws, path, env), env=mine)
    assert code == 5, said
    assert "--confirm user/bob" in said
    confirmed = (*undo, "--confirm", "user/bob")
    for more in ((), ("--approval", file)):
        code, said = aws.run(*confirmed, *more, env=mine)
        assert code == 5, said
        assert "more must approve" in said
    assert len(bobs_keys(aws)) == 1
    code, said = aws.run(*confirmed, "--approval", approved(aws, path, env), env=mine)
    assert code == 0, said
    assert bobs_keys(aws) == []


def test_the_secret_of_a_new_key_is_in_the_keyring_and_nowhere_else(aws: Aws) -> None:
    env = keyring(aws, "alice")
    code, said = rotate(aws, "--secret-to", "keyring", env=env)
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
    assert "the secret could not be shown to anybody" in said
    assert aws.writes() == []


def test_a_key_whose_answer_was_lost_is_found_and_deleted_not_left_alive(labs) -> None:  # type: ignore[no-untyped-def]
    aws = labs.new("lost-answer@CreateAccessKey:1")
    env = keyring(aws, "alice")
    code, said = rotate(aws, "--secret-to", "keyring", env=env)
    assert code != 0, said
    (lost,) = clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    path = str(aws.folder / "rotate.json")
    plan = ("plan", "revoke-credentials", "user/bob", "--out", path, "--set", "rotate=yes", "--incident", "case")
    assert aws.run(*plan)[0] == 0
    step = next(item for item in json.loads(Path(path).read_text())["steps"] if item["id"] == "rotate")
    assert [call["operation"] for call in step["calls"]] == ["DeleteAccessKey", "CreateAccessKey"]
    words = ("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "rotate", "--secret-to", "keyring")
    code, said = aws.run(*words, env=env)
    assert code != 0, "the lost key is deleted for good: that needs the typed id"
    assert "--confirm" in said
    code, said = aws.run(*words, "--confirm", "user/bob", env=env)
    assert code == 0, said
    (left,) = clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert left["AccessKeyId"] != lost["AccessKeyId"]
    assert any(name.endswith(left["AccessKeyId"]) for name in json.loads((aws.folder / "keyring-alice").read_text()))
    code, said = aws.run("undo", "--incident", "case", "rotate", "--yes", "--wait", "1", "--confirm", "user/bob")
    assert code == 0, said
    assert clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"] == []


def test_old_keys_go_only_after_the_new_one_was_seen_used(aws: Aws) -> None:
    env = keyring(aws, "alice")
    old = clients(aws)("iam").create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    code, said = rotate(aws, "--secret-to", "keyring", env=env)
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
    assert any("has not been used yet" in item["says"] for item in step["blocked"])


def test_a_keyring_that_keeps_nothing_is_found_out_before_a_key_is_made(aws: Aws) -> None:
    code, said = rotate(aws, "--secret-to", "keyring", env={"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})
    assert code != 0, said
    assert "does not return it" in said
    assert aws.writes() == []


def keys_of_bob(aws: Aws) -> list[str]:
    return [key["AccessKeyId"] for key in clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]]


def until_done(aws: Aws, env: dict[str, str], kill_new: list[str] | None = None) -> tuple[int | None, str]:
    """Planned within the incident and applied, as an operator would go on after a fault."""
    path = str(aws.folder / "rotate.json")
    more = ("--incident", "case") if aws.incident().exists() else ()
    code, said = aws.run("plan", "revoke-credentials", "user/bob", "--out", path, "--set", "rotate=yes", *more)
    assert code == 0, said
    words = (
        "--incident",
        "case",
        "--yes",
        "--wait",
        "1",
        "--step",
        "rotate",
        "--secret-to",
        "keyring",
        "--confirm",
        "user/bob",
    )
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
    code, said = aws.run("undo", "--incident", "case", "rotate", "--yes", "--wait", "1", "--confirm", "user/bob")
    if code != 0:  # the fault of the deletion
        code, said = aws.run("undo", "--incident", "case", "rotate", "--yes", "--wait", "1", "--confirm", "user/bob")
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


def test_an_approval_of_a_run_that_was_killed_does_not_serve_its_undo(aws: Aws) -> None:
    env, mine = with_team(aws), keyring(aws, ALICE)
    path = rotate_plan(aws)
    file = approved(aws, path, env)
    words = (
        "apply",
        path,
        "--incident",
        "case",
        "--yes",
        "--wait",
        "1",
        "--step",
        "rotate",
        "--secret-to",
        "keyring",
        "--approval",
        file,
    )
    passed = ["none yet"]
    while not bobs_keys(aws):
        code, said = aws.run(*words, env=mine, kill_new=passed)
        assert code is None, said
        passed.append(said.rpartition("killed at: ")[2].strip())
    undo = ("undo", "--incident", "case", "rotate", "--yes", "--wait", "1", "--confirm", "user/bob")
    code, said = aws.run(*undo, "--approval", file, env=mine)
    assert code == 5, said
    assert "already used" in said
    assert len(bobs_keys(aws)) == 1
    code, said = aws.run(*undo, "--approval", approved(aws, path, env, "--out", f"{path}.second"), env=mine)
    assert len(bobs_keys(aws)) == 1, "approve writes where it is told"
    code, said = aws.run(*undo, "--approval", f"{path}.second", env=mine)
    assert code == 0, said
    assert bobs_keys(aws) == []
