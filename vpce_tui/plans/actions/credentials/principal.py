"""Actions on an IAM user or role: its keys, its sessions, and denying it everything.

Keys first, sessions second: a live key mints new sessions after the cut. (AWS: "Revoke IAM role temporary security
credentials", "Disabling permissions for temporary security credentials".)
"""

from typing import Final

from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, Choice, Options, by_effects, parts, read_back, unchanged
from vpce_tui.plans.actions.credentials.identify import KEY_COLUMNS, key_cells
from vpce_tui.plans.actions.credentials.principal_helpers import cannot_act, names_in_iam
from vpce_tui.plans.actions.instance.cut_credentials import deny_older_sessions
from vpce_tui.plans.placeholders import INCIDENT, document, ref, text
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place, short_id
from vpce_tui.plans.targets.principal_state import (
    QUARANTINE_DOCUMENT,
    QUARANTINE_POLICY,
    SESSIONS_POLICY,
    PrincipalAspect,
    PrincipalKind,
    PrincipalState,
)

# -- keys


def _key_options(state: PrincipalState) -> Options:
    return tuple(
        Option(
            value=key.id,
            label=f"{'active' if key.active else 'inactive'}, {key.usage}",
            cells=key_cells(key),
        )
        for key in state.keys or ()
    )


def _all_active(state: PrincipalState) -> str:
    return ",".join(key.id for key in state.keys or () if key.active)


def _plan_keys(state: PrincipalState, draft: Draft) -> Step:
    if cannot_act(state, draft, PrincipalAspect.KEYS):
        return draft.step(StepKind.CHANGE)
    if state.kind is not PrincipalKind.USER:
        draft.note("a role has no keys of its own, only sessions: the next step revokes them")
        return draft.step(StepKind.CHANGE)
    known = {key.id: key for key in state.keys or ()}
    chosen = parts(draft.choices["keys"])
    for identifier in chosen:
        key = known.get(identifier)
        if key is None:
            draft.block(f"the key {identifier} is gone", "choose again in its prompts, or --set keys.keys=…")
            continue
        named = {"UserName": state.name, "AccessKeyId": identifier}
        call_id = f"off-{short_id(identifier)}"
        draft.ensure(
            call_id,
            "UpdateAccessKey",
            {**named, "Status": "Inactive"},
            so_already=not key.active,
            why=f"{identifier} is deactivated",
            service="iam",
            region=state.region,
        )
        draft.add_inverse(
            f"undo-{call_id}",
            "UpdateAccessKey",
            {**named, "Status": "Active"},
            undoes=(call_id,),
            why=f"{identifier} is activated again",
            service="iam",
            region=state.region,
        )
        draft.changes.append(f"{identifier} becomes inactive ({key.usage})")
        if key.last_used:
            draft.add_impact(f"whatever uses {identifier}: {key.usage}")
    left = [key.id for key in known.values() if key.active and key.id not in chosen]
    if left:
        draft.note(f"not chosen, stays active: {', '.join(left)}")
    if not chosen:
        draft.note("it has no active key" if not left else "no key was chosen")
    draft.note("sessions made with a key stay valid: the next step revokes them")
    draft.prove("each key is inactive", "ListAccessKeys", names_in_iam(state), service="iam", region=state.region)
    return draft.step(StepKind.CHANGE)


# -- sessions


def _plan_sessions(state: PrincipalState, draft: Draft) -> Step:
    if cannot_act(state, draft, PrincipalAspect.POLICIES):
        return draft.step(StepKind.CHANGE)
    policy = {**names_in_iam(state), "PolicyName": text(SESSIONS_POLICY, ref(INCIDENT))}
    kind = state.kind.capitalize()
    iam: Place = {"service": "iam", "region": state.region}
    draft.ensure(
        "cut",
        f"Put{kind}Policy",
        {**policy, "PolicyDocument": deny_older_sessions("CutSessions")},
        so_already=bool(state.cut),
        why=f"{state.name}: deny everything to sessions issued before now",
        **iam,
    )
    draft.add_inverse(
        "undo-cut", f"Delete{kind}Policy", policy, undoes=("cut",), why=f"{state.name}: remove that deny", **iam
    )
    draft.changes.append(f"{state.kind} {state.name}: every session issued before now is denied, wherever it is used")
    if state.kind is PrincipalKind.ROLE:
        _who_else(state, draft)
        draft.note(
            "whoever is trusted to assume the role can do so again at once: the next step, quarantine, denies that too"
        )
    else:
        draft.add_impact("every session created with the user's keys, by GetSessionToken or GetFederationToken")
        draft.note("an active key can create new sessions: deactivate it first")
    if state.cut:
        draft.note("already revoked in this incident; to revoke later sessions, undo this step and run it again")
    draft.prove("the deny is in effect", f"Get{kind}Policy", policy, **iam)
    return draft.step(StepKind.CHANGE)


