"""What many events have in common, made once for all of them: what was asked for, and who asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vpce_tui.cloudtrail.callers import credential_of
from vpce_tui.cloudtrail.event import EndpointRequest, Event
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.cloudtrail.event_timeline import Timeline
from vpce_tui.cloudtrail.sensitive_calls import MAY_BE_OPEN, describe_impact, opens, routine
from vpce_tui.detection.endpoint.endpoint_facts import NOBODY, CallerFacts, EndpointFacts, SensitiveCallSet
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.role_privileges import IamRoles
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.flow_log_queries import Traffic
from vpce_tui.inventory.resources import Instance


@dataclass(slots=True)
class FactsCache:
    """Gives the :class:`EndpointFacts` and the :class:`CallerFacts` of each event, one for all that are alike."""

    regions: Mapping[str, Region] | None
    context: Context
    trust_zone: TrustZone
    past: EventIndex = NOBODY
    instances_by_id: Mapping[str, tuple[Instance, Region]] = field(default_factory=dict)
    roles: IamRoles | None = None
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    _sensitive_calls: dict[tuple[str, str, bool], SensitiveCallSet] = field(default_factory=dict)
    _made: dict[tuple[Any, ...], EndpointFacts] = field(default_factory=dict)
    _callers: dict[tuple[Any, ...], CallerFacts] = field(default_factory=dict)

    def endpoint_facts(self, event: Event, request: EndpointRequest) -> EndpointFacts:
        """What an event asked for, and what is there now."""
        region = self.regions.get(event.region) if self.regions is not None else None
        name = request.endpoint_id
        here = region.network.endpoints if region is not None else ()
        known = name if name in here or name in self.past.through or name in self.traffic else ""
        key = (event.region, event.account, event.shared_event_id, bool(name), known, request[:-2])
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = EndpointFacts(
                request=EndpointRequest(*request[:-2], (), known),
                where=event.region,
                region=region,
                context=self.context,
                trust_zone=self.trust_zone,
                account=event.account,
                shared_event_id=event.shared_event_id,
                named=bool(name),
                past=self.past,
                traffic=self.traffic.get(known),
            )
        return found

    def caller_facts(self, event: Event) -> CallerFacts:
        """Who made an event."""
        key = (event.principal, event.account, event.user_agent, event.session_credential_from_console)
        found = self._callers.get(key)
        if found is None:
            instance = self.instances_by_id.get(event.principal.instance_id)
            found = CallerFacts(
                principal=event.principal,
                account=event.account,
                agent=event.user_agent,
                console=event.session_credential_from_console,
                context=self.context,
                past=self.past,
                instance=instance,
                instance_role=role_of(instance, self.roles),
            )
            found.sensitive_calls = self._sensitive_calls_of("session", credential_of(event.principal), found)
            found.sensitive_calls_elsewhere = self._sensitive_calls_of("who", found.who, found)
            self._callers[key] = found  # only when it is whole: another thread may ask for it
        return found

    def _sensitive_calls_of(self, kind: str, name: str, maker: CallerFacts) -> SensitiveCallSet:
        """The sensitive calls of one session (``kind`` *session*), or of one caller in all sessions (*who*)."""
        by = self.past.sensitive_by_credential if kind == "session" else self.past.sensitive_by_caller
        line = by.get(name)
        if line is None:
            return {}
        key = (kind, name, maker.pipeline)
        if key not in self._sensitive_calls:
            self._sensitive_calls[key] = sensitive_calls_of(line.events, self.trust_zone, pipeline=maker.pipeline)
        return self._sensitive_calls[key]


def role_of(instance: tuple[Instance, Region] | None, roles: IamRoles | None) -> str:
    """The name of the role that an instance's profile hands out; ``""``: it has none, or roles were not read."""
    return roles.by_profile.get(instance[0].profile_arn, "") if instance is not None and roles is not None else ""


def sensitive_calls_of(events: Iterable[Event], trust_zone: TrustZone, *, pipeline: bool) -> SensitiveCallSet:
    """What some calls mean, by their name: those that open something apart, so that a harmless one before hides none.

    What a pipeline does in a day's work is left out where it is one.
    """
    found: defaultdict[str, tuple[list[Event], list[Event]]] = defaultdict(lambda: ([], []))
    for event in events:
        said = describe_impact(event, trust_zone)
        if said and MAY_BE_OPEN not in said and not (pipeline and routine(said)):
            found[event.name][0 if opens(said) else 1].append(event)
    return {name: (Timeline(worst), Timeline(rest)) for name, (worst, rest) in found.items()}
