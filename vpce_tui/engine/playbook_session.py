"""A playbook that is run step by step: one target, the choices made so far, the current plan, and what was done of it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec.structs import replace

from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.core.json_values import mapping, mappings, string
from vpce_tui.engine import Engine
from vpce_tui.engine.outcome import Approval, Outcome, Progress, WaitPolicy
from vpce_tui.engine.roll_back import Undo
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import Record
from vpce_tui.incident.rows import WholePlan
from vpce_tui.incident.states import Decision, StepState
from vpce_tui.plans.plan import Plan, Step, StepKind, WrongChoice
from vpce_tui.plans.plan_validation import recorded_step
from vpce_tui.plans.planner import plan_playbook
from vpce_tui.plans.playbook import Choices, Playbook, PlaybookStep
from vpce_tui.plans.targets.planning_context import OnRead
from vpce_tui.playbooks.library import load

_BEGUN = (
    StepState.RUNNING,
    StepState.VERIFIED,
    StepState.NOT_VERIFIED,
    StepState.INCOMPLETE,
    StepState.FAILED,
    StepState.OUTCOME_UNKNOWN,
)


class PlaybookSession:
    """Plans and runs. Every method may wait for AWS: call them on a thread."""

    def __init__(
        self,
        client: AwsClient,
        clock: Callable[[], datetime],
        playbook: str,
        target: str,
        region: str,
        choices: dict[str, dict[str, str]] | None = None,
        history: EventHistory | None = None,
    ) -> None:
        self.client, self._clock = client, clock
        self._history = history or EventHistory(client)
        self.playbook: Playbook = load(playbook)
        self.target, self.region = target, region
        self.choices: dict[str, dict[str, str]] = choices if choices is not None else {}
        self.wait_policy = WaitPolicy()
        self.drifted: frozenset[str] = frozenset()
        """Steps that were verified, and whose effect is gone again."""
        self.answers_reset = False
        """Whether answers that the record has are no longer offered, so that the newest plan has the defaults."""

    def playbook_step(self, step_id: str) -> PlaybookStep:
        """The step as the playbook has it."""
        return next(playbook_step for playbook_step in self.playbook.steps if playbook_step.id == step_id)

    def choose(self, step_id: str, choice: str, value: str) -> None:
        """Decide a choice; it is in the next plan."""
        self.choices.setdefault(step_id, {})[choice] = value

    def wrong(self, step: Step) -> Callable[[str, str], str]:
        """Validates an answer to one of the step's questions: what is wrong with it, ``""`` for nothing."""
        choices = {choice.id: choice for choice in self.playbook_step(step.id).action.choices}
        asked = {question.id: question for question in step.questions}

        def validate(key: str, value: str) -> str:
            return choices[key].wrong_among(asked[key].options, value)

        return validate

    def record(self, journal: Journal | None) -> Record:
        """What the incident knows."""
        return journal.record() if journal else Record()

    def key(self, step_id: str) -> str:
        """How the journal names a step."""
        return f"{self.playbook.name}/{self.target}/{step_id}"

    def plan(self, journal: Journal | None, on_read: OnRead = lambda *_: None) -> Plan:
        """The plan now; ``on_read`` is called before each read. Steps that were begun are kept as they were approved, so that they can be finished or taken back;
        a verified one whose effect is gone again is planned anew."""
        incident = journal.name if journal else ""
        record = self.record(journal)

        def planned(choices: Choices) -> Plan:
            return plan_playbook(
                self.client,
                self.playbook,
                self.target,
                self.region,
                self._clock(),
                choices,
                incident,
                record,
                on_read,
                self._history,
            )

        recorded = self._with_recorded(record)
        try:
            made, self.answers_reset = planned(recorded), False
        except WrongChoice:  # what was chosen when the record was written is no longer offered
            made, self.answers_reset = planned(self.choices), recorded != self.choices
        steps: list[Step] = []
        drifted: set[str] = set()
        for step in made.steps:
            known = record.step(self.key(step.id))
            ours = bool(known.done_by_us or known.calls_with_unknown_outcome or known.state is StepState.VERIFIED)
            begun = known.state in _BEGUN and bool(known.planned) and ours
            answered = known.planned.get("choices", {}) if known.planned else {}
            otherwise = (
                step.kind is StepKind.READ
                and known.planned
                and any(answered.get(name) != value for name, value in self.choices.get(step.id, {}).items())
            )
            if known.state is StepState.VERIFIED and ((step.kind is StepKind.CHANGE and step.calls) or otherwise):
                drifted.add(step.id)
                begun = False
            steps.append(recorded_step(known.planned) if begun else step)
        self.drifted = frozenset(drifted)
        return replace(made, steps=tuple(steps))

    def _with_recorded(self, record: Record) -> dict[str, Mapping[str, str]]:
        """The choices, over those with which steps were run in this incident, from whatever interface. Those of steps that were not
        run are asked anew: their defaults follow what AWS has now."""
        whole = record.plans.get(f"{self.playbook.name}/{self.target}", {})
        known = {playbook_step.id for playbook_step in self.playbook.steps}
        found: dict[str, Mapping[str, str]] = {}
        for step in mappings(whole, "steps"):
            name, chosen = string(step, "id"), mapping(step, "choices")
            if name in known and record.step(self.key(name)).state is not StepState.TODO:
                found[name] = {key: value for key, value in chosen.items() if isinstance(value, str)}
        for name, chosen_now in self.choices.items():
            found[name] = {**found.get(name, {}), **chosen_now}
        return found

    def _engine(
        self,
        journal: Journal,
        plan: Plan,
        on_progress: Callable[[Progress], object],
        cancel: Cancel | None,
        on_secret: Callable[[str, str], str] | None = None,
    ) -> Engine:
        whole = plan.data()
        known = self.record(journal).plans.get(f"{plan.playbook}/{plan.target}")
        if journal.writable and (known is None or known.get("steps") != whole["steps"]):
            journal.append(WholePlan(whole=whole))
        return Engine(
            self.client,
            journal,
            plan,
            wait_policy=self.wait_policy,
            on_progress=on_progress,
            cancel=cancel,
            on_secret=on_secret,
            history=self._history,
        )

    def run(
        self,
        journal: Journal,
        plan: Plan,
        step_id: str,
        approval: Approval,
        on_progress: Callable[[Progress], object],
        cancel: Cancel,
        on_secret: Callable[[str, str], str] | None = None,
    ) -> Outcome:
        """Run one step of the plan that the operator saw; ``on_secret`` takes a secret that AWS hands out once."""
        return self._engine(journal, plan, on_progress, cancel, on_secret).run(step_id, approval)

    def planned_undo(self, journal: Journal, plan: Plan, step_id: str) -> Undo:
        """What undoing would do: see :meth:`Engine.planned_undo`."""
        return self._engine(journal, plan, lambda _: None, None).planned_undo(step_id)

    def undo(
        self,
        journal: Journal,
        plan: Plan,
        step_id: str,
        approval: Approval,
        shown: Undo,
        on_progress: Callable[[Progress], object],
        cancel: Cancel,
    ) -> Outcome:
        """Take one step back, as it was ``shown``."""
        return self._engine(journal, plan, on_progress, cancel).undo(step_id, approval, shown)

    def resolve_call(self, journal: Journal, plan: Plan, step_id: str, call_id: str, done: bool) -> None:
        """Record the outcome of a call whose result is unknown."""
        self._engine(journal, plan, lambda _: None, None).resolve_call(step_id, call_id, done)

    def note(self, journal: Journal, plan: Plan, step_id: str, decision: Decision | None, text: str) -> None:
        """Record a decision or a note."""
        self._engine(journal, plan, lambda _: None, None).note(step_id, decision, text)
