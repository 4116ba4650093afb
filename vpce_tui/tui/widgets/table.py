"""A table over many rows that draws only those on screen. The cursor stays on its row when others arrive above it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vpce_tui.core.text import visible
from vpce_tui.tui.widgets.keymap import binding
from vpce_tui.tui.widgets.strips import joined

_FAR = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its width in cells, and whether it takes what is left over."""

    title: str
    width: int
    grows: bool = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its key, safe cell texts, the component class that styles its first cell; and what else a filter finds it by."""

    key: str
    cells: tuple[str, ...]
    look: str = ""
    also: str = ""


class Table(ScrollView, can_focus=True):
    """The table. Cells are made safe here once more, and are never markup.

    Until the reader moves the cursor it stays on the first row: the worst one, whatever comes in.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--cursor", "table--head", "table--critical", "table--high", "table--medium", "table--low", "table--info",
        "table--gone",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        binding("up", "move(-1)"),
        binding("down", "move(1)"),
        binding("page-up", "page(-1)"),
        binding("page-down", "page(1)"),
        binding("top", f"move({-_FAR})"),
        binding("bottom", f"move({_FAR})"),
        binding("open", "choose"),
    ]
    cursor: reactive[int] = reactive(0, init=False, repaint=False)

    class Chosen(Message):
        """Enter, or a click on the cursor's row."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Moved(Message):
        """The cursor moved to another row (``""``: on none)."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, columns: Sequence[Column], **more: Any) -> None:
        super().__init__(**more)
        self.columns = tuple(columns)
        self.rows: list[TableRow] = []
        self._key = ""
        self._touched = False

    @property
    def key(self) -> str:
        """The key of the cursor's row, or ``""``."""
        return self._key

    def on_mount(self) -> None:
        self.virtual_size = Size(1, 1)

    def set_rows(self, rows: Sequence[TableRow]) -> None:
        """Show these rows. The cursor stays on its key, and on the same line of the screen."""
        line = self.cursor - self.scroll_offset.y
        shown, self.rows = self._on_screen(), list(rows)
        self.virtual_size = Size(1, len(self.rows) + 1)
        at = (
            next((number for number, row in enumerate(self.rows) if row.key == self._key), None) if self._touched else 0
        )
        if at is None:
            at = max(0, min(self.cursor, len(self.rows) - 1))
        self.set_reactive(Table.cursor, at)
        before, self._key = self._key, self.rows[at].key if self.rows else ""
        if 0 <= line < max(self.size.height - 1, 1):
            self.scroll_to(y=max(0, at - line), animate=False, immediate=True, force=True)
        for number, (was, now) in enumerate(zip_longest(shown, self._on_screen(), fillvalue=None), start=1):
            if was != now:
                self.refresh(Region(0, number, self.size.width, 1))
        if self._key != before or not self.rows:
            self.post_message(self.Moved(self._key))

    def _on_screen(self) -> list[tuple[TableRow | None, bool]]:
        """The rows that can be seen, from the first line on, and which of them the cursor is on."""
        top, height = self.scroll_offset.y, self.size.height - 1
        found: list[tuple[TableRow | None, bool]] = [
            (self.rows[at] if at < len(self.rows) else None, at == self.cursor)
            for at in range(top, top + max(height, 0))
        ]
        return found

    def go_to(self, key: str) -> bool:
        """Put the cursor on the row with this key."""
        for number, row in enumerate(self.rows):
            if row.key == key:
                self._touched = True
                self.cursor = number
                return True
        return False

    def validate_cursor(self, value: int) -> int:
        return max(0, min(value, len(self.rows) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self._key = self.rows[new].key if self.rows else ""
        top, height = self.scroll_offset.y, self.size.height - 1
        for number in (old, new):
            self.refresh(Region(0, number - top + 1, self.size.width, 1))
        if new < top:
            self.scroll_to(y=new, animate=False, immediate=True, force=True)
        elif height > 0 and new >= top + height:
            self.scroll_to(y=new - height + 1, animate=False, immediate=True, force=True)
        self.post_message(self.Moved(self._key))

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._touched = True
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self._touched = True
        self.cursor += by * max(1, self.size.height - 2)

    def action_choose(self) -> None:
        """Open the cursor's row."""
        if self.rows:
            self.post_message(self.Chosen(self._key))

    def on_click(self, event: events.Click) -> None:
        at = self.scroll_offset.y + event.y - 1
        if event.y >= 1 and at < len(self.rows):
            again, self._touched = at == self.cursor, True
            self.cursor = at
            if again:
                self.action_choose()

    def _widths(self) -> list[int]:
        fixed = sum(column.width + 1 for column in self.columns)
        spare = max(0, self.size.width - fixed)
        growing = sum(column.grows for column in self.columns) or 1
        return [column.width + (spare // growing if column.grows else 0) for column in self.columns]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            titles = tuple(column.title for column in self.columns)
            return self._strip(titles, self.get_component_rich_style("table--head"), None, width)
        at = self.scroll_offset.y + y - 1
        if at >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[at]
        on_cursor = at == self.cursor
        style = self.get_component_rich_style("table--cursor") if on_cursor else self.rich_style
        first = None if on_cursor or not row.look else self.get_component_rich_style(f"table--{row.look}")
        return self._strip(row.cells, style, first, width)

    def _strip(self, cells: Sequence[str], style: Style, first: Style | None, width: int) -> Strip:
        segments, used = [], 0
        for number, (cell, room) in enumerate(zip(cells, self._widths(), strict=False)):
            text = visible(cell, limit=room + 200)
            text = set_cell_size(text, room) if cell_len(text) <= room else set_cell_size(text, max(room - 1, 0)) + "…"
            segments.append(Segment(text + " ", first if first is not None and number == 0 else style))
            used += room + 1
        return joined(Strip(segments, used).crop_extend(0, width, style))
