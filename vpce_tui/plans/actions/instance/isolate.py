"""Isolate an instance: every interface into a group without rules, tracked connections first made untracked.

A change of groups does not cut connections that are tracked already. Flows that a rule lets through for every address
both ways are not tracked; so an interface goes first into a group that lets everything through, then into the empty one.
(AWS: "Security group connection tracking".)
"""

from typing import Final

from vpce_tui.core.json_values import strings
from vpce_tui.inventory.resources import Interface, SecurityGroup
from vpce_tui.plans.actions import Action, Choice, by_effects, unchanged
from vpce_tui.plans.actions.created_security_group import QUARANTINE, UNTRACKED, name_of, no_egress, plan_security_group
from vpce_tui.plans.actions.skip_if_deleted import skip_if_deleted
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.planning_context import VpcGroups


def _plan(state: InstanceState, draft: Draft) -> Step:
    instance = state.instance
    draft.block_unknown(state.unknown, InstanceAspect.INTERFACES, InstanceAspect.GROUPS)
    if instance.gone:
        draft.block(f"{instance.id} is {instance.state}: it has no connection left", "nothing; it is gone")
    if InstanceAspect.INTERFACES in state.unknown or InstanceAspect.GROUPS in state.unknown:
        return draft.step(StepKind.CHANGE)
    interfaces = [nic for nic in state.interfaces or () if not nic.requester_managed]
    two_moves = draft.choices["moves"] == "two"
    quarantine = _group(state, draft, "quarantine", QUARANTINE, "no-egress")
    untracked = _group(state, draft, "untracked", UNTRACKED, "untracked-in", "untracked-shut") if two_moves else None
    no_egress(draft, _groups(state), quarantine, QUARANTINE)
    cut_off = bool(interfaces) and all(nic.groups == (draft.bindings.get(QUARANTINE),) for nic in interfaces)
    if two_moves:
        _authorize_allow_all(draft, untracked, cut_off=cut_off)
        _say_what_is_open(draft, interfaces)
    for nic in interfaces:
        if two_moves:
            _set_groups(draft, nic, UNTRACKED, f"untrack-{nic.id}", "established connections become untracked")
    for nic in interfaces:
        _set_groups(draft, nic, QUARANTINE, f"isolate-{nic.id}", "isolate it")
        undoes = (f"isolate-{nic.id}", *((f"untrack-{nic.id}",) if two_moves else ()))
        draft.add_inverse(
            f"undo-{nic.id}",
            "ModifyNetworkInterfaceAttribute",
            {"NetworkInterfaceId": nic.id, "Groups": list(_groups_before(draft, nic))},
            undoes=undoes,
            why=f"{nic.id}: restore its security groups",
        )
        before = ", ".join(_groups(state).label(group) for group in _groups_before(draft, nic))
        draft.changes.append(
            f"{nic.id}  {nic.private_ip}  {before} → {name_of(_groups(state), 'quarantine', instance.id)}"
        )
    draft.undo.sort(key=lambda call: call.operation == "DeleteSecurityGroup")
    if two_moves:
        _revoke_allow_all(draft, untracked, cut_off=cut_off)
    else:
        draft.description = "Blocks every new connection of this instance; established connections stay open until they end by themselves."
        draft.note("with one change, established connections stay open until they end by themselves")
    draft.add_impact(
        "everyone connected to it over the network, Session Manager included: capture its memory before this step"
    )
    if len(interfaces) < len(state.interfaces or ()):
        draft.note("interfaces that AWS manages for a service are not changed")
    draft.add_impact("nobody else: the new groups have no other member")
    filters = [{"Name": "attachment.instance-id", "Values": [instance.id]}]
    draft.prove(
        "every interface has only the quarantine group, and the group has no rules",
        "DescribeNetworkInterfaces",
        {"Filters": filters},
    )
    return draft.step(StepKind.CHANGE)


def _groups(state: InstanceState) -> VpcGroups:
    assert state.groups is not None, "the step is blocked where the groups are unknown"
    return state.groups


