"""Parameters in words: how the console view says them."""

from collections.abc import Mapping
from typing import Final

from vpce_tui.core.json_values import sequence
from vpce_tui.plans.placeholders import is_document, is_ref, is_sealed, is_text

Parameters = Mapping[str, object]


def say(value: object) -> str:
    """A parameter in words; a reference as what it means."""
    if is_ref(value):
        return _REFERENCES.get(str(value["$ref"]), f"the {str(value['$ref']).lower().replace('_', ' ')} from above")
    if is_sealed(value):
        return f"‹{say(value['$sealed'])}, not shown›"
    if is_text(value):
        return "".join(part if isinstance(part, str) else f"‹{say(part)}›" for part in sequence(value, "$text"))
    if is_document(value):
        import json  # noqa: PLC0415

        return json.dumps(_said(value["$json"]), ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(say(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {say(item)}" for key, item in value.items())
    return str(value)


def _said(value: object) -> object:
    if is_ref(value) or is_text(value):
        return f"‹{say(value)}›"
    if isinstance(value, Mapping):
        return {key: _said(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_said(item) for item in value]
    return value


_REFERENCES: Final = {
    "INCIDENT": "the incident's name",
    "AWS_NOW": "the time now, UTC",
    "QUARANTINE_GROUP": "the quarantine group from above",
    "UNTRACKED_GROUP": "the untracked group from above",
}
