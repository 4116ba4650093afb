"""Lines as few bytes: pieces that look the same are written as one."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

_SHOWN_ON_BLANKS = ("underline", "underline2", "reverse", "strike", "overline", "blink")


def joined(strip: Strip) -> Strip:
    """``strip`` with neighbours of one look joined; of blanks only the background is seen."""
    found: list[Segment] = []
    for segment in strip:
        if found and not segment.control and not found[-1].control:
            before = found[-1]
            if before.style == segment.style or (_blank(segment) and _same_ground(before.style, segment.style)):
                found[-1] = Segment(before.text + segment.text, before.style)
                continue
            if _blank(before) and _same_ground(before.style, segment.style):
                found[-1] = Segment(before.text + segment.text, segment.style)
                continue
        found.append(segment)
    return Strip(found, strip.cell_length)


def _blank(segment: Segment) -> bool:
    return not segment.text.strip(" ")


def _same_ground(one: Style | None, other: Style | None) -> bool:
    """Whether blanks look the same in both styles, and neither draws anything on them."""
    if one is None or other is None or one.bgcolor != other.bgcolor or one._link or other._link:
        return False
    return not any(getattr(style, name) for style in (one, other) for name in _SHOWN_ON_BLANKS)
