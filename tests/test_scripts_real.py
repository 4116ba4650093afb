"""Scripts with the real command, against the lab."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients
from tests.scripts import EVIL, INCIDENT, plan_of
from vpce_tui.aws.call import Call, Permit
from vpce_tui.plans.placeholders import document, ref, resolve, text
from vpce_tui.plans.plan import PlannedCall
from vpce_tui.plans.renderers import render

USERS = ("--endpoint-url=x", "--profile=evil", "-h", "a+b=c,d.e@f_g")


def planned_for(aws: Aws) -> list[PlannedCall]:
    resources = [aws.victim, aws.facts["vpc"], aws.facts["subnet_app-a"], aws.facts["group_open"]]
    found = []
    for number, resource in enumerate(resources):
        tags = [{"Key": f"k{at}", "Value": value} for at, value in enumerate(EVIL[number::4])]
        found.append(
            PlannedCall(
                id=f"tags-{number}",
                service="ec2",
                operation="CreateTags",
                region=HOME,
                parameters={"Resources": [resource], "Tags": tags},
            )
        )
    allow = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/$(touch ran)'*"}],
    }
    for number, user in enumerate(USERS):
        found.append(
            PlannedCall(
                id=f"policy-{number}",
                service="iam",
                operation="PutUserPolicy",
                region="us-east-1",
                parameters={
                    "UserName": user,
                    "PolicyName": text(user, ref("INCIDENT")),
                    "PolicyDocument": document(allow),
                },
            )
        )
        found.append(
            PlannedCall(
                id=f"drop-{number}",
                service="iam",
                operation="DeleteUserPolicy",
                region="us-east-1",
                parameters={"UserName": user, "PolicyName": text(user, ref("INCIDENT"))},
            )
        )
    return found


@pytest.mark.parametrize("form", ["cli", "python"])
def test_script_as_printed_with_hostile_names_against_the_lab(form: str, labs: Labs) -> None:
    one, other = labs.new(), labs.new()
    for aws in (one, other):
        for user in USERS:
            clients(aws)("iam").create_user(UserName=user)
    before = {id(aws): len(aws.handled()) for aws in (one, other)}
    planned = planned_for(one)
    from tests.test_wire import AnyPermit

    session = one.session()
    session.identity()
    session.gate.open_incident(AnyPermit())
    for call in planned:
        parameters = resolve(call.parameters, {"INCIDENT": INCIDENT})
        session.write(
            Call(service=call.service, operation=call.operation, region=call.region, parameters=parameters),
            Permit("1", "x"),
        )
    script = other.folder / "script"
    script.write_text(render(plan_of(planned, "'; touch ran; '"), form))
    ended = subprocess.run(
        ["sh", "script"] if form == "cli" else [sys.executable, "script"],
        cwd=other.folder,
        capture_output=True,
        text=True,
        env={**other.env, "PATH": other.zygote.path, "INCIDENT": INCIDENT},
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr

    def changed(aws: Aws) -> list[tuple[str, Any]]:
        return [
            (item["operation"], item["parameters"])
            for item in aws.handled()[before[id(aws)] :]
            if item["operation"] in ("CreateTags", "PutUserPolicy", "DeleteUserPolicy")
        ]

    assert changed(other) == changed(one)
    assert len(changed(one)) == len(planned)
    assert not (other.folder / "ran").exists()


def test_the_real_command_is_the_one_that_is_tested() -> None:
    assert shutil.which("aws", path=str(Path(sys.executable).parent)), "the AWS CLI is part of the development set"
