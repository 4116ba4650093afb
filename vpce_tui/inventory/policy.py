"""What a resource policy's text says: its statements, and whether it lets everybody do everything."""

import json
from collections.abc import Mapping
from typing import Any


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
