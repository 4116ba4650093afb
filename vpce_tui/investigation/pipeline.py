"""An investigation: search, inventory, look back. Once, for the app and the commands; each thing it learns gives a new snapshot.

It runs on the thread that calls it, and hands out snapshots from that thread and its workers, one after another. What is shown
first never waits for what only refines it: the search ends before the inventory begins, and that before the look back.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.aws.errors import AwsError, Cancelled, ErrorKind
from vpce_tui.cloudtrail import log_files
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_history import NEWEST, EventHistory, enabled_regions
from vpce_tui.cloudtrail.lookup import OLDEST, LookupQuery
from vpce_tui.core.coverage import Part, Status
from vpce_tui.detection.assessment import services_of, trust_zone_of, whole_past
from vpce_tui.detection.team_context import Context
from vpce_tui.iam import role_privileges, trust_zone_lookup
from vpce_tui.inventory.account_inventory import Region, read_inventory
from vpce_tui.investigation.lookback import (
    GLOBAL,
    LookbackProgress,
    LookbackQuery,
    LookbackResult,
    answered_by,
    asks,
    coverage_of,
    left_out,
    look_back,
)
from vpce_tui.investigation.snapshot import Snapshot

ENDPOINTS: Final = ("CreateVpcEndpoint",)
_NOW: Final = "current state of the account"
_LOOKBACK: Final = "the lookback in event history"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for: event names (``*``: every one) from ``since`` to ``until``, in ``regions`` (none: every enabled one).

    ``lookback``: how far back from ``now`` (None: from ``until``) it is asked what is usual and what else was done; zero: not at
    all.
    """

    since: datetime
    until: datetime
    regions: tuple[str, ...] = ()
    names: tuple[str, ...] = ENDPOINTS
    lookback: timedelta = timedelta(days=30)
    now: datetime | None = None


