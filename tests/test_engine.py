"""Playbook 1 against the lab: plan, apply, stale plans, undo, the two scripts, refusals, blocked steps."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients, dump
from vpce_tui.aws.call import Call
from vpce_tui.core.canonical_json import digest
from vpce_tui.engine.playbook_session import PlaybookSession
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentOpened
from vpce_tui.playbooks.plan_reader import read as read_plan

REVERSIBLE = ("protect", "out-of-service", "isolate", "cut-credentials")


def saved(aws: Aws, text: str) -> str:
    path = aws.folder / "plan.json"
    path.write_text(text)
    return str(path)


def apply(aws: Aws, text: str, *more: str, incident: str = "case") -> tuple[int | None, str]:
    return aws.run("apply", saved(aws, text), "--incident", incident, "--yes", "--wait", "3", *more)


def rows(aws: Aws, incident: str = "case") -> list[Any]:
    with Journal.open(aws.incident(incident), "test", write=False) as journal:
        return list(journal.rows())


def test_the_plan_follows_its_schema_and_its_hash_fits(plan_text: str) -> None:
    import vpce_tui.plans

    schema = json.loads((Path(vpce_tui.plans.__file__).parent / "plan.schema.json").read_text())
    plan = json.loads(plan_text)
    jsonschema.Draft202012Validator(schema).validate(plan)
    assert plan["sha256"] == digest({key: value for key, value in plan.items() if key != "sha256"})
    assert [step["id"] for step in plan["steps"]] == [
        "identify",
        "preserve",
        "protect",
        "out-of-service",
        "memory",
        "isolate",
        "cut-credentials",
        "snapshots",
        "terminate",
    ]
    assert list(plan) == [
        "schema",
        "playbook",
        "target",
        "accountId",
        "region",
        "operator",
        "plannedAt",
        "incident",
        "incidentId",
        "steps",
        "sha256",
    ]
    assert read_plan(plan_text).text() == plan_text


def test_planning_only_reads(aws: Aws) -> None:
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--format", "json", "--read-only")
    assert code == 0, said
    assert aws.writes() == []
    assert not any(item["dryRun"] for item in aws.handled())


def test_applied_whole_it_ends_terminated_with_evidence_and_a_record_that_verifies(aws: Aws, plan_text: str) -> None:
    code, said = apply(aws, plan_text, "--confirm", aws.victim)
    assert code == 0, said
    ec2 = clients(aws)("ec2")
    instance = ec2.describe_instances(InstanceIds=[aws.victim])["Reservations"][0]["Instances"][0]
    assert instance["State"]["Name"] == "terminated"
    volumes = {item["VolumeId"] for item in ec2.describe_volumes()["Volumes"]}
    assert aws.facts["victim_data_volume"] in volumes, "the volumes must outlive the instance"
    snapshots = ec2.describe_snapshots(
        OwnerIds=["self"], Filters=[{"Name": "tag:vpce-tui:incident", "Values": ["case"]}]
    )["Snapshots"]
    assert len(snapshots) == 2
    code, said = aws.run("verify", "case")
    assert code == 0
    assert re.search(r"head [0-9a-f]{64}", said)
    kept = {row.content.evidence for row in rows(aws) if row.kind == "evidence"}
    assert {"console-output", "console-screenshot", "user-data", "role", "acls", "history"} <= kept
    walk = PlaybookSession(aws.session(), lambda: datetime.now(UTC), "terminate-instance", aws.victim, HOME)
    with Journal.open(aws.incident(), "test", write=False) as journal:
        reads: list[tuple[str, int, int]] = []
        walk.plan(journal, lambda *read: reads.append(read))
        assert [done for _, done, _ in reads] == list(range(len(reads))), "what is read while it plans is said"
        assert {total for _, _, total in reads} == {len(reads)}
        assert "interfaces" in {aspect for aspect, _, _ in reads}
    assert not walk.drifted, "what was done is shown as done"


def test_a_second_incident_finds_most_of_it_done_already(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "protect")[0] == 0
    count = len(aws.writes())
    code, said = apply(aws, plan_text, "--step", "protect", incident="other")
    assert code == 0, said
    assert "already in effect" in said
    assert len(aws.writes()) == count


@pytest.mark.parametrize("step", REVERSIBLE)
def test_each_reversible_step_can_be_taken_back_alone(step: str, aws: Aws, plan_text: str) -> None:
    before = dump(aws)
    assert apply(aws, plan_text, "--step", step)[0] == 0
    changed = dump(aws)
    assert changed != before
    code, said = aws.run("undo", "--incident", "case", step, "--yes", "--wait", "3")
    assert code == 0, said
    assert dump(aws) == before
    code, said = apply(aws, plan_text, "--step", step)
    assert (code, dump(aws)) == ((0, changed) if step != "cut-credentials" else (4, before)), said


def test_undo_leaves_what_somebody_else_changed_since(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "isolate")[0] == 0
    ec2, second = clients(aws)("ec2"), aws.facts["victim_second_interface"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, Groups=[aws.facts["group_web"]])
    code, said = aws.run("undo", "--incident", "case", "isolate", "--yes", "--wait", "1")
    assert "changed by somebody since the step ran" in said
    groups = ec2.describe_network_interfaces(NetworkInterfaceIds=[second])["NetworkInterfaces"][0]["Groups"]
    assert [group["GroupId"] for group in groups] == [aws.facts["group_web"]]
    assert code in (0, 1, 6)


def test_the_isolated_interfaces_are_in_one_group_without_rules(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "isolate")[0] == 0
    ec2 = clients(aws)("ec2")
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": [aws.victim]}])[
        "NetworkInterfaces"
    ]
    assert len(interfaces) == 2
    groups = {group["GroupId"] for nic in interfaces for group in nic["Groups"]}
    assert len(groups) == 1
    group = ec2.describe_security_groups(GroupIds=list(groups))["SecurityGroups"][0]
    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])
    own = ec2.describe_security_groups(Filters=[{"Name": "tag:vpce-tui:target", "Values": [aws.victim]}])[
        "SecurityGroups"
    ]
    assert len(own) == 2
    assert [item["IpPermissions"] for item in own] == [[], []], "nothing that lets everything in is left behind"


def test_after_the_cut_aws_refuses_the_sessions_of_the_role(aws: Aws, plan_text: str) -> None:
    sts = clients(aws)("sts")
    role = f"arn:aws:iam::{aws.facts['account']}:role/web-app"
    stolen = sts.assume_role(RoleArn=role, RoleSessionName=aws.victim)["Credentials"]
    thief = aws.session(keys=[stolen["AccessKeyId"], stolen["SecretAccessKey"], stolen["SessionToken"]])
    assert thief.identity().arn.endswith(aws.victim)
    assert apply(aws, plan_text, "--step", "cut-credentials")[0] == 0
    from vpce_tui.aws.errors import AwsError, ErrorKind

    with pytest.raises(AwsError) as caught:
        thief.read(Call("ec2", "DescribeInstances", HOME))
    assert caught.value.kind is ErrorKind.DENIED
    assert thief.confirm_identity().arn.endswith(aws.victim), "who one is AWS answers whatever is denied"


def test_the_cut_stands_after_the_profile_was_gone(aws: Aws, plan_text: str) -> None:
    assert apply(aws, plan_text, "--step", "cut-credentials")[0] == 0
    made = [name for name, _ in aws.writes()]
    assert made == ["iam:PutRolePolicy", "ec2:DisassociateIamInstanceProfile", "iam:PutRolePolicy"]


# -- stale, tampered, foreign, unapproved


def test_a_step_that_would_now_do_something_else_is_not_run(aws: Aws, plan_text: str) -> None:
    ec2 = clients(aws)("ec2")
    nic = ec2.create_network_interface(SubnetId=aws.facts["subnet_app-a"])["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=nic, InstanceId=aws.victim, DeviceIndex=2)
    before = dump(aws)
    code, said = apply(aws, plan_text, "--step", "isolate")
    assert code == 4
    assert nic in said
    assert dump(aws) == before


def test_a_plan_whose_undo_would_restore_something_else_is_stale(aws: Aws, plan_text: str) -> None:
    ec2, second = clients(aws)("ec2"), aws.facts["victim_second_interface"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, Groups=[aws.facts["group_web"]])
    code, said = apply(aws, plan_text, "--step", "isolate")
    assert code == 4
    assert "its undo would restore something else" in said


def test_a_plan_file_edited_by_hand_is_refused(aws: Aws, plan_text: str) -> None:
    code, said = apply(aws, plan_text.replace(aws.victim, aws.facts["database"]))
    assert code == 5
    assert "changed after it was created" in said
    assert aws.writes() == []


def test_a_plan_of_another_account_is_refused(aws: Aws, plan_text: str) -> None:
    plan = json.loads(plan_text)
    plan["accountId"] = "210987654321"
    plan["sha256"] = digest({key: value for key, value in plan.items() if key != "sha256"})
    code, said = apply(aws, json.dumps(plan))
    assert code == 5
    assert "210987654321" in said


def test_an_incident_of_another_account_is_refused(aws: Aws, plan_text: str) -> None:

    with Journal.open(aws.incident(), "x", create=True) as journal:
        journal.append(IncidentOpened(name="case", account="210987654321"))
    code, said = apply(aws, plan_text)
    assert code == 5
    assert "210987654321" in said


def test_without_a_terminal_and_without_yes_it_is_refused(aws: Aws, plan_text: str) -> None:
    code, said = aws.run("apply", saved(aws, plan_text), "--incident", "case")
    assert code == 5
    assert "--yes" in said
    assert aws.handled() == []


def test_what_cannot_be_undone_needs_the_id(aws: Aws, plan_text: str) -> None:
    code, said = apply(aws, plan_text)
    assert code == 5
    assert f"--confirm {aws.victim}" in said
    assert "ec2:CreateSnapshots" not in [name for name, _ in aws.writes()]
    code, said = apply(aws, plan_text, "--confirm", "i-0000000000000beef")
    assert code == 5


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_read_only_refuses_to_apply(how: str, aws: Aws, plan_text: str) -> None:
    words = ["apply", saved(aws, plan_text), "--incident", "case", "--yes", *(["--read-only"] if how == "flag" else [])]
    code, said = aws.run(*words, env={"VPCE_TUI_READ_ONLY": "1"} if how == "environment" else {})
    assert code == 5
    assert "read-only" in said
    assert aws.writes() == []


def test_termination_waits_for_evidence_and_snapshots(aws: Aws, plan_text: str) -> None:
    code, said = apply(aws, plan_text, "--step", "terminate", "--confirm", aws.victim)
    assert code == 1
    assert "Preserve volatile evidence" in said
    assert aws.writes() == []


def test_a_missing_permission_blocks_the_step_and_is_named(labs: Labs, plan_text: str) -> None:
    aws = labs.new("denied@ModifyNetworkInterfaceAttribute:9")
    before = dump(aws)
    code, said = apply(aws, plan_text, "--step", "isolate")
    assert code == 1
    assert "ec2:ModifyNetworkInterfaceAttribute" in said
    assert dump(aws) == before, "not one call of the step may have been made"


def test_an_aspect_that_cannot_be_read_blocks_and_is_never_taken_for_empty(labs: Labs, plan_text: str) -> None:
    aws = labs.new("denied@DescribeAutoScalingInstances:99")
    code, said = apply(aws, plan_text, "--step", "out-of-service")
    assert code in (1, 4)
    assert "Auto Scaling group" in said or "no longer" in said
    assert aws.writes() == []


def test_evidence_that_cannot_be_read_is_named_and_the_rest_kept(labs: Labs, plan_text: str) -> None:
    aws = labs.new("denied@GetConsoleScreenshot:9")
    code, said = apply(aws, plan_text, "--step", "preserve")
    assert code == 0
    assert "console-screenshot" in said
    errors = [row.content for row in rows(aws) if row.kind == "error"]
    assert errors
    assert errors[0].evidence == "console-screenshot"


def test_an_outcome_that_aws_cannot_tell_stops_until_the_operator_decides(labs: Labs, plan_text: str) -> None:
    aws = labs.new(
        "lost-answer@StopInstances:0",
        "reset@ModifyInstanceAttribute:1",
        "expired-token@DescribeInstanceAttribute%eu-west-1:0",
    )
    aws.stop()
    aws = labs.new("lost-answer@DetachInstances:1", "denied@DescribeAutoScalingInstances:0")
    plan = saved(aws, plan_text)
    words = ("apply", plan, "--incident", "case", "--yes", "--wait", "1", "--step", "out-of-service")
    intent = next(number for number in range(1, 40) if _killed_with_open_intent(labs, plan_text, number))
    blind = labs.new("denied@DescribeAutoScalingInstances:0")
    killed, _ = blind.run(*(word if word != plan else saved(blind, plan_text) for word in words), kill_at=intent)
    assert killed is None
    blinded = labs.new("denied@DescribeAutoScalingInstances:99", "denied@DescribeTargetGroups:99")
    blinded.incident().parent.mkdir(parents=True)
    import shutil

    shutil.copytree(blind.incident(), blinded.incident())
    code, said = blinded.run(*(word if word != plan else saved(blinded, plan_text) for word in words))
    assert code == 6, said
    assert "it is unknown whether" in said
    assert blinded.writes() == []
    code, said = blinded.run("resolve", "--incident", "case", "out-of-service", "detach", "not-done")
    assert code == 0, said


def _killed_with_open_intent(labs: Labs, plan_text: str, number: int) -> bool:
    aws = labs.new()
    killed, _ = aws.run(
        "apply",
        saved(aws, plan_text),
        "--incident",
        "case",
        "--yes",
        "--wait",
        "1",
        "--step",
        "out-of-service",
        kill_at=number,
    )
    last = rows(aws)[-1] if killed is None else None
    aws.stop()
    return bool(last and last.kind == "intent" and last.content.calls[0].id == "detach")


# -- other instances


def test_a_spot_instance_has_its_persistent_request_cancelled(aws: Aws) -> None:
    spot, path = aws.facts["spot"], str(aws.folder / "spot.json")
    assert aws.run("plan", "terminate-instance", spot, "--region", HOME, "--out", path)[0] == 0
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--confirm", spot, "--wait", "3")
    assert code == 0, said
    request = clients(aws)("ec2").describe_spot_instance_requests(SpotInstanceRequestIds=[aws.facts["spot_request"]])
    assert request["SpotInstanceRequests"][0]["State"] == "cancelled"


def test_at_the_minimum_the_group_is_asked_to_replace_by_default(aws: Aws) -> None:
    clients(aws)("autoscaling").update_auto_scaling_group(AutoScalingGroupName="storefront-web", MinSize=3)
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--format", "json")
    plan = json.loads(said[said.index("{") :])
    step = plan["steps"][3]
    assert step["choices"] == {"capacity": "replace"}
    assert any("same AMI, with the same role" in item["says"] for item in step["affects"])
    code, said = aws.run(
        "plan",
        "terminate-instance",
        aws.victim,
        "--region",
        HOME,
        "--format",
        "json",
        "--set",
        "out-of-service.capacity=lower",
    )
    assert code == 0
    assert "minimum" in json.loads(said[said.index("{") :])["steps"][3]["blocked"][0]["says"]


def test_choices_stand_in_the_plan_and_change_it(aws: Aws) -> None:
    code, said = aws.run(
        "plan", "terminate-instance", aws.victim, "--region", HOME, "--format", "json", "--set", "isolate.moves=one"
    )
    assert code == 0
    step = json.loads(said[said.index("{") :])["steps"][5]
    assert step["choices"] == {"moves": "one"}
    assert not any(call["id"].startswith("untrack") for call in step["calls"])
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--set", "isolate.moves=three")
    assert code == 2
    assert "must be one of" in said


def test_stopping_instead_can_be_undone(aws: Aws) -> None:
    path = str(aws.folder / "stop.json")
    words = ("--set", "terminate.how=stop", "--set", "terminate.evidence=waived", "--out", path)
    assert aws.run("plan", "terminate-instance", aws.facts["database"], "--region", HOME, *words)[0] == 0
    code, said = aws.run("apply", path, "--incident", "case", "--yes", "--step", "terminate", "--wait", "3")
    assert code == 0, said
    code, said = aws.run("undo", "--incident", "case", "terminate", "--yes", "--wait", "3")
    assert code == 0, said
    state = clients(aws)("ec2").describe_instances(InstanceIds=[aws.facts["database"]])["Reservations"][0]["Instances"][
        0
    ]["State"]
    assert state["Name"] == "running"
