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
        "secretaccesskey",
        "sessiontoken",
        "password",
        "userdata",
        "secretstring",
        "secretbinary",
        "privatekey",
        "keymaterial",
        "passworddata",
        "oldpassword",
        "newpassword",
        "masteruserpassword",
        "authtoken",
        "clientsecret",
        "secret",
        "securitytoken",
        "passphrase",
        "apikey",
    }
)
_SEALED: Final = re.compile(r"⟨sealed: sha256 [0-9a-f]{64}, [0-9]+ bytes⟩")
"""What is in the record for a value that is sent and not recorded."""
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
_PEM: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.DOTALL
)
_PUTTY: Final = re.compile(r"(Private-Lines: [0-9]{1,4}\s)[A-Za-z0-9+/=\s]{8,}")
_TOKEN: Final = re.compile(r"\b(?:IQoJ|FwoG|FQoG|AQoE|AQoD)[A-Za-z0-9/+=_%-]{24,}")
_WELL_KNOWN: Final = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abeprs]-[\w-]{10,}|xoxe\.xox[bp]-[\w-]{10,}|[sr]k_live_[A-Za-z0-9]{10,}"
    r"|sk-(?:proj|ant|svcacct)-[\w-]{16,}|AIza[\w-]{30,}|glpat-[\w-]{16,}|npm_[A-Za-z0-9]{30,}|AGE-SECRET-KEY-1[A-Z0-9]{16,})"
)
_HOOK: Final = re.compile(r"(hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9/_-]{10,}")
_WORD: Final = (
    r"(?:secret|password|passphrase|passwd|pwd|token(?!issuetime)|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key"
    r"|x-amz-signature|credential)"
)
"""What secrets are called."""
_VALUE: Final = (
    r"(?!\\{0,4}[\"']?⟨secret)(?:\\{0,4}\"(?!\\{0,4}[\",\s:}\]])(?:[^\"\\\n]|\\[^\n]){1,4000}"
    r"|\\{0,4}'(?!')[^'\n]{1,4000}"
    r"|\\{0,4}[\"']?(?!(?:optional|required)\b)(?:[^\s\"',;&}<⟨]|,(?=[^\s\"'])){5,})"
)
"""A secret after its name: what is in quotes whole, or a word."""
_ASSIGNED: Final = re.compile(rf"(?i)({_WORD}[\w-]{{0,128}}\\{{0,4}}[\"']?\s*(?::=|=>|[:=：])\s*)({_VALUE})")
_TOLD: Final = re.compile(
    rf"(?i)({_WORD}[\w-]{{0,128}}\s{{1,8}}(?:is|was)\b:?\s{{1,8}})(?=[\"']|[^\s]{{0,200}}[^A-Za-z\s.,;:)’”])({_VALUE})"
)
"""Said in a sentence: where it is no plain word (\"its secret is shown once\")."""
_NAMED_VALUE: Final = re.compile(
    rf"(?i)((?:name|key)\\{{0,4}}[\"']?\s{{0,8}}[:=]\s{{0,8}}\\{{0,4}}[\"']?[\w.-]{{0,64}}{_WORD}[\w.-]{{0,64}}\\{{0,4}}[\"']?\s{{0,8}},?\s{{0,8}}\\{{0,4}}[\"']?value"
    rf"\\{{0,4}}[\"']?\s{{0,8}}[:=]\s{{0,8}})({_VALUE})"
)
"""``{"name": "DB_PASSWORD", "value": …}``, in JSON, YAML and XML."""
_ELEMENT: Final = re.compile(rf"(?i)(<[\w:.-]{{0,64}}{_WORD}[\w:.-]{{0,64}}>)([^<]{{1,4000}})(?=<)")
_OPTION: Final = re.compile(rf"(?i)((?<!\S)--?[\w-]{{0,64}}{_WORD}[\w-]{{0,64}}[ \t]{{1,8}})(?!-)({_VALUE})")
_COMMAND: Final = re.compile(
    r"(?i)(\bsshpass\s{1,8}-p\s{0,8}|\b(?:mysql|mysqldump|mariadb|mysqladmin)\s{1,8}(?:-[^\n|;]{0,200}?\s)?-p(?=\S)|\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)\s{1,8}[\"']?[^\s:\"']{1,128}:"
    r"|\bnet\s{1,8}user\s{1,8}\S{1,64}\s{1,8}(?=\S{1,256}\s{1,8}/)|\bConvertTo-SecureString\s{1,8}(?:-String\s{1,8})?|\bauthorization:\s{0,8}(?:token|apikey)\s{1,8})"
    rf"({_VALUE})"
)
"""Commands that take a secret without a name."""
_CHPASSWD: Final = re.compile(
    r"([\"'\s][a-z_][\w.-]{0,31}:)([^\s\"']{1,256})(?=[\"']?\s{0,8}\|\s{0,8}(?:sudo\s{1,8})?chpasswd)"
)
_CRYPT: Final = re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|argon2\w{1,3})\$[A-Za-z0-9./$=,+-]{8,256}")
_QUERY: Final = re.compile(r"(?i)([?&](?:sig|pass|pwd|x-amz-security-token)=)([^\s\"'&<⟨]{3,})")
_BEARER: Final = re.compile(
    r"(?i)\b(bearer\s+|authorization\\{0,4}[\"']?\s*[:=]\s*\\{0,4}[\"']?basic\s+)(?!⟨secret)([A-Za-z0-9._~+/=-]{8,})"
)
_IN_URL: Final = re.compile(r"(://[^\s:/@]*:)([^\s/@]+)@")
_IN_URI: Final = re.compile(
    r"((?:postgres(?:ql)?|mysql|mariadb|redis|rediss|mongodb|amqps?)(?:\+\w{1,16})?://[^\s:/@\"']{0,128}:)([^\s\"'<>]{1,512})@"
)
_DOTTED: Final = re.compile(r"[\w.-]{25,}")
_JWT_HEAD: Final = re.compile(r"\beyJ[\w-]{10,}\Z")
_SSO: Final = re.compile(r"(?<![A-Za-z0-9_-])aoa[A-Za-z0-9_-]{20,1024}:[A-Za-z0-9/+=_-]{4,}")
_FORTY: Final = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z0-9/+]|%2[FBfb]|\\/){40}(?![A-Za-z0-9/+])")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{40}")
_IN_ARN: Final = re.compile(r"arn:aws[a-z-]{0,16}:[^\s\"']{0,256}\Z")


