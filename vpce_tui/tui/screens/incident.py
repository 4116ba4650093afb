"""The incident: the journal as a timeline, and whether it verifies."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from vpce_tui.aws.errors import error_message
from vpce_tui.blocks.model import Block
from vpce_tui.core.text import many, short, sign
from vpce_tui.incident.integrity import IntegrityCheck, check_rows
from vpce_tui.incident.narrative import LineMark, NarrativeLine, narrate
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.rows import JournalRow, NoteWritten
from vpce_tui.incident.states import NEEDS_ATTENTION, StepState
from vpce_tui.investigation.incident_timeline import events_in_evidence, incident_timeline
from vpce_tui.tui.incident_text import unfinished_lines
from vpce_tui.tui.screens.frame import READING, Frame
from vpce_tui.tui.widgets.bars import KeyBar
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.steady import Steady
from vpce_tui.tui.widgets.table_sheet import TableSheet


class IncidentScreen(Frame):
    """The record of the open incident."""

    base = "incident"
    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        *READING,
        binding("next-view", "turn", priority=True),
        binding("previous-view", "turn", priority=True),
        binding("note", "note"),
        binding("open-incident", "open"),
        binding("resume", "app.resume_playbook"),
        binding("close-incident", "app.close_incident"),
        binding("copy", "copy"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._checked = ""
        self._verdict: IntegrityCheck | None = None
        self.view = "record"
        self._drawn_for: tuple[str, object] = ("", None)
        """The head, and the events known, that the timeline was made of."""
        self.sheet = TableSheet()
        self.sheet.display = False

    def _check(self, rows: list[JournalRow], head: str) -> None:
        """Recompute the record on a thread: evidence may be large, and no key waits for it."""
        journal = self.workspace.journal
        assert journal is not None
        self._checked, folder = head, journal.folder

        def then(verdict: IntegrityCheck | None) -> None:
            self._verdict = verdict
            self.update()

        def failed(error: Exception) -> None:
            then(IntegrityCheck(rows=0, evidence=0, head="", wrong_row=0, problem=error_message(error)))

        self.workspace.background.start("verify", lambda: check_rows(rows, folder), then, failed)

    def body(self) -> ComposeResult:
        yield Steady(id="tabs")
        yield Page(classes="reading", id="page")
        yield self.sheet

    def crumbs(self) -> str:
        return f"Incident ─ {self.workspace.journal.name}" if self.workspace.journal else "Incident ─ none is open"

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        found = [hint("back")]
        if self.workspace.journal is None:
            if not self.workspace.read_only:
                found.append(hint("open-incident"))
        else:
            found.append(hint("next-view", "timeline" if self.view == "record" else "record"))
            if self.view == "timeline":
                return [*found, *self.sheet.keys(keys), hint("resume"), hint("note"), hint("help"), hint("quit")]
            if self.workspace.journal.writable:
                found += [hint("resume"), hint("note"), hint("close-incident", "close")]
            found.append(hint("copy", "copy head hash"))
        return [*found, keys.pair("down", "up", "scroll"), hint("help"), hint("quit")]

    def show(self) -> None:
        if self.workspace.journal is None:
            self.view = "record"
        tabs = [(f" {name} ", "bold reverse" if name == self.view else "dim") for name in ("record", "timeline")]
        self.query_one("#tabs", Steady).update(line(*tabs) if self.workspace.journal is not None else line(""))
        timeline = self.view == "timeline"
        self.query_one("#page").display, self.sheet.display = not timeline, timeline
        if timeline:
            self._show_timeline()
        else:
            self.query_one("#page", Page).show(lines(self._text()))

    def _show_timeline(self) -> None:
        """Both sides, made on a thread where the record or what is known has changed: evidence may be large."""
        journal = self.workspace.journal
        assert journal is not None
        known, folder = self.workspace.assessment_inputs(), journal.folder
        rows = list(journal.rows())
        head = rows[-1].hash if rows else ""
        if self._drawn_for[0] == head and self._drawn_for[1] is known.past:
            return
        self._drawn_for = (head, known.past)
        listed = [item.event for item in self.workspace.assessed]

        def task() -> list[Block]:
            kept, missing = events_in_evidence(rows, folder)
            events = {event.id: event for event in (*kept, *known.past.events, *listed)}
            return incident_timeline(rows, events.values(), missing=missing, trust_zone=known.trust_zone)

        self.workspace.background.start(
            "timeline", task, self._timeline_made, lambda error: self.main.say(error_message(error))
        )

    def _timeline_made(self, blocks: list[Block]) -> None:
        if self.is_mounted:
            self.sheet.show_blocks(blocks)
            if self.view == "timeline" and not self.sheet.table.has_focus and not self.sheet.query("#filter.-on"):
                self.sheet.table.focus()
            self.update()

    def action_turn(self) -> None:
        """The record, or both sides on one axis."""
        if self.workspace.journal is None:
            return
        self.view = "timeline" if self.view == "record" else "record"
        self.update()
        if self.view == "timeline":
            self.sheet.table.focus()
        else:
            self.set_focus(None)

    def on_table_sheet_moved(self) -> None:
        """Another cell: other keys may work."""
        self.query_one("#keys", KeyBar).show(self.keys())

    def action_leave(self) -> None:
        """Back to where the record was opened from; from the timeline first to no filter."""
        if self.view == "record" or not self.sheet.leave_filter():
            super().action_leave()

    def _text(self) -> list[Content]:
        journal = self.workspace.journal
        if journal is None:
            said = (
                "Read-only: no incident can be opened."
                if self.workspace.read_only
                else f"Open one ({self.main.keymap.shown('open-incident')}), or run a step."
            )
            waiting = self.main.open_incidents
            how = (
                ""
                if self.workspace.read_only
                else f"; resume one by its name ({self.main.keymap.shown('open-incident')})"
            )
            listed = [line(""), line((f"open on this host{how}", "bold"))] if waiting else []
            listed += [part for name, run in waiting for part in hanging(f"  {name}  ", run, 76, "", "bold")]
            closed = [name for name, record in self.workspace.records.items() if record.closed_at]
            if closed:
                listed += [
                    line(""),
                    *hanging(
                        f"closed; read one ({self.main.keymap.shown('open-incident')})  ",
                        ", ".join(closed),
                        76,
                        "",
                        "bold",
                    ),
                ]
            return [line(("No incident is open.", "bold")), line(said), *listed]
        rows = list(journal.rows())
        record, head = journal.record(), rows[-1].hash if rows else ""
        if self._checked != head:
            self._check(rows, head)
        verdict = self._verdict
        if verdict is None:
            return [line((journal.name, "bold")), line(f"{sign('…')} verifying every row and evidence file")]
        state = (
            f"{sign('✔')} record verified"
            if verdict.good
            else f"{sign('✖')} row {verdict.wrong_row}: {verdict.problem}"
        )
        found = [
            line(
                (journal.name, "bold"),
                f"  opened {record.opened_at[:16]}Z by {record.opened_by.rpartition('/')[2]}  {record.reason}",
                (f"  closed {record.closed_at[:16]}Z" if record.closed_at else "", "bold"),
            ),
            line(
                (state, "$success" if verdict.good else "bold $error"),
                f"  {many(verdict.rows, 'row')}, {many(verdict.evidence, 'evidence file')}",
            ),
            line((f"head {verdict.head}", "dim")),
            line((f"{journal.folder}", "dim")),
            line(""),
        ]
        left = [
            step for step in record.steps.values() if step.calls_with_unknown_outcome or step.state in NEEDS_ATTENTION
        ]
        never_run = unfinished_lines(record, {StepState.TODO, StepState.UNDONE, StepState.SKIPPED})
        if left:
            found.append(line(("Open steps", "bold")))
            found += [line(f"  {sign(step.state.sign)} {step.key}: {step.state.value} {step.saw}") for step in left]
            found.append(line(""))
        if never_run:
            found.append(line(("Not run, skipped or undone", "bold")))
            found += [part for head, text in never_run for part in hanging(f"  {head}: ", text, 76)]
            found.append(line(""))
        width, about = max(self.query_one("#page").size.width - 4, 40), ""
        for item in narrate(rows):
            if item.subject and item.subject != about:
                about = item.subject
                found.append(line((about, "bold")))
            found += _drawn(item, width)
        return found

    def action_open(self) -> None:
        """Open an incident."""
        if self.workspace.journal is None:
            self.main.open_incident("", self.update, [name for name, _ in self.main.open_incidents[:1]])
        else:
            close = self.main.keymap.shown("close-incident")
            self.main.say(
                f"{self.workspace.journal.name} is open. Close it ({close}), or leave it open for later: "
                f"Leave the incident, in the palette ({self.main.keymap.shown('palette')})."
            )

    def action_note(self) -> None:
        """Write a note."""
        from vpce_tui.tui.widgets.dialogs import Ask  # noqa: PLC0415

        journal = self.workspace.journal
        if journal is None or not journal.writable:
            return

        def answered(text: str | None) -> None:
            if text:
                try:
                    journal.append(NoteWritten(text=text))
                except RecordError as error:
                    self.main.say(str(error))
                self.update()

        self.app.push_screen(Ask("Note", "What should others know?"), answered)

    def action_copy(self) -> None:
        """Copy the head hash; in the timeline the cell."""
        if self.view == "timeline":
            self.main.copy(self.sheet.cell)
        elif self.workspace.journal is not None:
            self.main.copy(self.workspace.journal.head, "the head hash")


def _drawn(item: NarrativeLine, width: int) -> list[Content]:
    """A line of the record."""
    mark = {LineMark.NONE: "", LineMark.DONE: f"{sign('✔')} ", LineMark.FAILED: f"{sign('✖')} "}[item.mark]
    look = {LineMark.NONE: "", LineMark.DONE: "$success", LineMark.FAILED: "bold $error"}[item.mark]
    head = f"{item.time[11:19]}Z  {short(item.step, 16):<16}  "
    return hanging(head, mark + item.says, width, look)
