"""The attack path behind an event: a tree whose lines lead on, and fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from vpce_tui.blocks.tree import below, tree_lines
from vpce_tui.core.text import sign
from vpce_tui.tui.widgets.keymap import binding
from vpce_tui.tui.widgets.safe_text import hanging, lines
from vpce_tui.tui.widgets.steady import Steady
from vpce_tui.tui.widgets.table import Column, Table, TableRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vpce_tui.blocks.model import TreeNode
    from vpce_tui.detection.assessment import AssessedEvent
    from vpce_tui.detection.attack_path import Node
    from vpce_tui.investigation.workspace import Workspace


class AttackPathView(Vertical):
    """The tree, and the line under the cursor whole: what does not fit into a column is read there."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("tick", "fold")]

    def __init__(self) -> None:
        super().__init__(id="path")
        self.nodes: Sequence[Node] = ()
        self.folded: set[str] = set()

    def compose(self) -> ComposeResult:
        yield Table((Column("WHAT", 36, grows=True), Column("WHERE, WHEN", 34, grows=True)), id="rows")
        yield Steady(id="whole")

    @property
    def table(self) -> Table:
        """The table that the tree is drawn in."""
        return self.query_one(Table)

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        key = self.table.key
        return self.nodes[int(key)] if key and int(key) < len(self.nodes) else None

    def show_path(self, nodes: Sequence[Node]) -> None:
        """Show this path."""
        from vpce_tui.detection.attack_path import path_tree  # noqa: PLC0415 - the app paints first

        self.nodes = nodes
        self.table.set_rows(
            [
                TableRow(key=branch.id, cells=(self._branch(stem, branch), branch.note), look=branch.severity)
                for stem, branch in tree_lines(path_tree(nodes), self.folded)
            ]
        )
        self.show_whole()

    def _branch(self, stem: str, branch: TreeNode) -> str:
        """The line with its branch of the tree, the sign of its severity, and how much is folded below it."""
        severity = self.nodes[int(branch.id)].severity
        mark = f"{sign(severity.sign)} " if severity is not None and severity > 0 else ""
        hidden = f"  {sign('…')} {below(branch)} below" if branch.id in self.folded and branch.children else ""
        return f"{stem}{mark}{branch.text}{hidden}"

    def show_whole(self) -> None:
        """Show the line under the cursor."""
        node, width = self.node, max(self.app.size.width - 4, 40)
        found = [] if node is None else [*hanging(" ", node.text, width), *hanging(" ", node.note, width, "dim")]
        self.query_one("#whole", Steady).update(lines(found))

    def action_fold(self) -> None:
        """Fold what is below the line, or unfold it."""
        if self.folds:
            self.folded ^= {self.table.key}
            self.show_path(self.nodes)

    @property
    def folds(self) -> bool:
        """Whether there is something below the line under the cursor."""
        node, key = self.node, self.table.key
        after = int(key) + 1 if key else 0
        return node is not None and after < len(self.nodes) and self.nodes[after].depth > node.depth


def path_of(workspace: Workspace, item: AssessedEvent) -> tuple[Node, ...]:
    """The attack path behind an event, of everything that is known now."""
    from vpce_tui.detection.attack_path import attack_path  # noqa: PLC0415

    known, event = workspace.assessment_inputs(), item.event
    name = event.principal.instance_id
    severity = next((one.assessment.severity for one in workspace.instances if one.instance.id == name), None)
    return tuple(
        attack_path(
            event,
            item.assessment,
            known.past,
            (known.regions or {}).get(event.region),
            known.instances_by_id.get(name),
            severity,
            known.traffic.get(item.request.endpoint_id),
            known.trust_zone,
        )
    )
