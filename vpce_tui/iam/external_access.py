"""Who outside may do what through a policy: the one question, with *inconclusive* as an answer and never *fine* for it.

"Outside" has two sides. Somebody else's credentials may be used (``who``), and somebody else's things may be reached
(``what``): an endpoint that limits only the first still carries data to an external principal's bucket. A limit counts when it holds
for every request: not with ``IfExists`` or ``ForAllValues`` in what allows (both are true where the key is absent), not
with a pattern that an external principal's name fits, and a deny only when it covers what is allowed. Follows AWS's "Global condition
context keys" and "Condition operators".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from vpce_tui.iam.condition_checks import (
    ALL_KEYS,
    PATTERNED,
    SAME_AS_CALLER,
    ConditionKeys,
    fits,
    principal_scope,
    resource_scope,
    what_keys,
    who_keys,
)
from vpce_tui.iam.policy_document import Condition, Policy, PolicyPrincipalKind, Statement, parse
from vpce_tui.iam.trust_zone import AccessScope, ScopeResult, TrustZone
from vpce_tui.iam.wildcards import patterns_overlap, subsumes


@dataclass(frozen=True, slots=True)
class Grant:
    """What one statement lets through, after every condition and every deny: who, what, and which actions."""

    sid: str
    actions: tuple[str, ...]
    who: ScopeResult
    what: ScopeResult
    statement: Statement


@dataclass(frozen=True)
class ExternalAccess:
    """The answer. ``problem``: the policy could not be read whole, so that nothing may be called fine."""

    grants: tuple[Grant, ...] = ()
    problem: str = ""

    def everything(self, service: str = "") -> bool:
        """Whether anybody may do anything with anything; ``service``: all that can be done there (``s3``).

        Asked by probes: names that no action has are meant by a pattern only if it means nearly everything, however written.
        """
        return any(grant.statement.applies_to(_probes(service)) for grant in self._wide)

    @cached_property
    def _wide(self) -> tuple[Grant, ...]:
        return tuple(
            grant for grant in self.grants if grant.who.reach is AccessScope.ANY and grant.what.reach is AccessScope.ANY
        )

    @cached_property
    def who(self) -> ScopeResult:
        """The widest of who may ask, with all foreign names and all doubts."""
        return _joined([grant.who for grant in self.grants])

    @cached_property
    def what(self) -> ScopeResult:
        """The widest of what may be reached, with all foreign names and all doubts."""
        return _joined([grant.what for grant in self.grants])

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Everything that is inconclusive."""
        found = [reason for side in (self.who, self.what) for reason in side.why]
        return tuple(dict.fromkeys([*([self.problem] if self.problem else []), *found]))


@lru_cache(maxsize=1024)
def _probes(service: str) -> tuple[str, ...]:
    return tuple(f"{service.lower() or 'any'}:{name}" for name in ("aaaprobe", "mmmprobe", "zzzprobe"))


def _joined(sides: Sequence[ScopeResult]) -> ScopeResult:
    names = tuple(dict.fromkeys(name for side in sides for name in side.names))
    why = tuple(dict.fromkeys(reason for side in sides for reason in side.why))
    return ScopeResult(max((side.reach for side in sides), default=AccessScope.NOBODY), names, why)


def evaluate_external_access(policy: Policy, trust_zone: TrustZone, *, in_endpoint: bool = True) -> ExternalAccess:
    """Who outside may do what. ``in_endpoint``: the policy is that of an endpoint, where a network is no limit of who."""
    denies = [statement for statement in policy.statements if not statement.allow]
    grants = []
    for statement in policy.statements:
        if statement.allow:
            who = _who(statement, denies, trust_zone, in_endpoint)
            what = _what(statement, denies, trust_zone)
            if (
                who.reach <= AccessScope.AWS
                and what.reach is AccessScope.UNSURE
                and not what.names
                and all(map(SAME_AS_CALLER.match, what.why))
            ):
                what = ScopeResult(AccessScope.OURS)  # "of the asker's organization", and only ours may ask
            if (
                who.reach is not AccessScope.NOBODY
                and what.reach is not AccessScope.NOBODY
                and not _taken_away(statement, denies)
            ):
                grants.append(
                    Grant(sid=statement.sid, actions=_actions(statement), who=who, what=what, statement=statement)
                )
    return ExternalAccess(tuple(grants), policy.problem)


