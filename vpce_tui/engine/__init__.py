"""Runs steps: the one path by which anything changes.

Before a step the engine plans it again from live state and compares it with what was approved; what would do anything
else is not run. Each write: intent in the journal, permit, call, result. After a lost answer it asks AWS what happened
and never repeats the call. Screens and commands call the same functions.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.aws.errors import AwsError, Cancelled
from vpce_tui.aws.gate import Refused
from vpce_tui.blocks.model import sentences
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.engine.apply_step import apply_step
from vpce_tui.engine.collect_evidence import collect_evidence
from vpce_tui.engine.early_exit import refusal, stale, stopped
from vpce_tui.engine.execution_context import ExecutionContext, StepError, StepFailed
from vpce_tui.engine.outcome import Approval, Ended, Outcome, Progress, WaitPolicy
from vpce_tui.engine.reconcile import resolve_call
from vpce_tui.engine.roll_back import Undo, planned_undo, roll_back
from vpce_tui.incident import team_config
from vpce_tui.incident.approval import Approved
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import Record
from vpce_tui.incident.rows import ErrorRecorded, NoteWritten
from vpce_tui.incident.states import Decision, StepState
from vpce_tui.plans.live_step import LiveStep
from vpce_tui.plans.placeholders import Unresolved
from vpce_tui.plans.plan import Plan, PlanError, PlannedCall, Step, StepKind
from vpce_tui.plans.plan_differences import differences
from vpce_tui.plans.targets.planning_context import TargetGone, Unreadable
from vpce_tui.playbooks.library import load


def credential_checks(step: Step) -> tuple[PlannedCall, ...]:
    """Of the reads of a step, which may change as AWS does, those that must not: with whose credentials what is tried."""
    return tuple(call for call in step.calls if call.profile)


_BUSY: Final = Outcome(Ended.REFUSED, "another step of this incident is running; wait until it has ended")


class Engine:
    """Runs the steps of one plan on one incident. ``journal`` is open for writing, and the gate knows it."""

    def __init__(
        self,
        client: AwsClient,
        journal: Journal,
        plan: Plan,
        *,
        wait_policy: WaitPolicy | None = None,
        on_progress: Callable[[Progress], object] = lambda _: None,
        cancel: Cancel | None = None,
        on_secret: Callable[[str, str], str] | None = None,
        approvals: Sequence[Approved] = (),
        history: EventHistory | None = None,
    ) -> None:
        self.plan, self.journal = plan, journal
        self._work = ExecutionContext(
            client=client,
            journal=journal,
            plan=plan,
            playbook=load(plan.playbook),
            wait_policy=wait_policy or WaitPolicy(),
            on_progress=on_progress,
            asked_to_stop=cancel or Cancel(),
            hand_over=on_secret,
            approvals=approvals,
            team=team_config.rules(),
            history=history or EventHistory(client),
        )

    def key(self, step_id: str) -> str:
        """How the journal names a step of this plan."""
        return self._work.key(step_id)

    def record(self) -> Record:
        """The current state of the incident."""
        return self._work.record()

    def live(self, step: Step) -> LiveStep:
        """``step`` planned again from live state."""
        return self._work.live(step)

    def run(self, step_id: str, approval: Approval) -> Outcome:
        """Run one step as planned, or say why not. Never raises for what AWS or the operator may do."""
        with self.journal.one_step() as free:
            return self._run(step_id, approval) if free else _BUSY

    def _run(self, step_id: str, approval: Approval) -> Outcome:
        context = self._work
        context.cancel = context.asked_to_stop
        step = context.plan.step(step_id)
        try:
            said_no = refusal(context, step)
            if said_no:
                return said_no
            context.journal.ensure_room()
            if step.kind is not StepKind.CHANGE:
                live = context.live(step).step
                found = differences(
                    replace(step, calls=credential_checks(step), already=(), undo=()),
                    replace(live, calls=credential_checks(live), already=(), undo=()),
                )
                if found:
                    return stale(context, step, found)
            if step.kind is StepKind.MANUAL:
                return self._leave_open(step)
            if step.kind is StepKind.READ:
                return collect_evidence(context, step, approval)
            return apply_step(context, step, approval)
        except StepError as ended:
            return ended.outcome
        except (AwsError, TargetGone, Unreadable) as error:
            said = error.sentence() if isinstance(error, AwsError) else str(error)
            context.journal.append(ErrorRecorded(step=context.key(step_id), error=said))
            return Outcome(Ended.FAILED, said)
        except (PlanError, Unresolved) as error:
            said = str(error) if isinstance(error, PlanError) else f"the value that {error} refers to is unknown"
            return stale(context, step, [said])
        except Refused as error:
            context.journal.append(ErrorRecorded(step=context.key(step_id), error=str(error)))
            return Outcome(Ended.REFUSED, str(error))
        except Cancelled:
            return stopped(context, step_id)

    def _leave_open(self, step: Step) -> Outcome:
        state = self.record().step(self.key(step.id)).state
        if state in (StepState.TODO, StepState.RUNNING):
            self.journal.append(NoteWritten(step=self.key(step.id), decision=Decision.OPEN))
        return Outcome(Ended.OPEN, f"a manual step; recorded as {StepState.OPEN}", sentences(step.content))

    def planned_undo(self, step_id: str, *, with_others: bool = False) -> Undo:
        """What undoing would do now: see :func:`vpce_tui.engine.roll_back.planned_undo`."""
        with self.journal.one_step() as free:
            if not free:
                raise StepFailed(_BUSY)
            return planned_undo(self._work, step_id, with_others=with_others)

    def undo(self, step_id: str, approval: Approval, shown: Undo, *, with_others: bool = False) -> Outcome:
        """Take a step back by its recorded inverse, through the same path: what was ``shown``, and nothing else."""
        with self.journal.one_step() as free:
            return roll_back(self._work, step_id, approval, shown, with_others) if free else _BUSY

    def resolve_call(self, step_id: str, call_id: str, done: bool) -> None:
        """Record the outcome of a call whose result is unknown, as the operator found it."""
        resolve_call(self._work, step_id, call_id, done)

    def note(self, step_id: str, decision: Decision | None, text: str) -> None:
        """Record that a step was skipped or done manually, or a plain note (``decision`` ``""``)."""
        self.journal.append(NoteWritten(step=self.key(step_id), decision=decision, text=text))
