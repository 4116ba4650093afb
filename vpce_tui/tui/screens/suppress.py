"""Suppressing an event: why, and until which day. It changes the team's own context file, and nothing in AWS."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from vpce_tui.aws.errors import error_message
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.widgets.dialogs import Ask

if TYPE_CHECKING:
    from vpce_tui.detection.assessment import AssessedEvent

_TITLE = "Suppress the event"
_BACK = "Remove the suppression"


def suppress(screen: Frame, item: AssessedEvent) -> None:
    """Ask for a reason and an end, and write the suppression; for an event that has one, ask whether to remove it.

    Refused in read-only mode, and for events that are not assessed.
    """
    workspace, event = screen.workspace, item.event
    if workspace.read_only:
        screen.main.say("Read-only: nothing can be suppressed.")
        return
    if event.request is None:
        screen.main.say("Only CreateVpcEndpoint events are assessed and can be suppressed.")
        return
    from vpce_tui.investigation.context_file import DEFAULT, written  # noqa: PLC0415

    def reasoned(reason: str | None) -> None:
        if reason:
            question = "Until which date (YYYY-MM-DD)? After this date the suppression expires."
            proposed = f"{(screen.main.now() + DEFAULT).date()}"
            screen.app.push_screen(Ask(_TITLE, question, proposed, wrong=_no_day), lambda day: dated(reason, day))

    def dated(reason: str, day: str | None) -> None:
        if day:
            keep(reason, date.fromisoformat(day))

    def taken_back(reason: str | None) -> None:
        if reason:
            keep(f"removed: {reason}", (screen.main.now() - timedelta(days=1)).date())

    def keep(reason: str, until: date) -> None:
        by = workspace.identity.operator if workspace.identity else ""
        try:
            context = written(workspace.context_file, event.id, reason, until, by)
        except Exception as error:
            screen.main.say(error_message(error))
            return
        workspace.use(context)
        ends = until < screen.main.now().date()
        screen.main.say(
            "The suppression is removed."
            if ends
            else f"Suppressed until {until}. Remove the suppression ({screen.main.keymap.shown('suppress')})."
        )

    where = f"This is written to {workspace.context_file}; nothing in AWS changes."
    if item.assessment.suppressed:
        question = f"It is {item.assessment.suppressed}. Why is the suppression removed? {where}"
        screen.app.push_screen(Ask(_BACK, question, wrong=_no_reason), taken_back)
        return
    question = f"{event.name} {event.id} will be shown as info and stay in the list. Why is it suppressed? {where}"
    screen.app.push_screen(Ask(_TITLE, question, wrong=_no_reason), reasoned)


def _no_reason(text: str) -> str:
    return "" if text else "a reason is needed"


def _no_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        return "write the date as YYYY-MM-DD, for example 2026-01-31"
    return ""
