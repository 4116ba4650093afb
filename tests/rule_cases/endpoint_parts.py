"""What the cases of the rules about an endpoint are made of."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from tests.rules import (
    AT,
    BOB,
    HOME,
    OWN,
    WORLD,
    make_instance,
    network,
    other,
    region,
)
from vpce_tui.detection.team_context import Context, Hours
from vpce_tui.inventory.flow_log_queries import FlowPeer, Traffic, Window
from vpce_tui.inventory.networks import Acl, AclEntry, Vpc

S3 = f"com.amazonaws.{HOME}.s3"
REFUSED = {"errorCode": "Client.UnauthorizedOperation"}
KEY = {**BOB, "accessKeyId": "AKIABOB", "sessionContext": None}
ROLE = {
    "type": "AssumedRole",
    "arn": f"arn:aws:sts::{OWN}:assumed-role/ci/x",
    "accountId": OWN,
    "accessKeyId": "ASIACI",
    "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{OWN}:role/ci", "userName": "ci"}},
}
PIPELINE = Context(pipelines=(("*:assumed-role/ci/*", "*Terraform*"),))
GATEWAY = {
    "VpcEndpointType": "Gateway",
    "SecurityGroupId": None,
    "SubnetId": None,
    "RouteTableId": {"tag": 1, "content": "rtb-1"},
}
ALL_OPEN = Acl(
    id="acl-0",
    default=True,
    entries=(
        AclEntry(number=100, egress=False, allow=True, protocol="-1", block=WORLD),
        AclEntry(number=100, egress=True, allow=True, protocol="-1", block=WORLD),
    ),
    subnets=("subnet-1",),
)
OFFICE = Hours(days=frozenset(range(5)), begin=time(8), end=time(18), zone="Europe/Dublin")
MINE = make_instance()
HERE = (MINE, region())
USUAL = tuple(other("DescribeVpcs", minutes=60 * 24 * day, readOnly=True) for day in range(2, 20))
WINDOW = Window(AT - timedelta(hours=3), AT + timedelta(hours=1))


def lattice(account: str) -> dict[str, Any]:
    arn = f"arn:aws:vpc-lattice:{HOME}:{account}:resourceconfiguration/rcfg-1"
    return {"ServiceName": None, "VpcEndpointType": "Resource", "ResourceConfigurationArn": arn}


def vpc(**changes: Any) -> dict[str, Vpc]:
    return {"vpc-1": replace(network().vpcs["vpc-1"], **changes)}


def talks(received: int) -> Traffic:
    return Traffic(
        WINDOW,
        (
            FlowPeer(
                peer="10.0.1.17",
                port=443,
                protocol="tcp",
                serving=True,
                interfaces=frozenset({"eni-9"}),
                received=received,
                accepted=9,
                first=AT,
            ),
        ),
    )


def through(**more: Any) -> Any:
    return other("PutObject", "s3", minutes=-5, vpcEndpointId="vpce-1", **more)


# rule, what, subject, severity (None: not raised)
