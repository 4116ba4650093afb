"""How the step that would run now differs from the one that a plan's file has."""

import json
from collections.abc import Mapping

from msgspec.structs import replace

from vpce_tui.plans.plan import PlannedCall, Step


def differences(filed: Step, live: Step) -> list[str]:
    """What the step would now do other than what the file says, in words; empty: nothing.

    Doing less because an effect is there already is no difference; anything else is.
    """
    found = []
    for what, mine, theirs in (
        ("kind", filed.kind.value, live.kind.value),
        ("reversible", filed.reversible, live.reversible),
        ("requires", list(filed.requires), list(live.requires)),
        ("must come first", filed.must_come_first, live.must_come_first),
    ):
        if mine != theirs:
            found.append(f"{what}: the plan says {mine}; it is {theirs}")
    said = {call.id: call for call in (*filed.calls, *filed.already)}
    now = {call.id: call for call in (*live.calls, *live.already)}
    found += [f"it would also call {call.name} ({call.id})" for key, call in now.items() if key not in said]
    found += [f"it would no longer call {call.name} ({call.id})" for key, call in said.items() if key not in now]
    there = {call.id for call in live.already}
    for key, call in now.items():
        if key in said and not (_waiting_for_nothing(call, said[key]) if key in there else call.same_as(said[key])):
            found.append(
                f"{call.name} ({call.id}): the plan says {_short(said[key].parameters)}; now it would be {_short(call.parameters)}"
            )
    inverse = {call.id: call for call in filed.undo}
    found += [
        f"its undo would restore something else ({call.id}): the plan says {_short(inverse[call.id].parameters)}; "
        f"now it would be {_short(call.parameters)}"
        for call in live.undo
        if call.id in inverse and not call.same_as(inverse[call.id])
    ]
    verify = {call.id for call in filed.already}
    found += [
        f"{call.name} ({call.id}) was in effect when the plan was created, and is not any more"
        for call in live.calls
        if call.id in verify
    ]
    order = [call.id for call in filed.calls]
    if [call.id for call in live.calls if call.id in order] != [
        key for key in order if key in {c.id for c in live.calls}
    ]:
        found.append("its calls would come in another order")
    return found


def _waiting_for_nothing(call: PlannedCall, said: PlannedCall) -> bool:
    """Whether both would do the same, apart from what is waited for first: what is in effect already waits for nothing."""
    return replace(call, until=None).same_as(replace(said, until=None))


def _short(parameters: Mapping[str, object]) -> str:
    text = json.dumps(parameters, sort_keys=True)
    return text if len(text) <= 300 else text[:299] + "…"
