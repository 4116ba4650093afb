"""A playbook as data: prose and ordered steps, each with the action behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vpce_tui.plans.actions import Action


@dataclass(frozen=True, slots=True)
class PlaybookStep:
    """One step of a playbook as its file has it.

    ``prerequisite``: nothing after it may run before it is verified, or recorded as done manually. ``prompts``: which of the action's
    questions are asked (None: all). ``siblings``: step ids of the playbook by their action.
    """

    id: str
    title: str
    description: str
    action: Action
    target: str
    action_name: str
    prerequisite: bool = False
    defaults: Mapping[str, str] = field(default_factory=dict)
    prompts: tuple[str, ...] | None = None
    guidance: tuple[str, ...] = ()
    siblings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook: prose and ordered steps. ``team``: the file it was read from, where it is the team's own."""

    name: str
    title: str
    target: str
    use_when: str
    steps: tuple[PlaybookStep, ...]
    team: str = ""

    @property
    def whose(self) -> str:
        """A mark for the team's own."""
        return "(your team's)" if self.team else ""
