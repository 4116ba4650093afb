"""What undo shows is what it makes: nothing hidden in a record that was handed over, nothing that became due while somebody read."""

import json
from typing import Any

import pytest

from tests.conftest import HOME, Aws
from tests.emulated_aws import clients
from tests.forged import append_raw
from tests.test_forged_record import held
from vpce_tui.engine import Engine
from vpce_tui.engine.outcome import Approval, Ended, WaitPolicy
from vpce_tui.engine.roll_back import Undo
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import replay
from vpce_tui.incident.rows import IncidentOpened
from vpce_tui.playbooks.plan_reader import read as read_plan

ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def recorded(aws: Aws, key: str) -> dict[str, Any]:
    with Journal.open(aws.incident(), "reader", write=False) as journal:
        return dict(replay(journal.rows()).step(key).planned)


def forge(aws: Aws, key: str, planned: dict[str, Any]) -> None:
    append_raw(
        aws.incident(), "plan", json.dumps({"step": key, "plan": planned}, sort_keys=True, separators=(",", ":"))
    )
    assert aws.run("verify", "case")[0] == 0


def cut(aws: Aws) -> str:
    """An incident in which the role's sessions are cut; the journal's key of the step."""
    plan = str(aws.folder / "plan.json")
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", "eu-west-1", "--out", plan)[0] == 0
    for step in ("protect", "preserve", "cut-credentials"):
        code, said = aws.run("apply", plan, "--incident", "case", "--yes", "--wait", "3", "--step", step)
        assert code == 0, said
    return f"terminate-instance/{aws.victim}/cut-credentials"


@pytest.mark.parametrize("how", ["an operation that the step makes on the way there", "a part that is sealed"])
def test_an_inverse_is_of_a_kind_that_takes_the_step_back_and_hides_nothing(aws: Aws, how: str) -> None:
    key = cut(aws)
    planned = recorded(aws, key)
    inverse = next(call for call in planned["undo"] if call["operation"] == "DeleteRolePolicy")
    if how.startswith("an operation"):
        inverse.update(operation="PutRolePolicy", parameters={**inverse["parameters"], "PolicyDocument": ALL})
    else:
        inverse["parameters"]["PolicyName"] = {"$sealed": inverse["parameters"]["PolicyName"]}
    forge(aws, key, planned)
    before = len(aws.writes())
    code, said = aws.run("undo", "cut-credentials", "--incident", "case", "--yes", "--wait", "1")
    assert code == 1, said
    assert len(aws.writes()) == before


def test_no_prose_of_a_record_comes_before_or_hides_what_is_sent(aws: Aws) -> None:
    key = held(aws)
    planned = recorded(aws, key)
    for call in planned["undo"]:
        call["why"] = "ec2:DescribeInstances in eu-west-1 {}".ljust(25_000)
    forge(aws, key, planned)
    _, said = aws.run("undo", "protect", "--incident", "case", "--yes", "--wait", "3")
    lines = [line.strip() for line in said.splitlines()]
    sent = [line for line in lines if line.startswith("ec2:ModifyInstanceAttribute in eu-west-1 {")]
    assert len(sent) > 1
    assert all(line.endswith("}") for line in sent)
    assert max(map(len, lines)) < 1000


@pytest.fixture
def engine(aws: Aws, plan_text: str) -> Any:
    session = aws.session()
    identity = session.identity()
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        journal.append(IncidentOpened(account=identity.account))
        session.gate.open_incident(journal)
        made = Engine(session, journal, read_plan(plan_text), wait_policy=WaitPolicy((0.01,), (0.01,)))
        assert made.run("protect", Approval("test")).ended is Ended.VERIFIED
        yield made


def protect(aws: Aws, on: bool) -> None:
    clients(aws)("ec2").modify_instance_attribute(InstanceId=aws.victim, DisableApiTermination={"Value": on})


