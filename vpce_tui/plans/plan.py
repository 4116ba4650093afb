"""A plan as data: what a playbook's steps would do now, who else is hit, how it is verified and taken back.

The JSON form is the contract between operators; its schema is ``plan.schema.json`` beside this file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Self

from vpce_tui.core.canonical_json import digest

SCHEMA: Final = "vpce-tui:plan:1"


class StepKind(StrEnum):
    """What a step is: reads only, changes something, or is done by a person."""

    READ = "read"
    CHANGE = "change"
    MANUAL = "manual"


class PlanError(Exception):
    """A plan cannot be made or read; the message says why and where."""


@dataclass(frozen=True, slots=True)
class Until:
    """A read is made again until ``path`` (JMESPath over its answer) is one of ``good``; one of ``bad`` ends it as failed."""

    path: str
    good: tuple[str, ...]
    bad: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The plan's form."""
        return {"path": self.path, "good": list(self.good), "bad": list(self.bad)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(data["path"], tuple(data["good"]), tuple(data["bad"]))


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call as planned: parameters may hold references; ``gives`` names what later calls need from the answer (JMESPath).

    A read that gives something is a means to later calls: its answer is no evidence of its own. ``part``: the thing that it
    belongs to where a step works on many; a run that is stopped ends between two of them. ``secret``: where in the answer
    (JMESPath) a secret stands, which is handed to the operator once and recorded nowhere. ``profile``: the profile of the
    operator's AWS config that signs it in place of the operator's own credentials: stolen ones are tried, to see them refused.
    """

    id: str
    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]
    why: str = ""
    gives: Mapping[str, str] = field(default_factory=dict)
    undoes: tuple[str, ...] = ()
    optional: bool = False
    until: Until | None = None
    part: str = ""
    secret: str = ""
    profile: str = ""

    @property
    def name(self) -> str:
        """``ec2:CreateSnapshots``."""
        return f"{self.service}:{self.operation}"

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        from vpce_tui.aws.catalogue import Access, find  # noqa: PLC0415

        listed = find(self.service, self.operation)
        return listed is None or listed.access is Access.WRITE

    def to_json(self) -> dict[str, Any]:
        """The plan's form of a call."""
        written: dict[str, Any] = {
            "id": self.id,
            "service": self.service,
            "operation": self.operation,
            "region": self.region,
            "parameters": dict(self.parameters),
            "why": self.why,
        }
        if self.gives:
            written["gives"] = dict(self.gives)
        if self.undoes:
            written["undoes"] = list(self.undoes)
        if self.optional:
            written["optional"] = True
        if self.until:
            written["until"] = self.until.to_json()
        if self.part:
            written["part"] = self.part
        if self.secret:
            written["secretAt"] = self.secret
        if self.profile:
            written["profile"] = self.profile
        return written

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(
            data["id"],
            data["service"],
            data["operation"],
            data["region"],
            data["parameters"],
            data.get("why", ""),
            data.get("gives", {}),
            tuple(data.get("undoes", ())),
            bool(data.get("optional", False)),
            Until.from_json(data["until"]) if data.get("until") else None,
            str(data.get("part", "")),
            str(data.get("secretAt", "")),
            str(data.get("profile", "")),
        )

    def same_as(self, other: "PlannedCall") -> bool:
        """Whether both would do the same."""
        return digest(self._effect()) == digest(other._effect())

    def _effect(self) -> tuple[Any, ...]:
        return (
            self.id,
            self.service,
            self.operation,
            self.region,
            self.parameters,
            dict(self.gives),
            sorted(self.undoes),
            self.until.to_json() if self.until else None,
            self.secret,
            self.profile,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """How a step is verified: in words, and what is read back."""

    says: str
    service: str = ""
    operation: str = ""
    region: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The plan's form."""
        return {
            "says": self.says,
            "service": self.service,
            "operation": self.operation,
            "region": self.region,
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class Affected:
    """Who else is hit, in words, and which things by id."""

    says: str
    names: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The plan's form."""
        return {"says": self.says, "count": len(self.names), "names": list(self.names)}


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a step cannot run now, and what would make it pass."""

    says: str
    remedy: str

    def to_json(self) -> dict[str, Any]:
        """The plan's form."""
        return {"says": self.says, "remedy": self.remedy}


@dataclass(frozen=True, slots=True)
class Question:
    """What the operator is asked before a step: the options with their labels, and what is chosen."""

    id: str
    question: str
    options: tuple[tuple[str, str], ...]
    chosen: str
    free: bool = False
    many: bool = False

    def to_json(self) -> dict[str, Any]:
        """The plan's form."""
        return {
            "id": self.id,
            "question": self.question,
            "chosen": self.chosen,
            "free": self.free,
            "many": self.many,
            "options": [{"value": value, "label": label} for value, label in self.options],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read it back."""
        options = tuple((item["value"], item["label"]) for item in data["options"])
        return cls(data["id"], data["question"], options, data["chosen"], data["free"], data["many"])


@dataclass(frozen=True, slots=True)
class Step:
    """One step as planned. ``already``: calls whose effect is there; ``bindings``: references known from what is there."""

    id: str
    title: str
    kind: StepKind
    description: str = ""
    calls: tuple[PlannedCall, ...] = ()
    already: tuple[PlannedCall, ...] = ()
    undo: tuple[PlannedCall, ...] = ()
    checks: tuple[Check, ...] = ()
    affects: tuple[Affected, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    permissions: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    reversible: bool = True
    must_come_first: bool = False
    bindings: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, str] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether something of the step cannot be taken back."""
        return not self.reversible or is_final(self.calls)

    def to_json(self) -> dict[str, Any]:
        """The plan's form of a step, keys in their fixed order."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind.value,
            "reversible": self.reversible,
            "description": self.description,
            "questions": [question.to_json() for question in self.questions],
            "choices": dict(self.choices),
            "requires": list(self.requires),
            "mustComeFirst": self.must_come_first,
            "calls": [call.to_json() for call in self.calls],
            "already": [call.to_json() for call in self.already],
            "undo": [call.to_json() for call in self.undo],
            "checks": [check.to_json() for check in self.checks],
            "affects": [affected.to_json() for affected in self.affects],
            "blocked": [blocked.to_json() for blocked in self.blocked],
            "permissions": list(self.permissions),
            "changes": list(self.changes),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(
            id=data["id"],
            title=data["title"],
            kind=StepKind(data["kind"]),
            description=data.get("description", ""),
            calls=tuple(PlannedCall.from_json(item) for item in data["calls"]),
            already=tuple(PlannedCall.from_json(item) for item in data.get("already", ())),
            undo=tuple(PlannedCall.from_json(item) for item in data["undo"]),
            checks=tuple(Check(**item) for item in data["checks"]),
            affects=tuple(Affected(item["says"], tuple(item["names"])) for item in data["affects"]),
            blocked=tuple(Blocked(item["says"], item["remedy"]) for item in data["blocked"]),
            permissions=tuple(data["permissions"]),
            changes=tuple(data.get("changes", ())),
            notes=tuple(data.get("notes", ())),
            questions=tuple(Question.from_json(item) for item in data.get("questions", ())),
            choices=dict(data.get("choices", {})),
            requires=tuple(data.get("requires", ())),
            reversible=bool(data["reversible"]),
            must_come_first=bool(data.get("mustComeFirst", False)),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole playbook against one target, planned at one moment; for an incident, or for none yet."""

    playbook: str
    target: str
    account: str
    region: str
    operator: str
    planned_at: str
    steps: tuple[Step, ...]
    incident: str = ""
    """The incident that it was made for, by name."""
    incident_id: str = ""
    """The same by the hash of its record's first row, which no other incident has."""

    def step(self, step_id: str) -> Step:
        """The step with this id; raises :class:`PlanError`."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise PlanError(f"the plan has no step {step_id!r}; it has {', '.join(step.id for step in self.steps)}.")

    def to_json(self) -> dict[str, Any]:
        """The plan with its own SHA-256, keys in their fixed order."""
        body: dict[str, Any] = {
            "schema": SCHEMA,
            "playbook": self.playbook,
            "target": self.target,
            "accountId": self.account,
            "region": self.region,
            "operator": self.operator,
            "plannedAt": self.planned_at,
            "incident": self.incident,
            "incidentId": self.incident_id,
            "steps": [step.to_json() for step in self.steps],
        }
        return {**body, "sha256": digest(body)}

    @property
    def sha256(self) -> str:
        """The hash that is approved."""
        return str(self.to_json()["sha256"])

    def text(self) -> str:
        """The file's content."""
        return json.dumps(self.to_json(), indent=2) + "\n"


class WrongChoice(PlanError):
    """The operator asked for a playbook, step or choice that does not exist."""


def token_text(incident: str, plan: Plan, step: Step, call: PlannedCall, rounds: int = 0) -> str:
    """What a call's client token is the hash of (32 hexadecimal digits of SHA-256): the same for the same try, so that AWS
    makes it once; another one after ``rounds`` undoings, as what was made before may be gone."""
    return f"{incident} {plan.playbook}/{plan.target}/{step.id} {call.id} {rounds}"


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
    settled = {call.id for call in filed.already}
    found += [
        f"{call.name} ({call.id}) was in effect when the plan was created, and is not any more"
        for call in live.calls
        if call.id in settled
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


def _short(parameters: Mapping[str, Any]) -> str:
    text = json.dumps(parameters, sort_keys=True)
    return text if len(text) <= 300 else text[:299] + "…"


def is_final(calls: Sequence[PlannedCall]) -> bool:
    """Whether AWS gives back nothing of what one of these calls takes, or one hands out a secret."""
    from vpce_tui.aws.catalogue import find  # noqa: PLC0415

    return any(call.secret or ((listed := find(call.service, call.operation)) and listed.final) for call in calls)


def permissions_of(calls: Sequence[PlannedCall]) -> tuple[str, ...]:
    """The IAM actions these calls need, sorted."""
    from vpce_tui.aws.catalogue import find  # noqa: PLC0415

    needed: set[str] = set()
    for call in calls:
        listed = find(call.service, call.operation)
        if listed is None:
            raise PlanError(f"{call.name} is not in the catalogue.")
        needed |= set(listed.iam_actions)
    return tuple(sorted(needed))
