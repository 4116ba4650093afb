"""Who reaches an endpoint: its security groups, and what talks through them."""

from functools import lru_cache
from typing import Final

from vpce_tui.detection.endpoint.endpoint_facts import EndpointFacts
from vpce_tui.detection.rule import Inconclusive, Match, Pass, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact
from vpce_tui.iam.policy_document import PolicyPrincipalKind, Statement, parse
from vpce_tui.inventory.resources import SecurityGroupPermission


def _only(rule_: SecurityGroupPermission, port: int) -> bool:
    return rule_.protocol in ("tcp", "6") and (rule_.from_port, rule_.to_port) == (port, port)


@rule(
    "VPCE-05",
    Severity.HIGH,
    "contain-endpoint",
    name="Its security group allows the whole world, or is the VPC's default one",
    why="Whoever can route to the VPC (peering, VPN, transit gateway) reaches the endpoint.",
    false_positives="nothing but this VPC can route to it, and the team leaves security groups open on purpose",
    techniques=("T1562.007",),
    section="access",
)
def open_group(subject: EndpointFacts) -> RuleResult:
    if subject.gateway or subject.request.type == "GatewayLoadBalancer":
        return None
    groups = subject.groups
    if groups is None:
        if subject.region is not None and subject.endpoint is None and not subject.not_read("endpoints", ""):
            return None  # it is gone, which is said elsewhere
        return Inconclusive(
            subject.not_read("groups", "its security groups") or subject.not_read("endpoints", "the endpoint")
        )
    lost = sorted(set(subject.endpoint.groups) - {group.id for group in groups}) if subject.endpoint else []
    if not groups:
        return Inconclusive("its security groups do not exist any more, or belong to another account") if lost else None
    worst: tuple[Severity, list[SignalFact], str] | None = None
    for group in groups:
        for item in group.ingress:
            if item.open_to_world:
                only_https = _only(item, 443)
                severity = Severity.MEDIUM if only_https else Severity.HIGH
                what = f"allows {item.whom} on {'port 443' if only_https else 'more than port 443'}"
                if worst is None or severity > worst[0]:
                    facts = [
                        SignalFact("group", f"{group.id} {group.name}", "live"),
                        SignalFact("rule", str(item), "live"),
                    ]
                    worst = (severity, facts, what)
        if group.name == "default" and (worst is None or worst[0] < Severity.HIGH):
            worst = (
                Severity.HIGH,
                [SignalFact("group", f"{group.id} default", "live")],
                "is the VPC's default security group",
            )
    if worst is None and lost:
        return Inconclusive(
            f"its security groups {', '.join(lost)}: they do not exist any more, or belong to another account"
        )
    lists = sorted({item.peer for group in groups for item in group.ingress if item.peer.startswith("pl-")})
    if worst is None and lists:
        why = subject.region.network.unknown.get("prefix lists") if subject.region else ""
        return Inconclusive(
            f"which addresses the prefix list {lists[0]} in its security groups contains: {why or 'it was not read'}"
        )
    if worst is None:
        peers = sorted({str(item) for group in groups for item in group.ingress})
        return Pass(
            f"its security groups allow {', '.join(peers[:4])}"
            if peers
            else "its security groups allow no inbound traffic"
        )
    return Match(f"Its security group {worst[2]}", tuple(worst[1]), worst[0])


@rule(
    "VPCE-06",
    Severity.MEDIUM,
    "contain-endpoint",
    name="No security group was named: the VPC's default security group is used",
    why=("The default security group allows everything that has the same group, and is often overlooked."),
    false_positives="the default security group of this VPC has no rules",
    techniques=("T1562.007",),
    section="access",
)
def no_group(subject: EndpointFacts) -> RuleResult:
    if subject.gateway or subject.request.type in ("Gateway", "GatewayLoadBalancer") or subject.request.groups:
        return None
    if not subject.request.service and not subject.request.resource:
        return None  # the record does not say what was asked for
    now = subject.groups
    if now is not None and any(group.name != "default" for group in now):
        return None
    return Match(
        "No security group was named, so it has the default security group", (SignalFact("SecurityGroupId", "absent"),)
    )


_OTHER_PORTS: Final = {
    "email-smtp": {25, 465, 587, 2465, 2587},
    "iot.data": {8883, 8443},
    "transfer.server": {21, 22},
    "storagegateway": {1026, 1027, 1028, 1031, 2222},
    "datasync": set(range(1024, 1065)),
    "redshift": {5439},
    "kinesisvideo": {8443},
    "cassandra": {9142},
    "elasticache": {6379, 6380},
    "memorydb": {6379},
}
"""Ports beside 443 that AWS documents for endpoints of its services."""
_PLAIN: Final = {21: "FTP", 23: "Telnet", 25: "SMTP", 80: "HTTP", 110: "POP3", 143: "IMAP", 389: "LDAP", 8080: "HTTP"}
_OLD_TLS: Final = ("TLSv1", "TLSv1.0", "TLSv1.1", "SSLv3", "SSLv2")


