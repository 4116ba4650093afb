"""What an incident's record says was done about a target, and whether AWS still shows that: a target that is there again, a security
group, route or policy that somebody put back (drift). A deny policy, a key or a network ACL that was put back is seen by its playbook."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from vpce_tui.aws.call import Call
from vpce_tui.core.json_values import strings
from vpce_tui.core.text import visible
from vpce_tui.detection.assessment import AssessedInstance
from vpce_tui.incident.record import CallStatus, Record, StepRecord
from vpce_tui.incident.states import CallState, StepState
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.parse import moment
from vpce_tui.inventory.resources import Endpoint

_ENDS: Final = (("terminate-instance", "terminate"), ("contain-endpoint", "delete"))
"""Steps after which the target is gone: playbook and step id."""


_CONTAINS: Final = {
    "terminate-instance": (frozenset({"terminate"}), frozenset({"isolate", "cut-credentials"})),
    "contain-endpoint": (frozenset({"delete"}),),
    "revoke-credentials": (frozenset({"sessions"}), frozenset({"quarantine"})),
}
"""Steps that contain the target together, by playbook; established connections outlive a restricted network."""
_EFFECTS: Final = {
    "terminate-instance": {
        "isolate": "isolated",
        "cut-credentials": "its sessions revoked",
        "terminate": "terminated",
    },
    "contain-endpoint": {"policy": "policy restricted", "network": "network restricted", "delete": "deleted"},
    "revoke-credentials": {
        "keys": "keys deactivated",
        "sessions": "sessions revoked",
        "quarantine": "denied everything",
        "persistence": "what it created contained",
    },
    "block-traffic": {"deny": "addresses denied in the network ACL", "rules": "rules revoked"},
}
"""What a step that is in effect did, in words."""


@dataclass(frozen=True, slots=True)
class TargetView:
    """What the last look at the account showed of a target. ``seen_at``: None, it did not find it; ``groups``: the security groups
    of each of an instance's interfaces."""

    seen_at: datetime | None = None
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    endpoint: Endpoint | None = None


class ContainmentStatus(NamedTuple):
    """One playbook on the target, in words. ``contains``: a step that contains it is in effect, and nothing speaks against it."""

    says: str
    contains: bool


def statuses_now(
    records: Mapping[str, Record],
    account: str,
    here: str,
    target: str,
    instances: Iterable[AssessedInstance],
    regions: Mapping[str, Region],
) -> tuple[ContainmentStatus, ...]:
    """See :func:`statuses_in`; against the last look at the account."""
    if not any(found.progress_on(target) for found in records.values()):  # no key waits for all instances
        return ()
    return statuses_in(records, account, here, target, view_of(target, instances, regions))


def statuses_in(
    records: Mapping[str, Record], account: str, here: str, target: str, view: TargetView
) -> tuple[ContainmentStatus, ...]:
    """Of every incident of the account, by its name; see :func:`statuses_of`. Only what the incident that is open ``here`` did
    contains the target: another one may have been about an earlier intrusion, or be somebody's who handed it over."""
    found: list[ContainmentStatus] = []
    for name, record in records.items():
        if record.account == account:
            shown = f"{name} (closed)" if record.closed_at else name
            responses = statuses_of(record, shown, target, view)
            found += [item._replace(contains=item.contains and name == here) for item in responses]
    return tuple(found)


