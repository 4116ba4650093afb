"""One event: why it is suspicious, the path of the attack, and its record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from vpce_tui.core.text import sign, visible
from vpce_tui.detection.signals import Severity
from vpce_tui.inventory.parse import account_of
from vpce_tui.tui.screens.assessed_list import LOOK, severity_cell, why_text
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.screens.suppress import suppress
from vpce_tui.tui.widgets.bars import KeyBar
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.steady import Steady
from vpce_tui.tui.widgets.table import Column, Table, TableRow

if TYPE_CHECKING:
    from vpce_tui.cloudtrail.event import Event, Principal
    from vpce_tui.detection.assessment import AssessedEvent
    from vpce_tui.detection.attack_path import Node
    from vpce_tui.iam.external_access import TrustZone
    from vpce_tui.investigation.access_analyzer import PolicyCheck
    from vpce_tui.investigation.workspace import Workspace

BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
"""Before this an event has no time."""
RAW_LIMIT = 60_000
VIEWS = (("why", "why"), ("path", "attack path"), ("record", "record"))


class EventScreen(Frame):
    """One event, in three views."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("down", "scroll(3)"),
        binding("up", "scroll(-3)"),
        binding("top", "scroll(-100000)"),
        binding("bottom", "scroll(100000)"),
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
        self.nodes: dict[str, Node] = {}

    @property
    def item(self) -> AssessedEvent:
        """The event as it is assessed now."""
        return next((known for known in self.work.assessed if known.event is self._item.event), self._item)

    @property
    def crumb(self) -> str:
        return f"event {self._item.event.id[:8] or 'without id'}"

    def body(self) -> ComposeResult:
        yield Steady(id="tabs")
        yield Page(classes="reading", id="page")
        with Vertical(id="path"):
            yield Table((Column("WHAT", 36, grows=True), Column("WHERE, WHEN", 34, grows=True)), id="rows")
            yield Steady(id="whole")

    def crumbs(self) -> str:
        return self.trail()

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        made = self._item.request
        found = [hint("back")]
        node = self.nodes.get(self.query_one("#rows", Table).key) if self.view == "path" else None
        if node is not None and (node.instance or node.event or node.relation is not None):
            found.append(hint("open", "open"))
        if not self.work.trail:
            found.append(hint("playbooks"))
        found += [
            hint("next-view", "attack path" if self.view == "why" else "next view"),
            hint("related-events"),
        ]
        if self._item.event.principal.instance_id and not self.work.trail:
            found.append(hint("instance"))
        if made.endpoint_id and not self.work.trail:
            found.append(hint("traffic"))
        if self._checks():
            found.append(hint("check-policy"))
        if self._item.event.request is not None and not self.work.read_only:
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
        self.query_one("#path").display = path
        if path:
            self._show_path(self.query_one("#rows", Table))
            return
        width = max(self.query_one("#page").size.width - 4, 40)
        item = self.item
        found = (
            raw_lines(item, width)
            if self.view == "record"
            else _why(item, self.main.ago(item.event.time), width, self.work.known().ours)
        )
        self.query_one("#page", Page).show(lines(found))

    def _show_path(self, table: Table) -> None:
        nodes = path_of(self.work, self.item)
        self.nodes = {str(number): node for number, node in enumerate(nodes)}
        table.set_rows(
            [
                TableRow(
                    key,
                    (_branch(node, nodes, int(key)), node.note),
                    node.severity.word if node.severity is not None else "",
                )
                for key, node in self.nodes.items()
            ]
        )
        self._show_whole()

    def _show_whole(self) -> None:
        """The line under the cursor, whole: what does not fit into a column is read here."""
        node = self.nodes.get(self.query_one("#rows", Table).key)
        width = max(self.size.width - 4, 40)
        found = [] if node is None else [*hanging(" ", node.text, width), *hanging(" ", node.note, width, "dim")]
        self.query_one("#whole", Steady).update(lines(found))

    def on_table_moved(self) -> None:
        """Read the next line."""
        self._show_whole()
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
            self.query_one("#rows", Table).focus()
        else:
            self.set_focus(None)
            self.query_one("#page", Page).scroll_home(animate=False)

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        self.query_one("#page", Page).scroll_relative(y=by, animate=False)

    def on_table_chosen(self) -> None:
        """Go where the line of the path leads."""
        node = self.nodes.get(self.query_one("#rows", Table).key)
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
        if self._item.request.endpoint_id and not self.work.trail:
            self.main.open_traffic(self._item.request.endpoint_id, self._item.event.region)

    def _checks(self) -> Sequence[PolicyCheck]:
        """What IAM Access Analyzer can be asked of the policy that it set; nothing without an account to ask in."""
        from vpce_tui.investigation.access_analyzer import checks  # noqa: PLC0415

        if self.work.caller is None:
            return ()
        region = (self.work.regions_seen or {}).get(self._item.event.region)
        endpoint = region.network.endpoints.get(self._item.request.endpoint_id) if region else None
        return checks(self._item.event, endpoint.policy if endpoint else "", self.work.known().ours)

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


