"""Around an event: what the same key, principal, address, instance, VPC or endpoint did, over time and in every region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from vpce_tui.cloudtrail.sensitive_calls import impact_with_target, object_of
from vpce_tui.core.coverage import Coverage
from vpce_tui.core.text import many, short, sign
from vpce_tui.detection.pivot import Relation, chain, regions_of, related, relations
from vpce_tui.tui.screens.assessed_list import AssessedListScreen, joined, severity_cell
from vpce_tui.tui.screens.event_page import BEGINNING
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.safe_text import hanging, line
from vpce_tui.tui.widgets.steady import Steady
from vpce_tui.tui.widgets.table import Column, TableRow
from vpce_tui.tui.widgets.timeline import timeline

if TYPE_CHECKING:
    from vpce_tui.cloudtrail.event import Event
    from vpce_tui.cloudtrail.event_index import EventIndex

MOST = 5_000
"""Rows shown at most; the bars count all."""


class RelatedEventsScreen(AssessedListScreen):
    """The events of one relation, newest first; Tab shows the next relation."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("next-view", "turn(1)", priority=True),
        binding("previous-view", "turn(-1)", priority=True),
        binding("ask-history", "ask"),
        binding("playbooks", "playbooks"),
    ]

    def __init__(self, event: Event | None, relation: Relation | None, also: Sequence[Relation] = ()) -> None:
        super().__init__()
        self.relations = [*(relations(event) if event is not None else ()), *also]
        if relation is not None and relation not in self.relations:
            self.relations.insert(0, relation)
        self.at = self.relations.index(relation) if relation is not None else 0
        self._shown: dict[str, Event] = {}
        self._of: EventIndex | None = None
        self._looking = False
        self._held: dict[Relation, Sequence[Event]] = {}

    @property
    def relation(self) -> Relation | None:
        """What is the same."""
        return self.relations[self.at] if self.relations else None

    @property
    def crumb(self) -> str:
        relation = self.relation
        return f"same {relation.name} {short(relation.value.rpartition('/')[2], 24)}" if relation else "alone"

    def above(self) -> ComposeResult:
        yield Steady(id="tabs")
        yield Steady(id="timeline")

    def columns(self) -> Sequence[Column]:
        return (
            Column("WHEN (UTC)", 14),
            Column("WHAT", 24, grows=True),
            Column("OUTCOME", 13),
            Column("FROM", 15),
            Column("REGION", 10),
        )

    def found(self) -> Sequence[Event]:
        """The events of the relation, oldest first; none while they are looked for."""
        return self._held.get(self.relation, ()) if self.relation else ()

    def _look(self) -> None:
        """Look for every relation on a thread, once for each state of what is known: there may be 100,000 records."""
        past = self.workspace.assessment_inputs().past
        if past is self._of or self._looking:
            return
        self._looking = True

        def task() -> dict[Relation, Sequence[Event]]:
            past.index()
            return {relation: related(past, relation) for relation in self.relations}

        def found_related(held: dict[Relation, Sequence[Event]]) -> None:
            self._of, self._held, self._looking = past, held, False
            self.update()

        def failed(_: Exception) -> None:
            self._looking = False

        self.workspace.background.start("around", task, found_related, failed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the filter is typed, its keys are its own."""
        if action == "turn" and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def table_rows(self) -> list[TableRow]:
        assessed = {
            id(item.event): item.assessment.severity
            for item in self.workspace.assessed
            if item.event.request is not None
        }
        rows = []
        self._shown = {}
        for number, event in enumerate(reversed(self.found()[-MOST:])):
            key = event.id if event.id and event.id not in self._shown else f"{event.id}#{number}"
            self._shown[key] = event
            severity = assessed.get(id(event))
            outcome = (
                severity_cell(severity)
                if severity is not None
                else event.error_code.removeprefix("Client.") or "succeeded"
            )
            what = f"{event.source.removesuffix('.amazonaws.com')}: {event.name}"
            when = f"{event.time:%m-%d %H:%M:%S}" if event.time > BEGINNING else "no time"
            look = severity.word if severity is not None else ""
            also = f"{event.id} {event.user_agent} {event.principal.arn} {event.principal.access_key_id} {event.error_code}"
            rows.append(
                TableRow(key=key, cells=(when, what, outcome, event.source_ip, event.region), look=look, also=also)
            )
        return rows

    def show(self) -> None:
        self._look()
        tabs: list[tuple[str, str]] = []
        for number, relation in enumerate(self.relations):
            count = f"{len(self._held[relation]):,}" if relation in self._held else sign("…")
            label = f" {relation.name} {count} "
            tabs.append((label, "bold reverse" if number == self.at else "dim"))
        self.query_one("#tabs", Steady).update(line(*tabs))
        events = [event for event in self.found() if event.time > BEGINNING]
        if events:
            assessed = {
                id(item.event): item.assessment.severity
                for item in self.workspace.assessed
                if item.event.request is not None
            }
            width = max(self.size.width - 28, 20)
            begin, end = events[0].time, events[-1].time
            upper, lower, _ = timeline(((event.time, assessed.get(id(event))) for event in events), begin, end, width)
            self.query_one("#timeline", Steady).update(
                joined(
                    [
                        line(f" {begin:%m-%d %H:%MZ} ", *upper, f" {end:%m-%d %H:%MZ}"),
                        line(" " * 13, *lower),
                    ]
                )
            )
        else:
            said = "searching" if self._of is None else "no event with a time"
            self.query_one("#timeline", Steady).update(line(f" {said}"))
        super().show()

    def crumbs(self) -> str:
        return self.breadcrumbs()

    def searched(self) -> Coverage:
        return self.workspace.coverage if self.workspace.log_files else self.workspace.history_coverage

    def keys(self) -> Sequence[KeyHint]:
        hint = self.main.keymap.hint
        found = [hint("open"), hint("back"), hint("next-view", "next relation")]
        if self._may_ask():
            found.append(hint("ask-history"))
        if not self.workspace.log_files:
            found.append(hint("playbooks"))
        return [*found, hint("filter"), hint("copy"), hint("help"), hint("quit")]

    def _may_ask(self) -> bool:
        relation = self.relation
        if self.workspace.log_files or relation is None or not relation.question:
            return False
        return (
            self.workspace.assessment_inputs().past.knows(relation.question) is None
            and self.workspace.client is not None
        )

    def why(self, key: str) -> Content:
        event = self._shown.get(key)
        relation = self.relation
        width = self.page_width
        if relation is None:
            return line("The event names no related resource.")
        if event is None:
            return line(
                f"No row matches the filter. Clear it ({self.main.keymap.shown('back')})."
                if self.filter
                else "No other related event is known."
            )
        found = hanging(" ", f"{event.principal.arn or event.principal.name}  by {short(event.user_agent, 60)}", width)
        said, named = impact_with_target(event, self.workspace.assessment_inputs().trust_zone), object_of(event)
        if said:
            found += hanging(" what it means: ", said, width, "bold $warning")
        elif named:
            found += hanging(" about ", named, width)
        if event.error_code:
            found += hanging(f" {event.error_code}: ", event.error_message, width)
        regions = ", ".join(f"{region} {count:,}" for region, count in regions_of(self.found()))
        found += hanging(f" {many(len(self.found()), 'event')} known with the same {relation.name}: ", regions, width)
        links = chain(event, self.workspace.assessment_inputs().past)
        for link in links:
            found += hanging(" session created by ", f"{link.who}: {link.how}", width)
        found += hanging(" completeness: ", self._completeness(relation), width, "dim")
        return joined(found)

    def _completeness(self, relation: Relation) -> str:
        if self.workspace.log_files:
            return "everything in the files"
        if not relation.question:
            return f"only events found by other queries: event history cannot be searched by {relation.name}"
        known = self.workspace.assessment_inputs().past.knows(relation.question)
        if known is not None:
            return f"event history was searched for it, back to {known.since:%Y-%m-%d}"
        key = self.main.keymap.shown("ask-history")
        return f"only events found by other queries; search event history in every region ({key})"

    def on_table_chosen(self) -> None:
        event = self._shown.get(self.table.key)
        if event is not None:
            self.main.open_known_event(event)

    def action_turn(self, by: int) -> None:
        """The next relation, or the one before."""
        if self.relations:
            self.at = (self.at + by) % len(self.relations)
            self.update()

    def action_ask(self) -> None:
        """Ask event history for more of the same."""
        relation = self.relation
        if relation is not None and self._may_ask():
            self.workspace.ask_more(relation.question)
            self.main.say(f"Searching event history for {relation.question} in every region.")
            self.update()

    def action_playbooks(self) -> None:
        """The playbooks for what is behind the event."""
        from vpce_tui.tui.screens.event_targets import choose_playbook  # noqa: PLC0415

        event = self._shown.get(self.table.key)
        if event is not None:
            choose_playbook(self, self.workspace.assessment_of(event))
