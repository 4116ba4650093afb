"""A policy document as values: statements with principals, actions, resources and conditions.

Follows AWS's "IAM JSON policy elements reference". Nothing in a text can make this raise: what cannot be read is named in
:attr:`Policy.problem`, and then nothing is to be concluded from the rest.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from vpce_tui.core.arn import parse_arn
from vpce_tui.iam.wildcards import subsumes

LONGEST: Final = 25_000
"""Characters that are read at most. AWS takes 20,480 for an endpoint or a bucket, and less for a role."""
LONGEST_PATTERN: Final = 2_048
"""Characters of one action, resource or principal that are read at most: no ARN is longer."""

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_OPERATOR: Final = re.compile(r"(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?", re.IGNORECASE)


class PolicyPrincipalKind(StrEnum):
    """What the principal of a statement is. ``PRINCIPAL``: an ARN; ``CANONICAL``: a canonical user id."""

    EVERYBODY = "everybody"
    ACCOUNT = "account"
    PRINCIPAL = "principal"
    SERVICE = "service"
    FEDERATED = "federated"
    CANONICAL = "canonical"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PolicyPrincipal:
    """One principal of a statement."""

    kind: PolicyPrincipalKind
    value: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a condition block: all of a statement's must hold, and of its values one is enough.

    ``operator`` is the bare name in small letters (``stringequals``), ``key`` is in small letters, ``each`` is ``any``,
    ``all`` or ``""`` (ForAnyValue, ForAllValues, neither).
    """

    operator: str
    key: str
    values: tuple[str, ...]
    each: str = ""
    if_exists: bool = False

    @property
    def negated(self) -> bool:
        """Whether it holds where the value is another, and where the key is absent."""
        return "not" in self.operator and self.operator != "null"

    def __str__(self) -> str:
        return f"{self.operator} {self.key}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``actions`` and ``resources`` are patterns; with ``not_actions`` it means all others, and so on.

    ``parties`` is None where the policy has no principals at all (an identity's policy).
    """

    allow: bool
    sid: str = ""
    parties: tuple[PolicyPrincipal, ...] | None = None
    not_principals: tuple[PolicyPrincipal, ...] = ()
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def applies_to(self, actions: Sequence[str]) -> bool:
        """Whether it means all of these actions."""
        if self.not_actions:
            return not any(subsumes(pattern, action) for pattern in self.not_actions for action in actions)
        return all(any(subsumes(pattern, action) for pattern in self.actions) for action in actions)

    @property
    def every_action(self) -> bool:
        """Whether it means every action."""
        return "*" in self.actions or "*:*" in self.actions


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of a document; ``problem`` says why they are not all there."""

    statements: tuple[Statement, ...] = ()
    problem: str = ""


@lru_cache(maxsize=2048)
def parse(text: str) -> Policy:
    """The document in ``text``."""
    if len(text) > LONGEST:
        return Policy(problem=f"it is {len(text):,} characters long, far more than AWS accepts")
    try:
        document = json.loads(text)
    except RecursionError:
        return Policy(problem="it is nested too deeply to be a policy")
    except ValueError:
        return Policy(problem="it is not valid JSON")
    if not isinstance(document, Mapping) or "Statement" not in document:
        return Policy(problem="it has no statements")
    found = document["Statement"]
    items = found if isinstance(found, list) else [found]
    statements: list[Statement] = []
    problem = ""
    for item in items:
        statement = _statement(item)
        if isinstance(statement, str):
            problem = problem or statement
        else:
            statements.append(statement)
    return Policy(tuple(statements), problem)


def _statement(item: Any) -> Statement | str:
    if not isinstance(item, Mapping):
        return "a statement is not an object"
    effect = item.get("Effect")
    if effect not in ("Allow", "Deny"):
        return "a statement neither allows nor denies"
    conditions = _conditions(item.get("Condition"))
    if isinstance(conditions, str):
        return conditions
    named = [
        *texts(item.get("Action")),
        *texts(item.get("NotAction")),
        *texts(item.get("Resource")),
        *texts(item.get("NotResource")),
    ]
    if any(len(text) > LONGEST_PATTERN for text in named):
        return "an action or a resource is longer than AWS accepts"
    parties = (
        None if "Principal" not in item and "NotPrincipal" not in item else tuple(_principals(item.get("Principal")))
    )
    return Statement(
        allow=effect == "Allow",
        sid=str(item.get("Sid", "")),
        parties=parties,
        not_principals=tuple(_principals(item.get("NotPrincipal"))),
        actions=_patterns(item.get("Action")),
        not_actions=_patterns(item.get("NotAction")),
        resources=_patterns(item.get("Resource")),
        not_resources=_patterns(item.get("NotResource")),
        conditions=conditions,
    )


def raw_statements(document: object) -> tuple[Mapping[str, object], ...]:
    """The statements of a document as they are written there: IAM takes one object as well as a list."""
    found = document.get("Statement") if isinstance(document, Mapping) else None
    items = found if isinstance(found, (list, tuple)) else [found]
    return tuple(item for item in items if isinstance(item, Mapping))


def texts(value: object) -> tuple[str, ...]:
    """An element that is a text or a list of texts, as IAM takes both."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value if isinstance(item, (str, int))) if isinstance(value, list) else ()


def _patterns(value: Any) -> tuple[str, ...]:
    """Several stars in a row mean what one means."""
    return tuple(re.sub(r"\*{2,}", "*", text) if "**" in text else text for text in texts(value))


def _principals(value: Any) -> Iterator[PolicyPrincipal]:
    if value is None:
        return
    if value == "*":
        yield PolicyPrincipal(PolicyPrincipalKind.EVERYBODY, "*")
        return
    if not isinstance(value, Mapping):
        yield PolicyPrincipal(PolicyPrincipalKind.UNKNOWN, str(value)[:200])
        return
    for kind, named in value.items():
        for text in texts(named) or ("",):
            yield _principal(str(kind), text)


_KINDS: Final = {
    "Service": PolicyPrincipalKind.SERVICE,
    "Federated": PolicyPrincipalKind.FEDERATED,
    "CanonicalUser": PolicyPrincipalKind.CANONICAL,
}


def _principal(kind: str, text: str) -> PolicyPrincipal:
    if kind == "AWS":
        if text == "*":
            return PolicyPrincipal(PolicyPrincipalKind.EVERYBODY, "*")
        if _ACCOUNT.fullmatch(text):
            return PolicyPrincipal(PolicyPrincipalKind.ACCOUNT, text, text)
        arn = parse_arn(text)
        if arn is not None:
            if arn.resource == "root" and _ACCOUNT.fullmatch(arn.account):
                return PolicyPrincipal(PolicyPrincipalKind.ACCOUNT, arn.account, arn.account)
            return PolicyPrincipal(PolicyPrincipalKind.PRINCIPAL, text, arn.account)
        return PolicyPrincipal(
            PolicyPrincipalKind.UNKNOWN, text
        )  # the unique id of somebody who is gone, or no principal at all
    return PolicyPrincipal(_KINDS.get(kind, PolicyPrincipalKind.UNKNOWN), text)


def _conditions(value: Any) -> tuple[Condition, ...] | str:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        return "a condition is not an object"
    found = []
    for name, block in value.items():
        match = _OPERATOR.fullmatch(str(name))
        if match is None or not isinstance(block, Mapping):
            return "a condition has an invalid form"
        each = {"forallvalues": "all", "foranyvalue": "any"}.get((match[1] or "").lower(), "")
        for key, values in block.items():
            compared = tuple(_scalar(item) for item in (values if isinstance(values, list) else [values]))
            found.append(
                Condition(
                    operator=match[2].lower(),
                    key=str(key).lower(),
                    values=compared,
                    each=each,
                    if_exists=bool(match[3]),
                )
            )
    return tuple(found)


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
