"""What the team has told us about itself. Nothing here is guessed; unknown is never treated as fine."""

import ipaddress
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vpce_tui.core.ip_addresses import Network

FILE: Final = "context.toml"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ContextError(Exception):
    """The context file is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When the team works: days (0 is Monday), from, to, in a time zone."""

    days: frozenset[int]
    begin: time
    end: time
    zone: str

    def holds(self, moment: datetime) -> bool:
        """Whether ``moment`` lies in them."""
        local = moment.astimezone(ZoneInfo(self.zone))
        return local.weekday() in self.days and self.begin <= local.time() < self.end

    def __str__(self) -> str:
        named = " ".join(DAYS[day] for day in sorted(self.days))
        return f"{named}, {self.begin:%H:%M} to {self.end:%H:%M} {self.zone}"


@dataclass(frozen=True, slots=True)
class Suppression:
    """An event that somebody has suppressed: why, and until when."""

    event: str
    reason: str
    until: date
    by: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return now.astimezone(UTC).date() <= self.until


@dataclass(frozen=True, slots=True)
class Context:
    """What is the team's own, and what is usual for it.

    ``trusted_principals`` are ARN patterns of other accounts' principals that may work here. ``pipelines`` are pairs of patterns (principal ARN, user agent), both of which must match (``*`` and ``?`` allowed).
    ``networks`` are the team's own public addresses, ``untrusted_networks`` ranges nobody of the team comes from (hosting, Tor,
    VPN). ``sensitive_tags`` are (key, value) patterns of what matters most. ``forensics_account`` may be given snapshots.
    """

    own_accounts: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()
    trusted_services: tuple[str, ...] = ()
    trusted_principals: tuple[str, ...] = ()
    trusted_images: tuple[str, ...] = ()
    pipelines: tuple[tuple[str, str], ...] = ()
    networks: tuple[Network, ...] = ()
    untrusted_networks: tuple[Network, ...] = ()
    working_hours: Hours | None = None
    sensitive_tags: tuple[tuple[str, str], ...] = (
        ("env*", "prod*"),
        ("stage", "prod*"),
        ("env*", "restricted"),
        ("data-class*", "restricted"),
        ("data-class*", "confidential"),
    )
    owner_tags: tuple[str, ...] = ("owner", "team")
    image_age_days: int = 90
    suppressions: tuple[Suppression, ...] = ()
    forensics_account: str = ""

    def pipeline(self, arns: tuple[str, ...], user_agent: str) -> bool:
        """Whether one of these ARNs with this agent is a configured pipeline."""
        return bool(self.pipelines) and any(
            fnmatchcase(user_agent, agent) and any(fnmatchcase(arn, pattern) for arn in arns if arn)
            for pattern, agent in self.pipelines
        )

    def knows_service(self, name: str) -> bool:
        """Whether the team trusts this endpoint service by name."""
        return any(fnmatchcase(name, pattern) for pattern in self.trusted_services)

    def restricted(self, tags: Mapping[str, str]) -> str:
        """The tag that says that something matters most (``env=production``); ``""``: none does."""
        return _restricted(tuple(tags.items()), self.sensitive_tags) if tags else ""

    def owner(self, tags: Mapping[str, str]) -> str:
        """Who is named as owner in the tags; ``""``: nobody."""
        return next((value for key, value in tags.items() if key.lower() in self.owner_tags and value), "")

    def is_suppressed(self, event: str, now: datetime) -> Suppression | None:
        """The suppression of an event in effect: the last one about it counts, so that it can be removed by another."""
        last = next((mark for mark in reversed(self.suppressions) if mark.event == event), None)
        return last if last is not None and last.holds(now) else None


@lru_cache(maxsize=8192)
def _restricted(tags: tuple[tuple[str, str], ...], patterns: tuple[tuple[str, str], ...]) -> str:
    for key, value in tags:
        low_key, low_value = key.lower(), value.lower()
        for wanted, said in patterns:
            if fnmatchcase(low_key, wanted) and fnmatchcase(low_value, said):
                return f"{key}={value}"
    return ""


