"""Every rule there is, as people read them: the list, and one rule in words. Made from the rules themselves."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vpce_tui.detection import endpoint, instance
from vpce_tui.detection.rule import Rule

CATEGORIES: Final[Mapping[str, str]] = {
    "egress": "egress",
    "endpoint_policy": "its policy",
    "security_groups": "its security groups",
    "network_context": "the network around it",
    "caller": "its caller",
    "caller_baseline": "caller baseline",
    "caller_activity": "caller activity",
    "endpoint_traffic": "its traffic",
    "instance_traffic": "its traffic",
    "guardduty": "GuardDuty findings",
    "credential_use": "use of its credentials",
    "nearby_endpoint": "endpoints near it",
    "exposure": "its exposure",
    "activity": "API calls about it",
}
"""What the rules of each category look at."""


def every() -> Iterator[Rule[Any]]:
    """Every rule: about events first, each in the order of its id."""
    yield from endpoint.RULES
    yield from instance.RULES


def find(identifier: str) -> Rule[Any] | None:
    """The rule with this id, however it is written."""
    category, _, number = identifier.strip().upper().partition("-")
    wanted = f"{category}-{number.zfill(2)}"
    return next((rule for rule in every() if rule.id == wanted), None)


def about(rule: Rule[Any]) -> str:
    """``an endpoint event`` or ``an instance``."""
    return "an endpoint event" if rule.id.startswith("VPCE") else "an instance"


def in_words(rule: Rule[Any]) -> list[tuple[str, str]]:
    """A rule as (what, words) pairs, for a page."""
    severity = "mitigating: lowers the severity" if rule.mitigating else rule.severity.word
    found = [
        ("rule", f"{rule.id}  {rule.name}"),
        ("about", f"{about(rule)}: {CATEGORIES[rule.category]}"),
        ("severity", f"{severity}, unless the signal has its own" if not rule.mitigating else severity),
        ("why", rule.why),
        ("false positives", rule.false_positives),
    ]
    if rule.playbook:
        found.append(("playbook", f"{rule.playbook}"))
    if rule.techniques:
        found.append(("ATT&CK", ", ".join(rule.techniques)))
    if rule.id.startswith("VPCE") and not rule.applies_to_failed_calls:
        found.append(("not for", "failed calls"))
    return found


def to_json(rule: Rule[Any]) -> dict[str, Any]:
    """A rule as ``vpce-tui rules list --json`` prints it."""
    return {
        "id": rule.id,
        "name": rule.name,
        "about": about(rule),
        "category": CATEGORIES[rule.category],
        "severity": rule.severity.word,
        "why": rule.why,
        "falsePositives": rule.false_positives,
        "playbook": rule.playbook or None,
        "techniques": list(rule.techniques),
        "mitigating": rule.mitigating,
    }
