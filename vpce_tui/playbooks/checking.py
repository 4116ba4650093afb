"""What is wrong with a playbook's file: where (line and column), what, and the nearest right word."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from vpce_tui.core.typed_data import nearest
from vpce_tui.core.typed_toml import InvalidToml, Places, Problem, check, parse
from vpce_tui.plans.actions.manual import NAME as MANUAL
from vpce_tui.plans.targets import KINDS

if TYPE_CHECKING:
    from vpce_tui.plans.actions import AnyAction

_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LARGEST: Final = 200_000
"""Characters of a playbook's file."""

Text = Annotated[str, Meta(min_length=1)]


class StepFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[steps]]``: ``action``: the code behind it, or manual, done by a person, who has ``guidance``.

    ``prerequisite``: nothing after it runs before it is verified, or recorded as done manually. ``defaults``: answers that hold unless
    the operator says otherwise; ``prompts``: which of the action's questions are asked (all, where it is left out).
    """

    id: Text
    title: Text
    description: Text
    action: Text
    prerequisite: bool = False
    defaults: Mapping[str, str | int] = {}
    prompts: tuple[str, ...] | None = None
    guidance: tuple[Text, ...] | None = None


class PlaybookFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A playbook's TOML file. ``target``: the kind of thing it acts on; ``use_when``: when to use it."""

    name: Text
    title: Text
    target: Text
    use_when: Text
    steps: Annotated[tuple[StepFile, ...], Meta(min_length=1)]


def check_text(
    text: str, actions: Mapping[str, Mapping[str, "AnyAction"]], *, taken: frozenset[str] = frozenset(), stem: str = ""
) -> tuple[PlaybookFile | None, tuple[Problem, ...]]:
    """The file's data, and every fault of it in the order of its lines; None where there is a fault.

    ``taken``: names that are ours; ``stem``: the file's name without its suffix, which must be the playbook's.
    """
    if len(text) > LARGEST:
        return None, (Problem(1, 1, f"the file has {len(text):,} characters; at most {LARGEST:,} are read"),)
    try:
        found, problems = check(text, parse(text), PlaybookFile)
    except InvalidToml as error:
        return None, error.problems
    if found is None:
        return None, problems
    places = Places(text)
    faults = [*_top(found, taken, stem)]
    seen: set[str] = set()
    for number, step in enumerate(found.steps):
        faults += [(("steps", number, *at), says) for at, says in _step(step, actions, found.target, seen)]
    problems = tuple(sorted(Problem(*places.of(at), says) for at, says in faults))
    return None if problems else found, problems


Fault = tuple[tuple[str | int, ...], str]
"""Where, as keys from the top on, and what."""


def _top(file: PlaybookFile, taken: frozenset[str], stem: str) -> Iterator[Fault]:
    if not _ID.fullmatch(file.name):
        yield ("name",), f"the name {file.name!r} must be lower-case letters, digits and single hyphens"
    elif file.name in taken:
        yield ("name",), f"{file.name!r} is a built-in playbook; use another name"
    elif stem and file.name != stem:
        yield ("name",), f"the name {file.name!r} must be the file's name, {stem!r}"
    if file.target not in KINDS:
        yield ("target",), f"unknown target {file.target!r}{nearest(file.target, KINDS)}"


def _step(
    step: StepFile, actions: Mapping[str, Mapping[str, "AnyAction"]], target: str, seen: set[str]
) -> Iterator[Fault]:
    if not _ID.fullmatch(step.id):
        yield ("id",), f"the id {step.id!r} must be lower-case letters, digits and single hyphens"
    if step.id in seen:
        yield ("id",), f"the id {step.id!r} is used twice"
    seen.add(step.id)
    fitting = actions.get(target, {})
    if step.action == MANUAL:
        yield from _manual(step)
    elif step.action in fitting:
        yield from _answers(step, fitting[step.action])
    else:
        other = next((kind for kind, known in actions.items() if step.action in known), "")
        every = {MANUAL, *(fitting or {name for known in actions.values() for name in known})}
        said = (
            f"the action {step.action!r} acts on {other}, and this playbook on {target}"
            if other and fitting
            else f"unknown action {step.action!r}{nearest(step.action, every)}"
        )
        yield ("action",), said


def _manual(step: StepFile) -> Iterator[Fault]:
    if not step.guidance:
        yield ("action",), "a manual step needs guidance: a list of sentences"
    for key in step.defaults:
        yield ("defaults", key), f"a manual step has no choice {key!r}"
    if step.prompts:
        yield ("prompts",), "a manual step has no prompts"


def _answers(step: StepFile, action: "AnyAction") -> Iterator[Fault]:
    name, choices = step.action, {choice.id: choice for choice in action.choices}
    near: Callable[[str], str] = lambda word: nearest(word, choices) if choices else ""  # noqa: E731
    if step.guidance is not None:
        yield ("guidance",), "only a manual step has guidance"
    for key, value in step.defaults.items():
        if key not in choices:
            yield ("defaults", key), f"{name!r} has no choice {key!r}{near(key)}"
        elif (options := choices[key].fixed) is not None:
            wrong = choices[key].wrong_among(options, str(value))
            if wrong:
                yield ("defaults", key), wrong
    for key in step.prompts or ():
        if key not in choices:
            yield ("prompts",), f"{name!r} has no prompt {key!r}{near(key)}"
