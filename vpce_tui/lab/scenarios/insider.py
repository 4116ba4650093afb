"""An engineer with the right to build networks reads along: subnets are routed through an external principal's appliance, traffic is copied."""

import random
from datetime import datetime, timedelta
from typing import Any, Final

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_endpoints import policy_with_limits
from vpce_tui.lab.scenarios.account_instances import run
from vpce_tui.lab.scenarios.account_parts import HOME, Facts, age, endpoint
from vpce_tui.lab.scenarios.ordinary import DAY
from vpce_tui.lab.scenarios.records import CONSOLE, EventWriter, made
from vpce_tui.lab.scenarios.scenario import HOURS, PIPELINE_CONTEXT, Scenario, Truth

OFFICE: Final = "192.0.2.90"
APPLIANCE: Final = "com.amazonaws.vpce.eu-west-1.vpce-svc-0a77b1c2d3e4f5061"


def build(clients: InProcess, account: str, now: datetime, facts: Facts) -> None:
    """A load balancer endpoint with a route to it, an endpoint whose limits are gone, a mirroring session; no flow logs."""
    ec2 = clients.client("ec2", HOME)
    facts["endpoints"]["appliance"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=64),
        VpcEndpointType="GatewayLoadBalancer",
        VpcId=facts["vpc"],
        ServiceName=APPLIANCE,
        SubnetIds=[facts["subnet_edge-a"]],
    )
    ec2.create_route(
        RouteTableId=facts["route_table"],
        DestinationCidrBlock="198.18.0.0/15",
        GatewayId=facts["endpoints"]["appliance"]["made"]["VpcEndpointId"],
    )
    facts["endpoints"]["widened"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=48),
        VpcEndpointType="Interface",
        VpcId=facts["vpc"],
        ServiceName=f"com.amazonaws.{HOME}.execute-api",
        SubnetIds=[facts["subnet_data-a"]],
        SecurityGroupIds=[facts["group_endpoints-443"]],
        PrivateDnsEnabled=True,
        PolicyDocument=policy_with_limits(),
    )
    ec2.modify_vpc_endpoint(VpcEndpointId=facts["endpoints"]["widened"]["made"]["VpcEndpointId"], ResetPolicy=True)
    database = ec2.describe_instances(InstanceIds=[facts["database"]])["Reservations"][0]["Instances"][0]
    facts["database_interface"] = database["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.delete_flow_logs(FlowLogIds=[facts["flow_log"]])
    facts["collector"] = run(
        ec2,
        facts,
        HOME,
        facts["subnet_data-a"],
        [facts["group_db-client"]],
        InstanceType="m6i.large",
        tags={"Name": "collector"},
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
    )
    age(account, HOME, facts["collector"], now - timedelta(minutes=58))
    collector = ec2.describe_instances(InstanceIds=[facts["collector"]])["Reservations"][0]["Instances"][0]
    nic = collector["NetworkInterfaces"][0]["NetworkInterfaceId"]
    target = ec2.create_traffic_mirror_target(NetworkInterfaceId=nic)["TrafficMirrorTarget"]
    chosen = ec2.create_traffic_mirror_filter()["TrafficMirrorFilter"]
    ec2.create_traffic_mirror_session(
        NetworkInterfaceId=facts["database_interface"],
        TrafficMirrorTargetId=target["TrafficMirrorTargetId"],
        TrafficMirrorFilterId=chosen["TrafficMirrorFilterId"],
        SessionNumber=1,
    )
    iam = clients.client("iam")
    iam.create_user(UserName="svc-archive")
    facts["made_key"] = iam.create_access_key(UserName="svc-archive")["AccessKey"]["AccessKeyId"]
    facts["endpoints"]["archive"] = endpoint(
        ec2,
        account,
        HOME,
        now - timedelta(minutes=24),
        VpcEndpointType="Interface",
        VpcId=facts["vpc"],
        ServiceName="com.amazonaws.us-east-1.s3",
        ServiceRegion="us-east-1",
        SubnetIds=[facts["subnet_data-a"]],
        SecurityGroupIds=[facts["group_endpoints-443"]],
        PrivateDnsEnabled=False,
    )


def write(scribe: EventWriter, facts: Facts, _: random.Random) -> None:
    """Weeks of ordinary work from the office, then an hour at night from the same desk."""
    for days in (24, 20, 15, 9, 7, 3):
        work = scribe.user("dave", f"ASIALABDAVEOLD0{days:05}", mfa=False)
        scribe.write(
            days * DAY + 300, HOME, "ec2", "DescribeRouteTables", work, ip=OFFICE, agent=CONSOLE, read_only=True
        )
    dave = scribe.user("dave", "ASIALABDAVE000000001", mfa=False)

    def did(minutes_ago: float, source: str, name: str, **more: Any) -> Any:
        return scribe.write(
            minutes_ago, HOME, source, name, dave, ip=OFFICE, agent=CONSOLE, sessionCredentialFromConsole="true", **more
        )

    did(79, "cloudtrail", "StopLogging", request={"name": f"arn:aws:cloudtrail:{HOME}:{facts['account']}:trail/main"})
    did(
        77,
        "ec2",
        "DeleteFlowLogs",
        request={"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": facts["flow_log"]}}},
    )
    gone = {"sessionCredentialFromConsole": "true"}
    facts["event_appliance"] = made(scribe, facts, 64, HOME, dave, "appliance", OFFICE, CONSOLE, **gone)
    did(
        62,
        "ec2",
        "CreateRoute",
        request={
            "routeTableId": facts["route_table"],
            "destinationCidrBlock": "198.18.0.0/15",
            "vpcEndpointId": facts["endpoints"]["appliance"]["made"]["VpcEndpointId"],
        },
        response={"_return": True},
    )
    facts["event_widened"] = made(scribe, facts, 48, HOME, dave, "widened", OFFICE, CONSOLE, **gone)
    identifier = facts["endpoints"]["widened"]["made"]["VpcEndpointId"]
    did(
        40,
        "ec2",
        "ModifyVpcEndpoint",
        request={"ModifyVpcEndpointRequest": {"VpcEndpointId": identifier, "ResetPolicy": True}},
        response={"ModifyVpcEndpointResponse": {"return": True}},
    )
    did(
        58,
        "ec2",
        "RunInstances",
        request={"instanceType": "m6i.large"},
        response={"instancesSet": {"items": [{"instanceId": facts["collector"]}]}},
    )
    did(
        52,
        "ec2",
        "ModifyInstanceAttribute",
        response={"_return": True},
        request={"instanceId": facts["database"], "userData": "<sensitiveDataRemoved>"},
    )
    did(
        36,
        "ec2",
        "CreateTrafficMirrorSession",
        request={"CreateTrafficMirrorSessionRequest": {"NetworkInterfaceId": facts["database_interface"]}},
    )
    scribe.write(
        29,
        "us-east-1",
        "iam",
        "CreateAccessKey",
        dave,
        ip=OFFICE,
        agent=CONSOLE,
        request={"userName": "svc-archive"},
        response={"accessKey": {"userName": "svc-archive", "accessKeyId": facts["made_key"], "status": "Active"}},
    )
    service = scribe.user("svc-archive", facts["made_key"])
    facts["event_archive"] = made(scribe, facts, 24, HOME, service, "archive", OFFICE, "rclone/v1.66.0")