def parse(text: str, path: str) -> Context:
    """The context in a TOML text; ``path`` is what errors call it. Raises :class:`ContextError`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContextError(f"{path}: {error}. Nothing of it is used; correct it, then start again.") from error
    except RecursionError:
        raise ContextError(f"{path}: it is nested too deeply. Nothing of it is used.") from None
    strange = sorted(set(data) - set(_SETTINGS))
    if strange:
        raise ContextError(f"{path}: unknown setting {strange[0]!r}; known are {', '.join(sorted(_SETTINGS))}.")
    try:
        return Context(**{name: _SETTINGS[name](name, value) for name, value in data.items()})
    except _Wrong as error:
        raise ContextError(f"{path}: {error}") from None


class _Wrong(Exception):
    """A setting has not the form that it must have."""


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _Wrong(f"{name} must be a list of texts.")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{name} must be a text.")
    return value


def _tables(name: str, value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise _Wrong(f"{name} must be tables: [[{name}]].")
    return value


def _pipelines(name: str, value: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for item in _tables(name, value):
        if not isinstance(item.get("principal"), str):
            raise _Wrong('each pipeline needs principal = "arn pattern" (and user_agent = "pattern").')
        found.append((item["principal"], str(item.get("user_agent", "*"))))
    return tuple(found)


def _networks(name: str, value: Any) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item, strict=False) for item in _texts(name, value))
    except ValueError as error:
        raise _Wrong(f"{name}: {error}.") from None


def _hours(name: str, value: Any) -> Hours:
    if not isinstance(value, Mapping):
        raise _Wrong(f'{name} must be a table: days = "mon-fri", from = "08:00", to = "18:00", zone = "Europe/Dublin".')
    try:
        first, _, last = str(value.get("days", "mon-fri")).partition("-")
        days = frozenset(range(DAYS.index(first), DAYS.index(last or first) + 1))
        begin, end = time.fromisoformat(str(value["from"])), time.fromisoformat(str(value["to"]))
        zone = str(value.get("zone", "UTC"))
        ZoneInfo(zone)
    except (KeyError, ValueError, ZoneInfoNotFoundError) as error:
        raise _Wrong(
            f'{name}: {error}; it is written days = "mon-fri", from = "08:00", to = "18:00", zone = "UTC".'
        ) from None
    return Hours(days=days, begin=begin, end=end, zone=zone)


def _pairs(name: str, value: Any) -> tuple[tuple[str, str], ...]:
    found = [text.partition("=") for text in _texts(name, value)]
    if not all(equals for _, equals, _ in found):
        raise _Wrong(f'{name}: each is written "key=value", and may have * in it.')
    return tuple((key.lower(), said.lower()) for key, _, said in found)


def _suppressions(name: str, value: Any) -> tuple[Suppression, ...]:
    found = []
    for item in _tables(name, value):
        until = item.get("until")
        if not isinstance(item.get("event"), str) or not item.get("reason") or not isinstance(until, date):
            raise _Wrong('each suppression needs event = "id", reason = "why" and until = 2026-01-31.')
        day = until.date() if isinstance(until, datetime) else until
        found.append(
            Suppression(event=item["event"], reason=str(item["reason"]), until=day, by=str(item.get("by", "")))
        )
    return tuple(found)


def _number(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _Wrong(f"{name} must be a whole number of days.")
    return value


_SETTINGS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "own_accounts": lambda name, value: frozenset(_texts(name, value)),
    "organizations": lambda name, value: frozenset(_texts(name, value)),
    "trusted_services": lambda name, value: tuple(_texts(name, value)),
    "trusted_principals": lambda name, value: tuple(_texts(name, value)),
    "trusted_images": lambda name, value: tuple(_texts(name, value)),
    "pipelines": _pipelines,
    "networks": _networks,
    "untrusted_networks": _networks,
    "working_hours": _hours,
    "sensitive_tags": _pairs,
    "owner_tags": lambda name, value: tuple(text.lower() for text in _texts(name, value)),
    "image_age_days": _number,
    "suppressions": _suppressions,
    "forensics_account": _text,
}
