"""A playbook, step by step: what a step will do before it does it, the run, the verification, and the way back."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content

from vpce_tui.aws.errors import error_message
from vpce_tui.blocks.model import TableBlock
from vpce_tui.core.text import many, sign, visible
from vpce_tui.engine.outcome import Ended
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import StepRecord
from vpce_tui.incident.states import SETTLED, StepState
from vpce_tui.plans.plan import Option, Question, Step, StepKind
from vpce_tui.plans.renderers import render_step
from vpce_tui.tui.screens.evidence_file import evidence_page
from vpce_tui.tui.screens.frame import READING, WIDE
from vpce_tui.tui.screens.step_page import STATE_LOOK, VIEWS, StepPage, dots, step_list, tabs
from vpce_tui.tui.screens.table_view import TableScreen
from vpce_tui.tui.screens.walkthrough_actions import WalkthroughActions
from vpce_tui.tui.widgets.dialogs import Read
from vpce_tui.tui.widgets.form import Form
from vpce_tui.tui.widgets.keymap import KeyHint, binding
from vpce_tui.tui.widgets.page import Page
from vpce_tui.tui.widgets.safe_text import hanging, line, lines
from vpce_tui.tui.widgets.steady import Steady

LONGEST_COPY: Final = 60_000
"""Characters that are handed to a terminal's clipboard at most."""


