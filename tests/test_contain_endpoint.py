"""Containing an endpoint: deleted and made again, narrowed, refused."""

import pytest

from tests.cases import CASES, apply, planned, shown
from tests.conftest import Aws, Labs
from tests.emulated_aws import clients


def test_a_deleted_endpoint_is_made_again_as_it_was_before_the_incident(labs: Labs) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-that-stays")
    aws = labs.new("lost-answer@CreateVpcEndpoint:1")
    ec2 = clients(aws, case.region)("ec2")
    target = case.target_in(aws)
    (before,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[target])["VpcEndpoints"]
    planned(aws, case)
    assert apply(aws, case)[0] == 0
    undo = ("undo", "--incident", "case", "delete", "--yes", "--wait", "3")
    code, said = aws.run(*undo)
    assert code == 0, said
    assert "checking with AWS whether it took effect" in said
    found = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [before["VpcId"]]}])["VpcEndpoints"]
    (after,) = [item for item in found if item["ServiceName"] == before["ServiceName"]]
    kept = ("PolicyDocument", "SubnetIds", "Groups", "PrivateDnsEnabled", "VpcEndpointType")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert after["VpcEndpointId"] != target
    made = [item for item in aws.handled() if item["operation"] == "CreateVpcEndpoint" and not item["dryRun"]]
    assert len(made) == 1
    assert len(made[0]["parameters"]["ClientToken"]) == 32
    code, said = aws.run(*undo)
    assert len([item for item in aws.handled() if item["operation"] == "CreateVpcEndpoint" and not item["dryRun"]]) == 1


def test_an_endpoint_to_somebodys_resource_says_whose_it_is_is_cut_off_whole_and_made_again(aws: Aws) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-resource")
    case.before(aws)
    ec2, target = clients(aws, case.region)("ec2"), case.target_in(aws)
    (before,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[target])["VpcEndpoints"]
    steps = {step["id"]: step for step in planned(aws, case, "--set", "network.mode=narrow")["steps"]}
    assert "resource of: 444455556666" in shown(steps["identify"])
    assert "has no endpoint policy" in shown(steps["policy"])[0]
    assert "allowing only 443 would block it" in steps["network"]["blocked"][0]["says"]
    planned(aws, case)
    assert apply(aws, case)[0] == 0
    code, said = aws.run("undo", "--incident", "case", "delete", "--yes", "--wait", "3")
    assert code == 0, said
    found = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [before["VpcId"]]}])["VpcEndpoints"]
    (after,) = [item for item in found if item["VpcEndpointType"] == "Resource"]
    kept = ("ResourceConfigurationArn", "SubnetIds", "Groups", "PrivateDnsEnabled")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}


def test_who_can_use_a_gateway_endpoint_is_said_and_unread_it_is_not_nobody(labs: Labs) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-gateway")
    aws = labs.new()
    steps = {step["id"]: step for step in planned(aws, case)["steps"]}
    assert any("in the subnets of its route tables" in note for note in shown(steps["identify"]))
    (hit,) = [item for item in steps["delete"]["affects"] if "can use it" in item["says"]]
    assert any(aws.victim in name for name in hit["names"])
    denied = labs.new("denied@ec2:DescribeInstances:99")
    steps = {step["id"]: step for step in planned(denied, case)["steps"]}
    assert any("its possible users are unknown" in note for note in shown(steps["identify"]))
    for name in ("policy", "network", "delete"):
        assert any("its users are unknown: " in item["says"] for item in steps[name]["affects"])


def test_narrowed_the_endpoint_is_reached_from_the_ipv6_ranges_of_its_vpc_too(aws: Aws) -> None:
    case = next(case for case in CASES if case.name == "contain-endpoint-that-stays")
    ec2, target = clients(aws, case.region)("ec2"), case.target_in(aws)
    (vpc,) = [item["VpcId"] for item in ec2.describe_vpc_endpoints(VpcEndpointIds=[target])["VpcEndpoints"]]
    ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    planned(aws, case)
    code, said = apply(aws, case, "--step", "network")
    assert code == 0, said
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[target])["VpcEndpoints"]
    (group,) = ec2.describe_security_groups(GroupIds=[item["GroupId"] for item in endpoint["Groups"]])["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    (described,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    six = [item["Ipv6CidrBlock"] for item in described["Ipv6CidrBlockAssociationSet"]]
    assert [item["CidrIpv6"] for item in rule["Ipv6Ranges"]] == six
    assert [item["CidrIp"] for item in rule["IpRanges"]] == [described["CidrBlock"]]
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)


@pytest.mark.parametrize("kind", ["requester-managed", "gateway-load-balancer"])
def test_an_endpoint_that_cannot_be_changed_is_refused_before_anything_is_tried(kind: str, aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    (vpc,) = [item["VpcId"] for item in ec2.describe_vpcs()["Vpcs"] if not item["IsDefault"]]
    type_ = "GatewayLoadBalancer" if kind == "gateway-load-balancer" else "Interface"
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]["SubnetId"]
    name = "vpce-managed" if kind == "requester-managed" else "vpce-gateway"
    made = ec2.create_vpc_endpoint(
        VpcEndpointType=type_,
        VpcId=vpc,
        SubnetIds=[subnet],
        ServiceName="com.amazonaws.vpce.eu-west-1.vpce-svc-0aaaaaaaaaaaaaaaa",
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": name}]}],
    )["VpcEndpoint"]["VpcEndpointId"]
    if kind == "requester-managed":
        ec2.create_tags(Resources=[made], Tags=[{"Key": "lab:requester-managed", "Value": "yes"}])
    count = len(aws.tried())
    code, said = aws.run(
        "plan", "contain-endpoint", made, "--region", "eu-west-1", "--out", str(aws.folder / "plan.json")
    )
    assert code == 0, said
    words = ("apply", str(aws.folder / "plan.json"), "--incident", "case", "--yes", "--wait", "3", "--step", "network")
    code, said = aws.run(*words)
    assert code == 1, said
    expected = (
        "is managed by the service that created it"
        if kind == "requester-managed"
        else "has neither security groups nor route tables"
    )
    assert expected in said
    assert len(aws.tried()) == count
