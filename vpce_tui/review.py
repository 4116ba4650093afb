"""Looks and judges: events with the live state behind them, instances with what their roles did. Used by screens and commands."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.aws.caller import Caller, Cancel
from vpce_tui.aws.errors import Cancelled
from vpce_tui.canonical import rfc3339
from vpce_tui.coverage import Coverage, Part, Status
from vpce_tui.inventory.account import EndpointState, Inventory, Region, endpoint_states
from vpce_tui.inventory.model import Instance
from vpce_tui.signals.context import Context
from vpce_tui.signals.endpoint_rules import AWS_SERVICE, judge_event
from vpce_tui.signals.instance_rules import judge_instance
from vpce_tui.signals.model import Judgement
from vpce_tui.trail.event import EPOCH, EndpointRequest, Event, endpoint_request
from vpce_tui.trail.history import History, Question

ROLE_LOOKUPS: Final = 40
"""Instances whose role's calls are looked up at most (2 requests a second is all AWS allows)."""


@dataclass(frozen=True, slots=True)
class JudgedEvent:
    """An event with its judgement and its endpoint request (empty for other events)."""

    event: Event
    request: EndpointRequest
    judgement: Judgement

    def to_json(self) -> dict[str, Any]:
        """The object that ``vpce-tui events --json`` prints."""
        event = self.event
        return {
            "eventID": event.id,
            "eventTime": rfc3339(event.time) if event.time != EPOCH else None,
            "eventName": event.name,
            "eventSource": event.source,
            "awsRegion": event.region,
            "accountId": event.account,
            "principal": event.principal.arn or event.principal.name,
            "sourceIPAddress": event.source_ip,
            "userAgent": event.user_agent,
            "errorCode": event.error_code or None,
            "vpcEndpointId": self.request.endpoint_id or None,
            "serviceName": self.request.service or None,
            "severity": self.judgement.severity.word,
            "signals": [signal.to_json() for signal in self.judgement.signals],
            "unknown": list(self.judgement.unknown),
            "oddities": list(event.oddities),
        }


@dataclass(frozen=True, slots=True)
class JudgedInstance:
    """An instance with its judgement."""

    instance: Instance
    judgement: Judgement

    def to_json(self) -> dict[str, Any]:
        """The object that ``vpce-tui instances --json`` prints."""
        instance = self.instance
        return {
            "instanceId": instance.id,
            "awsRegion": instance.region,
            "accountId": instance.account,
            "name": instance.name,
            "state": instance.state,
            "severity": self.judgement.severity.word,
            "signals": [signal.to_json() for signal in self.judgement.signals],
            "unknown": list(self.judgement.unknown),
        }


States = Mapping[str, EndpointState]


def judge_events(
    events: Sequence[Event], states: States, context: Context, refused: Sequence[Event] | None = None
) -> list[JudgedEvent]:
    """Every event with its judgement, worst first, then newest. ``refused``: refused attempts, where known better."""
    if refused is None:
        refused = [event for event in events if event.creates_endpoint and event.refused]
    judged = []
    for event in events:
        if not event.creates_endpoint:
            judged.append(JudgedEvent(event, EndpointRequest(), judge_event(event)))
            continue
        request = endpoint_request(event)
        judged.append(
            JudgedEvent(event, request, judge_event(event, refused, states.get(request.endpoint_id), context))
        )
    return sorted(judged, key=worst_first)


def worst_first(judged: JudgedEvent) -> tuple[int, float]:
    """Sort key: worst, then newest."""
    return -judged.judgement.severity, -judged.event.time.timestamp()


def live_states(
    caller: Caller,
    events: Sequence[Event],
    *,
    cancel: Cancel | None = None,
    on_region: Callable[[str, States], object] = lambda *_: None,
) -> tuple[dict[str, EndpointState], tuple[Part, ...]]:
    """The state behind every endpoint that the events made; parts for the regions where something could not be read."""
    by_region: dict[str, list[EndpointRequest]] = defaultdict(list)
    for event in events:
        if event.creates_endpoint and not event.error_code and event.region:
            request = endpoint_request(event)
            if request.endpoint_id:
                by_region[event.region].append(request)
    states: dict[str, EndpointState] = {}
    parts: list[Part] = []
    for region, requests in sorted(by_region.items()):
        ids = [request.endpoint_id for request in requests]
        services = [request.service for request in requests if not AWS_SERVICE.fullmatch(request.service)]
        try:
            found = endpoint_states(caller, region, ids, services, cancel=cancel)
        except Cancelled:
            parts.append(Part(f"{region} endpoints", Status.STOPPED, "stopped by the operator"))
            break
        states.update(found)
        on_region(region, found)
        unknown = {what: why for state in found.values() for what, why in state.unknown.items()}
        if unknown:
            parts.append(
                Part(
                    f"{region} endpoints",
                    Status.PARTIAL,
                    "; ".join(f"{what}: {why}" for what, why in unknown.items()),
                    len(found),
                )
            )
    return states, tuple(parts)


def role_events(
    history: History, inventory: Inventory, now: datetime, since: timedelta, *, cancel: Cancel | None = None
) -> tuple[list[Event], frozenset[str], tuple[str, ...]]:
    """What the roles of instances did: the events, the instances that were asked about, and notes on those that were not.

    Instances with a role are asked about, those with the old metadata service or a finding first.
    """
    found = {finding.instance_id for region in inventory.regions.values() for finding in region.findings}
    holders = [instance for instance in inventory.instances if instance.profile_arn and not instance.gone]
    holders.sort(key=lambda instance: (instance.id not in found, instance.http_tokens != "optional", instance.id))
    chosen, rest = holders[:ROLE_LOOKUPS], holders[ROLE_LOOKUPS:]
    events: list[Event] = []
    asked: set[str] = set()
    notes: list[str] = []
    by_region: dict[str, list[Instance]] = defaultdict(list)
    for instance in chosen:
        by_region[instance.region].append(instance)
    for region, instances in by_region.items():
        for instance in instances:
            question = Question(now - since, now, instance.id, "Username")
            # STS and IAM record in us-east-1, whatever the instance's region.
            answer = history.look_up(sorted({region, "us-east-1"}), [question], cancel=cancel)
            events += answer.events
            if answer.coverage.complete:
                asked.add(instance.id)
            else:
                notes += [
                    f"calls by the role of {instance.id} in {part.name}: {part.reason}"
                    for part in answer.coverage.missing
                ]
    if rest:
        notes.append(f"calls by the roles of {len(rest)} more instances were not looked up")
    return events, frozenset(asked), tuple(notes)


def judge_instances(inventory: Inventory, events: Sequence[Event], asked: frozenset[str]) -> list[JudgedInstance]:
    """Every instance with its judgement, worst first."""
    by_instance: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.principal.instance_id:
            by_instance[event.principal.instance_id].append(event)
    judged = [
        JudgedInstance(
            instance,
            judge_instance(
                instance,
                inventory.regions.get(instance.region, Region(instance.region)),
                by_instance.get(instance.id, ()),
                history_known=instance.id in asked,
            ),
        )
        for instance in inventory.instances
    ]
    return sorted(
        judged, key=lambda item: (-item.judgement.severity, item.instance.gone, item.instance.region, item.instance.id)
    )


def merged(coverage: Coverage, parts: Sequence[Part], notes: Sequence[str] = ()) -> Coverage:
    """``coverage`` with what else could not be looked at."""
    return Coverage(coverage.kind, (*coverage.parts, *parts), (*coverage.notes, *notes))
