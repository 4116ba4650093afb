"""What a resource policy's text says: its statements, and whether it lets everybody do everything."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any


def patterns_meet(one: str, other: str) -> bool:
    """Whether some action is meant by both of two IAM patterns (``*`` and ``?`` stand for what IAM lets them); case is ignored."""
    left, right = re.sub(r"\*+", "*", one.lower()), re.sub(r"\*+", "*", other.lower())

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(left) and j == len(right):
            return True
        if i < len(left) and left[i] == "*":
            return meet(i + 1, j) or (j < len(right) and meet(i, j + 1))
        if j < len(right) and right[j] == "*":
            return meet(i, j + 1) or (i < len(left) and meet(i + 1, j))
        both = i < len(left) and j < len(right)
        return both and (left[i] == right[j] or "?" in (left[i], right[j])) and meet(i + 1, j + 1)

    return meet(0, 0)


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
