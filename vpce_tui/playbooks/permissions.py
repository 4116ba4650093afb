"""The least IAM policy for a playbook: what its steps read, make and take back, from the reviewed catalogue."""

from typing import Any, Final

from vpce_tui.aws.catalogue import Access, Operation, find
from vpce_tui.inventory.dossiers import KINDS
from vpce_tui.playbooks.library import Playbook
from vpce_tui.playbooks.plan import PlanError

ALWAYS: Final = ("sts:GetCallerIdentity", "iam:ListAccountAliases", "ec2:DescribeRegions")
"""What every playbook asks: who we are, and where to look for the target."""


def operations_of(playbook: Playbook) -> tuple[Operation, ...]:
    """Every operation that the playbook's steps may call, reads first."""
    reads = KINDS[playbook.target].reads
    named = {*ALWAYS, *reads[""]}
    for recipe in playbook.steps:
        named |= set(recipe.action.may)
        for facet in recipe.action.facets:
            named |= set(reads[facet])
    found = []
    for name in named:
        service, _, operation = name.partition(":")
        listed = find(service, operation)
        if listed is None:
            raise PlanError(f"{name} is not in the catalogue.")
        found.append(listed)
    return tuple(sorted(found, key=lambda item: (item.access is Access.WRITE, item.service, item.name)))


def policy_of(playbook: Playbook, *, read_only: bool = False) -> dict[str, Any]:
    """The policy as IAM takes it; ``read_only``: only what planning needs."""
    operations = operations_of(playbook)
    statements = []
    for access, name in ((Access.READ, "See"), (Access.WRITE, "Change")):
        actions = sorted({action for item in operations if item.access is access for action in item.iam_actions})
        if actions and not (read_only and access is Access.WRITE):
            statements.append({"Sid": name, "Effect": "Allow", "Action": actions, "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}
