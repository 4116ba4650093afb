"""What a principal did, from event history in every region: what it made that outlives it, and which actions it used.

Event history holds management events of 90 days; data events (objects, items, messages) are not in it. (AWS: "Working with
CloudTrail event history".)
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_history import SAMPLE, EventHistory
from vpce_tui.cloudtrail.lookup import A_MOMENT, PAGE, LookupQuery
from vpce_tui.core.coverage import Part, Status, side_by_side
from vpce_tui.core.json_values import mapping, mappings, string
from vpce_tui.inventory import parse
from vpce_tui.plans.targets.planning_context import Unreadable

DAYS: Final = "days"
"""What a plan's answers say about the look-back; see :attr:`PlanningContext.remembered`."""
PAGES: Final = 20
"""Pages of 50 events that are read of one name in one region."""


@dataclass(frozen=True, slots=True)
class Done:
    """One call of the principal that was not refused."""

    at: datetime | None
    region: str
    source: str
    name: str
    address: str
    request: Mapping[str, object]
    answer: Mapping[str, object]

    @property
    def action(self) -> str:
        """As IAM calls it: ``ec2:RunInstances``."""
        service = self.source.removesuffix(".amazonaws.com")
        name = re.sub(r"[0-9]{8}(v[0-9]+)?$", "", self.name)
        return _ACTIONS.get(f"{service}:{name}", f"{_PREFIXES.get(service, service)}:{name}")


_PREFIXES: Final = {"monitoring": "cloudwatch", "email": "ses", "tagging": "tag"}
_ACTIONS: Final = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:PutBucketPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "lambda:Invoke": "lambda:InvokeFunction",
}


class CreatedKind(StrEnum):
    """What was created. The value is part of its key in ``--set``."""

    KEY = "key"
    USER = "user"
    ROLE = "role"
    ATTACHED_TO_USER = "attached-user"
    ATTACHED_TO_ROLE = "attached-role"
    INLINE_OF_USER = "inline-user"
    INLINE_OF_ROLE = "inline-role"
    MEMBER = "member"
    PASSWORD = "password"  # noqa: S105 - a kind of thing
    TRUST = "trust"
    ENDPOINT = "endpoint"
    INSTANCE = "instance"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class CreatedResource:
    """One thing that outlives the principal. ``of``: the user or role that has it."""

    kind: CreatedKind
    id: str
    of: str
    region: str
    at: datetime | None
    address: str

    @property
    def key(self) -> str:
        """Value of this option in ``--set``; unique in its list."""
        return ":".join(part for part in (self.kind, self.of, self.id) if part).replace(
            ",", "%2C"
        )  # answers are split at commas

    @property
    def says(self) -> str:
        """One line for lists: kind, id, owner, time (UTC), region, source address."""
        when = self.at.strftime("%m-%d %H:%MZ") if self.at else "at an unknown time"
        owner = f" of {self.of}" if self.of else ""
        return f"{_WORDS[self.kind]} {self.id}{owner}, {when} in {self.region} from {self.address}"


_WORDS: Final = {
    CreatedKind.KEY: "access key",
    CreatedKind.USER: "user",
    CreatedKind.ROLE: "role",
    CreatedKind.ATTACHED_TO_USER: "managed policy",
    CreatedKind.ATTACHED_TO_ROLE: "managed policy",
    CreatedKind.INLINE_OF_USER: "inline policy",
    CreatedKind.INLINE_OF_ROLE: "inline policy",
    CreatedKind.MEMBER: "membership in",
    CreatedKind.PASSWORD: "console password",
    CreatedKind.TRUST: "trust policy of",
    CreatedKind.ENDPOINT: "VPC endpoint",
    CreatedKind.INSTANCE: "instance",
    CreatedKind.FUNCTION: "Lambda function",
}
OF_USERS: Final = frozenset(
    {
        CreatedKind.USER,
        CreatedKind.KEY,
        CreatedKind.ATTACHED_TO_USER,
        CreatedKind.INLINE_OF_USER,
        CreatedKind.MEMBER,
    }
)
"""What is a user, or belongs to one."""
CONTAINED_HERE: Final = (
    CreatedKind.KEY,
    CreatedKind.USER,
    CreatedKind.ROLE,
    CreatedKind.ATTACHED_TO_USER,
    CreatedKind.ATTACHED_TO_ROLE,
    CreatedKind.INLINE_OF_USER,
    CreatedKind.INLINE_OF_ROLE,
    CreatedKind.MEMBER,
)
"""What a step of revoke-credentials contains; anything else has a playbook of its own, or is for a person."""


