"""Which playbook, for which of the targets."""

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content

from vpce_tui.incident.record import Record
from vpce_tui.inventory.flow_log_queries import PRICE
from vpce_tui.plans.plan import WrongChoice
from vpce_tui.plans.playbook import Playbook
from vpce_tui.plans.targets import KINDS
from vpce_tui.playbooks.library import load, names
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import line, lines
from vpce_tui.tui.widgets.table import Column, Table, TableRow


def _opening(playbook: Playbook) -> str:
    """What opening a playbook does; a query of flow logs is billed."""
    if playbook.target in ("interface", "endpoint"):
        return (
            f"Opening a playbook only reads. This one queries the flow logs of its target: billed by the data scanned, {PRICE}, unless "
            "the same query ran in the last minutes."
        )
    return "Opening a playbook only reads."


def progress(record: Record | None, playbook: Playbook, target: str) -> str:
    """How far a playbook was run in the incident: ``3 of 9``; ``""`` where nothing of it was begun."""
    of_target = record.progress_on(target) if record is not None else ()
    return next((str(found) for found in of_target if found.playbook == playbook.name), "")


class PlaybooksScreen(Frame):
    """The playbooks that act on some targets, each given as (id, region)."""

    page = "#why"

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("page-down", "scroll_page(1)", priority=True),  # the list is short, what is said of one may be long
        binding("page-up", "scroll_page(-1)", priority=True),
    ]

    def __init__(self, targets: Sequence[tuple[str, str]], without_interfaces: Collection[str] = ()) -> None:
        """``without_interfaces``: gateway endpoints among the targets, whose traffic no playbook can block."""
        super().__init__()
        self.targets = targets
        self.broken: list[str] = []
        self._read: Record | None = None
        found = []
        for name in names():
            try:
                found.append(load(name))
            except WrongChoice as error:
                self.broken.append(str(error))
        self.rows = {
            f"{playbook.name} {target}": (playbook, target, region)
            for playbook in found  # in the order in which an incident needs them
            for target, region in targets
            if KINDS[playbook.target].pattern.fullmatch(target)
            and not (playbook.target == "interface" and target in without_interfaces)
        }

    def body(self) -> ComposeResult:
        with Container(id="list"):
            yield Table([Column("PLAYBOOK", 20), Column("ON", 23), Column("PURPOSE", 20, grows=True)], id="rows")
            yield Page(id="why", focusable=False)

    def crumbs(self) -> str:
        return f"Playbooks › {', '.join(target for target, _ in self.targets)}"

    def keys(self) -> Sequence[KeyHint]:
        hint = self.main.keymap.hint
        return [hint("open", "open playbook"), hint("back"), hint("help"), hint("quit")]

    def show(self) -> None:
        table, record = self.query_one("#rows", Table), self._record()
        rows = []
        for key, (playbook, target, _) in self.rows.items():
            run = progress(record, playbook, target)
            what = f"{run}: {playbook.title}" if run else playbook.title
            rows.append(TableRow(key, (playbook.name, target, f"{what} {playbook.team_mark}".strip())))
        table.set_rows(rows)
        chosen = self.rows.get(table.key)
        said = [line(("! ", "bold $warning"), error) for error in self.broken]
        if chosen is not None:
            playbook = chosen[0]
            steps = [
                Content(f"  {number}. {playbook_step.title}")
                for number, playbook_step in enumerate(playbook.steps, start=1)
            ]
            team = [line((f"your team's own: {playbook.team}", "bold"))] if playbook.team else []
            said = [*team, line(playbook.use_when), line(_opening(playbook)), *steps, *said]
        self.query_one("#why", Page).show(lines(said))

    def on_screen_resume(self) -> None:
        """What was done while another screen was shown is looked up anew (the frame then draws)."""
        self._read = None

    def _record(self) -> Record | None:
        if self._read is None and self.workspace.journal is not None:
            self._read = self.workspace.journal.record()
        return self._read

    def on_table_moved(self) -> None:
        self.show()

    def on_table_chosen(self) -> None:
        chosen = self.rows.get(self.query_one("#rows", Table).key)
        if chosen is not None:
            playbook, target, region = chosen
            self.main.walk_through(playbook.name, target, region)
