"""Blocks as text for a terminal, drawn by Rich: coloured where the terminal takes it, plain where not."""

from collections.abc import Iterable, Iterator
from io import StringIO
from typing import TYPE_CHECKING

from vpce_tui.blocks.cells import right_aligned, row_texts
from vpce_tui.blocks.chart import LABEL, chart
from vpce_tui.blocks.diff import diff_lines
from vpce_tui.blocks.model import Block, DiffBlock, FactsBlock, SeriesBlock, TableBlock, TextBlock, TreeBlock
from vpce_tui.blocks.tree import tree_lines
from vpce_tui.core.text import sign, visible

if TYPE_CHECKING:
    from rich.console import RenderableType

_SIGNS = {"-": "red", "+": "green", "@": "dim", " ": ""}
_SEVERITY = {"critical": "bold red", "high": "bold yellow", "medium": "bold"}


def terminal_text(blocks: Iterable[Block], *, width: int = 100, colour: bool = False) -> str:
    """The blocks, a blank line between two, no line longer than ``width``; ``colour``: with escape sequences of ours alone."""
    from rich.console import Console  # noqa: PLC0415 - slow to import

    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for number, block in enumerate(blocks):
        if number and not isinstance(block, TextBlock):
            console.print()
        for part in _drawn(block, width):
            console.print(part, soft_wrap=False)
    text = console.file.getvalue() if isinstance(console.file, StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n" if not colour else text


def _drawn(block: Block, width: int) -> "Iterator[RenderableType]":
    from rich.padding import Padding  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if isinstance(block, TextBlock):
        yield Text.assemble(("! ", "bold yellow") if block.warning else "", visible(block.text))
        return
    title = block.title
    if title:
        yield Text(visible(title), "bold")
    if isinstance(block, FactsBlock):
        yield Padding(_facts(block), (0, 0, 0, 2))
    elif isinstance(block, TableBlock):
        yield Padding(_table(block), (0, 0, 0, 2))
        if block.more:
            yield Text(f"  and {block.more:,} more", "dim")
    elif isinstance(block, SeriesBlock):
        for line in block.lines:
            found = chart(block, line, width - 2)
            yield Text("  " + visible(found.head))
            for label, cells in found.rows:
                yield Text.assemble("  ", (f"{label:>{LABEL - 1}} ", "dim"), (cells, "cyan"))
            if found.rows:
                yield Text(" " * (LABEL + 2) + found.axis, "dim")
                yield Text(" " * (LABEL + 2) + found.times, "dim")
    elif isinstance(block, DiffBlock):
        for mark, said in diff_lines(block):
            yield Text(f"  {sign('…') if mark == '@' else mark} {visible(said)}", _SIGNS[mark])
    else:
        yield from _tree(block)


def _facts(block: FactsBlock) -> "RenderableType":
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    grid.add_column(max_width=28, overflow="fold")
    grid.add_column(overflow="fold")
    for fact in block.facts:
        source = f"  ({visible(fact.source)})" if fact.source else ""
        grid.add_row(Text(visible(fact.name), "dim"), Text.assemble(visible(fact.value), (source, "dim")))
    return grid


def _table(block: TableBlock) -> "RenderableType":
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in block.columns:
        table.add_column(
            Text(visible(column.name)), justify="right" if right_aligned(column) else "left", overflow="fold"
        )
    for row in block.rows:
        table.add_row(*(Text(visible(text)) for text in row_texts(block, row)), style="bold" if row.worst else "")
    return table


def _tree(block: TreeBlock) -> "Iterator[RenderableType]":
    from rich.text import Text  # noqa: PLC0415

    for stem, node in tree_lines(block):
        severity = (f"{visible(node.severity)} ", _SEVERITY.get(node.severity, "")) if node.severity else ""
        note = (f"  {visible(node.note)}", "dim") if node.note else ""
        yield Text.assemble(f"  {stem}", severity, visible(node.text), note)
