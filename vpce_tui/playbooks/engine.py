"""Runs steps: the one path by which anything changes.

Before a step the engine plans it again from live state and compares it with what was approved; what would do anything
else is not run. Each write: intent in the journal, permit, call, result. After a lost answer it asks AWS what happened
and never repeats the call. Screens and commands call the same functions. Design §3.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jmespath

from vpce_tui import team
from vpce_tui.aws.call import Call, Permit
from vpce_tui.aws.caller import Caller, Cancel
from vpce_tui.aws.catalogue import Access, find
from vpce_tui.aws.errors import AwsError, Cancelled
from vpce_tui.aws.errors import Kind as ErrorKind
from vpce_tui.aws.gate import Refused
from vpce_tui.canonical import rfc3339
from vpce_tui.incident import evidence
from vpce_tui.incident.approval import Approved, lacking
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.journal import Kind as RowKind
from vpce_tui.incident.record import Record, State, replay
from vpce_tui.inventory.dossiers.common import TargetGone, Unreadable
from vpce_tui.playbooks.library import Recipe, load
from vpce_tui.playbooks.outcome import Approval, Ended, Outcome, Patience, Progress
from vpce_tui.playbooks.plan import Kind, Plan, PlanError, PlannedCall, Step, differences, token_text
from vpce_tui.playbooks.planner import Live, asked_for, plan_step, remembered_step
from vpce_tui.playbooks.values import AWS_NOW, INCIDENT, TOKEN, Unresolved, names, not_as_reviewed, resolve

_DONE: Final = (State.PROVED, State.BY_HAND)
_UNAVAILABLE: Final = (ErrorKind.DENIED, ErrorKind.INVALID, ErrorKind.NOT_FOUND, ErrorKind.CONFLICT)


_ALL_FAIL: Final = (ErrorKind.EXPIRED, ErrorKind.NO_CREDENTIALS, ErrorKind.UNREACHABLE)
"""After such an error no other call would do better."""

_NOT_HANDED: Final = "could not be handed over"
_BUSY: Final = Outcome(Ended.REFUSED, "another step of this incident is running; wait until it has ended")


class _Ended(Exception):
    """What was waited for never comes; the message says what AWS says of it."""


class _StillWaiting(_Ended):
    """What was waited for has not come in the time there was."""


class _Lost(Exception):
    """AWS did not say whether the call took effect, or that it did not."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.says)


