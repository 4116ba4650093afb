"""Marking an event as expected: why, and until which day. It changes the team's own file, and nothing in AWS."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from vpce_tui.aws.errors import told
from vpce_tui.screens.frame import Frame
from vpce_tui.widgets.ask import Ask

if TYPE_CHECKING:
    from vpce_tui.trail.event import Event

_TITLE = "Mark as expected"


def mark_expected(screen: Frame, event: Event) -> None:
    """Ask for the reason, then for the end, and keep the mark. Not in read-only, and only for what is judged."""
    if event.request is None or screen.work.read_only:
        return
    from vpce_tui.signals.marks import DEFAULT, written  # noqa: PLC0415

    work = screen.work

    def reasoned(reason: str | None) -> None:
        if reason:
            question = "Until which day does that hold? After it the event counts again as it is judged."
            proposed = f"{(screen.main.now() + DEFAULT).date()}"
            screen.app.push_screen(Ask(_TITLE, question, proposed, wrong=_no_day), lambda day: dated(reason, day))

    def dated(reason: str, day: str | None) -> None:
        if not day:
            return
        by = work.identity.operator if work.identity else ""
        try:
            context = written(work.context_file, event.id, reason, date.fromisoformat(day), by)
        except Exception as error:
            screen.main.say(told(error))
            return
        work.use(context)
        screen.main.say(f"Expected until {day}. It stands in {work.context_file}, and can be taken out there.")

    question = f"{event.name} {event.id} will count as harmless, and stay in the list. Why is it expected?"
    screen.app.push_screen(Ask(_TITLE, question, ""), reasoned)


def _no_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        return "write a day as 2026-01-31"
    return ""
