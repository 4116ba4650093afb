"""Speed and memory, manually: ``python -m tests.bench.measure``. Ratios against a peer or a floor measured in the same run."""

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 7
BARE = """
from textual.app import App
from textual.widgets import DataTable
class Bare(App):
    def compose(self):
        yield DataTable()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("SEVERITY", "WHEN", "WHO", "WHERE TO", "REGION")
        table.add_row("first", "paint", "is", "this", "row")
Bare().run()
"""


def paint(program: list[str], sign: str, env: dict[str, str]) -> float:
    """Seconds from exec until ``sign`` is written to the terminal."""
    from tests.terminal import Terminal

    began = time.perf_counter()
    terminal = Terminal([], env, program=program)
    while sign.encode() not in terminal.written:
        if not terminal.read(10):
            raise RuntimeError(f"no paint: {terminal.written[-500:]!r}")
    took = time.perf_counter() - began
    os.kill(terminal.pid, 9)
    os.waitpid(terminal.pid, 0)
    os.close(terminal.descriptor)
    return took


def first_paint(folder: Path) -> str:
    bare = folder / "bare.py"
    bare.write_text(BARE)
    env = {
        **os.environ,
        "VPCE_TUI_STATE": str(folder),
        "VPCE_TUI_CACHE": str(folder),
        "VPCE_TUI_CONFIG": str(folder),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    env |= {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    own, theirs = [], []
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    for _ in range(ROUNDS + 1):
        theirs.append(paint([sys.executable, str(bare)], "paint", env))
        own.append(paint([sys.executable, "-m", "vpce_tui"], "SEVERITY", env))
    mine, peer = statistics.median(own[1:]), statistics.median(theirs[1:])
    return f"{mine * 1000:.0f} ms against {peer * 1000:.0f} ms of a bare Textual app with a DataTable: {mine / peer:.2f}x (bound 1.5x)"


def imports() -> str:
    program = "import sys, vpce_tui.tui.app, vpce_tui.cli.commands.app; print([m for m in ('boto3', 'botocore', 'moto') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    return f"of boto3, botocore, moto imported by importing the app: {found}"


async def _latency(lab: Any) -> tuple[list[float], list[float]]:
    from datetime import UTC, datetime

    from textual import events

    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import AwsSession
    from vpce_tui.detection.team_context import Context
    from vpce_tui.investigation.workspace import Workspace
    from vpce_tui.tui.app import VpceTui

    loading: list[float] = []
    idle: list[float] = []
    work = Workspace(
        lambda: (AwsSession(lab, Gate(read_only=True)), None), lambda: datetime.now(UTC), Context(), read_only=True
    )
    app = VpceTui(work)
    async with app.run_test(size=(120, 40)) as pilot:
        key = "j"
        while not work.looked_back or len(idle) < 150:
            began = time.perf_counter()
            assert app.screen.focused is not None
            app.screen.focused.post_message(events.Key(key, key))
            table = app.screen.query_one("#rows")
            done = asyncio.Event()
            table.call_later(done.set)
            await done.wait()
            took = time.perf_counter() - began
            (loading if not work.looked_back else idle).append(took)
            key = "k" if key == "j" else "j"
            await asyncio.sleep(0.01)
        await pilot.pause()
    return loading, idle


def key_latency(url: str, keys: list[str]) -> str:
    from vpce_tui.aws.session import AwsAccess

    sys.setswitchinterval(0.001)
    access = AwsAccess(region="eu-west-1", endpoint_url=url, key_id=keys[0], secret=keys[1], token=keys[2])
    loading, idle = asyncio.run(_latency(access))
    worst = statistics.quantiles(loading, n=100)[98]
    floor = statistics.quantiles(idle, n=100)[98]
    return f"p99 {worst * 1000:.0f} ms over {len(loading)} keys while 17 regions load, {floor * 1000:.0f} ms when idle: {worst / floor:.1f}x (bound 50 ms)"


def step_share(url: str, keys: list[str], victim: str, folder: Path) -> str:
    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import AwsAccess, AwsSession
    from vpce_tui.engine import Engine
    from vpce_tui.engine.outcome import Approval
    from vpce_tui.incident.journal import Journal
    from vpce_tui.incident.rows import IncidentOpened
    from vpce_tui.plans.planner import plan_playbook
    from vpce_tui.playbooks.library import load

    spent = 0.0

    class Timed(AwsSession):
        """Counts the time inside calls."""

        def _made(self, call: Any, *, write: bool) -> Any:
            nonlocal spent
            began = time.perf_counter()
            try:
                return super()._made(call, write=write)
            finally:
                spent += time.perf_counter() - began

        def pages(self, call: Any, **more: Any) -> Any:
            nonlocal spent
            walk = iter(super().pages(call, **more))
            while True:
                began = time.perf_counter()
                page = next(walk, None)
                spent += time.perf_counter() - began
                if page is None:
                    return
                yield page

    from datetime import UTC, datetime

    session = Timed(
        AwsAccess(region="eu-west-1", endpoint_url=url, key_id=keys[0], secret=keys[1], token=keys[2]),
        Gate(read_only=False),
    )
    identity = session.identity()
    plan = plan_playbook(session, load("terminate-instance"), victim, "eu-west-1", datetime.now(UTC))
    with Journal.open(folder / "incidents" / "bench", identity.arn, create=True) as journal:
        journal.append(IncidentOpened(account=identity.account))
        session.gate.open_incident(journal)
        engine = Engine(session, journal, plan)
        spent, began = 0.0, time.perf_counter()
        for step in plan.steps:
            outcome = engine.run(step.id, Approval("bench", victim))
            if not outcome.good:
                raise RuntimeError(f"{step.id}: {outcome}")
        whole = time.perf_counter() - began
    share = (whole - spent) / whole
    return f"{(whole - spent) * 1000:.0f} ms of {whole * 1000:.0f} ms for all nine steps is ours: {share:.0%} (bound 20 %; the lab answers in 6 ms, AWS in 50 to 300)"


class TrueBucket:
    """AWS's side: ``rate`` tokens a second, at most ``size``; over simulated time."""

    def __init__(self, rate: float, size: float) -> None:
        self.rate, self.size, self.tokens, self.at = rate, size, size, 0.0

    def take(self, now: float) -> bool:
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1
        return True


class Simulated:
    """A clock that only waiting moves."""

    now = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def pacing() -> str:
    """Seventeen regions, 600 requests each, latency from 40 to 400 ms, against true buckets of 2/s with room for 2."""
    import random

    from vpce_tui.aws.pacing import LIMITS, TokenBucket

    throttled = asked = 0
    rates = []
    for region in range(17):
        chance, clock = random.Random(region), Simulated()
        own, theirs = (
            TokenBucket(LIMITS["cloudtrail", "LookupEvents"], clock=clock.read, sleep=clock.sleep),
            TrueBucket(2.0, 2.0),
        )
        for _ in range(600):
            own.take()
            latency = chance.uniform(0.04, 0.4)
            asked += 1
            throttled += not theirs.take(clock.now + latency / 2)
            clock.now += latency
        rates.append(600 / clock.now)
    return f"{min(rates):.3f} requests/s in the slowest of 17 regions, {min(rates) / 2:.1%} of what is allowed (bound 95 %), {throttled} of {asked:,} throttled"


def memory(folder: Path) -> str:
    from tests.test_log_files import endpoint

    trail = folder / "many"
    trail.mkdir()
    for part in range(10):
        records = [
            endpoint(eventID=f"e-{part}-{number}", userAgent=f"agent {number} " + "x" * 200) for number in range(1000)
        ]
        (trail / f"{part}.json").write_text(json.dumps({"Records": records}))
    program = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from vpce_tui.tui.app import VpceTui
from vpce_tui.detection.team_context import Context
from vpce_tui.investigation.workspace import Workspace
async def main():
    work = Workspace(lambda: None, lambda: datetime.now(UTC), Context(), read_only=True, log_files=Path(sys.argv[1]))
    app = VpceTui(work)
    async with app.run_test(size=(160, 48)) as pilot:
        while len(app.screen.query_one("#rows").rows) < 10_000:
            await pilot.pause(0.1)
        for _ in range(30):
            await pilot.press("pagedown")
        status = Path("/proc/self/status").read_text()
        print(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
asyncio.run(main())
"""
    said = subprocess.run(
        [sys.executable, "-c", program, str(trail)], capture_output=True, text=True, check=True
    ).stdout
    bare = subprocess.run(
        [
            sys.executable,
            "-c",
            "import textual.app, textual.widgets, textual.command\nfrom pathlib import Path\nprint(next(l for l in Path('/proc/self/status').read_text().splitlines() if l.startswith('VmRSS')).split()[1])",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    mine, floor = int(said) / 1024, int(bare) / 1024
    return f"{mine:.0f} MB resident with 10,000 events listed (bound 150 MB); importing Textual alone: {floor:.0f} MB ({mine / floor:.1f}x)"


def main() -> None:
    from tests.conftest import own_zygote

    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def row(what: str, measured: Callable[[], str]) -> None:
            print(f"{what:<14} {measured()}", flush=True)

        row("first paint", lambda: first_paint(folder))
        row("imports", imports)
        row("pacing", pacing)
        row("memory", lambda: memory(folder))
        with own_zygote("all-regions") as zygote:
            for what, measured in (
                ("keys", lambda url: key_latency(url, zygote.keys)),
                ("own share", lambda url: step_share(url, zygote.keys, zygote.facts["victim"], folder)),
            ):
                answer = zygote.lab()
                row(what, lambda url=answer["url"], measured=measured: measured(url))  # type: ignore[misc]
                os.kill(answer["pid"], 9)


if __name__ == "__main__":
    main()
