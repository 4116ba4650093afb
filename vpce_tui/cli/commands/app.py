"""Opens the app: on the account, on files, or on the lab."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vpce_tui.cli.commands.aws_access import UsageError, context, lookback, moment
from vpce_tui.core import paths
from vpce_tui.core.exit_codes import Exit
from vpce_tui.detection.team_context import Context


def run(args: argparse.Namespace, *, lab: tuple[int, str] | None = None, faults: Sequence[Any] = ()) -> Exit:
    """Show it until the operator leaves."""
    if not sys.stdout.isatty() or not sys.stdin.isatty():
        raise UsageError("the app needs a terminal; without one use: vpce-tui events, instances, plan, apply (--help)")
    sys.setswitchinterval(0.001)  # a key press must not wait for a thread that parses
    app = build(args, lab=lab, faults=faults)
    app.run()
    app.workspace.stop()  # what is still being asked is asked no further: leaving never waits
    journal = app.workspace.journal
    if journal is not None and journal.writable:
        again = f"{sys.argv[0]} lab" if lab is not None else sys.argv[0]
        print(f"{journal.name} is open; resume it: {again} --incident {journal.name}", file=sys.stderr)
    if app.fault is not None:
        from vpce_tui.tui.widgets.safe_text import where

        print(
            f"vpce-tui: internal error in vpce-tui ({where(app.fault)}); nothing recorded was lost. Please report it.",
            file=sys.stderr,
        )
        return Exit.FAILED
    return Exit.DONE


def build(
    args: argparse.Namespace,
    *,
    lab: tuple[int, str] | None = None,
    faults: Sequence[Any] = (),
    clock: Callable[[], datetime] | None = None,
) -> Any:
    """The app with its workspace, not yet running."""
    from vpce_tui.investigation.workspace import Workspace
    from vpce_tui.tui import key_file
    from vpce_tui.tui.app import VpceTui

    try:
        keys = key_file.read(paths.config_folder() / "keys.toml")
    except key_file.KeysError as error:
        raise UsageError(str(error)) from None
    now = clock or (lambda: datetime.now(UTC))
    read_only = bool(args.read_only) or paths.read_only_asked()
    given, log_files = args.since, Path(args.log_files) if args.log_files else None
    since = now() - moment(given, now()) if given else timedelta(hours=24)
    # the lab's team has a context of its own, and marks are written there
    known = context() if lab is None else Context()
    context_file = (paths.config_folder() if lab is None else paths.cache_folder()) / "context.toml"
    connect, opener = _connection(args, read_only, lab, faults, now, context_file)
    workspace = Workspace(
        connect,
        now,
        known,
        read_only=read_only,
        regions=args.region or (),
        since=since,
        log_files=log_files,
        cache=paths.cache_folder(),
        look_back=lookback(args.lookback, now()),
        context_file=context_file,
    )

    def open_record(name: str, reason: str) -> Any:
        from vpce_tui.cli.commands.incident import Closed
        from vpce_tui.incident.incident_store import incident_folder
        from vpce_tui.incident.journal import Journal

        try:
            return opener(workspace.client, name, reason)
        except Closed:
            return Journal.open(incident_folder(name), workspace.client.identity().arn, write=False)

    app = VpceTui(
        workspace,
        theme=args.theme or "",
        target=args.target or "",
        lab=lab is not None,
        emulated=on_this_host(os.environ.get("AWS_ENDPOINT_URL", "")),
        open_record=open_record,
        keymap=keys,
    )
    if args.incident:
        _open_when_signed_in(app, args.incident, args.target or "")
    return app


def on_this_host(endpoint: str) -> bool:
    """Whether calls go to an emulator on this host: a lab that was served, and no account of anybody's."""
    return urlsplit(endpoint).hostname in ("127.0.0.1", "localhost", "::1")


def _open_when_signed_in(app: Any, name: str, target: str) -> None:
    def opened() -> None:
        if app.workspace.identity is not None:
            app.workspace.forget(opened)
            app.work_in(name, lambda: app.action_resume_playbook(target, quiet=True))

    app.workspace.listen(opened)


def _connection(
    args: argparse.Namespace,
    read_only: bool,
    lab: tuple[int, str] | None,
    faults: Sequence[Any],
    clock: Callable[[], datetime],
    context_file: Path,
) -> tuple[Callable[[], Any], Callable[..., Any]]:
    """How to connect (on a thread), and how to open an incident's record.

    Connecting gives the session, and the context of the lab's team where it is the lab.
    """

    def connect() -> tuple[Any, Any]:
        from vpce_tui.aws.gate import Gate
        from vpce_tui.aws.session import AwsAccess, AwsSession

        gate = Gate(read_only=read_only)
        if lab is not None:
            from vpce_tui.core.private_files import private_folder, write_private
            from vpce_tui.detection.team_context import parse
            from vpce_tui.lab.lab import Lab

            made = Lab(lab[0], clock, lab[1]).build()
            made.inject(faults)
            made.serve()
            private_folder(context_file.parent)
            write_private(context_file, made.context.encode())
            return AwsSession(made.access(), gate), parse(made.context, "the scenario's context")
        regions = args.region or []
        region = regions[0] if len(regions) == 1 else ""
        return AwsSession(AwsAccess(profile=args.profile or "", region=region), gate), None

    def opener(client: Any, name: str, reason: str) -> Any:
        from vpce_tui.cli.commands.incident import open_incident

        return open_incident(client, name, create=True, reason=reason)

    return connect, opener
