"""The app in a real terminal: what it leaves, what it writes, where it does not start."""

from collections.abc import Callable
from pathlib import Path

from tests.conftest import Aws
from tests.terminal import Terminal


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


def test_a_screen_is_painted_once_when_it_opens_and_its_first_key_paints_little(aws: Aws) -> None:
    """It is laid out for its size at once, and a hidden screen below it paints nothing through it."""
    terminal = Terminal(["--region", "eu-west-1"], aws.env, (160, 48))
    terminal.until("CRITICAL")
    terminal.until("VPCE-05")  # of the live state: the last that is read
    terminal.quiet(1.0)
    opened = _written(terminal, lambda: terminal.send("2"))
    terminal.resize(161, 49)
    terminal.quiet(1.0)
    resized = _written(terminal, lambda: terminal.resize(160, 48))
    assert opened <= resized, "Textual's own full paint of the same screen"
    terminal.send("1", "e")
    terminal.quiet(1.0)
    assert _written(terminal, lambda: terminal.send("j")) < resized / 10
    terminal.send("q")
    assert terminal.close() == 0


def _written(terminal: Terminal, act: Callable[[], None]) -> int:
    """Bytes that the app writes after ``act``, until it rests."""
    before = len(terminal.written)
    act()
    terminal.quiet(1.0)
    return len(terminal.written) - before


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
