"""What the flow logs of production recorded, and the web ACL in front of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from moto.backends import get_backend

from vpce_tui.lab.inprocess import InProcess

CONTROL: Final = "198.51.100.23"
"""Where the intruder sits, and what the instance reports to."""
SCANNER: Final = "192.0.2.77"
_GROUP: Final = "/vpc/production"


def record(clients: InProcess, region: str, now: datetime, facts: dict[str, Any]) -> None:
    """Flow logs of the production VPC: customers, the database, a scanner that is rejected."""
    logs, ec2 = clients.client("logs", region), clients.client("ec2", region)
    logs.create_log_group(logGroupName=_GROUP)
    facts["flow_log"] = ec2.create_flow_logs(
        ResourceIds=[facts["vpc"]],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName=_GROUP,
        DeliverLogsPermissionArn=f"arn:aws:iam::{facts['account']}:role/flow-logs",
    )["FlowLogIds"][0]
    first, second = _interfaces(ec2, facts["victim"])
    database = ec2.describe_instances(InstanceIds=[facts["database"]])["Reservations"][0]["Instances"][0]
    _put(clients, region, facts, first["NetworkInterfaceId"], "all", _of_customers(first["PrivateIpAddress"], now))
    queries = _of_database(second["PrivateIpAddress"], database["PrivateIpAddress"], now)
    _put(clients, region, facts, second["NetworkInterfaceId"], "all", queries)


def record_intruder(clients: InProcess, region: str, now: datetime, facts: dict[str, Any]) -> None:
    """A beacon, and what leaves through the intruder's way out."""
    ec2 = clients.client("ec2", region)
    first, _ = _interfaces(ec2, facts["victim"])
    way_out = ec2.describe_network_interfaces(
        NetworkInterfaceIds=facts["endpoints"]["intruder_exit"]["made"]["NetworkInterfaceIds"]
    )["NetworkInterfaces"][0]
    own, beyond = first["PrivateIpAddress"], way_out["PrivateIpAddress"]
    _put(clients, region, facts, first["NetworkInterfaceId"], "later", _of_intruder(own, beyond, now))
    _put(clients, region, facts, way_out["NetworkInterfaceId"], "all", _of_way_out(beyond, own, now))


def _interfaces(ec2: Any, instance: str) -> list[dict[str, Any]]:
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["NetworkInterfaces"]
    return sorted(found, key=lambda nic: nic["Attachment"]["DeviceIndex"])


def _put(clients: InProcess, region: str, facts: dict[str, Any], interface: str, name: str, lines: "Lines") -> None:
    stream = f"{interface}-{name}"
    clients.client("logs", region).create_log_stream(logGroupName=_GROUP, logStreamName=stream)
    events = [
        {
            "timestamp": int(at.timestamp() * 1000),
            "message": f"2 {facts['account']} {interface} {said.format(begin=int(at.timestamp()) - 59, end=int(at.timestamp()))}",
        }
        for at, said in lines
    ]
    # past moto's gate, which refuses what is older than 14 days by the instance's clock, and not by the lab's
    get_backend("logs")[facts["account"]][region].groups[_GROUP].put_log_events(stream, events)


Lines = Iterable[tuple[datetime, str]]


def _line(source: str, target: str, ports: str, packets: int, size: int, action: str = "ACCEPT") -> str:
    return f"{source} {target} {ports} 6 {packets} {size} {{begin}} {{end}} {action} OK"


def _of_customers(own: str, now: datetime) -> Lines:
    for minute in range(180, 0, -1):
        at = now - timedelta(minutes=minute)
        yield at, _line("10.0.100.20", own, "41812 443", 220, 81_000)
        yield at, _line(own, "10.0.100.20", "443 41812", 180, 640_000)
        if minute % 30 == 0:
            yield at, _line(SCANNER, own, "40112 22", 3, 180, "REJECT")


def _of_intruder(own: str, way_out: str, now: datetime) -> Lines:
    for minute in range(50, 0, -1):
        at = now - timedelta(minutes=minute)
        if minute % 5 == 0:
            yield at, _line(own, CONTROL, "52110 443", 14, 9_200)
            yield at, _line(CONTROL, own, "443 52110", 12, 4_100)
        if minute <= 12:
            yield at, _line(own, way_out, "44310 443", 61_000, 92_000_000)
            yield at, _line(way_out, own, "443 44310", 22_000, 1_400_000)


def _of_database(own: str, database: str, now: datetime) -> Lines:
    for minute in range(180, 0, -3):
        at = now - timedelta(minutes=minute)
        yield at, _line(own, database, "38820 5432", 60, 22_000)
        yield at, _line(database, own, "5432 38820", 90, 310_000)


def _of_way_out(own: str, victim: str, now: datetime) -> Lines:
    for minute in range(12, 0, -1):
        at = now - timedelta(minutes=minute)
        yield at, _line(victim, own, "44310 443", 61_000, 92_000_000)
        yield at, _line(own, victim, "443 44310", 22_000, 1_400_000)


def guard(clients: InProcess, region: str, facts: dict[str, Any]) -> None:
    """A web ACL that blocks a set of addresses."""
    waf = clients.client("wafv2", region)
    made = waf.create_ip_set(
        Name="blocked-addresses",
        Scope="REGIONAL",
        IPAddressVersion="IPV4",
        Addresses=["203.0.113.200/32"],
        Description="what the web ACL blocks",
    )["Summary"]
    facts["ip_set"] = f"regional/{made['Name']}/{made['Id']}"
    seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "storefront"}
    waf.create_web_acl(
        Name="storefront",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=seen,
        Rules=[
            {
                "Name": "blocked",
                "Priority": 0,
                "Action": {"Block": {}},
                "VisibilityConfig": seen,
                "Statement": {"IPSetReferenceStatement": {"ARN": made["ARN"]}},
            }
        ],
    )
