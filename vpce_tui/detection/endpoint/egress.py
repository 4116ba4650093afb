"""Where an endpoint leads to."""

from datetime import timedelta
from functools import lru_cache
from typing import Final

from vpce_tui.cloudtrail.event_timeline import NONE
from vpce_tui.core.arn import account_of
from vpce_tui.detection.endpoint.endpoint_facts import USUAL, EndpointFacts, EventFacts
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact


@rule(
    "VPCE-01",
    Severity.CRITICAL,
    "contain-endpoint",
    name="Connects to a service that is not owned by AWS",
    why=(
        "An endpoint to an external service is private egress from the VPC: no internet gateway and no proxy sees "
        "its traffic."
    ),
    false_positives="the service belongs to a partner that you know; then add it to trusted_services",
    techniques=("T1048", "T1537"),
    applies_to_failed_calls=True,
)
def foreign_service(subject: EndpointFacts) -> RuleResult:
    name, owner = subject.request.service, subject.owner
    if not name or subject.aws_service or subject.context.knows_service(name):
        return None
    if owner and owner in subject.trust_zone.accounts:
        return None
    said = SignalFact("owner", owner, "live") if owner else SignalFact("owner", "unknown")
    title = "Connects to a service that is not owned by AWS, owner " + (owner or "unknown")
    return Match(title, (SignalFact("serviceName", name), said))


@rule(
    "VPCE-30",
    Severity.MEDIUM,
    "contain-endpoint",
    name="Its VPC or service is shared with another account",
    why=(
        "Each account of a shared VPC sees only a part of it: its owner does not see who created this endpoint, "
        "and you may not see its flow logs."
    ),
    false_positives="the VPC is shared on purpose (AWS RAM) with accounts of your own",
    techniques=("T1199",),
)
def shared(subject: EndpointFacts) -> RuleResult:
    vpc = subject.region.network.vpcs.get(subject.request.vpc_id) if subject.region else None
    if vpc is not None and vpc.owner and subject.account and vpc.owner != subject.account:
        if vpc.owner in subject.trust_zone.accounts:
            return None
        return Match(f"Its VPC belongs to account {vpc.owner}", (SignalFact("owner of the VPC", vpc.owner, "live"),))
    if subject.shared_event_id:
        return Match(
            "Another account has a record of the same call", (SignalFact("sharedEventID", subject.shared_event_id),)
        )
    why = subject.not_read("vpcs", "which account owns its VPC") if vpc is None and subject.request.vpc_id else ""
    return Inconclusive(why) if why else None


@rule(
    "VPCE-31",
    Severity.HIGH,
    "contain-endpoint",
    name="Gateway Load Balancer endpoint: routes can send the traffic of whole subnets to it",
    why=(
        "Routes to it send every packet through appliances that somebody else may own: they can read, change and "
        "copy it."
    ),
    false_positives="it connects to your own firewall, and the routes to it are the team's",
    techniques=("T1557", "T1040"),
)
def load_balancer(subject: EndpointFacts) -> RuleResult:
    kind = subject.request.type or (subject.endpoint.type if subject.endpoint else "")
    if kind != "GatewayLoadBalancer":
        return None
    facts = [SignalFact("VpcEndpointType", kind)]
    tables = subject.region.network.tables.values() if subject.region else ()
    routes = [
        f"{table.id}: {where}"
        for table in tables
        for where, target in table.routes
        if target == subject.request.endpoint_id and target
    ]
    owner = subject.owner
    own = owner in subject.trust_zone.accounts if owner else subject.context.knows_service(subject.request.service)
    foreign = bool(owner) and owner != "amazon" and not own
    if routes:
        facts.append(SignalFact("routes to it", ", ".join(routes[:5]), "live"))
    if owner:
        facts.append(SignalFact("owner of the service", owner, "live"))
    title = "Traffic of subnets can be routed through it"
    if routes:
        title = f"Traffic of subnets is routed through it by {len(routes)} {'route' if len(routes) == 1 else 'routes'}"
    if foreign:
        title += f", to account {owner}"
    return Match(title, tuple(facts), Severity.CRITICAL if foreign or (routes and not own) else Severity.HIGH)


