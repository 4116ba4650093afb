"""A playbook walked in the app by its keys: run, undone, skipped, refused; its questions, views and secrets."""

from typing import Any

from textual.widgets import Input, Static

from tests.app import app_on, in_incident, looked, ran, until, walkthrough, words
from tests.conftest import Aws
from tests.emulated_aws import clients, dump
from tests.test_engine import apply
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentOpened
from vpce_tui.incident.states import StepState
from vpce_tui.tui.screens.incident import IncidentScreen
from vpce_tui.tui.screens.walkthrough import WalkthroughScreen
from vpce_tui.tui.widgets.bars import KeyBar, TopBar
from vpce_tui.tui.widgets.dialogs import Ask
from vpce_tui.tui.widgets.form import Form
from vpce_tui.tui.widgets.reveal_secret import RevealSecretDialog
from vpce_tui.tui.widgets.table import Table


async def test_the_whole_playbook_by_its_keys(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("p")
        rows = app.screen.query_one(Table)
        await until(pilot, lambda: bool(rows.rows), "the playbooks")
        assert rows.key.startswith("contain-endpoint"), "what an incident needs first"
        while not rows.key.startswith("terminate-instance"):
            await pilot.press("j")
        await pilot.press("enter")
        await until(
            pilot,
            lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None and not app.screen.busy,
            "a plan",
        )
        walk = app.screen
        assert isinstance(walk, WalkthroughScreen)
        assert walk.plan is not None
        steps = [step.id for step in walk.plan.steps]
        for number, step in enumerate(steps):
            if step == "memory":
                await pilot.press("h")
                await until(pilot, lambda: isinstance(app.screen, Ask), "a note")
                await pilot.press(*"AMI kept", "enter")
                await until(
                    pilot, lambda: walk.step_record(walk.plan.step("memory")).state.value == "done manually", "the note"
                )
                await pilot.press("right")
                continue
            await pilot.press("r")
            if number == 0:
                await in_incident(pilot)
            if step in ("snapshots", "terminate"):
                await until(pilot, lambda: isinstance(app.screen, Ask), "the id")
                app.screen.query_one(Input).value = "i-wrong"
                await pilot.press("enter")
                assert "nothing was done" in words(app)
                app.screen.query_one(Input).value = aws.victim
                await pilot.press("enter")
            await ran(pilot, walk, step)
            assert walk.outcomes[step].good, walk.outcomes[step]
            await until(pilot, lambda: not walk.busy)
            await pilot.press("right")
        assert "INCIDENT case" in words(app)
        await pilot.press("escape", "escape", "3")
        await until(pilot, lambda: isinstance(app.screen, IncidentScreen), "the incident")
        await until(pilot, lambda: "record verified" in words(app), "the verdict")
        app.leave_incident()
    (pages,) = clients(aws)("ec2").describe_instances(InstanceIds=[aws.victim])["Reservations"]
    assert pages["Instances"][0]["State"]["Name"] == "terminated"


async def test_what_the_app_begins_the_command_line_takes_up_and_the_other_way_round(aws: Aws, plan_text: str) -> None:
    before = dump(aws)
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        walk = await walkthrough(pilot, aws)
        assert walk.plan is not None
        assert walk.step_record(walk.plan.step("protect")).state.value == "verified"
        walk.at = 5
        await pilot.press("r")
        await ran(pilot, walk, "isolate")
        assert walk.outcomes["isolate"].good
        app.leave_incident()
    code, said = aws.run("undo", "--incident", "case", "--all", "--yes", "--wait", "3")
    assert code == 0, said
    assert dump(aws) == before


async def test_undo_by_key_shows_what_it_will_do_and_restores(aws: Aws) -> None:
    before = dump(aws)
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        walk.at = 5
        await pilot.press("r")
        await in_incident(pilot)
        await ran(pilot, walk, "isolate")
        await until(pilot, lambda: not walk.busy)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        assert "restore its security groups" in words(app)
        app.screen.query_one(Input).value = "undo"
        await pilot.press("enter")
        await until(
            pilot,
            lambda: not walk.busy and walk.step_record(walk.plan.step("isolate")).state.value == "undone",
            "undone",
        )  # type: ignore[union-attr]
        app.leave_incident()
    assert dump(aws) == before


async def test_each_view_is_generated_from_the_plan(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        walk.at = 5
        for expected in (
            "Change security groups",
            "aws ec2 create-security-group",
            ".create_security_group(",
            "will change",
        ):
            await pilot.press("tab")
            assert expected in words(app)
        await pilot.press("c", "down", "enter")
        await until(
            pilot,
            lambda: not walk.busy and walk.plan is not None and walk.plan.step("isolate").choices["moves"] == "one",
            "the other choice",
        )
        assert not any(call.id.startswith("untrack") for call in walk.plan.step("isolate").calls)  # type: ignore[union-attr]


async def test_a_stale_step_shows_the_difference_and_is_planned_again(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        walk.at = 5
        clients(aws)("ec2").modify_network_interface_attribute(
            NetworkInterfaceId=aws.facts["victim_second_interface"], Groups=[aws.facts["group_web"]]
        )
        by_hand = aws.writes()
        await pilot.press("r")
        await in_incident(pilot)
        await ran(pilot, walk, "isolate")
        assert walk.outcomes["isolate"].ended.value == "the plan is stale"
        assert aws.writes() == by_hand, "the app made no call"
        await until(pilot, lambda: not walk.busy)
        await pilot.press("r")
        await until(pilot, lambda: not walk.busy and walk.outcomes["isolate"].good, "the new plan to run")
        app.leave_incident()


async def test_in_read_only_no_key_changes_anything(aws: Aws) -> None:
    app = app_on(aws, read_only=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        assert "READ-ONLY" in words(app)
        walk = await walkthrough(pilot, aws)
        for at in range(9):
            walk.at = at
            walk.update()
            keys = str(app.screen.query_one(KeyBar).render())
            assert "◆" not in keys
            assert "run" not in keys
            await pilot.press("r", "u", "s", "h", "n", "d")
            await pilot.pause()
            assert app.screen is walk
        walk.at = 5
        walk.update()
        await pilot.press("c", "down", "enter")  # an answer is planned with, and nothing more
        await until(pilot, lambda: app.screen is walk and not walk.busy)
        assert walk.step is not None
        assert walk.step.choices["moves"] == "one"
        app.open_incident("", lambda: None)
        await pilot.pause()
        assert app.workspace.journal is None
    assert aws.writes() == []
    assert not any(item["dryRun"] for item in aws.handled())


async def test_an_incident_held_by_another_process_can_only_be_read(aws: Aws) -> None:
    with Journal.open(aws.incident(), "arn:aws:sts::1:assumed-role/R/bob", create=True) as held:
        held.append(IncidentOpened(account=aws.facts["account"]))
        app = app_on(aws)
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, looked(app))
            app.work_in("case", lambda: None)
            assert "locked by another" in str(app.screen.query_one(TopBar).render())
            walk = await walkthrough(pilot, aws)
            walk.at = 2
            await pilot.press("r")
            await pilot.pause()
            assert not walk.busy
            app.leave_incident()
    assert aws.writes() == []


async def test_an_incident_is_walked_on_and_closed_from_its_record(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        await pilot.press("3", "w")
        await until(
            pilot, lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None, "the walkthrough"
        )
        assert "✔" in words(app)
        await until(pilot, lambda: isinstance(app.screen, WalkthroughScreen) and not app.screen.busy, "its plan")
        await pilot.press("escape", "C")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        app.screen.query_one(Input).value = "case"
        await pilot.press("enter")
        await until(pilot, lambda: app.workspace.journal is None, "the end")
    code, said = apply(aws, plan_text, "--step", "isolate")
    assert code == 5
    assert "was closed" in said


async def test_an_incident_that_is_taken_up_is_looked_at_before_anything_runs(
    aws: Aws, plan_text: str, monkeypatch: Any
) -> None:
    monkeypatch.setenv("VPCE_TUI_STATE", str(aws.folder / "state"))
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await until(pilot, lambda: "NO INCIDENT OPEN, 1 to resume" in words(app), "that one is open")
        walk = await walkthrough(pilot, aws)
        before = len(aws.handled())
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the name")
        await pilot.press("enter")
        await until(pilot, lambda: not walk.busy and app.workspace.journal is not None, "its plan")
        assert walk.plan is not None
        assert walk.plan.steps[walk.at].id == "identify", "the first that is open"
        assert walk.step_record(walk.plan.step("protect")).state is StepState.VERIFIED
        assert walk.step_record(walk.plan.step("identify")).state is StepState.TODO, "nothing ran"
        writes = [item for item in aws.handled()[before:] if item["operation"].startswith(("Modify", "Create"))]
        assert writes == []


async def test_the_answers_of_a_step_that_reads_can_be_changed_whatever_it_proved(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        app.walk_through("revoke-credentials", "role/web-app", "eu-west-1")
        await until(pilot, lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None)
        walk = app.screen
        await until(pilot, lambda: not walk.busy)
        steps = [step.id for step in walk.plan.steps]
        for step in ("sessions", "refused"):
            walk.at = steps.index(step)
            await pilot.press("r")
            await until(pilot, lambda step=step: not walk.busy and step in walk.outcomes, step)
        assert "keys inactive and sessions denied; nothing was tried" in words(app)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Form), "the form")
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: not walk.busy and "its answers were changed since" in words(app), "the new answer")
        await pilot.press("r")
        await until(pilot, lambda: not walk.busy and "an explicit deny refuses it" in words(app), "the try")


async def test_the_secret_of_a_new_key_is_shown_once_over_the_walk_and_forgotten(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        app.walk_through("revoke-credentials", "user/ci-backup", "eu-west-1")
        await until(pilot, lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None)
        walk = app.screen
        assert isinstance(walk, WalkthroughScreen)
        walk.session.choose("rotate", "rotate", "yes")
        await until(pilot, lambda: not walk.busy)
        walk.replan()
        await until(pilot, lambda: not walk.busy)
        assert walk.plan is not None
        walk.at = [step.id for step in walk.plan.steps].index("rotate")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RevealSecretDialog), "the secret")
        window = app.screen
        secret = str(window.query_one("#secret", Static).render()).strip()
        assert len(secret) == 40
        assert secret not in repr(vars(window))
        assert window.query_one(".dialog").region.x > 0, "it stands in the middle"
        await pilot.press("escape")
        await until(pilot, lambda: not walk.busy and "rotate" in walk.outcomes, "the end")
        assert secret not in words(app)
    for path in aws.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


async def test_the_questions_of_a_step_are_judged_while_typing(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        walk.at = 7
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Form))
        box = app.screen.query_one("#text-lock_days", Input)
        box.focus()
        await pilot.press("9", "x")
        await until(pilot, lambda: "is not a number of days" in words(app), "the sentence beside the question")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Form), "a wrong answer is not taken"
        await pilot.press("backspace", "0", "enter")
        await until(pilot, lambda: app.screen is walk and not walk.busy)
        assert walk.step is not None
        assert walk.step.choices["lock_days"] == "90"
        assert "locked for 90 days" in words(app)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Form))
        await pilot.press("j", "space", "enter")
        await until(pilot, lambda: app.screen is walk and not walk.busy)
        assert walk.step.choices["lock_days"] == "7"


async def test_an_open_incident_about_the_target_is_named_and_offered(
    aws: Aws, plan_text: str, monkeypatch: Any
) -> None:
    assert apply(aws, plan_text, "--step", "identify")[0] == 0
    monkeypatch.setenv("VPCE_TUI_STATE", str(aws.folder / "state"))
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        await walkthrough(pilot, aws)
        assert "case is already open for" in words(app)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        assert app.screen.query_one(Input).value == "case"


async def test_while_nothing_can_be_shown_no_key_does_anything(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await walkthrough(pilot, aws)
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: "too small" in words(app))
        await pilot.press("r", "s", "u")
        await pilot.pause()
        assert isinstance(app.screen, WalkthroughScreen)
        await pilot.resize_terminal(100, 30)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Ask))


async def test_what_is_read_while_a_plan_is_made_is_said(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        show, shown = walk._show_reading, []
        walk._show_reading = lambda read: (show(read), shown.append(words(app)))
        walk.replan()
        await until(pilot, lambda: not walk.busy)
        assert shown and all("planning: reading " in said for said in shown)
        assert "planning: reading" not in words(app)
