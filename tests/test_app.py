"""The app by its keys, on the lab over HTTP: what is shown, what runs, what is refused, what is lost (nothing)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Input, OptionList, Static

from tests.conftest import Aws, Labs, Zygote
from tests.terminal import Terminal
from tests.test_engine import apply
from tests.test_trail import endpoint, write
from tests.world import clients, dump
from vpce_tui.aws.gate import Gate
from vpce_tui.aws.pacing import LIMITS
from vpce_tui.aws.session import AwsAccess, AwsSession
from vpce_tui.cloudtrail.event import parse
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.detection.pivot import Relation
from vpce_tui.detection.team_context import Context
from vpce_tui.incident.journal import Journal, RowKind
from vpce_tui.incident.states import StepState
from vpce_tui.investigation.pipeline import Investigation, Scope
from vpce_tui.investigation.snapshot import Snapshot
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.app import VpceTui, ago
from vpce_tui.tui.screens.event_detail import named_principals
from vpce_tui.tui.screens.event_list import EventScreen, EventsScreen
from vpce_tui.tui.screens.incident import IncidentScreen
from vpce_tui.tui.screens.instance_list import InstanceScreen, InstancesScreen
from vpce_tui.tui.screens.playbook_list import PlaybooksScreen
from vpce_tui.tui.screens.walkthrough import WalkthroughScreen
from vpce_tui.tui.widgets.bars import CrumbBar, KeyBar, TopBar
from vpce_tui.tui.widgets.dialogs import Ask, Read
from vpce_tui.tui.widgets.form import Form
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.reveal_secret import RevealSecretDialog
from vpce_tui.tui.widgets.table import Column, Table, TableRow

STORY = ("eu-west-1", "us-east-1")
"""Where the story takes place; a search of every region is for the tests that look at regions."""


@cache
def known_by_now(zygote: Zygote) -> Snapshot:
    """What an investigation of a fresh lab finds: every lab is the same."""
    with TemporaryDirectory() as folder:
        labs = Labs(zygote, Path(folder))
        now = datetime.now(UTC)
        caller = labs.new().session(read_only=True)
        scope = Scope(now - timedelta(hours=24), now, STORY)
        found = Investigation(caller, EventHistory(caller, EventCache(Path(folder))), scope, Context()).run()
        labs.stop()
    return found


def app_on(
    aws: Aws,
    *,
    live: bool = False,
    read_only: bool = False,
    target: str = "",
    trail: Path | None = None,
    url: str = "",
    regions: tuple[str, ...] = STORY,
) -> VpceTui:
    """The app on a lab; it knows what an investigation of it finds, or investigates itself (``live``)."""
    key, secret, token = aws.zygote.keys
    stolen = {name: AwsAccess("", "eu-west-1", aws.url, *held) for name, held in aws.zygote.profiles.items()}
    access = AwsAccess(
        region="eu-west-1",
        endpoint_url=url or aws.url,
        key_id=key,
        secret=secret,
        token=token,
        read_attempts=1,
        profiles=stolen,
    )
    work = Workspace(
        lambda: (AwsSession(access, Gate(read_only=read_only)), None),
        lambda: datetime.now(UTC),
        Context(),
        read_only=read_only,
        trail=trail,
        regions=regions,
        cache=aws.folder / "cache",
        snapshot=None if live or trail else known_by_now(aws.zygote),
    )

    def open_record(name: str, _: str) -> Journal:
        identity = work.caller.identity()
        journal = Journal.open(aws.incident(name), identity.arn, create=True)
        if journal.writable and not list(journal.rows()):
            journal.append(RowKind.OPENED, {"name": name, "account": identity.account})
        return journal

    return VpceTui(work, target=target, open_record=open_record)


async def until(pilot: Any, wanted: Callable[[], bool], what: str = "") -> None:
    """Let the app work until something is so."""
    for _ in range(1500):
        if wanted():
            await pilot.pause()
            return
        await asyncio.wait_for(pilot.pause(0.02), 10)
    raise AssertionError(f"it never came to {what}; the screen says:\n{words(pilot.app)}")


def words(app: VpceTui) -> str:
    """What the screen says, widget by widget."""
    said = []
    for widget in app.screen.query("*"):
        if isinstance(widget, Table):
            said += [" | ".join(row.cells) for row in widget.rows]
        elif isinstance(widget, Page):
            said.append(widget.content.plain)
        elif isinstance(widget, Static):
            said.append(str(widget.render()))
    return "\n".join(said)


def looked(app: VpceTui) -> Callable[[], bool]:
    return lambda: (
        bool(app.workspace.coverage.parts)
        and not app.workspace.coverage.running
        and app.workspace.looked_back
        and app.workspace.settled
    )


async def walkthrough(pilot: Any, aws: Aws) -> WalkthroughScreen:
    app = pilot.app
    app.walk_through("terminate-instance", aws.victim, "eu-west-1")
    await until(
        pilot,
        lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None and not app.screen.busy,
        "a plan",
    )
    assert isinstance(app.screen, WalkthroughScreen)
    return app.screen


async def in_incident(pilot: Any, name: str = "case") -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, Ask), "the question for an incident")
    box = pilot.app.screen.query_one(Input)
    box.value = name
    await pilot.press("enter")


async def ran(pilot: Any, walk: WalkthroughScreen, step: str) -> None:
    await until(pilot, lambda: not walk.busy and step in walk.outcomes, f"the end of {step}")


# -- what is shown


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_it_opens_on_the_worst_event_with_the_reasons_on_screen(aws: Aws, size: tuple[int, int]) -> None:
    app = app_on(aws, live=True, regions=())
    async with app.run_test(size=size) as pilot:
        await until(pilot, looked(app), "everything looked at")
        await until(pilot, lambda: "VPCE-05" in words(app), "the live state")
        assert isinstance(app.screen, EventsScreen)
        said = words(app)
        assert "NO RECORD OPEN" in said
        assert f"{aws.facts['account']}" in said
        assert "17 of 17 regions" in said
        assert "It connects to a service that is not owned by AWS" in said
        assert app.screen.table.key == aws.facts["event_exit"]
        assert app.screen.table.rows[0].cells[0] == "▲▲ CRITICAL"


async def test_enter_goes_in_and_escape_comes_back(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("enter")
        assert isinstance(app.screen, EventScreen)
        assert "198.51.100.23" in words(app)
        await pilot.press("tab", "tab")
        assert '"eventName": "CreateVpcEndpoint"' in words(app), "the raw record"
        await pilot.press("i")
        assert isinstance(app.screen, InstanceScreen)
        assert "INST-02" in words(app)
        await pilot.press("escape", "escape")
        assert isinstance(app.screen, EventsScreen)


async def test_instances_are_one_key_away_and_ranked(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("2")
        assert isinstance(app.screen, InstancesScreen)
        assert app.screen.table.key == aws.victim
        assert "198.51.100.23" in words(app)


async def test_a_filter_shows_only_rows_with_all_its_words(aws: Aws) -> None:
    app = app_on(aws, live=True, regions=())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("slash", *"ci eu-west", "enter")
        rows = app.screen.query_one(Table).rows
        assert len(rows) == 3
        await pilot.press("escape")
        assert len(app.screen.query_one(Table).rows) == 15


@pytest.mark.parametrize("which", ["instance", "endpoint", "event"])
async def test_it_opens_at_what_the_alert_named(aws: Aws, which: str) -> None:
    target = {
        "instance": aws.victim,
        "endpoint": aws.facts["endpoint_ids"]["intruder_exit"],
        "event": aws.facts["event_s3"],
    }[which]
    app = app_on(aws, target=target)
    async with app.run_test(size=(80, 24)) as pilot:
        wanted = InstanceScreen if which == "instance" else EventScreen
        await until(pilot, lambda: isinstance(app.screen, wanted), which)
        await until(pilot, lambda: target in words(app), target)


async def test_help_and_coverage_and_the_palette(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("question_mark")
        assert isinstance(app.screen, Read)
        assert "leads to changes in AWS" in words(app)
        await pilot.press("escape", "exclamation_mark")
        assert "us-east-1" in words(app)
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.press(*"inci")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 2, "what fits")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, IncidentScreen), "the incident by palette")


async def test_rows_that_arrive_do_not_move_the_readers_row() -> None:
    from textual.app import App

    class Tables(App[None]):
        def compose(self) -> Any:
            yield Table([Column("A", 5)], id="t")

    app = Tables()
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.query_one(Table)
        table.set_rows([TableRow(str(number), (f"row {number}",)) for number in range(50)])
        table.focus()
        await pilot.press("j", "j", "j")
        line = table.cursor - table.scroll_offset.y
        table.set_rows([TableRow(f"new {number}", ("new",)) for number in range(7)] + table.rows)
        await pilot.pause()
        assert table.key == "3"
        assert table.cursor - table.scroll_offset.y == line
        table.set_rows([])
        assert table.key == ""


# -- what runs


async def test_the_whole_playbook_by_its_keys(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("p")
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
                await until(pilot, lambda: walk.at == 8, "the next step")
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
    assert (
        clients(aws)("ec2").describe_instances(InstanceIds=[aws.victim])["Reservations"][0]["Instances"][0]["State"][
            "Name"
        ]
        == "terminated"
    )


async def test_what_the_app_begins_the_command_line_takes_up_and_the_other_way_round(aws: Aws, plan_text: str) -> None:
    before = dump(aws)
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        walk = await walkthrough(pilot, aws)
        assert walk.plan is not None
        assert walk.known(walk.plan.step("protect")).state.value == "verified"
        walk.at = 4
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
        walk.at = 4
        await pilot.press("r")
        await in_incident(pilot)
        await ran(pilot, walk, "isolate")
        await until(pilot, lambda: not walk.busy)
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        assert "back into its security groups" in words(app)
        app.screen.query_one(Input).value = "undo"
        await pilot.press("enter")
        await until(
            pilot, lambda: not walk.busy and walk.known(walk.plan.step("isolate")).state.value == "undone", "undone"
        )  # type: ignore[union-attr]
        app.leave_incident()
    assert dump(aws) == before


async def test_each_view_is_generated_from_the_plan(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        walk.at = 4
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
        walk.at = 4
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


# -- what is refused


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
            await pilot.press("r", "u", "s", "h", "n", "c", "d")
            await pilot.pause()
            assert app.screen is walk
        app.open_incident("", lambda: None)
        await pilot.pause()
        assert app.workspace.journal is None
    assert aws.writes() == []
    assert not any(item["dryRun"] for item in aws.handled())


async def test_an_incident_held_by_another_process_can_only_be_read(aws: Aws) -> None:
    with Journal.open(aws.incident(), "arn:aws:sts::1:assumed-role/R/bob", create=True) as held:
        held.append(RowKind.OPENED, {"account": aws.facts["account"]})
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


# -- what goes wrong


async def test_expired_credentials_and_a_lost_network_lose_no_row(labs: Labs) -> None:
    aws = labs.new()
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        rows = len(app.screen.query_one(Table).rows)
        aws.stop()
        await pilot.press("f5")
        await until(
            pilot, lambda: bool(app.workspace.coverage.missing) and not app.workspace.coverage.running, "the failure"
        )
        assert len(app.screen.query_one(Table).rows) == rows
        assert "!" in str(app.screen.query_one(CrumbBar).render())
        await pilot.press("exclamation_mark")
        assert "AWS did not answer" in words(app)
    labs._made.clear()


@pytest.mark.parametrize(
    ("fault", "said"),
    [("expired-token@GetCallerIdentity:99", "sign in again"), ("denied@GetCallerIdentity:99", "Access denied")],
)
async def test_when_nothing_can_be_looked_at_it_says_why_and_goes_on(labs: Labs, fault: str, said: str) -> None:
    app = app_on(labs.new(fault), live=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: said in words(app), said)
        await pilot.press("f5", "2", "1", "question_mark", "escape")
        assert app.is_running


async def test_a_denied_region_is_in_the_coverage_of_the_screen(labs: Labs) -> None:
    app = app_on(labs.new("denied@LookupEvents%us-west-2:99"), live=True, regions=())
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        assert "16 of 17 regions; us-west-2 denied" in words(app)


async def test_a_target_that_is_gone_is_said(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.walk_through("terminate-instance", "i-00000000000000000", "eu-west-1")
        await until(pilot, lambda: "does not exist" in words(app), "the reason")


async def test_files_need_no_aws(aws: Aws, tmp_path: Path) -> None:
    write(tmp_path / "a.json", [endpoint(), endpoint(eventID="other", eventName="RunInstances")])
    app = app_on(aws, trail=tmp_path, url="http://127.0.0.1:9")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: len(app.workspace.assessed) == 2, "the records")
        assert len(app.screen.query_one(Table).rows) == 1
        await pilot.press("t")
        assert len(app.screen.query_one(Table).rows) == 2
        await pilot.press("p", "enter")
        assert isinstance(app.screen, EventScreen)
    assert aws.handled() == []


async def test_a_terminal_that_is_too_small_says_so(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(20, 5)) as pilot:
        await until(pilot, lambda: "too small" in words(app), "the message")
        await pilot.resize_terminal(80, 24)
        await until(pilot, looked(app))
        assert not app.screen.has_class("-small")


def test_times_as_people_say_them() -> None:
    now = datetime(2026, 1, 31, 2, 14, tzinfo=UTC)
    said = [
        ago(now - timedelta(**span), now)
        for span in ({"seconds": 5}, {"minutes": 13}, {"hours": 3}, {"days": 5}, {"seconds": -30})
    ]
    assert said == ["5 s ago", "13 min ago", "3 h ago", "5 d ago", "just now"]
    assert ago(None, now) == ""


# -- in a real terminal


def test_ctrl_c_anywhere_leaves_at_once_and_the_lab_leaves_only_its_records(aws: Aws) -> None:
    for keys in ((), ("i",), ("?",), ("/",)):
        terminal = Terminal([], aws.env)
        terminal.until("CRITICAL")
        terminal.send(*keys)
        terminal.send("ctrl+c")
        if keys in (("?",),):
            terminal.send("ctrl+c")
        assert terminal.close() == 0, keys


def test_no_color_writes_no_colour(aws: Aws) -> None:
    terminal = Terminal([], {**aws.env, "NO_COLOR": "1"})
    terminal.until("CRITICAL")
    terminal.quiet()
    terminal.send("q")
    assert terminal.close() == 0
    assert b"38;2;" not in terminal.written
    assert b"38;5;" not in terminal.written


def test_without_a_terminal_it_says_what_to_use(aws: Aws) -> None:
    code, said = aws.run()
    assert code == 2
    assert "needs a terminal" in said


def test_the_lab_in_one_command_needs_nothing_of_this_machine(tmp_path: Path) -> None:
    import os

    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_PROFILE": "does-not-exist",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    terminal = Terminal(["lab"], environment)
    terminal.until("CRITICAL", limit=60)
    terminal.until("VPCE-05", limit=60)
    terminal.send("q")
    assert terminal.close() == 0
    assert b"incident records are in" not in terminal.written, "there are none"
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [], "nothing was done, so nothing is left"


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


# -- playbooks and their questions


async def test_the_playbooks_for_what_stands_behind_an_event(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("p")
        await until(pilot, lambda: "revoke-credentials" in words(app))
        for name in ("terminate-instance", "contain-endpoint", "role/web-app"):
            assert name in words(app)
        assert "harden-account" in words(app)
        names = list(app.screen.rows)
        await pilot.press(*["j"] * names.index("revoke-credentials role/web-app"), "enter")
        await until(pilot, lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None)
        assert "Identify the principal" in words(app)
        assert "trusts" in words(app)


async def test_the_list_of_playbooks_names_the_role_behind_a_machine_and_how_far_each_was_walked(
    aws: Aws, plan_text: str
) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, looked(app))
        app.open_playbooks([(aws.victim, "eu-west-1")])
        await until(pilot, lambda: "role/web-app" in words(app))
        assert "1 of " not in words(app), "no incident is open"
        await pilot.press("escape")
        app.work_in("case", lambda: None)
        app.open_playbooks([(aws.victim, "eu-west-1")])
        await until(pilot, lambda: "1 of " in words(app))


async def test_an_incident_that_is_taken_up_is_looked_at_before_anything_runs(
    aws: Aws, plan_text: str, monkeypatch: Any
) -> None:
    monkeypatch.setenv("VPCE_TUI_STATE", str(aws.folder / "state"))
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await until(pilot, lambda: "NO RECORD OPEN, 1 to resume" in words(app), "that one is open")
        walk = await walkthrough(pilot, aws)
        before = len(aws.handled())
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the name")
        await pilot.press("enter")
        await until(pilot, lambda: not walk.busy and app.workspace.journal is not None, "its plan")
        assert walk.plan is not None
        assert walk.plan.steps[walk.at].id == "identify", "the first that is open"
        assert walk.known(walk.plan.step("protect")).state is StepState.VERIFIED
        assert walk.known(walk.plan.step("identify")).state is StepState.TODO, "nothing ran"
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
        assert isinstance(walk, WalkthroughScreen)
        await until(pilot, lambda: not walk.busy)
        steps = [step.id for step in walk.plan.steps]  # type: ignore[union-attr]
        for step in ("sessions", "refused"):
            walk.at = steps.index(step)
            await pilot.press("r")
            await until(pilot, lambda step=step: not walk.busy and step in walk.outcomes, step)
        assert "it reads as refused; nothing was tried" in words(app)
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
        walk.walk.choose("rotate", "rotate", "yes")
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


async def test_the_palette_opens_playbooks_on_a_name_that_is_typed(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        await pilot.press(":")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.press(*"user/ci-backup")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1, "the command")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen), "its playbooks")
        assert "revoke-credentials user/ci-backup" in app.screen.rows  # type: ignore[attr-defined]


async def test_the_questions_of_a_step_are_judged_while_typing(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        walk.at = 6
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
        assert "case is already open for this instance" in words(app)
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


async def test_a_step_is_not_skipped_without_a_reason(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        await pilot.press("s")
        await in_incident(pilot)
        await until(pilot, lambda: isinstance(app.screen, Ask))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Ask)
        await pilot.press("x", "enter")
        await until(pilot, lambda: app.screen is walk)
        assert walk.known(walk.plan.steps[0]).state.value == "skipped"  # type: ignore[union-attr]
        app.leave_incident()


# -- around an event


async def test_from_an_event_to_the_attack_path_to_a_playbook_in_six_keys(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        keys = ["enter", "tab", "p", "enter"]
        assert len(keys) <= 6
        await pilot.press(*keys[:2])
        said = words(app)
        for part in (
            aws.victim,
            "ASIALABSTOLEN0000001",
            "198.51.100.23",
            "vpce-svc-",
            "CreateUser",
            "user created",
            "allows inbound all traffic 0.0.0.0/0",
        ):
            assert part in said, part
        await pilot.press(*keys[2:])
        await until(pilot, lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None, "a plan")
        assert app.screen.plan.target == aws.victim


async def test_every_line_of_the_path_leads_where_it_says_and_escape_comes_back(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("enter", "tab")
        screen = app.screen
        for key, node in list(screen.nodes.items()):
            screen.query_one("#rows", Table).go_to(key)
            await pilot.press("enter")
            if node.instance or node.event or node.relation is not None:
                assert app.screen is not screen, node
                assert app.screen.crumbs().startswith("Events › event ")
                await pilot.press("escape")
            assert app.screen is screen


async def test_around_an_event_the_same_key_address_and_machine_over_every_region(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("e")
        await until(pilot, lambda: "key 16" in words(app), "what the key did")
        assert "iam: CreateAccessKey" in words(app)
        assert "CreateVpcEndpoint | ▲▲ CRITICAL" in words(app), "what is judged shows its severity here, too"
        assert "us-east-1" in words(app)
        assert "back to" in words(app), "how complete it is"
        await pilot.press("tab", "tab")
        await pilot.pause()
        assert app.screen.relation.name == "address"
        assert "event history cannot be searched" in words(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.crumbs().count("›") == 2
        await pilot.press("escape", "escape")
        assert app.screen.crumbs().startswith("Events ─")


async def test_while_the_filter_is_typed_its_keys_are_its_own(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("e")
        await until(pilot, lambda: bool(app.screen.found()), "what is known")
        first = app.screen.relation
        await pilot.press("tab")
        assert app.screen.relation != first
        await pilot.press("shift+tab", "slash", *"createuser", "left", "left", "2")
        assert app.screen.relation == first
        assert app.screen.query_one("#filter", Input).value == "createus2er"


async def test_history_is_asked_for_more_of_what_was_not_asked(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        event = next(item.event for item in app.workspace.assessed if item.request.endpoint_id)
        app.open_around(event, Relation("key", "ASIALABCAROL00000001"))
        await until(pilot, lambda: "Looking" not in words(app), "what is known")
        before = len(app.screen.found())
        await pilot.press("M")
        await until(pilot, lambda: len(app.screen.found()) > before, "more events")
        assert "back to" in words(app)


async def test_flow_logs_are_asked_only_by_a_key_that_says_they_are_billed_and_then_judged(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        assert not [item for item in aws.handled() if item["operation"] == "StartQuery"]
        await pilot.press("enter", "f")
        await pilot.pause()
        assert "bills the data scanned" in words(app)
        assert not [item for item in aws.handled() if item["operation"] == "StartQuery"]
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.workspace.traffic) and not app.workspace.judging, "an answer")
        await pilot.pause(0.2)
        assert "first seen" in words(app)
        worst = app.workspace.assessed[0].assessment
        assert "VPCE-25" in {signal.id for signal in worst.signals}
        app.open_traffic(aws.victim, "eu-west-1")
        await until(pilot, lambda: app.screen.laid_out, "its traffic")
        await pilot.press("enter")
        await until(pilot, lambda: aws.victim in app.workspace.traffic and not app.workspace.judging, "an answer")
        victim = next(item for item in app.workspace.instances if item.instance.id == aws.victim)
        assert {"INST-13", "INST-14"} <= {signal.id for signal in victim.assessment.signals}


async def test_awss_own_check_is_asked_only_after_its_cost_was_shown(aws: Aws) -> None:
    def asked() -> list[str]:
        return [item["operation"] for item in aws.handled() if item["service"] == "accessanalyzer"]

    app = app_on(aws, target=aws.facts["event_s3"], read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, EventScreen), "the event")
        await until(pilot, looked(app))
        await pilot.press("l")
        await until(pilot, lambda: "USD 0.002" in words(app), "the cost")
        await pilot.press("l", "l", "l")
        await pilot.pause()
        assert asked() == [], "the key that opens it does not buy"
        await pilot.press("enter")
        await until(pilot, lambda: "yes, possibly" in words(app), "the answer")
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert asked() == ["ValidatePolicy", "CheckAccessNotGranted"], "and nothing is bought twice"
        await pilot.press("escape")
        assert isinstance(app.screen, EventScreen)


async def test_an_event_is_suppressed_with_a_reason_and_stays_in_the_list(aws: Aws, tmp_path: Path) -> None:
    app = app_on(aws)
    app.workspace.context_file = tmp_path / "context.toml"
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        shown = len(app.screen.query_one("#rows", Table).rows)
        marked = app.screen.query_one("#rows", Table).key
        await pilot.press("x", *"a test", "enter", "enter")
        await until(pilot, lambda: not app.workspace.judging and "1 suppressed" in app.screen.crumbs(), "the mark")
        assert len(app.screen.query_one("#rows", Table).rows) == shown
        assert "SUPPRESSED" in words(app)
        assert marked in app.workspace.context_file.read_text()
    assert aws.writes() == []


async def test_a_suppression_is_removed_and_the_event_counts_again(aws: Aws, tmp_path: Path) -> None:
    app = app_on(aws)
    app.workspace.context_file = tmp_path / "context.toml"
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        first = app.screen.query_one("#rows", Table).key

        def said() -> str:
            return next(item.assessment.suppressed for item in app.workspace.assessed if item.event.id == first)

        await pilot.press("x", *"a test", "enter", "enter")
        await until(pilot, lambda: bool(said()) and not app.workspace.judging, "the mark")
        assert app.screen.query_one("#rows", Table).go_to(first)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        assert "a test" in words(app)
        await pilot.press(*"no test", "enter")
        await until(pilot, lambda: not said() and not app.workspace.judging, "taken back")
        text = app.workspace.context_file.read_text()
        assert "a test" in text
        assert "removed: no test" in text


async def test_a_filter_finds_what_the_reasons_and_the_record_name(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        table = app.screen.query_one("#rows", Table)
        for words_, found in (
            ("kali", 6),
            (aws.facts["endpoint_ids"]["intruder_exit"], 1),
            ("vpce-24", 6),
            ("vpce-02", 3),
            ("198.51.100.23", 6),
        ):
            await pilot.press("slash", *words_, "enter")
            assert len(table.rows) == found, words_
            await pilot.press("escape")


async def test_the_event_of_another_kind_says_what_it_means_and_whom_it_made(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        made = next(
            event for event in app.workspace.known().past.ordered if event.name == "CreateUser" and not event.error_code
        )
        app.open_known_event(made)
        await until(pilot, lambda: isinstance(app.screen, EventScreen), "the event")
        assert "not assessed" in words(app)
        assert "user created: " in words(app)
        assert "no rule has anything against it" not in words(app)


async def test_in_read_only_nothing_is_marked(aws: Aws, tmp_path: Path) -> None:
    app = app_on(aws, read_only=True)
    app.workspace.context_file = tmp_path / "context.toml"
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("x", *"a test", "enter")
        await pilot.pause()
        assert not app.workspace.context_file.exists()


async def test_the_three_faults_of_the_guidance_have_their_sections(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 60)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("enter")
        await pilot.pause()
        assert "who can reach it: bad: Its security group allows 0.0.0.0/0 on more than port 443" in words(app)
        assert "encryption of its traffic: bad (low): Nothing enforces encryption" in words(app)


async def test_a_search_of_history_is_stopped_by_escape_and_what_it_did_not_tell_is_unknown(
    labs: Labs, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = labs.new()
    monkeypatch.setitem(LIMITS, ("cloudtrail", "LookupEvents"), 2.0)
    app = app_on(aws, live=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.workspace.history_coverage.running, "history is being asked")
        assert "history " in words(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.workspace.looked_back and not app.workspace.judging, "it ends")
        assert app.workspace.history_coverage.missing
        assert app.workspace.assessed[0].assessment.unknown


async def test_what_a_key_does_before_its_screen_is_there_breaks_nothing(aws: Aws) -> None:
    """As fast as a terminal pastes: the screen is on the stack, and has not all of its parts yet."""
    from vpce_tui.tui.screens.instance_list import InstancesScreen

    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        item = app.workspace.assessed[0]
        for make, actions in (
            (lambda: EventScreen(item), ("turn(1)", "scroll(3)", "analyzer")),
            (InstancesScreen, ("filter", "copy", "playbooks")),
            (lambda: InstanceScreen(app.workspace.instances[0].instance.id), ("scroll(3)",)),
        ):
            for action in actions:
                made = make()
                app.push_screen(made)
                for _ in range(60):
                    await app.run_action(action, made)
                    await asyncio.sleep(0)
                    if made.laid_out:
                        break
                await until(pilot, lambda made=made: made.laid_out, "the screen")
                while len(app.screen_stack) > 2:
                    app.pop_screen()
                    await pilot.pause()
        await pilot.press("enter", "tab")
        assert app.screen.view == "path"


async def test_from_an_instance_one_goes_on_to_its_role_its_endpoints_and_its_neighbours(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.open_instance(aws.victim)
        await until(pilot, lambda: app.screen.laid_out, "the instance")
        await pilot.press("e")
        await until(pilot, lambda: bool(getattr(app.screen, "_held", None)), "its events")
        names = [relation.name for relation in app.screen.relations]
        assert names[:3] == ["instance", "principal", "VPC"]
        assert "endpoint" in names
        assert names.count("instance") > 1, "its neighbours"
        assert app.screen.relation.value == aws.victim
        await pilot.press("tab")
        assert app.screen.relation.value.endswith(":role/web-app")
        assert len(app.screen.found()) > 5
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, EventScreen), "one of them")


@pytest.mark.parametrize(
    ("own", "said"),
    [((), "role opened to account 222222222222"), (("222222222222",), "who may take a role was changed")],
)
async def test_the_page_of_an_event_knows_what_is_ours(aws: Aws, own: tuple[str, ...], said: str) -> None:
    from tests.rules import allow, other, policy

    document = policy(allow(Principal={"AWS": "222222222222"}, Action="sts:AssumeRole"))
    opened = other("UpdateAssumeRolePolicy", "iam", requestParameters={"roleName": "r", "policyDocument": document})
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        zone = app.workspace.snapshot.trust_zone
        app.workspace.snapshot = replace(
            app.workspace.snapshot, trust_zone=replace(zone, accounts=zone.accounts | {*own})
        )
        app.workspace._known_now = None
        app.open_known_event(opened)
        await until(pilot, lambda: app.screen.laid_out, "the event")
        assert said in words(app)


async def test_arrows_change_the_step_whatever_has_the_focus_and_however_long_it_is(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        for number in range(1, len(walk.plan.steps)):
            walk.query_one("#page", Page).focus()
            await pilot.pause()
            await pilot.press("right")
            assert walk.at == number
            assert not walk.query_one("#page", Page).show_horizontal_scrollbar
        await pilot.press("left")
        assert walk.at == len(walk.plan.steps) - 2


async def test_what_a_call_created_has_its_playbooks(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        created = next(item for item in app.workspace.snapshot.related.values() if item.name == "CreateUser")
        app.push_screen(EventScreen(app.workspace.judged_of(created)))
        await until(pilot, lambda: isinstance(app.screen, EventScreen) and app.screen.laid_out, "the event")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen), "the playbooks")
        assert "revoke-credentials | user/ci-backup" in words(app)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["user/ci-backup"]),
        ({"requestParameters": {"roleName": "web", "userName": 7}}, ["user/7", "role/web"]),
        ({"errorCode": "AccessDenied"}, []),
        ({"recipientAccountId": "999999999999"}, []),
        ({"eventSource": "ec2.amazonaws.com"}, []),
        ({"requestParameters": {"userName": "x\x1b[2J"}}, []),
        ({"requestParameters": {"userName": ["a"]}}, []),
        ({"requestParameters": "user"}, []),
    ],
    ids=str,
)
def test_whom_an_iam_call_is_about(changes: dict[str, Any], expected: list[str]) -> None:
    record = {
        "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser",
        "recipientAccountId": "123456789012",
        "requestParameters": {"userName": "ci-backup"},
        **changes,
    }
    assert named_principals(parse(record), "123456789012") == expected


async def test_without_a_reason_nothing_is_suppressed(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("x", "enter")
        assert app.messages[-1][1] == "A reason is needed; nothing was changed."


async def test_the_help_marks_the_keys_that_change_aws(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        walk.at = 2
        walk.update()
        await pilot.press("question_mark")
        said = words(app)
        assert "next view: of the event" in said
        assert said.index("◆ r ") < said.index("next view: of the event") < said.index("the events")
