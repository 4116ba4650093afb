"""The questions of a step as a form: options to tick, texts to type, validated while typing."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from vpce_tui.core.text import sign
from vpce_tui.plans.plan import Question
from vpce_tui.tui.widgets.keymap import Keymap, binding
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.tick_table import TickTable

_WIDTH: Final = 60
"""Cells of the options before their width is known."""


class Ticks(Static, can_focus=True):
    """Options of one question, one or several of which are ticked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("down", "move(1)"),
        binding("up", "move(-1)"),
        binding("tick", "tick"),
        binding("tick-all", "tick_all"),
    ]

    def __init__(self, question: Question, changed: Callable[[], object]) -> None:
        super().__init__(id=f"ticks-{question.id}", classes="form--ticks")
        self.question, self._changed = question, changed
        self._width = 0
        """Cells that the options were drawn for; 0: not laid out yet."""
        chosen = question.chosen.split(",") if question.many else [question.chosen]
        self.ticked = [option.value for option in question.options if option.value in chosen]
        self.at = next((at for at, option in enumerate(question.options) if option.value in self.ticked), 0)

    def on_mount(self) -> None:
        self.redraw()

    def on_resize(self) -> None:
        if self.size.width != self._width:
            self._width = self.size.width
            self.redraw()

    def on_focus(self, _: events.Focus) -> None:
        self.redraw()

    def on_blur(self, _: events.Blur) -> None:
        self.redraw()

    def redraw(self) -> None:
        """Draw the options as they are ticked."""
        shown = []
        for at, option in enumerate(self.question.options):
            value, label = option.value, option.label
            on = value in self.ticked
            mark = f"[{'x' if on else ' '}]" if self.question.many else f"({sign('●') if on else ' '})"
            look = "reverse" if self.has_focus and at == self.at else ""
            text = label if label == value or not value else f"{value}  {label}" if self.question.many else label
            shown += hanging(f"  {mark} ", text, self._width or _WIDTH, look, look)
        self.update(lines(shown) if shown else line(("  nothing to choose from", "dim")))

    def on_key(self, event: events.Key) -> None:
        """What is typed over a list that takes other answers too goes into its text."""
        if self.question.free and event.is_printable and event.character not in (None, " ", "j", "k"):
            box = self.screen.query_one(f"#text-{self.question.id}", Input)
            box.focus()
            box.insert_text_at_cursor(str(event.character))
            event.stop()

    def action_move(self, by: int) -> None:
        """Up or down; at the end to the next question."""
        to = self.at + by
        if not 0 <= to < len(self.question.options):
            (self.screen.focus_next if by > 0 else self.screen.focus_previous)()
            return
        self.at = to
        if not self.question.many:  # as anywhere: in a list of which one is wanted, going to it chooses it
            self.ticked = [self.question.options[to].value]
            self._changed()
        self.redraw()
        self.scroll_visible(animate=False)

    def action_tick(self) -> None:
        """Tick, or take the tick away; where only one is wanted, tick this one."""
        if not self.question.options:
            return
        value = self.question.options[self.at].value
        if not self.question.many:
            self.ticked = [value]
        elif value in self.ticked:
            self.ticked.remove(value)
        else:
            self.ticked.append(value)
        self.redraw()
        self._changed()

    def action_tick_all(self) -> None:
        """Tick every option, or none where all are ticked; one of one question is chosen by itself."""
        if self.question.many:
            every = [option.value for option in self.question.options]
            self.ticked = [] if self.ticked == every else every
            self.redraw()
            self._changed()

    def clear(self) -> None:
        """Nothing is ticked."""
        self.ticked = []
        self.redraw()


