"""What is said of an incident: why nothing can be added to it, and which steps are not finished."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from vpce_tui.incident.states import StepState

if TYPE_CHECKING:  # the first paint does not wait for what reads records
    from vpce_tui.incident.journal import Journal
    from vpce_tui.incident.record import Record


def read_only_because(journal: Journal) -> str:
    """Why nothing can be added to a record that was opened."""
    closed = journal.record().closed_at
    if closed:
        return f"{journal.name} was closed at {closed[:19]}Z: it can be read, and nothing is added to it."
    return f"{journal.name} is locked by {journal.holder}; it is read-only here."


def unfinished_lines(record: Record, states: Container[StepState]) -> list[tuple[str, str]]:
    """By playbook and target, the titles of the steps in one of ``states``, with the state of each that was begun."""
    found: dict[str, list[str]] = {}
    for step in record.unfinished():
        if step.state in states:
            mark = "" if step.state is StepState.TODO else f" ({step.state.value})"
            found.setdefault(step.playbook.replace("/", " on ", 1), []).append(f"{step.title}{mark}")
    return [(name, "; ".join(titles)) for name, titles in found.items()]
