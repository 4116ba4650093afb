"""A playbook for others: Markdown for people, CACAO 2.0 for tools (OASIS "CACAO Security Playbooks Version 2.0")."""

import hashlib
import json
import shlex
import uuid
from datetime import datetime
from typing import Any, Final

from vpce_tui.core.text import visible
from vpce_tui.plans.plan import Plan
from vpce_tui.plans.playbook import Playbook, PlaybookStep
from vpce_tui.plans.renderers import render_step

_ESCAPED: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|!"})
_ESCAPED_IN_README: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\*_<>|"})
_TARGET: Final = "__target__"
_INCIDENT: Final = "__incident__"


def markdown(playbook: Playbook) -> str:
    """The playbook as a page."""

    def plain(text: str) -> str:
        return visible(text, limit=5_000).translate(_ESCAPED)

    lines = [f"# {plain(playbook.title)}", ""]
    if playbook.team:
        lines += ["Your team's own playbook.", ""]
    lines += [
        plain(playbook.use_when),
        "",
        f"    vpce-tui plan {playbook.name} {playbook.target.upper()} --out plan.json",
        "",
    ]
    for number, playbook_step in enumerate(playbook.steps, start=1):
        lines += [f"## {number}. {plain(playbook_step.title)}", "", plain(playbook_step.description), ""]
        lines += [f"- {plain(sentence)}" for sentence in playbook_step.guidance]
        if playbook_step.guidance:
            lines.append("")
        for choice in playbook_step.action.choices:
            if playbook_step.prompts is None or choice.id in playbook_step.prompts:
                options = choice.fixed or ()
                lines.append(f"- {plain(choice.question)}? `--set {playbook_step.id}.{choice.id}=…`")
                lines += [f"  - `{option.value or '(empty)'}`: {plain(option.label)}" for option in options]
        if playbook_step.action.choices:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def summary(playbook: Playbook) -> str:
    """The playbook as a paragraph and a list, as the README has it."""

    def plain(text: str) -> str:
        return visible(text, limit=5_000).translate(_ESCAPED_IN_README)

    steps = [
        f"{number}. **{plain(playbook_step.title)}**: {plain(playbook_step.description)}"
        for number, playbook_step in enumerate(playbook.steps, start=1)
    ]
    return "\n".join([f"### {playbook.name}: {plain(playbook.title)}", "", plain(playbook.use_when), "", *steps, ""])


def cacao(playbook: Playbook, now: datetime, plan: Plan | None = None) -> str:
    """The playbook as CACAO 2.0 JSON.

    Its commands are ``vpce-tui`` ones; with a ``plan`` each step carries the AWS CLI commands of that plan.
    """
    person, instance = _id("individual", playbook.name, "operator"), _id("linux", playbook.name, "workstation")
    start, end = _id("start", playbook.name, ""), _id("end", playbook.name, "")
    actions = [(_id("action", playbook.name, playbook_step.id), playbook_step) for playbook_step in playbook.steps]
    planning = _id("action", playbook.name, "vpce-tui plan")
    following = [*[key for key, _ in actions][1:], end]
    at = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
    workflow: dict[str, Any] = {
        start: {"type": "start", "on_completion": planning},
        planning: {
            "type": "action",
            "name": "Plan it",
            "description": "Reads only; shows what each step would do now.",
            "commands": [_bash(f'vpce-tui plan {playbook.name} "{_TARGET}:value" --out plan.json')],
            "agent": instance,
            "on_completion": actions[0][0],
        },
    }
    for (key, playbook_step), then in zip(actions, following, strict=True):
        manual = playbook_step.action_name == "manual"
        workflow[key] = {
            "type": "action",
            "name": visible(playbook_step.title),
            "description": visible(playbook_step.description),
            "commands": [_manual(playbook_step)] if manual else [_bash(_command(playbook_step, plan))],
            "agent": person if manual else instance,
            "on_completion": then,
        }
    workflow[end] = {"type": "end"}
    made = {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": _id("playbook", playbook.name, ""),
        "name": visible(playbook.title),
        "description": visible(playbook.use_when),
        "playbook_types": ["mitigation"],
        "playbook_activities": ["restrict-access"],
        "created_by": _id("identity", "vpce-tui", ""),
        "created": at,
        "modified": at,
        "playbook_variables": {
            _TARGET: {"type": "string", "description": f"the {playbook.target} it is about", "external": True},
            _INCIDENT: {
                "type": "string",
                "description": "the incident in which changes are recorded",
                "external": True,
            },
        },
        "workflow_start": start,
        "workflow": workflow,
        "agent_definitions": {
            person: {"type": "individual", "name": "the operator"},
            instance: {"type": "linux", "name": "the operator's workstation", "address": {"dname": ["localhost"]}},
        },
    }
    return json.dumps(made, indent=2) + "\n"


def _id(kind: str, *parts: str) -> str:
    """A CACAO identifier that is the same for the same thing."""
    seed = hashlib.sha256("\0".join((kind, *parts)).encode()).digest()[:16]
    return f"{kind}--{uuid.UUID(bytes=seed, version=4)}"


def _bash(command: str) -> dict[str, Any]:
    return {"type": "bash", "command": command, "playbook_activity": "restrict-access"}


def _manual(playbook_step: PlaybookStep) -> dict[str, Any]:
    return {
        "type": "manual",
        "command": visible(" ".join((playbook_step.description, *playbook_step.guidance)), limit=5_000),
    }


def _command(playbook_step: PlaybookStep, plan: Plan | None) -> str:
    if plan is not None:
        script = render_step(plan, plan.step(playbook_step.id), "cli", runnable=True)
        return f"INCIDENT='{_INCIDENT}:value'\n{script}"
    return f'vpce-tui apply plan.json --incident "{_INCIDENT}:value" --step {shlex.quote(playbook_step.id)}'
