"""Assesses events and instances, with everything that is known of the account. Used by screens and commands; makes no call."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Any, Final, NamedTuple

from vpce_tui.aws.endpoint_services import AWS_SERVICE
from vpce_tui.cloudtrail.event import EPOCH, EndpointRequest, Event
from vpce_tui.cloudtrail.event_index import EVERYTHING, Answered, EventIndex
from vpce_tui.cloudtrail.recorded_calls import RecordedCalls, incident_of
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.coverage import Coverage, Part
from vpce_tui.detection.credentials_used_elsewhere import delivered
from vpce_tui.detection.endpoint import NOTHING, assess_signals
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts
from vpce_tui.detection.endpoint.facts_cache import FactsCache, role_of
from vpce_tui.detection.instance import assess_instance
from vpce_tui.detection.instance.instance_facts import InstanceFacts, NearbySuspiciousEndpoint
from vpce_tui.detection.instance.related_events import about
from vpce_tui.detection.signals import Assessment, Severity, combine_signals
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.role_privileges import IamRoles
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.flow_log_queries import Traffic
from vpce_tui.inventory.resources import Finding, Instance

_NO_REQUEST = EndpointRequest()
_HAPPENED: Final = frozenset({"guardduty", "activity", "instance_traffic"})
"""Families of rules that look at what somebody did; the others at the configuration of an instance."""
_OF_CALLER: Final = frozenset({"caller", "caller_activity", "caller_baseline"})
"""Families of rules that look at who made the call."""
_NEAR: Final = frozenset({"INST-03", "INST-18"})
"""Medium where it happened near the instance: an endpoint in its subnet, flow logs of its region."""
_GAP = 3
"""Days without a record after which files are not taken to continue."""


class AssessedEvent(NamedTuple):
    """An event with its assessment and its endpoint request (empty for other events)."""

    event: Event
    request: EndpointRequest
    assessment: Assessment
    endpoint_gone: bool = False
    """Whether the endpoint that it created was looked for, and no longer exists."""

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
            "severity": self.assessment.severity.word,
            "signals": [signal.to_json() for signal in self.assessment.signals],
            "unknown": list(self.assessment.cannot_tell),
            "suppressed": self.assessment.suppressed or None,
            "response": self.assessment.response or None,
            "parseWarnings": list(event.parse_warnings),
        }


class InstanceStatus(StrEnum):
    """What the signals about an instance amount to."""

    COMPROMISED = "compromised"
    EXPOSED = "exposed"
    NONE = ""


@dataclass(frozen=True, slots=True)
class AssessedInstance:
    """An instance with its assessment."""

    instance: Instance
    assessment: Assessment

    @property
    def status(self) -> InstanceStatus:
        """Whether somebody did something to it or with it, or it is only exposed."""
        found = [signal for signal in self.assessment.against if signal.severity >= Severity.MEDIUM]
        happened = [signal for signal in found if signal.category in _HAPPENED]
        if any(signal.id not in _NEAR or signal.severity >= Severity.HIGH for signal in happened):
            return InstanceStatus.COMPROMISED
        return InstanceStatus.EXPOSED if found else InstanceStatus.NONE

    def to_json(self) -> dict[str, Any]:
        """The object that ``vpce-tui instances --json`` prints."""
        instance = self.instance
        return {
            "instanceId": instance.id,
            "awsRegion": instance.region,
            "accountId": instance.account,
            "name": instance.name,
            "state": instance.state,
            "severity": self.assessment.severity.word,
            "status": self.status or None,
            "signals": [signal.to_json() for signal in self.assessment.signals],
            "unknown": list(self.assessment.cannot_tell),
        }


@dataclass(frozen=True)
class AssessmentInputs:
    """Everything that an assessment rests on. ``regions`` None: the account as it is now was not looked at.

    ``traffic`` is by the id of the endpoint or instance whose flow logs were asked.
    """

    past: EventIndex = field(default_factory=EventIndex)
    regions: Mapping[str, Region] | None = None
    trust_zone: TrustZone = field(default_factory=TrustZone)
    roles: IamRoles | None = None
    context: Context = field(default_factory=Context)
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    now: datetime | None = None
    recorded: RecordedCalls = field(default_factory=dict)
    """Calls that incident records have."""

    @cached_property
    def facts_cache(self) -> FactsCache:
        """What many events have in common, assessed once: what they asked for, and who asked."""
        return FactsCache(
            regions=self.regions,
            context=self.context,
            trust_zone=self.trust_zone,
            past=self.past,
            instances_by_id=self.instances_by_id,
            roles=self.roles,
            traffic=self.traffic,
        )

    @cached_property
    def instances_by_id(self) -> Mapping[str, tuple[Instance, Region]]:
        """Every instance by id, with its region."""
        regions = (self.regions or {}).values()
        return {instance.id: (instance, region) for region in regions for instance in region.instances}


def whole_past(events: Sequence[Event]) -> EventIndex:
    """A past in which these events are everything that happened, back to the first gap of some days.

    Events that all have one name were picked by it: of other calls they say nothing.
    """
    days = sorted({event.time.date() for event in events if event.time > EPOCH}, reverse=True)
    since = days[0] if days else None
    for day in days:  # back to the first gap: an old record alone says nothing of the time after it
        if since is None or (since - day).days > _GAP:
            break
        since = day
    first = min(
        (event.time for event in events if since and event.time.date() >= since and event.time > EPOCH), default=EPOCH
    )
    names = {event.name for event in events}
    whole = f"EventName={next(iter(names))}" if len(names) == 1 else EVERYTHING  # records that somebody picked by name
    return EventIndex(events, {whole: Answered(first)})


def trust_zone_of(events: Iterable[Event], context: Context) -> TrustZone:
    """Whose files these are: the accounts that recorded the events, and what the team has named."""
    accounts = {event.account for event in events if event.account}
    return TrustZone(
        accounts=frozenset({*accounts, *context.own_accounts}),
        organizations=context.organizations,
        buckets=None,
        trusted=context.trusted_principals,
    )


def assess_event(event: Event, known: AssessmentInputs) -> AssessedEvent:
    """One event with its assessment."""
    request = event.request
    if request is None:
        return AssessedEvent(event, _NO_REQUEST, NOTHING)
    subject = EventFacts(
        event=event,
        endpoint_facts=known.facts_cache.endpoint_facts(event, request),
        caller_facts=known.facts_cache.caller_facts(event),
        past=known.past,
    )
    assessed = with_suppression(assess_signals(subject), event, known)
    incident = incident_of(event, known.recorded)
    if incident:
        assessed = _as_response(assessed, incident, there=bool(request.endpoint_id) and not subject.endpoint_facts.gone)
    return AssessedEvent(event, request, assessed, subject.endpoint_facts.gone)


def _as_response(found: Assessment, incident: str, *, there: bool) -> Assessment:
    """Who made the call is known. What an endpoint that is ``there`` lets through is as bad as before: an undo creates it again."""
    of_endpoint = [signal for signal in found.signals if there and signal.category not in _OF_CALLER]
    severity = min(combine_signals(of_endpoint).severity, found.severity)
    return found._replace(severity=severity, response=incident)


def with_suppression(found: Assessment, event: Event, known: AssessmentInputs) -> Assessment:
    """Severity info where somebody suppressed it; every signal is kept."""
    mark = known.context.is_suppressed(event.id, known.now) if known.context.suppressions and known.now else None
    if mark is None:
        return found
    by = f" ({mark.by})" if mark.by else ""
    return found._replace(severity=Severity.INFO, suppressed=f"suppressed until {mark.until}: {mark.reason}{by}")


def assess_events(events: Sequence[Event], known: AssessmentInputs) -> list[AssessedEvent]:
    """Every event with its assessment, worst first, then newest."""
    return worst_first(assess_event(event, known) for event in events)


def worst_first(assessed: Iterable[AssessedEvent]) -> list[AssessedEvent]:
    """In order: worst first, then newest."""
    found = sorted(assessed, key=_TIME, reverse=True)
    found.sort(key=_SEVERITY, reverse=True)
    return found


_TIME: Final = attrgetter("event.time")
_SEVERITY: Final = attrgetter("assessment.severity")


def services_of(events: Iterable[Event]) -> dict[str, set[str]]:
    """By region, the names of services that are not plainly AWS's: whose they are must be asked."""
    found: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.request and event.request.service and not AWS_SERVICE.fullmatch(event.request.service):
            found[event.region].add(event.request.service)
    return found


