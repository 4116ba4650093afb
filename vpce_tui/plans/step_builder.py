"""How an action writes its part of a plan: what it wants, whether it is so already, and how to take it back."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

from vpce_tui.blocks.model import Block, TextBlock, texts
from vpce_tui.plans.placeholders import INCIDENT, ref
from vpce_tui.plans.plan import Affected, Blocked, Check, PlanError, PlannedCall, Step, StepKind, Until, permissions_of
from vpce_tui.plans.plan_validation import wrong
from vpce_tui.plans.targets.planning_context import TAG_CALL, TAG_INCIDENT, TAG_STEP, TAG_TARGET

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")


def short_id(name: str) -> str:
    """A name of somebody's choosing as part of a call's id: it must not be changed where secrets are hidden, and fits one."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def readable_id(name: str) -> str:
    """The same for a name that AWS allows letters, digits and hyphens in alone: as it is, where it is such a name."""
    return name if _PLAIN.fullmatch(name) else short_id(name)


def ordered(parameters: Mapping[str, object]) -> dict[str, object]:
    """Parameters with their keys sorted, so that a plan reads the same before and after it went through the journal."""
    return {key: _ordered(parameters[key]) for key in sorted(parameters)}


def _ordered(value: object) -> object:
    if isinstance(value, Mapping):
        return ordered(value)
    return [_ordered(item) for item in value] if isinstance(value, (list, tuple)) else value


class Place(TypedDict):
    """Where the calls of an action go: AWS's short name of the service, and the region's code."""

    service: str
    region: str


