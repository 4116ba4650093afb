"""The command line's arguments: one sub-parser for each command, and which command is meant."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NoReturn

from vpce_tui import __version__
from vpce_tui.core.exit_codes import help_text
from vpce_tui.core.text import visible

DESCRIPTION: Final = (
    "Find suspicious VPC endpoints and compromised EC2 instances, contain them step by step, and record every change.\n"
    "Without a command the app opens; with the id of an instance, endpoint, principal or event it opens there\n"
    "(vpce-tui app --help: its options)."
)
_USAGE: Final = "vpce-tui [OPTIONS] [ID]\n       vpce-tui COMMAND [OPTIONS] (vpce-tui COMMAND --help)"
_TARGET: Final = "an instance (i-…), endpoint (vpce-…), user/NAME, role/NAME or event id to open at"


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


def _app_options(into: argparse.ArgumentParser) -> None:
    _log_files(into)
    _regions(into)
    _lookback(into)
    into.add_argument("--incident", metavar="NAME", help="open this incident, or create it")
    into.add_argument("--theme", choices=("dark", "light"), help="colours (default: dark, or VPCE_TUI_THEME)")


def _app(made: argparse.ArgumentParser) -> None:
    _app_options(made)
    made.add_argument("target", nargs="?", metavar="ID", help=_TARGET)


def _log_files(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--log-files", metavar="PATH", help="a CloudTrail log file, or a folder of them, instead of event history"
    )
    into.add_argument(
        "--since", metavar="TIME", help="24h, 7d, or RFC 3339 (default: 24h; with --log-files: everything)"
    )


def _regions(into: argparse.ArgumentParser) -> None:
    into.add_argument("--region", action="append", metavar="REGION", help="only this region (repeatable)")


def _lookback(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--lookback", metavar="TIME", default="30d", help="how far back to look for baseline activity (default: 30d)"
    )


def _json(into: argparse.ArgumentParser) -> None:
    into.add_argument("--json", action="store_true", help="one JSON object per line on stdout")


def _incident(into: argparse.ArgumentParser) -> None:
    into.add_argument("--incident", required=True, metavar="NAME", help="the incident")


def _events(made: argparse.ArgumentParser) -> None:
    _json(made)
    _log_files(made)
    made.add_argument("--until", metavar="TIME", help="as --since (default: now)")
    _regions(made)
    _lookback(made)
    made.add_argument(
        "--event-name", action="append", metavar="NAME", help="this event name, or '*' (default: CreateVpcEndpoint)"
    )


def _instances(made: argparse.ArgumentParser) -> None:
    _json(made)
    _regions(made)
    _lookback(made)


def _rules(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", choices=("list", "show"))
    made.add_argument("names", nargs="*", metavar="ID", help="for example VPCE-08")
    _json(made)


def _context(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", choices=("show", "learn"), help="learn: propose it from event history; you save it")
    made.add_argument(
        "--since",
        metavar="TIME",
        default="30d",
        help="how far back to learn from (default: 30d); never the last 2 days",
    )
    _regions(made)
    made.add_argument("--out", metavar="FILE", help="write the proposal to this file instead of stdout")


def _playbooks(made: argparse.ArgumentParser) -> None:
    made.add_argument("what", choices=("list", "show", "check", "export"))
    made.add_argument("names", nargs="*", metavar="NAME", help="a playbook; for check: files, or folders of them")
    made.add_argument("--format", choices=("md", "cacao"), default="md", help="of the export (default: md)")
    made.add_argument("--plan", metavar="FILE", help="a plan whose AWS CLI commands a CACAO export contains")
    made.add_argument("--out", metavar="FILE", help="write the export to this file instead of stdout")


def _iam_policy(made: argparse.ArgumentParser) -> None:
    made.add_argument("--playbook", required=True, metavar="NAME", help="for example contain-endpoint")


def _plan(made: argparse.ArgumentParser) -> None:
    made.add_argument("playbook", metavar="PLAYBOOK", help="for example terminate-instance")
    made.add_argument("target", metavar="TARGET", help="for example i-0abc…")
    made.add_argument("--region", metavar="REGION", help="the target's region (default: every region is searched)")
    made.add_argument(
        "--format",
        choices=("text", "markdown", "console", "cli", "python", "json"),
        help="default: text; with --out: json",
    )
    made.add_argument("--out", metavar="FILE", help="write the plan to this file instead of stdout")
    made.add_argument(
        "--incident", metavar="NAME", help="plan within this incident: its earlier changes are taken into account"
    )
    made.add_argument(
        "--set", action="append", metavar="STEP.OPTION=VALUE", help="answer a prompt, for example isolate.moves=one"
    )


def _running(made: argparse.ArgumentParser, approval: str, confirm: str) -> None:
    made.add_argument(
        "--incident", required=True, metavar="NAME", help="the incident in which the changes are recorded"
    )
    made.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    made.add_argument(
        "--wait", type=float, metavar="SECONDS", help="how long to wait for each verification (default: ten minutes)"
    )
    made.add_argument("--confirm", action="append", metavar="ID", help=confirm)
    made.add_argument("--approval", action="append", metavar="FILE", help=approval)


def _apply(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", metavar="FILE", help="a plan in JSON format (- for standard input)")
    _running(
        made,
        "an approval of this plan (vpce-tui approve), where your team requires two people",
        "the id of what will be deleted, for steps that cannot be undone",
    )
    made.add_argument("--step", action="append", metavar="ID", help="only this step (repeatable)")
    made.add_argument("--reason", metavar="TEXT", help="why the incident is opened")
    made.add_argument(
        "--secret-to", choices=("keyring",), help="where a secret that AWS returns is stored: this host's keyring"
    )


def _undo(made: argparse.ArgumentParser) -> None:
    made.add_argument("step_id", nargs="?", metavar="STEP", help="the step")
    _running(
        made,
        "an approval, where the undo permanently deletes something",
        "the target's id, where the undo permanently deletes something",
    )
    made.add_argument("--all", action="store_true", help="every reversible step that was applied, last first")


def _resolve(made: argparse.ArgumentParser) -> None:
    made.add_argument("step_id", metavar="STEP", help="the step")
    made.add_argument("call_id", metavar="CALL", help="the call")
    made.add_argument("found", choices=("done", "not-done"), help="what you found")
    _incident(made)


def _note(made: argparse.ArgumentParser) -> None:
    made.add_argument("step_id", metavar="STEP", help="the step")
    made.add_argument("text", metavar="TEXT", help="what others should know")
    _incident(made)
    group = made.add_mutually_exclusive_group()
    group.add_argument("--manual", action="store_true", help="mark the step as done manually, or accepted")
    group.add_argument("--skipped", action="store_true", help="mark the step as skipped")


def _approve(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", nargs="?", metavar="FILE", help="the plan, in JSON format")
    made.add_argument("--incident", metavar="NAME", help="your own incident, in which the approval is recorded too")
    made.add_argument(
        "--out", metavar="FILE", help="write the approval to this file (default: the plan's name with .approval)"
    )
    made.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    made.add_argument(
        "--hours", type=float, metavar="N", help="how long it is valid (default: your team's approval_hours, 12)"
    )
    made.add_argument("--key", action="store_true", help="print your public key, for the team's config.toml")


def _evidence(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("what", nargs="?", metavar="EVIDENCE", help="its name or SHA-256, for example user-data")
    made.add_argument("--raw", action="store_true", help="the file's bytes as they are, secrets included")


def _verify(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("--expect-head", metavar="HASH", help="the head hash that was stored elsewhere")


def _timeline(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    _blocks(made)


def _blocks(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="how it is printed (default: text)"
    )


def _open(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident's name")
    made.add_argument("--reason", metavar="TEXT", help="why it is opened")


def _close(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("--yes", action="store_true", help="do not ask for confirmation")


def _incidents(_: argparse.ArgumentParser) -> None:
    """No arguments."""


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def _lab(made: argparse.ArgumentParser) -> None:
    _app(made)
    made.add_argument("--serve", action="store_true", help="run only the server, and print what to export")
    made.add_argument("--port", type=_port, default=0, help="the server's port (default: a free one)")
    made.add_argument("--seed", type=int, default=7, help="seed of every id in the lab (default: 7)")
    made.add_argument(
        "--scenario", metavar="NAME", default="stolen-role", help="what happens (--scenario list: all of them)"
    )
    made.add_argument(
        "--fault",
        action="append",
        metavar="KIND@OPERATION:COUNT",
        help="throttle, http500, reset, slow, expired-token, denied, lost-answer",
    )


def _completion(made: argparse.ArgumentParser) -> None:
    made.add_argument("shell", choices=("bash", "zsh", "fish"))


APP: Final = Command(
    name="app", summary="Open the app (the default without a command).", add_arguments=_app, run="app:run"
)
COMMANDS: Final = (
    APP,
    Command(name="events", summary="List and assess events, worst first.", add_arguments=_events, run="search:events"),
    Command(
        name="instances",
        summary="List and assess instances, worst first.",
        add_arguments=_instances,
        run="search:instances",
    ),
    Command(name="plan", summary="Plan a playbook for a target. Reads only.", add_arguments=_plan, run="playbook:plan"),
    Command(
        name="apply",
        summary="Run a plan file in an incident; run it again to resume.",
        add_arguments=_apply,
        run="playbook:apply",
    ),
    Command(name="undo", summary="Show and run the inverse of a step.", add_arguments=_undo, run="playbook:undo"),
    Command(
        name="resolve",
        summary="Record the outcome of a call whose result is unknown.",
        add_arguments=_resolve,
        run="playbook:resolve",
    ),
    Command(
        name="note",
        summary="Record a note on a step, or that it was skipped or done manually.",
        add_arguments=_note,
        run="playbook:note",
    ),
    Command(
        name="approve",
        summary="Review and sign somebody else's plan (two-person approval).",
        add_arguments=_approve,
        run="approve:approve",
    ),
    Command(name="open", summary="Open an incident.", add_arguments=_open, run="incident:open_new"),
    Command(
        name="close", summary="Close an incident; it becomes read-only.", add_arguments=_close, run="incident:close"
    ),
    Command(
        name="incidents", summary="List the incidents on this host.", add_arguments=_incidents, run="incident:incidents"
    ),
    Command(
        name="evidence",
        summary="List an incident's evidence, or show one file with secrets redacted.",
        add_arguments=_evidence,
        run="evidence:evidence",
    ),
    Command(
        name="timeline",
        summary="Print an incident's timeline: the intruder's calls and ours.",
        add_arguments=_timeline,
        run="timeline:timeline",
    ),
    Command(
        name="verify",
        summary="Verify an incident's hash chain and evidence; print its head hash.",
        add_arguments=_verify,
        run="incident:verify",
    ),
    Command(
        name="playbooks",
        summary="List, show, check or export playbooks.",
        add_arguments=_playbooks,
        run="playbooks:playbooks",
    ),
    Command(
        name="iam-policy",
        summary="Print the least-privilege IAM policy for a playbook.",
        add_arguments=_iam_policy,
        run="playbooks:iam_policy",
    ),
    Command(
        name="rules", summary="List the detection rules, or show some of them.", add_arguments=_rules, run="rules:rules"
    ),
    Command(
        name="context",
        summary="Show the team's context file, or propose one from event history.",
        add_arguments=_context,
        run="context:context",
    ),
    Command(
        name="lab",
        summary="Open the app on an embedded AWS with a scripted attack, or only serve it.",
        add_arguments=_lab,
        run="lab:lab",
    ),
    Command(
        name="completion",
        summary="Print shell completion for bash, zsh or fish.",
        add_arguments=_completion,
        run="completion:completion",
    ),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
