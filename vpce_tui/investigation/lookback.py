"""One look back in event history, for the rules that ask what is usual and what else was done: which questions, and their answers.

Asked once, cached, in the order of what they are worth; what was not answered is known to be unanswered.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from vpce_tui.aws.client import Cancel
from vpce_tui.aws.endpoint_services import source_of
from vpce_tui.aws.pacing import LIMITS
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_history import SAMPLE, EventHistory
from vpce_tui.cloudtrail.event_index import Answered
from vpce_tui.cloudtrail.lookup import LookupQuery
from vpce_tui.core.coverage import Coverage, Part, Status, side_by_side
from vpce_tui.core.text import many
from vpce_tui.inventory.resources import Instance

DEFAULT: Final = timedelta(days=30)
GLOBAL: Final = "us-east-1"
"""Where IAM, Organizations and account settings record."""

_OF_CREDENTIALS: Final = ("CreateAccessKey", "CreateUser", "CreateLoginProfile", "CreateRole", "EnableRegion")
_OF_INSTANCES: Final = (
    "RunInstances",
    "ModifyInstanceAttribute",
    "AssociateIamInstanceProfile",
    "ReplaceIamInstanceProfileAssociation",
    "ModifyInstanceMetadataOptions",
    "ModifyNetworkInterfaceAttribute",
    "StartSession",
    "SendCommand",
    "SendSSHPublicKey",
    "SendSerialConsoleSSHPublicKey",
    "GetPasswordData",
    "CreateSnapshot",
    "CreateSnapshots",
    "DeleteFlowLogs",
    "UnmonitorInstances",
    "OpenTunnel",
    "AttachVolume",
    "AttachNetworkInterface",
)
"""Calls that are rare in an account and mean something about its instances."""
_OF_COPIES: Final = ("ModifySnapshotAttribute", "CopySnapshot")
"""A copy of a snapshot may be anywhere; the call that makes it records where it goes."""
MOST: Final = 40
"""Makers of endpoints that are asked about at most, and half of the endpoints."""
SESSIONS: Final = 40
"""Instances whose role's calls are looked up at most (2 requests a second is all AWS allows)."""


@dataclass(frozen=True, slots=True)
class LookbackQuery:
    """A query, the regions to ask it in, and what it is for."""

    query: LookupQuery
    regions: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class LookbackResult:
    """Events of event history, which questions they answer, and the coverage, a part a question."""

    events: tuple[Event, ...] = ()
    answered: Mapping[str, Answered] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=lambda: Coverage("queries"))
    unanswered: tuple[Part, ...] = ()
    """A part for each region in which questions were not answered."""


def asks(
    events: Iterable[Event],
    instances: Sequence[Instance],
    found: Iterable[str],
    regions: Sequence[str],
    now: datetime,
    since: timedelta = DEFAULT,
) -> list[LookbackQuery]:
    """What to ask about endpoint events and instances. ``found``: instances that GuardDuty names, asked about first."""
    begin = now - since
    everywhere = tuple(sorted({*regions, GLOBAL}))
    made = _worth_asking([event for event in events if event.request is not None])
    asked: dict[tuple[str, str], LookbackQuery] = {}

    def ask(attribute: str, value: str, where: Iterable[str], why: str, pages: int = 0) -> None:
        if value:
            before = asked.get((attribute, value))
            wanted = {*where, *(before.regions if before else ())} - {""}
            asked[attribute, value] = LookbackQuery(
                LookupQuery(since=begin, until=now, value=value, attribute=attribute, pages=pages),
                tuple(sorted(wanted)),
                why,
            )

    for event in made:
        ask("AccessKeyId", event.principal.access_key_id, everywhere, "other calls of the key or session")
    for event in made:
        if event.principal.type == "AssumedRole" and not event.principal.ec2_role_delivery:
            ask("ResourceName", event.principal.access_key_id, everywhere, "who created the session")
    ask("EventName", "CreateVpcEndpoint", everywhere, "who creates endpoints here")
    for event in made:
        if event.request and event.request.endpoint_id:
            ask("ResourceName", event.request.endpoint_id, [event.region], "later changes to the endpoint")
    for name in _OF_CREDENTIALS if made else ():
        ask("EventName", name, [GLOBAL], "whether the key, user or role is new")
    for event in made:
        principal = event.principal
        name = principal.session_name or (principal.name if principal.type == "IAMUser" else "")
        ask("Username", name, everywhere, "its usual addresses and calls")
        ask("ReadOnly", "false", [event.region], "other changes in the region", pages=1)
        source = source_of(event.request.service) if event.request else ""
        ask("EventSource", source, [event.region], "earlier use of the service here", pages=1)
    named = set(found)
    holders = [instance for instance in instances if instance.profile_arn and not instance.gone]
    holders.sort(key=lambda item: (item.id not in named, item.http_tokens != "optional", item.id))
    for instance in holders[:SESSIONS]:
        ask("Username", instance.id, everywhere, "where its role's session was used")
    inhabited = {instance.region for instance in instances}
    for name in _OF_INSTANCES if instances else ():
        ask("EventName", name, inhabited, "changes to instances")
    for name in _OF_COPIES if instances else ():
        ask("EventName", name, everywhere, "snapshots shared with others, in any region")
    return list(asked.values())


