"""The command line's arguments: one sub-parser for each command, and which command is meant."""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NoReturn

from vpce_tui import __version__
from vpce_tui.cli.options import (
    _app_options,
    app_options,
    apply_options,
    approve_options,
    close_options,
    completion_options,
    context_options,
    events_options,
    evidence_options,
    iam_policy_options,
    incidents_options,
    instances_options,
    lab_options,
    note_options,
    open_options,
    plan_options,
    playbooks_options,
    resolve_options,
    rules_options,
    timeline_options,
    undo_options,
    verify_options,
)
from vpce_tui.core.exit_codes import help_text
from vpce_tui.core.text import visible

DESCRIPTION: Final = (
    "Find suspicious VPC endpoints and compromised EC2 instances, contain them step by step, and record every change.\n"
    "Without a command the app opens; with the id of an instance, endpoint, principal or event it opens there\n"
    "(vpce-tui app --help: its options)."
)
_USAGE: Final = "vpce-tui [OPTIONS] [ID]\n       vpce-tui COMMAND [OPTIONS] (vpce-tui COMMAND --help)"


class Parser(argparse.ArgumentParser):
    """argparse, with what the operator typed made safe before it is shown."""

    def error(self, message: str) -> NoReturn:
        super().error(visible(message))


class _Help(argparse.RawDescriptionHelpFormatter):
    """A line for each command and option, wherever it fits."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, the line that ``--help`` lists, its arguments, and ``module:function`` that runs it."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: str


_NO_ID: Final = re.compile(r"[a-z]+(-[a-z]+)*")
"""A word without a digit, slash or colon: no event, endpoint, instance, principal or ARN is called so."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of the command, with where it is as ``run``. Global options and those of the app may precede the command.

    Where no command is named the app is meant. Exits as argparse does.
    """
    words = list(argv)
    found, _ = _head().parse_known_args(words)
    if found.help or found.version:
        return parser().parse_args(["--help" if found.help else "--version"])
    at = len(words) - len(found.rest) - 1
    if found.word in BY_NAME and words[at] == found.word:
        words.insert(0, words.pop(at))
    else:
        near = get_close_matches(found.word or "", BY_NAME, 1, cutoff=0.7)
        if near:
            parser().error(f"{found.word!r} is not a command or an id; did you mean {near[0]}?")
        if found.word and found.word != "root" and _NO_ID.fullmatch(found.word):
            parser().error(f"{found.word!r} is not a command or an id; vpce-tui --help lists the commands")
        words.insert(0, APP.name)
    return parser().parse_args(words)


def _head() -> argparse.ArgumentParser:
    """Finds the first word that is neither an option nor an option's value; what follows it is ``rest``."""
    head = Parser(prog="vpce-tui", usage=_USAGE, add_help=False, allow_abbrev=False)
    head.add_argument("-h", "--help", action="store_true")
    head.add_argument("--version", action="store_true")
    _global_options(head)
    _app_options(head)
    head.add_argument("word", nargs="?")
    head.add_argument("rest", nargs=argparse.REMAINDER)
    return head


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(
        prog="vpce-tui",
        usage=_USAGE,
        description=DESCRIPTION,
        epilog=help_text(),
        allow_abbrev=False,
        formatter_class=_Help,
    )
    top.add_argument("--version", action="version", version=f"vpce-tui {__version__}")
    commands = top.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser, prog="vpce-tui"
    )
    for command in COMMANDS:
        made = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.summary,
            epilog=help_text(),
            allow_abbrev=False,
            formatter_class=_Help,
        )
        _global_options(made)
        made.set_defaults(command=command.name, run=command.run, region=None)
        command.add_arguments(made)
    return top


def _global_options(into: argparse.ArgumentParser) -> None:
    into.add_argument("--read-only", action="store_true", help="refuse every write in this process")
    into.add_argument("--profile", metavar="NAME", help="AWS profile (default: the environment's)")


APP: Final = Command(
    name="app", summary="Open the app (the default without a command).", add_arguments=app_options, run="app:run"
)
COMMANDS: Final = (
    APP,
    Command(
        name="events", summary="List and assess events, worst first.", add_arguments=events_options, run="search:events"
    ),
    Command(
        name="instances",
        summary="List and assess instances, worst first.",
        add_arguments=instances_options,
        run="search:instances",
    ),
    Command(
        name="plan",
        summary="Plan a playbook for a target. Changes nothing; may query flow logs (billed).",
        add_arguments=plan_options,
        run="playbook:plan",
    ),
    Command(
        name="apply",
        summary="Run a plan file in an incident; run it again to resume.",
        add_arguments=apply_options,
        run="playbook:apply",
    ),
    Command(
        name="undo", summary="Show and run the inverse of a step.", add_arguments=undo_options, run="playbook:undo"
    ),
    Command(
        name="resolve",
        summary="Record the outcome of a call whose result is unknown.",
        add_arguments=resolve_options,
        run="step_record:resolve",
    ),
    Command(
        name="note",
        summary="Record a note on a step, or that it was skipped or done manually.",
        add_arguments=note_options,
        run="step_record:note",
    ),
    Command(
        name="approve",
        summary="Review and sign somebody else's plan (two-person approval).",
        add_arguments=approve_options,
        run="approve:approve",
    ),
    Command(name="open", summary="Open an incident.", add_arguments=open_options, run="incident:open_new"),
    Command(
        name="close",
        summary="Close an incident; it becomes read-only.",
        add_arguments=close_options,
        run="incident:close",
    ),
    Command(
        name="incidents",
        summary="List the incidents on this host.",
        add_arguments=incidents_options,
        run="incident:incidents",
    ),
    Command(
        name="evidence",
        summary="List an incident's evidence, or show one file with secrets redacted.",
        add_arguments=evidence_options,
        run="evidence:evidence",
    ),
    Command(
        name="timeline",
        summary="Print an incident's timeline: the intruder's calls and ours.",
        add_arguments=timeline_options,
        run="timeline:timeline",
    ),
    Command(
        name="verify",
        summary="Verify an incident's hash chain and evidence; print its head hash.",
        add_arguments=verify_options,
        run="incident:verify",
    ),
    Command(
        name="playbooks",
        summary="List, show, check or export playbooks.",
        add_arguments=playbooks_options,
        run="playbooks:playbooks",
    ),
    Command(
        name="iam-policy",
        summary="Print the least-privilege IAM policy for a playbook.",
        add_arguments=iam_policy_options,
        run="playbooks:iam_policy",
    ),
    Command(
        name="rules",
        summary="List the detection rules, or show some of them.",
        add_arguments=rules_options,
        run="rules:rules",
    ),
    Command(
        name="context",
        summary="Show the team's context file, or propose one from event history.",
        add_arguments=context_options,
        run="context:context",
    ),
    Command(
        name="lab",
        summary="Open the app on an embedded AWS with a scripted attack, or only serve it.",
        add_arguments=lab_options,
        run="lab:lab",
    ),
    Command(
        name="completion",
        summary="Print shell completion for bash, zsh or fish.",
        add_arguments=completion_options,
        run="completion:completion",
    ),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
