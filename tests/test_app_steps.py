"""Steps in the app: skipped with a reason, left for later, and what is said of them when the incident is closed."""

import subprocess
import sys
from argparse import Namespace

import pytest

from tests.app import app_on, in_incident, looked, until, walkthrough, words
from tests.conftest import Aws
from tests.test_engine import apply
from vpce_tui.cli.commands.app import build
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentClosed
from vpce_tui.tui.screens.event_list import EventsScreen
from vpce_tui.tui.screens.incident import IncidentScreen
from vpce_tui.tui.screens.playbook_list import PlaybooksScreen
from vpce_tui.tui.widgets.dialogs import Ask
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.table import Table


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
        assert walk.step_record(walk.plan.steps[0]).state.value == "skipped"  # type: ignore[union-attr]
        app.leave_incident()


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


async def test_going_back_to_the_events_keeps_the_row(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        await pilot.press("j", "j")
        row = app.screen.query_one(Table).key
        await pilot.press("enter", "p")
        await until(pilot, lambda: isinstance(app.screen, PlaybooksScreen), "the playbooks")
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen), "the events")
        assert app.screen.query_one(Table).key == row


async def test_closing_names_what_is_not_finished(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    assert aws.run("undo", "--incident", "case", "protect", "--yes", "--wait", "1")[0] == 0
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        app.work_in("case", lambda: None)
        await pilot.press("3")
        await until(pilot, lambda: "Not run, skipped or undone" in words(app), "what is not finished")
        assert "Protect the instance (undone)" in " ".join(words(app).split())
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, Ask), "the question")
        said = " ".join(str(part.render()) for part in app.screen.query("Static"))
        assert "Protect the instance (undone)" in said
        assert "Terminate the instance" in said
        await pilot.press("escape")
        app.leave_incident()


async def test_a_closed_incident_can_be_read_and_takes_nothing(
    aws: Aws, plan_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    with Journal.open(aws.incident(), "test") as journal:
        rows = len(list(journal.rows()))
        journal.append(IncidentClosed())
    app = app_on(aws)
    for name, value in aws.env.items():
        monkeypatch.setenv(name, value)
    opened = build(
        Namespace(
            **dict.fromkeys(
                ("read_only", "since", "log_files", "region", "theme", "target", "incident", "profile"), None
            ),
            lookback="1d",
        )
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        opened.workspace.client = app.workspace.client
        app.open_record = opened.open_record  # as the command opens it
        app.work_in("case", lambda: None)
        await pilot.press("3")
        await until(
            pilot, lambda: isinstance(app.screen, IncidentScreen) and "record verified" in words(app), "the record"
        )
        assert any("was closed at" in text for _, text in app.messages)
        assert "locked by another process" not in words(app)
        await pilot.press("n", "C")
        await pilot.pause()
        assert not isinstance(app.screen, Ask)
        app.leave_incident()
    with Journal.open(aws.incident(), "test", write=False) as journal:
        assert len(list(journal.rows())) == rows + 1


def test_the_first_paint_waits_for_nothing_that_reads_records_or_plans() -> None:
    said = "import sys, vpce_tui.tui.app; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.split()
    late = ("boto3", "botocore", "sqlite3", "vpce_tui.incident.journal", "vpce_tui.engine", "vpce_tui.plans")
    assert [name for name in late if name in loaded] == []
