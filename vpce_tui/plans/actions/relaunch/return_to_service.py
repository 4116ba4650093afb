"""Return the replacement to service: target groups, address, the Auto Scaling group and what that starts from now on.

(AWS: "Create a launch template for an Auto Scaling group", "Attach instances to your Auto Scaling group".)
"""

from collections.abc import Mapping
from typing import Final

from vpce_tui.blocks.model import column
from vpce_tui.core.json_values import at, mapping, mappings
from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.actions import Action, Answers, Choice, Options, Pages, ReadBack, by_effects, parts, unchanged
from vpce_tui.plans.actions.relaunch.ami import NAME as IMAGE_STEP
from vpce_tui.plans.actions.relaunch.launch import NEW
from vpce_tui.plans.actions.relaunch.launch_source import group_and_profile, plan_launch_source, recalled
from vpce_tui.plans.actions.relaunch.new_security_group import LAUNCH_STEP
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft, short_id
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.launch import SUBNET
from vpce_tui.plans.targets.launch_amis import IMAGE
from vpce_tui.plans.targets.load_balancing import LaunchSource
from vpce_tui.plans.targets.replacement import UP


def _look(_: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    return {IMAGE: others.get(IMAGE_STEP, {}).get("ami", ""), SUBNET: others.get(LAUNCH_STEP, {}).get("subnet", "")}


def _plan(state: InstanceState, draft: Draft) -> Step:
    draft.block_unknown(
        state.unknown,
        InstanceAspect.REPLACEMENT,
        InstanceAspect.TARGET_GROUPS,
        InstanceAspect.ADDRESSES,
        InstanceAspect.STARTER,
        InstanceAspect.GROUPS,
        InstanceAspect.IMAGES,
    )
    new = state.replacement
    if new is not None:
        draft.bindings[NEW] = new.id
        if new.checks != UP:
            draft.note(f"{new.id} is not up yet ({new.checks}): run the step that launches it first")
    draft.stand_ins[NEW] = state.instance.id
    group_and_profile(state, draft)
    if not draft.blocked:
        if state.starter is not None:
            plan_launch_source(state, state.starter, draft)
            _member(state, state.starter, draft)
        _targets(state, draft)
        _balancers(state, draft)
        _address(state, draft)
    if draft.remembered is not None:
        recalled(draft)
    if not draft.calls and not draft.already:
        draft.note("nothing is chosen: it receives no traffic yet")
    draft.note("DNS names of the old instance's address are changed manually: the next step")
    draft.prove("target groups, Auto Scaling group and address have the new instance")
    return draft.step(StepKind.CHANGE, requires=(LAUNCH_STEP,))


# -- what the group starts


def _member(state: InstanceState, starter: LaunchSource, draft: Draft) -> None:
    if draft.choices["join"] == "no":
        draft.note(f"not chosen: the new instance does not join {starter.group}")
        return
    new = state.replacement.id if state.replacement else ""
    joined = bool(new) and new in starter.members
    if not joined and starter.desired + 1 > starter.maximum:
        draft.block(
            f"Auto Scaling group {starter.group} is at its maximum size ({starter.maximum}); an instance cannot be attached.",
            "take the old instance out of it first (terminate-instance, step 4), or raise its maximum, or choose join: no",
        )
    members = {"AutoScalingGroupName": starter.group, "InstanceIds": [ref(NEW)]}
    draft.ensure(
        "join",
        "AttachInstances",
        members,
        so_already=joined,
        why=f"attach the new instance to {starter.group}, desired capacity + 1",
        service="autoscaling",
    )
    draft.add_inverse(
        "undo-join",
        "DetachInstances",
        {**members, "ShouldDecrementDesiredCapacity": True},
        undoes=("join",),
        why=f"the new instance leaves {starter.group}",
        service="autoscaling",
    )
    draft.changes.append(f"the new instance joins {starter.group}, and the target groups that belong to it")
    if state.instance.id in starter.members:
        draft.note(f"{state.instance.id} is still in {starter.group}: both serve until it is detached")


# -- traffic


def _target_options(state: InstanceState) -> Options:
    return tuple(
        (key, f"{item.arn.rpartition(':')[2]}{', as the old one' if item.held_old else ''}")
        for item in state.target_groups or ()
        for key in item.keys
    )


def _default_targets(state: InstanceState) -> str:
    return ",".join(key for item in state.target_groups or () if item.held_old for key in item.keys)


def _targets(state: InstanceState, draft: Draft) -> None:
    known = {
        key: (item, port) for item in state.target_groups or () for key, port in zip(item.keys, item.ports, strict=True)
    }
    new = state.replacement.id if state.replacement else ""
    for key in parts(draft.choices["targets"]):
        if key not in known:
            draft.block(f"the target group {key} is gone", "choose again in its prompts, or --set return.targets=…")
            continue
        item, port = known[key]
        parameters = {"TargetGroupArn": item.arn, "Targets": [{"Id": ref(NEW), "Port": port}]}
        name = f"register-{short_id(key)}"
        draft.ensure(
            name,
            "RegisterTargets",
            parameters,
            so_already=bool(new) and (new, port) in state.registered.get(item.arn, ()),
            why=f"register the new instance with {item.name} on port {port}",
            service="elbv2",
        )
        draft.add_inverse(
            f"undo-{name}",
            "DeregisterTargets",
            parameters,
            undoes=(name,),
            why=f"deregister the new instance from {item.name}",
            service="elbv2",
        )
        draft.changes.append(f"target group {item.name} sends to the new instance too, port {port}")


def _balancer_options(state: InstanceState) -> Options:
    return tuple((item.name, "as the old one" if item.held_old else "classic") for item in state.balancers)


def _default_balancers(state: InstanceState) -> str:
    return ",".join(item.name for item in state.balancers if item.held_old)


def _balancers(state: InstanceState, draft: Draft) -> None:
    known = {item.name: item for item in state.balancers}
    new = state.replacement.id if state.replacement else ""
    for name in parts(draft.choices["balancers"]):
        if name not in known:
            draft.block(
                f"the classic load balancer {name} is gone", "choose again in its prompts, or --set return.balancers=…"
            )
            continue
        parameters = {"LoadBalancerName": name, "Instances": [{"InstanceId": ref(NEW)}]}
        call = f"into-{short_id(name)}"
        draft.ensure(
            call,
            "RegisterInstancesWithLoadBalancer",
            parameters,
            so_already=bool(new) and new in known[name].members,
            why=f"traffic from classic load balancer {name}",
            service="elb",
        )
        draft.add_inverse(
            f"undo-{call}",
            "DeregisterInstancesFromLoadBalancer",
            parameters,
            undoes=(call,),
            why=f"no traffic from {name}",
            service="elb",
        )
        draft.changes.append(f"classic load balancer {name} sends to the new instance too")


_ADDRESS_COLUMNS: Final = (column("ALLOCATION"), column("ADDRESS"), column("ASSOCIATED WITH"))


def _address_options(state: InstanceState) -> Options:
    return tuple(
        Option(
            value=item.allocation,
            label=item.public_ip,
            cells=(item.allocation, item.public_ip, item.instance or item.interface),
        )
        for item in state.addresses or ()
    )


def _address(state: InstanceState, draft: Draft) -> None:
    if len(parts(draft.choices["address"])) > 1:
        draft.block(
            "two Elastic IPs on one instance need two private addresses: AWS would replace the first by the second",
            "choose one, and move the other manually: EC2 › Elastic IPs › Actions › Associate",
        )
        return
    for allocation in parts(draft.choices["address"]):
        item = next((one for one in state.addresses or () if one.allocation == allocation), None)
        if item is None:
            draft.block(f"the address {allocation} is gone", "choose again in its prompts, or --set return.address=…")
            continue
        new = state.replacement.id if state.replacement else ""
        name = f"address-{short_id(allocation)}"
        moved = {"AllocationId": allocation, "AllowReassociation": True}
        recorded = (
            next((call for call in draft.remembered.undo if call.id == f"undo-{name}"), None)
            if draft.remembered
            else None
        )
        back = recorded.parameters if recorded else {**moved, "NetworkInterfaceId": item.interface}
        draft.ensure(
            name,
            "AssociateAddress",
            {**moved, "InstanceId": ref(NEW)},
            so_already=bool(new) and item.instance == new,
            why=f"{item.public_ip} moves to the new instance",
        )
        draft.add_inverse(
            f"undo-{name}",
            "AssociateAddress",
            back,
            undoes=(name,),
            why=f"move {item.public_ip} back to the old instance",
        )
        draft.changes.append(f"{item.public_ip} moves from {item.instance} to the new instance")
        draft.add_impact(f"the old instance is no longer reached at {item.public_ip}")


RETURN: Final[Action[InstanceState]] = Action(
    aspects=frozenset(
        {
            InstanceAspect.REPLACEMENT,
            InstanceAspect.TARGET_GROUPS,
            InstanceAspect.ADDRESSES,
            InstanceAspect.STARTER,
            InstanceAspect.GROUPS,
            InstanceAspect.IMAGES,
            InstanceAspect.NEW_ROLE,
            InstanceAspect.SETTINGS,
        }
    ),
    plan=_plan,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "group_starts",
            "What its Auto Scaling group launches from now on",
            (("clean", "the clean AMI, with this group and profile"), ("old", "the same as before")),
        ),
        Choice("join", "Does the new instance join that group", (("yes", "yes: desired capacity + 1"), ("no", "no"))),
        Choice(
            id="targets",
            question="Which target groups send traffic to it",
            options=_target_options,
            default=_default_targets,
            many=True,
        ),
        Choice(
            id="balancers",
            question="Which classic load balancers send traffic to it",
            options=_balancer_options,
            default=_default_balancers,
            many=True,
        ),
        Choice(
            id="address",
            question="Which Elastic IPs of the old instance move to it",
            options=_address_options,
            many=True,
            columns=_ADDRESS_COLUMNS,
        ),
    ),
    read_options=_look,
    may=(
        "autoscaling:UpdateAutoScalingGroup",
        "autoscaling:AttachInstances",
        "autoscaling:DetachInstances",
        "ec2:CreateLaunchTemplate",
        "ec2:DeleteLaunchTemplate",
        "ec2:CreateLaunchTemplateVersion",
        "ec2:DeleteLaunchTemplateVersions",
        "elbv2:RegisterTargets",
        "elbv2:DeregisterTargets",
        "elb:RegisterInstancesWithLoadBalancer",
        "elb:DeregisterInstancesFromLoadBalancer",
        "ec2:AssociateAddress",
        "ec2:DescribeInstanceAttribute",
    ),
    taken_back_by=(
        "autoscaling:UpdateAutoScalingGroup",
        "autoscaling:DetachInstances",
        "ec2:DeleteLaunchTemplate",
        "ec2:DeleteLaunchTemplateVersions",
        "elbv2:DeregisterTargets",
        "elb:DeregisterInstancesFromLoadBalancer",
        "ec2:AssociateAddress",
    ),
)


