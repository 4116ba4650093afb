"""What every part of a playbook's screen works on: the plan, the record, what runs; planning again from live state."""

from typing import Any

from vpce_tui.aws.client import Cancel
from vpce_tui.aws.errors import error_message
from vpce_tui.engine.outcome import Outcome
from vpce_tui.engine.playbook_session import PlaybookSession
from vpce_tui.incident.incident_store import about
from vpce_tui.incident.record import Record, StepRecord
from vpce_tui.incident.states import SETTLED, StepState
from vpce_tui.plans.plan import Plan, Question, Step, StepKind, WrongChoice
from vpce_tui.tui.incident_text import read_only_because
from vpce_tui.tui.screens.frame import Frame
from vpce_tui.tui.screens.run_log import RunLog
from vpce_tui.tui.screens.step_page import asked


class WalkthroughState(Frame):
    """A playbook on a target: what is planned, what the record knows, what is under way."""

    @property
    def running(self) -> bool:
        """Whether a step runs."""
        return self.at_work

    def __init__(self, session: PlaybookSession) -> None:
        super().__init__()
        self.session = session
        self.plan: Plan | None = None
        self.record = Record()
        self.at = 0
        self.view = "change"
        self.busy = ""
        self.reading = ""
        """What is being read for the plan."""
        self.at_work = False
        self.just_ended = False
        """A step has ended, and the plan after it is not there yet."""
        self.changed = False
        """Something was changed: what the lists show is older than that."""
        self.running_step = ""
        self.about: list[str] = []
        self.planned_at: Any = None
        self.problem = ""
        self.logs: dict[str, RunLog] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.cancel = Cancel()

    @property
    def step(self) -> Step | None:
        """The step on screen."""
        return self.plan.steps[self.at] if self.plan else None

    def step_record(self, step: Step) -> StepRecord:
        """What the record knows of a step."""
        return self.record.step(self.session.key(step.id))

    def _state(self, step: Step) -> StepState:
        """The state of a step; what was verified and is so no more needs somebody."""
        if self.at_work and step.id == self.running_step:
            return StepState.RUNNING
        if step.id in self.session.drifted:
            return StepState.DRIFTED
        state = self.step_record(step).state
        journal = self.workspace.journal
        if state is StepState.RUNNING and not self.at_work and journal is not None and journal.writable:
            return StepState.INTERRUPTED
        return StepState.TODO if state is StepState.NOTHING_TO_DO and step.calls else state

    def _questions(self) -> tuple[Question, ...]:
        return asked(self.step) if self.step else ()

    # -- planning

    def _show_reading(self, read: tuple[str, int, int]) -> None:
        aspect, done, total = read
        self.reading = f"planning: reading {aspect} ({done} of {total})"
        self.update()

    def replan(self, *, first: bool = False) -> None:
        """Plan again from live state, in the background."""
        if self.busy:
            return
        self.busy, self.reading, self.problem = "planning", "planning", ""
        journal = self.workspace.journal

        def reads(aspect: str, done: int, total: int) -> None:
            self.workspace.background.hand_over(lambda: self._if_here(self._show_reading, (aspect, done, total)))

        def task() -> Any:
            plan = self.session.plan(journal, reads)
            return plan, self.session.record(journal), [] if journal else about(self.session.target)

        def then(found: Any) -> None:
            self.busy, self.just_ended = "", False
            self.plan, self.record, self.about = found
            self.planned_at = self.main.now()
            if self.session.answers_reset:
                self.main.say(
                    "Answers in the record are no longer offered. This plan has the defaults: check each step's answers."
                )
            if first:
                self.at = self._first_open()
            self.update()

        def failed(error: Exception) -> None:
            self.busy, self.plan = "", None  # nothing runs from a plan that is not true any more
            self.problem = error_message(error)
            if isinstance(error, WrongChoice) and self.session.choices:
                self.session.choices.clear()
                self.problem += (
                    f" Your answers were reset. Plan again with the defaults ({self.main.keymap.shown('refresh')})."
                )
            self.update()

        self.workspace.background.start(
            "plan", task, lambda found: self._if_here(then, found), lambda error: self._if_here(failed, error)
        )
        self.update()

    def _if_here(self, callback: Any, argument: Any) -> None:
        if self.is_mounted:
            callback(argument)

    def _first_open(self) -> int:
        """The first step that needs attention, also where it was verified earlier and is no longer true; else the last one."""
        assert self.plan is not None
        ended = {*SETTLED, StepState.SKIPPED, StepState.OPEN}
        states = [self._state(step) for step in self.plan.steps]
        for number, state in enumerate(states):  # what was cut off comes before all else
            if state in (StepState.INTERRUPTED, StepState.OUTCOME_UNKNOWN):
                return number
        for number, state in enumerate(states):
            if state not in ended:
                return number
        return len(self.plan.steps) - 1

    def action_replan(self) -> None:
        """Plan again."""
        self.replan()

    def _may(self) -> bool:
        """Whether something may be started; says why not."""
        if self.workspace.read_only:
            self.main.say("This process is read-only: nothing can be changed. Start vpce-tui without --read-only.")
            return False
        return self._may_plan()

    def _may_plan(self) -> bool:
        """Whether something that only reads may be started; says why not."""
        if self.busy == "planning":
            self.main.say("Planning from live state; press the key again when the plan is ready.")
        elif self.busy:
            self.main.say("A step is running; press the key again when it has ended.")
        return not self.busy and self.plan is not None

    def _with_incident(self, go_on: Any) -> None:
        """Go on with an open incident; ask for one where there is none."""
        journal = self.workspace.journal
        if journal is not None and journal.writable:
            go_on()
        elif journal is not None:
            self.main.say(read_only_because(journal))
        else:
            self.main.open_incident(self.session.target, lambda: self._taken_up(go_on), self.about)

    def _taken_up(self, go_on: Any) -> None:
        """An incident in which this playbook was run on the target already is looked at first; nothing runs before its state is on screen."""
        record = self.session.record(self.workspace.journal)
        if any(
            record.step(self.session.key(playbook_step.id)).planned for playbook_step in self.session.playbook.steps
        ):
            self.main.say("Resumed. Check the state below, then press the key again to continue.")
            self.replan(first=True)
        else:
            go_on()

    def _prerequisites(self, step: Step) -> list[str]:
        """Titles of the steps that must be done before this one, and are not."""
        plan, done = self.plan, SETTLED
        needed = [plan.step(name) for name in step.requires] if plan is not None else []
        return [other.title for other in needed if self.step_record(other).state not in done]

    def _may_choose(self, step: Step) -> bool:
        """Whether the answers can still change what the step does: of one that only reads always."""
        open_still = (
            StepState.TODO,
            StepState.NOTHING_TO_DO,
            StepState.UNDONE,
            StepState.FAILED,
            StepState.SKIPPED,
            StepState.OPEN,
        )
        return (
            step.kind is StepKind.READ or step.id in self.session.drifted or self.step_record(step).state in open_still
        )