def _forty(match: re.Match[str]) -> str:
    found = match.group()
    if _HEX.fullmatch(found) or _IN_ARN.search(match.string[max(0, match.start() - 200) : match.start()]):
        return found  # a hash, or the name of something
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


def _after(match: re.Match[str]) -> str:
    """Hide what follows the name of a secret, and leave the quotes around it."""
    named = match.group(1)
    found = match.group()[len(named) :]
    if HIDDEN in found:
        return match.group()
    quote = re.match(r"\\{0,4}[\"']", found)
    return named + (quote.group() if quote else "") + HIDDEN


def credentials(value: str) -> str:
    """``value`` without what is a credential by its own form."""
    for whole in (_PEM, _TOKEN, _WELL_KNOWN, _CRYPT, _SSO):
        value = whole.sub(HIDDEN, value)
    value = _DOTTED.sub(_web_token, value)
    return _FORTY.sub(_forty, value)


def text(value: str) -> str:
    """``value`` with everything that looks like a secret replaced; access key ids shortened to their ends."""
    value = credentials(value)
    for after in (_PUTTY, _HOOK, _NAMED_VALUE, _ELEMENT, _ASSIGNED, _TOLD, _OPTION, _COMMAND, _CHPASSWD, _QUERY):
        value = after.sub(_after, value)
    value = _KEY_ID.sub(r"\1…\2", value)
    value = _BEARER.sub(_after, value)
    value = _IN_URI.sub(lambda found: found.group(1) + HIDDEN + "@", value)
    value = _IN_URL.sub(lambda found: found.group(1) + HIDDEN + "@", value)
    return _FORTY.sub(_forty, value)


def parameters(value: Any, key: str = "") -> Any:
    """Parameters of a call without credentials. A word that only follows the name of a secret (a description, a tag) is left:
    the inverse of a call must be recorded exactly."""
    if _POLICY.search(key):
        return _listed(value)
    if isinstance(value, Mapping):
        return {name: parameters(item, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [parameters(item, key) for item in value]
    if key.lower() in _SECRET_KEYS and value not in (None, "", HIDDEN):
        return value if _SEALED.fullmatch(str(value)) else HIDDEN
    if isinstance(value, str) and not _NAME_KEY.search(key):
        return credentials(value)
    return value


def payload(value: Any, key: str = "") -> Any:
    """A journal payload without secrets, whatever its depth."""
    if key == "parameters":
        return parameters(value)
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


def holds_secret(given: Mapping[str, Any]) -> bool:
    """Whether recording these call parameters would lose something, or something of them is lost already: then the call cannot be
    journalled."""
    return bool(parameters(given) != _listed(given)) or _lost(given)


def _lost(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_lost, value.values()))
    return any(map(_lost, value)) if isinstance(value, (list, tuple)) else isinstance(value, str) and HIDDEN in value


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _listed(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(item) for item in value]
    return value
