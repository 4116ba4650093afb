"""The plan as a shell script for the AWS CLI (version 1 or 2), which runs as printed, in order.

Every text is quoted for the shell, and no value can be taken for an option (``--name=value``) or the address of a file or page
to be read (what could be goes as JSON with ``--cli-input-json``). What an answer gives to later commands is looked at before it
is used. A write is made once: the CLI's own retries are off for it.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from vpce_tui.aws.catalogue import find
from vpce_tui.aws.credential_check import DENIED, NOT_TAKEN
from vpce_tui.aws.naming import dashed
from vpce_tui.aws.operation import Access
from vpce_tui.core.json_values import at, integer, sequence
from vpce_tui.plans.placeholders import AWS_NOW, TOKEN, is_document, is_ref, is_sealed, is_text, names, sealed_in
from vpce_tui.plans.plan import Plan, PlanError, PlannedCall, Step, StepKind, token_text
from vpce_tui.plans.renderers.quoted_parts import Part, Variable, json_parts, parts_of
from vpce_tui.plans.renderers.script_lines import before, file_name, parameter, plain, step_lines, variable

_WAITERS: Final[Mapping[str, str]] = {
    "TerminateInstances": "instance-terminated",
    "StopInstances": "instance-stopped",
}
_COMMANDS: Final[Mapping[str, str]] = {"s3": "s3api", "config": "configservice"}
"""Commands of the CLI that are not called as their service."""
_NO: Final[Mapping[str, str]] = {"egress": "--ingress", "disable-api-termination": "--enable-api-termination"}
"""Options whose opposite has a name of its own."""
_WIDE: Final = 90
"""Longest command that is written on one line, in characters."""
LONGEST: Final = 1000
"""Bytes of a printed line at most: a terminal gives a shell without line editing 4,095 of a pasted line (macOS 1,023), and the
rest is gone, a closing quote with it."""
_PIECE: Final = 700
"""Bytes of a quoted piece of a word at most."""
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
"""What the CLI reads a value from, where one begins so: ``file://``, ``fileb://``, in version 1 ``http://``."""
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]*")
"""An item of a list that can be a word of its own."""
_GIVEN: Final = ("A-Za-z0-9._:/+=,@-", "''|None|-*|*://*")
"""Letters of ids, ARNs, versions and tokens of AWS, and shell patterns of what none of them is."""


def script(plan: Plan) -> str:
    """The whole plan.

    It is one compound command: a shell into which it is pasted reads all of it before it runs any of it, and is not ended by it.
    """
    final = any(step.final and step.calls and not step.blocked for step in plan.steps)
    head = [
        "(",
        _remark(f"{plan.playbook} {plan.target} in {plan.region}, account {plan.account}"),
        _remark(f"planned {plan.planned_at} by {plan.operator}"),
        _remark(f"plan sha256 {plan.sha256}"),
        _remark("runs once, outside any record: no journal, no approval, no undo"),
        "set -eu",
        "umask 077",
        "INCIDENT=${INCIDENT:?set INCIDENT to the name of the incident}",
        f'[ "$(printf %s "$INCIDENT" | LC_ALL=C tr -cd A-Za-z0-9._-)" = "$INCIDENT" ] || {{ {_say("INCIDENT is not a valid incident name")}; exit 2; }}',
        f'case "$INCIDENT" in .*|-*) {_say("INCIDENT is not a valid incident name")}; exit 2 ;; esac',
        *([_confirmed(plan)] if final else []),
        f"ACCOUNT=$(aws sts get-caller-identity --region={shlex.quote(plan.region)} --query=Account --output=text)",
        f'[ "$ACCOUNT" = {shlex.quote(plan.account)} ] || {{ {_say(f"these credentials are not for account {plan.account}")}; exit 5; }}',
        "EVIDENCE=evidence-$INCIDENT",
        '[ ! -e "$EVIDENCE" ] || EVIDENCE=$EVIDENCE-$(date -u +%Y%m%dT%H%M%SZ)',
        'mkdir "$EVIDENCE"',
        *_functions(),
        "",
    ]
    return _short_lines("\n".join([*head, *(line for step in plan.steps for line in _lines(plan, step)), ")", ""]))


