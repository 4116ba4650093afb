"""Whether traffic with some addresses stopped: assessed from flow logs, and never better than they allow.

(AWS: "Flow log records" and "Flow log limitations": no record is made of traffic with the VPC's resolver, the metadata and time
services, DHCP; a record's end may lie a minute after its last packet.)
"""

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from vpce_tui.core.ip_addresses import inside, is_subnet, overlap
from vpce_tui.core.json_values import mappings
from vpce_tui.incident.states import VerificationState
from vpce_tui.inventory import flow_log_queries, parse
from vpce_tui.inventory.flow_log_queries import FlowPeer, Traffic
from vpce_tui.plans.actions import Pages, ReadBack
from vpce_tui.plans.targets.interface_state import InterfaceAspect, InterfaceState

_GRACE: Final = timedelta(seconds=60)
"""A block takes a moment to hold everywhere, and a record may be dated up to this much late."""
INTERFACES_AFTER: Final = "interfaces-after"
NO_INTERFACE: Final = "none of its interfaces exists and is attached any more: no traffic passes through them"
_LINK_LOCAL: Final = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")


def why_not_blockable(state: InterfaceState, block: str) -> str:
    """Why neither lists nor flow logs know of an address; ``""``: they do."""
    own = [str(ipaddress.ip_network(base).network_address + 2) for base in state.vpc_ranges if ":" not in base]
    resolvers = {f"{address}/32" for address in own}
    if any(is_subnet(block, base) for base in _LINK_LOCAL) or block in resolvers:
        return (
            f"{block} is an AWS service inside the VPC (DNS, metadata, time): no network ACL or security group filters it, and no flow "
            "log records it"
        )
    return ""


BEYOND_REMEDY: Final = (
    "for names: Route 53 Resolver DNS Firewall; for the metadata service: the metadata options of the instance"
)


def blocked_at(state: InterfaceState, block: str) -> datetime | None:
    """Since when this incident blocks ``block`` for good, both ways; None: it does not."""
    found = [
        moment
        for moment in (_by_acl(state, block), _by_rules(state, block), _by_public_access_block(state, block))
        if moment
    ]
    return min(found, default=None)


def _by_acl(state: InterfaceState, block: str) -> datetime | None:
    ways: dict[str, dict[bool, datetime]] = {}
    for made in state.in_effect.values():
        denied = str(made.parameters.get("CidrBlock") or made.parameters.get("Ipv6CidrBlock") or "")
        if made.operation == "CreateNetworkAclEntry" and is_subnet(block, denied):
            acl = ways.setdefault(str(made.parameters["NetworkAclId"]), {})
            acl[bool(made.parameters["Egress"])] = datetime.fromisoformat(made.at)
    if not ways or any(len(both) < 2 for both in ways.values()):
        return None
    return max(moment for both in ways.values() for moment in both.values())


def _by_rules(state: InterfaceState, block: str) -> datetime | None:
    closed = [made.at for made in state.in_effect.values() if made.operation.startswith("RevokeSecurityGroup")]
    if not closed or state.rules is None or InterfaceAspect.RULES in state.unknown:
        return None
    open_still = any(overlap(rule.peer, block) or not _is_block(rule.peer) for rule in state.rules)
    return None if open_still else datetime.fromisoformat(max(closed))


def _is_block(peer: str) -> bool:
    """Whether a rule names addresses: one that names a group or a list may let it through as well."""
    return not peer.startswith(("sg-", "pl-"))


def _by_public_access_block(state: InterfaceState, block: str) -> datetime | None:
    if not ipaddress.ip_network(block).is_global:
        return None
    modes = [
        datetime.fromisoformat(made.at)
        for made in state.in_effect.values()
        if made.parameters.get("InternetGatewayBlockMode") == "block-bidirectional"
    ]
    return max(modes, default=None)


def blocks_of(state: InterfaceState) -> tuple[str, ...]:
    """The addresses that this incident denied, where nobody names any."""
    found = [
        str(made.parameters.get("CidrBlock") or made.parameters.get("Ipv6CidrBlock") or "")
        for made in state.in_effect.values()
        if made.operation == "CreateNetworkAclEntry"
    ]
    return tuple(dict.fromkeys(block for block in found if block))


def verdicts(state: InterfaceState, traffic: Traffic | None, blocks: Iterable[str]) -> list[tuple[str, str]]:
    """For each block ``stopped``, ``flows``, ``wait`` or ``unknown``, and the sentence."""
    return [_verdict(state, traffic, block) for block in blocks]


