"""What an incident's record says was done about a target, and whether AWS still shows the target."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from vpce_tui.core.text import visible
from vpce_tui.detection.assessment import AssessedInstance
from vpce_tui.incident.record import Record
from vpce_tui.incident.states import StepState
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.parse import moment

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


class Response(NamedTuple):
    """One playbook on the target, in words. ``contains``: a step that contains it is in effect, and nothing speaks against it."""

    says: str
    contains: bool


def responses_in(
    records: Mapping[str, Record], account: str, here: str, target: str, seen_at: datetime | None
) -> tuple[Response, ...]:
    """Of every incident of the account, by its name; see :func:`responses_to`. Only what the incident that is open ``here`` did
    contains the target: another one may have been about an earlier intrusion, or be somebody's who handed it over."""
    found: list[Response] = []
    for name, record in records.items():
        if record.account == account:
            shown = f"{name} (closed)" if record.closed_at else name
            responses = responses_to(record, shown, target, seen_at)
            found += [item._replace(contains=item.contains and name == here) for item in responses]
    return tuple(found)


def responses_to(record: Record, incident: str, target: str, seen_at: datetime | None) -> tuple[Response, ...]:
    """One for each playbook that was run on ``target``. ``seen_at``: when AWS showed it last; None: it did not."""
    found = []
    for progress in record.progress_on(target):
        states = {step: record.step(f"{progress.playbook}/{target}/{step}") for step in _steps_of(progress.playbook)}
        done = {step for step, known in states.items() if known.state in (StepState.VERIFIED, StepState.MANUAL)}
        effects = [words for step, words in _EFFECTS.get(progress.playbook, {}).items() if step in done]
        said = f"{progress.playbook} in {visible(incident)}: " + "".join(f"{words}, " for words in effects)
        said += f"{progress.done} of {progress.steps} steps done"
        said += f", {progress.skipped} skipped" if progress.skipped else ""
        back = any(
            playbook == progress.playbook and _seen_since(record, f"{playbook}/{target}/{step}", seen_at)
            for playbook, step in _ENDS
        )
        if back:
            said += ". AWS shows it again: open the playbook to see what is no longer true"
        contains = any(steps <= done for steps in _CONTAINS.get(progress.playbook, ()))
        found.append(Response(said, contains and not back))
    return tuple(found)


def _steps_of(playbook: str) -> set[str]:
    return {*_EFFECTS.get(playbook, {}), *(step for steps in _CONTAINS.get(playbook, ()) for step in steps)}


def _seen_since(record: Record, key: str, seen_at: datetime | None) -> bool:
    """Whether the target was seen after the step that ends it was verified."""
    step = record.step(key)
    made = [at for call in step.calls.values() if (at := moment(call.at)) is not None]
    return step.state is StepState.VERIFIED and seen_at is not None and bool(made) and seen_at > max(made)


def still_there(target: str, instances: Iterable[AssessedInstance], regions: Mapping[str, Region]) -> bool:
    """Whether the last look at the account found ``target``: an instance that is not gone, or an endpoint."""
    found = any(item.instance.id == target and not item.instance.gone for item in instances)
    return found or any(target in region.network.endpoints for region in regions.values())