class Investigation:
    """One run over a live account. :meth:`run` may take minutes; :attr:`cancel` ends it with what is known by then."""

    def __init__(
        self,
        client: AwsClient,
        history: EventHistory,
        scope: Scope,
        context: Context,
        *,
        before: Snapshot | None = None,
        on_snapshot: Callable[[Snapshot], object] = lambda _: None,
    ) -> None:
        """``before``: what an earlier run of the same account knew; it is shown until it is known anew."""
        self._client, self._history, self._scope, self._context = client, history, scope, context
        self._on_snapshot = on_snapshot
        self._lock = threading.RLock()
        self._snapshot = before or Snapshot()
        self.cancel = Cancel()

    @property
    def _now(self) -> datetime:
        return self._scope.now or self._scope.until

    @property
    def snapshot(self) -> Snapshot:
        """What is known by now."""
        return self._snapshot

    def _learn(self, change: Callable[[Snapshot], Mapping[str, Any]]) -> None:
        """Take something in. ``change`` is given what is known by now, as several threads learn at once."""
        with self._lock:
            self._snapshot = replace(self._snapshot, **change(self._snapshot))
            self._on_snapshot(self._snapshot)

    def run(self) -> Snapshot:
        """All of it; the last snapshot. Raises ``AwsError`` where nothing can be asked at all."""
        try:
            self._begin()
            self._search()
            self._inventory()
            self._look_back()
        except Cancelled:
            self._end(Status.STOPPED, "stopped by the operator")
        except AwsError as error:
            self._end(Status.DENIED if error.kind is ErrorKind.DENIED else Status.FAILED, error.sentence())
            raise
        return self._snapshot

    def _end(self, status: Status, why: str) -> None:
        """Nothing is under way any more: what has not ended did not come to its end."""

        def ended(parts: Sequence[Part]) -> tuple[Part, ...]:
            return tuple(
                replace(part, status=status, reason=why) if part.status is Status.RUNNING else part for part in parts
            )

        self._learn(
            lambda now: {
                "searched": ended(now.searched),
                "inventoried": ended(now.inventoried),
                "seconds_left": None,
                "under_way": (),
                "unanswered": (*now.unanswered, *(Part(what, status, why) for what in now.under_way)),
                "lookback": replace(now.lookback, parts=ended(now.lookback.parts)),
            }
        )

    def _begin(self) -> None:
        account = self._client.identity().account
        regions, note = self._scope.regions, ""
        if not regions:
            regions, note = enabled_regions(self._client)
        gaps = [Part("list of regions", Status.DENIED, note)] if note else []
        if self._scope.since < self._now - OLDEST:
            said = "event history goes back 90 days; for older events use --log-files PATH"
            gaps.append(Part("older than 90 days", Status.FAILED, said))
        running = tuple(Part(name, Status.RUNNING) for name in self._searched_in(regions))
        after = (_NOW, *((_LOOKBACK,) if self._scope.lookback else ()))
        self._learn(
            lambda _: {
                "account": account,
                "regions": tuple(regions),
                "searched": running,
                "gaps": tuple(gaps),
                "notes": (NEWEST,),
                "inventoried": tuple(Part(name, Status.RUNNING) for name in regions),
                "under_way": after,
                "unanswered": (),
            }
        )

    def _searched_in(self, regions: Sequence[str]) -> Sequence[str]:
        """Where is searched: what is no endpoint may be recorded where global services are."""
        return regions if self._scope.names == ENDPOINTS else sorted({*regions, GLOBAL})

    def _search(self) -> None:
        scope, regions = self._scope, self._snapshot.regions
        since = max(scope.since, self._now - OLDEST)
        queries = [LookupQuery(since, scope.until, name) for name in scope.names]

        def ended(part: Part) -> None:
            self._learn(lambda now: {"searched": _with(now.searched, part)})

        def found(_: str, events: Sequence[Event]) -> None:
            self._learn(lambda now: {"events": {**now.events, **{event.id: event for event in events}}})

        self._history.search(self._searched_in(regions), queries, cancel=self.cancel, on_events=found, on_part=ended)

    def _inventory(self) -> None:
        team, services = self._context, services_of(self._snapshot.events.values())

        def region_seen(region: Region, part: Part) -> None:
            self._learn(
                lambda now: {
                    "inventory": {**(now.inventory or {}), region.name: region},
                    "inventoried": _with(now.inventoried, part),
                }
            )

        zone = trust_zone_lookup.read_trust_zone(
            self._client, team.own_accounts, team.organizations, team.trusted_principals, self.cancel
        )
        self._learn(lambda _: {"trust_zone": zone.trust_zone, "unknown_of_trust_zone": zone.unknown})
        regions = self._snapshot.regions
        looked = read_inventory(self._client, regions, services=services, cancel=self.cancel, on_region=region_seen)
        roles = role_privileges.read_roles(self._client, self.cancel)
        self._learn(
            lambda now: {
                "inventory": looked.regions,
                "inventoried": looked.coverage.parts,
                "roles": roles,
                "under_way": _without(now.under_way, _NOW),
            }
        )

    def _look_back(self) -> None:
        scope, known = self._scope, self._snapshot
        if not scope.lookback:
            return
        instances = tuple(one for region in (known.inventory or {}).values() for one in region.instances)
        named = [finding.instance_id for region in (known.inventory or {}).values() for finding in region.findings]
        wanted = asks(list(known.events.values()), instances, named, known.regions, self._now, scope.lookback)
        self._learn(lambda _: {"lookback": coverage_of(wanted, {}), "left_out": left_out(instances)})
        ended: dict[str, dict[str, Part]] = {}

        def answer(item: LookbackQuery, region: str, events: Sequence[Event], part: Part) -> None:
            def change(now: Snapshot) -> Mapping[str, Any]:
                ended.setdefault(item.query.key, {})[region] = part
                more = {event.id: event for event in events}
                return {
                    "lookback": coverage_of(wanted, ended),
                    "related": {**now.related, **more} if more else now.related,
                    "answered": {**now.answered, **answered_by([item], ended)},
                }

            self._learn(change)

        def progress(at: LookbackProgress) -> None:
            self._learn(lambda _: {"seconds_left": at.seconds_left})

        found = look_back(self._history, wanted, cancel=self.cancel, on_answer=answer, on_progress=progress)
        self._learn(
            lambda now: {
                "answered": {**now.answered, **found.answered},
                "lookback": found.coverage,
                "seconds_left": None,
                "unanswered": (*now.unanswered, *found.unanswered),
                "under_way": _without(now.under_way, _LOOKBACK),
            }
        )

    def ask_more(self, attribute: str, value: str, until: datetime) -> LookbackResult:
        """One question more, in every region; its answer stays whatever else is still being asked."""
        regions = tuple(sorted({*self._snapshot.regions, GLOBAL}))
        span = self._scope.lookback or OLDEST
        item = LookbackQuery(
            LookupQuery(since=until - span, until=until, value=value, attribute=attribute),
            regions,
            "requested by the operator",
        )
        found = look_back(self._history, [item], cancel=self.cancel)
        more = {event.id: event for event in found.events}
        self._learn(
            lambda now: {
                "related": {**now.related, **more},
                "answered": {**now.answered, **found.answered},
                "unanswered": (*now.unanswered, *found.unanswered),
                "more": (*now.more, *found.coverage.parts),
            }
        )
        return found


def from_files(
    path: Path,
    context: Context,
    *,
    names: Sequence[str] = ("*",),
    since: datetime | None = None,
    until: datetime | None = None,
    regions: Sequence[str] = (),
) -> Snapshot:
    """What CloudTrail's log files below ``path`` say. Everything in them counts as known; ``events`` are those asked for."""

    def wanted(event: Event) -> bool:
        return (
            ("*" in names or event.name in names)
            and (since is None or event.time >= since)
            and (until is None or event.time <= until)
            and (not regions or event.region in regions)
        )

    found = log_files.read(path)
    chosen = [event for event in found.events if wanted(event)]
    return Snapshot(
        kind=found.coverage.kind,
        searched=found.coverage.parts,
        notes=found.coverage.notes,
        past=whole_past(found.events),
        events={f"{event.id}/{event.region}/{number}": event for number, event in enumerate(chosen)},
        trust_zone=trust_zone_of(found.events, context),
    )


def _with(parts: Sequence[Part], ended: Part) -> tuple[Part, ...]:
    return tuple(ended if part.name == ended.name else part for part in parts)


def _without(words: Sequence[str], one: str) -> tuple[str, ...]:
    return tuple(word for word in words if word != one)
