"""What was revoked is refused: by AWS, seen from outside, and by the step that tries it."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conftest import HOME, Aws
from vpce_tui.aws.call import Call
from vpce_tui.aws.gate import Gate, Refused
from vpce_tui.aws.session import Access, AwsSession
from vpce_tui.incident.evidence import kept
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import replay

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
        ("stolen-key", "AuthFailure", "AWS does not take it any more (InvalidClientTokenId)"),
        ("stolen-session", "explicit deny", "a deny refuses it (UnauthorizedOperation)"),
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
    assert "AWS still answers it" in said


def test_without_a_profile_it_is_read_back_and_says_so(aws: Aws) -> None:
    planned(aws, "user/ci-backup")
    code, said = applied(aws, "refused")
    assert code == 6, said
    assert "is active; its sessions are not cut; nothing was tried" in said
    code, said = applied(aws, "keys", "sessions", "refused")
    assert code == 0, said
    assert "it reads as refused; nothing was tried" in said


def test_somebody_elses_credentials_prove_nothing(aws: Aws) -> None:
    planned(aws, "user/ci-backup", "--set", "refused.profile=stolen-session")
    code, said = applied(aws, "keys", "sessions", "refused")
    assert code == 6, said
    assert "not to ci-backup: that proves nothing" in said
    code, said = aws.run("plan", "revoke-credentials", "user/ci-backup", "--set", "refused.profile=unknown")
    assert code == 2, said
    assert "profile must be one of" in said


def test_nothing_else_is_ever_done_with_stolen_credentials(aws: Aws) -> None:
    key, secret, token = aws.zygote.keys
    held, stolen, _ = aws.zygote.profiles["stolen-key"]
    theirs = Access(region=HOME, endpoint_url=aws.url, key_id=held, secret=stolen)
    mine = Access("", HOME, aws.url, key, secret, token, profiles={"stolen-key": theirs})
    session = AwsSession(mine, Gate(read_only=False))
    assert session.trial("stolen-key", Call("sts", "GetCallerIdentity", HOME)).answer["Arn"].endswith("user/ci-backup")
    for call in (Call("iam", "ListRoles", "us-east-1"), Call("ec2", "DescribeInstances", HOME)):
        with pytest.raises(Refused):
            session.trial("stolen-key", call)
    assert stolen not in repr(mine)
