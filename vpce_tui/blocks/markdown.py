"""Blocks as Markdown (CommonMark with GitHub's tables). Text in them stays text: nothing of it is a link, an image or HTML."""

import re
from collections.abc import Iterable, Iterator

from vpce_tui.blocks.cells import right_aligned, row_texts
from vpce_tui.blocks.chart import LABEL, chart
from vpce_tui.blocks.diff import diff_lines
from vpce_tui.blocks.model import Block, DiffBlock, FactsBlock, SeriesBlock, TableBlock, TextBlock, TreeBlock
from vpce_tui.blocks.tree import tree_lines
from vpce_tui.core.text import visible

_SPECIAL = re.compile(r"[\\`*_{}\[\]()!|<>~&$@]|:(?=//)|(?<=[Ww]{3})\.")
_LEADING = re.compile(r"^(\s*)(?:([-+](?=\s|$)|[-=#](?=[-=#\s]))|([0-9]{1,9})([.)])(?=\s|$))")
_WIDTH = 96


def markdown(blocks: Iterable[Block]) -> str:
    """The blocks, a blank line between two."""
    return "\n\n".join("\n".join(_block(block)) for block in blocks) + "\n"


def escaped(text: str) -> str:
    """``text`` as it is, on one line, whatever it holds: no markup, no autolink."""
    safe = _SPECIAL.sub(r"\\\g<0>", visible(text).strip())
    return _LEADING.sub(lambda found: f"\\{found[2]}" if found[2] else f"{found[3]}\\{found[4]}", safe)


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, TextBlock):
        yield f"**Warning:** {escaped(block.text)}" if block.warning else escaped(block.text)
    elif isinstance(block, FactsBlock):
        yield from _facts(block)
    elif isinstance(block, TableBlock):
        yield from _table(block)
    elif isinstance(block, SeriesBlock):
        yield from _series(block)
    elif isinstance(block, DiffBlock):
        yield from _title(block.title)
        yield from _fenced(
            "diff", (f"@@ {said} @@" if mark == "@" else f"{mark}{said}" for mark, said in diff_lines(block))
        )
    else:
        yield from _tree(block)


def _title(title: str) -> Iterator[str]:
    if title:
        yield from (f"**{escaped(title)}**", "")


def _facts(block: FactsBlock) -> Iterator[str]:
    yield from _title(block.title)
    for fact in block.facts:
        source = f" ({escaped(fact.source)})" if fact.source else ""
        yield f"- **{escaped(fact.name)}:** {escaped(fact.value)}{source}"


def _table(block: TableBlock) -> Iterator[str]:
    yield from _title(block.title)
    yield "| " + " | ".join(escaped(column.name) for column in block.columns) + " |"
    yield "|" + "|".join(" ---: " if right_aligned(column) else " --- " for column in block.columns) + "|"
    for row in block.rows:
        yield "| " + " | ".join(escaped(text) or " " for text in row_texts(block, row)) + " |"
    if block.more:
        yield from ("", f"and {block.more:,} more")


def _series(block: SeriesBlock) -> Iterator[str]:
    yield from _title(block.title)
    drawn: list[str] = []
    for line in block.lines:
        found = chart(block, line, _WIDTH)
        drawn += [visible(found.head), *(f"{label:>{LABEL - 1}} {cells}".rstrip() for label, cells in found.rows)]
        if found.rows:
            drawn += [" " * LABEL + found.axis, " " * LABEL + found.times]
    yield from _fenced("", drawn)


def _tree(block: TreeBlock) -> Iterator[str]:
    yield from _title(block.title)
    for stem, node in tree_lines(block):
        severity = f"**{escaped(node.severity)}** " if node.severity else ""
        note = f": {escaped(node.note)}" if node.note else ""
        yield f"{'  ' * (len(stem) // 2)}- {severity}{escaped(node.text)}{note}"


def _fenced(language: str, lines: Iterable[str]) -> Iterator[str]:
    """A code block whose fence is longer than any in it."""
    safe = [visible(line) for line in lines]
    longest = max((len(found) for line in safe for found in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (fence + language, *safe, fence)
