"""What is wrong with a playbook's file: where (line and column), what, and the nearest right word."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vpce_tui.plans.actions import Action

_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TOP: Final[Mapping[str, type]] = {"name": str, "title": str, "target": str, "use_when": str, "steps": list}
_STEP: Final[Mapping[str, type]] = {
    "id": str,
    "title": str,
    "description": str,
    "action": str,
    "prerequisite": bool,
    "defaults": dict,
    "prompts": list,
    "guidance": list,
}
_NEEDED: Final = ("id", "title", "description", "action")
_TYPES: Final = {str: "text", list: "a list", bool: "true or false", dict: "a table"}
LARGEST: Final = 200_000
"""Characters of a playbook's file."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault, at a line and column counted from 1."""

    line: int
    column: int
    says: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.says}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Finds where a key of the top level, or of the n-th step, is in the text."""

    lines: tuple[str, ...]

    def of(self, key: str, step: int | None = None, under: str = "") -> tuple[int, int]:
        begin, end = self._part(step)
        inside = False
        for number in range(begin, end):
            text = self.lines[number]
            if under and re.match(rf"\s*(\[steps\.{re.escape(under)}\]|{re.escape(under)}\s*=)", text):
                inside = True
            found = re.search(rf"(?:^|[\s{{,.\"']){re.escape(key)}[\"']?\s*=", text)
            if found and (inside or not under):
                return number + 1, text.index(key, found.start()) + 1
        return begin + 1, 1

    def _part(self, step: int | None) -> tuple[int, int]:
        heads = [at for at, text in enumerate(self.lines) if re.match(r"\s*\[\[\s*steps\s*\]\]", text)]
        if step is None:
            return 0, heads[0] if heads else len(self.lines)
        if step >= len(heads):
            return 0, len(self.lines)
        return heads[step], heads[step + 1] if step + 1 < len(heads) else len(self.lines)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?``, or the words there are."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there is: {', '.join(names)}"


def check_text(
    text: str, actions: Mapping[str, "Action"], *, taken: frozenset[str] = frozenset(), stem: str = ""
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The file's data, and every fault of it in the order of its lines; with a fault the data must not be used.

    ``taken``: names that are ours; ``stem``: the file's name without its suffix, which must be the playbook's.
    """
    if len(text) > LARGEST:
        return {}, (Problem(1, 1, f"the file has {len(text):,} characters; at most {LARGEST:,} are read"),)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        at = re.search(r"line ([0-9]+), column ([0-9]+)", str(error))
        last = max(text.count("\n"), 1)
        said = re.sub(r"\s*\(at .*\)", "", str(error)) or "it is nested too deep"
        return {}, (Problem(int(at[1]) if at else last, int(at[2]) if at else 1, f"not valid TOML: {said}"),)
    place = _Place(tuple(text.split("\n")))
    found = [*_top(data, place, taken, stem)]
    steps = data.get("steps")
    if isinstance(steps, list):
        target = data.get("target")
        seen: set[str] = set()
        for number, step in enumerate(steps):
            if not isinstance(step, dict):
                found.append(Problem(*place.of("steps"), "each step is a table: write [[steps]]"))
                continue
            found += _step(step, number, place, actions, target if isinstance(target, str) else "", seen)
    return data, tuple(sorted(found))


def _top(data: Mapping[str, Any], place: _Place, taken: frozenset[str], stem: str) -> Iterable[Problem]:
    from vpce_tui.plans.targets import KINDS  # noqa: PLC0415

    for key in data:
        if key not in _TOP:
            yield Problem(*place.of(key), f"unknown key {key!r}{nearest(key, _TOP)}")
    for key, kind in _TOP.items():
        if key not in data:
            yield Problem(1, 1, f"{key!r} is missing")
        elif not isinstance(data[key], kind) or not data[key]:
            yield Problem(*place.of(key), f"{key!r} must be {_TYPES[kind]}, and not empty")
    name, target = data.get("name"), data.get("target")
    if isinstance(name, str) and name:
        if not _ID.fullmatch(name):
            yield Problem(*place.of("name"), f"the name {name!r} must be lower-case letters, digits and single hyphens")
        elif name in taken:
            yield Problem(*place.of("name"), f"{name!r} is a built-in playbook; use another name")
        elif stem and name != stem:
            yield Problem(*place.of("name"), f"the name {name!r} must be the file's name, {stem!r}")
    if isinstance(target, str) and target and target not in KINDS:
        yield Problem(*place.of("target"), f"unknown target {target!r}{nearest(target, KINDS)}")


def _step(
    step: Mapping[str, Any], number: int, place: _Place, actions: Mapping[str, "Action"], target: str, seen: set[str]
) -> Iterable[Problem]:
    for key, value in step.items():
        if key not in _STEP:
            yield Problem(*place.of(key, number), f"unknown key {key!r} in a step{nearest(key, _STEP)}")
        elif not isinstance(value, _STEP[key]):
            yield Problem(*place.of(key, number), f"{key!r} must be {_TYPES[_STEP[key]]}")
    for key in _NEEDED:
        if key not in step or step[key] == "":
            yield Problem(*place.of("steps", number), f"step {number + 1}: {key!r} is missing")
    identifier, name = step.get("id"), step.get("action")
    if isinstance(identifier, str) and identifier:
        if not _ID.fullmatch(identifier):
            yield Problem(
                *place.of("id", number), f"the id {identifier!r} must be lower-case letters, digits and single hyphens"
            )
        if identifier in seen:
            yield Problem(*place.of("id", number), f"the id {identifier!r} is used twice")
        seen.add(identifier)
    if not isinstance(name, str) or not name:
        return
    action = actions.get(name)
    fitting = {key for key, known in actions.items() if known.target in ("", target)}
    if action is None:
        yield Problem(*place.of("action", number), f"unknown action {name!r}{nearest(name, fitting or actions)}")
        return
    if action.target not in ("", target):
        yield Problem(
            *place.of("action", number), f"the action {name!r} acts on {action.target}, and this playbook on {target}"
        )
    guidance = step.get("guidance")
    if name == "manual" and not guidance:
        yield Problem(*place.of("action", number), "a manual step needs guidance: a list of sentences")
    if name != "manual" and guidance is not None:
        yield Problem(*place.of("guidance", number), "only a manual step has guidance")
    if isinstance(guidance, list) and not all(isinstance(item, str) for item in guidance):
        yield Problem(*place.of("guidance", number), "guidance is a list of sentences")
    choices = {choice.id: choice for choice in action.choices}
    defaults, asked = step.get("defaults"), step.get("prompts")
    for key, value in (defaults if isinstance(defaults, dict) else {}).items():
        at = place.of(key, number, "defaults")
        if key not in choices:
            yield Problem(*at, f"{name!r} has no choice {key!r}{nearest(key, choices) if choices else ''}")
            continue
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            yield Problem(*at, f"the default of {key!r} must be text or a number")
        elif not callable(choices[key].options):
            wrong = choices[key].wrong(None, str(value))
            if wrong:
                yield Problem(*at, wrong)
    for key in asked if isinstance(asked, list) else ():
        if not isinstance(key, str) or key not in choices:
            yield Problem(
                *place.of("prompts", number),
                f"{name!r} has no prompt {key!r}{nearest(str(key), choices) if choices else ''}",
            )
