"""What reviewers broke once: each stays mended."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients, dump
from tests.test_engine import apply, saved
from vpce_tui.aws.call import Call
from vpce_tui.aws.client import Cancel
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.cloudtrail.lookup import LookupQuery
from vpce_tui.engine import Engine
from vpce_tui.engine.outcome import Approval, Ended, WaitPolicy
from vpce_tui.engine.roll_back import Undo
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentOpened, NoteWritten, StepPlan
from vpce_tui.plans.actions import by_effects
from vpce_tui.plans.plan import Blocked, PlannedCall, Step, StepKind, step_data
from vpce_tui.playbooks.plan_reader import read as read_plan


def test_a_second_plan_on_the_incident_forgets_nothing_that_was_done(labs: Labs, plan_text: str) -> None:
    aws = labs.new("throttle@DeregisterTargets:1")
    before = dump(aws)
    code, said = apply(aws, plan_text, "--step", "out-of-service")
    assert code == 1, said
    path = str(aws.folder / "again.json")
    assert (
        aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--incident", "case", "--out", path)[0] == 0
    )
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--wait", "3", "--step", "out-of-service")
    assert code == 0, said
    code, said = aws.run("undo", "--incident", "case", "out-of-service", "--yes", "--wait", "3")
    assert code == 0, said
    assert dump(aws) == before


def test_after_a_half_done_isolation_a_new_plan_within_the_incident_applies(labs: Labs, plan_text: str) -> None:
    aws = labs.new("throttle@AuthorizeSecurityGroupIngress:1")
    before = dump(aws)
    assert apply(aws, plan_text, "--step", "isolate")[0] == 1
    path = str(aws.folder / "again.json")
    assert (
        aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--incident", "case", "--out", path)[0] == 0
    )
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--wait", "3", "--step", "isolate")
    assert code == 0, said
    names = [name for name, _ in aws.writes()]
    assert names.count("ec2:CreateSecurityGroup") == 2
    assert aws.run("undo", "--incident", "case", "isolate", "--yes", "--wait", "3")[0] == 0
    assert dump(aws) == before


def test_sharing_and_locking_snapshots_is_proved_and_done_once(aws: Aws) -> None:
    path = str(aws.folder / "share.json")
    words = ("--set", "snapshots.share_with=111122223333", "--set", "snapshots.lock_days=7", "--out", path)
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, *words)[0] == 0
    run = ("apply", path, "--incident", "case", "--yes", "--confirm", aws.victim, "--step", "snapshots", "--wait", "3")
    code, said = aws.run(*run)
    assert code == 0, said
    names = [name for name, _ in aws.writes()]
    assert (names.count("ec2:ModifySnapshotAttribute"), names.count("ec2:LockSnapshot")) == (2, 2)


def test_evidence_that_is_missing_leaves_the_step_unproved_and_is_asked_for_again(labs: Labs, plan_text: str) -> None:
    aws = labs.new("denied@DescribeNetworkAcls:1")
    code, said = apply(aws, plan_text, "--step", "preserve")
    assert code == 6
    assert "missing: acls" in said
    code, said = apply(aws, plan_text, "--step", "terminate", "--confirm", aws.victim)
    assert code == 1
    assert "Preserve volatile evidence" in said
    code, said = apply(aws, plan_text, "--step", "preserve")
    assert code == 0, said
    assert sum(item["operation"] == "DescribeRouteTables" for item in aws.handled()) == 1, (
        "what is kept is not asked for again"
    )


def test_a_person_can_accept_what_is_missing(labs: Labs, plan_text: str) -> None:
    aws = labs.new("denied@DescribeNetworkAcls:99")
    assert apply(aws, plan_text, "--step", "preserve")[0] == 6
    assert aws.run("note", "--incident", "case", "preserve", "accepted without ACLs", "--manual")[0] == 0
    code, said = apply(aws, plan_text, "--confirm", aws.victim)
    assert code == 0, said


def test_a_blocked_step_is_never_proved_by_its_effects() -> None:
    call = PlannedCall(id="x", service="ec2", operation="StopInstances", region=HOME, parameters={})
    step = Step(
        "isolate", "t", StepKind.CHANGE, already=(call,), blocked=(Blocked("somebody added a rule", "remove it"),)
    )
    assert by_effects(None, step)[0] == "not yet"  # type: ignore[arg-type]


def test_while_the_group_drains_the_detach_counts_as_made_but_not_as_proved() -> None:
    from vpce_tui.inventory.resources import Instance
    from vpce_tui.plans.actions.instance.out_of_service import TAKE_OUT
    from vpce_tui.plans.step_builder import Draft
    from vpce_tui.plans.targets.instance_state import InstanceState
    from vpce_tui.plans.targets.load_balancing import AutoScalingMembership

    instance = Instance(id="i-1", region=HOME, account="1", state="running")
    world = InstanceState(
        instance,
        scaling=AutoScalingMembership(group="web", lifecycle="Detaching", minimum=2, desired=2, maximum=6),
        targets=(),
        classic=(),
    )
    step = TAKE_OUT.plan(
        world, Draft(id="out-of-service", title="t", description="w", region=HOME, choices={"capacity": "lower"})
    )
    assert [call.id for call in step.already] == ["detach"]
    assert not step.blocked
    assert TAKE_OUT.verify(world, step)[0] == "not yet"


def test_a_question_that_ends_in_the_future_leaves_no_gap_later(aws: Aws, tmp_path: Path) -> None:
    session, cache, now = aws.session(), EventCache(tmp_path / "cache"), datetime.now(UTC)
    code, said = aws.run("events", "--until", (now + timedelta(hours=9)).isoformat(), "--region", HOME)
    assert code == 0, said
    EventHistory(session, cache).search([HOME], [LookupQuery(now - timedelta(hours=24), now)])
    later = LookupQuery(now - timedelta(hours=24), now + timedelta(hours=12))
    (span,) = cache.complete_spans(session.identity().account, HOME, later)
    assert span[1] <= datetime.now(UTC)


@pytest.mark.parametrize(
    "content",
    ['{"Records": [{"eventTime": "0001-01-01T00:00:00+23:59", "eventID": "x"}]}', '{"Records": [' + "[" * 100_000],
)
def test_one_bad_file_never_loses_the_folder(tmp_path: Path, content: str) -> None:
    from tests.test_log_files import records, write
    from vpce_tui.cloudtrail.log_files import read

    (tmp_path / "bad.json").write_text(content)
    write(tmp_path / "good.json", records(3))
    assert len(read(tmp_path).events) >= 3


def test_a_closed_incident_takes_no_writes(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "identify")[0] == 0
    code, said = aws.run("close", "case", "--yes")
    assert code == 0, said
    code, said = apply(aws, plan_text)
    assert code == 5
    assert "was closed" in said
    assert aws.writes() == []


def test_a_damaged_record_is_named_and_the_others_are_listed(aws: Aws) -> None:
    for name in ("good", "bad"):
        with Journal.open(aws.incident(name), "x\x1b[31m", create=True) as journal:
            journal.append(IncidentOpened(account="123\x1b]52;c;x\x07"))
    db = sqlite3.connect(aws.incident("bad") / "journal.db")
    db.execute("DROP TRIGGER journal_no_update")
    db.execute("UPDATE journal SET payload = '{'")
    db.commit()
    db.close()
    code, said = aws.run("incidents")
    assert code == 0
    assert "good" in said
    assert "damaged" in said
    assert "\x1b" not in said


def test_rows_cut_off_at_the_end_show_in_the_head(aws: Aws) -> None:
    with Journal.open(aws.incident(), "x", create=True) as journal:
        journal.append(IncidentOpened(account="1"))
        head = journal.append(NoteWritten(text="last")).hash
    assert aws.run("verify", "case", "--expect-head", head)[0] == 0
    db = sqlite3.connect(aws.incident() / "journal.db")
    (guard,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'journal_no_delete'").fetchone()
    db.execute("DROP TRIGGER journal_no_delete")
    db.execute("DELETE FROM journal WHERE seq = 2")
    db.execute(guard)
    db.commit()
    db.close()
    code, said = aws.run("verify", "case", "--expect-head", head)
    assert code == 1
    assert "rows were removed" in said


def test_where_regions_could_not_be_asked_it_says_so(labs: Labs) -> None:
    code, said = labs.new("denied@DescribeInstances:999").run("plan", "terminate-instance", "i-0123456789abcdef0")
    assert code == 1
    assert "was not found" in said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("events", "--since", "999999999999d"), 2),
        (("plan", "nonsense", "i-1"), 2),
        (("verify", "../../etc"), 2),
        (("lab", "--serve", "--port", "99999"), 2),
        (("events", "\x1b[31mx"), 2),
        (("apply", "/dev/null", "--incident", "case", "--yes"), 1),
        (("apply", "/nowhere/plan.json", "--incident", "case", "--yes"), 1),
    ],
)
def test_wrong_words_get_one_message_and_no_escape(aws: Aws, words: tuple[str, ...], code: int) -> None:
    ended, said = aws.run(*words)
    assert ended == code, said
    assert "\x1b" not in said
    assert "Traceback" not in said
    assert "a fault of vpce-tui itself" not in said


def test_a_foreign_group_with_our_tags_is_not_taken_for_ours(aws: Aws, plan_text: str) -> None:
    tags = {
        "vpce-tui:target": aws.victim,
        "vpce-tui:incident": "case",
        "vpce-tui:call": "quarantine",
        "vpce-tui:step": "isolate",
    }
    foreign = clients(aws)("ec2").create_security_group(
        GroupName="decoy",
        Description="d",
        VpcId=aws.facts["vpc"],
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )["GroupId"]
    code, said = apply(aws, plan_text, "--step", "isolate")
    assert code == 0, said
    interfaces = clients(aws)("ec2").describe_network_interfaces(
        Filters=[{"Name": "attachment.instance-id", "Values": [aws.victim]}]
    )
    assert all(group["GroupId"] != foreign for nic in interfaces["NetworkInterfaces"] for group in nic["Groups"])


def test_a_proved_step_whose_effect_somebody_took_away_can_be_done_again_when_named(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    ec2 = clients(aws)("ec2")
    ec2.modify_instance_attribute(InstanceId=aws.victim, DisableApiTermination={"Value": False})
    code, said = apply(aws, plan_text, "--step", "protect")
    assert code == 0, said
    answer = ec2.describe_instance_attribute(InstanceId=aws.victim, Attribute="disableApiTermination")
    assert answer["DisableApiTermination"]["Value"] is True


def test_two_steps_never_run_at_once_on_one_incident(aws: Aws, plan_text: str) -> None:

    session = aws.session()
    identity = session.identity()
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        journal.append(IncidentOpened(account=identity.account))
        session.gate.open_incident(journal)
        engine = Engine(session, journal, read_plan(plan_text))
        with journal.one_step() as free:
            assert free
            assert engine.run("protect", Approval("test")).ended is Ended.REFUSED
            assert engine.undo("protect", Approval("test"), Undo(engine.plan.step("protect"))).ended is Ended.REFUSED
        assert engine.run("protect", Approval("test")).ended is Ended.VERIFIED


def test_ctrl_c_in_the_middle_of_a_call_is_one_word_and_the_next_run_finishes(labs: Labs, plan_text: str) -> None:
    from tests.terminal import Terminal

    aws = labs.new("slow@ModifyInstanceAttribute:1")
    words = ("apply", saved(aws, plan_text), "--incident", "case", "--yes", "--wait", "3", "--step", "protect")
    terminal = Terminal(words, aws.env)
    terminal.until("dry run")
    terminal.send("ctrl+c")
    assert terminal.close() == 1, terminal.written[-3000:].decode()
    assert b"stopped" in terminal.written
    assert b"Traceback" not in terminal.written
    code, said = aws.run(*words)
    assert code in (0, 1), said
    if code == 1:
        assert "did not take effect" in said
        code, said = aws.run(*words)
    assert code == 0, said
    assert len(aws.tried()) == 3, "no call was made twice"


def test_a_policy_nested_without_end_loses_no_event(tmp_path: Path, aws: Aws) -> None:
    record = {
        "eventID": "nested",
        "eventName": "CreateVpcEndpoint",
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": HOME,
        "eventTime": "2026-11-01T00:00:00Z",
        "requestParameters": {"CreateVpcEndpointRequest": {"VpcId": "vpc-1", "PolicyDocument": "[" * 100_000}},
    }
    (tmp_path / "trail.json").write_text(json.dumps({"Records": [record, {**record, "eventID": "other"}]}))
    code, said = aws.run("events", "--log-files", str(tmp_path), "--json")
    assert code == 0, said
    assert said.count('"eventID"') == 2


def test_a_linked_folder_of_trails_is_named_and_not_called_complete(tmp_path: Path, aws: Aws) -> None:
    (tmp_path / "trail").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "trail" / "A.JSON").write_text('{"Records": []}')
    (tmp_path / "trail" / "linked").symlink_to(tmp_path / "elsewhere")
    code, said = aws.run("events", "--log-files", str(tmp_path / "trail"), "--json")
    assert code == 3, said
    assert "is a link to a folder" in said
    assert '"complete": false' in said


def test_a_script_of_a_blocked_step_stops_there(labs: Labs) -> None:
    aws = labs.new("denied@DescribeAutoScalingInstances:99")
    for form, stop in (("cli", "exit 1"), ("python", "raise SystemExit")):
        code, said = aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--format", form)
        assert code == 0, said
        last = said[said.index("(terminate)") :]
        assert stop in last
        assert "terminate-instances" not in last
        assert "terminate_instances" not in last


def test_a_script_goes_past_what_cannot_be_undone_only_with_the_typed_id(aws: Aws) -> None:
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--format", "cli")
    assert code == 0
    last = said[said.index("(terminate)") :]
    assert last.index('"${CONFIRM:-}" = ' + aws.victim) < last.index("terminate-instances")


def test_a_note_by_hand_says_for_which_target(aws: Aws) -> None:
    for number, target in enumerate((aws.victim, str(aws.facts["database"]))):
        path = aws.folder / f"plan-{number}.json"
        assert aws.run("plan", "terminate-instance", target, "--region", HOME, "--out", str(path))[0] == 0
        words = ("apply", str(path), "--incident", "case", "--yes", "--wait", "3", "--step", "identify")
        assert aws.run(*words)[0] == 0
    code, said = aws.run("note", "preserve", "done", "--incident", "case", "--manual")
    assert code == 2
    assert "is in several plans" in said
    key = f"terminate-instance/{aws.victim}/preserve"
    code, said = aws.run("note", key, "done", "--incident", "case", "--manual")
    assert code == 0
    assert f"recorded for {key}" in said


def test_a_session_token_with_a_line_break_is_not_printed(aws: Aws) -> None:
    token = aws.zygote.keys[2] + "\n"
    code, said = aws.run("events", env={"AWS_SESSION_TOKEN": token})
    assert code == 1
    assert aws.zygote.keys[2][:20] not in said
    assert "cannot be sent" in said


def test_an_earlier_head_is_found_in_its_row(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "identify")[0] == 0
    head = aws.run("verify", "case")[1].split("head ")[1].split()[0]
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    code, said = aws.run("verify", "case", "--expect-head", head)
    assert code == 0, said
    assert "rows were added since" in said
    code, said = aws.run("verify", "case", "--expect-head", "0" * 64)
    assert code == 1
    assert "is in no row" in said


class WhileWaiting(Cancel):
    """Does something the first time the engine waits, as AWS may while a call is still under way."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile: Callable[[], object] | None = meanwhile
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self._meanwhile is not None:
            self._meanwhile()
            self._meanwhile = None


