"""An application server's role credentials are stolen, and used to build private ways out."""

import random
from datetime import datetime, timedelta
from typing import Any, Final

from moto.backends import get_backend

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios import flow_records
from vpce_tui.lab.scenarios.account_parts import HOME, Facts, endpoint, group, image
from vpce_tui.lab.scenarios.records import CLI_ON_KALI, EventWriter, create_endpoint, made
from vpce_tui.lab.scenarios.scenario import PIPELINE_CONTEXT, Scenario, Truth

INTRUDER: Final = "198.51.100.23"
STOLEN_KEY: Final = "ASIALABSTOLEN0000001"
FOREIGN_SERVICE: Final = "com.amazonaws.vpce.eu-west-1.vpce-svc-0f3c9a1b2d4e5f607"


def build(clients: InProcess, account: str, now: datetime, facts: Facts) -> None:
    """What the intruder made: a user with a key, an open group, two endpoints, an AMI; and what GuardDuty found."""
    iam, ec2 = clients.client("iam"), clients.client("ec2", HOME)
    iam.create_user(UserName="ci-backup")
    iam.create_login_profile(UserName="ci-backup", Password="Intruder-1-was-here")  # noqa: S106 - part of the scenario
    key = iam.create_access_key(UserName="ci-backup")["AccessKey"]
    facts["intruder_user_key"] = key["AccessKeyId"]
    held = get_backend("iam")[account]["aws"]
    held.access_keys[key["AccessKeyId"]].create_date = now - timedelta(minutes=44)
    held.users["ci-backup"].create_date = now - timedelta(minutes=45)
    facts["profiles"]["stolen-key"] = (key["AccessKeyId"], key["SecretAccessKey"], "")
    facts["group_open"] = group(ec2, facts["vpc"], "endpoint-access", [])
    ec2.authorize_security_group_ingress(
        GroupId=facts["group_open"], IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [facts["group_open"]]}])
    wide = next(rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"])
    facts["wide_rule"] = f"{HOME}/{wide['SecurityGroupRuleId']}"
    facts["endpoints"]["intruder_s3"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=21),
        VpcEndpointType="Gateway",
        VpcId=facts["vpc"],
        ServiceName=f"com.amazonaws.{HOME}.s3",
        RouteTableIds=[facts["route_table"]],
    )
    facts["endpoints"]["intruder_exit"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=13),
        VpcEndpointType="Interface",
        VpcId=facts["vpc"],
        ServiceName=FOREIGN_SERVICE,
        SubnetIds=[facts["subnet_app-a"]],
        SecurityGroupIds=[facts["group_open"]],
        PrivateDnsEnabled=False,
    )
    facts["image_poisoned"] = image(clients, HOME, "storefront-base-2026-10")
    get_backend("ec2")[account][HOME].amis[facts["image_poisoned"]].creation_date = now - timedelta(minutes=31)
    flow_records.record_intruder(clients, HOME, now, facts)
    _findings(account, now, facts)
    stolen = clients.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/web-app", RoleSessionName=facts["victim"]
    )["Credentials"]
    facts["profiles"]["stolen-session"] = (stolen["AccessKeyId"], stolen["SecretAccessKey"], stolen["SessionToken"])


def _findings(account: str, now: datetime, facts: Facts) -> None:
    victim = facts["victim"]
    detector = next(iter(get_backend("guardduty")[account][HOME].detectors.values()))
    stolen = {
        "SchemaVersion": "2.0",
        "AccountId": account,
        "Region": HOME,
        "Id": "8ec1f0c7a2b04f7d9e6b5a4c3d2e1f00",
        "Arn": f"arn:aws:guardduty:{HOME}:{account}:detector/{detector.id}/finding/8ec1f0c7a2b04f7d9e6b5a4c3d2e1f00",
        "Type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        "Partition": "aws",
        "Severity": 8.0,
        "Title": f"Credentials for instance role web-app of {victim} used from an external address.",
        "Description": "Credentials created exclusively for an EC2 instance were used from an external IP address.",
        "CreatedAt": (now - timedelta(minutes=44)).isoformat(),
        "UpdatedAt": (now - timedelta(minutes=9)).isoformat(),
        "Resource": {
            "ResourceType": "AccessKey",
            "AccessKeyDetails": {
                "AccessKeyId": STOLEN_KEY,
                "PrincipalId": f"AROAEXAMPLE:{victim}",
                "UserName": "web-app",
                "UserType": "AssumedRole",
            },
            "InstanceDetails": {"InstanceId": victim},
        },
        "Service": {
            "ServiceName": "guardduty",
            "DetectorId": detector.id,
            "Archived": False,
            "Count": 14,
            "ResourceRole": "TARGET",
            "Action": {
                "ActionType": "AWS_API_CALL",
                "AwsApiCallAction": {
                    "Api": "CreateVpcEndpoint",
                    "ServiceName": "ec2.amazonaws.com",
                    "RemoteIpDetails": {"IpAddressV4": INTRUDER},
                },
            },
        },
    }
    detector.lab_findings = {stolen["Id"]: stolen}


