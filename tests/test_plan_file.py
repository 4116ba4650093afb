"""A plan file that somebody made to deceive: it is refused before anything of it is shown or printed."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from tests.conftest import Aws
from vpce_tui.blocks.model import sentences
from vpce_tui.core.canonical_json import digest
from vpce_tui.plans.placeholders import document, is_placeholder, ref, resolve
from vpce_tui.plans.plan import PlanError
from vpce_tui.plans.plan_validation import from_json, recorded_step
from vpce_tui.plans.renderers import render
from vpce_tui.playbooks.plan_reader import Tampered, read

EVIL = "x; touch ran; #"


def signed(data: dict[str, Any]) -> str:
    body = {key: value for key, value in data.items() if key != "sha256"}
    return json.dumps({**body, "sha256": digest(body)})


def step_with(data: dict[str, Any], operation: str, where: str = "calls") -> dict[str, Any]:
    """The first call of this operation."""
    found: dict[str, Any] = next(
        call for step in data["steps"] for call in step[where] if call["operation"] == operation
    )
    return found


def parameters(data: dict[str, Any], **more: Any) -> None:
    step_with(data, "TerminateInstances")["parameters"].update(more)


def run_instances(data: dict[str, Any], **more: Any) -> None:
    call = step_with(data, "TerminateInstances")
    call.update(operation="RunInstances", parameters={"MinCount": 1, "MaxCount": 1, "ImageId": "ami-1", **more})


def call_with(data: dict[str, Any], **more: Any) -> None:
    step_with(data, "TerminateInstances").update(more)


def read_step(data: dict[str, Any], **more: Any) -> None:
    data["steps"][0]["calls"][0].update(more)


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "shell in a parameter's name": lambda data: parameters(data, **{EVIL: "x"}),
    "shell in a nested name": lambda data: run_instances(data, MetadataOptions={EVIL: "x"}),
    "shell where a number stands": lambda data: run_instances(data, MinCount="1; touch ran"),
    "a boolean where a number stands": lambda data: run_instances(data, MinCount=True),
    "shell where a boolean stands": lambda data: run_instances(data, EbsOptimized="$(touch ran)"),
    "a reference where a number stands": lambda data: run_instances(data, MinCount={"$ref": "INCIDENT"}),
    "a text for a list": lambda data: parameters(data, InstanceIds="i-1"),
    "a list in a text": lambda data: run_instances(data, ImageId=["ami-1"]),
    "an object in a text": lambda data: run_instances(data, ImageId={"a": 1}),
    "nothing in a text": lambda data: run_instances(data, ImageId=None),
    "code for a reference": lambda data: parameters(
        data, InstanceIds=[{"$ref": "__import__('os').system('touch ran')"}]
    ),
    "shell for a reference": lambda data: parameters(data, InstanceIds=[{"$ref": 'X"; touch ran; "'}]),
    "a reference in a text": lambda data: run_instances(data, ImageId={"$text": ["a", {"$ref": "a b"}]}),
    "a reference in a document": lambda data: run_instances(data, UserData={"$json": {"a": [{"$ref": "$(x)"}]}}),
    "an object as part of a text": lambda data: run_instances(data, ImageId={"$text": ["a", {"b": 1}]}),
    "a placeholder that is none": lambda data: run_instances(data, ImageId={"$ref": "A", "more": 1}),
    "a seal that is none": lambda data: run_instances(data, UserData={"$sealed": ["x"], "decode": "yes"}),
    "an operation that is not listed": lambda data: call_with(
        data, operation="DeleteVpc", parameters={"VpcId": "vpc-1"}
    ),
    "an operation that is none": lambda data: call_with(data, operation=EVIL),
    "a service that is none": lambda data: call_with(data, service="ec2; touch ran"),
    "shell for a region": lambda data: call_with(data, region="eu-west-1; touch ran"),
    "an option for a region": lambda data: call_with(data, region="--debug"),
    "shell for a call's id": lambda data: call_with(data, id="a b; touch ran"),
    "a name of the environment's": lambda data: call_with(data, gives={"path": "x"}),
    "a path that is none": lambda data: call_with(data, gives={"X": "a[?"}),
    "a path of two lines": lambda data: call_with(data, gives={"X": "a ||\n b"}),
    "a write that is made again": lambda data: call_with(data, until={"path": "'no'", "good": ["yes"], "bad": []}),
    "a name that is the script's own": lambda data: call_with(data, gives={"INCIDENT": "'x'"}),
    "a secret of a call that has none": lambda data: call_with(data, secretAt="TerminatingInstances"),
    "a parameter store's secret": lambda data: read_step(
        data, service="ssm", operation="GetParameters", parameters={"Names": ["/prod/password"], "WithDecryption": True}
    ),
    "the text of a log": lambda data: read_step(
        data,
        service="logs",
        operation="StartQuery",
        parameters={"queryString": "fields @message", "startTime": 0, "endTime": 1, "logGroupName": "x"},
    ),
    "a write that no such step makes": lambda data: call_with(
        data,
        service="iam",
        operation="AttachUserPolicy",
        parameters={"UserName": "bob", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "a deletion that no such step makes": lambda data: call_with(
        data, operation="DeleteSnapshot", parameters={"SnapshotId": "snap-1"}
    ),
    "a step that the playbook has not": lambda data: data["steps"][0].update(id="other"),
    "something to decode within a parameter": lambda data: run_instances(
        data, IamInstanceProfile={"Name": {"$sealed": "eA==", "decode": True}}
    ),
    "nothing to wait for": lambda data: read_step(data, until={"path": "x", "good": [], "bad": []}),
    "a write in a step that only reads": lambda data: read_step(
        data, operation="TerminateInstances", service="ec2", parameters={"InstanceIds": ["i-1"]}
    ),
    "shell in the inverse": lambda data: next(step for step in data["steps"] if step["undo"])["undo"][0][
        "parameters"
    ].update({EVIL: "x"}),
    "shell in a check": lambda data: next(c for s in data["steps"] for c in s["checks"] if c["operation"])[
        "parameters"
    ].update({EVIL: "x"}),
    "shell for the target": lambda data: data.update(target=EVIL),
    "a target of another kind": lambda data: data.update(target="user/bob"),
    "other digits in a region": lambda data: call_with(data, region="eu-west-\uff11"),
    "other digits in the plan's region": lambda data: data.update(region="eu-west-\uff11"),
    "other digits in the operator's account": lambda data: data.update(
        operator="arn:aws:iam::\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662:user/a"
    ),
    "other digits in the time": lambda data: data.update(plannedAt="\u0662\u0660\u0662\u0666-11-27T03:00:00Z"),
    "a key that is pressed": lambda data: read_step(
        data, operation="GetConsoleScreenshot", service="ec2", parameters={"InstanceId": "i-1", "WakeUp": True}
    ),
    "a coding for the target": lambda data: data.update(target="coding:utf-7"),
    "shell for the account": lambda data: data.update(accountId="123456789012; touch ran"),
    "shell for the plan's region": lambda data: data.update(region="$(touch ran)"),
    "a line break in the operator": lambda data: data.update(operator="arn:aws:iam::123456789012:user/a\ntouch ran"),
    "an operator that is none": lambda data: data.update(operator="coding: utf-7"),
    "a line break in the playbook": lambda data: data.update(playbook="x\ntouch ran"),
    "a time that is none": lambda data: data.update(plannedAt="2026-11-27T03:00:00Z\n"),
    "a path for the incident": lambda data: data.update(incident="../x"),
    "an incident's id that is none": lambda data: data.update(incidentId="x"),
    "shell for a step's id": lambda data: data["steps"][0].update(id="a;b"),
    "shell for what it requires": lambda data: data["steps"][0].update(requires=["a b"]),
    "a permission that is none": lambda data: data["steps"][0].update(permissions=["ec2:*; x"]),
    "the same step twice": lambda data: data["steps"].append(copy.deepcopy(data["steps"][0])),
    "the same call twice": lambda data: data["steps"][0]["calls"].append(copy.deepcopy(data["steps"][0]["calls"][0])),
    "a key of no plan": lambda data: data.update(more=1),
    "a key of no step": lambda data: data["steps"][0].update(more=1),
    "a key of no call": lambda data: call_with(data, more=1),
    "a number for a title": lambda data: data["steps"][0].update(title=7),
    "a text for a boolean": lambda data: data["steps"][0].update(reversible="no"),
    "a kind that is none": lambda data: data["steps"][0].update(kind="shell"),
    "a list for the content": lambda data: data["steps"][0].update(content=[["x"]]),
}


OF_NO_STEP = (
    "a write that no such step makes",
    "a deletion that no such step makes",
    "a step that the playbook has not",
    "a target of another kind",
)
"""Well formed, and refused only as no step of the playbook is or makes it."""


def test_what_the_changes_begin_with_is_well_formed(plan_text: str) -> None:
    data = json.loads(plan_text)
    run_instances(data)
    from_json(data)


@pytest.mark.parametrize("what", CHANGES)
def test_a_plan_that_no_planner_made_is_refused_though_its_hash_fits(plan_text: str, what: str) -> None:
    data = json.loads(plan_text)
    CHANGES[what](data)
    if what in OF_NO_STEP:
        from_json(data)
    else:
        with pytest.raises(PlanError):
            from_json(data)
    with pytest.raises(PlanError) as caught:
        read(signed(data))
    assert "is not a plan" in str(caught.value)
    assert not isinstance(caught.value, Tampered)


@pytest.mark.parametrize(
    "change",
    [
        ('"playbook":', '"playbook": "other", "playbook":'),
        ('"InstanceIds":', '"InstanceIds": ["i-00000000000000000"], "InstanceIds":'),
        ('"reversible": false', '"reversible": true, "reversible": false'),
        ('"standIns": {}', '"standIns": {"A": NaN}'),
        ('"standIns": {}', '"standIns": {"A": Infinity}'),
        ('"standIns": {}', '"standIns": {"A": 1e999}'),
    ],
)
def test_json_of_which_two_readers_would_read_two_things_is_refused(plan_text: str, change: tuple[str, str]) -> None:
    assert change[0] in plan_text
    with pytest.raises(PlanError, match="not valid JSON"):
        read(plan_text.replace(*change, 1))


@pytest.mark.parametrize("text", ["", "7", "[]", "null", "{", "[" * 200_000, '{"a":' * 200_000, "\x00", "\ufeff{}"])
def test_what_is_no_plan_at_all_is_a_sentence(text: str) -> None:
    with pytest.raises(PlanError):
        read(text)


def test_a_good_plan_is_read_as_it_was_written(plan_text: str) -> None:
    assert read(plan_text).text() == plan_text
    assert read(signed(json.loads(plan_text))).text() == plan_text


@pytest.mark.parametrize(
    "words",
    [
        ("playbooks", "export", "terminate-instance", "--format", "cacao", "--plan"),
        ("approve", "--incident", "a", "--yes"),
        ("apply", "--incident", "a", "--yes"),
    ],
)
def test_no_command_shows_or_runs_anything_of_it(aws: Aws, plan_text: str, words: tuple[str, ...]) -> None:
    data = json.loads(plan_text)
    parameters(data, **{EVIL: "x"})
    path = aws.folder / "plan.json"
    path.write_text(signed(data))
    code, said = aws.run(*words, str(path))
    assert code in (1, 2)
    assert "is not a plan" in said
    assert "aws ec2" not in said
    assert aws.handled() == []


def test_what_is_handed_on_is_planned_again_first(aws: Aws, plan_text: str) -> None:
    """A plan with a fitting hash that terminates something else than its target is not exported."""
    data = json.loads(plan_text)
    parameters(data, InstanceIds=[str(aws.facts["database"])])
    path = aws.folder / "plan.json"
    words = ("playbooks", "export", "terminate-instance", "--format", "cacao", "--plan", str(path))
    path.write_text(signed(data))
    code, said = aws.run(*words)
    assert code == 1
    assert "is stale" in said
    assert "terminate-instances" not in said
    path.write_text(plan_text)
    assert aws.run(*words)[0] == 0


def test_what_looks_like_a_placeholder_in_a_policy_of_aws_is_sent_as_it_is(plan_text: str) -> None:
    for foreign in (
        {"$ref": "INCIDENT"},
        {"$json": {"a": 1}},
        {"$text": ["a"]},
        {"$sealed": "eA==", "decode": True},
        {"$literal": 1},
    ):
        policy = {"Statement": [{"Condition": {"StringLike": foreign}, "Sid": ref("INCIDENT")}]}
        sent = json.loads(resolve(document(policy), {"INCIDENT": "case"}))
        assert sent == {"Statement": [{"Condition": {"StringLike": foreign}, "Sid": "case"}]}
        assert not is_placeholder({"$literal": foreign})


def test_the_views_refuse_a_name_they_would_print_as_it_is(plan_text: str) -> None:
    """The second line of defence: a plan that was put together without being looked at."""
    from msgspec.structs import replace

    plan = read(plan_text)
    step = next(step for step in plan.steps if step.id == "terminate")
    wrong = {EVIL: "x", "InstanceIds": ["i-1"]}
    calls = tuple(replace(call, parameters=wrong) for call in step.calls if call.operation == "TerminateInstances")
    for form in ("cli", "python"):
        with pytest.raises(PlanError):
            render(replace(plan, steps=(replace(step, calls=calls),)), form)


def test_of_a_plans_reads_and_blocks_nothing_of_the_file_is_handed_on(aws: Aws, plan_text: str) -> None:
    """What is exported is what would be planned now: with all of its evidence, for this target alone, blocked where it is blocked."""
    path = aws.folder / "plan.json"
    words = ("playbooks", "export", "terminate-instance", "--format", "cacao", "--plan", str(path))
    path.write_text(plan_text)
    code, honest = aws.run(*words)
    assert code == 0, honest
    data = json.loads(plan_text)
    preserve = next(step for step in data["steps"] if step["id"] == "preserve")
    preserve["calls"] = [{**preserve["calls"][0], "parameters": {"InstanceIds": [str(aws.facts["database"])]}}]
    path.write_text(signed(data))
    code, said = aws.run(*words)
    assert code == 0, said
    assert said.count("describe-") == honest.count("describe-")
    data = json.loads(plan_text)
    terminate = next(step for step in data["steps"] if step["id"] == "terminate")
    terminate["blocked"] = [] if terminate["blocked"] else [{"says": "x", "remedy": "y"}]
    path.write_text(signed(data))
    code, said = aws.run(*words)
    assert code == 1, said
    assert "is stale" in said


def test_the_console_view_has_words_for_a_call_without_what_is_optional(plan_text: str) -> None:
    from vpce_tui.plans.renderers.console import words

    device = {"ImageId": "ami-1", "InstanceType": "t3.micro", "SecurityGroupIds": ["sg-1"]}
    data = {"LaunchTemplateId": "lt-1", "LaunchTemplateData": device}
    call = from_json(json.loads(plan_text)).steps[0].calls[0]
    assert "no source version" in words(structs.replace(call, operation="CreateLaunchTemplateVersion", parameters=data))
    assert words(structs.replace(call, operation="AssociateAddress", parameters={})).startswith(
        "check ec2:AssociateAddress"
    )


def test_a_record_whose_plans_are_of_the_first_form_goes_on(plan_text: str) -> None:
    data = json.loads(plan_text)
    data["schema"] = "vpce-tui:plan:1"
    for step in data["steps"]:
        content = step.pop("content")
        step["notes"] = [block.get("text", "a table") for block in content]
        step["affects"] = [{**item, "count": len(item["names"])} for item in step["affects"]]
        del step["bindings"], step["standIns"]
    plan = from_json(data)
    assert [step.id for step in plan.steps] == [step["id"] for step in data["steps"]]
    for new, old in zip(plan.steps, data["steps"], strict=True):
        assert list(sentences(new.content)) == old["notes"]
        assert [call.id for call in recorded_step(old).undo] == [call["id"] for call in old["undo"]]
    with pytest.raises(PlanError, match="create a new plan"):
        read(json.dumps(data))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["steps"][0].update(bindings={"GROUP": "sg-1\nrm -rf /"}),
        lambda data: data["steps"][0].update(bindings={"INCIDENT": "other"}),
        lambda data: data["steps"][0].update(
            content=[{"block": "table", "title": "t", "columns": [], "rows": [{"id": "x", "cells": ["a"]}]}]
        ),
        lambda data: data["steps"][0].update(content=[{"block": "text", "text": "x", "more": 1}]),
        lambda data: data["steps"][0].pop("undo"),
        lambda data: data.pop("schema"),
    ],
)
def test_a_plan_that_we_would_not_write_is_refused_though_its_hash_fits(plan_text: str, change: Any) -> None:
    data = json.loads(plan_text)
    change(data)
    del data["sha256"]
    with pytest.raises(PlanError):
        read(json.dumps({**data, "sha256": digest(data)}))
