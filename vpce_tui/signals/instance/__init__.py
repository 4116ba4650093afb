"""Rules about an instance, by what they look at, and the judgement that they make together."""

from typing import Final

from vpce_tui.signals.instance import done, exposed, found, traffic
from vpce_tui.signals.instance.subject import Subject
from vpce_tui.signals.model import Judgement, judge
from vpce_tui.signals.rule import Rule, answers

RULES: Final[tuple[Rule[Subject], ...]] = tuple(
    sorted((*found.RULES, *exposed.RULES, *done.RULES, *traffic.RULES), key=lambda rule: rule.id)
)
"""Every rule, by id."""

_OF_THE_GONE: Final = tuple(rule for rule in RULES if rule.attempts)


def judge_instance(see: Subject) -> Judgement:
    """Every reason to worry about an instance; of one that is gone only what outlives it."""
    return judge(*answers(see, _OF_THE_GONE if see.instance.gone else RULES))
