"""Values in a plan that only the run will know: named references, and JSON documents that hold some.

``{"$ref": "NAME"}`` is the value that an earlier call gives, the incident's name (``INCIDENT``), AWS's time
(``AWS_NOW``), or the call's own client token (``TOKEN``). ``{"$json": document}`` is the text of a JSON document in which references are filled in, and
``{"$text": [parts]}`` the parts put together. ``{"$sealed": value}`` is sent and never recorded: the journal holds its SHA-256
alone; with ``"decode": true`` what the value holds is Base64, and is sent decoded. ``{"$literal": value}`` is ``value`` as it is,
whatever it looks like: what AWS answered may look like one of these.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeGuard

from vpce_tui.core.json_values import at, sequence

INCIDENT: Final = "INCIDENT"
AWS_NOW: Final = "AWS_NOW"
TOKEN: Final = "TOKEN"  # noqa: S105 - a reference's name


REFERENCE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,199}")
"""How a reference is called."""
_FORMS: Final = frozenset({"$ref", "$json", "$text", "$sealed", "$literal"})
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Unresolved(Exception):
    """A reference has no value yet."""


class Placeholder(dict[str, object]):
    """One of the forms above, made by us: what AWS answered is never one, whatever it looks like."""


def ref(name: str) -> Placeholder:
    """A reference to ``name``."""
    return Placeholder({"$ref": name})


def document(value: object) -> Placeholder:
    """The text of a JSON document; of its objects only those made here are placeholders."""
    return Placeholder({"$json": _literal(value)})


def document_in(value: object) -> object:
    """What :func:`document` was made from, from its recorded form."""
    return _opened(at(value, "$json"))


def _opened(value: object) -> object:
    if is_literal(value):
        return value["$literal"]
    if isinstance(value, Mapping):
        opened = {key: _opened(item) for key, item in value.items()}
        return Placeholder(opened) if _FORMS & set(value) else opened
    return [_opened(item) for item in value] if isinstance(value, (list, tuple)) else value


def text(*parts: object) -> Placeholder:
    """The parts put together as one text."""
    return Placeholder({"$text": list(parts)})


def sealed(value: object, *, decode: bool = False, sha256: str = "") -> Placeholder:
    """A value that is sent and not recorded; ``decode``: it is Base64 and is sent decoded; ``sha256``: of what the Base64 holds,
    as it was reviewed: anything else is not sent (:func:`not_as_reviewed`)."""
    more = {**({"decode": True} if decode else {}), **({"sha256": sha256} if sha256 else {})}
    return Placeholder({"$sealed": value, **more})


def _literal(value: object) -> object:
    """``value`` with every object of somebody else's that looks like a placeholder marked as what it is."""
    if isinstance(value, Placeholder):
        return value
    if isinstance(value, Mapping):
        if _FORMS & set(value):
            return Placeholder({"$literal": value})
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_literal(item) for item in value]
    return value


def sealed_in(value: object) -> Iterator[Mapping[str, object]]:
    """Everything sealed in ``value``."""
    if is_literal(value):
        return
    if is_sealed(value):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from sealed_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from sealed_in(item)


def nested_decode(parameter: object) -> bool:
    """Whether something within a parameter, and not the whole of it, is to be decoded: no script can send it so."""
    return not is_sealed(parameter) and any(item.get("decode") for item in sealed_in(parameter))