def _at(moment: datetime | None) -> str:
    return moment.strftime("%m-%d %H:%M:%SZ") if moment else "?"


def _verdict(state: InterfaceState, traffic: Traffic | None, block: str) -> tuple[str, str]:
    since = blocked_at(state, block)
    beyond = why_not_blockable(state, block)
    if beyond:
        return "unknown", beyond
    if traffic is None:
        return "unknown", f"{block}: unknown, as its traffic is not recorded"
    flow_peers = [item for item in traffic.flow_peers if inside(item.peer, block)]
    last = max((item.last_accepted for item in flow_peers if item.last_accepted), default=None)
    if since is None:
        return "unknown", f"{block}: not blocked in both directions in this incident; last accepted {_at(last)}"
    begun = max((item.accepted_from for item in flow_peers if item.accepted_from), default=None)
    if begun is not None and begun > since + _GRACE:
        return "flows", f"{block}: still accepted at {_at(begun)}, after it was blocked at {_at(since)}"
    doubt = _doubt(state, traffic, flow_peers, since)
    if doubt:
        return "wait", f"{block}: {doubt}"
    newest = min(
        (traffic.newest_of[nic] for nic in _interfaces_to_verify(state, traffic, flow_peers)), default=traffic.newest
    )
    tried = max((item.last for item in flow_peers if item.rejected and item.last), default=None)
    said = f"attempts until {_at(tried)} were rejected" if tried and tried > since else "no attempt since"
    return "stopped", f"{block}: nothing accepted from {_at(since)} until {_at(newest)}; {said}"


def _interfaces_to_verify(state: InterfaceState, traffic: Traffic, flow_peers: list[FlowPeer]) -> list[str]:
    """The interfaces whose records say it: those that talked with it, else all that have records."""
    named = {nic for item in flow_peers for nic in item.interfaces}
    own = [nic.id for nic in state.interfaces if nic.id in traffic.newest_of]
    return [nic for nic in own if nic in named] or own


def _doubt(state: InterfaceState, traffic: Traffic, flow_peers: list[FlowPeer], since: datetime) -> str:
    """Why nothing can be said yet; ``""``: it can."""
    if traffic.window.start > since:
        return (
            f"the lookback begins at {_at(traffic.window.start)}, after it was blocked: look back further (see.hours)"
        )
    if traffic.cut:
        return f"only the {flow_log_queries.MOST} largest flows were returned, and it may be among the others: query a shorter time range (see.hours)"
    if traffic.skipped:
        return f"AWS could not record everything ({traffic.skipped} records say SKIPDATA): some traffic may be missing"
    whole = since + timedelta(seconds=state.log.interval if state.log else 600) + _GRACE
    late = [nic for nic in _interfaces_to_verify(state, traffic, flow_peers) if traffic.newest_of[nic] < whole]
    if late or not traffic.newest_of:
        return f"wait: records come minutes late, and those of {', '.join(late) or 'its interfaces'} must reach {_at(whole)} first; then run it again"
    return ""


def verify_block(state: InterfaceState, blocks: Iterable[str], pages: Pages, name: str) -> ReadBack:
    """The verification, from the answer that was kept as ``name``; from that about its interfaces where none carried traffic."""
    if INTERFACES_AFTER in pages:
        raws = [raw for page in pages[INTERFACES_AFTER] for raw in mappings(page, "NetworkInterfaces")]
        left = [nic.id for nic in map(parse.interface, raws) if nic.attached]
        if left:
            return VerificationState.NOT_YET, f"{', '.join(left)} is attached again: run it again"
        return VerificationState.VERIFIED, NO_INTERFACE
    traffic = state.traffic
    if name in pages and traffic is not None:
        rows = [row for page in pages[name] for row in flow_log_queries.rows_of(page)]
        traffic = flow_log_queries.traffic_of(traffic.window, rows, (), state.addresses)
    found = verdicts(state, traffic, blocks)
    if not found:
        return (
            VerificationState.NOT_YET,
            "no address is chosen, and none was denied in this incident: nothing to verify",
        )
    for verdict, proof in (
        ("flows", VerificationState.FAILED),
        ("unknown", VerificationState.NOT_YET),
        ("wait", VerificationState.NOT_YET),
    ):
        said = [words for kind, words in found if kind == verdict]
        if said:
            return proof, "; ".join(said)
    return VerificationState.VERIFIED, "; ".join(words for _, words in found)
