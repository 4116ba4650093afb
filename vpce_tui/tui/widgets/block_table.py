"""A table block as a widget: sorted by any column, filtered by words, its rows ticked where several can be chosen."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from vpce_tui.blocks.cells import first_descending, right_aligned, row_texts, sorted_rows
from vpce_tui.blocks.model import TableBlock
from vpce_tui.core.text import sign, visible
from vpce_tui.tui.widgets.keymap import binding
from vpce_tui.tui.widgets.strips import joined
from vpce_tui.tui.widgets.table import Table, TableRow

_WIDEST = 44
"""Cells of a column at most; the whole value is below the table."""
_BETWEEN = 2


class BlockTable(Table):
    """The table. The first column stays; the others move when there is no room for all of them.

    ``ticked``: ids of rows that are ticked, where rows can be; ``why_not``: why a row cannot be, by its id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("right", "column(1)"),
        binding("left", "column(-1)"),
        binding("sort", "sort"),
        binding("tick", "tick"),
        binding("tick-all", "tick_all"),
    ]

    class Ticked(Message):
        """A row was ticked, or is not any more."""

    def __init__(
        self,
        block: TableBlock,
        *,
        ticked: Sequence[str] | None = None,
        why_not: dict[str, str] | None = None,
        many: bool = True,
        **more: Any,
    ) -> None:
        super().__init__((), **more)
        self.block, self.why_not, self.many = block, why_not or {}, many
        self.ticked = (
            None
            if ticked is None
            else [row.id for row in block.rows if row.id in ticked and row.id not in self.why_not]
        )
        self.column = 0
        self.sorted_by: int | None = None
        self.descending = False
        self.needle = ""
        self._natural: list[int] = []

    def on_mount(self) -> None:
        self.refill()

    def show_block(self, block: TableBlock) -> None:
        """Show another table in its place, sorted and filtered as this one is."""
        if len(block.columns) != len(self.block.columns):
            self.column, self.sorted_by = 0, None
        self.block = block
        self.refill()
        self.refresh()

    def refill(self) -> None:
        """The rows as they are sorted, filtered and ticked."""
        block = self.block
        rows = block.rows if self.sorted_by is None else sorted_rows(block, self.sorted_by, descending=self.descending)
        words = self.needle.casefold().split()
        found = []
        for row in rows:
            cells = tuple(visible(text, limit=400) for text in row_texts(block, row))
            haystack = " ".join((row.id, *cells)).casefold()
            if all(word in haystack for word in words):
                look = "gone" if row.id in self.why_not else "high" if row.worst else ""
                found.append(TableRow(key=row.id, cells=(*self._tick(row.id), *cells), look=look))
        heads = (*self._tick_head(), *(column.name for column in block.columns))
        widest = min(_WIDEST, max(16, (self.size.width or 80) // 3))
        self._natural = [
            min(widest, max(cell_len(head) + 2, *(cell_len(row.cells[at]) for row in found), 1))
            if found
            else cell_len(head) + 2
            for at, head in enumerate(heads)
        ]
        self.set_rows(found)

    def _tick(self, row: str) -> tuple[str, ...]:
        if self.ticked is None:
            return ()
        if row in self.why_not:
            return (" – ",)
        on = row in self.ticked
        return (f"[{'x' if on else ' '}]" if self.many else f"({sign('●') if on else ' '})",)

    def _tick_head(self) -> tuple[str, ...]:
        return () if self.ticked is None else ("",)

    def filter_by(self, words: str) -> None:
        """Show only the rows with these words."""
        self.needle = words
        self.refill()

    def action_column(self, by: int) -> None:
        """Go to another column."""
        before = self._window()
        self.column = max(0, min(len(self.block.columns) - 1, self.column + by))
        if self._window() != before:
            self.refresh()
            return
        for row in (0, self.cursor - self.scroll_offset.y + 1):
            self.refresh(Region(0, row, self.size.width, 1))
        self.post_message(self.Moved(self.key))

    def action_sort(self) -> None:
        """Sort by this column; again: the other way round."""
        if not self.block.columns:
            return
        if self.sorted_by == self.column:
            self.descending = not self.descending
        else:
            self.sorted_by, self.descending = self.column, first_descending(self.block.columns[self.column])
        self.refill()
        self.refresh()

    def action_tick(self) -> None:
        """Tick the row, or take the tick away."""
        if self.ticked is None or not self.key or self.key in self.why_not:
            return
        if not self.many:
            self.ticked = [self.key]
        elif self.key in self.ticked:
            self.ticked.remove(self.key)
        else:
            self.ticked.append(self.key)
        self.refill()
        self.post_message(self.Ticked())

    def action_tick_all(self) -> None:
        """Tick every row that is shown and can be; where all of them are, none."""
        if self.ticked is None or not self.many:
            return
        shown = [row.key for row in self.rows if row.key not in self.why_not]
        whole = all(key in self.ticked for key in shown)
        self.ticked = [key for key in self.ticked if key not in shown]
        self.ticked += [] if whole else shown
        self.refill()
        self.post_message(self.Ticked())

    def _window(self) -> list[int]:
        """The columns that are drawn, ticks first: those that fit, with the one that the cursor is in."""
        ticks = len(self._tick_head())
        pinned = list(range(ticks + 1))
        room = self.size.width - sum(self._natural[at] + _BETWEEN for at in pinned if at < len(self._natural))
        last = self.column + ticks
        shown: list[int] = []
        rest = list(range(ticks + 1, len(self._natural)))
        for start in range(len(rest) + 1):
            shown, left = [], room
            for at in rest[start:]:
                if left < min(self._natural[at], 8):
                    break
                shown.append(at)
                left -= self._natural[at] + _BETWEEN
            if last in shown or last in pinned or start == len(rest):
                break
        return [*pinned, *shown]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._natural:
            return Strip.blank(width, self.rich_style)
        if y == 0:
            return self._head(width)
        at = self.scroll_offset.y + y - 1
        if at >= len(self.rows):
            said = "  none" if not self.rows and y == 1 else ""
            return Strip([Segment(said, self.rich_style)]).crop_extend(0, width, self.rich_style)
        row = self.rows[at]
        on_cursor = at == self.cursor
        style = self.get_component_rich_style("table--cursor") if on_cursor else self.rich_style
        if row.look and not on_cursor:
            style = self.get_component_rich_style(f"table--{row.look}")
        ticks = len(self._tick_head())
        segments, left = [], width
        for number in self._window():
            here = on_cursor and self.has_focus and number - ticks == self.column
            column = self.block.columns[number - ticks] if number >= ticks else None
            room = min(self._natural[number], max(left, 1))
            text = self._cell(row.cells[number], room, right=column is not None and right_aligned(column))
            segments += [
                Segment(text, style + Style(underline=True) if here else style),
                Segment(" " * _BETWEEN, style),
            ]
            left -= self._natural[number] + _BETWEEN
        return joined(Strip(segments).crop_extend(0, width, style))

    def _head(self, width: int) -> Strip:
        style = self.get_component_rich_style("table--head")
        ticks = len(self._tick_head())
        segments = []
        for number in self._window():
            if number < ticks:
                segments.append(Segment(" " * (self._natural[number] + _BETWEEN), style))
                continue
            column = self.block.columns[number - ticks]
            mark = sign("↓" if self.descending else "↑") if self.sorted_by == number - ticks else ""
            text = self._cell(f"{column.name}{mark}", self._natural[number], right=right_aligned(column))
            here = self.has_focus and number - ticks == self.column
            segments += [Segment(text, style + Style(reverse=True) if here else style), Segment(" " * _BETWEEN, style)]
        return joined(Strip(segments).crop_extend(0, width, style))

    @staticmethod
    def _cell(text: str, width: int, *, right: bool) -> str:
        if cell_len(text) > width:
            return set_cell_size(text, max(width - 1, 0)) + sign("…")[:1]
        blank = " " * (width - cell_len(text))
        return blank + text if right else text + blank

    def on_resize(self) -> None:
        self.refill()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
