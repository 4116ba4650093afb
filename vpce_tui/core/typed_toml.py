"""A TOML file as typed values, every fault of it with its line and column."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from vpce_tui.core.typed_data import Malformed, convert

T = TypeVar("T")
_HEADER: Final = re.compile(r"[ \t]*(\[\[?)([^\[\]#]+)\]\]?[ \t]*(?:#.*)?")
_KEY: Final = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_MARK: Final = re.compile(r"\"\"\"|'''|\"|'|#")
_PART: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^.\s\"']+)")
_STEP: Final = re.compile(r"\[(\d+)\]|\[([^\]]*)\]|([^.\[\]]+)")
_AT: Final = re.compile(r"line ([0-9]+), column ([0-9]+)")
_MOST: Final = 20
"""Faults that are looked for at most."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault, at a line and column counted from 1."""

    line: int
    column: int
    says: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.says}"


class InvalidToml(ValueError):
    """The text does not fit its type; ``problems`` says why and where, in the order of the lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def parse(text: str) -> dict[str, Any]:
    """The data of a TOML text. Raises :class:`InvalidToml`."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        at, last = _AT.search(str(error)), max(text.count("\n"), 1)
        said = "it is nested too deep" if isinstance(error, RecursionError) else re.sub(r"\s*\(at .*\)", "", str(error))
        place = (int(at[1]), int(at[2])) if at else (last, 1)
        raise InvalidToml((Problem(*place, f"not valid TOML: {said}"),)) from None


def read(text: str, wanted: type[T], ready: Callable[[dict[str, Any]], dict[str, Any]] = lambda data: data) -> T:
    """The text as ``wanted``, its data made ``ready`` first. Raises :class:`InvalidToml` with every fault that can be separated."""
    found, problems = check(text, ready(parse(text)), wanted)
    if found is None:
        raise InvalidToml(problems)
    return found


def check(text: str, data: dict[str, Any], wanted: type[T]) -> tuple[T | None, tuple[Problem, ...]]:
    """``data`` of ``text`` as ``wanted``, and what does not fit; None where something does not."""
    problems: list[Problem] = []
    places = Places(text)
    rest: Any = data
    taken_out: set[Path] = set()
    for _ in range(_MOST):
        try:
            found = convert(rest, wanted)
        except (Malformed, RecursionError) as error:
            fault = error if isinstance(error, Malformed) else Malformed("", "it is nested too deep")
            path = _steps(fault.path)
            if fault.missing and (*path, fault.missing) in taken_out:
                break  # it is there, and was not taken into account
            problem = Problem(*places.of((*path, fault.key) if fault.key else path), fault.says)
            if problem not in problems:
                problems.append(problem)
            at = (*path, fault.key) if fault.key else path
            while at and at[-1] == "...":  # some value of a table: the whole table is left out
                at = at[:-1]
            taken_out.add(at)
            left = _without(rest, at)
            if left is None or left == rest:
                break
            rest = left
        else:
            return (found, ()) if not problems else (None, tuple(sorted(problems)))
    return None, tuple(sorted(problems))


def _steps(path: str) -> Path:
    """``steps[0].id`` as its parts."""
    return tuple(int(number) if number else other or name for number, other, name in _STEP.findall(path))


def _without(value: Any, path: Path) -> Any:
    """``value`` without what is at ``path``; None where it cannot be left out."""
    if not path:
        return None
    head, rest = path[0], path[1:]
    if isinstance(value, dict) and head in value:
        if not rest:
            return {key: item for key, item in value.items() if key != head}
        inner = _without(value[head], rest)
        return None if inner is None else {**value, head: inner}
    if isinstance(value, list) and isinstance(head, int) and head < len(value):
        inner = _without(value[head], rest) if rest else None
        left = [*value[:head], *([] if inner is None else [inner]), *value[head + 1 :]]
        return left or None
    return None


class Places:
    """Where the keys and tables of a TOML text are."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._known = dict(self._scan())

    def of(self, path: Path) -> tuple[int, int]:
        """Line and column (from 1) of what is at ``path``; of the nearest thing around it where it is not in the text."""
        for length in range(len(path), 0, -1):
            place = self._known.get(path[:length])
            if place is None:
                continue
            line, column = place
            for part in path[length:]:  # in an inline table, further on in the line
                found = re.search(
                    rf"(?:^|[\s{{,.\"'])({re.escape(str(part))})[\"']?\s*=", self._lines[line - 1][column - 1 :]
                )
                if found:
                    column += found.start(1)
            return line, column
        return 1, 1

    def _scan(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        base: Path = ()
        counts: dict[Path, int] = {}
        quoted = ""
        for number, line in enumerate(self._lines, start=1):
            if quoted:
                quoted = "" if line.count(quoted) % 2 else quoted
                continue
            header, key = _HEADER.fullmatch(line), _KEY.match(line)
            if header:
                base = self._table(header[1] == "[[", _names(header[2]), counts)
                yield base, (number, line.index("[") + 1)
            elif key:
                yield (*base, *_names(key[1])), (number, key.start(1) + 1)
            quoted = _left_open(line)

    @staticmethod
    def _table(array: bool, names: list[str], counts: dict[Path, int]) -> Path:
        path: Path = ()
        for at, name in enumerate(names):
            path = (*path, name)
            last = at == len(names) - 1
            if array and last:
                counts[path] = counts.get(path, -1) + 1
            if path in counts:
                path = (*path, counts[path])
        return path


def _left_open(line: str) -> str:
    """The mark of a string of several lines that begins in ``line``, and does not end there; ``""``: none does."""
    rest = line
    while found := _MARK.search(rest):
        mark = found[0]
        if mark == "#":
            return ""
        end = rest.find(mark, found.end())
        if end < 0:
            return mark if len(mark) == 3 else ""
        rest = rest[end + len(mark) :]
    return ""


def _names(text: str) -> list[str]:
    return [double or single or bare for double, single, bare in _PART.findall(text)]