def near(assessed: Iterable[AssessedEvent], known: AssessmentInputs) -> tuple[NearbySuspiciousEndpoint, ...]:
    """The endpoints to worry about, for the instances near them."""
    found = []
    for item in assessed:
        if item.assessment.severity < Severity.HIGH and not (
            item.event.error_code and item.assessment.severity is Severity.MEDIUM
        ):
            continue
        region = (known.regions or {}).get(item.event.region)
        endpoint = region.network.endpoints.get(item.request.endpoint_id) if region else None
        subnets = frozenset(endpoint.subnets if endpoint else item.request.subnets)
        nics = set(endpoint.interfaces) if endpoint else set()
        addresses = (
            frozenset(region.network.addresses[nic] for nic in nics if nic in region.network.addresses)
            if region
            else frozenset()
        )
        vpc = item.request.vpc_id or (endpoint.vpc_id if endpoint else "")
        found.append(
            NearbySuspiciousEndpoint(
                event=item.event,
                endpoint=item.request.endpoint_id,
                severity=item.assessment.severity,
                vpc=vpc,
                subnets=subnets,
                addresses=addresses,
                gone=item.endpoint_gone,
                deleted=_deleted(item, known),
            )
        )
    return tuple(found)


def _deleted(item: AssessedEvent, known: AssessmentInputs) -> datetime | None:
    """When the endpoint that an event created was deleted, as event history says."""
    changes = known.past.changes_of.get(item.request.endpoint_id) if item.endpoint_gone else None
    deletions = [event.time for event in changes.events if event.name == "DeleteVpcEndpoints"] if changes else []
    return max(deletions, default=None)


