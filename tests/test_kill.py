"""Killed at every row of the journal, or answers lost on every write: the end is the same and no call is made twice."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.conftest import Aws, Labs
from tests.world import dump

APPLY = ("--incident", "case", "--yes", "--wait", "3")


def apply(aws: Aws, plan: str, kill_at: int = 0) -> tuple[int | None, str]:
    path = aws.folder / "plan.json"
    path.write_text(plan)
    return aws.run("apply", str(path), *APPLY, "--confirm", aws.victim, kill_at=kill_at)


def calls(aws: Aws) -> Counter[str]:
    """Writes that took effect, by operation and target, without what differs between runs (new ids, times)."""
    counted: Counter[str] = Counter()
    for name, parameters in aws.writes():
        known = json.loads(parameters)
        target = known.get("NetworkInterfaceId") or known.get("GroupName") or known.get("Attribute") or ""
        detail = {
            key: value
            for key, value in known.items()
            if key not in ("PolicyDocument", "Groups", "GroupId", "TagSpecifications", "DryRun")
        }
        sid = json.loads(known["PolicyDocument"])["Statement"][0]["Sid"] if "PolicyDocument" in known else ""
        counted[f"{name} {target} {sid} {json.dumps(detail, sort_keys=True)}"] += 1
    return counted


@pytest.fixture(scope="module")
def undisturbed(zygote: Any, plan_text: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    labs = Labs(zygote, tmp_path_factory.mktemp("undisturbed"))
    aws = labs.new()
    code, said = apply(aws, plan_text)
    assert code == 0, said
    _, verified = aws.run("verify", "case")
    rows = int(verified.split("verified: ")[1].split()[0])
    found = {"rows": rows, "dump": dump(aws), "calls": calls(aws), "tried": sorted(aws.tried())}
    labs.stop()
    return found


PARTS = 16


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_a_row_it_is_taken_up_and_ends_the_same(
    part: int, labs: Labs, plan_text: str, undisturbed: dict[str, Any]
) -> None:
    for row in range(1 + part, undisturbed["rows"] + 1, PARTS):
        aws = labs.new()
        killed, _ = apply(aws, plan_text, kill_at=row)
        assert killed is None, f"row {row}: it was not killed"
        code, said = apply(aws, plan_text)
        assert code == 0, f"row {row}: {said}"
        assert dump(aws) == undisturbed["dump"], f"row {row}"
        assert calls(aws) == undisturbed["calls"], f"row {row}: a call was made twice, or not at all"
        assert sorted(aws.tried()) == undisturbed["tried"], f"row {row}: a call was tried twice"
        verified, words = aws.run("verify", "case")
        assert verified == 0, f"row {row}: {words}"
        aws.stop()


WRITES = (
    "ModifyInstanceAttribute", "DetachInstances", "DeregisterTargets", "DeregisterInstancesFromLoadBalancer", "CreateSecurityGroup",
    "RevokeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "ModifyNetworkInterfaceAttribute", "PutRolePolicy",
    "DisassociateIamInstanceProfile", "CreateSnapshots", "TerminateInstances",
)  # fmt: skip


@pytest.mark.parametrize("operation", WRITES)
def test_a_lost_answer_is_asked_about_and_the_call_not_repeated(
    operation: str, labs: Labs, plan_text: str, undisturbed: dict[str, Any]
) -> None:
    aws = labs.new(f"lost-answer@{operation}:1")
    code, said = apply(aws, plan_text)
    assert code == 0, said
    assert "asking AWS whether it took effect" in said
    assert dump(aws) == undisturbed["dump"]
    assert calls(aws) == undisturbed["calls"]
    assert sorted(aws.tried()) == undisturbed["tried"]


@pytest.mark.parametrize("operation", WRITES)
def test_a_connection_reset_before_the_call_is_found_not_done_and_left_to_the_operator(
    operation: str, labs: Labs, plan_text: str, undisturbed: dict[str, Any]
) -> None:
    aws = labs.new(f"reset@{operation}:1")
    code, said = apply(aws, plan_text)
    assert code == 1, said
    assert "did not take effect" in said
    code, said = apply(aws, plan_text)
    assert code == 0, said
    assert dump(aws) == undisturbed["dump"]
    assert calls(aws) == undisturbed["calls"]


@pytest.mark.parametrize("step", ["hold", "isolate", "cut-credentials"])
def test_an_undo_killed_at_a_row_is_taken_up_and_ends_the_same(step: str, labs: Labs, plan_text: str) -> None:
    def done() -> tuple[Aws, int]:
        aws = labs.new()
        (aws.folder / "plan.json").write_text(plan_text)
        assert aws.run("apply", str(aws.folder / "plan.json"), *APPLY, "--step", step)[0] == 0
        return aws, rows_of(aws)

    undo = ("undo", "--incident", "case", step, "--yes", "--wait", "3")
    aws, first = done()
    before = dump(labs.new())
    assert aws.run(*undo)[0] == 0
    last = rows_of(aws)
    assert dump(aws) == before
    aws.stop()
    for row in range(first + 1, last + 1):
        aws, _ = done()
        assert aws.run(*undo, kill_at=row)[0] is None
        code, said = aws.run(*undo)
        undone = row == last and "has no step" in said
        assert code == 0 or undone, f"row {row}: {said}"
        assert dump(aws) == before, f"row {row}"
        aws.stop()


def rows_of(aws: Aws) -> int:
    _, verified = aws.run("verify", "case")
    return int(verified.split("verified: ")[1].split()[0])
