"""A night in which everything is harmless, and much looks otherwise."""

import json
import random
from datetime import datetime, timedelta
from typing import Final

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_endpoints import policy_with_limits
from vpce_tui.lab.scenarios.account_parts import HOME, ORGANISATION, Facts, endpoint
from vpce_tui.lab.scenarios.ordinary import DAY, PIPELINE_ADDRESS, endpoint_of_old
from vpce_tui.lab.scenarios.records import CONSOLE, TERRAFORM, EventWriter, made
from vpce_tui.lab.scenarios.scenario import HOURS, PIPELINE_CONTEXT, Scenario, Truth

CAROL: Final = "192.0.2.18"
BACKUP_SERVICE: Final = "com.amazonaws.vpce.eu-west-1.vpce-svc-0b4c4b5e7d1ce0001"


def build(clients: InProcess, account: str, now: datetime, facts: Facts) -> None:
    """A known partner's service, a bucket's gateway, an endpoint made manually at night; all with limits."""
    ec2, s3 = clients.client("ec2", HOME), clients.client("s3", HOME)
    s3.create_bucket(Bucket="storefront-assets", CreateBucketConfiguration={"LocationConstraint": HOME})
    vpc, private = facts["vpc"], [facts["subnet_app-a"], facts["subnet_app-b"]]
    tags = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "owner", "Value": "platform"}]}]
    guard = [facts["group_endpoints-443"]]
    facts["endpoints"]["backup"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=95),
        VpcEndpointType="Interface",
        VpcId=vpc,
        ServiceName=BACKUP_SERVICE,
        SubnetIds=private,
        SecurityGroupIds=guard,
        PrivateDnsEnabled=False,
        TagSpecifications=tags,
    )
    own = {"StringEquals": {"aws:PrincipalOrgID": ORGANISATION}, "Bool": {"aws:SecureTransport": "true"}}
    assets = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::storefront-assets/*",
        "Condition": own,
    }
    packages = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::al2023-repos-{HOME}-de612dc2/*",
    }
    facts["endpoints"]["assets"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=82),
        VpcEndpointType="Gateway",
        VpcId=vpc,
        TagSpecifications=tags,
        ServiceName=f"com.amazonaws.{HOME}.s3",
        RouteTableIds=[facts["route_table"]],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [assets, packages]}),
    )
    facts["endpoints"]["repair"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=38),
        VpcEndpointType="Interface",
        VpcId=vpc,
        TagSpecifications=tags,
        ServiceName=f"com.amazonaws.{HOME}.sts",
        SubnetIds=private,
        SecurityGroupIds=guard,
        PrivateDnsEnabled=True,
        PolicyDocument=policy_with_limits(),
    )
    facts["endpoints"]["first"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=17),
        VpcEndpointType="Interface",
        VpcId=vpc,
        TagSpecifications=tags,
        ServiceName=f"com.amazonaws.{HOME}.kms",
        SubnetIds=private,
        SecurityGroupIds=guard,
        PrivateDnsEnabled=True,
    )


def write(scribe: EventWriter, facts: Facts, _: random.Random) -> None:
    """Carol is on call, and has been before; Erin is new, and her endpoint was announced."""
    for days in (28, 21, 15, 10, 8, 3):
        before = scribe.user("carol", f"ASIALABCAROLOLD{days:05}", mfa=True)
        scribe.write(days * DAY + 200, HOME, "ec2", "CreateTags", before, ip=CAROL, agent=CONSOLE)
    earlier = scribe.user("carol", "ASIALABCAROLEARLIER1", mfa=True)
    endpoint_of_old(scribe, 15 * DAY, HOME, earlier, CAROL, CONSOLE, 77)
    pipeline = scribe.role("ci-network", "build-4720", "ASIALABPIPELINE00720", minutes_old=110)
    facts["event_backup"] = made(scribe, facts, 95, HOME, pipeline, "backup", PIPELINE_ADDRESS, TERRAFORM)
    scribe.write(
        90,
        HOME,
        "s3",
        "PutBucketPolicy",
        pipeline,
        ip=PIPELINE_ADDRESS,
        agent=TERRAFORM,
        request={"bucketName": "storefront-assets", "bucketPolicy": {"Statement": []}},
    )
    facts["event_assets"] = made(scribe, facts, 82, HOME, pipeline, "assets", PIPELINE_ADDRESS, TERRAFORM)
    carol = scribe.user("carol", "ASIALABCAROL00000002", mfa=True)
    facts["event_repair"] = made(
        scribe, facts, 38, HOME, carol, "repair", CAROL, CONSOLE, sessionCredentialFromConsole="true"
    )
    scribe.write(
        30,
        HOME,
        "ssm",
        "StartSession",
        carol,
        ip=CAROL,
        agent=CONSOLE,
        request={"target": facts["web_servers"][0]},
        response={"sessionId": "carol-0a1b2c"},
    )
    scribe.write(
        16 * DAY,
        HOME,
        "ssm",
        "StartSession",
        carol,
        ip=CAROL,
        agent=CONSOLE,
        request={"target": facts["web_servers"][1]},
    )
    facts["web_server"] = facts["web_servers"][0]
    erin = scribe.user("erin", "ASIALABERIN000000001", mfa=True)
    facts["event_first"] = made(
        scribe, facts, 17, HOME, erin, "first", CAROL, CONSOLE, sessionCredentialFromConsole="true"
    )


SCENARIO: Final = Scenario(
    name="false-alarm",
    build=build,
    write=write,
    truth=(
        Truth(subject="event_backup", bad=False, what="a partner's service that the team knows", reasons=("VPCE-01",)),
        Truth(
            subject="event_assets",
            bad=False,
            what="a gateway to own buckets and AWS's packages",
            reasons=("VPCE-03", "VPCE-04", "VPCE-22"),
        ),
        Truth(
            subject="event_repair",
            bad=False,
            what="the on-call engineer, manually at night",
            reasons=("VPCE-12", "VPCE-14", "VPCE-15", "VPCE-17"),
        ),
        Truth(
            subject="event_first", bad=False, what="announced, and marked as expected", reasons=("VPCE-02", "VPCE-12")
        ),
        Truth("event_sts", False, "the pipeline's endpoints"),
        Truth("event_bob", False, "a colleague's small endpoint"),
        Truth("event_service", False, "made by RDS"),
        Truth("victim", False, "a web server"),
        Truth(subject="web_server", bad=False, what="a web server that was repaired over SSM", reasons=("INST-15",)),
        Truth("bastion", False, "the bastion, closed to the world"),
        Truth("database", False, "the database"),
    ),
    context=f"""
trusted_services = ["{BACKUP_SERVICE}"]
networks = ["192.0.2.0/24"]
{PIPELINE_CONTEXT}{HOURS}
[[suppressions]]
event = "<event_first>"
reason = "announced in the change calendar: Erin tests key rotation"
until = <tomorrow>
by = "carol"
""",
    tidy=True,
)
