"""One event: why it is suspicious, the path of the attack, and its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from vpce_tui.tui.screens.event_page import raw_lines, what_to_do, why_lines
from vpce_tui.tui.screens.event_path import AttackPathView, path_of
from vpce_tui.tui.screens.event_targets import choose_playbook, open_instance_of
from vpce_tui.tui.screens.frame import READING, Frame
from vpce_tui.tui.screens.suppress import suppress
from vpce_tui.tui.widgets.bars import KeyBar
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import line, lines
from vpce_tui.tui.widgets.steady import Steady

if TYPE_CHECKING:
    from vpce_tui.detection.assessment import AssessedEvent
    from vpce_tui.investigation.access_analyzer import PolicyCheck

VIEWS = (("why", "why"), ("path", "attack path"), ("record", "record"))


class EventScreen(Frame):
    """One event, in three views."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *READING,
        binding("next-view", "turn(1)", priority=True),
        binding("previous-view", "turn(-1)", priority=True),
        binding("playbooks", "playbooks"),
        binding("instance", "instance"),
        binding("related-events", "around"),
        binding("traffic", "traffic"),
        binding("check-policy", "analyzer"),
        binding("suppress", "suppress"),
        binding("copy", "copy"),
    ]

    def __init__(self, item: AssessedEvent) -> None:
        super().__init__()
        self._item = item
        self.view = "why"

    @property
    def item(self) -> AssessedEvent:
        """The event as it is assessed now."""
        return next((known for known in self.workspace.assessed if known.event is self._item.event), self._item)

    @property
    def path(self) -> AttackPathView:
        """The view of the attack path."""
        return self.query_one(AttackPathView)

    @property
    def crumb(self) -> str:
        return f"event {self._item.event.id[:8] or 'without id'}"

    def body(self) -> ComposeResult:
        yield Steady(id="tabs")
        yield Page(classes="reading", id="page")
        yield AttackPathView()

    def crumbs(self) -> str:
        return self.breadcrumbs()

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        made = self._item.request
        found = [hint("back")]
        node = self.path.node if self.view == "path" else None
        if node is not None and (node.instance or node.event or node.relation is not None):
            found.append(hint("open", "open"))
        if self.view == "path" and self.path.folds:
            found.append(hint("tick", "fold"))
        if not self.workspace.log_files:
            found.append(hint("playbooks"))
        found += [
            hint("next-view", "attack path" if self.view == "why" else "next view"),
            hint("related-events"),
        ]
        if self._item.event.principal.instance_id and not self.workspace.log_files:
            found.append(hint("instance"))
        if made.endpoint_id and not self.workspace.log_files:
            found.append(hint("traffic"))
        if self._checks():
            found.append(hint("check-policy"))
        if self._item.event.request is not None and not self.workspace.read_only:
            found.append(hint("suppress"))
        return [
            *found,
            hint("copy", "copy event id"),
            keys.pair("down", "up", "move"),
            hint("help"),
            hint("quit"),
        ]

    def show(self) -> None:
        tabs = [(f" {words} ", "bold reverse" if name == self.view else "dim") for name, words in VIEWS]
        self.query_one("#tabs", Steady).update(line(*tabs))
        path = self.view == "path"
        self.query_one("#page").display = not path
        self.path.display = path
        if path:
            self.path.show_path(path_of(self.workspace, self.item))
            return
        width = max((self.query_one("#page").size.width or self.app.size.width) - 4, 40)
        item = self.item
        found = (
            raw_lines(item, width)
            if self.view == "record"
            else why_lines(
                item,
                self.main.ago(item.event.time),
                width,
                self.workspace.assessment_inputs().trust_zone,
                () if self.workspace.log_files else what_to_do(item, self.workspace, self.main.keymap),
            )
        )
        self.query_one("#page", Page).show(lines(found))

    def on_table_moved(self) -> None:
        """Read the next line."""
        self.path.show_whole()
        self.query_one("#keys", KeyBar).show(self.keys())

    def action_turn(self, by: int) -> None:
        """The next view, or the one before."""
        names = [name for name, _ in VIEWS]
        self.show_view(names[(names.index(self.view) + by) % len(names)])

    def show_view(self, name: str) -> None:
        """Show one of the views."""
        self.view = name
        self.update()
        if name == "path":
            self.path.table.focus()
        else:
            self.set_focus(None)
            self.query_one("#page", Page).scroll_home(animate=False)

    def on_table_chosen(self) -> None:
        """Go where the line of the path leads."""
        node = self.path.node
        if node is None:
            return
        if node.instance:
            self.main.open_instance(node.instance)
        elif node.event:
            self.main.open_event(node.event)
        elif node.relation is not None:
            self.main.open_around(self._item.event, node.relation)
        else:
            self.main.say("No further details for this line.")

    def action_around(self) -> None:
        """Other events of the same key, address, principal, …"""
        self.main.open_around(self._item.event, None)

    def action_traffic(self) -> None:
        """What went through the endpoint."""
        if self._item.request.endpoint_id and not self.workspace.log_files:
            self.main.open_traffic(self._item.request.endpoint_id, self._item.event.region)

    def _checks(self) -> Sequence[PolicyCheck]:
        """What IAM Access Analyzer can be asked of the policy that it set; nothing without an account to ask in."""
        from vpce_tui.investigation.access_analyzer import checks  # noqa: PLC0415

        if self.workspace.client is None:
            return ()
        region = (self.workspace.inventory_by_region or {}).get(self._item.event.region)
        endpoint = region.network.endpoints.get(self._item.request.endpoint_id) if region else None
        return checks(
            self._item.event, endpoint.policy if endpoint else "", self.workspace.assessment_inputs().trust_zone
        )

    def action_analyzer(self) -> None:
        """Ask AWS's own check of its policy, after its cost was shown."""
        found = self._checks()
        if found:
            self.main.open_analyzer(found)
        else:
            self.main.say("This call set no policy that IAM Access Analyzer can check.")

    def action_playbooks(self) -> None:
        """The playbooks for what is behind it."""
        choose_playbook(self, self._item)

    def action_instance(self) -> None:
        """The instance whose role session made the call."""
        open_instance_of(self, self._item)

    def action_suppress(self) -> None:
        """Suppress it, with a reason and an end."""
        suppress(self, self.item)

    def action_copy(self) -> None:
        """Copy the event id."""
        self.main.copy(self._item.event.id)
