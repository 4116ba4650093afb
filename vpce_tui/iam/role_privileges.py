"""What roles may do: every role of the account with its policies, in as few pages as IAM gives them, and instance profiles."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.aws.errors import AwsError
from vpce_tui.iam.external_access import beside_the_point
from vpce_tui.iam.policy_document import Policy, Statement, parse
from vpce_tui.iam.powerful_actions import DESCRIBED
from vpce_tui.iam.wildcards import has_wildcard, patterns_overlap, subsumes


@dataclass(frozen=True, slots=True)
class IamRole:
    """One role: who may take it, and the documents of its policies by their name."""

    name: str
    arn: str
    trust: str = ""
    policies: tuple[tuple[str, str], ...] = ()
    boundary: tuple[str, str] | None = None
    """The name and the document of its permissions boundary, beyond which no policy of it goes; None: it has none."""


@dataclass(frozen=True, slots=True)
class IamRoles:
    """Roles by name, and the role of each instance profile by its ARN. ``problem``: why they could not be read."""

    by_name: Mapping[str, IamRole] = field(default_factory=dict)
    by_profile: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def of_profile(self, arn: str) -> IamRole | None:
        """The role that an instance profile hands out."""
        return self.by_name.get(self.by_profile.get(arn, ""))


def read_roles(client: AwsClient, cancel: Cancel | None = None) -> IamRoles:
    """Every role (``GetAccountAuthorizationDetails``, some hundred a page)."""
    stop = cancel or Cancel()
    kinds = ["Role", "LocalManagedPolicy", "AWSManagedPolicy"]
    call = Call(
        service="iam",
        operation="GetAccountAuthorizationDetails",
        region=client.home_region,
        parameters={"Filter": kinds},
    )
    raws: list[Mapping[str, Any]] = []
    managed: dict[str, str] = {}
    try:
        for page in client.pages(call, cancel=stop):
            raws += page.data.get("RoleDetailList", [])
            for policy in page.data.get("Policies", []):
                for version in policy.get("PolicyVersionList") or ():
                    if version.get("IsDefaultVersion"):
                        managed[str(policy.get("Arn", ""))] = text_of(version.get("Document"))
    except AwsError as error:
        return IamRoles(problem=error.sentence())
    roles, profiles = {}, {}
    for raw in raws:
        role = _role(raw, managed)
        roles[role.name] = role
        for profile in raw.get("InstanceProfileList") or ():
            profiles[str(profile.get("Arn", ""))] = role.name
    return IamRoles(roles, profiles)


def text_of(document: Any) -> str:
    """A policy document as text: boto3 gives some as values and some as text."""
    return document if isinstance(document, str) else json.dumps(document, sort_keys=True, default=str)


def _role(raw: Mapping[str, Any], managed: Mapping[str, str]) -> IamRole:
    inline = [
        (str(item.get("PolicyName", "")), text_of(item.get("PolicyDocument")))
        for item in raw.get("RolePolicyList") or ()
    ]
    attached = [
        (str(item.get("PolicyName", "")), managed.get(str(item.get("PolicyArn", "")), ""))
        for item in raw.get("AttachedManagedPolicies") or ()
    ]
    trust = text_of(raw.get("AssumeRolePolicyDocument") or "")
    limit = str((raw.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", ""))
    boundary = (limit.rpartition("/")[2], managed.get(limit, "")) if limit else None
    return IamRole(
        name=str(raw.get("RoleName", "")),
        arn=str(raw.get("Arn", "")),
        trust=trust,
        policies=(*inline, *attached),
        boundary=boundary,
    )


@dataclass(frozen=True, slots=True)
class RolePrivileges:
    """What a role may do beyond an instance's work, by the policy that lets it; ``doubts``: what is inconclusive."""

    everything: str = ""
    may: tuple[tuple[str, str, str], ...] = ()
    """(action, what that means, the policy)."""
    doubts: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def privileges_of(role: IamRole) -> RolePrivileges:
    """Which of :data:`DESCRIBED` the role has, on everything and without a condition. A deny without a condition takes away."""
    documents = [(name, parse(text)) for name, text in role.policies if text]
    doubts = [f"policy {name}: {policy.problem}" for name, policy in documents if policy.problem]
    doubts += [f"policy {name} could not be read" for name, text in role.policies if not text]
    doubts += [
        f"policy {name}: the condition {condition} may limit it"
        for name, policy in documents
        for statement in policy.statements
        if statement.allow and "*" in statement.resources and any(has_wildcard(action) for action in statement.actions)
        for condition in statement.conditions
        if not beside_the_point(condition)
    ]
    denied = [
        statement
        for _, policy in documents
        for statement in policy.statements
        if not statement.allow and not statement.conditions and "*" in statement.resources
    ]

    def taken_away(action: str) -> bool:
        return any(
            any(subsumes(pattern, action) for pattern in statement.actions)
            or (statement.not_actions and not any(patterns_overlap(action, spared) for spared in statement.not_actions))
            for statement in denied
        )

    within = _within_boundary(role)
    if within is None and role.boundary:
        return RolePrivileges(doubts=(f"its permissions boundary {role.boundary[0]} could not be read", *doubts))
    everything = ""
    may: dict[str, tuple[str, str]] = {}
    for name, policy in documents:
        for statement in _unlimited(policy):
            if statement.every_action and not taken_away("*") and (within is None or within("*")):
                everything = everything or name
            for action, words in DESCRIBED:
                if action in may or taken_away(action) or (within is not None and not within(action)):
                    continue
                meant = any(subsumes(pattern, action) for pattern in statement.actions) or (
                    bool(statement.not_actions)
                    and not any(subsumes(spared, action) for spared in statement.not_actions)
                )
                if meant:
                    may[action] = (words, name)
    return RolePrivileges(everything, tuple((action, *said) for action, said in may.items()), tuple(doubts))


def _within_boundary(role: IamRole) -> Callable[[str], bool] | None:
    """Whether a permissions boundary lets an action pass (``*``: every one); None: there is none, or it could not be read."""
    document = parse(role.boundary[1]) if role.boundary and role.boundary[1] else None
    if document is None or document.problem:
        return None
    allowing, denying = list(_unlimited(document)), [one for one in document.statements if not one.allow]

    def means(statement: Statement, action: str) -> bool:
        return any(subsumes(pattern, action) for pattern in statement.actions) or (
            bool(statement.not_actions) and not any(subsumes(spared, action) for spared in statement.not_actions)
        )

    def within(action: str) -> bool:
        if action == "*":
            return not denying and any(one.every_action for one in allowing)
        denied = any(not one.conditions and "*" in one.resources and means(one, action) for one in denying)
        return not denied and any(means(one, action) for one in allowing)

    return within


def _unlimited(policy: Policy) -> Iterator[Any]:
    """Statements that allow, on everything or on everything of a kind, without a condition."""
    for statement in policy.statements:
        wide = (
            "*" in statement.resources
            or bool(statement.not_resources)
            or any(
                resource.endswith((":*", "/*"))
                and resource.count("*") >= 1
                and resource.split(":")[-1] in ("*", "role/*", "user/*")
                for resource in statement.resources
            )
        )
        if statement.allow and wide and all(map(beside_the_point, statement.conditions)):
            yield statement
