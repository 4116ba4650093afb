"""The few policies of AWS's own that the playbooks attach; moto knows all of them, and loads none unless asked."""

import json
from typing import Final

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

NAMES: Final = ("AmazonSSMManagedInstanceCore", "AWS_ConfigRole")


def load(account: str) -> None:
    """Put them into the account."""
    backend = iam_backends[account]["aws"]
    known = json.loads(aws_managed_policies_data)
    for name in NAMES:
        made = AWSManagedPolicy.from_data(name, account, "us-east-1", known[name])
        backend.managed_policies[made.arn] = made
