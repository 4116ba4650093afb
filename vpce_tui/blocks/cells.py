"""A table's cells as text, in one form for every medium; and how a column is sorted."""

from vpce_tui.blocks.model import BlockColumn, BlockRow, Cell, ColumnKind, TableBlock
from vpce_tui.core.text import size

UNKNOWN = "?"
"""A cell whose value is not known."""
_RIGHT = frozenset({ColumnKind.NUMBER, ColumnKind.COUNT, ColumnKind.BYTES})


def cell_text(cell: Cell, kind: ColumnKind) -> str:
    """``1.1 GB``, ``12``, ``no``, ``01-31 02:14:05Z``; :data:`UNKNOWN` for None. Not yet safe to show."""
    if cell is None:
        return UNKNOWN
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return size(cell) if kind is ColumnKind.BYTES else str(cell) if kind is ColumnKind.NUMBER else f"{cell:,}"
    if kind is ColumnKind.TIME and len(cell) == len("2026-01-31T02:14:05Z") and cell[10] == "T":
        return f"{cell[5:10]} {cell[11:19]}Z"
    return cell


def row_texts(table: TableBlock, row: BlockRow) -> tuple[str, ...]:
    """The cells of a row."""
    return tuple(cell_text(cell, column.kind) for cell, column in zip(row.cells, table.columns, strict=True))


def right_aligned(column: BlockColumn) -> bool:
    """Whether a column is one of numbers."""
    return column.kind in _RIGHT


def sorted_rows(table: TableBlock, at: int, *, descending: bool) -> tuple[BlockRow, ...]:
    """The rows by column ``at``; what is not known comes last either way, equals stay in their order."""
    known = [row for row in table.rows if row.cells[at] is not None]
    unknown = [row for row in table.rows if row.cells[at] is None]
    number = table.columns[at].kind in _RIGHT or table.columns[at].kind is ColumnKind.YES_NO

    def key(row: BlockRow) -> tuple[int, int, str]:
        cell = row.cells[at]
        if number and isinstance(cell, int):
            return 0, cell, ""
        return 1, 0, str(cell).casefold()

    return (*sorted(known, key=key, reverse=descending), *unknown)


def first_descending(column: BlockColumn) -> bool:
    """Whether a column is sorted from the most on, when it is sorted by for the first time."""
    return column.kind not in (ColumnKind.TEXT, ColumnKind.NUMBER)
