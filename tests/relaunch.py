"""The relaunch playbook on the scenario, for its tests."""

from typing import Any

from tests.cases import CASES
from tests.conftest import Aws
from tests.emulated_aws import clients

CASE = next(case for case in CASES if case.name == "relaunch-instance")


def step(plan: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in plan["steps"] if item["id"] == name)
    return found


def launched(aws: Aws) -> dict[str, Any]:
    by_tag = [
        {"Name": "tag:vpce-tui:call", "Values": ["launch"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    pages = clients(aws)("ec2").describe_instances(Filters=by_tag)["Reservations"]
    (only,) = [item for page in pages for item in page["Instances"]]
    found: dict[str, Any] = only
    return found