_TAKES: Final = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")


@lru_cache(maxsize=4096)
def external_assumers(trust: str, trust_zone: TrustZone) -> tuple[str, str]:
    """Who outside may take a role by its trust policy (``""``: nobody that is known), and what is inconclusive about it."""
    if not trust:
        return "", ""
    found = evaluate_external_access(parse(trust), trust_zone, in_endpoint=False)
    sides = [grant.who for grant in found.grants if any(grant.statement.applies_to([action]) for action in _TAKES)]
    who = _joined(sides)
    if who.reach is AccessScope.ANY:
        return "everybody", ""
    return ", ".join(who.names[:3]), found.problem or "; ".join(who.why[:2])


def _actions(statement: Statement) -> tuple[str, ...]:
    return statement.actions or tuple(f"every action except {action}" for action in statement.not_actions) or ("*",)


# -- one side


def _who(statement: Statement, denies: Sequence[Statement], trust_zone: TrustZone, in_endpoint: bool) -> ScopeResult:
    keys = who_keys(trust_zone, in_endpoint)
    if statement.not_principals:
        named = ScopeResult(AccessScope.ANY)
    elif not statement.parties:
        named = ScopeResult(AccessScope.UNSURE, (), ("a statement names no principal",))
    else:
        named = _widest(principal_scope(party, trust_zone) for party in statement.parties)
    limits = [side for condition in statement.conditions if (side := _allowed_by(condition, keys)) is not None]
    for deny in denies:
        if _covers_actions(deny, statement) and _covers_resources(deny, statement):
            limits += [_spared_by(deny, keys, trust_zone)]
    return _narrowed(named, limits, statement.conditions, keys)


def _what(statement: Statement, denies: Sequence[Statement], trust_zone: TrustZone) -> ScopeResult:
    keys = what_keys(trust_zone)
    if statement.not_resources or not statement.resources:
        named = ScopeResult(AccessScope.ANY)
    else:
        named = _widest(resource_scope(resource, trust_zone) for resource in statement.resources)
    limits = [side for condition in statement.conditions if (side := _allowed_by(condition, keys)) is not None]
    for deny in denies:
        if _covers_actions(deny, statement) and _covers_resources(deny, statement) and _means_everybody(deny):
            limits += [_spared(deny.conditions, keys)]
    return _narrowed(named, limits, statement.conditions, keys)


def _narrowed(
    named: ScopeResult, limits: Sequence[ScopeResult], conditions: Sequence[Condition], keys: "ConditionKeys"
) -> ScopeResult:
    """The tightest of what is named and what limits it; in doubt where a condition may limit it and nothing is sure."""
    certain = [side for side in (named, *limits) if side.reach is not AccessScope.UNSURE]
    tightest = min(certain, key=lambda side: side.reach, default=ScopeResult(AccessScope.ANY))
    if tightest.reach <= AccessScope.AWS:
        return tightest
    doubts = [reason for side in (named, *limits) if side.reach is AccessScope.UNSURE for reason in side.why]
    doubts += [
        f"the condition {condition} may limit it"
        for condition in conditions
        if condition.key not in keys.known
        and not condition.key.startswith(keys.of_the_other)
        and not beside_the_point(condition)
    ]
    if doubts and tightest.reach is AccessScope.ANY:
        return ScopeResult(AccessScope.UNSURE, (), tuple(dict.fromkeys(doubts)))
    return tightest  # whoever is named stays named, however narrow the rest makes it


def _widest(sides: Iterable[ScopeResult]) -> ScopeResult:
    return _joined(list(sides))


# -- conditions


