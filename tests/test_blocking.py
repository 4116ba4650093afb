"""Blocking an address: rules, network ACLs, IP sets, VPC Block Public Access."""

import pytest

from tests.cases import INTRUDER, flow
from tests.conftest import HOME, Aws
from tests.emulated_aws import clients
from tests.traffic import acl_of, apply, notes, plan, way_out


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
    assert left == {("tcp", 443, f"{way_out(aws)}/32")}


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
    assert "does not block the addresses of blocked-addresses" in blocked["says"]


def test_a_vpc_that_is_excluded_already_is_not_called_dark(aws: Aws) -> None:
    clients(aws)("ec2").create_vpc_block_public_access_exclusion(
        VpcId=aws.facts["vpc"], InternetGatewayExclusionMode="allow-bidirectional"
    )
    (blocked,) = plan(aws, "block-public-access.mode=block-bidirectional")["block-public-access"]["blocked"]
    assert "is excluded already" in blocked["says"]
