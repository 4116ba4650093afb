"""The tables of some content blocks, one at a time: sorted, filtered, the cell under the cursor whole; charts above where there is room."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from vpce_tui.blocks.model import Block, SeriesBlock, TableBlock, TextBlock
from vpce_tui.core.text import many
from vpce_tui.tui.widgets.block_lines import block_lines
from vpce_tui.tui.widgets.block_table import BlockTable
from vpce_tui.tui.widgets.keymap import KeyHint, Keymap, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.steady import Steady

TALL = 30
"""Lines of a terminal from which on charts are shown above the table."""
_NONE = TableBlock(title="", columns=(), rows=())


class TableSheet(Vertical):
    """The tables among the blocks."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("filter", "filter")]

    class Moved(Message):
        """Another cell is under the cursor, or another table on screen."""

    class Opened(Message):
        """Enter on a cell that counts something: ``behind`` is what it counts; None: nothing is."""

        def __init__(self, behind: TableBlock | None) -> None:
            super().__init__()
            self.behind = behind

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        super().__init__(id="sheet")
        self.blocks: Sequence[Block] = blocks
        self.at = 0

    @property
    def tables(self) -> list[TableBlock]:
        """The tables, in their order."""
        return [block for block in self.blocks if isinstance(block, TableBlock)]

    @property
    def block(self) -> TableBlock:
        """The table on screen."""
        tables = self.tables
        return tables[min(self.at, len(tables) - 1)] if tables else _NONE

    @property
    def table(self) -> BlockTable:
        """Its widget."""
        return self.query_one(BlockTable)

    def compose(self) -> ComposeResult:
        yield Steady(id="heading")
        yield Page(id="chart", focusable=False)
        yield BlockTable(self.block, id="cells")
        yield Steady(id="whole")
        yield Input(id="filter", placeholder="filter: words that must all be in the row", compact=True)

    def on_mount(self) -> None:
        self.redraw()

    def show_blocks(self, blocks: Sequence[Block]) -> None:
        """Show other blocks in their place."""
        if blocks != self.blocks:
            self.blocks, self.at = blocks, 0
            self.table.show_block(self.block)
        self.redraw()

    def redraw(self) -> None:
        """The lines around the table."""
        table, block = self.table, self.block
        rows = many(len(block.rows), "row")
        beside = f"{len(table.rows):,} of {rows}" if table.needle else rows
        more = f", {block.more:,} more not listed" if block.more else ""
        of = f"  ({self.at + 1} of {len(self.tables)})" if len(self.tables) > 1 else ""
        self.query_one("#heading", Steady).update(line((block.title, "bold"), (f"  {beside}{more}{of}", "dim")))
        above = [
            item
            for item in self.blocks
            if isinstance(item, SeriesBlock) or (isinstance(item, TextBlock) and item.warning)
        ]
        drawn = block_lines(above, max(self.app.size.width - 3, 40))
        chart = self.query_one("#chart", Page)
        chart.display = bool(drawn) and self.app.size.height >= TALL
        chart.styles.height = min(len(drawn), max(self.app.size.height // 2, 6))
        chart.show(lines(drawn))
        self._show_cell()

    def on_resize(self) -> None:
        self.redraw()

    def _show_cell(self) -> None:
        """The cell under the cursor whole, with what its column means; in the first column the whole row."""
        table, block = self.table, self.block
        found: list[Content] = []
        row = next((row for row in table.rows if row.key == table.key), None)
        if block.columns and row is not None:
            column = block.columns[table.column]
            width = max(self.app.size.width - 4, 40)
            names = [item.name for item in block.columns]
            whole = "  ".join(f"{name} {cell}" for name, cell in zip(names, row.cells, strict=True) if cell)
            found = hanging(
                " " if table.column == 0 else f" {column.name}: ", whole if table.column == 0 else self.cell, width
            )
            found += hanging(" ", column.means, width, "dim") if column.means else []
        self.query_one("#whole", Steady).update(lines(found[:4]))

    @property
    def cell(self) -> str:
        """The text of the cell under the cursor."""
        table = self.table
        row = next((row for row in table.rows if row.key == table.key), None)
        return row.cells[table.column] if row is not None and row.cells else ""

    @property
    def behind(self) -> TableBlock | None:
        """What the cell under the cursor counts."""
        if not self.block.columns:
            return None
        return self.block.behind_cell(self.table.key, self.block.columns[self.table.column].name)

    def keys(self, keymap: Keymap) -> list[KeyHint]:
        """The keys that work here, for the last line of a screen."""
        hint = keymap.hint
        found = [hint("open", "open the rows")] if self.behind is not None else []
        found += [keymap.pair("left", "right", "column"), hint("sort"), hint("filter")]
        if len(self.tables) > 1:
            found.append(hint("next-view", "next table"))
        return [*found, hint("copy", "copy cell"), keymap.pair("down", "up", "move")]

    def turn(self, by: int) -> None:
        """The next table, or the one before."""
        if len(self.tables) > 1:
            self.at = (self.at + by) % len(self.tables)
            self.table.sorted_by, self.table.column = None, 0
            self.table.show_block(self.block)
            self.redraw()
            self.post_message(self.Moved())

    def on_table_moved(self) -> None:
        self._show_cell()
        self.post_message(self.Moved())

    def on_table_chosen(self) -> None:
        self.post_message(self.Opened(self.behind))

    def action_filter(self) -> None:
        """Filter the rows."""
        box = self.query_one("#filter", Input)
        box.set_class(True, "-on")
        box.focus()

    def leave_filter(self) -> bool:
        """Take the filter away; False where there is none."""
        box = self.query_one("#filter", Input)
        if not box.has_class("-on"):
            return False
        box.value = ""
        box.set_class(False, "-on")
        self.table.focus()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.table.filter_by(event.value)
        self.redraw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.table.focus()
