"""``vpce-tui approve``: a second operator reads a plan and signs its hash."""

import argparse
import sys
from datetime import UTC, datetime

from vpce_tui import keychain
from vpce_tui.commands.common import UsageError, say, say_identity, session, write_out
from vpce_tui.commands.incident import open_incident
from vpce_tui.commands.playbook import text_of
from vpce_tui.exits import Exit
from vpce_tui.incident import approval
from vpce_tui.incident.journal import Kind
from vpce_tui.playbooks.plan_file import read as read_plan
from vpce_tui.playbooks.views import render

_KEY = "approver-key"


def approve(args: argparse.Namespace) -> Exit:
    """Show a plan, and sign it; or print the public key that the team's ``config.toml`` takes."""
    private = _private_key()
    if args.key:
        print(approval.public_key(private))
        return Exit.DONE
    if not args.file or not args.incident:
        raise UsageError("name a plan's FILE and the --incident that your approval is recorded in, or give --key")
    plan = read_plan(text_of(args.file), args.file)
    caller = session(args)
    identity = caller.identity()
    say_identity(identity.account, identity.arn, read_only=caller.read_only)
    if identity.account != plan.account:
        say(f"refused: the plan is for account {plan.account}, and these credentials are for {identity.account}.")
        return Exit.REFUSED
    if identity.arn == plan.operator:
        say(f"refused: {identity.arn} made this plan: approving it is for somebody else.")
        return Exit.REFUSED
    print(render(plan, "console"))
    last = [step.title for step in plan.steps if not step.reversible and step.calls]
    say(f"cannot be undone: {', '.join(last) or 'nothing of it'}")
    if not args.yes:
        if not sys.stdin.isatty():
            say("refused: without a terminal there is nobody to ask; give --yes.")
            return Exit.REFUSED
        print(f"type {plan.target} to approve plan {plan.sha256[:12]}…: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != plan.target:
            say("not approved")
            return Exit.DONE
    with open_incident(caller, args.incident, create=True, reason="approvals") as journal:
        if journal.holder:
            say(f"refused: {journal.holder} holds the incident {args.incident}.")
            return Exit.REFUSED
        about = {"plan": plan.sha256, "playbook": plan.playbook, "target": plan.target, "approver": identity.arn}
        row = journal.append(Kind.APPROVED, {**about, "how": "vpce-tui approve"})
        made = approval.approve(plan, identity.arn, identity.user_id, datetime.now(UTC), row.hash, private)
    out = args.out or f"{args.file}.approval"
    write_out(out, made.text())
    say(f"written: {out} (plan sha256 {plan.sha256}, your record's head {row.hash})")
    return Exit.DONE


def _private_key() -> str:
    """The approver's key from the keyring; made the first time."""
    known = keychain.get(_KEY)
    if known:
        return known
    made = approval.new_key()
    keychain.keep(_KEY, made)
    return made