def write(scribe: EventWriter, facts: Facts, _: random.Random) -> None:
    """The intruder's hour."""
    stolen = scribe.role("web-app", facts["victim"], STOLEN_KEY, minutes_old=75, ec2=True)

    def did(minutes_ago: float, region: str, source: str, name: str, **more: Any) -> Any:
        return scribe.write(minutes_ago, region, source, name, stolen, ip=INTRUDER, agent=CLI_ON_KALI, **more)

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
        44,
        "us-east-1",
        "iam",
        "CreateAccessKey",
        request={"userName": "ci-backup"},
        response={
            "accessKey": {"userName": "ci-backup", "accessKeyId": facts["intruder_user_key"], "status": "Active"}
        },
    )
    refused = (
        "Client.UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:sts::"
        f"{facts['account']}:assumed-role/web-app/{facts['victim']} is not authorized to perform: ec2:CreateVpcEndpoint",
    )
    for minute in (39.2, 38.7, 38.1):
        asked, _none = create_endpoint(
            {"VpcId": "vpc-0aa11bb22cc33dd44", "ServiceName": "com.amazonaws.us-east-1.s3"}, None
        )
        did(minute, "us-east-1", "ec2", "CreateVpcEndpoint", request=asked, error=refused)
    probe, _none = create_endpoint(
        {"DryRun": True, "VpcId": facts["vpc"], "ServiceName": f"com.amazonaws.{HOME}.s3"}, None
    )
    did(
        31,
        HOME,
        "ec2",
        "CreateVpcEndpoint",
        request=probe,
        error=("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    )
    did(
        26,
        HOME,
        "ec2",
        "CreateSecurityGroup",
        request={"groupName": "endpoint-access", "vpcId": facts["vpc"]},
        response={"groupId": facts["group_open"]},
    )
    did(
        25.5,
        HOME,
        "ec2",
        "AuthorizeSecurityGroupIngress",
        request={
            "groupId": facts["group_open"],
            "ipPermissions": {"items": [{"ipProtocol": "-1", "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]},
        },
        response={"_return": True},
    )
    facts["event_s3"] = made(scribe, facts, 21, HOME, stolen, "intruder_s3", INTRUDER, CLI_ON_KALI)
    facts["event_exit"] = made(scribe, facts, 13, HOME, stolen, "intruder_exit", INTRUDER, CLI_ON_KALI)


SCENARIO: Final = Scenario(
    name="stolen-role",
    build=build,
    write=write,
    truth=(
        Truth(
            subject="event_exit",
            bad=True,
            what="endpoint to an external principal's service",
            reasons=("VPCE-01", "VPCE-05", "VPCE-07", "VPCE-08", "VPCE-14", "VPCE-18", "VPCE-24"),
        ),
        Truth(
            subject="event_s3",
            bad=True,
            what="open gateway to S3",
            reasons=("VPCE-02", "VPCE-07", "VPCE-08", "VPCE-24"),
        ),
        Truth(
            subject="victim",
            bad=True,
            what="the instance whose credentials were stolen",
            reasons=("INST-01", "INST-02", "INST-03"),
        ),
        Truth(subject="event_sts", bad=False, what="the pipeline's endpoints", reasons=("VPCE-21",)),
        Truth("event_pipeline_us-west-2", False, "the pipeline's, elsewhere"),
        Truth(subject="event_service", bad=False, what="made by RDS", reasons=("VPCE-02", "VPCE-06")),
        Truth("database", False, "the database beside it"),
        Truth("build-1", False, "a build instance"),
    ),
    context=PIPELINE_CONTEXT,
)
