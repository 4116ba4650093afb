"""What is said of an incident: why nothing can be added to it, which steps are not finished, and where to continue."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

from vpce_tui.incident.states import NEEDS_ATTENTION, StepState

if TYPE_CHECKING:  # the first paint does not wait for what reads records
    from vpce_tui.incident.journal import Journal
    from vpce_tui.incident.record import Record


def read_only_because(journal: Journal) -> str:
    """Why nothing can be added to a record that was opened."""
    closed = journal.record().closed_at
    if closed:
        return f"{journal.name} was closed at {closed[:19]}Z: it can be read, and nothing is added to it."
    return f"{journal.name} is locked by {journal.holder}; it is read-only here."


def playbook_to_resume(record: Record, target: str) -> Mapping[str, Any] | None:
    """The plan to continue with, on ``target`` where one is named: one with a step that needs attention, else one that is not
    finished, else any; of several the one begun last."""
    unfinished = record.unfinished()
    attention = {step.playbook for step in unfinished if step.state in NEEDS_ATTENTION}
    open_still = {step.playbook for step in unfinished}
    plans = [(key, plan) for key, plan in record.plans.items() if target in ("", plan["target"])]
    ranked = sorted(
        plans, key=lambda item: (item[0] in attention, item[0] in open_still)
    )  # stable: the last is the newest
    return ranked[-1][1] if ranked else None


def unfinished_lines(record: Record, states: Container[StepState]) -> list[tuple[str, str]]:
    """By playbook and target, the titles of the steps in one of ``states``, with the state of each that was begun."""
    found: dict[str, list[str]] = {}
    for step in record.unfinished():
        if step.state in states:
            mark = "" if step.state is StepState.TODO else f" ({step.state.value})"
            found.setdefault(step.playbook.replace("/", " on ", 1), []).append(f"{step.title}{mark}")
    return [(name, "; ".join(titles)) for name, titles in found.items()]
