"""Cut the credentials of an instance: deny every session issued before now, take its profile, move the cut once more.

Removing a profile does not revoke credentials already handed out, and a profile still there hands out new ones after the
cut. So: cut, remove, and cut again at the moment after. (AWS: "Revoke IAM role temporary security credentials".)
"""

from typing import Final

from vpce_tui.core.json_values import string
from vpce_tui.plans.actions import Action, by_effects, unchanged
from vpce_tui.plans.actions.skip_if_deleted import skip_if_deleted
from vpce_tui.plans.placeholders import AWS_NOW, INCIDENT, document, ref, text
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.planning_context import iam_region
from vpce_tui.plans.targets.role import CUT_POLICY

CUT: Final = "CutSessions"
CUT_AGAIN: Final = "CutSessionsAfterProfileWasRemoved"


def _plan(state: InstanceState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, InstanceAspect.ROLE)
    role = state.role
    if role is None or draft.blocked:
        return draft.step(StepKind.CHANGE)
    if not role.profile_arn:
        draft.note(f"{state.instance.id} has no instance profile: there are no role sessions to revoke")
        return draft.step(StepKind.CHANGE)
    policy = {"RoleName": role.name, "PolicyName": text(CUT_POLICY, ref(INCIDENT))}
    iam: dict[str, str] = {"service": "iam", "region": iam_region(state.instance.region)}
    if role.name:
        draft.ensure(
            "cut",
            "PutRolePolicy",
            {**policy, "PolicyDocument": deny_older_sessions(CUT)},
            so_already=role.cut in (CUT, CUT_AGAIN),
            why=f"{role.name}: deny everything to sessions issued before now",
            service="iam",
            region=iam["region"],
        )
        draft.add_inverse(
            "undo-cut",
            "DeleteRolePolicy",
            policy,
            undoes=("cut", "cut-again"),
            why=f"{role.name}: remove that deny",
            service="iam",
            region=iam["region"],
        )
    _take_profile(state, draft)
    if role.name:
        draft.ensure(
            "cut-again",
            "PutRolePolicy",
            {**policy, "PolicyDocument": deny_older_sessions(CUT_AGAIN)},
            so_already=role.cut == CUT_AGAIN,
            why="renew the deny after the profile was removed, for credentials issued in between",
            service="iam",
            region=iam["region"],
        )
        draft.prove("the deny policy is in effect", "GetRolePolicy", policy, **iam)
        draft.changes.append(f"role {role.name}: every session issued before now is denied")
        draft.add_impact(
            f"every session of {role.name} that was issued before now is denied, also those of people and other services; other instances with this role are denied until they "
            "get new credentials automatically, which can take hours",
            role.other_instances,
        )
    draft.changes.append(f"instance profile {role.profile_name} is disassociated from {state.instance.id}")
    filters = [{"Name": "instance-id", "Values": [state.instance.id]}]
    draft.prove("no profile is associated", "DescribeIamInstanceProfileAssociations", {"Filters": filters})
    return draft.step(StepKind.CHANGE)


def _take_profile(state: InstanceState, draft: Draft) -> None:
    role = state.role
    assert role is not None
    before = draft.recall("take-profile")
    association = role.association or (str(before.parameters["AssociationId"]) if before else "")
    if not association:
        return
    draft.ensure(
        "take-profile",
        "DisassociateIamInstanceProfile",
        {"AssociationId": association},
        so_already=not role.association,
        why=f"disassociate instance profile {role.profile_name}: the instance gets no new credentials",
    )
    draft.add_inverse(
        "undo-take-profile",
        "AssociateIamInstanceProfile",
        {"IamInstanceProfile": {"Arn": role.profile_arn}, "InstanceId": state.instance.id},
        undoes=("take-profile",),
        why=f"associate instance profile {role.profile_name} again",
    )


def deny_older_sessions(sid: str) -> dict[str, object]:
    """The policy text that denies everything to credentials handed out before the time of the call."""
    statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": ref(AWS_NOW)}},
    }
    return document({"Version": "2012-10-17", "Statement": [statement]})


def _profile(step: Step) -> dict[str, object]:
    """The profile that the step took away."""
    for call in step.undo:
        if call.operation == "AssociateIamInstanceProfile":
            return {"profile_arn": string(call.parameters, "IamInstanceProfile", "Arn")}
    return {}


CUT_CREDENTIALS: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.ROLE}),
    plan=_plan,
    expect=unchanged,
    verify=by_effects,
    choices=(),
    remember=_profile,
    why_not_undone=skip_if_deleted,
    may=(
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "ec2:DisassociateIamInstanceProfile",
        "ec2:AssociateIamInstanceProfile",
    ),
    taken_back_by=("iam:DeleteRolePolicy", "ec2:AssociateIamInstanceProfile"),
)
