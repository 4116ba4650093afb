"""Events in the order of their time, and what follows from the first of them: since when somebody does what."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from vpce_tui.cloudtrail.callers import caller_key
from vpce_tui.cloudtrail.event import EC2, EPOCH, Event
from vpce_tui.core.ip_addresses import address_of


class Timeline:
    """Some events in the order of their time."""

    __slots__ = ("_times", "events")

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self._times: list[datetime] | None = None

    def _at(self, moment: datetime) -> int:
        if self._times is None:
            self._times = [event.time for event in self.events]
        return bisect_left(self._times, moment)

    def count_before(self, moment: datetime) -> int:
        """How many with a time were before ``moment``."""
        return max(self._at(moment) - self._at(_FIRST), 0)

    def first(self) -> Event | None:
        """The oldest that has a time."""
        at = self._at(_FIRST)
        return self.events[at] if at < len(self.events) else None

    def count_within(self, moment: datetime, within: timedelta) -> int:
        """How many were before ``moment``, at most ``within`` before it."""
        since = moment - within
        if not self.events or self.events[-1].time < since or self.events[0].time >= moment:
            return 0
        return self._at(moment) - self._at(max(since, _FIRST))

    def before(self, moment: datetime, *, within: timedelta | None = None) -> Sequence[Event]:
        """Those before ``moment``, at most ``within`` before it; what has no time is left out."""
        begin = self._at(max(moment - within, _FIRST) if within else _FIRST)
        return self.events[begin : self._at(moment)]

    def after(self, moment: datetime, *, within: timedelta) -> Sequence[Event]:
        """Those at ``moment`` or later, at most ``within`` after it."""
        return self.events[self._at(moment) : self._at(moment + within)]

    def around(self, moment: datetime, within: timedelta) -> Sequence[Event]:
        """Those at most ``within`` before or after."""
        return self.events[self._at(max(moment - within, _FIRST)) : self._at(moment + within)]


_FIRST = EPOCH + timedelta(seconds=1)
NONE = Timeline([])
NEVER: Final = datetime.max.replace(tzinfo=UTC)
_ENOUGH: Final = 5
"""Number of calls from which on somebody has a baseline."""


@dataclass(frozen=True, slots=True)
class CallerBaseline:
    """Since when somebody does what, by calls that have a time; the end of time: never.

    ``made``: made endpoints; ``changed``: changed anything in EC2; ``began``: called from an address; ``enough``: did so often
    enough for a baseline; ``addresses``: from each of them, the oldest first.
    """

    made: datetime = NEVER
    changed: datetime = NEVER
    began: datetime = NEVER
    enough: datetime = NEVER
    addresses: Mapping[str, datetime] = field(default_factory=dict)


NO_BASELINE: Final = CallerBaseline()


def baseline_of(events: Iterable[Event]) -> CallerBaseline:
    made = changed = NEVER
    calls: list[datetime] = []
    addresses: dict[str, datetime] = {}
    for event in events:
        if event.time < _FIRST:
            continue
        if address_of(event.source_ip) is not None:
            addresses.setdefault(event.source_ip, event.time)
            if len(calls) < _ENOUGH:
                calls.append(event.time)
        if event.error_code:
            continue
        if event.request and made is NEVER:
            made = event.time
        if event.source == EC2 and event.read_only is False and changed is NEVER:
            changed = event.time
    return CallerBaseline(
        made=made,
        changed=changed,
        began=calls[0] if calls else NEVER,
        enough=calls[-1] if len(calls) == _ENOUGH else NEVER,
        addresses=addresses,
    )


K = TypeVar("K")


def timelines_of(items: Iterable[tuple[K, Event]]) -> Mapping[K, Timeline]:
    found: defaultdict[K, list[Event]] = defaultdict(list)
    for key, event in items:
        found[key].append(event)
    return {key: Timeline(events) for key, events in found.items()}


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """Since when each of some people is seen, the earliest first."""

    since: tuple[tuple[datetime, str], ...]

    def others(self, who: str, before: datetime) -> bool:
        """Whether somebody else was seen before a time: by the earliest of the others."""
        for at, name in self.since:
            if name != who:
                return at < before
        return False

    def anybody(self, before: datetime) -> bool:
        """Whether anybody was seen before a time."""
        return bool(self.since) and self.since[0][0] < before


def first_seen_of(items: Iterable[tuple[Any, Event]]) -> Mapping[Any, FirstSeen]:
    found: defaultdict[Any, dict[str, datetime]] = defaultdict(dict)
    for key, event in items:
        if event.time > EPOCH:
            found[key].setdefault(caller_key(event), event.time)
    return {key: FirstSeen(tuple(sorted((at, who) for who, at in by.items()))) for key, by in found.items()}
