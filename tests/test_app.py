"""The app by its keys, on the lab over HTTP: its lists, what it says of faults, what is lost (nothing)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.app import ScreenStackError
from textual.command import CommandPalette
from textual.widgets import Input, OptionList

from tests.app import app_on, looked, until, walkthrough, words
from tests.conftest import Aws, Labs
from tests.test_log_files import endpoint, write
from vpce_tui.core.coverage import Coverage, Part, Status
from vpce_tui.tui.app import ago
from vpce_tui.tui.screens.event_list import EventScreen, EventsScreen
from vpce_tui.tui.screens.incident import IncidentScreen
from vpce_tui.tui.screens.instance_list import InstanceScreen, InstancesScreen
from vpce_tui.tui.widgets.bars import CrumbBar
from vpce_tui.tui.widgets.dialogs import Read
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.table import Column, Table, TableRow


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_it_opens_on_the_worst_event_with_the_reasons_on_screen(aws: Aws, size: tuple[int, int]) -> None:
    app = app_on(aws, live=True, regions=())
    async with app.run_test(size=size) as pilot:
        await until(pilot, looked(app), "everything looked at")
        await until(pilot, lambda: "VPCE-05" in words(app), "the live state")
        assert isinstance(app.screen, EventsScreen)
        said = words(app)
        assert "NO INCIDENT OPEN" in said
        assert f"{aws.facts['account']}" in said
        assert "5 of 5 regions" in said
        assert "Connects to a service that is not owned by AWS" in said
        assert app.screen.table.key == aws.facts["event_exit"]
        assert app.screen.table.rows[0].cells[0] == "▲▲ CRITICAL"


@pytest.mark.parametrize(
    ("size", "said"),
    [((80, 24), "history 1/4, 21 s"), ((160, 48), "event history █████░░░░░░░░░░░░░░░ 1/4, about 21 s left")],
)
async def test_how_far_the_look_back_is_and_the_time_that_is_left(aws: Aws, size: tuple[int, int], said: str) -> None:
    app = app_on(aws)
    async with app.run_test(size=size) as pilot:
        await until(pilot, looked(app))
        parts = [Part("a", Status.LOOKED), *(Part(name, Status.RUNNING) for name in "bcd")]
        app.workspace.snapshot = replace(
            app.workspace.snapshot, lookback=Coverage("queries", tuple(parts)), seconds_left=21.3
        )
        app.screen.update()
        assert said in words(app)


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


async def test_a_screen_under_another_paints_nothing_and_one_under_a_dialog_is_seen(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        below = app.screen
        await pilot.press("enter")
        above = app.screen
        assert isinstance(above, EventScreen)
        assert (below.is_current, above.is_current) == (False, True)
        await pilot.press("?")
        assert isinstance(app.screen, Read)
        assert (below.is_current, above.is_current) == (False, True)
        await pilot.press("escape", "escape")
        assert app.screen is below
        assert (below.is_current, above.is_current) == (True, False)


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
        assert "4 of 5 regions; us-west-2 denied" in words(app)


async def test_a_target_that_is_gone_is_said(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.walk_through("terminate-instance", "i-00000000000000000", "eu-west-1")
        await until(pilot, lambda: "does not exist" in words(app), "the reason")


async def test_the_sessions_of_a_role_start_with_the_instances_that_ec2_handed_it_to(aws: Aws) -> None:
    """Of a role's sessions in the events, only those that EC2 vouches for: anybody chooses the name of another."""
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        assert app.workspace.instances_that_held("web-app") == (aws.victim,)
        assert "web-app" in app.workspace.roles_of(aws.victim)
        app.walk_through("revoke-credentials", "role/web-app", "eu-west-1")
        assert app._chosen["revoke-credentials", "role/web-app"] == {"persistence": {"sessions": aws.victim}}
        await until(pilot, lambda: not getattr(app.screen, "busy", "planning"), "the plan")
        unvouched = (
            item._replace(event=replace(item.event, principal=item.event.principal._replace(ec2_role_delivery="")))
            for item in app.workspace.assessed
        )
        app.workspace.assessed = tuple(unvouched)
        assert app.workspace.instances_that_held("web-app") == ()


async def test_files_need_no_aws(aws: Aws, tmp_path: Path) -> None:
    write(tmp_path / "a.json", [endpoint(), endpoint(eventID="other", eventName="RunInstances")])
    app = app_on(aws, log_files=tmp_path, url="http://127.0.0.1:9")
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


async def test_a_page_is_turned_in_every_view_of_an_event(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("enter", "tab", "tab")
        page = app.screen.query_one("#page", Page)
        await pilot.press("pagedown")
        await until(pilot, lambda: page.scroll_offset.y > 0, "a page further")
        await pilot.press("pageup")
        await until(pilot, lambda: page.scroll_offset.y == 0, "the first page")


async def test_what_comes_in_while_the_app_leaves_is_no_crash(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
    app.workspace.background.hand_over(app.show_changed)
    app.deliver()
    with pytest.raises(ScreenStackError):
        app.workspace.deliver()
