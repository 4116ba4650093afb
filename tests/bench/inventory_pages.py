"""Describe calls by the page, for the benchmarks."""

import json
from collections.abc import Iterator
from typing import Any

from tests.bench.timing import best
from tests.rules import (
    AT,
    HOME,
    OPEN,
    OWN,
)
from vpce_tui.aws.call import Answer, Call, Identity
from vpce_tui.inventory.account_inventory import read_inventory


class Pages:
    """A caller whose answers are at hand: what is left is our own share of a look at an account."""

    def __init__(self, pages: dict[str, list[dict[str, Any]]]) -> None:
        self._pages = pages

    def identity(self) -> Identity:
        return Identity(OWN, f"arn:aws:iam::{OWN}:user/bench", "x")

    def pages(self, call: Call, **_: Any) -> Iterator[Answer]:
        for data in self._pages.get(call.operation, [{}]):
            yield Answer(data=data, request_id="r", aws_time=None, seconds=0.0)

    def read(self, call: Call) -> Answer:
        return next(self.pages(call))


def inventory(count: int = 5_000) -> str:
    raw = [
        {
            "InstanceId": f"i-{n:017x}",
            "State": {"Name": "running"},
            "InstanceType": "m6i.large",
            "ImageId": "ami-1",
            "VpcId": f"vpc-{n % 40}",
            "SubnetId": f"subnet-{n % 120}",
            "PrivateIpAddress": f"10.0.{n // 250}.{n % 250}",
            "LaunchTime": AT,
            "MetadataOptions": {"HttpTokens": "required"},
            "NetworkInterfaces": [
                {
                    "NetworkInterfaceId": f"eni-{n}",
                    "PrivateIpAddress": f"10.0.{n // 250}.{n % 250}",
                    "SubnetId": f"subnet-{n % 120}",
                    "VpcId": f"vpc-{n % 40}",
                    "Groups": [{"GroupId": f"sg-{n % 400}"}],
                    "Attachment": {"DeviceIndex": 0},
                }
            ],
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": f"vol-{n}", "DeleteOnTermination": True}}
            ],
            "Tags": [{"Key": "Name", "Value": f"web-{n}"}, {"Key": "team", "Value": "x"}],
        }
        for n in range(count)
    ]
    ends = [
        {
            "VpcEndpointId": f"vpce-{n:017x}",
            "VpcEndpointType": "Interface",
            "ServiceName": f"com.amazonaws.{HOME}.sns",
            "State": "available",
            "VpcId": f"vpc-{n % 40}",
            "Groups": [{"GroupId": f"sg-{n % 400}"}],
            "SubnetIds": [f"subnet-{n % 120}"],
            "NetworkInterfaceIds": [f"eni-e{n}"],
            "PolicyDocument": OPEN,
        }
        for n in range(500)
    ]
    groups = [
        {
            "GroupId": f"sg-{n}",
            "GroupName": f"g{n}",
            "VpcId": f"vpc-{n % 40}",
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
                for port in (22, 443)
            ],
        }
        for n in range(400)
    ]
    pages = {
        "DescribeInstances": [
            {"Reservations": [{"OwnerId": OWN, "Instances": raw[at : at + 1_000]}]} for at in range(0, count, 1_000)
        ],
        "DescribeVpcEndpoints": [{"VpcEndpoints": ends}],
        "DescribeSecurityGroups": [{"SecurityGroups": groups}],
        "DescribeVpcs": [{"Vpcs": [{"VpcId": f"vpc-{n}", "CidrBlock": "10.0.0.0/16"} for n in range(40)]}],
    }
    found = read_inventory(Pages(pages), [HOME]).regions[HOME]  # type: ignore[arg-type]
    assert (len(found.instances), len(found.network.endpoints), found.network.unknown) == (count, 500, {})
    text = json.dumps(pages, default=str)
    floor = best(lambda: json.loads(text))
    taken = best(lambda: read_inventory(Pages(pages), [HOME]))  # type: ignore[arg-type]
    return f"{count:,} instances, 500 endpoints, 400 groups, from AWS's pages to ours: {taken:.2f} s of ours; reading them as JSON {floor:.2f} s"
