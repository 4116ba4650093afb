"""A user's access key leaks. Somebody mines with it where nobody looks, and carries a database's snapshot and files away."""

import json
import random
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_parts import HOME, Facts, age, endpoint, group, tags_of
from vpce_tui.lab.scenarios.ordinary import DAY, PIPELINE_ADDRESS
from vpce_tui.lab.scenarios.records import EventWriter, made
from vpce_tui.lab.scenarios.scenario import PIPELINE_CONTEXT, Scenario, Truth

THIEF: Final = "198.51.100.201"
FAR: Final = "ap-northeast-3"
STRANGER: Final = "888877776666"
_AGENT: Final = "aws-cli/2.15.30 Python/3.11.8 Linux/5.15.0 exe/x86_64.ubuntu.22 prompt/off"
_USUAL: Final = "Boto3/1.28.57 md/Botocore#1.31.57 ua/2.0 os/linux#5.10 lang/python#3.9.16"


def build(clients: InProcess, account: str, now: datetime, facts: Facts) -> None:
    """The user with its key; six large instances and an endpoint far away."""
    iam = clients.client("iam")
    iam.create_user(UserName="deploy-bot")
    iam.put_user_policy(
        UserName="deploy-bot",
        PolicyName="deploy",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ec2:*", "s3:*"], "Resource": "*"}]}
        ),
    )
    facts["leaked_key"] = iam.create_access_key(UserName="deploy-bot")["AccessKey"]["AccessKeyId"]
    ec2 = clients.client("ec2", FAR)
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = sorted(item["SubnetId"] for item in ec2.describe_subnets()["Subnets"])[0]
    image = ec2.register_image(
        Name="xmr",
        Architecture="x86_64",
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}],
    )["ImageId"]
    guard = group(ec2, vpc, "launch-wizard-1", [(22, 22, "0.0.0.0/0")])
    started = ec2.run_instances(
        ImageId=image,
        MinCount=6,
        MaxCount=6,
        InstanceType="g5.12xlarge",
        SubnetId=subnet,
        SecurityGroupIds=[guard],
        MetadataOptions={"HttpTokens": "optional", "HttpEndpoint": "enabled"},
    )
    facts["miners"] = [item["InstanceId"] for item in started["Instances"]]
    facts["miner"] = facts["miners"][0]
    for number, identifier in enumerate(facts["miners"]):
        age(account, FAR, identifier, now - timedelta(minutes=70 - number))
    drop = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::drop-7f3a/*"}
        ],
    }
    facts["endpoints"]["drop"] = endpoint(
        ec2,
        account,
        FAR,
        now - timedelta(minutes=41),
        VpcEndpointType="Interface",
        VpcId=vpc,
        SubnetIds=[subnet],
        ServiceName=f"com.amazonaws.{FAR}.s3",
        SecurityGroupIds=[guard],
        PolicyDocument=json.dumps(drop),
    )
    home = clients.client("ec2", HOME)
    found = home.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [facts["database"]]}])[
        "Volumes"
    ]
    facts["database_volume"] = found[0]["VolumeId"]
    facts["snapshot"] = home.create_snapshot(
        VolumeId=facts["database_volume"], TagSpecifications=tags_of("snapshot", Name="backup")
    )["SnapshotId"]
    home.modify_snapshot_attribute(
        SnapshotId=facts["snapshot"], Attribute="createVolumePermission", OperationType="add", UserIds=[STRANGER]
    )


def write(scribe: EventWriter, facts: Facts, _: random.Random) -> None:
    """Weeks of deployments with the key, then the thief's evening."""
    bot = scribe.user("deploy-bot", facts["leaked_key"])
    for days in (25, 21, 18, 13, 10, 6, 3):
        scribe.write(
            days * DAY + 60, HOME, "ec2", "DescribeInstances", bot, ip=PIPELINE_ADDRESS, agent=_USUAL, read_only=True
        )

    def did(minutes_ago: float, region: str, source: str, name: str, **more: Any) -> Any:
        return scribe.write(minutes_ago, region, source, name, bot, ip=THIEF, agent=_AGENT, **more)

    did(96, "us-east-1", "sts", "GetCallerIdentity", read_only=True)
    did(
        93,
        "us-east-1",
        "iam",
        "CreateUser",
        request={"userName": "support"},
        error=("AccessDenied", "User is not authorized to perform: iam:CreateUser"),
    )
    for minute, region in ((88, HOME), (87, "us-east-1"), (86, FAR)):
        did(minute, region, "ec2", "DescribeInstances", request={"filterSet": {}}, read_only=True)
    for number, identifier in enumerate(facts["miners"]):
        did(
            70 - number,
            FAR,
            "ec2",
            "RunInstances",
            request={"instanceType": "g5.12xlarge", "minCount": 1, "maxCount": 1},
            response={"instancesSet": {"items": [{"instanceId": identifier}]}},
        )
    did(
        58,
        HOME,
        "ec2",
        "CreateSnapshot",
        request={"volumeId": facts["database_volume"]},
        response={"snapshotId": facts["snapshot"], "volumeId": facts["database_volume"]},
    )
    did(
        52,
        HOME,
        "ec2",
        "ModifySnapshotAttribute",
        request={
            "snapshotId": facts["snapshot"],
            "attributeType": "CREATE_VOLUME_PERMISSION",
            "createVolumePermission": {"add": {"items": [{"userId": STRANGER}]}},
        },
        response={"_return": True},
    )
    did(49, "us-west-2", "ec2", "GetPasswordData", request={"instanceId": facts["build-1"]}, read_only=True)
    did(
        46,
        "us-west-2",
        "ssm",
        "SendCommand",
        request={
            "documentName": "AWS-RunShellScript",
            "targets": [{"key": "tag:team", "values": ["platform"]}],
            "parameters": "HIDDEN_DUE_TO_SECURITY_REASONS",
        },
        response={
            "command": {"commandId": "0f3c9a1b-2d4e-5f60-7a8b-9c0d1e2f3a4b", "documentName": "AWS-RunShellScript"}
        },
    )
    facts["event_drop"] = made(scribe, facts, 41, FAR, bot, "drop", THIEF, _AGENT)


SCENARIO: Final = Scenario(
    name="leaked-key",
    build=build,
    write=write,
    truth=(
        Truth(
            subject="event_drop",
            bad=True,
            what="endpoint with an external principal's bucket in its policy",
            reasons=("VPCE-04", "VPCE-11", "VPCE-12", "VPCE-14", "VPCE-16", "VPCE-24"),
        ),
        Truth(subject="miner", bad=True, what="an instance for mining", reasons=("INST-05", "INST-09")),
        Truth(
            subject="database", bad=True, what="its snapshot is shared with an external principal", reasons=("INST-17",)
        ),
        Truth(
            subject="build-1",
            bad=True,
            what="its password was read, and a command run on it",
            reasons=("INST-15", "INST-16"),
        ),
        Truth("event_sts", False, "the pipeline's endpoints"),
        Truth("event_pipeline_us-east-1", False, "the pipeline's, elsewhere"),
        Truth("event_service", False, "made by RDS"),
        Truth(subject="build-2", bad=True, what="a command was run on it, too, by its tag", reasons=("INST-15",)),
    ),
    context=PIPELINE_CONTEXT,
)
