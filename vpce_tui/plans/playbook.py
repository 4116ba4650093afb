"""A playbook as data: prose and ordered steps, each with the action behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from vpce_tui.aws.client import AwsClient
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.incident.record import Record
from vpce_tui.plans.actions import Answers, AnyAction
from vpce_tui.plans.live_step import LiveStep
from vpce_tui.plans.plan import Plan, Step
from vpce_tui.plans.targets.planning_context import OnRead, PlanningContext

Choices = Mapping[str, Mapping[str, str]]
"""Choices by step id, then by choice id."""


class Planner(Protocol):
    """What plans a playbook's steps on targets of its kind: see :class:`vpce_tui.plans.planner.KindPlanner`."""

    def plan(
        self,
        client: AwsClient,
        playbook: "Playbook",
        target: str,
        region: str,
        now: datetime,
        *,
        choices: Choices,
        incident: str,
        record: Record | None,
        on_read: OnRead,
        history: EventHistory,
    ) -> Plan:
        """Plan every step; each over the state that the steps before it leave."""

    def plan_step(
        self,
        client: AwsClient,
        playbook_step: "PlaybookStep",
        target: str,
        region: str,
        choices: Mapping[str, str],
        *,
        asked: PlanningContext,
        remembered: Step | None,
        others: Answers,
    ) -> LiveStep:
        """Plan one step from live state."""


@dataclass(frozen=True, slots=True)
class PlaybookStep:
    """One step of a playbook as its file has it.

    ``prerequisite``: nothing after it may run before it is verified, or recorded as done manually. ``prompts``: which of the action's
    questions are asked (None: all). ``siblings``: step ids of the playbook by their action.
    """

    id: str
    title: str
    description: str
    action: AnyAction
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
    planner: Planner = field(repr=False, compare=False)
    team: str = ""

    @property
    def team_mark(self) -> str:
        """A mark for the team's own."""
        return "(your team's)" if self.team else ""

    def step(self, step_id: str) -> PlaybookStep:
        """The step with this id."""
        return next(step for step in self.steps if step.id == step_id)
