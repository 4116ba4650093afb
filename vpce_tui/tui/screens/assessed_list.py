"""What the lists of events and of instances share: table, filter, and the *why* of the row under the cursor."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input

from vpce_tui.core.text import many, sign
from vpce_tui.detection.signals import Assessment, Severity, Signal
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.keymap import binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.table import Column, Table, TableRow

LOOK = {
    Severity.CRITICAL: "bold $error",
    Severity.HIGH: "bold $warning",
    Severity.MEDIUM: "bold $accent",
    Severity.LOW: "$text-muted",
    Severity.INFO: "$text-muted",
}


def severity_cell(severity: Severity) -> str:
    """``▲▲ CRITICAL``."""
    return f"{sign(severity.sign):<2} {severity.word.upper()}"


def signal_lines(signal: Signal, width: int, *, facts: bool) -> list[Content]:
    """One reason: sign, title, id; with ``facts`` its evidence."""
    severity = signal.severity
    look = LOOK[severity] if severity >= Severity.HIGH else ""
    mark = sign("–" if signal.mitigating else severity.sign)
    found = hanging(f"{mark:<2} ", f"{signal.title}  {signal.id}", width, look, LOOK[severity])
    if facts:
        for fact in signal.evidence:
            found += hanging(f"     {fact.what}: ", f"{fact.value}  ({fact.source})", width)
    return found


def why_text(assessment: Assessment, width: int, *, full: bool) -> list[Content]:
    """Why a subject is suspicious, for a page of ``width`` cells.

    ``full`` adds why each matters, what would make it harmless, and techniques.
    """
    found: list[Content] = []
    if assessment.explained and not full:
        found += hanging(f"{sign('·')}  ", assessment.explained, width, "dim")
    for signal in assessment.signals:
        found += signal_lines(signal, width, facts=full)
        if full:
            found += hanging("     ", signal.why, width)
            found += hanging("     false positive if: ", signal.false_positives, width)
            if signal.techniques:
                found.append(line(("     ATT&CK: " + ", ".join(signal.techniques), "dim")))
            found.append(line(""))
    if not assessment.signals:
        found.append(line("No rule matched."))
    reasons = assessment.cannot_tell
    if full:
        for reason in reasons:
            found += hanging(f"{sign('…')}  ", f"inconclusive: {reason}", width, "dim")
    elif reasons:
        rules = len({rule for rule, _ in assessment.unknown})
        found += hanging(f"{sign('…')}  ", f"{many(rules, 'rule')} inconclusive: open it for details", width, "dim")
    return found


class AssessedListScreen(Frame):
    """A table over assessed things. Subclasses give columns, rows and reasons."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("filter", "filter"),
        binding("refresh", "refresh"),
        binding("copy", "copy"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.filter = ""

    def columns(self) -> Sequence[Column]:
        """The table's columns."""
        raise NotImplementedError

    def table_rows(self) -> list[TableRow]:
        """Every row, in order."""
        raise NotImplementedError

    def why(self, key: str) -> Content:
        """What to say about the row under the cursor."""
        raise NotImplementedError

    def above(self) -> ComposeResult:
        """What is shown above the table."""
        yield from ()

    def body(self) -> ComposeResult:
        yield from self.above()
        with Container(id="list"):
            yield Table(self.columns(), id="rows")
            yield Page(id="why", focusable=False)
        yield Input(
            id="filter",
            placeholder="filter: words that must all be in the row, its ids, addresses or signals",
            compact=True,
        )

    @property
    def table(self) -> Table:
        """The table."""
        return self.query_one("#rows", Table)

    @property
    def page_width(self) -> int:
        """Cells for one line of the reasons."""
        return max(self.query_one("#why").size.width - 3, 40)

    def show(self) -> None:
        wanted = self.filter.lower().split()
        rows = [
            row
            for row in self.table_rows()
            if all(word in f"{row.key} {' '.join(row.cells)} {row.also}".lower() for word in wanted)
        ]
        self.table.set_rows(rows)
        self._show_why()

    def _show_why(self) -> None:
        self.query_one("#why", Page).show(self.why(self.table.key))

    def on_table_moved(self, _: Table.Moved) -> None:
        self._show_why()

    def action_filter(self) -> None:
        """Type words to filter by."""
        box = self.query_one("#filter", Input)
        box.add_class("-on")
        self.set_focus(box)  # at once: the next key belongs to it already

    def on_input_changed(self, event: Input.Changed) -> None:
        self.filter = event.value
        self.show()
        self._show_crumbs()

    def filtered(self, shown: str) -> str:
        """``shown`` with how many of the rows fit the filter."""
        return f"{shown} ─ {len(self.table.rows):,} fit “{self.filter}”" if self.filter.split() else shown

    def on_input_submitted(self, _: Input.Submitted) -> None:
        self.table.focus()

    def action_leave(self) -> None:
        box = self.query_one("#filter", Input)
        if box.has_class("-on"):
            box.value = ""
            box.remove_class("-on")
            self.table.focus()
            return
        super().action_leave()

    def action_refresh(self) -> None:
        """Ask for what is new."""
        self.workspace.refresh()
        self.update()

    def copy_id(self) -> str:
        """The id under the cursor."""
        return self.table.key

    def action_copy(self) -> None:
        """Copy the id under the cursor."""
        if self.copy_id():
            self.main.copy(self.copy_id())


def reasons_of(assessment: Assessment) -> str:
    """What a filter finds a row by: the reasons, with their ids."""
    return " ".join(f"{signal.id} {signal.title}" for signal in assessment.signals)


def joined(found: list[Content]) -> Content:
    """Lines as one content."""
    return lines(found)