class Engine:
    """Runs the steps of one plan on one incident. ``journal`` is open for writing, and the gate knows it."""

    def __init__(
        self,
        caller: Caller,
        journal: Journal,
        plan: Plan,
        *,
        patience: Patience | None = None,
        on_progress: Callable[[Progress], object] = lambda _: None,
        cancel: Cancel | None = None,
        on_secret: Callable[[str, str], str] | None = None,
        approvals: Sequence[Approved] = (),
    ) -> None:
        self._approvals, self._team = approvals, team.rules()
        self._hand_over = on_secret
        self.caller, self.journal, self.plan = caller, journal, plan
        self._patience = patience or Patience()
        self._tell = on_progress
        self._asked_to_stop = cancel or Cancel()
        self._cancel = self._asked_to_stop
        self._recipes = {recipe.id: recipe for recipe in load(plan.playbook).steps}

    # -- what is known

    def key(self, step_id: str) -> str:
        """How the journal names a step of this plan."""
        return f"{self.plan.playbook}/{self.plan.target}/{step_id}"

    def record(self) -> Record:
        """The incident as it stands."""
        return replay(self.journal.rows())

    def live(self, step: Step, *, undone: bool = False) -> Live:
        """``step`` planned again from live state; what was done before is known from the record, never from the plan's file.

        ``undone``: to see whether what was done is taken back, everything that was ever made counts as ours.
        """
        record = self.record()
        asked = asked_for(self.journal.name, record, f"{self.plan.playbook}/{self.plan.target}/", ever=undone)
        remembered = step if undone else remembered_step(record, self.key(step.id))
        return plan_step(
            self.caller, self._recipe(step.id), self.plan.target, self.plan.region, step.choices, asked=asked,
            remembered=remembered, others=self._answers,
        )  # fmt: skip

    @property
    def _answers(self) -> dict[str, Mapping[str, str]]:
        """What every step of the plan was told, by its action."""
        return {self._recipe(step.id).action_name: step.choices for step in reversed(self.plan.steps)}

    def _recipe(self, step_id: str) -> Recipe:
        return self._recipes[step_id]

    # -- running

    def run(self, step_id: str, approval: Approval) -> Outcome:
        """Run one step as planned, or say why not. Never raises for what AWS or the operator may do."""
        with self.journal.one_step() as free:
            return self._run(step_id, approval) if free else _BUSY

    def _run(self, step_id: str, approval: Approval) -> Outcome:
        self._cancel = self._asked_to_stop
        step = self.plan.step(step_id)
        try:
            refusal = self._refusal(step)
            if refusal:
                return refusal
            self.journal.ensure_room()
            if step.kind is not Kind.CHANGE:
                found = differences(
                    replace(step, calls=(), already=(), undo=()),
                    replace(self.live(step).step, calls=(), already=(), undo=()),
                )
                if found:
                    return self._stale(step, found)
            if step.kind is Kind.MANUAL:
                return self._leave_open(step)
            if step.kind is Kind.READ:
                return self._keep(step, approval)
            return self._change(step, approval)
        except _Lost as lost:
            return lost.outcome
        except (AwsError, TargetGone, Unreadable) as error:
            said = error.sentence() if isinstance(error, AwsError) else str(error)
            self.journal.append(RowKind.ERROR, {"step": self.key(step_id), "error": said})
            return Outcome(Ended.FAILED, said)
        except (PlanError, Unresolved) as error:
            said = str(error) if isinstance(error, PlanError) else f"what {error} stands for is not known"
            return self._stale(step, [said])
        except Refused as error:
            self.journal.append(RowKind.ERROR, {"step": self.key(step_id), "error": str(error)})
            return Outcome(Ended.REFUSED, str(error))
        except Cancelled:
            return self._stopped(step_id)

    def _stopped(self, step_id: str) -> Outcome:
        said = "stopped by the operator"
        self.journal.append(RowKind.ERROR, {"step": self.key(step_id), "error": said})
        return Outcome(Ended.STOPPED, f"{said}; what was done is recorded; run it again for the rest")

    def _refusal(self, step: Step) -> Outcome | None:
        identity = self.caller.confirm_identity()
        if identity.account != self.plan.account:
            return Outcome(
                Ended.REFUSED,
                f"the plan is for account {self.plan.account}, and these credentials are for {identity.account}; nothing was done.",
            )
        if self.caller.read_only and step.kind is Kind.CHANGE:
            return Outcome(
                Ended.REFUSED, "this process is read-only; nothing was done. Start vpce-tui without --read-only."
            )
        return None

    def _leave_open(self, step: Step) -> Outcome:
        state = self.record().step(self.key(step.id)).state
        if state in (State.TODO, State.RUNNING):
            self.journal.append(RowKind.NOTE, {"step": self.key(step.id), "decision": "left open", "text": ""})
        return Outcome(Ended.OPEN, f"{step.title}: for a person; recorded as {State.OPEN.value}", step.notes)

    def _keep(self, step: Step, approval: Approval) -> Outcome:
        """A step that only reads: every answer becomes an evidence file."""
        key = self.key(step.id)
        live = self.live(step)
        judge = self._recipe(step.id).action.judge
        known = {} if judge else self.record().step(key).evidence
        answers: dict[str, list[Any]] = {}
        self.journal.append(RowKind.PLAN, {"step": key, "plan": live.step.to_json(), "sha256": self.plan.sha256})
        self.journal.append(RowKind.APPROVED, {"step": key, "how": approval.how})
        missing: list[str] = []
        bindings: dict[str, str] = {}
        for call in _due(live.step.calls, known):
            self._cancel.check()
            self._tell(Progress(step.id, call.id, "running", call.why))
            try:
                pages, seconds = self._read(step, call, bindings)
            except (AwsError, Unresolved, _Ended) as error:
                if isinstance(error, AwsError) and error.kind not in _UNAVAILABLE:
                    raise
                said = error.sentence() if isinstance(error, AwsError) else _why_not(error)
                self.journal.append(RowKind.ERROR, {"step": key, "evidence": call.id, "error": said})
                self._tell(Progress(step.id, call.id, "missing", said))
                missing.append(f"{call.id}: {said}")
                continue
            if call.gives:
                continue
            answers[call.id] = pages
            about = {"service": call.service, "operation": call.operation, "region": call.region}
            if call.profile:
                about["profile"] = call.profile
            kept = evidence.store(
                self.journal,
                key,
                call.id,
                {**about, "parameters": _parameters(call, bindings), "pages": pages},
                **about,
            )
            self._tell(
                Progress(step.id, call.id, "done", f"{call.why}: {kept.size:,} bytes, {kept.sha256[:12]}…", seconds)
            )
        kept_now = self.record().step(key).evidence
        wanted = [call for call in live.step.calls if not call.gives]
        needed = [call.id for call in wanted if call.id not in kept_now and not call.optional]
        saw = f"{sum(call.id in kept_now for call in wanted)} of {len(wanted)} answers kept"
        judged = judge(live.world, live.step, answers) if judge else live.proof
        proof, seen = ("not yet", "") if needed else judged
        saw = f"{seen}; {saw}" if seen else saw
        self.journal.append(RowKind.CHECK, {"step": key, "proof": proof, "saw": "; ".join([saw, *missing])})
        if needed:
            said = (
                f"{saw}; missing: {', '.join(needed)}. Run it again, or accept it: vpce-tui note … {step.id} --by-hand"
            )
            return Outcome(Ended.UNPROVED, said, tuple(missing))
        ended = {"proved": Ended.PROVED, "not yet": Ended.UNPROVED}.get(proof, Ended.FAILED)
        return Outcome(ended, saw, tuple(missing))

    def _read(self, step: Step, planned: PlannedCall, bindings: dict[str, str]) -> tuple[list[Any], float]:
        """Every page of a read, made again until it says what is waited for; what it gives goes into ``bindings``.

        Raises :class:`_Ended` when it says that what is waited for never comes, :class:`_StillWaiting` when time is up.
        """
        call, seconds = _with(planned, resolve(planned.parameters, self._known(step, planned, bindings))), 0.0
        if planned.profile:
            return [self.caller.trial(planned.profile, call).to_json()], seconds
        for wait in (0.0, *self._patience.wait):
            if wait:
                self._cancel.wait(wait)
            pages = []
            try:
                for page in self.caller.pages(call, before_page=self._cancel.check):
                    pages.append(page.data)
                    seconds += page.seconds
            except AwsError as error:  # what was just made is not known everywhere at once
                if planned.until is None or error.kind is not ErrorKind.NOT_FOUND:
                    raise
                pages = [{}]
            state = str(jmespath.search(planned.until.path, pages[-1])) if planned.until else ""
            if planned.until is None or state in planned.until.good:
                bindings.update(_given(planned, pages[0]))
                return pages, seconds
            if state in planned.until.bad:
                raise _Ended(f"{planned.why or planned.name}: it is {state}")
            self._tell(Progress(step.id, planned.id, "waiting", f"{planned.why or planned.name}: {state}"))
        raise _StillWaiting(f"{planned.why or planned.name}: it is {state}; run the step again to go on waiting")

    def _change(self, step: Step, approval: Approval) -> Outcome:
        key = self.key(step.id)
        lost = self.settle_open(step)
        if lost:
            return lost
        live = self.live(step)
        missing = self._required(live.step)
        if missing:
            return Outcome(Ended.BLOCKED, missing)
        if live.step.blocked:
            first = live.step.blocked[0]
            said = tuple(f"{item.says}. What would make it pass: {item.remedy}" for item in live.step.blocked)
            self.journal.append(RowKind.ERROR, {"step": key, "error": f"blocked: {first.says}"})
            return Outcome(Ended.BLOCKED, first.says, said)
        found = [*differences(step, live.step), *self._other_inverses(step, live.step)]
        if found:
            return self._stale(step, found)
        if any(call.secret for call in live.step.calls) and self._hand_over is None:
            return Outcome(
                Ended.BLOCKED, "nobody is there to take the secret; nothing was done: run it in the app or a terminal"
            )
        if live.step.calls and not live.step.reversible:
            counted: list[str] = []
            runner = self.caller.identity().arn
            alone = lacking(self.plan, runner, self._team, self._approvals, counted.append)
            if alone:
                return Outcome(Ended.REFUSED, alone)
            for arn in counted:
                self.journal.append(RowKind.APPROVED, {"plan": self.plan.sha256, "by": arn, "how": "vpce-tui approve"})
        if live.step.calls:
            if not live.step.reversible and approval.confirmed != self.plan.target:
                return Outcome(
                    Ended.REFUSED,
                    f"{step.title} cannot be undone: it needs the id {self.plan.target}, typed (--confirm {self.plan.target}).",
                )
            self.journal.append(
                RowKind.PLAN, {"step": key, "plan": _as_approved(step, live.step).to_json(), "sha256": self.plan.sha256}
            )
            self.journal.append(RowKind.APPROVED, {"step": key, "how": approval.how, "confirmed": approval.confirmed})
            denied = self._probe(key, live.step, live.step.calls)
            if denied:
                return denied
            bindings = {**self.record().step(key).bindings, **live.step.bindings}
            self._make(step, live.step.calls, bindings)
        elif not live.step.already:
            self.journal.append(RowKind.CHECK, {"step": key, "proof": "proved", "saw": "nothing to do"})
            return Outcome(Ended.NOTHING, "; ".join(live.step.notes) or "there is nothing to do", live.step.notes)
        ours = self.record().step(key).done_by_us
        return self._prove(step, nothing=not live.step.calls and not ours)

    def _other_inverses(self, filed: Step, live: Step) -> list[str]:
        """Inverse calls that the file adds, changes or leaves out: each must be one that is planned now; the inverse of a
        call that was made is the recorded one, and nothing changes it."""
        record = self.record().step(self.key(filed.id))
        made = record.done_by_us | {call.id for call in record.open_calls}
        recorded = Step.from_json(record.planned).undo if record.planned else ()
        known = {call.id: call for call in live.undo}
        known.update((call.id, call) for call in recorded if made & set(call.undoes))
        named = {call.id for call in filed.undo}
        found = [
            f"undoing it would also make {call.name} ({call.id})"
            for call in filed.undo
            if call.id not in known
            or not call.same_as(known[call.id])
            or set(call.undoes) != set(known[call.id].undoes)
        ]
        return found + [
            f"undoing it would no longer make {call.name} ({call.id})" for call in live.undo if call.id not in named
        ]

    def _stale(self, step: Step, found: list[str]) -> Outcome:
        self.journal.append(
            RowKind.ERROR, {"step": self.key(step.id), "error": "the plan is stale", "differences": found}
        )
        said = "the step would now do something else than the plan says; nothing of it was done. Plan again, with --incident"
        return Outcome(Ended.STALE, f"{said} {self.journal.name}", tuple(found))

    def _required(self, step: Step) -> str:
        record = self.record()
        for needed in step.requires:
            if record.step(self.key(needed)).state not in _DONE:
                title = self.plan.step(needed).title
                return f"“{title}” must be proved, or recorded as done by hand, before “{step.title}”"
        for other in self._recipes.values():  # of the playbook, whatever the file leaves out
            if other.id == step.id:
                break
            if other.first and record.step(self.key(other.id)).state not in _DONE:
                return f"“{other.title}” must come first, and is not done"
        return ""

    def _probe(self, key: str, step: Step, calls: Sequence[PlannedCall], *, undo: bool = False) -> Outcome | None:
        """Every call of the step as a dry run, where the operation takes one, before the first real one."""
        known = {
            INCIDENT: self.journal.name,
            AWS_NOW: rfc3339(datetime.now(UTC)),
            TOKEN: "0" * 32,
            **step.stand_ins,
            **step.bindings,
        }
        probes: dict[str, Call] = {}
        recorded: dict[str, Any] = {}
        for call in calls:
            listed = find(call.service, call.operation)
            if listed is None or not listed.dry_run:
                continue
            try:
                parameters = resolve(call.parameters, known)
            except Unresolved:
                continue
            probes[call.id] = _with(call, {**parameters, "DryRun": True})
            recorded[call.id] = {**resolve(call.parameters, known, recorded=True), "DryRun": True}
        if not probes:
            return None
        permits = self.journal.intend(key, probes, self.plan.account, recorded=recorded, probe=True, undo=undo)
        denied, passed, problems = [], [], []
        for call_id, probe in probes.items():
            try:
                self.caller.write(probe, permits[call_id])
            except AwsError as error:
                if error.kind is ErrorKind.DRY_RUN_OK:
                    passed.append(call_id)
                elif error.kind is ErrorKind.DENIED:
                    denied.append(_action(probe))
                elif error.kind is not ErrorKind.CONFLICT:
                    problems.append(error.sentence())
            else:
                passed.append(call_id)
        self.journal.append(
            RowKind.RESULT,
            {"step": key, "probe": True, "passed": passed, "denied": sorted(set(denied)), "problems": problems},
        )
        self._tell(
            Progress(
                step.id,
                "dry run",
                "denied" if denied else "done",
                f"passed for {len(passed)} of {len(probes)} calls",
            )
        )
        if denied:
            needed = ", ".join(sorted(set(denied)))
            return Outcome(
                Ended.BLOCKED,
                f"permission is missing: {needed}; nothing was done",
                (f"ask for {needed}, or do this step by hand",),
            )
        if problems:
            return Outcome(Ended.BLOCKED, f"AWS would not accept it; nothing was done: {problems[0]}", tuple(problems))
        return None

    def _make(self, step: Step, calls: Sequence[PlannedCall], bindings: dict[str, str], *, undo: bool = False) -> None:
        """Make the calls in order, each behind its own intent. Raises :class:`_Lost` when one did not take effect."""
        key = self.key(step.id)
        refused: list[str] = []
        part, broken = "", set[str]()
        for planned in calls:
            if planned.part in broken:
                continue
            if not planned.part or planned.part != part:
                self._asked_to_stop.check()
            part = planned.part
            self._cancel = self._asked_to_stop.patient() if part else self._asked_to_stop
            self._cancel.check()
            if _is_read(planned):
                self._read_on_the_way(step, planned, bindings)
                continue
            known = self._known(step, planned, bindings)
            if not_as_reviewed(planned.parameters, known):
                raise PlanError(
                    f"{planned.why or planned.name}: what would be sent is not what was reviewed; plan again"
                )
            call = _with(planned, resolve(planned.parameters, known))
            recorded = {planned.id: resolve(planned.parameters, known, recorded=True)}
            permits = self.journal.intend(key, {planned.id: call}, self.plan.account, undo=undo, recorded=recorded)
            permit = permits[planned.id]
            began = datetime.now(UTC)
            self._tell(Progress(step.id, planned.id, "running", planned.why))
            about = {"step": key, "call": planned.id, "undo": undo, "undoes": list(planned.undoes)}
            try:
                gave, seconds, request_id, handed = self._call(planned, call, permit)
            except AwsError as error:
                self.journal.append(
                    RowKind.RESULT,
                    {
                        **about,
                        "ok": False,
                        "error": error.sentence(),
                        "outcomeKnown": error.outcome_known,
                        "requestId": error.request_id,
                    },
                )
                self._tell(Progress(step.id, planned.id, "failed" if error.outcome_known else "lost", error.sentence()))
                if not error.outcome_known:
                    bindings.update(self._ask(step, planned, undo=undo, began=began))
                    continue
                said = f"{planned.why or planned.name}: {error.sentence()}"
                if not undo or error.kind in _ALL_FAIL:
                    raise _Lost(Outcome(Ended.FAILED, said)) from error
                refused.append(said)  # what can be taken back is taken back, whatever AWS says of the rest
                broken |= {planned.part} - {""}  # but within a part each call stands on the one before
                continue
            self.journal.append(
                RowKind.RESULT,
                {
                    **about, "ok": True, "gave": gave, "requestId": request_id, "seconds": round(seconds, 3),
                    **({"handedOver": handed} if handed else {}),
                },
            )  # fmt: skip
            bindings.update(gave)
            if handed.startswith(_NOT_HANDED):
                lost = f"{', '.join(gave.values())} was made, and its secret is lost ({handed})"
                raise _Lost(Outcome(Ended.FAILED, f"{lost}: undo the step, which deletes it, and run it again"))
            said = ": ".join(part for part in (planned.why or planned.name, ", ".join(gave.values())) if part)
            self._tell(Progress(step.id, planned.id, "done", said, seconds))
        self._cancel = self._asked_to_stop
        if refused:
            raise _Lost(Outcome(Ended.FAILED, f"not all of it was taken back: {'; '.join(refused)}", tuple(refused)))

    def _read_on_the_way(self, step: Step, planned: PlannedCall, bindings: dict[str, str]) -> None:
        """A read between writes: what it gives is used by the next call, or its answer is waited for."""
        try:
            _, seconds = self._read(step, planned, bindings)
        except _Ended as error:
            ended = Ended.UNPROVED if isinstance(error, _StillWaiting) else Ended.FAILED
            self.journal.append(RowKind.ERROR, {"step": self.key(step.id), "error": str(error)})
            raise _Lost(Outcome(ended, str(error))) from error
        self._tell(Progress(step.id, planned.id, "done", planned.why or planned.name, seconds))

    def _known(self, step: Step, planned: PlannedCall, bindings: Mapping[str, str]) -> Mapping[str, Any]:
        """What the references of a call stand for."""
        known: dict[str, Any] = {INCIDENT: self.journal.name, **bindings}
        if AWS_NOW in names(planned.parameters):
            known[AWS_NOW] = rfc3339(self._aws_now())
        if TOKEN in names(planned.parameters):
            known[TOKEN] = self._token(step, planned)
        return known

    def _token(self, step: Step, planned: PlannedCall) -> str:
        rounds = self.record().step(self.key(step.id)).rounds
        said = token_text(self.journal.name, self.plan, step, planned, rounds)
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def _aws_now(self) -> datetime:
        """AWS's clock, rounded up: the second after its last answer's ``Date``."""
        answer = self.caller.read(Call("sts", "GetCallerIdentity", self.caller.home_region))
        return (answer.aws_time or datetime.now(UTC)) + timedelta(seconds=1)

    def _call(self, planned: PlannedCall, call: Call, permit: Permit) -> tuple[dict[str, str], float, str, str]:
        """What the call gave; a secret in its answer is handed to the operator here, and goes no further."""
        answer = self.caller.write(call, permit)
        gave, handed = _given(planned, answer.data), ""
        if planned.secret and self._hand_over is not None:
            label = f"{self.plan.account}/{next(iter(gave.values()), planned.id)}"
            try:
                handed = self._hand_over(label, str(jmespath.search(planned.secret, answer.data) or ""))
            except Exception as error:  # whatever it was: AWS has made it, and that must be recorded
                handed = f"{_NOT_HANDED}: {type(error).__name__}"
        return gave, answer.seconds, answer.request_id, handed

    # -- after a lost answer, or a death

    def settle_open(self, step: Step) -> Outcome | None:
        """Ask AWS about every call of the step whose outcome is not known; an outcome only where AWS cannot tell."""
        record = self.record().step(self.key(step.id))
        for made in record.open_calls:
            undo = made.id in record.undo_calls and record.undo_calls[made.id] is made
            began = datetime.fromisoformat(made.at) if made.at else datetime.now(UTC)
            planned = _find(step, made.id, undo=undo)
            if planned is None:
                return Outcome(
                    Ended.UNKNOWN, f"the plan does not know the call {made.id} that was begun; look at it by hand"
                )
            try:
                self._ask(step, planned, undo=undo, began=began)
            except _Lost as lost:
                if lost.outcome.ended is Ended.UNKNOWN:
                    return lost.outcome
        return None

    def _ask(self, step: Step, planned: PlannedCall, *, undo: bool, began: datetime) -> dict[str, str]:
        """Whether ``planned`` took effect, from live state. Gives what it would have given; raises :class:`_Lost`.

        While the call may still be under way (it began less than :attr:`Patience.under_way` seconds ago) *not there* is
        no answer.
        """
        key = self.key(step.id)
        about = {"step": key, "call": planned.id, "undo": undo, "undoes": list(planned.undoes)}
        self._tell(Progress(step.id, planned.id, "asking", "asking AWS whether it took effect"))
        found, saw, live = "cannot tell", "", None
        for wait in self._waits(began):
            if wait:
                self._cancel.wait(wait)
            try:
                live = self.live(step, undone=undo)
            except (AwsError, TargetGone) as error:
                found, saw = "cannot tell", error.sentence() if isinstance(error, AwsError) else str(error)
                continue
            found = _found(live, planned, undo=undo)
            saw = f"read back: {planned.why or planned.name}: {found}"
            if found == "done":
                break
        gave = (
            {name: live.step.bindings[name] for name in planned.gives if live and name in live.step.bindings}
            if found == "done"
            else {}
        )
        self.journal.append(RowKind.CHECK, {**about, "found": found, "saw": saw, "gave": gave})
        self._tell(Progress(step.id, planned.id, found, saw))
        if found == "done":
            return gave
        if found == "not done":
            raise _Lost(
                Outcome(
                    Ended.FAILED,
                    f"{planned.why or planned.name} did not take effect (AWS was asked); run the step again to make it",
                )
            )
        raise _Lost(
            Outcome(
                Ended.UNKNOWN,
                f"AWS cannot tell whether {planned.name} took effect: {saw}",
                ("look at it by hand, then decide: vpce-tui decide --incident NAME STEP CALL done|not-done",),
            )
        )

    def _waits(self, began: datetime) -> Iterator[float]:
        """Seconds to wait before each time of asking."""
        yield 0.0
        yield from self._patience.ask
        while (left := self._patience.under_way - (datetime.now(UTC) - began).total_seconds()) > 0:
            yield min(left, 5.0)

    def decide(self, step_id: str, call_id: str, done: bool) -> None:
        """The operator says what became of a call that AWS cannot tell about."""
        record = self.record().step(self.key(step_id))
        undo = call_id in record.undo_calls and record.undo_calls[call_id].state in ("intended", "unknown")
        planned = _find(self.plan.step(step_id), call_id, undo=undo)
        self.journal.append(
            RowKind.CHECK,
            {
                "step": self.key(step_id), "call": call_id, "undo": undo, "undoes": list(planned.undoes) if planned else [],
                "found": "done" if done else "not done", "saw": "decided by the operator",
            },
        )  # fmt: skip

    # -- proving

    def _prove(self, step: Step, *, nothing: bool) -> Outcome:
        key, proof, saw = self.key(step.id), "not yet", ""
        live: Live | None = None
        for wait in (0.0, *self._patience.prove):
            if wait:
                self._tell(Progress(step.id, "proof", "waiting", saw))
                self._cancel.wait(wait)
            try:
                live = self.live(step)
            except AwsError as error:
                proof, saw = "not yet", f"could not be read back: {error.sentence()}"
                if error.kind in (ErrorKind.EXPIRED, ErrorKind.NO_CREDENTIALS):
                    break
                continue
            proof, saw = live.proof
            if proof != "not yet":
                break
        self.journal.append(RowKind.CHECK, {"step": key, "proof": proof, "saw": saw})
        self._tell(Progress(step.id, "proof", proof, saw))
        if proof == "proved":
            said = "already so; nothing was called" if nothing else saw
            return Outcome(Ended.NOTHING if nothing else Ended.PROVED, said, live.step.notes if live else ())
        return Outcome(Ended.FAILED if proof == "failed" else Ended.UNPROVED, saw)

    # -- undoing

    def undo_calls(
        self, step_id: str, *, with_others: bool = False
    ) -> tuple[Step, tuple[PlannedCall, ...], tuple[str, ...]]:
        """What undoing the step would do now: the step as recorded, the inverse calls, and what is left as it is, with why.

        Only what we did is taken back, and only where it is still as we left it. ``with_others``: as part of undoing
        everything; then the session cut of an instance that is gone stays. Raises :class:`Unreadable`.
        """
        record = self.record().step(self.key(step_id))
        step = Step.from_json(record.planned) if record.planned else self.plan.step(step_id)
        ours = record.done_by_us
        if not ours:
            return step, (), ()
        live = self.live(step, undone=True)
        step = replace(step, bindings=live.step.bindings)
        if live.world.unknown:
            facet, why = next(iter(live.world.unknown.items()))
            raise Unreadable(f"the {facet} could not be read, so nothing is undone: {why}")
        still = {call.id for call in live.step.already} & ours
        calls, left = [], []
        for call in step.undo:
            if not ours & set(call.undoes):
                continue
            said = call.why or call.name
            reason = live.recipe.action.leave(live.world, call, bool(still & set(call.undoes)), with_others)
            if reason:
                left.append(f"{said}: {reason}")
            elif still & set(call.undoes):
                calls.append(call)
            else:
                left.append(f"{said}: it is not as we left it any more, so it stays as it is")
        covered = {name for call in step.undo for name in call.undoes}
        lost = sorted(ours - covered)
        left += [f"{name}: no inverse of it is recorded; look at it by hand" for name in lost]
        return step, tuple(calls), tuple(left)

    def undo(self, step_id: str, approval: Approval, *, with_others: bool = False) -> Outcome:
        """Take a step back by its recorded inverse, through the same path."""
        with self.journal.one_step() as free:
            return self._undo(step_id, approval, with_others) if free else _BUSY

    def _undo(self, step_id: str, approval: Approval, with_others: bool) -> Outcome:
        key = self.key(step_id)
        self._cancel = self._asked_to_stop
        try:
            step = self.plan.step(step_id)
            refusal = self._refusal(replace(step, kind=Kind.CHANGE))
            if refusal:
                return refusal
            self.journal.ensure_room()
            recorded = self.record().step(key)
            lost = self.settle_open(Step.from_json(recorded.planned) if recorded.planned else step)
            if lost:
                return lost
            step, calls, left = self.undo_calls(step_id, with_others=with_others)
            made = self.record().step(key)
            begun = [
                call for call in step.undo if call.id in made.undo_calls and made.undo_calls[call.id].state == "done"
            ]
            if not calls and begun and made.half_undone:
                return self._prove_undone(step, begun, left)
            if not calls:
                return Outcome(
                    Ended.NOTHING, "; ".join(left) or "nothing of it was done by us, so there is nothing to undo", left
                )
            self.journal.append(
                RowKind.UNDO, {"step": key, "calls": [call.to_json() for call in calls], "left": list(left)}
            )
            self.journal.append(RowKind.APPROVED, {"step": key, "how": approval.how, "undo": True})
            record = self.record().step(key)
            bindings = {**step.bindings, **record.bindings}
            denied = self._probe(key, replace(step, stand_ins={**bindings}), calls, undo=True)
            if denied:
                return denied
            self._make(step, calls, dict(bindings), undo=True)
            return self._prove_undone(step, calls, left)
        except _Lost as lost_call:
            return lost_call.outcome
        except (AwsError, TargetGone, Unreadable) as error:
            said = error.sentence() if isinstance(error, AwsError) else str(error)
            self.journal.append(RowKind.ERROR, {"step": key, "error": said})
            return Outcome(Ended.FAILED, said)
        except (PlanError, Unresolved) as error:
            said = f"{error}: take this back by hand, then record it: vpce-tui note"
            self.journal.append(RowKind.ERROR, {"step": key, "error": said})
            return Outcome(Ended.FAILED, said)
        except Refused as error:
            return Outcome(Ended.REFUSED, str(error))
        except Cancelled:
            return self._stopped(step_id)

    def _prove_undone(self, step: Step, calls: Sequence[PlannedCall], left: tuple[str, ...]) -> Outcome:
        key, proof, saw = self.key(step.id), "not yet", ""
        forward = {name for call in calls for name in call.undoes}
        for wait in (0.0, *self._patience.prove):
            if wait:
                self._cancel.wait(wait)
            try:
                live = self.live(step, undone=True)
            except AwsError as error:
                saw = error.sentence()
                continue
            if live.world.unknown:
                saw = f"could not be read back: {next(iter(live.world.unknown.values()))}"
                continue
            there = forward & {call.id for call in live.step.already}
            if not there:
                proof, saw = "proved", f"{len(calls)} inverse calls read back"
                if left:
                    saw += f"; {len(left)} left as they are: {'; '.join(left)}"
                break
            saw = f"still in effect: {', '.join(sorted(there))}"
        self.journal.append(RowKind.CHECK, {"step": key, "proof": proof, "saw": saw, "undo": True})
        self._tell(Progress(step.id, "proof", proof, saw))
        return Outcome(Ended.PROVED if proof == "proved" else Ended.UNPROVED, saw, left)

    # -- what a person decides

    def note(self, step_id: str, decision: str, text: str) -> None:
        """Record that a step was ``skipped`` or done ``by hand``, or a plain note (``decision`` ``""``)."""
        self.journal.append(RowKind.NOTE, {"step": self.key(step_id), "decision": decision, "text": text})


