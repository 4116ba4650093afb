"""Every playbook: planned, applied, applied again, undone, run as scripts, faulted and killed at each call."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cases import CASES, DEEP, EVERY_CASE, SCRIPTED, Case, apply, effects, planned, reversible
from tests.conftest import Aws, Labs
from tests.emulated_aws import clients, dump
from tests.iam import beyond, needed, refused, without
from vpce_tui.aws.catalogue import find
from vpce_tui.aws.operation import Access
from vpce_tui.core.canonical_json import digest
from vpce_tui.incident.rows import IncidentOpened
from vpce_tui.playbooks.library import load
from vpce_tui.playbooks.permissions import operations_of, policy_of

TABLES = Path(__file__).parent / "faults"
deep = pytest.mark.parametrize("case", DEEP, ids=lambda case: case.name)
FINAL = ("terminate-instance", "contain-endpoint", "revoke-credentials")
"""Playbooks with steps that cannot be undone."""
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.mark.parametrize("case", [case for case in CASES if case.playbook in FINAL], ids=lambda case: case.name)
def test_applied_twice_it_is_done_once_and_the_record_verifies(case: Case, aws: Aws) -> None:
    """With the steps that cannot be undone; of the others the next test does the same."""
    case.before(aws)
    planned(aws, case)
    code, said = apply(aws, case)
    assert code == 0, said
    after, made = dump(aws, case.region), effects(aws)
    code, said = apply(aws, case)
    assert code == 0, said
    assert (dump(aws, case.region), effects(aws)) == (after, made)
    code, said = aws.run("verify", "case")
    assert code == 0, said


@cases
def test_applied_twice_and_undone_every_reversible_step_is_done_once_and_restores_the_state(
    case: Case, aws: Aws
) -> None:
    case.before(aws)
    before = dump(aws, case.region)
    start = len(aws.handled())
    plan = planned(aws, case)
    assert any(step["calls"] for step in plan["steps"] if step["kind"] == "change")
    code, said = apply(aws, case, *reversible(plan))
    assert code == 0, said
    asked = aws.handled()[start:]
    after, made = dump(aws, case.region), effects(aws)
    assert after != before
    code, said = apply(aws, case, *reversible(plan))
    assert code == 0, said
    assert (dump(aws, case.region), effects(aws)) == (after, made)
    code, said = aws.run("verify", "case")
    assert code == 0, said
    start = len(aws.handled())
    confirmed = ("--confirm", case.target_in(aws))
    code, said = aws.run("undo", "--incident", "case", "--all", "--yes", "--wait", "3", *confirmed)
    assert code == 0, said
    asked += aws.handled()[start:]
    assert dump(aws, case.region) == before
    policy = policy_of(load(case.playbook))
    assert refused(policy, asked) == [], "vpce-tui iam-policy leaves out what the playbook calls"
    assert beyond(policy, operations_of(load(case.playbook))) == set(), "vpce-tui iam-policy allows more than is needed"
    for action in frozenset[str]().union(*map(needed, asked)):
        assert refused(without(policy, action), asked), f"{action} can go, and nothing is refused"


@pytest.mark.parametrize(("case", "form"), SCRIPTED, ids=[f"{case.name}-{form}" for case, form in SCRIPTED])
def test_the_script_as_printed_ends_in_the_same_state_as_apply(case: Case, form: str, labs: Labs) -> None:
    first, second = labs.new(), labs.new()
    case.before(first)
    case.before(second)
    planned(first, case)
    assert apply(first, case)[0] == 0
    script = second.folder / "script"
    code, said = second.run(
        "plan", case.playbook, case.target_in(second), "--format", form, "--out", str(script), *case.options(second)
    )
    assert code == 0, said
    ended = subprocess.run(
        ["sh", "script"] if form == "cli" else [sys.executable, "script"],
        cwd=second.folder,
        capture_output=True,
        text=True,
        env={**second.env, "PATH": second.zygote.path, "INCIDENT": "case", "CONFIRM": case.target_in(second)},
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert dump(second, case.region) == dump(first, case.region)
    kept = int(first.run("verify", "case")[1].split(" rows, ")[1].split()[0])
    assert len(list((second.folder / "evidence-case").iterdir())) == kept, ended.stderr


@deep
def test_killed_at_each_boundary_it_is_taken_up_and_ends_the_same(case: Case, labs: Labs) -> None:
    undisturbed, aws = labs.new(), labs.new()
    case.before(undisturbed)
    case.before(aws)
    planned(undisturbed, case)
    assert apply(undisturbed, case)[0] == 0
    planned(aws, case)
    passed = ["none yet"]
    for _ in range(400):
        code, said = apply(aws, case, kill_new=passed)
        if code is not None:
            break
        passed.append(said.rpartition("killed at: ")[2].strip())
    assert code == 0, said
    assert len(passed) > 20, "it was killed at hardly any row"
    assert dump(aws, case.region) == dump(undisturbed, case.region)
    assert effects(aws) == effects(undisturbed), "a call was made twice, or not at all"
    assert aws.run("verify", "case")[0] == 0


@deep
def test_an_undo_killed_at_each_boundary_is_taken_up_and_restores_the_state(case: Case, aws: Aws) -> None:
    case.before(aws)
    before = dump(aws, case.region)
    steps = reversible(planned(aws, case))
    assert apply(aws, case, *steps)[0] == 0
    undo = ("undo", "--incident", "case", "--all", "--yes", "--wait", "3", "--confirm", case.target_in(aws))
    passed = ["none yet"]
    for _ in range(200):
        code, said = aws.run(*undo, kill_new=passed)
        if code is not None:
            break
        passed.append(said.rpartition("killed at: ")[2].strip())
    assert code == 0, said
    assert len(passed) > 10, "it was killed at hardly any row"
    assert dump(aws, case.region) == before


FAULTS = ("lost-answer", "reset", "throttle", "http500")


@deep
def test_a_fault_at_each_call_leaves_what_the_next_start_explains_and_finishes(case: Case, labs: Labs) -> None:
    undisturbed = labs.new()
    case.before(undisturbed)
    at_first = effects(undisturbed)
    plan = planned(undisturbed, case)
    assert apply(undisturbed, case)[0] == 0
    writes = [
        (step["id"], call)
        for step in plan["steps"]
        if step["kind"] == "change"
        for call in step["calls"]
        if (listed := find(call["service"], call["operation"])) and listed.access is Access.WRITE
    ]
    table = {f"{step} / {call['id']}": [] for step, call in writes}
    called = {f"{step} / {call['id']}": call for step, call in writes}
    for fault in FAULTS:
        operations = sorted({call["operation"] for _, call in writes})
        aws = labs.new(*(f"{fault}@{name}:each" for name in operations))
        case.before(aws)
        begun = effects(aws)  # the faults meet what happened before, too
        planned(aws, case)
        said = []
        for _ in range(len(writes) + 2):
            code, words = apply(aws, case)
            said.append(words)
            if code == 0:
                break
        assert code == 0, f"{fault}: {words}"
        assert dump(aws, case.region) == dump(undisturbed, case.region), fault
        made = effects(aws) - begun
        assert made == effects(undisturbed) - at_first, f"{fault}: a call was made twice, or not at all"
        for name, cells in table.items():
            cells.append(outcome(called[name], said, fault))
        aws.stop()
    lines = [
        f"# {case.name}: each call with each fault",
        "",
        f"| step / call | {' | '.join(FAULTS)} |",
        "|---" * 5 + "|",
    ]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in table.items()]
    written = re.sub(r"-[0-9a-f]{17}\b", "-…", "\n".join(lines) + "\n")
    assert "?" not in written, written
    path = TABLES / f"{case.name}.md"
    if os.environ.get("UPDATE_TABLES"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(written)
    assert path.read_text() == written, "the table is stale: UPDATE_TABLES=1 pytest tests/test_playbooks.py writes it"


def outcome(call: dict, runs: list[str], fault: str) -> str:
    """What the operator saw of a fault at one call."""
    read_back = f"read back: {call['why']}: "
    if fault == "lost-answer":
        return "asked AWS: it took effect; went on" if any(f"{read_back}done" in words for words in runs) else "?"
    for words in runs[:-1]:
        if f"{read_back}not done" in words:
            return "asked AWS: it did not; stopped; the next run finished"
        if f"{call['id']}  " in words and "✖" in words:
            return "stopped and said why; the next run finished"
    return "?"


def test_an_unsuccessful_list_in_an_answer_of_status_200_is_a_failure(aws: Aws) -> None:
    from vpce_tui.aws.call import Call
    from vpce_tui.aws.errors import AwsError
    from vpce_tui.incident.journal import Journal

    session = aws.session()
    identity = session.identity()
    call = Call(
        service="ec2",
        operation="DeleteVpcEndpoints",
        region="eu-west-1",
        parameters={"VpcEndpointIds": ["vpce-0aaaaaaaaaaaaaaaa"]},
    )
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        journal.append(IncidentOpened(account=identity.account))
        session.gate.open_incident(journal)
        permit = journal.intend("p/t/s", {"call": call}, identity.account)["call"]
        with pytest.raises(AwsError, match=r"InvalidVpcEndpointId\.NotFound"):
            session.write(call, permit)


def test_nobody_locks_themselves_out(aws: Aws) -> None:
    path = str(aws.folder / "plan.json")
    code, said = aws.run(
        "plan", "revoke-credentials", "role/OnCallResponder", "--out", path, "--set", "quarantine.deny=yes"
    )
    assert code == 0, said
    code, said = aws.run(
        "apply", path, "--incident", "case", "--yes", "--wait", "3", "--step", "sessions", "--step", "quarantine"
    )
    assert code == 1
    assert "you would lock yourself out" in said
    assert aws.tried() == []


@pytest.mark.parametrize(
    ("target", "code", "expected"),
    [
        ("ASIAAAAAAAAAAAAAAAAA", 1, "is a temporary key"),
        ("role/nobody", 1, "there is no role nobody"),
        ("arn:aws:iam::999999999999:role/x", 1, "belongs to account 999999999999"),
        ("bob", 2, "is not a valid principal"),
        ("root", 0, "no IAM policy of this account limits the root user"),
    ],
)
def test_a_principal_that_cannot_be_acted_on_has_its_own_sentence(
    target: str, code: int, expected: str, aws: Aws
) -> None:
    ended, said = aws.run("plan", "revoke-credentials", target)
    assert ended == code, said
    assert expected in said


USER = next(case for case in CASES if case.name == "revoke-credentials-user")
NOT_NEEDED = {"iam:ListAccountAliases", "ec2:DescribeRegions", "ec2:DescribeInstances", "s3:HeadBucket"}
"""Only the account's name on top; what a role is asked about, while this case is a user; and what AWS answers alike for a bucket
of somebody else."""


def _operations(case: Case) -> list[Any]:
    names = sorted(f"{item.service}:{item.name}" for item in operations_of(load(case.playbook)))
    if case is USER:  # what a user is not asked about is told from what a role is
        elsewhere = ("Role", "Policy", "Policies", "Certificate", "SpecificCredential", "MFA", "Summary")
        names = [name for name in names if name not in NOT_NEEDED and not any(part in name for part in elsewhere)]
    return [pytest.param(case, name, id=f"{case.name}-{name}") for name in names if name not in NOT_NEEDED]


@pytest.mark.parametrize(
    ("case", "operation"),
    [item for case in CASES if case is USER or (EVERY_CASE and case.deep) for item in _operations(case)][
        :: 1 if EVERY_CASE else 3
    ],
)
def test_a_missing_permission_is_named(case: Case, operation: str, labs: Labs) -> None:
    aws = labs.new(f"denied@{operation}:99")
    case.before(aws)
    path = str(aws.folder / "plan.json")
    code, said = aws.run(
        "plan", case.playbook, case.target_in(aws), "--region", case.region, "--out", path, *case.options(aws)
    )
    if code == 0:
        plan = json.loads(Path(path).read_text())
        said += json.dumps(
            [{**step, "calls": [], "already": [], "undo": [], "permissions": []} for step in plan["steps"]]
        )
    if operation in said:  # the plan says so already
        return
    if code == 0:
        said += apply(aws, case)[1]
    with urllib.request.urlopen(f"{aws.url}/_lab/faults") as answer:
        (left,) = json.load(answer)
    if left == 99:
        pytest.skip("not called on this target with these answers")
    assert operation in said


def test_what_somebody_opened_again_is_closed_again_and_undo_still_restores_the_first_state(labs: Labs) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-gateway")
    aws = labs.new()
    before, target = dump(aws, case.region), case.target_in(aws)
    steps = ("--step", "policy", "--step", "network")
    planned(aws, case)
    assert apply(aws, case, *steps)[0] == 0
    ec2 = clients(aws, case.region)("ec2")
    ec2.modify_vpc_endpoint(
        VpcEndpointId=target, PolicyDocument='{"Statement": []}', AddRouteTableIds=[aws.facts["route_table"]]
    )
    planned(aws, case, "--incident", "case")
    code, said = apply(aws, case, *steps)
    assert code == 0, said
    (closed,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[target])["VpcEndpoints"]
    assert closed["RouteTableIds"] == []
    assert "IncidentDenyAll" in closed["PolicyDocument"]
    code, said = aws.run("undo", "--incident", "case", "--all", "--yes", "--wait", "3")
    assert code == 0, said
    assert dump(aws, case.region) == before


def test_a_policy_that_looks_like_a_secret_is_recorded_whole_and_put_back(labs: Labs) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-gateway")
    aws = labs.new()
    policy = json.dumps(
        {
            "Statement": [
                {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*", "Principal": "*"}
            ]
        }
    )
    ec2 = clients(aws, case.region)("ec2")
    ec2.modify_vpc_endpoint(VpcEndpointId=case.target_in(aws), PolicyDocument=policy)
    planned(aws, case)
    assert apply(aws, case, "--step", "policy")[0] == 0
    code, said = aws.run("undo", "--incident", "case", "policy", "--yes", "--wait", "3")
    assert code == 0, said
    (after,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[case.target_in(aws)])["VpcEndpoints"]
    assert after["PolicyDocument"] == policy


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("plannedAt",), "2026\ntouch /tmp/x"),
        (("steps", 3, "calls", 0, "service"), "ec2 x; touch /tmp/x;"),
        (("steps", 3, "calls", 0, "gives"), {"X;touch /tmp/x": "GroupId"}),
        (("steps", 3, "choices"), {"mode": ["x"]}),
        (("steps", 3, "calls", 0, "parameters"), "abc"),
    ],
)
def test_a_plan_that_is_not_ours_is_refused_although_its_hash_fits(
    where: tuple[Any, ...], value: Any, aws: Aws
) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-foreign")
    plan = planned(aws, case)
    at = plan
    for key in where[:-1]:
        at = at[key]
    at[where[-1]] = value
    plan["sha256"] = digest({key: item for key, item in plan.items() if key != "sha256"})
    (aws.folder / "plan.json").write_text(json.dumps(plan))
    code, said = apply(aws, case)
    assert code == 1, said
    assert "is not a plan" in said
    assert aws.tried() == []


def test_the_inverse_of_a_step_cannot_give_another_meaning_to_a_name(aws: Aws) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-foreign")
    plan = planned(aws, case)
    for call in plan["steps"][3]["undo"]:
        call["gives"] = {"QUARANTINE_GROUP": "'sg-0bad0bad0bad0bad0'"}
    plan["sha256"] = digest({key: item for key, item in plan.items() if key != "sha256"})
    (aws.folder / "plan.json").write_text(json.dumps(plan))
    code, said = apply(aws, case, "--step", "network")
    assert code == 4, said
    assert aws.tried() == []
