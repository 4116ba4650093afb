"""A page of text that scrolls, and paints only the lines that changed."""

from itertools import zip_longest
from typing import Any

from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from vpce_tui.tui.widgets.strips import joined


class Page(ScrollView):
    """Lines of safe text, wrapped to the width. Other text in its place lays nothing out anew."""

    def __init__(self, *, focusable: bool = True, **more: Any) -> None:
        super().__init__(**more)
        self.can_focus = focusable
        self._content = Content("")
        self._strips: list[Strip] = []
        self._width = 0

    @property
    def content(self) -> Content:
        """What it says, seen or not."""
        return self._content

    def show(self, content: Content) -> None:
        """Show ``content``, from where the reader is."""
        if not content.is_same(self._content) or not self._width:
            self._content = content
            self._lay_out()

    def _lay_out(self) -> None:
        self._width = self.scrollable_content_region.width
        if not self._width:
            return
        before = self._visible()
        drawn = Visual.to_strips(self, self._content, self._width, None, self.visual_style, pad=True)
        self._strips = [joined(strip) for strip in drawn]
        self._take_size(Size(self._width, len(self._strips)))
        for row, (was, now) in enumerate(zip_longest(before, self._visible())):
            if was != now:
                self.refresh(Region(0, row, self._width, 1))

    def _take_size(self, size: Size) -> None:
        """Other text is as long as it is: the screen is laid out anew only where the scroll bar comes or goes."""
        room = self.size.height
        if not room or (self.virtual_size.height > room) != (size.height > room):
            self.virtual_size = size
            return
        self.set_reactive(Page.virtual_size, size)
        if size.height > room:
            self.vertical_scrollbar.window_virtual_size = size.height
        if self.scroll_offset.y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)

    def _visible(self) -> list[Strip]:
        top = self.scroll_offset.y
        return self._strips[top : top + self.size.height]

    def on_resize(self) -> None:
        self._lay_out()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lay_out()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        return (
            joined(self._strips[at].crop_extend(0, width, self.rich_style))
            if at < len(self._strips)
            else Strip.blank(width, self.rich_style)
        )
