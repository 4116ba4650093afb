"""Playbooks as data: ours and the team's, checked, shown, exported."""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import vpce_tui.playbooks
from tests.cacao import SCHEMA
from tests.conftest import HOME, Aws
from vpce_tui.aws.catalogue import OPERATIONS
from vpce_tui.aws.operation import Access
from vpce_tui.plans.renderers.console_steps import WORDS
from vpce_tui.playbooks.library import ACTIONS, load, names

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.toml"))
OURS = Path(vpce_tui.playbooks.__file__).parent
U = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def team(aws: Aws, name: str, text: str) -> None:
    folder = aws.folder / "config" / "playbooks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(text)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_told_with_its_place_and_the_nearest_word(path: Path, aws: Aws) -> None:
    at, _, expected = path.read_text().rstrip().rpartition("\n# ")[2].partition(" ")
    code, said = aws.run("playbooks", "check", str(path))
    assert code == 1
    assert any(f"{path}:{at}" in line and expected in line for line in said.splitlines()), said


def test_every_fault_has_its_file() -> None:
    source = (OURS / "checking.py").read_text()
    assert source.count("        yield (") <= len(BROKEN) + 4


def test_the_schemas_are_made_from_the_types() -> None:
    from vpce_tui.plans import plan_schema
    from vpce_tui.playbooks.library import schema_text

    for path, wanted in (
        (OURS / "playbook.schema.json", schema_text()),
        (OURS.parent / "plans" / "plan.schema.json", plan_schema.schema_text()),
    ):
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(wanted)
        assert path.read_text() == wanted, "UPDATE_GOLDEN=1 pytest tests/test_library.py writes it anew"


@pytest.mark.parametrize("name", [item.stem for item in sorted(OURS.glob("*.toml"))])
def test_ours_follow_the_published_schema_and_are_right(name: str, aws: Aws) -> None:
    schema = json.loads((OURS / "playbook.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(tomllib.loads((OURS / f"{name}.toml").read_text()))
    code, said = aws.run("playbooks", "show", name)
    assert code == 0
    assert all(playbook_step.title in said for playbook_step in load(name).steps)


def test_every_action_is_used_or_is_for_teams() -> None:
    used = {playbook_step.action_name for name in names() for playbook_step in load(name).steps}
    assert {name for known in ACTIONS.values() for name in known} - used == set()


OWN = """
name = "our-way"
title = "Our way <b>[bold]x[/bold]</b>"
target = "instance"
use_when = "Our rules say so."

[[steps]]
id = "call"
title = "Call the owner"
description = "The owner must know."
action = "manual"
guidance = ["ring the duty phone", "write down who answered"]

[[steps]]
id = "isolate-first"
title = "Isolate"
description = "Cut it off."
action = "isolate"
defaults = { moves = "one" }
prompts = []
"""


def test_a_teams_playbook_is_listed_as_theirs_planned_and_applied(aws: Aws) -> None:
    team(aws, "our-way", OWN)
    code, said = aws.run("playbooks", "list")
    assert code == 0, said
    assert re.search(r"our-way .*\(your team's\)", said)
    path = aws.folder / "plan.json"
    code, said = aws.run("plan", "our-way", aws.victim, "--region", HOME, "--out", str(path))
    assert code == 0, said
    steps = json.loads(path.read_text())["steps"]
    assert [(step["kind"], step["choices"], step["questions"]) for step in steps] == [
        ("manual", {}, []),
        ("change", {"moves": "one"}, []),
    ]
    code, said = aws.run("apply", str(path), "--incident", "case", "--yes", "--wait", "3")
    assert code == 0, said
    assert "recorded as open" in said
    code, said = aws.run("undo", "--incident", "case", "isolate-first", "--yes", "--wait", "3")
    assert code == 0, said


def test_a_broken_team_file_is_reported_and_the_others_work(aws: Aws) -> None:
    team(aws, "our-way", OWN)
    team(aws, "broken", OWN.replace('"our-way"', '"broken"').replace('"manual"', '"manaul"'))
    code, said = aws.run("playbooks", "list")
    assert code == 1
    assert "invalid, not used" in said
    assert "our-way" in said
    assert "did you mean 'manual'?" in said
    code, said = aws.run("plan", "broken", aws.victim, "--region", HOME)
    assert code == 2
    assert "is invalid and is not used" in said


def test_a_playbook_without_what_a_step_requires_blocks_that_step(aws: Aws) -> None:
    team(
        aws,
        "quick",
        OWN.replace('"our-way"', '"quick"').replace('"isolate"', '"terminate"').replace('moves = "one"', ""),
    )
    code, said = aws.run("plan", "quick", aws.victim, "--region", HOME, "--format", "json")
    assert code == 0, said
    (blocked,) = [step["blocked"] for step in json.loads(said[said.index("{") :])["steps"] if step["blocked"]]
    assert any("needs a step with action 'preserve'" in item["says"] for item in blocked)


@pytest.mark.parametrize("name", names())
def test_the_cacao_export_has_the_shape_of_version_2(name: str, aws: Aws) -> None:
    code, said = aws.run("playbooks", "export", name, "--format", "cacao")
    assert code == 0, said
    made: dict[str, Any] = json.loads(said)
    assert [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(made)] == []
    used = {
        command.get("playbook_activity") for step in made["workflow"].values() for command in step.get("commands", ())
    }
    assert set(made["playbook_activities"]) <= used, "each activity stands at a command"
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made[key]) for key in ("created", "modified"))
    assert all(re.fullmatch(r"__[a-zA-Z][a-zA-Z0-9_-]{0,199}__", key) for key in made["playbook_variables"])
    workflow, seen, at = made["workflow"], [], made["workflow_start"]
    while True:
        step = workflow[at]
        assert re.fullmatch(rf"{step['type']}--{U}", at)
        seen.append(at)
        if step["type"] == "end":
            assert set(step) == {"type"}
            break
        if step["type"] == "action":
            assert step["agent"] in made["agent_definitions"]
            assert step["commands"]
            assert all(command["type"] in ("manual", "bash") and command["command"] for command in step["commands"])
        at = step["on_completion"]
    assert set(seen) == set(workflow)
    assert len(seen) == len(load(name).steps) + 3


