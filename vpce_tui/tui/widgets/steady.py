"""Text that is written again only where it changed: the line to the operator may be slow."""

from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Region
from textual.visual import VisualType
from textual.widgets import Static


class Steady(Static):
    """A ``Static`` that paints the lines that changed, and nothing where nothing did.

    Where it is as high as its parent it stays so: text that gets shorter, or longer within it, lays nothing out anew.
    """

    _shown: Content | None = None
    _silent = False

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show ``content``; ``layout`` False: its size never changes."""
        wanted = content if isinstance(content, Content) else Content(str(content))
        if self.styles.height is not None and self.styles.height.is_auto:
            wanted = self._filled_up(wanted)
        before, self._shown = self._shown, wanted
        if before is not None and before.is_same(wanted):
            return
        self._silent = True
        try:
            super().update(wanted, layout=False)
        finally:
            self._silent = False
        if before is None or not self.size:
            self.refresh(layout=layout)
            return
        was, now = before.split("\n", allow_blank=True), wanted.split("\n", allow_blank=True)
        width = self.content_size.width
        if any(cell_len(part.plain) > width for part in (*was, *now)) or len(was) != len(now):
            self.refresh(layout=layout)
            return
        for row in _changed(was, now):
            self.refresh(Region(0, row, width, 1))

    def refresh(self, *regions: Region, **more: Any) -> Any:
        """As Textual's; while new text is taken in, it waits for what is to be painted."""
        return self if self._silent else super().refresh(*regions, **more)

    def _filled_up(self, content: Content) -> Content:
        parent = self.parent
        room = parent.size.height if parent is not None and hasattr(parent, "size") else 0
        lacking = room - content.plain.count("\n") - 1
        return content.append("\n" * lacking) if lacking > 0 else content


def _changed(was: list[Content], now: list[Content]) -> Iterator[int]:
    for row, (old, new) in enumerate(zip(was, now, strict=True)):
        if not old.is_same(new):
            yield row
