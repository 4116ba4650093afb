"""The plan as a Python program over boto3, which runs as printed."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from vpce_tui.aws.naming import snake
from vpce_tui.aws.trial import DENIED, NOT_TAKEN
from vpce_tui.playbooks.plan import Kind, Plan, PlannedCall, Step, token_text
from vpce_tui.playbooks.values import AWS_NOW, TOKEN, is_document, is_ref, is_sealed, is_text, names
from vpce_tui.playbooks.views.script import comment, step_lines

_WAITERS = {"TerminateInstances": "instance_terminated", "StopInstances": "instance_stopped"}


def script(plan: Plan) -> str:
    """The whole plan."""
    head = [
        f"# {comment(plan.playbook)} {comment(plan.target)} in {comment(plan.region)}, account {comment(plan.account)}",
        f"# planned {comment(plan.planned_at)} by {comment(plan.operator)}",
        f"# plan sha256 {plan.sha256}",
        "import base64",
        "import hashlib",
        "import json",
        "import os",
        "import pathlib",
        "import time",
        "from email.utils import parsedate_to_datetime",
        "",
        "import boto3",
        "import botocore.session",
        "import jmespath",
        "from botocore.config import Config",
        "",
        'INCIDENT = os.environ["INCIDENT"]',
        'EVIDENCE = pathlib.Path(f"evidence-{INCIDENT}")',
        "EVIDENCE.mkdir(exist_ok=True)",
        'ONCE = Config(retries={"total_max_attempts": 1})',
        "",
        "",
        "def client(service, region):",
        "    return boto3.client(service, region_name=region, config=ONCE)",
        "",
        "",
        "def aws_now():",
        f'    answer = client("sts", {plan.region!r}).get_caller_identity()',
        '    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).strftime("%Y-%m-%dT%H:%M:%SZ")',
        "",
        "",
        "def wait_for(service, region, operation, parameters, path, good, bad):",
        "    while True:",
        "        answer = getattr(client(service, region), operation)(**parameters)",
        "        state = str(jmespath.search(path, answer))",
        "        if state in bad:",
        '            print(f"{operation}: it is {state}")',
        "        if state in good or state in bad:",
        "            return answer, state in good",
        "        time.sleep(5)",
        "",
        "",
        "MISSED = []",
        "",
        "",
        "def keep(name, service, region, operation, parameters, needed):",
        "    try:",
        "        answer = getattr(client(service, region), operation)(**parameters)",
        "    except Exception as error:",
        '        print("not kept:", name, error)',
        "        MISSED.extend([name] if needed else [])",
        "    else:",
        '        (EVIDENCE / f"{name}.json").write_text(json.dumps(answer, default=str))',
        "",
        "",
        "def tried(name, profile, service, region, operation, parameters):",
        '    held = botocore.session.Session().full_config.get("profiles", {}).get(profile, {})',
        '    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")',
        "    try:",
        '        keys = {name: held[name] for name in names if name in held or name != "aws_session_token"}',
        "        theirs = boto3.client(service, region_name=region, config=ONCE, **keys)",
        '        said, word = getattr(theirs, operation)(**parameters), "answered"',
        "    except Exception as error:",
        '        said, word = getattr(error, "response", {}), "refused"',
        f'        if said.get("Error", {{}}).get("Code") not in {sorted(NOT_TAKEN | DENIED)!r}:',
        '            print("not tried:", name, error)',
        "            MISSED.append(name)",
        "            return",
        '    (EVIDENCE / f"{name}.json").write_text(json.dumps(said, default=str))',
        '    print("tried:", name, "AWS", word)',
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
    return f"raise SystemExit({comment(said)!a})"


def _guard(plan: Plan, step: Step) -> Iterator[str]:
    """It cannot be undone: stop unless the id was given, and the evidence that must come first is there."""
    said = f"set CONFIRM to {plan.target} to go on: the next step cannot be undone"
    yield f'if os.environ.get("CONFIRM") != {plan.target!r}:'
    yield f"    raise SystemExit({said!r})"
    if step.requires:
        yield "if MISSED:"
        yield '    raise SystemExit(f"evidence is missing: {MISSED}")'


def _call(plan: Plan, step: Step, call: PlannedCall) -> Iterator[str]:
    if call.until is not None:
        waited = f"{call.until.path!r}, {call.until.good!r}, {call.until.bad!r}"
        yield f"answer, good = wait_for({call.service!r}, {call.region!r}, {snake(call.operation)!r}, {_dict(call.parameters)}, {waited})"
        if step.kind is Kind.CHANGE:
            yield "if not good:"
            yield "    raise SystemExit(1)"
    name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in f"{step.id}-{call.id}")
    if call.profile:
        yield f"tried({name!r}, {call.profile!r}, {call.service!r}, {call.region!r}, {snake(call.operation)!r}, {_dict(call.parameters)})"
        return
    if step.kind is Kind.READ and not call.gives:
        yield f"keep({name!r}, {call.service!r}, {call.region!r}, {snake(call.operation)!r}, {_dict(call.parameters)}, {not call.optional})"
        return
    if AWS_NOW in names(call.parameters):
        yield "AWS_NOW = aws_now()"
    if TOKEN in names(call.parameters):
        about = token_text("", plan, step, call)
        yield f"TOKEN = hashlib.sha256((INCIDENT + {about!r}).encode()).hexdigest()[:32]"
    made = f"client({call.service!r}, {call.region!r})"
    if call.until is None:
        prefix = "answer = " if call.gives or call.secret else ""
        yield f"{prefix}{made}.{snake(call.operation)}("
        yield from (f"    {key}={_value(value)}," for key, value in call.parameters.items())
        yield ")"
    if call.secret:
        yield f"print(jmespath.search({call.secret!r}, answer))  # its secret, shown here once"
    for name, path in call.gives.items():
        yield f"{name} = str(jmespath.search({path!r}, answer))"
    if call.operation in _WAITERS:
        yield f'{made}.get_waiter("{_WAITERS[call.operation]}").wait(InstanceIds={call.parameters["InstanceIds"]!r})'


def _dict(value: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key!r}: {_value(item)}" for key, item in value.items()) + "}"


def _value(value: Any) -> str:
    if is_ref(value):
        return str(value["$ref"])
    if is_sealed(value):
        inner = _value(value["$sealed"])
        return f"base64.b64decode({inner})" if value.get("decode") else inner
    if is_text(value):
        return " + ".join(_value(part) for part in value["$text"])
    if is_document(value):
        return f"json.dumps({_value(value['$json'])})"
    if isinstance(value, Mapping):
        return _dict(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return ascii(value)
