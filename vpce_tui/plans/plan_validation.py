"""The form of a plan and of a step: what is read from a file or a record is checked before anything is made from it.

Its structure is that of the types in :mod:`vpce_tui.plans.plan`, every name, id and region has the form AWS gives such a thing, and
every call's parameters are those of the bundled service model.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from vpce_tui.blocks.model import wrong as wrong_block
from vpce_tui.core.typed_data import Malformed, convert
from vpce_tui.plans.placeholders import (
    AWS_NOW,
    INCIDENT,
    REFERENCE,
    TOKEN,
    is_placeholder,
    malformed,
    nested_decode,
    sealed_in,
)
from vpce_tui.plans.plan import SCHEMA, Plan, PlanError, PlannedCall, Step, StepKind

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,299}")
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]{1,12}){1,3}-[0-9]{1,2}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_OPERATOR: Final = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:[!-~]{1,2100}")
_TIME: Final = re.compile(r"20[0-9]{2}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z")
_IAM_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_INCIDENT: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62})?")
_INCIDENT_ID: Final = re.compile(r"(?:[0-9a-f]{64})?")
_HASH: Final = re.compile(r"[0-9a-f]{64}")

_RESERVED: Final = frozenset({INCIDENT, AWS_NOW, TOKEN})
"""References that are never bound by a plan: their values are known at run time."""


def from_json(data: object, name: str = "the plan") -> Plan:
    """A plan from its JSON, as it is in a file or a journal. Raises :class:`PlanError`."""
    if not isinstance(data, dict) or not _HASH.fullmatch(str(data.get("sha256", ""))):
        raise PlanError(f"{name} is not a plan: it has no sha256.")
    try:
        plan = convert(_whole_of_today({key: value for key, value in data.items() if key != "sha256"}), Plan)
    except Malformed as error:
        raise PlanError(f"{name} is not a plan: {error}.") from error
    except RecursionError as error:
        raise PlanError(f"{name} is not a plan: it is nested too deep.") from error
    problem = next(iter((*_head(plan), *_ids(plan))), "") or next(
        (found for step in plan.steps if (found := wrong(step))), ""
    )
    if problem:
        raise PlanError(f"{name} is not a plan: {problem}.")
    return plan


def recorded_step(planned: Mapping[str, object]) -> Step:
    """A step as a journal has it; a record may be somebody else's, so it is looked at as a file is. Raises :class:`PlanError`."""
    try:
        step = convert(_step_of_today(planned), Step)
        problem = wrong(step)
    except (Malformed, RecursionError) as error:
        problem = str(error)
    if problem:
        raise PlanError(f"a step in the record is not valid: {problem}. Run vpce-tui verify; undo it manually")
    return step


_FIRST: Final = "vpce-tui:plan:1"
"""The form of plans in records of version 0.1 before steps held content blocks."""


def _whole_of_today(data: Mapping[str, object]) -> Mapping[str, object]:
    """A plan of the first form as one of today: an incident that was begun with it can continue."""
    steps = data.get("steps")
    if data.get("schema") != _FIRST or not isinstance(steps, list):
        return data
    return {**data, "schema": SCHEMA, "steps": [_step_of_today(step) for step in steps]}


def _step_of_today(step: object) -> object:
    if not isinstance(step, Mapping) or "notes" not in step:
        return step
    notes, affects = step["notes"], step.get("affects", ())
    return {
        **{key: value for key, value in step.items() if key != "notes"},
        "content": [{"block": "text", "text": note} for note in notes] if isinstance(notes, list) else notes,
        "affects": [
            {key: value for key, value in item.items() if key != "count"} if isinstance(item, Mapping) else item
            for item in affects
        ],
    }


def _head(plan: Plan) -> Iterator[str]:
    from vpce_tui.plans.targets import KINDS  # noqa: PLC0415

    for what, pattern, value in (
        ("playbook", _ID, plan.playbook),
        ("account", _ACCOUNT, plan.account),
        ("region", _REGION, plan.region),
        ("operator", _OPERATOR, plan.operator),
        ("time", _TIME, plan.planned_at),
        ("incident", _INCIDENT, plan.incident),
        ("incident's id", _INCIDENT_ID, plan.incident_id),
    ):
        if not pattern.fullmatch(value):
            yield f"{what} {value[:80]!r}"
    if not any(kind.pattern.fullmatch(plan.target) for kind in KINDS.values()):
        yield f"target {plan.target[:80]!r}"


def _ids(plan: Plan) -> Iterator[str]:
    ids = [step.id for step in plan.steps]
    twice = {identifier for identifier in ids if ids.count(identifier) > 1}
    yield from (f"the step {identifier[:80]!r} is in it twice" for identifier in sorted(twice))


