"""What cannot be undone runs only with as many people behind it as the team wants; and secrets handed out once."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import HOME, Aws, Labs
from tests.world import clients
from vpce_tui import team as team_rules
from vpce_tui.canonical import canonical, digest, rfc3339
from vpce_tui.incident import approval
from vpce_tui.incident.journal import Journal
from vpce_tui.team import Approver, Rules, TeamError
from vpce_tui.trail.person import Behind, Person, named


def keyring(aws: Aws, who: str) -> dict[str, str]:
    return {"PYTHON_KEYRING_BACKEND": "filekeyring.FileKeyring", "TEST_KEYRING": str(aws.folder / f"keyring-{who}")}


def operator(
    aws: Aws, who: str, *, machine: str = "", role: str = "OnCallResponder", source: str = ""
) -> dict[str, str]:
    """A session of ``who`` on a machine of their own (``machine``: on somebody's)."""
    sts = clients(aws)("sts")
    arn = f"arn:aws:iam::{aws.facts['account']}:role/{role}"
    more = {"SourceIdentity": source} if source else {}
    keys = sts.assume_role(RoleArn=arn, RoleSessionName=who, **more)["Credentials"]
    own = machine or who
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"], "VPCE_TUI_STATE": str(aws.folder / own), **keyring(aws, own),
    }  # fmt: skip


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


def approved(aws: Aws, path: str, env: dict[str, str], *more: str) -> str:
    code, said = aws.run("approve", path, "--incident", "mine", "--yes", *more, env=env)
    assert code == 0, said
    return f"{path}.approval"


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
    assert "your team wants 2 people behind what cannot be undone" in said
    assert aws.writes() == []
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "hold")
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
            rows = [row.data for row in journal.rows() if row.kind == "approved" and row.data.get("plan") == sha]
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
    """The step is undone by hand in AWS; run again it would do the same again, and the same approval is used up."""
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    assert snapshots(aws, path, "--approval", file)[0] == 0
    ec2 = clients(aws)("ec2")
    for item in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        with suppress(ClientError):  # an image's
            ec2.delete_snapshot(SnapshotId=item["SnapshotId"])
    before = len(aws.writes())
    code, said = snapshots(aws, path, "--approval", file)
    assert code == 5, said
    assert "was used already" in said
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
    """Killed after the call and before its proof; what it made is deleted by hand; run again it would be made again."""
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
        with suppress(ClientError):  # an image's
            ec2.delete_snapshot(SnapshotId=item["SnapshotId"])
    code, said = aws.run(*words, env=keyring(aws, ALICE))
    assert code == 5, said
    assert "was used already" in said
    assert [name for name, _ in aws.writes()].count("ec2:CreateSnapshots") == 1


