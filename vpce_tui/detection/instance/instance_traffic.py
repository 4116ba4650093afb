"""With whom an instance talks. Flow logs are asked only where the operator wants it: the question is billed."""

from typing import Final

from vpce_tui.core.ip_addresses import address_of, internal, within
from vpce_tui.core.text import many, size
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact
from vpce_tui.inventory.flow_log_queries import FlowPeer, Traffic

_MUCH: Final = 100 * 1024 * 1024
_SCAN: Final = 20
NOT_ASKED: Final = "its traffic: its flow logs were not queried (on request: it is billed)"


def _serves(flow_peer: FlowPeer) -> bool:
    """Whether the instance serves the other: by the lower port in flow logs, which above 32768 proves nothing."""
    return flow_peer.serving and flow_peer.port < 32_768


def _outside(flow_peer: FlowPeer) -> bool:
    return address_of(flow_peer.peer) is not None and not internal(flow_peer.peer)


def _beacons(traffic: Traffic) -> list[FlowPeer]:
    """Small, many, over a long time: what reports home looks like."""
    return [
        flow_peer
        for flow_peer in traffic.flow_peers
        if _outside(flow_peer)
        and not _serves(flow_peer)
        and flow_peer.first is not None
        and flow_peer.last is not None
        and flow_peer.accepted >= 6
        and (flow_peer.last - flow_peer.first).total_seconds() >= 1800
        and flow_peer.bytes / max(flow_peer.accepted, 1) < 64 * 1024
    ]


@rule(
    "INST-13",
    Severity.HIGH,
    "block-traffic",
    name="Its traffic is unusual",
    why=(
        "Untrusted addresses, many rejected attempts to many addresses, small messages at regular intervals, or "
        "much data sent to one address: scanning, command and control, exfiltration."
    ),
    false_positives="the addresses belong to a service that the instance needs",
    techniques=("T1071", "T1046", "T1041"),
)
def strange_traffic(subject: InstanceFacts) -> RuleResult:
    traffic = subject.traffic
    if traffic is None:
        return Inconclusive(NOT_ASKED)
    bad = [
        (flow_peer, net)
        for flow_peer in traffic.flow_peers
        if (net := within(flow_peer.peer, subject.context.untrusted_networks)) is not None
    ]
    if bad:
        return Match(
            f"Exchanges traffic with {bad[0][0].peer}, in a range that the team lists as untrusted",
            tuple(
                SignalFact("peer", f"{flow_peer.peer} port {flow_peer.port}, {size(flow_peer.bytes)}", "flow logs")
                for flow_peer, _ in bad[:5]
            ),
        )
    refused = {
        flow_peer.peer
        for flow_peer in traffic.flow_peers
        if flow_peer.rejected and not flow_peer.accepted and not _serves(flow_peer)
    }
    if len(refused) >= _SCAN:
        return Match(
            f"Attempts to connect to {many(len(refused), 'address', 'addresses')} were rejected",
            (SignalFact("rejected attempts to", ", ".join(sorted(refused)[:6]), "flow logs"),),
        )
    out = [
        flow_peer
        for flow_peer in traffic.flow_peers
        if _outside(flow_peer) and not _serves(flow_peer) and flow_peer.sent >= _MUCH
    ]
    if out:
        top = max(out, key=lambda flow_peer: flow_peer.sent)
        return Match(
            f"Sent {size(top.sent)} to {top.peer}",
            (SignalFact("sent", f"{size(top.sent)} to {top.peer} port {top.port}", "flow logs"),),
        )
    steady = _beacons(traffic)
    if steady:
        top = steady[0]
        facts = (
            SignalFact("peer", f"{top.peer} port {top.port}", "flow logs"),
            SignalFact("flows", f"{top.accepted}, {size(top.bytes)} in all", "flow logs"),
            SignalFact("from, to", f"{top.first:%H:%M:%SZ}, {top.last:%H:%M:%SZ}", "flow logs"),
        )
        return Match(f"Sends to {top.peer} at regular intervals (beaconing)", facts)
    return (
        Inconclusive("its other traffic: the flow log query result is incomplete")
        if traffic.cut or traffic.skipped
        else None
    )


@rule(
    "INST-14",
    Severity.HIGH,
    "contain-endpoint",
    name="Exchanges traffic with a suspicious endpoint",
    why="This traffic left the VPC without passing a proxy or gateway.",
    false_positives="the endpoint is legitimate",
    techniques=("T1048",),
)
def talks_to_endpoint(subject: InstanceFacts) -> RuleResult:
    near = [item for item in subject.near if item.addresses and item.vpc == subject.instance.vpc_id]
    if not near:
        return None
    if subject.traffic is None:
        return Inconclusive(NOT_ASKED)
    for item in near:
        for flow_peer in subject.traffic.flow_peers:
            if flow_peer.peer in item.addresses and flow_peer.accepted:
                facts = (
                    SignalFact("endpoint", item.endpoint, "live"),
                    SignalFact(
                        "sent", f"{size(flow_peer.sent)} to {flow_peer.peer} port {flow_peer.port}", "flow logs"
                    ),
                )
                return Match(f"Sent {size(flow_peer.sent)} to the endpoint {item.endpoint}", facts)
    return None


RULES: Final[tuple[Rule[InstanceFacts], ...]] = (strange_traffic, talks_to_endpoint)