class WalkthroughScreen(WalkthroughActions):
    """A playbook, step by step. Runs one thing at a time, on a thread."""

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
        binding("resolve", "resolve"),
        binding("left", "step(-1)"),
        binding("right", "step(1)"),
        binding("next-view", "turn(1)", priority=True),
        binding("previous-view", "turn(-1)", priority=True),
        *READING,
        binding("refresh", "replan"),
        binding("copy", "copy"),
    ]

    def body(self) -> ComposeResult:
        yield Steady(id="dots")
        with Container(id="walkthrough"):
            yield Page(id="steps", focusable=False)
            yield Page(id="page")
        yield Steady(id="tabs")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#page").focus()
        self.replan(first=True)

    # -- what is shown

    @property
    def crumb(self) -> str:
        return self.session.playbook.name

    def crumbs(self) -> str:
        return f"{self.session.playbook.name} ─ {self.session.target}"

    def _show_crumbs(self) -> None:
        from vpce_tui.tui.widgets.bars import CrumbBar  # noqa: PLC0415

        bar = self.query_one("#crumbs", CrumbBar)
        if self.problem:
            bar.show(self.crumbs(), "not planned", complete=False)
        elif self.busy:
            bar.show(self.crumbs(), self.reading if self.busy == "planning" else self.busy, complete=None)
        else:
            bar.show(self.crumbs(), f"planned {self.main.ago(self.planned_at)}", complete=True)

    def keys(self) -> Sequence[KeyHint]:
        keys = self.main.keymap
        hint = keys.hint
        step = self.step
        if self.busy:
            return [
                hint("back", "back" if self.busy == "planning" else "stop"),
                keys.pair("down", "up", "scroll"),
                hint("help"),
            ]
        found: list[KeyHint] = []
        ended = {*SETTLED, StepState.SKIPPED, StepState.OPEN}
        last = self.plan is not None and self.at == len(self.plan.steps) - 1
        leave = "leave"
        if step is not None and self._state(step) in ended:
            found += [] if last else [hint("right")]
            leave = f"leave (then {keys.shown('incident')}: incident)" if last else leave
        if step is not None and not self.workspace.read_only:
            known = self.step_record(step)
            if known.state is StepState.OUTCOME_UNKNOWN:
                found.append(hint("resolve"))
            open_still = known.state is not StepState.VERIFIED or step.id in self.session.drifted
            if known.state is StepState.NOTHING_TO_DO:
                open_still = bool(step.calls)  # other answers were given since
            if step.kind is not StepKind.MANUAL and open_still and not step.blocked and not self._prerequisites(step):
                label = "resume" if self._state(step) is StepState.INTERRUPTED else "run"
                found.append(hint("run", label, changes=step.kind is StepKind.CHANGE and bool(step.calls)))
            if (known.done_by_us and step.undo) or known.half_undone:
                found.append(hint("undo", changes=True))
            if known.state not in {StepState.VERIFIED, StepState.NOTHING_TO_DO}:
                found += [hint("skip"), hint("manual")]
            found.append(hint("note"))
        if step is not None and self._questions() and self._may_choose(step):
            found.append(hint("prompts"))
        if self._tables():
            found.append(hint("open", "open table"))
        if step is not None and any(affected.names for affected in step.affects):
            found.append(hint("affected"))
        if step is not None and self.step_record(step).evidence:
            found.append(hint("evidence"))
        return [
            *found,
            keys.pair("left", "right", "steps"),
            hint("next-view"),
            hint("copy"),
            hint("back", leave),
            hint("help"),
        ]

    def show(self) -> None:
        plan, at = self.plan, self.at
        self.query_one("#dots", Steady).update(dots(plan, at, self._state) if plan else "")
        self.query_one("#steps", Page).show(
            step_list(plan, at, self._state, self.query_one("#steps").size.width - 2) if plan else Content("")
        )
        self.query_one("#page", Page).show(self._page())
        self.query_one("#tabs", Steady).update(tabs(self.view))

    def _last_run(self) -> list[Content]:
        """What came of the step that ran last: where its target is gone now, no plan shows it any more."""
        outcome, log = self.outcomes.get(self.running_step), self.logs.get(self.running_step)
        if outcome is None:
            return []
        found = hanging(f"{sign(outcome.ended.sign)} ", f"{outcome.ended.value}: {outcome.says}", self._width, "bold")
        return [*found, *(log.lines(self._width, running=False) if log is not None else []), line("")]

    def _page(self) -> Content:
        if self.problem:
            return lines(
                [
                    *self._last_run(),
                    line(("This playbook cannot be planned.", "bold")),
                    line(self.problem),
                    line(""),
                    line(
                        f"Plan again ({self.main.keymap.shown('refresh')})   Leave ({self.main.keymap.shown('back')})"
                    ),
                ]
            )
        step = self.step
        if self.plan is None or step is None:
            return line(self.reading or self.busy or "planning…")
        head = [line(step.description), line("")]
        if self.app.size.width >= WIDE:
            head.insert(0, line((step.title, "bold")))
        if self.view != "change":
            text = visible(render_step(self.plan, step, self.view), limit=60_000, multiline=True)
            if self.view == "console":  # words for people: continued under where they began
                width = self._width
                parts = [(part[: len(part) - len(part.lstrip())], part.strip()) for part in text.split("\n")]
                return lines([*head, *(found for indent, part in parts for found in hanging(indent, part, width))])
            ready = line((f"Copy with everything needed to run it ({self.main.keymap.shown('copy')})", "dim"))
            return lines([*head, *(Content(part) for part in text.split("\n")), ready])
        page = StepPage(
            plan=self.plan,
            at=self.at,
            step_record=self.step_record,
            drifted=step.id in self.session.drifted,
            choosable=self._may_choose(step),
            width=self._width,
            key=self.main.keymap.shown,
        )
        return lines([*head, *self._elsewhere(page), *self._run_lines(step), *page.change()])

    @property
    def _width(self) -> int:
        return max(self.query_one("#page").size.width - 4, 40)

    def _elsewhere(self, page: StepPage) -> list[Content]:
        """Incidents that are about this target, while none is open here."""
        if self.workspace.journal is not None or self.workspace.read_only or not self.about:
            return []
        names = ", ".join(self.about)
        return [
            page.hanging("! ", f"{names} is already open for {self.session.target}: resume it ({page.key('run')})"),
            line(""),
        ]

    def _left_off(self, step: Step, known: StepRecord) -> list[Content]:
        """Where a step that has not ended was left, and what comes next."""
        key = self.main.keymap.shown("run")
        why = {call.id: call.why or call.name for call in (*step.calls, *step.undo)}
        said = [
            f"started, outcome unknown: {why.get(made.id, made.id)}; check with AWS and continue ({key})"
            for made in known.calls_with_unknown_outcome
        ]
        missing = [call for call in step.calls if call.id not in known.calls]
        if known.state is StepState.RUNNING and known.calls and missing and step.kind is StepKind.CHANGE:
            made = len(step.calls) - len(missing)
            said.append(f"{made} of {many(len(step.calls), 'call')} made; next: {why[missing[0].id]}")
        return [part for text in said for part in hanging("! ", text, self._width, "", "bold $warning")]

    def _run_lines(self, step: Step) -> list[Content]:
        """What became of the step: how far it is or what came out, then its calls."""
        known, outcome, log = self.step_record(step), self.outcomes.get(step.id), self.logs.get(step.id)
        running = self.at_work and step.id == self.running_step
        found: list[Content] = []
        if running and log is not None:
            found += log.how_far(step, self.main.now())
            found += hanging(f"{sign('▶')} ", log.under_way, self._width, "", "bold $accent") if log.under_way else []
        if step.id in self.session.drifted:
            why = "its answers were changed since" if step.kind is StepKind.READ else "no longer true"
            found += hanging(
                "! ", f"Drift: verified earlier, {why}. Remaining changes:", self._width, "", "bold $warning"
            )
        elif outcome is not None:
            good = "" if outcome.ended in (Ended.NOTHING, Ended.UNDONE) else "$success"
            look = good if outcome.good else "bold $error"
            head = f"{sign(outcome.ended.sign)} {outcome.ended.value}: "
            found += hanging(head, outcome.says, self._width, "", look)
            for detail in outcome.details if not outcome.good or outcome.ended is Ended.OPEN else ():
                found += hanging("    ", detail, self._width)
        elif known.state is not StepState.TODO:
            state = self._state(step)
            head = f"{sign(state.sign)} {state.value}  "
            found += hanging(head, known.saw, self._width, "", STATE_LOOK.get(state, ""))
            found += self._left_off(step, known)
        if step.id not in self.session.drifted and log is not None:
            found += log.lines(self._width, running=running)
        for note in known.notes:
            found += hanging("note: ", note, self._width)
        if log is None or not log.made:  # else its lines say so
            for name, why in known.missing.items():
                found += hanging("! not recorded: ", f"{name}: {why}", self._width, "", "$warning")
        return [*found, line("")] if found else []

    def action_turn(self, by: int) -> None:
        """The next view of the step, or the one before."""
        names = [name for name, _ in VIEWS]
        self.view = names[(names.index(self.view) + by) % len(names)]
        self.query_one("#page", Page).scroll_home(animate=False)
        self.update()

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
        journal, step = self.workspace.journal, self.step
        kept = self.step_record(step).evidence if step is not None else {}
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
        self.workspace.background.start(
            "evidence",
            lambda: evidence_page(journal.folder, name, sha256),
            lambda found: self._if_here(lambda content: self.app.push_screen(Read(name, content)), found),
            lambda error: self.main.say(error_message(error)),
        )

    def action_leave(self) -> None:
        if self.busy and self.busy != "planning":
            parts = {call.part for call in self.step.calls} if self.step else set()
            again = self.cancel.stopped
            self.cancel.stop()
            whole = len(parts - {""}) > 0 and not again
            self.busy = (
                f"Stopping after the current instance. Stop after the current API call ({self.main.keymap.shown('back')})."
                if whole
                else "Stopping after the current API call."
            )
            self.update()
            return
        if self.busy and self.just_ended:
            self.just_ended = False
            self.main.say(
                f"The step has already ended; see the result above. Leave ({self.main.keymap.shown('back')})."
            )
            self.update()
            return
        if self.changed:
            self.workspace.refresh()
        self.app.pop_screen()
