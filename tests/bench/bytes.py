"""Bytes that the app writes to a slow line, manually: ``python -m tests.bench.bytes``. Through a pty, against the lab.

Each figure stands beside that of a bare Textual app with a DataTable of as many rows, measured the same way in the same run.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.terminal import Terminal

SIZES = ((80, 24), (160, 48))
IDLE = 5.0
BARE = """
from textual.app import App
from textual.widgets import DataTable
class Bare(App):
    def compose(self):
        yield DataTable(cursor_type="row")
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("SEVERITY", "WHEN", "WHO", "WHERE TO", "REGION")
        for number in range(15):
            table.add_row("settled", str(number), "is", "this", "row")
Bare().run()
"""


def settle(terminal: Terminal, seconds: float) -> None:
    """Read until nothing was written for some seconds."""
    quiet = time.monotonic()
    while time.monotonic() - quiet < seconds:
        if terminal.read(0.1):
            quiet = time.monotonic()


def written(terminal: Terminal, *keys: str, seconds: float = 1.0) -> int:
    """Bytes that are written after these keys."""
    before = len(terminal.written)
    if keys:
        terminal.send(*keys)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.read(0.1)
    return len(terminal.written) - before


def ended(terminal: Terminal) -> None:
    os.kill(terminal.pid, 9)
    os.waitpid(terminal.pid, 0)
    os.close(terminal.descriptor)


def own(size: tuple[int, int], env: dict[str, str]) -> dict[str, int]:
    """Bytes of each thing that an operator does, in the app."""
    terminal = Terminal(["--region", "eu-west-1"], env, size)
    terminal.until("CRITICAL", 60)
    settle(terminal, 3)
    terminal.send("2", "1")
    settle(terminal, 4)
    found = {"idle, a second": round(written(terminal, seconds=IDLE * 2) / IDLE / 2)}
    found["cursor in a list with a detail pane"] = max(written(terminal, "j") for _ in range(4))
    for what, key in (
        ("opening an event", "enter"),
        ("going back", "escape"),
        ("opening the list of instances", "2"),
        ("opening the playbooks", "p"),
    ):
        found[what] = written(terminal, key, seconds=2)
        found[f"{what}: after a resize"] = _resized(terminal, size)
    settle(terminal, 4)
    found["cursor in the playbooks (a detail pane)"] = max(written(terminal, "j") for _ in range(3))
    terminal.send("escape", "1", "e")
    settle(terminal, 4)
    found["cursor in a list without one"] = max(written(terminal, "j") for _ in range(3))
    ended(terminal)
    return found


def _resized(terminal: Terminal, size: tuple[int, int]) -> int:
    """The same screen painted whole, by Textual's own way: after the terminal's size was changed and changed back."""
    terminal.resize(size[0] + 1, size[1] + 1)
    settle(terminal, 1)
    before = len(terminal.written)
    terminal.resize(*size)
    settle(terminal, 1)
    return len(terminal.written) - before


def bare(size: tuple[int, int], env: dict[str, str], folder: Path) -> dict[str, int]:
    """The same of a bare app."""
    (folder / "bare.py").write_text(BARE)
    terminal = Terminal([], env, size, program=[sys.executable, str(folder / "bare.py")])
    terminal.until("settled")
    settle(terminal, 2)
    found = {
        "idle, a second": round(written(terminal, seconds=IDLE) / IDLE),
        "cursor": max(written(terminal, "down") for _ in range(4)),
    }
    ended(terminal)
    return found


def main() -> None:
    from tests.conftest import Aws, own_zygote

    with own_zygote("all-regions") as zygote:
        answer = zygote.lab()
        with tempfile.TemporaryDirectory() as name:
            env = Aws(zygote, answer["url"], answer["pid"], Path(name)).env
            for size in SIZES:
                print(f"{size[0]}x{size[1]}")
                for what, number in own(size, env).items():
                    print(f"  {what:<48} {number:>9,}")
                for what, number in bare(size, env, Path(name)).items():
                    print(f"  bare app: {what:<38} {number:>9,}")
        os.kill(answer["pid"], 9)


if __name__ == "__main__":
    main()
