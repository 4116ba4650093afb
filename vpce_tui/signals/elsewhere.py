"""Whether an instance's credentials were used away from the instance."""

from collections.abc import Set

from vpce_tui.signals.context import address_of, internal
from vpce_tui.trail.event import Event


def used_outside(event: Event, own: Set[str]) -> bool:
    """Whether a call of its session came from an address that is none of ``own`` (its interfaces', its VPC's NAT gateways').

    A private address is its own where the call came through a VPC endpoint. Names of AWS services are no addresses.
    """
    if address_of(event.source_ip) is None or event.source_ip in own:
        return False
    return not (event.through and internal(event.source_ip))
