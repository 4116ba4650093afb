"""One byte form for one value: what is hashed, compared and signed is always written this way."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


class NotJson(TypeError):
    """A value that JSON cannot hold in one way: it is not written at all, rather than as something else."""


def plain(value: Any) -> Any:
    """``value`` as JSON holds it: times as RFC 3339 UTC with their fractions, bytes as ``{"$bytes": hex}``, mappings as dicts.

    Raises :class:`NotJson` for what it cannot hold: a number that is none, a key that is no text, a time without a zone, any other type.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise NotJson(f"JSON has no number {value}")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise NotJson(f"a key of an object is text, not {type(key).__name__}")
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    if isinstance(value, (frozenset, set)):
        return sorted(plain(item) for item in value)
    raise NotJson(f"a {type(value).__name__} has no form in JSON")


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise NotJson("a time without a zone is no moment")
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no blanks, ASCII only (so that lone surrogates survive), as bytes. Raises :class:`NotJson`."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode(
        "ascii"
    )


class AmbiguousJson(ValueError):
    """The text is JSON, and readers would not agree on what it says."""


def loads_strict(text: str) -> Any:
    """JSON that says one thing: a key that stands twice in an object, or ``NaN``, is refused.

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
        raise AmbiguousJson(f"{name} is no number of JSON")

    def finite(text: str) -> float:
        return float(text) if math.isfinite(float(text)) else no_number(text[:40])

    return json.loads(text, object_pairs_hook=once, parse_constant=no_number, parse_float=finite)


def digest(value: Any) -> str:
    """SHA-256 of :func:`canonical`, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def rfc3339(moment: datetime) -> str:
    """``2026-01-31T02:14:05Z``: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
