"""What flow logs say, as content blocks: bytes over time for each interface, and a table of those it talked with."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from vpce_tui.blocks.model import (
    Block,
    BlockColumn,
    BlockRow,
    ColumnKind,
    SeriesBlock,
    SeriesLine,
    TableBlock,
    TextBlock,
    column,
)
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.inventory.flow_log_queries import MOST, FlowPeer, Traffic, slot_minutes

PEER_COLUMNS: tuple[BlockColumn, ...] = (
    column("PEER"),
    column("WHO", means="owner of the address, as far as known"),
    column("PORT", ColumnKind.NUMBER),
    column("DIR", means="direction of the connection: out = to this port of the peer, in = to this port of the target"),
    column("OUT", ColumnKind.BYTES, "bytes that were sent to the peer"),
    column("IN", ColumnKind.BYTES, "bytes that came from the peer"),
    column("FLOWS", ColumnKind.COUNT, "records of flows that were accepted"),
    column("REJECTED", ColumnKind.COUNT, "records of flows that a security group or network ACL rejected"),
    column("FIRST", ColumnKind.TIME, "start of the first record in this time range, UTC"),
    column("LAST", ColumnKind.TIME, "end of the last record, UTC"),
    column("PROTOCOL"),
)


def peer_table(title: str, flow_peers: Sequence[FlowPeer], who: Mapping[str, str], most: int = MOST) -> TableBlock:
    """Those that the interfaces talked with, as they come; ``who``: whose an address is."""
    rows = tuple(
        BlockRow(
            id=f"{peer.peer} {peer.protocol} {peer.port} {'in' if peer.serving else 'out'}",
            cells=(
                peer.peer,
                who.get(peer.peer, ""),
                peer.port,
                "in" if peer.serving else "out",
                peer.sent,
                peer.received,
                peer.accepted,
                peer.rejected,
                _time(peer.first),
                _time(peer.last),
                peer.protocol,
            ),
        )
        for peer in flow_peers[:most]
    )
    return TableBlock(title=title, columns=PEER_COLUMNS, rows=rows, more=max(0, len(flow_peers) - most))


def bytes_over_time(traffic: Traffic, names: Mapping[str, str]) -> SeriesBlock:
    """Bytes of each slot, for each interface in ``names`` (id: what it is called)."""
    count = max((len(values) for values in traffic.bars.values()), default=0)
    return SeriesBlock(
        title="bytes over time",
        start=rfc3339(traffic.window.start),
        slot_minutes=slot_minutes(traffic.window),
        lines=tuple(
            SeriesLine(name=name, values=traffic.bars.get(interface, (0,) * count)) for interface, name in names.items()
        ),
    )


def traffic_blocks(traffic: Traffic, names: Mapping[str, str], who: Mapping[str, str]) -> list[Block]:
    """All of it: what was asked, what is missing, the chart, the peers."""
    newest = f"newest record {traffic.newest:%m-%d %H:%MZ}" if traffic.newest else "no record yet"
    found: list[Block] = [TextBlock(text=f"the last {traffic.window.hours} h; {newest}; records come minutes late")]
    if traffic.skipped:
        said = f"{traffic.skipped:,} records say SKIPDATA: AWS could not record everything, there may be more traffic"
        found.append(TextBlock(text=said, warning=True))
    if traffic.cut:
        said = f"only the {MOST:,} largest flows were returned: query a shorter time range to see the rest"
        found.append(TextBlock(text=said, warning=True))
    found.append(peer_table("peers by port", traffic.flow_peers, who))
    found.append(bytes_over_time(traffic, names))
    return found


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