def statuses_of(record: Record, incident: str, target: str, view: TargetView) -> tuple[ContainmentStatus, ...]:
    """One for each playbook that was run on ``target``, against what AWS shows of it."""
    found = []
    for progress in record.progress_on(target):
        states = {step: record.step(f"{progress.playbook}/{target}/{step}") for step in _steps_of(progress.playbook)}
        done = {step for step, known in states.items() if known.state in (StepState.VERIFIED, StepState.MANUAL)}
        reverted = {step for step in done if _has_drifted(states[step], view)}
        done -= reverted
        known = _EFFECTS.get(progress.playbook, {})
        effects = [words for step, words in known.items() if step in done]
        said = f"{progress.playbook} in {visible(incident)}: " + "".join(f"{words}, " for words in effects)
        said += f"{progress.done} of {progress.steps} steps done"
        said += f", {progress.skipped} skipped" if progress.skipped else ""
        back = any(
            playbook == progress.playbook and _seen_since(record, f"{playbook}/{target}/{step}", view.seen_at)
            for playbook, step in _ENDS
        )
        if back:
            said += ". AWS shows it again: open the playbook to see what is no longer true"
        elif reverted:
            no_longer = " or ".join(known.get(step, step) for step in sorted(reverted))
            said += f". AWS shows that it is no longer {no_longer}: open the playbook to do it again"
        contains = any(steps <= done for steps in _CONTAINS.get(progress.playbook, ()))
        found.append(ContainmentStatus(said, contains and not back))
    return tuple(found)


def _steps_of(playbook: str) -> set[str]:
    return {*_EFFECTS.get(playbook, {}), *(step for steps in _CONTAINS.get(playbook, ()) for step in steps)}


def _seen_since(record: Record, key: str, seen_at: datetime | None) -> bool:
    """Whether the target was seen after the step that ends it was verified."""
    step = record.step(key)
    made = [at for call in step.calls.values() if (at := moment(call.at)) is not None]
    return step.state is StepState.VERIFIED and seen_at is not None and bool(made) and seen_at > max(made)


def _has_drifted(step: StepRecord, view: TargetView) -> bool:
    """Whether AWS showed, after a call of the step was made, that it is no longer in effect."""
    newest: dict[tuple[object, ...], CallStatus] = {}  # an interface is moved to one group, then to another
    for known in sorted(step.calls.values(), key=lambda known: known.intent):
        if known.state is CallState.DONE:
            asked = known.call.parameters
            newest[known.call.operation, asked.get("NetworkInterfaceId"), *sorted(asked)] = known
    return any(_seen_after(known, view) and _contradicted(known.call, view) for known in newest.values())


def _seen_after(known: CallStatus, view: TargetView) -> bool:
    made = moment(known.at)
    return made is not None and view.seen_at is not None and made < view.seen_at


def _contradicted(call: Call, view: TargetView) -> bool:
    asked, endpoint = call.parameters, view.endpoint
    if call.operation == "ModifyNetworkInterfaceAttribute" and asked.get("Groups"):
        groups = view.groups.get(str(asked.get("NetworkInterfaceId")))
        return groups is not None and groups != frozenset(strings(asked, "Groups"))
    if call.operation == "ModifyVpcEndpoint" and endpoint is not None and asked.get("VpcEndpointId") == endpoint.id:
        tables = set(strings(asked, "RemoveRouteTableIds")) & set(endpoint.route_tables)
        groups_back = set(strings(asked, "RemoveSecurityGroupIds")) & set(endpoint.groups)
        groups_gone = set(strings(asked, "AddSecurityGroupIds")) - set(endpoint.groups)
        policy = asked.get("PolicyDocument")
        return bool(tables or groups_back or groups_gone) or (
            isinstance(policy, str) and _differ(policy, endpoint.policy)
        )
    return False


def _differ(one: str, other: str) -> bool:
    """Whether two policies differ, both being read."""
    try:
        return bool(json.loads(one) != json.loads(other))
    except ValueError:
        return False


def view_of(target: str, instances: Iterable[AssessedInstance], regions: Mapping[str, Region]) -> TargetView:
    """What the last look at the account found of ``target``: an instance that is not gone, or an endpoint."""
    for item in instances:
        if item.instance.id == target and not item.instance.gone and item.instance.region in regions:
            groups = {nic.id: frozenset(nic.groups) for nic in item.instance.interfaces}
            return TargetView(seen_at=regions[item.instance.region].read_at, groups=groups)
    for region in regions.values():
        if target in region.network.endpoints:
            return TargetView(seen_at=region.read_at, endpoint=region.network.endpoints[target])
    return TargetView()