SCENARIO: Final = Scenario(
    name="insider",
    build=build,
    write=write,
    truth=(
        Truth(
            subject="event_appliance",
            bad=True,
            what="load balancer endpoint with a route to it",
            reasons=("VPCE-01", "VPCE-10", "VPCE-24", "VPCE-31"),
        ),
        Truth(
            subject="event_widened",
            bad=True,
            what="created narrow, then widened",
            reasons=("VPCE-10", "VPCE-23", "VPCE-24", "VPCE-28"),
        ),
        Truth(
            subject="event_archive",
            bad=True,
            what="to another region, with a key created minutes before",
            reasons=("VPCE-02", "VPCE-13", "VPCE-33"),
        ),
        Truth(
            subject="database",
            bad=True,
            what="its traffic is mirrored and not recorded, its user data changed",
            reasons=("INST-08", "INST-18", "INST-19"),
        ),
        Truth(
            subject="collector",
            bad=True,
            what="the instance that receives the mirrored traffic",
            reasons=("INST-09", "INST-19", "INST-20"),
        ),
        Truth("event_logs", False, "the pipeline's endpoints"),
        Truth("event_service", False, "made by RDS"),
        Truth("edge-syd", False, "an instance elsewhere"),
    ),
    context=PIPELINE_CONTEXT + HOURS,
)
