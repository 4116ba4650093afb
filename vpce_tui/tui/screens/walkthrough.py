"""A playbook, step by step: what a step will do before it does it, the run, the verification, and the way back."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content

from vpce_tui.aws.caller import Cancel
from vpce_tui.aws.errors import told
from vpce_tui.blocks.model import TableBlock
from vpce_tui.core.text import sign, visible
from vpce_tui.engine.outcome import Approval, Ended, Outcome, Progress, ProgressState
from vpce_tui.engine.playbook_session import PlaybookSession
from vpce_tui.engine.roll_back import shown_parameters
from vpce_tui.incident.incident_store import about
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import Record, StepRecord
from vpce_tui.incident.states import Decision, StepState
from vpce_tui.incident.team_config import TeamError, rules
from vpce_tui.plans.plan import Option, Plan, Question, Step, StepKind, WrongChoice, is_final
from vpce_tui.plans.renderers import render_step
from vpce_tui.plans.renderers.call_list import inverse_lines
from vpce_tui.tui.screens.evidence_file import evidence_page
from vpce_tui.tui.screens.frame import WIDE, Frame
from vpce_tui.tui.screens.run_log import RunLog
from vpce_tui.tui.screens.step_page import STATE_LOOK, VIEWS, StepPage, asked, dots, step_list, tabs
from vpce_tui.tui.screens.table_view import TableScreen
from vpce_tui.tui.widgets.dialogs import Ask, Read
from vpce_tui.tui.widgets.form import Form
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.reveal_secret import RevealSecretDialog
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.steady import Steady

_SHOWN_WITHIN: Final = 20.0
"""Seconds in which a secret must be on the screen."""


LONGEST_COPY: Final = 60_000
"""Characters that are handed to a terminal's clipboard at most."""


class NotShown(Exception):
    """Nobody could be shown what was handed out."""


