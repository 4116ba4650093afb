"""``vpce-tui plan``, ``apply``, ``undo``: how a plan passes hands."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from vpce_tui.aws.errors import AwsError
from vpce_tui.cli.commands.aws_access import UsageError, event_history, say, say_identity, session, write_out
from vpce_tui.cli.commands.incident import open_incident
from vpce_tui.cli.commands.step_record import plan_of
from vpce_tui.core import os_keyring
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.text import sign, visible
from vpce_tui.engine import Engine
from vpce_tui.engine.execution_context import StepError
from vpce_tui.engine.outcome import Approval, Outcome, Progress, ProgressState, WaitPolicy
from vpce_tui.engine.roll_back import shown_parameters
from vpce_tui.incident import approval, team_config
from vpce_tui.incident.incident_store import incident_folder
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import Record
from vpce_tui.incident.rows import WholePlan
from vpce_tui.incident.states import SETTLED, Decision, StepState
from vpce_tui.inventory.flow_log_queries import PRICE
from vpce_tui.plans.plan import Plan, PlanError, Step, StepKind, is_final
from vpce_tui.plans.renderers.call_list import inverse_lines
from vpce_tui.plans.targets.planning_context import TargetGone, Unreadable
from vpce_tui.playbooks.library import load
from vpce_tui.playbooks.plan_reader import read as read_plan


def plan(args: argparse.Namespace) -> Exit:
    """Make a plan; reads only."""
    from vpce_tui.cloudtrail.event_history import enabled_regions
    from vpce_tui.plans.planner import parse_choices, plan_playbook
    from vpce_tui.plans.renderers import render
    from vpce_tui.plans.targets import KINDS

    playbook = load(args.playbook)
    kind = KINDS[playbook.target]
    if not kind.pattern.fullmatch(args.target):
        raise UsageError(f"{args.target!r} is not a valid {kind.name}; expected {kind.example}")
    choices = parse_choices(args.set or [], playbook)
    client = session(args)
    identity = client.identity()
    say_identity(identity.account, identity.arn, read_only=client.read_only)
    if playbook.target in ("interface", "endpoint"):
        say(f"this queries the flow logs of the target: billed by the data scanned, {PRICE}")
    region = args.region or kind.region(client, args.target, enabled_regions(client)[0])
    record = _known(args.incident) if args.incident else None
    made = plan_playbook(
        client,
        playbook,
        args.target,
        region,
        datetime.now(UTC),
        choices,
        args.incident or "",
        record,
        history=event_history(client),
    )
    terminal = not args.out and sys.stdout.isatty()
    text = render(made, args.format or ("json" if args.out else "text"), terminal=terminal)
    if args.out:
        write_out(args.out, text)
        say(f"written: {args.out} (plan sha256 {made.sha256})")
    else:
        print(text)
    return Exit.DONE


def _known(incident: str) -> Record:
    """What an incident's record knows, for planning; nothing is opened for writing."""
    with Journal.open(incident_folder(incident), "plan", write=False) as journal:
        return journal.record()


def apply(args: argparse.Namespace) -> Exit:
    """Run a plan file on an incident."""
    made = read_plan(sys.stdin.read()) if args.file == "-" else read_plan(text_of(args.file), args.file)
    if not args.yes and not sys.stdin.isatty():
        say("refused: confirmation needs a terminal; pass --yes (and --confirm ID for irreversible steps)")
        return Exit.REFUSED
    for step_id in args.step or ():
        made.step(step_id)
    if args.confirm and made.target not in args.confirm:
        say(
            f"refused: --confirm names {', '.join(args.confirm)}, and the plan is about {made.target}; nothing was done."
        )
        return Exit.REFUSED
    client = session(args)
    identity = client.identity()
    say_identity(identity.account, identity.arn, read_only=client.read_only)
    if client.read_only:
        say("refused: this process is read-only; nothing was done. Start it without --read-only.")
        return Exit.REFUSED
    if identity.account != made.account:
        say(
            f"refused: the plan is for account {made.account}, and these credentials are for {identity.account}; nothing was done."
        )
        return Exit.REFUSED
    steps = [step for step in made.steps if not args.step or step.id in args.step]
    _say_approvals(steps, len(args.approval or ()))
    with open_incident(client, args.incident, create=True, reason=args.reason or "") as journal:
        if journal.holder:
            say(
                f"refused: {args.incident} is locked by {journal.holder}; nothing was done. (If it is the app: close it.)"
            )
            return Exit.REFUSED
        remember(journal, made)
        engine = Engine(
            client,
            journal,
            made,
            wait_policy=wait_policy(args),
            on_progress=_print_progress,
            on_secret=_taker(args),
            approvals=[approval.read(text_of(path), path) for path in args.approval or ()],
            history=event_history(client),
        )
        return _run_all(engine, steps, args)


