"""The events: what was created, judged, with the reasons under the cursor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from vpce_tui.coverage import Coverage
from vpce_tui.inventory.parse import account_of
from vpce_tui.screens.frame import Frame
from vpce_tui.screens.lists import LOOK, ListFrame, joined, severity_cell, why_text
from vpce_tui.signals.model import Severity
from vpce_tui.text import short, sign, visible
from vpce_tui.widgets.bars import Key
from vpce_tui.widgets.safe import hanging, line, lines
from vpce_tui.widgets.table import Column, Row

if TYPE_CHECKING:
    from vpce_tui.review import JudgedEvent
    from vpce_tui.trail.event import Principal

BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
"""Before this an event has no time."""

RAW_LIMIT = 60_000


def who(item: JudgedEvent) -> str:
    """The principal as people name it: role and instance for an instance's session."""
    principal = item.event.principal
    if principal.instance_id:
        return f"{principal.role_name} · {principal.instance_id}"
    return principal.name


def where_to(item: JudgedEvent) -> str:
    """The service an endpoint leads to; what became of an attempt; the event's name for others."""
    event = item.event
    if not event.creates_endpoint:
        return f"{event.source.removesuffix('.amazonaws.com')}: {event.name}"
    from vpce_tui.signals.endpoint.subject import service_short  # noqa: PLC0415

    name = service_short(item.request.service) or "unknown service"
    if "vpce-svc" in name:
        name = f"{sign('↗')} {name}"
    if event.dry_run:
        return f"{name}, dry run"
    return f"{name}, refused" if event.error_code else name


