"""What else happened: events of one look-back, by who made them, with which key, in which region. Pure; built once.

It knows which questions were answered: a rule that finds nothing says *nothing happened* only where somebody looked.
"""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeVar

from vpce_tui.signals.context import address_of
from vpce_tui.signals.deeds import may_mean_something
from vpce_tui.signals.services import service_short
from vpce_tui.trail.event import EC2, EPOCH, Event, Principal

EVERYTHING = "*"
"""The question to which the answer is every event, as in files."""


def whose(principal: Principal) -> str:
    """Who somebody is, whatever session it is: the role of a session, else the principal itself."""
    return principal.role_arn or principal.arn or principal.invoked_by or principal.name


def who_of(event: Event) -> str:
    """Who made a call (:func:`whose`)."""
    return whose(event.principal)


_LINKED: Final = re.compile(
    r"arn:aws[\w-]*:iam::(\d{12}):role/aws-service-role/[\w.-]+\.amazonaws\.com/AWSServiceRoleFor[\w+=,.@-]+"
)


def of_a_service(principal: Principal, account: str) -> bool:
    """Whether somebody is an AWS service of its own: its principal, or its service-linked role, which nobody else can take.

    ``invokedBy`` alone says nothing of the kind: CloudFormation works with the rights, and for the ends, of whoever asks it.
    """
    if principal.type == "AWSService":
        return True
    linked = _LINKED.fullmatch(principal.role_arn)
    return linked is not None and linked[1] == account


