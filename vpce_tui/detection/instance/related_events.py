"""Calls by the instances that they are about: by id, by a volume or an interface, or by the tags that a command is sent to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.cloudtrail.callers import caller_key
from vpce_tui.cloudtrail.event import EPOCH, Event
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.inventory.resources import Instance

About = Mapping[str, tuple[Event, ...]]
"""Calls about one instance, by their name."""
UNREAD_TARGETS: Final = "SendCommand, to targets that are not understood"
"""Among the names for commands whose recipients are not known here (resource groups)."""
LATELY: Final = timedelta(days=7)
"""How far back somebody's first call of a kind means something: everybody has a first one somewhere in a look-back."""
_NAMES: Final = frozenset(
    {
        "ModifyInstanceAttribute",
        "ModifyInstanceMetadataOptions",
        "AssociateIamInstanceProfile",
        "ReplaceIamInstanceProfileAssociation",
        "ModifyNetworkInterfaceAttribute",
        "AttachNetworkInterface",
        "AttachVolume",
        "StartSession",
        "SendCommand",
        "SendSSHPublicKey",
        "SendSerialConsoleSSHPublicKey",
        "OpenTunnel",
        "GetPasswordData",
        "DescribeInstanceAttribute",
        "CreateSnapshot",
        "CreateSnapshots",
        "UnmonitorInstances",
    }
)
Targets = tuple[tuple[str, tuple[str, ...]], ...]
"""The targets of a command: key and values; an instance has one of the values of each."""


def of_late(events: Iterable[Event], now: datetime | None) -> list[Event]:
    """Calls of the last days, and those without a time."""
    return [event for event in events if now is None or event.time <= EPOCH or now - event.time <= LATELY]


def about(past: EventIndex, instances: Sequence[Instance], now: datetime | None) -> dict[str, About]:
    """Calls by the instance that they are about.

    Each record is looked through once, for ids, and each kind of target once for instances: the work grows with the records and
    not with the instances.
    """
    owner = {}
    for instance in instances:
        owner[instance.id] = instance.id
        owner.update((volume.id, instance.id) for volume in instance.volumes)
        owner.update((nic.id, instance.id) for nic in instance.interfaces)
    found: dict[str, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    by_targets: dict[tuple[str, str, Targets], list[Event]] = defaultdict(list)
    for name in _NAMES:
        line = past.by_name.get(name)
        for event in line.events if line else ():
            for instance_id in {owner[word] for word in _named(event) if word in owner}:
                found[instance_id][name].append(event)
            targets = _targets(event) if name == "SendCommand" else ()
            if targets:
                by_targets[event.region, event.account, targets].append(event)
    for (region, account, targets), events in by_targets.items():
        readable = all(key == "tag-key" or key.startswith("tag:") for key, _ in targets)
        commands = _first_and_last(of_late(events, now))
        for instance in instances if commands else ():
            if instance.region == region and (not account or instance.account == account):
                if not readable:
                    found[instance.id][UNREAD_TARGETS] += commands
                elif all(_has(instance, *target) for target in targets):
                    found[instance.id]["SendCommand"] += commands
    return {key: {name: tuple(events) for name, events in by_name.items()} for key, by_name in found.items()}


def _targets(event: Event) -> Targets:
    """How Systems Manager chooses the instances of a command, but for ids, which are looked for as such."""
    asked = event.record.get("requestParameters")
    named = asked.get("targets") if isinstance(asked, Mapping) else None
    found = []
    for target in named if isinstance(named, list) else ():
        key, values = (target.get("key"), target.get("values")) if isinstance(target, Mapping) else (None, None)
        if isinstance(key, str) and key.lower() != "instanceids":
            texts = values if isinstance(values, list) else []
            found.append((key, tuple(sorted({value for value in texts if isinstance(value, str)}))))
    return tuple(sorted(found))


def _has(instance: Instance, key: str, values: tuple[str, ...]) -> bool:
    if key == "tag-key":
        return any(value in instance.tags for value in values)
    return instance.tags.get(key.removeprefix("tag:")) in values


def _first_and_last(events: Sequence[Event]) -> list[Event]:
    """Of each who sent them the first and the last: an instance may be sent any number, and a first time is asked for."""
    first: dict[str, Event] = {}
    last: dict[str, Event] = {}
    for event in events:
        if not event.error_code:
            first.setdefault(caller_key(event), event)
            last[caller_key(event)] = event
    return list({id(event): event for event in (*first.values(), *last.values())}.values())


def _named(event: Event) -> set[str]:
    """Every text in what a call asked for and was answered."""
    record = event.record
    return {*_texts(record.get("requestParameters")), *_texts(record.get("responseElements"))}


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
