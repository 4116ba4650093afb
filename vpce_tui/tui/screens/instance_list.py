"""The instances, assessed; and one instance."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from vpce_tui.core.coverage import Coverage
from vpce_tui.detection.assessment import AssessedInstance
from vpce_tui.detection.signals import Severity
from vpce_tui.inventory.resources import Instance
from vpce_tui.tui.screens.assessed_list import LOOK, AssessedListScreen, joined, reasons_of, severity_cell, why_text
from vpce_tui.tui.screens.event_page import what_to_do_about
from vpce_tui.tui.screens.frame import READING, Frame
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.table import Column, TableRow


class InstancesScreen(AssessedListScreen):
    """The list of instances."""

    base = "instances"

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[str, AssessedInstance] = {}

    @property
    def crumb(self) -> str:
        return "Instances"

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("playbooks", "playbooks"),
    ]

    def columns(self) -> Sequence[Column]:
        return (
            Column("   SEVERITY", 12),
            Column("STATUS", 11),
            Column("INSTANCE", 19),
            Column("NAME", 7, grows=True),
            Column("STATE", 10),
            Column("REGION", 14),
        )

    def table_rows(self) -> list[TableRow]:
        self._by_key = {item.instance.id: item for item in self.workspace.instances}
        return [
            TableRow(
                key=item.instance.id,
                cells=(
                    severity_cell(item.assessment.severity),
                    item.status,
                    item.instance.id,
                    item.instance.name,
                    item.instance.state,
                    item.instance.region,
                ),
                look="gone" if item.instance.gone else item.assessment.severity.word,
                also=f"{' '.join(item.instance.addresses)} {item.instance.vpc_id} {item.instance.subnet_id} {item.instance.profile_arn} "
                f"{item.instance.image_id} {reasons_of(item.assessment)}",
            )
            for item in self.workspace.instances
        ]

    def searched(self) -> Coverage:
        return self.workspace.instance_coverage

    def crumbs(self) -> str:
        worth = sum(item.assessment.severity >= Severity.MEDIUM for item in self.workspace.instances)
        compromised = sum(item.status == "compromised" for item in self.workspace.instances)
        if self.workspace.inventory_by_region is None and not self.workspace.problem:
            return "Instances ─ searching"
        return self.filtered(
            f"Instances ─ {len(self.workspace.instances):,} instances, {worth:,} to review, {compromised:,} compromised"
        )

    def keys(self) -> Sequence[KeyHint]:
        hint = self.main.keymap.hint
        return [
            hint("open"),
            hint("playbooks"),
            hint("events"),
            hint("filter"),
            hint("copy", "copy id"),
            hint("refresh"),
            hint("help"),
            hint("quit"),
        ]

    def why(self, key: str) -> Content:
        item = self._by_key.get(key)
        if item is None:
            if self.workspace.log_files:
                return line("Instances come from the account: start vpce-tui without --log-files.")
            if self.workspace.instance_coverage.running or not self.workspace.instance_coverage.parts:
                return line(self.workspace.problem or "Looking…")
            return line("No instance. See the coverage line for the regions that were searched.")
        advice = what_to_do_about(item, self.workspace, self.main.keymap)
        found = [part for label, text in advice for part in hanging(f"{label}: ", text, self.page_width, "bold")]
        found += why_text(item.assessment, self.page_width, full=False)
        return joined([*found, *_facts(item, self.page_width)])

    def on_table_chosen(self) -> None:
        if self.table.key:
            self.main.open_instance(self.table.key)

    def action_playbooks(self) -> None:
        """The playbooks for this instance."""
        item = self._by_key.get(self.table.key)
        if item is not None:
            self.main.open_playbooks([(item.instance.id, item.instance.region)])

    def action_refresh(self) -> None:
        """Search again."""
        self.workspace.refresh()
        self.update()


def _facts(item: AssessedInstance, width: int) -> list[Content]:
    instance = item.instance
    facts = [
        f"{instance.type}  {instance.image_id}",
        f"{instance.private_ip}  {instance.public_ip or 'no public address'}  {instance.vpc_id}",
        f"profile {instance.profile_arn.rpartition('/')[2]}" if instance.profile_arn else "no instance profile",
    ]
    return hanging("   ", " · ".join(facts), width, "dim")


class InstanceScreen(Frame):
    """One instance: the reasons with their evidence, what it is, and what its role did."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *READING,
        binding("playbooks", "playbooks"),
        binding("related-events", "around"),
        binding("traffic", "traffic"),
        binding("copy", "copy"),
    ]

    @property
    def crumb(self) -> str:
        return self.instance_id

    def __init__(self, instance_id: str) -> None:
        super().__init__()
        self.instance_id = instance_id

    def body(self) -> ComposeResult:
        yield Page(classes="reading", id="page")

    def crumbs(self) -> str:
        return self.breadcrumbs()

    def searched(self) -> Coverage:
        return self.workspace.instance_coverage

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        return [
            hint("back"),
            hint("playbooks"),
            hint("related-events", "its events, role, VPC, subnet"),
            hint("traffic"),
            hint("copy", "copy id"),
            keys.pair("down", "up", "scroll"),
            hint("help"),
            hint("quit"),
        ]

    @property
    def item(self) -> AssessedInstance | None:
        """The instance as it is known now."""
        return next((item for item in self.workspace.instances if item.instance.id == self.instance_id), None)

    def show(self) -> None:
        item = self.item
        if item is None:
            running = self.workspace.instance_coverage.running or not self.workspace.instance_coverage.parts
            said = (
                "Searching…"
                if running
                else f"{self.instance_id} was not found in the regions searched: see the coverage ({self.main.keymap.shown('coverage')})."
            )
            self.query_one("#page", Page).show(line(self.workspace.problem or said))
            return
        self.query_one("#page", Page).show(lines(self._text(item)))

    def _text(self, item: AssessedInstance) -> list[Content]:
        instance, severity = item.instance, item.assessment.severity
        found = [line((severity_cell(severity), LOOK[severity]), f"  {instance.id}  {instance.name}"), line("")]
        width = max(self.query_one("#page").size.width - 4, 40)
        for label, text in what_to_do_about(item, self.workspace, self.main.keymap, done_lines=1):
            found += hanging(f"{label:<9} ", text, width, "", "bold")
        found += why_text(item.assessment, width, full=True)
        launched = (
            f"{instance.launched:%Y-%m-%d %H:%M UTC} ({self.main.ago(instance.launched)})"
            if instance.launched
            else "unknown"
        )
        facts = [
            ("state", instance.state),
            ("launched", launched),
            ("type", f"{instance.type}  {instance.lifecycle}"),
            ("AMI", instance.image_id),
            ("place", f"{instance.region}  {instance.vpc_id}  {instance.subnet_id}"),
            ("profile", instance.profile_arn),
            ("metadata", f"HttpTokens {instance.http_tokens}" if instance.http_tokens else ""),
            ("tags", ", ".join(f"{key}={value}" for key, value in sorted(instance.tags.items()))),
        ]
        for name, value in facts:
            if value:
                found += hanging(f"{name:<9} ", value, width)
        for nic in instance.interfaces:
            found.append(
                line(
                    (f"{'interface':<9} ", "dim"),
                    f"{nic.id}  {nic.private_ip}  {nic.public_ip}  {', '.join(nic.groups)}",
                )
            )
        for volume in instance.volumes:
            ends = "deleted" if volume.delete_on_termination else "kept"
            found.append(line((f"{'volume':<9} ", "dim"), f"{volume.id}  {volume.device}  {ends} on termination"))
        return [*found, *self._around(item)]

    def _around(self, item: AssessedInstance) -> list[Content]:
        """Its endpoints, its role, its neighbours."""
        instance, known = item.instance, self.workspace.assessment_inputs()
        found: list[Content] = []
        made = [event for event in self.workspace.assessed if event.event.principal.instance_id == instance.id]
        if made:
            found += [line(""), line(("endpoint events by its role", "bold"))]
            for event in made[:20]:
                found.append(
                    line(
                        f"  {event.event.time:%H:%M:%SZ}  {event.event.source_ip}  {event.request.service or event.event.name}  {event.event.error_code}"
                    )
                )
        region = (known.regions or {}).get(instance.region)
        here = [end for end in region.network.endpoints.values() if end.vpc_id == instance.vpc_id] if region else []
        if here:
            found += [line(""), line((f"endpoints of its VPC, {len(here)}", "bold"))]
            found += [line(f"  {end.id}  {end.type:<10} {end.leads_to}  {end.state}") for end in here[:20]]
        role = known.roles.of_profile(instance.profile_arn) if known.roles else None
        if role is not None:
            found += [line(""), line((f"role {role.name}", "bold"))]
            found += [line(f"  policy {name}") for name, _ in role.policies]
        near = {other.id for other in self._neighbours(item)}
        beside = [other for other in self.workspace.instances if other.instance.id in near]
        if beside:
            found += [line(""), line((f"other instances in its subnet, {len(beside)}", "bold"))]
            for other in beside[:20]:
                cell = severity_cell(other.assessment.severity)
                found.append(line(f"  {cell:<12} {other.instance.label}  {other.instance.state}"))
        return found

    def action_around(self) -> None:
        """Its events, over time and in every region; and from there its role, its VPC, the endpoints in it, its neighbours."""
        from vpce_tui.detection.pivot import Relation  # noqa: PLC0415

        known, item, found = self.workspace.assessment_inputs(), self.item, Relation("instance", self.instance_id)
        also = [found]
        if item is not None:
            instance = item.instance
            role = known.roles.of_profile(instance.profile_arn) if known.roles else None
            region = (known.regions or {}).get(instance.region)
            ends = region.network.endpoints.values() if region else ()
            also += [Relation("principal", role.arn)] if role is not None and role.arn else []
            also += [Relation("VPC", instance.vpc_id)] if instance.vpc_id else []
            also += [Relation("endpoint", end.id) for end in ends if end.vpc_id == instance.vpc_id][:3]
            also += [Relation("instance", other.id) for other in self._neighbours(item)][:3]
        self.main.open_around(None, found, also)

    def _neighbours(self, item: AssessedInstance) -> list[Instance]:
        """The instances in its subnet, worst first."""
        subnet = item.instance.subnet_id
        beside = (other.instance for other in self.workspace.instances if subnet and other.instance.subnet_id == subnet)
        return [other for other in beside if other.id != item.instance.id]

    def action_traffic(self) -> None:
        """Open the traffic screen of the instance."""
        item = self.item
        if item is not None and not self.workspace.log_files:
            self.main.open_traffic(self.instance_id, item.instance.region)

    def action_playbooks(self) -> None:
        """The playbooks for it."""
        item = self.item
        if item is not None:
            self.main.open_playbooks([(self.instance_id, item.instance.region)])

    def action_copy(self) -> None:
        """Copy the id."""
        self.main.copy(self.instance_id)