def test_an_undo_is_covered_only_by_a_plan_that_shows_its_calls(aws: Aws) -> None:
    """A plan of the same playbook with its calls taken out is approved; the undo of what the first plan did is not."""
    env = with_team(aws)
    path = rotate_plan(aws)
    words = ("--incident", "case", "--yes", "--wait", "1")
    mine = keyring(aws, ALICE)
    assert (
        aws.run(
            "apply", path, *words, "--step", "rotate", "--keyring", "--approval", approved(aws, path, env), env=mine
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


def test_a_key_is_written_in_one_way_only() -> None:
    private = approval.new_key()
    key = approval.public_key(private)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = key[:-2] + letters[letters.index(key[-2]) ^ 1] + "="
    assert base64.b64decode(other[8:]) == base64.b64decode(key[8:])
    assert approval.canonical_key(other) == key
    with pytest.raises(approval.ApprovalError):
        approval.read(json.dumps({**signed(private), "key": other}), "it")
    with pytest.raises(TeamError):
        team_rules._approver({"arn": "*", "key": other})
    assert team_rules._approver({"arn": "*", "key": key}).key == key


def test_an_approval_does_not_count_in_another_incident_even_of_the_same_name(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    opened(aws, "other")
    code, said = snapshots(aws, path, "--approval", file, incident="other")
    assert code == 5, said
    assert "was made for the incident" in said
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
    assert "made for no incident" in said
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


NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)
ALICES, BOBS = "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"


def plan_like() -> Any:
    """What of a plan is approved."""

    class Planned:
        sha256, account, operator = "a" * 64, "123456789012", "arn:aws:iam::123456789012:user/ann"
        planned_at, playbook, target, incident, incident_id = "2026-11-27T03:00:00Z", "p", "i-1", "case", "b" * 64

    return Planned()


def signed(private: str, **changes: Any) -> dict[str, Any]:
    """An approval of Bob's as its file holds it, with other content under a good signature: as a bribed tool would make it."""
    made = approval.approve(plan_like(), named(BOBS), "AIDA", at=NOW, hours=8, record="", private=private)
    body = {**made.body, **changes}
    signature = base64.b64encode(approval._private(private).sign(canonical(body))).decode()
    return {**body, "key": made.key, "signature": signature}


def judged(
    data: dict[str, Any], private: str, *, now: datetime = NOW, arn: str = "*", spent: frozenset[str] = frozenset()
) -> str:
    """Why the approval does not count."""
    mine = approval.public_key(approval.new_key())
    rules = Rules(2, (Approver(arn, approval.public_key(private)), Approver(ALICES, mine)), 12)
    use = approval.Use("b" * 64, now, spent)
    runner = approval.Runner(named(ALICES), mine)
    return approval.problem(approval.read(json.dumps(data), "it"), plan_like(), runner, rules, use)


TIMES: dict[str, tuple[str, str, str]] = {
    "2016": ("2016-01-01T00:00:00Z", "2016-01-01T08:00:00Z", "older than the plan"),
    "of 2016 for ever": ("2016-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "older than the plan"),
    "2099": ("2099-01-01T00:00:00Z", "2099-01-01T08:00:00Z", "by AWS's clock"),
    "in an hour": ("2026-11-27T05:00:00Z", "2026-11-27T13:00:00Z", "by AWS's clock"),
    "ended": ("2026-11-27T03:30:00Z", "2026-11-27T03:59:00Z", "ended at"),
    "ends before it begins": ("2026-11-27T03:59:00Z", "2026-11-27T03:00:00Z", "ended at"),
    "good": ("2026-11-27T03:59:00Z", "2026-11-27T08:00:00Z", ""),
    "good, by another clock": ("2026-11-27T04:04:00Z", "2026-11-27T08:00:00Z", ""),
}


@pytest.mark.parametrize("when", TIMES)
def test_an_approval_holds_for_some_hours(when: str) -> None:
    at, until, expected = TIMES[when]
    private = approval.new_key()
    found = judged(signed(private, at=at, until=until), private)
    assert expected in found if expected else not found


def test_for_longer_than_the_team_wants_no_approval_holds_whatever_it_says() -> None:
    private = approval.new_key()
    data = signed(private, until="2026-11-29T04:00:00Z")
    for hours, good in ((0.0, True), (11.9, True), (12.1, False), (47, False)):
        assert (judged(data, private, now=NOW + timedelta(hours=hours)) == "") is good, hours


def test_an_approval_that_ended_does_not_count_on_the_command_line(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    now = datetime.now(UTC)
    resigned(aws, file, env, at=rfc3339(now - timedelta(minutes=2)), until=rfc3339(now - timedelta(minutes=1)))
    refused_with(aws, path, "ended at", file)


# -- somebody else: by key and by who is behind the session


def refused_with(aws: Aws, path: str, expected: str, *files: str, env: dict[str, str] | None = None) -> None:
    words = [word for file in files for word in ("--approval", file)]
    code, said = snapshots(aws, path, *words, env=env)
    assert code == 5, said
    assert expected in said, said
    assert aws.writes() == []


def test_an_operator_does_not_approve_herself_under_a_second_session_name(aws: Aws) -> None:
    """On one machine the key is the same; from a second one hers is in the rules once, as approver's or as runner's."""
    second = operator(aws, "alice-2", machine=ALICE)
    key = key_of(aws, keyring(aws, ALICE))
    team(aws, ("*", key))
    path = stop_plan(aws)
    refused_with(aws, path, "signed with the key of this machine", approved(aws, path, second))
    third = operator(aws, "alice-3")
    team(aws, ("*", key_of(aws, third)))
    refused_with(aws, path, "the key of this machine stands for nobody", approved(aws, path, third))
    refused_with(aws, path, "the key of this machine stands for nobody", approved(aws, path, third), env={})


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
    refused_with(aws, path, "alice@example.com (source identity) runs it", approved(aws, path, second), env=alice)
    code, said = snapshots(aws, path, "--approval", approved(aws, path, other), env=alice)
    assert code == 0, said


def test_one_key_under_two_names_is_one_person(aws: Aws) -> None:
    env = bob(aws)
    key = key_of(aws, env)
    team(aws, (session("bob"), key), (session("carol"), key), approvals="3")
    path = stop_plan(aws)
    code, said = snapshots(aws, path)
    assert code == 2, said
    assert "stands for two approvers" in said
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
    assert "approving it is for somebody else" in said


def test_nobody_runs_what_they_approved(aws: Aws) -> None:
    env = with_team(aws)
    path = stop_plan(aws)
    file = approved(aws, path, env)
    refused_with(
        aws,
        path,
        "runs it: approving it is for somebody else",
        file,
        env={**env, "VPCE_TUI_STATE": str(aws.folder / "state")},
    )


PEOPLE = [
    ("arn:aws:iam::123456789012:user/ops/alice", "alice", Behind.USER),
    ("arn:aws:iam::123456789012:root", "root", Behind.ROOT),
    (
        "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice@example.com",
        "alice@example.com",
        Behind.IDENTITY_CENTER,
    ),
    ("arn:aws:sts::123456789012:federated-user/alice", "alice", Behind.FEDERATED),
    ("arn:aws:sts::123456789012:assumed-role/OnCall/alice", "alice", Behind.SESSION),
    ("arn:aws-cn:sts::123456789012:assumed-role/OnCall/x", "x", Behind.SESSION),
]


@pytest.mark.parametrize(("arn", "name", "behind"), PEOPLE)
def test_what_an_arn_says_of_a_person(arn: str, name: str, behind: Behind) -> None:
    person = named(arn)
    assert (person.name, person.behind) == (name, behind)
    assert person.certain is (behind in (Behind.USER, Behind.IDENTITY_CENTER))
    assert Person.from_json(person.to_json()) == person


def test_two_names_of_one_person_are_one() -> None:
    sso = named("arn:aws:sts::1:assumed-role/AWSReservedSSO_A_1/Alice@example.com")
    other_account = named("arn:aws:sts::2:assumed-role/AWSReservedSSO_B_2/alice@example.com")
    assert sso.same_as(other_account)
    assert sso.same_as(named("arn:aws:iam::1:user/alice"))
    assert not sso.same_as(named("arn:aws:iam::1:user/bob"))


SELF_MADE: list[dict[str, Any]] = [
    {"name": "zed", "behind": "IAM user", "arn": "arn:aws:sts::1:assumed-role/OnCall/alice", "also": []},
    {"name": "zed", "behind": "IAM user", "arn": "arn:aws:iam::1:user/alice", "also": []},
    {"name": "zed", "behind": "source identity", "arn": "arn:aws:iam::1:user/alice", "also": []},
    {
        "name": "zed",
        "behind": "role and session name alone",
        "arn": "arn:aws:sts::1:assumed-role/OnCall/alice",
        "also": [],
    },
    {"name": "zed", "behind": "nobody", "arn": "arn:aws:sts::1:assumed-role/OnCall/alice", "also": []},
    {"name": "alice", "behind": "IAM user", "arn": "arn:aws:iam::1:user/alice", "also": [7]},
]


@pytest.mark.parametrize("data", SELF_MADE)
def test_a_person_is_not_another_than_its_arn_says(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Person.from_json(data)


@pytest.mark.parametrize("source", ["", "zoe@example.com"])
def test_who_assumed_a_role_is_found_through_a_chain(source: str, aws: Aws) -> None:
    """A user takes a role, and with it another one: behind both is the user, whatever source identity she chose."""
    import boto3

    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import Access, AwsSession
    from vpce_tui.trail.person import behind

    iam = clients(aws)("iam")
    iam.create_user(UserName="dora")
    key = iam.create_access_key(UserName="dora")["AccessKey"]
    role = f"arn:aws:iam::{aws.facts['account']}:role/OnCallResponder"
    creds = (key["AccessKeyId"], key["SecretAccessKey"], None)
    for name in ("first", "second"):
        sts = boto3.client(
            "sts",
            region_name=HOME,
            endpoint_url=aws.url,
            aws_access_key_id=creds[0],
            aws_secret_access_key=creds[1],
            aws_session_token=creds[2],
        )
        more = {"SourceIdentity": source} if source and name == "first" else {}
        got = sts.assume_role(RoleArn=role, RoleSessionName=name, **more)["Credentials"]
        creds = (got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    session_ = AwsSession(
        Access(region=HOME, endpoint_url=aws.url, key_id=creds[0], secret=creds[1], token=creds[2] or ""),
        Gate(read_only=True),
    )
    person = behind(session_, (HOME, "us-east-1"))
    assert (person.name, person.behind, person.also) == ("dora", Behind.ASSUMED_BY, (source,) if source else ())
    assert person.same_as(named("arn:aws:iam::123456789012:user/dora"))


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "another plan": ({"plan": "c" * 64}, "is for another plan"),
    "another account": ({"accountId": "210987654321"}, "is for another account"),
    "another incident": ({"incidentId": "c" * 64}, "is for another incident"),
    "for no incident": ({"incidentId": ""}, "is for another incident"),
    "the runner": ({"approver": ALICES, "person": named(ALICES).to_json()}, "runs it"),
    "the planner": (
        {"approver": plan_like().operator, "person": named(plan_like().operator).to_json()},
        "made the plan",
    ),
}


@pytest.mark.parametrize("how", CHANGED)
def test_an_approval_for_something_else_does_not_count_though_it_is_signed(how: str) -> None:
    changes, expected = CHANGED[how]
    private = approval.new_key()
    assert expected in judged(signed(private, **changes), private)


def test_an_approval_that_was_changed_or_is_of_nobody_of_the_team_does_not_count() -> None:
    private = approval.new_key()
    good = signed(private)
    assert judged(good, private) == ""
    for field, value in (
        ("target", "i-2"),
        ("until", "2026-11-27T13:00:00Z"),
        ("record", "x"),
        ("signature", "AAAA"),
        ("signature", "é"),
    ):
        assert "the signature of" in judged({**good, field: value}, private), field
    assert "is no approver of your team" in judged(good, private, arn="*:user/carol")
    assert "is no approver of your team" in judged(good, approval.new_key())
    assert "was used already" in judged(good, private, spent=frozenset({good["id"]}))


FORMS: list[dict[str, Any]] = [
    {"more": "x"}, {"until": "never"}, {"until": 7}, {"id": "x"}, {"person": 7}, {"person": {"name": "x"}}, {"approver": "other"},
    {"schema": "vpce-tui:approval:2"},
]  # fmt: skip


@pytest.mark.parametrize("change", FORMS)
def test_what_has_not_the_form_of_an_approval_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(approval.ApprovalError):
        approval.read(json.dumps({**signed(approval.new_key()), **change}), "it")


def test_json_of_which_two_readers_would_read_two_things_is_no_approval() -> None:
    text = json.dumps(signed(approval.new_key()))
    for wrong in ("{", "[]", "7", text.replace('"until"', '"until": "2099-01-01T00:00:00Z", "until"'), "[" * 100_000):
        with pytest.raises(approval.ApprovalError):
            approval.read(wrong, "it")


@pytest.mark.parametrize(
    "approvals", ["0", "true", '"two"', "99", "2\nunknown = 1", "2\napproval_hours = 0", "2\napproval_hours = 9999"]
)
def test_a_broken_rule_stops_what_changes_aws(approvals: str, aws: Aws) -> None:
    path = stop_plan(aws)
    team(aws, approvals=approvals)
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--step", "hold")
    assert code == 2, said
    assert "config.toml" in said
    assert aws.writes() == []


# -- rotation: a secret is handed out once


def rotate_plan(aws: Aws) -> str:
    opened(aws)
    path = str(aws.folder / "rotate.json")
    code, said = aws.run(
        "plan", "revoke-credentials", "user/bob", "--out", path, "--set", "rotate=yes", "--incident", "case"
    )
    assert code == 0, said
    return path


def rotate(aws: Aws, *more: str, env: dict[str, str] | None = None) -> tuple[int | None, str]:
    words = ("apply", rotate_plan(aws), "--incident", "case", "--yes", "--wait", "1", "--step", "rotate")
    return aws.run(*words, *more, env=env)


def bobs_keys(aws: Aws) -> list[Any]:
    found: list[Any] = clients(aws)("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
    return found


def test_rotation_and_its_undo_need_a_second_person_and_the_undo_the_typed_id(aws: Aws) -> None:
    env = with_team(aws)
    mine = keyring(aws, ALICE)
    path = rotate_plan(aws)
    words = ("apply", path, "--incident", "case", "--yes", "--wait", "1", "--step", "rotate", "--keyring")
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
    code, said = aws.run("undo", "--incident", "case", "rotate", "--yes", "--wait", "1", "--confirm", "user/bob")
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