def by_service(event: Event) -> bool:
    """Whether an AWS service did it of its own (:func:`of_a_service`)."""
    return of_a_service(event.principal, event.account)


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that was answered from ``since`` on in ``regions`` (none: wherever there is something), and not in ``missing``.

    ``cut``: regions of which only the newest answers were seen, and older ones may be there.
    """

    since: datetime
    regions: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()

    @property
    def scope(self) -> str:
        """What to add to *never*, where some region did not answer; ``""``: all did."""
        return (
            f", as far as {len(self.regions)} of {len(self.regions) + len(self.missing)} regions tell"
            if self.missing
            else ""
        )


class Place(NamedTuple):
    """What is known of a region. ``uses``, ``makings``, ``changes``: what was asked of the use of a service there, of who makes
    endpoints, and of who changes anything (None: nothing); ``users`` and ``changers``: who did so, since when."""

    uses: Answered | None
    users: "Firsts | None"
    makings: Answered | None
    changes: Answered | None
    changers: "Firsts | None"


@dataclass(frozen=True)
class Past:
    """Events, and which questions they answer. ``events`` need no order; ids that come twice are taken once."""

    events: Sequence[Event] = ()
    answered: Mapping[str, Answered] = field(default_factory=dict)

    def knows(self, question: str, region: str = "", *, since: datetime | None = None) -> Answered | None:
        """The answer to a question such as ``AccessKeyId=AKIA…``; None where it was not asked.

        With ``region``: not asked or not answered there; without: not answered somewhere. With ``since``: not that far back.
        """
        found = self.answered.get(EVERYTHING) or self.answered.get(question)
        if found is not None and since is not None and since < found.since:
            return None
        if found is None or (found.missing and (not region or region in found.missing)):
            return None
        if region and found.regions and region not in found.regions:
            return None
        return found

    @cached_property
    def _places(self) -> dict[tuple[str, str], "Place"]:
        return {}

    def place(self, region: str, source: str) -> "Place":
        """What is known of a region, and of the use of a service there (its event source; ``""``: none). Found out once."""
        found = self._places.get((region, source))
        if found is None:
            uses = self.knows(f"EventSource={source}", region) if source else None
            found = self._places[region, source] = Place(
                uses, self.users.get((source, region)), self.knows("EventName=CreateVpcEndpoint", region),
                self.knows("ReadOnly=false", region), self.changers.get(region),
            )  # fmt: skip
        return found

    @cached_property
    def ordered(self) -> tuple[Event, ...]:
        """Every event once, oldest first; what has no time comes first."""
        once: dict[tuple[Any, ...], Event] = {}
        for event in self.events:  # the first one stays: it is the one that the lists show
            once.setdefault((event.id or id(event), event.region, event.account, event.raw), event)
        return tuple(sorted(once.values(), key=lambda event: event.time))

    @cached_property
    def by_who(self) -> Mapping[str, "Line"]:
        """By :func:`who_of`."""
        return _lines((who_of(event), event) for event in self.ordered)

    @cached_property
    def by_session(self) -> Mapping[str, "Line"]:
        """By access key id where there is one, else by the session's ARN."""
        return _lines((session_of(event.principal), event) for event in self.ordered)

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
    def made_in(self) -> Mapping[tuple[str, str, str], "Line"]:
        """``CreateVpcEndpoint`` events that made something, by VPC, :func:`who_of` and the short name of the service."""
        return _lines(
            ((event.request.vpc_id, who_of(event), service_short(event.request.service)), event)
            for event in self.ordered
            if event.request and not event.error_code
        )

    @cached_property
    def through(self) -> Mapping[str, "Line"]:
        """Calls by the VPC endpoint through which they came."""
        return _lines((event.through, event) for event in self.ordered if event.through)

    @cached_property
    def refused(self) -> Mapping[str, "Line"]:
        """Refused attempts to make an endpoint, by :func:`who_of`."""
        return _lines((who_of(event), event) for event in self.ordered if event.request and event.refused)

    @cached_property
    def habits(self) -> Mapping[str, "Habit"]:
        """Since when each does what, by :func:`who_of`."""
        return {who: _habit(line.events) for who, line in self.by_who.items()}

    @cached_property
    def addressed(self) -> Mapping[str, "Line"]:
        """Calls that came from an IP address, by :func:`who_of`."""
        return _lines((who_of(event), event) for event in self.ordered if address_of(event.source_ip) is not None)

    @cached_property
    def changers(self) -> Mapping[str, "Firsts"]:
        """By region, everybody but services of AWS who changed something there, each since when."""
        return _firsts(
            (event.region, event)
            for event in self.ordered
            if event.read_only is not True and not event.error_code and not by_service(event)
        )

    @cached_property
    def users(self) -> Mapping[tuple[str, str], "Firsts"]:
        """By event source and region, everybody whose calls succeeded there, each since when."""
        return _firsts(((event.source, event.region), event) for event in self.ordered if not event.error_code)

    @cached_property
    def makers(self) -> tuple[frozenset[str], frozenset[str]]:
        """Who made endpoints: with temporary credentials, and with long-lived keys."""
        made = [event for event in self.ordered if event.request and not event.error_code and not by_service(event)]
        keyed = frozenset(who_of(event) for event in made if event.principal.access_key_id.startswith("AKIA"))
        return frozenset(who_of(event) for event in made) - keyed, keyed

    @cached_property
    def launched(self) -> Mapping[str, Event]:
        """The ``RunInstances`` that made an instance, by the instance's id."""
        return {
            name: event
            for event in self.by_name.get("RunInstances", NONE).events
            if not event.error_code
            for name in _INSTANCE.findall(event.raw)
        }

    @cached_property
    def launches(self) -> Mapping[str, "Line"]:
        """``RunInstances`` that made something, by :func:`who_of`."""
        return _lines(
            (who_of(event), event) for event in self.by_name.get("RunInstances", NONE).events if not event.error_code
        )

    @cached_property
    def shares(self) -> Mapping[str, "Line"]:
        """Calls that gave a snapshot to others, by the snapshot."""
        return _lines(
            (name, event)
            for event in self.by_name.get("ModifySnapshotAttribute", NONE).events
            if event.source == EC2 and not event.error_code and '"add"' in event.raw
            for name in dict.fromkeys(re.findall(r"snap-[0-9a-f]+", event.raw))
        )

    @cached_property
    def copies(self) -> Mapping[str, frozenset[str]]:
        """Copies of snapshots, by the snapshot that each was made of."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for event in self.by_name.get("CopySnapshot", NONE).events:
            made, source = (
                _text(event.record, part, name)
                for part, name in (("responseElements", "snapshotId"), ("requestParameters", "sourceSnapshotId"))
            )
            if event.source == EC2 and not event.error_code and made and source:
                found[source].add(made)
        return {source: frozenset(made) for source, made in found.items()}

    @cached_property
    def changes_of(self) -> Mapping[str, "Line"]:
        """Changes and deletions of endpoints, by the endpoint's id."""
        return _lines(
            (endpoint, event)
            for event in _merged(self, "ModifyVpcEndpoint", "DeleteVpcEndpoints")
            if event.source == EC2 and not event.error_code
            for endpoint in _changed_endpoints(event)
        )

    @cached_property
    def deeds(self) -> tuple[Event, ...]:
        """What may mean something: that depends on what is ours (:func:`~vpce_tui.signals.deeds.deed_of`)."""
        return tuple(event for event in self.ordered if not event.error_code and may_mean_something(event))

    @cached_property
    def deeds_by_session(self) -> Mapping[str, "Line"]:
        """:attr:`deeds` by session."""
        return _lines((session_of(event.principal), event) for event in self.deeds)

    @cached_property
    def deeds_by_who(self) -> Mapping[str, "Line"]:
        """:attr:`deeds` by :func:`who_of`."""
        return _lines((who_of(event), event) for event in self.deeds)

    def index(self) -> None:
        """Build now what screens ask for: called on a thread, so that no screen does."""
        for _ in (self.by_session, self.by_who, self.by_key, self.by_address, self.by_issued, self.by_shared):
            continue

    @cached_property
    def has_network_events(self) -> bool:
        """Whether calls through endpoints are recorded as such (network activity events)."""
        return any(event.kind == "AwsVpceEvent" for event in self.ordered)

    @cached_property
    def credentials_since(self) -> datetime:
        """Since when every call that makes credentials is known; the end of time: never."""
        asked = [self.knows(f"EventName={name}", IAM_RECORDS_IN) for name in MAKES_CREDENTIALS]
        return max((known.since if known else _NEVER) for known in asked)

    @cached_property
    def credentials(self) -> Mapping[str, "Line"]:
        """Calls that made a key, a user, console access or a role, by their name, the account and what they made."""
        return _lines(
            (f"{event.name} {event.account} {made}", event)
            for event in _merged(self, *MAKES_CREDENTIALS)
            if event.source == "iam.amazonaws.com"
            and not event.error_code
            and (made := MAKES_CREDENTIALS[event.name](event.record))
        )


