"""The lab as a fixture: a fresh AWS over HTTP for each test."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import aws_zygote
from tests.forking import Connection
from tests.warm import keep_parsed
from vpce_tui.aws.gate import Gate
from vpce_tui.aws.pacing import LIMITS
from vpce_tui.aws.session import AwsAccess, AwsSession

TESTS = Path(__file__).parent
HOME = "eu-west-1"

gc.set_threshold(100_000, 50, 100)  # as the program sets it
keep_parsed()


LABS, RUNS, AWS_CLI = "labs", "runs", "aws"
"""Sockets of the processes that fork, in their folder."""


class Zygotes:
    """The processes that fork: labs (:mod:`tests.zygote`), commands (:mod:`tests.run_zygote`), the AWS CLI (:mod:`tests.aws_zygote`)."""

    def __init__(self, *words: str) -> None:
        """``words``: for the process that forks labs."""
        self._folder = tempfile.TemporaryDirectory(prefix="zygote-")
        self.folder = Path(self._folder.name)
        aws_zygote.install(self.folder / "bin", self.folder / AWS_CLI)
        self._processes = [
            self._start("zygote", LABS, *words),
            self._start("run_zygote", RUNS),
            self._start("aws_zygote", AWS_CLI),
        ]

    def _start(self, module: str, name: str, *words: str) -> "subprocess.Popen[bytes]":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / name))
        listener.listen(64)
        with listener:
            return subprocess.Popen(
                [sys.executable, "-m", f"tests.{module}", str(listener.fileno()), *words],
                cwd=TESTS.parent,
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self._folder.cleanup()


class Zygote:
    """Connections to the processes that fork labs and commands."""

    def __init__(self, folder: Path) -> None:
        self._labs, self._runs = Connection(folder / LABS), Connection(folder / RUNS)
        self.path = os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        """A ``PATH`` with the AWS CLI, and this Python."""
        self.facts: dict[str, Any] = self._labs.first["facts"]
        self.keys: list[str] = self._labs.first["keys"]
        self.profiles: dict[str, list[str]] = self._labs.first["profiles"]

    def lab(self, *faults: str, hostile: str = "") -> dict[str, Any]:
        """A fresh lab: its ``url`` and ``pid``."""
        return self._labs.ask(faults=list(faults), hostile=hostile)

    def run(self, **asked: Any) -> dict[str, Any]:
        """A command in a process of its own: how it ended."""
        return self._runs.ask(**asked)


def pytest_configure(config: Any) -> None:
    nowhere = tempfile.TemporaryDirectory(prefix="vpce-tui-host-")
    config.add_cleanup(nowhere.cleanup)
    for name in ("STATE", "CACHE", "CONFIG"):  # what is kept on this host takes no part
        os.environ[f"VPCE_TUI_{name}"] = f"{nowhere.name}/{name.lower()}"
    config.add_cleanup(gc.freeze)  # before pytest looks five times for garbage among all that was ever imported


def pytest_configure_node(node: Any) -> None:
    """One zygote serves every worker of xdist."""
    config = node.config
    if not hasattr(config, "zygotes"):
        config.zygotes = Zygotes()
    node.workerinput["zygotes"] = str(config.zygotes.folder)


def pytest_unconfigure(config: Any) -> None:
    if hasattr(config, "zygotes"):
        config.zygotes.stop()


@dataclass
class Aws:
    """One fresh emulated AWS, and a private state folder."""

    zygote: Zygote
    url: str
    pid: int
    folder: Path
    runs: int = field(default=0)
    made: dict[str, str] = field(default_factory=dict)
    """Ids of what a test made before it began, by its name."""

    @property
    def facts(self) -> dict[str, Any]:
        return self.zygote.facts

    @property
    def victim(self) -> str:
        return str(self.facts["victim"])

    @property
    def env(self) -> dict[str, str]:
        key, secret, token = self.zygote.keys
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
            "AWS_DEFAULT_REGION": HOME,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": str(self._credentials()),
            "NO_PROXY": "*",
            "VPCE_TUI_STATE": str(self.folder / "state"),
            "VPCE_TUI_CACHE": str(self.folder / "cache"),
            "VPCE_TUI_CONFIG": str(self.folder / "config"),
        }

    def _credentials(self) -> Path:
        """What was stolen in the scenario, in profiles of the operator's."""
        path = self.folder / "credentials"
        if not path.exists():
            lines = []
            for name, (key, secret, token) in self.zygote.profiles.items():
                lines += [f"[{name}]", f"aws_access_key_id = {key}", f"aws_secret_access_key = {secret}"]
                lines += [f"aws_session_token = {token}"] if token else []
            path.write_text("\n".join(lines) + "\n")
        return path

    def session(self, *, read_only: bool = False, keys: list[str] | None = None, attempts: int = 2) -> AwsSession:
        key, secret, token = keys or self.zygote.keys
        access = AwsAccess(
            region=HOME, endpoint_url=self.url, key_id=key, secret=secret, token=token, read_attempts=attempts
        )
        return AwsSession(access, Gate(read_only=read_only))

    def run(
        self, *argv: str, kill_at: int = 0, kill_new: list[str] | None = None, env: dict[str, str] | None = None
    ) -> tuple[int | None, str]:
        """The command line in its own process; gives its exit code (None: killed) and what it printed."""
        self.runs += 1
        out = self.folder / f"out-{self.runs}"
        ended = self.zygote.run(
            argv=list(argv),
            env={**self.env, **(env or {})},
            kill_at=kill_at,
            kill_new=kill_new,
            out=str(out),
        )
        return ended["code"], out.read_text(errors="replace")

    def handled(self) -> list[dict[str, Any]]:
        """Every request AWS saw, in order."""
        with urllib.request.urlopen(f"{self.url}/_lab/handled") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def writes(self) -> list[tuple[str, str]]:
        """Every write that took effect: operation and parameters."""
        from vpce_tui.aws.catalogue import find
        from vpce_tui.aws.operation import Access as Reach

        made = []
        for item in self.handled():
            listed = find(item["service"], item["operation"])
            if listed and listed.access is Reach.WRITE and not item["dryRun"] and item["status"] < 300:
                made.append((f"{item['service']}:{item['operation']}", json.dumps(item["parameters"], sort_keys=True)))
        return made

    def tried(self) -> list[str]:
        """Every write that reached AWS, also those it refused; dry runs are none."""
        from vpce_tui.aws.catalogue import find
        from vpce_tui.aws.operation import Access as Reach

        reached = [
            item
            for item in self.handled()
            if not item["dryRun"]
            and (listed := find(item["service"], item["operation"]))
            and listed.access is Reach.WRITE
        ]
        return [f"{item['service']}:{item['operation']}" for item in reached]

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def incident(self, name: str = "case") -> Path:
        return self.folder / "state" / "incidents" / name


