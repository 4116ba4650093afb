"""One byte form for one value: what is told apart, and what is refused rather than written as something else."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpce_tui.core.canonical_json import NotJson, canonical, described, digest, loads_strict, plain

AT = datetime(2026, 1, 31, 2, 14, 5, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1"),
        date(2026, 1, 31),
        object(),
        BytesIO(b"x"),
        1j,
        float("nan"),
        float("inf"),
        {1: "x"},
        {None: 1},
        datetime(2026, 1, 31),
    ],
)
def test_what_json_cannot_hold_is_refused_at_any_depth(value: Any) -> None:
    for holder in (value, [value], {"a": {"b": (value,)}}):
        with pytest.raises(NotJson):
            canonical(holder)


def test_times_are_told_apart_to_the_microsecond_and_not_by_their_zone() -> None:
    assert canonical(AT) == b'"2026-01-31T02:14:05Z"'
    assert canonical(AT.replace(microsecond=120_000)) == b'"2026-01-31T02:14:05.12Z"'
    assert digest(AT) != digest(AT + timedelta(microseconds=1))
    assert digest(AT) == digest(AT.astimezone(timezone(timedelta(hours=5))))


def test_an_enum_is_its_value() -> None:
    assert canonical({"c": Colour.RED}) == b'{"c":"red"}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_json_comes_back_as_it_went_and_only_equal_values_have_equal_bytes(one: Any, other: Any) -> None:
    assert loads_strict(canonical(one).decode()) == plain(one)
    if canonical(one) == canonical(other):
        assert plain(one) == plain(other)


def test_evidence_keeps_what_json_cannot_hold_as_its_text() -> None:
    kept = loads_strict(
        canonical({"a": [Decimal("1.5"), float("nan"), datetime(2026, 1, 31)], "b": 1}, described).decode()
    )
    assert kept["b"] == 1
    assert [(item["$type"], item["$text"]) for item in kept["a"]] == [
        ("Decimal", "1.5"),
        ("float", "nan"),
        ("datetime", "2026-01-31 00:00:00"),
    ]
    assert canonical(datetime(1, 1, 1, tzinfo=UTC)) == b'"0001-01-01T00:00:00Z"'
    with pytest.raises(NotJson):
        canonical(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))))
