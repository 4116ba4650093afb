"""Rules about a ``CreateVpcEndpoint`` event, by what they look at, and the assessment that they make together."""

from collections.abc import Mapping
from typing import Any, Final

from vpce_tui.detection.endpoint import (
    caller,
    caller_activity,
    caller_baseline,
    egress,
    endpoint_policy,
    endpoint_traffic,
    network_context,
    security_groups,
)
from vpce_tui.detection.endpoint.endpoint_facts import CallerFacts, EndpointFacts, EventFacts
from vpce_tui.detection.rule import SAID_NOTHING, Rule, RuleResults, S, results_of
from vpce_tui.detection.signals import Assessment, Severity, combine_signals


def _by_id(*rules: Rule[S]) -> tuple[Rule[S], ...]:
    return tuple(sorted(rules, key=lambda rule: rule.id))


ENDPOINT_RULES: Final[tuple[Rule[EndpointFacts], ...]] = _by_id(
    *egress.ENDPOINT_RULES,
    *endpoint_policy.ENDPOINT_RULES,
    *security_groups.ENDPOINT_RULES,
    *network_context.ENDPOINT_RULES,
    *endpoint_traffic.ENDPOINT_RULES,
)
"""Rules about what was asked for and what is there now, whoever asked."""
CALLER_RULES: Final[tuple[Rule[CallerFacts], ...]] = _by_id(*caller.CALLER_RULES)
"""Rules about who asked, whatever for."""
EVENT_RULES: Final[tuple[Rule[EventFacts], ...]] = _by_id(
    *egress.EVENT_RULES,
    *network_context.EVENT_RULES,
    *caller.EVENT_RULES,
    *caller_baseline.EVENT_RULES,
    *caller_activity.EVENT_RULES,
)
"""Rules about the one event."""
RULES: Final[tuple[Rule[Any], ...]] = _by_id(*ENDPOINT_RULES, *CALLER_RULES, *EVENT_RULES)
"""Every rule, by id."""


def _of_attempts(rules: tuple[Rule[S], ...]) -> Mapping[bool, tuple[Rule[S], ...]]:
    return {True: tuple(rule for rule in rules if rule.applies_to_failed_calls), False: rules}


_MADE, _CALLER, _EVENT = _of_attempts(ENDPOINT_RULES), _of_attempts(CALLER_RULES), _of_attempts(EVENT_RULES)
NOTHING: Final = Assessment(Severity.INFO)


def assess_signals(subject: EventFacts) -> Assessment:
    """Every reason to worry about an event. One that made no endpoint is assessed as an attempt, at most medium."""
    attempt = bool(subject.event.error_code)
    made, maker = subject.endpoint_facts.answers.get(attempt), subject.caller_facts.answers.get(attempt)
    if made is None:
        made = subject.endpoint_facts.answers[attempt] = results_of(subject.endpoint_facts, _MADE[attempt])
    if maker is None:
        maker = subject.caller_facts.answers[attempt] = results_of(subject.caller_facts, _CALLER[attempt])
    one = results_of(subject, _EVENT[attempt])
    if one is SAID_NOTHING and maker is SAID_NOTHING:  # as of most: then it is assessed as all are that made the same
        found = subject.endpoint_facts.assessments.get(attempt)
        if found is None:
            found = subject.endpoint_facts.assessments[attempt] = _judged(attempt, made)
        return found
    return _judged(attempt, made, maker, one)


def _judged(
    attempt: bool, made: RuleResults, maker: RuleResults = SAID_NOTHING, one: RuleResults = SAID_NOTHING
) -> Assessment:
    found = combine_signals(
        made.signals + maker.signals + one.signals,
        made.unknown + maker.unknown + one.unknown,
        made.fine + maker.fine + one.fine,
    )
    return found._replace(severity=Severity.MEDIUM) if attempt and found.severity > Severity.MEDIUM else found
