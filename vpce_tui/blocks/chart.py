"""Values over time as columns of block characters, with an axis that has units and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vpce_tui.blocks.cells import cell_text
from vpce_tui.blocks.model import SeriesBlock, SeriesLine
from vpce_tui.core.text import ascii_only, many, sign

BARS = "▁▂▃▄▅▆▇█"
LABEL = 9
"""Cells of the value axis, left of the columns."""
_WIDEST = 4
"""Cells of a column at most, where there is room for more than one."""
_BETWEEN = 16
"""Cells from one time to the next on the axis, at least."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One line of a series, drawn. Each of ``rows``: the label of the value axis, and the columns."""

    head: str
    rows: tuple[tuple[str, str], ...]
    axis: str
    times: str
    per_column: timedelta
    """The time that a column is about."""


def columns(values: Sequence[int], height: int) -> list[str]:
    """``values`` as columns of ``height`` lines, the top line first; anything above nothing is seen."""
    most = max(values, default=0)
    if most == 0:
        return [" " * len(values)] * height
    found = []
    for row in range(height, 0, -1):
        found.append(
            "".join(_cell(value / most * height * 8 - (row - 1) * 8, row == 1 and value > 0) for value in values)
        )
    return found


def _cell(filled: float, at_least: bool) -> str:
    """One cell of a column, ``filled`` in eighths; ``at_least``: never empty."""
    if ascii_only():
        return "#" if filled >= 4 else "." if at_least else " "
    if filled >= 8:
        return BARS[-1]
    return BARS[int(filled) - 1] if filled >= 1 else BARS[0] if at_least else " "


def chart(series: SeriesBlock, line: SeriesLine, width: int, height: int = 6) -> Chart:
    """``line`` drawn ``width`` cells wide; slots share a column where there is no room for each."""
    room = max(width - LABEL, 20)
    per = max(1, -(-len(line.values) // room))
    sums = [sum(line.values[at : at + per]) for at in range(0, len(line.values), per)]
    wide = max(1, min(_WIDEST, room // max(len(sums), 1)))
    sums = [value for value in sums for _ in range(wide)]
    minutes = series.slot_minutes * per
    most, total = max(sums, default=0), sum(line.values)
    labels = [""] * height
    labels[0], labels[height - 1] = cell_text(most, series.kind), "0"
    said = f"{cell_text(total, series.kind)} in all" if total else "nothing recorded"
    head = f"{line.name}: {said}; {_span(minutes)} per column" if total else f"{line.name}: {said}"
    start = datetime.fromisoformat(series.start).astimezone(UTC)
    marks, times = _time_axis(start, timedelta(minutes=minutes) / wide, len(sums))
    return Chart(
        head=head,
        rows=tuple(zip(labels, columns(sums, height), strict=True)) if total else (),
        axis=marks,
        times=times,
        per_column=timedelta(minutes=minutes),
    )


def _span(minutes: int) -> str:
    return many(minutes, "minute") if minutes < 120 else f"{minutes // 60} hours"


def _time_axis(start: datetime, per_cell: timedelta, count: int) -> tuple[str, str]:
    """The line of marks under the columns, and the times under the marks, the last one at the end; with the day where it is another."""
    marks, times, day = [sign("─")] * count, "", None
    end = f"{start + per_cell * count:%H:%MZ}"
    for at in range(0, count, _BETWEEN):
        moment = start + per_cell * at
        text = f"{moment:%H:%MZ}" if moment.date() == day else f"{moment:%m-%d %H:%MZ}"
        if at and at + len(text) + 1 > count - len(end):
            break
        day = moment.date()
        marks[at] = sign("┬")
        times = f"{times:<{at}}{text}"
    if len(times) < count - len(end):
        times = f"{times:<{count - len(end)}}{end}"
    return "".join(marks), times
