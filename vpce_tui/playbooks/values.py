"""Values in a plan that only the run will know: named references, and JSON documents that hold some.

``{"$ref": "NAME"}`` is the value that an earlier call gives, the incident's name (``INCIDENT``), AWS's time
(``AWS_NOW``), or the call's own client token (``TOKEN``). ``{"$json": document}`` is the text of a JSON document in which references are filled in, and
``{"$text": [parts]}`` the parts put together. ``{"$sealed": value}`` is sent and never recorded: the journal holds its SHA-256
alone; with ``"decode": true`` what the value holds is Base64, and is sent decoded.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

INCIDENT: Final = "INCIDENT"
AWS_NOW: Final = "AWS_NOW"
TOKEN: Final = "TOKEN"  # noqa: S105 - a reference's name


class Unresolved(Exception):
    """A reference has no value yet."""


def ref(name: str) -> dict[str, str]:
    """A reference to ``name``."""
    return {"$ref": name}


def document(value: Any) -> dict[str, Any]:
    """The text of a JSON document."""
    return {"$json": value}


def text(*parts: Any) -> dict[str, Any]:
    """The parts put together as one text."""
    return {"$text": list(parts)}


def sealed(value: Any, *, decode: bool = False, sha256: str = "") -> dict[str, Any]:
    """A value that is sent and not recorded; ``decode``: it is Base64 and is sent decoded; ``sha256``: of what the Base64 holds,
    as it was reviewed: anything else is not sent (:func:`not_as_reviewed`)."""
    return {"$sealed": value, **({"decode": True} if decode else {}), **({"sha256": sha256} if sha256 else {})}


def not_as_reviewed(value: Any, known: Mapping[str, Any]) -> bool:
    """Whether something sealed in ``value`` is not what its hash says."""
    if is_sealed(value):
        raw = base64.b64decode(str(resolve(value["$sealed"], known)))
        return "sha256" in value and hashlib.sha256(raw).hexdigest() != value["sha256"]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return any(not_as_reviewed(item, known) for item in items)


def is_sealed(value: Any) -> bool:
    """Whether ``value`` is sent and not recorded."""
    return isinstance(value, Mapping) and "$sealed" in value


def is_text(value: Any) -> bool:
    """Whether ``value`` is a text put together from parts."""
    return isinstance(value, Mapping) and set(value) == {"$text"}


def is_ref(value: Any) -> bool:
    """Whether ``value`` is a reference."""
    return isinstance(value, Mapping) and set(value) == {"$ref"}


def is_document(value: Any) -> bool:
    """Whether ``value`` is a JSON document to be written as text."""
    return isinstance(value, Mapping) and set(value) == {"$json"}


def names(value: Any) -> Iterator[str]:
    """Every reference in ``value``, in order, some perhaps twice."""
    if is_ref(value):
        yield str(value["$ref"])
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from names(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from names(item)


def resolve(value: Any, known: Mapping[str, Any], *, recorded: bool = False) -> Any:
    """``value`` with every reference filled in; raises :class:`Unresolved` with the name that is missing.

    ``recorded``: as it may be written down, with the hash of what is sealed in its place.
    """
    if is_sealed(value):
        found = _unsealed(value, known)
        return _seal(found) if recorded else found
    if is_ref(value):
        name = str(value["$ref"])
        if known.get(name) in (None, ""):
            raise Unresolved(name)
        return known[name]
    if is_document(value):
        return json.dumps(resolve(value["$json"], known, recorded=recorded), separators=(",", ":"))
    if is_text(value):
        return "".join(str(resolve(part, known, recorded=recorded)) for part in value["$text"])
    if isinstance(value, Mapping):
        return {key: resolve(item, known, recorded=recorded) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(item, known, recorded=recorded) for item in value]
    return value


def _unsealed(value: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    found = resolve(value["$sealed"], known)
    if not value.get("decode"):
        return found
    raw = base64.b64decode(found)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _seal(value: Any) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode()
    return f"⟨sealed: sha256 {hashlib.sha256(raw).hexdigest()}, {len(raw)} bytes⟩"
