"""What the app works on: the way to AWS, the events and instances found so far, the open incident. No terminal in here.

Everything that may wait runs on a daemon thread and hands its results over through a queue that the screen's thread
empties: no screen ever waits, and leaving the app never does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vpce_tui.aws.call import Identity
from vpce_tui.aws.errors import AwsError, Cancelled
from vpce_tui.core.background import Background
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.coverage import Coverage

if TYPE_CHECKING:  # the first paint does not wait for what assesses
    from vpce_tui.cloudtrail.event import Event
    from vpce_tui.cloudtrail.event_history import EventHistory
    from vpce_tui.cloudtrail.recorded_calls import RecordedCalls
    from vpce_tui.detection.assessment import AssessedEvent, AssessedInstance, AssessmentInputs
    from vpce_tui.detection.team_context import Context
    from vpce_tui.incident.incident_store import KnownIncidents
    from vpce_tui.incident.journal import Journal
    from vpce_tui.incident.record import Record
    from vpce_tui.inventory.flow_log_queries import Traffic
    from vpce_tui.investigation.containment_status import ContainmentStatus
    from vpce_tui.investigation.pipeline import Investigation
    from vpce_tui.investigation.snapshot import Snapshot


_ASSESSED_BY: Final = ("events", "related", "inventory", "trust_zone", "roles", "under_way", "more")
"""What of a snapshot assessments rest on."""


class Workspace:
    """The state behind the screens. Screens read it; its methods are called on the screens' thread."""

    def __init__(
        self,
        connect: Callable[[], tuple[Any, Context | None]],
        clock: Callable[[], datetime],
        context: Context,
        *,
        read_only: bool,
        regions: Sequence[str] = (),
        since: timedelta = timedelta(hours=24),
        log_files: Path | None = None,
        cache: Path | None = None,
        look_back: timedelta = timedelta(days=30),
        context_file: Path | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        """``snapshot``: what an earlier investigation knew; it is shown, and nothing is searched until it is asked for."""
        self._connect = connect
        self.clock, self.context, self.read_only = clock, context, read_only
        self.asked_regions, self.since, self.log_files, self._cache_folder = tuple(regions), since, log_files, cache
        self.look_back, self.context_file = look_back, context_file
        self.started_at, self.problem, self.alias = rfc3339(clock()), "", ""
        self._known_now: AssessmentInputs | None = None
        self.background = Background()
        self.client: Any = None
        self.identity: Identity | None = None
        self.snapshot = snapshot  # what is known by now; None: nothing was begun
        self.assessed: list[AssessedEvent] = []
        self.instances: list[AssessedInstance] = []
        self.fetched_at: datetime | None = None
        self.traffic: dict[str, Traffic] = {}  # what flow logs said, by the endpoint or instance they were asked about
        self.journal: Journal | None = None
        self._recorded: RecordedCalls = {}
        self.records: Mapping[str, Record] = {}  # of the incidents on this host, as of when they were read last
        self._investigation: Investigation | None = None
        self._history: EventHistory | None = None
        self._listeners: list[Callable[[], object]] = []
        self._dirty = self._stale = self._assessing = False
        self._plain: dict[str, AssessedEvent] = {}  # events that make no endpoint, assessed once

    # -- what screens read of the snapshot

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that are looked at."""
        return self.snapshot.regions if self.snapshot is not None else self.asked_regions

    @property
    def events(self) -> Mapping[str, Event]:
        """The events that were searched for."""
        return self.snapshot.events if self.snapshot is not None else {}

    @property
    def coverage(self) -> Coverage:
        """Coverage of the event search."""
        return (
            self.snapshot.coverage if self.snapshot is not None else Coverage("files" if self.log_files else "regions")
        )

    @property
    def instance_coverage(self) -> Coverage:
        """Coverage of the inventory."""
        return self.snapshot.instance_coverage if self.snapshot is not None else Coverage("regions")

    @property
    def history_coverage(self) -> Coverage:
        """Of the questions to event history."""
        return self.snapshot.history_coverage if self.snapshot is not None else Coverage("queries")

    @property
    def seconds_left(self) -> float | None:
        """Of the look back, at the rate that AWS allows; None: none is running, or it is not known yet."""
        return self.snapshot.seconds_left if self.snapshot is not None else None

    @property
    def inventory_by_region(self) -> Mapping[str, Any] | None:
        """Regions as they are now; None: none was looked at."""
        return self.snapshot.inventory if self.snapshot is not None else None

    @property
    def looked_back(self) -> bool:
        """Whether event history has answered everything that it was asked."""
        return self.snapshot is not None and self.snapshot.looked_back

    # -- telling the screens

    def listen(self, listener: Callable[[], object]) -> None:
        """Call this after something changed."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], object]) -> None:
        """Do not call it any more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def deliver(self) -> None:
        """Take in what the threads found; notifies the listeners once."""
        self.background.deliver()
        if self._stale and not self._assessing:
            self._stale, self._assessing = False, True
            self._assess()
        if self._dirty:
            self._dirty = False
            for listener in tuple(self._listeners):
                listener()

    def _changed(self) -> None:
        self._dirty = True

    def roles_of(self, instance_id: str) -> tuple[str, ...]:
        """Names of this account's roles whose sessions EC2 handed to the instance, in the events found so far."""
        return tuple(sorted({role for role, instance in self._delivered_role_sessions() if instance == instance_id}))

    def instances_that_held(self, role: str) -> tuple[str, ...]:
        """Ids of the instances that EC2 handed sessions of this account's role to, in the events found so far."""
        return tuple(sorted({instance for name, instance in self._delivered_role_sessions() if name == role}))

    def _delivered_role_sessions(self) -> set[tuple[str, str]]:
        from vpce_tui.cloudtrail.callers import delivered_role_sessions  # noqa: PLC0415

        own = self.identity.account if self.identity else ""
        return delivered_role_sessions((item.event for item in self.assessed), own)

    # -- connecting and searching

    def start(self) -> None:
        """Connect and investigate, in the background."""
        self.problem = ""
        if self.log_files is not None:
            self.background.start("log files", self._read_log_files, self._files_read, self._failed)
        else:
            self.background.start("connect", self._connected, lambda _: self._begin(), self._failed)

    def _connected(self) -> None:
        from vpce_tui.investigation import pipeline  # noqa: F401, PLC0415 - imported here, so that no screen waits for it

        if self.client is None:
            self.client, team = self._connect()
            self.context = team or self.context
        identity = self.client.identity()

        def take(alias: str = "") -> None:
            self.identity, self.alias = identity, alias
            self._changed()

        self.background.hand_over(take)
        alias = self.client.account_alias()
        self.background.hand_over(lambda: take(alias))

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            return
        self.problem = error.sentence() if isinstance(error, AwsError) else str(error)
        self._changed()

    def _read_log_files(self) -> Snapshot:
        from vpce_tui.investigation.pipeline import from_files  # noqa: PLC0415

        assert self.log_files is not None
        return from_files(self.log_files, self.context)

    def _files_read(self, snapshot: Snapshot) -> None:
        self.snapshot, self.fetched_at = snapshot, self.clock()
        self._reassess()

    def refresh(self) -> None:
        """Ask again for what is new."""
        if self.log_files is not None or self.client is None:
            self.start()
        elif self.snapshot is None or not self.snapshot.searching:
            self.search()

    def _begin(self) -> None:
        """Search; or show what was given."""
        if self.snapshot is None or self._investigation is not None:
            self.search()
            return
        self._investigation = self._new_investigation()
        self.fetched_at = self.clock()
        self._reassess()

    def search(self) -> None:
        """Investigate: the events, then what is behind them, then what else happened."""
        self.problem = ""
        self.stop()  # of two runs the older one knows nothing that the newer one will not
        run = self._investigation = self._new_investigation()
        self.background.start("investigation", run.run, lambda _: None, self._failed)
        self._changed()

    def event_history(self) -> EventHistory:
        """The one event history: what was looked up for a search is not looked up again for a plan."""
        from vpce_tui.cloudtrail.event_cache import EventCache  # noqa: PLC0415
        from vpce_tui.cloudtrail.event_history import EventHistory  # noqa: PLC0415

        if self._history is None:
            self._history = EventHistory(self.client, EventCache(self._cache_folder))
        return self._history

    def _new_investigation(self) -> Investigation:
        from vpce_tui.investigation.pipeline import Investigation, Scope  # noqa: PLC0415

        now = self.clock()
        scope = Scope(now - self.since, now, self.asked_regions, lookback=self.look_back)
        run = Investigation(
            self.client,
            self.event_history(),
            scope,
            self.context,
            before=self.snapshot,
            on_snapshot=lambda known: self.background.hand_over(lambda: self._take(run, known)),
        )
        return run

    def _take(self, run: Investigation, known: Snapshot) -> None:
        """Show what is known by now; results of a cancelled run are ignored."""
        if run is not self._investigation:
            return
        before, self.snapshot = self.snapshot, known
        if not known.searching and (before is None or before.searching):
            self.fetched_at = self.clock()
        if before is None or any(getattr(before, name) is not getattr(known, name) for name in _ASSESSED_BY):
            self._reassess()
        self._changed()

    # -- assessing

    @property
    def assessing(self) -> bool:
        """Whether what is on screen is about to change, as something new is being assessed."""
        return self._stale or self._assessing

    @property
    def settled(self) -> bool:
        """Whether a search has ended and all that it found is assessed: what is not in the lists now was not found."""
        return self.fetched_at is not None and not (self.snapshot and self.snapshot.searching) and not self.assessing

    def _reassess(self) -> None:
        """Assess again at the next delivery: once, however much came in."""
        self._stale, self._known_now = True, None
        self._changed()

    def statuses_of(self, target: str) -> tuple[ContainmentStatus, ...]:
        """What was done about ``target`` in the incidents of this host, one for each playbook."""
        from vpce_tui.investigation.containment_status import statuses_now  # noqa: PLC0415

        record, here = self._record(), self.journal.name if self.journal is not None else ""
        records = {**self.records, **({here: record} if record is not None else {})}
        account = self.identity.account if self.identity is not None else ""
        return statuses_now(records, account, here, target, self.instances, self.inventory_by_region or {})

    def recorded(self, known: KnownIncidents) -> None:
        """These incidents are on this host: assess by what was done in them from now on."""
        self.records = known.records
        if known.recorded_calls != self._recorded:
            self._recorded = known.recorded_calls
            self._reassess()

    def use(self, context: Context) -> None:
        """Assess by another context from now on."""
        self.context = context
        self._reassess()

    def assessment_of(self, event: Event) -> AssessedEvent:
        """An event with its assessment, whether it is in the list or was only found by looking back."""
        from vpce_tui.detection.assessment import assess_event  # noqa: PLC0415

        return next((item for item in self.assessed if item.event is event), None) or assess_event(
            event, self.assessment_inputs()
        )

    def ask_more(self, question: str) -> None:
        """Ask event history one question more, in every region."""
        run = self._investigation
        if run is None:
            return
        attribute, _, value = question.partition("=")
        now = self.clock()
        self.background.start("ask", lambda: run.ask_more(attribute, value, now), lambda _: None, self._failed)

    def ask_traffic(
        self, target: str, read: Callable[[Any], tuple[Traffic | None, str]], then: Callable[[str], object]
    ) -> None:
        """Query the flow logs of an endpoint or an instance with ``read``, which gives the traffic, or None and why not.

        ``then`` is called with ``""``, or why they could not be queried.
        """
        client = self.client

        def task() -> tuple[Traffic | None, str]:
            return read(client)

        def answered(found: tuple[Traffic | None, str]) -> None:
            answer, problem = found
            if answer is not None:
                self.traffic = {**self.traffic, target: answer}
                self._reassess()
            then("" if answer is not None else problem)

        self.background.start("traffic", task, answered, lambda error: then(str(error)))

    def assessment_inputs(self) -> AssessmentInputs:
        """Everything that assessments rest on, as of now."""
        if self._known_now is None:
            self._known_now = self._everything()
        return self._known_now

    def _everything(self) -> AssessmentInputs:
        from vpce_tui.incident.incident_store import named  # noqa: PLC0415
        from vpce_tui.investigation.snapshot import Snapshot  # noqa: PLC0415

        found = self.snapshot or Snapshot(account=self.identity.account if self.identity else "")
        record = self._record()
        recorded = self._recorded
        if record is not None and self.journal is not None:
            recorded = {**recorded, **named(record.recorded_calls, self.journal.name)}
        return found.assessment_inputs(self.context, self.traffic, self.clock(), recorded)

    def _record(self) -> Record | None:
        """What the open incident's rows amount to; None: none is open, or its record is damaged, which its own screen says."""
        from vpce_tui.incident.record_errors import RecordError  # noqa: PLC0415

        try:
            return self.journal.record() if self.journal is not None else None
        except RecordError:
            return None

    def _assess(self) -> None:
        """On a thread, from a snapshot: thousands of instances must not keep a key waiting."""
        from vpce_tui.detection.assessment import assess_event, assess_instances, worst_first  # noqa: PLC0415

        known, events, plain = self.assessment_inputs(), list(self.events.items()), self._plain

        def task() -> tuple[list[AssessedEvent], list[AssessedInstance] | None]:
            assessed = []
            for key, event in events:
                if event.request is not None:
                    assessed.append(assess_event(event, known))
                else:
                    assessed.append(plain.get(key) or plain.setdefault(key, assess_event(event, known)))
            assessed = worst_first(assessed)
            known.past.index()
            return assessed, assess_instances(known, assessed) if known.regions is not None else None

        def take(found: tuple[list[AssessedEvent], list[AssessedInstance] | None]) -> None:
            self._assessing = False
            self.assessed, instances = found
            if instances is not None:
                self.instances = instances
            self._changed()

        def failed(error: Exception) -> None:
            self._assessing = False
            self._failed(error)

        self.background.start("assess", task, take, failed)

    def stop(self) -> None:
        """Stop searching (Escape)."""
        if self._investigation is not None:
            self._investigation.cancel.stop()
