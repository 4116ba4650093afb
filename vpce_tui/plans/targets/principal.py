"""Everything a playbook needs to know about one IAM user or role, read live, aspect by aspect."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.core.arn import parse_arn
from vpce_tui.core.json_values import integer, string, strings
from vpce_tui.inventory import parse
from vpce_tui.plans.targets import recording
from vpce_tui.plans.targets.planning_context import (
    PlanningContext,
    Reader,
    TargetGone,
    Unreadable,
    aws_now,
    iam_region,
    read_aspects,
)
from vpce_tui.plans.targets.principal_history import (
    DAYS,
    STATE_READS,
    events_of,
    history_of,
    states_of,
)
from vpce_tui.plans.targets.principal_policies import read_policies, read_policy_documents, trusted_by
from vpce_tui.plans.targets.principal_state import (
    LOST_WITHIN,
    QUARANTINE_DOCUMENT,
    QUARANTINE_POLICY,
    SESSIONS,
    AccessKey,
    PrincipalAspect,
    PrincipalKind,
    PrincipalState,
)

_NAMES: Final = 20
"""Sessions and instances of a role whose calls are looked up at most."""
PATTERN: Final = re.compile(
    r"(?:AKIA|ASIA)[A-Z0-9]{12,124}|root|(?:user|role)/[A-Za-z0-9_+=,.@/-]{1,512}"
    r"|arn:aws[a-z-]*:iam::[0-9]{12}:(?:root|(?:user|role)/[A-Za-z0-9_+=,.@/-]{1,512})|arn:aws[a-z-]*:sts::[0-9]{12}:(?:assumed-role|federated-user)/[A-Za-z0-9_+=,.@/-]{1,600}"
)


def observe(
    client: AwsClient, target: str, region: str, aspects: Iterable[str], asked: PlanningContext
) -> PrincipalState:
    """Read the principal and the named aspects now.

    ``target``: an access key id of a user, ``user/NAME``, ``role/NAME``, ``root``, or an ARN of one of these or of a role's
    session. Raises :class:`TargetGone`, and :class:`AwsError` where the principal itself cannot be read.
    """
    identity, home = client.identity(), iam_region(region)
    account = identity.account
    kind, name = _resolve(client, target, account, home)
    if kind is PrincipalKind.ROOT:
        return PrincipalState(
            kind=PrincipalKind.ROOT, name="root", arn=f"arn:aws:iam::{account}:root", account=account, region=home
        )
    signed_in = (
        f":assumed-role/{name}/" in identity.arn
        if kind is PrincipalKind.ROLE
        else identity.arn.endswith((f":user/{name}", f"/{name}"))
    )
    signed_in = signed_in and (kind is PrincipalKind.ROLE or ":user/" in identity.arn)
    operation, key = ("GetUser", "User") if kind is PrincipalKind.USER else ("GetRole", "Role")
    try:
        raw = client.read(Call(service="iam", operation=operation, region=home, parameters={f"{key}Name": name})).data[
            key
        ]
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            raise TargetGone(f"there is no {kind} {name} in account {account}.") from error
        raise
    state = PrincipalState(
        kind=kind,
        name=name,
        arn=str(raw["Arn"]),
        account=account,
        region=home,
        path=str(raw.get("Path", "/")),
        boundary=str((raw.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", "")),
        trusts=trusted_by(raw.get("AssumeRolePolicyDocument")),
        own=signed_in,
        operator=_operator(identity.arn),
    )
    read, unknown = read_aspects(client, state, aspects, _READERS, asked)
    return replace(read, unknown=unknown)


def _operator(arn: str) -> str:
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return f"role/{rest.partition('/')[0]}" if kind == "assumed-role" else f"{kind}/{rest.rpartition('/')[2]}"


def _resolve(client: AwsClient, target: str, account: str, home: str) -> tuple[PrincipalKind, str]:
    arn = parse_arn(target)
    if target == "root" or (arn is not None and arn[1:] == ("iam", "", account, "root")):
        return PrincipalKind.ROOT, "root"
    if target.startswith("ASIA"):
        raise TargetGone(
            f"{target} is a temporary key: it belongs to a session. Name the role or user behind it (its events say which), "
            "for example role/web-app; revoking its sessions also denies this key."
        )
    if target.startswith("AKIA"):
        name = str(
            client.read(
                Call(service="iam", operation="GetAccessKeyLastUsed", region=home, parameters={"AccessKeyId": target})
            ).data.get("UserName", "")
        )
        if not name:
            raise TargetGone(f"the key {target} belongs to no user of account {account}.")
        return PrincipalKind.USER, name
    if target.startswith("arn:"):
        if arn is None or arn.account != account:
            owner = arn.account if arn else "that it does not name"
            raise TargetGone(f"{target} belongs to account {owner}, and these credentials are for {account}.")
        kind, rest = arn.kind, arn.path
        if kind == "federated-user":
            raise TargetGone(
                f"{rest} is a federated user: no policy is attached to it. Its permissions are those of the user who called "
                "GetFederationToken: name that one (its events say who: sessionIssuer)."
            )
        if kind == "assumed-role":
            return PrincipalKind.ROLE, rest.split("/")[0]
        return _kind(kind, target), rest.rpartition("/")[2]
    kind, _, rest = target.partition("/")
    return _kind(kind, target), rest.rpartition("/")[2]


def _kind(kind: str, target: str) -> PrincipalKind:
    try:
        return PrincipalKind(kind)
    except ValueError:
        raise TargetGone(f"{target} is neither a user nor a role.") from None


def _keys(client: AwsClient, state: PrincipalState, asked: PlanningContext) -> PrincipalState:
    if state.kind is not PrincipalKind.USER:
        return replace(state, keys=())
    given = asked.gave.get("new-key", frozenset())
    begun = parse.moment(asked.lost.get("new-key", ""))
    lost: set[str] = set()
    found = []
    for page in client.pages(
        Call(service="iam", operation="ListAccessKeys", region=state.region, parameters={"UserName": state.name})
    ):
        for raw in page.data.get("AccessKeyMetadata", []):
            identifier = str(raw["AccessKeyId"])
            used = client.read(
                Call(
                    service="iam",
                    operation="GetAccessKeyLastUsed",
                    region=state.region,
                    parameters={"AccessKeyId": identifier},
                )
            ).data
            last = used.get("AccessKeyLastUsed") or {}
            at, created = parse.moment(last.get("LastUsedDate")), parse.moment(raw.get("CreateDate"))
            if begun and created and not given and not at and abs(created - begun) <= LOST_WITHIN:
                lost.add(identifier)  # nobody can have used it: nobody has its secret
            found.append(
                AccessKey(
                    id=identifier,
                    active=raw.get("Status") == "Active",
                    created=created.strftime("%Y-%m-%d %H:%MZ") if created else "",
                    last_used=at.strftime("%Y-%m-%d %H:%MZ") if at else "",
                    service=str(last.get("ServiceName", "")),
                    region=str(last.get("Region", "")),
                )
            )
    return replace(
        state, keys=tuple(sorted(found, key=lambda key: key.id)), keys_given=given, keys_lost=frozenset(lost)
    )


def _console(client: AwsClient, state: PrincipalState, _: PlanningContext) -> PrincipalState:
    if state.kind is not PrincipalKind.USER:
        return replace(state, password=False)
    named = {"UserName": state.name}
    try:
        client.read(Call(service="iam", operation="GetLoginProfile", region=state.region, parameters=named))
        password = True
    except AwsError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        password = False

    def ids(operation: str, key: str, name: str) -> tuple[str, ...]:
        pages = client.pages(Call(service="iam", operation=operation, region=state.region, parameters=named))
        return tuple(sorted(str(item[name]) for page in pages for item in page.data.get(key, [])))

    return replace(
        state,
        password=password,
        mfa=ids("ListMFADevices", "MFADevices", "SerialNumber"),
        certificates=ids("ListSigningCertificates", "Certificates", "CertificateId"),
        service_credentials=ids(
            "ListServiceSpecificCredentials", "ServiceSpecificCredentials", "ServiceSpecificCredentialId"
        ),
    )


def _instances_with_role(client: AwsClient, state: PrincipalState, _: PlanningContext) -> PrincipalState:
    if state.kind is not PrincipalKind.ROLE:
        return replace(state, instances=())
    profiles = [
        str(profile["Arn"])
        for page in client.pages(
            Call(
                service="iam",
                operation="ListInstanceProfilesForRole",
                region=state.region,
                parameters={"RoleName": state.name},
            )
        )
        for profile in page.data.get("InstanceProfiles", [])
    ]
    if not profiles:
        return replace(state, instances=())
    found = []
    regions = client.read(Call("ec2", "DescribeRegions", client.home_region)).data.get("Regions", [])
    for region in sorted(str(item["RegionName"]) for item in regions):
        filters = [
            {"Name": "iam-instance-profile.arn", "Values": profiles},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
        ]
        for page in client.pages(
            Call(service="ec2", operation="DescribeInstances", region=region, parameters={"Filters": filters})
        ):
            found += [f"{item.label} ({region})" for item in parse.instances(page.data, region, state.account)]
    return replace(state, instances=tuple(sorted(found)))


def _sessions(client: AwsClient, state: PrincipalState, asked: PlanningContext) -> PrincipalState:
    """Sessions of the role that were handed out in the last day, from event history where STS is called."""
    if state.kind is not PrincipalKind.ROLE:
        return replace(state, sessions=())
    found, gaps = _issued_sessions(client, state, asked, {client.home_region, "us-east-1"}, 1)
    if gaps:
        raise Unreadable(f"sessions issued: {gaps[0]}")
    return replace(state, sessions=tuple(sorted(found)))


def _issued_sessions(
    client: AwsClient, state: PrincipalState, asked: PlanningContext, regions: Iterable[str], days: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the sessions that AWS issued, where a record names none, its id, the newest first; and what was not looked through."""
    by_role = [("ResourceName", state.arn)]
    events, gaps, _ = events_of(asked.event_history(client), by_role, regions, aws_now(client), days)
    assumed = [event for event in events if event.name.startswith("AssumeRole") and not event.error_code]
    assumed.sort(key=lambda event: event.time, reverse=True)
    return tuple(dict.fromkeys(_session_of(event.record) or event.id for event in assumed)), gaps


