"""Give a user a new key: its secret goes to the operator once and nowhere else; old keys go only after the new one was seen used.

(AWS: "Update access keys", "Best practices for managing access keys": at most two keys a user.)
"""

from typing import Final

from vpce_tui.plans.actions import Action, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.credentials.identify import KEY_COLUMNS, key_cells
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place, short_id
from vpce_tui.plans.targets.principal_state import AccessKey, PrincipalAspect, PrincipalKind, PrincipalState

NEW: Final = "NEW_KEY_ID"
SECRET: Final = "AccessKey.SecretAccessKey"  # noqa: S105 - its path in the answer
_MOST: Final = 2


def _is_user(state: PrincipalState) -> bool:
    return state.kind is PrincipalKind.USER


def _only_users(state: PrincipalState, draft: Draft) -> bool:
    draft.block_unknown(state.unknown, PrincipalAspect.KEYS)
    if state.kind is not PrincipalKind.USER:
        draft.note("a role or the root user gets no access key here: a role has only sessions")
    elif state.own:
        draft.block(
            "you are signed in as this user: the new key would replace the one that you use now",
            "sign in as somebody else who may do it",
        )
    return state.kind is PrincipalKind.USER and not draft.blocked


def _plan_rotate(state: PrincipalState, draft: Draft) -> Step:
    if _is_user(state) and draft.choices["rotate"] == "no":
        draft.note("not chosen: the user gets no new key")
        return draft.step(StepKind.CHANGE)
    if not _only_users(state, draft):
        return draft.step(StepKind.CHANGE)
    iam: Place = {"service": "iam", "region": state.region}
    named = {"UserName": state.name}
    known = {key.id: key for key in state.keys or ()}
    mine = next((key for key in known.values() if key.id in state.keys_given), None)
    lost = [key for key in known.values() if key.id in state.keys_lost]
    for key in lost:
        draft.ensure(
            f"drop-{short_id(key.id)}",
            "DeleteAccessKey",
            {**named, "AccessKeyId": key.id},
            so_already=False,
            why=f"{key.id}: created in this incident, and nobody saw its secret",
            **iam,
        )
        draft.changes.append(
            f"{key.id} is deleted: created within two minutes of a vpce-tui call that got no response, and never used"
        )
    earlier = draft.remembered.calls if draft.remembered else ()
    draft.recall_done(tuple(call for call in earlier if call.id.startswith("drop-")))
    if mine is None and len(known) - len(lost) >= _MOST:
        draft.block(
            f"{state.name} has {len(known)} keys, and AWS allows {_MOST}",
            "delete one that is not needed, in a later step; or with: aws iam delete-access-key",
        )
    draft.ensure(
        "new-key",
        "CreateAccessKey",
        named,
        so_already=mine is not None,
        why=f"a new key for {state.name}",
        gives={NEW: "AccessKey.AccessKeyId"},
        secret=SECRET,
        **iam,
    )
    draft.add_inverse(
        "undo-new-key",
        "DeleteAccessKey",
        {**named, "AccessKeyId": ref(NEW)},
        undoes=("new-key",),
        why="delete the new key",
        **iam,
    )
    if mine is not None:
        draft.bindings[NEW] = mine.id
        draft.note(f"the new key is {mine.id}: {mine.usage}")
    draft.changes.append(
        f"{state.name} gets a new key; its secret is shown only once, or stored in this host's keyring, and nowhere else"
    )
    draft.note(
        "send it to its user by a channel that the intruder cannot read, and only after eradication",
        "better than an access key: a role, or IAM Identity Center",
    )
    draft.add_impact("nobody: old keys are not changed")
    draft.prove("the user has the new key", "ListAccessKeys", named, **iam)
    return draft.step(StepKind.CHANGE, reversible=not lost)


ROTATE: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.KEYS}),
    plan=_plan_rotate,
    expect=unchanged,
    verify=by_effects,
    choices=(Choice("rotate", "Give the user a new key", (("no", "no"), ("yes", "yes")), applies=_is_user),),
    may=("iam:CreateAccessKey", "iam:DeleteAccessKey"),
    taken_back_by=("iam:DeleteAccessKey",),
)


# -- old keys


def _options(state: PrincipalState) -> Options:
    return tuple(
        Option(value=key.id, label=f"{'active' if key.active else 'inactive'}, {key.usage}", cells=key_cells(key))
        for key in state.keys or ()
    )


def _plan_drop(state: PrincipalState, draft: Draft) -> Step:
    chosen = parts(draft.choices["keys"])
    if not _is_user(state):
        draft.note("a role or the root user has no access keys that are deleted here")
        return draft.step(StepKind.CHANGE, reversible=False)
    if not chosen:
        draft.note("no key is chosen: inactive keys cannot be used")
        return draft.step(StepKind.CHANGE, reversible=False)
    if not _only_users(state, draft):
        return draft.step(StepKind.CHANGE, reversible=False)
    known = {key.id: key for key in state.keys or ()}
    waiting = [key for key in known.values() if key.id in state.keys_given and not key.last_used]
    for identifier in chosen:
        _drop(state, known.get(identifier), identifier, draft)
    if waiting and draft.choices["wait"] == "yes":
        draft.block(
            f"the new key {waiting[0].id} has not been used yet",
            "wait until its user has used it; or choose wait: no",
        )
    draft.add_impact("whatever still uses these keys")
    draft.prove(
        "none of the selected keys exists any more",
        "ListAccessKeys",
        {"UserName": state.name},
        service="iam",
        region=state.region,
    )
    return draft.step(StepKind.CHANGE, reversible=False)


def _drop(state: PrincipalState, key: AccessKey | None, identifier: str, draft: Draft) -> None:
    if key is not None and key.active:
        draft.block(
            f"{identifier} is active",
            "deactivate it first (in the step that deactivates keys), and check that nothing breaks",
        )
    draft.ensure(
        f"delete-{short_id(identifier)}",
        "DeleteAccessKey",
        {"UserName": state.name, "AccessKeyId": identifier},
        so_already=key is None,
        why=f"{identifier} is permanently deleted",
        service="iam",
        region=state.region,
    )
    draft.changes.append(f"{identifier} of {state.name} is permanently deleted")


DROP_KEYS: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.KEYS}),
    plan=_plan_drop,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="keys",
            question="Which keys are permanently deleted",
            options=_options,
            many=True,
            columns=KEY_COLUMNS,
            applies=_is_user,
        ),
        Choice("wait", "Wait until a new key has been used", (("yes", "yes"), ("no", "no")), applies=_is_user),
    ),
    may=("iam:DeleteAccessKey",),
)
