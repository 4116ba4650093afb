"""Terminate an instance, or stop it in place of that."""

from typing import Final

from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.actions import Action, Choice, ReadBack, unchanged
from vpce_tui.plans.actions.instance.identify import describe
from vpce_tui.plans.actions.instance.out_of_service import leaving
from vpce_tui.plans.actions.skip_if_deleted import skip_if_deleted
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import Attributes, InstanceAspect, InstanceState

_FLEET_TAGS: Final = ("aws:ec2:fleet-id", "aws:ec2spot:fleet-request-id")


def _plan_terminate(state: InstanceState, draft: Draft) -> Step:
    instance = state.instance
    stop = draft.choices["how"] == "stop"
    waived = draft.choices["evidence"] == "waived"
    requires = () if waived else ("preserve", "snapshots")
    draft.block_unknown(state.unknown, InstanceAspect.ATTRIBUTES, InstanceAspect.SCALING, InstanceAspect.SPOT)
    if state.scaling is not None and not instance.gone and not leaving(state.scaling):
        draft.block(
            f"it is still in the Auto Scaling group {state.scaling.group}, which would launch another from the same AMI",
            "run the step that takes it out of service first",
        )
    if stop:
        _stop(state, draft)
        return draft.step(StepKind.CHANGE, reversible=True, requires=requires)
    _terminate(state, draft, waived)
    return draft.step(StepKind.CHANGE, reversible=False, requires=requires)


def _stop(state: InstanceState, draft: Draft) -> None:
    identifier = state.instance.id
    protected = bool(state.attributes and state.attributes.stop_protection)
    _lift(draft, identifier, "lift-stop-protection", "DisableApiStop", protected, "stop protection")
    draft.ensure(
        "stop",
        "StopInstances",
        {"InstanceIds": [identifier]},
        so_already=state.instance.state in ("stopping", "stopped"),
        why="stop it; volumes are kept, memory and instance store are lost",
    )
    draft.add_inverse(
        "undo-stop", "StartInstances", {"InstanceIds": [identifier]}, undoes=("stop",), why="start it again"
    )
    draft.changes.append(f"{identifier} stops; memory and instance store are lost, volumes stay")
    draft.prove("the instance is stopped", "DescribeInstances", describe(state))


def _lift(draft: Draft, identifier: str, call_id: str, attribute: str, protected: bool, what: str) -> None:
    draft.ensure(
        call_id,
        "ModifyInstanceAttribute",
        {"InstanceId": identifier, attribute: {"Value": False}},
        so_already=not protected,
        why=f"turn off {what}",
    )
    if draft.choices.get("how") == "stop":
        draft.add_inverse(
            f"undo-{call_id}",
            "ModifyInstanceAttribute",
            {"InstanceId": identifier, attribute: {"Value": True}},
            undoes=(call_id,),
            why=f"turn on {what} again",
        )


def _terminate(state: InstanceState, draft: Draft, waived: bool) -> None:
    instance = state.instance
    doomed = [volume.id for volume in instance.volumes if volume.delete_on_termination]
    if doomed and not waived and not instance.gone:
        draft.block(
            f"{', '.join(doomed)} would be deleted with it",
            "run the step that protects the instance first; with evidence: waived these volumes are permanently deleted",
        )
    attributes = state.attributes or Attributes(False, False, "")
    _lift(
        draft,
        instance.id,
        "lift-termination-protection",
        "DisableApiTermination",
        attributes.termination_protection,
        "termination protection",
    )
    _lift(
        draft,
        instance.id,
        "lift-stop-protection",
        "DisableApiStop",
        attributes.stop_protection,
        "stop protection",
    )
    if state.spot and state.spot.type == "persistent":
        draft.ensure(
            "cancel-spot",
            "CancelSpotInstanceRequests",
            {"SpotInstanceRequestIds": [state.spot.id]},
            so_already=state.spot.state in ("cancelled", "closed"),
            why=f"cancel Spot request {state.spot.id}, which would launch a new instance",
        )
    for key in _FLEET_TAGS:
        if instance.tags.get(key):
            draft.add_impact(
                f"the fleet {instance.tags[key]} will launch another instance: lower its target capacity first"
            )
    draft.ensure(
        "terminate",
        "TerminateInstances",
        {"InstanceIds": [instance.id]},
        so_already=instance.gone,
        why=f"terminate {instance.id}",
    )
    draft.changes.append(
        f"{instance.id} is terminated; its volumes are kept, detached"
        if not doomed
        else f"{instance.id} is terminated; {', '.join(doomed)} permanently deleted with it, other volumes kept"
    )
    draft.prove("the instance is terminated", "DescribeInstances", describe(state))
    if instance.gone:
        return
    draft.note(
        "after termination, little data about the instance remains: review its traffic (block-traffic) and launch its replacement first",
        "endpoints, users and keys that its role created are not removed by this playbook: check the events again",
        "stopping it instead keeps it for later analysis: choose “stop only” in its prompts",
    )
    draft.add_impact(
        "nobody else, if it is out of service"
        if state.scaling is None
        else "the Auto Scaling group launches another one"
    )


def _terminate_settled(state: InstanceState, step: Step) -> ReadBack:
    now = state.instance.state
    wanted = "stopped" if step.choices.get("how") == "stop" else "terminated"
    if now == wanted:
        return VerificationState.VERIFIED, f"{state.instance.id} is {now}"
    return VerificationState.NOT_YET, f"{state.instance.id} is {now}"


TERMINATE: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.ATTRIBUTES, InstanceAspect.SCALING, InstanceAspect.SPOT}),
    plan=_plan_terminate,
    expect=unchanged,
    verify=_terminate_settled,
    choices=(
        Choice("how", "Terminate the instance, or only stop it", (("terminate", "terminate"), ("stop", "stop only"))),
        Choice(
            "evidence",
            "Require evidence and snapshots first",
            (
                ("required", "yes"),
                ("waived", "no: terminate without them; volumes that are set to be deleted on termination are deleted"),
            ),
        ),
    ),
    why_not_undone=skip_if_deleted,
    may=(
        "ec2:ModifyInstanceAttribute",
        "ec2:CancelSpotInstanceRequests",
        "ec2:TerminateInstances",
        "ec2:StopInstances",
        "ec2:StartInstances",
    ),
    taken_back_by=("ec2:StartInstances", "ec2:ModifyInstanceAttribute"),
)