def _say_approvals(steps: Sequence[Step], given: int) -> None:
    """What the team's rules will ask for, before anything is done."""
    rules = team_config.rules()
    final = [step.title for step in steps if step.final and step.calls]
    if rules.approvals > 1 and final:
        wanted = rules.approvals - 1
        say(
            f"{team_config.path()} requires {rules.approvals} people: {wanted} must approve {', '.join(final)}; {given} given"
        )


def _taker(args: argparse.Namespace) -> Callable[[str, str], str] | None:
    """Where a secret goes that AWS hands out once: the keyring, or a person at this terminal; None: nobody is there."""
    if args.secret_to:
        os_keyring.ready()
        return os_keyring.keep
    if not sys.stderr.isatty():
        return None

    def shown(label: str, secret: str) -> str:
        print(f"the secret of {label}, shown only once: {visible(secret)}", file=sys.stderr, flush=True)
        return "shown once at the terminal"

    return shown


def text_of(path: str) -> str:
    """The text of a plan's file. Raises :class:`PlanError` where it is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PlanError(f"{path} is not a plan: it is not text.") from None


def wait_policy(args: argparse.Namespace) -> WaitPolicy:
    """How long to wait for proofs: ``--wait SECONDS``."""
    if args.wait is None:
        return WaitPolicy()
    if not 0 <= args.wait <= 86_400:
        raise UsageError("--wait takes seconds from 0 to 86400")
    waits = tuple(0.2 for _ in range(int(args.wait * 5)))
    return WaitPolicy(verification=waits, condition=waits)


def remember(journal: Journal, made: Plan) -> None:
    """Keep the whole plan in the journal, once."""
    key = f"{made.playbook}/{made.target}"
    known = journal.record().plans.get(key)
    if known is None or known.get("sha256") != made.sha256:
        journal.append(WholePlan(whole=made.data()))


def _run_all(engine: Engine, steps: Sequence[Step], args: argparse.Namespace) -> Exit:
    for step in steps:
        state = engine.record().step(engine.key(step.id)).state
        named = (
            bool(args.step)
            and (state is not StepState.VERIFIED or step.kind is StepKind.CHANGE)
            and state is not StepState.MANUAL
        )
        due = state is StepState.NOTHING_TO_DO and bool(step.calls)  # the plan has something to do again
        if state in {*SETTLED, StepState.SKIPPED, StepState.UNDONE} and not named and not due:
            again = "not run again" if state in SETTLED else f"unchanged; --step {step.id} runs it"
            say(f"{sign(state.sign)} {step.title}: {state.value}; {again}")
            continue
        approval = _approval(step, engine, args)
        if approval is None:
            engine.note(step.id, Decision.SKIPPED, "skipped at the prompt")
            say(f"{sign('–')} {step.title}: skipped")
            continue
        outcome = engine.run(step.id, approval)
        _print_outcome(step, outcome)
        if not outcome.good:
            return outcome.exit
    _say_unfinished(engine, args.incident)
    return Exit.DONE


def _say_unfinished(engine: Engine, incident: str) -> None:
    """What of the playbook is not in effect, although every step that was asked for ran."""
    key = f"{engine.plan.playbook}/{engine.plan.target}"
    left = [step for step in engine.record().unfinished() if step.playbook == key]
    if left:
        named = "; ".join(f"{step.title} ({step.state.value})" for step in left)
        say(f"! not finished in {incident}: {named}")


def _approval(step: Step, engine: Engine, args: argparse.Namespace) -> Approval | None:
    made = engine.plan
    confirmed = made.target if made.target in (args.confirm or ()) else ""
    if args.yes or step.kind is not StepKind.CHANGE:
        return Approval("--yes" if args.yes else "terminal", confirmed)
    step = engine.live(step).step  # what is asked about is what would run now, in our words
    say(f"\n{step.title}\n  {step.description}")
    for line in step.changes:
        say(f"    {line}")
    for affected in step.affects:
        say(f"  also affects: {affected.says}" + (f" ({', '.join(affected.names)})" if affected.names else ""))
    if step.reversible:
        return Approval("terminal") if _ask(f"run “{step.title}”? [y/N] ").lower() in ("y", "yes") else None
    typed = confirmed or _ask(f"this cannot be undone. Type {made.target} to run it, or press Enter to skip: ")
    return Approval("terminal", typed) if typed == made.target else None


def _ask(question: str) -> str:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _print_progress(progress: Progress) -> None:
    if progress.state is ProgressState.RUNNING:
        return
    took = f"  {progress.seconds:.1f} s" if progress.seconds else ""
    say(f"    {sign(progress.state.sign)} {visible(progress.words, limit=300)}{took}")


def _print_outcome(step: Step, outcome: Outcome) -> None:
    say(f"{sign(outcome.ended.sign)} {step.title}: {outcome.ended.value}: {outcome.says}")
    if not outcome.good:
        for line in outcome.details:
            said = line.removeprefix(outcome.says).lstrip(". ")
            if said:
                say(f"    {said}")


def undo(args: argparse.Namespace) -> Exit:
    """Take steps back by their recorded inverse."""
    if bool(args.all) == bool(args.step_id):
        raise UsageError("name one STEP, or give --all")
    if not args.yes and not sys.stdin.isatty():
        say("refused: confirmation needs a terminal; pass --yes")
        return Exit.REFUSED
    client = session(args)
    identity = client.identity()
    say_identity(identity.account, identity.arn, read_only=client.read_only)
    if client.read_only:
        say("refused: this process is read-only; nothing was done. Start it without --read-only.")
        return Exit.REFUSED
    with open_incident(client, args.incident, create=False) as journal:
        if journal.holder:
            say(f"refused: {args.incident} is locked by {journal.holder}; nothing was done.")
            return Exit.REFUSED
        chosen = _to_undo(journal, args.step_id)
        if not chosen:
            say("there is nothing to undo")
            return Exit.DONE
        worst, history = Exit.DONE, event_history(client)
        for made, step_id in chosen:
            engine = Engine(
                client,
                journal,
                made,
                wait_policy=wait_policy(args),
                on_progress=_print_progress,
                approvals=[approval.read(text_of(path), path) for path in args.approval or ()],
                history=history,
            )
            ended = _undo_one(engine, step_id, args)
            worst = max(worst, ended)
            if ended is Exit.REFUSED:  # what was done before it may rest on it
                say("the remaining steps were not undone")
                break
    return worst


def _undo_one(engine: Engine, step_id: str, args: argparse.Namespace) -> Exit:
    try:
        shown = engine.planned_undo(step_id, with_others=args.all)
    except StepError as ended:
        _print_outcome(engine.plan.step(step_id), ended.outcome)
        return ended.outcome.exit
    except (Unreadable, TargetGone, AwsError, PlanError) as error:
        say(f"{sign('✖')} {step_id}: {error}")
        return Exit.FAILED
    step, calls = shown.step, shown.calls
    say(f"\nundo “{step.title}”")
    for line in (*inverse_lines((call, shown_parameters(call)) for call in calls), *shown.left):
        say(f"    {line}")
    target = engine.plan.target
    typed = target if target in (args.confirm or ()) else ""
    if not args.yes and calls:
        if is_final(calls):
            typed = typed or _ask(
                f"this permanently deletes what it created. Type {target} to undo it, or press Enter to cancel: "
            )
            agreed = typed == target
        else:
            agreed = _ask("undo it? [y/N] ").lower() in ("y", "yes")
        if not agreed:
            say("not undone; nothing was changed")
            return Exit.DONE
    outcome = engine.undo(step_id, Approval("--yes" if args.yes else "terminal", typed), shown, with_others=args.all)
    _print_outcome(step, outcome)
    return outcome.exit


def _to_undo(journal: Journal, step_id: str | None) -> list[tuple[Plan, str]]:
    """The plans and step ids to take back, last done first."""
    record = journal.record()
    order: dict[str, int] = {}
    for key, step in record.steps.items():
        intents = [call.intent for call in step.calls.values()]
        if intents and (step.done_by_us or step.calls_with_unknown_outcome or step.half_undone):
            order[key] = max(intents)
    found: list[tuple[Plan, str]] = []
    for key in sorted(order, key=lambda item: -order[item]):
        playbook_target, _, name = key.rpartition("/")
        made = plan_of(record.plans.get(playbook_target))
        if made is None or (step_id is not None and step_id not in (name, key)):
            continue
        if step_id is None and not made.step(name).reversible:
            say(f"“{made.step(name).title}” cannot be undone and stays in effect")
            continue
        found.append((made, name))
    if step_id is not None and len(found) > 1:
        raise UsageError(f"{step_id!r} was run on several targets; name one: {', '.join(order)}")
    if step_id is not None and not found:
        raise PlanError(
            f"the incident has no step {step_id!r} that was run; it has {', '.join(sorted(order)) or 'none'}."
        )
    return found
