"""What a condition of a policy limits: who may ask, and for what; each key evaluated by what is ours."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vpce_tui.core.arn import parse_arn
from vpce_tui.iam.policy_document import Condition, PolicyPrincipal, PolicyPrincipalKind
from vpce_tui.iam.trust_zone import AccessScope, ScopeResult, TrustZone
from vpce_tui.iam.wildcards import has_wildcard, subsumes


def principal_scope(party: PolicyPrincipal, trust_zone: TrustZone) -> ScopeResult:
    if party.kind is PolicyPrincipalKind.EVERYBODY:
        return ScopeResult(AccessScope.ANY)
    if party.kind in (PolicyPrincipalKind.ACCOUNT, PolicyPrincipalKind.PRINCIPAL):
        if has_wildcard(party.account):
            return ScopeResult(AccessScope.ANY)
        if any(subsumes(pattern, party.value, case=True) for pattern in trust_zone.trusted):
            return ScopeResult(AccessScope.OURS)
        return _account(party.account, trust_zone, party.value)
    if party.kind is PolicyPrincipalKind.SERVICE:
        return ScopeResult(AccessScope.AWS)
    provider = parse_arn(party.value) if party.kind is PolicyPrincipalKind.FEDERATED else None
    if provider is not None and provider.account not in trust_zone.accounts:  # its owner vouches for whomever it likes
        return _account(provider.account, trust_zone, party.value)
    return ScopeResult(
        AccessScope.UNSURE, (), (f"the owner of {party.kind} principal {party.value or '(empty)'} is unknown",)
    )


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


def _account(account: str, trust_zone: TrustZone, shown: str = "") -> ScopeResult:
    if account in trust_zone.accounts:
        return ScopeResult(AccessScope.OURS)
    if account in _AWS_ACCOUNTS:
        return ScopeResult(AccessScope.AWS)
    if not account:
        return ScopeResult(AccessScope.UNSURE, (), (f"the owner of {shown} is unknown",))
    named = f"account {account}" if shown in ("", account) else f"{shown} of account {account}"
    return ScopeResult(AccessScope.NAMED, (named,))


def resource_scope(pattern: str, trust_zone: TrustZone) -> ScopeResult:
    arn = parse_arn(pattern)
    if arn is None:
        return (
            ScopeResult(AccessScope.ANY)
            if has_wildcard(pattern)
            else ScopeResult(AccessScope.UNSURE, (), (f"{pattern} cannot be evaluated",))
        )
    if arn.account:
        return ScopeResult(AccessScope.ANY) if has_wildcard(arn.account) else _account(arn.account, trust_zone, pattern)
    if arn.service in ("s3", "s3express"):
        return _bucket(arn.kind, trust_zone)
    return (
        ScopeResult(AccessScope.ANY)
        if has_wildcard(arn.resource)
        else ScopeResult(AccessScope.UNSURE, (), (f"the owner of {pattern} is unknown",))
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


def _bucket(name: str, trust_zone: TrustZone) -> ScopeResult:
    if not name.strip("*?"):
        return ScopeResult(AccessScope.ANY)
    if trust_zone.buckets is not None and any(subsumes(name, bucket, case=True) for bucket in trust_zone.buckets):
        # a pattern that an own bucket fits is fitted by an external principal's new one too
        if not has_wildcard(name):
            return ScopeResult(AccessScope.OURS)
        return ScopeResult(AccessScope.UNSURE, (), (f"anybody can create a bucket with a name that matches {name}",))
    if AWS_BUCKETS.fullmatch(name):
        return ScopeResult(AccessScope.AWS)
    if has_wildcard(name):
        return ScopeResult(AccessScope.UNSURE, (), (f"anybody can create a bucket with a name that matches {name}",))
    if trust_zone.buckets is None:
        return ScopeResult(AccessScope.UNSURE, (), (f"the owner of bucket {name} is unknown",))
    return ScopeResult(AccessScope.NAMED, (f"bucket {name}, which this account does not have",))


ConditionCheck = Callable[[str, bool], ScopeResult]
"""What a condition's value means: the value, and whether ``*`` in it is a pattern."""


@dataclass(frozen=True, slots=True)
class ConditionKeys:
    """The condition keys that say something of one side, each with its assess of values."""

    checks: dict[str, ConditionCheck]
    of_the_other: str
    """How the keys of the other side begin."""

    @property
    def known(self) -> frozenset[str]:
        """The keys."""
        return frozenset(self.checks)


