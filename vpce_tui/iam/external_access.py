"""Who outside may do what through a policy: the one question, with *cannot tell* as an answer and never *fine* for it.

"Outside" has two sides. Somebody else's credentials may be used (``who``), and somebody else's things may be reached
(``what``): an endpoint that limits only the first still carries data to an external principal's bucket. A limit counts when it holds
for every request: not with ``IfExists`` or ``ForAllValues`` in what allows (both are true where the key is absent), not
with a pattern that an external principal's name fits, and a deny only when it covers what is allowed. Follows AWS's "Global condition
context keys" and "Condition operators".
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Final

from vpce_tui.iam.policy_document import Condition, Policy, PolicyPrincipal, Statement, parse
from vpce_tui.iam.wildcards import has_wildcard, patterns_overlap, subsumes


@dataclass(frozen=True, slots=True)
class TrustZone:
    """What is ours: account ids, organization ids, and the buckets (None: not known); and ARN patterns of trusted principals."""

    accounts: frozenset[str] = frozenset()
    organizations: frozenset[str] = frozenset()
    buckets: frozenset[str] | None = None
    trusted: tuple[str, ...] = ()


class AccessScope(IntEnum):
    """How far one side of a permission goes. Ordered from least to most to worry about."""

    NOBODY = 0
    OURS = 1
    AWS = 2
    UNSURE = 3
    NAMED = 4
    ANY = 5


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """One side of a permission. ``names``: the foreign ones that are named; ``why``: what it could not be told for."""

    reach: AccessScope
    names: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


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
        return any(grant.statement.means(_probes(service)) for grant in self._wide)

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
        """Everything that could not be told."""
        found = [reason for side in (self.who, self.what) for reason in side.why]
        return tuple(dict.fromkeys([*([self.problem] if self.problem else []), *found]))


@lru_cache(maxsize=1024)
def _probes(service: str) -> tuple[str, ...]:
    return tuple(f"{service.lower() or 'any'}:{name}" for name in ("aaaprobe", "mmmprobe", "zzzprobe"))


def _joined(sides: Sequence[ScopeResult]) -> ScopeResult:
    names = tuple(dict.fromkeys(name for side in sides for name in side.names))
    why = tuple(dict.fromkeys(reason for side in sides for reason in side.why))
    return ScopeResult(max((side.reach for side in sides), default=AccessScope.NOBODY), names, why)


def outside(policy: Policy, ours: TrustZone, *, in_endpoint: bool = True) -> ExternalAccess:
    """Who outside may do what. ``in_endpoint``: the policy stands on an endpoint, where a network is no limit of who."""
    denies = [statement for statement in policy.statements if not statement.allow]
    grants = []
    for statement in policy.statements:
        if statement.allow:
            who = _who(statement, denies, ours, in_endpoint)
            what = _what(statement, denies, ours)
            if (
                who.reach <= AccessScope.AWS
                and what.reach is AccessScope.UNSURE
                and not what.names
                and all(map(_SAME.match, what.why))
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
def external_assumers(trust: str, ours: TrustZone) -> tuple[str, str]:
    """Who outside may take a role by its trust policy (``""``: nobody that can be told), and what could not be told of it."""
    if not trust:
        return "", ""
    found = outside(parse(trust), ours, in_endpoint=False)
    sides = [grant.who for grant in found.grants if any(grant.statement.means([action]) for action in _TAKES)]
    who = _joined(sides)
    if who.reach is AccessScope.ANY:
        return "everybody", ""
    return ", ".join(who.names[:3]), found.problem or "; ".join(who.why[:2])


def _actions(statement: Statement) -> tuple[str, ...]:
    return statement.actions or tuple(f"all but {action}" for action in statement.not_actions) or ("*",)


# -- one side


def _who(statement: Statement, denies: Sequence[Statement], ours: TrustZone, in_endpoint: bool) -> ScopeResult:
    keys = _who_keys(ours, in_endpoint)
    if statement.not_principals:
        named = ScopeResult(AccessScope.ANY)
    elif not statement.parties:
        named = ScopeResult(AccessScope.UNSURE, (), ("whom a statement without a principal means",))
    else:
        named = _widest(_party(party, ours) for party in statement.parties)
    limits = [side for condition in statement.conditions if (side := _allowed_by(condition, keys)) is not None]
    for deny in denies:
        if _covers_actions(deny, statement) and _covers_resources(deny, statement):
            limits += [_spared_by(deny, keys, ours)]
    return _narrowed(named, limits, statement.conditions, keys)


def _what(statement: Statement, denies: Sequence[Statement], ours: TrustZone) -> ScopeResult:
    keys = _what_keys(ours)
    if statement.not_resources or not statement.resources:
        named = ScopeResult(AccessScope.ANY)
    else:
        named = _widest(_resource(resource, ours) for resource in statement.resources)
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


def _party(party: PolicyPrincipal, ours: TrustZone) -> ScopeResult:
    if party.kind == "everybody":
        return ScopeResult(AccessScope.ANY)
    if party.kind in ("account", "principal"):
        if has_wildcard(party.account):
            return ScopeResult(AccessScope.ANY)
        if any(subsumes(pattern, party.value, case=True) for pattern in ours.trusted):
            return ScopeResult(AccessScope.OURS)
        return _account(party.account, ours, party.value)
    if party.kind == "service":
        return ScopeResult(AccessScope.AWS)
    if party.kind == "federated" and party.value.count(":") >= 5:
        account = party.value.split(":", 5)[4]
        if account not in ours.accounts:  # somebody else's provider vouches for whomever it likes
            return _account(account, ours, party.value)
    return ScopeResult(AccessScope.UNSURE, (), (f"whose {party.kind} principal {party.value or '(empty)'} is",))


_AWS_ACCOUNTS: Final = frozenset(
    {
        "aws",
        "amazon",
        "cloudfront",
        "127311923021",
        "033677994240",
        "027434742980",
        "797873946194",
        "098369216593",
        "754344448648",
        "589379963580",
        "718504428378",
        "383597477331",
        "600734575887",
        "114774131450",
        "783225319266",
        "582318560864",
        "985666609251",
        "054676820928",
        "156460612806",
        "652711504416",
        "635631232127",
        "009996457667",
        "897822967062",
        "076674570225",
        "507241528517",
        "048591011584",
        "190560391635",
        "638102146993",
        "037604701340",
    }
)
"""AWS itself: its names in ARNs (CloudFront's origin access identities), and the accounts from which load balancers write their
logs, as "Access logs for your Application Load Balancer" lists them."""


def _account(account: str, ours: TrustZone, shown: str = "") -> ScopeResult:
    if account in ours.accounts:
        return ScopeResult(AccessScope.OURS)
    if account in _AWS_ACCOUNTS:
        return ScopeResult(AccessScope.AWS)
    if not account:
        return ScopeResult(AccessScope.UNSURE, (), (f"whose {shown} is",))
    named = f"account {account}" if shown in ("", account) else f"{shown} of account {account}"
    return ScopeResult(AccessScope.NAMED, (named,))


def _resource(pattern: str, ours: TrustZone) -> ScopeResult:
    parts = pattern.split(":", 5)
    if pattern == "*" or len(parts) < 6 or parts[0] != "arn":
        return (
            ScopeResult(AccessScope.ANY)
            if has_wildcard(pattern)
            else ScopeResult(AccessScope.UNSURE, (), (f"what {pattern} is",))
        )
    service, account, rest = parts[2], parts[4], parts[5]
    if account:
        return ScopeResult(AccessScope.ANY) if has_wildcard(account) else _account(account, ours, pattern)
    if service in ("s3", "s3express"):
        return _bucket(rest.split("/")[0], ours)
    return (
        ScopeResult(AccessScope.ANY)
        if has_wildcard(rest)
        else ScopeResult(AccessScope.UNSURE, (), (f"whose {pattern} is",))
    )


_REGION: Final = (
    r"(?:us-(?:east|west)-[12]|eu-(?:west-[123]|central-[12]|north-1|south-[12])|ap-(?:northeast-[123]|southeast-[1-57]|south-[12]|east-[12])"
    r"|ca-(?:central|west)-1|sa-east-1|me-(?:south|central)-1|af-south-1|il-central-1|mx-central-1)"
)
AWS_BUCKETS: Final = re.compile(
    rf"prod-{_REGION}-starport-layer-bucket|amazonlinux\.{_REGION}\.amazonaws\.com|amazonlinux-2-repos-{_REGION}"
    rf"|al2023-repos-{_REGION}-de612dc2|aws-ssm-{_REGION}|aws-windows-downloads-{_REGION}|amazon-ssm-{_REGION}"
    rf"|amazon-ssm-packages-{_REGION}|{_REGION}-birdwatcher-prod|patch-baseline-snapshot-{_REGION}|aws-codedeploy-{_REGION}"
    rf"|aws-ssm-document-attachments-{_REGION}|(?:packages|repo)\.{_REGION}\.amazonaws\.com"
)
"""Buckets that AWS documents as its own, which instances without internet need (ECR layers, Amazon Linux, Systems Manager).

Whole names with a region that there is: bucket names are anybody's to take, and a prefix proves nothing.
"""


def _bucket(name: str, ours: TrustZone) -> ScopeResult:
    if not name.strip("*?"):
        return ScopeResult(AccessScope.ANY)
    if ours.buckets is not None and any(subsumes(name, bucket, case=True) for bucket in ours.buckets):
        # a pattern that an own bucket fits is fitted by an external principal's new one too
        if not has_wildcard(name):
            return ScopeResult(AccessScope.OURS)
        return ScopeResult(AccessScope.UNSURE, (), (f"anybody may make a bucket whose name fits {name}",))
    if AWS_BUCKETS.fullmatch(name):
        return ScopeResult(AccessScope.AWS)
    if has_wildcard(name):
        return ScopeResult(AccessScope.UNSURE, (), (f"anybody may make a bucket whose name fits {name}",))
    if ours.buckets is None:
        return ScopeResult(AccessScope.UNSURE, (), (f"whose bucket {name} is",))
    return ScopeResult(AccessScope.NAMED, (f"bucket {name}, which this account does not have",))


# -- conditions


Judge = Callable[[str, bool], ScopeResult]
"""What a condition's value means: the value, and whether ``*`` in it is a pattern."""


@dataclass(frozen=True, slots=True)
class ConditionKeys:
    """The condition keys that say something of one side, each with its assess of values."""

    judges: dict[str, Judge]
    of_the_other: str
    """How the keys of the other side begin."""

    @property
    def known(self) -> frozenset[str]:
        """The keys."""
        return frozenset(self.judges)


_STRINGS: Final = ("stringequals", "stringequalsignorecase", "stringlike")
_ARNS: Final = (*_STRINGS, "arnequals", "arnlike")


def _fits(condition: Condition, *, negated: bool) -> bool:
    """Whether an operator compares what its key holds; any other combination holds always or never, and limits nothing."""
    operator = condition.operator.replace("not", "", 1) if negated else condition.operator
    if negated is not condition.negated or not condition.values:
        return False
    if condition.key == "aws:principalisawsservice":
        return operator == "bool"
    if condition.key.endswith("ip"):
        return operator == "ipaddress"
    return operator in (_ARNS if condition.key.endswith("arn") else _STRINGS)


_PATTERNED: Final = frozenset({"stringlike", "stringnotlike", "arnlike", "arnnotlike", "arnequals", "arnnotequals"})
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
        or condition.key in _ALL_KEYS
        or condition.operator == "null"
        or condition.negated
    )