@rule(
    "VPCE-34",
    Severity.LOW,
    "contain-endpoint",
    name="Traffic through it may be unencrypted",
    why=(
        "Endpoint traffic stays on AWS's network, but whoever mirrors traffic or owns the service can read what is "
        "not encrypted. Here neither a condition on aws:SecureTransport nor VPC Encryption Control prevents "
        "that."
    ),
    false_positives="every client uses TLS 1.2 or later, which CloudTrail records then show",
    techniques=("T1040", "T1557"),
    section="encryption",
)
def unencrypted(subject: EndpointFacts) -> RuleResult:
    used = subject.used
    plain = [event for event in used if event.tls in _OLD_TLS]
    plain += [
        event for event in used if event.tls is None and event.event_type == "AwsVpceEvent" and not event.error_code
    ]
    if plain:
        facts = (
            SignalFact("calls without TLS 1.2", f"{len(plain)} of {len(used)}", "history"),
            SignalFact("tlsVersion", plain[0].tls or "absent", "history"),
        )
        return Match("Calls through it were made without TLS 1.2", facts, Severity.HIGH)
    groups = subject.groups
    if groups is None and not subject.gateway and subject.endpoint is not None:
        return Inconclusive(subject.not_read("groups", "its security groups") or "its security groups were not read")
    groups = groups or ()
    allowed = _OTHER_PORTS.get(subject.short, set())
    for group in groups:
        for item in group.ingress:
            if subject.aws_service:
                if item.protocol in ("tcp", "6", "-1") and not _only(item, 443) and not _within(item, allowed):
                    facts = (
                        SignalFact("group", f"{group.id} {group.name}", "live"),
                        SignalFact("rule", str(item), "live"),
                    )
                    return Match(
                        "Its security group allows more than port 443, and its service uses TLS", facts, Severity.MEDIUM
                    )
            elif not item.all_ports:
                named = next(
                    (f"{name} {port}" for port, name in _PLAIN.items() if item.covers(port) and _narrow(item)), ""
                )
                if named:
                    facts = (
                        SignalFact("group", f"{group.id} {group.name}", "live"),
                        SignalFact("rule", str(item), "live"),
                    )
                    return Match(f"Its security group allows {named}, which is not encrypted", facts, Severity.MEDIUM)
    vpc = subject.region.network.vpcs.get(subject.request.vpc_id) if subject.region else None
    if vpc is None:
        return Inconclusive(
            subject.not_read("vpcs", "the VPC") or f"its VPC {subject.request.vpc_id or '(not named)'} does not exist"
        )
    missing = []
    takes_policy = bool(subject.request.service) and subject.aws_service
    if takes_policy and not _encrypted_only(subject.policies[-1]):
        missing.append("no condition on aws:SecureTransport")
    why = subject.not_read("encryption", "VPC Encryption Control")
    mode = vpc.encryption
    if not why and mode != "enforce":
        missing.append("VPC Encryption Control only monitors" if mode == "monitor" else "no VPC Encryption Control")
    if missing:
        return _nothing_enforces(tuple(missing))
    if why:
        return Inconclusive(why)
    return Pass("only encrypted requests are allowed" if takes_policy else "its VPC enforces encryption")


@lru_cache(maxsize=64)
def _nothing_enforces(missing: tuple[str, ...]) -> Match:
    named = ", ".join(missing)
    return Match(f"Nothing enforces encryption: {named}", (SignalFact("missing", named, "live"),))


@lru_cache(maxsize=4096)
def _encrypted_only(text: str) -> bool:
    """Whether a policy lets only encrypted requests pass: each statement that allows asks for it, or a deny takes the rest."""
    found = parse(text)
    if found.problem or not text:
        return False

    def asks(statement: Statement, value: str) -> bool:
        return any(
            one.key == "aws:securetransport" and one.operator == "bool" and one.values == (value,) and not one.if_exists
            for one in statement.conditions
        )

    for statement in found.statements:
        whole = statement.every_action and "*" in statement.resources and len(statement.conditions) == 1
        if (
            not statement.allow
            and whole
            and asks(statement, "false")
            and any(one.kind is PolicyPrincipalKind.EVERYBODY for one in statement.parties or ())
        ):
            return True
    allowing = [statement for statement in found.statements if statement.allow]
    return bool(allowing) and all(asks(statement, "true") for statement in allowing)


def _within(item: SecurityGroupPermission, allowed: set[int]) -> bool:
    if item.from_port is None or item.to_port is None or not allowed:
        return False
    return all(
        port in allowed or port == 443 for port in range(item.from_port, min(item.to_port, item.from_port + 100) + 1)
    )


def _narrow(item: SecurityGroupPermission) -> bool:
    return item.from_port is not None and item.to_port is not None and item.to_port - item.from_port < 100


ENDPOINT_RULES: Final[tuple[Rule[EndpointFacts], ...]] = (open_group, no_group, unencrypted)
