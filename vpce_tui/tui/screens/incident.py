"""The incident: the journal as a timeline, and whether it verifies."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from vpce_tui.aws.errors import told
from vpce_tui.core.text import short, sign
from vpce_tui.incident.journal import JournalRow, RowKind
from vpce_tui.incident.record import replay
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.states import StepState, VerificationState
from vpce_tui.incident.verification import Verification, check_rows
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines

_LEFT = (StepState.OPEN, StepState.FAILED, StepState.NOT_VERIFIED, StepState.OUTCOME_UNKNOWN)
"""States of steps that need attention."""


class IncidentScreen(Frame):
    """The record of the open incident."""

    base = "incident"

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("down", "scroll(3)"),
        binding("up", "scroll(-3)"),
        binding("top", "scroll(-100000)"),
        binding("bottom", "scroll(100000)"),
        binding("note", "note"),
        binding("open-incident", "open"),
        binding("resume", "app.walk_on"),
        binding("close-incident", "app.close_incident"),
        binding("copy", "copy"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._checked = ""
        self._verdict: Verification | None = None

    def _check(self, rows: list[JournalRow], head: str) -> None:
        """Recompute the record on a thread: evidence may be large, and no key waits for it."""
        journal = self.work.journal
        assert journal is not None
        self._checked, folder = head, journal.folder

        def then(verdict: Verification | None) -> None:
            self._verdict = verdict
            self.update()

        def failed(error: Exception) -> None:
            then(Verification(rows=0, evidence=0, head="", wrong_row=0, problem=told(error)))

        self.work.background.start("verify", lambda: check_rows(rows, folder), then, failed)

    def body(self) -> ComposeResult:
        yield Page(classes="reading", id="page")

    def crumbs(self) -> str:
        return f"Incident ─ {self.work.journal.name}" if self.work.journal else "Incident ─ none is open"

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        found = [hint("back")]
        if self.work.journal is None:
            if not self.work.read_only:
                found.append(hint("open-incident"))
        else:
            found += [
                hint("resume"),
                hint("note"),
                hint("close-incident", "close"),
                hint("copy", "copy head hash"),
            ]
        return [*found, keys.pair("down", "up", "scroll"), hint("help"), hint("quit")]

    def show(self) -> None:
        self.query_one("#page", Page).show(lines(self._text()))

    def _text(self) -> list[Content]:
        journal = self.work.journal
        if journal is None:
            said = (
                "Read-only: no incident can be opened."
                if self.work.read_only
                else f"Open one ({self.main.keymap.shown('open-incident')}), or run a step."
            )
            waiting = self.main.open_incidents
            how = "" if self.work.read_only else f"; resume one by its name ({self.main.keymap.shown('open-incident')})"
            listed = [line(""), line((f"open on this host{how}", "bold"))] if waiting else []
            listed += [part for name, walked in waiting for part in hanging(f"  {name}  ", walked, 76, "", "bold")]
            return [line(("No incident is open.", "bold")), line(said), *listed]
        rows = list(journal.rows())
        record, head = replay(rows), rows[-1].hash if rows else ""
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
            ),
            line(
                (state, "$success" if verdict.good else "bold $error"),
                f"  {verdict.rows} rows, {verdict.evidence} evidence files",
            ),
            line((f"head {verdict.head}", "dim")),
            line((f"{journal.folder}", "dim")),
            line(""),
        ]
        left = [step for step in record.steps.values() if step.open_calls or step.state in _LEFT]
        if left:
            found.append(line(("Open steps", "bold")))
            found += [line(f"  {sign(step.state.sign)} {step.key}: {step.state.value} {step.saw}") for step in left]
            found.append(line(""))
        width, about = max(self.query_one("#page").size.width - 4, 40), ""
        whys: dict[tuple[str, str], str] = {}
        for row in rows:
            data = row.data
            step, plan = str(data.get("step", "")), data.get("plan", {})
            if row.kind == RowKind.PLAN.value and plan:
                whys |= {(step, item["id"]): item.get("why", "") for item in (*plan["calls"], *plan.get("undo", ()))}
            call = str(data.get("call", ""))
            about_call = whys.get((step, call)) or call
            told_so = _told(row, width, about_call)
            subject = step.rpartition("/")[0]
            if told_so and subject and subject != about:
                about = subject
                found.append(line((subject.replace("/", " on ", 1), "bold")))
            found += told_so
        return found

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        self.query_one("#page", Page).scroll_relative(y=by, animate=False)

    def action_open(self) -> None:
        """Open an incident."""
        if self.work.journal is None and not self.work.read_only:
            self.main.open_incident("", self.update)

    def action_note(self) -> None:
        """Write a note."""
        from vpce_tui.tui.widgets.dialogs import Ask  # noqa: PLC0415

        journal = self.work.journal
        if journal is None or not journal.writable:
            return

        def answered(text: str | None) -> None:
            if text:
                try:
                    journal.append(RowKind.NOTE, {"text": text})
                except RecordError as error:
                    self.main.say(str(error))
                self.update()

        self.app.push_screen(Ask("Note", "What should others know?"), answered)

    def action_copy(self) -> None:
        """Copy the head hash."""
        if self.work.journal is not None:
            self.main.copy(self.work.journal.head, "the head hash")


def _told(row: JournalRow, width: int, call: str) -> list[Content]:
    """A row in words; rows that only serve the machine are left out. ``call``: what its call was for."""
    data = row.data
    step = str(data.get("step", "")).rpartition("/")[2]
    who = row.operator.rpartition("/")[2]
    undone = "undo: " if data.get("undo") else ""
    said, look = "", ""
    if row.kind == RowKind.OPENED.value:
        said = f"opened by {who} for account {data.get('account')}"
    elif row.kind == RowKind.OPERATOR.value:
        said = f"{who} resumed"
    elif row.kind == RowKind.PLAN.value:
        said = "" if "whole" in data else f"plan shown: {len(data['plan']['calls'])} calls"
    elif row.kind == RowKind.APPROVED.value:
        said = f"{undone}approved by {who} ({data.get('how')})" + (
            f", typed {data['confirmed']}" if data.get("confirmed") else ""
        )
    elif row.kind == RowKind.RESULT.value:
        if data.get("probe"):
            denied = ", ".join(data.get("denied", ()))
            said = f"{undone}dry run passed for {len(data.get('passed', ()))} calls" + (
                f", denied: {denied}" if denied else ""
            )
        elif data["ok"]:
            said, look = (
                f"{undone}{sign('✔')} {call} {' '.join(data.get('gave', {}).values())}",
                "$success",
            )
        else:
            said, look = f"{undone}{sign('✖')} {call}: {data.get('error')}", "bold $error"
    elif row.kind == RowKind.CHECK.value:
        proof = data.get("verification")
        said = f"{undone}{proof}: {data.get('saw')}" if proof else f"{undone}checked with AWS: {call}: {data['found']}"
        look = "$success" if proof == VerificationState.VERIFIED else ""
    elif row.kind == RowKind.EVIDENCE.value:
        said = f"evidence {data['evidence']}, {data['size']:,} bytes, {data['sha256'][:16]}…"
    elif row.kind == RowKind.NOTE.value:
        said = f"{data.get('decision') or 'note'}: {data.get('text')} ({who})"
    elif row.kind == RowKind.UNDO.value:
        said = f"undo shown: {len(data.get('calls', ()))} calls"
    elif row.kind == RowKind.ERROR.value:
        said, look = f"{sign('✖')} {data.get('evidence', '')} {data.get('error')}", "bold $error"
    elif row.kind == RowKind.CLOSED.value:
        said = f"closed by {who}"
    if not said:
        return []
    return hanging(f"{row.time[11:19]}Z  {short(step, 16):<16}  ", said, width, look)
