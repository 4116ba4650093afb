"""Rules about an instance."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vpce_tui.inventory.account import Region
from vpce_tui.inventory.model import Finding, Instance, SecurityGroup
from vpce_tui.signals.model import Fact, Judgement, Severity, Signal, judge
from vpce_tui.trail.event import Event

ADMINISTRATION_PORTS: Final = {
    22: "SSH", 3389: "RDP", 5985: "WinRM", 5986: "WinRM", 23: "Telnet", 5900: "VNC", 2375: "Docker", 6443: "Kubernetes",
    3306: "MySQL", 5432: "PostgreSQL", 1433: "SQL Server", 1521: "Oracle", 27017: "MongoDB", 6379: "Redis", 9200: "Elasticsearch",
    11211: "memcached",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules see about one instance. ``events``: calls made with its role's session."""

    instance: Instance
    groups: tuple[SecurityGroup, ...]
    findings: tuple[Finding, ...]
    events: tuple[Event, ...]
    outside_addresses: frozenset[str]


def guardduty(subject: Subject) -> Signal | None:
    """INST-01"""
    if not subject.findings:
        return None
    worst = max(subject.findings, key=lambda finding: finding.severity)
    severity = Severity.CRITICAL if worst.severity >= 9 else Severity.HIGH if worst.severity >= 7 else Severity.MEDIUM
    if worst.severity < 4:
        severity = Severity.LOW
    facts = [
        Fact(finding.type, f"severity {finding.severity:g}, seen {finding.count} times", "live")
        for finding in subject.findings
    ]
    return Signal(
        "INST-01", severity, f"GuardDuty: {worst.type}", tuple(facts[:10]),
        "GuardDuty looks at traffic, DNS and API calls; a finding of this kind is seldom noise.",
        "the finding was looked into, and archived as expected",
        "terminate-instance", ("T1552.005",) if "CredentialExfiltration" in worst.type else (),
    )  # fmt: skip


def credentials_elsewhere(subject: Subject) -> Signal | None:
    """INST-02"""
    own = subject.instance.addresses | subject.outside_addresses
    strange = [event for event in subject.events if _outside(event, own)]
    if not strange:
        return None
    addresses = sorted({event.source_ip for event in strange})
    own_said = ", ".join(sorted(own)) or "unknown"
    return Signal(
        "INST-02", Severity.CRITICAL, f"Its role's credentials were used from {addresses[0]}, which is not its address",
        (
            Fact("sourceIPAddress", ", ".join(addresses[:5]), "history"),
            Fact("its own addresses", own_said, "live"),
            Fact("calls from there", str(len(strange)), "history"),
        ),
        "Credentials of an instance work anywhere until they expire. Used elsewhere, they were taken from it.",
        "it is behind a proxy or NAT outside this VPC that you know",
        "terminate-instance", ("T1552.005", "T1078.004"),
    )  # fmt: skip


def _outside(event: Event, own: frozenset[str]) -> bool:
    try:
        address = ipaddress.ip_address(event.source_ip)
    except ValueError:
        return False
    if event.source_ip in own:
        return False
    through_endpoint = bool(event.record.get("vpcEndpointId"))
    return not (through_endpoint and address.is_private)


def old_metadata_service(subject: Subject) -> Signal | None:
    """INST-04"""
    instance = subject.instance
    if instance.http_tokens != "optional" or instance.http_endpoint == "disabled":
        return None
    role = bool(instance.profile_arn)
    facts = [Fact("HttpTokens", "optional", "live")]
    if role:
        facts.append(Fact("instance profile", instance.profile_arn, "live"))
    return Signal(
        "INST-04", Severity.MEDIUM if role else Severity.LOW,
        "IMDSv1 is allowed" + (", and it has a role to steal" if role else ""), tuple(facts),
        "A forged request from any web application on it can read the role's credentials without a token.",
        "nothing on it makes requests for others, and IMDSv2 is being rolled out",
        "relaunch-instance", ("T1552.005",),
    )  # fmt: skip


def reachable(subject: Subject) -> Signal | None:
    """INST-05"""
    instance = subject.instance
    public = instance.public_ip or next((nic.public_ip for nic in instance.interfaces if nic.public_ip), "")
    if not public:
        return None
    open_ports = {}
    for group in subject.groups:
        for rule in group.ingress:
            if rule.world:
                for port, name in ADMINISTRATION_PORTS.items():
                    if rule.covers(port):
                        open_ports[port] = (name, group, rule)
    if not open_ports:
        return None
    ports = ", ".join(f"{name} {port}" for port, (name, _, _) in sorted(open_ports.items())[:4])
    if len(open_ports) > 4:
        ports += f" and {len(open_ports) - 4} more"
    _, group, rule = open_ports[min(open_ports)]
    return Signal(
        "INST-05", Severity.HIGH, f"The whole internet reaches {ports}",
        (Fact("public address", public, "live"), Fact("group", f"{group.id} {group.name}", "live"), Fact("rule", str(rule), "live")),
        "Such ports are scanned and tried within minutes.",
        "a network ACL or firewall in front closes it",
        "block-traffic", ("T1133", "T1190"),
    )  # fmt: skip


RULES: Final = (guardduty, credentials_elsewhere, old_metadata_service, reachable)


def judge_instance(
    instance: Instance, region: Region, events: Sequence[Event], *, history_known: bool = True
) -> Judgement:
    """Every reason to worry about ``instance``. ``events`` may hold others' too; ``history_known``: all were fetched."""
    used = {group for nic in instance.interfaces for group in nic.groups}
    subject = Subject(
        instance,
        tuple(region.groups[group] for group in sorted(used) if group in region.groups),
        tuple(finding for finding in region.findings if finding.instance_id == instance.id),
        tuple(event for event in events if event.principal.instance_id == instance.id),
        frozenset(region.nat_addresses.get(instance.vpc_id, ())),
    )
    unknown = [f"{what}: {why}" for what, why in region.unknown.items()]
    if not history_known and instance.profile_arn:
        unknown.append("calls made with its role: only CreateVpcEndpoint events were looked at")
    if instance.gone:
        return judge([guardduty(subject), credentials_elsewhere(subject)], unknown)
    return judge([rule(subject) for rule in RULES], unknown)
