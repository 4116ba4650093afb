"""What happened, as CloudTrail tells it: the intruder's hour, and the harmless look-alikes around it."""

from typing import Any, Final

from vpce_tui.lab.story.records import CLI_ON_LAPTOP, CONSOLE, TERRAFORM, Scribe, create_endpoint
from vpce_tui.lab.story.world import HOME, World

INTRUDER: Final = "198.51.100.23"
STOLEN_KEY: Final = "ASIALABSTOLEN0000001"
PIPELINE_ADDRESS: Final = "192.0.2.40"


def write(scribe: Scribe, world: World) -> None:
    """Write the story's records; add the ids of the ones that matter to ``world``."""
    _intruder(scribe, world)
    _harmless(scribe, world)


def _intruder(scribe: Scribe, world: World) -> None:
    stolen = scribe.role("web-app", world["victim"], STOLEN_KEY, minutes_old=75, ec2=True)

    def did(minutes_ago: float, region: str, source: str, name: str, **more: Any) -> Any:
        return scribe.write(minutes_ago, region, source, name, stolen, ip=INTRUDER, agent=CLI_ON_LAPTOP, **more)

    did(52, "us-east-1", "sts", "GetCallerIdentity", read_only=True)
    for minute, name in (
        (51, "DescribeInstances"),
        (50.5, "DescribeVpcs"),
        (50, "DescribeSubnets"),
        (49, "DescribeVpcEndpoints"),
    ):
        did(minute, HOME, "ec2", name, request={"filterSet": {}}, read_only=True)
    did(46, "us-east-1", "iam", "ListUsers", read_only=True)
    did(
        45,
        "us-east-1",
        "iam",
        "CreateUser",
        request={"userName": "ci-backup"},
        response={"user": {"userName": "ci-backup", "path": "/"}},
    )
    did(
        44, "us-east-1", "iam", "CreateAccessKey", request={"userName": "ci-backup"},
        response={"accessKey": {"userName": "ci-backup", "accessKeyId": world["intruder_user_key"], "status": "Active"}},
    )  # fmt: skip
    refused = (
        "Client.UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:sts::"
        f"{world['account']}:assumed-role/web-app/{world['victim']} is not authorized to perform: ec2:CreateVpcEndpoint",
    )
    for minute in (39.2, 38.7, 38.1):
        asked, _ = create_endpoint(
            {"VpcId": "vpc-0aa11bb22cc33dd44", "ServiceName": "com.amazonaws.us-east-1.s3"}, None
        )
        did(minute, "us-east-1", "ec2", "CreateVpcEndpoint", request=asked, error=refused)
    probe, _ = create_endpoint({"DryRun": True, "VpcId": world["vpc"], "ServiceName": f"com.amazonaws.{HOME}.s3"}, None)
    did(
        31,
        HOME,
        "ec2",
        "CreateVpcEndpoint",
        request=probe,
        error=("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    )
    did(
        26, HOME, "ec2", "CreateSecurityGroup", request={"groupName": "endpoint-access", "vpcId": world["vpc"]},
        response={"groupId": world["group_open"]},
    )  # fmt: skip
    did(
        25.5, HOME, "ec2", "AuthorizeSecurityGroupIngress",
        request={"groupId": world["group_open"], "ipPermissions": {"items": [{"ipProtocol": "-1", "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}},
        response={"_return": True},
    )  # fmt: skip
    world["event_s3"] = _made(scribe, world, 21, HOME, stolen, "intruder_s3", INTRUDER, CLI_ON_LAPTOP)
    world["event_exit"] = _made(scribe, world, 13, HOME, stolen, "intruder_exit", INTRUDER, CLI_ON_LAPTOP)


def _made(
    scribe: Scribe,
    world: World,
    minutes_ago: float,
    region: str,
    identity: Any,
    which: str,
    ip: str,
    agent: str,
    **more: Any,
) -> str:
    """A successful CreateVpcEndpoint that matches a live endpoint; gives the event id."""
    endpoint = world["endpoints"][which]
    names = {"SecurityGroupIds": "SecurityGroupId", "SubnetIds": "SubnetId", "RouteTableIds": "RouteTableId"}
    request = {names.get(key, key): value for key, value in endpoint["request"].items()}
    asked, answer = create_endpoint(request, endpoint["made"], scribe.identifier())
    record = scribe.write(
        minutes_ago,
        region,
        "ec2",
        "CreateVpcEndpoint",
        identity,
        ip=ip,
        agent=agent,
        request=asked,
        response=answer,
        **more,
    )
    return str(record["eventID"])


def _harmless(scribe: Scribe, world: World) -> None:
    pipeline = scribe.role("ci-network", "build-4711", "ASIALABPIPELINE00001", minutes_old=200)
    for offset, service in enumerate(("sts", "logs", "ssm")):
        world[f"event_{service}"] = _made(
            scribe,
            world,
            184 - offset * 0.4,
            HOME,
            pipeline,
            f"pipeline_{service}",
            PIPELINE_ADDRESS,
            TERRAFORM,
        )
    for number, region in enumerate(("us-east-1", "us-west-2", "ap-southeast-2")):
        world[f"event_pipeline_{region}"] = _made(
            scribe,
            world,
            300 + 7 * number,
            region,
            pipeline,
            f"pipeline_{region}",
            PIPELINE_ADDRESS,
            TERRAFORM,
        )
    bob = scribe.user("bob", "ASIALABBOB0000000001", mfa=True)
    world["event_bob"] = _made(
        scribe,
        world,
        121,
        "us-east-1",
        bob,
        "bob",
        "192.0.2.77",
        CONSOLE,
        sessionCredentialFromConsole="true",
    )
    asked, answer = create_endpoint(
        {"VpcId": world["vpc"], "ServiceName": f"com.amazonaws.{HOME}.rds", "VpcEndpointType": "Interface"},
        {
            "VpcEndpointId": "vpce-0b1e55ed0b1e55ed0",
            "VpcId": world["vpc"],
            "ServiceName": f"com.amazonaws.{HOME}.rds",
        },
    )
    world["event_service"] = scribe.write(
        400, HOME, "ec2", "CreateVpcEndpoint", scribe.service("rds"), ip="rds.amazonaws.com", agent="rds.amazonaws.com",
        request=asked, response=answer,
    )["eventID"]  # fmt: skip
    scribe.write(
        530, "us-east-1", "es", "CreateVpcEndpoint", pipeline, ip=PIPELINE_ADDRESS, agent=TERRAFORM,
        request={"domainArn": f"arn:aws:es:us-east-1:{scribe.account}:domain/search", "vpcOptions": {"subnetIds": ["subnet-1"]}},
        response={"vpcEndpoint": {"vpcEndpointId": "aos-1f2e3d", "status": "CREATING"}},
    )  # fmt: skip