def open_instance_of(screen: Frame, item: AssessedEvent) -> None:
    """Open the instance whose role session made the call."""
    if item.event.principal.instance_id:
        screen.main.open_instance(item.event.principal.instance_id)
    else:
        screen.main.say("This call was not made with an instance role session.")


def path_of(work: Workspace, item: AssessedEvent) -> tuple[Node, ...]:
    """The attack path behind an event, of everything that is known now."""
    from vpce_tui.detection.attack_path import attack_path  # noqa: PLC0415

    known, event = work.known(), item.event
    name = event.principal.instance_id
    severity = next((one.assessment.severity for one in work.instances if one.instance.id == name), None)
    return tuple(
        attack_path(
            event,
            item.assessment,
            known.past,
            (known.regions or {}).get(event.region),
            known.machines.get(name),
            severity,
            known.traffic.get(item.request.endpoint_id),
            known.ours,
        )
    )


def _branch(node: Node, nodes: Sequence[Node], at: int) -> str:
    """The line with its branch of the tree, and the sign of its severity."""
    later = [other.depth for other in nodes[at + 1 :]]
    last = next((depth for depth in later if depth <= node.depth), -1) < node.depth
    stem = ""
    for depth in range(1, node.depth):
        goes_on = next((other for other in later if other <= depth), -1) == depth
        stem += "│ " if goes_on else "  "
    if node.depth:
        stem += "└ " if last else "├ "
    mark = f"{sign(node.severity.sign)} " if node.severity is not None and node.severity > 0 else ""
    return sign(stem) + mark + node.text


SECTIONS = (
    ("access", "who can reach it"),
    ("encryption", "encryption of its traffic"),
    ("network", "what it allows, and the network around it"),
)


def section_lines(item: AssessedEvent, width: int) -> list[Content]:
    """The three kinds of fault that AWS's guidance names for endpoints: good, bad because, or cannot tell because."""
    from vpce_tui.detection.endpoint import RULES  # noqa: PLC0415

    found = [line(("AWS's guidance for VPC endpoints", "bold"))]
    if is_gone(item):
        return [*found, line("  the endpoint does not exist any more: nothing to assess"), line("")]
    for name, words in SECTIONS:
        rules = {rule.id for rule in RULES if rule.section == name}
        against = [signal for signal in item.assessment.against if signal.id in rules]
        bad = [signal.title for signal in against]
        doubts = list(dict.fromkeys(why for rule, why in item.assessment.unknown if rule in rules))
        fine = [what for rule, what in item.assessment.fine if rule in rules]
        if bad:
            little = max(signal.severity for signal in against) <= Severity.LOW
            mark, look, said = (
                "!",
                "" if little else "bold $warning",
                f"bad{' (low)' if little else ''}: {'; '.join(bad)}",
            )
        elif doubts:
            mark, look, said = sign("…"), "bold", f"inconclusive: {'; '.join(doubts)}"
        elif fine:
            mark, look, said = sign("✔"), "$success", f"good: {'; '.join(fine)}"
        else:
            mark, look, said = sign("–"), "", "not applicable"
        found += hanging(f"{mark} {words}: ", said, width, "", look)
    return [*found, line("")]


