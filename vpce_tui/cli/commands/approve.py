"""``vpce-tui approve``: a second operator reads every call of a plan and signs it."""

import argparse
import sys
from datetime import UTC, datetime

from vpce_tui.aws.call import Call
from vpce_tui.aws.session import AwsSession
from vpce_tui.cli.commands.aws_access import UsageError, say, say_identity, session, write_out
from vpce_tui.cli.commands.incident import open_incident
from vpce_tui.cli.commands.playbook import text_of
from vpce_tui.cloudtrail.session_owner import identify_operator, person_from_arn
from vpce_tui.core import os_keyring
from vpce_tui.core.exit_codes import Exit
from vpce_tui.incident import approval, team_config
from vpce_tui.incident.rows import ApprovalSigned
from vpce_tui.plans.renderers import call_list
from vpce_tui.plans.targets.planning_context import iam_region
from vpce_tui.playbooks.plan_reader import read as read_plan


def approve(args: argparse.Namespace) -> Exit:
    """Show a plan, and sign it; or print the public key that the team's ``config.toml`` takes."""
    if args.key:
        print(approval.public_key(_private_key()))
        return Exit.DONE
    if not args.file or not args.incident:
        raise UsageError("give a plan FILE and the --incident in which your approval is recorded, or --key")
    hours = team_config.rules().approval_hours if args.hours is None else args.hours
    if not 0 < hours <= team_config.LONGEST:
        raise UsageError(f"--hours takes a number up to {team_config.LONGEST}")
    plan = read_plan(text_of(args.file), args.file)
    private = _private_key()
    client = session(args)
    identity = client.identity()
    say_identity(identity.account, identity.arn, read_only=client.read_only)
    person = identify_operator(client, (client.home_region, iam_region(client.home_region)))
    if identity.account != plan.account:
        say(f"refused: the plan is for account {plan.account}, and these credentials are for {identity.account}.")
        return Exit.REFUSED
    if person.same_as(person_from_arn(plan.operator)):
        say(f"refused: {person} created this plan and cannot approve it; somebody else must.")
        return Exit.REFUSED
    if not plan.incident_id:
        say("refused: the plan has no incident. Open one (vpce-tui open NAME), and plan with --incident NAME.")
        return Exit.REFUSED
    print(call_list.plan_text(plan))
    last = [step.title for step in plan.steps if step.final and step.calls]
    say(f"steps that cannot be undone: {', '.join(last) or 'none'}")
    say(f"you sign as {person}" + ("" if person.certain else ": AWS does not identify the person, so your key does"))
    if not args.yes:
        if not sys.stdin.isatty():
            say("refused: confirmation needs a terminal; pass --yes.")
            return Exit.REFUSED
        print(f"type {plan.target} to approve plan {plan.sha256[:12]}…: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != plan.target:
            say("not approved")
            return Exit.DONE
    with open_incident(client, args.incident, create=True, reason="approvals") as journal:
        if journal.holder:
            say(f"refused: {args.incident} is locked by {journal.holder}.")
            return Exit.REFUSED
        row = journal.append(
            ApprovalSigned(
                approver=person.to_json(),
                plan=plan.sha256,
                playbook=plan.playbook,
                target=plan.target,
                incident=plan.incident,
                incident_id=plan.incident_id,
                hours=hours,
                how="vpce-tui approve",
            )
        )
        made = approval.approve(
            plan, person, identity.user_id, at=_now(client), hours=hours, record=row.hash, private=private
        )
    out = args.out or f"{args.file}.approval"
    write_out(out, made.text())
    say(f"written: {out} (plan sha256 {plan.sha256}, until {made.body['until']}, your record's head {row.hash})")
    return Exit.DONE


def _now(client: AwsSession) -> datetime:
    """AWS's clock."""
    return client.read(Call("sts", "GetCallerIdentity", client.home_region)).aws_time or datetime.now(UTC)


def _private_key() -> str:
    """The approver's key from the keyring; made the first time."""
    known = os_keyring.get(os_keyring.APPROVER_KEY)
    if known:
        return known
    made = approval.new_key()
    os_keyring.keep(os_keyring.APPROVER_KEY, made)
    return made
