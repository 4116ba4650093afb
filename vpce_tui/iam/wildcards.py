"""IAM's patterns: ``*`` means any run of characters, ``?`` for one; case is ignored where actions are compared."""

import re
from functools import lru_cache
from typing import Final

_STARS: Final = re.compile(r"\*+")


def patterns_overlap(one: str, other: str) -> bool:
    """Whether some action is meant by both of two IAM patterns (``*`` and ``?`` match what IAM lets them); case is ignored."""
    left, right = _STARS.sub("*", one.lower()), _STARS.sub("*", other.lower())
    plain = min(_plain_length(left), _plain_length(right))
    if left[:plain] != right[:plain]:
        return False
    # whether nothing of left meets right from there on
    after = [right[at:] in ("", "*") for at in range(len(right) + 1)]
    for sign in reversed(
        left
    ):  # row by row and not by recursion: an intruder writes policies as long as AWS takes them
        here = [False] * (len(right) + 1)
        for at in range(len(right), -1, -1):
            theirs = right[at] if at < len(right) else ""
            if sign == "*":
                here[at] = after[at] or (bool(theirs) and here[at + 1])
            elif theirs == "*":
                here[at] = here[at + 1] or after[at]
            else:
                here[at] = bool(theirs) and (sign == theirs or "?" in (sign, theirs)) and after[at + 1]
        after = here
    return after[0]


def _plain_length(pattern: str) -> int:
    """How much of a pattern is before its first wildcard."""
    return next((at for at, sign in enumerate(pattern) if sign in "*?"), len(pattern))


def subsumes(wide: str, narrow: str, *, case: bool = False) -> bool:
    """Whether every text that ``narrow`` means is meant by ``wide`` too. ``case``: it matters, as in resources.

    ``narrow`` is taken as a text: where its own ``*`` is met by a ``*`` of ``wide`` the answer is right, and where it is
    not, the answer is no. At worst it takes the product of the two lengths; the model reads no pattern longer than AWS's.
    """
    text, pattern = (narrow, wide) if case else (narrow.lower(), wide.lower())
    pattern = _STARS.sub("*", pattern)
    at = star = mark = 0
    back = False
    where = 0
    while where < len(text):
        if at < len(pattern) and pattern[at] == "*":
            back, star, mark = True, at, where
            at += 1
        elif at < len(pattern) and (pattern[at] == text[where] or (pattern[at] == "?" and text[where] != "*")):
            at += 1
            where += 1
        elif back:
            mark += 1
            at, where = star + 1, mark
        else:
            return False
    return all(sign == "*" for sign in pattern[at:])


@lru_cache(maxsize=4096)
def has_wildcard(text: str) -> bool:
    """Whether it means more than one text."""
    return "*" in text or "?" in text