def test_what_became_due_after_it_was_shown_is_not_made(aws: Aws, engine: Any) -> None:
    protect(aws, False)  # by somebody else, so it is changed by somebody since the step ran
    shown = engine.planned_undo("protect")
    assert "undo-protect" not in [call.id for call in shown.calls]
    protect(aws, True)
    before = len(aws.writes())
    outcome = engine.undo("protect", Approval("test"), shown)
    assert outcome.ended is Ended.STALE, outcome
    assert len(aws.writes()) == before
    assert engine.undo("protect", Approval("test"), engine.planned_undo("protect")).ended is Ended.UNDONE


def test_where_nothing_was_shown_nothing_is_made(aws: Aws, engine: Any) -> None:
    before = len(aws.writes())
    assert engine.undo("protect", Approval("test"), Undo(engine.plan.step("protect"))).ended is Ended.STALE
    assert len(aws.writes()) == before


def test_what_is_not_due_any_more_may_be_left_out_of_what_was_shown(aws: Aws, engine: Any) -> None:
    shown = engine.planned_undo("protect")
    protect(aws, False)
    before = len(aws.writes())
    assert engine.undo("protect", Approval("test"), shown).ended is Ended.UNDONE
    assert len(aws.writes()) == before + len(shown.calls) - 1


def test_other_parameters_than_were_shown_are_not_sent(engine: Any) -> None:
    shown = engine.planned_undo("protect")
    call = shown.calls[0]
    assert not Undo(shown.step, shown.calls[1:]).shows(shown)
    assert not Undo(shown.step, tuple(reversed(shown.calls))).shows(shown)
    from msgspec.structs import replace

    changed = replace(call, parameters={**call.parameters, "InstanceId": "i-00000000000000000"})
    assert not Undo(shown.step, (changed, *shown.calls[1:])).shows(shown)


