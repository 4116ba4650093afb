"""Files of the team: every fault at its line, whatever stands in strings and comments before it."""

from collections.abc import Mapping
from typing import Annotated

import pytest
from msgspec import Meta, Struct

from vpce_tui.core.typed_toml import InvalidToml, Places, read


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    words: tuple[str, ...] = ()
    extra: Mapping[str, str | int] = {}


class File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    people: Annotated[int, Meta(ge=1, le=5)] = 1
    items: tuple[Item, ...] = ()


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(InvalidToml) as caught:
        read(text, File)
    return [(problem.line, problem.says) for problem in caught.value.problems]


def test_each_fault_has_its_line_and_the_nearest_key() -> None:
    text = 'people = 9\npeeple = 1\n[[items]]\nname = "a"\n[[items]]\nnam = "b"\nname = 3\n'
    assert faults(text) == [
        (1, "'people' must be a number of at most 5"),
        (2, "unknown key 'peeple'; did you mean 'people'?"),
        (6, "unknown key 'nam'; did you mean 'name'?"),
        (7, "'name' must be text, not a number"),
    ]


def test_strings_of_several_lines_and_marks_in_comments_move_no_line() -> None:
    text = (
        '# """ in a comment\n[[items]]\nname = """\npeople = 9\n"""\n[[items]]\nname = \'"""\'\n[[items]]\nname = 1\n'
    )
    assert faults(text) == [(9, "'name' must be text, not a number")]


def test_a_table_with_a_wrong_value_hides_no_fault_after_it() -> None:
    text = '[[items]]\nname = "a"\nextra = { x = [1] }\n[[items]]\nname = "c"\nwords = [1, 2]\n'
    assert [line for line, _ in faults(text)] == [3, 6]


def test_a_number_with_a_fraction_is_called_one() -> None:
    assert faults("people = 2.0") == [(1, "'people' must be a number, not a number with a fraction")]


def test_a_long_header_is_read_to_its_end() -> None:
    """Nested repeats in the pattern would not end within the suite's time."""
    assert Places("a = [\n[" + " " * 100_000 + "\n1]]\n").of(("a",)) == (1, 1)
