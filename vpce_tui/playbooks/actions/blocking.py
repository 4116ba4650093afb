"""Actions that keep traffic out: rules of security groups closed by their id, deny entries of network ACLs, IP sets of WAF, VPC
Block Public Access.

(AWS: "Security group rules", "Network ACL rules", "IP sets in AWS WAF", "Block public access to VPCs and subnets".)
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from vpce_tui.inventory.dossiers.barriers import Acl, AclEntry, AddressSet, GroupRule
from vpce_tui.inventory.dossiers.traffic import Dossier, Facet
from vpce_tui.inventory.flows import Talker, inside, overlap, within
from vpce_tui.playbooks.actions import Action, Choice, Options, by_effects, parts, unchanged
from vpce_tui.playbooks.actions.stopped import BEYOND_REMEDY, beyond_reach
from vpce_tui.playbooks.actions.traffic import CHOOSE, chosen, look, rules_that_let, warnings, went_through
from vpce_tui.playbooks.draft import Draft, ordered, short_id
from vpce_tui.playbooks.plan import Kind, PlannedCall, Step, Until
from vpce_tui.playbooks.values import ref
from vpce_tui.text import many

_MATCHING: Final = "matching"
_MOST_RULES: Final = 20
_LAST: Final = 32_767


def _filtered(world: Dossier, blocks: tuple[str, ...], draft: Draft) -> None:
    """Block what no list and no group filters."""
    for block in blocks:
        beyond = beyond_reach(world, block)
        if beyond:
            draft.block(beyond, BEYOND_REMEDY)


def _nothing_chosen(world: Dossier, draft: Draft) -> tuple[str, ...]:
    """The chosen addresses; blocks or says why there is nothing to do."""
    if world.gone:
        draft.block(f"{world.target} is gone", "nothing; it talks with nobody any more")
        return ()
    blocks = chosen(draft)
    if not blocks:
        step = (
            "the step that chooses addresses"
            if CHOOSE in draft.others
            else "a step with action traffic-choose, which this playbook lacks,"
        )
        draft.notes.append(f"no address is chosen: {step} says which")
    return blocks


# -- rules of security groups


def _rule_options(world: Dossier) -> Options:
    everything = rules_that_let(world, (talker.peer for talker in world.traffic.talkers)) if world.traffic else []
    listed = [(rule.id, _rule_label(world, rule)) for rule, _ in everything]
    return ((_MATCHING, "every rule that lets a chosen address through"), *listed)


def _default_rules(world: Dossier) -> str:
    """None where others hold the groups: denying the address in the subnet hits less."""
    return "" if any(world.holders.values()) else _MATCHING


def _rule_label(world: Dossier, rule: GroupRule) -> str:
    held = many(len(world.holders.get(rule.group, ())), "other holds", "others hold")
    return f"{world.group_names.get(rule.group, '')} {rule.says}; {held} the group"


def _plan_rules(world: Dossier, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.RULES, Facet.TRAFFIC)
    blocks = _nothing_chosen(world, draft)
    _filtered(world, blocks, draft)
    if not draft.blocked:
        wanted = parts(draft.choices["rules"])
        letting = rules_that_let(world, blocks) if blocks else []
        named = {rule.id: rule for rule in world.rules or ()}
        picked = {rule.id: (rule, through) for rule, through in letting if _MATCHING in wanted}
        picked |= {item: (named[item], []) for item in wanted if item in named and item not in picked}
        for rule, through in picked.values():
            _close(world, rule, through, blocks, draft)
        if letting and not wanted:
            draft.notes.append(
                "no rule is chosen, as others hold these groups: denying the address in the subnet hits less; c chooses"
            )
        elif blocks and not picked and draft.remembered is None:
            draft.notes.append("no rule of its groups with an address in it lets the chosen addresses through")
        missing = [
            item for item in wanted if item.startswith("sgr-") and item not in named and not _was_closed(draft, item)
        ]
        for item in missing:
            draft.block(f"the rule {item} is gone: somebody removed it", "choose again: c, or --set rules.rules=…")
        _closed_before(world, draft)
    draft.prove("each rule reads as gone, its narrower one as there")
    return draft.step(Kind.CHANGE)


def _was_closed(draft: Draft, rule: str) -> bool:
    return draft.recall(f"rule-{short_id(rule)}") is not None


def _close(world: Dossier, rule: GroupRule, through: list[Talker], blocks: tuple[str, ...], draft: Draft) -> None:
    name, way = short_id(rule.id), "Egress" if rule.egress else "Ingress"
    label = f"{world.group_names.get(rule.group, '')} {rule.group}".strip()
    narrower = _replacements(world, rule, blocks, draft)
    there = {item.effect for item in world.rules or ()}
    fresh = _not_there(narrower, there, draft)
    recalled = draft.recall(f"narrow-{name}")
    if recalled is not None:
        fresh = tuple(rules_of(recalled))
    if fresh:
        parameters = {"GroupId": rule.group, "IpPermissions": [permission(item) for item in fresh]}
        more = f", and {len(narrower) - 2} more" if narrower[2:] else ""
        draft.want(
            f"narrow-{name}", f"AuthorizeSecurityGroup{way}", parameters, so_already=all(item.effect in there for item in fresh),
            why=f"{label} {'; '.join(item.says for item in narrower[:2])}{more}",
        )  # fmt: skip
        draft.take_back(
            f"undo-narrow-{name}", f"RevokeSecurityGroup{way}", parameters, undoes=(f"narrow-{name}",),
            why=f"{label}: the narrower rules go again",
        )  # fmt: skip
    draft.want(
        f"rule-{name}", f"RevokeSecurityGroup{way}", {"GroupId": rule.group, "SecurityGroupRuleIds": [rule.id]}, so_already=False,
        why=f"{label} no longer {rule.says}",
    )  # fmt: skip
    draft.take_back(
        f"undo-rule-{name}", f"AuthorizeSecurityGroup{way}", {"GroupId": rule.group, "IpPermissions": [permission(rule)]},
        undoes=(f"rule-{name}",), why=f"{label} {rule.says} again, under a new rule id",
    )  # fmt: skip
    draft.changes.append(f"- {rule.id}: {label} {rule.says}")
    draft.changes += [f"+ {label} {item.says}" for item in narrower]
    others = world.holders.get(rule.group, ())
    draft.hits(
        f"{many(len(others), 'other holds', 'others hold')} {label}: what this rule lets through ends for them too",
        others,
    )
    lost = [
        item
        for item in (world.traffic.talkers if world.traffic else ())
        if went_through(world, rule, item)
        and item not in through
        and not any(went_through(world, new, item) for new in narrower)
    ]
    if lost:
        names = tuple(dict.fromkeys(f"{item.peer} {item.protocol} {item.port}" for item in lost))
        draft.hits(f"{many(len(names), 'other conversation')} of this machine went through the same rule", names)
    said = "a security group cannot deny one address: the rule that lets it through goes, for everybody in the group"
    if said not in draft.notes:
        draft.notes.append(said)


def _not_there(narrower: tuple[GroupRule, ...], there: set[Any], draft: Draft) -> tuple[GroupRule, ...]:
    """Those that neither stand already nor are planned in this step: AWS refuses a rule that is there, and all with it."""
    planned = {
        rule.effect
        for call in (*draft.calls, *draft.already)
        if call.id.startswith("narrow-")
        for rule in rules_of(call)
    }
    return tuple(item for item in narrower if item.effect not in there and item.effect not in planned)


def _replacements(world: Dossier, rule: GroupRule, blocks: tuple[str, ...], draft: Draft) -> tuple[GroupRule, ...]:
    """What goes on being let through, by the answer to that question."""
    mode = draft.choices["replace"]
    if mode == "own":
        fitting = [item for item in world.vpc_ranges if item != rule.peer and within(item, rule.peer)]
        ranges = [item for item in fitting if not any(overlap(item, block) for block in blocks)]
        if len(ranges) < len(fitting):
            draft.notes.append(f"{rule.id}: a chosen address is inside the VPC, so its own range is no narrower rule")
        return tuple(replace(rule, id="", peer=block, description="") for block in ranges)
    if mode != "seen" or world.traffic is None:
        return ()
    seen = {
        _for(rule, item)
        for item in world.traffic.talkers
        if item.accepted and went_through(world, rule, item) and not any(inside(item.peer, block) for block in blocks)
    }
    if len(seen) > _MOST_RULES:
        draft.block(
            f"{len(seen)} other conversations went through {rule.id}: too many for rules of their own",
            "choose replace: own, or none; or deny the address in the subnet, the step before",
        )
    return tuple(sorted(seen, key=lambda item: (item.peer, item.protocol, item.from_port)))


def _for(rule: GroupRule, talker: Talker) -> GroupRule:
    """The rule, for one conversation alone."""
    peer = talker.peer + ("/128" if ":" in talker.peer else "/32")
    new = replace(rule, id="", peer=peer, description="")
    if talker.protocol not in ("tcp", "udp"):
        return new
    return replace(new, protocol=talker.protocol, from_port=talker.port, to_port=talker.port)


def permission(rule: GroupRule) -> dict[str, Any]:
    """As ``IpPermissions`` takes it."""
    key, name = next(
        (
            (key, name)
            for key, name, sign in (
                ("PrefixListIds", "PrefixListId", "pl-"), ("UserIdGroupPairs", "GroupId", "sg-"), ("Ipv6Ranges", "CidrIpv6", ":"),
            )
            if sign in rule.peer
        ),
        ("IpRanges", "CidrIp"),
    )  # fmt: skip
    ports = {} if rule.protocol == "-1" else {"FromPort": rule.from_port, "ToPort": rule.to_port}
    said = {"Description": rule.description} if rule.description else {}
    return {"IpProtocol": rule.protocol, **ports, key: [{name: rule.peer, **said}]}


def rules_of(call: PlannedCall) -> list[GroupRule]:
    """The rules that a call makes or takes back by their content."""
    return [
        GroupRule(
            "", call.parameters["GroupId"], call.operation.endswith("Egress"), item["IpProtocol"], item.get("FromPort", -1),
            item.get("ToPort", -1), str(next(value for name, value in peer.items() if name != "Description")),
        )
        for item in call.parameters["IpPermissions"]
        for key in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
        for peer in item.get(key) or ()
    ]  # fmt: skip


def _closed_before(world: Dossier, draft: Draft) -> None:
    """What an earlier plan of the step closed: so still, unless an equal rule is there again."""
    if draft.remembered is None:
        return
    planned = {call.id for call in (*draft.calls, *draft.already)}
    there = {item.effect for item in world.rules or ()}
    inverses = {name: call for call in draft.remembered.undo for name in call.undoes}
    for call in (*draft.remembered.calls, *draft.remembered.already):
        inverse = inverses.get(call.id)
        if call.id in planned or inverse is None:
            continue
        effects = {rule.effect for rule in rules_of(inverse)}
        if not effects & there if call.id.startswith("rule-") else effects <= there:
            draft.already.append(call)
            draft.undo.append(inverse)


# -- network ACLs


def _plan_acl(world: Dossier, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.ACLS)
    blocks = _nothing_chosen(world, draft)
    if draft.choices["deny"] == "no":
        draft.notes.append("not chosen: the subnets go on letting the addresses through")
        blocks = ()
    _filtered(world, blocks, draft)
    if not draft.blocked:
        for acl in world.acls or ():
            for egress in (False, True):
                _deny_all(acl, egress, blocks, draft)
            if blocks:
                _who_is_behind(world, acl, draft)
        if blocks:
            draft.notes += [said for block in blocks for said in warnings(world, block)]
            draft.notes.append("a network ACL has no memory: connections that are open now end at once")
        _denied_before(world, draft)
    draft.prove(
        "each entry reads back before the first one that allows",
        "DescribeNetworkAcls",
        {"NetworkAclIds": [acl.id for acl in world.acls or ()]},
    )
    return draft.step(Kind.CHANGE)


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
                "renumber that entry by hand so that there is room before it, then plan again",
            )
            continue
        family = [entry for entry in entries if (":" in entry.block) is (":" in block)]
        full = len(family) + len([number for number in taken if number not in {entry.number for entry in entries}]) + 1
        if there is None and full >= quota:
            draft.block(
                f"{acl.id} has {full} entries {way} with its last one, and {quota} is the most",
                "remove entries that are not needed; or have the quota raised (Service Quotas, VPC, up to 40) and set quota=40",
            )
            continue
        taken.add(number)
        name = f"{stem}{number}"
        entry = {"NetworkAclId": acl.id, "RuleNumber": number, "Egress": egress}
        denied = {"CidrBlock" if ":" not in block else "Ipv6CidrBlock": block, "Protocol": "-1", "RuleAction": "deny"}
        draft.want(
            name, "CreateNetworkAclEntry", {**entry, **denied}, so_already=there is not None,
            why=f"{acl.id}: entry {number} denies {block} {way}",
        )  # fmt: skip
        draft.take_back(
            f"undo-{name}", "DeleteNetworkAclEntry", entry, undoes=(name,), why=f"{acl.id}: entry {number} goes again"
        )
        draft.changes.append(
            f"+ {acl.id} entry {number}: nothing {'out to' if egress else 'in from'} {block} (the first that allows it is {before if allows else 'none'})"
        )


def _recalled_number(stem: str, draft: Draft) -> int:
    """The number that an earlier plan of the step chose; 0: none."""
    calls = (*draft.remembered.calls, *draft.remembered.already) if draft.remembered else ()
    return next((int(call.parameters["RuleNumber"]) for call in calls if call.id.startswith(stem)), 0)


def _entry_as_left(world: Dossier, call: PlannedCall, _: bool, __: bool) -> str:
    """The entry under this number may be another one by now; see :attr:`Action.leave`."""
    asked = call.parameters
    found = next(
        (
            entry
            for acl in world.acls or ()
            if acl.id == asked["NetworkAclId"]
            for entry in acl.entries
            if entry.number == asked["RuleNumber"] and entry.egress is asked["Egress"]
        ),
        None,
    )
    made = world.stands.get(call.undoes[0])
    block = str((made.parameters.get("CidrBlock") or made.parameters.get("Ipv6CidrBlock")) if made else "")
    if found is not None and (found.allow or (block and found.block != block)):
        return f"entry {asked['RuleNumber']} of {asked['NetworkAclId']} is somebody else's by now: look at it by hand"
    return ""


def _overlaps(entry: AclEntry, block: str) -> bool:
    return overlap(entry.block, block)


def _denies(entry: AclEntry, block: str) -> bool:
    same = entry.protocol == "-1" and entry.ports is None
    return not entry.allow and same and within(block, entry.block)


def _who_is_behind(world: Dossier, acl: Acl, draft: Draft) -> None:
    behind = tuple(name for subnet in acl.subnets for name in world.neighbours.get(subnet, ()))
    draft.hits(
        f"{many(len(behind), 'other stands', 'others stand')} in the {many(len(acl.subnets), 'subnet')} behind {acl.id}: {', '.join(acl.subnets)}",
        behind,
    )
    if acl.default:
        draft.notes.append(f"{acl.id} is the default list of {world.vpc_id}: subnets made later are behind it too")


def _denied_before(world: Dossier, draft: Draft) -> None:
    """Entries of an earlier plan of the step for addresses that are no longer chosen."""
    if draft.remembered is None:
        return
    planned = {call.id for call in (*draft.calls, *draft.already)}
    there = {
        (acl.id, entry.egress, entry.number, entry.block)
        for acl in world.acls or ()
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


# -- WAF


def _set_options(world: Dossier) -> Options:
    listed = [
        (
            item.key,
            f"{item.version}, {len(item.addresses)} addresses; "
            + (f"used by {', '.join(item.used_by)}" if item.used_by else "no web ACL names it itself")
            + (f"; NOT to block in {', '.join(item.lets_in)}" if item.lets_in else ""),
        )
        for item in world.sets or ()
    ]
    return (("none", "none: no web ACL is in front of it"), *listed)


def _plan_waf(world: Dossier, draft: Draft) -> Step:
    if draft.choices["ip_set"] == "none":
        draft.notes.append("not chosen: a web ACL sees only what comes through a load balancer, API or distribution")
        return draft.step(Kind.CHANGE)
    draft.block_unknown(world.unknown, Facet.SETS)
    blocks = _nothing_chosen(world, draft)
    known = next((item for item in world.sets or () if item.key == draft.choices["ip_set"]), None)
    if known is None and not draft.blocked:
        draft.block(f"the IP set {draft.choices['ip_set']} is gone", "choose another one: c")
    if known is not None and blocks and not draft.blocked:
        _into_set(known, blocks, draft)
    return draft.step(Kind.CHANGE)


def _into_set(known: AddressSet, blocks: tuple[str, ...], draft: Draft) -> None:
    six = known.version == "IPV6"
    fitting, others = (
        [block for block in blocks if (":" in block) is six],
        [block for block in blocks if (":" in block) is not six],
    )
    if others:
        draft.notes.append(
            f"{', '.join(others)}: {known.name} takes only {known.version}; IPv4 and IPv6 have sets of their own"
        )
    if not fitting:
        return
    if known.lets_in:
        draft.block(
            f"{', '.join(known.lets_in)} does something else with {known.name} than block it: the addresses would be let in, or counted",
            "choose a set that every rule blocks: c",
        )
        return
    before = known.addresses
    recalled = draft.recall("ip-set")
    so_already = set(fitting) <= set(before)
    if so_already and recalled is not None and draft.remembered is not None:
        before = next(
            (tuple(call.parameters["Addresses"]) for call in draft.remembered.undo if call.id == "undo-ip-set"), before
        )
    named = {"Name": known.name, "Scope": known.scope, "Id": known.id}
    waf: dict[str, Any] = {"service": "wafv2", "region": known.region}
    draft.want(
        "lock", "GetIPSet", named, so_already=so_already, why="the set as it is, and its lock token", gives={"SET_LOCK": "LockToken"},
        until=_as_it_was(known.written), **waf,
    )  # fmt: skip
    draft.want(
        "ip-set", "UpdateIPSet", {**named, "Addresses": sorted({*before, *fitting}), "LockToken": ref("SET_LOCK")}, so_already=so_already,
        why=f"{known.name}: {', '.join(fitting)} in it", **waf,
    )  # fmt: skip
    lock = PlannedCall(
        "undo-lock", "wafv2", "GetIPSet", known.region, ordered(named), "the set as it is, and its lock token", {"SET_LOCK": "LockToken"}, ("ip-set",),
    )  # fmt: skip
    draft.take_back(
        "undo-ip-set", "UpdateIPSet", {**named, "Addresses": sorted(before), "LockToken": ref("SET_LOCK")}, undoes=("ip-set",),
        why=f"{known.name}: as it was", first=(lock,), **waf,
    )  # fmt: skip
    draft.changes += [f"+ {known.name}: {block}" for block in fitting]
    if known.used_by:
        draft.hits(
            f"everything behind {', '.join(known.used_by)}: what a rule there does with the set, it does with these addresses"
        )
    else:
        draft.notes.append(f"no web ACL names {known.name} itself: being in it blocks nothing until a rule does")
    draft.notes.append("rule groups are not looked through: one of them may use the set too")
    draft.notes.append(
        "a web ACL blocks requests: connections to other ports of the same machine go on, and flow logs show them"
    )
    draft.prove("the addresses are in the set", "GetIPSet", named, **waf)


def _as_it_was(addresses: tuple[str, ...]) -> Until:
    """The set must hold what it held when this was planned: what is sent takes the place of all of it."""
    listed = json.dumps(sorted(addresses), ensure_ascii=True).replace("`", "\\`")
    same = f"sort(IPSet.Addresses) == `{listed}`"
    return Until(f"{same} && 'as planned' || 'changed by somebody since it was planned'", ("as planned",), ("changed by somebody since it was planned",))  # fmt: skip


def _added(step: Step) -> Mapping[str, Any]:
    """The addresses that the step put into the set; see :attr:`Action.remember`."""
    calls = {call.id: call for call in (*step.calls, *step.already, *step.undo)}
    if not {"ip-set", "undo-ip-set"} <= set(calls):
        return {}
    before = set(calls["undo-ip-set"].parameters["Addresses"])
    return {"added": tuple(item for item in calls["ip-set"].parameters["Addresses"] if item not in before)}


def _set_as_left(world: Dossier, call: PlannedCall, _: bool, __: bool) -> str:
    """Putting the set back as it was would undo what somebody else changed in it since; see :attr:`Action.leave`."""
    known = next((item for item in world.sets or () if item.id == call.parameters.get("Id")), None)
    if known is None:
        return "the set is gone"
    if call.operation != "UpdateIPSet":
        return ""
    left = {*call.parameters["Addresses"], *world.remembered.get("added", ())}
    return (
        "" if left == set(known.addresses) else f"somebody changed {known.name} since: take the addresses out by hand"
    )


# -- VPC Block Public Access


def _vpc_options(world: Dossier) -> Options:
    others = [vpc for vpc in (world.public.open_vpcs if world.public else ()) if vpc != world.vpc_id]
    return tuple((vpc, "goes on: excluded") for vpc in others)


def _plan_dark(world: Dossier, draft: Draft) -> Step:
    mode = draft.choices["mode"]
    if mode == "no":
        draft.notes.append("not chosen: it closes the internet for every VPC of the account in this region")
        return draft.step(Kind.CHANGE)
    draft.block_unknown(world.unknown, Facet.PUBLIC)
    public = world.public
    if public is not None and world.vpc_id in public.exclusions:
        draft.block(
            f"{world.vpc_id} is excluded already ({public.exclusions[world.vpc_id][0]}): its own traffic would go on",
            "delete that exclusion first (VPC › Settings › Block Public Access), or deny the address in the subnet",
        )
    if draft.blocked or public is None:
        return draft.step(Kind.CHANGE)
    for vpc in parts(draft.choices["keep"]):
        name, reference = f"exclude-{vpc}", f"EXCLUSION_{vpc.replace('-', '_').upper()}"
        draft.want(
            name, "CreateVpcBlockPublicAccessExclusion",
            {"VpcId": vpc, "InternetGatewayExclusionMode": "allow-bidirectional",
             "TagSpecifications": draft.tags("vpc-block-public-access-exclusion", name, world.target, f"vpce-tui-{vpc}")},
            so_already=vpc in public.exclusions, why=f"{vpc} goes on", gives={reference: "VpcBlockPublicAccessExclusion.ExclusionId"},
        )  # fmt: skip
        if vpc in public.exclusions:
            draft.bindings[reference] = public.own.get(name, public.exclusions[vpc][0])
        draft.take_back(
            f"undo-{name}",
            "DeleteVpcBlockPublicAccessExclusion",
            {"ExclusionId": ref(reference)},
            undoes=(name,),
            why=f"{vpc}: no exclusion any more",
        )
    before = public.mode
    if before == mode and draft.remembered is not None:
        before = next(
            (
                str(call.parameters["InternetGatewayBlockMode"])
                for call in draft.remembered.undo
                if call.id == "undo-dark"
            ),
            before,
        )
    draft.want(
        "dark", "ModifyVpcBlockPublicAccessOptions", {"InternetGatewayBlockMode": mode}, so_already=public.mode == mode and public.settled,
        why=f"{world.region}: no VPC " + ("is reached from the internet" if mode == "block-ingress" else "talks with the internet"),
    )  # fmt: skip
    draft.take_back(
        "undo-dark", "ModifyVpcBlockPublicAccessOptions", {"InternetGatewayBlockMode": before}, undoes=("dark",), why=f"{world.region}: as it was, {before}",
    )  # fmt: skip
    kept = {*parts(draft.choices["keep"]), *public.exclusions}
    hit = tuple(vpc for vpc in public.open_vpcs if vpc not in kept)
    draft.changes.append(f"{world.region}: internet gateways {public.mode} → {mode}, for the whole account")
    draft.hits(f"{many(len(hit), 'VPC')} with an internet gateway, or one for IPv6 alone: everything in them", hit)
    draft.notes.append("it takes minutes until it holds everywhere; endpoints, peerings and VPNs go on")
    draft.prove("the mode reads back", "DescribeVpcBlockPublicAccessOptions")
    return draft.step(Kind.CHANGE)


TRAFFIC_RULES: Final = Action(
    frozenset({Facet.TRAFFIC, Facet.RULES}), _plan_rules, unchanged, by_effects,
    (
        Choice("rules", "Which rules to close", _rule_options, _default_rules, many=True),
        Choice(
            "replace", "Put a narrower rule in its place",
            (("seen", "yes: for the other conversations that this machine had through it lately"), ("own", "yes: for the VPC's own ranges"), ("none", "no")),
        ),
    ),
    look=look, target="interface",
    may=("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"),
)  # fmt: skip
TRAFFIC_ACL: Final = Action(
    frozenset({Facet.ACLS}), _plan_acl, unchanged, by_effects,
    (
        Choice("deny", "Deny the chosen addresses in the whole subnet", (("yes", "yes, both ways"), ("no", "no"))),
        Choice("quota", "How many entries a list may have, each way", (("20", "20, AWS's default"), ("40", "40, raised for this account"))),
    ),
    leave=_entry_as_left, target="interface", may=("ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAclEntry"),
)  # fmt: skip
TRAFFIC_WAF: Final = Action(
    frozenset({Facet.SETS}), _plan_waf, unchanged, by_effects,
    (Choice("ip_set", "Into which IP set of WAF", _set_options),), _added,
    leave=_set_as_left, target="interface", may=("wafv2:GetIPSet", "wafv2:UpdateIPSet"),
)  # fmt: skip
TRAFFIC_DARK: Final = Action(
    frozenset({Facet.PUBLIC}), _plan_dark, unchanged, by_effects,
    (
        Choice(
            "mode", "Close the internet for every VPC of this region",
            (("no", "no"), ("block-ingress", "what comes in first"), ("block-bidirectional", "both ways")),
        ),
        Choice("keep", "Which VPCs go on", _vpc_options, many=True),
    ),
    target="interface",
    may=("ec2:ModifyVpcBlockPublicAccessOptions", "ec2:CreateVpcBlockPublicAccessExclusion", "ec2:DeleteVpcBlockPublicAccessExclusion"),
)  # fmt: skip