def step_script(plan: Plan, step: Step) -> str:
    """A step as shell lines."""
    return _short_lines("\n".join(_lines(plan, step)))


def _short_lines(script: str) -> str:
    """The script as it is. Raises :class:`PlanError` for one that could not be pasted."""
    longest = max((len(line.encode()) for line in script.split("\n")), default=0)
    if longest > LONGEST:
        raise PlanError(
            f"the shell script would have a line of {longest:,} bytes: use another format (--format python, json)."
        )
    return script


def _lines(plan: Plan, step: Step) -> Iterator[str]:
    return step_lines(step, partial(_call, plan), partial(_guard, plan), _stop, _remark, _bind, plan)


def _bind(name: str, value: str) -> str:
    return f"{variable(name)}={shlex.quote(value)}"


def _functions() -> list[str]:
    """Of the script: stop unless an answer is an id, what is done where a read was not kept, and a write, which is made once. A
    line of it that ran alone would find none of them. (No ``!`` before a letter: zsh takes one in a pasted line for its history.)"""
    letters, patterns = _GIVEN
    refused = f"{_say('AWS returned no id')}; exit 1"
    return [
        "given() {",
        f'  case "$1" in {patterns}) {refused} ;; esac',
        f'  [ "$(printf %s "$1" | LC_ALL=C tr -cd {shlex.quote(letters)})" = "$1" ] || {{ {refused}; }}',
        "}",
        "once() {",
        '  AWS_MAX_ATTEMPTS=1 "$@"',
        "}",
        "missed() {",
        '  rm -f "$EVIDENCE/$1.json"',
        "  printf 'not kept: %s\\n' \"$1\" >&2",
        '  [ -n "${2:-}" ] || MISSED="${MISSED:-} $1"',
        "}",
    ]


def _remark(said: str) -> str:
    """A line that does nothing. No comment: where lines are pasted some shells take none (zsh), and run what is in them."""
    return f": {_text(said)}"


def _text(said: str) -> str:
    return _word(_pieces(plain(said).replace("'", "’")))


def _say(said: str) -> str:
    """A line on stderr; ``echo`` would take backslashes in it for escape sequences."""
    return f"printf '%s\\n' {_text(said)} >&2"


def _stop(said: str) -> str:
    return f"{_say(said)}; exit 1"


def _confirmed(plan: Plan) -> str:
    said = f"set CONFIRM to {plan.target} to continue: some steps cannot be undone"
    return f'[ "${{CONFIRM:-}}" = {shlex.quote(plan.target)} ] || {{ {_say(said)}; exit 5; }}'


def _guard(plan: Plan, step: Step) -> Iterator[str]:
    """It cannot be undone: stop unless the id was given, and what must come first is done and kept."""
    yield _confirmed(plan)
    elsewhere = " ".join(before(plan, step))
    if elsewhere:
        said = f"set DONE to the steps that must be done before this one, once they are: {elsewhere}"
        yield f'[ "${{DONE:-}}" = {shlex.quote(elsewhere)} ] || {{ {_say(said)}; exit 6; }}'
    if step.requires:
        yield '[ -z "${MISSED:-}" ] || { printf \'%s\\n\' "evidence is missing: $MISSED" >&2; exit 6; }'


