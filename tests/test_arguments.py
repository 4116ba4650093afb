"""Which command is meant, whatever stands before it; and that each command is there."""

import importlib
import os
import subprocess
import sys

import pytest

from vpce_tui.cli.arguments import COMMANDS, Command, parse
from vpce_tui.cli.main import main


@pytest.mark.parametrize(
    ("words", "command", "expected"),
    [
        (["events", "--json"], "events", {"json": True}),
        (["--read-only", "events"], "events", {"read_only": True}),
        (["events", "--read-only"], "events", {"read_only": True}),
        (["--profile", "events", "events"], "events", {"profile": "events"}),
        (["--profile=events", "plan", "p", "t"], "plan", {"profile": "events", "playbook": "p", "target": "t"}),
        (["--since", "7d", "--region", "eu-west-1", "events"], "events", {"since": "7d", "region": ["eu-west-1"]}),
        (["--incident", "events"], "app", {"incident": "events", "target": None}),
        (["--theme", "light", "i-0abc"], "app", {"theme": "light", "target": "i-0abc"}),
        (["i-0abc", "--incident", "case"], "app", {"incident": "case", "target": "i-0abc"}),
        (["app", "events"], "app", {"target": "events"}),
        ([], "app", {"target": None}),
        (["note", "step", "--incident", "c", "--", "--read-only"], "note", {"text": "--read-only", "read_only": False}),
    ],
    ids=" ".join,
)
def test_the_command_is_the_first_word_that_is_no_option_and_no_value(
    words: list[str], command: str, expected: dict[str, object]
) -> None:
    found = vars(parse(words))
    assert found["command"] == command
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_is_there(command: Command) -> None:
    module, _, function = command.run.partition(":")
    assert callable(getattr(importlib.import_module(f"vpce_tui.cli.commands.{module}"), function))


def test_help_lists_each_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert [command.name for command in COMMANDS if f"{command.name} {command.summary}" not in said] == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_of_a_command_begins_with_its_own_usage(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([command.name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: vpce-tui {command.name} ")


@pytest.mark.parametrize("word", ["doctor", "contain-it"])
def test_a_word_that_can_be_no_id_is_no_target(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([word])
    assert "is not a command or an id" in capsys.readouterr().err
    assert parse(["root"]).target == "root"


def test_a_word_that_is_nearly_a_command_is_no_target(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["evnets", "--json"])
    assert "did you mean events" in capsys.readouterr().err


def test_what_is_typed_wrongly_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["events", "--\x1b[2J"])
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "vpce-tui" in capsys.readouterr().out


def test_a_shell_that_asks_is_given_the_commands_that_begin_so() -> None:
    line = "vpce-tui ev"
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    program = "import os, sys; os.dup2(1, 8); from vpce_tui.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert {word.strip() for word in done.stdout.split("\n")} >= {"events", "evidence"}, done.stderr
