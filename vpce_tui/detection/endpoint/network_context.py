"""The network around an endpoint, and what is next to it."""

import ipaddress
import json
from functools import lru_cache
from typing import Any, Final

from vpce_tui.detection.endpoint.endpoint_facts import NOT_LOOKED, EndpointFacts, EventFacts
from vpce_tui.detection.rule import Inconclusive, Match, Pass, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact


@rule(
    "VPCE-21",
    Severity.LOW,
    "contain-endpoint",
    name="DNS names of an AWS service resolve to it in the whole VPC",
    why=(
        "With private DNS enabled, every instance of the VPC that calls the service uses this endpoint and its "
        "policy, without any change on the instance."
    ),
    false_positives="the team wants all calls to the service to use this endpoint",
    techniques=("T1557",),
)
def private_dns(subject: EndpointFacts) -> RuleResult:
    if subject.request.private_dns is not True or not subject.aws_service:
        return None
    return Match(
        f"The DNS names of {subject.short} resolve to it in the whole VPC", (SignalFact("PrivateDnsEnabled", "true"),)
    )


@rule(
    "VPCE-22",
    Severity.MEDIUM,
    "contain-endpoint",
    name="A gateway endpoint was added to subnets that had no egress",
    why=("Instances without internet access now reach a service in which anybody can own a bucket or table."),
    false_positives="these instances need the service and its policy limits them to your own buckets",
    techniques=("T1048",),
)
def only_way_out(subject: EndpointFacts) -> RuleResult:
    tables = subject.request.route_tables or (subject.endpoint.route_tables if subject.endpoint else ())
    if not subject.gateway or not tables:
        return None
    why = subject.not_read("tables", "route tables")
    if why:
        return Inconclusive(why)
    known = subject.region.network.tables if subject.region else {}
    closed = [known[table] for table in tables if table in known and not known[table].ways_out]
    if not closed:
        lost = [table for table in tables if table not in known]
        return Inconclusive(f"route table {lost[0]}: it does not exist any more") if lost else None
    named = ", ".join(table.id for table in closed[:4])
    subnets = sorted({subnet for table in closed for subnet in table.subnets})
    facts = (
        SignalFact("route tables without egress", named, "live"),
        SignalFact("subnets", ", ".join(subnets[:6]) or "the main table's", "live"),
    )
    return Match(
        f"{subject.short} is the only egress of {len(closed)} {'route table' if len(closed) == 1 else 'route tables'}",
        facts,
    )


@rule(
    "VPCE-27",
    Severity.LOW,
    "contain-endpoint",
    name="In a sensitive network, without an owner tag",
    why="In production networks every resource should have an owner who can be called at night.",
    false_positives="the team records owners elsewhere, or tags later",
)
def no_owner(subject: EventFacts) -> RuleResult:
    found, request = subject.endpoint_facts.matters, subject.event.request
    if found is None or request is None:
        return None
    tags = {**dict(request.tags), **(subject.endpoint_facts.endpoint.tags if subject.endpoint_facts.endpoint else {})}
    if subject.context.owner(tags):
        return None
    return Match(
        f"In {found[0]}, tagged {found[1]}, without an owner tag",
        (SignalFact("tag", found[1], "live"), SignalFact("tags of the endpoint", ", ".join(tags) or "none", "live")),
    )


_NOT_THERE: Final = SignalFact("DescribeVpcEndpoints", "not there", "live")


@rule(
    "VPCE-28",
    Severity.INFO,
    "contain-endpoint",
    name="The endpoint was changed or deleted since it was created",
    why=(
        "Its current state differs from the record: somebody changed or deleted it since. The record alone is "
        "incomplete."
    ),
    false_positives="the team changed it; event history then shows the change",
    techniques=("T1070",),
)
def changed_since(subject: EndpointFacts) -> RuleResult:
    if subject.region is None or not subject.named:
        return None
    if subject.gone:
        fact = SignalFact("state", subject.endpoint.state, "live") if subject.endpoint else _NOT_THERE
        return Match("The endpoint no longer exists", (fact,))
    if subject.endpoint is None:
        return Inconclusive(subject.not_read("endpoints", "the endpoint as it is now"))
    now, then = subject.endpoint, subject.request
    different = []
    if then.groups and set(then.groups) != set(now.groups):
        different.append(("groups", ", ".join(then.groups), ", ".join(now.groups)))
    if then.subnets and set(then.subnets) != set(now.subnets):
        different.append(("subnets", ", ".join(then.subnets), ", ".join(now.subnets)))
    if then.route_tables and set(then.route_tables) != set(now.route_tables):
        different.append(("route tables", ", ".join(then.route_tables), ", ".join(now.route_tables)))
    if then.policy and now.policy and _canonical(then.policy) != _canonical(now.policy):
        different.append(("policy", then.policy, now.policy))
    if then.private_dns is not None and then.private_dns != now.private_dns and now.type == "Interface":
        different.append(("private DNS", str(then.private_dns), str(now.private_dns)))
    if not different:
        return None
    facts = tuple(SignalFact(what, f"{before} → {after}", "live") for what, before, after in different)
    return Match(
        f"The endpoint was changed since: {', '.join(what for what, _, _ in different)}", facts, Severity.MEDIUM
    )