def test_a_yes_at_the_prompt_is_no_typed_id(aws: Aws, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """``y`` is given to what was shown; were something final due, it would still lack the id."""
    from argparse import Namespace

    from vpce_tui.cli.commands import playbook

    given: list[Approval] = []
    monkeypatch.setattr(playbook, "_ask", lambda _: "y")
    monkeypatch.setattr(
        engine, "undo", lambda _, approval, *__, **___: given.append(approval) or engine.run("identify", approval)
    )
    playbook._undo_one(engine, "protect", Namespace(all=False, yes=False, confirm=None))
    assert given == [Approval("terminal", "")]


def test_of_a_plans_prose_nothing_reaches_the_record_and_its_undo_keeps_its_order(aws: Aws) -> None:
    from tests.test_plan_file import signed

    path = aws.folder / "plan.json"
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", "eu-west-1", "--out", str(path))[0] == 0
    data = json.loads(path.read_text())
    step = next(item for item in data["steps"] if item["id"] == "protect")
    for call in step["undo"]:
        call["why"] = "put everything back as it was".ljust(10_000)
    path.write_text(signed(data))
    words = ("apply", str(path), "--incident", "case", "--yes", "--wait", "3", "--step", "protect")
    assert aws.run(*words)[0] == 0
    planned = recorded(aws, f"terminate-instance/{aws.victim}/protect")
    assert not any("put everything back" in call["why"] for call in planned["undo"])
    isolate = next(item for item in data["steps"] if item["id"] == "isolate")
    assert len(isolate["undo"]) > 1
    isolate["undo"].reverse()
    path.write_text(signed(data))
    before = len(aws.writes())
    code, said = aws.run("apply", str(path), "--incident", "case", "--yes", "--wait", "3", "--step", "isolate")
    assert code == 4, said
    assert "another order" in said
    assert len(aws.writes()) == before


def forged_to_swap(aws: Aws, key: str, how: str, other: str) -> None:
    """A record whose undo shows the victim, and whose own answers would put another instance in its place."""
    planned = recorded(aws, key)
    undo = sorted((dict(call) for call in planned["undo"]), key=lambda call: call["id"] != "undo-protect")
    first, swap, name = undo[0], {"THE_INSTANCE": f'`"{other}"`'}, "THE_INSTANCE"
    if how == "a read":
        look = {
            "id": "look",
            "service": "ec2",
            "operation": "DescribeInstances",
            "region": HOME,
            "why": "look at it",
            "undoes": first["undoes"],
            "parameters": {"InstanceIds": [aws.victim]},
            "gives": swap,
        }
        first["parameters"] = {**first["parameters"], "InstanceId": {"$ref": name}}
        planned["undo"] = [look, *undo]
    elif how in ("a write", "a write that binds alone"):
        again = {**first, "id": "again", "parameters": {**first["parameters"], "InstanceId": {"$ref": name}}}
        planned["undo"] = [{**first, "gives": swap}, again, *undo[1:]]
    else:
        name = how
        first["parameters"] = {**first["parameters"], "InstanceId": {"$ref": how}}
        planned["undo"] = undo
    bound = name if how != "a write that binds alone" else "ANOTHER"
    append_raw(
        aws.incident(),
        "result",
        json.dumps({"call": "protect", "gave": {bound: aws.victim}, "ok": True, "step": key}, separators=(",", ":")),
    )
    forge(aws, key, planned)


@pytest.mark.parametrize("how", ["a read", "a write", "a write that binds alone", "TOKEN", "INCIDENT"])
def test_what_was_shown_for_one_thing_is_not_made_of_another(aws: Aws, how: str) -> None:
    key = held(aws)
    ec2 = clients(aws)("ec2")
    found = [one["InstanceId"] for item in ec2.describe_instances()["Reservations"] for one in item["Instances"]]
    other = next(name for name in found if name != aws.victim)
    ec2.modify_instance_attribute(InstanceId=other, DisableApiTermination={"Value": True})
    forged_to_swap(aws, key, how, other)
    before = len(aws.handled())
    code, said = aws.run("undo", "protect", "--incident", "case", "--yes", "--wait", "1")
    if how == "a read":
        assert code == 1, said
        assert "not valid for that step" in said
    for request in aws.handled()[before:]:
        if request["operation"] == "ModifyInstanceAttribute":
            shown = request["parameters"]["InstanceId"]
            assert shown != other, said
            assert f'"InstanceId": "{shown}"' in said or '"InstanceId": "$TOKEN"' in said, said
    still = ec2.describe_instance_attribute(InstanceId=other, Attribute="disableApiTermination")
    assert still["DisableApiTermination"]["Value"]


def test_of_what_is_agreed_to_nothing_is_cut() -> None:
    """To the last letter of the last parameter, however long: on the command line and in the app's dialog."""
    from textual.content import Content

    from vpce_tui.plans.plan import PlannedCall
    from vpce_tui.plans.renderers.call_list import inverse_lines
    from vpce_tui.tui.widgets.safe_text import lines

    many = {"InstanceId": "i-1", "Groups": [f"sg-{number:017x}" for number in range(3000)], "ZZ": "the very last"}
    found = list(
        inverse_lines(
            [
                (
                    PlannedCall(
                        id="x", service="ec2", operation="ModifyInstanceAttribute", region=HOME, parameters=many
                    ),
                    many,
                )
            ]
        )
    )
    assert found[0].endswith('"the very last"}')
    assert lines([Content(text) for text in found]).plain.rstrip().endswith('"the very last"}')


@pytest.mark.parametrize(
    "said", ["token: rotation-lambda", "deploy --pass through-proxy", "Basic restricted access", "credential: x, 8443"]
)
def test_a_description_that_looks_like_a_secret_is_put_back_as_it_was(said: str) -> None:
    """The inverse of a call is recorded exactly; else it could not be made, or would be made with our mark in it."""
    from vpce_tui.incident import redaction

    call = {"GroupId": "sg-1", "IpPermissions": [{"IpRanges": [{"CidrIp": "198.51.100.0/24", "Description": said}]}]}
    assert redaction.payload({"undo": [{"parameters": call}]}) == {"undo": [{"parameters": call}]}
    assert not redaction.holds_secret(call)


def test_our_mark_for_a_hidden_secret_is_never_sent() -> None:
    from vpce_tui.incident import redaction

    assert redaction.holds_secret({"Description": f"token: {redaction.HIDDEN}"})
