"""``vpce-tui note`` and ``resolve``: what a person did, decided or found out about a step."""

import argparse

from vpce_tui.cli.commands.aws_access import UsageError, say, session
from vpce_tui.cli.commands.incident import open_incident
from vpce_tui.core.exit_codes import Exit
from vpce_tui.engine import Engine
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.states import Decision
from vpce_tui.plans.plan import Plan, WrongChoice
from vpce_tui.plans.plan_validation import from_json


def plan_of(data: object) -> Plan | None:
    """The plan as the journal keeps it."""
    return from_json(data, "the plan in the record") if isinstance(data, dict) else None


def note(args: argparse.Namespace) -> Exit:
    """Record a note about a step, that it was skipped, or that a person did it."""
    client = session(args)
    with open_incident(client, args.incident, create=False) as journal:
        if journal.holder:
            say(f"refused: {args.incident} is locked by {journal.holder}.")
            return Exit.REFUSED
        plans = [plan_of(item) for item in journal.record().plans.values()]
        fitting = {
            f"{made.playbook}/{made.target}/{step.id}": made
            for made in plans
            if made
            for step in made.steps
            if args.step_id in (step.id, f"{made.playbook}/{made.target}/{step.id}")
        }
        key, plan_found = _only_one(fitting, args.step_id)
        decision = Decision.MANUAL if args.manual else Decision.SKIPPED if args.skipped else None
        Engine(client, journal, plan_found).note(key.rpartition("/")[2], decision, args.text)
        say(f"recorded for {key}")
        return Exit.DONE


def _only_one(fitting: dict[str, Plan], step_id: str) -> tuple[str, Plan]:
    """The one step that is meant; raises where there is none, or more than one."""
    if not fitting:
        raise WrongChoice(f"the incident has no plan with a step {step_id!r}.")
    if len(fitting) > 1:
        raise UsageError(f"{step_id!r} is in several plans; name one: {', '.join(fitting)}")
    return next(iter(fitting.items()))


def resolve(args: argparse.Namespace) -> Exit:
    """Record the outcome of a call whose result is unknown."""
    client = session(args)
    with open_incident(client, args.incident, create=False) as journal:
        if journal.holder:
            say(f"refused: {args.incident} is locked by {journal.holder}.")
            return Exit.REFUSED
        record = journal.record()
        fitting: dict[str, Plan] = {}
        for key, step in record.steps.items():
            playbook_target, _, name = key.rpartition("/")
            made = plan_of(record.plans.get(playbook_target))
            if (
                made
                and args.step_id in (name, key)
                and any(call.id == args.call_id for call in step.calls_with_unknown_outcome)
            ):
                fitting[key] = made
        if fitting:
            key, found = _only_one(fitting, args.step_id)
            Engine(client, journal, found).resolve_call(key.rpartition("/")[2], args.call_id, args.found == "done")
            say(f"recorded: {args.call_id} of {key} was {args.found}, resolved by {client.identity().arn}")
            return Exit.DONE
    raise RecordError(f"step {args.step_id!r} has no call {args.call_id!r} whose outcome is open.")
