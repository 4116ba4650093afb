"""Makes plans: a whole playbook over the state as it will be, or one step over the state as it is now."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from msgspec.structs import replace

from vpce_tui.aws.client import AwsClient
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.incident.record import Record, StepRecord
from vpce_tui.incident.states import CallState
from vpce_tui.plans.actions import Action, Answers, S
from vpce_tui.plans.live_step import LiveStep
from vpce_tui.plans.plan import Blocked, Plan, PlanError, PlannedCall, Question, Step, WrongChoice
from vpce_tui.plans.plan_validation import recorded_step
from vpce_tui.plans.playbook import Choices, Playbook, PlaybookStep
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets import TargetKind
from vpce_tui.plans.targets.planning_context import AppliedCall, OnRead, PlanningContext, TargetState, Unreadable


def asked_for(incident: str, record: Record | None, prefix: str, *, ever: bool = False) -> PlanningContext:
    """On whose behalf to look: the incident, and what its record knows of the calls below ``prefix``.

    ``ever``: calls that were taken back count as begun.
    """
    if record is None or not incident:
        return PlanningContext(incident)
    steps = [step for key, step in record.steps.items() if key.startswith(prefix)]
    calls = [call for step in steps for call in step.calls.values()]
    not_begun = (
        (CallState.NOT_DONE, CallState.FAILED) if ever else (CallState.UNDONE, CallState.NOT_DONE, CallState.FAILED)
    )
    begun = frozenset(call.id for call in calls if call.state not in not_begun)
    gave = {call.id: frozenset(call.gave.values()) for call in calls if call.gave}
    in_effect = {
        call.id: AppliedCall(call.at, call.call.operation, call.call.parameters)
        for call in calls
        if call.state is CallState.DONE
    }
    lost = {
        call.id: call.at
        for call in calls
        if call.state in (CallState.INTENDED, CallState.UNKNOWN, CallState.NOT_DONE) and call.at
    }
    target = prefix.split("/", 1)[1]
    same = [step for key, step in record.steps.items() if key.partition("/")[2].startswith(target)]
    return PlanningContext(
        incident=incident,
        since=record.opened_at,
        gave=gave,
        begun=begun,
        inverses=_inverses(steps),
        in_effect=in_effect,
        before=_inverses(same),
        lost=lost,
        targets=frozenset(key.split("/")[1] for key in record.steps if "/" in key),
    )


def _inverses(steps: Iterable[StepRecord]) -> dict[str, Mapping[str, object]]:
    """The parameters of the inverses of what is in effect of these steps, by the inverse's id."""
    return {
        undo["id"]: undo["parameters"]
        for step in steps
        for undo in step.planned.get("undo", ())
        if step.done_by_us & set(undo.get("undoes", ()))
    }


def remembered_step(record: Record | None, key: str) -> Step | None:
    """A step as the record has it, where calls of it are in effect, or may be."""
    known = record.steps.get(key) if record else None
    standing = known is not None and (known.done_by_us or known.calls_with_unknown_outcome)
    return recorded_step(known.planned) if known and known.planned and standing else None


def plan_playbook(
    client: AwsClient,
    playbook: Playbook,
    target: str,
    region: str,
    now: datetime,
    choices: Choices | None = None,
    incident: str = "",
    record: Record | None = None,
    on_read: OnRead = lambda *_: None,
    history: EventHistory | None = None,
) -> Plan:
    """Plan every step; each over the state that the steps before it leave. Reads only; ``on_read`` is called before each read.
    ``history``: event history as it was looked up so far.

    With an incident's record, what was made in it is known as ours. Raises
    :class:`~vpce_tui.plans.targets.planning_context.TargetGone`, :class:`WrongChoice` for a choice that is none,
    :class:`~vpce_tui.plans.targets.planning_context.Unreadable` where that cannot be determined.
    """
    known = {step.id for step in playbook.steps}
    for step_id in choices or {}:
        if step_id not in known:
            raise WrongChoice(
                f"there is no step {step_id!r} to choose for; there is {', '.join(step.id for step in playbook.steps)}."
            )
    return playbook.planner.plan(
        client,
        playbook,
        target,
        region,
        now,
        choices=choices or {},
        incident=incident,
        record=record,
        on_read=on_read,
        history=history or EventHistory(client),
    )