class Form(ModalScreen[Mapping[str, str] | None]):
    """Asks every question of a step. Gives the answers by question id, or None when left.

    ``wrong`` gives the sentence that says what is wrong with an answer, ``""`` when nothing is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("back", "leave"),
        binding("open", "accept", priority=True),
    ]

    def __init__(self, title: str, questions: Sequence[Question], wrong: Callable[[str, str], str]) -> None:
        super().__init__()
        self._title, self._questions, self._wrong = title, tuple(questions), wrong
        self._ready = False

    def compose(self) -> ComposeResult:
        shown = getattr(self.app, "keymap", Keymap()).shown
        with Vertical(classes="dialog dialog--form"):
            yield Static(line((self._title, "bold")), classes="dialog--title")
            with VerticalScroll(id="form", can_focus=False):
                for question in self._questions:
                    yield from self._asked(question)
            yield Static(
                line(
                    f"{shown('open')} use these answers   {shown('tick')} tick"
                    + (f"   {shown('tick-all')} all" if any(question.many for question in self._questions) else "")
                    + (
                        f"   {shown('filter')} filter   {shown('sort')} sort"
                        if any(question.columns for question in self._questions)
                        else "   ↑ ↓"
                    )
                    + f"   tab next   {shown('back')} cancel"
                ),
                classes="muted",
            )

    def _asked(self, question: Question) -> list[Widget]:
        several = "  (several may be ticked)" if question.many else ""
        asked: list[Widget] = [Static(line(("? ", "bold $warning"), question.question, (several, "dim")))]
        if question.options or not question.free:
            asked.append(TickTable(question) if question.columns else Ticks(question, lambda: self._ticked(question)))
        if question.free:
            known = question.labels
            typed = [part for part in (question.chosen.split(",") if question.many else [question.chosen]) if part]
            asked.append(
                Input(
                    ",".join(part for part in typed if part not in known),
                    id=f"text-{question.id}",
                    compact=True,
                    placeholder="or type here" if question.options else "",
                )
            )
        asked.append(Static(id=f"wrong-{question.id}"))
        return asked

    def on_mount(self) -> None:
        self._ready = True
        self.validate_answers()
        self.call_after_refresh(self.query_one("#form", VerticalScroll).scroll_home, animate=False)

    def answers(self) -> dict[str, str]:
        """The current answers."""
        found = {}
        for question in self._questions:
            ticked_now = self._ticked_of(question)
            typed = self.query_one(f"#text-{question.id}", Input).value.strip() if question.free else ""
            ticked = [option.value for option in question.options if option.value in ticked_now]
            if question.many:
                found[question.id] = ",".join([*ticked, *([typed] if typed else [])])
            else:
                found[question.id] = typed or (ticked[0] if ticked else "")
        return found

    def validate_answers(self) -> bool:
        """Show what is wrong, beside each question; True when nothing is."""
        if not self._ready:
            return False
        good = True
        for key, value in self.answers().items():
            said = self._wrong(key, value)
            self.query_one(f"#wrong-{key}", Static).update(line((f"  {said}" if said else "", "bold $error")))
            good = good and not said
        return good

    def _ticked_of(self, question: Question) -> Sequence[str]:
        """What is ticked of a question's options."""
        for widget in self.query("Ticks, TickTable"):
            if isinstance(widget, (Ticks, TickTable)) and widget.question.id == question.id:
                return widget.ticked
        return ()

    def on_block_table_ticked(self) -> None:
        """A row of a table was ticked."""
        self.validate_answers()

    def _ticked(self, question: Question) -> None:
        """A tick takes the place of what was typed, where only one answer is wanted."""
        if question.free and not question.many:
            self.query_one(f"#text-{question.id}", Input).value = ""
        self.validate_answers()

    def on_input_changed(self, event: Input.Changed) -> None:
        question = next(item for item in self._questions if f"text-{item.id}" == event.input.id)
        if event.value.strip() and not question.many:
            for ticks in self.query(Ticks):
                if ticks.question.id == question.id:
                    ticks.clear()
        self.validate_answers()

    def action_accept(self) -> None:
        """Take the answers, where nothing is wrong with them."""
        if any(table.leave_filter(keep=True) for table in self.query(TickTable)):
            return
        if self.validate_answers():
            self.dismiss(self.answers())

    def action_leave(self) -> None:
        """Leave without an answer; a filter first."""
        if any(table.leave_filter(keep=False) for table in self.query(TickTable)):
            return
        self.dismiss(None)