def _allowed_by(condition: Condition, keys: ConditionKeys) -> ScopeResult | None:
    """What an allowing statement's condition limits this side to; None: it does not limit it."""
    judge = keys.judges.get(condition.key)
    if judge is None or condition.if_exists or condition.each == "all" or not _fits(condition, negated=False):
        return None
    return _widest(judge(value, condition.operator in _PATTERNED) for value in condition.values)


def _spared_by(deny: Statement, keys: ConditionKeys, ours: TrustZone) -> ScopeResult:
    """Whom a deny that covers everything spares."""
    if deny.not_principals:
        if deny.conditions:
            return ScopeResult(
                AccessScope.UNSURE, (), ("a deny with NotPrincipal or NotResource has conditions of its own",)
            )
        return _widest(_party(party, ours) for party in deny.not_principals)
    if not _means_everybody(deny):
        return ScopeResult(AccessScope.ANY)
    return _spared(deny.conditions, keys)


def _spared(conditions: Sequence[Condition], keys: ConditionKeys) -> ScopeResult:
    """What passes a deny: whatever makes one of its conditions false."""
    if not conditions:
        return ScopeResult(AccessScope.NOBODY)
    sides = []
    for condition in conditions:
        judge = keys.judges.get(condition.key)
        plain_false = (
            condition.key == "aws:principalisawsservice"
            and condition.operator == "bool"
            and condition.values == ("false",)
        )
        if judge is None or not (plain_false or _fits(condition, negated=True)):
            return ScopeResult(AccessScope.ANY)  # made false by something that says nothing of this side
        if condition.each == "any":
            return ScopeResult(AccessScope.UNSURE, (), (f"{condition} spares who has no such value",))
        values = ("true",) if plain_false else condition.values
        sides.append(_widest(judge(value, condition.operator in _PATTERNED) for value in values))
    return _widest(sides)


