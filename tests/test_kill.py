"""Killed at single rows of the journal, everything else undisturbed: the end is the same and no call is made twice.

Killed at every boundary, one after the other in one incident: ``test_playbooks.py``.
"""

from collections import Counter
from typing import Any

import pytest

from tests.conftest import Aws, Labs
from tests.emulated_aws import dump


def apply(aws: Aws, plan: str, kill_at: int = 0) -> tuple[int | None, str]:
    path = aws.folder / "plan.json"
    path.write_text(plan)
    words = ("--incident", "case", "--yes", "--wait", "3", "--confirm", aws.victim)
    return aws.run("apply", str(path), *words, kill_at=kill_at)


@pytest.fixture(scope="module")
def undisturbed(zygote: Any, plan_text: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    labs = Labs(zygote, tmp_path_factory.mktemp("undisturbed"))
    aws = labs.new()
    code, said = apply(aws, plan_text)
    assert code == 0, said
    _, verified = aws.run("verify", "case")
    rows = int(verified.split("verified: ")[1].split()[0])
    found = {"rows": rows, "dump": dump(aws), "tried": Counter(aws.tried())}
    labs.stop()
    return found


EVERY = 20
"""Of the rows; which ones differs with each change of the playbook."""


@pytest.mark.parametrize("part", range(2))
def test_killed_at_a_row_it_is_taken_up_and_ends_the_same(
    part: int, labs: Labs, plan_text: str, undisturbed: dict[str, Any]
) -> None:
    for row in range(2 + part * EVERY, undisturbed["rows"] + 1, 2 * EVERY):
        aws = labs.new()
        killed, _ = apply(aws, plan_text, kill_at=row)
        assert killed is None, f"row {row}: it was not killed"
        code, said = apply(aws, plan_text)
        assert code == 0, f"row {row}: {said}"
        assert dump(aws) == undisturbed["dump"], f"row {row}"
        assert Counter(aws.tried()) == undisturbed["tried"], f"row {row}: a call was tried twice, or not at all"
        verified, words = aws.run("verify", "case")
        assert verified == 0, f"row {row}: {words}"
        aws.stop()
