"""The least-privilege IAM policy for a playbook: what its steps read, change and undo, from the reviewed catalogue."""

from collections.abc import Iterable
from typing import Any, Final

from vpce_tui.aws.catalogue import find
from vpce_tui.aws.operation import Access, Operation
from vpce_tui.plans.plan import PlanError
from vpce_tui.plans.playbook import Playbook
from vpce_tui.plans.targets import KINDS

ALWAYS: Final = ("sts:GetCallerIdentity", "iam:ListAccountAliases", "ec2:DescribeRegions")
"""What every playbook asks: who we are, and where to look for the target."""


def operations_of(playbook: Playbook) -> tuple[Operation, ...]:
    """Every operation that the playbook's steps may call, reads first."""
    reads = KINDS[playbook.target].reads
    named = {*ALWAYS, *reads[""]}
    for playbook_step in playbook.steps:
        named |= set(playbook_step.action.may)
        for aspect in playbook_step.action.aspects:
            named |= set(reads[aspect])
    found = []
    for name in named:
        service, _, operation = name.partition(":")
        listed = find(service, operation)
        if listed is None:
            raise PlanError(f"{name} is not in the catalogue.")
        found.append(listed)
    return tuple(sorted(found, key=lambda item: (item.access is Access.WRITE, item.service, item.name)))


def policy_of(playbook: Playbook, *, read_only: bool = False) -> dict[str, Any]:
    """The policy as IAM takes it; ``read_only``: only what planning needs.

    What reaches beyond its call is bound by a condition: a role may be passed to the services that need it alone, a key
    may be used for volumes alone.
    """
    operations = [item for item in operations_of(playbook) if item.access is Access.READ or not read_only]
    reads = {action for item in operations if item.access is Access.READ for action in item.iam_actions}
    writes = {action for item in operations if item.access is Access.WRITE for action in item.iam_actions} - reads
    statements = [_allow("Read", reads)]
    for name, bound, condition in (
        ("PassRole", {"iam:PassRole"}, _services(operations)),
        (
            "ServiceLinkedRole",
            {"iam:CreateServiceLinkedRole"},
            {"StringEquals": {"iam:AWSServiceName": "config.amazonaws.com"}},
        ),
        ("GrantKeyOfVolume", {"kms:CreateGrant"}, {**_OF_DISKS, "Bool": {"kms:GrantIsForAWSResource": "true"}}),
        ("UseKeyOfVolume", {item for item in writes if item.startswith("kms:")} - {"kms:CreateGrant"}, _OF_DISKS),
    ):
        statements.append(_allow(name, writes & bound, condition))
        writes -= bound
    statements.insert(1, _allow("Write", writes))
    return {"Version": "2012-10-17", "Statement": [item for item in statements if item["Action"]]}


_OF_DISKS: Final = {"StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"}}


def _services(operations: Iterable[Operation]) -> dict[str, Any]:
    return {
        "StringEqualsIfExists": {"iam:PassedToService": sorted({item.passes_role_to for item in operations} - {""})}
    }


def _allow(name: str, actions: Iterable[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Sid": name, "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement
