"""Events from CloudTrail event history: all regions side by side, streaming, and nothing asked that is known.

What is known by an earlier question is not asked again; and where many questions are open about one region, its newest events
are read page by page whatever they are, as long as that answers more questions than it takes requests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.aws.errors import AwsError, Cancelled, ErrorKind
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.log_files import Found
from vpce_tui.cloudtrail.lookup import ANY, PAGE, FoundEvent, LookupQuery, look_up
from vpce_tui.core.coverage import Coverage, Part, Status, newest_of, side_by_side
from vpce_tui.core.spans import Span, missing

SAMPLE: Final = "only the newest were read, and there are more"
"""The note of a part whose question was for some pages only, where there were more."""
NEWEST: Final = (
    "CloudTrail usually delivers events in about 5 minutes, without a guarantee: the last 15 minutes may be incomplete"
)

DEFAULT_REGIONS: Final = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
"""The regions every account has; used, and said so, where ``DescribeRegions`` is denied."""

OnEvents = Callable[[str, Sequence[Event]], object]
OnPart = Callable[[Part], object]
OnAnswer = Callable[[LookupQuery, Sequence[Event], Part], object]


def enabled_regions(client: AwsClient) -> tuple[tuple[str, ...], str]:
    """The account's enabled regions, and a note where they had to be assumed."""
    try:
        answer = client.read(Call("ec2", "DescribeRegions", client.home_region)).data
    except AwsError as error:
        if error.kind is not ErrorKind.DENIED:
            raise
        return (
            DEFAULT_REGIONS,
            f"regions could not be listed ({error.code}); the {len(DEFAULT_REGIONS)} default ones were searched",
        )
    names = sorted(str(item["RegionName"]) for item in answer.get("Regions", []))
    return tuple(names), ""


@dataclass(frozen=True, slots=True)
class _OpenQuery:
    """A question with the spans that are not known yet, oldest first: each is a request at least."""

    query: LookupQuery
    spans: tuple[Span, ...]

    @property
    def oldest(self) -> datetime:
        return self.spans[0][0]


