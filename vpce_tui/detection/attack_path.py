"""The attack path behind an endpoint event, as a small tree: from where, by whom, with what, what was made, where it leads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vpce_tui.blocks.model import TreeBlock, TreeNode
from vpce_tui.cloudtrail.callers import called_by_aws_service, caller_key, credential_of
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.cloudtrail.event_timeline import NONE
from vpce_tui.cloudtrail.sensitive_calls import SENSITIVE_CALLS, contextual_meaning, impact_with_target
from vpce_tui.core.ip_addresses import address_of
from vpce_tui.core.text import many, size
from vpce_tui.detection.pivot import Relation, chain
from vpce_tui.detection.signals import Assessment, Severity
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.flow_log_queries import Traffic
from vpce_tui.inventory.resources import Instance

_DAY: Final = timedelta(days=1)
MOST: Final = 8
"""What else was done that is listed at most, each kind once."""


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree. ``relation``, ``instance``, ``event``: where Enter leads, the last two by id."""

    depth: int
    text: str
    note: str = ""
    severity: Severity | None = None
    relation: Relation | None = None
    instance: str = ""
    event: str = ""


def attack_path(
    event: Event,
    assessment: Assessment,
    past: EventIndex,
    region: Region | None,
    instance: tuple[Instance, Region] | None,
    instance_severity: Severity | None,
    traffic: Traffic | None,
    trust_zone: TrustZone = TrustZone(),
) -> Iterator[Node]:
    """The tree line by line, from the first human or service that is known down to where data may go."""
    principal = event.principal
    depth = 0
    for link in reversed(chain(event, past)):
        yield Node(depth, link.who, link.how, event=link.event.id if link.event else "")
        depth += 1
    raised = {signal.id: signal.severity for signal in assessment.against}
    session = past.by_credential.get(credential_of(event.principal), NONE).around(event.time, _DAY)
    yield Node(
        depth=depth,
        text=principal.name,
        note=principal.type,
        severity=_worst(raised, "VPCE-07", "VPCE-08", "VPCE-09", "VPCE-10", "VPCE-13"),
        relation=Relation("principal", caller_key(event)),
    )
    if event.source_ip:
        yield Node(
            depth=depth + 1,
            text=f"from {event.source_ip}",
            note=_others_there(event, past),
            severity=_worst(raised, "VPCE-08", "VPCE-14"),
            relation=Relation("address", event.source_ip),
        )
    if principal.access_key_id:
        note = f"{many(len(session), 'call')} within a day"
        yield Node(
            depth=depth + 1,
            text=f"key {principal.access_key_id}",
            note=note,
            severity=_worst(raised, "VPCE-11"),
            relation=Relation("key", principal.access_key_id),
        )
    if principal.instance_id:
        if instance is None:
            yield Node(
                depth=depth + 1,
                text=f"instance {principal.instance_id}",
                note="not among the instances searched",
                severity=None,
                relation=Relation("instance", principal.instance_id),
            )
        else:
            found = instance[0]
            note = f"{found.private_ip} {found.public_ip or 'no public address'}, {found.state}"
            yield Node(
                depth=depth + 1,
                text=f"instance {found.label}",
                note=note,
                severity=instance_severity,
                instance=found.id,
            )
    yield from _sensitive_calls(session, depth + 1, trust_zone)
    yield from _made(event, assessment, raised, region, depth + 1, traffic)


def path_tree(nodes: Sequence[Node]) -> TreeBlock:
    """The lines as a tree; the id of each node is its number among ``nodes``."""
    roots, _ = _branches(nodes, 0, 0)
    return TreeBlock(title="attack path", roots=roots)


def _branches(nodes: Sequence[Node], at: int, depth: int) -> tuple[tuple[TreeNode, ...], int]:
    """The nodes from ``at`` on that are at ``depth`` or below, and where the others begin."""
    found: list[TreeNode] = []
    while at < len(nodes) and nodes[at].depth >= depth:
        node, number = nodes[at], at
        children, at = _branches(nodes, at + 1, node.depth + 1)
        severity = node.severity.word if node.severity is not None and node.severity > Severity.INFO else ""
        found.append(TreeNode(id=str(number), text=node.text, note=node.note, severity=severity, children=children))
    return tuple(found), at


def _others_there(event: Event, past: EventIndex) -> str:
    """Who else called from the same address: one intruder may hold several credentials."""
    if address_of(event.source_ip) is None:
        return ""
    calls = past.by_address.get(event.source_ip, NONE).around(event.time, _DAY)
    me = caller_key(event)
    names = dict.fromkeys(
        other.principal.name for other in calls if caller_key(other) != me and not called_by_aws_service(other)
    )
    return f"also from here: {', '.join(list(names)[:3])}" if names else "no other caller from here within a day"