@dataclass(frozen=True, slots=True)
class History:
    """What was found, and what was not looked through."""

    events: tuple[Done, ...] = ()
    gaps: tuple[str, ...] = ()
    days: int = 7
    asked: tuple[str, ...] = ()
    failed: str = ""
    """What could not be read although it is allowed; empty: nothing."""

    @property
    def nobody(self) -> bool:
        """Whether no session of the role is known: then nothing that it made can be known."""
        return not self.asked

    @property
    def made(self) -> tuple[CreatedResource, ...]:
        """Everything that outlives the principal, oldest first, each once."""
        found: dict[str, CreatedResource] = {}
        for event in sorted(self.events, key=lambda item: item.at.timestamp() if item.at else 0.0):
            for item in _made_by(event):
                found.setdefault(item.key, item)
        return tuple(found.values())

    def used(self, until: datetime | None) -> frozenset[str]:
        """The actions that were used before ``until`` (None: ever)."""
        return frozenset(
            event.action for event in self.events if until is None or (event.at is not None and event.at < until)
        )


def history_of(
    history: EventHistory,
    names: Sequence[tuple[str, str]],
    regions: Iterable[str],
    until: datetime,
    days: int,
    *,
    role: str = "",
) -> History:
    """Everything done under ``names`` (attribute and value of LookupEvents) in ``regions`` in the ``days`` before ``until``, each
    event once.

    ``role``: only what sessions of this role did, as others may have sessions of the same name.
    """
    found, gaps, failed = events_of(history, names, regions, until, days)
    done = {event.id: item for event in found if (item := _done(event.record, event.region, role))}
    return History(
        events=tuple(done.values()), gaps=gaps, days=days, asked=tuple(value for _, value in names), failed=failed
    )


def events_of(
    history: EventHistory, names: Sequence[tuple[str, str]], regions: Iterable[str], until: datetime, days: int
) -> tuple[tuple[Event, ...], tuple[str, ...], str]:
    """The events that AWS lists under ``names`` in ``regions`` in the ``days`` before ``until``; what was not looked through; and
    of that what failed, other than by a missing permission.

    Raises :class:`~vpce_tui.plans.targets.planning_context.Unreadable` where no region answered at all.
    """
    since = until - timedelta(days=min(days, 90))
    asked = [
        LookupQuery(since, until, value, attribute, pages=PAGES, may_be_old=A_MOMENT) for attribute, value in names
    ]
    gaps: list[str] = []
    answered: list[str] = []
    failed: list[str] = []

    def one(region: str) -> tuple[list[Event], Part]:
        events: list[Event] = []

        def answer(query: LookupQuery, found: Sequence[Event], part: Part) -> None:
            events.extend(found)
            if part.status is not Status.LOOKED:
                gaps.append(f"{query.value} in {region}: {part.reason}")
                failed.extend(gaps[-1:] if part.status is not Status.DENIED else ())
                return
            answered.append(region)
            if part.note == SAMPLE:
                gaps.append(f"{query.value} in {region}: more than {PAGES * PAGE} events, the older ones were not read")

        history.ask_all(region, asked, on_answer=answer)
        return events, Part(region, Status.LOOKED)

    found = side_by_side(sorted(set(regions)), one, at_most=8)[0] if asked else []
    if gaps and not answered:
        raise Unreadable(f"event history: {gaps[0]}")
    return tuple({event.id: event for event in found}.values()), tuple(sorted(gaps)), next(iter(sorted(failed)), "")


def _done(record: Mapping[str, object], region: str, role: str) -> Done | None:
    if record.get("errorCode") or (role and not _is_session(record, role)):
        return None
    request, answer = record.get("requestParameters"), record.get("responseElements")
    return Done(
        at=parse.moment(record.get("eventTime")),
        region=str(record.get("awsRegion") or region),
        source=str(record.get("eventSource", "")),
        name=str(record.get("eventName", "")),
        address=str(record.get("sourceIPAddress", "")),
        request=request if isinstance(request, dict) else {},
        answer=answer if isinstance(answer, dict) else {},
    )


def _is_session(record: Mapping[str, object], role: str) -> bool:
    issuer = string(record, "userIdentity", "sessionContext", "sessionIssuer", "userName")
    return issuer == role or f":assumed-role/{role}/" in string(record, "userIdentity", "arn")


def _made_by(event: Done) -> list[CreatedResource]:
    request, answer = event.request, event.answer
    user, role = string(request, "userName"), string(request, "roleName")
    found: list[tuple[CreatedKind, str, str]] = []
    name = re.sub(r"[0-9]{8}(v[0-9]+)?$", "", event.name)
    if event.source == "iam.amazonaws.com":
        made = _IAM.get(name)
        found = [item for item in made(request, answer, user, role) if item[1]] if made else []
    elif event.source == "ec2.amazonaws.com" and name == "CreateVpcEndpoint":
        found = [
            (CreatedKind.ENDPOINT, string(answer, "CreateVpcEndpointResponse", "vpcEndpoint", "vpcEndpointId"), "")
        ]
    elif event.source == "ec2.amazonaws.com" and name == "RunInstances":
        found = [
            (CreatedKind.INSTANCE, string(item, "instanceId"), "") for item in mappings(answer, "instancesSet", "items")
        ]
    elif event.source == "lambda.amazonaws.com" and name == "CreateFunction":
        found = [(CreatedKind.FUNCTION, string(request, "functionName"), "")]
    return [
        CreatedResource(kind=kind, id=identifier, of=of, region=event.region, at=event.at, address=event.address)
        for kind, identifier, of in found
        if identifier
    ]


