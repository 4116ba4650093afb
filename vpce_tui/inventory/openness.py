"""What the rules of a group let in when they are read together: prefix lists by what they hold, narrow blocks by their sum."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from vpce_tui.inventory.model import Rule, is_world

_LARGE: Final = {4: 2**24, 6: 2**112}
"""Addresses that are a 256th of IPv4, and a 65,536th of IPv6: as much as one block of which :func:`is_world` says so."""


def read_together(rules: Sequence[Rule], lists: Mapping[str, Sequence[str]]) -> tuple[Rule, ...]:
    """The rules with each prefix list that is known replaced by its blocks, and those that add up to the world marked."""
    whole = list(_expanded(rules, lists))
    alike: dict[tuple[str, int | None, int | None], list[int]] = defaultdict(list)
    for at, rule in enumerate(whole):
        if not is_world(rule.peer):
            alike[rule.protocol, rule.from_port, rule.to_port].append(at)
    for places in alike.values():
        for at in _large_together({at: whole[at].peer for at in places}):
            whole[at] = replace(whole[at], together=len(places) - 1)
    return tuple(whole)


def _expanded(rules: Sequence[Rule], lists: Mapping[str, Sequence[str]]) -> Iterator[Rule]:
    for rule in rules:
        held = lists.get(rule.peer)
        if held is None:
            yield rule
        else:
            yield from (replace(rule, peer=block, through=rule.peer) for block in held)


def _large_together(peers: Mapping[int, str]) -> Iterable[int]:
    """Those of some blocks that are public and, overlaps counted once, a large part of all addresses; none: they are not."""
    if len(peers) < 2:
        return ()
    four: dict[int, ipaddress.IPv4Network] = {}
    six: dict[int, ipaddress.IPv6Network] = {}
    for at, peer in peers.items():
        try:
            block = ipaddress.ip_network(peer, strict=False)
        except ValueError:
            continue  # a group, or a list that was not read
        if block.is_private:
            continue
        if isinstance(block, ipaddress.IPv4Network):
            four[at] = block
        else:
            six[at] = block
    large_four = sum(block.num_addresses for block in ipaddress.collapse_addresses(four.values())) >= _LARGE[4]
    large_six = sum(block.num_addresses for block in ipaddress.collapse_addresses(six.values())) >= _LARGE[6]
    return [*(four if large_four else ()), *(six if large_six else ())]
