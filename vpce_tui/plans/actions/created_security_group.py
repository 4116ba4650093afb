"""Security groups that we make: named, tagged, emptied, and deleted again by undo."""

from typing import Final

from vpce_tui.inventory.resources import SecurityGroup
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.planning_context import VpcGroups

UNTRACKED: Final = "UNTRACKED_GROUP"
QUARANTINE: Final = "QUARANTINE_GROUP"


def name_of(groups: VpcGroups, purpose: str, target: str) -> str:
    """The name of our group; where somebody else has taken it, the first free one."""
    if purpose in groups.own:
        return groups.own[purpose].name
    base = f"vpce-tui-{purpose}-{target}"
    name, number = base, 1
    while name in groups.names:
        number += 1
        name = f"{base}-{number}"
    return name


def plan_security_group(
    draft: Draft,
    groups: VpcGroups,
    *,
    vpc: str,
    target: str,
    purpose: str,
    reference: str,
    with_rules: tuple[str, ...],
    stand_in: str,
    named: str = "",
) -> SecurityGroup | None:
    """Plan a group of ours in ``vpc``; ``with_rules``: the calls that write its rules, which go when it is deleted.

    ``stand_in``: an existing group's id for dry runs, before ours has one; ``named``: its name, where somebody chose one.
    Gives the group where it exists already.
    """
    name, own = named or name_of(groups, purpose, target), groups.own.get(purpose)
    if named and own is None and named in groups.names:
        draft.block(f"the name {named} is taken in {vpc}", "choose another in its prompts")
    draft.ensure(
        purpose,
        "CreateSecurityGroup",
        {
            "GroupName": name,
            "Description": f"{purpose} for {target}, created by vpce-tui",
            "VpcId": vpc,
            "TagSpecifications": draft.tags("security-group", purpose, target, name),
        },
        so_already=own is not None,
        why=f"new group {name}",
        gives={reference: "GroupId"},
    )
    draft.add_inverse(
        f"undo-{purpose}",
        "DeleteSecurityGroup",
        {"GroupId": ref(reference)},
        undoes=(purpose, *with_rules),
        why=f"delete {name}",
    )
    if own is not None:
        draft.bindings[reference] = own.id
    if stand_in:
        draft.stand_ins[reference] = stand_in
    return own


def no_egress(
    draft: Draft, groups: VpcGroups, own: SecurityGroup | None, reference: str, call_id: str = "no-egress"
) -> None:
    """A new group lets everything out: take that rule away. Blocks where somebody put rules into the group."""
    permission: dict[str, object] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    if groups.ipv6:
        permission["Ipv6Ranges"] = [{"CidrIpv6": "::/0"}]
    draft.ensure(
        call_id,
        "RevokeSecurityGroupEgress",
        {"GroupId": ref(reference), "IpPermissions": [permission]},
        so_already=own is not None and not own.egress,
        why="revoke the default egress rule of a new security group",
    )
    if own is not None and own.ingress:
        draft.block(
            f"{own.id} ({own.name}) has inbound rules: somebody changed the quarantine group",
            "review its rules, remove them manually, then plan again",
        )
