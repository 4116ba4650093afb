"""One byte form for one value: what is hashed, compared and signed is always written this way."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

_DESCRIBED: Final = 10_000
"""Characters of a value that JSON cannot hold that are kept."""


class NotJson(TypeError):
    """A value that JSON cannot hold in one way: it is not written at all, rather than as something else."""


def _refuse(value: Any, why: str) -> Any:
    raise NotJson(why)


def plain(value: Any, otherwise: Callable[[Any, str], Any] = _refuse) -> Any:
    """``value`` as JSON holds it: times as RFC 3339 UTC with their fractions, bytes as ``{"$bytes": hex}``, mappings as dicts.

    What it cannot hold (a number that is none, a key that is no text, a time without a zone, any other type) is what ``otherwise``
    makes of it, given why; without one it raises :class:`NotJson`.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else otherwise(value, f"JSON has no number {value}")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            return otherwise(value, "a key of an object is text")
        return {key: plain(item, otherwise) for key, item in value.items()}
    if isinstance(value, datetime):
        return _instant(value, otherwise)
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, Sequence):
        return [plain(item, otherwise) for item in value]
    if isinstance(value, (frozenset, set)):
        return sorted((plain(item, otherwise) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return otherwise(value, f"a {type(value).__name__} has no form in JSON")


def described(value: Any, why: str) -> Any:
    """For evidence, of which nothing is lost: what JSON cannot hold as its type and its text."""
    return {"$type": type(value).__name__, "$text": str(value)[:_DESCRIBED], "$why": why}


def _instant(moment: datetime, otherwise: Callable[[Any, str], Any]) -> Any:
    if moment.tzinfo is None:
        return otherwise(moment, "a time needs a time zone")
    try:
        there = moment.astimezone(UTC)
    except OverflowError:
        return otherwise(moment, "the time is out of range in UTC")
    fraction = f".{there.microsecond:06d}".rstrip("0") if there.microsecond else ""
    return f"{there.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}Z"


def canonical(value: Any, otherwise: Callable[[Any, str], Any] = _refuse) -> bytes:
    """JSON with sorted keys, no blanks, ASCII only (so that lone surrogates survive), as bytes. See :func:`plain`."""
    return json.dumps(
        plain(value, otherwise), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


class AmbiguousJson(ValueError):
    """The text is JSON, and readers would not agree on what it says."""


def loads_strict(text: str) -> Any:
    """JSON that says one thing: a key that is twice in an object, or ``NaN``, is refused.

    Raises ``ValueError``; ``RecursionError`` for what is nested too deep.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise AmbiguousJson(f"the key {key[:60]!r} occurs twice in one object")
            found[key] = value
        return found

    def no_number(name: str) -> Any:
        raise AmbiguousJson(f"{name} is not a JSON number")

    def finite(text: str) -> float:
        return float(text) if math.isfinite(float(text)) else no_number(text[:40])

    return json.loads(text, object_pairs_hook=once, parse_constant=no_number, parse_float=finite)


def digest(value: Any) -> str:
    """SHA-256 of :func:`canonical`, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def rfc3339(moment: datetime) -> str:
    """``2026-01-31T02:14:05Z``: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
