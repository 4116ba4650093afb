"""What was revoked is refused: by AWS, seen from outside, and by the step that tries it."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from tests.conftest import HOME, Aws, Labs
from vpce_tui.aws.call import Call
from vpce_tui.aws.credential_check import assessed
from vpce_tui.aws.errors import AwsError, kind_of
from vpce_tui.aws.gate import Gate, Refused
from vpce_tui.aws.session import AwsAccess, AwsSession
from vpce_tui.core.canonical_json import digest
from vpce_tui.incident.evidence import kept
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import replay
from vpce_tui.incident.states import StepState
from vpce_tui.plans.actions.credentials.credential_checks import _verify_answers
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.renderers import aws_cli, boto3_program
from vpce_tui.plans.targets.principal_state import AccessKey, PrincipalKind, PrincipalState
from vpce_tui.playbooks.plan_reader import read as read_plan

STEP = Step("refused", "Verify that it is refused", StepKind.READ)
TARGETS = {"stolen-key": "user/ci-backup", "stolen-session": "role/web-app"}


def use(aws: Aws, profile: str) -> str:
    """What somebody who holds the credentials gets: ``""``, or AWS's refusal."""
    key, secret, token = aws.zygote.profiles[profile]
    session = boto3.Session(key, secret, token or None, region_name=HOME)
    try:
        session.client("ec2", endpoint_url=aws.url).describe_vpcs()
    except ClientError as error:
        return str(error)
    return ""


def planned(aws: Aws, target: str, *words: str) -> None:
    path = str(aws.folder / "plan.json")
    code, said = aws.run("plan", "revoke-credentials", target, "--out", path, *words)
    assert code == 0, said


def applied(aws: Aws, *steps: str) -> tuple[int | None, str]:
    words = [word for step in steps for word in ("--step", step)]
    return aws.run("apply", str(aws.folder / "plan.json"), "--incident", "case", "--yes", "--wait", "3", *words)


@pytest.mark.parametrize(
    ("profile", "refusal", "said_so"),
    [
        ("stolen-key", "AuthFailure", "(InvalidClientTokenId)"),
        ("stolen-session", "explicit deny", "an explicit deny refuses it (UnauthorizedOperation)"),
    ],
)
def test_revoked_it_is_refused_and_the_step_proves_it_by_trying(
    profile: str, refusal: str, said_so: str, aws: Aws
) -> None:
    assert use(aws, profile) == "", "it works, before"
    planned(aws, TARGETS[profile], "--set", f"refused.profile={profile}")
    code, said = applied(aws, "keys", "sessions", "refused")
    assert code == 0, said
    assert said_so in said
    assert refusal in use(aws, profile)
    with Journal.open(aws.incident(), "reader", write=False) as journal:
        step = replay(journal.rows()).step(f"revoke-credentials/{TARGETS[profile]}/refused")
    tries = [json.loads(kept(aws.incident(), step.evidence[name]) or b"") for name in ("whose-it-is", "what-it-gets")]
    assert {item["profile"] for item in tries} == {profile}
    assert [item["pages"][0]["keyId"] for item in tries] == [aws.zygote.profiles[profile][0]] * 2
    assert aws.zygote.profiles[profile][1] not in json.dumps(tries), "the secret stands nowhere"


@pytest.mark.parametrize("profile", TARGETS)
def test_what_still_works_is_a_failure_and_no_proof(profile: str, aws: Aws) -> None:
    planned(aws, TARGETS[profile], "--set", f"refused.profile={profile}")
    code, said = applied(aws, "refused")
    assert code == 1, said
    assert "AWS still accepts it" in said


def test_without_a_profile_it_is_read_back_and_says_so(aws: Aws) -> None:
    planned(aws, "user/ci-backup")
    code, said = applied(aws, "refused")
    assert code == 6, said
    assert "is active; its sessions are not revoked; nothing was tried" in said
    code, said = applied(aws, "keys", "sessions", "refused")
    assert code == 0, said
    assert "keys inactive and sessions denied; nothing was tried" in said