# -- prove


def _plan_prove(state: InstanceState, draft: Draft) -> Step:
    by_tag = [
        {"Name": "tag:vpce-tui:target", "Values": [state.instance.id]},
        {"Name": "tag:vpce-tui:call", "Values": ["launch"]},
    ]
    draft.read("new-instance", "DescribeInstances", {"Filters": by_tag}, "the new instance")
    draft.read(
        "old-instance", "DescribeInstances", {"InstanceIds": [state.instance.id]}, "the old instance", optional=True
    )
    for item in state.target_groups or ():
        if any(key in parts(draft.others.get("relaunch-return", {}).get("targets", "")) for key in item.keys):
            draft.read(
                f"health-{short_id(item.arn)}",
                "DescribeTargetHealth",
                {"TargetGroupArn": item.arn},
                f"health of the targets of {item.name}",
                service="elbv2",
                optional=True,
            )
    new = state.replacement
    draft.note(
        f"new: {new.id} from {new.image}, {new.checks}" if new else "the new instance does not exist yet",
        f"old: {state.instance.id} is {state.instance.state}"
        + ("" if state.gone else ": it is not terminated: contain it with terminate-instance"),
    )
    if state.starter is not None:
        draft.note(f"{state.starter.group} launches from {state.starter.image or 'several AMIs'}")
    draft.note_unread(state.unknown)
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


