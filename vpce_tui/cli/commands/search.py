"""``vpce-tui events`` and ``vpce-tui instances``: what happened, what looks compromised, and how complete that is."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vpce_tui.cli.commands.aws_access import (
    UsageError,
    context,
    event_history,
    lookback,
    moment,
    print_json,
    say,
    say_identity,
    session,
)
from vpce_tui.cloudtrail.event import EPOCH
from vpce_tui.cloudtrail.lookup import OLDEST
from vpce_tui.core.coverage import Coverage
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.text import short, sign, visible
from vpce_tui.detection.assessment import AssessedEvent, AssessedInstance, assess_events, assess_instances
from vpce_tui.detection.signals import Assessment
from vpce_tui.incident.incident_store import known_incidents

if TYPE_CHECKING:
    from rich.table import Table

    from vpce_tui.investigation.pipeline import Investigation
    from vpce_tui.investigation.snapshot import Snapshot


def exit_of(coverage: Coverage) -> Exit:
    """0 complete, 3 partly, 1 nothing."""
    if coverage.complete:
        return Exit.DONE
    return Exit.FAILED if coverage.nothing else Exit.PARTIAL


def events(args: argparse.Namespace) -> Exit:
    """List and assess events."""
    now = datetime.now(UTC)
    names = tuple(args.event_name or ("CreateVpcEndpoint",))
    found = _in_files(args, names, now) if args.log_files else _in_account(args, names, now)
    assessed = assess_events(
        tuple(found.events.values()), found.assessment_inputs(context(), {}, now, known_incidents().recorded_calls)
    )
    if args.json:
        for item in assessed:
            print_json(item.to_json())
    else:
        _event_table(assessed)
    print_json({"coverage": found.coverage.to_json()}, to_stderr=True)
    return exit_of(found.coverage)


def instances(args: argparse.Namespace) -> Exit:
    """List and assess instances."""
    now = datetime.now(UTC)
    found = _in_account(args, ("CreateVpcEndpoint",), now)
    known = found.assessment_inputs(context(), {}, now, known_incidents().recorded_calls)
    assessed = assess_instances(known, assess_events(tuple(found.events.values()), known))
    if args.json:
        for item in assessed:
            print_json(item.to_json())
    else:
        _instance_table(assessed)
    print_json({"coverage": found.instance_coverage.to_json()}, to_stderr=True)
    return exit_of(found.instance_coverage)


def _in_files(args: argparse.Namespace, names: Sequence[str], now: datetime) -> "Snapshot":
    from vpce_tui.investigation.pipeline import from_files

    since = moment(args.since, now) if args.since else None
    until = moment(args.until, now) if args.until else None
    return from_files(
        Path(args.log_files), context(), names=names, since=since, until=until, regions=tuple(args.region or ())
    )


def _in_account(args: argparse.Namespace, names: tuple[str, ...], now: datetime) -> "Snapshot":
    from vpce_tui.investigation.pipeline import Investigation, Scope

    since = moment(getattr(args, "since", "") or "24h", now)
    asked_until = getattr(args, "until", "")
    until = min(moment(asked_until, now), now) if asked_until else now
    if since > until:
        raise UsageError("--since is after --until")
    if until < now - OLDEST:
        raise UsageError("event history goes back 90 days, and --until is before that; use log files: --log-files PATH")
    client = session(args)
    identity = client.identity()
    say_identity(identity.account, identity.arn, read_only=client.read_only)
    scope = Scope(
        since=since,
        until=until,
        regions=tuple(args.region or ()),
        names=names,
        lookback=lookback(args.lookback, now),
        now=now,
    )
    history = event_history(client)
    return _run(lambda show: Investigation(client, history, scope, context(), on_snapshot=show))


def _run(made: "Callable[[Callable[[Snapshot], object]], Investigation]") -> "Snapshot":
    """Investigate, and say how far it is; ``^C`` ends it and keeps what was answered."""
    from vpce_tui.cli.commands.lookback_meter import LookbackMeter

    with LookbackMeter() as meter, ThreadPoolExecutor(1) as pool:
        investigation = made(meter.show)
        running = pool.submit(investigation.run)
        try:
            return running.result()
        except KeyboardInterrupt:
            investigation.cancel.stop()
            return running.result()


def _event_table(assessed: Sequence[AssessedEvent]) -> None:
    table = _table("severity", "time (UTC)", "who", "service", "region", "event id")
    for item in assessed:
        event = item.event
        who = short(event.principal.name, 34)
        what = f"{short(item.request.service or event.source, 52)}{' ✖ ' + short(event.error_code, 30) if event.error_code else ''}"
        if event.name != "CreateVpcEndpoint":
            what = f"{short(event.name, 34)} {what}"
        when = event.time.strftime("%m-%d %H:%M:%S") if event.time != EPOCH else "unknown"
        _row(table, _severity(item.assessment), when, who, what, short(event.region, 20), event.id)
    _print(table)
    _reasons(
        (f"{item.event.principal.name} → {item.request.service or item.event.source}  {item.event.id}", item.assessment)
        for item in assessed
    )
    say(f"{len(assessed):,} {'event' if len(assessed) == 1 else 'events'}")


def _instance_table(assessed: Sequence[AssessedInstance]) -> None:
    table = _table("severity", "status", "instance", "name", "state", "region")
    for item in assessed:
        instance = item.instance
        _row(
            table,
            _severity(item.assessment),
            item.status.value,
            instance.id,
            short(instance.name, 30),
            instance.state,
            instance.region,
        )
    _print(table)
    _reasons((f"{item.instance.id} {item.instance.name}", item.assessment) for item in assessed)


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


def _reasons(subjects: Iterable[tuple[str, Assessment]]) -> None:
    """Why, for each subject that has reasons."""
    for subject, assessment in subjects:
        if assessment.signals:
            print(f"\n{_severity(assessment)}  {visible(subject)}")
            for signal in assessment.signals:
                print(f"  {sign(signal.severity.sign):<2} {signal.id}  {visible(signal.title)}")
                for fact in signal.evidence:
                    print(f"       {visible(fact.what)}: {visible(fact.value, limit=300)} ({fact.source})")


def _severity(assessment: Assessment) -> str:
    return f"{sign(assessment.severity.sign)} {assessment.severity.word.upper()}"
