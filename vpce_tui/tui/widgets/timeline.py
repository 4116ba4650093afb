"""Events over time as two short lines: how many, and how bad the worst is; readable without colour, and in ASCII."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from vpce_tui.core.text import ascii_only
from vpce_tui.detection.signals import Severity

_BARS = "▁▂▃▄▅▆▇█"
_LETTERS = {Severity.CRITICAL: "C", Severity.HIGH: "H", Severity.MEDIUM: "M", Severity.LOW: "·", Severity.INFO: "·"}
_LOOKS = {Severity.CRITICAL: "bold $error", Severity.HIGH: "bold $warning", Severity.MEDIUM: "bold $accent"}

Parts = list[tuple[str, str]]


def bars(counts: Sequence[int]) -> str:
    """One character a count: ``▁`` to ``█`` up to the largest, ``1`` to ``9`` in ASCII, blank for none."""
    most = max(counts, default=0)
    if ascii_only():
        return "".join(" " if not count else str(min(9, max(1, round(9 * count / most)))) for count in counts)
    return "".join(" " if not count else _BARS[min(7, (8 * count - 1) // most)] for count in counts)


def timeline(
    events: Iterable[tuple[datetime, Severity | None]], begin: datetime, end: datetime, width: int
) -> tuple[Parts, Parts, int]:
    """The two lines, each as styled parts of ``width`` cells in all, and how many events lie outside.

    The lower line has the letter of the worst severity of each slot: C, H, M, or a dot for less; nothing where no event
    was assessed.
    """
    counts, worst = [0] * width, list[Severity | None]([None] * width)
    span = max((end - begin).total_seconds(), 1.0)
    outside = 0
    for moment, severity in events:
        at = int((moment - begin).total_seconds() / span * width)
        if not 0 <= at <= width:
            outside += 1
            continue
        at = min(at, width - 1)
        counts[at] += 1
        if severity is not None and (worst[at] is None or severity > (worst[at] or Severity.INFO)):
            worst[at] = severity
    letters: Parts = [
        (" " if one is None else _LETTERS[one], "" if one is None else _LOOKS.get(one, "")) for one in worst
    ]
    return [(bars(counts), "$primary")], letters, outside
