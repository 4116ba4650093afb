"""Operators of a team in the lab: each with a session, an instance and a keyring of their own."""

from typing import Any

from tests.conftest import Aws
from tests.emulated_aws import clients


def keyring(aws: Aws, who: str) -> dict[str, str]:
    return {
        "PYTHON_KEYRING_BACKEND": "tests.filekeyring.FileKeyring",
        "TEST_KEYRING": str(aws.folder / f"keyring-{who}"),
    }


def operator(
    aws: Aws, who: str, *, machine: str = "", role: str = "OnCallResponder", source: str = ""
) -> dict[str, str]:
    """A session of ``who`` on an instance of their own (``machine``: on somebody's)."""
    sts = clients(aws)("sts")
    arn = f"arn:aws:iam::{aws.facts['account']}:role/{role}"
    more = {"SourceIdentity": source} if source else {}
    keys = sts.assume_role(RoleArn=arn, RoleSessionName=who, **more)["Credentials"]
    own = machine or who
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "VPCE_TUI_STATE": str(aws.folder / own),
        **keyring(aws, own),
    }


def bob(aws: Aws) -> dict[str, str]:
    return operator(aws, "bob")


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


def session(who: str) -> str:
    return f"arn:aws:sts::*:assumed-role/OnCallResponder/{who}"


ALICE = "alice"


def with_team(aws: Aws) -> dict[str, str]:
    """Alice runs, Bob approves; both keys stand in the team's rules, as nobody knows who is behind their sessions. Bob's env."""
    env = bob(aws)
    team(aws, (session("alice"), key_of(aws, keyring(aws, ALICE))), (session("bob"), key_of(aws, env)))
    return env


def opened(aws: Aws, name: str = "case") -> None:
    code, said = aws.run("open", name, "--reason", "GuardDuty page")
    assert code == 0, said


def approved(aws: Aws, path: str, env: dict[str, str], *more: str) -> str:
    code, said = aws.run("approve", path, "--incident", "mine", "--yes", *more, env=env)
    assert code == 0, said
    return f"{path}.approval"


def rotate_plan(aws: Aws) -> str:
    opened(aws)
    path = str(aws.folder / "rotate.json")
    code, said = aws.run(
        "plan", "revoke-credentials", "user/bob", "--out", path, "--set", "rotate=yes", "--incident", "case"
    )
    assert code == 0, said
    return path


def bobs_keys(aws: Aws) -> list[Any]:
    found: list[Any] = clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    return found
