"""Rules about an instance, by what they look at, and the assessment that they make together."""

from typing import Final

from vpce_tui.detection.instance import activity, exposure, guardduty, instance_traffic
from vpce_tui.detection.instance.instance_facts import InstanceSubject
from vpce_tui.detection.rule import Rule, answers
from vpce_tui.detection.signals import Assessment, judge

RULES: Final[tuple[Rule[InstanceSubject], ...]] = tuple(
    sorted((*guardduty.RULES, *exposure.RULES, *activity.RULES, *instance_traffic.RULES), key=lambda rule: rule.id)
)
"""Every rule, by id."""

_OF_THE_GONE: Final = tuple(rule for rule in RULES if rule.applies_to_failed_calls)


def judge_instance(see: InstanceSubject) -> Assessment:
    """Every reason to worry about an instance; of one that is gone only what outlives it."""
    return judge(*answers(see, _OF_THE_GONE if see.instance.gone else RULES))