def _why(item: AssessedEvent, ago: str, width: int, ours: TrustZone) -> list[Content]:
    from vpce_tui.cloudtrail.sensitive_calls import impact_with_target, object_of  # noqa: PLC0415

    event, request, severity = item.event, item.request, item.assessment.severity
    at = event.time.strftime("%Y-%m-%d %H:%M:%S UTC") if event.time > BEGINNING else "no time in the record"
    first = [
        ("when", f"{at}  ({ago})"),
        ("event", f"{event.name}  {event.source}  {event.region}"),
        ("who", f"{event.principal.arn or event.principal.name}  ({event.principal.type or 'no type'})"),
        ("from", event.source_ip),
        (
            "made" if request.endpoint_id else "about",
            f"{request.endpoint_id}  {request.type}".strip() or object_of(event),
        ),
        ("outcome", f"{event.error_code}: {event.error_message}" if event.error_code else ""),
        ("do", what_to_do(item)),
    ]
    facts = [
        ("id", event.id),
        ("key", event.principal.access_key_id),
        ("agent", event.user_agent),
        ("service", request.service or request.resource),
        ("vpc", request.vpc_id),
        ("groups", ", ".join(request.groups)),
        ("subnets", ", ".join(request.subnets)),
        ("routes", ", ".join(request.route_tables)),
        ("policy", request.policy or ("default policy: full access" if event.request is not None else "")),
        ("warnings", "; ".join(event.parse_warnings)),
    ]
    verdict = (
        severity_cell(severity) if event.request is not None else "not assessed: only CreateVpcEndpoint events are"
    )
    found = [line((verdict, LOOK[severity]))]
    if item.assessment.explained:
        found += hanging("   ", item.assessment.explained, width, "dim")
    impact = impact_with_target(event, ours)
    if impact and not event.error_code:
        found += hanging(
            f"{sign(Severity.HIGH.sign)} what it means: ", impact, width, LOOK[Severity.HIGH], LOOK[Severity.HIGH]
        )
    for name, value in first:
        if value:
            found += hanging(f"{name:<9} ", visible(value, limit=1200), width)
    found.append(line(""))
    if event.request is not None:
        found += why_text(item.assessment, width, full=True)
        found.append(line(""))
    if event.request is not None and not event.error_code:
        found += section_lines(item, width)
    for name, value in facts:
        if value:
            found += hanging(f"{name:<9} ", visible(value, limit=1200), width)
    return found


def raw_lines(item: AssessedEvent, width: int, limit: int = RAW_LIMIT) -> list[Content]:
    """The raw record, indented, made safe; what is longer than a line continues under where it began."""
    text = json.dumps(item.event.record, indent=2, ensure_ascii=False)
    found = [line(("raw record", "bold"))]
    for part in visible(text, limit=limit, multiline=True).split("\n"):
        indent = part[: len(part) - len(part.lstrip())]
        found += hanging(indent, part.lstrip(), width)
    return found


def is_gone(item: AssessedEvent) -> bool:
    """Whether the endpoint that it made does not exist any more."""
    return any(signal.id == "VPCE-28" and "not exist" in signal.title for signal in item.assessment.signals)


def what_to_do(item: AssessedEvent) -> str:
    """What an operator would do about an event that is worth looking at; ``""``: it is not."""
    if item.assessment.severity < Severity.MEDIUM:
        return ""
    made, instance = item.request.endpoint_id, item.event.principal.instance_id
    targets = [f"the endpoint {made}"] if made and not is_gone(item) else []
    targets += [f"the instance {instance}"] if instance else []
    return f"contain {' and '.join(targets)} (p)" if targets else "revoke the caller's credentials (p)"


def choose_playbook(screen: Frame, item: AssessedEvent) -> None:
    """Open the playbooks for what is behind an event, or say why there is none."""
    if screen.work.trail:
        screen.main.say("A playbook needs the account: start vpce-tui without --log-files.")
        return
    instance, endpoint, region = item.event.principal.instance_id, item.request.endpoint_id, item.event.region
    targets = [(instance, region)] if instance else []
    if endpoint and not is_gone(item):
        targets.append((endpoint, region))
    own = screen.work.identity.account if screen.work.identity else ""
    targets += [(named, region) for named in named_principals(item.event, own)]
    principal = principal_target(item.event.principal, own)
    if principal:
        targets.append((principal, region))
    else:
        who = item.event.principal
        screen.main.say(
            f"The caller is not an IAM user or role of this account: {who.name} ({who.type or 'no type'}). "
            "Find the call that created its session: GetFederationToken, AssumeRoleWithSAML or AssumeRoleWithWebIdentity."
        )
    screen.main.open_playbooks(targets)


def named_principals(event: Event, own: str) -> list[str]:
    """The user or role of the account ``own`` that an IAM call created or changed, as a playbook's target; none of a refused call."""
    from vpce_tui.plans.targets import KINDS  # noqa: PLC0415 - the first paint does not wait for it

    if event.source != "iam.amazonaws.com" or event.error_code or event.account != own:
        return []
    asked = event.record.get("requestParameters")
    names = asked if isinstance(asked, Mapping) else {}
    found = (f"{kind}/{names.get(key, '')}" for kind, key in (("user", "userName"), ("role", "roleName")))
    return [target for target in found if KINDS["principal"].pattern.fullmatch(target)]


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
