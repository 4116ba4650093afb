"""Safe text in Textual: content that is never markup, a last filter before the terminal, crash output without values."""

import sys
import traceback
from textwrap import wrap
from typing import Any, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter

from vpce_tui.core.text import visible

_UNSAFE: Final = [
    *range(0x20),
    *range(0x7F, 0xA0),
    0xAD,
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
    *range(0xD800, 0xE000),
]
# A filter must not change the width of a line: what has no width goes, what has one becomes a replacement.
_BACKSTOP: Final = {code: "\N{REPLACEMENT CHARACTER}" if cell_len(chr(code)) == 1 else None for code in _UNSAFE}


def line(*parts: str | tuple[str, str]) -> Content:
    """One line of safe text; a part is text, or (text, style)."""
    return Content.assemble(
        *(
            (visible(part[0], limit=20_000), part[1]) if isinstance(part, tuple) else visible(part, limit=20_000)
            for part in parts
        )
    )


def lines(found: list[Content]) -> Content:
    """Several lines as one."""
    return Content("\n").join(found)


def hanging(head: str, text: str, width: int, look: str = "", head_look: str = "dim") -> list[Content]:
    """``text`` wrapped to ``width`` cells, to the right of ``head``; of a head that takes half of it, below its indent."""
    if cell_len(head) > width // 2:
        indent = head[: len(head) - len(head.lstrip())]
        text, head = head.lstrip() + text, indent
    room = max(width - cell_len(head), 16)
    found = wrap(visible(text, limit=8000), room, break_on_hyphens=False) or [""]
    blank = " " * cell_len(head)
    return [line((head if number == 0 else blank, head_look), (part, look)) for number, part in enumerate(found)]


class Scrub(LineFilter):
    """Takes out control, bidi and surrogate characters, and links, from every line on its way to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without them."""
        scrubbed = []
        for segment in segments:
            text, style, control = segment
            if style is not None and style._link:
                segment = Segment(text, style.update_link(None), control)  # noqa: PLW2901
            if not (text.isascii() and text.isprintable()):
                segment = Segment(text.translate(_BACKSTOP), segment.style, control)  # noqa: PLW2901
            scrubbed.append(segment)
        return scrubbed


class NoColor(LineFilter):
    """``NO_COLOR``: bold, dim, underline and reverse stay; colours go."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without colours."""
        return [Segment(text, style.without_color if style else style, control) for text, style, control in segments]


SCRUB: Final = Scrub()
NO_COLOR: Final = NoColor()


class SafeCrash:
    """For an ``App``: a crash prints what kind of fault it was and where, and no value of any variable."""

    fault: BaseException | None = None
    _return_code: int | None

    def _keep_fault(self, error: BaseException | None) -> None:
        if self.fault is None and error is not None:
            self.fault = getattr(error, "error", error)
        self._return_code = 1

    def _handle_exception(self, error: Exception) -> None:
        app: Any = self
        if app._exception is None:
            app._exception = error
            app._exception_event.set()
        self._keep_fault(error)
        app._close_messages_no_wait()

    def _fatal_error(self) -> None:
        app: Any = self
        self._keep_fault(sys.exc_info()[1])
        app._close_messages_no_wait()

    def panic(self, *_: Any) -> None:
        """End the app; what would have been printed is not."""
        app: Any = self
        self._keep_fault(sys.exc_info()[1])
        app._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        app: Any = self
        app._exit_renderables.clear()


def where(error: BaseException) -> str:
    """The type of an error and the place in our own code, without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "vpce_tui" in frame.filename] or list(frames)
    place = f"{own[-1].filename.rpartition('/')[2]}:{own[-1].lineno}" if own else "unknown place"
    return f"{type(error).__name__} at {place}"