def wrong(step: Step) -> str:
    """What in a step no plan of ours holds; ``""``: nothing. Scripts and the engine are made from it."""
    return next(_wrong(step), "")


def _wrong(step: Step) -> Iterator[str]:
    if not _ID.fullmatch(step.id):
        yield f"step id {step.id[:80]!r}"
    for needed in step.requires:
        if not _ID.fullmatch(needed):
            yield f"{step.id} requires {needed[:80]!r}"
    for action in step.permissions:
        if not _IAM_ACTION.fullmatch(action):
            yield f"permission {action[:80]!r} of {step.id}"
    for block in step.content:
        if found := wrong_block(block):
            yield f"{step.id}: {found}"
    for question in step.questions:
        if any(len(option.cells) != len(question.columns) for option in question.options):
            yield f"the options of {step.id}.{question.id[:80]} do not fit their columns"
    for name, value in (*step.bindings.items(), *step.stand_ins.items()):
        if not REFERENCE.fullmatch(name) or name in _RESERVED or not value.isprintable():
            yield f"binding {name[:80]!r} of {step.id}"
    for question in step.questions:
        if step.choices.get(question.id) != question.chosen:
            yield f"answer shown for {step.id}.{question.id[:80]}: {question.chosen[:80]!r}"
    for check in step.checks:
        if check.operation and (found := _call_problem(check.service, check.operation, check.region, check.parameters)):
            yield f"a check of {step.id}: {found}"
    for group in ((*step.calls, *step.already), step.undo):
        ids = [call.id for call in group]
        yield from (
            f"the call {name[:80]!r} occurs twice in {step.id}" for name in sorted({i for i in ids if ids.count(i) > 1})
        )
    for call in step.undo:
        if next(sealed_in(call.parameters), None) is not None:
            yield f"{call.id[:80]} of {step.id}: an inverse call must be shown in full, and this one hides a part"
    for call in (*step.calls, *step.already, *step.undo):
        yield from (f"{call.id[:80]} of {step.id}: {found}" for found in _wrong_call(step, call))


def _wrong_call(step: Step, call: PlannedCall) -> Iterator[str]:
    from vpce_tui.aws.catalogue import CREDENTIAL_CHECK_OPERATIONS, SECRET_OPERATIONS, find  # noqa: PLC0415
    from vpce_tui.aws.credential_check import PROFILE  # noqa: PLC0415
    from vpce_tui.aws.operation import Access  # noqa: PLC0415

    if not _ID.fullmatch(call.id):
        yield "its id is not valid"
    found = _call_problem(call.service, call.operation, call.region, call.parameters)
    if found:
        yield found
        return
    listed = find(call.service, call.operation)
    assert listed is not None
    if step.kind is not StepKind.CHANGE and listed.access is Access.WRITE:
        yield f"{call.name} changes something, and the step only reads"
    if call.profile and not (
        step.kind is StepKind.READ
        and (call.service, call.operation) in CREDENTIAL_CHECK_OPERATIONS
        and PROFILE.fullmatch(call.profile)
    ):
        yield f"profile {call.profile[:80]!r}"
    if not all(REFERENCE.fullmatch(name) and name not in _RESERVED for name in call.gives):
        yield f"it gives {str(list(call.gives))[:80]}"
    if call.until is not None and (not call.until.good or listed.access is Access.WRITE):
        yield "it would repeat a write" if call.until.good else "it waits for no state"
    if call.secret and (call.service, call.operation) not in SECRET_OPERATIONS:
        yield f"{call.name} hands out no secret"
    if any(nested_decode(value) for value in call.parameters.values()):
        yield "a nested parameter must not be decoded"
    for path in (*call.gives.values(), call.secret, call.until.path if call.until else ""):
        if path and not _is_path(path):
            yield f"{path[:80]!r} is not a JMESPath expression"


def _call_problem(service: str, operation: str, region: str, parameters: Mapping[str, object]) -> str:
    from vpce_tui.aws.catalogue import find  # noqa: PLC0415
    from vpce_tui.aws.parameters import problem  # noqa: PLC0415

    listed = find(service, operation)
    if listed is None:
        return f"operation {service[:40]}:{operation[:80]} is not on the reviewed list"
    if listed.parameters_problem(parameters):
        return f"{listed.service}:{listed.name}: {listed.parameters_problem(parameters)}"
    if not _REGION.fullmatch(region):
        return f"region {region[:80]!r}"
    return malformed(parameters) or problem(service, operation, parameters, is_placeholder)


def _is_path(path: str) -> bool:
    import jmespath  # noqa: PLC0415
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    try:
        jmespath.compile(path)
    except JMESPathError:
        return False
    return path.isascii() and path.isprintable()
