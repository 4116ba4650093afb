"""Hold an instance still: it cannot be terminated, and its volumes outlive it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from vpce_tui.inventory.resources import Volume
from vpce_tui.plans.actions import Action, by_effects
from vpce_tui.plans.actions.instance.identify import describe
from vpce_tui.plans.actions.skip_if_deleted import skip_if_deleted
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import Attributes, InstanceAspect, InstanceState


def _plan_hold(state: InstanceState, draft: Draft) -> Step:
    instance, now = state.instance, state.attributes
    draft.block_unknown(state.unknown, InstanceAspect.ATTRIBUTES)
    if instance.gone:
        draft.block(f"{instance.id} is {instance.state}", "nothing; it is gone")
    if now is None or draft.blocked:
        return draft.step(StepKind.CHANGE)
    one = {"InstanceId": instance.id}
    if instance.lifecycle == "spot":
        draft.note(
            "AWS has no termination protection for a Spot Instance, and can interrupt it at any time: take snapshots soon"
        )
    else:
        draft.ensure(
            "protect",
            "ModifyInstanceAttribute",
            {**one, "DisableApiTermination": {"Value": True}},
            so_already=now.termination_protection,
            why="termination protection on",
        )
        draft.add_inverse(
            "undo-protect",
            "ModifyInstanceAttribute",
            {**one, "DisableApiTermination": {"Value": False}},
            undoes=("protect",),
            why="termination protection off again",
        )
        draft.ensure(
            "shutdown-stops",
            "ModifyInstanceAttribute",
            {**one, "InstanceInitiatedShutdownBehavior": {"Value": "stop"}},
            so_already=now.shutdown_behavior == "stop",
            why="a shutdown from inside stops it, and does not terminate it",
        )
        draft.add_inverse(
            "undo-shutdown-stops",
            "ModifyInstanceAttribute",
            {**one, "InstanceInitiatedShutdownBehavior": {"Value": "terminate"}},
            undoes=("shutdown-stops",),
            why="a shutdown from inside terminates it again",
        )
    for volume in instance.volumes:
        name = f"keep-{volume.id}"
        draft.ensure(
            name,
            "ModifyInstanceAttribute",
            _delete_flag(instance.id, volume, False),
            so_already=not volume.delete_on_termination,
            why=f"{volume.id} ({volume.device}) is kept on termination",
        )
        draft.add_inverse(
            f"undo-{name}",
            "ModifyInstanceAttribute",
            _delete_flag(instance.id, volume, True),
            undoes=(name,),
            why=f"{volume.id} is deleted on termination again",
        )
    draft.changes = [f"{call.why}" for call in draft.calls]
    draft.add_impact("nobody: these are settings of this instance only")
    draft.prove(
        "termination protection, shutdown behaviour and delete on termination of each volume are as set",
        "DescribeInstances",
        describe(state),
    )
    return draft.step(StepKind.CHANGE)


def _delete_flag(instance: str, volume: Volume, value: bool) -> dict[str, object]:
    mapping = {"DeviceName": volume.device, "Ebs": {"DeleteOnTermination": value}}
    return {"InstanceId": instance, "BlockDeviceMappings": [mapping]}


def _expect_hold(state: InstanceState, _: Mapping[str, str]) -> InstanceState:
    if state.instance.gone:
        return state
    volumes = tuple(replace(volume, delete_on_termination=False) for volume in state.instance.volumes)
    held = Attributes(True, state.attributes.stop_protection if state.attributes else False, "stop")
    return replace(state, instance=replace(state.instance, volumes=volumes), attributes=held)


PROTECT: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.ATTRIBUTES}),
    plan=_plan_hold,
    expect=_expect_hold,
    verify=by_effects,
    why_not_undone=skip_if_deleted,
    may=("ec2:ModifyInstanceAttribute",),
    taken_back_by=("ec2:ModifyInstanceAttribute",),
)