@lru_cache(maxsize=2048)
def _canonical(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


@rule(
    "VPCE-35",
    Severity.LOW,
    "block-traffic",
    name="Its network neither limits nor records its traffic",
    why=(
        "A network ACL that allows everything, security groups that allow whole networks, and no flow logs: nobody "
        "is blocked from it, and its use is not recorded."
    ),
    false_positives="only the security groups are meant to limit it, and its use is recorded elsewhere",
    section="network",
)
def network_around(subject: EndpointFacts) -> RuleResult:
    if subject.region is None:
        return Inconclusive(NOT_LOOKED)
    network = subject.region.network
    why = subject.region.unknown.get("everything")
    if why:
        return Inconclusive(f"the network around it: {why}")
    endpoint = subject.endpoint
    if endpoint is None:
        return (
            Inconclusive(subject.not_read("endpoints", "the endpoint")) if subject.not_read("endpoints", "") else None
        )
    bad: list[SignalFact] = []
    unread: list[str] = []
    vpc = network.vpcs.get(endpoint.vpc_id)
    if endpoint.subnets:
        if "acls" in network.unknown:
            unread.append(subject.not_read("acls", "network ACLs"))
        guards = [acl for subnet in endpoint.subnets if (acl := network.acl_of(subnet)) is not None]
        if guards and all(acl.all_open for acl in guards):
            bad.append(
                SignalFact(
                    "network ACL",
                    f"{guards[0].id}{', the default one,' if guards[0].default else ''} allows everything",
                    "live",
                )
            )
        if subject.groups is None:
            unread.append(subject.not_read("groups", "its security groups") or "its security groups were not read")
        if vpc is None:
            unread.append(subject.not_read("vpcs", "its VPC") or "its VPC does not exist")
        outside = _from_elsewhere(subject, vpc.blocks if vpc else ())
        if outside:
            bad.append(SignalFact("security group allows more than the VPC", outside, "live"))
    if "recorded" in network.unknown:
        unread.append(subject.not_read("recorded", "flow logs"))
    elif (
        endpoint.vpc_id not in network.recorded
        and not (endpoint.subnets and {*endpoint.subnets} <= network.recorded)
        and not (endpoint.interfaces and {*endpoint.interfaces} <= network.recorded)
    ):
        bad.append(SignalFact("flow logs", "none on the VPC, its subnets or interfaces", "live"))
    if bad:
        said = {"network ACL": "a network ACL that allows everything", "flow logs": "no flow logs"}
        title = ", ".join(said.get(fact.what, "security groups that allow other networks") for fact in bad)
        return Match(f"The network around it: {title}", tuple(bad), Severity.MEDIUM if len(bad) > 1 else Severity.LOW)
    if unread:
        return Inconclusive("; ".join(unread))
    if not endpoint.subnets:
        return Pass("its VPC's traffic is recorded; a gateway endpoint has no network of its own")
    return Pass("its traffic is recorded, and the network around it has limits")


@lru_cache(maxsize=16_384)
def _block(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _from_elsewhere(subject: EndpointFacts, blocks: tuple[str, ...]) -> str:
    """A rule of its groups that lets in addresses beyond the VPC and narrower than the world; ``""``: none."""
    own = [net for block in blocks if (net := _block(block)) is not None]
    for group in subject.groups or ():
        for item in group.ingress:
            peer = _block(item.peer)
            if peer is None:
                continue  # a group or a prefix list
            inside = any(peer.version == net.version and peer.subnet_of(net) for net in own)  # type: ignore[arg-type]
            if own and not item.open_to_world and not inside:
                return f"{group.id}: {item}"
    return ""


ENDPOINT_RULES: Final[tuple[Rule[EndpointFacts], ...]] = (private_dns, only_way_out, changed_since, network_around)
EVENT_RULES: Final[tuple[Rule[EventFacts], ...]] = (no_owner,)