_STRINGS: Final = ("stringequals", "stringequalsignorecase", "stringlike")


_ARNS: Final = (*_STRINGS, "arnequals", "arnlike")


def fits(condition: Condition, *, negated: bool) -> bool:
    """Whether an operator compares what its key holds; any other combination holds always or never, and limits nothing."""
    operator = condition.operator.replace("not", "", 1) if negated else condition.operator
    if negated is not condition.negated or not condition.values:
        return False
    if condition.key == "aws:principalisawsservice":
        return operator == "bool"
    if condition.key.endswith("ip"):
        return operator == "ipaddress"
    return operator in (_ARNS if condition.key.endswith("arn") else _STRINGS)


PATTERNED: Final = frozenset({"stringlike", "stringnotlike", "arnlike", "arnnotlike", "arnequals", "arnnotequals"})


_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


SAME_AS_CALLER: Final = re.compile(r"\$\{aws:principal(?:orgid|orgpaths|account)\}", re.IGNORECASE)


def _by_account(trust_zone: TrustZone) -> ConditionCheck:
    def check(value: str, patterned: bool) -> ScopeResult:
        if _VARIABLE.search(value):
            return _same_as_asker(value)
        if patterned and has_wildcard(value):
            return ScopeResult(AccessScope.ANY)
        return _account(value, trust_zone) if re.fullmatch(r"[0-9]{12}", value) else ScopeResult(AccessScope.NOBODY)

    return check


def _same_as_asker(value: str) -> ScopeResult:
    return ScopeResult(AccessScope.UNSURE, (), (f"{value} is known only at request time",))


def _by_organization(trust_zone: TrustZone) -> ConditionCheck:
    def check(value: str, patterned: bool) -> ScopeResult:
        if _VARIABLE.search(value):
            return _same_as_asker(value)
        name = value.split("/", maxsplit=1)[0]
        if patterned and has_wildcard(name):
            return ScopeResult(AccessScope.ANY)
        if name in trust_zone.organizations:
            return ScopeResult(AccessScope.OURS)
        if not trust_zone.organizations:
            return ScopeResult(AccessScope.UNSURE, (), (f"whether organization {name} is yours",))
        return ScopeResult(AccessScope.NAMED, (f"organization {name}",))

    return check


def _by_arn(trust_zone: TrustZone) -> ConditionCheck:
    def check(value: str, patterned: bool) -> ScopeResult:
        if _VARIABLE.search(value):
            return _same_as_asker(value)
        if value == "*" and patterned:
            return ScopeResult(AccessScope.ANY)
        arn = parse_arn(value)
        if arn is None:
            return (
                ScopeResult(AccessScope.ANY) if patterned and has_wildcard(value) else ScopeResult(AccessScope.NOBODY)
            )
        if patterned and any(map(has_wildcard, arn[:-1])):
            return ScopeResult(AccessScope.ANY)  # a star may match colons, too
        return _account(arn.account, trust_zone, value)

    return check


def _by_network(value: str, _: bool) -> ScopeResult:
    if value in ("0.0.0.0/0", "::/0") or has_wildcard(value):
        return ScopeResult(AccessScope.ANY)
    return ScopeResult(AccessScope.UNSURE, (), (f"whether only you use the network {value}",))


def _service_alone(value: str, _: bool) -> ScopeResult:
    return ScopeResult(AccessScope.AWS if value.lower() == "true" else AccessScope.ANY)


def _cannot_tell_who(value: str, patterned: bool) -> ScopeResult:
    if value == "*" and patterned:
        return ScopeResult(AccessScope.ANY)
    return ScopeResult(AccessScope.UNSURE, (), (f"{value} cannot be evaluated",))


def who_keys(trust_zone: TrustZone, in_endpoint: bool) -> ConditionKeys:
    account, organization, arn = _by_account(trust_zone), _by_organization(trust_zone), _by_arn(trust_zone)
    found: dict[str, ConditionCheck] = {
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


def what_keys(trust_zone: TrustZone) -> ConditionKeys:
    account, organization = _by_account(trust_zone), _by_organization(trust_zone)
    return ConditionKeys(
        {
            "aws:resourceorgid": organization,
            "aws:resourceorgpaths": organization,
            "aws:resourceaccount": account,
            "s3:resourceaccount": account,
        },
        "aws:principal",
    )


ALL_KEYS: Final = (
    who_keys(TrustZone(), False).known
    | what_keys(TrustZone()).known
    | frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", "aws:vpcsourceip", "aws:sourcevpcarn"})
)
