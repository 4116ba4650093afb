"""Playbook block-traffic: what flow logs say, what lets an address through, what is in the way of blocking it, the proof."""

import json
from typing import Any

import pytest

from tests.cases import INTRUDER, REJECTED, flow, shown, table
from tests.conftest import HOME, Aws, Labs
from tests.world import clients
from vpce_tui.plans.actions.flow_logs import FIELDS

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
    return "\n".join(shown(step))


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
    seen = plan(aws, "see.hours=1")["see"]
    peers = table(seen, "peers by port")
    row = peers["203.0.113.5 tcp 8443 in"]
    assert (row["OUT"], row["IN"], row["FLOWS"], row["REJECTED"], row["DIR"]) == (2_500_000, 1540, 2, 1, "in")
    assert not any("203.0.113.6" in key for key in peers)
    (through,) = [row for row in peers.values() if aws.facts["endpoint_ids"]["intruder_exit"] in row["WHO"]]
    assert through["OUT"] + through["IN"] > 1_000_000_000
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
        ("addresses=nobody", "is not an address or CIDR block"),
        ("addresses=0.0.0.0/0", "isolate the instance instead"),
        ("see.hours=0", "is not a number of hours"),
        ("see.hours=10000", "is not a number of hours"),
        ("rules=sgr-0123456789abcdef0", "must be some of"),
        ("waf.ip_set=regional/x/y", "must be one of"),
    ],
)
def test_an_answer_that_is_wrong_gets_its_own_sentence(value: str, said: str, aws: Aws) -> None:
    assert said in plan(aws, value, code=2)["said"]


def test_the_entry_stands_before_the_first_that_allows_and_a_full_list_is_refused(aws: Aws) -> None:
    ec2, acl = clients(aws)("ec2"), acl_of(aws)["NetworkAclId"]
    for number in (97, 99):
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=number,
            Protocol="6",
            RuleAction="allow",
            Egress=True,
            CidrBlock="198.51.100.0/24",
            PortRange={"From": 443, "To": 443},
        )
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
    assert [
        "has 22 entries out including the default one, and the quota is 20" in item["says"] for item in blocked
    ] == [True]
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
    assert "its undo would also call" in said
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
        (REJECTED, 0.0, 6, "wait: records come minutes late"),
        (REJECTED, 30.0, 0, "it tried until"),
        (ACCEPTED, 30.0, 1, "still accepted"),
    ):
        aws = labs.new()
        plan(aws, f"addresses={INTRUDER}")
        apply(aws, "acl")
        flow(aws, aws.victim, line, minutes=minutes - 5)
        assert expected in apply(aws, "verify", code=code)
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
    steps = plan(aws, "block-public-access.mode=block-bidirectional", f"keep={other}")
    assert steps["block-public-access"]["affects"][0]["names"] == [aws.facts["vpc"]]
    apply(aws, "block-public-access")
    (excluded,) = ec2.describe_vpc_block_public_access_exclusions()["VpcBlockPublicAccessExclusions"]
    assert excluded["ResourceArn"].endswith(other)
    code, said = aws.run("undo", "--incident", "case", "block-public-access", "--yes", "--wait", "1")
    assert code == 0, said
    assert ec2.describe_vpc_block_public_access_exclusions()["VpcBlockPublicAccessExclusions"] == []
    options = ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]
    assert options["InternetGatewayBlockMode"] == "off"


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


def test_a_narrower_rule_is_never_wider(aws: Aws) -> None:
    ec2, web = clients(aws)("ec2"), aws.facts["group_web"]
    office = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}]
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=office)
    steps = plan(aws, "addresses=203.0.113.5", "rules=matching", "replace=own")
    made = [call for call in steps["rules"]["calls"] if call["operation"] == "AuthorizeSecurityGroupIngress"]
    assert made == []


def test_two_rules_over_the_same_traffic_are_both_closed_with_one_narrower_rule(aws: Aws) -> None:
    ec2, web = clients(aws)("ec2"), aws.facts["group_web"]
    for block in ("203.0.0.0/16", "203.0.113.0/24"):
        ec2.authorize_security_group_ingress(
            GroupId=web,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "IpRanges": [{"CidrIp": block}]}],
        )
    for peer in ("203.0.113.5", "203.0.113.6"):
        flow(aws, aws.victim, f"{peer} {{own}} 50000 8443 6 10 1500 {{begin}} {{end}} ACCEPT OK")
    plan(aws, "addresses=203.0.113.5", "rules=matching")
    apply(aws, "rules")
    left = {
        rule["CidrIpv4"]
        for rule in ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [web]}])[
            "SecurityGroupRules"
        ]
        if rule.get("FromPort") == 8443
    }
    assert left == {"203.0.113.6/32"}


