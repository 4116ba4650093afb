"""What else happened: events of one look-back, by who made them, with which key, in which region. Pure; built once.

It knows which questions were answered: a rule that finds nothing says *nothing happened* only where somebody looked.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

from vpce_tui.aws.endpoint_services import service_short
from vpce_tui.cloudtrail.callers import called_by_aws_service, caller_key, credential_of
from vpce_tui.cloudtrail.event import EC2, Event
from vpce_tui.cloudtrail.event_timeline import (
    NEVER,
    NONE,
    CallerBaseline,
    FirstSeen,
    Timeline,
    baseline_of,
    first_seen_of,
    timelines_of,
)
from vpce_tui.cloudtrail.sensitive_calls import may_mean_something
from vpce_tui.core.ip_addresses import address_of

EVERYTHING = "*"
"""The question to which the answer is every event, as in files."""


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
            f", as far as {len(self.regions)} of {len(self.regions) + len(self.missing)} regions known"
            if self.missing
            else ""
        )


class RegionServiceUsage(NamedTuple):
    """What event history answered about a region. ``uses``: who uses a service there; ``makings``: who creates endpoints; ``changes``:
    who changes anything (each None where that was not asked). ``users`` and ``changers``: these callers, and since when."""

    uses: Answered | None
    users: "FirstSeen | None"
    makings: Answered | None
    changes: Answered | None
    changers: "FirstSeen | None"


@dataclass(frozen=True)
class EventIndex:
    """Events, and which questions they answer. ``events`` need no order; ids that come twice are taken once."""

    events: Sequence[Event] = ()
    answered: Mapping[str, Answered] = field(default_factory=dict)

    def knows(self, question: str, region: str = "", *, since: datetime | None = None) -> Answered | None:
        """How far a question such as ``AccessKeyId=AKIA…`` was answered; None where it was not.

        It must have been answered in ``region``, or, without one, in every region that was asked; and back to ``since``.
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
    def _places(self) -> dict[tuple[str, str], "RegionServiceUsage"]:
        return {}

    def place(self, region: str, source: str) -> "RegionServiceUsage":
        """What is known of a region, and of the use of a service there (its event source; ``""``: none). Found out once."""
        found = self._places.get((region, source))
        if found is None:
            uses = self.knows(f"EventSource={source}", region) if source else None
            found = self._places[region, source] = RegionServiceUsage(
                uses,
                self.users.get((source, region)),
                self.knows("EventName=CreateVpcEndpoint", region),
                self.knows("ReadOnly=false", region),
                self.changers.get(region),
            )
        return found

    @cached_property
    def ordered(self) -> tuple[Event, ...]:
        """Every event once, oldest first; what has no time comes first."""
        once: dict[tuple[Any, ...], Event] = {}
        for event in self.events:  # the first one stays: it is the one that the lists show
            once.setdefault((event.id or id(event), event.region, event.account, event.raw), event)
        return tuple(sorted(once.values(), key=lambda event: event.time))

    @cached_property
    def by_caller(self) -> Mapping[str, "Timeline"]:
        """By :func:`caller_key`."""
        return timelines_of((caller_key(event), event) for event in self.ordered)

    @cached_property
    def by_credential(self) -> Mapping[str, "Timeline"]:
        """By access key id where there is one, else by the session's ARN."""
        return timelines_of((credential_of(event.principal), event) for event in self.ordered)

    @cached_property
    def by_key(self) -> Mapping[str, "Timeline"]:
        """By access key id."""
        return timelines_of((event.principal.access_key_id, event) for event in self.ordered)

    @cached_property
    def by_address(self) -> Mapping[str, "Timeline"]:
        """By source address."""
        return timelines_of((event.source_ip, event) for event in self.ordered)

    @cached_property
    def by_shared(self) -> Mapping[str, "Timeline"]:
        """By the id that the records of several accounts about one call share."""
        return timelines_of((event.shared_event_id, event) for event in self.ordered if event.shared_event_id)

    @cached_property
    def by_issued(self) -> Mapping[str, "Timeline"]:
        """Calls that made a session, by the access key id that they handed out."""
        return timelines_of(
            (key, event)
            for name in _HAND_OUT
            for event in self.by_name.get(name, NONE).events
            if not event.error_code and (key := _issued(event))
        )

    @cached_property
    def by_name(self) -> Mapping[str, "Timeline"]:
        """By event name."""
        return timelines_of((event.name, event) for event in self.ordered)

    @cached_property
    def made_in(self) -> Mapping[tuple[str, str, str], "Timeline"]:
        """``CreateVpcEndpoint`` events that made something, by VPC, :func:`caller_key` and the short name of the service."""
        return timelines_of(
            ((event.request.vpc_id, caller_key(event), service_short(event.request.service)), event)
            for event in self.ordered
            if event.request and not event.error_code
        )

    @cached_property
    def through(self) -> Mapping[str, "Timeline"]:
        """Calls by the VPC endpoint through which they came."""
        return timelines_of((event.vpc_endpoint_id, event) for event in self.ordered if event.vpc_endpoint_id)

    @cached_property
    def refused(self) -> Mapping[str, "Timeline"]:
        """Refused attempts to make an endpoint, by :func:`caller_key`."""
        return timelines_of((caller_key(event), event) for event in self.ordered if event.request and event.refused)

    @cached_property
    def baselines(self) -> Mapping[str, "CallerBaseline"]:
        """Since when each does what, by :func:`caller_key`."""
        return {who: baseline_of(line.events) for who, line in self.by_caller.items()}

    @cached_property
    def addressed(self) -> Mapping[str, "Timeline"]:
        """Calls that came from an IP address, by :func:`caller_key`."""
        return timelines_of(
            (caller_key(event), event) for event in self.ordered if address_of(event.source_ip) is not None
        )

    @cached_property
    def changers(self) -> Mapping[str, "FirstSeen"]:
        """By region, everybody but services of AWS who changed something there, each since when."""
        return first_seen_of(
            (event.region, event)
            for event in self.ordered
            if event.read_only is not True and not event.error_code and not called_by_aws_service(event)
        )

    @cached_property
    def users(self) -> Mapping[tuple[str, str], "FirstSeen"]:
        """By event source and region, everybody whose calls succeeded there, each since when."""
        return first_seen_of(((event.source, event.region), event) for event in self.ordered if not event.error_code)

    @cached_property
    def makers(self) -> tuple[frozenset[str], frozenset[str]]:
        """Who made endpoints: with temporary credentials, and with long-lived keys."""
        made = [
            event
            for event in self.ordered
            if event.request and not event.error_code and not called_by_aws_service(event)
        ]
        keyed = frozenset(caller_key(event) for event in made if event.principal.access_key_id.startswith("AKIA"))
        return frozenset(caller_key(event) for event in made) - keyed, keyed

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
    def launches(self) -> Mapping[str, "Timeline"]:
        """``RunInstances`` that made something, by :func:`caller_key`."""
        return timelines_of(
            (caller_key(event), event)
            for event in self.by_name.get("RunInstances", NONE).events
            if not event.error_code
        )

    @cached_property
    def shares(self) -> Mapping[str, "Timeline"]:
        """Calls that gave a snapshot to others, by the snapshot."""
        return timelines_of(
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
    def changes_of(self) -> Mapping[str, "Timeline"]:
        """Changes and deletions of endpoints, by the endpoint's id."""
        return timelines_of(
            (endpoint, event)
            for event in _merged(self, "ModifyVpcEndpoint", "DeleteVpcEndpoints")
            if event.source == EC2 and not event.error_code
            for endpoint in _changed_endpoints(event)
        )

    @cached_property
    def sensitive_calls(self) -> tuple[Event, ...]:
        """What may mean something: that depends on what is ours (:func:`~vpce_tui.cloudtrail.sensitive_calls.describe_impact`)."""
        return tuple(event for event in self.ordered if not event.error_code and may_mean_something(event))

    @cached_property
    def sensitive_by_credential(self) -> Mapping[str, "Timeline"]:
        """:attr:`sensitive_calls` by session."""
        return timelines_of((credential_of(event.principal), event) for event in self.sensitive_calls)

    @cached_property
    def sensitive_by_caller(self) -> Mapping[str, "Timeline"]:
        """:attr:`sensitive_calls` by :func:`caller_key`."""
        return timelines_of((caller_key(event), event) for event in self.sensitive_calls)

    def index(self) -> None:
        """Build now what screens ask for: called on a thread, so that no screen does."""
        for _ in (self.by_credential, self.by_caller, self.by_key, self.by_address, self.by_issued, self.by_shared):
            continue

    @cached_property
    def has_network_events(self) -> bool:
        """Whether calls through endpoints are recorded as such (network activity events)."""
        return any(event.event_type == "AwsVpceEvent" for event in self.ordered)

    @cached_property
    def credentials_since(self) -> datetime:
        """Since when every call that makes credentials is known; the end of time: never."""
        asked = [self.knows(f"EventName={name}", IAM_RECORDS_IN) for name in MAKES_CREDENTIALS]
        return max((known.since if known else NEVER) for known in asked)

    @cached_property
    def credentials(self) -> Mapping[str, "Timeline"]:
        """Calls that made a key, a user, console access or a role, by their name, the account and what they made."""
        return timelines_of(
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
_ENDPOINT: Final = re.compile(r"vpce-[0-9a-f]{8,17}|vpce-[0-9]+")


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


def _merged(past: EventIndex, *names: str) -> list[Event]:
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
