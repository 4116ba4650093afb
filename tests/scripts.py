"""Printed scripts run against the wire, for their tests."""

import contextlib
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.conftest import HOME
from tests.test_wire import session_at
from tests.wire import Wire
from vpce_tui.aws.call import Call, Permit
from vpce_tui.aws.errors import AwsError
from vpce_tui.blocks.model import TextBlock
from vpce_tui.plans.placeholders import document, ref, resolve, text
from vpce_tui.plans.plan import Plan, PlannedCall, Step, StepKind
from vpce_tui.plans.plan_validation import wrong

INCIDENT = "case-1"


EVIL = (
    "--endpoint-url=http://127.0.0.1:9",
    "--profile=evil",
    "--debug",
    "-x",
    "file:///etc/passwd",
    "fileb:///etc/passwd",
    "http://127.0.0.1:9/x",
    "https://127.0.0.1:9/x",
    "FILE:///etc/passwd",
    "s3://b/k",
    "$HOME",
    "$(touch ran)",
    "`touch ran`",
    "'; touch ran; '",
    '"; touch ran; "',
    "\n touch ran",
    "a\ttouch ran",
    "\x00HOME\x00",
    "a\x00b",
    "\x00INCIDENT\x00",
    "${INCIDENT}",
    "\\",
    "\\'",
    '\\"',
    "!!",
    "~",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "{",
    "[",
    "[]",
    '["a"]',
    '{"a": 1}',
    "a=b,c=d",
    "Key=x,Value=y",
    "@file",
    "=x",
    "%s%n",
    "\x1b[31m",
    "\u202e",
    "é",
    "日本",
    "\U0001f600",
    "#",
    "# x",
    ";",
    "|",
    "&",
    "<",
    ">",
    "(",
    ")",
    "null",
    "true",
    "1",
    "a b",
    " a",
    "a ",
    "'''",
    '"""',
    "\\n",
    "\\u0000",
    '{"$ref": "HOME"}',
    "EOF",
    "%PATH%",
    "\r\n",
    "\u2028",
)


anything = st.one_of(
    st.sampled_from(EVIL),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40),
    st.lists(st.sampled_from(EVIL), min_size=1, max_size=3).map("".join),
)


def calls(v: str, w: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Calls of every protocol with hostile values in every kind of place."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": v, "Resource": [v, w], "Condition": {"StringLike": {v: w, "aws:x": {"$ref": v}}}}],
    }
    return [
        ("iam", "UpdateAccessKey", {"UserName": v, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Inactive"}),
        (
            "ec2",
            "CreateTags",
            {"Resources": [v, w], "Tags": [{"Key": v, "Value": w}, {"Key": w, "Value": ref("INCIDENT")}]},
        ),
        (
            "iam",
            "PutUserPolicy",
            {"UserName": v, "PolicyName": text(w, ref("INCIDENT"), v), "PolicyDocument": document(policy)},
        ),
        ("ec2", "ModifyInstanceAttribute", {"InstanceId": v, "DisableApiTermination": {"Value": False}}),
        ("ec2", "StopInstances", {"InstanceIds": [v], "Force": True}),
        ("logs", "CreateLogGroup", {"logGroupName": v, "tags": {v: w}}),
        (
            "wafv2",
            "UpdateIPSet",
            {"Name": v, "Scope": "REGIONAL", "Id": w, "Description": v, "Addresses": [v], "LockToken": w},
        ),
        (
            "cloudtrail",
            "CreateTrail",
            {"Name": v, "S3BucketName": w, "IsMultiRegionTrail": True, "EnableLogFileValidation": False},
        ),
        (
            "autoscaling",
            "DetachInstances",
            {"InstanceIds": [v, "i-1"], "AutoScalingGroupName": w, "ShouldDecrementDesiredCapacity": False},
        ),
        (
            "ec2",
            "RunInstances",
            {
                "MinCount": 1,
                "MaxCount": 2,
                "ImageId": v,
                "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": v, "Value": w}]}],
            },
        ),
        ("s3", "PutBucketPolicy", {"Bucket": "bucket-of-ours", "Policy": v}),
    ]