def _session_of(record: Mapping[str, object]) -> str:
    """The name of the session that a call to STS began."""
    named = string(record, "responseElements", "assumedRoleUser", "arn").rpartition("/")[2]
    return named or string(record, "requestParameters", "roleSessionName")


def _history(client: AwsClient, state: PrincipalState, asked: PlanningContext) -> PrincipalState:
    """What was done under its name, its keys, and the sessions and instances that hold it."""
    raws = client.read(Call("ec2", "DescribeRegions", client.home_region)).data.get("Regions", [])
    regions, days = [str(item["RegionName"]) for item in raws], integer(asked.remembered.get(DAYS, 7))
    gaps: list[str] = []
    if state.kind is PrincipalKind.ROOT:
        names = [("Username", "root")]
    elif state.kind is PrincipalKind.USER:
        keys = _keys(client, state, asked).keys or ()
        names = [("Username", state.name), *(("AccessKeyId", key.id) for key in keys)]
    else:
        named, gaps = _session_names(client, state, asked, regions, days)
        names = [("Username", name) for name in named[:_NAMES]]
        if len(named) > _NAMES:
            gaps.append(f"{len(named) - _NAMES} more sessions of {state.name}: name the ones you mean (sessions)")
    now, role = aws_now(client), state.name if state.kind is PrincipalKind.ROLE else ""
    found = history_of(asked.event_history(client), names, regions, now, days, role=role)
    found = replace(found, gaps=(*found.gaps, *gaps))
    return replace(state, history=found, incident_opened=parse.moment(asked.since), now=now)


