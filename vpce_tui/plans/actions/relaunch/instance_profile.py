"""The instance profile of the new instance: a role with the policies that were chosen, and none that can do too much."""

from collections.abc import Mapping
from typing import Final

from vpce_tui.blocks.model import column
from vpce_tui.core.json_values import mapping
from vpce_tui.iam.policy_document import raw_statements, texts
from vpce_tui.iam.powerful_actions import is_powerful
from vpce_tui.plans.actions import Action, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.relaunch.new_security_group import PROFILE, PROFILE_ID, ROLE
from vpce_tui.plans.placeholders import INCIDENT, document, document_in, ref
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place, short_id
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.launch import NewRole, PolicyOf, own_role_name
from vpce_tui.plans.targets.planning_context import TAG_CALL, TAG_INCIDENT, TAG_TARGET, iam_region

_MANAGER: Final = "AmazonSSMManagedInstanceCore"


_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def why_overprivileged(policy: PolicyOf) -> str:
    """Why a policy may not be taken over; ``""``: it may."""
    if not raw_statements(policy.document):
        return "its text could not be read"
    for statement in raw_statements(policy.document):
        if statement.get("Effect") != "Allow":
            continue
        if "NotAction" in statement:
            return "it uses NotAction"
        for action in texts(statement.get("Action")):
            if is_powerful(action):
                return f"it allows {action}"
    return ""


def _policy_key(policy: PolicyOf) -> str:
    return policy.arn or f"inline/{policy.name.replace(',', '%2C')}"


_POLICY_COLUMNS: Final = (column("POLICY"), column("KIND"), column("ARN"))


def _policy_options(state: InstanceState) -> Options:
    shell = "Session Manager access, without SSH keys or open ports"
    manager = Option(value="session-manager", label=f"{_MANAGER}: {shell}", cells=(_MANAGER, "managed by AWS", shell))
    return (manager, *(_policy_option(item) for item in state.policies or ()))


def _policy_option(item: PolicyOf) -> Option:
    kind = "managed" if item.arn else "inline"
    return Option(
        value=_policy_key(item),
        label=f"{kind} policy {item.name}",
        cells=(item.name, kind, item.arn),
        why_not=why_overprivileged(item),
    )


def _plan_profile(state: InstanceState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, InstanceAspect.POLICIES, InstanceAspect.NEW_ROLE)
    draft.note(
        *(f"cannot be ticked: {item.name}: {why}" for item in state.policies or () if (why := why_overprivileged(item)))
    )
    if draft.choices["profile"] == "none":
        draft.note_first("no profile: the new instance has no AWS credentials")
    elif not draft.blocked and state.new_role is not None:
        _new_profile(state, state.new_role, draft)
    if state.policies:
        draft.note("the old instance's role is never reused: its credentials may still be stolen")
    draft.prove("role and instance profile exist")
    return draft.step(StepKind.CHANGE)


def _new_profile(state: InstanceState, there: NewRole, draft: Draft) -> None:
    name = own_role_name(state.instance.id)
    iam: Place = {"service": "iam", "region": iam_region(state.instance.region)}
    role, profile = {"RoleName": name}, {"InstanceProfileName": name}
    if there.taken:
        draft.block(
            f"{there.taken} already exists, and this incident did not create it: it may be the intruder's",
            "check who created it, delete it, and plan again; or choose profile: none",
        )
        return

    def tags(call: str) -> list[dict[str, object]]:
        own: list[dict[str, object]] = [
            {"Key": key, "Value": value} for key, value in ((TAG_CALL, call), (TAG_TARGET, state.instance.id))
        ]
        return [*own, {"Key": TAG_INCIDENT, "Value": ref(INCIDENT)}]

    draft.ensure(
        "role",
        "CreateRole",
        {
            **role,
            "AssumeRolePolicyDocument": document(_TRUST),
            "Description": f"For the replacement of {state.instance.id}",
            "Tags": tags("role"),
        },
        so_already=bool(there.arn),
        why=f"new role {name}",
        gives={ROLE: "Role.RoleId"},
        **iam,
    )
    draft.add_inverse("undo-role", "DeleteRole", role, undoes=("role",), why=f"delete role {name}", **iam)
    for key in parts(draft.choices["policies"]):
        _policy(state, there, key, role, iam, draft)
    draft.ensure(
        "profile",
        "CreateInstanceProfile",
        {**profile, "Tags": tags("profile")},
        so_already=bool(there.profile_arn),
        why=f"new instance profile {name}",
        gives={PROFILE: "InstanceProfile.Arn", PROFILE_ID: "InstanceProfile.InstanceProfileId"},
        **iam,
    )
    draft.add_inverse(
        "undo-profile", "DeleteInstanceProfile", profile, undoes=("profile",), why=f"delete profile {name}", **iam
    )
    draft.ensure(
        "in-profile",
        "AddRoleToInstanceProfile",
        {**profile, **role},
        so_already=there.in_profile,
        why="add the role to the instance profile",
        **iam,
    )
    draft.add_inverse(
        "undo-in-profile",
        "RemoveRoleFromInstanceProfile",
        {**profile, **role},
        undoes=("in-profile",),
        why="remove the role from the instance profile",
        **iam,
    )
    if there.arn:
        draft.bindings[ROLE] = there.role_id
        _untouched(there, draft)
    if there.profile_arn:
        draft.bindings |= {PROFILE: there.profile_arn, PROFILE_ID: there.profile_id}
    draft.changes.insert(0, f"new role and instance profile {name}")
    draft.add_impact("nobody: nothing else uses them")
    draft.note("a new profile takes some seconds to propagate: if the launch says it is invalid, run it again")


