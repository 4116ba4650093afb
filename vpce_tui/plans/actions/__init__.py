"""The code behind the steps. An action is pure: it plans from the state of its target, says what the state is after, and when that is verified."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from vpce_tui.blocks.model import BlockColumn
from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.plan import Option, PlannedCall, Question, Step
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.planning_context import TargetState

ReadBack = tuple[VerificationState, str]
"""What reading back showed, and what was seen."""

Pages = Mapping[str, Sequence[Mapping[str, object]]]
"""What a step's reads answered, page by page, by call id."""

Answers = Mapping[str, Mapping[str, str]]
"""Answers to questions, by the name of the action that asks, then by question."""

Options = tuple[tuple[str, str] | Option, ...]
"""Values with their labels; an option where there is more to say of it."""


S = TypeVar("S", bound=TargetState)


class AnyChoice(Protocol):
    """A choice as it looks from outside, whatever target its action is for."""

    @property
    def id(self) -> str:
        """Its name within its step."""

    @property
    def question(self) -> str:
        """What is asked."""

    @property
    def fixed(self) -> tuple[Option, ...] | None:
        """Its options, where they do not depend on the target."""

    def wrong_among(self, options: Sequence[Option], value: str) -> str:
        """What is wrong with ``value``, as a sentence; ``""``: nothing."""


@dataclass(frozen=True, slots=True)
class Choice(Generic[S]):
    """Something the operator decides before a step; the first option is the safe default unless ``default`` says more.

    ``options`` may depend on the state. ``many``: several of them, joined by commas, or none. ``free``: anything that
    ``check`` finds nothing wrong with; ``check`` gives the sentence that says what is. ``columns``: the options are the rows
    of a table, each with its cells.
    """

    id: str
    question: str
    options: Options | Callable[[S], Options] = ()
    default: Callable[[S], str] | None = None
    free: bool = False
    many: bool = False
    check: Callable[[str], str] = lambda _: ""
    columns: tuple[BlockColumn, ...] = ()
    applies: Callable[[S], bool] = lambda _: True
    """Whether it is asked for a target in this state."""

    @property
    def fixed(self) -> tuple[Option, ...] | None:
        """Its options, where they do not depend on the target."""
        return None if callable(self.options) else _options(self.options)

    def offered(self, state: S) -> tuple[Option, ...]:
        """The options for a target in this state, those that cannot be chosen too."""
        return _options(self.options(state) if callable(self.options) else self.options)

    def default_value(self, state: S) -> str:
        """The default answer."""
        if self.default is not None:
            return self.default(state)
        offered = self.offered(state)
        return "" if self.many or not offered else offered[0].value

    def wrong(self, state: S, value: str) -> str:
        """What is wrong with ``value``, as a sentence; ``""``: nothing."""
        return self.wrong_among(self.offered(state), value)

    def wrong_among(self, options: Sequence[Option], value: str) -> str:
        """The same, where these are the options."""
        known = {option.value: option for option in options}
        parts = [part.strip() for part in value.split(",") if part.strip()] if self.many else [value]
        for part in parts:
            if part in known:
                if known[part].why_not:
                    return f"{self.id} cannot be {part!r}: {known[part].why_not}."
                continue
            if not self.free:
                names = ", ".join(known) or "nothing (none exist here)"
                return f"{self.id} must be {'one or more' if self.many else 'one'} of {names}, not {part!r}."
            said = self.check(part)
            if said:
                return f"{self.id}: {said}"
        return ""

    def question_in(self, state: S, chosen: str) -> Question:
        """As it is asked."""
        return Question(
            id=self.id,
            question=self.question,
            options=self.offered(state),
            chosen=chosen,
            free=self.free,
            many=self.many,
            columns=self.columns,
        )


def _options(found: Options) -> tuple[Option, ...]:
    return tuple(item if isinstance(item, Option) else Option(*item) for item in found)


def parts(value: str) -> tuple[str, ...]:
    """The several values of a ``many`` choice."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


class AnyAction(Protocol):
    """An action as it looks from outside, whatever target it is for: what it asks, reads and may call."""

    @property
    def aspects(self) -> frozenset[str]:
        """What must be read to plan it."""

    @property
    def choices(self) -> Sequence[AnyChoice]:
        """What it asks."""

    @property
    def may(self) -> tuple[str, ...]:
        """Operations that its calls and inverses may be, beyond what its aspects read."""

    @property
    def verifies_from_answers(self) -> bool:
        """Whether it is verified from the very answers that were kept."""

    def strange(self, step: Step) -> PlannedCall | None:
        """The first call of ``step`` that this action never makes."""


@dataclass(frozen=True, slots=True)
class Action(Generic[S]):
    """One step's code, for targets whose state is ``S``. ``aspects``: what must be read to plan it; ``expect``: the state after it.

    ``remember`` gives what an earlier plan of the step holds and looking needs (:attr:`PlanningContext.remembered`). ``leave`` says
    why an inverse call makes no sense in this state (``""``: it does), given the call, whether what it takes back is still so, and
    whether everything is being undone.
    """

    aspects: frozenset[str]
    plan: Callable[[S, Draft], Step]
    expect: Callable[[S, Mapping[str, str]], S]
    verify: Callable[[S, Step], ReadBack]
    choices: tuple[Choice[S], ...] = ()
    remember: Callable[[Step], Mapping[str, object]] = lambda _: {}
    why_not_undone: Callable[[S, PlannedCall, bool, bool], str] = lambda _, __, ___, ____: ""
    read_options: Callable[[Mapping[str, str], Answers], Mapping[str, object]] = lambda _, __: {}
    """From the answers to its prompts, and those of the playbook's other steps: what to read, such as how many hours
    (:attr:`PlanningContext.remembered`)."""
    verify_answers: Callable[[S, Step, Pages], ReadBack] | None = None
    """For a step that reads: the verification from the very answers that were kept, by call id (their pages); such a step asks anew
    each time it is run."""
    may: tuple[str, ...] = ()
    """Operations (``service:Operation``) that its calls and inverses may be, beyond what its aspects read."""
    taken_back_by: tuple[str, ...] = ()
    """Those of :attr:`may` that its inverses are, and no others: a record that was handed over cannot name another."""

    @property
    def verifies_from_answers(self) -> bool:
        """Whether it is verified from the very answers that were kept."""
        return self.verify_answers is not None

    def strange(self, step: Step) -> PlannedCall | None:
        """The first call of ``step`` that this action never makes, or never takes anything back by; None: there is none.

        A plan's file and a record may be somebody else's.
        """
        groups = (((*step.calls, *step.already), self.may), (step.undo, self.taken_back_by))
        return next(
            (call for calls, known in groups for call in calls if call.writes and call.name not in known),
            None,
        )


def unchanged(state: S, _: Mapping[str, str]) -> S:
    """For actions that change nothing a later step looks at."""
    return state


def read_back(_: object, __: Step) -> ReadBack:
    """For steps that only read."""
    return VerificationState.VERIFIED, ""


def by_effects(_: object, step: Step) -> ReadBack:
    """Proved when every call of the step is in effect."""
    if step.blocked:
        return VerificationState.NOT_YET, step.blocked[0].says
    if step.calls:
        waiting = ", ".join(call.why or call.name for call in step.calls[:3])
        return VerificationState.NOT_YET, f"not in effect yet: {waiting}"
    return VerificationState.VERIFIED, f"{len(step.already)} of {len(step.already)} effects verified"