def _call(plan: Plan, step: Step, call: PlannedCall) -> Iterator[str]:
    listed = find(call.service, call.operation)
    writes = listed is None or listed.access is Access.WRITE
    if AWS_NOW in names(call.parameters):
        yield _remark("the clock of this host must be right")
        yield "AWS_NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    if TOKEN in names(call.parameters):
        about = shlex.quote(token_text("", plan, step, call).lstrip())
        yield f'TOKEN=$(printf %s "$INCIDENT "{about} | {{ sha256sum 2>/dev/null || shasum -a 256; }} | cut -c1-32)'
    if call.operation == "CopySnapshot":
        yield _remark("the CLI adds a presigned URL of its own to this call")
    yield from _reviewed(call)
    files = {key: f"FILE_{number}" for number, key in enumerate(_decoded(call), start=1)}
    for key, name in files.items():
        held = _quoted(parts_of(at(call.parameters, key, "$sealed")))
        yield f'{name}=$(mktemp); printf %s {held} | base64 -d > "${name}"'
    command = _command(call, files)
    if writes:
        command = f"once {command}"
    if call.until is not None:
        yield from _waiting(step, call, command)
    name = file_name(step, call)
    if call.profile:
        yield from _tried(call.profile, name, command)
    elif step.kind is StepKind.READ and not call.gives:
        yield f'{command} --output=json > "$EVIDENCE/{name}.json" || missed {name}{" optional" if call.optional else ""}'
    elif call.secret:
        query = f"[{', '.join([*call.gives.values(), call.secret])}]"
        yield _remark("its secret is shown here, once")
        yield f"AWS_PAGER= {command} --query={shlex.quote(query)} --output=text"
    elif call.gives:
        query = "[" + ", ".join(f"[{path}]" for path in call.gives.values()) + "]"
        yield f"GAVE=$({command} --query={shlex.quote(query)} --output=text)"
        for line, given in enumerate(map(variable, call.gives), start=1):
            yield f'{given}=$(printf "%s\\n" "$GAVE" | sed -n {line}p)'
            yield f'given "${given}"'
    elif call.until is None:
        yield f"{command} > /dev/null"
    if files:
        yield "rm -f " + " ".join(f'"${name}"' for name in files.values())
    waiter = _WAITERS.get(call.operation)
    if waiter and step.kind is StepKind.CHANGE:
        ids = _list("--instance-ids", sequence(call.parameters, "InstanceIds"))
        yield _line([f"aws ec2 wait {waiter} --region={shlex.quote(call.region)}", *ids])


def _reviewed(call: PlannedCall) -> Iterator[str]:
    """Stop where what is sealed is not what was reviewed, by its SHA-256."""
    for item in sealed_in(call.parameters):
        if "sha256" in item:
            held = _quoted(parts_of(item["$sealed"]))
            found = f"$(printf %s {held} | base64 -d | {{ sha256sum 2>/dev/null || shasum -a 256; }} | cut -c1-64)"
            said = _say("the request differs from the reviewed one; plan again")
            yield f'[ "{found}" = {shlex.quote(str(item["sha256"]))} ] || {{ {said}; exit 1; }}'


def _command(call: PlannedCall, files: Mapping[str, str]) -> str:
    given = {key: value for key, value in call.parameters.items() if key not in files}
    words = [
        f"aws {shlex.quote(_COMMANDS.get(call.service, call.service))} {shlex.quote(dashed(call.operation))} "
        f"--region={shlex.quote(call.region)}",
        *_arguments(given),
        *(f'--{dashed(parameter(key))}="fileb://${name}"' for key, name in files.items()),
    ]
    return _line(words)


def _line(words: list[str]) -> str:
    """A command: its words in one line, or each in one of its own."""
    one_line = " ".join(words)
    return one_line if len(one_line) <= _WIDE and "\n" not in one_line else " \\\n    ".join(words)


def _tried(profile: str, name: str, command: str) -> Iterator[str]:
    """A read with the keys that are in a profile; nothing is fetched or assumed to get them. AWS's refusal is an answer."""
    kept, codes = f'"$EVIDENCE/{name}.json"', "|".join(sorted(NOT_TAKEN | DENIED))
    get = f"aws configure get --profile={shlex.quote(profile)}"
    keys = f'AWS_ACCESS_KEY_ID="$TRY" AWS_SECRET_ACCESS_KEY="$({get} aws_secret_access_key)"'
    keys += f' AWS_SESSION_TOKEN="$({get} aws_session_token || true)"'
    yield f"TRY=$({get} aws_access_key_id || true)"
    yield f'if [ -n "$TRY" ] && {keys} \\'
    yield f"    {command} --output=json > {kept} 2>&1; then echo 'tried: {name}: AWS answered' >&2"
    yield f"elif [ -n \"$TRY\" ] && grep -Eq '\\(({codes})\\)' {kept}; then echo 'tried: {name}: AWS refused' >&2"
    yield f'else rm -f {kept}; echo "not tried: {name}" >&2; MISSED="${{MISSED:-}} {name}"; fi'


