"""What is known about a target: one frozen state a kind of target, read live, aspect by aspect."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from vpce_tui.aws.client import AwsClient
from vpce_tui.plans.targets import account, endpoint, instance, interface, principal
from vpce_tui.plans.targets.instance_state import InstanceState
from vpce_tui.plans.targets.interface_state import InterfaceState
from vpce_tui.plans.targets.planning_context import PlanningContext, TargetState, find_region, iam_region
from vpce_tui.plans.targets.principal_state import PrincipalState

S_co = TypeVar("S_co", bound=TargetState, covariant=True)


@dataclass(frozen=True, slots=True)
class TargetKind(Generic[S_co]):
    """A kind of thing that a playbook acts on: how its name looks, how it is looked at, how its region is found."""

    name: str
    example: str
    pattern: re.Pattern[str]
    observe: Callable[[AwsClient, str, str, Iterable[str], PlanningContext], S_co]
    region: Callable[[AwsClient, str, Sequence[str]], str]
    reads: Mapping[str, tuple[str, ...]]


def _found_by(operation: str, key: str, name: str) -> Callable[[AwsClient, str, Sequence[str]], str]:
    def find(client: AwsClient, target: str, regions: Sequence[str]) -> str:
        parameters: dict[str, object] = {"Filters": [{"Name": name, "Values": [target]}]}
        return find_region(client, target, regions, "ec2", operation, key, parameters)

    return find


INSTANCE: Final[TargetKind[InstanceState]] = TargetKind(
    name="instance",
    example="i-0123456789abcdef0",
    pattern=re.compile(r"i-[0-9a-f]{8,17}"),
    observe=instance.observe,
    region=_found_by("DescribeInstances", "Reservations", "instance-id"),
    reads=instance.READS,
)
ENDPOINT: Final[TargetKind[endpoint.EndpointState]] = TargetKind(
    name="endpoint",
    example="vpce-0123456789abcdef0",
    pattern=re.compile(r"vpce-[0-9a-f]{8,17}"),
    observe=endpoint.observe,
    region=_found_by("DescribeVpcEndpoints", "VpcEndpoints", "vpc-endpoint-id"),
    reads=endpoint.READS,
)
INTERFACE: Final[TargetKind[InterfaceState]] = TargetKind(
    name="interface",
    example="i-…, vpce-… or eni-…",
    pattern=re.compile(r"(?:i|vpce|eni)-[0-9a-f]{8,17}"),
    observe=interface.observe,
    region=interface.region_of,
    reads=interface.READS,
)
PRINCIPAL: Final[TargetKind[PrincipalState]] = TargetKind(
    name="principal",
    example="AKIA…, user/NAME, role/NAME or root",
    pattern=principal.PATTERN,
    observe=principal.observe,
    region=lambda client, _, __: iam_region(client.home_region),
    reads=principal.READS,
)
ACCOUNT: Final[TargetKind[account.AccountState]] = TargetKind(
    name="account",
    example="123456789012",
    pattern=re.compile(r"[0-9]{12}"),
    observe=account.observe,
    region=lambda client, _, __: client.home_region,
    reads=account.READS,
)
KINDS: Final[Mapping[str, TargetKind[TargetState]]] = {
    kind.name: kind for kind in (INSTANCE, ENDPOINT, INTERFACE, PRINCIPAL, ACCOUNT)
}
"""The kinds of target, by name."""
