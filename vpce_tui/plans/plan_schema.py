"""The JSON Schema of a plan's file, made from the types. ``plan.schema.json`` beside this file is its text."""

import json

import msgspec

from vpce_tui.plans.plan import Plan


def plan_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of a plan: the types of :mod:`vpce_tui.plans.plan`, and the hash that a file adds."""
    schema = msgspec.json.schema(Plan, schema_hook=_anything)
    plan = schema["$defs"]["Plan"]
    plan["title"] = "vpce-tui plan, version 2"
    plan["properties"]["sha256"] = {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "of the canonical JSON (sorted keys, no blanks, ASCII) of everything else",
    }
    plan["required"] = [*plan["required"], "sha256"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _anything(kind: type) -> dict[str, object]:
    """Parameters are of whatever type AWS takes."""
    if kind is object:
        return {"description": "of the type that AWS takes there"}
    raise NotImplementedError


def schema_text() -> str:
    """The file's content."""
    return json.dumps(plan_schema(), indent=2) + "\n"
