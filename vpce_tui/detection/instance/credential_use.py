"""Where the credentials of an instance were used."""

from typing import Final

from vpce_tui.detection.credentials_used_elsewhere import where_used
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.rule import Inconclusive, Match, Pass, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact


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


RULES: Final[tuple[Rule[InstanceFacts], ...]] = (credentials_elsewhere,)
