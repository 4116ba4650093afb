"""What the JSON schemas of CACAO 2.0 (OASIS, draft-07) demand of the parts that we write; strict: nothing else may be there."""

from typing import Any, Final

UUID: Final = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
_TEXT: Final = {"type": "string"}
_ID: Final = {"type": "string", "pattern": f"^[a-z][a-z0-9-]+[a-z0-9]--{UUID}$"}
_TIME: Final = {
    "type": "string",
    "pattern": r"^[0-9]{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(\.[0-9]+)?Z$",
}
_TYPES: Final = [
    "attack",
    "detection",
    "engagement",
    "investigation",
    "mitigation",
    "notification",
    "prevention",
    "remediation",
]
_ACTIVITIES: Final = [
    "compose-content",
    "deliver-content",
    "identify-audience",
    "identify-channel",
    "scan-system",
    "match-indicator",
    "analyze-collected-data",
    "identify-indicators",
    "scan-vulnerabilities",
    "configure-systems",
    "restrict-access",
    "disconnect-system",
    "eliminate-risk",
    "revert-system",
    "restore-data",
    "restore-capabilities",
    "map-network",
    "identify-steps",
    "step-sequence",
    "prepare-engagement",
    "execute-operation",
    "analyze-engagement-results",
]


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _keyed(**patterns: Any) -> dict[str, Any]:
    by_id = {f"^{name}--{UUID}$": schema for name, schema in patterns.items()}
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "patternProperties": by_id}


_VARIABLES: Final = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {
        "^__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__$": _object(
            ["type"],
            type=_TEXT,
            description=_TEXT,
            value={"type": ["string", "null"]},
            constant={"type": "boolean"},
            external={"type": "boolean"},
        ),
    },
}
_COMMAND: Final = _object(
    ["type", "command"],
    type={"enum": ["manual", "bash"]},
    description=_TEXT,
    version=_TEXT,
    command=_TEXT,
    playbook_activity={"enum": _ACTIVITIES},
)
_ADDRESS: Final = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {"^(url|l2mac|ipv4|ipv6|vlan|dname)$": {"type": "array"}},
}
SCHEMA: Final = _object(
    ["type", "spec_version", "id", "name", "created_by", "created", "modified", "workflow_start", "workflow"],
    type={"const": "playbook"},
    spec_version={"const": "cacao-2.0"},
    id=_ID,
    name=_TEXT,
    description=_TEXT,
    created_by=_ID,
    created=_TIME,
    modified=_TIME,
    workflow_start=_ID,
    playbook_variables=_VARIABLES,
    playbook_types={"type": "array", "items": {"enum": _TYPES}},
    playbook_activities={"type": "array", "minItems": 1, "items": {"enum": _ACTIVITIES}},
    workflow=_keyed(
        start=_object(["type", "on_completion"], type={"const": "start"}, on_completion=_ID),
        action=_object(
            ["type", "commands", "agent", "on_completion"],
            type={"const": "action"},
            name=_TEXT,
            description=_TEXT,
            agent=_ID,
            on_completion=_ID,
            commands={"type": "array", "items": _COMMAND, "minItems": 1},
        ),
        end=_object(["type"], type={"const": "end"}),
    ),
    agent_definitions=_keyed(
        individual=_object(["type", "name"], type={"const": "individual"}, name=_TEXT, description=_TEXT),
        linux=_object(
            ["type", "name", "address"], type={"const": "linux"}, name=_TEXT, description=_TEXT, address=_ADDRESS
        ),
    ),
)