def _untouched(there: NewRole, draft: Draft) -> None:
    """Blocks where somebody changed the role since we made it: who may take it, or what it may do."""
    wanted = {
        str(call.parameters.get("PolicyArn") or call.parameters.get("PolicyName"))
        for call in (*draft.calls, *draft.already)
    }
    more = sorted({*there.attached, *there.inline} - wanted)
    if there.trust != _TRUST:
        draft.block("somebody changed the trust policy of the new role", "undo this step, and run it again")
    if more:
        draft.block(
            f"the new role has more permissions than selected: {', '.join(more)}", "remove them, or undo this step"
        )


def _policy(state: InstanceState, there: NewRole, key: str, role: Mapping[str, str], iam: Place, draft: Draft) -> None:
    name = short_id(key)
    if key.startswith("inline/"):
        found = next((item for item in state.policies or () if _policy_key(item) == key), None)
        recalled = draft.recall(f"policy-{name}")
        if found is None and recalled is None:
            draft.block(f"the policy {key} is gone", "choose again in its prompts, or --set profile.policies=…")
            return
        text = (
            found.document if found else mapping(document_in(recalled.parameters["PolicyDocument"])) if recalled else {}
        )
        named = {**role, "PolicyName": key.partition("/")[2]}
        draft.ensure(
            f"policy-{name}",
            "PutRolePolicy",
            {**named, "PolicyDocument": document(text)},
            so_already=there.inline.get(named["PolicyName"]) == text,
            why=f"add inline policy {named['PolicyName']}",
            **iam,
        )
        draft.add_inverse(
            f"undo-policy-{name}", "DeleteRolePolicy", named, undoes=(f"policy-{name}",), why=f"remove {key}", **iam
        )
    else:
        partition = "aws-cn" if iam["region"].startswith("cn-") else "aws-us-gov" if "gov" in iam["region"] else "aws"
        arn = f"arn:{partition}:iam::aws:policy/{_MANAGER}" if key == "session-manager" else key
        attached = {**role, "PolicyArn": arn}
        draft.ensure(
            f"policy-{name}",
            "AttachRolePolicy",
            attached,
            so_already=arn in there.attached,
            why=f"attach managed policy {arn.rpartition('/')[2]}",
            **iam,
        )
        draft.add_inverse(
            f"undo-policy-{name}", "DetachRolePolicy", attached, undoes=(f"policy-{name}",), why=f"detach {arn}", **iam
        )
    draft.changes.append(f"+ {key}")


RELAUNCH_PROFILE: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.POLICIES, InstanceAspect.NEW_ROLE}),
    plan=_plan_profile,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "profile",
            "AWS credentials for the new instance",
            (("new", "a new role, with the policies selected below"), ("none", "none at all")),
        ),
        Choice(
            id="policies",
            question="What the new role may do",
            options=_policy_options,
            columns=_POLICY_COLUMNS,
            default=lambda _: "session-manager",
            many=True,
        ),
    ),
    may=(
        "iam:CreateRole",
        "iam:DeleteRole",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        "iam:CreateInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:AddRoleToInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
    ),
    taken_back_by=(
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:DeleteInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
    ),
)
