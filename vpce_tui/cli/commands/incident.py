"""``vpce-tui verify``, ``incidents``, and how commands open an incident."""

import argparse
import re
import sys

from vpce_tui.aws.session import AwsSession
from vpce_tui.cli.commands.aws_access import UsageError, say, say_identity, session
from vpce_tui.core import paths
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.text import many, sign, visible
from vpce_tui.incident.durable_files import state_folder
from vpce_tui.incident.incident_store import folder_to_read, incident_folder, records
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.rows import IncidentClosed, IncidentOpened, OperatorResumed
from vpce_tui.incident.states import SETTLED, StepState


def open_incident(client: AwsSession, name: str, *, create: bool, reason: str = "") -> Journal:
    """The incident's journal, open for writing and known to the gate. Raises :class:`RecordError`.

    A second process gets it for reading: ``journal.holder`` says who holds it.
    """
    identity = client.identity()
    folder = incident_folder(name)
    for above in (paths.state_folder(), folder.parent):
        state_folder(above)
    journal = Journal.open(folder, identity.arn, create=create)
    if not journal.writable:
        return journal
    record = journal.record()
    if not record.opened_at:
        alias = client.account_alias()
        journal.append(IncidentOpened(name=name, account=identity.account, alias=alias, reason=reason))
    elif record.account and record.account != identity.account:
        journal.close()
        raise WrongAccount(
            f"the incident {name!r} is for account {record.account}, and these credentials are for {identity.account}; "
            "nothing was done. Use the profile of that account."
        )
    elif record.closed_at:
        journal.close()
        raise Closed(f"the incident {name!r} was closed at {record.closed_at[:19]}Z; nothing was done. Open a new one.")
    elif record.operator != identity.arn:
        journal.append(OperatorResumed(arn=identity.arn))
    client.gate.open_incident(journal)
    return journal


class Closed(RecordError):
    """The incident is over."""


class WrongAccount(RecordError):
    """The credentials are for another account than the incident."""


def open_new(args: argparse.Namespace) -> Exit:
    """Open an incident, or say that it is open already."""
    client = session(args)
    identity = client.identity()
    say_identity(identity.account, identity.arn, read_only=client.read_only)
    with open_incident(client, args.name, create=True, reason=args.reason or "") as journal:
        if journal.holder:
            say(f"refused: {args.name} is locked by {journal.holder}.")
            return Exit.REFUSED
        record = journal.record()
        print(visible(f"{args.name} is open since {record.opened_at[:19]}Z; head {journal.head}"))
    return Exit.DONE


def close(args: argparse.Namespace) -> Exit:
    """End an incident: its record takes nothing more."""
    if args.read_only or paths.read_only_asked():
        say("refused: this process is read-only; the incident was not closed.")
        return Exit.REFUSED
    if not args.yes:
        if not sys.stdin.isatty():
            say("refused: confirmation needs a terminal; pass --yes")
            return Exit.REFUSED
        print(f"the incident becomes read-only. Type {args.name} to close it: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != args.name:
            say("not closed")
            return Exit.DONE
    client = session(args)
    with open_incident(client, args.name, create=False) as journal:
        if journal.holder:
            say(f"refused: {args.name} is locked by {journal.holder}.")
            return Exit.REFUSED
        for step in journal.record().steps.values():
            if step.state not in {*SETTLED, StepState.UNDONE, StepState.SKIPPED}:
                say(f"{sign('!')} not finished: {visible(step.key)}: {step.state.value}")
        print(f"closed; head {journal.append(IncidentClosed()).hash}")
    return Exit.DONE


def verify(args: argparse.Namespace) -> Exit:
    """Recompute a record."""
    from vpce_tui.incident.integrity import row_of
    from vpce_tui.incident.integrity import verify as check

    if args.expect_head and not re.fullmatch("[0-9a-f]{64}", args.expect_head):
        raise UsageError(
            f"--expect-head takes a head hash, 64 digits and letters from a to f; {args.expect_head!r} is not one"
        )
    folder = folder_to_read(args.name)
    verdict = check(folder)
    if not verdict.good:
        where = f"row {verdict.wrong_row}: " if verdict.wrong_row else ""
        print(f"NOT VERIFIED: {where}{visible(verdict.problem)}")
        print(f"the {verdict.rows} rows before it are verified, up to {verdict.head}")
        return Exit.FAILED
    at = verdict.rows if args.expect_head in (None, "", verdict.head) else row_of(folder, args.expect_head)
    if not at:
        print(
            f"NOT VERIFIED: the head {visible(args.expect_head)} is in no row; rows were removed, or the record was rewritten"
        )
        print(f"the hash chain of the {verdict.rows} remaining rows is intact, up to {verdict.head}")
        return Exit.FAILED
    print(f"verified: {many(verdict.rows, 'row')}, {many(verdict.evidence, 'evidence file')}")
    print(f"head {verdict.head}")
    if at != verdict.rows:
        print(
            f"the expected head is that of row {at}: nothing before it was changed; {verdict.rows - at} rows were added since"
        )
    elif not args.expect_head:
        print("rows removed at the end are detected only by the head: compare with a stored one (--expect-head HASH)")
    return Exit.DONE


def incidents(_: argparse.Namespace) -> Exit:
    """List the records on this host."""
    for path, record in records():
        if isinstance(record, RecordError):
            print(f"{visible(path.name)}  {visible(record)}")
            continue
        state = f"closed {record.closed_at[:19]}Z" if record.closed_at else "open"
        said = f"{path.name}  account {record.account}  opened {record.opened_at[:19]}Z by {record.opened_by}  {state}"
        print(visible(said))
    lab = paths.state_folder() / paths.LAB
    in_lab = list((lab / "incidents").glob("*/journal.db"))
    if in_lab:
        say(f"{many(len(in_lab), 'incident')} of the lab not listed: VPCE_TUI_STATE={lab} vpce-tui incidents")
    return Exit.DONE
