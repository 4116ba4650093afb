"""The plan as a Python program over boto3, which runs as printed.

Every value is written as a Python literal of ASCII letters; what an answer gives is used as a value and never as a piece of the
program. A write is made once: retries are off, and so is the redirector of S3.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from vpce_tui.aws.credential_check import DENIED, NOT_TAKEN
from vpce_tui.aws.naming import snake
from vpce_tui.core.json_values import sequence
from vpce_tui.plans.placeholders import (
    AWS_NOW,
    TOKEN,
    is_document,
    is_literal,
    is_ref,
    is_sealed,
    is_text,
    names,
    sealed_in,
)
from vpce_tui.plans.plan import Plan, PlannedCall, Step, StepKind, token_text
from vpce_tui.plans.renderers.script_lines import before, file_name, parameter, plain, step_lines, variable

_WAITERS = {"TerminateInstances": "instance_terminated", "StopInstances": "instance_stopped"}


def script(plan: Plan) -> str:
    """The plan as one Python program."""
    final = any(step.final and step.calls and not step.blocked for step in plan.steps)
    head = [
        "#!/usr/bin/env python3",
        "# -*- coding: utf-8 -*-",  # here, so that no text below can name another coding
        _remark(f"{plan.playbook} {plan.target} in {plan.region}, account {plan.account}"),
        _remark(f"planned {plan.planned_at} by {plan.operator}"),
        _remark(f"plan sha256 {plan.sha256}"),
        _remark("runs once, outside any record: no journal, no approval, no undo"),
        "import base64",
        "import hashlib",
        "import json",
        "import os",
        "import pathlib",
        "import re",
        "import time",
        "from datetime import timedelta",
        "from email.utils import parsedate_to_datetime",
        "",
        "import boto3",
        "import botocore.session",
        "import jmespath",
        "from botocore.config import Config",
        "from botocore.handlers import inject_presigned_url_ec2",
        "",
        "os.umask(0o077)",
        'INCIDENT = os.environ["INCIDENT"]',
        'if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]*", INCIDENT):',
        '    raise SystemExit("INCIDENT is not a valid incident name")',
        *(_confirmed(plan) if final else ()),
        'EVIDENCE = pathlib.Path(f"evidence-{INCIDENT}")',
        "if EVIDENCE.exists():",
        "    EVIDENCE = pathlib.Path(f\"evidence-{INCIDENT}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}\")",
        'ONCE = Config(retries={"total_max_attempts": 1})',
        "",
        "",
        "def client(service, region):",
        "    made = boto3.client(service, region_name=region, config=ONCE)",
        '    if service == "s3":',
        '        made.meta.events.register_last("before-parameter-build.s3", once)',
        '    if service == "ec2":',
        '        made.meta.events.unregister("before-call.ec2.CopySnapshot", inject_presigned_url_ec2)',
        "    return made",
        "",
        "",
        "def once(context, **_):",
        '    context.setdefault("s3_redirect", {})["redirected"] = True',
        "",
        "",
        f'if client("sts", {plan.region!a}).get_caller_identity()["Account"] != {plan.account!a}:',
        f"    raise SystemExit({f'these credentials are not for account {plan.account}'!a})",
        "EVIDENCE.mkdir()",
        "",
        "",
        "def aws_now():",
        f'    answer = client("sts", {plan.region!a}).get_caller_identity()',
        '    now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]) + timedelta(seconds=1)',
        '    return now.strftime("%Y-%m-%dT%H:%M:%SZ")',
        "",
        "",
        "def got(path, answer):",
        "    found = jmespath.search(path, answer)",
        '    if found in (None, ""):',
        '        raise SystemExit("AWS returned no value where one is needed")',
        "    return str(found)",
        "",
        "",
        "def reviewed(text, sha256):",
        "    if hashlib.sha256(base64.b64decode(text)).hexdigest() != sha256:",
        '        raise SystemExit("the request differs from the reviewed one; plan again")',
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
        '        print("not kept:", name, ascii(str(error)))',
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
        '            print("not tried:", name, ascii(str(error)))',
        "            MISSED.append(name)",
        "            return",
        '    (EVIDENCE / f"{name}.json").write_text(json.dumps(said, default=str))',
        '    print("tried:", name, "AWS", word)',
        "",
    ]
    return "\n".join(
        [
            *head,
            *(line for step in plan.steps for line in _lines(plan, step)),
        ]
    )


def step_script(plan: Plan, step: Step) -> str:
    """A step as Python lines."""
    return "\n".join(_lines(plan, step))


def _lines(plan: Plan, step: Step) -> Iterator[str]:
    return step_lines(step, partial(_call, plan), partial(_guard, plan), _stop, _remark, _bind, plan)


def _bind(name: str, value: str) -> str:
    return f"{variable(name)} = {value!a}"


def _remark(said: str) -> str:
    return f"# {plain(said)}"


def _stop(said: str) -> str:
    return f"raise SystemExit({plain(said)!a})"


def _confirmed(plan: Plan) -> Iterator[str]:
    said = f"set CONFIRM to {plan.target} to continue: some steps cannot be undone"
    yield f'if os.environ.get("CONFIRM") != {plan.target!a}:'
    yield f"    raise SystemExit({said!a})"


def _guard(plan: Plan, step: Step) -> Iterator[str]:
    """It cannot be undone: stop unless the id was given, and what must come first is done and kept."""
    yield from _confirmed(plan)
    elsewhere = " ".join(before(plan, step))
    if elsewhere:
        said = f"set DONE to the steps that must be done before this one, once they are: {elsewhere}"
        yield f'if os.environ.get("DONE") != {elsewhere!a}:'
        yield f"    raise SystemExit({said!a})"
    if step.requires:
        yield "if MISSED:"
        yield '    raise SystemExit(f"evidence is missing: {MISSED}")'


def _call(plan: Plan, step: Step, call: PlannedCall) -> Iterator[str]:
    what = f"{call.service!a}, {call.region!a}, {snake(call.operation)!a}, {_dict(call.parameters)}"
    if AWS_NOW in names(call.parameters):
        yield "AWS_NOW = aws_now()"
    if TOKEN in names(call.parameters):
        about = token_text("", plan, step, call)
        yield f"TOKEN = hashlib.sha256((INCIDENT + {about!a}).encode()).hexdigest()[:32]"
    for item in sealed_in(call.parameters):
        if "sha256" in item:
            yield f"reviewed({_value(item['$sealed'])}, {str(item['sha256'])!a})"
    if call.until is not None:
        yield f"answer, good = wait_for({what}, {call.until.path!a}, {call.until.good!a}, {call.until.bad!a})"
        if step.kind is StepKind.CHANGE:
            yield "if not good:"
            yield "    raise SystemExit(1)"
    name = file_name(step, call)
    if call.profile:
        yield f"tried({name!a}, {call.profile!a}, {what})"
        return
    if step.kind is StepKind.READ and not call.gives:
        yield f"keep({name!a}, {what}, {not call.optional})"
        return
    made = f"client({call.service!a}, {call.region!a})"
    if call.until is None:
        prefix = "answer = " if call.gives or call.secret else ""
        yield f"{prefix}{made}.{parameter_method(call.operation)}("
        yield from (f"    {parameter(key)}={_value(value)}," for key, value in call.parameters.items())
        yield ")"
    if call.secret:
        yield f"print(jmespath.search({call.secret!a}, answer))  # its secret, shown here once"
    for given, path in call.gives.items():
        yield f"{variable(given)} = got({path!a}, answer)"
    if call.operation in _WAITERS:
        ids = _value(call.parameters["InstanceIds"])
        yield f"{made}.get_waiter({_WAITERS[call.operation]!a}).wait(InstanceIds={ids})"


def parameter_method(operation: str) -> str:
    """boto3's name of an operation, which is printed as it is."""
    return snake(parameter(operation))


def _dict(value: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{str(key)!a}: {_value(item)}" for key, item in value.items()) + "}"


def _value(value: object) -> str:
    """A value as Python writes it, in ASCII; placeholders as what means them."""
    if is_literal(value):
        return ascii(value["$literal"])
    if is_ref(value):
        return variable(str(value["$ref"]))
    if is_sealed(value):
        inner = _value(value["$sealed"])
        return f"base64.b64decode({inner})" if value.get("decode") else inner
    if is_text(value):
        return " + ".join(_value(str(part) if not is_ref(part) else part) for part in sequence(value, "$text")) or "''"
    if is_document(value):
        return f'json.dumps({_value(value["$json"])}, separators=(",", ":"))'
    if isinstance(value, Mapping):
        return _dict(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return ascii(value)
