"""A plan as data: what a playbook's steps would do now, who else is hit, how it is verified and taken back.

The types are the form of the JSON that passes hands (:func:`step_data`, :meth:`Plan.data`) and of its schema, ``plan.schema.json``
beside this file; :mod:`vpce_tui.plans.plan_validation` reads it.
"""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct, field, to_builtins

from vpce_tui.aws.catalogue import find
from vpce_tui.aws.operation import Access
from vpce_tui.blocks.model import Block, BlockColumn, Cell
from vpce_tui.core.canonical_json import digest

SCHEMA: Final = "vpce-tui:plan:2"


class StepKind(StrEnum):
    """What a step is: reads only, changes something, or is done by a person."""

    READ = "read"
    CHANGE = "change"
    MANUAL = "manual"


class PlanError(Exception):
    """A plan cannot be made or read; the message says why and where."""


class WrongChoice(PlanError):
    """The operator asked for a playbook, step or choice that does not exist."""


class Until(Struct, frozen=True, forbid_unknown_fields=True):
    """A read is made again until ``path`` (JMESPath over its answer) is one of ``good``; one of ``bad`` ends it as failed."""

    path: str
    good: tuple[str, ...]
    bad: tuple[str, ...] = ()


class PlannedCall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A call as planned: parameters may hold references; ``gives`` names what later calls need from the answer (JMESPath).

    A read that gives something is a means to later calls: its answer is no evidence of its own. ``part``: the thing that it
    belongs to where a step works on many; a run that is stopped ends between two of them. ``secret``: where in the answer
    (JMESPath) a secret is, which is handed to the operator once and recorded nowhere. ``profile``: the profile of the
    operator's AWS config that signs it in place of the operator's own credentials: stolen ones are tried, to see them refused.
    """

    id: str
    service: str
    operation: str
    region: str
    parameters: Mapping[str, object]
    why: str = ""
    gives: Mapping[str, str] = {}
    undoes: tuple[str, ...] = ()
    optional: bool = False
    until: Until | None = None
    part: str = ""
    secret: str = field(default="", name="secretAt")
    profile: str = ""

    @property
    def name(self) -> str:
        """``ec2:CreateSnapshots``."""
        return f"{self.service}:{self.operation}"

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        listed = find(self.service, self.operation)
        return listed is None or listed.access is Access.WRITE

    def same_as(self, other: "PlannedCall") -> bool:
        """Whether both would do the same."""
        return digest(self._effect()) == digest(other._effect())

    def _effect(self) -> tuple[object, ...]:
        return (
            self.id,
            self.service,
            self.operation,
            self.region,
            self.parameters,
            dict(self.gives),
            sorted(self.undoes),
            to_builtins(self.until),
            self.secret,
            self.profile,
        )


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a step is verified: in words, and what is read back."""

    says: str
    service: str = ""
    operation: str = ""
    region: str = ""
    parameters: Mapping[str, object] = {}


class Affected(Struct, frozen=True, forbid_unknown_fields=True):
    """Who else is hit, in words, and which things by id."""

    says: str
    names: tuple[str, ...] = ()


class Blocked(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a step cannot run now, and what would make it pass."""

    says: str
    remedy: str


class Option(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One answer that can be chosen. ``cells``: under the question's columns; ``why_not``: why it cannot be chosen (``""``: it can)."""

    value: str
    label: str
    cells: tuple[Cell, ...] = ()
    why_not: str = field(default="", name="whyNot")


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator is asked before a step: the options with their labels, and what is chosen.

    ``free``: other answers than the options are taken; ``many``: several may be chosen. ``columns``: the options are a table.
    """

    id: str
    question: str
    options: tuple[Option, ...]
    chosen: str
    free: bool = False
    many: bool = False
    columns: tuple[BlockColumn, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The label of each value."""
        return {option.value: option.label for option in self.options}


class Step(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One step as planned. ``already``: calls whose effect is there; ``content``: what the operator should see of it.

    ``bindings``: references known from what is there; ``stand_ins``: values in place of references in a dry run.
    """

    id: str
    title: str
    kind: StepKind
    reversible: bool = True
    description: str = ""
    questions: tuple[Question, ...] = ()
    choices: Mapping[str, str] = {}
    requires: tuple[str, ...] = ()
    must_come_first: bool = False
    calls: tuple[PlannedCall, ...] = ()
    already: tuple[PlannedCall, ...] = ()
    undo: tuple[PlannedCall, ...] = ()
    checks: tuple[Check, ...] = ()
    affects: tuple[Affected, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    permissions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    content: tuple[Block, ...] = ()
    bindings: Mapping[str, str] = {}
    stand_ins: Mapping[str, str] = {}

    @property
    def final(self) -> bool:
        """Whether something of the step cannot be taken back."""
        return not self.reversible or is_final(self.calls)


def step_data(step: Step) -> dict[str, object]:
    """The JSON of a step, keys in their fixed order."""
    data: dict[str, object] = to_builtins(step)
    return data


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A whole playbook against one target, planned at one moment; for an incident, or for none yet.

    ``incident``: its name; ``incident_id``: the hash of its record's first row, which no other incident has.
    """

    schema: Literal["vpce-tui:plan:2"] = SCHEMA
    playbook: str
    target: str
    account: str = field(name="accountId")
    region: str
    operator: str
    planned_at: str
    incident: str = ""
    incident_id: str = ""
    steps: tuple[Step, ...]

    def step(self, step_id: str) -> Step:
        """The step with this id; raises :class:`PlanError`."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise PlanError(f"the plan has no step {step_id!r}; it has {', '.join(step.id for step in self.steps)}.")

    def data(self) -> dict[str, object]:
        """The plan's JSON with its own SHA-256, keys in their fixed order."""
        body: dict[str, object] = to_builtins(self)
        return {**body, "sha256": digest(body)}

    @property
    def sha256(self) -> str:
        """The hash that is approved."""
        return str(self.data()["sha256"])

    def text(self) -> str:
        """The file's content."""
        return json.dumps(self.data(), indent=2) + "\n"


def token_text(incident: str, plan: Plan, step: Step, call: PlannedCall, rounds: int = 0) -> str:
    """What a call's client token is the hash of (32 hexadecimal digits of SHA-256): the same for the same try, so that AWS
    makes it once; another one after ``rounds`` undoings, as what was made before may be gone."""
    return f"{incident} {plan.playbook}/{plan.target}/{step.id} {call.id} {rounds}"


def is_final(calls: Sequence[PlannedCall]) -> bool:
    """Whether AWS gives back nothing of what one of these calls takes, or one hands out a secret."""
    return any(call.secret or ((listed := find(call.service, call.operation)) and listed.final) for call in calls)


def permissions_of(calls: Sequence[PlannedCall]) -> tuple[str, ...]:
    """The IAM actions these calls need, sorted."""
    needed: set[str] = set()
    for call in calls:
        listed = find(call.service, call.operation)
        if listed is None:
            raise PlanError(f"{call.name} is not in the catalogue.")
        needed |= set(listed.iam_actions)
    return tuple(sorted(needed))
