"""What a resource policy's text says: its statements, and whether it lets everybody do everything."""

import json
import re
from collections.abc import Mapping
from typing import Any


def patterns_meet(one: str, other: str) -> bool:
    """Whether some action is meant by both of two IAM patterns (``*`` and ``?`` stand for what IAM lets them); case is ignored."""
    left, right = re.sub(r"\*+", "*", one.lower()), re.sub(r"\*+", "*", other.lower())
    after = [
        right[at:] in ("", "*") for at in range(len(right) + 1)
    ]  # whether nothing of left meets right from there on
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


def statements(text: str) -> list[Mapping[str, Any]]:
    """The statements of a policy document; none where it cannot be read."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = document.get("Statement", []) if isinstance(document, Mapping) else []
    return [item for item in (found if isinstance(found, list) else [found]) if isinstance(item, Mapping)]


def allows_everything(text: str) -> bool:
    """Whether it allows every action of everybody on everything, without a condition; an unreadable one does not."""
    return any(_open(statement) for statement in statements(text))


def _open(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = principal.get("AWS")
    wide = all("*" in _list(value) for value in (principal, statement.get("Action"), statement.get("Resource")))
    return wide and statement.get("Effect") == "Allow" and not statement.get("Condition")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