def test_somebody_elses_credentials_prove_nothing(aws: Aws) -> None:
    planned(aws, "user/ci-backup", "--set", "refused.profile=stolen-session")
    code, said = applied(aws, "keys", "sessions", "refused")
    assert code == 6, said
    assert "not to ci-backup: inconclusive" in said
    code, said = aws.run("plan", "revoke-credentials", "user/ci-backup", "--set", "refused.profile=unknown")
    assert code == 2, said
    assert "profile must be one of" in said


def test_nothing_else_is_ever_done_with_stolen_credentials(aws: Aws) -> None:
    key, secret, token = aws.zygote.keys
    held, stolen, _ = aws.zygote.profiles["stolen-key"]
    theirs = AwsAccess(region=HOME, endpoint_url=aws.url, key_id=held, secret=stolen)
    mine = AwsAccess(
        profile="",
        region=HOME,
        endpoint_url=aws.url,
        key_id=key,
        secret=secret,
        token=token,
        profiles={"stolen-key": theirs},
    )
    session = AwsSession(mine, Gate(read_only=False))
    assert (
        session.check_credentials("stolen-key", Call("sts", "GetCallerIdentity", HOME))
        .answer["Arn"]
        .endswith("user/ci-backup")
    )
    for call in (Call("iam", "ListRoles", "us-east-1"), Call("ec2", "DescribeInstances", HOME)):
        with pytest.raises(Refused):
            session.check_credentials("stolen-key", call)
    assert stolen not in repr(mine)


# -- what proves nothing

STATIC = "[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"


def also(aws: Aws, text: str) -> None:
    """More profiles in the operator's files."""
    path = Path(aws.env["AWS_SHARED_CREDENTIALS_FILE"])
    path.write_text(path.read_text() + text)


def test_a_step_that_reads_is_blocked_where_what_it_judges_could_not_be_read(labs: Labs) -> None:
    aws = labs.new("denied@GetAccessKeyLastUsed:99")
    planned(aws, "user/ci-backup")
    code, said = applied(aws, "sessions", "refused")
    assert code == 1, said
    assert "blocked: " in said
    assert use(aws, "stolen-key") == ""


def test_only_keys_that_stand_in_a_profile_are_tried_and_nothing_is_fetched_for_them(aws: Aws) -> None:
    key, secret, _ = aws.zygote.profiles["stolen-key"]
    also(aws, "[chained]\nrole_arn = arn:aws:iam::123456789012:role/web-app\nsource_profile = stolen-key\n")
    also(aws, f"[process]\ncredential_process = touch {aws.folder}/ran\n[empty]\nregion = eu-west-1\n")
    also(aws, STATIC.format(name="swapped", key=secret, secret=key))
    for name in ("chained", "process", "empty", "swapped"):
        code, said = aws.run("plan", "revoke-credentials", "user/ci-backup", "--set", f"refused.profile={name}")
        assert code == 2, said
        assert "profile must be one of" in said
        assert secret not in said
    plan = aws.folder / "plan.json"
    planned(aws, "user/ci-backup", "--set", "refused.profile=stolen-key")
    for other in ("chained", "process"):
        plan.write_text(rehashed(plan.read_text().replace('"stolen-key"', f'"{other}"')))
        code, said = applied(aws, "refused")
        assert code == 4, said
    assert not (aws.folder / "ran").exists()
    assert not [item for item in aws.handled() if item["operation"] == "AssumeRole"]


def rehashed(text: str) -> str:
    data = json.loads(text)
    data["sha256"] = digest({key: value for key, value in data.items() if key != "sha256"})
    return json.dumps(data)


