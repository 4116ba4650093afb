"""Playbook block-traffic: what flow logs say, what lets an address through, what is in the way of blocking it, the proof."""

import json

import pytest

from tests.cases import INTRUDER, REJECTED, flow, table
from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients
from tests.traffic import ACCEPTED, apply, notes, plan, way_out
from vpce_tui.plans.actions.flow_logs import FIELDS


def test_bytes_flows_and_times_are_those_of_the_records(aws: Aws) -> None:
    for line in (
        "203.0.113.5 {own} 50000 8443 6 10 1500 {begin} {end} ACCEPT OK",
        "{own} 203.0.113.5 8443 50000 6 10 2500000 {begin} {end} ACCEPT OK",
        "203.0.113.5 {own} 50001 8443 6 1 40 {begin} {end} REJECT OK",
        "203.0.113.6 {own} 50001 8443 6 1 40 {begin} {end} REJECT SKIPDATA",
    ):
        flow(aws, aws.victim, line)
    seen = plan(aws, "see.hours=1")["see"]
    peers = table(seen, "peers by port")
    row = peers["203.0.113.5 tcp 8443 in"]
    assert (row["OUT"], row["IN"], row["FLOWS"], row["REJECTED"], row["DIR"]) == (2_500_000, 1540, 2, 1, "in")
    assert not any("203.0.113.6" in key for key in peers)
    (through,) = [row for row in peers.values() if aws.facts["endpoint_ids"]["intruder_exit"] in row["WHO"]]
    assert through["OUT"] + through["IN"] > 1_000_000_000
    (used_from,) = {row["WHO"] for key, row in peers.items() if key.startswith(f"{INTRUDER} ")}
    assert used_from == "its credentials were used from here"
    (series,) = [block for block in seen["content"] if block["block"] == "series"]
    skipped = 40
    drawn = sum(sum(line["values"]) for line in series["lines"])
    assert drawn == sum(row["OUT"] + row["IN"] for row in peers.values()) + skipped


def test_records_with_every_field_are_read_by_their_own_format(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    (before,) = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [aws.facts["vpc"]]}])["FlowLogs"]
    ec2.delete_flow_logs(FlowLogIds=[before["FlowLogId"]])
    ec2.create_flow_logs(
        ResourceIds=[aws.facts["vpc"]],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName="/vpc/production",
        DeliverLogsPermissionArn=before["DeliverLogsPermissionArn"],
        LogFormat=" ".join(f"${{{name}}}" for name in FIELDS),
    )
    known = {
        "srcaddr": "203.0.113.5",
        "dstaddr": "{own}",
        "srcport": "50000",
        "dstport": "8443",
        "protocol": "6",
        "bytes": "1500",
    }
    known |= {"start": "{begin}", "end": "{end}", "action": "ACCEPT", "log-status": "OK"}
    flow(
        aws,
        aws.victim,
        " ".join(known.get(name, "-") for name in FIELDS if name not in ("version", "account-id", "interface-id")),
    )
    peers = table(plan(aws)["see"], "peer")
    assert peers["203.0.113.5 tcp 8443 in"]["IN"] == 1500
    assert not any("10.0.100.20" in key for key in peers), "records of the older format do not fit, and are not misread"


def test_without_flow_logs_it_says_so_and_offers_to_record(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    ids = [item["FlowLogId"] for item in ec2.describe_flow_logs()["FlowLogs"]]
    ec2.delete_flow_logs(FlowLogIds=ids)
    steps = plan(aws, f"addresses={INTRUDER}")
    assert "its peers are unknown" in notes(steps["see"])
    assert "its traffic is not recorded: inconclusive" in notes(steps["verify"])
    assert [call["operation"] for call in steps["flow-logs"]["calls"]] == ["CreateFlowLogs"]
    assert len(steps["acl"]["calls"]) == 2, "an address can be denied all the same"


def test_what_speaks_against_blocking_an_address_is_said(aws: Aws) -> None:
    aws.session().identity()
    steps = plan(aws, "addresses=10.0.0.2,127.0.0.0/8,10.0.1.0/24", "see.hours=1")
    said = notes(steps["choose"])
    assert "the DNS resolver of" in said
    assert "10.0.0.2/32: a private address" in said
    assert "127.0.0.0/8: it contains 127.0.0.1, from which you call AWS" in said
    said = notes(plan(aws, f"addresses={way_out(aws)}")["choose"])
    assert "it is an endpoint" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("addresses=10.0.0.1/16", "has host bits set"),
        ("addresses=nobody", "is not an address or CIDR block"),
        ("addresses=0.0.0.0/0", "isolate the instance instead"),
        ("see.hours=0", "is not a number of hours"),
        ("see.hours=10000", "is not a number of hours"),
        ("rules=sgr-0123456789abcdef0", "must be one or more of"),
        ("waf.ip_set=regional/x/y", "must be one of"),
    ],
)
def test_an_answer_that_is_wrong_gets_its_own_sentence(value: str, said: str, aws: Aws) -> None:
    assert said in plan(aws, value, code=2)["said"]


