"""Marking an event as expected: why, and until which day. It changes the team's own file, and nothing in AWS."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from vpce_tui.aws.errors import told
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.dialogs import Ask

if TYPE_CHECKING:
    from vpce_tui.detection.assessment import AssessedEvent

_TITLE = "Mark as expected"
_BACK = "Take the mark back"


def mark_expected(screen: Frame, item: AssessedEvent) -> None:
    """Ask for the reason, then for the end, and keep the mark; of an event that has one, whether to take it back.

    Not in read-only, and only for what is judged.
    """
    work, event = screen.work, item.event
    if work.read_only:
        screen.main.say("This process is read-only: nothing is marked.")
        return
    if event.request is None:
        screen.main.say("Only what makes VPC endpoints is judged, and can be marked as expected.")
        return
    from vpce_tui.investigation.context_file import DEFAULT, written  # noqa: PLC0415

    def reasoned(reason: str | None) -> None:
        if reason:
            question = "Until which day does that hold? After it the event counts again as it is judged."
            proposed = f"{(screen.main.now() + DEFAULT).date()}"
            screen.app.push_screen(Ask(_TITLE, question, proposed, wrong=_no_day), lambda day: dated(reason, day))

    def dated(reason: str, day: str | None) -> None:
        if day:
            keep(reason, date.fromisoformat(day))

    def taken_back(reason: str | None) -> None:
        if reason:
            keep(f"taken back: {reason}", (screen.main.now() - timedelta(days=1)).date())

    def keep(reason: str, until: date) -> None:
        by = work.identity.operator if work.identity else ""
        try:
            context = written(work.context_file, event.id, reason, until, by)
        except Exception as error:
            screen.main.say(told(error))
            return
        work.use(context)
        ends = until < screen.main.now().date()
        screen.main.say(
            "It counts again as it is judged." if ends else f"Expected until {until}; x again takes it back."
        )

    where = f"This is written into {work.context_file}; nothing in AWS changes."
    if item.judgement.expected:
        question = f"It is {item.judgement.expected}. Why does that not hold? {where}"
        screen.app.push_screen(Ask(_BACK, question, ""), taken_back)
        return
    question = f"{event.name} {event.id} will count as harmless, and stay in the list. Why is it expected? {where}"
    screen.app.push_screen(Ask(_TITLE, question, ""), reasoned)


def _no_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        return "write a day as 2026-01-31"
    return ""
