"""A step on the page: what it asks, what it will change, who else is hit, how it is undone and verified."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from vpce_tui.core.text import sign
from vpce_tui.incident.record import StepRecord
from vpce_tui.incident.states import SETTLED, StepState
from vpce_tui.plans.plan import Plan, Question, Step, StepKind
from vpce_tui.tui.widgets.block_lines import block_lines
from vpce_tui.tui.widgets.safe_text import hanging, line, lines

VIEWS: Final = (("change", "changes"), ("console", "console"), ("cli", "AWS CLI"), ("python", "Python"))
STATE_LOOK: Final = {
    StepState.VERIFIED: "$success",
    StepState.MANUAL: "$secondary",
    StepState.FAILED: "bold $error",
    StepState.OUTCOME_UNKNOWN: "bold $warning",
    StepState.NOT_VERIFIED: "bold $warning",
    StepState.INCOMPLETE: "bold $warning",
    StepState.DRIFTED: "bold $warning",
    StepState.INTERRUPTED: "bold $warning",
    StepState.OPEN: "$warning",
    StepState.RUNNING: "bold $accent",
}
_FEW: Final = 2
"""Questions whose every option is shown on the step itself; more are shown by their answers, so that what will change is in
sight."""
_NAMED: Final = 3
"""Titles of steps that are not done yet."""
_LISTED: Final = 6
"""Options of one question that are shown on a step that has something to show besides."""


def asked(step: Step) -> tuple[Question, ...]:
    """The questions of a step that there is an answer to."""
    return tuple(question for question in step.questions if question.options or question.free)


def dots(plan: Plan, at: int, state_of: Callable[[Step], StepState]) -> Content:
    """The state of every step, on one line."""
    parts: list[str | tuple[str, str]] = []
    for number, step in enumerate(plan.steps):
        state = state_of(step)
        look = STATE_LOOK.get(state, "dim")
        parts += [(f"{sign(state.sign)}", f"{look} reverse" if number == at else look), " "]
    return line(*parts, f"  step {at + 1} of {len(plan.steps)}: ", (plan.steps[at].title, "bold"))


def step_list(plan: Plan, at: int, state_of: Callable[[Step], StepState], width: int) -> Content:
    """Every step by its title, beside the page, ``width`` cells wide."""
    found = []
    for number, step in enumerate(plan.steps):
        state, look = state_of(step), "bold" if number == at else ""
        pointer = sign("›") if number == at else " "
        mark = (sign(state.sign), STATE_LOOK.get(state, "dim"))
        indent = f" {number + 1} "
        first, *rest = hanging(indent, step.title, width - 3, look, look)
        found.append(line((f"{pointer} ", look), mark).append(first))
        found += [line("   ").append(part) for part in rest]
        if state is not StepState.TODO:
            found.append(line(("      " + state.value, "dim")))
    return lines(found)


def tabs(view: str) -> Content:
    """The four views of a step."""
    parts: list[str | tuple[str, str]] = []
    for name, label in VIEWS:
        parts += [(f" {label} ", "bold reverse" if name == view else ""), " "]
    return line(*parts)


@dataclass(frozen=True)
class StepPage:
    """Draws step ``at`` of ``plan``, ``width`` columns wide. ``drifted``: it was verified earlier and is no longer true (drift)."""

    plan: Plan
    at: int
    step_record: Callable[[Step], StepRecord]
    drifted: bool
    choosable: bool
    """Whether its answers can still change what it does."""
    width: int
    key: Callable[[str], str]
    """The key that does something, by its name in the keymap."""

    @property
    def _step(self) -> Step:
        return self.plan.steps[self.at]

    def change(self) -> list[Content]:
        """What it will do, or did."""
        step = self._step
        found = self._in_the_way()
        if step.kind is StepKind.MANUAL:
            return [*found, *self._content()]
        done = self.step_record(step).state is StepState.VERIFIED and not self.drifted
        if not done and self.choosable:
            found += self._choices()
        return [*found, *(self._reads(done) if step.kind is StepKind.READ else self._changes(done))]

    def _in_the_way(self) -> list[Content]:
        step, found = self._step, list[Content]()
        if step.blocked:
            found.append(line(("blocked", "bold $error")))
            for item in step.blocked:
                found += [line("  " + item.says), line(("  to unblock it: ", "dim"), item.remedy)]
        needed = [self.plan.step(name) for name in step.requires]
        missing = [other.title for other in needed if self.step_record(other).state not in SETTLED]
        if missing:
            said = f"these steps are verified or done manually: {', '.join(missing)}"
            found.append(line(("blocked until ", "bold $error"), said))
        if step.kind is StepKind.CHANGE and self.step_record(step).state is StepState.TODO:
            waiting = (StepState.TODO, StepState.UNDONE, StepState.OPEN)
            skipped = [
                other.title
                for other in self.plan.steps[: self.at]
                if (not step.reversible or other.kind is not StepKind.MANUAL)
                and self.step_record(other).state in waiting
                and (other.kind is not StepKind.CHANGE or other.calls or other.blocked)
                and other.id not in step.requires
            ]
            if skipped:
                more = f" and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
                found.append(self.hanging("! not done yet: ", ", ".join(skipped[:_NAMED]) + more))
        return found

    def _reads(self, done: bool) -> list[Content]:
        step, found = self._step, list[Content]()
        if step.content:
            found += [
                line(("state as it was recorded" if done else "current state", "bold")),
                *self._content(),
                line(""),
            ]
        found.append(line(("read and recorded" if done else "will read and record", "bold")))
        found += [line(f"  {sign('·')} {call.why}") for call in step.calls]
        return [*found, *(self._row("verify", check.says) for check in step.checks)]

    def _changes(self, done: bool) -> list[Content]:
        step = self._step
        found = [line(("changed" if done else "will change", "bold"))]
        if step.calls:
            found += self._dotted(step.changes)
        else:
            found.append(line("  nothing: already in effect" if step.already else "  nothing to do"))
        if not (
            step.calls or step.already or step.affects
        ):  # nothing is done: nobody is hit, nothing is undone or verified
            return [*found, *self._content()]
        for affected in step.affects:
            names = f"  ({self.key('affected')}: by name)" if affected.names else ""
            found.append(self._row("impact", affected.says + names))
        if step.reversible:
            making = {call.id for call in step.calls} or self.step_record(step).done_by_us
            back = "; ".join(call.why for call in step.undo if making & set(call.undoes))
            found.append(self._row("undo", f"yes: {back}" if back else "there is nothing to undo"))
        else:
            said = "no" if done else "no: you have to type the id to run it"
            again = "".join(f"; afterwards undo ({self.key('undo')}) can only {call.why}" for call in step.undo)
            found.append(self._row("undo", said + again))
        found += [self._row("verify", check.says) for check in step.checks]
        found.append(self._row("permissions", ", ".join(step.permissions) or "none"))
        return [*found, *self._content()]

    def _choices(self) -> list[Content]:
        step, found = self._step, list[Content]()
        questions = asked(step)
        long = any(len(question.options) > _LISTED for question in questions)
        if len(questions) > _FEW or (long and (step.calls or step.kind is StepKind.READ)):
            found += [self.hanging("? ", _answered(question)) for question in questions]
            return [
                *found,
                line((f"  Answer {'them' if len(questions) > 1 else 'it'} ({self.key('prompts')})", "dim")),
                line(""),
            ]
        for question in questions:
            found += [
                line(("? ", "bold $warning"), question.question, (f"  ({self.key('prompts')})", "dim")),
                *self._options(question),
            ]
        return [*found, line("")] if found else []

    def _options(self, question: Question) -> list[Content]:
        chosen = question.chosen.split(",") if question.many else [question.chosen]
        known = question.labels
        options = [*known.items(), *((value, value) for value in chosen if value and value not in known)]
        if not options:
            return [line(("    nothing", "dim"))]
        return [
            self.hanging(
                f"    {_mark(value in chosen, many=question.many)} ", _option(value, label) if question.many else label
            )
            for value, label in options
        ]

    def _content(self) -> list[Content]:
        return block_lines(self._step.content, self.width, open_key=self.key("open"))

    def _dotted(self, items: tuple[str, ...]) -> list[Content]:
        return [self.hanging(f"  {sign('·')} ", item) for item in items]

    def _row(self, name: str, text: str) -> Content:
        return self.hanging(f"  {name:<12}", text)

    def hanging(self, head: str, text: str) -> Content:
        """``text`` after ``head``, continued under where it began."""
        return lines(hanging(head, text, self.width))


def _option(value: str, label: str) -> str:
    """One of several options: its id, and what it is; where the label names what the id is about, the label alone."""
    return label if value.rpartition(":")[2] in label else f"{value}  {label}"


def _answered(question: Question) -> str:
    """A question with its answer in words."""
    known = question.labels
    chosen = [
        part
        for part in (question.chosen.split(",") if question.many else [question.chosen])
        if part or not question.many
    ]
    said = "; ".join(
        _option(part, known[part]) if question.many and part in known else known.get(part, part) for part in chosen
    )
    left = len([value for value in known if value not in chosen]) if question.many else 0
    asked = question.question.partition(" (")[0]
    means = question.question.partition(" (empty: ")[2].rstrip(")")
    if question.many and not said and means:
        return f"{asked}: {means}"
    if question.many and not said and left:
        return f"{asked}: none of {left} ticked"
    return f"{asked}: {said or 'none'}" + (f"; {left} not ticked" if left else "")


def _mark(on: bool, *, many: bool) -> str:
    return f"[{'x' if on else ' '}]" if many else f"({sign('●') if on else ' '})"