def test_it_says_whether_the_flow_stopped(labs: Labs) -> None:
    for line, minutes, code, expected in (
        (REJECTED, 0.0, 6, "wait: records come minutes late"),
        (REJECTED, 30.0, 0, "attempts until"),
        (ACCEPTED, 30.0, 1, "still accepted"),
    ):
        aws = labs.new()
        plan(aws, f"addresses={INTRUDER}")
        apply(aws, "acl")
        flow(aws, aws.victim, line, minutes=minutes - 5)
        assert expected in apply(aws, "verify", code=code)
        aws.stop()


def test_a_gateway_endpoint_has_no_interface_and_it_says_where_to_go(aws: Aws) -> None:
    said = plan(aws, target=aws.facts["endpoint_ids"]["intruder_s3"], code=1)["said"]
    assert "contain-endpoint" in said


def test_an_address_that_was_never_blocked_is_not_called_stopped(aws: Aws) -> None:
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    flow(aws, aws.victim, REJECTED, minutes=55)
    plan(aws, "addresses=192.0.2.77")
    assert "192.0.2.77/32: not blocked in both directions in this incident" in apply(aws, "verify", code=6)


def test_without_a_chosen_address_the_proof_is_about_what_was_denied(aws: Aws) -> None:
    plan(aws)
    assert "nothing to verify" in apply(aws, "verify", code=6)
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    flow(aws, aws.victim, REJECTED, minutes=55)
    path = str(aws.folder / "plan.json")
    words = ("plan", "block-traffic", aws.victim, "--region", HOME, "--incident", "case", "--out", path)
    assert aws.run(*words)[0] == 0
    assert f"{INTRUDER}/32: nothing accepted" in apply(aws, "verify")


def test_records_of_another_interface_prove_nothing(aws: Aws) -> None:
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    flow(aws, aws.victim, "10.0.9.4 10.0.9.14 5432 38820 6 1 100 {begin} {end} ACCEPT OK", minutes=0.1)
    assert "wait: records come minutes late" in apply(aws, "verify", code=6)


def test_a_flow_log_that_leaves_the_verdict_out_is_not_judged_by(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    (before,) = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [aws.facts["vpc"]]}])["FlowLogs"]
    ec2.delete_flow_logs(FlowLogIds=[before["FlowLogId"]])
    fields = [name for name in FIELDS[:14] if name != "action"]
    ec2.create_flow_logs(
        ResourceIds=[aws.facts["vpc"]],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName="/vpc/production",
        DeliverLogsPermissionArn=before["DeliverLogsPermissionArn"],
        LogFormat=" ".join(f"${{{name}}}" for name in fields),
    )
    assert "does not record action" in notes(plan(aws)["see"])


def test_what_aws_could_not_record_is_said_and_nothing_is_proved(aws: Aws) -> None:
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    flow(aws, aws.victim, REJECTED, minutes=55)
    flow(aws, aws.victim, "- - - - - - - {begin} {end} - SKIPDATA", minutes=55)
    assert "SKIPDATA" in apply(aws, "verify", code=6)


def test_the_proof_is_judged_from_the_answer_that_is_kept_and_asked_anew_each_time(aws: Aws) -> None:
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    assert "wait: records come minutes late" in apply(aws, "verify", code=6)
    flow(aws, aws.victim, REJECTED, minutes=55)
    assert "nothing accepted" in apply(aws, "verify")
    code, said = aws.run("evidence", "case")
    assert code == 0, said
    code, kept = aws.run("evidence", "case", "traffic-after", "--raw")
    assert code == 0, kept
    answer = json.loads(kept)
    actions = {
        item["value"]
        for page in answer["pages"]
        for row in page["results"]
        if any(cell.get("value") == INTRUDER for cell in row)
        for item in row
        if item["field"] == "f_action"
    }
    assert "REJECT" in actions


def test_who_uses_an_endpoint_is_said_before_it_is_closed(aws: Aws) -> None:
    path = aws.folder / "endpoint.json"
    code, said = aws.run(
        "plan", "contain-endpoint", aws.facts["endpoint_ids"]["intruder_exit"], "--region", HOME, "--out", str(path)
    )
    assert code == 0, said
    steps = {step["id"]: step for step in json.loads(path.read_text())["steps"]}
    users = table(steps["identify"], "peer").values()
    (user,) = [row for row in users if row["OUT"] + row["IN"] > 1_000_000_000]
    assert aws.victim in user["WHO"]
    for name in ("network", "delete"):
        (hit,) = [item for item in steps[name]["affects"] if "used it" in item["says"]]
        assert aws.victim in hit["names"][0]
    words = ("apply", str(path), "--incident", "case", "--yes", "--wait", "3", "--step", "identify")
    code, said = aws.run(*words)
    assert code == 0, said
    assert "who used it" in said


def test_where_no_interface_is_left_nothing_passes(aws: Aws) -> None:
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    ec2 = clients(aws)("ec2")
    ec2.modify_instance_attribute(InstanceId=aws.victim, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[aws.victim])
    path = str(aws.folder / "plan.json")
    words = ("plan", "block-traffic", aws.victim, "--region", HOME, "--incident", "case", "--out", path)
    assert aws.run(*words)[0] == 0
    assert "no traffic passes through them" in apply(aws, "verify")