@rule(
    "VPCE-32",
    Severity.HIGH,
    "contain-endpoint",
    name="Connects to a resource or a service network of another account",
    why=(
        "Such an endpoint reaches a database or service of another account without any gateway of the VPC. It has "
        "no endpoint policy: only its security groups limit it."
    ),
    false_positives="the resource was shared with you by somebody you know; then add the account to own_accounts",
    techniques=("T1048", "T1199"),
    applies_to_failed_calls=True,
)
def foreign_resource(subject: EndpointFacts) -> RuleResult:
    kind = subject.request.type or (subject.endpoint.type if subject.endpoint else "")
    arn = subject.request.resource or (subject.endpoint.resource if subject.endpoint else "")
    if kind not in ("Resource", "ServiceNetwork") and not arn:
        return None
    account = account_of(arn)
    if not account:
        return Inconclusive("the owner of the resource it connects to: the record does not name it")
    if account in subject.trust_zone.accounts:
        return None
    what = "service network" if "servicenetwork" in arn.lower() or kind == "ServiceNetwork" else "resource"
    return Match(
        f"Connects to a {what} of account {account}", (SignalFact("VpcEndpointType", kind), SignalFact("arn", arn))
    )


@rule(
    "VPCE-33",
    Severity.MEDIUM,
    "contain-endpoint",
    name="Its service is in another region: data leaves the region",
    why=(
        "Data residency is mostly enforced by region. An endpoint to a service in another region carries data "
        "there without a public address, and this region's logs do not show what happens there."
    ),
    false_positives="the team uses the service of that region on purpose",
    techniques=("T1048",),
    applies_to_failed_calls=True,
)
def other_region(subject: EndpointFacts) -> RuleResult:
    asked, here = subject.request.service_region, subject.where
    named = _region_in(subject.request.service)
    there = asked or named
    if not there or not here or there == here:
        return None
    return Match(
        f"Its service is in {there}",
        (SignalFact("ServiceRegion", asked or "absent"), SignalFact("serviceName", subject.request.service)),
    )


@lru_cache(maxsize=4096)
def _region_in(name: str) -> str:
    """The region that a service's name holds (``com.amazonaws.eu-west-1.s3``)."""
    parts = name.removeprefix("cn.").split(".")
    where = 3 if parts[2:3] == ["vpce"] else 2
    found = parts[where] if len(parts) > where and name.removeprefix("cn.").startswith("com.amazonaws.") else ""
    return found if found.count("-") >= 2 and found[-1:].isdigit() else ""


_DAY: Final = timedelta(days=1)
_SHELL: Final = frozenset({"ssm", "ssmmessages", "ec2messages"})


@rule(
    "VPCE-20",
    Severity.MEDIUM,
    "contain-endpoint",
    name="Connects to a service that was not used here before",
    why=(
        "The ssm and ssmmessages endpoints together allow Session Manager access to instances without internet. An "
        "endpoint for a service that nobody used is often the first step to use it."
    ),
    false_positives="a new part of the system is being built that needs it",
    techniques=("T1021.007", "T1572"),
)
def unused_service(subject: EventFacts) -> RuleResult:
    short = subject.endpoint_facts.short
    if short in _SHELL:
        vpc = subject.endpoint_facts.request.vpc_id
        made = {
            one
            for one in _SHELL
            if one == short
            or subject.past.made_in.get((vpc, subject.caller_facts.who, one), NONE).around(subject.event.time, _DAY)
        }
        if {"ssm", "ssmmessages"} <= made:
            facts = (
                SignalFact(
                    "endpoints within a day, by the same principal", ", ".join(sorted(made & _SHELL)), "history"
                ),
            )
            return Match(
                "Together with the other SSM endpoints, allows Session Manager access to instances without internet access",
                facts,
                Severity.HIGH,
            )
    if not subject.endpoint_facts.source or not subject.endpoint_facts.aws_service:
        return None
    known, used = subject.endpoint_facts.place.uses, subject.endpoint_facts.place.users
    if known is None or subject.event.time - known.since < USUAL:
        return Inconclusive(f"whether {short} was used here before: calls to it were not searched")
    if used is not None and (
        used.others(subject.caller_facts.who, subject.event.time) or used.anybody(subject.event.time - USUAL)
    ):
        return None
    if subject.event.region in known.cut:
        return Inconclusive(f"whether {short} was used here before: only the newest calls to it were read")
    days = (subject.event.time - known.since).days
    return Match(
        f"Nobody used {short} in {subject.event.region} in the {days} days before",
        (SignalFact("calls before", "0", "history"),),
    )


ENDPOINT_RULES: Final[tuple[Rule[EndpointFacts], ...]] = (
    foreign_service,
    shared,
    load_balancer,
    foreign_resource,
    other_region,
)
EVENT_RULES: Final[tuple[Rule[EventFacts], ...]] = (unused_service,)
