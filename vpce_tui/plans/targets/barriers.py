"""What lets traffic through to some interfaces, or keeps it out: rules of security groups, network ACLs, IP sets of WAF, VPC
Block Public Access."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vpce_tui.core.ip_addresses import inside


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    """One rule of a security group. ``peer``: a CIDR block, a prefix list or another group."""

    id: str
    group: str
    egress: bool
    protocol: str
    from_port: int
    to_port: int
    peer: str
    description: str = ""

    @property
    def ports(self) -> str:
        """``tcp 443``, ``everything``."""
        if self.protocol == "-1":
            return "everything"
        if self.protocol in ("icmp", "icmpv6"):
            return self.protocol if self.from_port == -1 else f"{self.protocol} type {self.from_port}"
        span = f"{self.from_port}" if self.from_port == self.to_port else f"{self.from_port}-{self.to_port}"
        return f"{self.protocol} {'all ports' if self.from_port == -1 else span}"

    @property
    def says(self) -> str:
        """What the rule allows, as one clause."""
        way = "to" if self.egress else "from"
        return f"allows {self.ports} {way} {self.peer}"

    def same_effect(self, other: "SecurityGroupRule") -> bool:
        """Whether both let the same through."""
        return self.effect == other.effect

    @property
    def effect(self) -> tuple[str, bool, str, int, int, str]:
        """What it lets through."""
        return self.group, self.egress, self.protocol, self.from_port, self.to_port, self.peer

    def lets(self, protocol: str, port: int, peer: str) -> bool:
        """Whether it lets a flow of this protocol, port of the serving side and address through."""
        if self.protocol not in ("-1", protocol) or not inside(peer, self.peer):
            return False
        if protocol in ("icmp", "icmpv6"):  # its "ports" are types, which flow logs do not hold
            return True
        return self.protocol == "-1" or self.from_port == -1 or self.from_port <= port <= self.to_port


@dataclass(frozen=True, slots=True)
class AddressSet:
    """One IP set of WAF. ``scope``: ``REGIONAL`` or ``CLOUDFRONT``; ``used_by``: web ACLs with a rule that names it."""

    id: str
    name: str
    scope: str
    region: str
    version: str
    addresses: tuple[str, ...]
    used_by: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """The addresses as AWS writes them."""
    lets_in: tuple[str, ...] = ()
    """Web ACLs in which a rule does something else with the set than block it."""

    @property
    def key(self) -> str:
        """Value of this option in ``--set``; unique in its list."""
        return f"{self.scope.lower()}/{self.name}/{self.id}"


@dataclass(frozen=True, slots=True)
class BlockPublicAccess:
    """VPC Block Public Access of the region: its mode, the VPCs with an internet gateway, what is excluded already.

    ``exclusions``: exclusion id and mode by VPC; ``own``: those that this incident made, by call.
    """

    mode: str
    open_vpcs: tuple[str, ...] = ()
    exclusions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    verify: bool = True
    """Whether the last change of the mode holds everywhere."""
