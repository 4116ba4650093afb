"""Put an address into an IP set of WAF.

(AWS: "IP sets in AWS WAF".)
"""

import json
from collections.abc import Mapping
from typing import Final

from vpce_tui.core.json_values import strings
from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, Choice, Options, by_effects, unchanged
from vpce_tui.plans.actions.blocking.blockable import nothing_chosen
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import PlannedCall, Step, StepKind, Until
from vpce_tui.plans.step_builder import Draft, Place, ordered
from vpce_tui.plans.targets.barriers import AddressSet
from vpce_tui.plans.targets.interface_state import InterfaceAspect, InterfaceState


def _set_options(state: InterfaceState) -> Options:
    listed = [
        (
            item.key,
            f"{item.version}, {many(len(item.addresses), 'address', 'addresses')}; "
            + (f"used by {', '.join(item.used_by)}" if item.used_by else "no web ACL refers to it directly")
            + (f"; NOT used to block in {', '.join(item.lets_in)}" if item.lets_in else ""),
        )
        for item in state.sets or ()
    ]
    return (("none", "none: no web ACL is changed"), *listed)


def _plan_waf(state: InterfaceState, draft: Draft) -> Step:
    if draft.choices["ip_set"] == "none":
        draft.note("not chosen: a web ACL sees only what comes through a load balancer, API or distribution")
        return draft.step(StepKind.CHANGE)
    draft.block_unknown(state.unknown, InterfaceAspect.SETS)
    blocks = nothing_chosen(state, draft)
    known = next((item for item in state.sets or () if item.key == draft.choices["ip_set"]), None)
    if known is None and not draft.blocked:
        draft.block(f"the IP set {draft.choices['ip_set']} is gone", "choose another one in its prompts")
    if known is not None and blocks and not draft.blocked:
        _into_set(known, blocks, draft)
    return draft.step(StepKind.CHANGE)


def _into_set(known: AddressSet, blocks: tuple[str, ...], draft: Draft) -> None:
    six = known.version == "IPV6"
    fitting, others = (
        [block for block in blocks if (":" in block) is six],
        [block for block in blocks if (":" in block) is not six],
    )
    if others:
        draft.note(
            f"{', '.join(others)}: {known.name} takes only {known.version}; IPv4 and IPv6 have sets of their own"
        )
    if not fitting:
        return
    if known.lets_in:
        draft.block(
            f"{', '.join(known.lets_in)} does not block the addresses of {known.name}: they would be allowed, or only counted",
            "choose an IP set that every rule blocks in its prompts",
        )
        return
    before = known.addresses
    recalled = draft.recall("ip-set")
    so_already = set(fitting) <= set(before)
    if so_already and recalled is not None and draft.remembered is not None:
        before = next(
            (strings(call.parameters, "Addresses") for call in draft.remembered.undo if call.id == "undo-ip-set"),
            before,
        )
    named = {"Name": known.name, "Scope": known.scope, "Id": known.id}
    waf: Place = {"service": "wafv2", "region": known.region}
    draft.ensure(
        "lock",
        "GetIPSet",
        named,
        so_already=so_already,
        why="the set as it is, and its lock token",
        gives={"SET_LOCK": "LockToken"},
        until=_as_it_was(known.written),
        **waf,
    )
    draft.ensure(
        "ip-set",
        "UpdateIPSet",
        {**named, "Addresses": sorted({*before, *fitting}), "LockToken": ref("SET_LOCK")},
        so_already=so_already,
        why=f"{known.name}: add {', '.join(fitting)}",
        **waf,
    )
    lock = PlannedCall(
        id="undo-lock",
        service="wafv2",
        operation="GetIPSet",
        region=known.region,
        parameters=ordered(named),
        why="the set as it is, and its lock token",
        gives={"SET_LOCK": "LockToken"},
        undoes=("ip-set",),
    )
    draft.add_inverse(
        "undo-ip-set",
        "UpdateIPSet",
        {**named, "Addresses": sorted(before), "LockToken": ref("SET_LOCK")},
        undoes=("ip-set",),
        why=f"{known.name}: restore its earlier addresses",
        first=(lock,),
        **waf,
    )
    draft.changes += [f"+ {known.name}: {block}" for block in fitting]
    if known.used_by:
        draft.add_impact(
            f"everything behind {', '.join(known.used_by)}: rules that use the IP set apply to these addresses"
        )
    else:
        draft.note(f"no web ACL refers to {known.name} directly: nothing is blocked until a rule uses it")
    draft.note("rule groups are not searched: one of them may also use the IP set")
    draft.note(
        "a web ACL blocks requests: connections to other ports of the same instance are not blocked, and flow logs show them"
    )
    draft.prove("the addresses are in the set", "GetIPSet", named, **waf)


def _as_it_was(addresses: tuple[str, ...]) -> Until:
    """The set must hold what it held when this was planned: what is sent takes the place of all of it."""
    listed = json.dumps(sorted(addresses), ensure_ascii=True).replace("`", "\\`")
    same = f"sort(IPSet.Addresses) == `{listed}`"
    return Until(
        f"{same} && 'as planned' || 'changed by somebody since it was planned'",
        ("as planned",),
        ("changed by somebody since it was planned",),
    )


def _added(step: Step) -> Mapping[str, object]:
    """The addresses that the step put into the set; see :attr:`Action.remember`."""
    calls = {call.id: call for call in (*step.calls, *step.already, *step.undo)}
    if not {"ip-set", "undo-ip-set"} <= set(calls):
        return {}
    before = set(strings(calls["undo-ip-set"].parameters, "Addresses"))
    return {"added": tuple(item for item in strings(calls["ip-set"].parameters, "Addresses") if item not in before)}


def _set_as_left(state: InterfaceState, call: PlannedCall, _: bool, __: bool) -> str:
    """Putting the set back as it was would undo what somebody else changed in it since; see :attr:`Action.why_not_undone`."""
    known = next((item for item in state.sets or () if item.id == call.parameters.get("Id")), None)
    if known is None:
        return "the set is gone"
    if call.operation != "UpdateIPSet":
        return ""
    left = {*strings(call.parameters, "Addresses"), *strings(state.remembered, "added")}
    return "" if left == set(known.addresses) else f"somebody changed {known.name} since: remove the addresses manually"


TRAFFIC_WAF: Final[Action[InterfaceState]] = Action(
    aspects=frozenset({InterfaceAspect.SETS}),
    plan=_plan_waf,
    expect=unchanged,
    verify=by_effects,
    choices=(Choice("ip_set", "Which AWS WAF IP set", _set_options),),
    remember=_added,
    why_not_undone=_set_as_left,
    may=("wafv2:GetIPSet", "wafv2:UpdateIPSet"),
    taken_back_by=("wafv2:UpdateIPSet",),
)
