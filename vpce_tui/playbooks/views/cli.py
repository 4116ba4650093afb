"""The plan as a shell script for the AWS CLI (version 1 or 2), which runs as printed, in order."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from vpce_tui.aws.trial import DENIED, NOT_TAKEN
from vpce_tui.playbooks.plan import Kind, Plan, PlannedCall, Step, token_text
from vpce_tui.playbooks.values import AWS_NOW, INCIDENT, TOKEN, is_document, is_ref, is_sealed, is_text, names
from vpce_tui.playbooks.views.script import comment, step_lines
from vpce_tui.text import visible

_WAITERS: Final[Mapping[str, tuple[str, str]]] = {
    "TerminateInstances": ("instance-terminated", "--instance-ids"),
    "StopInstances": ("instance-stopped", "--instance-ids"),
}
_COMMANDS: Final[Mapping[str, str]] = {"s3": "s3api", "config": "configservice"}
"""Commands of the CLI that are not called as their service."""
_NO: Final[Mapping[str, str]] = {"egress": "--ingress"}
"""Options whose opposite has a name of its own."""
_WIDE: Final = 90
"""Characters of a command that still stands on one line."""

_MARK: Final = re.compile("\x00([A-Z0-9_]+)\x00")


def script(plan: Plan) -> str:
    """The whole plan."""
    head = [
        "#!/bin/sh",
        f"# {comment(plan.playbook)} {comment(plan.target)} in {comment(plan.region)}, account {comment(plan.account)}",
        f"# planned {comment(plan.planned_at)} by {comment(plan.operator)}",
        f"# plan sha256 {plan.sha256}",
        "set -eu",
        "INCIDENT=${INCIDENT:?set INCIDENT to the name of the incident}",
        'mkdir -p "evidence-$INCIDENT"',
        "",
    ]
    return "\n".join(
        [
            *head,
            *(
                line
                for step in plan.steps
                for line in step_lines(step, partial(_call, plan), partial(_guard, plan), _stop)
            ),
        ]
    )


def step_script(plan: Plan, step: Step) -> str:
    """One step."""
    return "\n".join(step_lines(step, partial(_call, plan), partial(_guard, plan), _stop))


def _stop(said: str) -> str:
    return f"echo {_quoted(comment(said))} >&2; exit 1"


def _guard(plan: Plan, step: Step) -> Iterator[str]:
    """It cannot be undone: stop unless the id was given, and the evidence that must come first is there."""
    target = shlex.quote(plan.target)
    said = f"set CONFIRM to {plan.target} to go on: the next step cannot be undone"
    yield f'[ "${{CONFIRM:-}}" = {target} ] || {{ echo {shlex.quote(said)} >&2; exit 5; }}'
    if step.requires:
        yield '[ -z "${MISSED:-}" ] || { echo "evidence is missing: $MISSED" >&2; exit 6; }'


def _call(plan: Plan, step: Step, call: PlannedCall) -> Iterator[str]:
    if AWS_NOW in names(call.parameters):
        yield "AWS_NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)  # the clock of this machine must be right"
    if TOKEN in names(call.parameters):
        about = shlex.quote(token_text("", plan, step, call).lstrip())
        yield f'TOKEN=$(printf %s "$INCIDENT "{about} | sha256sum | cut -c1-32)'
    command = (
        f"aws {_COMMANDS.get(call.service, call.service)} {dashed(call.operation)} --region {shlex.quote(call.region)}"
    )
    files = {key: f"FILE_{number}" for number, key in enumerate(_decoded(call), start=1)}
    for key, name in files.items():
        yield f'{name}=$(mktemp); printf %s {_quoted(_plain(call.parameters[key]["$sealed"]))} | base64 -d > "${name}"'
    arguments = list(_arguments({key: value for key, value in call.parameters.items() if key not in files}))
    arguments += [f'--{dashed(key)} "fileb://${name}"' for key, name in files.items()]
    one_line = " ".join([command, *arguments])
    command = one_line if len(one_line) <= _WIDE else " \\\n    ".join([command, *arguments])
    if call.until is not None:
        yield from _waiting(step, call, command)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{step.id}-{call.id}")
    if call.profile:
        yield from _tried(call.profile, name, command)
    elif step.kind is Kind.READ and not call.gives:
        kept = f'{command} --output json > "evidence-$INCIDENT/{name}.json"'
        missed = "" if call.optional else f'; MISSED="${{MISSED:-}} {name}"'
        yield f'{kept} || {{ rm -f "evidence-$INCIDENT/{name}.json"; echo "not kept: {name}" >&2{missed}; }}'
    elif call.secret:
        query = f"[{', '.join([*call.gives.values(), call.secret])}]"
        yield f"{command} --query {shlex.quote(query)} --output text  # its secret is shown here, once"
    elif call.gives:
        query = "[" + ", ".join(f"[{path}]" for path in call.gives.values()) + "]"
        yield f"GAVE=$({command} --query {shlex.quote(query)} --output text)"
        for line, name in enumerate(call.gives, start=1):
            yield f'{name}=$(printf "%s\\n" "$GAVE" | sed -n {line}p)'
    elif call.until is None:
        yield f"{command} > /dev/null"
    if files:
        yield "rm -f " + " ".join(f'"${name}"' for name in files.values())
    waiter = _WAITERS.get(call.operation)
    if waiter and step.kind is Kind.CHANGE:
        ids = " ".join(shlex.quote(str(item)) for item in call.parameters["InstanceIds"])
        yield f"aws ec2 wait {waiter[0]} --region {shlex.quote(call.region)} {waiter[1]} {ids}"


def _tried(profile: str, name: str, command: str) -> Iterator[str]:
    """A read with the keys that stand in a profile; nothing is fetched or assumed to get them. AWS's refusal is an answer."""
    kept, codes = f'"evidence-$INCIDENT/{name}.json"', "|".join(sorted(NOT_TAKEN | DENIED))
    get = f"aws configure get --profile {_quoted(profile)}"
    keys = f'AWS_ACCESS_KEY_ID="$TRY" AWS_SECRET_ACCESS_KEY="$({get} aws_secret_access_key)"'
    keys += f' AWS_SESSION_TOKEN="$({get} aws_session_token || true)"'
    yield f"TRY=$({get} aws_access_key_id || true)"
    yield f'if [ -n "$TRY" ] && {keys} \\'
    yield f"    {command} --output json > {kept} 2>&1; then echo 'tried: {name}: AWS answered' >&2"
    yield f"elif [ -n \"$TRY\" ] && grep -Eq '\\(({codes})\\)' {kept}; then echo 'tried: {name}: AWS refused' >&2"
    yield f'else rm -f {kept}; echo "not tried: {name}" >&2; MISSED="${{MISSED:-}} {name}"; fi'