def test_a_call_that_may_still_be_under_way_is_waited_for_and_never_made_again(aws: Aws, plan_text: str) -> None:
    plan, session = read_plan(plan_text), aws.session()
    identity, step = session.identity(), plan.step("protect")
    protect = next(call for call in step.calls if call.id == "protect")
    one = {"InstanceId": aws.victim, "DisableApiTermination": {"Value": True}}
    meanwhile = WhileWaiting(lambda: clients(aws)("ec2").modify_instance_attribute(**one))
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        journal.append(IncidentOpened(account=identity.account))
        session.gate.open_incident(journal)
        engine = Engine(
            session, journal, plan, wait_policy=WaitPolicy(call_outcome=(), verification=(1.0,)), cancel=meanwhile
        )
        key = engine.key("protect")
        journal.append(StepPlan(step=key, plan=step_data(step), sha256=plan.sha256))
        call = Call(
            service=protect.service, operation=protect.operation, region=protect.region, parameters=protect.parameters
        )
        journal.intend(key, {protect.id: call}, identity.account)
        assert engine.run("protect", Approval("test")).ended is Ended.VERIFIED
    assert meanwhile.waits, "it did not wait"
    protecting = [words for name, words in aws.writes() if "DisableApiTermination" in words]
    assert len(protecting) == 1, "the call that was under way was made again"
