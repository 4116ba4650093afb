"""Content blocks: what each renderer makes of them (golden files; ``UPDATE_GOLDEN=1`` writes them anew), and that text stays text."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec import ValidationError, convert

from vpce_tui.blocks.cells import sorted_rows
from vpce_tui.blocks.chart import chart
from vpce_tui.blocks.diff import diff_lines, pretty_json
from vpce_tui.blocks.markdown import markdown
from vpce_tui.blocks.model import (
    Block,
    BlockRow,
    ColumnKind,
    DiffBlock,
    Fact,
    FactsBlock,
    SeriesBlock,
    SeriesLine,
    TableBlock,
    TextBlock,
    TreeBlock,
    TreeNode,
    as_data,
    column,
    wrong,
)
from vpce_tui.blocks.output import rendered
from vpce_tui.blocks.terminal import terminal_text
from vpce_tui.tui.widgets.block_lines import block_lines

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = (
    "\x1b]0;owned\x07",
    "[click](https://evil.example) https://evil.example www.evil.example",
    "<img src=x onerror=alert(1)> <!-- x -->",
    "a | b | c",
    "# heading",
    "1. list",
    "- list\n- list",
    "```\nfence\n```",
    "\u202eabc\u2066",
    "[bold red]markup[/]",
    "*em* _em_ `code` ~~gone~~ &amp; $x$",
    "@everyone",
)
POLICY = '{"Statement": [{"Action": "s3:*", "Effect": "Allow"}], "Version": "2012-10-17"}'
BLOCKS: list[Block] = [
    TextBlock(text="the last 6 h until 01-31 08:00Z; newest record 01-31 07:58Z"),
    TextBlock(text="12 records say SKIPDATA", warning=True),
    FactsBlock(
        title="the endpoint",
        facts=(
            Fact(name="state", value="available"),
            Fact(name="owner", value="444455556666", source="DescribeVpcEndpoints"),
        ),
    ),
    TableBlock(
        title="2 peers and ports",
        columns=(
            column("PEER"),
            column("WHO"),
            column("PORT", ColumnKind.NUMBER),
            column("OUT", ColumnKind.BYTES),
            column("FLOWS", ColumnKind.COUNT),
            column("FIRST", ColumnKind.TIME),
            column("KNOWN", ColumnKind.YES_NO),
        ),
        rows=(
            BlockRow(
                id="a",
                cells=("198.51.100.23", "", 443, 1_100_000_000, 1_200, "2026-01-31T02:14:05Z", False),
                worst=True,
            ),
            BlockRow(id="b", cells=("10.0.9.4", "database", 5432, 0, None, None, True)),
        ),
        more=3,
    ),
    SeriesBlock(
        title="bytes over time",
        start="2026-01-31T22:00:00Z",
        slot_minutes=10,
        lines=(
            SeriesLine(
                name="eni-1 10.0.1.5", values=(0, 1, 5, 100, 2_000, 900_000, 1_000_000, 0, 0, 3, 0, 0, 0, 0, 50_000)
            ),
            SeriesLine(name="eni-2 10.0.9.14", values=(0,) * 15),
        ),
    ),
    DiffBlock(title="policy of vpce-1", before=pretty_json(POLICY), after=pretty_json(POLICY.replace("Allow", "Deny"))),
    TreeBlock(
        title="attack path",
        roots=(
            TreeNode(
                id="0",
                text="web-app",
                note="AssumedRole",
                severity="high",
                children=(
                    TreeNode(id="1", text="from 198.51.100.23", note="no other caller from here within a day"),
                    TreeNode(
                        id="2",
                        text="created vpce-1",
                        severity="critical",
                        children=(TreeNode(id="3", text="in vpc-1"),),
                    ),
                ),
            ),
        ),
    ),
]


def golden(name: str, text: str) -> None:
    """Compare with a golden file, or write it anew."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "UPDATE_GOLDEN=1 pytest tests/test_blocks.py writes it anew"


