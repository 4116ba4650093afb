"""Rules about a ``CreateVpcEndpoint`` event, by what they look at, and the judgement that they make together."""

from typing import Final

from vpce_tui.signals.endpoint import around, deeds, groups, habit, policy, traffic, way_out, who
from vpce_tui.signals.endpoint.subject import Subject
from vpce_tui.signals.model import Judgement, Severity
from vpce_tui.signals.rule import Rule, judged

RULES: Final[tuple[Rule[Subject], ...]] = tuple(
    sorted(
        (*way_out.RULES, *policy.RULES, *groups.RULES, *around.RULES, *who.RULES, *habit.RULES, *deeds.RULES, *traffic.RULES),
        key=lambda rule: rule.id,
    )
)  # fmt: skip
"""Every rule, by id."""

_OF_ATTEMPTS: Final = tuple(rule for rule in RULES if rule.attempts)
NOTHING: Final = Judgement(Severity.INFO)


def judge_event(see: Subject) -> Judgement:
    """Every reason to worry about an event. One that made no endpoint is judged as an attempt, at most medium.

    Events that create no EC2 endpoint have no signals.
    """
    event = see.event
    if event.request is None:
        return NOTHING
    found = judged(see, _OF_ATTEMPTS if event.error_code else RULES)
    if event.error_code and found.severity > Severity.MEDIUM:
        return Judgement(Severity.MEDIUM, found.signals, found.unknown, found.fine)
    return found
