"""VPC flow logs asked through CloudWatch Logs Insights: the questions, and what their answers say.

(AWS: "Flow log records", "CloudWatch Logs Insights query syntax".) Every field of a record gets an alias of ours, ``f_`` before
it, as Insights discovers fields of its own in records of the default format and refuses a second one of the same name.
"""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient

DEFAULT_FORMAT: Final = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} "
    "${start} ${end} ${action} ${log-status}"
)
"""The format of records where a flow log names none."""

PRICE: Final = "USD 0.005 to 0.0076 a GB"
"""What CloudWatch Logs Insights bills for the data that a query scans."""
MOST: Final = 1_000
"""Rows of an answer; what is beyond is not seen, and said so."""

DONE: Final = ("Complete",)
FAILED: Final = ("Failed", "Cancelled", "Timeout")
_PROTOCOLS: Final = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_POLLS: Final = 240
_ASKED: "WeakKeyDictionary[Any, dict[tuple[Any, ...], list[dict[str, str]]]]" = WeakKeyDictionary()
"""Answers by the question, for each way to AWS: planning asks the same again and again, and each question is billed."""


class Unanswered(Exception):
    """Insights did not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when; whole five minutes, so that the same question is asked once."""

    start: datetime
    end: datetime

    @classmethod
    def last(cls, hours: int, now: datetime) -> "Window":
        """The last ``hours`` before ``now``."""
        end = datetime.fromtimestamp((int(now.timestamp()) // 300 + 1) * 300, UTC)
        return cls(end - timedelta(hours=hours), end)

    @property
    def hours(self) -> int:
        """How long it is."""
        return int((self.end - self.start).total_seconds() // 3600)


@dataclass(frozen=True, slots=True)
class FlowPeer:
    """What went between our interfaces and one address on one port. Bytes and flows; ``serving``: the port is ours."""

    peer: str
    port: int
    protocol: str
    serving: bool
    interfaces: frozenset[str]
    sent: int = 0
    received: int = 0
    accepted: int = 0
    rejected: int = 0
    first: datetime | None = None
    last: datetime | None = None
    last_accepted: datetime | None = None
    accepted_from: datetime | None = None
    """The latest begin of a record that was let through."""

    @property
    def bytes(self) -> int:
        """Bytes sent plus received."""
        return self.sent + self.received

    @property
    def key(self) -> tuple[str, int, str, bool]:
        """Key by which records are aggregated: (peer, port, protocol, serving)."""
        return self.peer, self.port, self.protocol, self.serving


@dataclass(frozen=True, slots=True)
class Traffic:
    """What flow logs say of some interfaces. ``cut``: there was more than :data:`MOST` rows hold."""

    window: Window
    flow_peers: tuple[FlowPeer, ...] = ()
    bars: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Bytes by slot, for each interface."""
    newest: datetime | None = None
    cut: bool = False
    newest_of: Mapping[str, datetime] = field(default_factory=dict)
    """The newest record of each interface."""
    skipped: int = 0
    """Records that AWS could not take in (``SKIPDATA``): what they would have said is not known."""


def query_of(log_format: str, interfaces: Sequence[str], rest: str) -> str:
    """An Insights query over the records of ``interfaces``."""
    fields = re.findall(r"\$\{([a-z0-9-]+)\}", log_format) or re.findall(r"\$\{([a-z0-9-]+)\}", DEFAULT_FORMAT)
    stars, aliases = " ".join("*" for _ in fields), ", ".join(f"f_{name.replace('-', '_')}" for name in fields)
    ids = ", ".join(f'"{interface}"' for interface in interfaces)
    return f'parse @message "{stars}" as {aliases}\n| filter f_interface_id in [{ids}]\n{rest}'


NEEDED: Final = (
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
)
"""Fields without which a record says too little to assess by."""


def missing_fields(log_format: str) -> tuple[str, ...]:
    """Which of them a flow log leaves out."""
    there = set(re.findall(r"\$\{([a-z0-9-]+)\}", log_format or DEFAULT_FORMAT))
    return tuple(name for name in NEEDED if name not in there)


def flow_peers_query(log_format: str, interfaces: Sequence[str]) -> str:
    """Who talked, on what, how much, since when."""
    return query_of(
        log_format,
        interfaces,
        "| fields least(f_srcport, f_dstport) as port\n"
        "| stats sum(f_bytes) as total, count(*) as flows, min(f_start) as first, max(f_start) as latest, max(f_end) as last,"
        " min(f_dstport) as lowest by f_interface_id, f_srcaddr, f_dstaddr, port, f_protocol, f_action, f_log_status\n"
        f"| sort total desc\n| limit {MOST}",
    )


def bytes_over_time_query(log_format: str, interfaces: Sequence[str], window: Window) -> str:
    """How much, over time."""
    return query_of(
        log_format,
        interfaces,
        f"| stats sum(f_bytes) as total, max(f_end) as last by bin({slot_minutes(window)}m) as slot, f_interface_id\n"
        f"| sort slot asc\n| limit {MOST * 10}",
    )


def slot_minutes(window: Window) -> int:
    """The width of a bar, so that there are about 36."""
    minutes = int((window.end - window.start).total_seconds() // 60)
    return next((width for width in (2, 5, 10, 20, 40, 60, 120, 240, 480) if minutes / width <= 42), 1440)


def ask(
    client: AwsClient, region: str, group: str, query: str, window: Window, *, fresh: bool = False
) -> list[dict[str, str]]:
    """The rows of the answer; ``fresh``: asked now, whatever was answered before. Raises :class:`Unanswered`, :class:`~vpce_tui.aws.errors.AwsError`."""
    key = (region, group, query, window)
    known = _ASKED.setdefault(client, {})
    if key in known and not fresh:
        return known[key]
    parameters = start_parameters(group, query, window)
    identifier = str(
        client.read(Call(service="logs", operation="StartQuery", region=region, parameters=parameters)).data["queryId"]
    )
    for number in range(_POLLS):
        answer = client.read(
            Call(service="logs", operation="GetQueryResults", region=region, parameters={"queryId": identifier})
        ).data
        if answer.get("status") in DONE:
            known[key] = rows_of(answer)
            return known[key]
        if answer.get("status") in FAILED:
            raise Unanswered(f"the query of {group} ended with status {answer['status']}")
        time.sleep(min(0.1 * (number + 1), 1.0))
    raise Unanswered(f"the query of {group} did not finish within {_POLLS // 60} minutes; query a shorter time range")


def rows_of(answer: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of a ``GetQueryResults`` answer."""
    return [
        {item["field"]: item.get("value", "") for item in row if item.get("field")}
        for row in answer.get("results") or ()
    ]


def start_parameters(group: str, query: str, window: Window) -> dict[str, Any]:
    """The parameters of ``StartQuery``."""
    return {
        "logGroupName": group,
        "queryString": query,
        "startTime": int(window.start.timestamp()),
        "endTime": int(window.end.timestamp()),
        "limit": 10_000,
    }


def traffic_of(
    window: Window, rows: Sequence[Mapping[str, str]], slots: Sequence[Mapping[str, str]], own: Iterable[str]
) -> Traffic:
    """What both answers say; ``own``: every address of our interfaces."""
    mine, found = frozenset(own), dict[tuple[str, int, str, bool], FlowPeer]()
    skipped = sum(_number(row.get("flows")) for row in rows if row.get("f_log_status") == "SKIPDATA")
    newest_of: dict[str, int] = {}
    for row in rows:
        if row.get("f_log_status", "OK") != "OK":
            continue
        interface = row.get("f_interface_id", "")
        newest_of[interface] = max(newest_of.get(interface, 0), _number(row.get("last")))
        ours_sent = row.get("f_srcaddr") in mine
        peer = row.get("f_dstaddr" if ours_sent else "f_srcaddr", "")
        to_server = _number(row.get("lowest")) == _number(row.get("port"))
        flow_peer = FlowPeer(
            peer,
            _number(row.get("port")),
            _PROTOCOLS.get(row.get("f_protocol", ""), row.get("f_protocol", "")),
            serving=to_server is not ours_sent,
            interfaces=frozenset({row.get("f_interface_id", "")}),
        )
        found[flow_peer.key] = _with(found.get(flow_peer.key, flow_peer), row, sent=ours_sent)
    bars: dict[str, list[int]] = {}
    width = timedelta(minutes=slot_minutes(window))
    count = int((window.end - window.start) / width)
    for slot in slots:
        at = _slot(slot.get("slot", ""))
        if at is not None and 0 <= (number := int((at - window.start) / width)) < count:
            bars.setdefault(slot.get("f_interface_id", ""), [0] * count)[number] += _number(slot.get("total"))
    newest = max((_number(slot.get("last")) for slot in slots), default=max(newest_of.values(), default=0))
    return Traffic(
        window=window,
        flow_peers=tuple(sorted(found.values(), key=lambda item: (-item.bytes, item.peer, item.port))),
        bars={key: tuple(value) for key, value in sorted(bars.items())},
        newest=_at(newest),
        cut=len(rows) >= MOST,
        newest_of={interface: at for interface, seconds in newest_of.items() if (at := _at(seconds))},
        skipped=skipped,
    )


def _with(known: FlowPeer, row: Mapping[str, str], *, sent: bool) -> FlowPeer:
    total, flows, accepted = _number(row.get("total")), _number(row.get("flows")), row.get("f_action") == "ACCEPT"
    first, last = _at(_number(row.get("first"))), _at(_number(row.get("last")))
    return replace(
        known,
        interfaces=known.interfaces | {row.get("f_interface_id", "")},
        sent=known.sent + (total if sent else 0),
        received=known.received + (0 if sent else total),
        accepted=known.accepted + (flows if accepted else 0),
        rejected=known.rejected + (0 if accepted else flows),
        first=min((at for at in (known.first, first) if at), default=None),
        last=max((at for at in (known.last, last) if at), default=None),
        last_accepted=max((at for at in (known.last_accepted, last if accepted else None) if at), default=None),
        accepted_from=max(
            (at for at in (known.accepted_from, _at(_number(row.get("latest"))) if accepted else None) if at),
            default=None,
        ),
    )


def _number(text: Any) -> int:
    try:
        return int(float(text))
    except (TypeError, ValueError, OverflowError):
        return 0


def _at(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None


def _slot(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