class EventsScreen(ListFrame):
    """The list of events."""

    base = "events"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "app.go('instances')", show=False),
        Binding("p", "playbooks", show=False),
        Binding("o", "same_principal", show=False),
        Binding("a", "all", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.every = False

    def columns(self) -> Sequence[Column]:
        return (
            Column("   SEVERITY", 12), Column("WHEN", 10), Column("WHO", 20, grows=True), Column("WHERE TO", 14, grows=True),
            Column("REGION", 14),
        )  # fmt: skip

    def _shown(self) -> list[JudgedEvent]:
        if self.every:
            return self.work.judged
        return [item for item in self.work.judged if item.event.name == "CreateVpcEndpoint"]

    def table_rows(self) -> list[Row]:
        self._by_key = {self._key(item): item for item in self._shown()}
        return [
            Row(
                key,
                (
                    severity_cell(item.judgement.severity), self.main.ago(item.event.time) if item.event.time > BEGINNING else "no time",
                    who(item), where_to(item), item.event.region,
                ),
                item.judgement.severity.word,
            )
            for key, item in self._by_key.items()
        ]  # fmt: skip

    @staticmethod
    def _key(item: JudgedEvent) -> str:
        return item.event.id or f"nameless-{id(item.event)}"

    def searched(self) -> Coverage:
        return self.work.coverage

    def crumbs(self) -> str:
        shown = self._shown()
        worth = sum(item.judgement.severity >= Severity.MEDIUM for item in shown)
        span = "files" if self.work.trail else _hours(self.work.since.total_seconds())
        if not shown and (self.work.coverage.running or not self.work.coverage.parts) and not self.work.problem:
            return f"Events ─ {span}, looking"
        return f"Events ─ {span}, {len(shown):,} {'event' if len(shown) == 1 else 'events'}, {worth:,} to look at"

    def keys(self) -> Sequence[Key]:
        found = [Key("↵", "open"), Key("i", "instances")]
        if not self.work.trail:
            found.append(Key("p", "playbooks"))
        found += [Key("o", "same principal"), Key("/", "filter")]
        if self.work.trail:
            found.append(Key("a", "only endpoints" if self.every else "all events"))
        return [*found, Key("y", "copy"), Key("r", "refresh"), Key("?", "help"), Key("q", "quit")]

    def why(self, key: str) -> Content:
        item = self._by_key.get(key)
        if item is None:
            return self._nothing()
        found = why_text(item.judgement, self.page_width, full=False)
        event = item.event
        found.append(line((f"   from {event.source_ip}  by {short(event.user_agent, 38)}", "dim")))
        harmless = next((signal.harmless_if for signal in item.judgement.signals if not signal.lowers), "")
        if harmless:
            found += hanging("   harmless if: ", harmless, self.page_width)
        if event.principal.instance_id and not self.work.trail:
            found.append(
                line(
                    ("   do: ", "dim"),
                    "contain ",
                    *((f"the endpoint {item.request.endpoint_id} and ",) if item.request.endpoint_id else ()),
                    "the instance ",
                    (event.principal.instance_id, "bold"),
                    " (p)",
                )
            )
        if self.app.size.width >= 130:
            found += [line(""), *raw_lines(item, self.page_width, 6000)]
        return joined(found)

    def _nothing(self) -> Content:
        if self.work.problem:
            return joined(
                [
                    line(("Nothing can be looked at.", "bold")),
                    line(self.work.problem),
                    line("r: try again   !: coverage"),
                ]
            )
        if self.filter:
            return line("No row has all these words. Escape clears the filter.")
        if self.work.coverage.running or not self.work.coverage.parts:
            return line("Looking…")
        if self.work.events:
            return line(
                f"{len(self.work.events):,} events were read, and none is a CreateVpcEndpoint. Press a for all of them."
            )
        return line("No CreateVpcEndpoint event in this time. The coverage above says where was looked.")

    def on_table_chosen(self) -> None:
        item = self._by_key.get(self.table.key)
        if item is not None:
            self.app.push_screen(EventScreen(item))

    def action_playbooks(self) -> None:
        """The playbooks for the instance behind the event."""
        item = self._by_key.get(self.table.key)
        if item is not None:
            choose_playbook(self, item)

    def action_same_principal(self) -> None:
        """Only events of this principal; again: all."""
        item = self._by_key.get(self.table.key)
        from textual.widgets import Input  # noqa: PLC0415

        box = self.query_one("#filter", Input)
        if item is not None and not box.value:
            box.add_class("-on")
            box.value = who(item).split(" · ")[-1]
        else:
            self.action_leave()

    def action_all(self) -> None:
        """All events of the files, or only those that make endpoints."""
        if self.work.trail:
            self.every = not self.every
            self.update()


def choose_playbook(screen: Frame, item: JudgedEvent) -> None:
    """Open the playbooks for what stands behind an event, or say why there is none."""
    if screen.work.trail:
        screen.main.say("A playbook needs the account: start vpce-tui without --trail.")
        return
    instance, endpoint, region = item.event.principal.instance_id, item.request.endpoint_id, item.event.region
    targets = [(instance, region)] if instance else []
    if endpoint:
        targets.append((endpoint, region))
    own = screen.work.identity.account if screen.work.identity else ""
    principal = principal_target(item.event.principal, own)
    if principal:
        targets.append((principal, region))
    else:
        who = item.event.principal
        screen.main.say(
            f"No user or role stands behind it: it was done by {who.name} ({who.type or 'no type'}), whom IAM does not know. "
            "Look for the call that made its session: GetFederationToken, AssumeRoleWithSAML or AssumeRoleWithWebIdentity."
        )
    screen.main.open_playbooks(targets)


def principal_target(principal: Principal, own: str) -> str:
    """The user or role behind a principal as a playbook's target; of a session the one that handed it out; ``""``: none.

    One of another account than ``own`` is named by its whole ARN: the playbook then says that it is not ours to act on.
    """
    for arn in (principal.arn, principal.role_arn):
        target = _target_of(arn)
        if target:
            return target if account_of(arn) == own else arn
    return ""


def _target_of(arn: str) -> str:
    resource = arn.split(":", 5)[5] if arn.count(":") >= 5 else ""
    kind, _, rest = resource.partition("/")
    if kind == "assumed-role":
        return f"role/{rest.split('/')[0]}"
    return resource if kind in ("user", "root") else ""


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:g} h" if hours < 72 else f"{hours / 24:g} d"


