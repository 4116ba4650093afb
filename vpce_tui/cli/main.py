"""The command line. Slow things are imported by the command that needs them."""

import argparse
import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence

from vpce_tui.cli.arguments import parse, parser
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.process import keep_to_ourselves


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; every error becomes one clear message and the right exit code."""
    keep_to_ourselves()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    tune_gc()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser())
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
        return int(_exit_for(error))


def tune_gc() -> None:
    """Look for garbage in cycles less often: records and assessments are many, live long and have no cycles.

    Python's own setting goes through all of them again and again while they are made: a quarter of the time of assessing.
    """
    gc.set_threshold(100_000, 50, 100)


def _run(args: argparse.Namespace) -> Exit:
    """Import the command's module, and call its function with the arguments."""
    module, _, function = args.run.partition(":")
    try:
        command = getattr(importlib.import_module(f"vpce_tui.cli.commands.{module}"), function)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("moto", "werkzeug", "flask", "waitress"):
            raise
        print("the lab is not installed; install it with: pip install 'vpce-tui[lab]'", file=sys.stderr)
        return Exit.USAGE
    return Exit(command(args))


def _exit_for(error: Exception) -> Exit:
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
    from vpce_tui.incident.team_config import TeamError
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
        f"internal error in vpce-tui ({type(error).__name__} at {place}); nothing recorded was lost. Please report it."
    )
