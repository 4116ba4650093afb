"""The record of an incident, folded once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vpce_tui.aws.call import Call
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record import replay
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
