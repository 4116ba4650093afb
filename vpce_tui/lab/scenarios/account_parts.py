"""What every part of the account is made with: its regions, policies, a security group, an AMI, an endpoint, and tags."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from moto.backends import get_backend

from vpce_tui.lab.inprocess import InProcess

HOME: Final = "eu-west-1"


ELSEWHERE: Final = ("us-east-1", "us-west-2", "ap-southeast-2")


NAT_ADDRESS: Final = "203.0.113.9"


ORGANISATION: Final = "o-a1b2c3d4e5"


Facts = dict[str, Any]


def trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions: str, resource: str = "*") -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}],
        }
    )


def group(ec2: Any, vpc: str, name: str, rules: list[tuple[int, int, str]]) -> str:
    group: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    if rules:
        ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": low, "ToPort": high, "IpRanges": [{"CidrIp": source}]}
                for low, high, source in rules
            ],
        )
    return group


def image(clients: InProcess, region: str, name: str) -> str:
    """Register an AMI of the account's own; gives its id."""
    made = clients.client("ec2", region).register_image(
        Name=name,
        Architecture="x86_64",
        RootDeviceName="/dev/xvda",
        VirtualizationType="hvm",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 16}}],
    )
    return str(made["ImageId"])


def age(account: str, region: str, identifier: str, at: datetime) -> None:
    """Set when an instance, its volumes and interfaces began; moto knows only now."""
    backend = get_backend("ec2")[account][region]
    instance = backend.get_instance(identifier)
    instance.launch_time = at
    instance.kernel = None
    for nic in instance.nics.values():
        nic.attach_time = at
    for mapping in instance.block_device_mapping.values():
        mapping.attach_time = at
        volume = backend.volumes.get(mapping.volume_id)
        if volume is not None:
            volume.create_time = at


def endpoint(ec2: Any, account: str, region: str, at: datetime, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ec2.create_vpc_endpoint(**request)["VpcEndpoint"]
    backend = get_backend("ec2")[account][region]
    backend.vpc_end_points[answer["VpcEndpointId"]].creation_timestamp = at
    return {
        "request": request,
        "made": {key: value for key, value in answer.items() if key != "CreationTimestamp"},
    }


def tags_of(kind: str, **tags: str) -> list[Mapping[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
