"""A step that was not chosen: it is not called verified, and it can be chosen later."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.cases import CASES, apply, planned
from tests.conftest import Aws
from tests.emulated_aws import clients
from vpce_tui.engine.playbook_session import PlaybookSession
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


def test_what_has_something_to_do_again_is_run_and_named(aws: Aws) -> None:
    iam = clients(aws)("iam")
    iam.create_user(UserName="later")
    case = replace(CASE, playbook="revoke-credentials", target="user/later", sets=(), before=lambda _: None)
    planned(aws, case)
    code, said = apply(aws, case, "--step", "keys")
    assert code == 0, said
    assert "nothing to do" in said
    assert "! not finished in case: " in said
    assert "Revoke its sessions (to do)" in said
    key = iam.create_access_key(UserName="later")["AccessKey"]["AccessKeyId"]
    planned(aws, case, "--incident", "case")
    code, said = apply(aws, case)
    assert "Deactivate its access keys: nothing to do; not run again" not in said
    (now,) = iam.list_access_keys(UserName="later")["AccessKeyMetadata"]
    assert (now["AccessKeyId"], now["Status"]) == (key, "Inactive"), said


def test_the_app_asks_anew_what_was_not_run_and_keeps_the_answers_of_what_was(aws: Aws) -> None:
    iam = clients(aws)("iam")
    iam.create_user(UserName="later")
    first = iam.create_access_key(UserName="later")["AccessKey"]["AccessKeyId"]
    case = replace(CASE, target="user/later", sets=("quarantine.deny=no",), before=lambda _: None)
    planned(aws, case)
    assert apply(aws, case, "--step", "quarantine")[0] == 0
    second = iam.create_access_key(UserName="later")["AccessKey"]["AccessKeyId"]
    session = PlaybookSession(aws.session(), lambda: datetime.now(UTC), "revoke-credentials", "user/later", "eu-west-1")
    with Journal.open(aws.incident(), "test", write=False) as journal:
        plan = session.plan(journal)
    assert set(plan.step("keys").choices["keys"].split(",")) == {first, second}, "a key that is new is contained too"
    assert plan.step("quarantine").choices["deny"] == "no", "what was chosen and run"
    assert plan.step("quarantine").calls == ()