def _worth_asking(made: list[Event]) -> list[Event]:
    """The events whose makers are asked about: those that made something, newest first, then attempts; of each key one.

    An intruder can make any number of attempts with any number of sessions; the questions are few.
    """
    ordered = sorted(made, key=lambda event: (bool(event.error_code), -event.time.timestamp()))
    keys: set[str] = set()
    chosen: list[Event] = []
    for event in ordered:
        key = event.principal.access_key_id or event.principal.arn
        endpoint = event.request.endpoint_id if event.request else ""
        if (key in keys and not endpoint) or (len(chosen) >= MOST and key not in keys):
            continue
        if len(chosen) >= 2 * MOST:
            break
        keys.add(key)
        chosen.append(event)
    return chosen


def left_out(instances: Sequence[Instance]) -> str:
    """What is said of instances whose role's calls are not looked up; ``""``: there are none."""
    holders = sum(bool(instance.profile_arn) and not instance.gone for instance in instances)
    return f"calls by the roles of {holders - SESSIONS} more instances were not searched" if holders > SESSIONS else ""


@dataclass(frozen=True, slots=True)
class LookbackProgress:
    """How far a look back is: answers of all, by region and question, and the seconds that are left, as far as is known."""

    answered: int
    total: int
    seconds_left: float


def look_back(
    history: EventHistory,
    wanted: Sequence[LookbackQuery],
    *,
    cancel: Cancel | None = None,
    on_answer: Callable[[LookbackQuery, str, Sequence[Event], Part], object] = lambda *_: None,
    on_progress: Callable[[LookbackProgress], object] = lambda _: None,
) -> LookbackResult:
    """Ask, all regions side by side, the questions of each in turn. ``on_answer`` and ``on_progress`` are called from worker threads."""
    by_region: dict[str, dict[str, LookbackQuery]] = defaultdict(dict)
    for item in wanted:
        for region in item.regions:
            by_region[region][item.query.key] = item
    ended: dict[str, dict[str, Part]] = {item.query.key: {} for item in wanted}
    left: dict[str, int] = {}
    rate = LIMITS["cloudtrail", "LookupEvents"]

    def report() -> None:
        if len(left) < len(by_region):
            return  # of some region it is not known yet
        answered = sum(len(parts) for parts in ended.values())
        total = sum(len(items) for items in by_region.values())
        on_progress(LookbackProgress(answered, total, max(left.values()) / rate))

    def one(region: str) -> tuple[list[Event], Part]:
        found: list[Event] = []

        def answer(query: LookupQuery, events: Sequence[Event], part: Part) -> None:
            found.extend(events)
            ended[query.key][region] = part
            on_answer(by_region[region][query.key], region, events, part)

        def how_many(requests: int) -> None:
            left[region] = requests
            report()

        queries = [item.query for item in by_region[region].values()]
        history.ask_all(region, queries, cancel=cancel, on_answer=answer, on_left=how_many)
        return found, Part(region, Status.LOOKED)

    events, _ = side_by_side(sorted(by_region), one, at_most=max(len(by_region), 1))
    return LookbackResult(
        events=tuple(events),
        answered=answered_by(wanted, ended),
        coverage=coverage_of(wanted, ended),
        unanswered=_unanswered(ended),
    )


def _unanswered(ended: Mapping[str, Mapping[str, Part]]) -> tuple[Part, ...]:
    by_region: dict[str, list[Part]] = defaultdict(list)
    for parts in ended.values():
        for region, part in parts.items():
            if part.status is not Status.LOOKED:
                by_region[region].append(part)
    return tuple(
        Part(region, parts[0].status, f"{many(len(parts), 'query', 'queries')} of event history: {parts[0].reason}")
        for region, parts in sorted(by_region.items())
    )


def answered_by(wanted: Sequence[LookbackQuery], ended: Mapping[str, Mapping[str, Part]]) -> dict[str, Answered]:
    """Which questions were answered, where, and since when."""
    found = {}
    for item in wanted:
        parts = ended.get(item.query.key, {})
        done = frozenset(region for region, part in parts.items() if part.status is Status.LOOKED)
        if done:
            cut = frozenset(region for region in done if parts[region].note == SAMPLE)
            found[item.query.key] = Answered(
                since=item.query.since, regions=done, missing=frozenset(item.regions) - done, cut=cut
            )
    return found


def coverage_of(wanted: Sequence[LookbackQuery], ended: Mapping[str, Mapping[str, Part]]) -> Coverage:
    """A part a question: in how many regions it was answered, and why not in the others."""
    parts = []
    for item in wanted:
        by_region = dict(ended.get(item.query.key, {}))
        bad = {region: part for region, part in by_region.items() if part.status is not Status.LOOKED}
        waiting = set(item.regions) - set(by_region)
        status = Status.RUNNING if waiting else Status.LOOKED
        if bad:
            status = Status.PARTIAL if len(bad) < len(item.regions) else next(iter(bad.values())).status
        reason = "; ".join(f"{region}: {part.reason}" for region, part in sorted(bad.items()))
        found = sum(part.items for part in by_region.values())
        note = f"{item.why}; in {many(len(item.regions), 'region')}"
        parts.append(Part(name=item.query.key, status=status, reason=reason, items=found, note=note))
    return Coverage("queries", tuple(parts))