def _means_everybody(deny: Statement) -> bool:
    return any(party.kind == "everybody" for party in deny.parties or ())


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


_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_SAME: Final = re.compile(r"\$\{aws:principal(?:orgid|orgpaths|account)\}", re.IGNORECASE)


def _by_account(ours: TrustZone) -> Judge:
    def judge(value: str, patterned: bool) -> ScopeResult:
        if _VARIABLE.search(value):
            return _same_as_asker(value)
        if patterned and has_wildcard(value):
            return ScopeResult(AccessScope.ANY)
        return _account(value, ours) if re.fullmatch(r"[0-9]{12}", value) else ScopeResult(AccessScope.NOBODY)

    return judge


def _same_as_asker(value: str) -> ScopeResult:
    return ScopeResult(AccessScope.UNSURE, (), (f"{value} is known only at request time",))


def _by_organization(ours: TrustZone) -> Judge:
    def judge(value: str, patterned: bool) -> ScopeResult:
        if _VARIABLE.search(value):
            return _same_as_asker(value)
        name = value.split("/", maxsplit=1)[0]
        if patterned and has_wildcard(name):
            return ScopeResult(AccessScope.ANY)
        if name in ours.organizations:
            return ScopeResult(AccessScope.OURS)
        if not ours.organizations:
            return ScopeResult(AccessScope.UNSURE, (), (f"whether organization {name} is yours",))
        return ScopeResult(AccessScope.NAMED, (f"organization {name}",))

    return judge


