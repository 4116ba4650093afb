"""Traffic of an endpoint or an instance, by its flow logs: bytes over time, who talks with it, when each was first seen."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from vpce_tui.aws.endpoint_services import service_short
from vpce_tui.core.text import size
from vpce_tui.inventory.flow_log_blocks import traffic_blocks
from vpce_tui.inventory.flow_log_queries import PRICE, Traffic
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.bars import KeyBar
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.table_sheet import TableSheet

HOURS = 6
_COST = (
    f"Flow logs are queried with CloudWatch Logs Insights. AWS bills the data scanned: {PRICE}, "
    "two queries, each over the log group of the VPC for the last {hours} hours. Nothing is changed."
)


class TrafficScreen(Frame):
    """The table and the chart, or what asking for them would cost."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open", "ask"),
        binding("refresh", "ask"),
        binding("playbooks", "playbooks"),
        binding("longer", "hours(2)"),
        binding("shorter", "hours(-2)"),
        binding("copy", "copy"),
    ]

    AUTO_FOCUS = ""

    def __init__(self, target: str, region: str) -> None:
        super().__init__()
        self.target, self.place, self.hours = target, region, HOURS
        self.problem = ""
        self.asking = False
        self.sheet = TableSheet()

    @property
    def crumb(self) -> str:
        return f"traffic of {self.target}"

    @property
    def traffic(self) -> Traffic | None:
        """What was answered last."""
        return self.workspace.traffic.get(self.target)

    def body(self) -> ComposeResult:
        yield Page(classes="reading", id="page", focusable=False)
        yield self.sheet

    def crumbs(self) -> str:
        return self.breadcrumbs()

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        back = keys.pair("longer", "shorter", f"{self.hours} h back")
        if self.traffic is None or self.asking:
            return [hint("back"), hint("open", "query the flow logs (billed)"), back, hint("playbooks"), hint("help")]
        again = hint("refresh", "query again (billed)")
        return [hint("back"), hint("playbooks"), *self.sheet.keys(keys), again, back, hint("help"), hint("quit")]

    def show(self) -> None:
        traffic, page = self.traffic, self.query_one("#page", Page)
        shown = traffic is not None and not self.asking and not self.problem
        page.styles.height = "auto" if shown else "1fr"
        self.sheet.display = shown
        if shown and traffic is not None:
            endpoint = self.target.startswith("vpce-")
            names = {nic: nic for nic in traffic.bars} or {self.target: self.target}
            who = names_of(self.workspace, self.target)
            self.sheet.show_blocks(traffic_blocks(traffic, names, who))
            if not self.sheet.table.has_focus:
                self.sheet.table.focus()
            page.show(lines(self._summary(traffic, who, endpoint=endpoint)))
        else:
            self.set_focus(None)
            page.show(lines(self._before()))

    def _summary(self, traffic: Traffic, who: Mapping[str, str], *, endpoint: bool) -> list[Content]:
        """The most of it in one sentence, and how old it is."""
        said = _in_words(traffic, who, endpoint=endpoint) or "The flow logs have no record of it in this time range."
        found = [line((said, "bold"))]
        if endpoint:
            note = "OUT is what the endpoint's interfaces sent to a peer, IN what a peer sent into the endpoint"
            found.append(line((note, "dim")))
        if traffic.window.hours != self.hours:
            key = self.main.keymap.shown("refresh")
            return [*found, line((f"{key}: query the last {self.hours} h (billed)", "bold"))]
        until = f"the last {traffic.window.hours} h"
        newest = f"newest record {traffic.newest:%m-%d %H:%MZ}" if traffic.newest else "no record yet"
        return [*found, line((f"{until}; {newest}; records come minutes late", "dim"))]

    def _before(self) -> list[Content]:
        """What it would cost, or what went wrong."""
        width = max(self.size.width - 4, 40)
        if self.asking:
            return [line(f"Querying the flow logs of {self.target} for the last {self.hours} h…")]
        if self.problem:
            return [line(("The flow logs could not be queried.", "bold")), *hanging("", self.problem, width)]
        return [
            line(("Its flow logs were not queried yet.", "bold")),
            line(""),
            *hanging("", _COST.format(hours=self.hours), width),
            line(""),
            line(f"Query them ({self.main.keymap.shown('open')})."),
        ]

    def on_table_sheet_moved(self) -> None:
        """Another cell: other keys may work."""
        self.query_one("#keys", KeyBar).show(self.keys())

    def action_hours(self, by: int) -> None:
        """Look back further, or less."""
        steps = (1, 2, 6, 12, 24, 48)
        at = steps.index(self.hours) + (1 if by > 0 else -1)
        self.hours = steps[max(0, min(at, len(steps) - 1))]
        self.update()

    def action_ask(self) -> None:
        """Ask CloudWatch Logs Insights."""
        if self.asking or self.workspace.client is None:
            return
        self.asking, self.problem = True, ""
        from vpce_tui.plans.targets.interface import query_traffic  # noqa: PLC0415 - the app paints first

        read = partial(query_traffic, target=self.target, region=self.place, hours=self.hours)
        self.workspace.ask_traffic(self.target, read, self._answered)
        self.update()

    def _answered(self, problem: str) -> None:
        self.asking, self.problem = False, problem
        self.update()

    def action_playbooks(self) -> None:
        """The playbooks for it: one of them blocks traffic."""
        self.main.open_playbooks([(self.target, self.place)])

    def action_copy(self) -> None:
        """Copy the cell."""
        self.main.copy(self.sheet.cell)

    def action_leave(self) -> None:
        if not self.sheet.display or not self.sheet.leave_filter():
            super().action_leave()


def names_of(workspace: Workspace, target: str) -> dict[str, str]:
    """Whose the addresses are that may be among those that a target talks with."""
    known = workspace.assessment_inputs()
    found: dict[str, str] = {}
    for item in workspace.assessed:
        if item.event.principal.instance_id == target:
            found[item.event.source_ip] = "its credentials were used from here"
    for region in (known.regions or {}).values():
        for endpoint in region.network.endpoints.values():
            for nic in endpoint.interfaces:
                if nic in region.network.addresses:
                    found[region.network.addresses[nic]] = f"{endpoint.id} {service_short(endpoint.service)}"
        for instance in region.instances:
            found.update(dict.fromkeys(instance.addresses, instance.label))
    return found


def _in_words(traffic: Traffic, names: Mapping[str, str], *, endpoint: bool) -> str:
    """The most of it in one sentence: what an instance sends to an endpoint is received by the endpoint's interfaces."""
    out = [(flow_peer.received if endpoint else flow_peer.sent, flow_peer.peer) for flow_peer in traffic.flow_peers]
    total, (most, peer) = sum(number for number, _ in out), max(out, default=(0, ""))
    if not most:
        return ""
    named = f"{peer} ({names[peer]})" if peer in names else peer
    how = "was sent through it, most of it by" if endpoint else "was sent by it, most of it to"
    return f"{size(total)} {how} {named}: {size(most)}."
