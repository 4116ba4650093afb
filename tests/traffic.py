"""The block-traffic playbook on the scenario, for its tests."""

import json
from typing import Any

from tests.cases import REJECTED, shown
from tests.conftest import HOME, Aws
from tests.emulated_aws import clients

ACCEPTED = REJECTED.replace("REJECT", "ACCEPT")


def plan(aws: Aws, *sets: str, target: str = "", code: int = 0) -> dict[str, Any]:
    """The plan's steps by id."""
    path = aws.folder / "plan.json"
    words = [word for item in sets for word in ("--set", item)]
    ended, said = aws.run("plan", "block-traffic", target or aws.victim, "--region", HOME, "--out", str(path), *words)
    assert ended == code, said
    return {step["id"]: step for step in json.loads(path.read_text())["steps"]} if code == 0 else {"said": said}


def apply(aws: Aws, *steps: str, code: int = 0) -> str:
    words = [word for step in steps for word in ("--step", step)]
    path = str(aws.folder / "plan.json")
    ended, said = aws.run("apply", path, "--incident", "case", "--yes", "--wait", "1", *words)
    assert ended == code, said
    return said


def notes(step: dict[str, Any]) -> str:
    return "\n".join(shown(step))


def acl_of(aws: Aws) -> dict[str, Any]:
    subnet = aws.facts["subnet_app-a"]
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (found,) = clients(aws)("ec2").describe_network_acls(Filters=filters)["NetworkAcls"]
    return dict(found)


def way_out(aws: Aws) -> str:
    ec2 = clients(aws)("ec2")
    endpoint = aws.facts["endpoint_ids"]["intruder_exit"]
    ids = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]["NetworkInterfaceIds"]
    return str(ec2.describe_network_interfaces(NetworkInterfaceIds=ids)["NetworkInterfaces"][0]["PrivateIpAddress"])