@dataclass(frozen=True, slots=True)
class KindPlanner(Generic[S]):
    """Plans steps on one kind of target: the actions, by step id, are such as take its state."""

    kind: TargetKind[S]
    actions: Mapping[str, Action[S]]

    def plan(
        self,
        client: AwsClient,
        playbook: Playbook,
        target: str,
        region: str,
        now: datetime,
        *,
        choices: Choices,
        incident: str,
        record: Record | None,
        on_read: OnRead,
        history: EventHistory,
    ) -> Plan:
        """Every step of ``playbook``: see :func:`plan_playbook`."""
        identity = client.identity()
        prefix = f"{playbook.name}/{target}/"
        remembered = {step.id: remembered_step(record, prefix + step.id) for step in playbook.steps}
        looked: dict[str, object] = {}
        for before in filter(None, remembered.values()):
            looked |= self.actions[before.id].remember(before)
        answers_by_action: dict[str, Mapping[str, str]] = {
            step.action_name: {
                **step.defaults,
                **(known.choices if (known := remembered[step.id]) else {}),
                **choices.get(step.id, {}),
            }
            for step in reversed(playbook.steps)
        }
        for step in playbook.steps:
            looked |= self.actions[step.id].read_options(answers_by_action[step.action_name], answers_by_action)
        asked = dataclasses.replace(
            asked_for(incident, record, prefix), remembered=looked, on_read=on_read, history=history
        )
        aspects = frozenset(aspect for action in self.actions.values() for aspect in action.aspects)
        state = self.kind.observe(client, target, region, aspects, asked)
        steps = []
        for step in playbook.steps:
            answers = _Answers(
                choices.get(step.id, {}),
                remembered[step.id],
                frozenset(asked.inverses),
                answers_by_action,
                target,
                region,
            )
            planned = self._step(step, state, answers)
            answers_by_action[step.action_name] = planned.choices
            steps.append(planned)
            state = self.actions[step.id].expect(state, planned.choices)
        return Plan(
            playbook=playbook.name,
            target=target,
            account=identity.account,
            region=region,
            operator=identity.arn,
            planned_at=rfc3339(now),
            steps=tuple(steps),
            incident=incident,
            incident_id=record.id if incident and record else "",
        )

    def plan_step(
        self,
        client: AwsClient,
        playbook_step: PlaybookStep,
        target: str,
        region: str,
        choices: Mapping[str, str],
        *,
        asked: PlanningContext,
        remembered: Step | None,
        others: Answers,
    ) -> LiveStep:
        """One step from live state; ``remembered`` is the step as planned before, ``others`` the answers of the other steps."""
        action = self.actions[playbook_step.id]
        looked = {**(action.remember(remembered) if remembered else {}), **action.read_options(choices, others)}
        context = dataclasses.replace(asked, remembered=looked, choices=choices, live=True)
        state = self.kind.observe(client, target, region, action.aspects, context)
        answers = _Answers(choices, remembered, frozenset(asked.inverses), others, target, region)
        step, verify_answers = self._step(playbook_step, state, answers), action.verify_answers
        return LiveStep(
            step=step,
            unknown=state.unknown,
            read_back=lambda: action.verify(state, step),
            why_not_undone=lambda call, still, everything: action.why_not_undone(state, call, still, everything),
            verify_answers=None if verify_answers is None else lambda pages: verify_answers(state, step, pages),
        )

    def _step(self, playbook_step: PlaybookStep, state: S, answers: "_Answers") -> Step:
        action, remembered = self.actions[playbook_step.id], answers.remembered
        choices, questions = self._choices(playbook_step, state, answers)
        step = action.plan(
            state,
            Draft(
                id=playbook_step.id,
                title=playbook_step.title,
                description=playbook_step.description,
                region=answers.region,
                choices=choices,
                remembered=remembered,
                others=answers.others,
                target=answers.target,
            ),
        )
        if (
            remembered is not None
        ):  # the inverse of what is in effect is the recorded one, whatever the target looks like by now
            recorded = {call.id: call for call in remembered.undo if call.id in answers.inverses}
            step = replace(step, undo=tuple(_as_recorded(call, recorded.get(call.id)) for call in step.undo))
        other = action.strange(step)
        if other is not None:
            raise PlanError(f"no step {playbook_step.id!r} may call {other.name}: do it manually, and report this.")
        siblings = playbook_step.siblings
        missing = [
            Blocked(f"it needs a step with action {needed!r}, and this playbook has none", "add one to it")
            for needed in step.requires
            if needed not in siblings
        ]
        return replace(
            step,
            questions=tuple(questions),
            requires=tuple(siblings[needed] for needed in step.requires if needed in siblings),
            blocked=(*step.blocked, *missing),
            must_come_first=playbook_step.prerequisite,
        )

    def _choices(
        self, playbook_step: PlaybookStep, state: S, answers: "_Answers"
    ) -> tuple[dict[str, str], list[Question]]:
        """What every choice of a step is, and the questions that are asked."""
        action, remembered = self.actions[playbook_step.id], answers.remembered
        given = {**(remembered.choices if remembered else {}), **answers.given}
        strange = sorted(set(given) - {choice.id for choice in action.choices})
        if strange:
            known = ", ".join(sorted(choice.id for choice in action.choices)) or "nothing"
            raise WrongChoice(f"step {playbook_step.id} has no choice {strange[0]!r}; it has {known}.")
        choices, questions = {}, []
        for choice in action.choices:
            chosen = given.get(choice.id, playbook_step.defaults.get(choice.id))
            if chosen is None:
                chosen = choice.default_value(state)
            elif remembered is None:  # what was chosen for a step that was begun may be gone by that very step
                wrong = choice.wrong(state, chosen)
                if wrong:
                    if not choice.free:  # a form that is wrong is wrong whatever could be read
                        _must_be_known(playbook_step, state, wrong)
                    raise WrongChoice(f"step {playbook_step.id}: {wrong}")
            choices[choice.id] = chosen
            prompted = playbook_step.prompts is None or choice.id in playbook_step.prompts
            if prompted and choice.applies(state):
                questions.append(choice.question_in(state, chosen))
        return choices, questions


