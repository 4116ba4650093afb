"""The rules that a team has set for itself in ``config.toml``: how many people it takes for what cannot be undone, and whose keys
count."""

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vpce_tui.core import paths
from vpce_tui.core.private_files import trusted_file

FILE: Final = "config.toml"
MOST: Final = 5
_KEY: Final = re.compile(r"ed25519:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
"""32 bytes in Base64, written in the one way in which no bit of the last letter is left over."""
LONGEST: Final = 72
"""Hours."""


class TeamError(Exception):
    """``config.toml`` is wrong; nothing that it could limit is done until it is mended."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Somebody who may approve: the ARN that STS names (``*`` and ``?`` allowed), and the public key that signs."""

    arn: str
    key: str


@dataclass(frozen=True, slots=True)
class Rules:
    """``approvals``: how many people are behind a step that cannot be undone, whoever runs it included. ``approval_hours``:
    for how long an approval holds at most."""

    approvals: int = 1
    approvers: tuple[Approver, ...] = ()
    approval_hours: int = 12


def path() -> Path:
    """Where the rules are: in ``VPCE_TUI_CONFIG``, or the user's configuration directory."""
    return paths.config_folder() / FILE


def rules() -> Rules:
    """The rules; no file: one person is enough. Raises :class:`TeamError`."""
    return _read(path())


def _read(path: Path) -> Rules:
    if not os.path.lexists(path):  # a link that leads nowhere is no absence of rules
        return Rules()
    try:
        trusted_file(path)
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TeamError(f"{path}: {error}. Nothing is changed in AWS until this is corrected.") from error
    strange = sorted(set(data) - {"approvals", "approvers", "approval_hours"})
    if strange:
        raise TeamError(f"{path}: unknown setting {strange[0]!r}; known are approvals, approvers, approval_hours.")
    needed = data.get("approvals", 1)
    if not isinstance(needed, int) or isinstance(needed, bool) or not 1 <= needed <= MOST:
        raise TeamError(f"{path}: approvals must be a number from 1 to {MOST}.")
    hours = data.get("approval_hours", Rules().approval_hours)
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= LONGEST:
        raise TeamError(f"{path}: approval_hours must be a number from 1 to {LONGEST}.")
    approvers = tuple(_approver(item) for item in _list(data.get("approvers", [])))
    twice = {item.key for item in approvers if sum(other.key == item.key for other in approvers) > 1}
    if twice:
        raise TeamError(f"{path}: the key {min(twice)} is listed for two approvers; a key belongs to one person.")
    return Rules(needed, approvers, hours)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TeamError(f"{FILE}: approvers must be tables: write [[approvers]].")
    return value


def _approver(item: Any) -> Approver:
    arn, key = (item.get("arn"), item.get("key")) if isinstance(item, dict) else (None, None)
    if not isinstance(arn, str) or not isinstance(key, str) or not _KEY.fullmatch(key):
        raise TeamError(
            f'{FILE}: each approver needs arn = "arn:aws:…" and key = "ed25519:…" (vpce-tui approve --key prints it).'
        )
    return Approver(arn, key)