def _who_else(state: PrincipalState, draft: Draft, *, for_good: bool = False) -> None:
    """Who works as the role too; ``for_good``: new credentials do not help them."""
    sessions, instances = state.sessions or (), state.instances or ()
    if PrincipalAspect.SESSIONS in state.unknown:
        draft.add_impact(
            f"every session of {state.name}; their number could not be read: {state.unknown[PrincipalAspect.SESSIONS]}"
        )
    else:
        draft.add_impact(
            f"every session of {state.name}; event history shows {len(sessions)} in the last day; older ones may still be valid",
            sessions,
        )
    if instances:
        then = (
            "they are denied everything in AWS until this is undone"
            if for_good
            else "they are denied everything until they get new credentials automatically, which can take hours"
        )
        draft.add_impact(f"{many(len(instances), 'instance uses', 'instances use')} this role; {then}", instances)
    others = [name for name in state.trusts if "ec2.amazonaws.com" not in name]
    if others:
        draft.add_impact(f"also trusted to assume it: {', '.join(others)}")


# -- quarantine


def _plan_quarantine(state: PrincipalState, draft: Draft) -> Step:
    if cannot_act(state, draft, PrincipalAspect.POLICIES):
        return draft.step(StepKind.CHANGE)
    if draft.choices["deny"] == "no":
        draft.note("not chosen: new sessions keep all permissions of the principal")
        return draft.step(StepKind.CHANGE)
    policy = {**names_in_iam(state), "PolicyName": text(QUARANTINE_POLICY, ref(INCIDENT))}
    kind = state.kind.capitalize()
    iam: Place = {"service": "iam", "region": state.region}
    draft.ensure(
        "deny",
        f"Put{kind}Policy",
        {**policy, "PolicyDocument": document(QUARANTINE_DOCUMENT)},
        so_already=state.quarantined,
        why=f"{state.name}: deny everything",
        **iam,
    )
    draft.add_inverse(
        "undo-deny", f"Delete{kind}Policy", policy, undoes=("deny",), why=f"{state.name}: remove that deny", **iam
    )
    draft.changes.append(
        f"{state.kind} {state.name} is denied everything, whatever its policies, groups and permissions boundary allow"
    )
    if state.kind is PrincipalKind.ROLE:
        _who_else(state, draft, for_good=True)
    else:
        draft.add_impact(f"everything that uses {state.name}")
    draft.note("access by resource policies is denied too; sessions of other roles that it assumed before are not")
    draft.prove("the deny is in effect", f"Get{kind}Policy", policy, **iam)
    return draft.step(StepKind.CHANGE)


# -- console


# -- root


def _plan_root(state: PrincipalState, draft: Draft) -> Step:
    if state.kind is PrincipalKind.ROOT:
        draft.note(
            "no policy limits the root user of a standalone account; in an organization a service control policy does, for member accounts",
            "sign in as root, change the password, delete every access key of root, remove MFA devices that are not yours, add one of yours",
            "check the account's email address and alternate contacts: whoever controls the mailbox controls the account",
            "in an organization: Centralized root access in IAM removes root credentials of member accounts",
        )
    else:
        draft.note(
            f"check who may assume {state.name} from outside, and resource policies (buckets, keys, queues) that name it",
            "rotate what it could read: secrets, parameters, keys of other systems",
            "each user, role, endpoint or instance that was found is a target of its own playbook",
            "note here what is left, and who is responsible for it",
        )
    return draft.step(StepKind.MANUAL)


KEYS: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.KEYS}),
    plan=_plan_keys,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="keys",
            question="Which keys are deactivated",
            columns=KEY_COLUMNS,
            options=_key_options,
            default=_all_active,
            many=True,
        ),
    ),
    may=("iam:UpdateAccessKey",),
    taken_back_by=("iam:UpdateAccessKey",),
)
SESSIONS: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.POLICIES, PrincipalAspect.INSTANCES, PrincipalAspect.SESSIONS}),
    plan=_plan_sessions,
    expect=unchanged,
    verify=by_effects,
    may=(
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:PutUserPolicy",
        "iam:DeleteUserPolicy",
    ),
    taken_back_by=("iam:DeleteRolePolicy", "iam:DeleteUserPolicy"),
)
QUARANTINE: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.POLICIES, PrincipalAspect.INSTANCES, PrincipalAspect.SESSIONS}),
    plan=_plan_quarantine,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="deny",
            question="Deny the principal everything",
            options=(("yes", "yes, everything"), ("no", "no: new sessions keep its permissions, the intruder's too")),
            default=lambda state: "yes" if state.kind is PrincipalKind.USER else "no",
        ),
    ),
    may=(
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:PutUserPolicy",
        "iam:DeleteUserPolicy",
    ),
    taken_back_by=("iam:DeleteRolePolicy", "iam:DeleteUserPolicy"),
)
ROOT: Final[Action[PrincipalState]] = Action(aspects=frozenset(), plan=_plan_root, expect=unchanged, verify=read_back)