def assess_instances(known: AssessmentInputs, assessed: Iterable[AssessedEvent]) -> list[AssessedInstance]:
    """Every instance with its assessment, worst first; of equal severity those that exist before those that are gone, then the
    compromised ones first."""
    now, regions = known.now, known.regions or {}
    instances = [instance for region in regions.values() for instance in region.instances]
    by_role: dict[str, list[Event]] = defaultdict(list)
    for event in known.past.ordered:
        name = event.principal.instance_id
        if name and delivered(event.principal, role_of(known.instances_by_id.get(name), known.roles)):
            by_role[name].append(event)
    calls = about(known.past, instances, now)
    owned: dict[str, int] = defaultdict(int)
    for instance in instances:
        if not instance.gone and known.context.owner(instance.tags):
            owned[instance.vpc_id] += 1
    close = near(assessed, known)
    findings = findings_by_instance(regions.values())
    found = [
        AssessedInstance(
            instance,
            assess_instance(
                InstanceFacts(
                    instance=instance,
                    region=regions[instance.region],
                    past=known.past,
                    now=now,
                    context=known.context,
                    trust_zone=known.trust_zone,
                    roles=known.roles,
                    near=close,
                    traffic=known.traffic.get(instance.id),
                    about=calls.get(instance.id, {}),
                    by_role=tuple(by_role.get(instance.id, ())),
                    alike=owned.get(instance.vpc_id, 0),
                    findings=findings.get(instance.id, ()),
                    recorded=known.recorded,
                )
            ),
        )
        for instance in instances
    ]
    return sorted(
        found,
        key=lambda item: (
            -item.assessment.severity,
            item.instance.gone,
            item.status is not InstanceStatus.COMPROMISED,
            item.instance.region,
            item.instance.id,
        ),
    )


def findings_by_instance(regions: Iterable[Region]) -> dict[str, tuple[Finding, ...]]:
    """GuardDuty's findings by the instance that they are about."""
    found: dict[str, tuple[Finding, ...]] = {}
    for region in regions:
        for finding in region.findings:
            found[finding.instance_id] = (*found.get(finding.instance_id, ()), finding)
    return found


def merged(coverage: Coverage, parts: Sequence[Part], notes: Sequence[str] = ()) -> Coverage:
    """``coverage`` with what else could not be looked at."""
    return replace(coverage, beside=(*coverage.beside, *parts), notes=(*coverage.notes, *notes))
