"""A plan file that somebody changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Aws
from tests.test_engine import apply, rows, saved
from vpce_tui.core.canonical_json import digest


def rehashed(text: str, change: Any) -> str:
    plan = json.loads(text)
    change(plan)
    plan["sha256"] = digest({key: value for key, value in plan.items() if key != "sha256"})
    return json.dumps(plan)


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["steps"][8].update(requires=[]),
        lambda plan: plan["steps"][8].update(reversible=True),
        lambda plan: plan["steps"][8].update(kind="manual"),
    ],
)
def test_a_plan_made_laxer_and_hashed_anew_is_stale(aws: Aws, plan_text: str, change: Any) -> None:
    code, said = apply(aws, rehashed(plan_text, change), "--step", "terminate", "--confirm", aws.victim)
    assert code in (1, 4), said
    assert aws.writes() == []


def test_a_plan_with_an_unknown_step_or_playbook_opens_no_incident(aws: Aws, plan_text: str) -> None:
    for change in (lambda plan: plan["steps"][0].update(id="nonsense"), lambda plan: plan.update(playbook="nonsense")):
        code, said = apply(aws, rehashed(plan_text, change))
        assert code in (1, 2)
        assert "nonsense" in said
        assert not aws.incident().exists()


def test_the_plan_file_is_only_read(aws: Aws, plan_text: str) -> None:
    path = Path(saved(aws, plan_text))
    assert apply(aws, plan_text, "--step", "identify")[0] == 0
    assert path.read_text() == plan_text
    assert rows(aws)[0].kind == "opened"


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["steps"][2]["undo"].append(
            {
                **plan["steps"][2]["undo"][0],
                "id": "extra",
                "operation": "TerminateInstances",
                "parameters": {"InstanceIds": ["i-0123456789abcdef0"]},
            }
        ),
        lambda plan: plan["steps"][2].update(undo=[]),
        lambda plan: plan["steps"][2]["undo"][0]["parameters"].update(InstanceId="i-0123456789abcdef0"),
    ],
)
def test_a_plan_whose_inverse_calls_were_changed_is_stale(aws: Aws, plan_text: str, change: Any) -> None:
    code, said = apply(aws, rehashed(plan_text, change), "--step", "protect")
    assert code == 4 or "no step 'protect' makes" in said, said
    assert "its undo would" in said or code == 1
    assert aws.writes() == []


def test_the_inverse_of_what_was_done_cannot_be_changed_by_a_new_file(aws: Aws, plan_text: str) -> None:
    from vpce_tui.core.canonical_json import digest

    assert apply(aws, plan_text, "--step", "isolate")[0] == 0
    plan = json.loads(plan_text)
    (step,) = [step for step in plan["steps"] if step["id"] == "isolate"]
    for call in step["undo"]:
        if "Groups" in call["parameters"]:
            call["parameters"]["Groups"] = ["sg-0bad0bad0bad0bad0"]
    plan["sha256"] = digest({key: value for key, value in plan.items() if key != "sha256"})
    code, said = apply(aws, json.dumps(plan), "--step", "isolate")
    assert code == 4, said
    code, said = aws.run("undo", "--incident", "case", "isolate", "--yes", "--wait", "3")
    assert code == 0, said