@dataclass
class Draft:
    """A step being planned. ``choices`` are complete: every choice of the step has a value.

    ``remembered`` is the same step as it was planned before: what is gone from the live state (a membership, an
    association) is known from there alone. ``others``: the answers of the playbook's other steps, by their action's name.
    ``target``: what the playbook acts on; ``part``: the one of many things that the next calls belong to.
    """

    id: str
    title: str
    description: str
    region: str
    choices: dict[str, str]
    remembered: Step | None = None
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    target: str = ""
    part: str = ""
    calls: list[PlannedCall] = field(default_factory=list)
    already: list[PlannedCall] = field(default_factory=list)
    undo: list[PlannedCall] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    affects: list[Affected] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    content: list[Block] = field(default_factory=list)
    bindings: dict[str, str] = field(default_factory=dict)
    stand_ins: dict[str, str] = field(default_factory=dict)

    def ensure(
        self,
        call_id: str,
        operation: str,
        parameters: Mapping[str, object],
        *,
        so_already: bool,
        why: str,
        gives: Mapping[str, str] | None = None,
        service: str = "ec2",
        region: str = "",
        until: Until | None = None,
        secret: str = "",
    ) -> None:
        """A call whose effect is wanted; it is planned only where the effect is not there yet. Also a read that such a call
        needs: it is planned along with it."""
        call = PlannedCall(
            id=call_id,
            service=service,
            operation=operation,
            region=region or self.region,
            parameters=ordered(parameters),
            why=why,
            gives=gives or {},
            until=until,
            part=self.part,
            secret=secret,
        )
        (self.already if so_already else self.calls).append(call)

    def read(
        self,
        call_id: str,
        operation: str,
        parameters: Mapping[str, object],
        why: str,
        *,
        optional: bool = False,
        service: str = "ec2",
        region: str = "",
        gives: Mapping[str, str] | None = None,
        until: Until | None = None,
        profile: str = "",
    ) -> None:
        """A read whose answer is kept; an ``optional`` one may fail without keeping the step from its verification."""
        self.calls.append(
            PlannedCall(
                id=call_id,
                service=service,
                operation=operation,
                region=region or self.region,
                parameters=ordered(parameters),
                why=why,
                gives=gives or {},
                optional=optional,
                until=until,
                profile=profile,
            )
        )

    def recall(self, call_id: str) -> PlannedCall | None:
        """The call of this id in the earlier plan."""
        if self.remembered is None:
            return None
        return next((call for call in (*self.remembered.calls, *self.remembered.already) if call.id == call_id), None)

    def recall_done(self, planned_before: "tuple[PlannedCall, ...]") -> None:
        """Calls of the earlier plan that the live state no longer asks for: their effect is there."""
        known = {call.id for call in (*self.calls, *self.already)}
        self.already += [call for call in planned_before if call.id not in known]

    def add_inverse(
        self,
        call_id: str,
        operation: str,
        parameters: Mapping[str, object],
        *,
        undoes: tuple[str, ...],
        why: str,
        service: str = "ec2",
        region: str = "",
        first: tuple[PlannedCall, ...] = (),
        gives: Mapping[str, str] | None = None,
    ) -> None:
        """The inverse of the calls named in ``undoes``. Written in the order it was done; undone last first; ``first``: reads
        that it needs; ``gives``: what of its answer is named to the operator (JMESPath)."""
        made = PlannedCall(
            id=call_id,
            service=service,
            operation=operation,
            region=region or self.region,
            parameters=ordered(parameters),
            why=why,
            gives=gives or {},
            undoes=undoes,
            part=self.part,
        )
        self.undo[:0] = [*first, made]

    def prove(
        self,
        says: str,
        operation: str = "",
        parameters: Mapping[str, object] | None = None,
        *,
        service: str = "ec2",
        region: str = "",
    ) -> None:
        """What is read back to prove the step."""
        self.checks.append(
            Check(
                says=says,
                service=service if operation else "",
                operation=operation,
                region=(region or self.region) if operation else "",
                parameters=parameters or {},
            )
        )

    def block(self, says: str, remedy: str) -> None:
        """The step cannot run now."""
        self.blocked.append(Blocked(says, remedy))

    def block_unknown(self, unknown: Mapping[str, str], *aspects: str) -> None:
        """Block on aspects that could not be read: unknown is never taken for empty."""
        for aspect in aspects:
            if aspect in unknown:
                self.block(
                    f"the {aspect} could not be read: {unknown[aspect]}",
                    "grant read access, then plan again; or do this step manually",
                )

    def add_impact(self, says: str, names: tuple[str, ...] = ()) -> None:
        """Somebody else is affected."""
        self.affects.append(Affected(says, names))

    def show(self, *blocks: Block) -> None:
        """What the operator should see of the step."""
        self.content += blocks

    def note(self, *sentences: str) -> None:
        """The same in words; a sentence that is there already is not said again."""
        self.content += [block for block in texts(sentences) if block not in self.content]

    def note_first(self, sentence: str) -> None:
        """A sentence above everything else."""
        self.content.insert(0, TextBlock(text=sentence))

    def warn(self, *sentences: str) -> None:
        """Reasons not to continue, or what is not known."""
        self.content += [TextBlock(text=sentence, warning=True) for sentence in sentences]

    def note_unread(self, unknown: Mapping[str, str]) -> None:
        """What could not be read, by aspect."""
        self.warn(*(f"the {aspect} could not be read: {why}" for aspect, why in unknown.items()))

    def tags(self, kind: str, call_id: str, target: str, name: str) -> list[dict[str, object]]:
        """``TagSpecifications`` by which what is created can be recognised after a lost answer."""
        tags = {"Name": name, TAG_STEP: self.id, TAG_CALL: call_id, TAG_TARGET: target}
        written: list[dict[str, object]] = [{"Key": key, "Value": value} for key, value in tags.items()]
        written.append({"Key": TAG_INCIDENT, "Value": ref(INCIDENT)})
        return [{"ResourceType": kind, "Tags": written}]

    def step(
        self,
        kind: StepKind,
        *,
        reversible: bool = True,
        requires: tuple[str, ...] = (),
        must_come_first: bool = False,
    ) -> Step:
        """The finished step."""
        step = Step(
            id=self.id,
            title=self.title,
            kind=kind,
            description=self.description,
            calls=tuple(self.calls),
            already=tuple(self.already),
            undo=tuple(self.undo),
            checks=tuple(self.checks),
            affects=tuple(self.affects),
            blocked=tuple(self.blocked),
            permissions=permissions_of([*self.calls, *self.already, *self.undo]),
            changes=tuple(self.changes),
            content=tuple(self.content),
            choices=dict(self.choices),
            requires=requires,
            reversible=reversible,
            must_come_first=must_come_first,
            bindings=dict(self.bindings),
            stand_ins=dict(self.stand_ins),
        )
        problem = wrong(step)
        if problem:
            raise PlanError(f"the step {self.id} cannot be planned: {problem}. Do it manually, and report this.")
        return step
