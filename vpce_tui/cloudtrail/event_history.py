"""Events from CloudTrail event history (``LookupEvents``): all regions side by side, paced, streaming, cached.

AWS allows 2 requests a second for each account and region, 50 events a page, 90 days. Events arrive in about five
minutes but with no promise, so the newest half hour is asked for again each time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.caller import Caller, Cancel
from vpce_tui.aws.errors import AwsError, Cancelled, Kind
from vpce_tui.aws.pacing import Pacer
from vpce_tui.cloudtrail.event import Event, parse_text
from vpce_tui.cloudtrail.event_cache import Cache
from vpce_tui.cloudtrail.log_files import Found
from vpce_tui.core.coverage import Coverage, Part, Status, newest_of, side_by_side

RATE: Final = 2.0
LATE: Final = timedelta(minutes=30)
OLDEST: Final = timedelta(days=90)
ANY: Final = "*"
SAMPLE: Final = "only the newest were asked for, and there are more"
"""The note of a part whose question was for some pages only, where there were more."""
NEWEST: Final = (
    "CloudTrail delivers in about five minutes and promises no limit: the newest quarter of an hour may be incomplete"
)

DEFAULT_REGIONS: Final = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
    "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
"""The regions every account has; used, and said so, where ``DescribeRegions`` is denied."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for: one attribute (``EventName``, ``Username``, …; ``*`` for none) in a span of time."""

    since: datetime
    until: datetime
    value: str = "CreateVpcEndpoint"
    attribute: str = "EventName"
    pages: int = 0
    """Pages that are asked for at most: a sample of the newest. 0: all of them."""

    @property
    def key(self) -> str:
        """How the cache names the question."""
        return ANY if self.value == ANY else f"{self.attribute}={self.value}"


OnEvents = Callable[[str, Sequence[Event]], object]
OnPart = Callable[[Part], object]


def enabled_regions(caller: Caller) -> tuple[tuple[str, ...], str]:
    """The account's enabled regions, and a note where they had to be assumed."""
    try:
        answer = caller.read(Call("ec2", "DescribeRegions", caller.home_region)).data
    except AwsError as error:
        if error.kind is not Kind.DENIED:
            raise
        return (
            DEFAULT_REGIONS,
            f"regions could not be listed ({error.code}); the {len(DEFAULT_REGIONS)} default ones were asked",
        )
    names = sorted(str(item["RegionName"]) for item in answer.get("Regions", []))
    return tuple(names), ""


class History:
    """Looks events up, paced by one bucket for each account and region."""

    def __init__(self, caller: Caller, cache: Cache | None = None, pacer: Pacer | None = None) -> None:
        self._caller = caller
        self._cache = cache
        self._pacer = pacer or Pacer(RATE)

    def look_up(
        self,
        regions: Sequence[str],
        questions: Sequence[Question],
        *,
        cancel: Cancel | None = None,
        on_events: OnEvents | None = None,
        on_part: OnPart | None = None,
    ) -> Found:
        """Every event that answers one of the questions, newest first, with coverage by region.

        ``on_events`` gets each page as it comes and ``on_part`` each region as it ends, from worker threads.
        """
        account = self._caller.identity().account
        stop = cancel or Cancel()

        def one(region: str) -> tuple[list[Event], Part]:
            found: dict[str, Event] = {}
            part = Part(region, Status.LOOKED)
            for question in questions:
                ended = self._region(account, region, question, stop, found, on_events)
                if ended.status is not Status.LOOKED:
                    part = ended
                    break
            newest = newest_of(event.time for event in found.values())
            part = Part(region, part.status, part.reason, len(found), newest)
            if on_part:
                on_part(part)
            return list(found.values()), part

        events, parts = side_by_side(regions, one, at_most=max(len(regions), 1))
        events.sort(key=lambda event: event.time, reverse=True)
        return Found(tuple(events), Coverage("regions", parts, (NEWEST,)))

    def ask(
        self, region: str, question: Question, *, cancel: Cancel | None = None, on_events: OnEvents | None = None
    ) -> tuple[list[Event], Part]:
        """What answers one question in one region, and how that ended."""
        found: dict[str, Event] = {}
        account = self._caller.identity().account
        part = self._region(account, region, question, cancel or Cancel(), found, on_events)
        return list(found.values()), part

    def _region(
        self,
        account: str,
        region: str,
        question: Question,
        stop: Cancel,
        found: dict[str, Event],
        on_events: OnEvents | None,
    ) -> Part:
        cache = self._cache if not question.pages else None
        since = self._already(cache, account, region, question, found, on_events)
        bucket = self._pacer.bucket(account, region)

        def pace() -> None:
            stop.check()
            bucket.take()
            stop.check()

        parameters: dict[str, object] = {"StartTime": since, "EndTime": question.until, "MaxResults": 50}
        if question.value != ANY:
            parameters["LookupAttributes"] = [{"AttributeKey": question.attribute, "AttributeValue": question.value}]
        call = Call("cloudtrail", "LookupEvents", region, parameters)
        try:
            for number, page in enumerate(self._caller.pages(call, before_page=pace), start=1):
                events = [parse_text(str(item.get("CloudTrailEvent", "{}"))) for item in page.data.get("Events", [])]
                new = [event for event in events if event.id not in found]
                found.update((event.id, event) for event in new)
                if cache is not None:
                    cache.keep(account, region, question.key, new)
                if on_events and new:
                    on_events(region, new)
                if number == question.pages:
                    if page.data.get("NextToken"):
                        return Part(region, Status.LOOKED, note=SAMPLE)
                    break
        except Cancelled:
            return Part(region, Status.STOPPED, "stopped by the operator")
        except AwsError as error:
            status = Status.DENIED if error.kind is Kind.DENIED else Status.FAILED
            return Part(region, Status.PARTIAL if found else status, error.sentence())
        if cache is not None:
            cache.keep_span(account, region, question.key, since, question.until)
        return Part(region, Status.LOOKED)

    def _already(
        self,
        cache: Cache | None,
        account: str,
        region: str,
        question: Question,
        found: dict[str, Event],
        on_events: OnEvents | None,
    ) -> datetime:
        """Fill ``found`` from the cache; gives the time from which AWS must be asked."""
        if cache is None:
            return question.since
        span = cache.span(account, region, question.key)
        if span is None or datetime.fromisoformat(span[0]) > question.since:
            return question.since
        known = cache.events(account, region, question.key, question.since, question.until)
        found.update((event.id, event) for event in known)
        if on_events and known:
            on_events(region, known)
        return max(question.since, min(datetime.fromisoformat(span[1]), question.until) - LATE)
