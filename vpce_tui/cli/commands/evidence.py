"""``vpce-tui evidence``: what was kept in an incident, and what a file says."""

import argparse
import sys

from vpce_tui.cli.commands.aws_access import say
from vpce_tui.core.exit_codes import Exit
from vpce_tui.core.text import visible
from vpce_tui.incident import redaction
from vpce_tui.incident.evidence import evidence_path, readable
from vpce_tui.incident.evidence import kept as kept_bytes
from vpce_tui.incident.incident_store import folder_to_read
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record_errors import RecordError


def evidence(args: argparse.Namespace) -> Exit:
    """List an incident's evidence, or show one file: made harmless and with secrets hidden, unless ``--raw``."""
    folder = folder_to_read(args.name)
    with Journal.open(folder, "reader", write=False) as journal:
        steps = journal.record().steps
    kept = {f"{key}/{name}": sha256 for key, step in steps.items() for name, sha256 in step.evidence.items()}
    if not args.what:
        for name, sha256 in kept.items():
            print(f"{sha256}  {visible(name)}")
        return Exit.DONE
    fitting = [name for name in kept if args.what in (name, name.rpartition("/")[2], kept[name])]
    if len(fitting) != 1:
        said = f"several have this name: {', '.join(fitting)}" if fitting else "the incident has no such evidence"
        raise RecordError(f"{args.what!r}: {said}; vpce-tui evidence {args.name} lists them.")
    sha256 = kept[fitting[0]]
    data = kept_bytes(folder, sha256)
    if data is None:
        raise RecordError(f"the file of {fitting[0]} is missing or was changed. Run vpce-tui verify {args.name}.")
    if args.raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return Exit.DONE
    text = readable(data)
    shown = redaction.text(text)
    print(visible(shown, limit=10_000_000, multiline=True))
    if shown != text:
        say(f"possible secrets are redacted; --raw prints the file as it is ({evidence_path(folder, sha256)})")
    return Exit.DONE
