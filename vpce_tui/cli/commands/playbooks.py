"""``vpce-tui playbooks list | show NAME | check FILE … | export NAME``: the playbooks as they are."""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from vpce_tui.cli.commands.aws_access import UsageError, say, session, write_out
from vpce_tui.cli.commands.playbook import text_of
from vpce_tui.core import paths
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.text import sign, visible
from vpce_tui.engine import credential_checks
from vpce_tui.plans.plan import Plan, PlanError, PlannedCall, StepKind
from vpce_tui.plans.plan_differences import differences
from vpce_tui.plans.planner import plan_playbook
from vpce_tui.plans.playbook import Playbook
from vpce_tui.playbooks.library import InvalidPlaybook, load, load_file, names, team_files
from vpce_tui.playbooks.plan_reader import read as read_plan


def playbooks(args: argparse.Namespace) -> Exit:
    """Dispatch ``playbooks list``, ``show``, ``check`` and ``export``."""
    what, given = args.what, list(args.names)
    if what == "list":
        if given:
            raise UsageError("list takes no name")
        return _list()
    if not given:
        raise UsageError(f"{what}: name {'a file' if what == 'check' else 'a playbook'}")
    if what == "check":
        return _check(given)
    if len(given) > 1:
        raise UsageError(f"{what} takes one name")
    playbook = load(given[0])
    if what == "show":
        print(_page(playbook))
        return Exit.DONE
    text = _export(playbook, args)
    if args.out:
        write_out(args.out, text)
        say(f"written: {args.out}")
    else:
        print(text, end="")
    return Exit.DONE


def iam_policy(args: argparse.Namespace) -> Exit:
    """Print the least-privilege IAM policy for a playbook."""
    from vpce_tui.playbooks.permissions import policy_of

    print(json.dumps(policy_of(load(args.playbook), read_only=args.read_only), indent=2))
    return Exit.DONE


def _list() -> Exit:
    worst = Exit.DONE
    for name in names():
        try:
            playbook = load(name)
        except InvalidPlaybook as error:
            say(f"{sign('✖')} {visible(name)}: invalid, not used")
            for problem in error.problems:
                say(f"    {team_files()[name]}: {problem}")
            worst = Exit.FAILED
            continue
        print(
            visible(
                f"{name:<20} {playbook.target:<10} {len(playbook.steps):>2} steps  {playbook.title} {playbook.team_mark}"
            ).rstrip()
        )
    say(f"your team's are in {paths.playbooks_folder()}")
    return worst


def _check(given: list[str]) -> Exit:
    paths: list[Path] = []
    for name in given:
        path = Path(name)
        paths += sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not paths:
        raise UsageError(f"no *.toml in {', '.join(given)}")
    broken = 0
    for path in paths:
        try:
            playbook = load_file(path)
        except InvalidPlaybook as error:
            broken += 1
            for problem in error.problems:
                print(visible(f"{path}:{problem.line}:{problem.column}: {problem.says}", limit=1000))
        else:
            print(visible(f"{path}: valid; {len(playbook.steps)} steps on {playbook.target}"))
    if len(paths) > 1:
        say(f"{len(paths)} files, {broken} invalid")
    return Exit.FAILED if broken else Exit.DONE


def _page(playbook: Playbook) -> str:
    lines = [f"{playbook.name} {playbook.team_mark}".rstrip(), playbook.title, "", playbook.use_when, ""]
    for number, playbook_step in enumerate(playbook.steps, start=1):
        lines += [
            f"{number:>2}. {playbook_step.title} ({playbook_step.id}: {playbook_step.action_name})",
            f"    {playbook_step.description}",
        ]
        lines += [f"    · {sentence}" for sentence in playbook_step.guidance]
        for choice in playbook_step.action.choices:
            if playbook_step.prompts is not None and choice.id not in playbook_step.prompts:
                continue
            options = " | ".join(option.value or '""' for option in choice.fixed or ())
            lines.append(f"    ? {choice.question}: --set {playbook_step.id}.{choice.id}={options or '…'}")
    return visible("\n".join(lines), limit=100_000, multiline=True)


def _export(playbook: Playbook, args: argparse.Namespace) -> str:
    from vpce_tui.playbooks.export import cacao, markdown

    if args.format == "md":
        return markdown(playbook)
    plan = read_plan(text_of(args.plan), args.plan) if args.plan else None
    if plan is not None and plan.playbook != playbook.name:
        raise UsageError(f"{args.plan} is a plan of {plan.playbook}, not of {playbook.name}")
    now = datetime.now(UTC)
    return cacao(playbook, now, _planned_again(playbook, plan, args) if plan is not None else None)


def _planned_again(playbook: Playbook, plan: Plan, args: argparse.Namespace) -> Plan:
    """The steps of ``plan`` as they are planned from live state: that is handed on to others, and nothing of the file.

    Raises :class:`PlanError` where the file says something else.
    """
    client = session(args)
    identity = client.identity()
    if identity.account != plan.account:
        raise PlanError(f"the plan is for account {plan.account}, and these credentials are for {identity.account}.")
    choices = {step.id: step.choices for step in plan.steps}
    now = plan_playbook(client, playbook, plan.target, plan.region, datetime.now(UTC), choices)
    for step in plan.steps:
        filed, live = step, now.step(step.id)
        if step.kind is StepKind.READ:  # what is read may change as the world does
            filed, live = (
                replace(filed, calls=credential_checks(filed), already=()),
                replace(live, calls=credential_checks(live), already=()),
            )
        found = [*differences(filed, live), *_other_inverses(filed.undo, live.undo)]
        if bool(filed.blocked) != bool(live.blocked):
            found.append(f"it {'is blocked now' if live.blocked else 'was blocked, and is not any more'}")
        if found:
            raise PlanError(f"{args.plan} is stale: {step.id}: {found[0]}. Make a new plan.")
    return replace(now, steps=tuple(now.step(step.id) for step in plan.steps))


def _other_inverses(filed: Sequence[PlannedCall], live: Sequence[PlannedCall]) -> list[str]:
    known = {call.id for call in live}
    return [f"its undo would also call {call.name} ({call.id})" for call in filed if call.id not in known]
