"""What happens on any day, and could be taken for something: the pipeline's endpoints, a colleague's, a service's; and before."""

from typing import Final

from vpce_tui.lab.scenarios.account_parts import HOME, Facts
from vpce_tui.lab.scenarios.records import CONSOLE, TERRAFORM, EventWriter, create_endpoint, made

PIPELINE_ADDRESS: Final = "192.0.2.40"
BOB_ADDRESS: Final = "192.0.2.77"
DAY: Final = 1440


def write(scribe: EventWriter, facts: Facts) -> None:
    """The last day's harmless events; adds the ids of the ones that matter to ``facts``."""
    pipeline = scribe.role("ci-network", "build-4711", "ASIALABPIPELINE00001", minutes_old=200)
    for offset, service in enumerate(("sts", "logs", "ssm")):
        facts[f"event_{service}"] = made(
            scribe, facts, 184 - offset * 0.4, HOME, pipeline, f"pipeline_{service}", PIPELINE_ADDRESS, TERRAFORM
        )
    for number, region in enumerate(("us-east-1", "us-west-2", "ap-southeast-2")):
        facts[f"event_pipeline_{region}"] = made(
            scribe, facts, 300 + 7 * number, region, pipeline, f"pipeline_{region}", PIPELINE_ADDRESS, TERRAFORM
        )
    bob = scribe.user("bob", "ASIALABBOB0000000001", mfa=True)
    facts["event_bob"] = made(
        scribe, facts, 121, "us-east-1", bob, "bob", BOB_ADDRESS, CONSOLE, sessionCredentialFromConsole="true"
    )
    asked, answer = create_endpoint(
        {"VpcId": facts["vpc"], "ServiceName": f"com.amazonaws.{HOME}.rds", "VpcEndpointType": "Interface"},
        {"VpcEndpointId": "vpce-0b1e55ed0b1e55ed0", "VpcId": facts["vpc"], "ServiceName": f"com.amazonaws.{HOME}.rds"},
    )
    facts["event_service"] = scribe.write(
        400,
        HOME,
        "ec2",
        "CreateVpcEndpoint",
        scribe.service("rds"),
        ip="rds.amazonaws.com",
        agent="rds.amazonaws.com",
        request=asked,
        response=answer,
    )["eventID"]
    scribe.write(
        530,
        "us-east-1",
        "es",
        "CreateVpcEndpoint",
        pipeline,
        ip=PIPELINE_ADDRESS,
        agent=TERRAFORM,
        request={
            "domainArn": f"arn:aws:es:us-east-1:{scribe.account}:domain/search",
            "vpcOptions": {"subnetIds": ["subnet-1"]},
        },
        response={"vpcEndpoint": {"vpcEndpointId": "aos-1f2e3d", "status": "CREATING"}},
    )
    _before(scribe, facts)


def _before(scribe: EventWriter, facts: Facts) -> None:
    """The month before: what is usual here, and for whom."""
    for number, (days, region) in enumerate(
        ((27, HOME), (23, "us-east-1"), (19, HOME), (16, "us-west-2"), (12, HOME), (9, "ap-southeast-2"), (4, HOME))
    ):
        identity = scribe.role(
            "ci-network", f"build-{4600 + number}", f"ASIALABPIPELINE0{number:04}", minutes_old=days * DAY + 9
        )
        endpoint_of_old(scribe, days * DAY, region, identity, PIPELINE_ADDRESS, TERRAFORM, number)
    for number, days in enumerate((25, 14)):
        bob = scribe.user("bob", f"ASIALABBOB00000{number:05}", mfa=True)
        endpoint_of_old(scribe, days * DAY + 33, "us-east-1", bob, BOB_ADDRESS, CONSOLE, 50 + number)
    for days in (26, 21, 17, 11, 8, 5, 2):
        instance = facts["web_servers"][days % 3]
        for name in {instance, facts["victim"]}:
            web = scribe.role("web-app", name, f"ASIALABWEB0000000{days:03}", ec2=True)
            scribe.write(
                days * DAY + 77,
                HOME,
                "logs",
                "CreateLogStream",
                web,
                ip=facts["nat_address"],
                agent="aws-sdk-go/1.55.5",
            )
        bob = scribe.user("bob", f"ASIALABBOBOLD000{days:04}", mfa=True)
        scribe.write(
            days * DAY + 13, "us-east-1", "ec2", "DescribeVpcs", bob, ip=BOB_ADDRESS, agent=CONSOLE, read_only=True
        )
        monitor = scribe.role("monitoring", "i-0c0ffee0c0ffee000", f"ASIALABMONITOR0{days:05}", ec2=True)
        for region in (HOME, "us-east-1", "us-west-2", "ap-southeast-2"):
            scribe.write(
                days * DAY + 5,
                region,
                "monitoring",
                "PutMetricAlarm",
                monitor,
                ip=facts["nat_address"],
                agent="Boto3/1.40.12",
            )
        for source, name in (
            ("ssm", "UpdateInstanceInformation"),
            ("sts", "AssumeRole"),
            ("ecr", "DescribeRepositories"),
            ("rds", "DescribeDBInstances"),
        ):
            for region in (HOME, "us-west-2"):
                scribe.write(
                    days * DAY + 6,
                    region,
                    source,
                    name,
                    monitor,
                    ip=facts["nat_address"],
                    agent="Boto3/1.40.12",
                    read_only=source != "ssm",
                )


def endpoint_of_old(
    scribe: EventWriter, minutes: float, region: str, identity: dict[str, object], ip: str, agent: str, number: int
) -> None:
    """An endpoint that was made then, in a VPC that is gone since."""
    asked, answer = create_endpoint(
        {"VpcId": f"vpc-0{number:016x}", "ServiceName": f"com.amazonaws.{region}.sqs", "VpcEndpointType": "Interface"},
        {
            "VpcEndpointId": f"vpce-0{number:016x}",
            "VpcId": f"vpc-0{number:016x}",
            "ServiceName": f"com.amazonaws.{region}.sqs",
        },
    )
    scribe.write(
        minutes, region, "ec2", "CreateVpcEndpoint", identity, ip=ip, agent=agent, request=asked, response=answer
    )
