"""What an operator does with a step: run it, undo it, skip it, note something, answer its prompts, resolve a call."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from textual.app import App
from textual.content import Content

from vpce_tui.aws.client import Cancel
from vpce_tui.aws.errors import error_message
from vpce_tui.engine.outcome import Approval, Ended, Outcome, Progress, ProgressState
from vpce_tui.engine.roll_back import shown_parameters
from vpce_tui.incident.states import Decision, StepState
from vpce_tui.incident.team_config import TeamError, rules
from vpce_tui.plans.plan import Step, StepKind, is_final
from vpce_tui.plans.renderers.call_list import inverse_lines
from vpce_tui.tui.screens.run_log import RunLog
from vpce_tui.tui.screens.walkthrough_state import WalkthroughState
from vpce_tui.tui.widgets.dialogs import Ask
from vpce_tui.tui.widgets.form import Form
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.reveal_secret import RevealSecretDialog
from vpce_tui.tui.widgets.safe_text import lines

_SHOWN_WITHIN: Final = 20.0
"""Seconds in which a secret must be on the screen."""


class NotShown(Exception):
    """Nobody could be shown what was handed out."""


class WalkthroughActions(WalkthroughState):
    """The actions. Runs one thing at a time, on a thread."""

    def action_step(self, by: int) -> None:
        """Go ``by`` steps further or back."""
        if self.plan is not None:
            self.at = max(0, min(len(self.plan.steps) - 1, self.at + by))
            self.app.clear_notifications()  # they were about the other step
            self.query_one("#page", Page).scroll_home(animate=False)
            self.update()

    def action_run(self) -> None:
        """Run the step: at once where it can be undone, after the typed id where not."""
        if not self._may() or self.step is None:
            return
        step = self.step
        if step.kind is StepKind.MANUAL:
            self.main.say(
                f"This is a manual step. Record it as done ({self.main.keymap.shown('manual')}) or as skipped "
                f"({self.main.keymap.shown('skip')})."
            )
            return
        if self.step_record(step).state is StepState.VERIFIED and step.id not in self.session.drifted:
            self.main.say("This step is already verified; it is not run again.")
            return
        if self.step_record(step).half_undone:
            self.main.say(f"Undo is incomplete. Continue it ({self.main.keymap.shown('undo')}).")
            return
        if step.blocked:
            self.main.say(f"This step is blocked: {step.blocked[0].says}.")
            return
        first = self._must_come_first(step)
        if first:
            self.main.say(first)
            return
        self._with_incident(self._confirm)

    def _must_come_first(self, step: Step) -> str:
        """What keeps the step from running before anybody is asked for anything; ``""``: nothing."""
        titles = self._prerequisites(step)
        if titles:
            return f"Prerequisite: {', '.join(titles)} ({self.main.keymap.shown('manual')}: done manually)."
        try:
            wanted = rules().approvals
        except TeamError as error:
            return error_message(error)
        if wanted > 1 and step.final and step.calls:
            return (
                f"Your team requires {wanted} people for this step. Approve on the command line: leave the app, then "
                "vpce-tui plan … --incident NAME --out FILE, approve, apply (README: two-person approval)."
            )
        return ""

    def _confirm(self) -> None:
        step = self.step
        assert step is not None
        if step.kind is StepKind.CHANGE and not step.reversible and step.calls:
            again = "".join(f" (an undo can only {call.why})" for call in step.undo)
            question = f"This cannot be undone{again}. Type {self.session.target} to run “{step.title}”:"

            def answered(typed: str | None) -> None:
                if typed == self.session.target:
                    self._run(step, Approval("typed in the app", typed))

            self.app.push_screen(Ask(step.title, question, must_be=self.session.target), answered)
        else:
            self._run(step, Approval("key in the app"))

    def _run(self, step: Step, approval: Approval) -> None:
        journal, plan = self.workspace.journal, self.plan
        assert journal is not None
        assert plan is not None
        app: App[Any] = self.app  # the screen may be left while the step runs, and the secret must be seen
        self._start(
            step,
            f"running: {step.title}",
            lambda on_progress, cancel: self.session.run(
                journal,
                plan,
                step.id,
                approval,
                on_progress,
                cancel,
                lambda label, secret: self._take(app, label, secret),
            ),
        )

    def _take(self, app: App[Any], label: str, secret: str) -> str:
        """A secret that AWS hands out once: shown until the window over it is closed, or put into the keyring from there."""
        shown = threading.Event()

        def show() -> None:
            app.push_screen(RevealSecretDialog(label, secret))
            shown.set()

        self.workspace.background.hand_over(show)
        if not shown.wait(_SHOWN_WITHIN):
            raise NotShown
        return "shown once in the app"

    def _start(self, step: Step, busy: str, task: Any) -> None:
        self.busy, self.cancel, self.logs[step.id] = busy, Cancel(), RunLog(self.main.now())
        self.running_step = step.id
        self.outcomes.pop(step.id, None)
        self.view = "change"
        cancel = self.cancel

        def on_progress(progress: Progress) -> None:
            self.workspace.background.hand_over(lambda: self._if_here(lambda _: took_in(progress), None))

        def took_in(progress: Progress) -> None:
            self.logs[step.id].add(progress)
            if progress.state is ProgressState.WAITING:
                self.busy = f"waiting: {progress.says}"
            self.update()

        self.at_work = True

        def ended(outcome: Outcome) -> None:
            self.busy, self.at_work = "", False
            self.just_ended = True
            self.changed = self.changed or (outcome.good and step.kind is StepKind.CHANGE)
            self.outcomes[step.id] = outcome
            self.record = self.session.record(self.workspace.journal)
            self.update()
            self.replan()

        def failed(error: Exception) -> None:
            self.busy, self.at_work = "", False
            self.outcomes[step.id] = Outcome(Ended.FAILED, error_message(error))
            self.record = self.session.record(self.workspace.journal)
            self.update()

        self.workspace.background.start(
            "step",
            lambda: task(on_progress, cancel),
            lambda found: self._if_here(ended, found),
            lambda error: self._if_here(failed, error),
        )
        self.query_one("#page", Page).scroll_home(animate=False)
        self.update()

    def action_undo(self) -> None:
        """Show what undoing would do, then do it."""
        step = self.step
        if (
            step is None
            or not self._may()
            or not (self.step_record(step).done_by_us or self.step_record(step).half_undone)
        ):
            return
        journal, plan = self.workspace.journal, self.plan
        if journal is None or plan is None or not journal.writable:
            return
        self.busy = "planning the undo"

        def then(found: Any) -> None:
            self.busy = ""
            calls, left = found.calls, found.left
            made = [*inverse_lines((call, shown_parameters(call)) for call in calls), *left]

            final = is_final(calls)
            word = self.session.target if final else "undo"

            def answered(typed: str | None) -> None:
                if typed == word:
                    approval = Approval("typed in the app", self.session.target if final else "")
                    self._start(
                        step,
                        f"undoing: {step.title}",
                        lambda on_progress, cancel: self.session.undo(
                            journal, plan, step.id, approval, found, on_progress, cancel
                        ),
                    )

            if not calls and self.step_record(step).half_undone:
                made = ["every inverse call was made; only the verification is left"]
            if calls or self.step_record(step).half_undone:
                question = "This permanently deletes what the step created. " if final else ""
                shown = lines([Content(text) for text in made])  # whole: it is agreed to
                self.app.push_screen(
                    Ask(f"Undo: {step.title}", f"{question}Type {word} to undo it:", must_be=word, body=shown), answered
                )
            else:
                self.main.say("; ".join(made) or "nothing to undo")
            self.update()

        def failed(error: Exception) -> None:
            self.busy = ""
            self.main.say(error_message(error))
            self.update()

        self.workspace.background.start(
            "undo",
            lambda: self.session.planned_undo(journal, plan, step.id),
            lambda found: self._if_here(then, found),
            lambda error: self._if_here(failed, error),
        )
        self.update()

    def action_skip(self) -> None:
        """Skip the step, with a reason."""
        self._note(Decision.SKIPPED, "Skip", "Why is it skipped?")

    def action_by_hand(self) -> None:
        """Record that a person did it."""
        self._note(Decision.MANUAL, "Done manually", "Who did what, and where is the result?")

    def action_note(self) -> None:
        """Write a note about the step."""
        self._note(None, "Note", "What should others know?")

    def _note(self, decision: Decision | None, title: str, question: str) -> None:
        step = self.step
        if step is None or not self._may():
            return

        def ask() -> None:
            def answered(text: str | None) -> None:
                journal, plan = self.workspace.journal, self.plan
                if text is None or journal is None or plan is None:
                    return
                try:
                    self.session.note(journal, plan, step.id, decision, text)
                except Exception as error:
                    self.main.say(error_message(error))
                    return
                self.outcomes.pop(step.id, None)
                self.record = self.session.record(journal)
                self.update()

            self.app.push_screen(
                Ask(f"{title}: {step.title}", question, wrong=lambda text: "" if text else "write at least one word"),
                answered,
            )

        self._with_incident(ask)

    def action_choose(self) -> None:
        """Ask the step's questions."""
        step, questions = self.step, self._questions()
        if step is None or not self._may_plan() or not questions or not self._may_choose(step):
            return

        def answered(answers: Mapping[str, str] | None) -> None:
            changed = {question.id: question.chosen for question in questions}
            for key, value in (answers or {}).items():
                if value != changed[key]:
                    self.session.choose(step.id, key, value)
            if answers:
                self.replan()

        wrong = self.session.wrong(step)
        self.app.push_screen(Form(step.title, questions, wrong), answered)

    def action_resolve(self) -> None:
        """Record the outcome of a call whose result is unknown."""
        step = self.step
        if step is None or not self._may() or self.workspace.journal is None or self.plan is None:
            return
        calls_with_unknown_outcome = self.step_record(step).calls_with_unknown_outcome
        if not calls_with_unknown_outcome:
            return
        call, journal, plan = calls_with_unknown_outcome[0], self.workspace.journal, self.plan

        def answered(text: str | None) -> None:
            if text not in ("done", "not done"):
                if text is not None:
                    self.main.say("Nothing was recorded: write done or not done.")
                return
            try:
                self.session.resolve_call(journal, plan, step.id, call.id, text == "done")
            except Exception as error:
                self.main.say(error_message(error))
                return
            self.record = self.session.record(journal)
            self.replan()

        self.app.push_screen(
            Ask(
                "Decide",
                f"It is unknown whether {call.call.name} ({call.id}) took effect. Check it in AWS. Type done or not done:",
            ),
            answered,
        )