def test_console_markdown_json_and_the_screen_are_as_the_golden_files_have_them() -> None:
    golden("blocks.txt", terminal_text(BLOCKS, width=80))
    golden("blocks.md", markdown(BLOCKS))
    golden("blocks.json", rendered(BLOCKS, "json"))
    for width in (60, 100):
        golden(
            f"blocks-screen-{width}.txt",
            "\n".join(line.plain for line in block_lines(BLOCKS, width, open_key="↵")) + "\n",
        )


def test_blocks_are_their_json_and_come_back_from_it() -> None:
    assert convert(json.loads(json.dumps(as_data(BLOCKS))), list[Block]) == BLOCKS


def hostile_blocks(text: str) -> list[Block]:
    return [
        TextBlock(text=text, warning=True),
        TextBlock(text=text),
        FactsBlock(title=text, facts=(Fact(name=text, value=text, source=text),)),
        TableBlock(title=text, columns=(column(text),), rows=(BlockRow(id=text, cells=(text,)),)),
        SeriesBlock(
            title=text, start="2026-01-31T22:00:00Z", slot_minutes=1, lines=(SeriesLine(name=text, values=(1, 2)),)
        ),
        DiffBlock(title=text, before=text, after=""),
        TreeBlock(title=text, roots=(TreeNode(id="0", text=text, note=text, severity=text),)),
    ]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("at", range(7))
def test_in_markdown_hostile_text_is_text(text: str, at: int) -> None:
    parser = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    tokens = parser.parse(markdown([hostile_blocks(text)[at]]))
    every = [token for top in tokens for token in (top, *(top.children or ()))]
    kinds = {token.type for token in every}
    assert not kinds & {
        "link_open",
        "image",
        "html_block",
        "html_inline",
        "heading_open",
        "em_open",
        "s_open",
        "code_inline",
    }
    assert "ordered_list_open" not in kinds
    assert len([token for token in every if token.type == "fence"]) == (at in (4, 5))
    assert len([token for token in every if token.type == "th_open"]) == (at == 3)
    shown = "".join(token.content for token in every if token.type in ("text", "text_special", "fence"))
    assert "\x1b" not in shown
    for word in ("evil.example", "onerror", "heading", "list", "fence", "markup", "everyone"):
        if word in text:
            assert word in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_on_the_console_hostile_text_steers_nothing(text: str) -> None:
    plain = terminal_text(hostile_blocks(text), width=80)
    assert plain.isprintable() or all(letter.isprintable() or letter == "\n" for letter in plain)
    coloured = terminal_text(hostile_blocks(text), width=80, colour=True)
    assert "\x1b]" not in coloured
    assert all(len(line) <= 80 for line in plain.split("\n"))
    assert "\u202e" not in coloured
    if "markup" in text:
        assert "[bold red]" in plain


@given(st.text(alphabet="ab\n", max_size=60), st.text(alphabet="ab\n", max_size=60))
def test_what_a_difference_says_leads_from_one_text_to_the_other(before: str, after: str) -> None:
    lines = list(diff_lines(DiffBlock(title="", before=before, after=after)))
    gone = [line for mark, line in lines if mark == "-"]
    came = [line for mark, line in lines if mark == "+"]
    left = sorted(before.splitlines())
    for line in gone:
        left.remove(line)
    assert sorted([*left, *came]) == sorted(after.splitlines())


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**12)), max_size=12), st.booleans())
def test_unknown_cells_come_last_whichever_way_a_column_is_sorted(values: list[int | None], descending: bool) -> None:
    rows = tuple(BlockRow(id=str(at), cells=(value,)) for at, value in enumerate(values))
    table = TableBlock(title="", columns=(column("N", ColumnKind.BYTES),), rows=rows)
    found = [row.cells[0] for row in sorted_rows(table, 0, descending=descending)]
    known = [value for value in values if value is not None]
    assert found == [*sorted(known, reverse=descending), *([None] * (len(values) - len(known)))]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200), st.integers(30, 160))
