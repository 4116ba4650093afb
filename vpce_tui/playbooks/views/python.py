"""The plan as a Python program over boto3, which runs as printed."""

from collections.abc import Iterator, Mapping
from typing import Any

from vpce_tui.aws.naming import snake
from vpce_tui.playbooks.plan import Kind, Plan, PlannedCall, Step
from vpce_tui.playbooks.values import AWS_NOW, is_document, is_ref, is_text, names
from vpce_tui.playbooks.views.cli import comment

_WAITERS = {"TerminateInstances": "instance_terminated", "StopInstances": "instance_stopped"}


def script(plan: Plan) -> str:
    """The whole plan."""
    head = [
        f"# {plan.playbook} {comment(plan.target)} in {comment(plan.region)}, account {comment(plan.account)}",
        f"# planned {plan.planned_at} by {comment(plan.operator)}",
        f"# plan sha256 {plan.sha256}",
        "import json",
        "import os",
        "import pathlib",
        "from email.utils import parsedate_to_datetime",
        "",
        "import boto3",
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
        "def keep(name, service, region, operation, parameters):",
        "    try:",
        "        answer = getattr(client(service, region), operation)(**parameters)",
        "    except Exception as error:",
        '        print("not kept:", name, error)',
        "    else:",
        '        (EVIDENCE / f"{name}.json").write_text(json.dumps(answer, default=str))',
        "",
    ]
    return "\n".join([*head, *(line for step in plan.steps for line in _step(step))])


def step_script(_: Plan, step: Step) -> str:
    """One step."""
    return "\n".join(_step(step))


def _step(step: Step) -> Iterator[str]:
    yield f"# -- {comment(step.title)} ({step.id})"
    if step.kind is Kind.MANUAL:
        yield from (f"#    by hand: {comment(note)}" for note in step.notes)
        yield ""
        return
    yield from (f"#    blocked: {comment(item.says)}" for item in step.blocked)
    yield from (f"#    already so: {comment(call.why or call.name)}" for call in step.already)
    if not step.calls and not step.already:
        yield "#    nothing to do"
    for call in step.calls:
        yield from _call(step, call)
    yield ""


def _call(step: Step, call: PlannedCall) -> Iterator[str]:
    if call.why:
        yield f"#    {comment(call.why)}"
    if step.kind is Kind.READ:
        name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in f"{step.id}-{call.id}")
        yield f"keep({name!r}, {call.service!r}, {call.region!r}, {snake(call.operation)!r}, {_dict(call.parameters)})"
        return
    if AWS_NOW in names(call.parameters):
        yield "AWS_NOW = aws_now()"
    made = f"client({call.service!r}, {call.region!r})"
    prefix = "answer = " if call.gives else ""
    yield f"{prefix}{made}.{snake(call.operation)}("
    yield from (f"    {key}={_value(value)}," for key, value in call.parameters.items())
    yield ")"
    for name, path in call.gives.items():
        yield f"{name} = jmespath.search({path!r}, answer)"
    if call.operation in _WAITERS:
        yield f'{made}.get_waiter("{_WAITERS[call.operation]}").wait(InstanceIds={call.parameters["InstanceIds"]!r})'


def _dict(value: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key!r}: {_value(item)}" for key, item in value.items()) + "}"


def _value(value: Any) -> str:
    if is_ref(value):
        return str(value["$ref"])
    if is_text(value):
        return " + ".join(_value(part) for part in value["$text"])
    if is_document(value):
        return f"json.dumps({_value(value['$json'])})"
    if isinstance(value, Mapping):
        return _dict(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return ascii(value)
