"""The interfaces of an instance, an endpoint or one interface, and all that lets traffic through to them, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vpce_tui.inventory.flow_log_queries import Traffic
from vpce_tui.inventory.networks import Acl
from vpce_tui.inventory.resources import Interface
from vpce_tui.plans.targets.barriers import AddressSet, BlockPublicAccess, SecurityGroupRule
from vpce_tui.plans.targets.flow_logs import FlowLog, FlowLogging
from vpce_tui.plans.targets.planning_context import (
    AppliedCall,
)

HOURS: Final = "hours"
"""What a plan's answers say about the look-back; see :attr:`PlanningContext.remembered`."""


@dataclass(frozen=True, slots=True)
class InterfaceState:
    """Some interfaces and all that lets traffic through to them. A field of None was not asked for, or is in ``unknown``."""

    target: str
    region: str
    account: str
    interfaces: tuple[Interface, ...] = ()
    what: Mapping[str, str] = field(default_factory=dict)
    """What each interface is for, in AWS's words."""
    vpc_ranges: tuple[str, ...] = ()
    log: FlowLog | None = None
    """A good flow log that records every interface."""
    flow_logs: FlowLogging | None = None
    traffic: Traffic | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """What each address of an endpoint's interface in the VPC belongs to."""
    holder_of: Mapping[str, str] = field(default_factory=dict)
    """Whose each address in the VPC is: the id of an instance, or what AWS says the interface is for."""
    rules: tuple[SecurityGroupRule, ...] | None = None
    group_names: Mapping[str, str] = field(default_factory=dict)
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other interfaces in each group."""
    acls: tuple[Acl, ...] | None = None
    neighbours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other interfaces in each subnet that an ACL of ours guards."""
    sets: tuple[AddressSet, ...] | None = None
    public: BlockPublicAccess | None = None
    operator: frozenset[str] = frozenset()
    """Addresses from which the operator's session called AWS lately."""
    callers: frozenset[str] = frozenset()
    """Addresses outside the VPC from which the instance's credentials were used lately."""
    in_effect: Mapping[str, AppliedCall] = field(default_factory=dict)
    """The calls of this incident on it that are in effect."""
    subnet_ranges: tuple[str, ...] = ()
    """The ranges of its own subnets: no network ACL acts inside them."""
    remembered: Mapping[str, object] = field(default_factory=dict)
    """See :attr:`PlanningContext.remembered`."""
    gone: bool = False
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of the interfaces."""
        return frozenset(
            address
            for nic in self.interfaces
            for address in (nic.private_ip, nic.public_ip, *nic.private_ips, *nic.ipv6)
            if address
        )

    @property
    def carries_traffic(self) -> bool:
        """Whether an interface of it is left that is attached."""
        return any(nic.attached for nic in self.interfaces)

    @property
    def vpc_id(self) -> str:
        """The VPC they are in."""
        return self.interfaces[0].vpc_id if self.interfaces else ""


class InterfaceAspect:
    """Names of the parts that can be read."""

    FLOW_LOGS = "flow logs"
    TRAFFIC = "traffic"
    RULES = "security group rules"
    ACLS = "network ACLs"
    SETS = "IP sets"
    OPERATOR = "the operator's own addresses"
    CALLERS = "addresses that used its credentials"
    PUBLIC = "VPC Block Public Access"
