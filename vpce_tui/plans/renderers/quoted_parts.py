"""A value as the parts of a text: what is known, and the variables whose values only the run will know.

The parts stay apart until each is quoted for its place: nothing in a known text can be taken for a variable.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vpce_tui.core.json_values import sequence
from vpce_tui.plans.placeholders import is_document, is_literal, is_ref, is_sealed, is_text


@dataclass(frozen=True, slots=True)
class Variable:
    """A reference. ``name`` is as the plan has it."""

    name: str


Part = str | Variable


def parts_of(value: object) -> list[Part]:
    """A text, a number, or a placeholder that means a text."""
    return _joined(_text(value))


def json_parts(value: object, *, compact: bool = False) -> list[Part]:
    """``value`` as JSON (ASCII only: nothing in it steers a terminal). A variable within a text is put in as it is: its value
    must hold no quote, backslash or control character."""
    return _joined(_json(value, (",", ":") if compact else (", ", ": ")))


def _text(value: object) -> Iterator[Part]:
    if is_ref(value):
        yield Variable(str(value["$ref"]))
    elif is_sealed(value):
        yield from _text(value["$sealed"])
    elif is_text(value):
        for part in sequence(value, "$text"):
            yield from _text(part)
    elif is_document(value):
        yield from _json(value["$json"], (",", ":"))
    else:
        yield str(value)


def _json(value: object, marks: tuple[str, str]) -> Iterator[Part]:
    comma, colon = marks
    if is_literal(value):
        yield json.dumps(value["$literal"], separators=marks)
    elif is_ref(value) or is_sealed(value) or is_text(value) or is_document(value):
        yield '"'
        for part in _text(value):
            yield part if isinstance(part, Variable) else json.dumps(part)[1:-1]
        yield '"'
    elif isinstance(value, Mapping):
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            yield (comma if number else "") + json.dumps(str(key)) + colon
            yield from _json(item, marks)
        yield "}"
    elif isinstance(value, (list, tuple)):
        yield "["
        for number, item in enumerate(value):
            yield comma if number else ""
            yield from _json(item, marks)
        yield "]"
    else:
        yield json.dumps(value)


def _joined(parts: Iterator[Part]) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return found or [""]