def _waiting(step: Step, call: PlannedCall, command: str) -> Iterator[str]:
    """Make a read again until it says what is waited for; what will never come ends a change, and no evidence."""
    assert call.until is not None
    yield "while :; do"
    yield f"  STATE=$({command} --query={shlex.quote(call.until.path)} --output=text)"
    yield '  case "$STATE" in'
    yield f"    {'|'.join(map(shlex.quote, call.until.good))}) break ;;"
    if call.until.bad:
        end = "break" if step.kind is StepKind.READ else "exit 1"
        said = _say(f"{call.why or call.name}: the expected state can no longer be reached")
        yield f"    {'|'.join(map(shlex.quote, call.until.bad))}) {said}; {end} ;;"
    yield "  esac"
    yield "  sleep 5"
    yield "done"


def _arguments(parameters: Mapping[str, object]) -> Iterator[str]:
    if {"MinCount", "MaxCount"} <= set(parameters):  # the CLI has one option for both
        yield f"--count={integer(parameters, 'MinCount')}:{integer(parameters, 'MaxCount')}"
        parameters = {key: value for key, value in parameters.items() if key not in ("MinCount", "MaxCount")}
    apart: dict[str, object] = {}
    for key, value in parameters.items():
        option = f"--{dashed(parameter(key))}"
        if isinstance(value, bool):
            yield option if value else _NO.get(dashed(key), f"--no-{dashed(key)}")
        elif isinstance(value, (int, float)):
            yield f"{option}={value}"
        elif isinstance(value, str) or is_ref(value) or is_text(value) or is_document(value) or is_sealed(value):
            parts = parts_of(value)
            if _can_stand(parts):
                yield f"{option}={_quoted(parts)}"
            else:
                apart[key] = value
        elif isinstance(value, (list, tuple)):
            yield from _list(option, value)
        else:
            yield f"{option}={_quoted(json_parts(value))}"
    if apart:
        yield f"--cli-input-json {_quoted(json_parts(apart))}"


def _list(option: str, value: Sequence[object]) -> Iterator[str]:
    """A list: its items as words, where each is one; as JSON otherwise."""
    if value and all(is_ref(item) or (isinstance(item, str) and _is_word(item)) for item in value):
        yield option
        yield from (_quoted(parts_of(item)) for item in value)
    else:
        yield f"{option}={_quoted(json_parts(value))}"


def _is_word(item: str) -> bool:
    return bool(_WORD.fullmatch(item)) and "://" not in item


def _can_stand(parts: list[Part]) -> bool:
    """Whether a text is taken as it is: printable ASCII in one line (bash looks for its history in the second line of a pasted
    text, quoted or not), and no address that the CLI would read it from."""
    first = parts[0]
    if isinstance(first, str) and _ADDRESS.match(first):
        return False
    return all(isinstance(part, Variable) or (part.isascii() and part.isprintable()) for part in parts)


def _decoded(call: PlannedCall) -> list[str]:
    """Parameters that are sent decoded: they go through a file, as a shell variable holds no arbitrary bytes."""
    return [key for key, value in call.parameters.items() if is_sealed(value) and value.get("decode")]


def _quoted(parts: list[Part]) -> str:
    """The parts as one word of the shell."""
    pieces = (
        piece
        for part in parts
        for piece in ((f'"${variable(part.name)}"',) if isinstance(part, Variable) else _pieces(part))
    )
    return _word(pieces)


def _word(pieces: Iterable[str]) -> str:
    """Quoted pieces as one word, which continues in the next line where it gets long."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and len((lines[-1] + piece).encode()) > _PIECE:
            lines.append("")
        lines[-1] += piece
    return "\\\n".join(lines)


def _pieces(text: str) -> Iterator[str]:
    """A text quoted, in pieces that are short enough for a line."""
    at = 0
    while at < len(text) or at == 0:
        size = _PIECE
        while len(shlex.quote(text[at : at + size]).encode()) > _PIECE:
            size //= 2
        yield shlex.quote(text[at : at + size])
        at += size
