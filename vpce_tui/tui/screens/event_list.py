"""The events: what was created, assessed, with the reasons under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from vpce_tui.core.coverage import Coverage
from vpce_tui.core.text import short, sign
from vpce_tui.detection.signals import Severity
from vpce_tui.tui.screens.assessed_list import AssessedListScreen, joined, reasons_of, severity_cell, why_text
from vpce_tui.tui.screens.event_detail import EventScreen
from vpce_tui.tui.screens.event_page import BEGINNING, raw_lines, what_to_do
from vpce_tui.tui.screens.event_targets import choose_playbook, open_instance_of
from vpce_tui.tui.screens.suppress import suppress
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.safe_text import hanging, line
from vpce_tui.tui.widgets.steady import Steady
from vpce_tui.tui.widgets.table import Column, TableRow
from vpce_tui.tui.widgets.timeline import Parts, timeline

if TYPE_CHECKING:
    from vpce_tui.detection.assessment import AssessedEvent


def who(item: AssessedEvent) -> str:
    """The principal as people name it: role and instance for an instance's session."""
    principal = item.event.principal
    if principal.instance_id:
        return f"{principal.role_name} · {principal.instance_id}"
    return principal.name


def where_to(item: AssessedEvent) -> str:
    """The service an endpoint leads to; what became of an attempt; the event's name for others."""
    event = item.event
    if not event.creates_endpoint:
        return f"{event.source.removesuffix('.amazonaws.com')}: {event.name}"
    from vpce_tui.aws.endpoint_services import service_short  # noqa: PLC0415

    resource = item.request.resource.rpartition("/")[2]
    name = service_short(item.request.service) or resource or "unknown service"
    if "vpce-svc" in name or resource:
        name = f"{sign('↗')} {name}"
    if event.dry_run:
        return f"dry run: {name}"
    if item.endpoint_gone:
        return f"deleted: {name}"
    return f"refused: {name}" if event.error_code else name


def also(item: AssessedEvent) -> str:
    """What a filter finds an event by, beside what its row shows."""
    event, request = item.event, item.request
    named = (
        event.source_ip,
        event.user_agent,
        event.error_code,
        event.principal.arn,
        event.principal.access_key_id,
        request.endpoint_id,
        request.service,
        request.vpc_id,
        *request.groups,
        *request.subnets,
    )
    return f"{' '.join(named)} {reasons_of(item.assessment)}"


def _wider(parts: Parts, by: int) -> Parts:
    """Each cell so many times as wide."""
    return [("".join(cell * by for cell in text), look) for text, look in parts]


def _cell(item: AssessedEvent) -> str:
    if item.assessment.response and item.assessment.severity is Severity.INFO:
        return f"{sign('i'):<2} RESPONSE"
    return f"{sign('i'):<2} SUPPRESSED" if item.assessment.suppressed else severity_cell(item.assessment.severity)