def _session_names(
    client: AwsClient, state: PrincipalState, asked: PlanningContext, regions: Sequence[str], days: int
) -> tuple[list[str], list[str]]:
    """Names of sessions of the role: those that the operator names, instances of this incident (whose profile may be taken by
    now), instances that hold it, and those that event history knows from ``days``; and where that could not be asked."""
    ours = sorted(target for target in asked.targets if target.startswith("i-"))
    held = [name.partition(" ")[0] for name in _instances_with_role(client, state, asked).instances or ()]
    found, unread = _issued_sessions(client, state, asked, regions, days)
    gaps = [f"sessions issued: {gap}" for gap in unread]
    named = strings(asked.remembered, SESSIONS)
    others = ", other than those that are named" if named else ""
    gaps.append(
        f"sessions of instances that no longer have {state.name}{others}, unless this incident acted on them: enter their ids"
    )
    return list(dict.fromkeys([*named, *ours, *held, *found])), gaps


def _made(client: AwsClient, state: PrincipalState, asked: PlanningContext) -> PrincipalState:
    read = state if state.history is not None else _history(client, state, asked)
    quarantine = f"{QUARANTINE_POLICY}{asked.incident}" if asked.incident else ""
    made = read.history.made if read.history else ()
    return replace(read, made_states=states_of(client, state.region, made, quarantine, QUARANTINE_DOCUMENT))


