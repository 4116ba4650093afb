"""Opens the app: on the account, on files, or on the lab."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from vpce_tui import config
from vpce_tui.commands.common import UsageError, context, moment
from vpce_tui.exits import Exit


def run(args: argparse.Namespace, *, lab_seed: int | None = None, faults: Sequence[Any] = ()) -> Exit:
    """Show it until the operator leaves."""
    if not sys.stdout.isatty() or not sys.stdin.isatty():
        raise UsageError("the app needs a terminal; without one use: vpce-tui events, instances, plan, apply (--help)")
    sys.setswitchinterval(0.001)  # a key press must not wait for a thread that parses
    app = build(args, lab_seed=lab_seed, faults=faults)
    app.run()
    if app.fault is not None:
        from vpce_tui.widgets.safe import where

        print(
            f"vpce-tui: a fault of vpce-tui itself ({where(app.fault)}); nothing recorded was lost. Please report it.",
            file=sys.stderr,
        )
        return Exit.FAILED
    return Exit.DONE


def build(
    args: argparse.Namespace,
    *,
    lab_seed: int | None = None,
    faults: Sequence[Any] = (),
    clock: Callable[[], datetime] | None = None,
) -> Any:
    """The app with its workspace, not yet running."""
    from vpce_tui.app import VpceTui
    from vpce_tui.workspace import Workspace

    now = clock or (lambda: datetime.now(UTC))
    read_only = bool(args.read_only) or config.read_only_asked()
    given, trail = args.since, Path(args.trail) if args.trail else None
    since = now() - moment(given, now()) if given else timedelta(hours=24)
    known = context()
    connect, opener = _connection(args, read_only, lab_seed, faults, now)
    if lab_seed is not None:
        known = lab_context(known)
    workspace = Workspace(
        connect, now, known, read_only=read_only, regions=args.region or (), since=since, trail=trail, cache=config.cache_folder(),
    )  # fmt: skip

    def open_record(name: str, reason: str) -> Any:
        return opener(workspace.caller, name, reason)

    app = VpceTui(
        workspace, theme=args.theme or "", target=args.target or "", lab=lab_seed is not None, open_record=open_record
    )
    if args.incident:
        _open_when_signed_in(app, args.incident, args.target or "")
    return app


def lab_context(known: Any) -> Any:
    """What the lab's team has told vpce-tui about itself: its pipeline."""
    from dataclasses import replace

    return replace(known, pipelines=(*known.pipelines, ("arn:aws:sts::*:assumed-role/ci-network/*", "*Terraform*")))


def _open_when_signed_in(app: Any, name: str, target: str) -> None:
    def opened() -> None:
        if app.workspace.identity is not None:
            app.workspace.forget(opened)
            app.work_in(name, lambda: app.action_walk_on(target))

    app.workspace.listen(opened)


def _connection(
    args: argparse.Namespace,
    read_only: bool,
    lab_seed: int | None,
    faults: Sequence[Any],
    clock: Callable[[], datetime],
) -> tuple[Callable[[], Any], Callable[..., Any]]:
    """How to connect (on a thread), and how to open an incident's record."""

    def connect() -> Any:
        from vpce_tui.aws.gate import Gate
        from vpce_tui.aws.session import Access, AwsSession

        gate = Gate(read_only=read_only)
        if lab_seed is not None:
            from vpce_tui.lab.server import Lab

            made = Lab(seed=lab_seed, clock=clock).build()
            made.inject(faults)
            made.serve()
            return AwsSession(made.access(), gate)
        regions = args.region or []
        return AwsSession(Access(profile=args.profile or "", region=regions[0] if len(regions) == 1 else ""), gate)

    def opener(caller: Any, name: str, reason: str) -> Any:
        from vpce_tui.commands.incident import open_incident

        return open_incident(caller, name, create=True, reason=reason)

    return connect, opener
