"""One or more tables over the whole screen: sorted, filtered, and a level deeper with Enter where a cell counts something."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Input

from vpce_tui.blocks.model import Block, SeriesBlock, TableBlock, TextBlock
from vpce_tui.core.text import many, visible
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.block_lines import block_lines
from vpce_tui.tui.widgets.block_table import BlockTable
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.steady import Steady

TALL = 30
"""Lines of a terminal from which on a chart stands above its table."""


class TableScreen(Frame):
    """The tables among ``blocks``, one at a time; a series stands above them where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("next-view", "turn(1)", priority=True),
        binding("previous-view", "turn(-1)", priority=True),
        binding("filter", "filter"),
        binding("copy", "copy"),
    ]

    def __init__(self, title: str, blocks: Sequence[Block]) -> None:
        super().__init__()
        self._title = title
        self.tables = [block for block in blocks if isinstance(block, TableBlock)]
        self.series = [block for block in blocks if isinstance(block, SeriesBlock)]
        self.warnings = [block for block in blocks if isinstance(block, TextBlock) and block.warning]
        self.at = 0

    @property
    def crumb(self) -> str:
        return self._title

    @property
    def block(self) -> TableBlock:
        """The table on screen."""
        return self.tables[self.at]

    @property
    def table(self) -> BlockTable:
        """Its widget."""
        return self.query_one("#cells", BlockTable)

    def body(self) -> ComposeResult:
        yield Steady(id="heading")
        yield Page(id="chart", focusable=False)
        with Container(id="sheet"):
            yield BlockTable(self.block, id="cells")
        yield Steady(id="whole")
        yield Input(id="filter", placeholder="filter: words that must all be in the row", compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()

    def crumbs(self) -> str:
        return self.trail()

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        found = [hint("back")]
        if self._behind() is not None:
            found.append(hint("open", "open the rows"))
        found += [hint("sort", "sort"), keys.pair("left", "right", "column"), hint("filter")]
        if len(self.tables) > 1:
            found.append(hint("next-view", "next table"))
        return [*found, hint("copy", "copy cell"), keys.pair("down", "up", "move"), hint("help"), hint("quit")]

    def show(self) -> None:
        table, block = self.table, self.block
        beside = (
            f"{len(table.rows):,} of {many(len(block.rows), 'row')}" if table.needle else many(len(block.rows), "row")
        )
        more = f", {block.more:,} more not listed" if block.more else ""
        tabs = f"  ({self.at + 1} of {len(self.tables)})" if len(self.tables) > 1 else ""
        self.query_one("#heading", Steady).update(line((block.title, "bold"), (f"  {beside}{more}{tabs}", "dim")))
        chart = self.query_one("#chart", Page)
        drawn = block_lines([*self.warnings, *self.series], max(self.size.width - 2, 40))
        chart.display = bool(drawn) and self.app.size.height >= TALL
        chart.styles.height = min(len(drawn), max(self.app.size.height // 2 - 2, 6))
        chart.show(lines(drawn))
        self._show_whole()

    def _show_whole(self) -> None:
        """The cell under the cursor, whole, with what its column means."""
        table, block = self.table, self.block
        width = max(self.size.width - 4, 40)
        row = next((row for row in block.rows if row.id == table.key), None)
        found = []
        if row is not None and block.columns:
            column = block.columns[table.column]
            said = self._cell_text()
            found += hanging(f" {column.name}: ", said, width)
            if column.means:
                found += hanging(" ", column.means, width, "dim")
        self.query_one("#whole", Steady).update(lines(found[:4]))

    def _cell_text(self) -> str:
        table = self.table
        row = next((row for row in table.rows if row.key == table.key), None)
        return row.cells[table.column] if row is not None and row.cells else ""

    def _behind(self) -> TableBlock | None:
        """What the cell under the cursor counts."""
        if not self.query("#cells") or not self.block.columns:
            return None
        return self.block.behind_cell(self.table.key, self.block.columns[self.table.column].name)

    def on_table_moved(self) -> None:
        """Another cell."""
        self.update()

    def on_table_chosen(self) -> None:
        """Open the rows that the cell counts."""
        found = self._behind()
        if found is not None:
            self.app.push_screen(TableScreen(found.title, [found]))
        else:
            self.main.say("There is nothing behind this cell.")

    def action_turn(self, by: int) -> None:
        """The next table, or the one before."""
        if len(self.tables) > 1:
            self.at = (self.at + by) % len(self.tables)
            self.table.sorted_by, self.table.column = None, 0
            self.table.show_block(self.block)
            self.update()

    def action_filter(self) -> None:
        """Filter the rows."""
        box = self.query_one("#filter", Input)
        box.set_class(True, "-on")
        box.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.table.filter_by(event.value)
        self.update()

    def on_input_submitted(self) -> None:
        self.table.focus()

    def action_leave(self) -> None:
        box = self.query_one("#filter", Input)
        if box.has_class("-on"):
            box.value = ""
            box.set_class(False, "-on")
            self.table.focus()
            return
        super().action_leave()

    def action_copy(self) -> None:
        """Copy the cell."""
        self.main.copy(visible(self._cell_text()))