def _trails(client: AwsClient, state: PrincipalState, asked: PlanningContext) -> PrincipalState:
    return replace(state, trails=recording.read_trails(client, state.account, state.region, asked))


def _profiles(client: AwsClient, state: PrincipalState, __: PlanningContext) -> PrincipalState:
    return replace(state, profiles=client.profiles())


_HISTORY_READS: Final = (
    "cloudtrail:LookupEvents",
    "iam:ListAccessKeys",
    "iam:GetAccessKeyLastUsed",
    "iam:ListInstanceProfilesForRole",
    "ec2:DescribeRegions",
    "ec2:DescribeInstances",
)
READS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("iam:GetUser", "iam:GetRole", "iam:GetAccessKeyLastUsed"),
    PrincipalAspect.KEYS: ("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"),
    PrincipalAspect.POLICIES: (
        "iam:ListUserPolicies",
        "iam:ListRolePolicies",
        "iam:ListAttachedUserPolicies",
        "iam:ListAttachedRolePolicies",
        "iam:GetPolicy",
        "iam:ListGroupsForUser",
        "iam:GetUserPolicy",
        "iam:GetRolePolicy",
    ),
    PrincipalAspect.CONSOLE: (
        "iam:GetLoginProfile",
        "iam:ListMFADevices",
        "iam:ListSigningCertificates",
        "iam:ListServiceSpecificCredentials",
    ),
    PrincipalAspect.INSTANCES: ("iam:ListInstanceProfilesForRole", "ec2:DescribeRegions", "ec2:DescribeInstances"),
    PrincipalAspect.SESSIONS: ("cloudtrail:LookupEvents",),
    PrincipalAspect.DOCUMENTS: (
        "iam:ListUserPolicies",
        "iam:ListRolePolicies",
        "iam:GetUserPolicy",
        "iam:GetRolePolicy",
        "iam:ListAttachedUserPolicies",
        "iam:ListAttachedRolePolicies",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:ListPolicyVersions",
        "iam:ListEntitiesForPolicy",
    ),
    PrincipalAspect.HISTORY: _HISTORY_READS,
    PrincipalAspect.MADE: (*_HISTORY_READS, *STATE_READS),
    PrincipalAspect.TRAILS: recording.TRAIL_READS,
    PrincipalAspect.PROFILES: (),
}
"""The operations that reading each aspect takes; under ``""`` those of the target itself."""

_READERS: Final[Mapping[str, Reader[PrincipalState]]] = {
    PrincipalAspect.KEYS: _keys,
    PrincipalAspect.POLICIES: read_policies,
    PrincipalAspect.CONSOLE: _console,
    PrincipalAspect.INSTANCES: _instances_with_role,
    PrincipalAspect.SESSIONS: _sessions,
    PrincipalAspect.DOCUMENTS: read_policy_documents,
    PrincipalAspect.HISTORY: _history,
    PrincipalAspect.MADE: _made,
    PrincipalAspect.TRAILS: _trails,
    PrincipalAspect.PROFILES: _profiles,
}
