"""What an endpoint's policy lets through: the one that it was made with, and the one that it has now.

Each answer rests on the policies, the service and what is ours, and on nothing else: it is found out once for all that share them.
"""

from functools import lru_cache
from typing import Final

from vpce_tui.detection.endpoint.endpoint_facts import EndpointFacts, PolicyAnswers, evaluate_endpoint_policy
from vpce_tui.detection.rule import Inconclusive, Match, Pass, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact
from vpce_tui.iam.external_access import ExternalAccess
from vpce_tui.iam.trust_zone import AccessScope, TrustZone

_VALUABLE: Final = frozenset({"s3", "s3express", "dynamodb", "sts", "kms", "secretsmanager", "ssm", "execute-api"})
_SEEN: Final = 4096
_NO_POLICY: Final = (None, None, None)


def _everything(short: str, found: ExternalAccess | None) -> bool:
    return found is None or found.everything(short.partition(".")[0])


def _when(policies: tuple[str, ...], number: int) -> str:
    """``""``, or that it is so only by now."""
    return "" if number == 0 or len(policies) == 1 else " (current state)"


def _said(subject: EndpointFacts) -> PolicyAnswers:
    """What the three rules say: looked through once for all of them, and for all endpoints that share it."""
    found = subject.by_policy
    if found is None:
        found = subject.by_policy = (
            _looked_through(subject.policies, subject.short, subject.trust_zone) if subject.takes_policy else _NO_POLICY
        )
    return found


@lru_cache(maxsize=_SEEN)
def _looked_through(policies: tuple[str, ...], short: str, trust_zone: TrustZone) -> PolicyAnswers:
    return (
        _open(policies, short, trust_zone),
        _limits(policies, short, trust_zone),
        _external_principals(policies, trust_zone),
    )


@rule(
    "VPCE-02",
    Severity.MEDIUM,
    "contain-endpoint",
    name="Its endpoint policy allows full access to everybody",
    why=(
        "Any principal, also of an external account, can use the service through it: data can be copied to "
        "external resources."
    ),
    false_positives="the team accepts open endpoint policies and limits access at the resources instead",
    techniques=("T1567", "T1537"),
    section="network",
)
def open_policy(subject: EndpointFacts) -> RuleResult:
    return _said(subject)[0]


def _open(policies: tuple[str, ...], short: str, trust_zone: TrustZone) -> RuleResult:
    for number, policy in enumerate(policies):
        if not _everything(short, evaluate_endpoint_policy(policy, trust_zone)):
            continue
        said = policy or "absent: the default policy allows full access"
        valuable = short in _VALUABLE or short.partition(".")[0].removesuffix("-global") in _VALUABLE
        return Match(
            f"Its endpoint policy allows full access to everybody{_when(policies, number)} ({short})",
            (SignalFact("PolicyDocument", said, "live" if number else "record"),),
            Severity.HIGH if valuable else Severity.MEDIUM,
        )
    problems = [
        found.problem
        for policy in policies
        if (found := evaluate_endpoint_policy(policy, trust_zone)) and found.problem
    ]
    return Inconclusive(f"what its policy allows: {problems[0]}") if problems else None


@rule(
    "VPCE-03",
    Severity.MEDIUM,
    "contain-endpoint",
    name="Its policy does not limit it to your trust zone",
    why=(
        "A policy that limits actions, but neither the principals (aws:PrincipalOrgID) nor the resources "
        "(aws:ResourceOrgID), still allows copying data to an external account's bucket."
    ),
    false_positives="the actions it allows cannot carry data",
    techniques=("T1567", "T1537"),
    section="network",
)
def no_limits(subject: EndpointFacts) -> RuleResult:
    return _said(subject)[1]


def _limits(policies: tuple[str, ...], short: str, trust_zone: TrustZone) -> RuleResult:
    doubts: list[str] = []
    for number, policy in enumerate(policies):
        found = evaluate_endpoint_policy(policy, trust_zone)
        if found is None or _everything(short, found):
            return None  # which is said already
        sides = ((found.who, "whose principals may use it"), (found.what, "whose resources may be reached"))
        conditional = [words for side, words in sides if any(why.startswith("the condition") for why in side.why)]
        wide = [words for side, words in sides if side.reach is AccessScope.ANY]
        if wide or conditional:
            actions = sorted({action for grant in found.grants for action in grant.actions})
            facts = [
                SignalFact("actions", ", ".join(actions[:8])),
                SignalFact("PolicyDocument", policy, "live" if number else "record"),
            ]
            facts += [SignalFact("unknown", why) for why in found.doubts[:2]]
            title = f"Its policy{_when(policies, number)} does not limit {' or '.join(wide)}"
            if not wide:
                title = f"No condition that can be evaluated limits {' or '.join(conditional)} in its policy{_when(policies, number)}"
            return Match(title, tuple(facts))
        doubts += found.doubts
    if doubts:
        return Inconclusive(f"what its policy allows: {'; '.join(dict.fromkeys(doubts[:3]))}")
    if any(
        AccessScope.NAMED in (found.who.reach, found.what.reach)
        for policy in policies
        if (found := evaluate_endpoint_policy(policy, trust_zone))
    ):
        return None
    return Pass("its policy allows only your principals and only your resources")


@rule(
    "VPCE-04",
    Severity.CRITICAL,
    "contain-endpoint",
    name="Its policy names a principal or a resource of another account",
    why=(
        "The policy names an external principal or resource. This can be used for exfiltration, or for access from "
        "outside."
    ),
    false_positives=(
        "the account is a partner's that you know; then add it to own_accounts, or the principal to trusted_principals"
    ),
    techniques=("T1537", "T1098"),
    section="network",
)
def names_external_principals(subject: EndpointFacts) -> RuleResult:
    return _said(subject)[2]


def _external_principals(policies: tuple[str, ...], trust_zone: TrustZone) -> RuleResult:
    for number, policy in enumerate(policies):
        found = evaluate_endpoint_policy(policy, trust_zone)
        names = [name for side in (found.who, found.what) for name in side.names] if found else []
        if names:
            facts = (
                SignalFact("names", "; ".join(names[:6])),
                SignalFact("PolicyDocument", policy, "live" if number else "record"),
            )
            return Match(f"Its policy names {names[0]}{_when(policies, number)}", facts)
    return None


ENDPOINT_RULES: Final[tuple[Rule[EndpointFacts], ...]] = (open_policy, no_limits, names_external_principals)
