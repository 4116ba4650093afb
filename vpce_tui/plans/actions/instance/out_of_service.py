"""Take an instance out of service: Auto Scaling group, target groups, classic load balancers; and put it back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.actions import Action, Choice, ReadBack, by_effects
from vpce_tui.plans.actions.skip_if_deleted import skip_if_deleted
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, readable_id
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.load_balancing import AutoScalingMembership, Registration


def _default_capacity(state: InstanceState) -> str:
    group = state.scaling
    return "replace" if group and group.desired - 1 < group.minimum else "lower"


def _plan(state: InstanceState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, InstanceAspect.SCALING, InstanceAspect.TARGETS, InstanceAspect.CLASSIC)
    if draft.blocked:
        return draft.step(StepKind.CHANGE)
    handled: tuple[str, ...] = ()
    if state.scaling is not None:
        handled = state.scaling.target_groups
        _detach(state, draft)
    for target in state.targets or ():
        if target.balancer not in handled:
            _deregister(target, draft)
        else:
            draft.changes.append(f"the Auto Scaling group removes it from target group {target.name} too")
    for registration in state.classic or ():
        _deregister_classic(registration, draft)
    if draft.remembered is not None:
        draft.recall_done((*draft.remembered.calls, *draft.remembered.already))
    if not draft.calls and not draft.already:
        draft.note("it is in no Auto Scaling group, target group or classic load balancer")
    draft.prove("the instance is in no Auto Scaling group, target group or load balancer")
    return draft.step(StepKind.CHANGE)


def _detach(state: InstanceState, draft: Draft) -> None:
    group = state.scaling
    assert group is not None
    lower = draft.choices["capacity"] == "lower"
    if lower and group.desired - 1 < group.minimum and not leaving(group):
        draft.block(
            f"{group.group} is at its minimum of {group.minimum}: its capacity cannot be lowered",
            "choose capacity: replace",
        )
    members = {"InstanceIds": [state.instance.id], "AutoScalingGroupName": group.group}
    draft.ensure(
        "detach",
        "DetachInstances",
        {**members, "ShouldDecrementDesiredCapacity": lower},
        so_already=leaving(group),
        why=f"detach it from {group.group}"
        + (f", desired capacity {group.desired} to {group.desired - 1}" if lower else ", which launches another"),
        service="autoscaling",
    )
    draft.add_inverse(
        "undo-detach",
        "AttachInstances",
        members,
        undoes=("detach",),
        why=f"attach it to {group.group} again, desired capacity + 1",
        service="autoscaling",
    )
    draft.changes.append(
        f"leaves Auto Scaling group {group.group} (desired capacity {group.desired}, minimum {group.minimum})"
    )
    if lower:
        draft.add_impact(f"{group.group} is left with {group.desired - 1} instances")
    else:
        draft.add_impact(
            f"{group.group} launches another instance from the same AMI, with the same role ({group.launch}): check it before you trust it"
        )


def leaving(group: AutoScalingMembership | None) -> bool:
    """Whether the instance is on its way out of the group (AWS drains connections first, for minutes)."""
    return group is not None and group.lifecycle.startswith(("Detach", "Terminat"))


def _settled(state: InstanceState, step: Step) -> ReadBack:
    if state.scaling is not None and not step.blocked:
        return VerificationState.NOT_YET, f"{state.scaling.group}: {state.scaling.lifecycle or 'still a member'}"
    return by_effects(state, step)


def _deregister(target: Registration, draft: Draft) -> None:
    who = {"Id": target.id, **({"Port": target.port} if target.port else {})}
    parameters = {"TargetGroupArn": target.balancer, "Targets": [who]}
    name = f"deregister-{readable_id(target.name or target.balancer)}-{target.port}"
    draft.ensure(
        name,
        "DeregisterTargets",
        parameters,
        so_already=False,
        why=f"deregister it from target group {target.name}",
        service="elbv2",
    )
    draft.add_inverse(
        f"undo-{name}",
        "RegisterTargets",
        parameters,
        undoes=(name,),
        why=f"register it with target group {target.name} again",
        service="elbv2",
    )
    draft.changes.append(f"leaves target group {target.name}, port {target.port} (now {target.state or 'registered'})")


def _deregister_classic(registration: Registration, draft: Draft) -> None:
    parameters = {"LoadBalancerName": registration.balancer, "Instances": [{"InstanceId": registration.id}]}
    name = f"deregister-{readable_id(registration.balancer)}"
    draft.ensure(
        name,
        "DeregisterInstancesFromLoadBalancer",
        parameters,
        so_already=False,
        why=f"deregister it from classic load balancer {registration.name}",
        service="elb",
    )
    draft.add_inverse(
        f"undo-{name}",
        "RegisterInstancesWithLoadBalancer",
        parameters,
        undoes=(name,),
        why=f"register it with classic load balancer {registration.name} again",
        service="elb",
    )
    draft.changes.append(f"leaves classic load balancer {registration.name}")


def _expect(state: InstanceState, _: Mapping[str, str]) -> InstanceState:
    return replace(state, scaling=None, targets=(), classic=())


TAKE_OUT: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.SCALING, InstanceAspect.TARGETS, InstanceAspect.CLASSIC}),
    plan=_plan,
    expect=_expect,
    verify=_settled,
    choices=(
        Choice(
            id="capacity",
            question="Should its Auto Scaling group launch another one",
            options=(
                ("lower", "no: lower the desired capacity"),
                ("replace", "yes: the group launches another, from the AMI and role of its template"),
            ),
            default=_default_capacity,
        ),
    ),
    why_not_undone=skip_if_deleted,
    may=(
        "autoscaling:DetachInstances",
        "autoscaling:AttachInstances",
        "elbv2:DeregisterTargets",
        "elbv2:RegisterTargets",
        "elb:DeregisterInstancesFromLoadBalancer",
        "elb:RegisterInstancesWithLoadBalancer",
    ),
    taken_back_by=("autoscaling:AttachInstances", "elbv2:RegisterTargets", "elb:RegisterInstancesWithLoadBalancer"),
)