def test_a_chart_fits_its_width_shows_every_value_and_names_its_span(values: list[int], width: int) -> None:
    series = SeriesBlock(
        title="", start="2026-01-31T22:00:00Z", slot_minutes=10, lines=(SeriesLine(name="x", values=tuple(values)),)
    )
    drawn = chart(series, series.lines[0], width)
    assert all(len(cells) == len(drawn.axis) for _, cells in drawn.rows)
    assert len(drawn.axis) + 9 <= max(width, 29)
    assert len(drawn.times) <= len(drawn.axis) + 12
    if any(values):
        filled = [any(cells[at] != " " for _, cells in drawn.rows) for at in range(len(drawn.axis))]
        per = -(-len(values) // len(drawn.axis)) if len(drawn.axis) < len(values) else 1
        sums = [sum(values[at : at + per]) for at in range(0, len(values), per)]
        wide = len(filled) // len(sums)
        assert [any(filled[at * wide : (at + 1) * wide]) for at in range(len(sums))] == [total > 0 for total in sums]


def test_a_code_block_cannot_be_closed_from_within() -> None:
    inside = "```\n# not a heading\n````"
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(
        markdown([DiffBlock(title="", before=inside, after=inside + "\nx")])
    )
    assert [token.type for token in tokens] == ["fence"]
    assert "# not a heading" in tokens[0].content


def series(**changes: object) -> SeriesBlock:
    known = {
        "title": "t",
        "start": "2026-01-31T22:00:00Z",
        "slot_minutes": 10,
        "lines": (SeriesLine(name="x", values=(1,)),),
    }
    return SeriesBlock(**{**known, **changes})


@pytest.mark.parametrize(
    "block",
    [
        TableBlock(title="t", columns=(column("A"),), rows=(BlockRow(id="x", cells=("a", "b")),)),
        TableBlock(title="t", columns=(column("A", ColumnKind.BYTES),), rows=(BlockRow(id="x", cells=(10**400,)),)),
        TableBlock(
            title="t",
            columns=(column("A"),),
            rows=(),
            behind={"x/A": TableBlock(title="u", columns=(), rows=(BlockRow(id="x", cells=("a",)),))},
        ),
        series(start="nope"),
        series(start="2026-01-31T22:00:00"),
        series(start="9999-12-31T23:59:00Z"),
        series(slot_minutes=10**15),
        series(slot_minutes=0),
        series(lines=(SeriesLine(name="x", values=(10**400,)),)),
    ],
)
def test_a_block_that_cannot_be_drawn_is_told(block: Block) -> None:
    assert wrong(block)


def test_what_we_draw_is_not_wrong_and_unknown_keys_of_blocks_are_refused() -> None:
    assert [wrong(block) for block in BLOCKS] == [""] * len(BLOCKS)
    with pytest.raises(ValidationError):
        convert([{"block": "text", "text": "x", "html": "y"}], list[Block])


def test_strips_join_only_what_looks_the_same() -> None:
    from rich.segment import Segment
    from rich.style import Style
    from textual.strip import Strip

    from vpce_tui.tui.widgets.strips import joined

    red, on_blue, underlined = Style(color="red"), Style(bgcolor="blue"), Style(color="red", underline=True)
    parts = [
        Segment("a", red),
        Segment("b", red),
        Segment("  ", Style(color="green")),
        Segment(" ", on_blue),
        Segment(" ", underlined),
    ]
    assert [(part.text, part.style) for part in joined(Strip(parts))] == [
        ("ab  ", red),
        (" ", on_blue),
        (" ", underlined),
    ]


def test_a_long_name_of_a_fact_leaves_room_for_its_value() -> None:
    facts = (Fact(name="n" * 300, value="the value"), Fact(name="short", value="undo: no"))
    said = terminal_text([FactsBlock(facts=facts)], width=60)
    assert "the value" in said
    assert "undo: no" in said
