"""Whether an instance created a suspicious endpoint, or is in the subnet of one."""

from typing import Final

from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.rule import Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact


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


RULES: Final[tuple[Rule[InstanceFacts], ...]] = (near_endpoint,)
