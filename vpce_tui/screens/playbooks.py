"""Which playbook for this target."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from vpce_tui.playbooks.library import load, names
from vpce_tui.screens.frame import Frame
from vpce_tui.widgets.bars import Key
from vpce_tui.widgets.safe import line, lines
from vpce_tui.widgets.table import Column, Row, Table


class PlaybooksScreen(Frame):
    """The playbooks that act on a kind of target."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, target: str, region: str, kind: str = "instance") -> None:
        super().__init__()
        self.target, self.where = target, region
        self.playbooks = {name: load(name) for name in names() if load(name).target == kind}

    def body(self) -> ComposeResult:
        with Container(id="list"):
            yield Table([Column("PLAYBOOK", 24), Column("WHAT FOR", 20, grows=True)], id="rows")
            with VerticalScroll(id="why", can_focus=False):
                yield Static(id="reasons")

    def crumbs(self) -> str:
        return f"Playbooks › {self.target}"

    def keys(self) -> Sequence[Key]:
        return [Key("↵", "walk through it"), Key("esc", "back"), Key("?", "help"), Key("q", "quit")]

    def show(self) -> None:
        table = self.query_one("#rows", Table)
        table.set_rows([Row(name, (name, playbook.title)) for name, playbook in self.playbooks.items()])
        playbook = self.playbooks.get(table.key)
        if playbook is not None:
            steps = [Content(f"  {number}. {recipe.title}") for number, recipe in enumerate(playbook.steps, start=1)]
            self.query_one("#reasons", Static).update(
                lines([line(playbook.when), line("Opening it only reads."), *steps])
            )

    def on_table_moved(self) -> None:
        self.show()

    def on_table_chosen(self) -> None:
        name = self.query_one("#rows", Table).key
        if name:
            self.main.walk_through(name, self.target, self.where)
