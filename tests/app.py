"""The app on a lab, for tests: what it shows, and waiting until it does."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from textual.widgets import Input, Static

from tests.conftest import Aws, Labs, Zygote
from vpce_tui.aws.gate import Gate
from vpce_tui.aws.session import AwsAccess, AwsSession
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.detection.team_context import Context
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentOpened
from vpce_tui.investigation.pipeline import Investigation, Scope
from vpce_tui.investigation.snapshot import Snapshot
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.app import VpceTui
from vpce_tui.tui.screens.walkthrough import WalkthroughScreen
from vpce_tui.tui.widgets.dialogs import Ask
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.table import Table

SCENARIO_REGIONS = ("eu-west-1", "us-east-1")
"""Where the scenario takes place; a search of every region is for the tests that look at regions."""


@cache
def known_by_now(zygote: Zygote) -> Snapshot:
    """What an investigation of a fresh lab finds: every lab is the same."""
    with TemporaryDirectory() as folder:
        labs = Labs(zygote, Path(folder))
        now = datetime.now(UTC)
        client = labs.new().session(read_only=True)
        scope = Scope(now - timedelta(hours=24), now, SCENARIO_REGIONS)
        found = Investigation(client, EventHistory(client, EventCache(Path(folder))), scope, Context()).run()
        labs.stop()
    return found


def app_on(
    aws: Aws,
    *,
    live: bool = False,
    read_only: bool = False,
    target: str = "",
    log_files: Path | None = None,
    url: str = "",
    regions: tuple[str, ...] = SCENARIO_REGIONS,
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
        log_files=log_files,
        regions=regions,
        cache=aws.folder / "cache",
        snapshot=None if live or log_files else known_by_now(aws.zygote),
    )

    def open_record(name: str, _: str) -> Journal:
        identity = work.client.identity()
        journal = Journal.open(aws.incident(name), identity.arn, create=True)
        if journal.writable and not list(journal.rows()):
            journal.append(IncidentOpened(name=name, account=identity.account))
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
