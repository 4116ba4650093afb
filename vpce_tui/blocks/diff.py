"""The lines of a difference: what goes, what comes, and enough around it to see where."""

import difflib
import json
from collections.abc import Iterator
from functools import lru_cache

from vpce_tui.blocks.model import DiffBlock
from vpce_tui.core.text import many

_AROUND = 3


def diff_lines(block: DiffBlock) -> tuple[tuple[str, str], ...]:
    """Each line with its sign: ``-`` goes, ``+`` comes, a blank stays, ``@`` says how many are left out. Not yet safe to show."""
    return _compared(block.before, block.after)


@lru_cache(maxsize=64)
def _compared(before_text: str, after_text: str) -> tuple[tuple[str, str], ...]:
    """Compared once: a page is drawn again and again."""
    return tuple(_lines(before_text.splitlines(), after_text.splitlines()))


def _lines(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    last = (0, 0)
    for group in difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_AROUND):
        if group[0][1] > last[0]:
            yield "@", _unchanged(group[0][1] - last[0])
        for tag, a1, a2, b1, b2 in group:
            if tag == "equal":
                yield from ((" ", line) for line in before[a1:a2])
            else:
                yield from (("-", line) for line in before[a1:a2])
                yield from (("+", line) for line in after[b1:b2])
        last = (group[-1][2], group[-1][4])
    if last == (0, 0):
        yield "@", "nothing changes"
    elif last[0] < len(before):
        yield "@", _unchanged(len(before) - last[0])


def _unchanged(count: int) -> str:
    return many(count, "unchanged line")


def pretty_json(text: str) -> str:
    """A JSON document a value on a line, its keys sorted, so that two of them can be compared; what is no JSON as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
