"""What the intruder made with a principal: users, keys, roles, grants; each contained by itself, each taken back by itself.

(AWS: "Remediating compromised AWS credentials", MITRE ATT&CK T1098 and T1136.)
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from vpce_tui.blocks.model import ColumnKind, column
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.placeholders import INCIDENT, document, ref, text
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place, short_id
from vpce_tui.plans.targets.principal_history import CONTAINED_HERE, DAYS, OF_USERS, CreatedKind, CreatedResource
from vpce_tui.plans.targets.principal_state import (
    QUARANTINE_DOCUMENT,
    QUARANTINE_POLICY,
    SESSIONS,
    PrincipalAspect,
    PrincipalState,
)

_ELSEWHERE: Final = {
    CreatedKind.ENDPOINT: "if it still exists: vpce-tui plan contain-endpoint {id}",
    CreatedKind.INSTANCE: "if it still exists: vpce-tui plan terminate-instance {id}",
    CreatedKind.PASSWORD: "vpce-tui plan revoke-credentials user/{of}, its step “Remove console access”",
    CreatedKind.TRUST: "check who may assume it: vpce-tui plan revoke-credentials role/{of}",
    CreatedKind.FUNCTION: "set its reserved concurrency to 0, then review its code and role",
}


def look_back(*said: str) -> Mapping[str, object]:
    """How many days of event history are looked through: the most that any step asks for, so that all see the same."""
    return {DAYS: max((int(days) for days in said if days.isdecimal()), default=7)}


def _look(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    named = {SESSIONS: parts(choices.get("sessions", ""))}
    return {**look_back(choices.get("days", "7"), others.get("principal-least-privilege", {}).get("days", "")), **named}


def _containable(state: PrincipalState) -> list[CreatedResource]:
    states = state.made_states or {}
    return [item for item in (state.history.made if state.history else ()) if item.key in states]


_COLUMNS: Final = (
    column("WHAT"),
    column("KIND"),
    column("OF", means="the user, role or group that it belongs to"),
    column("CREATED", ColumnKind.TIME, "when, by event history, UTC"),
    column("STATE"),
)


def _options(state: PrincipalState) -> Options:
    return tuple(_option(state, item) for item in (state.history.made if state.history else ()))


def _option(state: PrincipalState, item: CreatedResource) -> Option:
    containment, why_not = (state.made_states or {}).get(item.key), ""
    if containment is None:
        why_not = _elsewhere(item)
    elif not containment.there:
        why_not = "it was deleted already"
    elif _operators(state, item):
        why_not = "you are signed in with it and would lock yourself out"
    standing = (
        ""
        if containment is None
        else "deleted"
        if not containment.there
        else "contained"
        if containment.contained
        else "active"
    )
    return Option(
        value=item.key,
        label=item.says,
        cells=(item.id, item.kind, item.of, rfc3339(item.at) if item.at else None, standing),
        why_not=why_not,
    )


def _elsewhere(item: CreatedResource) -> str:
    """What contains a thing that this step does not."""
    return _ELSEWHERE.get(item.kind, "check it in AWS").format(id=item.id, of=item.of)


def _recent(state: PrincipalState) -> str:
    """What was made in the day before the incident was opened, or since, and can do something; older may be honest work."""
    states, begun = state.made_states or {}, state.incident_opened or state.now
    since = begun - timedelta(hours=24) if begun else None
    return ",".join(
        item.key
        for item in _containable(state)
        if states[item.key].there
        and not states[item.key].contained
        and not _operators(state, item)
        and (since is None or item.at is None or item.at >= since)
    )


def _operators(state: PrincipalState, item: CreatedResource) -> bool:
    """Whether containing it takes the rights of whoever is signed in."""
    kind = "user" if item.kind in OF_USERS else "role"
    return f"{kind}/{item.of or item.id}" == state.operator


def _plan(state: PrincipalState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, PrincipalAspect.MADE)
    history = state.history
    if history is None or draft.blocked:
        return draft.step(StepKind.CHANGE)
    known = {item.key: item for item in _containable(state)}
    chosen = parts(draft.choices["contain"])
    if history.nobody:
        draft.block(
            f"no session of {state.name} is known in the last {many(history.days, 'day')}, so what it created is unknown",
            "enter its session names, as the events show them, in its prompts, or --set persistence.sessions=i-…; or look back further",
        )
    for key in chosen:
        if key in known and _operators(state, known[key]):
            draft.block(
                f"{known[key].says}: you are signed in with it and would lock yourself out",
                "exclude it in its prompts; or sign in as somebody else",
            )
        elif key in known:
            _contain(state, known[key], draft)
        elif draft.recall(f"contain-{short_id(key)}") is None:
            draft.block(
                f"{key} was not created by it, according to event history",
                "choose again in its prompts, or --set persistence.contain=…",
            )
    for item in history.made:
        if item.kind not in CONTAINED_HERE:
            draft.note(f"{item.says}: {_elsewhere(item)}")
        elif not (state.made_states or {})[item.key].there:
            draft.note(f"already deleted: {item.says}")
        elif item.key not in chosen:
            draft.note(f"not chosen, not changed: {item.says}")
    searched = f"{len(history.events):,} calls by {', '.join(history.asked) or 'nobody'} in the last {many(history.days, 'day')}"
    if draft.choices.get("days") not in (None, str(history.days)):
        searched += " (as many as another step of this playbook asks for)"
    draft.note(f"searched: {searched}; data events (objects, items, messages) are not in event history")
    draft.note(*(f"not searched: {gap}" for gap in history.gaps))
    draft.add_impact(
        f"whoever uses these users, roles and keys; {state.name} created them, in the intrusion or in normal work: check each"
    )
    draft.prove("each one is contained")
    return draft.step(StepKind.CHANGE)


def _contain(state: PrincipalState, item: CreatedResource, draft: Draft) -> None:
    iam: Place = {"service": "iam", "region": state.region}
    containment = (state.made_states or {})[item.key]
    call = f"contain-{short_id(item.key)}"
    recalled = draft.recall(call) is not None
    if not containment.there and not recalled:
        return
    kind = "User" if item.kind in OF_USERS else "Role"
    named = {f"{kind}Name": item.of or item.id}
    if item.kind is CreatedKind.KEY:
        key = {"UserName": item.of, "AccessKeyId": item.id}
        _both(
            draft,
            call,
            ("UpdateAccessKey", {**key, "Status": "Inactive"}),
            ("UpdateAccessKey", {**key, "Status": "Active"}),
            containment.contained,
            f"{item.id} of {item.of} is deactivated",
            f"{item.id} is activated again",
            iam,
        )
    elif item.kind in (CreatedKind.USER, CreatedKind.ROLE):
        policy = {**named, "PolicyName": text(QUARANTINE_POLICY, ref(INCIDENT))}
        _both(
            draft,
            call,
            (f"Put{kind}Policy", {**policy, "PolicyDocument": document(QUARANTINE_DOCUMENT)}),
            (f"Delete{kind}Policy", policy),
            containment.contained,
            f"{item.kind} {item.id} is denied everything",
            f"{item.kind} {item.id}: remove that deny",
            iam,
        )
    elif item.kind is CreatedKind.MEMBER:
        member = {"GroupName": item.id, "UserName": item.of}
        _both(
            draft,
            call,
            ("RemoveUserFromGroup", member),
            ("AddUserToGroup", member),
            not containment.there,
            f"remove {item.of} from group {item.id}",
            f"add {item.of} to group {item.id} again",
            iam,
        )
    elif item.kind in (CreatedKind.ATTACHED_TO_USER, CreatedKind.ATTACHED_TO_ROLE):
        attached = {**named, "PolicyArn": item.id}
        _both(
            draft,
            call,
            (f"Detach{kind}Policy", attached),
            (f"Attach{kind}Policy", attached),
            not containment.there,
            f"detach {item.id} from {item.of}",
            f"attach {item.id} to {item.of} again",
            iam,
        )
    else:
        inline = {**named, "PolicyName": item.id}
        _both(
            draft,
            call,
            (f"Delete{kind}Policy", inline),
            (f"Put{kind}Policy", {**inline, "PolicyDocument": document(containment.document)}),
            not containment.there,
            f"delete inline policy {item.id} of {item.of}",
            f"restore inline policy {item.id} of {item.of}",
            iam,
        )
    draft.changes.append(f"{_EFFECTS[item.kind]}: {item.says}")


_EFFECTS: Final = {
    CreatedKind.KEY: "deactivated",
    CreatedKind.USER: "denied everything",
    CreatedKind.ROLE: "denied everything",
    CreatedKind.MEMBER: "removed",
    CreatedKind.ATTACHED_TO_USER: "detached",
    CreatedKind.ATTACHED_TO_ROLE: "detached",
    CreatedKind.INLINE_OF_USER: "deleted",
    CreatedKind.INLINE_OF_ROLE: "deleted",
}
"""What containing each kind does to it."""


def _both(
    draft: Draft,
    call: str,
    forward: tuple[str, Mapping[str, object]],
    back: tuple[str, Mapping[str, object]],
    so: bool,
    why: str,
    undo: str,
    iam: Place,
) -> None:
    """A containment and its inverse; a policy that is gone is put back as the record has it."""
    draft.ensure(call, forward[0], forward[1], so_already=so, why=why, **iam)
    recorded = (
        next((known for known in draft.remembered.undo if known.id == f"undo-{call}"), None)
        if draft.remembered
        else None
    )
    if recorded is not None:
        draft.undo.insert(0, recorded)
    else:
        draft.add_inverse(f"undo-{call}", back[0], back[1], undoes=(call,), why=undo, **iam)


def _wrong_days(said: str) -> str:
    return "" if said.isdecimal() and 1 <= int(said) <= 90 else f"{said!r} is not a number of days from 1 to 90"


def _wrong_session(said: str) -> str:
    return "" if re.fullmatch(r"[\w+=,.@-]{2,64}", said, re.ASCII) else f"{said!r} is not a valid session name"


CONTAIN_PERSISTENCE: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.MADE}),
    plan=_plan,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="contain",
            question="Which of them are contained",
            columns=_COLUMNS,
            options=_options,
            default=_recent,
            many=True,
        ),
        Choice(
            "sessions",
            "Further sessions of the role to search, by session name (i-…)",
            free=True,
            many=True,
            check=_wrong_session,
        ),
        Choice(
            "days",
            "How many days of event history are searched, at least",
            (("7", "7 days"), ("1", "one day"), ("30", "30 days"), ("90", "90 days: all of event history")),
            free=True,
            check=_wrong_days,
        ),
    ),
    read_options=_look,
    may=(
        "iam:UpdateAccessKey",
        "iam:PutUserPolicy",
        "iam:DeleteUserPolicy",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:RemoveUserFromGroup",
        "iam:AddUserToGroup",
        "iam:DetachUserPolicy",
        "iam:AttachUserPolicy",
        "iam:DetachRolePolicy",
        "iam:AttachRolePolicy",
    ),
    taken_back_by=(
        "iam:UpdateAccessKey",
        "iam:PutUserPolicy",
        "iam:DeleteUserPolicy",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:AddUserToGroup",
        "iam:AttachUserPolicy",
        "iam:AttachRolePolicy",
    ),
)