class EventsScreen(AssessedListScreen):
    """The list of events."""

    base = "events"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("instance", "instance"),
        binding("playbooks", "playbooks"),
        binding("related-events", "around"),
        binding("suppress", "suppress"),
        binding("all-events", "all"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.every = False
        self._by_key: dict[str, AssessedEvent] = {}

    def above(self) -> ComposeResult:
        yield Steady(id="timeline")

    def show(self) -> None:
        shown = [item for item in self._shown() if item.event.time > BEGINNING]
        end = self.main.now()
        begin = end - self.workspace.since
        if self.workspace.log_files and shown:
            begin, end = min(item.event.time for item in shown), max(item.event.time for item in shown)
            begin -= timedelta(minutes=1)
        width = max(self.size.width - 26, 20)
        hours = max((end - begin).total_seconds() / 3600, 1)
        each = next((size for size in (1, 2, 3, 6, 12, 24, 48, 168) if hours / size <= width), int(hours / width) + 1)
        slots = max(int(-(-hours // each)), 1)
        assessed = (
            (item.event.time, item.assessment.severity if item.event.request is not None else None) for item in shown
        )
        upper, lower, _ = timeline(assessed, end - timedelta(hours=each * slots), end, slots)
        wide = min(max(width // slots, 1), 3)
        span = _hours((end - begin).total_seconds()) if not self.workspace.log_files else f"{begin:%m-%d %H:%MZ}"
        last = "now" if not self.workspace.log_files else f"{end:%H:%MZ}"
        strip = [
            line(f" {f'{span}, by {each} h':>15} ", *_wider(upper, wide), f" {last}"),
            line(f" {'worst':>15} ", *_wider(lower, wide)),
        ]
        self.query_one("#timeline", Steady).update(joined(strip))
        super().show()

    def columns(self) -> Sequence[Column]:
        return (
            Column("   SEVERITY", 12),
            Column("WHEN", 10),
            Column("WHO", 20, grows=True),
            Column("SERVICE", 14, grows=True),
            Column("REGION", 14),
        )

    @property
    def crumb(self) -> str:
        return "Events"

    def _shown(self) -> list[AssessedEvent]:
        if self.every:
            return self.workspace.assessed
        return [item for item in self.workspace.assessed if item.event.name == "CreateVpcEndpoint"]

    def table_rows(self) -> list[TableRow]:
        self._by_key = {}
        for item in self._shown():
            key = self._key(item)
            while key in self._by_key:  # two records may claim one id
                key += "'"
            self._by_key[key] = item
        return [
            TableRow(
                key=key,
                cells=(
                    _cell(item),
                    self.main.ago(item.event.time) if item.event.time > BEGINNING else "no time",
                    who(item),
                    where_to(item),
                    item.event.region,
                ),
                look=item.assessment.severity.word,
                also=also(item),
            )
            for key, item in self._by_key.items()
        ]

    @staticmethod
    def _key(item: AssessedEvent) -> str:
        return item.event.id or f"nameless-{id(item.event)}"

    def searched(self) -> Coverage:
        return self.workspace.coverage

    def crumbs(self) -> str:
        shown = self._shown()
        worth = sum(item.assessment.severity >= Severity.MEDIUM for item in shown)
        hidden = sum(bool(item.assessment.suppressed) for item in shown)
        suppressed = f", {hidden} suppressed" if hidden else ""
        span = "files" if self.workspace.log_files else _hours(self.workspace.since.total_seconds())
        if (
            not shown
            and (self.workspace.coverage.running or not self.workspace.coverage.parts)
            and not self.workspace.problem
        ):
            return f"Events ─ {span}, searching"
        return self.filtered(
            f"Events ─ {span}, {len(shown):,} {'event' if len(shown) == 1 else 'events'}, {worth:,} to review{suppressed}"
        )

    def keys(self) -> Sequence[KeyHint]:
        hint = self.main.keymap.hint
        found = [hint("open"), hint("instances")]
        if not self.workspace.log_files:
            found.append(hint("playbooks"))
        found += [hint("related-events"), hint("filter")]
        if self.workspace.log_files:
            found.append(hint("all-events", "only endpoints" if self.every else "all events"))
        if not self.workspace.read_only and not self.workspace.log_files:
            found.append(hint("suppress"))
        return [*found, hint("copy"), hint("refresh"), hint("help"), hint("quit")]

    def why(self, key: str) -> Content:
        item = self._by_key.get(key)
        if item is None:
            return self._nothing()
        width, event = self.page_width, item.event
        found = []
        said = () if self.workspace.log_files else what_to_do(item, self.workspace, self.main.keymap, done_lines=1)
        for label, text in said:
            found += hanging(f"{label}: ", text, width, "bold")
        found += why_text(item.assessment, width, full=False)
        found += hanging("   from ", f"{event.source_ip}  by {short(event.user_agent, 38)}", width, "dim")
        harmless = next((signal.false_positives for signal in item.assessment.signals if not signal.mitigating), "")
        if harmless:
            found += hanging("   false positive if: ", harmless, width)
        if self.app.size.width >= 130:
            found += [line(""), *raw_lines(item, self.page_width, 6000)]
        return joined(found)

    def _nothing(self) -> Content:
        if self.workspace.problem:
            keys = self.main.keymap
            return joined(
                [
                    line(("Nothing could be searched.", "bold")),
                    line(self.workspace.problem),
                    line(f"Try again ({keys.shown('refresh')})   Coverage ({keys.shown('coverage')})"),
                ]
            )
        if self.filter:
            return line(f"No row matches the filter. Clear it ({self.main.keymap.shown('back')}).")
        if self.workspace.coverage.running or not self.workspace.coverage.parts:
            return line("Looking…")
        if self.workspace.events:
            return line(
                f"{len(self.workspace.events):,} events were read, and none is a CreateVpcEndpoint. "
                f"Show all of them ({self.main.keymap.shown('all-events')})."
            )
        return line(
            "No CreateVpcEndpoint event in this time. See the coverage line for the regions that were searched."
        )

    def on_table_chosen(self) -> None:
        item = self._by_key.get(self.table.key)
        if item is not None:
            self.app.push_screen(EventScreen(item))

    def action_playbooks(self) -> None:
        """The playbooks for the instance behind the event."""
        item = self._by_key.get(self.table.key)
        if item is not None:
            choose_playbook(self, item)

    def action_instance(self) -> None:
        """The instance whose role session made the call."""
        item = self._by_key.get(self.table.key)
        if item is not None:
            open_instance_of(self, item)

    def action_around(self) -> None:
        """Other events of the same key, address, principal, …"""
        item = self._by_key.get(self.table.key)
        if item is not None:
            self.main.open_around(item.event, None)

    def action_suppress(self) -> None:
        """Suppress it, with a reason and an end."""
        item = self._by_key.get(self.table.key)
        if item is not None:
            suppress(self, item)

    def action_all(self) -> None:
        """All events of the files, or only those that make endpoints."""
        if self.workspace.log_files:
            self.every = not self.every
            self.update()
        else:
            self.main.say(
                "Only CreateVpcEndpoint events were searched. Other calls: related events "
                f"({self.main.keymap.shown('related-events')}), or start with --log-files."
            )


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:g} h" if hours < 72 else f"{hours / 24:g} d"