@dataclass(frozen=True, slots=True)
class _Answers:
    """What one step is planned with: its answers and those of the others, and what was recorded of it."""

    given: Mapping[str, str]
    remembered: Step | None
    inverses: frozenset[str]
    others: Answers
    target: str
    region: str


def _as_recorded(planned: PlannedCall, recorded: PlannedCall | None) -> PlannedCall:
    """An inverse with the parameters of the recorded one; what it waits for, gives and says is today's, as a record may be forged."""
    if recorded is None:
        return planned
    same = recorded.operation == planned.operation
    gives, until = (planned.gives, planned.until) if same else ({}, None)
    return replace(recorded, gives=gives, until=until, why=planned.why)


def _must_be_known(playbook_step: PlaybookStep, state: TargetState, wrong: str) -> None:
    """Raise :class:`Unreadable` where what can be chosen is not known, as something of the step could not be read."""
    for aspect in sorted(playbook_step.action.aspects & set(state.unknown)):
        raise Unreadable(
            f"step {playbook_step.id}: {wrong} That may be because the {aspect} could not be read: {state.unknown[aspect]}"
        )


def parse_choices(pairs: list[str], playbook: Playbook) -> dict[str, dict[str, str]]:
    """``step.choice=value`` texts as choices; the step may be left out where one step alone has the choice.

    Raises :class:`WrongChoice`.
    """
    found: dict[str, dict[str, str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        step, dot, choice = name.rpartition(".")
        if not (equals and choice and (step or not dot)):
            raise WrongChoice(f"{pair!r} is not a choice; write step.choice=value, for instance isolate.moves=one.")
        if not dot:
            having = [
                playbook_step.id
                for playbook_step in playbook.steps
                if any(c.id == choice for c in playbook_step.action.choices)
            ]
            if len(having) != 1:
                said = f"several steps have it: {', '.join(having)}" if having else "no step has it"
                raise WrongChoice(f"{choice!r}: {said}; write step.choice=value.")
            step = having[0]
        found.setdefault(step, {})[choice] = value
    return found