def test_a_cacao_export_with_a_plan_carries_its_commands(aws: Aws, plan_text: str) -> None:
    (aws.folder / "plan.json").write_text(plan_text)
    words = ("playbooks", "export", "terminate-instance", "--format", "cacao", "--plan", str(aws.folder / "plan.json"))
    code, said = aws.run(*words)
    assert code == 0, said
    commands = [c["command"] for step in json.loads(said)["workflow"].values() for c in step.get("commands", ())]
    assert any(f"aws ec2 terminate-instances --region={HOME} --instance-ids {aws.victim}" in item for item in commands)


def test_the_markdown_export_interprets_nothing(aws: Aws) -> None:
    team(aws, "our-way", OWN)
    code, said = aws.run("playbooks", "export", "our-way", "--format", "md")
    assert code == 0
    assert "<b>" not in said.replace("\\<", "")
    assert "## 1. Call the owner" in said


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("isolate.moves=three", "moves must be one of two, one"),
        ("isolate.mvoes=one", "has no choice 'mvoes'"),
        ("nosuch=1", "no step has it"),
        ("snapshots.lock_days=-1", "is not a number of days"),
        ("lock_days=40000", "is not a number of days"),
        ("snapshots.share_with=12345", "is not a 12-digit account id"),
    ],
)
def test_an_answer_out_of_range_is_refused_with_its_sentence(given: str, expected: str, aws: Aws) -> None:
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--set", given)
    assert code == 2, said
    assert expected in said
    assert aws.tried() == []


def test_an_answer_needs_no_step_where_one_step_asks(aws: Aws) -> None:
    code, said = aws.run(
        "plan", "terminate-instance", aws.victim, "--region", HOME, "--format", "json", "--set", "lock_days=7"
    )
    assert code == 0, said
    (step,) = [step for step in json.loads(said[said.index("{") :])["steps"] if step["id"] == "snapshots"]
    assert step["choices"]["lock_days"] == "7"
    assert any("locked for 7 days" in change for change in step["changes"])


def test_every_write_has_its_way_through_the_console() -> None:
    writes = {item.name for item in OPERATIONS if item.access is Access.WRITE}
    assert writes - set(WORDS) == set()
