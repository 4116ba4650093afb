"""What reaches the replacement and what it may do: a new group from ticked rules, a new role from ticked policies, or none.

(AWS: "Security group rules", "Use an IAM role to grant permissions to applications running on Amazon EC2 instances".)
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from vpce_tui.blocks.model import column
from vpce_tui.core.text import many
from vpce_tui.detection.instance.instance_facts import ADMINISTRATION_PORTS
from vpce_tui.inventory.resources import SecurityGroup, SecurityGroupPermission
from vpce_tui.plans.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.blocking.security_group_rules import permission
from vpce_tui.plans.actions.created_security_group import plan_security_group
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.barriers import SecurityGroupRule
from vpce_tui.plans.targets.instance_state import InstanceAspect, InstanceState
from vpce_tui.plans.targets.launch import GROUPS, SUBNET
from vpce_tui.plans.targets.planning_context import VpcGroups

GROUP_STEP: Final = "relaunch-group"
PROFILE_STEP: Final = "relaunch-profile"
LAUNCH_STEP: Final = "relaunch-launch"
GROUP: Final = "RELAUNCH_GROUP"
PROFILE: Final = "RELAUNCH_PROFILE"
PROFILE_ID: Final = "RELAUNCH_PROFILE_ID"
ROLE: Final = "RELAUNCH_ROLE_ID"
PURPOSE: Final = "replacement"
HTTPS_OUT: Final = "https-out"
_NAME: Final = re.compile(r"(?!sg-)[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
_GROUP_ID: Final = re.compile(r"sg-[0-9a-f]{8,17}")


def read_options(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    """Which groups' rules are looked at, and in which subnet's VPC."""
    return {GROUPS: parts(choices.get("from", "")), SUBNET: others.get(LAUNCH_STEP, {}).get("subnet", "")}


# -- the group


def too_wide(rule: SecurityGroupRule) -> str:
    """Why a rule may not be taken over; ``""``: it may. Administration and database ports are never open to the world."""
    as_rule = _as_rule(rule)
    if rule.egress or not as_rule.open_to_world:
        return ""
    if as_rule.all_ports:
        return "it allows every port from anywhere"
    ports = [f"{port} ({name})" for port, name in ADMINISTRATION_PORTS.items() if as_rule.covers(port)]
    return f"it allows {', '.join(ports)} from anywhere" if ports else ""


def _as_rule(rule: SecurityGroupRule) -> SecurityGroupPermission:
    low, high = (None, None) if rule.from_port == -1 else (rule.from_port, rule.to_port)
    return SecurityGroupPermission(protocol=rule.protocol, from_port=low, to_port=high, peer=rule.peer)


def _everything_out(rule: SecurityGroupRule) -> bool:
    return rule.egress and rule.peer in ("0.0.0.0/0", "::/0") and _as_rule(rule).all_ports


def _administration(rule: SecurityGroupRule) -> bool:
    """Whether it lets somebody in by SSH and the like, or to a database: an intruder may have written it."""
    return not rule.egress and any(_as_rule(rule).covers(port) for port in ADMINISTRATION_PORTS)


def _usable(state: InstanceState) -> list[SecurityGroupRule]:
    return [rule for rule in state.old_rules or () if not too_wide(rule)]


_RULE_COLUMNS: Final = (
    column("RULE"),
    column("GROUP"),
    column("DIRECTION"),
    column("PORTS"),
    column("PEER"),
)


def _rule_options(state: InstanceState) -> Options:
    listed = [_rule_option(state, rule) for rule in state.old_rules or ()]
    if any(_everything_out(rule) for rule in _usable(state)):
        instead = "instead of all traffic: allows egress tcp 443 to 0.0.0.0/0"
        listed.insert(0, Option(value=HTTPS_OUT, label=instead, cells=(HTTPS_OUT, "", "out", "tcp 443", "0.0.0.0/0")))
    return tuple(listed)


def _rule_option(state: InstanceState, rule: SecurityGroupRule) -> Option:
    name = state.group_names.get(rule.group, "")
    return Option(
        value=rule.id,
        label=f"{name} {rule.says}".strip(),
        cells=(rule.id, name or rule.group, "out" if rule.egress else "in", rule.ports, rule.peer),
        why_not=too_wide(rule),
    )


def _default_rules(state: InstanceState) -> str:
    """Every rule that names less than the world and opens no administration; out of it 443 alone, where it had everything."""
    narrow = [rule.id for rule in _usable(state) if not _everything_out(rule) and not _administration(rule)]
    return ",".join([*([HTTPS_OUT] if any(map(_everything_out, _usable(state))) else []), *narrow])


def _ticked(state: InstanceState, draft: Draft) -> list[SecurityGroupRule]:
    known = {rule.id: rule for rule in _usable(state)}
    found: list[SecurityGroupRule] = []
    for item in parts(draft.choices["rules"]):
        if item == HTTPS_OUT:
            found.append(
                SecurityGroupRule(
                    id="", group="", egress=True, protocol="tcp", from_port=443, to_port=443, peer="0.0.0.0/0"
                )
            )
        elif item in known:
            found.append(known[item])
        elif draft.remembered is None:
            draft.block(
                f"the rule {item} is gone: somebody removed it", "choose again in its prompts, or --set group.rules=…"
            )
    return found


def _plan_group(state: InstanceState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, InstanceAspect.GROUPS, InstanceAspect.OLD_RULES, InstanceAspect.SETTINGS)
    vpc = state.settings.subnet.vpc_id if state.settings and state.settings.subnet else state.instance.vpc_id
    if not vpc and not draft.blocked:
        draft.block(
            "it is terminated, and AWS no longer returns its subnet",
            "name the subnet of the new instance: --set launch.subnet=subnet-…",
        )
    if draft.blocked or state.groups is None:
        return draft.step(StepKind.CHANGE)
    ticked = _ticked(state, draft)
    incoming, outgoing = [rule for rule in ticked if not rule.egress], [rule for rule in ticked if rule.egress]
    everything = any(map(_everything_out, outgoing))
    name = draft.choices["name"] or f"vpce-tui-relaunch-{state.instance.id}"
    written = tuple(
        call for call, wanted in (("no-egress", not everything), ("in", incoming), ("out", outgoing)) if wanted
    )
    own = plan_security_group(
        draft,
        state.groups,
        vpc=vpc,
        target=state.instance.id,
        purpose=PURPOSE,
        reference=GROUP,
        with_rules=written,
        stand_in=next(iter(state.groups.all), ""),
        named=name,
    )
    if not everything:
        _drop_default(draft, state.groups, own)
    else:
        outgoing = [rule for rule in outgoing if rule.peer == "::/0" or not _everything_out(rule)]
    _let("in", "Ingress", incoming, own, draft)
    _let("out", "Egress", outgoing, own, draft)
    draft.changes += [f"new group {name} in {vpc}"]
    draft.changes += [f"+ {rule.says}" for rule in ticked] or ["no rule is selected: no traffic is allowed in or out"]
    draft.note(
        *(
            f"cannot be ticked: {state.group_names.get(rule.group, '')} {rule.says}: {why}"
            for rule in state.old_rules or ()
            if (why := too_wide(rule))
        )
    )
    left = [rule for rule in _usable(state) if rule not in ticked]
    draft.note(*(f"not copied: {state.group_names.get(rule.group, '')} {rule.says}" for rule in left))
    draft.add_impact("nobody: the new group has no member yet")
    draft.prove(
        "the security group has only these rules",
        "DescribeSecurityGroups",
        {"Filters": [{"Name": "group-name", "Values": [name]}]},
    )
    return draft.step(StepKind.CHANGE)


def _drop_default(draft: Draft, groups: VpcGroups, own: SecurityGroup | None) -> None:
    """A new group lets everything out: take that rule away."""
    everything: dict[str, object] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    if groups.ipv6:
        everything["Ipv6Ranges"] = [{"CidrIpv6": "::/0"}]
    draft.ensure(
        "no-egress",
        "RevokeSecurityGroupEgress",
        {"GroupId": ref(GROUP), "IpPermissions": [everything]},
        so_already=own is not None and not any(rule.open_to_world and rule.all_ports for rule in own.egress),
        why="revoke the default egress rule of a new security group",
    )


def _let(call: str, way: str, rules: Iterable[SecurityGroupRule], own: SecurityGroup | None, draft: Draft) -> None:
    unique = {_as_rule(rule): rule for rule in rules}
    if not unique:
        return
    there = set((own.ingress if way == "Ingress" else own.egress) if own else ())
    draft.ensure(
        call,
        f"AuthorizeSecurityGroup{way}",
        {
            "GroupId": ref(GROUP),
            "IpPermissions": [permission(replace(rule, description="")) for rule in unique.values()],
        },
        so_already=own is not None and set(unique) <= {_normal(rule) for rule in there},
        why=f"{many(len(unique), 'rule')} {'in' if way == 'Ingress' else 'out'}",
    )


def _normal(rule: SecurityGroupPermission) -> SecurityGroupPermission:
    return replace(rule, from_port=None, to_port=None) if rule.from_port in (None, -1) else rule


def _wrong_name(text: str) -> str:
    return "" if not text or _NAME.fullmatch(text) else f"{text!r} is not a valid security group name"


RELAUNCH_GROUP: Final[Action[InstanceState]] = Action(
    aspects=frozenset({InstanceAspect.GROUPS, InstanceAspect.OLD_RULES, InstanceAspect.SETTINGS}),
    plan=_plan_group,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="rules",
            question="Which rules of its old groups the new group gets",
            options=_rule_options,
            columns=_RULE_COLUMNS,
            default=_default_rules,
            many=True,
        ),
        Choice(
            "from",
            "Security groups to copy rules from (empty: those it had before the incident)",
            many=True,
            free=True,
            check=lambda text: "" if _GROUP_ID.fullmatch(text) else f"{text!r} is not a security group id",
        ),
        Choice(
            "name",
            "Name of the new security group (empty: made from the id of the old instance)",
            (("", "after the old instance"),),
            free=True,
            check=_wrong_name,
        ),
    ),
    read_options=read_options,
    may=(
        "ec2:CreateSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:DeleteSecurityGroup",
    ),
    taken_back_by=("ec2:DeleteSecurityGroup",),
)


# -- the role and profile
