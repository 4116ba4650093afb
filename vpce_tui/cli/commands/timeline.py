"""``vpce-tui timeline``: an incident on one axis, what was called by whom it is about and what was done about it."""

import argparse
import sys

from vpce_tui.blocks.output import print_blocks
from vpce_tui.core.exit_codes import Exit
from vpce_tui.incident.incident_store import folder_to_read
from vpce_tui.incident.journal import Journal
from vpce_tui.investigation.incident_timeline import events_in_evidence, incident_timeline


def timeline(args: argparse.Namespace) -> Exit:
    """Print it, from the record and its evidence alone: nothing is asked of AWS."""
    folder = folder_to_read(args.name)
    with Journal.open(folder, "reader", write=False) as journal:
        rows = list(journal.rows())
    events, missing = events_in_evidence(rows, folder)
    print_blocks(incident_timeline(rows, events, missing=missing, searched=False), args.format, sys.stdout)
    return Exit.PARTIAL if missing else Exit.DONE