class WalkthroughScreen(Frame):
    """The walk. Runs one thing at a time, on a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("run", "run"),
        binding("open", "tables"),
        binding("skip", "skip"),
        binding("manual", "by_hand"),
        binding("note", "note"),
        binding("undo", "undo"),
        binding("prompts", "choose"),
        binding("affected", "who"),
        binding("evidence", "evidence"),
        binding("resolve", "decide"),
        binding("left", "step(-1)"),
        binding("right", "step(1)"),
        binding("next-view", "turn(1)", priority=True),
        binding("previous-view", "turn(-1)", priority=True),
        binding("down", "scroll(2)"),
        binding("up", "scroll(-2)"),
        binding("page-down", "scroll(12)"),
        binding("page-up", "scroll(-12)"),
        binding("top", "scroll(-100000)"),
        binding("bottom", "scroll(100000)"),
        binding("refresh", "replan"),
        binding("copy", "copy"),
    ]

    @property
    def running(self) -> bool:
        """Whether a step runs."""
        return self.at_work

    def __init__(self, walk: PlaybookSession) -> None:
        super().__init__()
        self.walk = walk
        self.plan: Plan | None = None
        self.record = Record()
        self.at = 0
        self.view = "change"
        self.busy = ""
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

    def body(self) -> ComposeResult:
        yield Steady(id="dots")
        with Container(id="walk"):
            yield Page(id="steps", focusable=False)
            yield Page(id="page")
        yield Steady(id="tabs")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#page").focus()
        self.replan(first=True)

    # -- what is shown

    @property
    def step(self) -> Step | None:
        """The step on screen."""
        return self.plan.steps[self.at] if self.plan else None

    def known(self, step: Step) -> StepRecord:
        """What the record knows of a step."""
        return self.record.step(self.walk.key(step.id))

    @property
    def crumb(self) -> str:
        return self.walk.playbook.name

    def crumbs(self) -> str:
        return f"{self.walk.playbook.name} ─ {self.walk.target}"

    def _show_crumbs(self) -> None:
        from vpce_tui.tui.widgets.bars import CrumbBar  # noqa: PLC0415

        bar = self.query_one("#crumbs", CrumbBar)
        if self.problem:
            bar.show(self.crumbs(), "not planned", complete=False)
        elif self.busy:
            bar.show(self.crumbs(), self.busy, complete=None)
        else:
            bar.show(self.crumbs(), f"planned {self.main.ago(self.planned_at)}", complete=True)

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        step = self.step
        if self.busy:
            return [
                hint("back", "back" if self.busy == "planning" and not self.just_ended else "stop"),
                keys.pair("down", "up", "scroll"),
                hint("help"),
            ]
        found: list[KeyHint] = []
        ended = (StepState.VERIFIED, StepState.SKIPPED, StepState.MANUAL, StepState.OPEN)
        last = self.plan is not None and self.at == len(self.plan.steps) - 1
        if step is not None and self.known(step).state in ended:
            found.append(hint("back", "back (then 3: incident)") if last else hint("right"))
        if step is not None and not self.work.read_only:
            known = self.known(step)
            if known.state is StepState.OUTCOME_UNKNOWN:
                found.append(hint("resolve"))
            open_still = known.state is not StepState.VERIFIED or step.id in self.walk.drifted
            if step.kind is not StepKind.MANUAL and open_still and not step.blocked and not self._prerequisites(step):
                found.append(hint("run", changes=step.kind is StepKind.CHANGE and bool(step.calls)))
            if (known.done_by_us and step.undo) or known.half_undone:
                found.append(hint("undo", changes=True))
            if known.state is not StepState.VERIFIED:
                found += [hint("skip"), hint("manual")]
            found.append(hint("note"))
            if self._questions() and self._may_choose(step):
                found.append(hint("prompts"))
        if self._tables():
            found.append(hint("open", "open table"))
        if step is not None and any(affected.names for affected in step.affects):
            found.append(hint("affected"))
        if step is not None and self.known(step).evidence:
            found.append(hint("evidence"))
        return [
            *found,
            keys.pair("left", "right", "steps"),
            hint("next-view"),
            hint("copy"),
            hint("back", "leave"),
            hint("help"),
        ]

    def show(self) -> None:
        plan, at = self.plan, self.at
        self.query_one("#dots", Steady).update(dots(plan, at, self._state) if plan else "")
        self.query_one("#steps", Page).show(step_list(plan, at, self._state) if plan else Content(""))
        self.query_one("#page", Page).show(self._page())
        self.query_one("#tabs", Steady).update(tabs(self.view))

    def _state(self, step: Step) -> StepState:
        """Where a step stands; what was verified and is so no more needs somebody."""
        if self.at_work and step.id == self.running_step:
            return StepState.RUNNING
        return StepState.NOT_VERIFIED if step.id in self.walk.drifted else self.known(step).state

    def _page(self) -> Content:
        if self.problem:
            return lines(
                [
                    line(("This playbook cannot be planned.", "bold")),
                    line(self.problem),
                    line(""),
                    line("F5: plan again   Escape: leave"),
                ]
            )
        step = self.step
        if self.plan is None or step is None:
            return line(self.busy or "planning…")
        head = [line(step.description), line("")]
        if self.app.size.width >= WIDE:
            head.insert(0, line((step.title, "bold")))
        if self.view != "change":
            text = visible(render_step(self.plan, step, self.view), limit=60_000, multiline=True)
            if self.view == "console":  # words for people: continued under where they began
                width = self._width
                parts = [(part[: len(part) - len(part.lstrip())], part.strip()) for part in text.split("\n")]
                return lines([*head, *(found for indent, part in parts for found in hanging(indent, part, width))])
            ready = line(("Copy with everything needed to run it (y)", "dim"))
            return lines([*head, *(Content(part) for part in text.split("\n")), ready])
        page = StepPage(
            plan=self.plan,
            at=self.at,
            known=self.known,
            drifted=step.id in self.walk.drifted,
            width=self._width,
            names_key=self.main.keymap.shown("affected"),
            open_key=self.main.keymap.shown("open"),
        )
        return lines([*head, *self._elsewhere(page), *self._run_lines(step), *page.change()])

    @property
    def _width(self) -> int:
        return max(self.query_one("#page").size.width - 4, 40)

    def _elsewhere(self, page: StepPage) -> list[Content]:
        """Incidents that are about this target, while none is open here."""
        if self.work.journal is not None or self.work.read_only or not self.about:
            return []
        names = ", ".join(self.about)
        return [
            page.hanging("! ", f"{names} is already open for this {self.walk.playbook.target}: resume it (r)"),
            line(""),
        ]

    def _left_off(self, step: Step, known: StepRecord) -> list[Content]:
        """Where a step that has not ended was left, and what comes next."""
        why = {call.id: call.why or call.name for call in (*step.calls, *step.undo)}
        found = [
            line(
                ("! ", "bold $warning"),
                f"started, outcome unknown: {why.get(made.id, made.id)}; press r to check with AWS and continue",
            )
            for made in known.open_calls
        ]
        missing = [call for call in step.calls if call.id not in known.calls]
        if known.state is StepState.RUNNING and known.calls and missing and step.kind is StepKind.CHANGE:
            made = len(step.calls) - len(missing)
            found.append(
                line(
                    ("! ", "bold $warning"), f"{made} of {len(step.calls)} calls were made; next: {why[missing[0].id]}"
                )
            )
        return found

    def _run_lines(self, step: Step) -> list[Content]:
        """What became of the step: how far it is or what came out, then its calls."""
        known, outcome, log = self.known(step), self.outcomes.get(step.id), self.logs.get(step.id)
        running = self.at_work and step.id == self.running_step
        found: list[Content] = []
        if running and log is not None:
            found += log.how_far(step, self.main.now())
            found += [log.under_way] if log.under_way is not None else []
        if step.id in self.walk.drifted:
            why = "its answers were changed since" if step.kind is StepKind.READ else "no longer true"
            found.append(line((f"! Drift: verified earlier, {why}. ", "bold $warning"), "Remaining changes:"))
        elif outcome is not None:
            look = "$success" if outcome.good else "bold $error"
            found.append(line((f"{sign('✔' if outcome.good else '✖')} {outcome.ended.value}: ", look), outcome.says))
            found += [
                line("    " + detail) for detail in outcome.details if not outcome.good or outcome.ended is Ended.OPEN
            ]
        elif known.state is not StepState.TODO:
            found.append(
                line((f"{sign(known.state.sign)} {known.state.value}  ", STATE_LOOK.get(known.state, "")), known.saw)
            )
            found += self._left_off(step, known)
        if step.id not in self.walk.drifted and log is not None:
            found += log.lines(running=running)
        found += [line(("note: ", "dim"), note) for note in known.notes]
        if log is None or not log.made:  # else its lines say so
            found += [line(("! not recorded: ", "$warning"), f"{name}: {why}") for name, why in known.missing.items()]
        return [*found, line("")] if found else []

    def _questions(self) -> tuple[Question, ...]:
        return asked(self.step) if self.step else ()

    # -- planning

    def replan(self, *, first: bool = False) -> None:
        """Plan again from live state, in the background."""
        if self.busy:
            return
        self.busy, self.problem = "planning", ""
        journal = self.work.journal

        def work() -> Any:
            plan = self.walk.plan(journal)
            return plan, self.walk.record(journal), [] if journal else about(self.walk.target)

        def then(found: Any) -> None:
            self.busy, self.just_ended = "", False
            self.plan, self.record, self.about = found
            self.planned_at = self.main.now()
            if first:
                self.at = self._first_open()
            self.update()

        def failed(error: Exception) -> None:
            self.busy, self.plan = "", None  # nothing runs from a plan that is not true any more
            self.problem = told(error)
            if isinstance(error, WrongChoice) and self.walk.choices:
                self.walk.choices.clear()
                self.problem += " Your answers were reset. Plan again with the defaults (F5)."
            self.update()

        self.work.background.start(
            "plan", work, lambda found: self._if_here(then, found), lambda error: self._if_here(failed, error)
        )
        self.update()

    def _if_here(self, callback: Any, argument: Any) -> None:
        if self.is_mounted:
            callback(argument)

    def _first_open(self) -> int:
        """The first step that needs attention, also where it was verified earlier and is no longer true; else the last one."""
        assert self.plan is not None
        ended = (StepState.VERIFIED, StepState.SKIPPED, StepState.MANUAL, StepState.OPEN)
        for number, step in enumerate(self.plan.steps):
            if self.known(step).state not in ended or step.id in self.walk.drifted:
                return number
        return len(self.plan.steps) - 1

    def action_replan(self) -> None:
        """Plan again."""
        self.replan()

    def action_step(self, by: int) -> None:
        """Go ``by`` steps further or back."""
        if self.plan is not None:
            self.at = max(0, min(len(self.plan.steps) - 1, self.at + by))
            self.app.clear_notifications()  # they were about the other step
            self.query_one("#page", Page).scroll_home(animate=False)
            self.update()

    def action_turn(self, by: int) -> None:
        """The next view of the step, or the one before."""
        names = [name for name, _ in VIEWS]
        self.view = names[(names.index(self.view) + by) % len(names)]
        self.query_one("#page", Page).scroll_home(animate=False)
        self.update()

    def action_scroll(self, by: int) -> None:
        """Scroll."""
        self.query_one("#page", Page).scroll_relative(y=by, animate=False)

    def action_copy(self) -> None:
        """Copy this view of the step."""
        if self.plan and self.step:
            form = "console" if self.view == "change" else self.view
            text = render_step(self.plan, self.step, form, runnable=True)
            if len(text) > LONGEST_COPY:  # cut anywhere, a script is another script
                self.main.say("Too long to copy. Use vpce-tui plan … --format cli --out FILE.")
                return
            self.main.copy(visible(text, limit=LONGEST_COPY, multiline=True), "the step")

    def action_who(self) -> None:
        """Who else is hit, by name."""
        step = self.step
        if step is not None:
            found = [
                part
                for affected in step.affects
                if affected.names
                for part in (line((affected.says, "bold")), *(line(f"  {name}") for name in affected.names), line(""))
            ]
            if found:
                self.app.push_screen(Read("Who else is affected", lines(found)))

    def _tables(self) -> bool:
        """Whether the step on screen has a table."""
        step = self.step
        return (
            step is not None
            and self.view == "change"
            and any(isinstance(item, TableBlock) and item.rows for item in step.content)
        )

    def action_tables(self) -> None:
        """The step's tables over the whole screen: sorted, filtered, and deeper."""
        step = self.step
        if step is not None and self._tables():
            self.app.push_screen(TableScreen(step.title, step.content))

    def action_evidence(self) -> None:
        """What the step kept: one file at once, several by their names."""
        journal, step = self.work.journal, self.step
        kept = self.known(step).evidence if step is not None else {}
        if journal is None or not kept:
            return
        if len(kept) == 1:
            self._show_evidence(journal, *next(iter(kept.items())))
            return
        question = Question(
            id="file", question="Which", options=tuple(Option(name, name) for name in kept), chosen=next(iter(kept))
        )

        def answered(answers: Mapping[str, str] | None) -> None:
            if answers:
                self._show_evidence(journal, answers["file"], kept[answers["file"]])

        self.app.push_screen(Form("Recorded evidence", (question,), lambda _, __: ""), answered)

    def _show_evidence(self, journal: Journal, name: str, sha256: str) -> None:
        """One evidence file, secrets hidden, read off the screen's thread."""
        self.work.background.start(
            "evidence",
            lambda: evidence_page(journal.folder, name, sha256),
            lambda found: self._if_here(lambda content: self.app.push_screen(Read(name, content)), found),
            lambda error: self.main.say(told(error)),
        )

    def action_leave(self) -> None:
        if self.busy and self.busy != "planning":
            parts = {call.part for call in self.step.calls} if self.step else set()
            again = self.cancel.stopped
            self.cancel.stop()
            whole = len(parts - {""}) > 0 and not again
            self.busy = (
                "Stopping after the current instance. Press Escape again to stop after the current API call."
                if whole
                else "Stopping after the current API call."
            )
            self.update()
            return
        if self.busy and self.just_ended:
            self.just_ended = False
            self.main.say("The step has already ended; see the result above. Press Escape again to leave.")
            self.update()
            return
        if self.changed:
            self.work.refresh()
        self.app.pop_screen()

    # -- running

    def _may(self) -> bool:
        """Whether something may be started; says why not."""
        if self.work.read_only:
            self.main.say("This process is read-only: nothing can be changed. Start vpce-tui without --read-only.")
            return False
        if self.busy == "planning":
            self.main.say("Planning from live state; press the key again when the plan is ready.")
        return not self.busy and self.plan is not None

    def _with_incident(self, go_on: Any) -> None:
        """Go on with an open incident; ask for one where there is none."""
        journal = self.work.journal
        if journal is not None and journal.writable:
            go_on()
        elif journal is not None:
            self.main.say(f"This incident is locked by {journal.holder}; it is read-only here.")
        else:
            self.main.open_incident(self.walk.target, lambda: self._taken_up(go_on), self.about)

    def _taken_up(self, go_on: Any) -> None:
        """An incident that knows this walk already is looked at first; nothing runs before its state is on screen."""
        record = self.walk.record(self.work.journal)
        if any(record.step(self.walk.key(playbook_step.id)).planned for playbook_step in self.walk.playbook.steps):
            self.main.say("Resumed. Check the state below, then press the key again to continue.")
            self.replan(first=True)
        else:
            go_on()

    def action_run(self) -> None:
        """Run the step: at once where it can be undone, after the typed id where not."""
        step = self.step
        if step is None or not self._may():
            return
        if step.kind is StepKind.MANUAL:
            self.main.say("This is a manual step. Record it as done (h) or as skipped (s).")
            return
        if self.known(step).state is StepState.VERIFIED and step.id not in self.walk.drifted:
            self.main.say("This step is already verified; it is not run again.")
            return
        if self.known(step).half_undone:
            self.main.say("Undo is incomplete. Press u to continue it.")
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
            return told(error)
        if wanted > 1 and step.final and step.calls:
            return (
                f"Your team requires {wanted} people for this step. Approve on the command line: leave the app, then "
                "vpce-tui plan … --incident NAME --out FILE, approve, apply (README: two-person approval)."
            )
        return ""

    def _prerequisites(self, step: Step) -> list[str]:
        """Titles of the steps that must be done before this one, and are not."""
        plan, done = self.plan, (StepState.VERIFIED, StepState.MANUAL)
        needed = [plan.step(name) for name in step.requires] if plan is not None else []
        return [other.title for other in needed if self.known(other).state not in done]

    def _confirm(self) -> None:
        step = self.step
        assert step is not None
        if step.kind is StepKind.CHANGE and not step.reversible and step.calls:
            question = f"This cannot be undone. Type {self.walk.target} to run “{step.title}”:"

            def answered(typed: str | None) -> None:
                if typed == self.walk.target:
                    self._run(step, Approval("typed in the app", typed))

            self.app.push_screen(Ask(step.title, question, must_be=self.walk.target), answered)
        else:
            self._run(step, Approval("key in the app"))

    def _run(self, step: Step, approval: Approval) -> None:
        journal, plan = self.work.journal, self.plan
        assert journal is not None
        assert plan is not None
        app: App[Any] = self.app  # the screen may be left while the step runs, and the secret must be seen
        self._start(
            step,
            f"running: {step.title}",
            lambda tell, cancel: self.walk.run(
                journal, plan, step.id, approval, tell, cancel, lambda label, secret: self._take(app, label, secret)
            ),
        )

    def _take(self, app: App[Any], label: str, secret: str) -> str:
        """A secret that AWS hands out once: shown until the window over it is closed, or put into the keyring from there."""
        shown = threading.Event()

        def show() -> None:
            app.push_screen(RevealSecretDialog(label, secret))
            shown.set()

        self.work.background.hand_over(show)
        if not shown.wait(_SHOWN_WITHIN):
            raise NotShown
        return "shown once in the app"

    def _start(self, step: Step, busy: str, work: Any) -> None:
        self.busy, self.cancel, self.logs[step.id] = busy, Cancel(), RunLog(self.main.now())
        self.running_step = step.id
        self.outcomes.pop(step.id, None)
        self.view = "change"
        cancel = self.cancel

        def tell(progress: Progress) -> None:
            self.work.background.hand_over(lambda: self._if_here(lambda _: took_in(progress), None))

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
            self.record = self.walk.record(self.work.journal)
            self.update()
            self.replan()

        def failed(error: Exception) -> None:
            self.busy, self.at_work = "", False
            self.outcomes[step.id] = Outcome(Ended.FAILED, told(error))
            self.record = self.walk.record(self.work.journal)
            self.update()

        self.work.background.start(
            "step",
            lambda: work(tell, cancel),
            lambda found: self._if_here(ended, found),
            lambda error: self._if_here(failed, error),
        )
        self.query_one("#page", Page).scroll_home(animate=False)
        self.update()

    def action_undo(self) -> None:
        """Show what undoing would do, then do it."""
        step = self.step
        if step is None or not self._may() or not (self.known(step).done_by_us or self.known(step).half_undone):
            return
        journal, plan = self.work.journal, self.plan
        if journal is None or plan is None or not journal.writable:
            return
        self.busy = "planning the undo"

        def then(found: Any) -> None:
            self.busy = ""
            calls, left = found.calls, found.left
            made = [*inverse_lines((call, shown_parameters(call)) for call in calls), *left]

            final = is_final(calls)
            word = self.walk.target if final else "undo"

            def answered(typed: str | None) -> None:
                if typed == word:
                    approval = Approval("typed in the app", self.walk.target if final else "")
                    self._start(
                        step,
                        f"undoing: {step.title}",
                        lambda tell, cancel: self.walk.undo(journal, plan, step.id, approval, found, tell, cancel),
                    )

            if not calls and self.known(step).half_undone:
                made = ["every inverse call was made; only the verification is left"]
            if calls or self.known(step).half_undone:
                question = "This permanently deletes what the step created. " if final else ""
                shown = lines([Content(text) for text in made])  # whole: it is agreed to
                self.app.push_screen(
                    Ask(f"Undo: {step.title}", f"{question}Type {word} to do it:", must_be=word, body=shown), answered
                )
            else:
                self.main.say("; ".join(made) or "nothing to undo")
            self.update()

        def failed(error: Exception) -> None:
            self.busy = ""
            self.main.say(told(error))
            self.update()

        self.work.background.start(
            "undo",
            lambda: self.walk.planned_undo(journal, plan, step.id),
            lambda found: self._if_here(then, found),
            lambda error: self._if_here(failed, error),
        )
        self.update()

    def action_skip(self) -> None:
        """Skip the step, with a reason."""
        self._note(Decision.SKIPPED, "Skip", "Why is it skipped?")

    def action_by_hand(self) -> None:
        """Record that a person did it."""
        self._note(Decision.MANUAL, "Done manually", "Who did what, and where is what came of it?")

    def action_note(self) -> None:
        """Write a note about the step."""
        self._note(None, "Note", "What should others know?")

    def _note(self, decision: Decision | None, title: str, question: str) -> None:
        step = self.step
        if step is None or not self._may():
            return

        def ask() -> None:
            def answered(text: str | None) -> None:
                journal, plan = self.work.journal, self.plan
                if text is None or journal is None or plan is None:
                    return
                try:
                    self.walk.note(journal, plan, step.id, decision, text)
                except Exception as error:
                    self.main.say(told(error))
                    return
                self.outcomes.pop(step.id, None)
                self.record = self.walk.record(journal)
                if decision:
                    self.action_step(1)
                self.update()

            self.app.push_screen(
                Ask(f"{title}: {step.title}", question, wrong=lambda text: "" if text else "write at least a word"),
                answered,
            )

        self._with_incident(ask)

    def action_choose(self) -> None:
        """Ask the step's questions."""
        step, questions = self.step, self._questions()
        if step is None or not self._may() or not questions:
            return
        if not self._may_choose(step):
            return

        def answered(answers: Mapping[str, str] | None) -> None:
            changed = {question.id: question.chosen for question in questions}
            for key, value in (answers or {}).items():
                if value != changed[key]:
                    self.walk.choose(step.id, key, value)
            if answers:
                self.replan()

        wrong = self.walk.wrong(step)
        self.app.push_screen(Form(step.title, questions, wrong), answered)

    def _may_choose(self, step: Step) -> bool:
        """Whether the answers can still change what the step does: of one that only reads always."""
        open_still = (StepState.TODO, StepState.UNDONE, StepState.FAILED, StepState.SKIPPED, StepState.OPEN)
        return step.kind is StepKind.READ or self.known(step).state in open_still

    def action_decide(self) -> None:
        """Record the outcome of a call whose result is unknown."""
        step = self.step
        if step is None or not self._may() or self.work.journal is None or self.plan is None:
            return
        open_calls = self.known(step).open_calls
        if not open_calls:
            return
        call, journal, plan = open_calls[0], self.work.journal, self.plan

        def answered(text: str | None) -> None:
            if text not in ("done", "not done"):
                if text is not None:
                    self.main.say("Nothing was recorded: write done or not done.")
                return
            try:
                self.walk.decide(journal, plan, step.id, call.id, text == "done")
            except Exception as error:
                self.main.say(told(error))
                return
            self.record = self.walk.record(journal)
            self.replan()

        self.app.push_screen(
            Ask(
                "Decide",
                f"It is unknown whether {call.service}:{call.operation} ({call.id}) took effect. Check it in AWS. Type done or not done:",
            ),
            answered,
        )
