"""One pipeline: what the app shows and what the commands print is the same, with every fault on every read."""

import itertools
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Aws, Labs
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.core.coverage import Coverage, Status
from vpce_tui.detection.assessment import assess_events, assess_instances
from vpce_tui.detection.team_context import Context
from vpce_tui.investigation.pipeline import Investigation, Scope
from vpce_tui.investigation.snapshot import Snapshot
from vpce_tui.investigation.workspace import Workspace

REGIONS = ("eu-west-1", "us-east-1")
READS = (
    "LookupEvents",
    "DescribeOrganization",
    "ListBuckets",
    "DescribeInstances",
    "DescribeVpcEndpoints",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeRouteTables",
    "DescribeVolumes",
    "DescribeImages",
    "ListDetectors",
    "DescribeFlowLogs",
    "GetAccountAuthorizationDetails",
)
"""Reads of the pipeline, of every stage."""


def in_the_app(aws: Aws) -> Workspace:
    """The app's own workspace, driven as the app drives it, until nothing is under way."""
    work = Workspace(
        lambda: (aws.session(), None),
        lambda: datetime.now(UTC),
        Context(),
        read_only=True,
        regions=REGIONS,
        cache=aws.folder / "app-cache",
    )
    work.start()
    for _ in range(60_000):
        work.deliver()
        if work.problem or (work.snapshot is not None and not work.snapshot.under_way and not work.snapshot.searching):
            break
        threading.Event().wait(0.005)
    return work


def comparable(coverage: dict[str, Any]) -> Any:
    return {key: coverage[key] for key in ("regions", "failed", "complete")}


@pytest.mark.parametrize("read", READS)
def test_the_app_and_the_commands_have_the_same_coverage(read: str, labs: Labs) -> None:
    aws = labs.new(f"denied@{read}:99")
    work = in_the_app(aws)
    assert work.snapshot is not None
    chosen = "instances" if READS.index(read) % 3 == 0 else "events"
    for command, shown in {"events": work.coverage, "instances": work.instance_coverage}.items():
        if command != chosen:
            continue
        code, said = aws.run(command, "--json", "--region", REGIONS[0], "--region", REGIONS[1])
        told = json.loads(said.splitlines()[-1])["coverage"]
        mine = json.loads(json.dumps(shown.to_json()))
        assert comparable(told) == comparable(mine), (read, command)
        assert (code == 0) == mine["complete"]
        assert mine["complete"] is (read in ("DescribeOrganization", "ListBuckets") and not mine["failed"])


def investigation(aws: Aws, seen: list[Snapshot], **more: Any) -> Investigation:
    now, session = datetime.now(UTC), aws.session()
    session.identity()
    scope = Scope(now - timedelta(hours=24), now, REGIONS)
    return Investigation(
        session, EventHistory(session, EventCache()), scope, Context(), on_snapshot=seen.append, **more
    )


def test_snapshots_grow_and_what_is_shown_first_waits_for_nothing(aws: Aws) -> None:
    """Events are there before the inventory was begun, and that before the look back; none is complete before the last."""
    seen: list[Snapshot] = []
    last = investigation(aws, seen).run()
    assert last is seen[-1]
    first_events = next(number for number, known in enumerate(seen) if known.events)
    first_inventory = next(number for number, known in enumerate(seen) if known.inventory)
    first_related = next(number for number, known in enumerate(seen) if known.related)
    assert first_events < first_inventory < first_related
    assert [known.coverage.complete for known in seen].count(True) == 1
    assert last.coverage.complete
    assert last.instance_coverage.complete
    for earlier, later in itertools.pairwise(seen):
        assert set(earlier.events) <= set(later.events)
        assert set(earlier.related) <= set(later.related)


def test_what_was_asked_besides_is_not_overwritten_by_a_look_back_that_is_still_running(aws: Aws) -> None:
    seen: list[Snapshot] = []
    run = investigation(aws, seen)
    asked = threading.Event()

    def when_looking_back(known: Snapshot) -> None:
        seen.append(known)
        if known.lookback.parts and not asked.is_set():
            asked.set()
            run.ask_more("EventName", "ListUsers", datetime.now(UTC))

    run._on_snapshot = when_looking_back
    last = run.run()
    assert asked.is_set()
    assert "EventName=ListUsers" in last.answered
    assert "EventName=ListUsers" in [part.name for part in last.history_coverage.parts]
    assert any(event.name == "ListUsers" for event in last.related.values()) or not last.related


@pytest.mark.parametrize("when", ["searching", "inventory", "looking back"])
def test_what_was_stopped_says_so_and_nothing_is_left_running(aws: Aws, when: str) -> None:
    seen: list[Snapshot] = []
    run = investigation(aws, seen)

    def stop(known: Snapshot) -> None:
        seen.append(known)
        here = {
            "searching": known.searching,
            "inventory": known.trust_zone is not None,
            "looking back": bool(known.lookback.parts),
        }
        if here[when]:
            run.cancel.stop()

    run._on_snapshot = stop
    last = run.run()
    assert not last.under_way
    for coverage in (last.coverage, last.instance_coverage):
        assert not coverage.complete
        assert not coverage.running
        assert any(part.status is Status.STOPPED for part in (*coverage.parts, *coverage.beside))


def test_a_second_run_shows_what_the_first_knew_until_it_knows_anew(aws: Aws) -> None:
    first = investigation(aws, []).run()
    seen: list[Snapshot] = []
    second = investigation(aws, seen, before=first).run()
    assert set(seen[0].events) == set(first.events)
    assert not seen[0].coverage.complete
    assert set(second.events) == set(first.events)


def test_the_last_snapshot_is_judged_as_the_commands_judge_it(aws: Aws) -> None:
    last, now = investigation(aws, []).run(), datetime.now(UTC)
    known = last.assessment_inputs(Context(), {}, now)
    events = assess_events(tuple(last.events.values()), known)
    assert events[0].assessment.severity.word == "critical"
    assert assess_instances(known, events)[0].instance.id == aws.victim


def test_files_are_one_snapshot_with_their_own_coverage(tmp_path: Path) -> None:
    from vpce_tui.investigation.pipeline import from_files

    (tmp_path / "x.json").write_text(
        '{"Records": [{"eventID": "a", "eventName": "CreateVpcEndpoint", "eventTime": "2026-01-31T02:00:00Z", "awsRegion": "eu-west-1"}, {"eventID": "b", "eventName": "RunInstances", "eventTime": "2026-01-31T03:00:00Z", "awsRegion": "us-east-1"}]}'
    )
    found = from_files(tmp_path, Context(), regions=("us-east-1",))
    assert [event.id for event in found.events.values()] == ["b"]
    assert len(found.event_index.ordered) == 2, "what was not asked for is known all the same"
    assert isinstance(found.coverage, Coverage)
    assert (found.coverage.kind, found.coverage.complete) == ("files", True)