def _by_arn(ours: TrustZone) -> Judge:
    def judge(value: str, patterned: bool) -> ScopeResult:
        if _VARIABLE.search(value):
            return _same_as_asker(value)
        if value == "*" and patterned:
            return ScopeResult(AccessScope.ANY)
        parts = value.split(":", 5)
        if len(parts) < 6:
            return (
                ScopeResult(AccessScope.ANY) if patterned and has_wildcard(value) else ScopeResult(AccessScope.NOBODY)
            )
        if patterned and any(map(has_wildcard, parts[:5])):
            return ScopeResult(AccessScope.ANY)  # a star may stand for colons, too
        return _account(parts[4], ours, value)

    return judge


def _by_network(value: str, _: bool) -> ScopeResult:
    if value in ("0.0.0.0/0", "::/0") or has_wildcard(value):
        return ScopeResult(AccessScope.ANY)
    return ScopeResult(AccessScope.UNSURE, (), (f"whether the network {value} is yours alone",))


def _service_alone(value: str, _: bool) -> ScopeResult:
    return ScopeResult(AccessScope.AWS if value.lower() == "true" else AccessScope.ANY)


def _cannot_tell_who(value: str, patterned: bool) -> ScopeResult:
    if value == "*" and patterned:
        return ScopeResult(AccessScope.ANY)
    return ScopeResult(AccessScope.UNSURE, (), (f"who {value} is",))


def _who_keys(ours: TrustZone, in_endpoint: bool) -> ConditionKeys:
    account, organization, arn = _by_account(ours), _by_organization(ours), _by_arn(ours)
    found: dict[str, Judge] = {
        "aws:principalorgid": organization,
        "aws:principalorgpaths": organization,
        "aws:sourceorgid": organization,
        "aws:sourceorgpaths": organization,
        "aws:principalaccount": account,
        "aws:sourceaccount": account,
        "aws:sourceowner": account,
        "kms:calleraccount": account,
        "aws:principalarn": arn,
        "aws:sourcearn": arn,
        "aws:principalisawsservice": _service_alone,
        "aws:userid": _cannot_tell_who,
        "aws:username": _cannot_tell_who,
        "aws:principalservicename": lambda *_: ScopeResult(AccessScope.AWS),
    }
    if not in_endpoint:
        for key in ("aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:vpcsourceip", "aws:sourcevpcarn"):
            found[key] = _by_network
    return ConditionKeys(found, "aws:resource")


def _what_keys(ours: TrustZone) -> ConditionKeys:
    account, organization = _by_account(ours), _by_organization(ours)
    return ConditionKeys(
        {
            "aws:resourceorgid": organization,
            "aws:resourceorgpaths": organization,
            "aws:resourceaccount": account,
            "s3:resourceaccount": account,
        },
        "aws:principal",
    )


_ALL_KEYS: Final = (
    _who_keys(TrustZone(), False).known
    | _what_keys(TrustZone()).known
    | frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:vpcsourceip", "aws:sourcevpcarn"})
)
