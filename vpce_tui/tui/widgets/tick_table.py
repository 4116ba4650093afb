"""The options of one question as a table whose rows are ticked: sorted, filtered, and a reason beside what cannot be chosen."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from vpce_tui.blocks.model import BlockRow, TableBlock
from vpce_tui.core.text import many
from vpce_tui.plans.plan import Question
from vpce_tui.tui.widgets.block_table import BlockTable
from vpce_tui.tui.widgets.keymap import binding
from vpce_tui.tui.widgets.safe_text import hanging, lines
from vpce_tui.tui.widgets.steady import Steady

_TALLEST = 12
"""Rows of the table that are seen at once, at most."""


def table_of(question: Question) -> TableBlock:
    """The options of a question with columns, as a table."""
    rows = tuple(BlockRow(id=option.value, cells=option.cells) for option in question.options)
    return TableBlock(title=question.question, columns=question.columns, rows=rows)


class TickTable(Vertical):
    """The table, what the row under the cursor is, and the words that it is filtered by."""

    BINDINGS: ClassVar[list[BindingType]] = [binding("filter", "filter")]

    def __init__(self, question: Question) -> None:
        super().__init__(id=f"ticks-{question.id}", classes="form--table")
        self.question = question
        chosen = question.chosen.split(",") if question.many else [question.chosen]
        self.table = BlockTable(
            table_of(question),
            ticked=chosen,
            why_not={option.value: option.why_not for option in question.options if option.why_not},
            many=question.many,
        )
        self.table.styles.height = min(len(question.options), _TALLEST) + 1

    @property
    def ticked(self) -> list[str]:
        """The values that are ticked."""
        return self.table.ticked or []

    def compose(self) -> ComposeResult:
        yield self.table
        yield Steady(classes="form--row")
        yield Input(classes="form--filter", placeholder="filter: words that must all be in the row", compact=True)

    def on_mount(self) -> None:
        self._show_row()

    def _show_row(self) -> None:
        key = self.table.key
        option = next((option for option in self.question.options if option.value == key), None)
        said = f"{many(len(self.ticked), 'row')} ticked"
        if option is not None:
            said = (
                f"cannot be chosen: {option.why_not}" if option.why_not else f"{said}; {option.value}  {option.label}"
            )
        width = max(self.size.width - 4, 40)
        self.query_one(".form--row", Steady).update(lines(hanging("  ", said, width)[:2]))

    def on_table_moved(self) -> None:
        self._show_row()

    def on_block_table_ticked(self) -> None:
        self._show_row()

    def on_resize(self) -> None:
        self._show_row()

    def action_filter(self) -> None:
        """Filter the rows."""
        box = self.query_one(Input)
        box.set_class(True, "-on")
        box.focus()

    def leave_filter(self, *, keep: bool) -> bool:
        """Go back from the filter to the table; ``keep``: its words stay. False where it is not being used."""
        box = self.query_one(Input)
        if not box.has_class("-on") or (keep and not box.has_focus):
            return False
        if not keep:
            box.value = ""
        box.set_class(bool(box.value), "-on")
        self.table.focus()
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.table.filter_by(event.value)
        self._show_row()
