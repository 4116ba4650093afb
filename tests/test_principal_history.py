"""What event history could not show of a principal is said, and nothing is taken away because of it."""

from datetime import timedelta
from typing import Any

from tests.cases import CASES, apply, planned, shown
from tests.conftest import HOME, Labs
from tests.test_event_history import NOW, spread
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.incident.journal import Journal
from vpce_tui.plans.targets.principal_history import PAGES, events_of

CASE = next(case for case in CASES if case.name == "revoke-credentials-managed-policy")


def steps(labs: Labs, *faults: str) -> dict[str, Any]:
    aws = labs.new(*faults)
    CASE.before(aws)
    return {step["id"]: step for step in planned(aws, CASE)["steps"]}


def test_a_region_that_failed_keeps_a_policy_as_it_is(labs: Labs) -> None:
    step = steps(labs, "http500@LookupEvents%us-west-2:99")["least-privilege"]
    assert step["calls"] == []
    assert any("could not be read everywhere" in item["says"] for item in step["blocked"])


def test_a_region_that_is_denied_is_named_where_the_rest_is_shown(labs: Labs) -> None:
    step = steps(labs, "denied@LookupEvents%us-west-2:99")["persistence"]
    assert any("not searched" in note and "us-west-2" in note for note in shown(step))


def test_where_nothing_could_be_read_nothing_is_known(labs: Labs) -> None:
    found = steps(labs, "denied@LookupEvents:999")
    for name in ("persistence", "least-privilege"):
        assert found[name]["calls"] == [], name
        assert any("event history" in item["says"] for item in found[name]["blocked"]), name


def test_sessions_whose_number_is_not_known_whole_are_not_counted(labs: Labs) -> None:
    step = steps(labs, "denied@LookupEvents%us-east-1:99")["sessions"]
    assert any("their number could not be read" in item["says"] for item in step["affects"])


def test_more_events_than_are_read_are_said_and_asked_again() -> None:
    account = spread(PAGES * 50 * 11 + 2000)  # each of eleven users has more than is read of one
    history = EventHistory(account, EventCache())
    found, gaps, failed = events_of(history, [("Username", "user1")], ["eu-west-1"], NOW, 30)
    assert len(found) == PAGES * 50
    assert gaps == (f"user1 in eu-west-1: more than {PAGES * 50} events, the older ones were not read",)
    assert failed == ""
    again, gaps, _ = events_of(history, [("Username", "user1")], ["eu-west-1"], NOW + timedelta(seconds=1), 30)
    assert gaps != (), "a sample that was cut is not whole the second time"
    assert len(again) == PAGES * 50


def test_the_calls_of_a_roles_sessions_are_kept_as_evidence_as_they_were_shown(labs: Labs) -> None:
    aws = labs.new()
    CASE.before(aws)
    shown_before = {call["why"] for call in next(s for s in planned(aws, CASE)["steps"] if s["id"] == "who")["calls"]}
    code, said = apply(aws, CASE, "--step", "who")
    assert code == 0, said
    with Journal.open(aws.incident(), "test", write=False) as journal:
        step = journal.record().step(f"{CASE.playbook}/{CASE.target}/who")
    assert f"calls made as {aws.victim} in {HOME}" in shown_before
    names = [name for name in step.evidence if name.startswith("history-")]
    assert len(names) == sum(why.startswith("calls made as") for why in shown_before)
    kept = [(aws.incident() / "evidence" / step.evidence[name]).read_text() for name in names]
    assert any("CreateAccessKey" in text for text in kept), "what the intruder called"