_Made = Callable[[object, object, str, str], list[tuple[CreatedKind, str, str]]]
"""Of a call's request and answer, its user and its role: kind, id and owner of what it made."""
_IAM: Final[Mapping[str, _Made]] = {
    "CreateUser": lambda request, answer, user, role: [(CreatedKind.USER, user, "")],
    "CreateAccessKey": lambda request, answer, user, role: [
        (CreatedKind.KEY, string(answer, "accessKey", "accessKeyId"), user or string(answer, "accessKey", "userName"))
    ],
    "CreateLoginProfile": lambda request, answer, user, role: [(CreatedKind.PASSWORD, user, user)],
    "UpdateLoginProfile": lambda request, answer, user, role: [(CreatedKind.PASSWORD, user, user)],
    "CreateRole": lambda request, answer, user, role: [(CreatedKind.ROLE, role, "")],
    "UpdateAssumeRolePolicy": lambda request, answer, user, role: [(CreatedKind.TRUST, role, role)],
    "AttachUserPolicy": lambda request, answer, user, role: [
        (CreatedKind.ATTACHED_TO_USER, string(request, "policyArn"), user)
    ],
    "AttachRolePolicy": lambda request, answer, user, role: [
        (CreatedKind.ATTACHED_TO_ROLE, string(request, "policyArn"), role)
    ],
    "PutUserPolicy": lambda request, answer, user, role: [
        (CreatedKind.INLINE_OF_USER, string(request, "policyName"), user)
    ],
    "PutRolePolicy": lambda request, answer, user, role: [
        (CreatedKind.INLINE_OF_ROLE, string(request, "policyName"), role)
    ],
    "AddUserToGroup": lambda request, answer, user, role: [(CreatedKind.MEMBER, string(request, "groupName"), user)],
}


@dataclass(frozen=True, slots=True)
class ContainmentState:
    """What of a made thing is there now: ``there`` False: it is gone; ``contained``: nothing can be done with it any more."""

    there: bool
    contained: bool = False
    document: Mapping[str, object] = field(default_factory=dict)


def states_of(
    client: AwsClient, home: str, made: Iterable[CreatedResource], quarantine: str, document: Mapping[str, object]
) -> dict[str, ContainmentState]:
    """The state of everything that can be contained, by its key. ``quarantine``: the name of our deny policy."""
    return {item.key: _state(client, home, item, quarantine, document) for item in made if item.kind in CONTAINED_HERE}


def _state(
    client: AwsClient, home: str, item: CreatedResource, quarantine: str, document: Mapping[str, object]
) -> ContainmentState:
    def ask(operation: str, **parameters: str) -> Mapping[str, object] | None:
        try:
            return client.read(Call(service="iam", operation=operation, region=home, parameters=parameters)).data
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    if item.kind is CreatedKind.KEY:
        keys = mappings(ask("ListAccessKeys", UserName=item.of), "AccessKeyMetadata")
        known = next((key for key in keys if key.get("AccessKeyId") == item.id), None)
        return ContainmentState(known is not None, known is not None and known.get("Status") != "Active")
    if item.kind in (CreatedKind.USER, CreatedKind.ROLE):
        kind = item.kind.capitalize()
        if ask(f"Get{kind}", **{f"{kind}Name": item.id}) is None:
            return ContainmentState(False)
        held = ask(f"Get{kind}Policy", **{f"{kind}Name": item.id, "PolicyName": quarantine}) if quarantine else None
        return ContainmentState(True, held is not None and held.get("PolicyDocument") == document)
    kind = (
        "User"
        if item.kind in (CreatedKind.ATTACHED_TO_USER, CreatedKind.INLINE_OF_USER, CreatedKind.MEMBER)
        else "Role"
    )
    named = {f"{kind}Name": item.of}
    if item.kind is CreatedKind.MEMBER:
        groups = mappings(ask("ListGroupsForUser", **named), "Groups")
        return ContainmentState(any(group.get("GroupName") == item.id for group in groups))
    if item.kind in (CreatedKind.ATTACHED_TO_USER, CreatedKind.ATTACHED_TO_ROLE):
        policies = mappings(ask(f"ListAttached{kind}Policies", **named), "AttachedPolicies")
        return ContainmentState(any(policy.get("PolicyArn") == item.id for policy in policies))
    found = ask(f"Get{kind}Policy", **named, PolicyName=item.id)
    return ContainmentState(found is not None, document=mapping(found, "PolicyDocument"))


STATE_READS: Final = (
    "iam:ListAccessKeys",
    "iam:GetUser",
    "iam:GetRole",
    "iam:GetUserPolicy",
    "iam:GetRolePolicy",
    "iam:ListGroupsForUser",
    "iam:ListAttachedUserPolicies",
    "iam:ListAttachedRolePolicies",
)
