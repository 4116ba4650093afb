"""An incident on one axis: whose calls are the intruder's, what each is told as, and what was looked through."""

import json
from typing import Any

import pytest

from tests.rules import BOB, OWN, created
from vpce_tui.blocks.model import SeriesBlock, TableBlock, TextBlock
from vpce_tui.incident.rows import JournalRow
from vpce_tui.investigation.incident_timeline import incident_timeline

ANN = f"arn:aws:iam::{OWN}:user/ann"
TARGET = "vpce-1"


def row(seq: int, kind: str, at: str, **payload: Any) -> JournalRow:
    return JournalRow(seq=seq, time=at, operator=ANN, kind=kind, payload=json.dumps(payload), previous="0", hash="1")


ROWS = [
    row(1, "opened", "2026-01-31T03:00:00Z", account="123456789012"),
    row(2, "result", "2026-01-31T03:01:00Z", step=f"contain-endpoint/{TARGET}/policy", call="policy", ok=True),
    row(
        3, "note", "2026-01-31T03:02:00Z", step=f"contain-endpoint/{TARGET}/guard", decision="skipped", text="not ours"
    ),
]


def sides(*events: Any, **more: Any) -> list[tuple[Any, ...]]:
    (table,) = [item for item in incident_timeline(ROWS, events, **more) if isinstance(item, TableBlock)]
    return [item.cells for item in table.rows]


def test_what_made_the_target_is_the_intruders_and_what_we_did_is_ours() -> None:
    found = sides(created())
    assert [(cells[1], cells[5]) for cells in found] == [
        ("suspect", "done"),
        ("response", ""),
        ("response", "done"),
        ("response", ""),
    ]
    assert TARGET in found[0][2]
    assert [cells[0] for cells in found] == sorted(cells[0] for cells in found)


def test_a_refused_call_is_told_as_refused() -> None:
    before = created(minutes=3, errorCode="Client.UnauthorizedOperation", eventID="refused")
    first, second = [cells for cells in sides(created(), before) if cells[1] == "suspect"]
    assert first[2] == "CreateVpcEndpoint refused: Client.UnauthorizedOperation"
    assert (first[5], second[5]) == ("refused", "done")


def test_the_responders_own_calls_are_never_the_intruders() -> None:
    assert not [cells for cells in sides(created(who={**BOB, "arn": ANN})) if cells[1] == "suspect"]


def test_what_has_nothing_to_do_with_a_target_is_left_out() -> None:
    rows = [
        ROWS[0],
        row(2, "result", "2026-01-31T03:01:00Z", step="contain-endpoint/vpce-2/policy", call="policy", ok=True),
    ]
    (table,) = [item for item in incident_timeline(rows, [created()]) if isinstance(item, TableBlock)]
    assert {item.cells[1] for item in table.rows} == {"response"}


def test_what_was_not_looked_through_is_said_and_both_sides_share_an_axis() -> None:
    blocks = incident_timeline(ROWS, [created()], missing=["history"], searched=False)
    warnings = [block.text for block in blocks if isinstance(block, TextBlock) and block.warning]
    assert any("evidence files" in said for said in warnings)
    assert any("history" in said for said in warnings)
    (series,) = [block for block in blocks if isinstance(block, SeriesBlock)]
    assert [line.name for line in series.lines] == ["suspect", "response"]
    assert len({len(line.values) for line in series.lines}) == 1
    assert [sum(line.values) for line in series.lines] == [1, 3]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("Client.UnauthorizedOperation", "refused"),
        ("Client.DryRunOperation", "dry run"),
        ("Client.InvalidParameter", "failed"),
        ("", "done"),
    ],
)
def test_what_was_not_done_is_not_told_as_done(code: str, outcome: str) -> None:
    other = created(minutes=3, eventID="other", **({"errorCode": code} if code else {}))
    first = next(cells for cells in sides(created(), other) if cells[1] == "suspect")
    assert first[5] == outcome
    assert (outcome in first[2]) is bool(code)


def test_a_key_that_is_the_target_is_the_intruders() -> None:
    rows = [row(1, "result", "2026-01-31T03:01:00Z", step="revoke-credentials/ASIABOB/keys", call="off", ok=True)]
    (table,) = [item for item in incident_timeline(rows, [created()]) if isinstance(item, TableBlock)]
    assert "suspect" in {item.cells[1] for item in table.rows}


def test_a_row_whose_time_cannot_be_drawn_takes_the_axis_and_nothing_else() -> None:
    late = row(4, "note", "9999-12-31T23:59:59Z", text="from the end of time")
    blocks = incident_timeline([*ROWS, late], [created()])
    assert not [block for block in blocks if isinstance(block, SeriesBlock)]
    assert [block for block in blocks if isinstance(block, TableBlock)]
    damaged = row(4, "note", "yesterday", text="when")
    (table,) = [block for block in incident_timeline([*ROWS, damaged], []) if isinstance(block, TableBlock)]
    assert table.rows[-1].cells[0] == "2026-01-31T03:02:00Z", "where it stands in the record"
