"""What else the caller of an endpoint event did: before it, with the same credentials, and to the endpoint afterwards."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from vpce_tui.cloudtrail.callers import caller_key
from vpce_tui.cloudtrail.sensitive_calls import OPENED, impact_with_target
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts, SensitiveCallSet, evaluate_endpoint_policy
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact

_SHORT_WHILE: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_MOST: Final = 200
"""Calls looked at one by one at most: an intruder may make many."""


@rule(
    "VPCE-18",
    Severity.MEDIUM,
    "revoke-credentials",
    name="Denied, or succeeded after denied attempts",
    why="Somebody is testing what these credentials are allowed to do.",
    false_positives="a new pipeline's permissions were being set up",
    techniques=("T1580",),
    applies_to_failed_calls=True,
)
def refused_attempts(subject: EventFacts) -> RuleResult:
    event = subject.event
    line = subject.caller_facts.refused
    before = line.count_within(event.time, _SHORT_WHILE) if line is not None else 0
    if event.refused:
        count = before + 1
        title = f"Access denied, {count} times within the hour" if count > 1 else "Access denied"
        return Match(
            title,
            (SignalFact("errorCode", event.error_code), SignalFact("refused within the hour", str(count), "history")),
        )
    if event.error_code or line is None or not before:
        return None
    regions = ", ".join(sorted({other.region for other in line.before(event.time, within=_SHORT_WHILE)[-_MOST:]}))
    title = f"Succeeded after {before} refused {'attempt' if before == 1 else 'attempts'}"
    return Match(
        title,
        (SignalFact("refused before", str(before), "history"), SignalFact("regions", regions, "history")),
        Severity.HIGH,
    )


@rule(
    "VPCE-19",
    Severity.LOW,
    "revoke-credentials",
    name="Dry run: somebody tested what these credentials are allowed to do",
    why="A dry run changes nothing and shows the caller whether the call would succeed.",
    false_positives="a tool checks its permissions this way before it works",
    techniques=("T1580",),
    applies_to_failed_calls=True,
)
def dry_run(subject: EventFacts) -> RuleResult:
    if not subject.event.dry_run:
        return None
    return Match("A dry run: nothing was created", (SignalFact("errorCode", subject.event.error_code),))


@rule(
    "VPCE-23",
    Severity.HIGH,
    "contain-endpoint",
    name="Its creator widened or deleted it soon after",
    why=(
        "Created narrow and then widened, it passes a review of the create call alone. Deleted again, it leaves no "
        "trace except in CloudTrail."
    ),
    false_positives="the team tested something, and confirms it",
    techniques=("T1578", "T1070"),
)
def changed_soon(subject: EventFacts) -> RuleResult:
    endpoint = subject.endpoint_id
    if not endpoint:
        return None
    changes = subject.past.changes_of.get(endpoint)
    for other in changes.after(subject.event.time, within=_DAY) if changes else ():
        if caller_key(other) == subject.caller_facts.who:
            name = other.name
            minutes = int((other.time - subject.event.time).total_seconds() // 60)
            fact = SignalFact(name, f"{other.time:%Y-%m-%d %H:%M:%SZ}, {other.id}", "history")
            if name == "DeleteVpcEndpoints":
                return Match(f"Its creator deleted it {minutes} min later", (fact,))
            widened = _widened(other.record, subject)
            if widened:
                return Match(f"Its creator widened it {minutes} min later: {widened}", (fact,))
    if subject.past.knows(f"ResourceName={endpoint}", subject.event.region, since=subject.event.time) is None:
        return Inconclusive("whether its creator changed it since: calls that name it were not searched")
    return None


def _widened(record: Mapping[str, Any], subject: EventFacts) -> str:
    """In what a ``ModifyVpcEndpoint`` lets more through; ``""``: in nothing that can be seen."""
    asked = record.get("requestParameters")
    asked = asked if isinstance(asked, Mapping) else {}
    inner = asked.get("ModifyVpcEndpointRequest")
    asked = inner if isinstance(inner, Mapping) else asked
    found = {key[:1].lower() + key[1:]: value for key, value in asked.items() if isinstance(key, str)}
    if str(found.get("resetPolicy", "")).lower() == "true":
        return "the policy was reset to the default, which allows full access"
    policy = found.get("policyDocument")
    found_now = evaluate_endpoint_policy(policy, subject.trust_zone) if isinstance(policy, str) and policy else None
    if found_now is not None:
        names = [name for side in (found_now.who, found_now.what) for name in side.names]
        if found_now.everything(subject.endpoint_facts.short.split(".")[0]):
            return "a policy that allows full access"
        if names:
            return f"a policy that names {names[0]}"
    if any(key.startswith("addSecurityGroup") for key in found):
        return f"security groups were added ({json.dumps(next(value for key, value in found.items() if key.startswith('addSecurityGroup')))[:120]})"
    if any(key.startswith("addRouteTable") for key in found):
        return "route tables were added"
    return ""


@rule(
    "VPCE-24",
    Severity.CRITICAL,
    "revoke-credentials",
    name="The same session also disabled logging or detection, shared data, or created credentials",
    why=("One of these alone may be normal work. Together with a new endpoint it is typical of an intrusion."),
    false_positives="it is the team's own tooling doing all of it, and somebody confirms that",
    techniques=("T1562.008", "T1098", "T1136.003", "T1537"),
    applies_to_failed_calls=True,
)
def same_session(subject: EventFacts) -> RuleResult:
    principal = subject.event.principal
    one = "key" if principal.access_key_id.startswith("AKIA") else "session"
    found = _near(subject, subject.caller_facts.sensitive_calls) if subject.caller_facts.sensitive_calls else {}
    if found:
        severity = (
            Severity.MEDIUM if subject.caller_facts.pipeline and all(map(_to_a_named_one, found.values())) else None
        )
        return Match(f"The same {one} also called {_few(list(found))}", tuple(found.values())[:8], severity)
    elsewhere = (
        _near(subject, subject.caller_facts.sensitive_calls_elsewhere)
        if subject.caller_facts.sensitive_calls_elsewhere
        else {}
    )
    if elsewhere:
        return Match(
            f"Its creator also called {_few(list(elsewhere))}, in another {one}",
            tuple(elsewhere.values())[:8],
            Severity.MEDIUM,
        )
    calls = subject.caller_facts.calls
    if principal.access_key_id and (calls is None or subject.event.time - _DAY < calls.since):
        return Inconclusive("what else the same session did: its calls were not searched")
    return None


def _near(subject: EventFacts, sensitive_calls: SensitiveCallSet) -> dict[str, SignalFact]:
    """One call of each name within a day of the event, one that opens something before others."""
    found: dict[str, SignalFact] = {}
    for name, lines in sensitive_calls.items():
        other = next((other for line in lines for other in line.around(subject.event.time, _DAY)[:1]), None)
        if other is not None:
            found[name] = SignalFact(
                name, f"{impact_with_target(other, subject.trust_zone)}, {other.time:%H:%M:%SZ}", "history"
            )
    return found


def _to_a_named_one(fact: SignalFact) -> bool:
    """Whether something was opened to somebody by name: a pipeline does that for a vendor, too."""
    return OPENED in fact.value and f"{OPENED}everybody" not in fact.value


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{' and '.join(names[:2])}{more}"


EVENT_RULES: Final[tuple[Rule[EventFacts], ...]] = (refused_attempts, dry_run, changed_soon, same_session)
