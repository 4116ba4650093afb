"""Content blocks as lines of a page: tables with aligned columns, charts with their axes, differences in colour, trees."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from vpce_tui.blocks.cells import right_aligned, row_texts
from vpce_tui.blocks.chart import LABEL, chart
from vpce_tui.blocks.diff import diff_lines
from vpce_tui.blocks.model import (
    Block,
    BlockColumn,
    DiffBlock,
    FactsBlock,
    SeriesBlock,
    TableBlock,
    TextBlock,
    TreeBlock,
)
from vpce_tui.blocks.tree import tree_lines
from vpce_tui.core.text import sign, visible
from vpce_tui.tui.widgets.safe_text import hanging, line

DIFF_LOOK = {"-": "$error", "+": "$success", "@": "dim", " ": ""}
SEVERITY_LOOK = {"critical": "bold $error", "high": "bold $warning", "medium": "bold $accent"}
_NARROWEST = 6
"""Cells below which a column is left out rather than cut."""
_BETWEEN = 2
_CHART_ROWS = 4
ROWS = 12
"""Rows of a table on a page; the whole is a key away."""


def block_lines(blocks: Iterable[Block], width: int, *, rows: int = ROWS, open_key: str = "") -> list[Content]:
    """The blocks, ``width`` cells wide. ``open_key``: the key that opens a table, where one does."""
    found: list[Content] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            mark, look = ("! ", "bold $warning") if block.warning else (f"{sign('·')} ", "dim")
            found += hanging(f"  {mark}", block.text, width, "", look)
        elif isinstance(block, FactsBlock):
            found += _facts(block, width)
        elif isinstance(block, TableBlock):
            found += table_lines(block, width, rows, open_key)
        elif isinstance(block, SeriesBlock):
            found += series_lines(block, width)
        elif isinstance(block, DiffBlock):
            found += diff_content(block, width)
        else:
            found += _tree(block, width)
    return found


def _head(title: str, beside: str = "") -> list[Content]:
    return [line((title, "bold"), (f"  {beside}" if beside else "", "dim"))] if title else []


def _facts(block: FactsBlock, width: int) -> list[Content]:
    wide = min(max((cell_len(visible(fact.name)) for fact in block.facts), default=0), 20)
    found = _head(block.title)
    for fact in block.facts:
        source = f"  ({fact.source})" if fact.source else ""
        found += hanging(f"  {visible(fact.name):<{wide}}  ", fact.value + source, width)
    return found


def table_lines(block: TableBlock, width: int, rows: int, open_key: str = "") -> list[Content]:
    """The first rows of a table under their headings; columns that do not fit are left out from the right, and said to be."""
    shown = [row_texts(block, row) for row in block.rows[:rows]]
    safe = [tuple(visible(cell, limit=200) for cell in row) for row in shown]
    kept, widths = fit([column.name for column in block.columns], safe, width - 2)
    left = len(block.rows) - len(shown) + block.more
    hidden = len(block.columns) - len(kept)
    more = [f"{left:,} more {'row' if left == 1 else 'rows'}"] if left else []
    more += [f"{hidden} more {'column' if hidden == 1 else 'columns'}"] if hidden else []
    opens = f"{open_key}: open" if open_key and block.rows else ""
    found = _head(block.title, opens)
    if not block.rows:
        return [*found, line(("    none", "dim"))]
    columns = [block.columns[at] for at in kept]
    found.append(line(("  " + row_line([column.name for column in columns], columns, widths), "dim")))
    for row, cells in zip(block.rows, safe, strict=False):
        found.append(line(("  " + row_line([cells[at] for at in kept], columns, widths), "bold" if row.worst else "")))
    if more:
        found.append(line((f"  {sign('…')} {', '.join(more)}" + (f" ({open_key})" if open_key else ""), "dim")))
    return found


def fit(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> tuple[list[int], list[int]]:
    """Which columns are shown in ``width`` cells, and how wide each is: the widest give way, then the last are left out."""
    natural = [
        max(cell_len(head), *(cell_len(row[at]) for row in rows)) if rows else cell_len(head)
        for at, head in enumerate(heads)
    ]
    kept = list(range(len(heads)))
    while True:
        widths = [natural[at] for at in kept]
        over = sum(widths) + _BETWEEN * (len(kept) - 1) - width
        while over > 0:
            at = max(range(len(kept)), key=lambda index: widths[index])
            least = max(_NARROWEST, cell_len(heads[kept[at]]), 14 if natural[kept[at]] > 14 else 0)
            if widths[at] <= least:
                break
            step = min(over, max(1, widths[at] - least))
            widths[at] -= step
            over -= step
        if over <= 0 or len(kept) <= 1:
            return kept, widths
        kept.pop()


def row_line(cells: Sequence[str], columns: Sequence[BlockColumn], widths: Sequence[int]) -> str:
    """Cells side by side, numbers to the right."""
    found = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        text = cell if cell_len(cell) <= width else set_cell_size(cell, max(width - 1, 0)) + sign("…")[:1]
        blank = " " * max(0, width - cell_len(text))
        found.append(blank + text if right_aligned(column) else text + blank)
    return (" " * _BETWEEN).join(found).rstrip()


def series_lines(block: SeriesBlock, width: int, rows: int = _CHART_ROWS) -> list[Content]:
    """A chart for each line of the series, with its axes."""
    found = _head(block.title)
    for one in block.lines:
        drawn = chart(block, one, width - 2, rows)
        found.append(line(f"  {drawn.head}"))
        for label, cells in drawn.rows:
            found.append(line((f"  {label:>{LABEL - 1}} ", "dim"), (cells, "$primary")))
        if drawn.rows:
            found += [line((" " * (LABEL + 2) + text, "dim")) for text in (drawn.axis, drawn.times)]
    return found


def diff_content(block: DiffBlock, width: int) -> list[Content]:
    """What goes and what comes, by sign and colour."""
    found = _head(block.title)
    for mark, said in diff_lines(block):
        head = f"  {sign('…') if mark == '@' else mark} "
        indent = said[: len(said) - len(said.lstrip())]
        found += hanging(head + indent, said.lstrip(), width, DIFF_LOOK[mark], DIFF_LOOK[mark])
    return found


def _tree(block: TreeBlock, width: int) -> list[Content]:
    found = _head(block.title)
    for stem, node in tree_lines(block):
        severity = f"{node.severity}: " if node.severity else ""
        said = f"{severity}{node.text}" + (f"  {node.note}" if node.note else "")
        found += hanging(f"  {stem}", said, width, SEVERITY_LOOK.get(node.severity, ""))
    return found
