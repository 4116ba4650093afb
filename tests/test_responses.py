"""What this tool did about an intrusion: it is no sign of one, and the lists say what was done."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.app import app_on, looked, until, words
from tests.cases import apply, planned
from tests.conftest import Aws
from tests.emulated_aws import clients
from tests.relaunch import CASE, launched
from tests.rules import created
from tests.test_engine import apply as apply_plan
from vpce_tui.aws.call import Call
from vpce_tui.cli.commands.app import on_this_host
from vpce_tui.detection.assessment import AssessedEvent
from vpce_tui.detection.signals import Assessment, Severity
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import CallStatus, Record, StepRecord
from vpce_tui.incident.rows import IncidentClosed
from vpce_tui.incident.states import CallState, StepState
from vpce_tui.inventory.resources import Endpoint
from vpce_tui.investigation.containment_status import TargetView, statuses_in, statuses_of
from vpce_tui.tui.incident_text import playbook_to_resume
from vpce_tui.tui.screens.event_list import where_to
from vpce_tui.tui.screens.event_page import what_to_do
from vpce_tui.tui.screens.walkthrough import WalkthroughScreen

AT = "2026-11-27T03:00:00Z"
EARLIER, LATER = datetime(2026, 11, 27, 2, tzinfo=UTC), datetime(2026, 11, 27, 4, tzinfo=UTC)


def test_what_the_response_did_is_no_sign_of_an_intrusion(aws: Aws) -> None:
    planned(aws, CASE)
    code, said = apply(aws, CASE)
    assert code == 0, said
    _, said = aws.run("instances", "--json", "--lookback", "24h")
    found = {
        item["instanceId"]: item
        for line in said.splitlines()
        if line.startswith('{"instanceId"') and (item := json.loads(line))
    }
    new = found[launched(aws)["InstanceId"]]
    calls = {fact["what"] for signal in new["signals"] for fact in signal["evidence"] if fact["source"] == "history"}
    assert new["status"] != "compromised", new["signals"]
    assert calls == set()
    assert found[aws.victim]["status"] == "compromised"


async def test_what_was_done_about_an_instance_is_said_beside_what_is_left(aws: Aws, plan_text: str) -> None:
    assert apply_plan(aws, plan_text, "--step", "protect")[0] == 0
    said = f"{aws.victim}: terminate-instance in case: 1 of 9 steps done (p)"
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        item = next(item for item in app.workspace.assessed if item.event.principal.instance_id == aws.victim)
        before = what_to_do(item, app.workspace, app.keymap)
        assert [label for label, _ in before] == ["do"]
        assert f"the instance {aws.victim}" in before[0][1]
        app.work_in("case", lambda: None)
        after = what_to_do(item, app.workspace, app.keymap)
        assert ("done", said) in after
        assert any(aws.victim in text for label, text in after if label == "do"), "eight steps are left"
        await pilot.press("2")
        await until(pilot, lambda: f"done: {said}" in words(app).replace("\n      ", " "), "what was done, in the list")
        await pilot.press("enter")
        await until(pilot, lambda: said in " ".join(words(app).split()), "what was done, on the page")
        app.leave_incident()


@pytest.mark.parametrize(
    ("seen", "whole", "again"), [(None, True, False), (EARLIER, True, False), (LATER, False, True)]
)
def test_a_target_that_aws_shows_after_it_was_ended_is_not_called_contained(
    seen: datetime | None, whole: bool, again: bool
) -> None:
    call = CallStatus("terminate", Call("ec2", "TerminateInstances", "eu-west-1"), 1, CallState.DONE, at=AT)
    key = "terminate-instance/i-1"
    steps = {
        f"{key}/isolate": StepRecord(f"{key}/isolate", StepState.SKIPPED),
        f"{key}/terminate": StepRecord(f"{key}/terminate", StepState.VERIFIED, calls={"terminate": call}),
    }
    plan = {"steps": [{"id": "isolate"}, {"id": "terminate"}]}
    (found,) = statuses_of(Record(plans={key: plan}, steps=steps), "case", "i-1", TargetView(seen_at=seen))
    assert found.contains is whole
    assert "1 of 2 steps done, 1 skipped" in found.says
    assert ("AWS shows it again" in found.says) is again


@pytest.mark.parametrize("state", [StepState.SKIPPED, StepState.NOTHING_TO_DO, StepState.UNDONE, StepState.FAILED])
def test_what_was_not_contained_is_not_called_contained(state: StepState) -> None:
    key = "terminate-instance/i-1"
    steps = {f"{key}/{name}": StepRecord(f"{key}/{name}", state) for name in ("isolate", "terminate")}
    plan = {"steps": [{"id": "isolate"}, {"id": "terminate"}]}
    (found,) = statuses_of(Record(plans={key: plan}, steps=steps), "case", "i-1", TargetView())
    assert not found.contains


@pytest.mark.parametrize(
    ("target", "done", "contains"),
    [
        ("terminate-instance/i-1", ("isolate",), False),
        ("terminate-instance/i-1", ("isolate", "cut-credentials"), True),
        ("contain-endpoint/vpce-1", ("network", "policy"), False),
        ("contain-endpoint/vpce-1", ("delete",), True),
        ("block-traffic/i-1", ("deny", "rules"), False),
        ("revoke-credentials/role/web", ("sessions",), True),
    ],
)
def test_what_contains_a_target_is_said_and_enough(target: str, done: tuple[str, ...], contains: bool) -> None:
    steps = {f"{target}/{step}": StepRecord(f"{target}/{step}", StepState.VERIFIED) for step in done}
    plan = {"steps": [{"id": step} for step in (*done, "another")]}
    name = target.partition("/")[2]
    (found,) = statuses_of(Record(plans={target: plan}, steps=steps), "case", name, TargetView())
    assert found.contains is contains
    assert f"{len(done)} of {len(done) + 1} steps done" in found.says
    assert statuses_of(Record(plans={target: plan}, steps={}), "case", name, TargetView()) == ()


async def test_what_a_closed_incident_did_is_said_too(aws: Aws, plan_text: str) -> None:
    app = app_on(aws)  # what it knows of AWS is older than what is done
    assert apply_plan(aws, plan_text, "--step", "isolate", "--step", "cut-credentials")[0] == 0
    with Journal.open(aws.incident(), "test") as journal:
        journal.append(IncidentClosed())
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VPCE_TUI_STATE", aws.env["VPCE_TUI_STATE"])
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, looked(app))
            await until(pilot, lambda: bool(app.workspace.statuses_of(aws.victim)), "the record of the closed incident")
            (found,) = app.workspace.statuses_of(aws.victim)
            assert found.says.startswith("terminate-instance in case (closed): isolated, its sessions revoked, 2 of 9")
            assert not found.contains, "it may have been about an earlier intrusion"
            item = next(item for item in app.workspace.assessed if item.event.principal.instance_id == aws.victim)
            assert any(
                aws.victim in text for label, text in what_to_do(item, app.workspace, app.keymap) if label == "do"
            )


def test_only_the_incident_that_is_open_here_contains_and_only_its_own_account_counts() -> None:
    key = "revoke-credentials/role/web"
    steps = {f"{key}/sessions": StepRecord(f"{key}/sessions", StepState.VERIFIED)}
    record = Record(account="1", plans={key: {"steps": [{"id": "sessions"}]}}, steps=steps)
    (here,) = statuses_in({"case": record}, "1", "case", "role/web", TargetView())
    (elsewhere,) = statuses_in({"case": record}, "1", "other", "role/web", TargetView())
    assert (here.contains, elsewhere.contains) == (True, False)
    assert statuses_in({"case": record}, "2", "case", "role/web", TargetView()) == ()


VPCE = Endpoint(
    id="vpce-1",
    region="eu-west-1",
    account="1",
    type="Interface",
    service="s",
    state="available",
    vpc_id="vpc-1",
    groups=("sg-closed",),
    policy='{"Statement": []}',
)


@pytest.mark.parametrize(
    ("playbook", "step", "call", "endpoint", "reverted"),
    [
        ("contain-endpoint", "policy", {"PolicyDocument": '{"Statement":[]}'}, VPCE, False),
        ("contain-endpoint", "policy", {"PolicyDocument": '{"Statement":["*"]}'}, VPCE, True),
        ("contain-endpoint", "policy", {"PolicyDocument": "not JSON"}, VPCE, False),
        ("contain-endpoint", "network", {"AddSecurityGroupIds": ["sg-closed"]}, VPCE, False),
        ("contain-endpoint", "network", {"AddSecurityGroupIds": ["sg-other"]}, VPCE, True),
        ("contain-endpoint", "network", {"RemoveSecurityGroupIds": ["sg-closed"]}, VPCE, True),
        (
            "contain-endpoint",
            "network",
            {"RemoveRouteTableIds": ["rtb-1"]},
            replace(VPCE, route_tables=("rtb-1",)),
            True,
        ),
        ("contain-endpoint", "network", {"RemoveRouteTableIds": ["rtb-1"]}, VPCE, False),
    ],
)
def test_what_somebody_took_back_of_an_endpoint_is_no_longer_called_done(
    playbook: str, step: str, call: dict[str, object], endpoint: Endpoint, reverted: bool
) -> None:
    made = Call("ec2", "ModifyVpcEndpoint", "eu-west-1", {"VpcEndpointId": "vpce-1", **call})
    key = f"{playbook}/vpce-1"
    steps = {
        f"{key}/{step}": StepRecord(
            f"{key}/{step}", StepState.VERIFIED, calls={"c": CallStatus("c", made, 1, CallState.DONE, at=AT)}
        )
    }
    record = Record(plans={key: {"steps": [{"id": step}]}}, steps=steps)
    (found,) = statuses_of(record, "case", "vpce-1", TargetView(seen_at=LATER, endpoint=endpoint))
    assert (f"no longer {step} restricted" in found.says) is reverted
    assert (f"{step} restricted," in found.says) is not reverted
    (before,) = statuses_of(record, "case", "vpce-1", TargetView(seen_at=EARLIER, endpoint=endpoint))
    assert "no longer" not in before.says, "what was read before the change says nothing about it"


async def test_an_instance_that_is_no_longer_isolated_is_not_called_contained(aws: Aws, plan_text: str) -> None:
    code, said = apply_plan(
        aws, plan_text, *("--step", "identify", "--step", "protect", "--step", "isolate", "--step", "cut-credentials")
    )
    assert code == 0, said
    app = app_on(aws, live=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        (found,) = app.workspace.statuses_of(aws.victim)
        assert found.contains
        assert "isolated" in found.says
        assert "no longer" not in found.says
        ec2 = clients(aws)("ec2")
        by_vpc = [{"Name": "vpc-id", "Values": [aws.facts["vpc"]]}, {"Name": "group-name", "Values": ["default"]}]
        (group,) = ec2.describe_security_groups(Filters=by_vpc)["SecurityGroups"]
        (nic, *_) = ec2.describe_network_interfaces(
            Filters=[{"Name": "attachment.instance-id", "Values": [aws.victim]}]
        )["NetworkInterfaces"]
        ec2.modify_network_interface_attribute(NetworkInterfaceId=nic["NetworkInterfaceId"], Groups=[group["GroupId"]])
        app.workspace.refresh()
        await until(pilot, lambda: not app.workspace.settled, "a new look")
        await until(pilot, looked(app))
        (found,) = app.workspace.statuses_of(aws.victim)
        assert not found.contains
        assert "no longer isolated" in found.says
        app.leave_incident()


def test_what_needs_attention_is_resumed_first_then_what_is_not_finished() -> None:
    plans = {
        f"{name}/i-1": {"playbook": name, "target": "i-1", "steps": [{"id": "a", "title": "A"}]}
        for name in ("failed", "open", "whole")
    }
    states = {"failed": StepState.FAILED, "open": StepState.TODO, "whole": StepState.VERIFIED}

    def resumed(*names: str, target: str = "") -> str | None:
        kept = {f"{name}/i-1": plans[f"{name}/i-1"] for name in names}
        steps = {f"{name}/i-1/a": StepRecord(f"{name}/i-1/a", states[name]) for name in names}
        found = playbook_to_resume(Record(plans=kept, steps=steps), target)
        return None if found is None else str(found["playbook"])

    assert resumed("failed", "open", "whole") == "failed"
    assert resumed("open", "whole") == "open"
    assert resumed("whole") == "whole"
    assert resumed("failed", target="i-2") is None


async def test_a_step_that_was_cut_off_comes_first_and_is_not_called_running(aws: Aws, plan_text: str) -> None:
    path = aws.folder / "plan.json"
    path.write_text(plan_text)
    words_ = ("apply", str(path), "--incident", "case", "--yes", "--wait", "3", "--step", "protect")
    assert aws.run(*words_, kill_at=7)[0] is None
    with Journal.open(aws.incident(), "test", write=False) as journal:
        assert journal.record().step(f"terminate-instance/{aws.victim}/protect").state is StepState.RUNNING
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", app.action_resume_playbook)
        await until(pilot, lambda: "interrupted" in words(app), "the playbook")
        walk = app.screen
        assert isinstance(walk, WalkthroughScreen)
        assert walk.step is not None
        assert walk.step.id == "protect", "not the first step, which was never run"
        assert "resume" in words(app)
        assert "running" not in words(app)
        app.leave_incident()


def test_a_record_of_the_lab_is_read_where_no_other_has_its_name(aws: Aws, plan_text: str) -> None:
    assert apply_plan(aws, plan_text, "--step", "protect")[0] == 0
    lab = aws.folder / "state" / "lab" / "incidents"
    lab.mkdir(parents=True)
    aws.incident().rename(lab / "case")
    code, said = aws.run("verify", "case")
    assert (code, "verified" in said) == (0, True), said
    assert aws.run("timeline", "case")[0] == 0
    assert aws.run("verify", "other")[0] == 1


def test_what_became_of_an_endpoint_stands_where_no_cell_cuts_it() -> None:
    made = created()
    request = made.request
    assert request is not None
    plain = where_to(AssessedEvent(made, request, Assessment(Severity.HIGH)))
    assert where_to(AssessedEvent(made, request, Assessment(Severity.HIGH), endpoint_gone=True)) == f"deleted: {plain}"
    assert (
        where_to(AssessedEvent(replace(made, error_code="AccessDenied"), request, Assessment(Severity.HIGH)))
        == f"refused: {plain}"
    )


@pytest.mark.parametrize(
    ("endpoint", "emulated"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:1", True),
        ("http://[::1]:80", True),
        ("", False),
        ("https://ec2.eu-west-1.amazonaws.com", False),
        ("https://127.0.0.1.example.com", False),
    ],
)
def test_an_aws_on_this_host_is_not_taken_for_an_account(endpoint: str, emulated: bool) -> None:
    assert on_this_host(endpoint) is emulated


async def test_a_lab_that_is_served_is_marked_and_not_called_new(aws: Aws, plan_text: str) -> None:
    assert apply_plan(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    app.emulated = True
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        assert "LAB 123456789012" in words(app)
        app.work_in("case", lambda: None)
        assert not any("This lab is new" in text for _, text in app.messages)
        app.leave_incident()
