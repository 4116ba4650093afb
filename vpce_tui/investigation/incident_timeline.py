"""An incident on one axis: what the intruder called, and what was done about it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from vpce_tui.blocks.model import (
    Block,
    BlockRow,
    ColumnKind,
    SeriesBlock,
    SeriesLine,
    TableBlock,
    TextBlock,
    column,
    wrong,
)
from vpce_tui.cloudtrail.event import EPOCH, Event, parse_text
from vpce_tui.cloudtrail.sensitive_calls import contextual_meaning, impact_with_target
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.text import many
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.incident.evidence import kept
from vpce_tui.incident.narrative import narrate
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.rows import EvidenceKept, JournalRow, RowKind

_SLOTS: Final = 72
_WIDTHS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 1440, 2880, 10080, 20160)
"""Minutes of a slot of the axis."""
_COLUMNS: Final = (
    column("TIME", ColumnKind.TIME, "UTC: CloudTrail's time for the intruder's calls, the clock of this host for ours"),
    column("SIDE", means="suspect: a call by, or about, what this incident acts on; response: ours"),
    column("WHAT"),
    column("WHO"),
    column("ON"),
    column("OUTCOME"),
)


@dataclass(frozen=True, slots=True)
class _Entry:
    at: datetime
    suspect: bool
    what: str
    who: str
    on: str
    outcome: str


def events_in_evidence(rows: Iterable[JournalRow], folder: Path) -> tuple[list[Event], list[str]]:
    """The CloudTrail events in an incident's evidence files, and the names of files that are gone or were changed."""
    found: dict[str, Event] = {}
    missing: list[str] = []
    for row in rows:
        if row.kind != RowKind.EVIDENCE.value:
            continue
        try:
            held = row.content
            assert isinstance(held, EvidenceKept)
            name, content = held.evidence, kept(folder, held.sha256)
        except (RecordError, OSError):
            missing.append(f"row {row.seq}")
            continue
        if content is None:
            missing.append(name)
        elif b"CloudTrailEvent" in content:
            found |= {event.id: event for event in _events(content) if event.id}
    return list(found.values()), missing


def _events(content: bytes) -> Iterable[Event]:
    try:
        pages: Any = json.loads(content).get("pages")
    except (ValueError, RecursionError, AttributeError):
        return
    for page in pages if isinstance(pages, list) else ():
        items = page.get("Events") if isinstance(page, Mapping) else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping) and isinstance(item.get("CloudTrailEvent"), str):
                yield parse_text(item["CloudTrailEvent"])


def incident_timeline(
    rows: Sequence[JournalRow],
    events: Iterable[Event],
    *,
    missing: Sequence[str] = (),
    searched: bool = True,
    trust_zone: TrustZone = TrustZone(),
) -> list[Block]:
    """Both sides as a table, and as a series each. ``missing``: evidence files that could not be read."""
    targets = _targets(rows)
    responders = {row.operator for row in rows}
    suspects = [event for event in events if event.principal.arn not in responders and event.time > EPOCH]
    entries = sorted(
        [*_of_suspects(suspects, targets, trust_zone), *_of_responders(rows)],
        key=lambda entry: (entry.at, entry.suspect),
    )
    said = "suspect: sensitive, refused and endpoint-creating calls by or about the targets of this incident; data events are not in event history"
    found: list[Block] = [TextBlock(text=said)]
    if not searched:
        said = (
            "only events in this incident's evidence files are included; the app's timeline adds the events that it searched, and may "
            "know of more calls"
        )
        found.append(TextBlock(text=said, warning=True))
    if missing:
        said = f"{many(len(missing), 'evidence file')} could not be read: {', '.join(missing[:5])}; run vpce-tui verify"
        found.append(TextBlock(text=said, warning=True))
    found.append(
        TableBlock(title="incident timeline", columns=_COLUMNS, rows=tuple(_row(*item) for item in enumerate(entries)))
    )
    series = _series(entries) if entries else None
    if series is not None and not wrong(series):  # a time of a record that was handed over may be any
        found.append(series)
    return found


