"""Security group rules that let the world in where it must not be: narrowed to what should reach them.

(AWS: "Security group rules", Security Hub controls EC2.13, EC2.14, EC2.18 and EC2.19.)
"""

import ipaddress
from dataclasses import replace
from typing import Final

from vpce_tui.blocks.model import ColumnKind, column
from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.blocking.security_group_rules import permission, rules_of
from vpce_tui.plans.actions.hardening.overview import gaps, read_options_in_scope
from vpce_tui.plans.actions.relaunch.new_security_group import too_wide
from vpce_tui.plans.plan import Option, PlannedCall, Step, StepKind
from vpce_tui.plans.step_builder import Draft, short_id
from vpce_tui.plans.targets.account import AccountAspect, AccountState, WideRule
from vpce_tui.plans.targets.barriers import SecurityGroupRule


def _wide(state: AccountState) -> dict[str, WideRule]:
    return {item.key: item for item in state.rules or () if too_wide(item.rule)}


_COLUMNS: Final = (
    column("REGION"),
    column("RULE"),
    column("GROUP"),
    column("ALLOWS"),
    column("USED BY", ColumnKind.COUNT, "network interfaces with this security group"),
    column("WHY"),
)


def _options(state: AccountState) -> Options:
    return tuple(_option(key, item) for key, item in _wide(state).items())


def _option(key: str, item: WideRule) -> Option:
    held, why = len(item.holders), too_wide(item.rule)
    return Option(
        value=key,
        label=f"{item.group_name} {item.rule.group}: {why}; {many(held, 'interface uses', 'interfaces use')} it",
        cells=(item.region, item.rule.id, f"{item.group_name} {item.rule.group}", item.rule.says, held, why),
    )


def _plan(state: AccountState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, AccountAspect.RULES)
    known, mode = _wide(state), draft.choices["instead"]
    for key in parts(draft.choices["rules"]):
        if key in known:
            _narrow(state, known[key], mode, draft)
        elif draft.recall(f"rule-{short_id(key)}") is None:
            draft.block(
                f"the rule {key} is gone: somebody removed it", "choose again in its prompts, or --set groups.rules=…"
            )
    if draft.remembered is not None:
        _narrowed_before(state, draft)
    if not draft.calls and not draft.already:
        draft.note(f"{many(len(known), 'rule is', 'rules are')} too open to the world; none is chosen")
    left = [key for key in known if key not in parts(draft.choices["rules"])]
    if draft.calls and left:
        draft.note(f"not chosen, not changed: {', '.join(left)}")
    gaps(state, draft, "security group rules")
    draft.prove("each rule is revoked, and its narrower rules exist")
    return draft.step(StepKind.CHANGE)


def _narrow(state: AccountState, item: WideRule, mode: str, draft: Draft) -> None:
    rule, name = item.rule, short_id(item.key)
    label = f"{item.region} {item.group_name} {rule.group}"
    narrower = _instead(item, mode)
    fresh = [one for one in narrower if one.effect not in item.there]
    planned = {effect for call in draft.calls for effect in _effects_of(call)}
    fresh = [one for one in fresh if one.effect not in planned]
    recalled = draft.recall(f"narrow-{name}")
    if recalled is not None and not fresh:
        fresh = rules_of(recalled)
    if fresh:
        parameters = {"GroupId": rule.group, "IpPermissions": [permission(one) for one in fresh]}
        draft.ensure(
            f"narrow-{name}",
            "AuthorizeSecurityGroupIngress",
            parameters,
            so_already=all(one.effect in item.there for one in fresh),
            why=f"{label} {'; '.join(one.says for one in fresh[:3])}",
            region=item.region,
        )
        draft.add_inverse(
            f"undo-narrow-{name}",
            "RevokeSecurityGroupIngress",
            parameters,
            undoes=(f"narrow-{name}",),
            why=f"{label}: revoke the narrower rules",
            region=item.region,
        )
    draft.ensure(
        f"rule-{name}",
        "RevokeSecurityGroupIngress",
        {"GroupId": rule.group, "SecurityGroupRuleIds": [rule.id]},
        so_already=False,
        why=f"{label}: revoke the rule that {rule.says}",
        region=item.region,
    )
    draft.add_inverse(
        f"undo-rule-{name}",
        "AuthorizeSecurityGroupIngress",
        {"GroupId": rule.group, "IpPermissions": [permission(rule)]},
        undoes=(f"rule-{name}",),
        why=f"{label}: add the rule again that {rule.says}, with a new rule id",
        region=item.region,
    )
    draft.changes.append(f"- {rule.id}: {label} {rule.says}")
    draft.changes += [f"+ {label} {one.says}" for one in narrower] or [f"  {label}: no replacement"]
    draft.add_impact(
        f"{many(len(item.holders), 'interface uses', 'interfaces use')} {label}; whoever has access only by this rule loses it",
        item.holders,
    )
    said = "established connections stay open until they end by themselves"
    draft.note(said)


def _instead(item: WideRule, mode: str) -> list[SecurityGroupRule]:
    """What continues being let in: only ranges of the rule's own address family, and only what it let in."""
    named = item.vpc_ranges if mode == "own" else () if mode == "none" else parts(mode)
    fitting = [block for block in named if (":" in block) is (":" in item.rule.peer)]
    return [replace(item.rule, id="", peer=block, description="") for block in fitting]


def _effects_of(call: PlannedCall) -> set[tuple[object, ...]]:
    return {rule.effect for rule in rules_of(call)} if "IpPermissions" in call.parameters else set()


def _narrowed_before(state: AccountState, draft: Draft) -> None:
    """What this step did before: so still, unless an equal rule is there again."""
    assert draft.remembered is not None
    planned = {call.id for call in (*draft.calls, *draft.already)}
    inverses = {name: call for call in draft.remembered.undo for name in call.undoes}
    for call in (*draft.remembered.calls, *draft.remembered.already):
        inverse = inverses.get(call.id)
        if call.id in planned or inverse is None:
            continue
        there = state.group_effects.get(f"{call.region}/{call.parameters['GroupId']}", frozenset())
        effects = {rule.effect for rule in rules_of(inverse)}
        holds = not effects & there if call.id.startswith("rule-") else effects <= there
        (draft.already if holds else draft.calls).append(call)
        draft.undo.append(inverse)


def _wrong(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return f"{text!r} is not a CIDR block; expected for example 203.0.113.0/24"
    return f"{text} is the whole world" if network.prefixlen == 0 else ""


ACCOUNT_GROUPS: Final[Action[AccountState]] = Action(
    aspects=frozenset({AccountAspect.RULES}),
    plan=_plan,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(id="rules", question="Which rules are narrowed", options=_options, many=True, columns=_COLUMNS),
        Choice(
            "instead",
            "What is allowed instead",
            (("own", "the ranges of the VPC itself"), ("none", "nothing")),
            free=True,
            check=lambda text: next((said for part in parts(text) if (said := _wrong(part))), ""),
        ),
    ),
    read_options=read_options_in_scope,
    may=("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
    taken_back_by=("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
)