class EventHistory:
    """Looks events up, and remembers what was asked. Thread-safe."""

    def __init__(self, client: AwsClient, cache: EventCache | None = None) -> None:
        self._client = client
        self._cache = cache or EventCache()

    def search(
        self,
        regions: Sequence[str],
        queries: Sequence[LookupQuery],
        *,
        cancel: Cancel | None = None,
        on_events: OnEvents | None = None,
        on_part: OnPart | None = None,
    ) -> Found:
        """Every event that answers one of the queries, newest first, with coverage by region.

        ``on_events`` gets each page as it comes and ``on_part`` each region as it ends, from worker threads.
        """
        stop = cancel or Cancel()

        def one(region: str) -> tuple[list[Event], Part]:
            found: dict[str, Event] = {}
            part = Part(region, Status.LOOKED)
            for query in queries:
                events, ended = self.ask(region, query, cancel=stop, on_events=on_events)
                found.update((event.id, event) for event in events)
                if ended.status is not Status.LOOKED:
                    part = ended
                    break
            newest = newest_of(event.time for event in found.values())
            part = Part(name=region, status=part.status, reason=part.reason, items=len(found), newest=newest)
            if on_part:
                on_part(part)
            return list(found.values()), part

        events, parts = side_by_side(regions, one, at_most=max(len(regions), 1))
        events.sort(key=lambda event: event.time, reverse=True)
        return Found(tuple(events), Coverage("regions", parts, (NEWEST,)))

    def ask_all(
        self,
        region: str,
        queries: Sequence[LookupQuery],
        *,
        cancel: Cancel | None = None,
        on_answer: OnAnswer = lambda *_: None,
        on_left: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Ask many queries in one region, in their order, with as few requests as are known to do.

        ``on_answer`` is called with each; ``on_left`` with an estimate of the requests that are left.
        """
        stop, account = cancel or Cancel(), self._client.identity().account
        if len(self._unanswered(account, region, queries)) > 1:
            self._newest(account, region, queries, stop, on_left)
        left = len(self._unanswered(account, region, queries))
        denied: Part | None = None
        for query in queries:
            on_left(left)
            asked = bool(self._unanswered(account, region, [query]))
            if asked and denied is not None:  # so is every other question about the region
                events, part = self._answers(account, region, query), denied
            else:
                events, part = self.ask(region, query, cancel=stop)
            left -= asked
            denied = part if part.status is Status.DENIED else denied
            on_answer(query, events, part)
        on_left(0)

    def ask(
        self, region: str, query: LookupQuery, *, cancel: Cancel | None = None, on_events: OnEvents | None = None
    ) -> tuple[list[Event], Part]:
        """What answers one query in one region, and how that ended."""
        account, stop = self._client.identity().account, cancel or Cancel()
        known = self._answers(account, region, query)
        if on_events and known:
            on_events(region, known)
        open_still = self._unanswered(account, region, [query])
        if not open_still:
            more = bool(query.pages) and self._cut(account, region, query)
            return known, Part(region, Status.LOOKED, items=len(known), note=SAMPLE if more else "")
        if query.pages:
            return self._sample(account, region, query, stop)
        seen = {event.id for event in known}
        began = datetime.now(UTC)
        try:
            for since, until in reversed(open_still[0].spans):
                for page in look_up(self._client, region, replace(query, since=since, until=until), cancel=stop):
                    self._cache.keep(account, region, page.events)
                    new = [item.event for item in page.events if item.event.id not in seen]
                    seen.update(event.id for event in new)
                    known += new
                    if on_events and new:
                        on_events(region, new)
        except (AwsError, Cancelled) as error:
            return known, _failed(region, error, known)
        self._cache.keep_span(account, region, query.key, (query.since, query.until), began)
        return known, Part(region, Status.LOOKED, items=len(known))

    def _sample(self, account: str, region: str, query: LookupQuery, stop: Cancel) -> tuple[list[Event], Part]:
        """The newest answers of as many pages as are wanted."""
        found: list[FoundEvent] = []
        more, began = False, datetime.now(UTC)
        try:
            for page in look_up(self._client, region, query, cancel=stop):
                found += page.events
                more = page.more
                self._cache.keep(account, region, page.events)
        except (AwsError, Cancelled) as error:
            events = [item.event for item in found]
            return events, _failed(region, error, events)
        if not more:  # it came to its end: that is no sample
            self._cache.keep_span(account, region, query.key, (query.since, query.until), began)
        events = [item.event for item in found]
        return events, Part(region, Status.LOOKED, items=len(events), note=SAMPLE if more else "")

    def _answers(self, account: str, region: str, query: LookupQuery) -> list[Event]:
        """What is known of the answers; of a sample the newest alone."""
        found = [item.event for item in self._cache.events(account, region, query)]
        return found[: query.pages * PAGE] if query.pages else found

    def _cut(self, account: str, region: str, query: LookupQuery) -> bool:
        """Whether a sample that is known has older answers than it shows, or may have."""
        whole = not missing((query.since, query.until), self._cache.complete_spans(account, region, query))
        return not whole or len(self._cache.events(account, region, query)) > query.pages * PAGE

    def _unanswered(self, account: str, region: str, queries: Sequence[LookupQuery]) -> list[_OpenQuery]:
        """The queries that are not answered yet. A sample is, once enough of the newest answers are known."""
        found = []
        for query in queries:
            known = self._cache.complete_spans(account, region, query)
            gaps = missing((query.since, query.until), known)
            if not gaps:
                continue
            if query.pages:
                newest = replace(query, since=max(gaps[-1][1], query.since))
                if gaps[-1][1] < query.until and len(self._cache.events(account, region, newest)) >= query.pages * PAGE:
                    continue
                gaps = [(query.since, query.until)]
            found.append(_OpenQuery(query, tuple(gaps)))
        return found

    def _newest(
        self,
        account: str,
        region: str,
        queries: Sequence[LookupQuery],
        stop: Cancel,
        on_left: Callable[[int], object],
    ) -> None:
        """Read the newest events of a region, whatever they are, as long as that saves requests.

        How much time the last page covers gives how many pages more it would take. The last calls often come in a burst (this
        program's own do): where too many pages seem needed, one page from the middle of the span shows how dense events are there, and
        where they are not, some pages more are read. An account that is busy all the time is asked two requests too many.
        """
        until, began = max(query.until for query in queries), datetime.now(UTC)
        start = self._unanswered(account, region, queries)
        oldest = min(item.oldest for item in start)
        read, tried, dense = until, max(_TRIED, len(start) // 4), False
        try:
            for number, page in enumerate(
                look_up(self._client, region, LookupQuery(oldest, until, ANY), cancel=stop), start=1
            ):
                self._cache.keep(account, region, page.events)
                last = page.events[-1].event.time if page.events else oldest
                before, read = read, min(read, last + timedelta(seconds=1)) if page.more else oldest
                self._cache.keep_span(account, region, ANY, (read, until), began)
                left = self._unanswered(account, region, queries)
                worth = _pages_worth(left, read, before - read)
                if not page.more or not left:
                    return
                if number == 1 and not worth:
                    dense = self._dense(account, region, (oldest, read), len(left), stop)
                if not worth and (dense or number >= tried):
                    return
                on_left(worth or tried - number)
        except (AwsError, Cancelled):
            return  # each question is asked by itself then, and says how it ended

    def _dense(self, account: str, region: str, span: Span, questions: int, stop: Cancel) -> bool:
        """Whether half of ``span`` alone would take more pages than there are questions: by one page from its middle."""
        since, until = span
        middle = since + (until - since) / 2
        for page in look_up(self._client, region, LookupQuery(since, middle, ANY, pages=1), cancel=stop):
            self._cache.keep(account, region, page.events)
            if page.more:
                return (middle - since) / max(middle - page.events[-1].event.time, timedelta(seconds=1)) > questions
        return False


_TRIED: Final = 3
"""Pages that are read at least before it is given up."""


def _pages_worth(left: Sequence[_OpenQuery], read: datetime, each: timedelta) -> int:
    """How many pages more answer more questions than they take requests, where a page holds the events of ``each``; 0: none do.

    ``read``: back to when every event is known.
    """
    if not left or each <= timedelta(0):
        return 0
    for answered, item in enumerate(sorted(left, key=lambda item: item.oldest, reverse=True), start=1):
        needed = ceil((read - item.oldest) / each)
        if needed <= answered:
            return max(needed, 1)
    return 0


def _failed(region: str, error: AwsError | Cancelled, found: Sequence[Event]) -> Part:
    if isinstance(error, Cancelled):
        return Part(name=region, status=Status.STOPPED, reason="stopped by the operator", items=len(found))
    status = Status.DENIED if error.kind is ErrorKind.DENIED else Status.FAILED
    return Part(name=region, status=Status.PARTIAL if found else status, reason=error.sentence(), items=len(found))
