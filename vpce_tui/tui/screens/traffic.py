"""Traffic of an endpoint or an instance, by its flow logs: bytes over time, who talks with it, when each was first seen."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from vpce_tui.aws.endpoint_services import service_short
from vpce_tui.core.text import many, sign, size
from vpce_tui.inventory.flow_log_queries import Traffic, slot_minutes
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.timeline import chart

HOURS = 6
HEIGHT = 6
_COST = (
    "Flow logs are queried with CloudWatch Logs Insights. AWS bills the data scanned: USD 0.005 to 0.0076 a GB, "
    "two queries, each over the log group of the VPC for the last {hours} hours. Nothing is changed."
)


class TrafficScreen(Frame):
    """The chart, or what asking for it would cost."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("open", "ask"),
        binding("down", "scroll(3)"),
        binding("up", "scroll(-3)"),
        binding("playbooks", "playbooks"),
        binding("longer", "hours(2)"),
        binding("shorter", "hours(-2)"),
    ]

    def __init__(self, target: str, region: str) -> None:
        super().__init__()
        self.target, self.place, self.hours = target, region, HOURS
        self.problem = ""
        self.asking = False

    @property
    def crumb(self) -> str:
        return f"traffic of {self.target}"

    def body(self) -> ComposeResult:
        yield Page(classes="reading", id="page")

    def crumbs(self) -> str:
        return self.trail()

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        asked = self.target in self.work.traffic
        found = [
            hint("back"),
            hint("open", "query again (billed)" if asked else "query the flow logs (billed)"),
            keys.pair("longer", "shorter", f"{self.hours} h back"),
        ]
        return [*found, hint("playbooks"), keys.pair("down", "up", "scroll"), hint("help"), hint("quit")]

    def show(self) -> None:
        width = max(self.query_one("#page").size.width - 4, 40)
        traffic = self.work.traffic.get(self.target)
        if self.asking:
            found = [line(f"Querying the flow logs of {self.target} for the last {self.hours} h…")]
        elif self.problem:
            found = [line(("The flow logs could not be queried.", "bold")), *hanging("", self.problem, width)]
        elif traffic is None:
            found = [
                line(("Its flow logs were not queried yet.", "bold")),
                line(""),
                *hanging("", _COST.format(hours=self.hours), width),
                line(""),
                line("Press Enter to query them."),
            ]
        else:
            found = chart_lines(
                traffic, width, names_of(self.work, self.target), endpoint=self.target.startswith("vpce-")
            )
            if traffic.window.hours != self.hours:
                found.insert(0, line((f"Press Enter to query the last {self.hours} h (billed).", "bold")))
        self.query_one("#page", Page).show(lines(found))

    def action_hours(self, by: int) -> None:
        """Look back further, or less."""
        steps = (1, 2, 6, 12, 24, 48)
        at = steps.index(self.hours) + (1 if by > 0 else -1)
        self.hours = steps[max(0, min(at, len(steps) - 1))]
        self.update()

    def action_ask(self) -> None:
        """Ask CloudWatch Logs Insights."""
        if self.asking or self.work.caller is None:
            return
        self.asking, self.problem = True, ""
        from vpce_tui.plans.targets.interface import query_traffic  # noqa: PLC0415 - the app paints first

        read = partial(query_traffic, target=self.target, region=self.place, hours=self.hours)
        self.work.ask_traffic(self.target, read, self._told)
        self.update()

    def _told(self, problem: str) -> None:
        self.asking, self.problem = False, problem
        self.update()

    def action_playbooks(self) -> None:
        """The playbooks for it: one of them blocks traffic."""
        self.main.open_playbooks([(self.target, self.place)])

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        self.query_one("#page", Page).scroll_relative(y=by, animate=False)


def names_of(work: Workspace, target: str) -> dict[str, str]:
    """Whose the addresses are that may be among those that a target talks with."""
    known = work.known()
    found: dict[str, str] = {}
    for item in work.assessed:
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
    how = "went out through it, most of it by" if endpoint else "went out of it, most of it to"
    return f"{size(total)} {how} {named}: {size(most)}."


def chart_lines(
    traffic: Traffic, width: int, names: Mapping[str, str] = MappingProxyType({}), *, endpoint: bool = False
) -> list[Content]:
    """The chart: bytes of each slot, marks where somebody is seen for the first time, and who talks. ``names``: by address."""
    window = traffic.window
    slots = max((len(values) for values in traffic.bars.values()), default=0)
    total = [sum(values[at] for values in traffic.bars.values() if at < len(values)) for at in range(slots)]
    if not any(total):
        return [line("The flow logs have no record of it in this time range.")]
    minutes = slot_minutes(window)
    room = max(width - 10, 20)
    per = max(1, -(-slots // room))  # so many slots share a column
    columns = [sum(total[at : at + per]) for at in range(0, slots, per)]
    step = timedelta(minutes=minutes * per)
    most = max(columns)
    rows = chart(columns, HEIGHT)
    said = _in_words(traffic, names, endpoint=endpoint)
    found = [*hanging("", said, width, "bold"), line("")] if said else []
    found.append(line((f"bytes, {minutes * per} min per column", "bold")))
    for number, row in enumerate(rows):
        label = size(most) if number == 0 else "0" if number == HEIGHT - 1 else ""
        found.append(line((f"{label:>8} ", "dim"), (row, "$primary")))
    marks = [" "] * len(columns)
    firsts: list[tuple[str, Any]] = []
    for flow_peer in traffic.flow_peers:
        if flow_peer.first is None:
            continue
        at = int((flow_peer.first - window.start) / step)
        if 0 < at < len(columns):
            letter = chr(ord("a") + len(firsts)) if len(firsts) < 26 else "*"
            marks[at] = letter if marks[at] == " " else "*"
            firsts.append((letter, flow_peer))
    found.append(line(" " * 9, ("".join(marks), "bold $warning"), "  first seen (* several)"))
    ends = f"{window.start:%H:%MZ}".ljust(max(len(columns) - 6, 6)) + f"{window.end:%H:%MZ}"
    found += [line((" " * 9 + ends, "dim")), line("")]
    letters = {id(flow_peer): letter for letter, flow_peer in firsts}
    wide = max(len(flow_peer.peer) for flow_peer in traffic.flow_peers[:40]) if traffic.flow_peers else 4
    into, out = ("FROM IT", "INTO IT") if endpoint else ("SENT", "RECEIVED")
    said = (
        "bytes that each address received from it, and sent to it"
        if endpoint
        else "bytes that it sent to each address, and received from it"
    )
    found.append(line((said, "dim")))
    found.append(line((f"   {'PEER':<{wide}} {'PORT':>5} {into:>10} {out:>10}  FIRST SEEN  WHO", "bold")))
    for flow_peer in traffic.flow_peers[:40]:
        first = f"{flow_peer.first:%H:%M:%SZ}" if flow_peer.first else "before"
        refused = f"  {many(flow_peer.rejected, 'flow')} refused" if flow_peer.rejected else ""
        mark = letters.get(id(flow_peer), "")
        found.append(
            line(
                (f" {mark:<1} ", "bold $warning"),
                f"{flow_peer.peer:<{wide}} {flow_peer.port:>5} {size(flow_peer.sent):>10} {size(flow_peer.received):>10}  {first:<10}{refused}  {names.get(flow_peer.peer, '')}",
            )
        )
    if len(traffic.flow_peers) > 40:
        found.append(line(f"   and {len(traffic.flow_peers) - 40} more"))
    if traffic.cut:
        found.append(line((f"{sign('…')} the query result is incomplete: the smallest peers are missing", "bold")))
    return found
