"""The one place that makes text safe."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpce_tui.core.text import LIMIT, short, sign, visible

HOSTILE = "\x1b]52;c;RVZJTA==\x07 \x9b31m \u202e rtl \u2066 [@click=app.quit]q[/] [/foo] \ud800 \u200b \x00 \r\n \U000e0041 \ufeff"


def test_nothing_of_a_hostile_text_is_left_that_steers() -> None:
    safe = visible(HOSTILE)
    for bad in (
        "\x1b",
        "\x07",
        "\x9b",
        "\u202e",
        "\u2066",
        "\ud800",
        "\u200b",
        "\x00",
        "\r",
        "\n",
        "\U000e0041",
        "\ufeff",
    ):
        assert bad not in safe
    assert "␛" in safe
    assert "⟨U+202E⟩" in safe
    assert "[@click=app.quit]" in safe, "what was there matters to the reader"


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
def test_any_text_becomes_printable_and_can_be_encoded(text: str) -> None:
    safe = visible(text)
    safe.encode("utf-8")
    for letter in safe:
        category = unicodedata.category(letter)
        assert category not in ("Cc", "Cs", "Zl", "Zp"), hex(ord(letter))
        assert unicodedata.bidirectional(letter) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@given(st.text())
def test_made_safe_twice_is_made_safe_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_a_megabyte_is_cut_and_the_cut_is_said() -> None:
    safe = visible("x" * 1_000_000)
    assert len(safe) < LIMIT + 60
    assert f"{1_000_000 - LIMIT:,} more characters" in safe


def test_lines_are_kept_where_wanted() -> None:
    assert visible("a\tb\nc\x1b", multiline=True) == "a    b\nc␛"
    assert "\n" not in visible("a\nb")


def test_short_says_the_cut() -> None:
    assert short("abcdef", 4) == "abc…"
    assert short("abc", 4) == "abc"


def test_signs_have_ascii_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPCE_TUI_ASCII", "1")
    for glyph in ("▲▲", "▲", "●", "·", "✔", "✖", "▶", "○", "↩", "–", "◆", "→", "…"):
        assert sign(glyph).isascii()


def test_stacked_marks_do_not_climb_over_other_lines() -> None:
    assert len(visible("a" + "\u0301" * 500)) < 10


def test_every_character_that_hides_or_steers_is_made_visible() -> None:
    """By Unicode's own categories, and not by a list that somebody wrote: also beyond the basic plane."""
    hiding = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
    for code in (*range(0x20000), *range(0xE0000, 0xE1000)):
        letter = chr(code)
        if unicodedata.category(letter) in hiding or code in (0x2800, 0x3164, 0xFE0F, 0x115F):
            assert letter not in visible(letter), hex(code)


def test_marks_of_every_script_are_bounded() -> None:
    for mark in ("\u0301", "\u0489", "\u0730", "\u0e49", "\u1cf4", "\u20dd", "\U00016af0", "\U0001e8d0"):
        shown = visible("a" + mark * 50 + "b" + mark)
        assert shown.count(mark) <= 4, hex(ord(mark))
