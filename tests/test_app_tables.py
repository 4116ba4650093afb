"""Tables in the app: sorted, filtered, opened a level deeper, ticked; and an incident on one axis."""

import json
from datetime import UTC, datetime

from textual.app import App, ComposeResult

from tests.app import app_on, in_incident, looked, ran, until, walkthrough, words
from tests.conftest import Aws
from vpce_tui.blocks.model import TableBlock, column
from vpce_tui.engine.outcome import Progress, ProgressState
from vpce_tui.plans.plan import Option, Question
from vpce_tui.tui.screens.incident import IncidentScreen
from vpce_tui.tui.screens.run_log import RunLog
from vpce_tui.tui.screens.table_view import TableScreen
from vpce_tui.tui.screens.walkthrough import WalkthroughScreen
from vpce_tui.tui.widgets.form import Form, Ticks
from vpce_tui.tui.widgets.tick_table import TickTable


async def walk_to(pilot: object, playbook: str, target: str, step: str) -> WalkthroughScreen:
    app = pilot.app
    app.walk_through(playbook, target, "eu-west-1")
    ready = lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None and not app.screen.busy  # noqa: E731
    await until(pilot, ready, "a plan")
    walk = app.screen
    walk.at = [item.id for item in walk.plan.steps].index(step)
    walk.update()
    await pilot.pause()
    return walk


def column_of(screen: TableScreen, name: str) -> list[str]:
    at = [column.name for column in screen.sheet.block.columns].index(name)
    return [row.cells[at] for row in screen.sheet.table.rows]


async def test_the_findings_of_the_account_sort_filter_and_open(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, looked(app))
        walk = await walk_to(pilot, "harden-account", "123456789012", "overview")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TableScreen), "the table")
        screen = app.screen
        names = [column.name for column in screen.sheet.block.columns]
        table = next(item for item in walk.step.content if isinstance(item, TableBlock))
        assert screen.sheet.table.key == table.rows[0].id, "the worst region comes first"
        await pilot.press(*["right"] * names.index("VOLUMES"), "S")
        counts = [int(cell) for cell in column_of(screen, "VOLUMES")]
        assert counts == sorted(counts, reverse=True)
        await pilot.press("S")
        assert [int(cell) for cell in column_of(screen, "VOLUMES")] == sorted(counts)
        await pilot.press("S", "g", "enter")
        await until(pilot, lambda: app.screen is not screen, "what the cell counts")
        assert len(app.screen.sheet.block.rows) == max(counts)
        assert all(row.id for row in app.screen.sheet.block.rows)
        await pilot.press("escape", "slash", *"us-east-1")
        await until(pilot, lambda: column_of(screen, "REGION") == ["us-east-1"], "the filtered row")
        await pilot.press("enter", "escape")
        assert len(column_of(screen, "REGION")) == len(table.rows), "Escape takes the filter away, and stays"
        await pilot.press("escape")
        assert app.screen is walk


async def test_rows_are_ticked_filtered_and_what_cannot_be_says_why(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, looked(app))
        walk = await walk_to(pilot, "relaunch-instance", aws.victim, "profile")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Form), "the questions")
        box = app.screen.query_one(TickTable)
        box.table.focus()
        before = set(box.ticked)
        values = [option.value for option in box.question.options]
        refused = [option.value for option in box.question.options if option.why_not]
        assert refused == ["inline/legacy-network"]
        box.table.go_to(refused[0])
        await pilot.press("space")
        assert set(box.ticked) == before, "it cannot be ticked"
        assert "cannot be chosen: it allows" in words(app)
        await pilot.press("a")
        assert set(box.ticked) == set(values) - set(refused)
        await pilot.press("a")
        assert box.ticked == []
        await pilot.press("slash", *"storefront", "enter", "space")
        assert box.ticked == ["inline/storefront-assets"]
        await pilot.press("space")
        assert box.ticked == [], "and the tick is taken away"
        await pilot.press("a")
        assert box.ticked == ["inline/storefront-assets"]
        await pilot.press("escape")
        assert isinstance(app.screen, Form), "Escape takes the filter away first"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is walk and not walk.busy, "the new plan")
        assert walk.step.choices["policies"] == "inline/storefront-assets"


async def test_an_incident_has_both_sides_on_one_axis(aws: Aws) -> None:
    app = app_on(aws)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, looked(app))
        walk = await walkthrough(pilot, aws)
        await pilot.press("r")
        await in_incident(pilot)
        await ran(pilot, walk, "identify")
        walk.at = 2
        await pilot.press("r")
        await ran(pilot, walk, walk.plan.steps[2].id)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, IncidentScreen), "the record")
        await pilot.press("tab")
        await until(pilot, lambda: bool(app.screen.sheet.table.rows), "the timeline")
        sides = [row.cells[1] for row in app.screen.sheet.table.rows]
        times = [row.cells[0] for row in app.screen.sheet.table.rows]
        assert sides[0] == "suspect"
        assert sides[-1] == "response"
        assert times == sorted(times)
        said = words(app)
        assert "CreateAccessKey" in said
        assert "termination protection on" in said
        await pilot.press("escape")
        assert app.workspace.journal is not None
        folder = app.workspace.journal.folder
    code, said = aws.run("timeline", folder.name, "--format", "json")
    assert code == 0, said
    (table,) = [block for block in json.loads(said) if block["block"] == "table"]
    assert {row["cells"][1] for row in table["rows"]} == {"suspect", "response"}
    assert not any("alice" in row["cells"][3] for row in table["rows"] if row["cells"][1] == "suspect")


async def test_what_must_not_be_ticked_is_not_ticked_from_the_start() -> None:
    options = (Option("a", "a", cells=("a",)), Option("b", "b", cells=("b",), why_not="it is ours"))
    question = Question(id="q", question="Which", options=options, chosen="a,b", many=True, columns=(column("X"),))

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            yield TickTable(question)

    async with Bare().run_test() as pilot:
        box = pilot.app.query_one(TickTable)
        assert box.ticked == ["a"]
        box.table.focus()
        await pilot.press("a", "j", "space")
        assert box.ticked == []


async def test_all_of_a_plain_list_are_ticked_by_the_same_key() -> None:
    options = tuple(Option(name, name) for name in ("eu-west-1", "us-east-1"))
    several = Question(id="in", question="In which regions", options=options, chosen="", many=True)
    one = Question(id="one", question="Which", options=options, chosen="us-east-1")

    class Asks(App[None]):
        def compose(self) -> ComposeResult:
            yield Ticks(several, lambda: None)
            yield Ticks(one, lambda: None)

    app = Asks()
    async with app.run_test() as pilot:
        many, single = app.query(Ticks)
        many.focus()
        await pilot.press("a")
        assert many.ticked == ["eu-west-1", "us-east-1"]
        await pilot.press("a")
        assert many.ticked == []
        single.focus()
        await pilot.press("a")
        assert single.ticked == ["us-east-1"]


def test_what_was_waited_for_leaves_the_log_when_it_has_come() -> None:
    log = RunLog(datetime.now(UTC))
    log.add(Progress("one", "ec2:StopInstances i-1", ProgressState.DONE, "stopped"))
    log.add(Progress("one", "", ProgressState.WAITING, "running"))
    log.add(Progress("one", "", ProgressState.WAITING, "stopping"))
    assert [said for _, said in log.made] == ["stopped", "stopping"]
    log.add(Progress("one", "", ProgressState.VERIFIED, "it is as it should be"))
    assert [said for _, said in log.made] == ["stopped"]