def _waiting(step: Step, call: PlannedCall, command: str) -> Iterator[str]:
    """Make a read again until it says what is waited for; what will never come ends a change, and no evidence."""
    assert call.until is not None
    yield "while :; do"
    yield f"  STATE=$({command} --query {shlex.quote(call.until.path)} --output text)"
    yield '  case "$STATE" in'
    yield f"    {'|'.join(map(shlex.quote, call.until.good))}) break ;;"
    if call.until.bad:
        said, end = (
            shlex.quote(comment(f"{call.why or call.name}: it is ")),
            "break" if step.kind is Kind.READ else "exit 1",
        )
        yield f"    {'|'.join(map(shlex.quote, call.until.bad))}) echo {said}" + f'"$STATE" >&2; {end} ;;'
    yield "  esac"
    yield "  sleep 5"
    yield "done"


def dashed(name: str) -> str:
    """``DescribeVpcEndpoints`` as the CLI writes it."""
    from vpce_tui.aws.naming import dashed as by_botocore  # noqa: PLC0415

    return by_botocore(name)


def _arguments(parameters: Mapping[str, Any]) -> Iterator[str]:
    if {"MinCount", "MaxCount"} <= set(parameters):  # the CLI has one option for both
        yield f"--count {parameters['MinCount']}:{parameters['MaxCount']}"
        parameters = {key: value for key, value in parameters.items() if key not in ("MinCount", "MaxCount")}
    for key, value in parameters.items():
        flag = f"--{dashed(key)}"
        if isinstance(value, bool):
            yield flag if value else _NO.get(dashed(key), f"--no-{dashed(key)}")
        elif isinstance(value, list) and value and all(_scalar(item) for item in value):
            yield " ".join([flag, *(_quoted(_plain(item)) for item in value)])
        elif _scalar(value) or is_document(value):
            yield f"{flag} {_quoted(_plain(value))}"
        else:
            yield f"{flag} {_quoted(json.dumps(_marked(value)).replace(chr(92) + 'u0000', chr(0)))}"


def _decoded(call: PlannedCall) -> list[str]:
    """Parameters that are sent decoded: they go through a file, as a shell variable holds no arbitrary bytes."""
    return [key for key, value in call.parameters.items() if is_sealed(value) and value.get("decode")]


def _scalar(value: Any) -> bool:
    return isinstance(value, (str, int, float)) or is_ref(value) or is_text(value)


def _plain(value: Any) -> str:
    """A scalar as text, references as marks."""
    if is_ref(value):
        return f"\x00{value['$ref']}\x00"
    if is_text(value):
        return "".join(_plain(part) for part in value["$text"])
    if is_document(value):
        return json.dumps(_marked(value["$json"]), separators=(",", ":")).replace("\\u0000", "\x00")
    return str(value)


def _marked(value: Any) -> Any:
    if is_sealed(value):
        return _marked(value["$sealed"])
    if is_ref(value) or is_text(value) or is_document(value):
        return _plain(value)
    if isinstance(value, Mapping):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return value


def _quoted(text: str) -> str:
    """``text`` for the shell; marks become variables outside the single quotes."""
    parts = _MARK.split(text)
    written = []
    for number, part in enumerate(parts):
        if number % 2:
            written.append(f'"${part}"' if part != INCIDENT else '"$INCIDENT"')
        elif visible(part, limit=len(part) + 1, multiline=True) != part:
            octal = "".join(f"\\0{byte:03o}" for byte in part.encode("utf-8", "surrogatepass"))
            written.append(f"\"$(printf '%b' '{octal}')\"")
        elif part or len(parts) == 1:
            written.append(shlex.quote(part))
    return "".join(written)
