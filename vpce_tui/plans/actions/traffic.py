"""Actions on traffic that only look: see it, choose what to block, and prove that it stopped."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from vpce_tui.blocks.model import ColumnKind, column
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.ip_addresses import address_of, inside, overlap
from vpce_tui.core.text import many, size
from vpce_tui.inventory import flow_log_queries
from vpce_tui.inventory.flow_log_blocks import traffic_blocks
from vpce_tui.inventory.flow_log_queries import FlowPeer
from vpce_tui.plans.actions import Action, Answers, Choice, Options, parts, read_back, unchanged
from vpce_tui.plans.actions.flow_log_verdicts import why_not_blockable
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Option, Step, StepKind, Until
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.barriers import SecurityGroupRule
from vpce_tui.plans.targets.interface_state import HOURS, InterfaceAspect, InterfaceState

SEE: Final = "traffic-see"
CHOOSE: Final = "traffic-choose"
_WARNED: Final = (("169.254.169.253/32", "the resolver of every VPC"), ("169.254.169.254/32", "the metadata service"))
_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


def chosen(draft: Draft) -> tuple[str, ...]:
    """The addresses that were chosen in the playbook's step for it, as CIDR blocks."""
    said = draft.others.get(CHOOSE, {}).get("addresses", "")
    return tuple(dict.fromkeys(as_block(item) for item in parts(said)))


def as_block(text: str) -> str:
    """An address as a block of its own."""
    return str(ipaddress.ip_network(text, strict=False))


def wrong_address(text: str) -> str:
    """What is wrong with an address that is to be blocked."""
    try:
        network = ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        return f"{text!r} is not an address or CIDR block: {error}"
    return f"{text} is everywhere: isolate the instance instead" if network.prefixlen < 8 else ""


