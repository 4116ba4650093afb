"""Whether creating this endpoint is usual: for its caller, for the region, for the hour."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice, takewhile
from typing import Final

from vpce_tui.cloudtrail.callers import caller_key
from vpce_tui.cloudtrail.event_index import EVERYTHING
from vpce_tui.cloudtrail.event_timeline import NONE
from vpce_tui.core.ip_addresses import address_of, within
from vpce_tui.detection.endpoint.endpoint_facts import USUAL, EventFacts
from vpce_tui.detection.rule import Inconclusive, Match, Pass, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact


@rule(
    "VPCE-12",
    Severity.MEDIUM,
    "revoke-credentials",
    name="Its creator never created an endpoint before, in the history that was searched",
    why="People and pipelines repeat the same calls. A first call can reveal stolen credentials.",
    false_positives="it is a new colleague, or a new task",
    techniques=("T1078.004",),
    applies_to_failed_calls=True,
)
def first_time(subject: EventFacts) -> RuleResult:
    if subject.caller_facts.by_aws:
        return None
    if subject.caller_facts.who in ("", "unknown"):
        return Inconclusive("who created it: the record does not say")
    known = subject.endpoint_facts.place.makings
    if known is None:
        return Inconclusive("whether its creator created endpoints before: not searched")
    span = subject.event.time - known.since
    days = span.days
    if span < USUAL:
        return Inconclusive(
            f"whether its creator created endpoints before: only {max(days, 0)} days before it were searched"
        )
    who, cut = subject.caller_facts.who, subject.event.time - _SPREE
    baseline = subject.caller_facts.baseline
    if baseline.made < cut:
        return None
    calls = subject.past.by_caller.get(who, NONE).count_before(cut)
    title = f"Its creator never created an endpoint in the {days} days before{known.scope}"
    if calls and baseline.changed >= cut and _all_calls_known(subject):
        title = f"Its creator never changed anything in EC2 in the {days} days before"
    facts = (
        SignalFact("principal", who),
        SignalFact("endpoints before", "0", "history"),
        SignalFact("other calls known", str(calls), "history"),
    )
    return Match(title, facts)


def _all_calls_known(subject: EventFacts) -> bool:
    """Whether everything that its maker did was asked for: of a role that is every session, which only files show."""
    if EVERYTHING in subject.past.answered:
        return True
    principal = subject.event.principal
    return principal.type == "IAMUser" and subject.past.knows(f"Username={principal.name}") is not None


_SPREE: Final = timedelta(days=2)
"""What somebody did just before belongs to the same spree, and is no habit."""


@rule(
    "VPCE-14",
    Severity.MEDIUM,
    "revoke-credentials",
    name="Called from an address that its creator never used before",
    why=(
        "Stolen credentials are used from other addresses. Hosting, VPN and Tor ranges that the team lists count "
        "more than a new address alone."
    ),
    false_positives="its creator travels, or the pipeline moved",
    techniques=("T1078.004", "T1090"),
    applies_to_failed_calls=True,
)
def new_address(subject: EventFacts) -> RuleResult:
    address = subject.event.source_ip
    if address_of(address) is None or subject.caller_facts.by_aws:
        return None
    context = subject.context
    bad = within(address, context.untrusted_networks)
    if bad is not None:
        return Match(
            f"Called from {address}, in a range that the team lists as untrusted",
            (SignalFact("sourceIPAddress", address), SignalFact("range", str(bad), "context")),
            Severity.HIGH,
        )
    own = within(address, context.networks)
    if own is not None:
        return Pass(f"it came from {address}, in the team's own {own}")
    time = subject.event.time
    cut, baseline = time - _SPREE, subject.caller_facts.baseline
    if baseline.enough >= cut or time - baseline.began < USUAL:
        calls = subject.past.addressed.get(subject.caller_facts.who, NONE).count_before(cut)
        return Inconclusive(f"whether {address} is usual for its creator: too few earlier calls are known ({calls})")
    since = baseline.addresses.get(address)
    if since is not None and since < cut:
        return None
    earlier = takewhile(lambda one: one[1] < cut, baseline.addresses.items())
    seen = ", ".join(one for one, _ in islice(earlier, 6))
    calls = subject.past.addressed.get(subject.caller_facts.who, NONE).count_before(cut)
    facts = (
        SignalFact("sourceIPAddress", address),
        SignalFact("its earlier addresses", seen, "history"),
        SignalFact("earlier calls", str(calls), "history"),
    )
    return Match(f"Its creator used {address} in none of its {calls:,} known earlier calls", facts)


@rule(
    "VPCE-16",
    Severity.HIGH,
    "contain-endpoint",
    name="In a region that is otherwise unused, or was enabled recently",
    why=(
        "Intruders use unmonitored regions: alarms, flow logs and AWS Config often cover only the regions that a "
        "team uses."
    ),
    false_positives="the team is opening up a new region",
    techniques=("T1535",),
    applies_to_failed_calls=True,
)
def unused_region(subject: EventFacts) -> RuleResult:
    region, at = subject.event.region, subject.event.time
    if not region:
        return None
    enabled = subject.past.by_name.get("EnableRegion")
    for other in enabled.before(at, within=USUAL) if enabled else ():
        asked = other.record.get("requestParameters")
        named = (asked.get("RegionName") or asked.get("regionName")) if isinstance(asked, Mapping) else ""
        if named == region and not other.error_code:
            return Match(
                f"{region} was enabled {(at - other.time).days} days before",
                (SignalFact("EnableRegion", f"{other.time:%Y-%m-%d %H:%M:%SZ} by {other.principal.name}", "history"),),
            )
    known = subject.endpoint_facts.place.changes
    if known is None:
        return Inconclusive(f"what else happens in {region}: not searched")
    if at - known.since < USUAL:
        return Inconclusive(
            f"what else happens in {region}: only {max((at - known.since).days, 0)} days before it were searched"
        )
    who = subject.caller_facts.who
    changers = subject.endpoint_facts.place.changers
    if changers is not None and changers.others(who, at):
        return None
    if subject.region is not None and ("instances" in subject.region.unknown or "everything" in subject.region.unknown):
        return Inconclusive(
            f"whether others have instances in {region}: {subject.region.unknown.get('instances') or subject.region.unknown['everything']}"
        )
    instances = subject.region.instances if subject.region else ()
    if any(_of_another(subject, instance.id, who) for instance in instances):
        return None
    if region in known.cut:
        return Inconclusive(
            f"what else happens in {region}: only the newest changes there were read, and all are by the same caller"
        )
    said = (
        SignalFact("instances of others there", "0", "live")
        if subject.region
        else SignalFact("instances there", "not searched")
    )
    return Match(f"Nobody else changes anything in {region}", (SignalFact("changes by others", "0", "history"), said))


def _of_another(subject: EventFacts, instance: str, who: str) -> bool:
    """Whether somebody else launched an instance, as far as is known."""
    launch = subject.past.launched.get(instance)
    return launch is None or caller_key(launch) != who


@rule(
    "VPCE-17",
    Severity.LOW,
    "revoke-credentials",
    name="Created outside the team's working hours",
    why="Alone it is weak; with other signals it means that nobody was at work.",
    false_positives="somebody was on call, or a pipeline ran on a schedule",
    applies_to_failed_calls=True,
)
def off_hours(subject: EventFacts) -> RuleResult:
    hours = subject.context.working_hours
    if (
        hours is None
        or subject.event.time.year < 2000
        or subject.caller_facts.by_aws
        or hours.holds(subject.event.time)
    ):
        return None
    return Match(
        "Created outside the team's working hours",
        (SignalFact("eventTime", f"{subject.event.time:%a %H:%MZ}"), SignalFact("hours", str(hours), "context")),
    )


@rule(
    "VPCE-29",
    Severity.INFO,
    name="Created by an AWS service or the team's pipeline",
    why="They are expected to create endpoints here.",
    false_positives="neither the service nor the pipeline is compromised",
    applies_to_failed_calls=True,
    mitigating=True,
)
def expected_caller(subject: EventFacts) -> RuleResult:
    event, principal = subject.event, subject.event.principal
    managed = bool(subject.endpoint_facts.endpoint and subject.endpoint_facts.endpoint.requester_managed)
    if subject.caller_facts.by_aws or managed:
        said, fact = (
            "Created by an AWS service",
            SignalFact("invokedBy", principal.invoked_by or "requester-managed"),
        )
    elif subject.caller_facts.pipeline:
        said, fact = "Created by your configured pipeline", SignalFact("principal", principal.arn)
    else:
        return None
    return Match(said, (fact, SignalFact("userAgent", event.user_agent)))


EVENT_RULES: Final[tuple[Rule[EventFacts], ...]] = (first_time, new_address, unused_region, off_hours, expected_caller)