def _sensitive_calls(session: Sequence[Event], depth: int, trust_zone: TrustZone) -> Iterator[Node]:
    """What else the session did that counts, each kind once."""
    said: dict[str, Event] = {}
    for other in session:
        if other.name in SENSITIVE_CALLS and not other.error_code:
            words = impact_with_target(other, trust_zone)
            if words:
                said.setdefault(words, other)
    for words, other in list(said.items())[:MOST]:
        yield Node(
            depth=depth,
            text=f"also: {words}",
            note=f"{other.name} at {other.time:%H:%M:%SZ}",
            severity=Severity.CRITICAL,
            event=other.id,
        )
    beside = {words: other for other in reversed(session) if (words := contextual_meaning(other))}
    for words, other in list(reversed(beside.items()))[:MOST]:
        yield Node(
            depth=depth,
            text=f"also: {words}",
            note=f"{other.name} at {other.time:%H:%M:%SZ}",
            severity=Severity.MEDIUM,
            event=other.id,
        )
    refused = [other for other in session if other.refused]
    if refused:
        yield Node(
            depth=depth,
            text=f"also: {many(len(refused), 'call')} refused",
            note=", ".join(sorted({other.name for other in refused})[:3]),
            severity=Severity.MEDIUM,
            event=refused[0].id,
        )


def _made(
    event: Event,
    assessment: Assessment,
    raised: dict[str, Severity],
    region: Region | None,
    depth: int,
    traffic: Traffic | None,
) -> Iterator[Node]:
    request = event.request
    if request is None:
        yield Node(depth=depth, text=event.name, note=event.error_code or event.source, severity=assessment.severity)
        return
    if event.error_code:
        yield Node(depth=depth, text="created no endpoint", note=event.error_code, severity=assessment.severity)
    else:
        what = request.endpoint_id or "an endpoint"
        yield Node(
            depth=depth,
            text=f"created {what}",
            note=f"{request.type or 'endpoint'} in {event.region}",
            severity=assessment.severity,
            relation=Relation("endpoint", request.endpoint_id) if request.endpoint_id else None,
        )
    network = region.network if region else None
    endpoint = network.endpoints.get(request.endpoint_id) if network else None
    vpc = network.vpcs.get(request.vpc_id) if network else None
    beside = [item for item in (region.instances if region else ()) if item.vpc_id == request.vpc_id and not item.gone]
    name = f" {vpc.tags['Name']}" if vpc and vpc.tags.get("Name") else ""
    unread = region is None or "instances" in region.unknown or "everything" in region.unknown
    note = "its instances were not searched" if unread else many(len(beside), "instance")
    if vpc and vpc.tags.get("env"):
        note += f", env={vpc.tags['env']}"
    if request.vpc_id:
        yield Node(
            depth=depth + 1,
            text=f"in {request.vpc_id}{name}",
            note=note,
            severity=_worst(raised, "VPCE-22", "VPCE-27", "VPCE-35"),
            relation=Relation("VPC", request.vpc_id),
        )
    for group in (
        network.groups[item] for item in (endpoint.groups if endpoint else ()) if network and item in network.groups
    ):
        peers = sorted({str(rule) for rule in group.ingress})
        yield Node(
            depth=depth + 1,
            text=f"reached through {group.id} {group.name}",
            note=f"allows inbound {', '.join(peers[:2]) or 'nothing'}",
            severity=_worst(raised, "VPCE-05", "VPCE-06"),
        )
    where = request.service or request.resource or "a target that the record does not name"
    owner = network.owners.get(request.service, "") if network else ""
    yield Node(
        depth=depth + 1,
        text=f"leads to {where}",
        note=f"owner {owner}" if owner else "",
        severity=_worst(raised, "VPCE-01", "VPCE-20", "VPCE-31", "VPCE-32", "VPCE-33"),
    )
    limits = _worst(raised, "VPCE-02", "VPCE-03", "VPCE-04")
    if limits is not None:
        title = next(signal.title for signal in assessment.against if signal.id in ("VPCE-02", "VPCE-03", "VPCE-04"))
        yield Node(depth=depth + 2, text=title, note="", severity=limits)
    if traffic is not None:
        sent = sum(flow_peer.received for flow_peer in traffic.flow_peers)
        yield Node(
            depth=depth + 2,
            text=f"{size(sent)} sent through it",
            note=f"last {traffic.window.hours} h, from flow logs",
            severity=_worst(raised, "VPCE-25"),
        )


def _worst(raised: dict[str, Severity], *rules: str) -> Severity | None:
    return max((raised[rule] for rule in rules if rule in raised), default=None)
