"""Rules about an instance, by what they look at, and the assessment that they make together."""

from typing import Final

from vpce_tui.detection.instance import activity, credential_use, exposure, guardduty, instance_traffic, nearby_endpoint
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.rule import Rule, results_of
from vpce_tui.detection.signals import Assessment, combine_signals

RULES: Final[tuple[Rule[InstanceFacts], ...]] = tuple(
    sorted(
        (
            *guardduty.RULES,
            *credential_use.RULES,
            *nearby_endpoint.RULES,
            *exposure.RULES,
            *activity.RULES,
            *instance_traffic.RULES,
        ),
        key=lambda rule: rule.id,
    )
)
"""Every rule, by id."""

_OF_THE_GONE: Final = tuple(rule for rule in RULES if rule.applies_to_failed_calls)


def assess_instance(subject: InstanceFacts) -> Assessment:
    """Every reason to worry about an instance; of one that is gone only what outlives it."""
    return combine_signals(*results_of(subject, _OF_THE_GONE if subject.instance.gone else RULES))