_BESIDE: Final = (
    "aws:securetransport",
    "aws:multifactorauth",
    "aws:currenttime",
    "aws:epochtime",
    "aws:requestedregion",
    "aws:useragent",
    "aws:referer",
    "aws:tokenissuetime",
    "s3:x-amz-",
    "s3:prefix",
    "s3:delimiter",
    "s3:max-keys",
    "s3:signatureversion",
    "s3:tlsversion",
    "aws:requesttag/",
    "aws:tagkeys",
    "s3:authtype",
    "s3:signatureage",
    "sts:externalid",
    "sts:rolesessionname",
    "sts:sourceidentity",
    "sts:transitivetagkeys",
)
"""Keys that say how something is asked, not by whom or for whose thing: whoever asks chooses them."""


def beside_the_point(condition: Condition) -> bool:
    """Whether it limits neither who nor what; ``Null`` and negations exclude some and leave the rest of the world."""
    return (
        condition.key.startswith(_BESIDE)
        or condition.key in ALL_KEYS
        or condition.operator == "null"
        or condition.negated
    )


def _allowed_by(condition: Condition, keys: ConditionKeys) -> ScopeResult | None:
    """What an allowing statement's condition limits this side to; None: it does not limit it."""
    check = keys.checks.get(condition.key)
    if check is None or condition.if_exists or condition.each == "all" or not fits(condition, negated=False):
        return None
    return _widest(check(value, condition.operator in PATTERNED) for value in condition.values)


def _spared_by(deny: Statement, keys: ConditionKeys, trust_zone: TrustZone) -> ScopeResult:
    """Whom a deny that covers everything spares."""
    if deny.not_principals:
        if deny.conditions:
            return ScopeResult(
                AccessScope.UNSURE,
                (),
                ("a deny with NotPrincipal or NotResource has conditions, which cannot be evaluated",),
            )
        return _widest(principal_scope(party, trust_zone) for party in deny.not_principals)
    if not _means_everybody(deny):
        return ScopeResult(AccessScope.ANY)
    return _spared(deny.conditions, keys)


def _spared(conditions: Sequence[Condition], keys: ConditionKeys) -> ScopeResult:
    """What passes a deny: whatever makes one of its conditions false."""
    if not conditions:
        return ScopeResult(AccessScope.NOBODY)
    sides = []
    for condition in conditions:
        check = keys.checks.get(condition.key)
        plain_false = (
            condition.key == "aws:principalisawsservice"
            and condition.operator == "bool"
            and condition.values == ("false",)
        )
        if check is None or not (plain_false or fits(condition, negated=True)):
            return ScopeResult(AccessScope.ANY)  # made false by something that says nothing of this side
        if condition.each == "any":
            return ScopeResult(AccessScope.UNSURE, (), (f"{condition} does not deny requests without that key",))
        values = ("true",) if plain_false else condition.values
        sides.append(_widest(check(value, condition.operator in PATTERNED) for value in values))
    return _widest(sides)


def _means_everybody(deny: Statement) -> bool:
    return any(party.kind is PolicyPrincipalKind.EVERYBODY for party in deny.parties or ())


def _covers_resources(deny: Statement, allow: Statement) -> bool:
    """Whether a deny means everything that a statement allows to be reached. A trust policy names no resources at all."""
    if "*" in deny.resources:
        return True
    if not (deny.resources or deny.not_resources or allow.resources or allow.not_resources):
        return True
    return bool(allow.resources) and all(
        any(subsumes(denied, resource, case=True) for denied in deny.resources) for resource in allow.resources
    )


def _covers_actions(deny: Statement, allow: Statement) -> bool:
    """Whether a deny means every action that a statement allows."""
    if deny.not_actions:
        return bool(allow.actions) and not any(
            patterns_overlap(action, spared) for action in allow.actions for spared in deny.not_actions
        )
    if deny.every_action:
        return True
    return bool(allow.actions) and all(
        any(subsumes(denied, action) for denied in deny.actions) for action in allow.actions
    )


def _taken_away(statement: Statement, denies: Sequence[Statement]) -> bool:
    """Whether a deny without conditions takes all of it away."""
    return any(
        not deny.conditions
        and _means_everybody(deny)
        and _covers_actions(deny, statement)
        and _covers_resources(deny, statement)
        for deny in denies
    )
