"""The rules that a team has set for itself in ``config.toml``: how many people it takes for what cannot be undone, and whose keys
count."""

import os
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct

from vpce_tui.core import paths
from vpce_tui.core.private_files import trusted_file
from vpce_tui.core.typed_toml import InvalidToml, read

FILE: Final = "config.toml"
MOST: Final = 5
_KEY: Final = "^ed25519:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"
"""32 bytes in Base64, written in the one way in which no bit of the last letter is left over."""
LONGEST: Final = 72
"""Hours."""


class TeamError(Exception):
    """``config.toml`` is wrong; nothing that it could limit is done until it is mended."""


class Approver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may approve: the ARN that STS names (``*`` and ``?`` allowed), and the public key that signs
    (``vpce-tui approve --key`` prints it)."""

    arn: str
    key: Annotated[str, Meta(pattern=_KEY)]


class TeamConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``config.toml``. ``approvals``: how many people are behind a step that cannot be undone, whoever runs it included.
    ``approval_hours``: for how long an approval holds at most."""

    approvals: Annotated[int, Meta(ge=1, le=MOST)] = 1
    approvers: tuple[Approver, ...] = ()
    approval_hours: Annotated[int, Meta(ge=1, le=LONGEST)] = 12


def path() -> Path:
    """Where the rules are: in ``VPCE_TUI_CONFIG``, or the user's configuration directory."""
    return paths.config_folder() / FILE


def rules() -> TeamConfig:
    """The rules; no file: one person is enough. Raises :class:`TeamError`."""
    return _read(path())


def _read(path: Path) -> TeamConfig:
    if not os.path.lexists(path):  # a link that leads nowhere is no absence of rules
        return TeamConfig()
    try:
        trusted_file(path)
        found = read(path.read_text(encoding="utf-8"), TeamConfig)
    except (OSError, UnicodeDecodeError, InvalidToml) as error:
        raise TeamError(f"{path}: {error}. Nothing is changed in AWS until this is corrected.") from error
    twice = {item.key for item in found.approvers if sum(other.key == item.key for other in found.approvers) > 1}
    if twice:
        raise TeamError(f"{path}: the key {min(twice)} is listed for two approvers; a key belongs to one person.")
    return found
