"""Data from a file as typed values: read by msgspec from the types themselves; what does not fit is said with its place.

A key that the type does not have is refused, with the nearest one that it has.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_PLACE: Final = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$")
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(?P<key>.*)`$", re.DOTALL)
_MISSING: Final = re.compile(r"^Object missing required field `(?P<key>.*)`$")
_EXPECTED: Final = re.compile(r"^Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`$")
_BOUND: Final = re.compile(r"^Expected `(?P<wanted>[^`]*)` (?P<sign>>=|<=) (?P<bound>\S+)$")
_LENGTH: Final = re.compile(r"^Expected `(?P<wanted>[^`]*)` of length >= 1$")
_BOUNDS: Final = {">=": "of at least", "<=": "of at most"}
_WORDS: Final = {
    "str": "text",
    "int": "a number",
    "float": "a number with a fraction",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "date": "a date",
}


class Malformed(ValueError):
    """Data that does not fit its type. ``path``: where, as ``steps[0].id`` (``""``: at the top); ``key``: of that place, if it is one's fault;
    ``missing``: the one that is not there."""

    def __init__(self, path: str, says: str, key: str = "", missing: str = "") -> None:
        super().__init__(f"at {path}: {says}" if path else says)
        self.path, self.says, self.key, self.missing = path, says, key, missing


def convert(data: object, wanted: type[T]) -> T:
    """``data``, of JSON or TOML, as ``wanted``. Raises :class:`Malformed`; ``RecursionError`` for what is nested too deep."""
    try:
        return msgspec.convert(data, wanted)
    except msgspec.ValidationError as error:
        raise _malformed(str(error), data, wanted) from None


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?``, or the words there are."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there is: {', '.join(names)}"


def _malformed(said: str, data: object, wanted: Any) -> Malformed:
    place = _PLACE.search(said)
    path = place["path"].lstrip(".") if place else ""
    said = said[: place.start()] if place else said
    if found := _UNKNOWN.match(said):
        known = _keys_at(path, wanted)
        return Malformed(
            path, f"unknown key {found['key'][:80]!r}{nearest(found['key'], known) if known else ''}", found["key"]
        )
    if found := _MISSING.match(said):
        return Malformed(path, f"{found['key']!r} is missing", missing=found["key"])
    named = re.search(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]]*\])?$", path)
    what = f"{'each of ' if named[2] else ''}{named[1]!r} must be" if named else "it must be"
    if found := _EXPECTED.match(said):
        return Malformed(path, f"{what} {_alternatives(found['wanted'])}, not {_WORDS.get(found['got'], found['got'])}")
    if found := _LENGTH.match(said):
        return Malformed(path, f"{what} {_alternatives(found['wanted'])}, and not empty")
    if found := _BOUND.match(said):
        return Malformed(path, f"{what} {_alternatives(found['wanted'])} {_BOUNDS[found['sign']]} {found['bound']}")
    return Malformed(path, said[:200].replace("`", ""))


def _alternatives(wanted: str) -> str:
    return " or ".join(_WORDS.get(part.strip(), part.strip()) for part in wanted.split("|"))


def _keys_at(path: str, wanted: Any) -> tuple[str, ...]:
    """The keys that the type has at ``path``."""
    kind = msgspec.inspect.type_info(wanted)
    for part in re.findall(r"[A-Za-z_][A-Za-z0-9_]*|\[[^\]]*\]", path):
        kind = _member(kind, part)
    structs = [kind, *getattr(kind, "types", ())]
    return tuple(
        field.encode_name for one in structs if isinstance(one, msgspec.inspect.StructType) for field in one.fields
    )


def _member(kind: Any, part: str) -> Any:
    """The type of one key or item of ``kind``; ``kind`` itself where it has none."""
    for one in (kind, *getattr(kind, "types", ())):
        if isinstance(one, msgspec.inspect.StructType):
            for field in one.fields:
                if field.encode_name == part:
                    return field.type
        for name in ("item_type", "value_type"):
            if part.startswith("[") and getattr(one, name, None) is not None:
                return getattr(one, name)
    return kind
