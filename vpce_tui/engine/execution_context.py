"""What a run works with: the way to AWS, the record, the plan; and how what was waited for can fail to come."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import jmespath

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.engine.outcome import Outcome, Progress, WaitPolicy
from vpce_tui.incident.approval import Approved
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import Record
from vpce_tui.incident.team_config import TeamConfig
from vpce_tui.plans.live_step import LiveStep
from vpce_tui.plans.placeholders import AWS_NOW, INCIDENT, TOKEN, names
from vpce_tui.plans.plan import Plan, PlannedCall, Step, token_text
from vpce_tui.plans.planner import asked_for, remembered_step
from vpce_tui.plans.playbook import Playbook, PlaybookStep


class WaitFailed(Exception):
    """What was waited for never comes; the message says what AWS says of it."""


class WaitTimeout(WaitFailed):
    """What was waited for has not come in the time there was."""


class StepError(Exception):
    """A step ends here; ``outcome`` says how."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.says)


class StepFailed(StepError):
    """A call did not take effect, or what was waited for never comes."""


class OutcomeUnknown(StepError):
    """AWS cannot say whether a call took effect: a person resolves it."""


@dataclass
class ExecutionContext:
    """One plan on one incident. ``journal`` is open for writing, and the gate knows it.

    ``asked_to_stop`` is what the operator raises; ``cancel`` is how the present call looks at it: within a part of a step
    it is patient. ``hand_over`` takes a secret that AWS gives once, with its label, and says where it went.
    """

    client: AwsClient
    journal: Journal
    plan: Plan
    playbook: Playbook
    wait_policy: WaitPolicy
    on_progress: Callable[[Progress], object]
    asked_to_stop: Cancel
    hand_over: Callable[[str, str], str] | None
    approvals: Sequence[Approved]
    team: TeamConfig
    history: EventHistory
    cancel: Cancel = field(init=False)

    def __post_init__(self) -> None:
        self.cancel = self.asked_to_stop

    def key(self, step_id: str) -> str:
        """How the journal names a step of this plan."""
        return f"{self.plan.playbook}/{self.plan.target}/{step_id}"

    def record(self) -> Record:
        """The current state of the incident."""
        return self.journal.record()

    def live(self, step: Step, *, undone: bool = False) -> LiveStep:
        """``step`` planned again from live state; what was done before is known from the record, never from the plan's file.

        ``undone``: to see whether what was done is taken back, everything that was ever made counts as ours.
        """
        record = self.record()
        asked = asked_for(self.journal.name, record, f"{self.plan.playbook}/{self.plan.target}/", ever=undone)
        asked = replace(asked, history=self.history)
        remembered = step if undone else remembered_step(record, self.key(step.id))
        return self.playbook.planner.plan_step(
            self.client,
            self.playbook_step(step.id),
            self.plan.target,
            self.plan.region,
            step.choices,
            asked=asked,
            remembered=remembered,
            others=self.answers,
        )

    @property
    def answers(self) -> dict[str, Mapping[str, str]]:
        """The answers to the questions of every step, by its action."""
        return {self.playbook_step(step.id).action_name: step.choices for step in reversed(self.plan.steps)}

    def playbook_step(self, step_id: str) -> PlaybookStep:
        """A step as the playbook has it."""
        return self.playbook.step(step_id)

    def reference_values(self, step: Step, planned: PlannedCall, bindings: Mapping[str, str]) -> Mapping[str, object]:
        """The values of the references of a call."""
        known: dict[str, object] = {**bindings, INCIDENT: self.journal.name}
        if AWS_NOW in names(planned.parameters):
            known[AWS_NOW] = rfc3339(self.aws_now())
        if TOKEN in names(planned.parameters):
            known[TOKEN] = self._token(step, planned)
        return known

    def _token(self, step: Step, planned: PlannedCall) -> str:
        rounds = self.record().step(self.key(step.id)).rounds
        said = token_text(self.journal.name, self.plan, step, planned, rounds)
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def aws_now(self) -> datetime:
        """AWS's clock, rounded up: the second after its last answer's ``Date``."""
        answer = self.client.read(Call("sts", "GetCallerIdentity", self.client.home_region))
        return (answer.aws_time or datetime.now(UTC)) + timedelta(seconds=1)


def resolved_call(planned: PlannedCall, parameters: Mapping[str, object]) -> Call:
    """The planned call with its parameters."""
    return Call(service=planned.service, operation=planned.operation, region=planned.region, parameters=parameters)


def extract_outputs(planned: PlannedCall, answer: object) -> dict[str, str]:
    """What an answer gives to later calls, by name: the texts and numbers that are in it."""
    found = {name: jmespath.search(path, answer) for name, path in planned.gives.items()}
    return {name: str(value) for name, value in found.items() if value and type(value) in (str, int)}
