"""What went through an endpoint."""

from fnmatch import fnmatchcase
from typing import Final

from vpce_tui.cloudtrail.callers import called_by_aws_service
from vpce_tui.core.text import size
from vpce_tui.detection.endpoint.endpoint_facts import EndpointFacts
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact

_NO_CALLS: Final = Inconclusive(
    "who called through it: network activity events are not in event history; use the log files of a trail that records them"
)
_NOT_ASKED: Final = Inconclusive(
    "how much was sent through it: its flow logs were not queried (on request: it is billed)"
)


@rule(
    "VPCE-26",
    Severity.HIGH,
    "contain-endpoint",
    name="Calls through it were denied by its policy, or made by principals of other accounts",
    why=(
        "Denied calls (VpceAccessDenied) mean that somebody tests its limits. Credentials of another account "
        "inside your VPC are a means of exfiltration: intruders use their own."
    ),
    false_positives="a partner works in this VPC with credentials of its own",
    techniques=("T1078.004", "T1567"),
)
def external_calls(subject: EndpointFacts) -> RuleResult:
    for other in subject.used:
        account = other.principal.account
        if other.error_code == "VpceAccessDenied":
            facts = (
                SignalFact("errorCode", other.error_code, "history"),
                SignalFact("call", f"{other.source}: {other.name} by {other.principal.name}", "history"),
            )
            return Match("Calls through it were denied by its policy", facts)
        if (
            account
            and account not in subject.trust_zone.accounts
            and account != subject.account
            and not called_by_aws_service(other)
            and not any(
                fnmatchcase(arn, pattern)
                for pattern in subject.trust_zone.trusted
                for arn in (other.principal.arn, other.principal.role_arn)
            )
        ):
            facts = (
                SignalFact("account", account, "history"),
                SignalFact("call", f"{other.source}: {other.name} by {other.principal.name}", "history"),
            )
            return Match(f"A principal of account {account} called through it", facts)
    if subject.named and subject.aws_service and not subject.past.has_network_events:
        return _NO_CALLS
    return None


_MUCH: Final = 100 * 1024 * 1024


@rule(
    "VPCE-25",
    Severity.HIGH,
    "block-traffic",
    name="A large volume of data was sent through it",
    why="Only flow logs show how much data leaves through an endpoint.",
    false_positives="a backup or a migration was planned",
    techniques=("T1048",),
)
def much_traffic(subject: EndpointFacts) -> RuleResult:
    if not subject.named or subject.gateway:
        return None
    traffic = subject.traffic
    if traffic is None:
        return _NOT_ASKED
    # an instance that sends to the endpoint is "received" by the endpoint's own interface
    peers = sorted(
        (flow_peer for flow_peer in traffic.flow_peers if flow_peer.accepted), key=lambda flow_peer: -flow_peer.received
    )
    total = sum(flow_peer.received for flow_peer in peers)
    if total < _MUCH or not peers:
        return (
            Inconclusive("how much was sent through it: the flow log query result is incomplete")
            if traffic.cut
            else None
        )
    top = peers[0]
    made = subject.endpoint.created if subject.endpoint else None
    new = top.first is not None and (made is None or top.first >= made)
    facts = (
        SignalFact("sent through it", f"{size(total)} in {traffic.window.hours} h", "flow logs"),
        SignalFact("most of it by", f"{top.peer}, {size(top.received)}", "flow logs"),
    )
    return Match(
        f"{size(total)} was sent through it, most by {top.peer}", facts, Severity.HIGH if new else Severity.MEDIUM
    )


ENDPOINT_RULES: Final[tuple[Rule[EndpointFacts], ...]] = (external_calls, much_traffic)
