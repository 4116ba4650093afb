"""Everything that an investigation knows at one moment: what screens show, what ``--json`` prints, with its one coverage. Immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_index import Answered, EventIndex
from vpce_tui.cloudtrail.recorded_calls import RecordedCalls
from vpce_tui.core.coverage import Coverage, Part, Status
from vpce_tui.detection.assessment import AssessmentInputs
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.role_privileges import IamRoles
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.flow_log_queries import Traffic


@dataclass(frozen=True)
class Snapshot:
    """``events`` is what was searched for, by event id; ``related`` what the look back found besides.

    ``inventory`` None: the account as it is now was not looked at.
    """

    account: str = ""
    regions: tuple[str, ...] = ()
    kind: str = "regions"
    """What the parts of the search are: regions, or files."""
    events: Mapping[str, Event] = field(default_factory=dict)
    searched: tuple[Part, ...] = ()
    """How the search ended, region by region or file by file."""
    gaps: tuple[Part, ...] = ()
    """What the search could not look at besides: the list of regions, what is older than event history goes."""
    notes: tuple[str, ...] = ()
    inventory: Mapping[str, Region] | None = None
    inventoried: tuple[Part, ...] = ()
    trust_zone: TrustZone | None = None
    unknown_of_trust_zone: tuple[str, ...] = ()
    roles: IamRoles | None = None
    related: Mapping[str, Event] = field(default_factory=dict)
    answered: Mapping[str, Answered] = field(default_factory=dict)
    """Questions to event history that were answered, and where."""
    lookback: Coverage = field(default_factory=lambda: Coverage("queries"))
    more: tuple[Part, ...] = ()
    """Questions that the operator asked besides, and how they ended."""
    unanswered: tuple[Part, ...] = ()
    """By region, questions that were asked and not answered."""
    left_out: str = ""
    """What the look back did not ask about at all."""
    seconds_left: float | None = None
    """Of the look back, as far as is known; None: none is running."""
    under_way: tuple[str, ...] = ()
    """What has not ended yet besides the parts that are running, in words."""
    past: EventIndex | None = None
    """Of files: everything that is in them. Else it is made of the events, and what the look back found."""

    @cached_property
    def event_index(self) -> EventIndex:
        """What else happened, and which questions about it are answered."""
        if self.past is not None:
            return self.past
        return EventIndex((*self.events.values(), *self.related.values()), self.answered)

    @property
    def searching(self) -> bool:
        """Whether the search has not ended."""
        return any(part.status is Status.RUNNING for part in self.searched)

    @property
    def looked_back(self) -> bool:
        """Whether event history has answered everything that it was asked."""
        return self.account != "" and not self.under_way

    @cached_property
    def history_coverage(self) -> Coverage:
        """Of what event history was asked, a part a question."""
        return Coverage("queries", (*self.lookback.parts, *self.more))

    @cached_property
    def coverage(self) -> Coverage:
        """Of the search, with everything that assessing its events rests on."""
        searched = {part.name for part in self.searched if part.status is not Status.LOOKED}
        lacking = [
            Part(f"{part.name} as it is now", part.status, part.reason)
            for part in self.inventoried
            if part.status not in (Status.LOOKED, Status.RUNNING)
        ]
        beside = (*self.gaps, *lacking, *self._beside(searched))
        return Coverage(
            kind=self.kind, parts=self.searched, notes=(*self.notes, *self.unknown_of_trust_zone), beside=beside
        )

    @cached_property
    def instance_coverage(self) -> Coverage:
        """Of the inventory, with everything that assessing instances rests on."""
        inventoried = {part.name for part in self.inventoried if part.status is not Status.LOOKED}
        lacking = [
            Part(f"endpoint events of {part.name}", part.status, part.reason)
            for part in self.searched
            if part.status not in (Status.LOOKED, Status.RUNNING) and part.name not in inventoried
        ]
        notes = tuple(note for note in (self.left_out, *self.unknown_of_trust_zone) if note)
        return Coverage(
            kind="regions",
            parts=self.inventoried,
            notes=notes,
            beside=(*self.gaps, *lacking, *self._beside(inventoried)),
        )

    def _beside(self, named: set[str]) -> list[Part]:
        """What both rest on: roles, the look back, and what has not ended. ``named``: regions that are named as missing already."""
        found = []
        if self.roles is not None and self.roles.problem:
            found.append(Part("roles", Status.PARTIAL, self.roles.problem))
        found += [part for part in self.unanswered if part.name not in named]
        found += [Part(what, Status.RUNNING) for what in self.under_way]
        return found

    def assessment_inputs(
        self,
        context: Context,
        traffic: Mapping[str, Traffic],
        now: datetime,
        recorded: RecordedCalls = MappingProxyType({}),
    ) -> AssessmentInputs:
        """What assessments rest on. ``recorded``: calls that incident records have."""
        own = {self.account} - {""}
        trust_zone = self.trust_zone or TrustZone(
            accounts=frozenset({*own, *context.own_accounts}),
            organizations=context.organizations,
            buckets=None,
            trusted=context.trusted_principals,
        )
        return AssessmentInputs(
            past=self.event_index,
            regions=self.inventory,
            trust_zone=trust_zone,
            roles=self.roles,
            context=context,
            traffic=traffic,
            now=now,
            recorded=recorded,
        )
