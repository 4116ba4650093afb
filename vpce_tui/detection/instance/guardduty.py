"""What GuardDuty found about an instance."""

from typing import Final

from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
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


RULES: Final[tuple[Rule[InstanceFacts], ...]] = (guardduty,)