def _row(number: int, entry: _Entry) -> BlockRow:
    side = "suspect" if entry.suspect else "response"
    cells = (rfc3339(entry.at), side, entry.what, entry.who, entry.on, entry.outcome)
    return BlockRow(id=str(number), cells=cells, worst=entry.suspect)


def _targets(rows: Iterable[JournalRow]) -> frozenset[str]:
    """What the incident's playbooks act on; of a principal its name, as ``user/x``."""
    keys = (_step_of(row) for row in rows)
    return frozenset(key.split("/", 1)[1].rpartition("/")[0] for key in keys if key.count("/") >= 2)


def _step_of(row: JournalRow) -> str:
    try:
        return str(getattr(row.content, "step", ""))
    except RecordError:
        return ""


def _of_suspects(events: Sequence[Event], targets: frozenset[str], trust_zone: TrustZone) -> Iterable[_Entry]:
    keys = {
        event.principal.access_key_id
        for event in events
        if event.principal.access_key_id and (event.principal.instance_id in targets or _made_a_target(event, targets))
    }
    for event in events:
        if not (event.principal.access_key_id in keys or _concerns(event, targets)):
            continue
        means = impact_with_target(event, trust_zone) or contextual_meaning(event)
        if event.request is not None:
            means = f"created endpoint {event.request.endpoint_id} to {event.request.service or event.request.resource}"
        if not means and not event.refused:
            continue
        outcome = _outcome(event)
        yield _Entry(
            at=event.time,
            suspect=True,
            what=f"{event.name} {outcome}: {event.error_code}" if event.error_code else f"{event.name}: {means}",
            who=f"{event.principal.name} from {event.source_ip}",
            on=event.region,
            outcome=outcome,
        )


def _outcome(event: Event) -> str:
    if event.dry_run:
        return "dry run"
    if event.refused:
        return "refused"
    return "failed" if event.error_code else "done"


def _made_a_target(event: Event, targets: frozenset[str]) -> bool:
    return event.request is not None and event.request.endpoint_id in targets


def _concerns(event: Event, targets: frozenset[str]) -> bool:
    """Whether one of the targets made the call, or was made by it."""
    principal = event.principal
    names = {
        principal.instance_id,
        principal.access_key_id,
        *(_named(arn) for arn in (principal.arn, principal.role_arn)),
    }
    return bool(names & targets) or _made_a_target(event, targets)


def _named(arn: str) -> str:
    """``user/x`` or ``role/x`` of a principal's ARN; of a session, its role."""
    kind, _, rest = arn.partition(":user/") if ":user/" in arn else arn.partition("role/")
    return f"{'user' if ':user/' in arn else 'role'}/{rest.split('/')[0]}" if kind and rest else ""


def _of_responders(rows: Sequence[JournalRow]) -> Iterable[_Entry]:
    for entry in narrate(rows):
        if entry.subject and not entry.calls_aws and not entry.decided:
            continue
        yield _Entry(
            at=datetime.fromisoformat(entry.time),
            suspect=False,
            what=entry.says,
            who=entry.operator,
            on=entry.subject,
            outcome=entry.mark.value,
        )


def _series(entries: Sequence[_Entry]) -> SeriesBlock:
    first, last = entries[0].at, entries[-1].at
    minutes = max(1, int((last - first) / timedelta(minutes=1)) + 1)
    width = next((one for one in _WIDTHS if minutes / one <= _SLOTS), -(-minutes // _SLOTS))
    count = minutes // width + 1
    values = {True: [0] * count, False: [0] * count}
    for entry in entries:
        values[entry.suspect][int((entry.at - first) / timedelta(minutes=width))] += 1
    return SeriesBlock(
        title="calls over time",
        start=rfc3339(first),
        slot_minutes=width,
        kind=ColumnKind.COUNT,
        lines=(
            SeriesLine(name="suspect", values=tuple(values[True])),
            SeriesLine(name="response", values=tuple(values[False])),
        ),
    )
