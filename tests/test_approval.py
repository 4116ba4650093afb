"""What an approval says, who signed it, and when it counts."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vpce_tui.cloudtrail.session_owner import person_from_arn
from vpce_tui.core.canonical_json import canonical
from vpce_tui.core.typed_data import Malformed, convert
from vpce_tui.incident import approval
from vpce_tui.incident.team_config import Approver, TeamConfig

NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)
ALICES, BOBS = "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"


def plan_like() -> Any:
    """What of a plan is approved."""

    class Planned:
        sha256, account, operator = "a" * 64, "123456789012", "arn:aws:iam::123456789012:user/ann"
        planned_at, playbook, target, incident, incident_id = "2026-11-27T03:00:00Z", "p", "i-1", "case", "b" * 64

    return Planned()


def signed(private: str, **changes: Any) -> dict[str, Any]:
    """An approval of Bob's as its file holds it, with other content under a good signature: as a bribed tool would make it."""
    made = approval.approve(plan_like(), person_from_arn(BOBS), "AIDA", at=NOW, hours=8, record="", private=private)
    body = {**made.body, **changes}
    signature = base64.b64encode(approval._private(private).sign(canonical(body))).decode()
    return {**body, "key": made.key, "signature": signature}


def assessed(
    data: dict[str, Any], private: str, *, now: datetime = NOW, arn: str = "*", spent: frozenset[str] = frozenset()
) -> str:
    """Why the approval does not count."""
    mine = approval.public_key(approval.new_key())
    approvers = (Approver(arn=arn, key=approval.public_key(private)), Approver(arn=ALICES, key=mine))
    rules = TeamConfig(approvals=2, approvers=approvers, approval_hours=12)
    use = approval.Use("b" * 64, now, spent)
    runner = approval.Runner(person_from_arn(ALICES), mine)
    return approval.problem(approval.read(json.dumps(data), "it"), plan_like(), runner, rules, use)


TIMES: dict[str, tuple[str, str, str]] = {
    "2016": ("2016-01-01T00:00:00Z", "2016-01-01T08:00:00Z", "older than the plan"),
    "of 2016 for ever": ("2016-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "older than the plan"),
    "2099": ("2099-01-01T00:00:00Z", "2099-01-01T08:00:00Z", "by AWS's clock"),
    "in an hour": ("2026-11-27T05:00:00Z", "2026-11-27T13:00:00Z", "by AWS's clock"),
    "ended": ("2026-11-27T03:30:00Z", "2026-11-27T03:59:00Z", "expired at"),
    "ends before it begins": ("2026-11-27T03:59:00Z", "2026-11-27T03:00:00Z", "expired at"),
    "good": ("2026-11-27T03:59:00Z", "2026-11-27T08:00:00Z", ""),
    "good, by another clock": ("2026-11-27T04:04:00Z", "2026-11-27T08:00:00Z", ""),
}


@pytest.mark.parametrize("when", TIMES)
def test_an_approval_holds_for_some_hours(when: str) -> None:
    at, until, expected = TIMES[when]
    private = approval.new_key()
    found = assessed(signed(private, at=at, until=until), private)
    assert expected in found if expected else not found


def test_for_longer_than_the_team_wants_no_approval_holds_whatever_it_says() -> None:
    private = approval.new_key()
    data = signed(private, until="2026-11-29T04:00:00Z")
    for hours, good in ((0.0, True), (11.9, True), (12.1, False), (47, False)):
        assert (assessed(data, private, now=NOW + timedelta(hours=hours)) == "") is good, hours


def test_a_key_is_written_in_one_way_only() -> None:
    private = approval.new_key()
    key = approval.public_key(private)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = key[:-2] + letters[letters.index(key[-2]) ^ 1] + "="
    assert base64.b64decode(other[8:]) == base64.b64decode(key[8:])
    assert approval.canonical_key(other) == key
    with pytest.raises(approval.ApprovalError):
        approval.read(json.dumps({**signed(private), "key": other}), "it")
    with pytest.raises(Malformed):
        convert({"arn": "*", "key": other}, Approver)
    assert convert({"arn": "*", "key": key}, Approver).key == key


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "another plan": ({"plan": "c" * 64}, "is for another plan"),
    "another account": ({"accountId": "210987654321"}, "is for another account"),
    "another incident": ({"incidentId": "c" * 64}, "is for another incident"),
    "for no incident": ({"incidentId": ""}, "is for another incident"),
    "the runner": ({"approver": ALICES, "person": person_from_arn(ALICES).to_json()}, "runs the plan"),
    "the planner": (
        {"approver": plan_like().operator, "person": person_from_arn(plan_like().operator).to_json()},
        "created the plan",
    ),
}


@pytest.mark.parametrize("how", CHANGED)
def test_an_approval_for_something_else_does_not_count_though_it_is_signed(how: str) -> None:
    changes, expected = CHANGED[how]
    private = approval.new_key()
    assert expected in assessed(signed(private, **changes), private)


def test_an_approval_that_was_changed_or_is_of_nobody_of_the_team_does_not_count() -> None:
    private = approval.new_key()
    good = signed(private)
    assert assessed(good, private) == ""
    for field, value in (
        ("target", "i-2"),
        ("until", "2026-11-27T13:00:00Z"),
        ("record", "x"),
        ("signature", "AAAA"),
        ("signature", "é"),
    ):
        assert "the signature of" in assessed({**good, field: value}, private), field
    assert "is not an approver" in assessed(good, private, arn="*:user/carol")
    assert "is not an approver" in assessed(good, approval.new_key())
    assert "was already used" in assessed(good, private, spent=frozenset({good["id"]}))


FORMS: list[dict[str, Any]] = [
    {"more": "x"},
    {"until": "never"},
    {"until": 7},
    {"id": "x"},
    {"person": 7},
    {"person": {"name": "x"}},
    {"approver": "other"},
    {"schema": "vpce-tui:approval:2"},
]


@pytest.mark.parametrize("change", FORMS)
def test_what_has_not_the_form_of_an_approval_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(approval.ApprovalError):
        approval.read(json.dumps({**signed(approval.new_key()), **change}), "it")


def test_json_of_which_two_readers_would_read_two_things_is_no_approval() -> None:
    text = json.dumps(signed(approval.new_key()))
    for wrong in ("{", "[]", "7", text.replace('"until"', '"until": "2099-01-01T00:00:00Z", "until"'), "[" * 100_000):
        with pytest.raises(approval.ApprovalError):
            approval.read(wrong, "it")