def _verify_answers(state: InstanceState, step: Step, pages: Pages) -> ReadBack:
    """Up, and healthy wherever it was registered, by the answers that are kept."""
    proof = _prove_settled(state, step)
    if proof[0] != VerificationState.VERIFIED or state.replacement is None:
        return proof
    said, ill = list[str](), list[str]()
    if InstanceAspect.TARGET_GROUPS in state.unknown:
        return (
            VerificationState.NOT_YET,
            f"its target groups could not be read: {state.unknown[InstanceAspect.TARGET_GROUPS]}",
        )
    for call in (call for call in step.calls if call.id.startswith("health-")):
        answers, before = pages.get(call.id, ()), len(said)
        for item in [one for page in answers for one in mappings(page, "TargetHealthDescriptions")]:
            if at(item, "Target", "Id") != state.replacement.id:
                continue
            health = mapping(item, "TargetHealth")
            condition = str(health.get("State", "unknown"))
            why = f" ({health.get('Description') or health.get('Reason')})" if condition != "healthy" else ""
            said.append(f"port {at(item, 'Target', 'Port') or '?'}: {condition}{why}")
            ill += [] if condition == "healthy" else [condition]
        if len(said) == before:
            said.append(f"{call.why}: the new instance is not listed, or the health could not be read")
            ill.append("unknown")
    seen = "; ".join([proof[1], *said])
    return (VerificationState.NOT_YET if ill else VerificationState.VERIFIED), seen


def _prove_settled(state: InstanceState, _: Step) -> ReadBack:
    new = state.replacement
    if new is None:
        return VerificationState.NOT_YET, "the new instance is not there"
    return (
        (VerificationState.VERIFIED, f"{new.id} is up")
        if new.checks == UP
        else (VerificationState.NOT_YET, f"{new.id}: {new.checks}")
    )


VERIFY_RETURN: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.REPLACEMENT, InstanceAspect.TARGET_GROUPS, InstanceAspect.STARTER}),
    plan=_plan_prove,
    expect=unchanged,
    verify=_prove_settled,
    verify_answers=_verify_answers,
    may=("ec2:DescribeInstances", "elbv2:DescribeTargetHealth"),
)