@contextmanager
def own_zygote(*words: str) -> Iterator[Zygote]:
    """Connections to processes of one's own that fork labs and commands; ``all-regions``: labs as the product has them."""
    zygotes = Zygotes(*words)
    try:
        yield Zygote(zygotes.folder)
    finally:
        zygotes.stop()


@pytest.fixture(scope="session")
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    shared = getattr(request.config, "workerinput", {}).get("zygotes")
    if shared:
        yield Zygote(Path(shared))
        return
    with own_zygote() as own:
        yield own


class Labs:
    """Makes labs, and stops them all at the end of the test."""

    def __init__(self, zygote: Zygote, folder: Path) -> None:
        self._zygote, self._folder = zygote, folder
        self._made: list[Aws] = []

    def new(self, *faults: str, hostile: str = "") -> Aws:
        answer = self._zygote.lab(*faults, hostile=hostile)
        folder = self._folder / str(len(self._made))
        folder.mkdir()
        self._made.append(Aws(self._zygote, answer["url"], answer["pid"], folder))
        return self._made[-1]

    def stop(self) -> None:
        for made in self._made:
            made.stop()
        self._made = []


@pytest.fixture
def labs(zygote: Zygote, tmp_path: Path) -> Iterator[Labs]:
    made = Labs(zygote, tmp_path)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab allows more than AWS's two questions a second; the tests of pacing have buckets of their own."""
    monkeypatch.setitem(LIMITS, ("cloudtrail", "LookupEvents"), 500.0)


@pytest.fixture
def aws(labs: Labs) -> Aws:
    return labs.new()


@pytest.fixture(scope="session")
def plan_text(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The plan of playbook 1 against the scenario's instance: the same for every fresh lab."""
    labs = Labs(zygote, tmp_path_factory.mktemp("plan"))
    aws = labs.new()
    path = aws.folder / "plan.json"
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--out", str(path))
    labs.stop()
    assert code == 0, said
    return path.read_text()


LONG = (
    "killed_at",
    "fault_at_each",
    "script_as_printed",
    "screenshot_is_stale",
    "planted_bad_thing",
    "over_a_hostile",
    "whole_playbook_by_its_keys",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the long tests evenly, so that no worker is left with several of them at the end."""
    long = [item for item in items if any(part in item.name for part in LONG)]
    rest = [item for item in items if item not in long]
    gap = max(len(rest) // max(len(long), 1), 1)
    mixed: list[pytest.Item] = []
    for number, item in enumerate(rest):
        if number % gap == 0 and long:
            mixed.append(long.pop(0))
        mixed.append(item)
    items[:] = [*long, *mixed]
