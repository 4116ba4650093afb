"""From one event to others: who, what key, from where, which session, which network, which instance. Pure lookups over a past."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vpce_tui.cloudtrail.callers import caller_key, credential_of
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.cloudtrail.event_timeline import NONE

_ID: Final = re.compile(r'"(i-[0-9a-f]{8,17}|vpc-[0-9a-f]{8,17}|vpce-[0-9a-f]{8,17})"')


@dataclass(frozen=True, slots=True)
class Relation:
    """One way to continue: its name (``same address``), and the value that is the same."""

    name: str
    value: str

    @property
    def question(self) -> str:
        """What event history can be asked for more of it (``AccessKeyId=…``); ``""``: it cannot be asked."""
        kind = {
            "key": "AccessKeyId",
            "instance": "ResourceName",
            "endpoint": "ResourceName",
            "VPC": "ResourceName",
            "event": "ResourceName",
        }
        if self.name == "session":
            return f"Username={self.value.rpartition('/')[2]}" if "/" in self.value else f"AccessKeyId={self.value}"
        if self.name == "principal":
            return f"Username={self.value.rpartition('/')[2]}" if ":user/" in self.value else ""
        return f"{kind[self.name]}={self.value}" if self.name in kind else ""


def relations(event: Event) -> list[Relation]:
    """Every way to continue from an event, the closest first."""
    principal = event.principal
    found = [
        Relation("key", principal.access_key_id),
        Relation("session", credential_of(event.principal) if not principal.access_key_id else ""),
        Relation("principal", caller_key(event)),
        Relation("address", event.source_ip),
        Relation("instance", principal.instance_id),
    ]
    if event.request is not None:
        found += [Relation("endpoint", event.request.endpoint_id), Relation("VPC", event.request.vpc_id)]
    else:
        found += [
            Relation({"i-": "instance", "vpce-": "endpoint", "vpc-": "VPC"}[prefix], identifier)
            for identifier in dict.fromkeys(_ID.findall(event.raw))
            for prefix in ("i-", "vpce-", "vpc-")
            if identifier.startswith(prefix)
        ][:6]
    if event.vpc_endpoint_id:
        found.append(Relation("endpoint", event.vpc_endpoint_id))
    if event.shared_event_id:
        found.append(Relation("shared call", event.shared_event_id))
    return [relation for relation in dict.fromkeys(found) if relation.value]


def related(past: EventIndex, relation: Relation) -> Sequence[Event]:
    """The events of a relation, oldest first. Ids of things are looked for in the records' text."""
    value = relation.value
    if relation.name == "principal":
        return past.by_caller.get(value, NONE).events
    if relation.name == "key":
        return past.by_key.get(value, NONE).events
    if relation.name == "session":
        return past.by_credential.get(value, NONE).events
    if relation.name == "address":
        return past.by_address.get(value, NONE).events
    quoted = f'"{value}"'
    ending = f'/{value}"'
    return [event for event in past.ordered if value in event.raw and (quoted in event.raw or ending in event.raw)]


@dataclass(frozen=True, slots=True)
class Link:
    """One step back in a chain of roles: who handed the credentials on, and by which call (None: not among what is known)."""

    who: str
    how: str
    event: Event | None = None


def chain(event: Event, past: EventIndex) -> list[Link]:
    """From the session that made a call back to the first human or service: each AssumeRole whose answer holds its key.

    Of a user's long-lived key who made it comes last, where that is among what is known.

    A chain that is broken ends with a link that says where.
    """
    found: list[Link] = []
    seen: set[str] = set()
    at = event
    while at.principal.type in ("AssumedRole", "FederatedUser") and at.principal.access_key_id not in seen:
        key = at.principal.access_key_id
        seen.add(key)
        if at.principal.ec2_role_delivery and at.principal.instance_id:
            found.append(Link("EC2", f"issued to {at.principal.instance_id} by its metadata service"))
            return found
        maker = next((other for other in past.by_issued.get(key, NONE).events if key), None)
        if maker is None:
            found.append(Link("unknown", f"the call that created the session of {key or 'no key'} was not found"))
            return found
        found.append(Link(_named(maker), f"{maker.name} at {maker.time:%H:%M:%SZ} from {maker.source_ip}", maker))
        twin = _elsewhere(maker, past)
        at = twin or maker
    key = at.principal.access_key_id
    made = past.credentials.get(f"CreateAccessKey {at.account} {key}", NONE).events if key.startswith("AKIA") else ()
    found += [
        Link(_named(other), f"created the key {key} at {other.time:%m-%d %H:%M:%SZ}", other) for other in made[:1]
    ]
    return found


def _elsewhere(event: Event, past: EventIndex) -> Event | None:
    """The record of the same call in the caller's own account, which says more about who it was."""
    if not event.shared_event_id:
        return None
    others = past.by_shared.get(event.shared_event_id, NONE).events
    return next((other for other in others if other.account != event.account and other.principal.arn), None)


def _named(event: Event) -> str:
    principal = event.principal
    if principal.type == "AWSAccount" and principal.account != event.account:
        return f"account {principal.account}"
    return principal.arn or principal.name


def regions_of(events: Sequence[Event]) -> Iterator[tuple[str, int]]:
    """How many events each region has, most first."""
    counts: dict[str, int] = {}
    for event in events:
        counts[event.region or "no region"] = counts.get(event.region or "no region", 0) + 1
    yield from sorted(counts.items(), key=lambda item: (-item[1], item[0]))
