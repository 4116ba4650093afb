"""Deny an address in the network ACLs of the subnets.

(AWS: "Network ACL rules".)
"""

from typing import Final

from vpce_tui.core.ip_addresses import is_subnet, overlap
from vpce_tui.core.json_values import integer
from vpce_tui.core.text import many
from vpce_tui.inventory.networks import Acl, AclEntry
from vpce_tui.plans.actions import Action, Choice, by_effects, unchanged
from vpce_tui.plans.actions.blocking.blockable import filtered, nothing_chosen
from vpce_tui.plans.actions.traffic import warnings
from vpce_tui.plans.plan import PlannedCall, Step, StepKind
from vpce_tui.plans.step_builder import Draft, short_id
from vpce_tui.plans.targets.interface_state import InterfaceAspect, InterfaceState

_LAST: Final = 32_767


def _plan_acl(state: InterfaceState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, InterfaceAspect.ACLS)
    blocks = nothing_chosen(state, draft)
    if draft.choices["deny"] == "no":
        draft.note("not chosen: the subnets still allow the addresses")
        blocks = ()
    filtered(state, blocks, draft)
    if not draft.blocked:
        for acl in state.acls or ():
            for egress in (False, True):
                _deny_all(acl, egress, blocks, draft)
            if blocks:
                _who_is_behind(state, acl, draft)
        if blocks:
            draft.warn(*(said for block in blocks for said in warnings(state, block)))
            draft.note("a network ACL is stateless: established connections are blocked at once")
        _denied_before(state, draft)
    draft.prove(
        "each deny entry comes before the first allow entry",
        "DescribeNetworkAcls",
        {"NetworkAclIds": [acl.id for acl in state.acls or ()]},
    )
    return draft.step(StepKind.CHANGE)


def _deny_all(acl: Acl, egress: bool, blocks: tuple[str, ...], draft: Draft) -> None:
    entries = [entry for entry in acl.entries if entry.egress is egress and entry.number < _LAST]
    taken, quota, way = {entry.number for entry in entries}, int(draft.choices["quota"]), "out" if egress else "in"
    for block in blocks:
        allows = [entry.number for entry in entries if entry.allow and _overlaps(entry, block)]
        before = min(allows, default=_LAST)
        there = next((entry for entry in entries if _denies(entry, block) and entry.number < before), None)
        free = [number for number in range(before - 1, 0, -1) if number not in taken]
        stem = f"deny-{way}-{short_id(acl.id + block)}-"
        before_us = _recalled_number(stem, draft)
        number = there.number if there else before_us if before_us in free else next(iter(free), 0)
        if not number:
            draft.block(
                f"{acl.id} has no free number before {before}, its first entry that allows {block} {way}",
                "renumber that entry manually to free a lower number, then plan again",
            )
            continue
        family = [entry for entry in entries if (":" in entry.block) is (":" in block)]
        full = len(family) + len([number for number in taken if number not in {entry.number for entry in entries}]) + 1
        if there is None and full >= quota:
            draft.block(
                f"{acl.id} has {full} entries {way} including the default one, and the quota is {quota}",
                "remove entries that are not needed; or have the quota raised (Service Quotas, VPC, up to 40) and set quota=40",
            )
            continue
        taken.add(number)
        name = f"{stem}{number}"
        entry = {"NetworkAclId": acl.id, "RuleNumber": number, "Egress": egress}
        denied = {"CidrBlock" if ":" not in block else "Ipv6CidrBlock": block, "Protocol": "-1", "RuleAction": "deny"}
        draft.ensure(
            name,
            "CreateNetworkAclEntry",
            {**entry, **denied},
            so_already=there is not None,
            why=f"{acl.id}: entry {number} denies {block} {way}",
        )
        draft.add_inverse(
            f"undo-{name}", "DeleteNetworkAclEntry", entry, undoes=(name,), why=f"{acl.id}: delete entry {number} {way}"
        )
        draft.changes.append(
            f"+ {acl.id} entry {number}: deny {'outbound to' if egress else 'inbound from'} {block} (the first entry that allows it is {before if allows else 'none'})"
        )


def _recalled_number(stem: str, draft: Draft) -> int:
    """The number that an earlier plan of the step chose; 0: none."""
    calls = (*draft.remembered.calls, *draft.remembered.already) if draft.remembered else ()
    return next((integer(call.parameters, "RuleNumber") for call in calls if call.id.startswith(stem)), 0)


def _entry_as_left(state: InterfaceState, call: PlannedCall, _: bool, __: bool) -> str:
    """The entry under this number may be another one by now; see :attr:`Action.why_not_undone`."""
    asked = call.parameters
    found = next(
        (
            entry
            for acl in state.acls or ()
            if acl.id == asked["NetworkAclId"]
            for entry in acl.entries
            if entry.number == asked["RuleNumber"] and entry.egress is asked["Egress"]
        ),
        None,
    )
    made = state.in_effect.get(call.undoes[0])
    block = str((made.parameters.get("CidrBlock") or made.parameters.get("Ipv6CidrBlock")) if made else "")
    if found is not None and (found.allow or (block and found.block != block)):
        return f"entry {asked['RuleNumber']} of {asked['NetworkAclId']} was changed by somebody else: check it in AWS"
    return ""


def _overlaps(entry: AclEntry, block: str) -> bool:
    return overlap(entry.block, block)


def _denies(entry: AclEntry, block: str) -> bool:
    same = entry.protocol == "-1" and entry.ports is None
    return not entry.allow and same and is_subnet(block, entry.block)


def _who_is_behind(state: InterfaceState, acl: Acl, draft: Draft) -> None:
    behind = tuple(name for subnet in acl.subnets for name in state.neighbours.get(subnet, ()))
    draft.add_impact(
        f"{many(len(behind), 'other interface depends', 'other interfaces depend')} on {acl.id}, the network ACL of {many(len(acl.subnets), 'subnet')}: {', '.join(acl.subnets)}",
        behind,
    )
    if acl.default:
        draft.note(f"{acl.id} is the default network ACL of {state.vpc_id}: it also applies to new subnets")


def _denied_before(state: InterfaceState, draft: Draft) -> None:
    """Entries of an earlier plan of the step for addresses that are no longer chosen."""
    if draft.remembered is None:
        return
    planned = {call.id for call in (*draft.calls, *draft.already)}
    there = {
        (acl.id, entry.egress, entry.number, entry.block)
        for acl in state.acls or ()
        for entry in acl.entries
        if not entry.allow
    }
    for call in (*draft.remembered.calls, *draft.remembered.already):
        if call.id not in planned:
            asked = call.parameters
            block = asked.get("CidrBlock") or asked.get("Ipv6CidrBlock")
            if (asked["NetworkAclId"], asked["Egress"], asked["RuleNumber"], block) in there:
                draft.already.append(call)
                draft.undo += [inverse for inverse in draft.remembered.undo if call.id in inverse.undoes]


TRAFFIC_ACL: Final[Action[InterfaceState]] = Action(
    aspects=frozenset({InterfaceAspect.ACLS}),
    plan=_plan_acl,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "deny", "Deny the chosen addresses in the whole subnet", (("yes", "yes, in both directions"), ("no", "no"))
        ),
        Choice(
            "quota",
            "Network ACL entry quota, in each direction",
            (("20", "20, AWS's default"), ("40", "40, raised for this account")),
        ),
    ),
    why_not_undone=_entry_as_left,
    may=("ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAclEntry"),
    taken_back_by=("ec2:DeleteNetworkAclEntry",),
)