@pytest.mark.parametrize("block", ["203.0.113.0/24", "203.0.0.0/16", "203.0.113.9"])
def test_a_rule_is_found_whatever_the_width_of_the_block_and_whatever_protocol(block: str, aws: Aws) -> None:
    ping = [{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}]
    clients(aws)("ec2").authorize_security_group_ingress(GroupId=aws.facts["group_web"], IpPermissions=ping)
    assert "allows icmp type 8 from 203.0.113.0/24" in notes(plan(aws, f"addresses={block}")["choose"])


def test_undo_leaves_an_entry_that_is_somebody_elses_by_now(aws: Aws) -> None:
    ec2, acl = clients(aws)("ec2"), acl_of(aws)["NetworkAclId"]
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=99, Egress=False)
    for number, block in ((90, f"{INTRUDER}/32"), (99, "192.0.2.0/24")):
        ec2.create_network_acl_entry(
            NetworkAclId=acl, RuleNumber=number, Protocol="-1", RuleAction="deny", Egress=False, CidrBlock=block
        )
    _, said = aws.run("undo", "--incident", "case", "acl", "--yes", "--wait", "1")
    entries = {(item["RuleNumber"], item["Egress"]): item.get("CidrBlock") for item in acl_of(aws)["Entries"]}
    assert entries[99, False] == "192.0.2.0/24", said


@pytest.mark.parametrize("address", ["169.254.169.253", "10.0.0.2", "169.254.169.254"])
def test_what_no_list_filters_is_refused_with_what_does(address: str, aws: Aws) -> None:
    steps = plan(aws, f"addresses={address}")
    (blocked,) = steps["acl"]["blocked"]
    assert "no network ACL or security group filters it" in blocked["says"]
    assert "DNS Firewall" in blocked["remedy"]
    assert "no flow log records it" in notes(steps["verify"])


def test_an_address_in_its_own_subnet_is_called_out_of_the_lists_reach(aws: Aws) -> None:
    assert "does not filter traffic inside a subnet" in notes(plan(aws, "addresses=10.0.1.200")["choose"])


def test_an_entry_that_somebody_removed_is_not_made_again_unless_it_is_chosen(aws: Aws) -> None:
    ec2, acl = clients(aws)("ec2"), acl_of(aws)["NetworkAclId"]
    plan(aws, f"addresses={INTRUDER}")
    apply(aws, "acl")
    for egress in (True, False):
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=99, Egress=egress)
    path = str(aws.folder / "plan.json")
    words = ("plan", "block-traffic", aws.victim, "--region", HOME, "--incident", "case", "--out", path)
    assert aws.run(*words, "--set", "addresses=192.0.2.9")[0] == 0
    apply(aws, "acl")
    denied = {
        item["CidrBlock"]
        for item in acl_of(aws)["Entries"]
        if item["RuleAction"] == "deny" and item["RuleNumber"] < 32767
    }
    assert denied == {"192.0.2.9/32"}


def test_a_set_that_somebody_changes_in_between_is_not_overwritten(aws: Aws) -> None:
    from vpce_tui.plans.actions.blocking.waf import _as_it_was

    until = _as_it_was(("203.0.113.200/32",))
    import jmespath

    same = jmespath.search(until.path, {"IPSet": {"Addresses": ["203.0.113.200/32"]}})
    other = jmespath.search(until.path, {"IPSet": {"Addresses": ["192.0.2.9/32", "203.0.113.200/32"]}})
    assert same in until.good
    assert other in until.bad
    step = plan(aws, f"addresses={INTRUDER}", f"waf.ip_set={aws.facts['ip_set']}")["waf"]
    lock = next(call for call in step["calls"] if call["operation"] == "GetIPSet")
    assert lock["until"]["path"] == until.path


def test_a_set_that_a_rule_lets_in_is_no_place_for_an_address(aws: Aws) -> None:
    waf = clients(aws)("wafv2")
    (acl,) = waf.list_web_acls(Scope="REGIONAL")["WebACLs"]
    named = {"Name": acl["Name"], "Scope": "REGIONAL", "Id": acl["Id"]}
    found = waf.get_web_acl(**named)
    rules = [{**rule, "Action": {"Allow": {}}} for rule in found["WebACL"]["Rules"]]
    waf.update_web_acl(
        **named,
        DefaultAction={"Block": {}},
        VisibilityConfig=found["WebACL"]["VisibilityConfig"],
        Rules=rules,
        LockToken=found["LockToken"],
    )
    (blocked,) = plan(aws, f"addresses={INTRUDER}", f"waf.ip_set={aws.facts['ip_set']}")["waf"]["blocked"]
    assert "does not block blocked-addresses" in blocked["says"]


def test_a_vpc_that_is_excluded_already_is_not_called_dark(aws: Aws) -> None:
    clients(aws)("ec2").create_vpc_block_public_access_exclusion(
        VpcId=aws.facts["vpc"], InternetGatewayExclusionMode="allow-bidirectional"
    )
    (blocked,) = plan(aws, "block-public-access.mode=block-bidirectional")["block-public-access"]["blocked"]
    assert "is excluded already" in blocked["says"]


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
