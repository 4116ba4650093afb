"""Who is ours, and how far from that somebody is whom a policy lets in."""

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class TrustZone:
    """What is ours: account ids, organization ids, and the buckets (None: not known); and ARN patterns of trusted principals."""

    accounts: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()
    buckets: frozenset[str] | None = None
    trusted: tuple[str, ...] = ()


class AccessScope(IntEnum):
    """How far one side of a permission goes. Ordered from least to most to worry about."""

    NOBODY = 0
    OURS = 1
    AWS = 2
    UNSURE = 3
    NAMED = 4
    ANY = 5


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """One side of a permission. ``names``: the foreign ones that are named; ``why``: why it is inconclusive."""

    reach: AccessScope
    names: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
