"""What the app works on: the way to AWS, the events and instances found so far, the open incident. No terminal in here.

Everything that may wait runs on a daemon thread and hands its results over through a queue that the screen's thread
empties: no screen ever waits, and leaving the app never does.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vpce_tui.aws.call import Identity
from vpce_tui.aws.caller import Cancel
from vpce_tui.aws.errors import AwsError, Cancelled
from vpce_tui.coverage import Coverage, Part, Status

if TYPE_CHECKING:  # the first paint does not wait for what judges
    from vpce_tui.incident.journal import Journal
    from vpce_tui.inventory.account import EndpointState, Inventory, Region
    from vpce_tui.review import JudgedEvent, JudgedInstance
    from vpce_tui.signals.context import Context
    from vpce_tui.trail.event import Event


@dataclass
class Background:
    """Daemon threads whose results are delivered by :meth:`deliver`, on the caller's thread."""

    _done: deque[Callable[[], object]] = field(default_factory=deque)

    def start(
        self, name: str, work: Callable[[], Any], then: Callable[[Any], object], failed: Callable[[Exception], object]
    ) -> None:
        """Run ``work`` on a thread; ``then`` or ``failed`` is called at the next delivery."""

        def run() -> None:
            try:
                result = work()
            except Exception as error:  # handed to the screen, which says it
                problem = error
                self._done.append(lambda: failed(problem))
            else:
                self._done.append(lambda: then(result))

        threading.Thread(target=run, name=name, daemon=True).start()

    def hand_over(self, callback: Callable[[], object]) -> None:
        """From any thread: call this at the next delivery."""
        self._done.append(callback)

    def deliver(self, at_most: int = 200) -> int:
        """Call what is due; gives how many."""
        count = 0
        while self._done and count < at_most:
            self._done.popleft()()
            count += 1
        return count


class Workspace:
    """The state behind the screens. Screens read it; its methods are called on the screens' thread."""

    def __init__(
        self,
        connect: Callable[[], Any],
        clock: Callable[[], datetime],
        context: Context,
        *,
        read_only: bool,
        regions: Sequence[str] = (),
        since: timedelta = timedelta(hours=24),
        trail: Path | None = None,
        cache: Path | None = None,
    ) -> None:
        self._connect = connect
        self.clock, self.context, self.read_only = clock, context, read_only
        self.asked_regions, self.since, self.trail, self._cache_folder = tuple(regions), since, trail, cache
        self.background = Background()
        self.caller: Any = None
        self.identity: Identity | None = None
        self.regions: tuple[str, ...] = tuple(regions)
        self.problem = ""
        self.events: dict[str, Event] = {}
        self.states: dict[str, EndpointState] = {}
        self.judged: list[JudgedEvent] = []
        self.coverage = Coverage("files" if trail else "regions")
        self.fetched_at: datetime | None = None
        self.inventory: Inventory | None = None
        self.instances: list[JudgedInstance] = []
        self.instance_coverage = Coverage("regions")
        self.instances_at: datetime | None = None
        self.journal: Journal | None = None
        self.cancel = Cancel()
        self._history: Any = None
        self._listeners: list[Callable[[], object]] = []
        self._dirty = self._stale = False
        self._known: dict[str, tuple[int, int, JudgedEvent]] = {}

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
        if self._stale:
            self._stale = False
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
        if self.caller is None:
            self.caller = self._connect()
        identity = self.caller.identity()
        note = ""
        regions = self.asked_regions
        if not regions:
            from vpce_tui.trail.history import enabled_regions  # noqa: PLC0415

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
        from vpce_tui.trail.files import read  # noqa: PLC0415

        assert self.trail is not None
        return read(self.trail)

    def _trail_read(self, found: Any) -> None:
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
        from vpce_tui.trail.cache import Cache  # noqa: PLC0415
        from vpce_tui.trail.history import History, Question  # noqa: PLC0415

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
        self.coverage = Coverage("regions", parts, self.coverage.notes)
        self._changed()

    def _searched(self, found: Any) -> None:
        from vpce_tui.review import live_states  # noqa: PLC0415

        notes = tuple(dict.fromkeys((*self.coverage.notes, *found.coverage.notes)))
        self.coverage = Coverage("regions", found.coverage.parts, notes)
        self.fetched_at = self.clock()
        self._add(found.events)
        caller, cancel, events = self.caller, self.cancel, found.events

        def work() -> Any:
            return live_states(
                caller,
                events,
                cancel=cancel,
                on_region=lambda _, states: self.background.hand_over(lambda: self._state(states)),
            )

        self.background.start("states", work, self._states_read, self._failed)
        self.look_at_instances()

    def _state(self, states: Any) -> None:
        self.states.update(states)
        self._rejudge()

    def _states_read(self, found: Any) -> None:
        states, parts = found
        self.states.update(states)
        self.coverage = Coverage("regions", (*self.coverage.parts, *parts), self.coverage.notes)
        self._rejudge()

    def _rejudge(self) -> None:
        """Judge again at the next delivery: once, however many pages came in."""
        self._stale = True
        self._changed()

    def _judge(self) -> None:
        """Judge what is new, or whose live state is new; all of it only when another refused attempt came in."""
        from vpce_tui.review import judge_events, worst_first  # noqa: PLC0415

        refused = [event for event in self.events.values() if event.refused and event.creates_endpoint]
        mark = len(refused)
        todo = []
        for key, event in self.events.items():
            before = self._known.get(key)
            state = self.states.get(before[2].request.endpoint_id) if before else None
            if before is None or (event.creates_endpoint and (before[0] != mark or before[1] != id(state))):
                todo.append(key)
        for key in todo:
            (judged,) = judge_events([self.events[key]], self.states, self.context, refused)
            self._known[key] = (mark, id(self.states.get(judged.request.endpoint_id)), judged)
        self.judged = sorted((item for _, _, item in self._known.values()), key=worst_first)

    def look_at_instances(self) -> None:
        """Every instance, what its role did, and what to think of it."""
        from vpce_tui.inventory.account import Inventory, look  # noqa: PLC0415
        from vpce_tui.review import judge_instances, role_events  # noqa: PLC0415

        caller, regions, cancel, history, now, since = (
            self.caller,
            self.regions,
            self.cancel,
            self._history,
            self.clock(),
            self.since,
        )
        self.instance_coverage = Coverage("regions", tuple(Part(name, Status.RUNNING) for name in regions))
        collected: dict[str, Region] = dict(self.inventory.regions) if self.inventory else {}

        def one(region: Region, part: Part) -> None:
            def take() -> None:
                collected[region.name] = region
                parts = tuple(part if known.name == part.name else known for known in self.instance_coverage.parts)
                self.instance_coverage = Coverage("regions", parts)
                self.instances = judge_instances(
                    Inventory(dict(collected), self.instance_coverage), list(self.events.values()), frozenset()
                )
                self._changed()

            self.background.hand_over(take)

        def work() -> Any:
            inventory = look(caller, regions, cancel=cancel, on_region=one)
            return inventory, role_events(history, inventory, now, since, cancel=cancel)

        self.background.start("instances", work, self._instances_read, self._failed)

    def _instances_read(self, found: Any) -> None:
        from vpce_tui.review import judge_instances  # noqa: PLC0415

        inventory, (events, asked, notes) = found
        self.inventory, self.instances_at = inventory, self.clock()
        self.instance_coverage = Coverage("regions", inventory.coverage.parts, notes)
        self.instances = judge_instances(inventory, [*self.events.values(), *events], asked)
        self._changed()

    def stop(self) -> None:
        """Stop searching (Escape)."""
        self.cancel.stop()
