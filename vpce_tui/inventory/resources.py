"""The things of an account as frozen values. Ids, names and times are AWS's own."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=16_384)
def is_world(peer: str) -> bool:
    """Whether a CIDR block is everything, or a public block of at least a 256th of IPv4, a 65,536th of IPv6."""
    if peer in ("0.0.0.0/0", "::/0"):
        return True
    try:
        network = ipaddress.ip_network(peer, strict=False)
    except ValueError:
        return False
    return network.prefixlen <= (8 if network.version == 4 else 16) and not network.is_private


@dataclass(frozen=True, slots=True)
class SecurityGroupPermission:
    """One permission of a security group: protocol (``-1``: all), ports (None: all) and where from or to.

    ``through``: the prefix list that holds the peer. ``together``: with how many other blocks for the same ports it is so large
    a part of the internet that it comes to the whole (0: it is not).
    """

    protocol: str
    from_port: int | None
    to_port: int | None
    peer: str
    through: str = ""
    together: int = 0

    @property
    def open_to_world(self) -> bool:
        """Open to every address, IPv4 or IPv6, or to so large a part of them that it comes to the same."""
        return self.together > 0 or is_world(self.peer)

    @property
    def whom(self) -> str:
        """The peer in words: of which prefix list it is, and what it is together with others."""
        held = f" (of {self.through})" if self.through else ""
        more = f"{self.together} more {'block' if self.together == 1 else 'blocks'}"
        return f"{self.peer}{held}" + (f" and {more}, together a large part of the internet," if self.together else "")

    @property
    def all_ports(self) -> bool:
        """Every port of its protocol, or every protocol."""
        return self.protocol == "-1" or self.from_port in (None, -1) or (self.from_port, self.to_port) == (0, 65535)

    def covers(self, port: int) -> bool:
        """Whether TCP ``port`` is let through."""
        if self.protocol == "-1":
            return True
        if self.protocol not in ("tcp", "6"):
            return False
        return self.all_ports or (self.from_port or 0) <= port <= (self.to_port or 65535)

    def __str__(self) -> str:
        if self.protocol == "-1":
            ports = "all traffic"
        elif self.all_ports:
            ports = f"{self.protocol} all ports"
        elif self.from_port == self.to_port:
            ports = f"{self.protocol} {self.from_port}"
        else:
            ports = f"{self.protocol} {self.from_port}-{self.to_port}"
        return f"{ports} {self.whom}"


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A group with its rules."""

    id: str
    name: str
    vpc_id: str
    region: str
    ingress: tuple[SecurityGroupPermission, ...] = ()
    egress: tuple[SecurityGroupPermission, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface of an instance or endpoint."""

    id: str
    private_ip: str
    public_ip: str
    subnet_id: str
    vpc_id: str
    groups: tuple[str, ...]
    primary: bool = False
    requester_managed: bool = False
    ipv6: tuple[str, ...] = ()
    private_ips: tuple[str, ...] = ()
    attached: bool = True
    """False: AWS says that it is *available*, so no traffic passes through it."""


@dataclass(frozen=True, slots=True)
class Volume:
    """One EBS volume as it is attached."""

    id: str
    device: str
    delete_on_termination: bool
    encrypted: bool | None = None
    kms_key: str = ""
    size_gib: int = 0
    key_manager: str = ""
    key_unread: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """One EC2 instance."""

    id: str
    region: str
    account: str
    state: str
    type: str = ""
    image_id: str = ""
    launched: datetime | None = None
    vpc_id: str = ""
    subnet_id: str = ""
    private_ip: str = ""
    public_ip: str = ""
    profile_arn: str = ""
    lifecycle: str = ""
    spot_request_id: str = ""
    http_tokens: str = ""
    http_endpoint: str = ""
    root_device: str = ""
    interfaces: tuple[Interface, ...] = ()
    volumes: tuple[Volume, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its id, and its name where it has one."""
        return f"{self.id} {self.tags.get('Name', '')}".strip()

    @property
    def name(self) -> str:
        """The Name tag (written by whoever may tag: not to be trusted)."""
        return self.tags.get("Name", "")

    @property
    def addresses(self) -> frozenset[str]:
        """Every address that is its own."""
        own = {self.private_ip, self.public_ip}
        for interface in self.interfaces:
            own |= {interface.private_ip, interface.public_ip, *interface.ipv6, *interface.private_ips}
        return frozenset(own - {""})

    @property
    def gone(self) -> bool:
        """Terminated, or on the way there."""
        return self.state in ("terminated", "shutting-down")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One VPC endpoint as it is now. ``service`` is a service's name; a resource or service-network endpoint has none, and leads
    to ``resource``, the ARN of a resource configuration or a service network."""

    id: str
    region: str
    account: str
    type: str
    service: str
    state: str
    vpc_id: str
    groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    route_tables: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    policy: str = ""
    private_dns: bool = False
    requester_managed: bool = False
    created: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    resource: str = ""

    @property
    def leads_to(self) -> str:
        """What is reached through it, as AWS names it."""
        return self.service or self.resource or "an unnamed service"


@dataclass(frozen=True, slots=True)
class Finding:
    """One GuardDuty finding about an instance. ``severity`` is GuardDuty's number, 1 to 10."""

    id: str
    region: str
    type: str
    severity: float
    instance_id: str
    title: str
    updated: datetime | None
    count: int = 1
    access_key_id: str = ""


def tags_of(raw: Any) -> dict[str, str]:
    """AWS's list of ``{Key, Value}`` as a dict."""
    return {str(item.get("Key", "")): str(item.get("Value", "")) for item in raw or () if isinstance(item, Mapping)}
