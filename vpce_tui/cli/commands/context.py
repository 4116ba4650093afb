"""``vpce-tui context``: what the product knows of the team; and a proposal for it, learned from history."""

import argparse
from datetime import UTC, datetime, timedelta

from vpce_tui.cli.commands.aws_access import UsageError, event_history, moment, say, say_identity, session, write_out
from vpce_tui.cli.commands.aws_access import context as team_context
from vpce_tui.cli.commands.search import exit_of
from vpce_tui.core import paths
from vpce_tui.core.coverage import Coverage, Part
from vpce_tui.core.exit_codes import Exit
from vpce_tui.detection.team_context import FILE, parse

NOT_LEARNED = timedelta(days=2)
"""What is newer is not learned from: an intruder may be in it."""
SAMPLE = 10
"""Pages of changes looked at in each region: the newest of them."""


def context(args: argparse.Namespace) -> Exit:
    """Print the team's context file, or a proposal learned from event history."""
    if args.what == "show":
        path = paths.config_folder() / FILE
        team_context()  # says what is wrong with it
        say(str(path) if path.exists() else f"{path} does not exist: no team context, so nothing is treated as trusted")
        if path.exists():
            print(path.read_text(encoding="utf-8"), end="")
        return Exit.DONE
    return _learn(args)


def _learn(args: argparse.Namespace) -> Exit:
    from vpce_tui.cloudtrail.event_history import enabled_regions
    from vpce_tui.cloudtrail.lookup import LookupQuery
    from vpce_tui.detection.context_proposal import as_toml, propose
    from vpce_tui.iam import trust_zone_lookup
    from vpce_tui.inventory.account_inventory import read_inventory

    now = datetime.now(UTC)
    since, until = moment(args.since, now), now - NOT_LEARNED
    if since >= until:
        raise UsageError(
            f"--since must be before the last {NOT_LEARNED.days} days (they are not learned from), for example 30d"
        )
    client = session(args)
    identity = client.identity()
    say_identity(identity.account, identity.arn, read_only=client.read_only)
    regions, note = (args.region, "") if args.region else enabled_regions(client)
    history = event_history(client)
    say(
        f"searching event history of {len(regions)} regions for endpoints and a sample of changes, {since:%Y-%m-%d} to {until:%Y-%m-%d}"
    )
    questions = [LookupQuery(since, until), LookupQuery(since, until, "false", "ReadOnly", SAMPLE)]
    found = history.search(sorted({*regions, "us-east-1"}), questions)
    whose = trust_zone_lookup.read_trust_zone(client, (), ())
    inventory = read_inventory(client, regions)
    tags = [vpc.tags for region in inventory.regions.values() for vpc in region.network.vpcs.values()]
    coverage = Coverage(
        kind="regions",
        parts=found.coverage.parts,
        notes=(note,) if note else (),
        beside=tuple(_lacking(inventory.coverage)),
    )
    looked = (
        f"{len(found.events):,} events; {coverage.sentence()}; of changes the newest {SAMPLE * 50:,} in each region"
    )
    text = as_toml(
        propose(found.events, identity.account, whose.trust_zone.organizations, tags, whose.trust_zone.accounts),
        identity.account,
        since,
        until,
        looked,
    )
    parse(text, "the proposal")  # what is proposed can be read again
    if args.out:
        write_out(args.out, text)
        say(f"{args.out} is written. Review it, delete what is wrong, and save it as {paths.config_folder() / FILE}")
    else:
        print(text, end="")
    for part in coverage.missing:
        say(f"{part.name}: {part.status.value}, {part.reason}")
    return exit_of(coverage)


def _lacking(coverage: Coverage) -> list[Part]:
    return [Part(f"{part.name} as it is now", part.status, part.reason) for part in coverage.missing]