def is_literal(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether ``value`` is something as it is."""
    return isinstance(value, Mapping) and set(value) == {"$literal"}


def is_placeholder(value: object) -> bool:
    """Whether ``value`` is well formed and means a text: see :func:`malformed`."""
    return isinstance(value, Mapping) and bool(_FORMS & set(value)) and not is_literal(value) and not malformed(value)


def malformed(value: object) -> str:
    """What is wrong with the placeholders in ``value``; ``""``: nothing."""
    if isinstance(value, (list, tuple)):
        return next((found for found in map(malformed, value) if found), "")
    if not isinstance(value, Mapping) or is_literal(value):
        return ""
    if not _FORMS & set(value):
        return next((found for found in map(malformed, value.values()) if found), "")
    if is_ref(value):
        name = value["$ref"]
        return (
            ""
            if isinstance(name, str) and REFERENCE.fullmatch(name)
            else f"{str(name)[:60]!r} is not a valid reference name"
        )
    if is_document(value):
        return malformed(value["$json"])
    if is_text(value):
        parts = value["$text"]
        good = isinstance(parts, list) and all(isinstance(part, str) or is_ref(part) for part in parts)
        return malformed(parts) if good else "the parts of a $text must be texts or references"
    if set(value) <= {"$sealed", "decode", "sha256"} and "$sealed" in value:
        inner, good = value["$sealed"], value.get("decode", True) is True and isinstance(value.get("sha256", ""), str)
        good = good and ("sha256" not in value or bool(_SHA256.fullmatch(value["sha256"])))
        good = good and (isinstance(inner, str) or is_ref(inner) or is_text(inner))
        return malformed(inner) if good else "what is sealed is a text or a reference"
    return f"no placeholder has the keys {', '.join(sorted(map(str, value)))[:80]}"


def fill(value: object, known: Mapping[str, object]) -> object:
    """``value`` with known references replaced by their values; the others stay."""
    if is_ref(value):
        return known.get(str(value["$ref"]), value)
    if is_literal(value):
        return value
    if is_text(value):
        return Placeholder({"$text": [fill(part, known) for part in sequence(value, "$text")]})
    if is_document(value):
        return Placeholder({"$json": fill(value["$json"], known)})
    if is_sealed(value):
        return Placeholder({**value, "$sealed": fill(value["$sealed"], known)})
    if isinstance(value, Mapping):
        return {key: fill(item, known) for key, item in value.items()}
    return [fill(item, known) for item in value] if isinstance(value, (list, tuple)) else value


def not_as_reviewed(value: object, known: Mapping[str, object]) -> bool:
    """Whether something sealed in ``value`` is not what its hash says."""
    if is_sealed(value):
        raw = base64.b64decode(str(resolve(value["$sealed"], known)))
        return "sha256" in value and hashlib.sha256(raw).hexdigest() != value["sha256"]
    if is_literal(value):
        return False
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return any(not_as_reviewed(item, known) for item in items)


def is_sealed(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether ``value`` is sent and not recorded."""
    return isinstance(value, Mapping) and "$sealed" in value


def is_text(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether ``value`` is a text put together from parts."""
    return isinstance(value, Mapping) and set(value) == {"$text"}


def is_ref(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether ``value`` is a reference."""
    return isinstance(value, Mapping) and set(value) == {"$ref"}


def is_document(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether ``value`` is a JSON document to be written as text."""
    return isinstance(value, Mapping) and set(value) == {"$json"}


def names(value: object) -> Iterator[str]:
    """Every reference in ``value``, in order, some perhaps twice."""
    if is_ref(value):
        yield str(value["$ref"])
    elif isinstance(value, Mapping) and not is_literal(value):
        for item in value.values():
            yield from names(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from names(item)


def resolve(value: object, known: Mapping[str, object], *, recorded: bool = False) -> object:
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
    if is_literal(value):
        return value["$literal"]
    if is_document(value):
        return json.dumps(resolve(value["$json"], known, recorded=recorded), separators=(",", ":"))
    if is_text(value):
        return "".join(str(resolve(part, known, recorded=recorded)) for part in sequence(value, "$text"))
    if isinstance(value, Mapping):
        return {key: resolve(item, known, recorded=recorded) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(item, known, recorded=recorded) for item in value]
    return value


def resolve_parameters(
    parameters: Mapping[str, object], known: Mapping[str, object], *, recorded: bool = False
) -> dict[str, object]:
    """The parameters of a call with every reference filled in; see :func:`resolve`."""
    return {key: resolve(item, known, recorded=recorded) for key, item in parameters.items()}


def _unsealed(value: Mapping[str, object], known: Mapping[str, object]) -> object:
    found = resolve(value["$sealed"], known)
    if not value.get("decode"):
        return found
    raw = base64.b64decode(str(found))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _seal(value: object) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode()
    return f"⟨sealed: sha256 {hashlib.sha256(raw).hexdigest()}, {len(raw)} bytes⟩"
