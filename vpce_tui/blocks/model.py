"""The blocks: text, facts, table, series over time, difference of two texts, tree.

Each is immutable, and is its own JSON (:func:`as_data`), whose ``block`` says which it is. Text in them may be somebody else's: it
is made safe where it is drawn, for the medium that it is drawn in.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct, to_builtins

Cell: TypeAlias = str | int | bool | None
"""A value of a table: text, a number, yes or no, or None where it is not known. Times are RFC 3339 text, in UTC."""


class ColumnKind(StrEnum):
    """What a column holds: how it is drawn and sorted."""

    TEXT = "text"
    NUMBER = "number"
    """Names something: a port."""
    COUNT = "count"
    BYTES = "bytes"
    TIME = "time"
    YES_NO = "yes-no"


class TextBlock(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="block", tag="text", omit_defaults=True
):
    """One sentence or paragraph. ``warning``: a reason not to continue, or something that is not known."""

    text: str
    warning: bool = False


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name, its value, and where it is known from."""

    name: str
    value: str
    source: str = ""


class FactsBlock(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="block", tag="facts", omit_defaults=True
):
    """Facts about one thing, named by ``title``."""

    facts: tuple[Fact, ...]
    title: str = ""


class BlockColumn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column: its heading, what it holds, and what it means where the heading does not say it."""

    name: str
    kind: ColumnKind = ColumnKind.TEXT
    means: str = ""


class BlockRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row: an id that no other row of the table has, and a cell for each column. ``worst``: something in it is wrong."""

    id: str
    cells: tuple[Cell, ...]
    worst: bool = False


class TableBlock(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="block", tag="table", omit_defaults=True
):
    """Rows under columns, most important first. ``more``: how many rows there are beyond those listed here.

    ``behind``: what a cell counts, as a table of its own, by ``row id/column name``.
    """

    title: str
    columns: tuple[BlockColumn, ...]
    rows: tuple[BlockRow, ...]
    more: int = 0
    behind: "Mapping[str, TableBlock]" = {}

    def behind_cell(self, row: str, column: str) -> "TableBlock | None":
        """The rows that a cell counts; None: there are none to show."""
        return self.behind.get(f"{row}/{column}")


class SeriesLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a series: a name, and a value for each slot."""

    name: str
    values: tuple[int, ...]


class SeriesBlock(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="block", tag="series", omit_defaults=True
):
    """Values over time: slots of ``slot_minutes`` from ``start`` (RFC 3339, UTC) on. ``kind``: bytes, or a count of something."""

    title: str
    start: str
    slot_minutes: int
    lines: tuple[SeriesLine, ...]
    kind: ColumnKind = ColumnKind.BYTES


class DiffBlock(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="block", tag="diff", omit_defaults=True
):
    """Two texts, line by line: the present text and the new one. ``""``: there is none."""

    title: str
    before: str
    after: str


class TreeNode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A node: what it says, a remark beside it, how bad it is in a word, and what is below it."""

    id: str
    text: str
    note: str = ""
    severity: str = ""
    children: "tuple[TreeNode, ...]" = ()


class TreeBlock(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="block", tag="tree", omit_defaults=True
):
    """What came from what."""

    title: str
    roots: tuple[TreeNode, ...]


Block: TypeAlias = TextBlock | FactsBlock | TableBlock | SeriesBlock | DiffBlock | TreeBlock


def texts(sentences: Iterable[str]) -> list[TextBlock]:
    """A block for each sentence."""
    return [TextBlock(text=sentence) for sentence in sentences]


def column(name: str, kind: ColumnKind = ColumnKind.TEXT, means: str = "") -> BlockColumn:
    """A column."""
    return BlockColumn(name=name, kind=kind, means=means)


def as_data(blocks: Iterable[Block]) -> list[Any]:
    """Their JSON."""
    return [to_builtins(block) for block in blocks]


def sentences(blocks: Iterable[Block]) -> tuple[str, ...]:
    """What is said in words among the blocks."""
    return tuple(block.text for block in blocks if isinstance(block, TextBlock))


_LARGEST = 10**18


def wrong(block: Block) -> str:
    """Why a block cannot be drawn, as a sentence; ``""``: it can. What was handed over may be anybody's."""
    if isinstance(block, TableBlock):
        if not block.columns:
            return f"{block.title[:60]!r} has no columns"
        for row in block.rows:
            if len(row.cells) != len(block.columns):
                return f"a row of {block.title[:60]!r} has {len(row.cells)} cells for {len(block.columns)} columns"
            if any(isinstance(cell, int) and abs(cell) > _LARGEST for cell in row.cells):
                return f"a number in {block.title[:60]!r} is out of range"
        return next(filter(None, map(wrong, block.behind.values())), "")
    return _wrong_series(block) if isinstance(block, SeriesBlock) else ""


def _wrong_series(block: SeriesBlock) -> str:
    try:
        start = datetime.fromisoformat(block.start)
        longest = max((len(line.values) for line in block.lines), default=0)
        if start.tzinfo is None or not 1 <= block.slot_minutes <= 1_000_000:
            return f"the time axis of {block.title[:60]!r} is none"
        end = start.astimezone(UTC) + timedelta(minutes=block.slot_minutes * (longest + 1))
    except (ValueError, OverflowError):
        return f"the time axis of {block.title[:60]!r} is none"
    assert end > start
    large = any(abs(value) > _LARGEST for line in block.lines for value in line.values)
    return f"a number in {block.title[:60]!r} is out of range" if large else ""
