"""How far playbooks were run in an incident, as its record says."""

from typing import NamedTuple

from vpce_tui.incident.states import StepState


class UnfinishedStep(NamedTuple):
    """A step that needs somebody: of ``playbook``, as ``playbook/target``, its title and its state."""

    playbook: str
    title: str
    state: StepState


class PlaybookProgress(NamedTuple):
    """How far a playbook was run on a target: of its ``steps``, how many need nothing more, and how many were skipped."""

    playbook: str
    done: int
    skipped: int
    steps: int

    def __str__(self) -> str:
        return f"{self.done} of {self.steps}" + (f", {self.skipped} skipped" if self.skipped else "")
