"""Playbook block-traffic: what flow logs say, what lets an address through, what is in the way of blocking it, the proof."""

import json
from typing import Any

import pytest

from tests.cases import INTRUDER, REJECTED, flow
from tests.conftest import HOME, Aws, Labs
from tests.world import clients
from vpce_tui.playbooks.actions.flow_logs import FIELDS

ACCEPTED = REJECTED.replace("REJECT", "ACCEPT")


def plan(aws: Aws, *sets: str, target: str = "", code: int = 0) -> dict[str, Any]:
    """The plan's steps by id."""
    path = aws.folder / "plan.json"
    words = [word for item in sets for word in ("--set", item)]
    ended, said = aws.run("plan", "block-traffic", target or aws.victim, "--region", HOME, "--out", str(path), *words)
    assert ended == code, said
    return {step["id"]: step for step in json.loads(path.read_text())["steps"]} if code == 0 else {"said": said}


def apply(aws: Aws, *steps: str, code: int = 0) -> str:
    words = [word for step in steps for word in ("--step", step)]
    path = str(aws.folder / "plan.json")
    ended, said = aws.run("apply", path, "--incident", "case", "--yes", "--wait", "1", *words)
    assert ended == code, said
    return said


def notes(step: dict[str, Any]) -> str:
    return "\n".join(step["notes"])


def acl_of(aws: Aws) -> dict[str, Any]:
    subnet = aws.facts["subnet_app-a"]
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (found,) = clients(aws)("ec2").describe_network_acls(Filters=filters)["NetworkAcls"]
    return dict(found)


def test_bytes_flows_and_times_are_those_of_the_records(aws: Aws) -> None:
    for line in (
        "203.0.113.5 {own} 50000 8443 6 10 1500 {begin} {end} ACCEPT OK",
        "{own} 203.0.113.5 8443 50000 6 10 2500000 {begin} {end} ACCEPT OK",
        "203.0.113.5 {own} 50001 8443 6 1 40 {begin} {end} REJECT OK",
        "203.0.113.6 {own} 50001 8443 6 1 40 {begin} {end} REJECT SKIPDATA",
    ):
        flow(aws, aws.victim, line)
    said = notes(plan(aws, "see.hours=1")["see"])
    (talker,) = [line for line in said.splitlines() if "203.0.113.5" in line]
    assert talker.startswith(
        "2.5 MB  203.0.113.5  came to our tcp 8443  sent 2.5 MB, received 1.5 kB; 2 flows let through, 1 rejected"
    )
    assert "203.0.113.6" not in said
    assert "through an endpoint: 1.1 GB" in said
    assert aws.facts["endpoint_ids"]["intruder_exit"] in said
    assert "the last 1 h until" in said


def test_records_with_every_field_are_read_by_their_own_format(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    (before,) = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [aws.facts["vpc"]]}])["FlowLogs"]
    ec2.delete_flow_logs(FlowLogIds=[before["FlowLogId"]])
    ec2.create_flow_logs(
        ResourceIds=[aws.facts["vpc"]], ResourceType="VPC", TrafficType="ALL", LogDestinationType="cloud-watch-logs",
        LogGroupName="/vpc/production", DeliverLogsPermissionArn=before["DeliverLogsPermissionArn"],
        LogFormat=" ".join(f"${{{name}}}" for name in FIELDS),
    )  # fmt: skip
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
    said = notes(plan(aws)["see"])
    assert "1.5 kB  203.0.113.5  came to our tcp 8443" in said
    assert "10.0.100.20" not in said, "records of the older format do not fit, and are not misread"


def test_without_flow_logs_it_says_so_and_offers_to_record(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    ids = [item["FlowLogId"] for item in ec2.describe_flow_logs()["FlowLogs"]]
    ec2.delete_flow_logs(FlowLogIds=ids)
    steps = plan(aws, f"addresses={INTRUDER}")
    assert "nobody can tell whom it talks with" in notes(steps["see"])
    assert "there is nothing to judge by" in notes(steps["prove"])
    assert [call["operation"] for call in steps["flow-logs"]["calls"]] == ["CreateFlowLogs"]
    assert len(steps["acl"]["calls"]) == 2, "an address can be denied all the same"


def test_what_speaks_against_blocking_an_address_is_said(aws: Aws) -> None:
    aws.session().identity()
    steps = plan(aws, "addresses=10.0.0.2,127.0.0.0/8,10.0.1.0/24", "see.hours=1")
    said = notes(steps["choose"])
    assert "the resolver of" in said
    assert "10.0.0.2/32: a private address" in said
    assert "127.0.0.0/8: you call AWS from 127.0.0.1" in said
    said = notes(plan(aws, f"addresses={_way_out(aws)}")["choose"])
    assert "it is an endpoint" in said


def _way_out(aws: Aws) -> str:
    ec2 = clients(aws)("ec2")
    endpoint = aws.facts["endpoint_ids"]["intruder_exit"]
    ids = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]["NetworkInterfaceIds"]
    return str(ec2.describe_network_interfaces(NetworkInterfaceIds=ids)["NetworkInterfaces"][0]["PrivateIpAddress"])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("addresses=10.0.0.1/16", "has host bits set"),
        ("addresses=nobody", "is no address or CIDR block"),
        ("addresses=0.0.0.0/0", "isolate the instance instead"),
        ("see.hours=0", "is no number of hours"),
        ("see.hours=10000", "is no number of hours"),
        ("rules=sgr-0123456789abcdef0", "must be some of"),
        ("waf.ip_set=regional/x/y", "must be one of"),
    ],
)  # fmt: skip
def test_an_answer_that_is_wrong_gets_its_own_sentence(value: str, said: str, aws: Aws) -> None:
    assert said in plan(aws, value, code=2)["said"]


