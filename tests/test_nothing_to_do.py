"""A step that was not chosen: it is not called verified, and it can be chosen later."""

from tests.cases import CASES, apply, planned
from tests.conftest import Aws
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.states import StepState

CASE = next(case for case in CASES if case.name == "revoke-credentials-managed-policy")


def state_of(aws: Aws, step: str) -> StepState:
    with Journal.open(aws.incident(), "test", write=False) as journal:
        return journal.record().step(f"{CASE.playbook}/{CASE.target}/{step}").state


def test_what_was_not_chosen_is_not_verified_and_can_be_chosen_later(aws: Aws) -> None:
    CASE.before(aws)
    planned(aws, CASE)
    assert apply(aws, CASE, "--step", "sessions")[0] == 0
    code, said = apply(aws, CASE, "--step", "quarantine")
    assert code == 0, said
    assert "not chosen: new sessions keep all permissions of the principal" in said
    assert state_of(aws, "quarantine") is StepState.NOTHING_TO_DO
    code, said = apply(aws, CASE)
    assert "nothing to do; not run again" in said
    planned(aws, CASE, "--set", "quarantine.deny=yes", "--incident", "case")
    code, said = apply(aws, CASE, "--step", "quarantine")
    assert code == 0, said
    assert state_of(aws, "quarantine") is StepState.VERIFIED
    assert "iam:PutRolePolicy" in aws.tried()
