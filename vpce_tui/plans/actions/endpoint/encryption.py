"""VPC Encryption Control in monitor mode, for an endpoint that stays."""

from typing import Final

from vpce_tui.plans.actions import Action, Choice, by_effects, unchanged
from vpce_tui.plans.actions.endpoint.endpoint_action import vpc_of
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState


def _plan_encryption(state: EndpointState, draft: Draft) -> Step:
    endpoint, control = state.endpoint, state.encryption
    if draft.choices["monitor"] == "no":
        draft.note("not chosen; it is billed per hour and VPC, and shows which traffic is not encrypted")
        return draft.step(StepKind.CHANGE)
    draft.block_unknown(state.unknown, EndpointAspect.ENCRYPTION)
    if draft.blocked or control is None:
        return draft.step(StepKind.CHANGE)
    draft.ensure(
        "monitor",
        "CreateVpcEncryptionControl",
        {
            "VpcId": endpoint.vpc_id,
            "TagSpecifications": draft.tags("vpc-encryption-control", "monitor", endpoint.id, "monitor"),
        },
        so_already=bool(control.id),
        why=f"{endpoint.vpc_id}: see which traffic is not encrypted",
        gives={"ENCRYPTION_CONTROL": "VpcEncryptionControl.VpcEncryptionControlId"},
    )
    if control.id and not control.by_vpce_tui:
        draft.note(f"{endpoint.vpc_id} has one already: {control.id}, in mode {control.mode}")
        return draft.step(StepKind.CHANGE)
    if control.id:
        draft.bindings["ENCRYPTION_CONTROL"] = control.id
    draft.add_inverse(
        "undo-monitor",
        "DeleteVpcEncryptionControl",
        {"VpcEncryptionControlId": ref("ENCRYPTION_CONTROL")},
        undoes=("monitor",),
        why="remove the encryption control",
    )
    draft.changes.append(
        f"{endpoint.vpc_id} gets VPC Encryption Control in monitor mode: nothing is blocked, flow logs show what is encrypted"
    )
    draft.note("it is billed per hour and VPC; enforce mode is a separate decision, once nothing unencrypted is left")
    draft.add_impact("nobody: monitor mode blocks nothing")
    draft.prove("the VPC encryption control exists", "DescribeVpcEncryptionControls", {"VpcIds": [endpoint.vpc_id]})
    return draft.step(StepKind.CHANGE)


ENCRYPTION: Final[Action[EndpointState]] = Action(
    aspects=frozenset({EndpointAspect.ENCRYPTION}),
    plan=_plan_encryption,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "monitor",
            "Turn on VPC Encryption Control in monitor mode (billed)",
            (("no", "no"), ("yes", "yes, monitor")),
        ),
    ),
    remember=vpc_of,
    may=(
        "ec2:CreateVpcEncryptionControl",
        "ec2:DeleteVpcEncryptionControl",
    ),
    taken_back_by=("ec2:DeleteVpcEncryptionControl",),
)
