"""What others found about an instance, and where its credentials were used."""

from typing import Final

from vpce_tui.detection.credentials_used_elsewhere import where_used
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.rule import Inconclusive, Match, Pass, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact


@rule(
    "INST-01",
    Severity.HIGH,
    "terminate-instance",
    name="GuardDuty has findings about it",
    why="GuardDuty monitors traffic, DNS and API calls; treat a finding as true until it has been investigated.",
    false_positives="the finding was investigated, and archived",
    techniques=("T1552.005",),
    applies_to_failed_calls=True,
)
def guardduty(subject: InstanceFacts) -> RuleResult:
    if not subject.findings:
        why = subject.unread("GuardDuty findings")
        return Inconclusive(why) if why else None
    worst = max(subject.findings, key=lambda finding: finding.severity)
    severity = Severity.CRITICAL if worst.severity >= 9 else Severity.HIGH if worst.severity >= 7 else Severity.MEDIUM
    if worst.severity < 4:
        severity = Severity.LOW
    facts = [
        SignalFact(finding.type, f"severity {finding.severity:g}, seen {finding.count} times", "live")
        for finding in subject.findings
    ]
    return Match(f"GuardDuty: {worst.type}", tuple(facts[:10]), severity)


@rule(
    "INST-02",
    Severity.CRITICAL,
    "terminate-instance",
    name="Its role's credentials were used from an address that is not the instance's",
    why=("Credentials of an instance work anywhere until they expire. Used elsewhere, they were stolen from it."),
    false_positives=(
        "it is behind a proxy or NAT that you know, or the endpoint is in another account of yours; then add that "
        "account to own_accounts"
    ),
    techniques=("T1552.005", "T1078.004"),
    applies_to_failed_calls=True,
)
def credentials_elsewhere(subject: InstanceFacts) -> RuleResult:
    answers = [where_used(event, subject.instance, subject.region, subject.trust_zone) for event in subject.by_role]
    strange = [
        (event, answer) for event, answer in zip(subject.by_role, answers, strict=True) if isinstance(answer, Match)
    ]
    if strange:
        answer = strange[0][1]
        addresses = sorted({one.source_ip for one, _ in strange})
        facts = (
            *answer.facts,
            SignalFact("addresses", ", ".join(addresses[:5]), "history"),
            SignalFact("calls from there", str(len(strange)), "history"),
        )
        return Match(f"Its role's credentials were {answer.title}", facts)
    doubt = next((answer for answer in answers if isinstance(answer, Inconclusive)), None)
    if doubt is not None:
        return doubt
    if subject.instance.profile_arn and subject.past.knows(f"Username={subject.instance.id}") is None:
        return Inconclusive("calls made with its role: not all were searched")
    return Pass(f"{len(subject.by_role)} calls of its role came from its own addresses") if subject.by_role else None


@rule(
    "INST-03",
    Severity.HIGH,
    "contain-endpoint",
    name="Created a suspicious endpoint, or is in the same subnet as one",
    why=(
        "An endpoint serves the instances of its VPC. Instances in its subnet can use it, and were probably meant to."
    ),
    false_positives="the endpoint is legitimate",
    techniques=("T1048",),
    applies_to_failed_calls=True,
)
def near_endpoint(subject: InstanceFacts) -> RuleResult:
    for near in subject.near:
        if near.event.principal.instance_id == subject.instance.id:
            facts = (
                SignalFact("endpoint", near.endpoint or "(none created)", "record"),
                SignalFact("event", near.event.id, "record"),
            )
            did = "created" if near.endpoint else "tried to create"
            return Match(f"Its credentials {did} an endpoint assessed as {near.severity.word}", facts, Severity.HIGH)
    if subject.instance.gone:
        return None
    for near in subject.near:
        if near.endpoint and subject.instance.subnet_id in near.subnets:
            subnet = SignalFact("subnet", subject.instance.subnet_id, "live")
            if near.gone:
                launched = subject.instance.launched
                if near.deleted is not None and launched is not None and launched > near.deleted:
                    continue
                until = f" until {near.deleted:%Y-%m-%d %H:%MZ}" if near.deleted is not None else ""
                facts = (SignalFact("endpoint", f"{near.endpoint}, deleted", "history"), subnet)
                said = f"An endpoint assessed as {near.severity.word} was in its subnet{until}"
                return Match(said, facts, Severity.LOW)
            facts = (SignalFact("endpoint", near.endpoint, "live"), subnet)
            return Match(f"An endpoint assessed as {near.severity.word} is in its subnet", facts, Severity.MEDIUM)
    return None


RULES: Final[tuple[Rule[InstanceFacts], ...]] = (guardduty, credentials_elsewhere, near_endpoint)
