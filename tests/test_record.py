"""The record of an incident, folded once."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.forged import append_raw
from vpce_tui.aws.call import Call
from vpce_tui.core.canonical_json import canonical
from vpce_tui.incident.integrity import verify
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import CallStatus, StepRecord, replay
from vpce_tui.incident.rows import (
    CallResult,
    IncidentOpened,
    NoteWritten,
    StepPlan,
    StepVerification,
)
from vpce_tui.incident.states import VerificationState


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "incidents" / "case-1"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    with Journal.open(folder, "arn:aws:sts::1:assumed-role/R/alice", create=True) as made:
        made.append(IncidentOpened(name="case-1", account="123456789012"))
        yield made


def test_a_record_advanced_row_by_row_is_that_of_all_rows_and_leaves_the_earlier_ones_as_they_were(
    journal: Journal,
) -> None:
    step, call = (
        "p/t/s",
        Call(service="ec2", operation="StopInstances", region="r", parameters={"InstanceIds": ["i-1"]}),
    )
    plan = {"calls": [{"id": "stop"}], "undo": [{"id": "start", "undoes": ["stop"]}]}
    seen = [(journal.record(), repr(journal.record()))]
    for act in (
        lambda: journal.append(StepPlan(step=step, plan=plan)),
        lambda: journal.intend(step, {"stop": call}, "123456789012"),
        lambda: journal.append(CallResult(step=step, call="stop", ok=True, gave={"X": "1"})),
        lambda: journal.append(StepVerification(step=step, verification=VerificationState.VERIFIED)),
        lambda: journal.intend(step, {"start": call}, "123456789012", undo=True),
        lambda: journal.append(CallResult(step=step, call="start", ok=True, undo=True, undoes=("stop",))),
        lambda: journal.append(StepVerification(step=step, verification=VerificationState.VERIFIED, undo=True)),
        lambda: journal.append(NoteWritten(step="p/t/other", text="x")),
    ):
        act()
        seen.append((journal.record(), repr(journal.record())))
    assert journal.record() == replay(journal.rows())
    assert journal.record().step(step).state == "undone"
    for record, as_it_was in seen:
        assert repr(record) == as_it_was


def test_a_journal_that_somebody_else_writes_is_read_on_from_where_it_was(journal: Journal, folder: Path) -> None:
    with Journal.open(folder, "reader", write=False) as reader:
        before = reader.record()
        journal.append(NoteWritten(step="p/t/s", text="later"))
        assert before.step("p/t/s").notes == []
        assert reader.record().step("p/t/s").notes == ["later"]


def test_a_copy_of_a_step_shares_nothing_that_a_row_changes() -> None:
    call = CallStatus(id="c", call=Call("ec2", "CreateTags", "eu-west-1"), intent=1, gave={"A": "1"})
    step = StepRecord("p/t/s", calls={"c": call}, undo_calls={"u": call}, probes={"p": call}, made_under={"1": {"c"}})
    copied = step.copy()
    assert copied == step
    for item in fields(StepRecord):
        value = getattr(step, item.name)
        if isinstance(value, (dict, list, set)) and item.name != "newest":  # the newest plan is replaced, never changed
            assert getattr(copied, item.name) is not value, item.name
    assert copied.calls["c"] is not call
    assert copied.calls["c"].gave is not call.gave
    assert copied.undo_calls["u"] is not call
    assert copied.made_under["1"] is not step.made_under["1"]


OLD_ROWS = [
    ("opened", {"name": "case", "account": "1", "alias": "", "reason": ""}),
    ("operator", {"arn": "arn:aws:iam::1:user/a"}),
    ("plan", {"whole": {"playbook": "p", "target": "t"}}),
    ("plan", {"step": "p/t/s", "plan": {"calls": [], "undo": []}, "sha256": "0"}),
    ("approved", {"step": "p/t/s", "how": "key in the app", "confirmed": ""}),
    ("approved", {"step": "p/t/s", "how": "--yes", "undo": True}),
    ("intent", {"step": "p/t/s", "probe": True, "undo": False, "calls": []}),
    ("intent", {"step": "p/t/s", "undo": True, "calls": []}),
    ("result", {"step": "p/t/s", "probe": True, "passed": ["a"], "denied": [], "problems": []}),
    (
        "result",
        {
            "step": "p/t/s",
            "call": "a",
            "undo": False,
            "undoes": [],
            "ok": True,
            "gave": {},
            "requestId": "r",
            "seconds": 0.1,
            "handedOver": "keyring",
        },
    ),
    (
        "result",
        {
            "step": "p/t/s",
            "call": "a",
            "undo": False,
            "undoes": [],
            "ok": False,
            "error": "x",
            "outcomeKnown": False,
            "requestId": "",
        },
    ),
    ("check", {"step": "p/t/s", "call": "a", "undo": False, "undoes": [], "found": "done", "saw": "x", "gave": {}}),
    ("check", {"step": "p/t/s", "verification": "not yet", "saw": "x", "undo": True}),
    (
        "evidence",
        {
            "step": "p/t/s",
            "evidence": "e",
            "sha256": "0" * 64,
            "size": 1,
            "service": "ec2",
            "operation": "O",
            "region": "r",
        },
    ),
    ("note", {"step": "p/t/s", "decision": "", "text": "called the owner"}),
    ("note", {"text": "x"}),
    ("undo", {"step": "p/t/s", "calls": [{}], "left": ["x"]}),
    ("error", {"step": "p/t/s", "error": "the plan is stale", "differences": ["x"]}),
    ("closed", {}),
]
"""What version 0.1 wrote before rows had types."""


@pytest.mark.parametrize(("kind", "data"), OLD_ROWS, ids=str)
def test_a_row_that_was_written_before_rows_had_types_is_read(folder: Path, kind: str, data: dict[str, Any]) -> None:
    with Journal.open(folder, "ann", create=True) as journal:
        journal.append(IncidentOpened(name="case-1", account="1"))
    append_raw(folder, kind, canonical(data).decode())
    with Journal.open(folder, "reader", write=False) as journal:
        journal.record()
    assert verify(folder).problem in ("", f"its evidence file {'0' * 64} is missing")
