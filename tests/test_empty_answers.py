"""An answer of AWS that lacks what later calls need: what took effect is said, and is not done a second time."""

import json

import pytest

from tests.conftest import Aws, Labs
from tests.emulated_aws import clients
from vpce_tui.engine.execution_context import extract_outputs
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.states import StepState
from vpce_tui.plans.plan import PlannedCall


def apply(aws: Aws, text: str, *more: str) -> tuple[int | None, str]:
    path = aws.folder / "plan.json"
    path.write_text(text)
    return aws.run("apply", str(path), "--incident", "case", "--yes", "--wait", "3", *more)


def quarantine_groups(aws: Aws) -> list[str]:
    pages = clients(aws)("ec2").describe_security_groups()["SecurityGroups"]
    return sorted(group["GroupId"] for group in pages if group["GroupName"].startswith("vpce-tui"))


def test_a_step_that_ends_halfway_says_so_and_is_continued(labs: Labs, plan_text: str) -> None:
    aws = labs.new("empty-answer@CreateSecurityGroup:1")
    code, said = apply(aws, plan_text, "--step", "isolate")
    assert code == 1, said
    assert "nothing was done" not in said
    assert "Earlier calls took effect: undo the step, or run it again" in said
    created = quarantine_groups(aws)
    with Journal.open(aws.incident(), "test", write=False) as journal:
        (step,) = journal.record().steps.values()
    assert step.state is StepState.FAILED
    code, said = apply(aws, plan_text, "--step", "isolate")
    assert code == 0, said
    assert quarantine_groups(aws) == created, "the group was found, and not created again"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"Id": "sg-1"}', {"ID": "sg-1"}),
        ('{"Id": 3}', {"ID": "3"}),
        ('{"Id": ["sg-1", "sg-2"]}', {}),
        ('{"Id": {"a": 1}}', {}),
        ('{"Id": null}', {}),
        ('{"Id": true}', {}),
        ("{}", {}),
    ],
)
def test_only_a_text_or_a_number_is_given_to_later_calls(answer: str, expected: dict[str, str]) -> None:
    call = PlannedCall(
        id="a", service="ec2", operation="CreateSecurityGroup", region="eu-west-1", parameters={}, gives={"ID": "Id"}
    )
    assert extract_outputs(call, json.loads(answer)) == expected
