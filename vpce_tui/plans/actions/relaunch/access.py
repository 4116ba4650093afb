"""What reaches the replacement and what it may do: a new group from ticked rules, a new role from ticked policies, or none.

(AWS: "Security group rules", "Use an IAM role to grant permissions to applications running on Amazon EC2 instances".)
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from vpce_tui.blocks.model import column
from vpce_tui.core.text import many
from vpce_tui.detection.instance.instance_facts import ADMINISTRATION_PORTS
from vpce_tui.iam.wildcards import patterns_overlap
from vpce_tui.inventory.resources import SecurityGroup, SecurityGroupPermission
from vpce_tui.plans.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.blocking.security_group_rules import permission
from vpce_tui.plans.actions.quarantine_group import own_group
from vpce_tui.plans.placeholders import INCIDENT, document, document_in, ref
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft, short_id
from vpce_tui.plans.targets.barriers import GroupRule
from vpce_tui.plans.targets.instance import InstanceAspect, InstanceState
from vpce_tui.plans.targets.launch import GROUPS, SUBNET, NewRole, PolicyOf, own_role_name
from vpce_tui.plans.targets.planning_context import TAG_CALL, TAG_INCIDENT, TAG_TARGET, VpcGroups, iam_region

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


def look(choices: Mapping[str, str], others: Answers) -> Mapping[str, Any]:
    """Which groups' rules are looked at, and in which subnet's VPC."""
    return {GROUPS: parts(choices.get("from", "")), SUBNET: others.get(LAUNCH_STEP, {}).get("subnet", "")}


# -- the group


def too_wide(rule: GroupRule) -> str:
    """Why a rule may not be taken over; ``""``: it may. Administration and database ports are never open to the world."""
    as_rule = _as_rule(rule)
    if rule.egress or not as_rule.world:
        return ""
    if as_rule.all_ports:
        return "it allows every port from anywhere"
    ports = [f"{port} ({name})" for port, name in ADMINISTRATION_PORTS.items() if as_rule.covers(port)]
    return f"it allows {', '.join(ports)} from anywhere" if ports else ""


def _as_rule(rule: GroupRule) -> SecurityGroupPermission:
    low, high = (None, None) if rule.from_port == -1 else (rule.from_port, rule.to_port)
    return SecurityGroupPermission(protocol=rule.protocol, from_port=low, to_port=high, peer=rule.peer)


def _everything_out(rule: GroupRule) -> bool:
    return rule.egress and rule.peer in ("0.0.0.0/0", "::/0") and _as_rule(rule).all_ports


def _administration(rule: GroupRule) -> bool:
    """Whether it lets somebody in by SSH and the like, or to a database: an intruder may have written it."""
    return not rule.egress and any(_as_rule(rule).covers(port) for port in ADMINISTRATION_PORTS)


def _usable(world: InstanceState) -> list[GroupRule]:
    return [rule for rule in world.old_rules or () if not too_wide(rule)]


_RULE_COLUMNS: Final = (
    column("RULE"),
    column("GROUP"),
    column("DIRECTION"),
    column("PORTS"),
    column("PEER"),
)


def _rule_options(world: InstanceState) -> Options:
    listed = [_rule_option(world, rule) for rule in world.old_rules or ()]
    if any(_everything_out(rule) for rule in _usable(world)):
        instead = "instead of all traffic: allows egress tcp 443 to 0.0.0.0/0"
        listed.insert(0, Option(value=HTTPS_OUT, label=instead, cells=(HTTPS_OUT, "", "out", "tcp 443", "0.0.0.0/0")))
    return tuple(listed)


def _rule_option(world: InstanceState, rule: GroupRule) -> Option:
    name = world.group_names.get(rule.group, "")
    return Option(
        value=rule.id,
        label=f"{name} {rule.says}".strip(),
        cells=(rule.id, name or rule.group, "out" if rule.egress else "in", rule.ports, rule.peer),
        why_not=too_wide(rule),
    )


def _default_rules(world: InstanceState) -> str:
    """Every rule that names less than the world and opens no administration; out of it 443 alone, where it had everything."""
    narrow = [rule.id for rule in _usable(world) if not _everything_out(rule) and not _administration(rule)]
    return ",".join([*([HTTPS_OUT] if any(map(_everything_out, _usable(world))) else []), *narrow])


def _ticked(world: InstanceState, draft: Draft) -> list[GroupRule]:
    known = {rule.id: rule for rule in _usable(world)}
    found: list[GroupRule] = []
    for item in parts(draft.choices["rules"]):
        if item == HTTPS_OUT:
            found.append(
                GroupRule(id="", group="", egress=True, protocol="tcp", from_port=443, to_port=443, peer="0.0.0.0/0")
            )
        elif item in known:
            found.append(known[item])
        elif draft.remembered is None:
            draft.block(
                f"the rule {item} is gone: somebody removed it", "choose again in its prompts, or --set group.rules=…"
            )
    return found


def _plan_group(world: InstanceState, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, InstanceAspect.GROUPS, InstanceAspect.OLD_RULES, InstanceAspect.SETTINGS)
    vpc = world.settings.subnet.vpc_id if world.settings and world.settings.subnet else world.instance.vpc_id
    if not vpc and not draft.blocked:
        draft.block(
            "it is terminated, and AWS no longer returns its subnet",
            "name the subnet of the new instance: --set launch.subnet=subnet-…",
        )
    if draft.blocked or world.groups is None:
        return draft.step(StepKind.CHANGE)
    ticked = _ticked(world, draft)
    incoming, outgoing = [rule for rule in ticked if not rule.egress], [rule for rule in ticked if rule.egress]
    everything = any(map(_everything_out, outgoing))
    name = draft.choices["name"] or f"vpce-tui-relaunch-{world.instance.id}"
    written = tuple(
        call for call, wanted in (("no-egress", not everything), ("in", incoming), ("out", outgoing)) if wanted
    )
    own = own_group(
        draft,
        world.groups,
        vpc=vpc,
        target=world.instance.id,
        purpose=PURPOSE,
        reference=GROUP,
        with_rules=written,
        stand_in=next(iter(world.groups.all), ""),
        named=name,
    )
    if not everything:
        _drop_default(draft, world.groups, own)
    else:
        outgoing = [rule for rule in outgoing if rule.peer == "::/0" or not _everything_out(rule)]
    _let("in", "Ingress", incoming, own, draft)
    _let("out", "Egress", outgoing, own, draft)
    draft.changes += [f"new group {name} in {vpc}"]
    draft.changes += [f"+ {rule.says}" for rule in ticked] or ["no rule is selected: no traffic is allowed in or out"]
    draft.note(
        *(
            f"cannot be ticked: {world.group_names.get(rule.group, '')} {rule.says}: {why}"
            for rule in world.old_rules or ()
            if (why := too_wide(rule))
        )
    )
    left = [rule for rule in _usable(world) if rule not in ticked]
    draft.note(*(f"not copied: {world.group_names.get(rule.group, '')} {rule.says}" for rule in left))
    draft.add_impact("nobody: the new group has no member yet")
    draft.prove(
        "the security group reads back with only these rules",
        "DescribeSecurityGroups",
        {"Filters": [{"Name": "group-name", "Values": [name]}]},
    )
    return draft.step(StepKind.CHANGE)


def _drop_default(draft: Draft, groups: VpcGroups, own: SecurityGroup | None) -> None:
    """A new group lets everything out: take that rule away."""
    everything: dict[str, Any] = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    if groups.ipv6:
        everything["Ipv6Ranges"] = [{"CidrIpv6": "::/0"}]
    draft.ensure(
        "no-egress",
        "RevokeSecurityGroupEgress",
        {"GroupId": ref(GROUP), "IpPermissions": [everything]},
        so_already=own is not None and not any(rule.world and rule.all_ports for rule in own.egress),
        why="revoke the default egress rule of a new security group",
    )


def _let(call: str, way: str, rules: Iterable[GroupRule], own: SecurityGroup | None, draft: Draft) -> None:
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
    facets=frozenset({InstanceAspect.GROUPS, InstanceAspect.OLD_RULES, InstanceAspect.SETTINGS}),
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
            "Whose rules these are (nothing: of the groups it had before the incident)",
            many=True,
            free=True,
            check=lambda text: "" if _GROUP_ID.fullmatch(text) else f"{text!r} is not a security group id",
        ),
        Choice(
            "name",
            "What the new group is called (nothing: after the old instance)",
            (("", "after the old instance"),),
            free=True,
            check=_wrong_name,
        ),
    ),
    look=look,
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


_MANAGER: Final = "AmazonSSMManagedInstanceCore"
_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_DANGEROUS: Final = (
    "iam:Create*",
    "iam:Put*",
    "iam:Attach*",
    "iam:Add*",
    "iam:Update*",
    "iam:PassRole",
    "iam:Delete*",
    "iam:Set*",
    "iam:Tag*",
    "sts:AssumeRole*",
    "ec2:CreateVpcEndpoint",
    "ec2:RunInstances",
    "organizations:*",
    "kms:Put*",
    "kms:Schedule*",
    "lambda:Create*",
    "lambda:Update*",
    "cloudtrail:Stop*",
    "cloudtrail:Delete*",
    "cloudtrail:Update*",
    "cloudtrail:Put*",
    "ssm:SendCommand",
    "secretsmanager:Put*",
    "secretsmanager:Delete*",
)
"""What no new instance is given: by these an intruder gains more rights, hides, or continues to other instances."""


def why_overprivileged(policy: PolicyOf) -> str:
    """Why a policy may not be taken over; ``""``: it may."""
    if not policy.document:
        return "its text could not be read"
    found = policy.document.get("Statement", [])
    for statement in found if isinstance(found, list) else [found]:
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Allow":
            continue
        if "NotAction" in statement:
            return "it uses NotAction"
        actions = statement.get("Action", [])
        for action in actions if isinstance(actions, list) else [actions]:
            if any(patterns_overlap(str(action), dangerous) for dangerous in _DANGEROUS):
                return f"it allows {action}"
    return ""


def _policy_key(policy: PolicyOf) -> str:
    return policy.arn or f"inline/{policy.name}"


_POLICY_COLUMNS: Final = (column("POLICY"), column("KIND"), column("ARN"))


def _policy_options(world: InstanceState) -> Options:
    shell = "a shell without keys and open ports"
    manager = Option(value="session-manager", label=f"{_MANAGER}: {shell}", cells=(_MANAGER, "managed by AWS", shell))
    return (manager, *(_policy_option(item) for item in world.policies or ()))


def _policy_option(item: PolicyOf) -> Option:
    kind = "managed" if item.arn else "inline"
    return Option(
        value=_policy_key(item),
        label=f"{kind} policy {item.name}",
        cells=(item.name, kind, item.arn),
        why_not=why_overprivileged(item),
    )


def _plan_profile(world: InstanceState, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, InstanceAspect.POLICIES, InstanceAspect.NEW_ROLE)
    draft.note(
        *(f"cannot be ticked: {item.name}: {why}" for item in world.policies or () if (why := why_overprivileged(item)))
    )
    if draft.choices["profile"] == "none":
        draft.note_first("no profile: the new instance has no AWS credentials")
    elif not draft.blocked and world.new_role is not None:
        _new_profile(world, world.new_role, draft)
    if world.policies:
        draft.note("the old instance's role is never reused: its credentials may still be stolen")
    draft.prove("role and profile read back")
    return draft.step(StepKind.CHANGE)


def _new_profile(world: InstanceState, there: NewRole, draft: Draft) -> None:
    name = own_role_name(world.instance.id)
    iam: dict[str, Any] = {"service": "iam", "region": iam_region(world.instance.region)}
    role, profile = {"RoleName": name}, {"InstanceProfileName": name}
    if there.taken:
        draft.block(
            f"there is {there.taken} already, and this incident did not create it: it may be the intruder's",
            "check who created it, delete it, and plan again; or choose profile: none",
        )
        return

    def tags(call: str) -> list[dict[str, Any]]:
        own = [{"Key": key, "Value": value} for key, value in ((TAG_CALL, call), (TAG_TARGET, world.instance.id))]
        return [*own, {"Key": TAG_INCIDENT, "Value": ref(INCIDENT)}]

    draft.ensure(
        "role",
        "CreateRole",
        {
            **role,
            "AssumeRolePolicyDocument": document(_TRUST),
            "Description": f"For the replacement of {world.instance.id}",
            "Tags": tags("role"),
        },
        so_already=bool(there.arn),
        why=f"new role {name}",
        gives={ROLE: "Role.RoleId"},
        **iam,
    )
    draft.add_inverse("undo-role", "DeleteRole", role, undoes=("role",), why=f"delete role {name}", **iam)
    for key in parts(draft.choices["policies"]):
        _policy(world, there, key, role, iam, draft)
    draft.ensure(
        "profile",
        "CreateInstanceProfile",
        {**profile, "Tags": tags("profile")},
        so_already=bool(there.profile_arn),
        why=f"new instance profile {name}",
        gives={PROFILE: "InstanceProfile.Arn", PROFILE_ID: "InstanceProfile.InstanceProfileId"},
        **iam,
    )
    draft.add_inverse(
        "undo-profile", "DeleteInstanceProfile", profile, undoes=("profile",), why=f"delete profile {name}", **iam
    )
    draft.ensure(
        "in-profile",
        "AddRoleToInstanceProfile",
        {**profile, **role},
        so_already=there.in_profile,
        why="the role into the profile",
        **iam,
    )
    draft.add_inverse(
        "undo-in-profile",
        "RemoveRoleFromInstanceProfile",
        {**profile, **role},
        undoes=("in-profile",),
        why="the role out of the profile",
        **iam,
    )
    if there.arn:
        draft.bindings[ROLE] = there.role_id
        _untouched(there, draft)
    if there.profile_arn:
        draft.bindings |= {PROFILE: there.profile_arn, PROFILE_ID: there.profile_id}
    draft.changes.insert(0, f"new role and instance profile {name}")
    draft.add_impact("nobody: nothing else uses them")
    draft.note("a new profile takes some seconds to propagate: if the launch says it is invalid, run it again")


def _untouched(there: NewRole, draft: Draft) -> None:
    """Blocks where somebody changed the role since we made it: who may take it, or what it may do."""
    wanted = {
        str(call.parameters.get("PolicyArn") or call.parameters.get("PolicyName"))
        for call in (*draft.calls, *draft.already)
    }
    more = sorted({*there.attached, *there.inline} - wanted)
    if there.trust != _TRUST:
        draft.block("somebody changed the trust policy of the new role", "undo this step, and run it again")
    if more:
        draft.block(
            f"the new role has more permissions than selected: {', '.join(more)}", "remove them, or undo this step"
        )


def _policy(
    world: InstanceState, there: NewRole, key: str, role: Mapping[str, str], iam: Mapping[str, Any], draft: Draft
) -> None:
    name = short_id(key)
    if key.startswith("inline/"):
        found = next((item for item in world.policies or () if _policy_key(item) == key), None)
        recalled = draft.recall(f"policy-{name}")
        if found is None and recalled is None:
            draft.block(f"the policy {key} is gone", "choose again in its prompts, or --set profile.policies=…")
            return
        text = found.document if found else document_in(recalled.parameters["PolicyDocument"])  # type: ignore[union-attr]
        named = {**role, "PolicyName": key.partition("/")[2]}
        draft.ensure(
            f"policy-{name}",
            "PutRolePolicy",
            {**named, "PolicyDocument": document(text)},
            so_already=there.inline.get(named["PolicyName"]) == text,
            why=f"it may do what {named['PolicyName']} says",
            **iam,
        )
        draft.add_inverse(
            f"undo-policy-{name}", "DeleteRolePolicy", named, undoes=(f"policy-{name}",), why=f"remove {key}", **iam
        )
    else:
        partition = "aws-cn" if iam["region"].startswith("cn-") else "aws-us-gov" if "gov" in iam["region"] else "aws"
        arn = f"arn:{partition}:iam::aws:policy/{_MANAGER}" if key == "session-manager" else key
        attached = {**role, "PolicyArn": arn}
        draft.ensure(
            f"policy-{name}",
            "AttachRolePolicy",
            attached,
            so_already=arn in there.attached,
            why=f"it may do what {arn.rpartition('/')[2]} says",
            **iam,
        )
        draft.add_inverse(
            f"undo-policy-{name}", "DetachRolePolicy", attached, undoes=(f"policy-{name}",), why=f"detach {arn}", **iam
        )
    draft.changes.append(f"+ {key}")


RELAUNCH_PROFILE: Final[Action[InstanceState]] = Action(
    facets=frozenset({InstanceAspect.POLICIES, InstanceAspect.NEW_ROLE}),
    plan=_plan_profile,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "profile",
            "AWS credentials for the new instance",
            (("new", "a new role, with the policies selected below"), ("none", "none at all")),
        ),
        Choice(
            id="policies",
            question="What the new role may do",
            options=_policy_options,
            columns=_POLICY_COLUMNS,
            default=lambda _: "session-manager",
            many=True,
        ),
    ),
    may=(
        "iam:CreateRole",
        "iam:DeleteRole",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        "iam:CreateInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:AddRoleToInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
    ),
    taken_back_by=(
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:DeleteInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
    ),
)