def _as_approved(filed: Step, live: Step) -> Step:
    """What is journalled as the plan: every call and inverse as approved, whatever is in effect already."""
    return replace(live, undo=filed.undo, calls=filed.calls, already=filed.already)


def _with(planned: PlannedCall, parameters: Mapping[str, Any]) -> Call:
    return Call(planned.service, planned.operation, planned.region, parameters)


def _is_read(planned: PlannedCall) -> bool:
    listed = find(planned.service, planned.operation)
    return listed is not None and listed.access is Access.READ


def _given(planned: PlannedCall, answer: Any) -> dict[str, str]:
    return {name: str(jmespath.search(path, answer) or "") for name, path in planned.gives.items()}


def _due(calls: Sequence[PlannedCall], kept: Mapping[str, str]) -> list[PlannedCall]:
    """The reads whose answers are not kept yet, with the means to them."""
    due: list[PlannedCall] = []
    for call in reversed(calls):
        needed = {name for other in due for name in names(other.parameters)}
        if needed & set(call.gives) if call.gives else call.id not in kept:
            due.insert(0, call)
    return due


def _why_not(error: Exception) -> str:
    return f"what it needs ({error}) could not be read" if isinstance(error, Unresolved) else str(error)


def _parameters(planned: PlannedCall, bindings: Mapping[str, str]) -> Any:
    """As they were sent, for the evidence."""
    return resolve(planned.parameters, {**{name: f"${name}" for name in names(planned.parameters)}, **bindings})


def _find(step: Step, call_id: str, *, undo: bool) -> PlannedCall | None:
    calls = step.undo if undo else (*step.calls, *step.already)
    return next((call for call in calls if call.id == call_id), None)


def _found(live: Live, planned: PlannedCall, *, undo: bool) -> str:
    """Whether a call took effect, from a step planned live: done, not done, cannot tell."""
    if live.world.unknown:
        return "cannot tell"
    there, wanted = {call.id for call in live.step.already}, {call.id for call in live.step.calls}
    if undo:
        if there & set(planned.undoes):
            return "not done"
        return "done" if set(planned.undoes) <= wanted or not live.step.blocked else "cannot tell"
    if planned.id in there:
        return "done"
    return "not done" if planned.id in wanted else "cannot tell"


def _action(call: Call) -> str:
    listed = find(call.service, call.operation)
    return listed.iam_action if listed else call.name
