"""What the team says about itself. Nothing here is guessed; unknown is never treated as fine."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct, field

from vpce_tui.core.ip_addresses import Network
from vpce_tui.core.typed_toml import InvalidToml, Places, Problem, read

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
        """Whether ``moment`` is within them."""
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
    trusted_amis: tuple[str, ...] = ()
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
    ami_age_days: int = 90
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


class PipelineEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[pipelines]]``: a pattern of the principal's ARN, and one of its user agent."""

    principal: str
    user_agent: str = "*"


class HoursEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``working_hours``: days = "mon-fri", from = "08:00", to = "18:00", zone = "Europe/Dublin"."""

    begin: str = field(name="from")
    end: str = field(name="to")
    days: str = "mon-fri"
    zone: str = "UTC"


class SuppressionEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[suppressions]]``: an event's id, why it is suppressed, and until when (a date)."""

    event: str
    reason: Annotated[str, Meta(min_length=1)]
    until: date
    by: str = ""


class ContextFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``context.toml`` as it is written."""

    own_accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    trusted_services: tuple[str, ...] = ()
    trusted_principals: tuple[str, ...] = ()
    trusted_amis: tuple[str, ...] = ()
    pipelines: tuple[PipelineEntry, ...] = ()
    networks: tuple[str, ...] = ()
    untrusted_networks: tuple[str, ...] = ()
    working_hours: HoursEntry | None = None
    sensitive_tags: tuple[str, ...] | None = None
    owner_tags: tuple[str, ...] | None = None
    ami_age_days: Annotated[int, Meta(ge=1)] = 90
    suppressions: tuple[SuppressionEntry, ...] = ()
    forensics_account: str = ""


def parse(text: str, path: str) -> Context:
    """The context in a TOML text; ``path`` is what errors call it. Raises :class:`ContextError`."""
    try:
        return _context(read(text, ContextFile, _plain_times), Places(text))
    except InvalidToml as error:
        raise ContextError(f"{path}: {error}. None of its settings are used. Correct it, then start again.") from error


def _plain_times(data: dict[str, Any]) -> dict[str, Any]:
    """``data`` with a day where TOML has a day and an hour, and text where it has an hour: either is well said."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.date() if isinstance(value, datetime) else value.isoformat() if isinstance(value, time) else value

    return {key: plain(value) for key, value in data.items()}


def _context(file: ContextFile, places: Places) -> Context:
    def wrong(says: str, *at: str | int) -> InvalidToml:
        return InvalidToml((Problem(*places.of(at), says),))

    def networks(name: str, texts: tuple[str, ...]) -> tuple[Network, ...]:
        try:
            return tuple(ipaddress.ip_network(item, strict=False) for item in texts)
        except ValueError as error:
            raise wrong(str(error), name) from None

    def hours(entry: HoursEntry) -> Hours:
        try:
            first, _, last = entry.days.partition("-")
            days = frozenset(range(DAYS.index(first), DAYS.index(last or first) + 1))
            begin, end = time.fromisoformat(entry.begin), time.fromisoformat(entry.end)
            ZoneInfo(entry.zone)
        except (ValueError, ZoneInfoNotFoundError) as error:
            written = 'expected: days = "mon-fri", from = "08:00", to = "18:00", zone = "UTC"'
            raise wrong(f"working_hours: {error}; {written}", "working_hours") from None
        return Hours(days=days, begin=begin, end=end, zone=entry.zone)

    def pairs(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        found = [text.partition("=") for text in texts]
        if not all(equals for _, equals, _ in found):
            raise wrong('expected "key=value"; * is allowed', "sensitive_tags")
        return tuple((key.lower(), said.lower()) for key, _, said in found)

    usual = Context()
    return Context(
        own_accounts=frozenset(file.own_accounts),
        organizations=frozenset(file.organizations),
        trusted_services=file.trusted_services,
        trusted_principals=file.trusted_principals,
        trusted_amis=file.trusted_amis,
        pipelines=tuple((entry.principal, entry.user_agent) for entry in file.pipelines),
        networks=networks("networks", file.networks),
        untrusted_networks=networks("untrusted_networks", file.untrusted_networks),
        working_hours=hours(file.working_hours) if file.working_hours else None,
        sensitive_tags=usual.sensitive_tags if file.sensitive_tags is None else pairs(file.sensitive_tags),
        owner_tags=usual.owner_tags if file.owner_tags is None else tuple(tag.lower() for tag in file.owner_tags),
        ami_age_days=file.ami_age_days,
        suppressions=tuple(
            Suppression(
                event=entry.event,
                reason=entry.reason,
                until=entry.until,
                by=entry.by,
            )
            for entry in file.suppressions
        ),
        forensics_account=file.forensics_account,
    )