def _group(state: InstanceState, draft: Draft, purpose: str, reference: str, *rules: str) -> SecurityGroup | None:
    stand_in = next((group for nic in state.interfaces or () for group in nic.groups), "")
    return plan_security_group(
        draft,
        _groups(state),
        vpc=state.instance.vpc_id,
        target=state.instance.id,
        purpose=purpose,
        reference=reference,
        with_rules=rules,
        stand_in=stand_in,
    )


_EVERYTHING: Final = {
    "IpProtocol": "-1",
    "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
    "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
}


def _is_open(own: SecurityGroup | None) -> bool:
    return own is not None and any(rule.open_to_world and rule.all_ports for rule in own.ingress)


def _authorize_allow_all(draft: Draft, own: SecurityGroup | None, *, cut_off: bool) -> None:
    draft.ensure(
        "untracked-in",
        "AuthorizeSecurityGroupIngress",
        {"GroupId": ref(UNTRACKED), "IpPermissions": [_EVERYTHING]},
        so_already=own is not None and (cut_off or _is_open(own)),
        why="allow all inbound traffic, so that connections are untracked",
    )


def _revoke_allow_all(draft: Draft, own: SecurityGroup | None, *, cut_off: bool) -> None:
    draft.ensure(
        "untracked-shut",
        "RevokeSecurityGroupIngress",
        {"GroupId": ref(UNTRACKED), "IpPermissions": [_EVERYTHING]},
        so_already=own is not None and cut_off and not _is_open(own),
        why="remove the rule that allowed all inbound traffic",
    )


def _say_what_is_open(draft: Draft, interfaces: list[Interface]) -> None:
    group = draft.bindings.get(UNTRACKED)
    now = [nic for nic in interfaces if group and nic.groups == (group,)]
    if now:
        draft.changes.append(
            f"OPEN NOW: {', '.join(f'{nic.id} {nic.private_ip}' for nic in now)} allows all inbound traffic until it is isolated"
        )
    else:
        draft.changes.append(
            "for the moment between the two changes, the interfaces allow all inbound traffic: this makes established connections untracked"
        )


def _set_groups(draft: Draft, nic: Interface, reference: str, call_id: str, why: str) -> None:
    group = draft.bindings.get(reference)
    so_already = bool(group) and nic.groups == (group,)
    if reference == UNTRACKED:
        final = draft.bindings.get(QUARANTINE)
        so_already = so_already or (bool(final) and nic.groups == (final,))
    draft.ensure(
        call_id,
        "ModifyNetworkInterfaceAttribute",
        {"NetworkInterfaceId": nic.id, "Groups": [ref(reference)]},
        so_already=so_already,
        why=f"{nic.id} {nic.private_ip}: {why}",
    )


def _groups_before(draft: Draft, nic: Interface) -> tuple[str, ...]:
    """The groups the interface had before we touched it: the live ones, unless they are ours already."""
    ours = {draft.bindings.get(UNTRACKED), draft.bindings.get(QUARANTINE)}
    if draft.remembered is not None and set(nic.groups) <= ours:
        for call in draft.remembered.undo:
            if call.id == f"undo-{nic.id}":
                return strings(call.parameters, "Groups")
    return nic.groups


def _remember_interfaces(step: Step) -> dict[str, object]:
    """The interfaces that the step moves."""
    moved = [
        str(call.parameters["NetworkInterfaceId"]) for call in step.undo if "NetworkInterfaceId" in call.parameters
    ]
    groups = [call for call in (*step.calls, *step.already) if call.operation == "CreateSecurityGroup"]
    vpc = {"vpc_id": groups[0].parameters["VpcId"]} if groups else {}
    return {"interfaces": tuple(moved), **vpc}


ISOLATE: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.INTERFACES, InstanceAspect.GROUPS}),
    plan=_plan,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "moves",
            "Drop established connections too",
            (
                ("two", "Yes: two changes (untrack, then isolate), also drops tracked connections"),
                ("one", "No: one change; established connections stay open"),
            ),
        ),
    ),
    remember=_remember_interfaces,
    why_not_undone=skip_if_deleted,
    may=(
        "ec2:CreateSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:ModifyNetworkInterfaceAttribute",
        "ec2:DeleteSecurityGroup",
    ),
    taken_back_by=("ec2:ModifyNetworkInterfaceAttribute", "ec2:DeleteSecurityGroup"),
)