def test_a_plan_whose_answer_was_changed_behind_what_it_shows_is_refused(aws: Aws) -> None:
    planned(aws, "user/ci-backup")
    data = json.loads((aws.folder / "plan.json").read_text())
    (step,) = [step for step in data["steps"] if step["id"] == "refused"]
    step["choices"]["profile"] = "stolen-key"
    (aws.folder / "plan.json").write_text(rehashed(json.dumps(data)))
    code, said = applied(aws, "refused")
    assert code == 1, said
    assert "is not a plan: answer shown for refused.profile" in said
    step["questions"][0]["chosen"] = "stolen-key"
    (aws.folder / "plan.json").write_text(rehashed(json.dumps(data)))
    code, said = applied(aws, "refused")
    assert code == 4, said
    assert "it would also call sts:GetCallerIdentity" in said


@pytest.mark.parametrize("profile", ["x\x1b]0;owned\x07", "-x", "a\nb", ""])
def test_a_profile_stands_on_a_try_alone_and_looks_like_one(profile: str, aws: Aws) -> None:
    planned(aws, "user/ci-backup", "--set", "refused.profile=stolen-key")
    data = json.loads((aws.folder / "plan.json").read_text())
    steps = {step["id"]: step for step in data["steps"]}
    if profile:
        steps["refused"]["calls"][-1]["profile"] = profile
    else:
        steps["keys"]["calls"][0]["profile"] = "stolen-key"
    (aws.folder / "plan.json").write_text(rehashed(json.dumps(data)))
    code, said = applied(aws, "refused")
    assert code == 1, said
    assert ": profile '" in said
    assert "\x1b" not in said


def world(kind: str, **more: Any) -> PrincipalState:
    name = "ci-backup" if kind == "user" else "web-app"
    keys = (AccessKey("AKIA1111111111111111", active=False),) if kind == "user" else ()
    made = PrincipalState(
        kind=PrincipalKind(kind),
        name=name,
        arn=f"arn:aws:iam::123456789012:{kind}/{name}",
        account="123456789012",
        region="us-east-1",
        keys=keys,
        cut="CutSessions",
    )
    return dataclasses.replace(made, **more)


def answer(arn: str = "", code: str = "", message: str = "") -> dict[str, Any]:
    return {"refused": code, "message": message} if code else {"answer": {"Arn": arn}}


DENY = (
    "UnauthorizedOperation",
    "not authorized to perform: ec2:DescribeRegions with an explicit deny in an identity-based policy",
)
SESSION = "arn:aws:sts::123456789012:assumed-role/web-app/i-0"


@pytest.mark.parametrize(
    ("of", "key", "who", "use", "proof"),
    [
        ("user", "AKIA1111111111111111", answer(code="InvalidClientTokenId"), answer(code="AuthFailure"), "verified"),
        ("user", "AKIA2222222222222222", answer(code="InvalidClientTokenId"), answer(code="AuthFailure"), "not yet"),
        ("user", "AKIA1111111111111111", answer("arn:aws:iam::123456789012:user/ci-backup"), answer("x"), "failed"),
        (
            "user",
            "ASIA1111111111111111",
            answer("arn:aws:sts::123456789012:assumed-role/Admin/ci-backup"),
            answer("x"),
            "not yet",
        ),
        ("role", "ASIA1111111111111111", answer(SESSION), answer("", *DENY), "verified"),
        ("role", "ASIA1111111111111111", answer(SESSION), answer("x"), "failed"),
        (
            "role",
            "ASIA1111111111111111",
            answer(SESSION),
            answer("", "UnauthorizedOperation", "explicit deny in a service control policy"),
            "not yet",
        ),
        (
            "role",
            "ASIA1111111111111111",
            answer(SESSION),
            answer("", "UnauthorizedOperation", "no identity-based policy allows it"),
            "not yet",
        ),
        (
            "role",
            "ASIA1111111111111111",
            answer("arn:aws:sts::999999999999:assumed-role/web-app/i-0"),
            answer("", *DENY),
            "not yet",
        ),
        (
            "role",
            "ASIA1111111111111111",
            answer("arn:aws:sts::123456789012:assumed-role/Other/web-app"),
            answer("", *DENY),
            "not yet",
        ),
    ],
)
def test_what_a_try_proves(of: str, key: str, who: dict[str, Any], use: dict[str, Any], proof: str) -> None:
    tries = {"whose-it-is": [{"keyId": key, **who}], "what-it-gets": [{"keyId": key, **use}]}
    assert _verify_answers(world(of), STEP, tries)[0] == proof