def test_the_entry_stands_before_the_first_that_allows_and_a_full_list_is_refused(aws: Aws) -> None:
    ec2, acl = clients(aws)("ec2"), acl_of(aws)["NetworkAclId"]
    for number in (97, 99):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=number, Protocol="6", RuleAction="allow", Egress=True, CidrBlock="198.51.100.0/24",
            PortRange={"From": 443, "To": 443},
        )  # fmt: skip
    numbers = {
        call["parameters"]["Egress"]: call["parameters"]["RuleNumber"]
        for call in plan(aws, f"addresses={INTRUDER}")["acl"]["calls"]
    }
    assert numbers == {False: 99, True: 96}
    for number in range(1, 97):
        if number <= 18:
            ec2.create_network_acl_entry(
                NetworkAclId=acl,
                RuleNumber=number,
                Protocol="6",
                RuleAction="deny",
                Egress=True,
                CidrBlock="192.0.2.0/24",
            )
    blocked = plan(aws, f"addresses={INTRUDER}")["acl"]["blocked"]
    assert ["has 21 entries out, and 20 is the most" in item["says"] for item in blocked] == [True]
    assert "quota=40" in blocked[0]["remedy"]
    assert not plan(aws, f"addresses={INTRUDER}", "quota=40")["acl"]["blocked"]


def test_no_free_number_before_the_first_allow_is_said(aws: Aws) -> None:
    ec2, acl = clients(aws)("ec2"), acl_of(aws)["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl, RuleNumber=1, Protocol="-1", RuleAction="allow", Egress=False, CidrBlock="0.0.0.0/0"
    )
    (blocked,) = plan(aws, f"addresses={INTRUDER}")["acl"]["blocked"]
    assert "has no free number before 1" in blocked["says"]


def test_a_rule_that_somebody_removed_meanwhile_leaves_all_as_it_was(aws: Aws) -> None:
    steps = plan(aws, f"addresses={INTRUDER}", "rules=matching")
    gone = next(call for call in steps["rules"]["calls"] if call["id"].startswith("rule-"))["parameters"]
    clients(aws)("ec2").revoke_security_group_egress(**gone)
    count = len(aws.tried())
    said = apply(aws, "rules", code=4)
    assert "it would no longer make" in said
    assert len(aws.tried()) == count


def test_closed_the_rule_leaves_the_other_conversations_alone(aws: Aws) -> None:
    assert plan(aws, f"addresses={INTRUDER}")["rules"]["calls"] == [], "others hold the groups: nothing by default"
    plan(aws, f"addresses={INTRUDER}", "rules=matching")
    apply(aws, "rules")
    groups = clients(aws)("ec2").describe_security_groups(GroupIds=[aws.facts["group_web"]])["SecurityGroups"]
    left = {
        (item["IpProtocol"], item.get("FromPort"), block["CidrIp"])
        for item in groups[0]["IpPermissionsEgress"]
        for block in item["IpRanges"]
    }
    assert left == {("tcp", 443, f"{_way_out(aws)}/32")}


def test_it_says_whether_the_flow_stopped(labs: Labs) -> None:
    for line, minutes, code, expected in (
        (REJECTED, 0.0, 6, "nothing to judge by yet"),
        (REJECTED, 30.0, 0, "it tried until"),
        (ACCEPTED, 30.0, 1, "still let through"),
    ):
        aws = labs.new()
        plan(aws, f"addresses={INTRUDER}")
        apply(aws, "acl")
        flow(aws, aws.victim, line, minutes=minutes - 5)
        assert expected in apply(aws, "prove", code=code)
        aws.stop()


def test_what_somebody_else_added_to_the_set_is_not_taken_out(aws: Aws) -> None:
    waf = clients(aws)("wafv2")
    plan(aws, f"addresses={INTRUDER},2001:db8::1", f"waf.ip_set={aws.facts['ip_set']}")
    said = apply(aws, "waf")
    _, name, identifier = aws.facts["ip_set"].split("/")
    named = {"Name": name, "Scope": "REGIONAL", "Id": identifier}
    found = waf.get_ip_set(**named)
    assert set(found["IPSet"]["Addresses"]) == {"203.0.113.200/32", f"{INTRUDER}/32"}
    waf.update_ip_set(**named, Addresses=[*found["IPSet"]["Addresses"], "192.0.2.9/32"], LockToken=found["LockToken"])
    _, said = aws.run("undo", "--incident", "case", "waf", "--yes", "--wait", "1")
    assert "somebody changed blocked-addresses since" in said
    assert "192.0.2.9/32" in waf.get_ip_set(**named)["IPSet"]["Addresses"]


def test_a_vpc_that_is_excluded_goes_on_and_undo_takes_it_back(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=other)
    steps = plan(aws, "dark.mode=block-bidirectional", f"keep={other}")
    assert steps["dark"]["affects"][0]["names"] == [aws.facts["vpc"]]
    apply(aws, "dark")
    (excluded,) = ec2.describe_vpc_block_public_access_exclusions()["VpcBlockPublicAccessExclusions"]
    assert excluded["ResourceArn"].endswith(other)
    code, said = aws.run("undo", "--incident", "case", "dark", "--yes", "--wait", "1")
    assert code == 0, said
    assert ec2.describe_vpc_block_public_access_exclusions()["VpcBlockPublicAccessExclusions"] == []
    options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
    assert options["InternetGatewayBlockMode"] == "off"


def test_a_gateway_endpoint_has_no_interface_and_it_says_where_to_go(aws: Aws) -> None:
    said = plan(aws, target=aws.facts["endpoint_ids"]["intruder_s3"], code=1)["said"]
    assert "contain-endpoint closes it" in said