def raw_lines(item: JudgedEvent, width: int, limit: int = RAW_LIMIT) -> list[Content]:
    """The raw record, indented, made safe; what is longer than a line goes on under where it began."""
    text = json.dumps(item.event.record, indent=2, ensure_ascii=False)
    found = [line(("raw record", "bold"))]
    for part in visible(text, limit=limit, multiline=True).split("\n"):
        indent = part[: len(part) - len(part.lstrip())]
        found += hanging(indent, part.lstrip(), width)
    return found


class EventScreen(Frame):
    """One event: the reasons with their evidence, what was asked for, and the raw record."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll(3)", show=False),
        Binding("k,up", "scroll(-3)", show=False),
        Binding("g", "scroll(-100000)", show=False),
        Binding("G", "scroll(100000)", show=False),
        Binding("p", "playbooks", show=False),
        Binding("i", "instance", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, item: JudgedEvent) -> None:
        super().__init__()
        self.item = item

    def body(self) -> ComposeResult:
        with VerticalScroll(classes="reading", id="page"):
            yield Static(id="text")

    def crumbs(self) -> str:
        return f"Events › {self.item.event.id or 'event without id'}"

    def keys(self) -> Sequence[Key]:
        found = [Key("esc", "back")]
        if not self.work.trail:
            found.append(Key("p", "playbooks"))
        if self.item.event.principal.instance_id and not self.work.trail:
            found.append(Key("i", "instance"))
        return [*found, Key("y", "copy event id"), Key("j k", "scroll"), Key("?", "help"), Key("q", "quit")]

    def show(self) -> None:
        item = next((known for known in self.work.judged if known.event is self.item.event), self.item)
        self.query_one("#text", Static).update(
            lines(_event_text(item, self.main.ago(item.event.time), max(self.query_one("#page").size.width - 4, 40)))
        )

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        self.query_one("#page", VerticalScroll).scroll_relative(y=by, animate=False)

    def action_playbooks(self) -> None:
        """The playbooks for what stands behind it."""
        choose_playbook(self, self.item)

    def action_instance(self) -> None:
        """The instance behind it."""
        self.main.open_instance(self.item.event.principal.instance_id)

    def action_copy(self) -> None:
        """Copy the event id."""
        self.main.copy(self.item.event.id)


def _event_text(item: JudgedEvent, ago: str, width: int) -> list[Content]:
    event, request, severity = item.event, item.request, item.judgement.severity
    at = event.time.strftime("%Y-%m-%d %H:%M:%S UTC") if event.time > BEGINNING else "no time in the record"
    facts = [
        ("when", f"{at}  ({ago})"), ("event", f"{event.name}  {event.source}  {event.region}"),
        ("outcome", f"{event.error_code}: {event.error_message}" if event.error_code else "succeeded"),
        ("who", f"{event.principal.arn or event.principal.name}  ({event.principal.type or 'no type'})"),
        ("key", event.principal.access_key_id), ("from", event.source_ip), ("agent", event.user_agent),
        ("service", request.service), ("endpoint", f"{request.endpoint_id}  {request.type}".strip()), ("vpc", request.vpc_id),
        ("groups", ", ".join(request.groups)), ("subnets", ", ".join(request.subnets)), ("routes", ", ".join(request.route_tables)),
        ("policy", request.policy or ("default: everybody may do everything" if event.creates_endpoint else "")),
        ("oddities", "; ".join(event.oddities)),
    ]  # fmt: skip
    found = [line((severity_cell(severity), LOOK[severity])), line("")]
    found += why_text(item.judgement, width, full=True)
    for name, value in facts:
        if value:
            found += hanging(f"{name:<9} ", visible(value, limit=1200), width)
    return [*found, line(""), *raw_lines(item, width)]
