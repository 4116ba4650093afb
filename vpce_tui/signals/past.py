"""What else happened: events of one look-back, by who made them, with which key, in which region. Pure; built once.

It knows which questions were answered: a rule that finds nothing says *nothing happened* only where somebody looked.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from vpce_tui.trail.event import EPOCH, Event

EVERYTHING = "*"
"""The question to which the answer is every event, as in files."""


def who_of(event: Event) -> str:
    """Who made a call, whatever session it was: the role of a session, else the principal itself."""
    principal = event.principal
    return principal.role_arn or principal.arn or principal.invoked_by or principal.name


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that was answered from ``since`` on in ``regions`` (none: wherever there is something), and not in ``missing``."""

    since: datetime
    regions: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Past:
    """Events, and which questions they answer. ``events`` need no order; ids that come twice are taken once."""

    events: Sequence[Event] = ()
    answered: Mapping[str, Answered] = field(default_factory=dict)

    def knows(self, question: str, region: str = "") -> Answered | None:
        """The answer to a question such as ``AccessKeyId=AKIA…``; None where it was not asked.

        With ``region``: not asked or not answered there; without: not answered somewhere.
        """
        found = self.answered.get(EVERYTHING) or self.answered.get(question)
        if found is None or (found.missing and (not region or region in found.missing)):
            return None
        if region and found.regions and region not in found.regions:
            return None
        return found

    @cached_property
    def ordered(self) -> tuple[Event, ...]:
        """Every event once, oldest first; what has no time comes first."""
        once = {(event.id or id(event), event.region, event.account, event.raw): event for event in self.events}
        return tuple(sorted(once.values(), key=lambda event: event.time))

    @cached_property
    def by_who(self) -> Mapping[str, "Line"]:
        """By :func:`who_of`."""
        return _lines((who_of(event), event) for event in self.ordered)

    @cached_property
    def by_session(self) -> Mapping[str, "Line"]:
        """By access key id where there is one, else by the session's ARN."""
        return _lines((session_of(event), event) for event in self.ordered)

    @cached_property
    def by_key(self) -> Mapping[str, "Line"]:
        """By access key id."""
        return _lines((event.principal.access_key_id, event) for event in self.ordered)

    @cached_property
    def by_address(self) -> Mapping[str, "Line"]:
        """By source address."""
        return _lines((event.source_ip, event) for event in self.ordered)

    @cached_property
    def by_shared(self) -> Mapping[str, "Line"]:
        """By the id that the records of several accounts about one call share."""
        return _lines((event.shared_id, event) for event in self.ordered if event.shared_id)

    @cached_property
    def by_issued(self) -> Mapping[str, "Line"]:
        """Calls that made a session, by the access key id that they handed out."""
        return _lines(
            (key, event)
            for name in _HAND_OUT
            for event in self.by_name.get(name, NONE).events
            if not event.error_code and (key := _issued(event))
        )

    @cached_property
    def by_name(self) -> Mapping[str, "Line"]:
        """By event name."""
        return _lines((event.name, event) for event in self.ordered)

    @cached_property
    def by_region(self) -> Mapping[str, "Line"]:
        """By region, only what is not known to be a read."""
        return _lines((event.region, event) for event in self.ordered if event.read_only is not True)

    @cached_property
    def by_source(self) -> Mapping[str, "Line"]:
        """By event source."""
        return _lines((event.source, event) for event in self.ordered)

    @cached_property
    def by_vpc(self) -> Mapping[str, "Line"]:
        """``CreateVpcEndpoint`` events that made something, by VPC."""
        return _lines((event.request.vpc_id, event) for event in self.ordered if event.request and not event.error_code)

    @cached_property
    def through(self) -> Mapping[str, "Line"]:
        """Calls by the VPC endpoint through which they came."""
        return _lines((event.through, event) for event in self.ordered if event.through)

    @cached_property
    def refused(self) -> Mapping[str, "Line"]:
        """Refused attempts to make an endpoint, by :func:`who_of`."""
        return _lines((who_of(event), event) for event in self.ordered if event.request and event.refused)


_HAND_OUT = (
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "GetFederationToken",
    "GetSessionToken",
    "GetRoleCredentials",
)


def _issued(event: Event) -> str:
    answer = event.record.get("responseElements")
    held = answer.get("credentials") if isinstance(answer, Mapping) else None
    key = held.get("accessKeyId") if isinstance(held, Mapping) else None
    return key if isinstance(key, str) else ""


def session_of(event: Event) -> str:
    """The session that made a call: its access key id, or its ARN where the record has none."""
    return event.principal.access_key_id or event.principal.arn or who_of(event)


class Line:
    """Some events in the order of their time."""

    __slots__ = ("_times", "events")

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self._times: list[datetime] | None = None

    def _at(self, moment: datetime) -> int:
        if self._times is None:
            self._times = [event.time for event in self.events]
        return bisect_left(self._times, moment)

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
NONE = Line([])


def _lines(items: Iterable[tuple[str, Event]]) -> Mapping[str, Line]:
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for key, event in items:
        found[key].append(event)
    return {key: Line(events) for key, events in found.items()}
