"""The command line. Slow things are imported by the command that needs them."""

import argparse
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from vpce_tui import __version__
from vpce_tui.core.exit_codes import Exit, help_text
from vpce_tui.core.process import keep_to_ourselves

COMMANDS = (
    "events", "instances", "signals", "context", "playbooks", "policy", "plan", "apply", "undo", "note", "decide", "approve", "evidence", "verify", "open", "close", "incidents", "lab",
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """argparse, with what the operator typed made safe before it is shown."""

    def error(self, message: str) -> NoReturn:
        from vpce_tui.core.text import visible

        super().error(visible(message))


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def parser() -> argparse.ArgumentParser:
    """Every command and option."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--read-only", action="store_true", help="refuse every write for the life of this process")
    shared.add_argument("--profile", metavar="NAME", help="AWS profile (default: the environment's)")
    top = Parser(
        prog="vpce-tui",
        description="See suspicious VPC endpoints and compromised instances, contain them step by step, and keep the record.\n"
        "Without a command the app opens; with an instance, endpoint or event id it opens there.",
        epilog=help_text() + f"\n\ncommands: {', '.join(COMMANDS)} (vpce-tui COMMAND --help)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    top.add_argument("--version", action="version", version=f"vpce-tui {__version__}")
    _app_options(top)
    top.add_argument(
        "target",
        nargs="?",
        metavar="ID",
        help="an instance (i-…), endpoint (vpce-…), user/NAME, role/NAME or event id to open at",
    )
    top.set_defaults(command="app")
    return top


def _app_options(into: argparse.ArgumentParser) -> None:
    into.add_argument("--trail", metavar="PATH", help="a CloudTrail file or folder of them, instead of event history")
    into.add_argument("--since", metavar="TIME", help="24h, 7d, or RFC 3339 (default: 24h; with --trail: everything)")
    into.add_argument("--region", action="append", metavar="REGION", help="only this region (may be given again)")
    _look_back(into)
    into.add_argument("--incident", metavar="NAME", help="open this incident, or make it")
    into.add_argument("--theme", choices=("dark", "light"), help="colours (default: dark, or VPCE_TUI_THEME)")


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    made = Parser(prog=f"vpce-tui {name}", epilog=help_text(), formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--read-only", action="store_true", help="refuse every write for the life of this process")
    made.add_argument("--profile", metavar="NAME", help="AWS profile (default: the environment's)")
    made.set_defaults(command=name, region=None)
    _ADD[name](made)
    return made


def _events(made: argparse.ArgumentParser) -> None:
    made.description = "List and judge events, worst first, then newest. Coverage goes to stderr."
    made.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    made.add_argument("--trail", metavar="PATH", help="a CloudTrail file or folder of them, instead of event history")
    made.add_argument("--since", metavar="TIME", help="24h, 7d, or RFC 3339 (default: 24h; with --trail: everything)")
    made.add_argument("--until", metavar="TIME", help="the same (default: now)")
    made.add_argument("--region", action="append", metavar="REGION", help="only this region (may be given again)")
    _look_back(made)
    made.add_argument(
        "--event-name", action="append", metavar="NAME", help="this event name, or '*' (default: CreateVpcEndpoint)"
    )


def _instances(made: argparse.ArgumentParser) -> None:
    made.description = "List and judge instances, worst first. Coverage goes to stderr."
    made.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    made.add_argument("--region", action="append", metavar="REGION", help="only this region (may be given again)")
    _look_back(made)


def _look_back(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--look-back", metavar="TIME", default="30d", help="how far back to ask what is usual (default: 30d)"
    )


def _plan(made: argparse.ArgumentParser) -> None:
    made.description = "Plan a playbook against a target. Reads only."
    made.add_argument("playbook", metavar="PLAYBOOK", help="for instance terminate-instance")
    made.add_argument("target", metavar="TARGET", help="for instance i-0abc…")
    made.add_argument("--region", metavar="REGION", help="where the target is (default: looked for)")
    made.add_argument(
        "--as",
        dest="form",
        choices=("console", "cli", "python", "json"),
        help="form (default: console; to a file: json)",
    )
    made.add_argument("--out", metavar="FILE", help="write it there instead of stdout")
    made.add_argument("--incident", metavar="NAME", help="plan within this incident: what was made in it is known")
    made.add_argument(
        "--set", action="append", metavar="STEP.CHOICE=VALUE", help="decide a choice, for instance isolate.moves=one"
    )


def _running(made: argparse.ArgumentParser) -> None:
    made.add_argument("--incident", required=True, metavar="NAME", help="the incident to record in")
    made.add_argument("--yes", action="store_true", help="do not ask")
    made.add_argument(
        "--wait", type=float, metavar="SECONDS", help="how long to wait for each proof (default: about ten minutes)"
    )


def _apply(made: argparse.ArgumentParser) -> None:
    made.description = (
        "Run a plan file on an incident. Each step is planned again from live state first; started again, it goes on."
    )
    made.add_argument("file", metavar="FILE", help="a plan in JSON form (- for standard input)")
    _running(made)
    made.add_argument("--step", action="append", metavar="ID", help="only this step (may be given again)")
    made.add_argument(
        "--confirm", action="append", metavar="ID", help="the id of what will be gone, for steps that cannot be undone"
    )
    made.add_argument("--reason", metavar="TEXT", help="why the incident is opened")
    made.add_argument(
        "--approval",
        action="append",
        metavar="FILE",
        help="somebody's approval of this plan (vpce-tui approve), where your team wants two",
    )
    made.add_argument(
        "--keyring", action="store_true", help="a secret that AWS hands out goes into this machine's keyring"
    )


def _undo(made: argparse.ArgumentParser) -> None:
    made.description = "Show and run the recorded inverse of a step."
    made.add_argument("step_id", nargs="?", metavar="STEP", help="the step")
    _running(made)
    made.add_argument("--all", action="store_true", help="every reversible step that was done, last first")
    made.add_argument(
        "--confirm", action="append", metavar="ID", help="the target's id, where undoing deletes something for good"
    )
    made.add_argument(
        "--approval",
        action="append",
        metavar="FILE",
        help="somebody's approval, where undoing deletes something for good",
    )


def _decide(made: argparse.ArgumentParser) -> None:
    made.description = "Record what became of a call that AWS cannot tell about."
    made.add_argument("step_id", metavar="STEP", help="the step")
    made.add_argument("call_id", metavar="CALL", help="the call")
    made.add_argument("found", choices=("done", "not-done"), help="what you found")
    made.add_argument("--incident", required=True, metavar="NAME", help="the incident")


def _note(made: argparse.ArgumentParser) -> None:
    made.description = "Record a note about a step, that it was skipped, or that a person did it."
    made.add_argument("step_id", metavar="STEP", help="the step")
    made.add_argument("text", metavar="TEXT", help="what others should know")
    made.add_argument("--incident", required=True, metavar="NAME", help="the incident")
    group = made.add_mutually_exclusive_group()
    group.add_argument("--by-hand", action="store_true", help="a person did it, or accepts it as it is")
    group.add_argument("--skipped", action="store_true", help="it is not done")


def _playbooks(made: argparse.ArgumentParser) -> None:
    made.description = "List the playbooks, show one, check your team's files, or export one."
    made.add_argument("what", choices=("list", "show", "check", "export"))
    made.add_argument("names", nargs="*", metavar="NAME", help="a playbook; for check: files or folders of them")
    made.add_argument("--format", choices=("md", "cacao"), default="md", help="of the export (default: md)")
    made.add_argument("--plan", metavar="FILE", help="a plan whose AWS CLI commands a CACAO export carries")
    made.add_argument("--out", metavar="FILE", help="write the export there instead of stdout")


def _policy(made: argparse.ArgumentParser) -> None:
    made.description = "Print the least IAM policy for a playbook; with --read-only what planning it needs."
    made.add_argument("--playbook", required=True, metavar="NAME", help="for instance contain-endpoint")


def _approve(made: argparse.ArgumentParser) -> None:
    made.description = "Read a plan that somebody else made, and sign it: what cannot be undone runs only with it, where your team wants two."
    made.add_argument("file", nargs="?", metavar="FILE", help="the plan, in JSON form")
    made.add_argument("--incident", metavar="NAME", help="your own record, in which the approval stands too")
    made.add_argument(
        "--out", metavar="FILE", help="write the approval there (default: the plan's name with .approval)"
    )
    made.add_argument("--yes", action="store_true", help="do not ask")
    made.add_argument(
        "--hours", type=float, metavar="N", help="how long it holds (default: your team's approval_hours, 12)"
    )
    made.add_argument("--key", action="store_true", help="print your public key, for the team's config.toml")


def _evidence(made: argparse.ArgumentParser) -> None:
    made.description = "List what an incident keeps as evidence, or show one file with secrets hidden."
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("what", nargs="?", metavar="EVIDENCE", help="its name or SHA-256, for instance user-data")
    made.add_argument("--raw", action="store_true", help="the file's bytes as they are, secrets included")


def _verify(made: argparse.ArgumentParser) -> None:
    made.description = "Recompute an incident's chain and evidence, and print its head hash."
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("--head", metavar="HASH", help="the head hash that was kept elsewhere")


def _open(made: argparse.ArgumentParser) -> None:
    made.description = "Open an incident: its record begins. A plan made with --incident NAME is bound to it."
    made.add_argument("name", metavar="NAME", help="what the incident is called")
    made.add_argument("--reason", metavar="TEXT", help="why it is opened")


def _close(made: argparse.ArgumentParser) -> None:
    made.description = "End an incident: its record takes nothing more."
    made.add_argument("name", metavar="NAME", help="the incident")
    made.add_argument("--yes", action="store_true", help="do not ask")


def _incidents(made: argparse.ArgumentParser) -> None:
    made.description = "List the incident records on this machine."


def _lab(made: argparse.ArgumentParser) -> None:
    made.description = "The app, or only the server, on an embedded AWS with a scripted attack. Touches nothing else."
    _app_options(made)
    made.add_argument(
        "target", nargs="?", metavar="ID", help="an instance, endpoint, user/NAME, role/NAME or event id to open at"
    )
    made.add_argument("--serve", action="store_true", help="only the server; prints what to export")
    made.add_argument("--port", type=_port, default=0, help="its port (default: a free one)")
    made.add_argument("--seed", type=int, default=7, help="decides every id of the story")
    made.add_argument(
        "--story", metavar="NAME", default="stolen-role", help="what happens (--story list names them all)"
    )
    made.add_argument(
        "--fault",
        action="append",
        metavar="KIND@OPERATION:COUNT",
        help="throttle, http500, reset, slow, expired-token, denied, lost-answer",
    )


def _signals(made: argparse.ArgumentParser) -> None:
    made.description = "List every rule that judges events and instances, or show some in words."
    made.add_argument("what", choices=("list", "show"))
    made.add_argument("names", nargs="*", metavar="ID", help="for instance VPCE-08")
    made.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def _context(made: argparse.ArgumentParser) -> None:
    made.description = "Show what your team has told vpce-tui about itself, or propose it from history: nothing counts before you save it."
    made.add_argument("what", choices=("show", "learn"))
    made.add_argument(
        "--since",
        metavar="TIME",
        default="30d",
        help="how far back to learn from (default: 30d); the last 2 days never",
    )
    made.add_argument("--region", action="append", metavar="REGION", help="only this region (may be given again)")
    made.add_argument("--out", metavar="FILE", help="write the proposal there instead of stdout")


_ADD = {
    "events": _events, "instances": _instances, "signals": _signals, "context": _context, "playbooks": _playbooks, "policy": _policy, "plan": _plan, "apply": _apply, "undo": _undo, "note": _note, "decide": _decide,
    "approve": _approve, "evidence": _evidence, "verify": _verify, "open": _open, "close": _close, "incidents": _incidents, "lab": _lab,
}  # fmt: skip


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments; global options may stand before or after the command."""
    words = list(argv)
    at = _command_at(words)
    if at is None:
        return parser().parse_args(words)
    name = words.pop(at)
    return command_parser(name).parse_args(words)


_WITH_VALUE = ("--profile", "--trail", "--since", "--region", "--incident", "--theme", "--look-back")


def _command_at(words: Sequence[str]) -> int | None:
    """Where the command stands: the first word that is neither an option nor its value."""
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word in _WITH_VALUE:
            skip = True
        elif not word.startswith("-"):
            return at if word in COMMANDS else None
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; every error becomes one clear message and the right exit code."""
    keep_to_ourselves()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    tune_gc()
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        return int(_run(args))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return int(Exit.FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.FAILED)
    except Exception as error:  # the one place where an error becomes words
        return int(_told(error))


def tune_gc() -> None:
    """Look for garbage in cycles less often: records and judgements are many, live long and have no cycles.

    Python's own setting goes through all of them again and again while they are made: a quarter of the time of judging.
    """
    gc.set_threshold(100_000, 50, 100)


def _run(args: argparse.Namespace) -> Exit:
    name = args.command
    if name in ("events", "instances"):
        from vpce_tui.cli.commands import search

        return search.events(args) if name == "events" else search.instances(args)
    if name == "context":
        from vpce_tui.cli.commands.context import context

        return context(args)
    if name == "signals":
        from vpce_tui.cli.commands.rules import signals

        return signals(args)
    if name in ("plan", "apply", "undo", "note", "decide"):
        from vpce_tui.cli.commands import playbook

        return {
            "plan": playbook.plan,
            "apply": playbook.apply,
            "undo": playbook.undo,
            "note": playbook.note,
            "decide": playbook.decide,
        }[name](args)
    if name in ("playbooks", "policy"):
        from vpce_tui.cli.commands import playbooks

        return playbooks.policy(args) if name == "policy" else playbooks.playbooks(args)
    if name == "approve":
        from vpce_tui.cli.commands.approve import approve

        return approve(args)
    if name == "evidence":
        from vpce_tui.cli.commands.evidence import evidence

        return evidence(args)
    if name in ("verify", "open", "close", "incidents"):
        from vpce_tui.cli.commands import incident

        return {
            "verify": incident.verify,
            "open": incident.open_new,
            "close": incident.close,
            "incidents": incident.incidents,
        }[name](args)
    if name == "lab":
        try:
            from vpce_tui.cli.commands.lab import lab
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("moto", "werkzeug", "flask"):
                raise
            print("the lab is not installed; install it with: pip install 'vpce-tui[lab]'", file=sys.stderr)
            return Exit.USAGE
        return lab(args)
    from vpce_tui.cli.commands.app import run

    return run(args)


def _told(error: Exception) -> Exit:
    """One message on stderr, without a traceback and without the values of any variable."""
    from vpce_tui.aws.errors import AwsError, Cancelled
    from vpce_tui.aws.gate import Refused
    from vpce_tui.cli.commands.aws_access import UsageError
    from vpce_tui.core.os_keyring import NoKeyring
    from vpce_tui.core.private_files import NotPrivate
    from vpce_tui.core.text import visible
    from vpce_tui.detection.team_context import ContextError
    from vpce_tui.incident.approval import ApprovalError
    from vpce_tui.incident.record_errors import BadName, ReadOnlyRecord, RecordError
    from vpce_tui.incident.team_rules import TeamError
    from vpce_tui.plans.plan import PlanError, WrongChoice
    from vpce_tui.plans.targets.planning_context import TargetGone, Unreadable
    from vpce_tui.playbooks.plan_reader import Tampered

    def say(text: str) -> None:
        print(f"vpce-tui: {visible(text, limit=2000)}", file=sys.stderr)

    if isinstance(error, (UsageError, ContextError, TeamError, WrongChoice, BadName)):
        say(str(error))
        return Exit.USAGE
    if isinstance(error, (Tampered, Refused, ReadOnlyRecord)) or type(error).__name__ in ("WrongAccount", "Closed"):
        say(f"refused: {error}")
        return Exit.REFUSED
    if isinstance(error, AwsError):
        say(error.sentence())
        return Exit.FAILED
    if isinstance(error, (RecordError, TargetGone, Unreadable, PlanError, ApprovalError, NoKeyring)):
        say(str(error))
        return Exit.FAILED
    if isinstance(error, Cancelled):
        say("stopped")
        return Exit.FAILED
    if isinstance(error, NotPrivate):
        say(f"{error} Nothing was written.")
        return Exit.FAILED
    if isinstance(error, OSError):
        say(f"{error.filename or 'a file'}: {error.strerror or error}")
        return Exit.FAILED
    say(_where(error))
    return Exit.FAILED


def _where(error: BaseException) -> str:
    """A fault of our own: its type and place, but no value, which might be a secret."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if "vpce_tui" in code.co_filename:
            place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return (
        f"a fault of vpce-tui itself ({type(error).__name__} at {place}); nothing recorded was lost. Please report it."
    )
