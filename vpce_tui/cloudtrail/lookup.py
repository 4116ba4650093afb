"""One question to CloudTrail event history (``LookupEvents``), page by page; evidence and the operator's own session are asked for elsewhere.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html: one attribute, 50 events a page, 90 days,
newest first. The session waits so that no more than two requests a second are made for an account in a region.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.cloudtrail.event import Event, parse_text

PAGE: Final = 50
"""Events of a page at most."""
OLDEST: Final = timedelta(days=90)
"""How far back event history goes."""
ANY: Final = "*"
A_MOMENT: Final = timedelta(seconds=20)
"""Between two plans nothing new is expected of event history: CloudTrail takes minutes to deliver what happened."""


@dataclass(frozen=True, slots=True)
class LookupQuery:
    """What to look for: one attribute (``EventName``, ``Username``, …; the value ``*`` for none) in a span of time."""

    since: datetime
    until: datetime
    value: str = "CreateVpcEndpoint"
    attribute: str = "EventName"
    pages: int = 0
    """Pages that are read at most: a sample of the newest. 0: all of them."""
    may_be_old: timedelta = timedelta(0)
    """What was asked no longer ago than this is not asked again."""

    @property
    def key(self) -> str:
        """How the cache and coverage name the query, without its span."""
        return ANY if self.value == ANY else f"{self.attribute}={self.value}"


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """An event with the attributes by which AWS found it: a later question about them is answered without asking."""

    event: Event
    attributes: frozenset[tuple[str, str]]
    """Pairs such as ``("Username", "alice")``; ``ResourceName`` may be repeated."""

    def answers(self, query: LookupQuery) -> bool:
        """Whether AWS would list it for ``query``, whatever its span."""
        return query.value == ANY or (query.attribute, query.value) in self.attributes


@dataclass(frozen=True, slots=True)
class LookupPage:
    """One answer: its events, newest first, and whether older ones follow."""

    events: tuple[FoundEvent, ...]
    more: bool


def look_up(
    client: AwsClient, region: str, query: LookupQuery, *, cancel: Cancel | None = None
) -> Iterator[LookupPage]:
    """The pages of ``query`` in one region, at most :attr:`LookupQuery.pages`. Raises ``AwsError``, ``Cancelled``."""
    parameters: dict[str, object] = {"StartTime": query.since, "EndTime": query.until, "MaxResults": PAGE}
    if query.value != ANY:
        parameters["LookupAttributes"] = [{"AttributeKey": query.attribute, "AttributeValue": query.value}]
    call = Call(service="cloudtrail", operation="LookupEvents", region=region, parameters=parameters)
    for number, page in enumerate(client.pages(call, cancel=cancel), start=1):
        yield LookupPage(tuple(map(_found, page.data.get("Events", []))), bool(page.data.get("NextToken")))
        if number == query.pages:
            return


_ATTRIBUTES: Final = ("EventId", "EventName", "EventSource", "ReadOnly", "Username", "AccessKeyId")


def _found(item: Mapping[str, Any]) -> FoundEvent:
    attributes = {(name, str(item[name])) for name in _ATTRIBUTES if item.get(name)}
    for resource in item.get("Resources") or ():
        attributes |= {(name, str(resource[name])) for name in ("ResourceName", "ResourceType") if resource.get(name)}
    return FoundEvent(parse_text(str(item.get("CloudTrailEvent", "{}"))), frozenset(attributes))