def plan_of(planned: list[PlannedCall], why: str = "") -> Plan:
    step = Step(
        "step",
        why or "A step",
        StepKind.CHANGE,
        description=why,
        calls=tuple(planned),
        content=(TextBlock(text=why),) if why else (),
    )
    assert not wrong(step), wrong(step)
    operator = "arn:aws:iam::123456789012:user/ann"
    return Plan(
        playbook="hold-it",
        target="i-0123456789abcdef0",
        account="123456789012",
        region=HOME,
        operator=operator,
        planned_at="2026-11-27T03:00:00Z",
        steps=(step,),
    )


def call_of(service: str, operation: str, parameters: dict[str, Any], why: str = "") -> PlannedCall:
    return PlannedCall(id="call", service=service, operation=operation, region=HOME, parameters=parameters, why=why)


def comparable(seen: tuple[str, str, bytes]) -> Any:
    """A request in a form in which the order of keys does not matter."""
    method, path, body = seen
    if body.startswith(b"{") and path == "/":
        return method, path, json.loads(body)
    if b"Action=" in body:
        form = parse_qs(body.decode(), keep_blank_values=True)
        form.pop("ClientToken", None)  # botocore's own, another one each time
        return method, path, form
    return method, path, body


def sent_by_apply(known: Wire, service: str, operation: str, parameters: dict[str, Any]) -> Any:
    known.seen.clear()
    with contextlib.suppress(AwsError):
        session_at(known.url).write(
            Call(
                service=service,
                operation=operation,
                region=HOME,
                parameters=resolve(parameters, {"INCIDENT": INCIDENT}),
            ),
            Permit("1", "x"),
        )
    (seen,) = known.seen
    return comparable(seen)


WHO = 'if [ "$1 $2" = "sts get-caller-identity" ]; then echo 123456789012; return; fi; '


STUB = f"aws() {{ {WHO}for word; do printf '%s\\0' \"$word\" >> words; done; printf 'END\\0' >> words; }}\n"


def no_evidence(folder: Path) -> None:
    for kept in folder.glob("evidence-*"):
        shutil.rmtree(kept)


def words_of(script: str, folder: Path) -> list[str]:
    """The words that the shell gives to ``aws``."""
    (folder / "words").unlink(missing_ok=True)
    no_evidence(folder)
    (folder / "script").write_text(STUB + script)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "INCIDENT": INCIDENT}
    ended = subprocess.run(["sh", "script"], cwd=folder, env=env, capture_output=True, check=False, timeout=60)
    assert ended.returncode == 0, (ended.stderr, script)
    found = (folder / "words").read_bytes().decode().split("\0")
    assert found[-2:] == ["END", ""]
    first = found.index("END")
    assert found[first + 1 :][:2] in ([""], ["ec2", "wait"]), "one command, and perhaps one that waits for it"
    return found[:first]


@contextlib.contextmanager
def environment(folder: Path, url: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(
        HOME=str(folder),
        INCIDENT=INCIDENT,
        AWS_ENDPOINT_URL=url,
        AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY="x" * 40,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_MAX_ATTEMPTS="1",
        NO_PROXY="*",
    )
    here = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def sent_by_cli(known: Wire, words: list[str], folder: Path) -> Any:
    from awscli.clidriver import create_clidriver

    known.seen.clear()
    said = io.StringIO()
    with environment(folder, known.url), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        create_clidriver().main(words)
    assert len(known.seen) == 1, (words, said.getvalue())
    return comparable(known.seen[0])


def sent_by_python(known: Wire, script: str, folder: Path) -> Any:
    known.seen.clear()
    no_evidence(folder)
    with environment(folder, known.url), contextlib.suppress(Exception):
        exec(compile(script.encode(), "script.py", "exec"), {"__name__": "__main__"})
    assert len(known.seen) == 1, script
    return comparable(known.seen[0])


SLOW = settings(
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "1")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


NUMBER = len(calls("v", "w"))