def test_a_session_that_aws_does_not_take_any_more_is_tied_to_nobody(aws: Aws) -> None:
    tries = {
        name: [{"keyId": "ASIA1", **answer(code="InvalidClientTokenId")}] for name in ("whose-it-is", "what-it-gets")
    }
    proof, said = _verify_answers(world("role"), STEP, tries)
    assert proof == "verified"
    assert said.startswith("keys inactive and sessions denied; ASIA1, from the chosen profile, was tried"), (
        "by reading back, not by the try"
    )
    assert "AWS does not say whose session it was" in said
    assert _verify_answers(world("role", cut=""), STEP, tries)[0] == "not yet"


@pytest.mark.parametrize("unknown", ["access keys", "policies"])
def test_what_could_not_be_read_is_never_proved(unknown: str) -> None:
    assert _verify_answers(world("user", keys=None, unknown={unknown: "AccessDenied"}), STEP, {})[0] == "not yet"


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "RequestExpired", "Unknown", "Throttling"])
def test_a_refusal_that_is_not_about_the_credentials_is_no_verdict(code: str) -> None:
    assert not assessed(
        AwsError(call_name="sts:GetCallerIdentity", region=HOME, code=code, message="", kind=kind_of(code, 403))
    )


def test_after_an_undo_what_was_judged_before_is_proved_no_more(aws: Aws) -> None:
    planned(aws, "user/ci-backup", "--set", "refused.profile=stolen-key")
    assert applied(aws, "keys", "sessions", "refused")[0] == 0
    code, said = aws.run("undo", "--incident", "case", "keys", "--yes", "--wait", "3")
    assert code == 0, said
    with Journal.open(aws.incident(), "reader", write=False) as journal:
        step = replay(journal.rows()).step("revoke-credentials/user/ci-backup/refused")
    assert step.state is StepState.INCOMPLETE
    assert "“Deactivate its access keys” was undone since" in step.saw
    code, said = applied(aws, "refused")
    assert code == 1, said


def test_no_secret_of_a_profile_stands_anywhere(aws: Aws) -> None:
    planned(aws, "role/web-app", "--set", "refused.profile=stolen-session")
    code, said = applied(aws, "sessions", "refused")
    assert code == 0, said
    _, secret, token = aws.zygote.profiles["stolen-session"]
    for path in aws.folder.rglob("*"):
        if path.is_file() and path.name != "credentials":
            text = path.read_bytes()
            assert secret.encode() not in text, path
            assert token.encode() not in text, path


@pytest.mark.parametrize("form", ["cli", "python"])
def test_a_script_that_reaches_nobody_tries_nothing(form: str, aws: Aws) -> None:
    planned(aws, "user/ci-backup", "--set", "refused.profile=stolen-key")
    plan = read_plan((aws.folder / "plan.json").read_text(), "plan.json")
    step = plan.step("refused")
    only = replace(step, calls=tuple(call for call in step.calls if call.profile))
    module = aws_cli if form == "cli" else boto3_program
    script = module.script(replace(plan, steps=(only,)))
    ended = subprocess.run(
        ["sh", "-c", script] if form == "cli" else [sys.executable, "-c", script],
        cwd=aws.folder,
        capture_output=True,
        text=True,
        check=False,
        env={
            **aws.env,
            "PATH": aws.zygote.path,
            "INCIDENT": "case",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_MAX_ATTEMPTS": "1",
        },
    )
    assert ended.returncode != 0
    assert "AWS answered" not in ended.stdout + ended.stderr
    assert "AWS refused" not in ended.stdout + ended.stderr
    assert list(aws.folder.glob("evidence-*")) == [], "whose account it is was not known, so nothing was begun"