def _text(record: Mapping[str, Any], *path: str) -> str:
    found: Any = record
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""


IAM_RECORDS_IN: Final = "us-east-1"
MAKES_CREDENTIALS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "CreateAccessKey": lambda record: _text(record, "responseElements", "accessKey", "accessKeyId"),
    "CreateUser": lambda record: _text(record, "requestParameters", "userName"),
    "CreateLoginProfile": lambda record: _text(record, "requestParameters", "userName"),
    "CreateRole": lambda record: _text(record, "requestParameters", "roleName"),
}
"""Calls that make credentials, and whose."""
_INSTANCE: Final = re.compile(r"i-[0-9a-f]{8,17}")
_ENDPOINT: Final = re.compile(r"vpce-[0-9a-f]{8,17}|vpce-\d+")


def _changed_endpoints(event: Event) -> list[str]:
    """The endpoints that a call names, but for those that the answer says were not changed."""
    record = event.record
    named = dict.fromkeys(_ENDPOINT.findall(json.dumps(record.get("requestParameters"))))
    refused = (
        set(_ENDPOINT.findall(json.dumps(record.get("responseElements"))))
        if event.name == "DeleteVpcEndpoints"
        else set()
    )
    return [name for name in named if name not in refused]


@dataclass(frozen=True, slots=True)
class Firsts:
    """Since when each of some people is seen, the earliest first."""

    since: tuple[tuple[datetime, str], ...]

    def others(self, who: str, before: datetime) -> bool:
        """Whether somebody else was seen before a time: the earliest of the others tells."""
        for at, name in self.since:
            if name != who:
                return at < before
        return False

    def anybody(self, before: datetime) -> bool:
        """Whether anybody was seen before a time."""
        return bool(self.since) and self.since[0][0] < before


def _firsts(items: Iterable[tuple[Any, Event]]) -> Mapping[Any, Firsts]:
    found: defaultdict[Any, dict[str, datetime]] = defaultdict(dict)
    for key, event in items:
        if event.time > EPOCH:
            found[key].setdefault(who_of(event), event.time)
    return {key: Firsts(tuple(sorted((at, who) for who, at in by.items()))) for key, by in found.items()}


def _merged(past: Past, *names: str) -> list[Event]:
    found = [event for name in names for event in past.by_name.get(name, NONE).events]
    return sorted(found, key=lambda event: event.time)


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


def session_of(principal: Principal) -> str:
    """The session of a call: its access key id, or its ARN where the record has none."""
    return principal.access_key_id or principal.arn or whose(principal)


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
NONE = Line([])
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_ENOUGH: Final = 5
"""Calls that are enough to tell what is usual for somebody."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Since when somebody does what, by calls that have a time; the end of time: never.

    ``made``: made endpoints; ``changed``: changed anything in EC2; ``began``: called from an address; ``enough``: did so often
    enough to tell what is usual; ``addresses``: from each of them, the oldest first.
    """

    made: datetime = _NEVER
    changed: datetime = _NEVER
    began: datetime = _NEVER
    enough: datetime = _NEVER
    addresses: Mapping[str, datetime] = field(default_factory=dict)


NO_HABIT: Final = Habit()


def _habit(events: Iterable[Event]) -> Habit:
    made = changed = _NEVER
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
        if event.request and made is _NEVER:
            made = event.time
        if event.source == EC2 and event.read_only is False and changed is _NEVER:
            changed = event.time
    return Habit(
        made, changed, calls[0] if calls else _NEVER, calls[-1] if len(calls) == _ENOUGH else _NEVER, addresses
    )


K = TypeVar("K")


def _lines(items: Iterable[tuple[K, Event]]) -> Mapping[K, Line]:
    found: defaultdict[K, list[Event]] = defaultdict(list)
    for key, event in items:
        found[key].append(event)
    return {key: Line(events) for key, events in found.items()}
