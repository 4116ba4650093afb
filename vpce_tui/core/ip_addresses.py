"""IP addresses and networks in text that may hold a name instead."""

import ipaddress
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_INTERNAL: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


@lru_cache(maxsize=8192)
def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address in ``text``; None for a name such as ``ec2.amazonaws.com``."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def internal(text: str) -> bool:
    """Whether an address is of a private network (RFC 1918, 6598, 4193), as instances of a VPC have."""
    return within(text, _INTERNAL) is not None


def within(text: str, networks: tuple[Network, ...]) -> Network | None:
    """The first network that contains the address ``text``; None: none does, or it is no address."""
    address = address_of(text) if networks else None
    if address is None:
        return None
    return next((net for net in networks if net.version == address.version and address in net), None)


def inside(address: str, block: str) -> bool:
    """Whether an address is in a CIDR block; what is neither is in none."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False


def is_subnet(one: str, other: str) -> bool:
    """Whether a CIDR block is a subnet of another of its family."""
    try:
        small, large = ipaddress.ip_network(one, strict=False), ipaddress.ip_network(other, strict=False)
    except ValueError:
        return False
    return small.version == large.version and small.subnet_of(large)  # type: ignore[arg-type]


def overlap(one: str, other: str) -> bool:
    """Whether two CIDR blocks have an address in common; what is none has none."""
    return inside(one.partition("/")[0], other) or inside(other.partition("/")[0], one)
