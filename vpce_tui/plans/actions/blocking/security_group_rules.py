"""Close the rules of security groups that let an address through, with a narrower one in their place.

(AWS: "Security group rules".)
"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from vpce_tui.blocks.model import ColumnKind, column
from vpce_tui.core.ip_addresses import inside, is_subnet, overlap
from vpce_tui.core.json_values import integer, mappings, string
from vpce_tui.core.text import many
from vpce_tui.inventory.flow_log_queries import FlowPeer
from vpce_tui.plans.actions import Action, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.blocking.blockable import filtered, nothing_chosen
from vpce_tui.plans.actions.traffic import read_options, rules_that_let, went_through
from vpce_tui.plans.plan import Option, PlannedCall, Step, StepKind
from vpce_tui.plans.step_builder import Draft, short_id
from vpce_tui.plans.targets.barriers import SecurityGroupRule
from vpce_tui.plans.targets.interface_state import InterfaceAspect, InterfaceState

_MATCHING: Final = "matching"
_MOST_RULES: Final = 20


_COLUMNS: Final = (
    column("RULE"),
    column("GROUP"),
    column("DIRECTION"),
    column("PORTS"),
    column("PEER"),
    column("OTHERS", ColumnKind.COUNT, "other interfaces with this security group; they lose the rule too"),
)


def _rule_options(state: InterfaceState) -> Options:
    everything = (
        rules_that_let(state, (flow_peer.peer for flow_peer in state.traffic.flow_peers)) if state.traffic else []
    )
    whole = "every rule that allows a chosen address"
    matching = Option(value=_MATCHING, label=whole, cells=(_MATCHING, whole, "", "", "", None))
    return (matching, *(_rule_option(state, rule) for rule, _ in everything))


def _rule_option(state: InterfaceState, rule: SecurityGroupRule) -> Option:
    others = len(state.holders.get(rule.group, ()))
    name = state.group_names.get(rule.group, "")
    return Option(
        value=rule.id,
        label=f"{name} {rule.says}; {many(others, 'other interface uses', 'other interfaces use')} the group",
        cells=(rule.id, name or rule.group, "out" if rule.egress else "in", rule.ports, rule.peer, others),
    )


def _default_rules(state: InterfaceState) -> str:
    """None where others hold the groups: denying the address in the subnet hits less."""
    return "" if any(state.holders.values()) else _MATCHING


def _plan_rules(state: InterfaceState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, InterfaceAspect.RULES, InterfaceAspect.TRAFFIC)
    blocks = nothing_chosen(state, draft)
    filtered(state, blocks, draft)
    if not draft.blocked:
        wanted = parts(draft.choices["rules"])
        letting = rules_that_let(state, blocks) if blocks else []
        named = {rule.id: rule for rule in state.rules or ()}
        picked = {rule.id: (rule, through) for rule, through in letting if _MATCHING in wanted}
        picked |= {item: (named[item], []) for item in wanted if item in named and item not in picked}
        for rule, through in picked.values():
            _close(state, rule, through, blocks, draft)
        if letting and not wanted:
            draft.note(
                "no rule is chosen: others may use these security groups, and a deny in the network ACL blocks only the address. Choose rules in its prompts"
            )
        elif blocks and not picked and draft.remembered is None:
            draft.note("no address rule of its security groups allows the chosen addresses")
        missing = [
            item for item in wanted if item.startswith("sgr-") and item not in named and not _was_closed(draft, item)
        ]
        for item in missing:
            draft.block(
                f"the rule {item} does not exist any more: somebody revoked it",
                "choose again in its prompts, or --set rules.rules=…",
            )
        _closed_before(state, draft)
    draft.prove("each rule is revoked, and its narrower rules exist")
    return draft.step(StepKind.CHANGE)


def _was_closed(draft: Draft, rule: str) -> bool:
    return draft.recall(f"rule-{short_id(rule)}") is not None


def _close(
    state: InterfaceState, rule: SecurityGroupRule, through: list[FlowPeer], blocks: tuple[str, ...], draft: Draft
) -> None:
    name, way = short_id(rule.id), "Egress" if rule.egress else "Ingress"
    label = f"{state.group_names.get(rule.group, '')} {rule.group}".strip()
    narrower = _replacements(state, rule, blocks, draft)
    there = {item.effect for item in state.rules or ()}
    fresh = _not_there(narrower, there, draft)
    recalled = draft.recall(f"narrow-{name}")
    if recalled is not None:
        fresh = tuple(rules_of(recalled))
    if fresh:
        parameters = {"GroupId": rule.group, "IpPermissions": [permission(item) for item in fresh]}
        more = f", and {len(narrower) - 2} more" if narrower[2:] else ""
        draft.ensure(
            f"narrow-{name}",
            f"AuthorizeSecurityGroup{way}",
            parameters,
            so_already=all(item.effect in there for item in fresh),
            why=f"{label} {'; '.join(item.says for item in narrower[:2])}{more}",
        )
        draft.add_inverse(
            f"undo-narrow-{name}",
            f"RevokeSecurityGroup{way}",
            parameters,
            undoes=(f"narrow-{name}",),
            why=f"{label}: revoke the narrower rules",
        )
    draft.ensure(
        f"rule-{name}",
        f"RevokeSecurityGroup{way}",
        {"GroupId": rule.group, "SecurityGroupRuleIds": [rule.id]},
        so_already=False,
        why=f"{label} no longer {rule.says}",
    )
    draft.add_inverse(
        f"undo-rule-{name}",
        f"AuthorizeSecurityGroup{way}",
        {"GroupId": rule.group, "IpPermissions": [permission(rule)]},
        undoes=(f"rule-{name}",),
        why=f"{label}: add the rule again that {rule.says}, with a new rule id",
    )
    draft.changes.append(f"- {rule.id}: {label} {rule.says}")
    draft.changes += [f"+ {label} {item.says}" for item in narrower]
    others = state.holders.get(rule.group, ())
    draft.add_impact(
        f"{many(len(others), 'other interface uses', 'other interfaces use')} {label}: traffic that this rule allows ends for them too",
        others,
    )
    lost = [
        item
        for item in (state.traffic.flow_peers if state.traffic else ())
        if went_through(state, rule, item)
        and item not in through
        and not any(went_through(state, new, item) for new in narrower)
    ]
    if lost:
        names = tuple(dict.fromkeys(f"{item.peer} {item.protocol} {item.port}" for item in lost))
        draft.add_impact(
            f"{many(len(names), 'other flow')} of this instance used the same rule, and would be blocked", names
        )
    said = "a security group cannot deny one address: the rule that allows it is revoked, for every member"
    draft.note(said)


def _not_there(
    narrower: tuple[SecurityGroupRule, ...], there: AbstractSet[object], draft: Draft
) -> tuple[SecurityGroupRule, ...]:
    """Those that neither exist nor are planned in this step: AWS refuses a rule that is there, and all with it."""
    planned = {
        rule.effect
        for call in (*draft.calls, *draft.already)
        if call.id.startswith("narrow-")
        for rule in rules_of(call)
    }
    return tuple(item for item in narrower if item.effect not in there and item.effect not in planned)


def _replacements(
    state: InterfaceState, rule: SecurityGroupRule, blocks: tuple[str, ...], draft: Draft
) -> tuple[SecurityGroupRule, ...]:
    """What continues being accepted, by the answer to that question."""
    mode = draft.choices["replace"]
    if mode == "own":
        fitting = [item for item in state.vpc_ranges if item != rule.peer and is_subnet(item, rule.peer)]
        ranges = [item for item in fitting if not any(overlap(item, block) for block in blocks)]
        if len(ranges) < len(fitting):
            draft.note(f"{rule.id}: a chosen address is inside the VPC, so the VPC range is not a narrower rule")
        return tuple(replace(rule, id="", peer=block, description="") for block in ranges)
    if mode != "seen" or state.traffic is None:
        return ()
    seen = {
        _for(rule, item)
        for item in state.traffic.flow_peers
        if item.accepted and went_through(state, rule, item) and not any(inside(item.peer, block) for block in blocks)
    }
    if len(seen) > _MOST_RULES:
        draft.block(
            f"{len(seen)} other peers used {rule.id}: too many for one rule each",
            "choose replace: own, or none; or deny the address in the network ACL instead",
        )
    return tuple(sorted(seen, key=lambda item: (item.peer, item.protocol, item.from_port)))


def _for(rule: SecurityGroupRule, flow_peer: FlowPeer) -> SecurityGroupRule:
    """The rule, for one conversation alone."""
    peer = flow_peer.peer + ("/128" if ":" in flow_peer.peer else "/32")
    new = replace(rule, id="", peer=peer, description="")
    if flow_peer.protocol not in ("tcp", "udp"):
        return new
    return replace(new, protocol=flow_peer.protocol, from_port=flow_peer.port, to_port=flow_peer.port)


def permission(rule: SecurityGroupRule) -> dict[str, object]:
    """As ``IpPermissions`` takes it."""
    key, name = next(
        (
            (key, name)
            for key, name, sign in (
                ("PrefixListIds", "PrefixListId", "pl-"),
                ("UserIdGroupPairs", "GroupId", "sg-"),
                ("Ipv6Ranges", "CidrIpv6", ":"),
            )
            if sign in rule.peer
        ),
        ("IpRanges", "CidrIp"),
    )
    ports = {} if rule.protocol == "-1" else {"FromPort": rule.from_port, "ToPort": rule.to_port}
    said = {"Description": rule.description} if rule.description else {}
    return {"IpProtocol": rule.protocol, **ports, key: [{name: rule.peer, **said}]}


def rules_of(call: PlannedCall) -> list[SecurityGroupRule]:
    """The rules that a call makes or takes back by their content."""
    return [
        SecurityGroupRule(
            id="",
            group=string(call.parameters, "GroupId"),
            egress=call.operation.endswith("Egress"),
            protocol=string(item, "IpProtocol"),
            from_port=integer(item, "FromPort") if "FromPort" in item else -1,
            to_port=integer(item, "ToPort") if "ToPort" in item else -1,
            peer=str(next(value for name, value in peer.items() if name != "Description")),
        )
        for item in mappings(call.parameters, "IpPermissions")
        for key in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
        for peer in mappings(item, key)
    ]


def _closed_before(state: InterfaceState, draft: Draft) -> None:
    """What an earlier plan of the step closed: so still, unless an equal rule is there again."""
    if draft.remembered is None:
        return
    planned = {call.id for call in (*draft.calls, *draft.already)}
    there = {item.effect for item in state.rules or ()}
    inverses = {name: call for call in draft.remembered.undo for name in call.undoes}
    for call in (*draft.remembered.calls, *draft.remembered.already):
        inverse = inverses.get(call.id)
        if call.id in planned or inverse is None:
            continue
        effects = {rule.effect for rule in rules_of(inverse)}
        if not effects & there if call.id.startswith("rule-") else effects <= there:
            draft.already.append(call)
            draft.undo.append(inverse)


TRAFFIC_RULES: Final[Action[InterfaceState]] = Action(
    aspects=frozenset({InterfaceAspect.TRAFFIC, InterfaceAspect.RULES}),
    plan=_plan_rules,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="rules",
            question="Which rules to revoke",
            options=_rule_options,
            columns=_COLUMNS,
            default=_default_rules,
            many=True,
        ),
        Choice(
            "replace",
            "Replace each by a narrower rule",
            (
                ("seen", "yes: for the other peers that recently used it with this instance"),
                ("own", "yes: for the VPC's own ranges"),
                ("none", "no"),
            ),
        ),
    ),
    read_options=read_options,
    may=(
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupEgress",
    ),
    taken_back_by=(
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupEgress",
    ),
)
