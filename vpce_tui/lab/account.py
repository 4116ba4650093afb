"""The lab's account: its names, who holds credentials in it, and the truth about what happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ACCOUNT: Final = "123456789012"
HOME: Final = "eu-west-1"


@dataclass
class Keys:
    """Credentials of one party of a scenario. Worth nothing outside the lab."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class LabAccount:
    """An account as a scenario built it.

    ``facts``: ids by role, that tests score by; ``profiles``: what was stolen, as somebody would hold it who found it.
    """

    facts: Mapping[str, Any]
    operator: Keys
    profiles: Mapping[str, Keys]
