"""``vpce-tui lab``: the app, or only the server, on the embedded AWS."""

import argparse
import os
import shutil
import tempfile
import threading
from pathlib import Path

from vpce_tui.cli.commands.aws_access import UsageError, say
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.private_files import write_private
from vpce_tui.lab.account import HOME
from vpce_tui.lab.lab import Lab
from vpce_tui.lab.layers.faults import parse_fault
from vpce_tui.lab.scenarios import NAMES


def lab(args: argparse.Namespace) -> Exit:
    """Run the lab: serve it with ``--serve``, else open the app on it. Exit code 2 for an unknown scenario or fault."""
    try:
        faults = [parse_fault(text) for text in args.fault or ()]
    except ValueError as error:
        raise UsageError(str(error)) from None
    if args.scenario not in NAMES:
        if args.scenario != "list":
            raise UsageError(f"there is no scenario {args.scenario!r}; known are {', '.join(NAMES)}")
        for name, what in NAMES.items():
            print(f"{name:<12}  {what}")
        return Exit.DONE
    if args.serve:
        return _serve(args, faults)
    return _app(args, faults)


def _serve(args: argparse.Namespace, faults: list) -> Exit:  # type: ignore[type-arg]
    made = Lab(seed=args.seed, scenario=args.scenario).build()
    made.inject(faults)
    url = made.serve(args.port)
    keys = made.operator
    folder = Path(tempfile.mkdtemp(prefix="vpce-tui-lab-config-"))
    write_private(folder / "context.toml", made.context.encode())
    for name, value in (
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", keys.key_id),
        ("AWS_SECRET_ACCESS_KEY", keys.secret),
        ("AWS_DEFAULT_REGION", HOME),
        ("AWS_SESSION_TOKEN", keys.token),
        ("VPCE_TUI_CONFIG", folder),
    ):
        print(f"export {name}={value}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Exit.DONE


def isolate_environment() -> Path:
    """No AWS configuration of this host is read, no proxy used, and nothing of the lab mixes with real records."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    if not os.environ.get("VPCE_TUI_STATE"):
        from vpce_tui.core import paths

        os.environ["VPCE_TUI_STATE"] = str(paths.state_folder() / paths.LAB)
    scratch = Path(tempfile.mkdtemp(prefix="vpce-tui-lab-"))
    os.environ["VPCE_TUI_CACHE"] = str(scratch)
    return scratch


def _app(args: argparse.Namespace, faults: list) -> Exit:  # type: ignore[type-arg]
    from vpce_tui.cli.commands.app import run

    scratch = isolate_environment()
    try:
        return run(args, lab=(args.seed, args.scenario), faults=faults)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if Path(os.environ["VPCE_TUI_STATE"]).exists():
            say(f"the lab's incident records are in {os.environ['VPCE_TUI_STATE']}")
