"""What the rules of a group let in when they are read together: prefix lists by what they hold, narrow blocks by their sum."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from vpce_tui.inventory.resources import SecurityGroupPermission, is_world

Block = ipaddress.IPv4Network | ipaddress.IPv6Network
_LARGE: Final = {4: 2**24, 6: 2**112}
"""Addresses that are a 256th of IPv4, and a 65,536th of IPv6: as much as one block of which :func:`is_world` says so."""
_SHARED: Final = ipaddress.IPv4Network("100.64.0.0/10")
"""Addresses inside providers' and clusters' own networks (RFC 6598): not the internet's."""
_PORTS: Final = 200
"""Ports at which blocks are summed at most."""


def read_together(
    rules: Sequence[SecurityGroupPermission], lists: Mapping[str, Sequence[str]]
) -> tuple[SecurityGroupPermission, ...]:
    """The rules with each prefix list that is known replaced by its blocks.

    Where narrow blocks that pass for one port add up to a large part of the internet, the widest of them says so.
    """
    whole = list(_expanded(rules, lists))
    blocks = {at: block for at, rule in enumerate(whole) if not is_world(rule.peer) and (block := _public(rule.peer))}
    for version in (4, 6):
        here = {at: block for at, block in blocks.items() if block.version == version}
        points = list(dict.fromkeys((whole[at].protocol, _first_port(whole[at])) for at in here))
        for protocol, port in points[:_PORTS]:
            summed = [at for at in here if _passes(whole[at], protocol, port)]
            if len(summed) > 1 and _addresses([here[at] for at in summed]) >= _LARGE[version]:
                widest = min(summed, key=lambda at: here[at].prefixlen)
                whole[widest] = replace(whole[widest], together=len(summed) - 1)
    return tuple(whole)


def _expanded(
    rules: Sequence[SecurityGroupPermission], lists: Mapping[str, Sequence[str]]
) -> Iterator[SecurityGroupPermission]:
    for rule in rules:
        held = lists.get(rule.peer)
        if held is None:
            yield rule
        else:
            yield from (replace(rule, peer=block, through=rule.peer) for block in held)


def _public(peer: str) -> Block | None:
    """A block of the internet's addresses; None: a group, a list that was not read, or a private network."""
    try:
        block = ipaddress.ip_network(peer, strict=False)
    except ValueError:
        return None
    inside = isinstance(block, ipaddress.IPv4Network) and block.subnet_of(_SHARED)
    return None if block.is_private or inside else block


def _addresses(blocks: Iterable[Block]) -> int:
    """How many addresses some blocks of one version are, overlaps counted once."""
    four = [block for block in blocks if isinstance(block, ipaddress.IPv4Network)]
    six = [block for block in blocks if isinstance(block, ipaddress.IPv6Network)]
    return sum(block.num_addresses for block in ipaddress.collapse_addresses(four)) + sum(
        block.num_addresses for block in ipaddress.collapse_addresses(six)
    )


def _first_port(rule: SecurityGroupPermission) -> int:
    return 0 if rule.all_ports else rule.from_port or 0


def _passes(rule: SecurityGroupPermission, protocol: str, port: int) -> bool:
    if rule.protocol not in ("-1", protocol):
        return False
    return rule.all_ports or (rule.from_port or 0) <= port <= (rule.to_port or 65535)
