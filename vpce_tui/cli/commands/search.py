"""``vpce-tui events`` and ``vpce-tui instances``: what happened, what looks compromised, and how complete that is."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from vpce_tui.aws.session import AwsSession
from vpce_tui.cli.commands.aws_access import UsageError, context, moment, print_json, say, say_identity, session
from vpce_tui.cli.commands.aws_access import look_back as look_back_of
from vpce_tui.cloudtrail.event import EPOCH, Event
from vpce_tui.cloudtrail.event_history import OLDEST, RATE, Question, enabled_regions
from vpce_tui.cloudtrail.log_files import read as read_files
from vpce_tui.core import paths
from vpce_tui.core.coverage import Coverage, Part, Status
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.text import many, short, sign, visible
from vpce_tui.detection.assessment import (
    JudgedEvent,
    JudgedInstance,
    Known,
    judge_events,
    judge_instances,
    merged,
    ours_of,
    services_of,
    whole_past,
)
from vpce_tui.detection.signals import Judgement

if TYPE_CHECKING:
    from rich.table import Table

    from vpce_tui.aws.caller import Cancel
    from vpce_tui.cloudtrail.event_history import History
    from vpce_tui.investigation.lookback import Ask, Told


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
        everything, found, coverage = _from_files(args, names, now)
        told = context()
        judged = judge_events(
            found, Known(whole_past(everything), None, ours_of(everything, told), None, told, now=now)
        )
    else:
        judged, coverage = _from_history(args, names, now)
    if args.json:
        for item in judged:
            print_json(item.to_json())
    else:
        _event_table(judged)
    print_json({"coverage": coverage.to_json()}, to_stderr=True)
    return exit_of(coverage)


def _from_files(
    args: argparse.Namespace, names: list[str], now: datetime
) -> tuple[Sequence[Event], Sequence[Event], Coverage]:
    """Every event of the files, those that are asked for, and the coverage."""
    since = moment(args.since, now) if args.since else EPOCH
    until = moment(args.until, now) if args.until else None

    def wanted(event: Event) -> bool:
        return (
            ("*" in names or event.name in names)
            and (event.time >= since)
            and (until is None or event.time <= until)
            and (not args.region or event.region in args.region)
        )

    found = read_files(Path(args.trail))
    return found.events, [event for event in found.events if wanted(event)], found.coverage


def _from_history(args: argparse.Namespace, names: list[str], now: datetime) -> tuple[list[JudgedEvent], Coverage]:
    from vpce_tui.cloudtrail.event_cache import Cache
    from vpce_tui.cloudtrail.event_history import History

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
    history = History(caller, Cache(paths.cache_folder()))
    asked = regions if set(names) == {"CreateVpcEndpoint"} else sorted({*regions, "us-east-1"})
    found = history.look_up(asked, questions)
    judged, _, lacking, said = _with_everything(caller, history, found.events, regions, now, args)
    known = {part.name for part in found.coverage.missing}
    lacking = [part for part in lacking if part.name not in known]
    return judged, merged(found.coverage, [*lacking, *gaps], [*notes, *said])


def _with_everything(
    caller: AwsSession,
    history: "History",
    events: Sequence[Event],
    regions: Sequence[str],
    now: datetime,
    args: argparse.Namespace,
) -> tuple[list[JudgedEvent], tuple[list[JudgedInstance], Coverage], list[Part], list[str]]:
    """Judged with the account as it is now and a look back; what could not be looked at, and notes."""
    from vpce_tui.cloudtrail.event_index import Past
    from vpce_tui.iam import role_privileges, trust_zone_lookup
    from vpce_tui.inventory.account_inventory import look
    from vpce_tui.investigation.lookback import asks, left_out, look_back

    told = context()
    whose = trust_zone_lookup.look(caller, told.own_accounts, told.organisations, told.trusted_principals)
    inventory = look(caller, regions, services=services_of(events))
    found = [finding.instance_id for region in inventory.regions.values() for finding in region.findings]
    span = look_back_of(args.look_back, now)
    wanted = asks(events, inventory.instances, found, regions, now, span) if span else []
    answer = _asked(wanted, lambda cancel: look_back(history, wanted, cancel=cancel))
    known = Known(
        Past((*events, *answer.events), answer.answered),
        inventory.regions,
        whose.ours,
        role_privileges.look(caller),
        told,
        now=now,
    )
    judged = judge_events(events, known)
    parts = [Part(f"{part.name} as it is now", part.status, part.reason) for part in inventory.coverage.missing]
    parts += answer.unanswered
    said = [note for note in (left_out(inventory.instances), *whose.unknown) if note]
    if known.roles is not None and known.roles.problem:
        parts.append(Part("roles", Status.PARTIAL, known.roles.problem))
    return judged, (judge_instances(known, judged), inventory.coverage), parts, said


def _asked(wanted: "Sequence[Ask]", work: "Callable[[Cancel], Told]") -> "Told":
    """Look back, and say what is asked and how long it takes; ``^C`` ends it and keeps what was answered."""
    from concurrent.futures import ThreadPoolExecutor

    from vpce_tui.aws.caller import Cancel

    if not wanted:
        return work(Cancel())
    most = Counter(region for item in wanted for region in item.regions).most_common(1)[0][1]
    regions = len({region for item in wanted for region in item.regions})
    say(
        f"asking event history {many(len(wanted), 'question')} in {many(regions, 'region')}, some {most / RATE:.0f} s "
        "where nothing is cached (^C: go on with what is answered; --look-back 0s: do not ask)"
    )
    cancel = Cancel()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work, cancel)
        try:
            return running.result()
        except KeyboardInterrupt:
            cancel.stop()
            return running.result()


def _regions(caller: AwsSession, asked: list[str] | None) -> tuple[Sequence[str], str]:
    if asked:
        return asked, ""
    return enabled_regions(caller)


def instances(args: argparse.Namespace) -> Exit:
    """List and judge instances."""
    from vpce_tui.cloudtrail.event_cache import Cache
    from vpce_tui.cloudtrail.event_history import History

    now = datetime.now(UTC)
    caller = session(args)
    identity = caller.identity()
    say_identity(identity.account, identity.arn, read_only=caller.read_only)
    regions, note = _regions(caller, args.region)
    history = History(caller, Cache(paths.cache_folder()))
    endpoints = history.look_up(regions, [Question(now - timedelta(hours=24), now)])
    _, (judged, looked), parts, notes = _with_everything(caller, history, endpoints.events, regions, now, args)
    gaps = [Part("list of regions", Status.DENIED, note)] if note else []
    gaps += [part for part in parts if not part.name.endswith("as it is now")]
    coverage = merged(looked, gaps, notes)
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
