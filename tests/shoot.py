"""Makes ``screenshots/`` from the lab, with a fixed clock and seed: ``python -m tests.shoot [FOLDER [COLUMNSxROWS]]``."""

import asyncio
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.warm import keep_parsed
from vpce_tui.detection.team_context import Context
from vpce_tui.incident.rows import IncidentOpened

NOW = datetime(2026, 1, 31, 2, 14, tzinfo=UTC)
SIZE = (100, 30)
"""Columns and rows of the pictures that are kept; another size is for looking at."""
SCREENSHOTS = Path(__file__).parent.parent / "screenshots"


def prepare(folder: Path) -> None:
    """Nothing of this host takes part: no configuration, no real clock in what is shown, no durations."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "VPCE_TUI_", "TEXTUAL")) or name in ("NO_COLOR", "COLORTERM"):
            del os.environ[name]
    os.environ.update(
        VPCE_TUI_STATE=str(folder / "state"),
        VPCE_TUI_CACHE=str(folder / "cache"),
        VPCE_TUI_CONFIG=str(folder / "config"),
    )
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, TEXTUAL_ANIMATIONS="none")

    class Stopped:
        @staticmethod
        def perf_counter() -> float:
            return 0.0

    import vpce_tui.aws.session
    from vpce_tui.aws.pacing import LIMITS

    LIMITS["cloudtrail", "LookupEvents"] = 500.0  # the lab allows more than AWS does
    vpce_tui.aws.session.time = Stopped  # type: ignore[attr-defined]


_PIECE = re.compile(r'(<text[^>]*\bx=")([0-9.]+)("[^>]*\btextLength=")([0-9.]+)("[^>]*>)((?:&#160;)+)([^<]+)(</text>)')
_CELL = 12.2
"""Units of a picture that a character is wide."""


def _placed(picture: str) -> str:
    """The picture with text where it stands in place of blanks before it: some viewers leave those out."""

    def moved(piece: re.Match[str]) -> str:
        blanks = piece[6].count("&#160;") * _CELL
        return f"{piece[1]}{float(piece[2]) + blanks:.6g}{piece[3]}{float(piece[4]) - blanks:.6g}{piece[5]}{piece[7]}{piece[8]}"

    return _PIECE.sub(moved, picture)


async def until(pilot: Any, wanted: Callable[[], bool], what: str) -> None:
    """Let the app work until something is so, and then until two looks at its screen are the same."""
    app = pilot.app
    deadline = time.monotonic() + 60
    while not wanted():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await pilot.pause(0.01)
    before = ""
    for _ in range(50):
        app.workspace.deliver()
        await pilot.pause()
        now = app.export_screenshot(simplify=True)
        if now == before and not app.workspace.assessing:
            return
        before = now
    raise TimeoutError(f"{what}: the screen never came to rest")


SCENARIO_REGIONS = ("eu-west-1", "us-east-1")
"""Where the scenario takes place; only the first pictures are of a search of every region."""
CONTEXT = Context(pipelines=(("arn:aws:sts::*:assumed-role/ci-network/*", "*Terraform*"),))


_KNOWN: dict[tuple[str, ...], Any] = {}


def known_by_now(access: Any, regions: tuple[str, ...]) -> Any:
    """What an investigation of these regions finds; each app shows it."""
    if regions in _KNOWN:
        return _KNOWN[regions]
    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import AwsSession
    from vpce_tui.cloudtrail.event_cache import EventCache
    from vpce_tui.cloudtrail.event_history import EventHistory
    from vpce_tui.investigation.pipeline import Investigation, Scope

    client = AwsSession(access, Gate(read_only=True))
    scope = Scope(NOW - timedelta(hours=24), NOW, regions)
    _KNOWN[regions] = Investigation(client, EventHistory(client, EventCache()), scope, CONTEXT).run()
    return _KNOWN[regions]


def app_on(access: Any, *, read_only: bool = False, regions: tuple[str, ...] = SCENARIO_REGIONS) -> Any:
    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import AwsSession
    from vpce_tui.incident.incident_store import incident_folder
    from vpce_tui.incident.journal import Journal
    from vpce_tui.investigation.workspace import Workspace
    from vpce_tui.tui.app import VpceTui

    work = Workspace(
        lambda: (AwsSession(access, Gate(read_only=read_only)), None),
        lambda: NOW,
        CONTEXT,
        read_only=read_only,
        regions=regions,
        snapshot=known_by_now(access, regions),
    )

    def open_record(name: str, _: str) -> Journal:
        identity = work.client.identity()
        journal = Journal.open(incident_folder(name), identity.arn, create=True, clock=lambda: NOW)
        if not list(journal.rows()):
            journal.append(IncidentOpened(name=name, account=identity.account, reason="GuardDuty page"))
        return journal

    return VpceTui(work, theme="dark", open_record=open_record)


def settled(app: Any) -> Callable[[], bool]:
    work = app.workspace
    return lambda: bool(work.settled and work.instances)


def keep(app: Any, folder: Path, name: str) -> None:
    picture = _placed(app.export_screenshot(title="vpce-tui", simplify=True))
    (folder / f"{name}.svg").write_text(picture, encoding="utf-8")


async def shoot(folder: Path, access: Any) -> None:

    app = app_on(access, regions=())
    work = app.workspace

    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, settled(app), "events and instances")
        keep(app, folder, "events")
        await pilot.press("enter")
        await until(pilot, lambda: True, "")
        keep(app, folder, "event")
        await pilot.press("tab")
        await until(pilot, lambda: True, "")
        keep(app, folder, "path")
        await pilot.press("e")
        await until(pilot, lambda: True, "")
        keep(app, folder, "around")
        await pilot.press("escape", "f", "enter")
        await until(pilot, lambda: bool(work.traffic) and not work.assessing, "traffic")
        keep(app, folder, "traffic-of")
        await pilot.press("escape", "escape", "j", "enter", "l", "enter")
        await until(pilot, lambda: bool(app.screen.answers), "AWS's own check")
        keep(app, folder, "analyzer")
        await pilot.press("escape", "escape", "2")
        await until(pilot, lambda: True, "")
        keep(app, folder, "instances")
        await shoot_terminate(folder, app, pilot)


async def shoot_terminate(folder: Path, app: Any, pilot: Any) -> None:
    from moto.moto_api._internal import mock_random

    from vpce_tui.tui.screens.walkthrough import WalkthroughScreen

    app.walk_through("terminate-instance", app.workspace.instances[0].instance.id, "eu-west-1")
    await until(
        pilot,
        lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None and not app.screen.busy,
        "a plan",
    )
    walk = app.screen
    mock_random.seed(42)  # how many ids were taken before depends on threads
    app.work_in("case-42", lambda: None)
    walk.replan()
    await until(pilot, lambda: not walk.busy, "a plan in the incident")
    for number in range(6):
        if walk.plan.steps[number].id == "memory":
            await pilot.press("right")
            continue
        if number == 5:
            for name in ("step-change", "step-console", "step-cli", "step-python"):
                await until(pilot, lambda: True, "")
                keep(app, folder, name)
                await pilot.press("tab")
        await pilot.press("r")
        step = walk.plan.steps[number].id
        await until(pilot, lambda step=step: not walk.busy and step in walk.outcomes, step)
        if number < 5:
            await pilot.press("right")
    keep(app, folder, "verified")
    await pilot.press("right", "r")
    await until(pilot, lambda: not walk.busy and "cut-credentials" in walk.outcomes, "cut-credentials")
    await pilot.press("escape", "escape", "escape", "3")
    await until(pilot, lambda: True, "")
    await pilot.press("G")
    await until(pilot, lambda: True, "")
    keep(app, folder, "incident")
    app.leave_incident()


async def shoot_read_only(folder: Path, access: Any) -> None:
    from vpce_tui.tui.screens.walkthrough import WalkthroughScreen

    app = app_on(access, read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, settled(app), "events, read-only")
        app.walk_through("terminate-instance", app.workspace.instances[0].instance.id, "eu-west-1")
        await until(
            pilot,
            lambda: isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None and not app.screen.busy,
            "a plan",
        )
        await pilot.press("right", "right", "r")
        await until(pilot, lambda: True, "")
        keep(app, folder, "read-only")


@asynccontextmanager
async def walking(access: Any, playbook: str, target: str) -> AsyncIterator[tuple[Any, Any, Callable[[], Any]]]:
    """The app on a playbook: the pilot, the walkthrough, and how to wait for its next plan."""
    from vpce_tui.tui.screens.walkthrough import WalkthroughScreen

    app = app_on(access)

    def there() -> bool:
        return isinstance(app.screen, WalkthroughScreen) and app.screen.plan is not None and not app.screen.busy

    async with app.run_test(size=SIZE) as pilot:

        async def planned() -> None:
            await until(pilot, there, f"a plan of {playbook}")

        await until(pilot, settled(app), "events")
        app.walk_through(playbook, target, "eu-west-1")
        await planned()
        yield pilot, app.screen, planned


async def press(pilot: Any, *keys: str) -> None:
    await pilot.press(*keys)
    await until(pilot, lambda: True, "")


async def shoot_endpoint(folder: Path, access: Any, endpoint: str) -> None:
    app = app_on(access)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, settled(app), "events")
        await press(pilot, "p")
        keep(app, folder, "playbooks")
    async with walking(access, "contain-endpoint", endpoint) as (pilot, walk, _):
        await press(pilot, "right", "right", "right")
        keep(walk.app, folder, "contain-endpoint")
        await press(pilot, "left", "c")
        keep(walk.app, folder, "questions")


async def shoot_traffic(folder: Path, access: Any, target: str) -> None:
    async with walking(access, "block-traffic", target) as (pilot, walk, planned):
        keep(walk.app, folder, "traffic")
        walk.session.choose("choose", "addresses", "198.51.100.23")
        await pilot.press("right")
        walk.replan()
        await planned()
        keep(walk.app, folder, "traffic-choose")
        await press(pilot, "right")
        keep(walk.app, folder, "traffic-deny")


async def shoot_relaunch(folder: Path, access: Any, target: str) -> None:
    async with walking(access, "relaunch-instance", target) as (pilot, walk, _):
        keep(walk.app, folder, "relaunch-ami")
        await press(pilot, "right", "right")
        keep(walk.app, folder, "relaunch-group")
        await press(pilot, "right", "right")
        keep(walk.app, folder, "relaunch-launch")


async def shoot_harden(folder: Path, access: Any, account: str, disk: str) -> None:
    async with walking(access, "harden-account", account) as (pilot, walk, planned):
        keep(walk.app, folder, "harden-overview")
        walk.session.choose("volumes", "volumes", disk)
        walk.replan()
        await planned()
        await press(pilot, *["right"] * 7)
        keep(walk.app, folder, "harden-volumes")


async def shoot_revoke(folder: Path, access: Any, key: str) -> None:
    async with walking(access, "revoke-credentials", key) as (pilot, walk, planned):
        keep(walk.app, folder, "revoke-who")
        walk.session.choose("refused", "profile", "stolen-key")
        walk.app.work_in("case-42", lambda: None)
        walk.replan()
        await planned()
        for step in ("keys", "sessions", "refused"):
            walk.at = next(number for number, item in enumerate(walk.plan.steps) if item.id == step)
            await pilot.press("r")
            await until(pilot, lambda step=step: not walk.busy and step in walk.outcomes, step)
        keep(walk.app, folder, "revoke-refused")
        walk.app.leave_incident()


def main() -> None:
    global SIZE  # noqa: PLW0603 - the one argument of a script
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SCREENSHOTS
    if len(sys.argv) > 2:
        columns, _, rows = sys.argv[2].partition("x")
        SIZE = (int(columns), int(rows))
    folder.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="vpce-tui-shoot-"))
    try:
        prepare(scratch)
        keep_parsed()
        from vpce_tui.lab.lab import Lab

        lab = Lab(seed=7, clock=lambda: NOW).build()
        lab.serve()
        access = lab.access()
        asyncio.run(shoot_read_only(folder, access))
        exit_endpoint = lab.facts["endpoints"]["intruder_exit"]["made"]["VpcEndpointId"]
        asyncio.run(shoot_endpoint(folder, access, exit_endpoint))
        asyncio.run(shoot_traffic(folder, access, lab.facts["victim"]))
        asyncio.run(shoot_relaunch(folder, access, lab.facts["victim"]))
        asyncio.run(shoot_harden(folder, access, "123456789012", lab.facts["database_disk"]))
        asyncio.run(shoot(folder, access))
        asyncio.run(shoot_revoke(folder, access, lab.facts["intruder_user_key"]))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
