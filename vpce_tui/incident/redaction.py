"""Keeps secrets out of the journal.

Free text (errors, notes, names) is searched for what looks like a secret. Parameters of calls are looked at by
key first: names and ids are never touched, because the inverse of a call must be recorded exactly.
"""

import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "⟨secret not recorded⟩"

_SECRET_KEYS: Final = frozenset(
    {
        "secretaccesskey", "sessiontoken", "password", "userdata", "secretstring", "secretbinary", "privatekey",
        "keymaterial", "passworddata", "oldpassword", "newpassword", "masteruserpassword", "authtoken",
        "clientsecret", "secret", "securitytoken",
    }
)  # fmt: skip
_SEALED: Final = re.compile(r"⟨sealed: sha256 [0-9a-f]{64}, [0-9]+ bytes⟩")
"""What stands in the record for a value that is sent and not recorded."""
_NAME_KEY: Final = re.compile(
    r"(?:id|ids|arn|arns|name|names|groups|sha256|hash|fingerprint|previous)$|^(?:step|target|call|undoes|evidence)$",
    re.IGNORECASE,
)
_POLICY: Final = re.compile(r"policydocument$|^policy$", re.IGNORECASE)
"""Policies, as text or as planned: recorded whole, as their inverse must be exact. They hold names, never secrets."""
_ANSWERS: Final = frozenset({"choices", "questions"})
"""What the operator was asked and chose: ids, never a secret; a step is planned again from it."""

# Evidence is written by attackers, too: every expression is linear in the length of the text. What may repeat before
# something else must follow is bounded, or begins where the run before it ends.
_KEY_ID: Final = re.compile(r"\b(A(?:KIA|SIA|BIA|CCA))[A-Z0-9]{8,28}([A-Z0-9]{4})\b")
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_TOKEN: Final = re.compile(r"\b(?:IQoJ|FwoG|FQoG|AQoE|AQoD)[A-Za-z0-9/+=_-]{40,}")
_WELL_KNOWN: Final = re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,})")
_ASSIGNED: Final = re.compile(
    r"(?i)((?:secret|password|passwd|pwd|token(?!issuetime)|api[_-]?key|access[_-]?key|credential)[\w-]{0,128}\\{0,4}[\"']?\s*(?::=|=>|[:=]|\bis\b)\s*\\{0,4}[\"']?)(?!(?:optional|required)\b)([^\s\"',;&}]{6,})"
)
_BEARER: Final = re.compile(r"(?i)\b((?:bearer|basic)\s+)([A-Za-z0-9._~+/=-]{8,})")
_IN_URL: Final = re.compile(r"(://[^\s:/@]*:)([^\s/@]+)@")
_DOTTED: Final = re.compile(r"[\w.-]{25,}")
_JWT_HEAD: Final = re.compile(r"\beyJ[\w-]{10,}\Z")
_FORTY: Final = re.compile(r"(?<![A-Za-z0-9+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9+])")


def _forty(match: re.Match[str]) -> str:
    found = match.group()
    mixed = re.search("[a-z]", found) and re.search("[A-Z]", found) and re.search("[0-9/+]", found)
    return HIDDEN if mixed else found


def _web_token(match: re.Match[str]) -> str:
    """JSON web tokens within a run of letters and dots: three parts, the first beginning as Base64 of ``{"``."""
    parts, shown = deque(match.group().split(".")), []
    while parts:
        part = parts.popleft()
        head = _JWT_HEAD.search(part)
        if head and len(parts) > 1 and len(parts[0]) >= 10:
            parts.popleft()
            parts.popleft()
            part = part[: head.start()] + HIDDEN
        shown.append(part)
    return ".".join(shown)


def text(value: str) -> str:
    """``value`` with everything that looks like a secret replaced; access key ids shortened to their ends."""
    value = _PEM.sub(HIDDEN, value)
    value = _TOKEN.sub(HIDDEN, value)
    value = _WELL_KNOWN.sub(HIDDEN, value)
    value = _DOTTED.sub(_web_token, value)
    value = _ASSIGNED.sub(lambda found: found.group(1) + HIDDEN, value)
    value = _KEY_ID.sub(r"\1…\2", value)
    value = _BEARER.sub(lambda found: found.group(1) + HIDDEN, value)
    value = _IN_URL.sub(lambda found: found.group(1) + HIDDEN + "@", value)
    return _FORTY.sub(_forty, value)


def payload(value: Any, key: str = "") -> Any:
    """A journal payload without secrets, whatever its depth."""
    if _POLICY.search(key):
        return _listed(value)
    if isinstance(value, Mapping):
        return {name: item if name in _ANSWERS else payload(item, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [payload(item, key) for item in value]
    if key.lower() in _SECRET_KEYS and value not in (None, "", HIDDEN):
        return value if _SEALED.fullmatch(str(value)) else HIDDEN
    if isinstance(value, str) and not _NAME_KEY.search(key):
        return text(value)
    return value


def holds_secret(parameters: Mapping[str, Any]) -> bool:
    """Whether recording these call parameters would lose something: then the call cannot be journalled."""
    return bool(payload(parameters) != _listed(parameters))


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _listed(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(item) for item in value]
    return value
