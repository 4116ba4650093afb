"""Undo: what is taken back, what is left, and what is not proved."""

import json
from typing import Any

from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients
from tests.test_engine import apply, saved
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.engine import Engine
from vpce_tui.engine.outcome import Approval, Ended, WaitPolicy
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import replay
from vpce_tui.incident.rows import IncidentOpened
from vpce_tui.incident.states import StepState
from vpce_tui.playbooks.plan_reader import read as read_plan


def test_an_undo_whose_effect_cannot_be_read_is_not_proved(labs: Labs, plan_text: str) -> None:
    aws = labs.new()
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    blind = labs.new("denied@DescribeInstanceAttribute:99")
    blind.incident().parent.mkdir(parents=True)
    aws.incident().rename(blind.incident())
    code, said = blind.run("undo", "--incident", "case", "protect", "--yes", "--wait", "1")
    assert code == 1
    assert "could not be read, so nothing is undone" in said
    assert blind.writes() == []


def test_a_cut_that_somebody_weakened_is_no_longer_ours_and_undo_leaves_it(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "cut-credentials")[0] == 0
    iam = clients(aws)("iam")
    named = {"RoleName": "web-app", "PolicyName": "vpce-tui-cut-sessions-case"}
    policy = iam.get_role_policy(**named)["PolicyDocument"]
    policy["Statement"][0]["Resource"] = "arn:aws:s3:::nothing"
    iam.put_role_policy(**named, PolicyDocument=json.dumps(policy))
    code, said = aws.run("undo", "--incident", "case", "cut-credentials", "--yes", "--wait", "1")
    assert "changed by somebody since the step ran" in said
    assert iam.get_role_policy(**named)["PolicyDocument"]["Statement"][0]["Resource"] == "arn:aws:s3:::nothing"
    assert code in (0, 6)


def test_after_termination_undoing_everything_takes_back_what_makes_sense_and_says_the_rest(
    aws: Aws, plan_text: str
) -> None:
    assert apply(aws, plan_text, "--confirm", aws.victim)[0] == 0
    code, said = aws.run("undo", "--incident", "case", "--all", "--yes", "--wait", "2")
    assert "there is nothing to undo" in said
    assert "so that stolen sessions stay denied" in said
    assert "AttachInstances" not in [name.partition(":")[2] for name, _ in aws.writes()]
    policies = clients(aws)("iam").list_role_policies(RoleName="web-app")["PolicyNames"]
    assert "vpce-tui-cut-sessions-case" in policies
    assert code == 0, said


def test_an_undo_that_cannot_be_read_back_after_it_was_made_is_not_proved(aws: Aws, plan_text: str) -> None:

    session, blind = aws.session(), False
    reads, writes = session.read, session.write

    def read(call: Any) -> Any:
        if blind and call.operation == "DescribeInstanceAttribute":
            raise AwsError(
                call_name=call.name, region=HOME, code="UnauthorizedOperation", message="no", kind=ErrorKind.DENIED
            )
        return reads(call)

    def write(call: Any, permit: Any) -> Any:
        nonlocal blind
        answer = writes(call, permit)
        blind = True
        return answer

    identity = session.identity()
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        journal.append(IncidentOpened(account=identity.account))
        session.gate.open_incident(journal)
        engine = Engine(session, journal, read_plan(plan_text), wait_policy=WaitPolicy((0.01,), (0.01, 0.01)))
        assert engine.run("protect", Approval("test")).ended is Ended.VERIFIED
        session.read, session.write = read, write  # type: ignore[method-assign]
        outcome = engine.undo("protect", Approval("test"), engine.planned_undo("protect"))
    assert blind
    assert outcome.ended is Ended.NOT_VERIFIED, outcome
    assert "could not be verified" in outcome.says


def test_what_was_skipped_or_undone_stays_so_unless_it_is_named(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "identify", "--step", "protect")[0] == 0
    assert aws.run("note", "isolate", "not now", "--incident", "case", "--skipped")[0] == 0
    assert aws.run("undo", "--incident", "case", "protect", "--yes", "--wait", "3")[0] == 0
    count = len(aws.writes())
    apply(aws, plan_text, "--step", "identify")
    _, said = aws.run(*("apply", saved(aws, plan_text), "--incident", "case", "--yes", "--wait", "3"))
    assert "skipped" in said
    assert "undone; unchanged" in said
    assert not any("CreateSecurityGroup" in name for name, _ in aws.writes()[count:])


def test_after_an_undo_and_a_skip_nothing_is_half_undone(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    assert aws.run("undo", "--incident", "case", "protect", "--yes", "--wait", "3")[0] == 0
    code, said = aws.run("note", "--incident", "case", "protect", "not needed", "--skipped")
    assert code == 0, said
    with Journal.open(aws.incident(), "test", write=False) as journal:
        (step,) = [step for key, step in replay(journal.rows()).steps.items() if key.endswith("/protect")]
    assert (step.state, step.half_undone) == (StepState.SKIPPED, False)
    before = len(aws.tried())
    code, said = aws.run("undo", "--incident", "case", "--all", "--yes", "--wait", "3")
    assert "nothing" in said
    assert len(aws.tried()) == before
