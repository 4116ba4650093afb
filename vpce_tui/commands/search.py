"""``vpce-tui events`` and ``vpce-tui instances``: what happened, what looks compromised, and how complete that is."""

import argparse
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from vpce_tui import config
from vpce_tui.aws.session import AwsSession
from vpce_tui.commands.common import UsageError, context, moment, print_json, say, say_identity, session
from vpce_tui.coverage import Coverage, Part, Status
from vpce_tui.exits import Exit
from vpce_tui.review import (
    JudgedEvent,
    JudgedInstance,
    judge_events,
    judge_instances,
    live_states,
    merged,
    role_events,
)
from vpce_tui.signals.model import Judgement
from vpce_tui.text import short, sign, visible
from vpce_tui.trail.event import EPOCH, Event
from vpce_tui.trail.files import read as read_files
from vpce_tui.trail.history import OLDEST, Question, enabled_regions

if TYPE_CHECKING:
    from rich.table import Table


def exit_of(coverage: Coverage) -> Exit:
    """0 complete, 3 partly, 1 nothing."""
    if coverage.complete:
        return Exit.DONE
    return Exit.FAILED if coverage.nothing else Exit.PARTIAL


def events(args: argparse.Namespace) -> Exit:
    """List and judge events."""
    now = datetime.now(UTC)
    names = args.event_name or ["CreateVpcEndpoint"]
    if args.trail:
        found, coverage = _from_files(args, names, now)
        judged = judge_events(found, {}, context())
    else:
        judged, coverage = _from_history(args, names, now)
    if args.json:
        for item in judged:
            print_json(item.to_json())
    else:
        _event_table(judged)
    print_json({"coverage": coverage.to_json()}, to_stderr=True)
    return exit_of(coverage)


def _from_files(args: argparse.Namespace, names: list[str], now: datetime) -> tuple[Sequence[Event], Coverage]:
    since = moment(args.since, now) if args.since else EPOCH
    until = moment(args.until, now) if args.until else None

    def wanted(event: Event) -> bool:
        return (
            ("*" in names or event.name in names)
            and (event.time >= since)
            and (until is None or event.time <= until)
            and (not args.region or event.region in args.region)
        )

    found = read_files(Path(args.trail), wanted)
    return found.events, found.coverage


def _from_history(args: argparse.Namespace, names: list[str], now: datetime) -> tuple[list[JudgedEvent], Coverage]:
    from vpce_tui.trail.cache import Cache
    from vpce_tui.trail.history import History

    since = moment(args.since or "24h", now)
    until = min(moment(args.until, now), now) if args.until else now
    if since > until:
        raise UsageError("--since is after --until")
    caller = session(args)
    identity = caller.identity()
    say_identity(identity.account, identity.arn, read_only=caller.read_only)
    regions, note = _regions(caller, args.region)
    notes: list[str] = []
    gaps = [Part("list of regions", Status.DENIED, note)] if note else []
    if until < now - OLDEST:
        raise UsageError("event history goes back 90 days, and --until is before that; look into files: --trail PATH")
    if since < now - OLDEST:
        since = now - OLDEST
        gaps.append(
            Part(
                "older than 90 days",
                Status.FAILED,
                "event history goes back 90 days; for older events use --trail PATH",
            )
        )
    questions = [Question(since, until, name) for name in names]
    history = History(caller, Cache(config.cache_folder()))
    asked = regions if set(names) == {"CreateVpcEndpoint"} else sorted({*regions, "us-east-1"})
    found = history.look_up(asked, questions)
    states, parts = live_states(caller, found.events)
    return judge_events(found.events, states, context()), merged(found.coverage, [*parts, *gaps], notes)


def _regions(caller: AwsSession, asked: list[str] | None) -> tuple[Sequence[str], str]:
    if asked:
        return asked, ""
    return enabled_regions(caller)


def instances(args: argparse.Namespace) -> Exit:
    """List and judge instances."""
    from vpce_tui.inventory.account import look
    from vpce_tui.trail.cache import Cache
    from vpce_tui.trail.history import History

    now = datetime.now(UTC)
    caller = session(args)
    identity = caller.identity()
    say_identity(identity.account, identity.arn, read_only=caller.read_only)
    regions, note = _regions(caller, args.region)
    inventory = look(caller, regions)
    history = History(caller, Cache(config.cache_folder()))
    found, asked, notes = role_events(history, inventory, now, timedelta(hours=24))
    judged = judge_instances(inventory, found, asked)
    gaps = [Part("list of regions", Status.DENIED, note)] if note else []
    gaps += [Part("what roles did", Status.PARTIAL, said) for said in notes]
    coverage = merged(inventory.coverage, gaps, ())
    if args.json:
        for item in judged:
            print_json(item.to_json())
    else:
        _instance_table(judged)
    print_json({"coverage": coverage.to_json()}, to_stderr=True)
    return exit_of(coverage)


def _event_table(judged: Sequence[JudgedEvent]) -> None:
    table = _table("severity", "time (UTC)", "who", "where to", "region", "event id")
    for item in judged:
        event = item.event
        who = short(event.principal.name, 34)
        what = f"{short(item.request.service or event.source, 52)}{' ✖ ' + short(event.error_code, 30) if event.error_code else ''}"
        if event.name != "CreateVpcEndpoint":
            what = f"{short(event.name, 34)} {what}"
        when = event.time.strftime("%m-%d %H:%M:%S") if event.time != EPOCH else "unknown"
        _row(table, _severity(item.judgement), when, who, what, short(event.region, 20), event.id)
    _print(table)
    _reasons(
        (f"{item.event.principal.name} → {item.request.service or item.event.source}  {item.event.id}", item.judgement)
        for item in judged
    )
    say(f"{len(judged):,} {'event' if len(judged) == 1 else 'events'}")


def _instance_table(judged: Sequence[JudgedInstance]) -> None:
    table = _table("severity", "instance", "name", "state", "region")
    for item in judged:
        instance = item.instance
        _row(table, _severity(item.judgement), instance.id, short(instance.name, 30), instance.state, instance.region)
    _print(table)
    _reasons((f"{item.instance.id} {item.instance.name}", item.judgement) for item in judged)


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _row(table: "Table", *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(visible(cell)) for cell in cells))


def _print(table: "Table") -> None:
    import sys

    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 220).print(table)


def _reasons(subjects: Iterable[tuple[str, Judgement]]) -> None:
    """Why, for each subject that has reasons."""
    for subject, judgement in subjects:
        if judgement.signals:
            print(f"\n{_severity(judgement)}  {visible(subject)}")
            for signal in judgement.signals:
                print(f"  {sign(signal.severity.sign):<2} {signal.id}  {visible(signal.title)}")
                for fact in signal.evidence:
                    print(f"       {visible(fact.what)}: {visible(fact.value, limit=300)} ({fact.source})")


def _severity(judgement: Judgement) -> str:
    return f"{sign(judgement.severity.sign)} {judgement.severity.word.upper()}"
