"""Tables over the whole screen, a level deeper with Enter where a cell counts something."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from vpce_tui.blocks.model import Block
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.bars import KeyBar
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.table_sheet import TableSheet


class TableScreen(Frame):
    """The tables among ``blocks``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("next-view", "turn(1)", priority=True),
        binding("previous-view", "turn(-1)", priority=True),
        binding("copy", "copy"),
    ]

    def __init__(self, title: str, blocks: Sequence[Block]) -> None:
        super().__init__()
        self._title, self.sheet = title, TableSheet(blocks)

    @property
    def crumb(self) -> str:
        return self._title

    def body(self) -> ComposeResult:
        yield self.sheet

    def on_mount(self) -> None:
        super().on_mount()
        self.sheet.table.focus()

    def crumbs(self) -> str:
        return self.breadcrumbs()

    def keys(self) -> Sequence[KeyHint]:
        hint = self.main.keymap.hint
        return [hint("back"), *self.sheet.keys(self.main.keymap), hint("help"), hint("quit")]

    def show(self) -> None:
        self.sheet.redraw()

    def on_table_sheet_moved(self) -> None:
        """Another cell: other keys may work."""
        self.query_one("#keys", KeyBar).show(self.keys())

    def on_table_sheet_opened(self, event: TableSheet.Opened) -> None:
        """Open the rows that the cell counts."""
        if event.behind is None:
            self.main.say("No further details for this cell.")
        else:
            self.app.push_screen(TableScreen(event.behind.title, [event.behind]))

    def action_turn(self, by: int) -> None:
        """The next table, or the one before."""
        self.sheet.turn(by)

    def action_leave(self) -> None:
        if not self.sheet.leave_filter():
            super().action_leave()

    def action_copy(self) -> None:
        """Copy the cell."""
        self.main.copy(self.sheet.cell)
