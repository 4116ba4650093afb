"""What the app works on: the way to AWS, the events and instances found so far, the open incident. No terminal in here.

Everything that may wait runs on a daemon thread and hands its results over through a queue that the screen's thread
empties: no screen ever waits, and leaving the app never does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vpce_tui.aws.call import Identity
from vpce_tui.aws.caller import Cancel
from vpce_tui.aws.errors import AwsError, Cancelled
from vpce_tui.core.background import Background
from vpce_tui.core.coverage import Coverage, Part, Status

if TYPE_CHECKING:  # the first paint does not wait for what judges
    from vpce_tui.cloudtrail.event import Event
    from vpce_tui.cloudtrail.event_index import Past
    from vpce_tui.detection.assessment import JudgedEvent, JudgedInstance, Known
    from vpce_tui.detection.team_context import Context
    from vpce_tui.iam.external_access import Ours
    from vpce_tui.iam.role_privileges import Roles
    from vpce_tui.incident.journal import Journal
    from vpce_tui.inventory.account_inventory import Inventory, Region
    from vpce_tui.inventory.flow_log_queries import Traffic


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
        trail: Path | None = None,
        cache: Path | None = None,
        look_back: timedelta = timedelta(days=30),
        context_file: Path | None = None,
    ) -> None:
        self._connect = connect
        self.clock, self.context, self.read_only = clock, context, read_only
        self.asked_regions, self.since, self.trail, self._cache_folder = tuple(regions), since, trail, cache
        self.look_back, self.context_file = look_back, context_file
        self._known_now: Known | None = None
        self.background = Background()
        self.caller: Any = None
        self.identity: Identity | None = None
        self.regions: tuple[str, ...] = tuple(regions)
        self.problem = ""
        self.events: dict[str, Event] = {}
        self.judged: list[JudgedEvent] = []
        self.coverage = Coverage("files" if trail else "regions")
        self.fetched_at: datetime | None = None
        self.regions_seen: dict[str, Region] | None = None
        """Regions as they are now; None: none was looked at."""
        self.ours: Ours | None = None
        self.roles: Roles | None = None
        self.past: Past | None = None
        """What else happened, by event history or by files; None: nobody looked."""
        self.looked_back = False
        """Whether event history has told everything that it was asked."""
        self.told: dict[str, Event] = {}
        self.history_coverage = Coverage("questions")
        self.traffic: dict[str, Traffic] = {}
        """What flow logs said, by the endpoint or instance that they were asked about."""
        self.instances: list[JudgedInstance] = []
        self.instance_coverage = Coverage("regions")
        self.instances_at: datetime | None = None
        self.journal: Journal | None = None
        self.cancel = Cancel()
        self._history: Any = None
        self._listeners: list[Callable[[], object]] = []
        self._dirty = self._stale = self._judging = False
        self._plain: dict[str, JudgedEvent] = {}
        """Events that make no endpoint, judged once: nothing else is known of them."""

    # -- telling the screens

    def listen(self, listener: Callable[[], object]) -> None:
        """Call this after something changed."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[], object]) -> None:
        """Do not call it any more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def deliver(self) -> None:
        """Take in what the threads found; tells the listeners once."""
        self.background.deliver()
        if self._stale and not self._judging:
            self._stale, self._judging = False, True
            self._judge()
        if self._dirty:
            self._dirty = False
            for listener in tuple(self._listeners):
                listener()

    def _changed(self) -> None:
        self._dirty = True

    def roles_of(self, instance_id: str) -> tuple[str, ...]:
        """Names of this account's roles whose sessions EC2 handed to the instance, in the events found so far.

        A session's name alone proves nothing: whoever assumes a role chooses it.
        """
        own = self.identity.account if self.identity else ""
        principals = (item.event.principal for item in self.judged)
        return tuple(
            sorted(
                {
                    who.role_name
                    for who in principals
                    if who.instance_id == instance_id and who.role_name and who.ec2_role_delivery and who.account == own
                }
            )
        )

    # -- connecting and searching

    def start(self) -> None:
        """Connect and search, in the background."""
        self.problem = ""
        if self.trail is not None:
            self.background.start("trail", self._read_trail, self._trail_read, self._failed)
        else:
            self.background.start("connect", self._connected, lambda _: self.search(), self._failed)

    def _connected(self) -> None:
        from vpce_tui.detection import assessment  # noqa: F401, PLC0415 - imported here, so that no screen waits for it
        from vpce_tui.investigation import lookback  # noqa: F401, PLC0415 - imported here, so that no screen waits for it

        if self.caller is None:
            self.caller, told = self._connect()
            self.context = told or self.context
        identity = self.caller.identity()
        note = ""
        regions = self.asked_regions
        if not regions:
            from vpce_tui.cloudtrail.event_history import enabled_regions  # noqa: PLC0415

            regions, note = enabled_regions(self.caller)

        def take() -> None:
            self.identity, self.regions = identity, tuple(regions)
            self.coverage = Coverage("regions", (), (note,) if note else ())
            self._changed()

        self.background.hand_over(take)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            return
        self.problem = error.sentence() if isinstance(error, AwsError) else str(error)
        self._changed()

    def _read_trail(self) -> Any:
        from vpce_tui.cloudtrail.log_files import read  # noqa: PLC0415
        from vpce_tui.detection.assessment import ours_of, whole_past  # noqa: PLC0415

        assert self.trail is not None
        found = read(self.trail)
        return found, whole_past(found.events), ours_of(found.events, self.context)

    def _trail_read(self, answer: Any) -> None:
        found, self.past, self.ours = answer
        self.events = {f"{event.id}/{event.region}/{number}": event for number, event in enumerate(found.events)}
        self.coverage, self.fetched_at = found.coverage, self.clock()
        self._rejudge()

    def refresh(self) -> None:
        """Ask again for what is new."""
        if self.trail is not None or self.caller is None:
            self.start()
        elif not self.coverage.running:
            self.search()

    def search(self) -> None:
        """Look events up in every region, then what stands behind them, then the instances."""
        from vpce_tui.cloudtrail.event_cache import Cache  # noqa: PLC0415
        from vpce_tui.cloudtrail.event_history import History, Question  # noqa: PLC0415

        self.problem = ""
        self.cancel = cancel = Cancel()
        if self._history is None:
            self._history = History(self.caller, Cache(self._cache_folder) if self._cache_folder else None)
        now = self.clock()
        question = Question(now - self.since, now)
        self.coverage = Coverage(
            "regions", tuple(Part(name, Status.RUNNING) for name in self.regions), self.coverage.notes
        )
        history, regions = self._history, self.regions

        def work() -> Any:
            return history.look_up(
                regions, [question], cancel=cancel,
                on_events=lambda _, found: self.background.hand_over(lambda: self._add(found)),
                on_part=lambda part: self.background.hand_over(lambda: self._part(part)),
            )  # fmt: skip

        self.background.start("events", work, self._searched, self._failed)
        self._changed()

    def _add(self, found: Sequence[Event]) -> None:
        self.events.update((event.id, event) for event in found)
        self._rejudge()

    def _part(self, part: Part) -> None:
        parts = tuple(part if known.name == part.name else known for known in self.coverage.parts)
        self.coverage = replace(self.coverage, parts=parts)
        self._changed()

    def _searched(self, found: Any) -> None:
        notes = tuple(dict.fromkeys((*self.coverage.notes, *found.coverage.notes)))
        self.coverage = Coverage("regions", found.coverage.parts, notes)
        self.fetched_at = self.clock()
        self._add(found.events)
        self.look()

    def look(self) -> None:
        """The account as it is now, and then what event history tells about what was found."""
        from vpce_tui.detection.assessment import services_of  # noqa: PLC0415
        from vpce_tui.iam import role_privileges, trust_zone_lookup  # noqa: PLC0415
        from vpce_tui.inventory.account_inventory import look  # noqa: PLC0415

        caller, regions, cancel, context = self.caller, self.regions, self.cancel, self.context
        services = services_of(self.events.values())
        self.instance_coverage = Coverage("regions", tuple(Part(name, Status.RUNNING) for name in regions))

        def one(region: Region, part: Part) -> None:
            self.background.hand_over(lambda: self._region(region, part))

        def work() -> Any:
            whose = trust_zone_lookup.look(
                caller, context.own_accounts, context.organisations, context.trusted_principals, cancel
            )
            self.background.hand_over(lambda: self._whose(whose))
            inventory = look(caller, regions, services=services, cancel=cancel, on_region=one)
            return inventory, role_privileges.look(caller, cancel)

        self.background.start("look", work, self._looked, self._failed)

    def _whose(self, found: Any) -> None:
        self.ours = found.ours
        if found.unknown:
            notes = tuple(dict.fromkeys((*self.coverage.notes, *found.unknown)))
            self.coverage = replace(self.coverage, notes=notes)
        self._rejudge()

    def _region(self, region: Region, part: Part) -> None:
        self.regions_seen = {**(self.regions_seen or {}), region.name: region}
        parts = tuple(part if known.name == part.name else known for known in self.instance_coverage.parts)
        self.instance_coverage = Coverage("regions", parts, self.instance_coverage.notes)
        if part.status is not Status.LOOKED and any(event.region == region.name for event in self.events.values()):
            lacking = Part(f"{region.name} as it is now", part.status, part.reason)
            rest = (known for known in self.coverage.beside if known.name != lacking.name)
            self.coverage = replace(self.coverage, beside=(*rest, lacking))
        self._rejudge()

    def _looked(self, found: Any) -> None:
        from vpce_tui.investigation.lookback import left_out  # noqa: PLC0415

        inventory, self.roles = found
        self.regions_seen, self.instances_at = dict(inventory.regions), self.clock()
        notes = [
            note
            for note in (left_out(inventory.instances), self.roles.problem and f"roles: {self.roles.problem}")
            if note
        ]
        self.instance_coverage = Coverage("regions", inventory.coverage.parts, tuple(notes))
        self._rejudge()
        self.ask_history(inventory)

    def ask_history(self, inventory: Inventory) -> None:
        """Look back: what is usual, and what else was done. Answers come one by one; Escape ends it."""
        from vpce_tui.cloudtrail.event_index import Past  # noqa: PLC0415
        from vpce_tui.investigation.lookback import answered_by, asks, coverage_of, look_back  # noqa: PLC0415

        findings = [finding.instance_id for region in inventory.regions.values() for finding in region.findings]
        wanted = asks(
            list(self.events.values()), inventory.instances, findings, self.regions, self.clock(), self.look_back
        )
        if not self.look_back:
            wanted = []
        history, cancel = self._history, self.cancel
        ended: dict[str, dict[str, Part]] = {}
        self.looked_back = False
        self.history_coverage = coverage_of(wanted, ended)

        def answered(ask: Any, region: str, events: Sequence[Event], part: Part) -> None:
            def take() -> None:
                ended.setdefault(ask.question.key, {})[region] = part
                self.told.update((event.id, event) for event in events)
                self.history_coverage = coverage_of(wanted, ended)
                if events:  # what is known by now counts by now; that the rest is not answered yet is known, too
                    self.past = Past((*self.events.values(), *self.told.values()), answered_by(wanted, ended))
                    self._rejudge()
                self._changed()

            self.background.hand_over(take)

        def work() -> Any:
            return look_back(history, wanted, cancel=cancel, on_answer=answered)

        self.background.start("history", work, self._history_told, self._failed)
        self._changed()

    def _history_told(self, found: Any) -> None:
        from vpce_tui.cloudtrail.event_index import Past  # noqa: PLC0415

        self.told.update((event.id, event) for event in found.events)
        self.history_coverage, self.looked_back = found.coverage, True
        self.past = Past((*self.events.values(), *self.told.values()), found.answered)
        self._rejudge()

    # -- judging

    @property
    def judging(self) -> bool:
        """Whether what is on screen is about to change, as something new is being judged."""
        return self._stale or self._judging

    @property
    def settled(self) -> bool:
        """Whether a search has ended and all that it found is judged: what is not in the lists now was not found."""
        return self.fetched_at is not None and not self.coverage.running and not self.judging

    def _rejudge(self) -> None:
        """Judge again at the next delivery: once, however much came in."""
        self._stale = True
        self._known_now = None
        self._changed()

    def use(self, context: Context) -> None:
        """Judge by another context from now on."""
        self.context = context
        self._rejudge()

    def judged_of(self, event: Event) -> JudgedEvent:
        """An event with its judgement, whether it is in the list or was only found by looking back."""
        from vpce_tui.detection.assessment import judge_one  # noqa: PLC0415

        return next((item for item in self.judged if item.event is event), None) or judge_one(event, self.known())

    def ask_more(self, question: str) -> None:
        """Ask event history one question more, in every region."""
        from vpce_tui.cloudtrail.event_history import Question  # noqa: PLC0415
        from vpce_tui.cloudtrail.event_index import Past  # noqa: PLC0415
        from vpce_tui.investigation.lookback import GLOBAL, Ask, look_back  # noqa: PLC0415

        attribute, _, value = question.partition("=")
        now = self.clock()
        ask = Ask(
            Question(now - self.look_back, now, value, attribute),
            tuple(sorted({*self.regions, GLOBAL})),
            "asked by the operator",
        )
        history, cancel = self._history, self.cancel

        def told(found: Any) -> None:
            self.told.update((event.id, event) for event in found.events)
            parts = (*self.history_coverage.parts, *found.coverage.parts)
            self.history_coverage = Coverage(self.history_coverage.kind, parts)
            answered = {**(self.past.answered if self.past else {}), **found.answered}
            self.past = Past((*self.events.values(), *self.told.values()), answered)
            self._rejudge()

        self.background.start("ask", lambda: look_back(history, [ask], cancel=cancel), told, self._failed)

    def ask_traffic(
        self, target: str, read: Callable[[Any], tuple[Traffic | None, str]], then: Callable[[str], object]
    ) -> None:
        """Query the flow logs of an endpoint or an instance with ``read``, which gives the traffic, or None and why not.

        ``then`` is called with ``""``, or why they could not be queried.
        """
        caller = self.caller

        def work() -> tuple[Traffic | None, str]:
            return read(caller)

        def told(found: tuple[Traffic | None, str]) -> None:
            answer, problem = found
            if answer is not None:
                self.traffic = {**self.traffic, target: answer}
                self._rejudge()
            then("" if answer is not None else problem)

        self.background.start("traffic", work, told, lambda error: then(str(error)))

    def known(self) -> Known:
        """Everything that judgements rest on, as of now."""
        if self._known_now is None:
            self._known_now = self._everything()
        return self._known_now

    def _everything(self) -> Known:
        from vpce_tui.cloudtrail.event_index import Past  # noqa: PLC0415
        from vpce_tui.detection.assessment import Known  # noqa: PLC0415
        from vpce_tui.iam.external_access import Ours  # noqa: PLC0415

        told, own = self.context, {self.identity.account} if self.identity else set()
        ours = self.ours or Ours(
            frozenset({*own, *told.own_accounts}), told.organisations, None, told.trusted_principals
        )
        past = self.past or Past(tuple(self.events.values()))
        return Known(past, self.regions_seen, ours, self.roles, told, self.traffic, self.clock())

    def _judge(self) -> None:
        """On a thread, from a snapshot: thousands of instances must not keep a key waiting."""
        from vpce_tui.detection.assessment import judge_instances, judge_one, worst_first  # noqa: PLC0415

        known, events, plain = self.known(), list(self.events.items()), self._plain

        def work() -> tuple[list[JudgedEvent], list[JudgedInstance] | None]:
            judged = []
            for key, event in events:
                if event.request is not None:
                    judged.append(judge_one(event, known))
                else:
                    judged.append(plain.get(key) or plain.setdefault(key, judge_one(event, known)))
            judged = worst_first(judged)
            known.past.index()
            return judged, judge_instances(known, judged) if known.regions is not None else None

        def take(found: tuple[list[JudgedEvent], list[JudgedInstance] | None]) -> None:
            self._judging = False
            self.judged, instances = found
            if instances is not None:
                self.instances = instances
            self._changed()

        def failed(error: Exception) -> None:
            self._judging = False
            self._failed(error)

        self.background.start("judge", work, take, failed)

    def stop(self) -> None:
        """Stop searching (Escape)."""
        self.cancel.stop()
