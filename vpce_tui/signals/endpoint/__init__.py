"""Rules about a ``CreateVpcEndpoint`` event, by what they look at, and the judgement that they make together."""

from typing import Any, Final

from vpce_tui.signals.endpoint import around, deeds, groups, habit, policy, traffic, way_out, who
from vpce_tui.signals.endpoint.subject import Made, Subject
from vpce_tui.signals.model import Judgement, Severity, judge
from vpce_tui.signals.rule import Answers, Rule, S, answers


def _by_id(*rules: Rule[S]) -> tuple[Rule[S], ...]:
    return tuple(sorted(rules, key=lambda rule: rule.id))


OF_MADE: Final[tuple[Rule[Made], ...]] = _by_id(*way_out.OF_MADE, *policy.RULES, *groups.RULES, *around.RULES)
"""Rules about what was asked for and what is there now, whoever asked."""
OF_EVENT: Final[tuple[Rule[Subject], ...]] = _by_id(
    *way_out.OF_EVENT, *who.RULES, *habit.RULES, *deeds.RULES, *traffic.RULES
)
"""Rules about the one event."""
RULES: Final[tuple[Rule[Any], ...]] = _by_id(*OF_MADE, *OF_EVENT)
"""Every rule, by id."""

_OF_EVENT_BY_ATTEMPT: Final = {True: tuple(rule for rule in OF_EVENT if rule.attempts), False: OF_EVENT}
_OF_MADE_BY_ATTEMPT: Final = {True: tuple(rule for rule in OF_MADE if rule.attempts), False: OF_MADE}
NOTHING: Final = Judgement(Severity.INFO)


def judge_event(see: Subject) -> Judgement:
    """Every reason to worry about an event. One that made no endpoint is judged as an attempt, at most medium.

    Events that create no EC2 endpoint have no signals.
    """
    event = see.event
    if event.request is None:
        return NOTHING
    attempt = bool(event.error_code)
    of_made = of_what_was_made(see.made, attempt)
    of_event = answers(see, _OF_EVENT_BY_ATTEMPT[attempt])
    found = judge(
        of_made.signals + of_event.signals,
        _joined(of_made.unknown, of_event.unknown),
        _joined(of_made.fine, of_event.fine),
    )
    if attempt and found.severity > Severity.MEDIUM:
        return Judgement(Severity.MEDIUM, found.signals, found.unknown, found.fine)
    return found


def of_what_was_made(made: Made, attempt: bool) -> Answers:
    """What the rules about it say: found out once."""
    found = made.answers.get(attempt)
    if found is None:
        found = made.answers[attempt] = answers(made, _OF_MADE_BY_ATTEMPT[attempt])
    return found


def _joined(some: tuple[tuple[str, str], ...], more: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(some + more)) if some and more else some or more