def read_options(answers: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    """How far back to look: the answer to the first step."""
    said = answers.get("hours") or others.get(SEE, {}).get("hours", "6")
    return {HOURS: int(said)} if said.isdecimal() else {}


def warnings(state: InterfaceState, block: str) -> list[str]:
    """Reasons not to block it."""
    network = ipaddress.ip_network(block)

    def covers(address: str) -> bool:
        return inside(address, block)

    said = []
    for base in state.vpc_ranges:
        resolver = str(ipaddress.ip_network(base).network_address + 2)
        if covers(resolver):
            said.append(
                f"{block}: it contains the DNS resolver of {state.vpc_id} ({resolver}): DNS names would no longer resolve"
            )
    said += [f"{block}: it contains {what}" for address, what in _WARNED if covers(address.partition("/")[0])]
    said += [
        f"{block}: it contains {address}, from which you call AWS"
        for address in sorted(state.operator)
        if covers(address)
    ]
    beyond = why_not_blockable(state, block)
    said += [beyond] if beyond else []
    said += [
        f"{block}: it is in the instance's own subnet {base}, and a network ACL does not filter traffic inside a subnet"
        for base in state.subnet_ranges
        if overlap(base, block)
    ]
    same = [name for address, name in sorted(state.endpoints.items()) if covers(address)]
    said += [
        f"{block}: it is an endpoint, {name}; contain-endpoint contains it for the whole VPC"
        for name in dict.fromkeys(same)
    ]
    private = any(
        network.version == (other := ipaddress.ip_network(item)).version and network.overlaps(other)
        for item in _PRIVATE
    )
    held = [name for address, name in sorted(state.holder_of.items()) if covers(address)]
    if held and not same:
        said.append(f"{block}: it belongs to {', '.join(dict.fromkeys(held))}")
    elif private and not same:
        said.append(f"{block}: a private address, perhaps one of your own instances")
    return said


def rules_that_let(state: InterfaceState, blocks: Iterable[str]) -> list[tuple[SecurityGroupRule, list[FlowPeer]]]:
    """Each group rule that lets an address of ``blocks`` through, on whatever port, with the traffic that was seen through it."""
    wanted = tuple(blocks)
    flow_peers = [
        flow_peer
        for flow_peer in (state.traffic.flow_peers if state.traffic else ())
        if any(inside(flow_peer.peer, block) for block in wanted)
    ]
    return [
        (rule, [flow_peer for flow_peer in flow_peers if went_through(state, rule, flow_peer)])
        for rule in state.rules or ()
        if any(overlap(rule.peer, block) for block in wanted)
    ]


def went_through(state: InterfaceState, rule: SecurityGroupRule, flow_peer: FlowPeer) -> bool:
    """Whether a rule lets this traffic through, on an interface that is in its group."""
    held = any(rule.group in nic.groups for nic in state.interfaces if nic.id in flow_peer.interfaces)
    return (
        held and rule.egress is not flow_peer.serving and rule.lets(flow_peer.protocol, flow_peer.port, flow_peer.peer)
    )


# -- see it


def _plan_see(state: InterfaceState, draft: Draft) -> Step:
    ids = [nic.id for nic in state.interfaces]
    draft.read(
        "interfaces",
        "DescribeNetworkInterfaces",
        {"Filters": [{"Name": "network-interface-id", "Values": ids}]},
        "its interfaces and their groups",
    )
    resources = [state.vpc_id, *sorted({nic.subnet_id for nic in state.interfaces}), *ids]
    draft.read(
        "flow-logs", "DescribeFlowLogs", {"Filter": [{"Name": "resource-id", "Values": resources}]}, "what is recorded"
    )
    ask(state, draft, "who", "its peers", flow_log_queries.flow_peers_query)
    if state.traffic is not None:
        window = state.traffic.window
        ask(
            state,
            draft,
            "when",
            "how much, over time",
            lambda form, ids: flow_log_queries.bytes_over_time_query(form, ids, window),
        )
    draft.note_unread(state.unknown)
    _seen(state, draft)
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


def ask(state: InterfaceState, draft: Draft, name: str, why: str, query: Callable[[str, list[str]], str]) -> None:
    """The question to the flow log, and its answer, as reads; none where its traffic is not known."""
    if state.traffic is None or state.log is None:
        return
    text = query(state.log.format, [nic.id for nic in state.interfaces])
    parameters = flow_log_queries.start_parameters(state.log.destination, text, state.traffic.window)
    reference = f"QUERY_{name.upper()}"
    draft.read(f"ask-{name}", "StartQuery", parameters, f"query: {why}", service="logs", gives={reference: "queryId"})
    draft.read(
        f"traffic-{name}",
        "GetQueryResults",
        {"queryId": ref(reference)},
        why,
        service="logs",
        until=Until("status", flow_log_queries.DONE, flow_log_queries.FAILED),
        optional=True,
    )


def _seen(state: InterfaceState, draft: Draft) -> None:
    if state.traffic is None:
        if InterfaceAspect.TRAFFIC not in state.unknown:
            draft.warn(
                f"no flow log records all traffic of {state.target}: its peers are unknown; step “Record its traffic” "
                "creates one; its first records arrive within ten minutes"
            )
        return
    names = {
        nic.id: f"{nic.id} {nic.private_ip}{' ' + state.what[nic.id] if state.what.get(nic.id) else ''}"
        for nic in state.interfaces
    }
    draft.show(*traffic_blocks(state.traffic, names, who(state)))


def who(state: InterfaceState) -> dict[str, str]:
    """Whose an address is that it talked with."""
    return {**dict.fromkeys(state.callers, "its credentials were used from here"), **state.holder_of, **state.endpoints}


# -- choose what to block


_ADDRESS_COLUMNS: Final = (
    column("PEER"),
    column("WHO"),
    column("BYTES", ColumnKind.BYTES, "sent and received"),
    column("PORTS", means="our: the peer connected to this port of the target"),
    column("FLOWS", ColumnKind.COUNT, "records of flows that were accepted"),
    column("REJECTED", ColumnKind.COUNT, "records of flows that were rejected"),
    column("FIRST", ColumnKind.TIME, "start of the first record, UTC"),
    column("LAST", ColumnKind.TIME, "end of the last record, UTC"),
)
_OFFERED: Final = 200
"""Addresses that can be chosen from; others can be typed."""


def _address_options(state: InterfaceState) -> Options:
    found: dict[str, list[FlowPeer]] = {}
    for flow_peer in state.traffic.flow_peers if state.traffic else ():
        if address_of(flow_peer.peer) is not None:
            found.setdefault(flow_peer.peer, []).append(flow_peer)
    return tuple(_address_option(state, peer, flow_peers) for peer, flow_peers in list(found.items())[:_OFFERED])


def _address_option(state: InterfaceState, peer: str, flow_peers: list[FlowPeer]) -> Option:
    ports = ", ".join(
        dict.fromkeys(f"{'our ' if item.serving else ''}{item.protocol} {item.port}" for item in flow_peers[:3])
    )
    firsts = [item.first for item in flow_peers if item.first]
    lasts = [item.last for item in flow_peers if item.last]
    total, holder = sum(item.bytes for item in flow_peers), who(state).get(peer, "")
    stopped = "" if any(item.accepted for item in flow_peers) else ", all rejected"
    return Option(
        value=peer,
        label=f"{size(total)}, {ports}{stopped}{', ' + holder if holder else ''}",
        cells=(
            peer,
            holder,
            total,
            ports,
            sum(item.accepted for item in flow_peers),
            sum(item.rejected for item in flow_peers),
            rfc3339(min(firsts)) if firsts else None,
            rfc3339(max(lasts)) if lasts else None,
        ),
    )


def _plan_choose(state: InterfaceState, draft: Draft) -> Step:
    draft.read(
        "rules",
        "DescribeSecurityGroupRules",
        {
            "Filters": [
                {"Name": "group-id", "Values": sorted({group for nic in state.interfaces for group in nic.groups})}
            ]
        },
        "the rules of its groups",
    )
    subnets = sorted({nic.subnet_id for nic in state.interfaces})
    draft.read(
        "acls",
        "DescribeNetworkAcls",
        {"Filters": [{"Name": "association.subnet-id", "Values": subnets}]},
        "the network ACLs of its subnets",
    )
    blocks = tuple(dict.fromkeys(as_block(item) for item in parts(draft.choices["addresses"])))
    if not blocks:
        draft.note(
            "nothing is chosen yet: choose addresses in its prompts, or --set " + f"{draft.id}.addresses=ADDRESS,…"
        )
    for block in blocks:
        _about(state, block, draft)
    draft.note_unread(state.unknown)
    draft.prove("current rules and network ACLs are recorded as evidence")
    return draft.step(StepKind.READ)


def _about(state: InterfaceState, block: str, draft: Draft) -> None:
    draft.warn(*warnings(state, block))
    letting = rules_that_let(state, (block,))
    for rule, _ in letting:
        others = state.holders.get(rule.group, ())
        name = state.group_names.get(rule.group, "")
        draft.note(f"{block}: allowed by {rule.id}: {name} {rule.group} {rule.says}; {_in_group(len(others))}")
        if others:
            draft.add_impact(
                f"{many(len(others), 'other interface is', 'other interfaces are')} in {name or rule.group}, with the same rule",
                others,
            )
    if not letting and state.rules is not None:
        draft.note(
            f"{block}: no address rule of its security groups allows it; rules with security groups or prefix lists are not checked"
        )
    for acl in state.acls or ():
        neighbours = tuple(name for subnet in acl.subnets for name in state.neighbours.get(subnet, ()))
        draft.add_impact(
            f"{many(len(neighbours), 'other interface depends', 'other interfaces depend')} on {acl.id}, the network ACL of {many(len(acl.subnets), 'subnet')}",
            neighbours,
        )


def _in_group(others: int) -> str:
    return f"{many(others, 'other interface is', 'other interfaces are') if others else 'no other interface is'} in this group"


def _wrong_hours(text: str) -> str:
    good = text.isdecimal() and 1 <= int(text) <= 720
    return "" if good else f"{text!r} is not a number of hours from 1 to 720"


TRAFFIC_SEE: Final[Action[InterfaceState]] = Action(
    aspects=frozenset({InterfaceAspect.TRAFFIC, InterfaceAspect.CALLERS}),
    plan=_plan_see,
    expect=unchanged,
    verify=read_back,
    choices=(
        Choice(
            "hours",
            "How many hours to look back",
            (("6", "6 hours"), ("1", "one hour"), ("24", "a day"), ("168", "a week: slow, billed by the data scanned")),
            free=True,
            check=_wrong_hours,
        ),
    ),
    read_options=read_options,
    may=("ec2:DescribeFlowLogs", "logs:StartQuery", "logs:GetQueryResults"),
)
TRAFFIC_CHOOSE: Final[Action[InterfaceState]] = Action(
    aspects=frozenset(
        {
            InterfaceAspect.TRAFFIC,
            InterfaceAspect.RULES,
            InterfaceAspect.ACLS,
            InterfaceAspect.OPERATOR,
            InterfaceAspect.CALLERS,
        }
    ),
    plan=_plan_choose,
    expect=unchanged,
    verify=read_back,
    choices=(
        Choice(
            id="addresses",
            question="Which addresses to block",
            options=_address_options,
            free=True,
            many=True,
            check=wrong_address,
            columns=_ADDRESS_COLUMNS,
        ),
    ),
    read_options=read_options,
    may=("ec2:DescribeSecurityGroupRules", "ec2:DescribeNetworkAcls"),
)
