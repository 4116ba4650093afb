"""Whether an instance's credentials were used away from the instance."""

from collections.abc import Set
from datetime import datetime

from vpce_tui.cloudtrail.event import Event, Principal
from vpce_tui.core.ip_addresses import address_of
from vpce_tui.detection.rule import Inconclusive, Match, Pass
from vpce_tui.detection.signals import SignalFact
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.resources import Instance


def delivered(principal: Principal, role: str) -> bool:
    """Whether a session is an instance's: EC2 delivered it, or it is of the role that the instance has (``""``: not known).

    Its name alone proves nothing: whoever assumes a role chooses it.
    """
    return bool(principal.instance_id) and bool(principal.ec2_role_delivery or (role and principal.role_name == role))


def where_used(
    event: Event, instance: Instance, region: Region, trust_zone: TrustZone
) -> Match | Inconclusive | Pass | None:
    """Whether a call of an instance's session came from somewhere else than the instance.

    Through a VPC endpoint the address proves nothing, as anybody may give an instance of theirs the same private one: it is the
    endpoint that must be ours. Without one it must be an address of its interfaces, or of a NAT gateway of its VPC. Addresses
    are of now: of calls before the instance was last started nothing is said.
    """
    address = event.source_ip
    if address_of(address) is None:
        return None
    network = region.network
    if event.vpc_endpoint_id:
        if event.vpc_endpoint_id in network.endpoints or (
            event.vpc_endpoint_account_id and event.vpc_endpoint_account_id in trust_zone.accounts
        ):
            return Pass(f"used through {event.vpc_endpoint_id}, which is yours")
        if "endpoints" in network.unknown or "everything" in region.unknown or "networks" in region.unknown:
            return Inconclusive(
                f"whether {event.vpc_endpoint_id} is yours: {network.unknown.get('endpoints') or 'endpoints were not read'}"
            )
        facts = (
            SignalFact("vpcEndpointId", event.vpc_endpoint_id),
            SignalFact("sourceIPAddress", address),
            SignalFact("endpoints of the region", str(len(network.endpoints)), "live"),
        )
        return Match(f"used through {event.vpc_endpoint_id}, an endpoint that is not yours", facts)
    own: Set[str] = instance.addresses | region.outside_addresses(instance.vpc_id)
    if address in own:
        return Pass(f"used from {address}, which is the instance's own egress address")
    if _started_after(instance, event.time):
        return Inconclusive(f"whether {address} was its address: it was stopped and started after the call")
    why = network.unknown.get("nat") or region.unknown.get("NAT gateways") or region.unknown.get("networks")
    if why:
        return Inconclusive(f"whether {address} is its NAT gateway: {why}")
    facts = (
        SignalFact("sourceIPAddress", address),
        SignalFact("addresses of the instance", ", ".join(sorted(instance.addresses)) or "none", "live"),
        SignalFact(
            "NAT addresses of its VPC", ", ".join(sorted(region.outside_addresses(instance.vpc_id))) or "none", "live"
        ),
    )
    return Match(f"used from {address}, which is not the instance's", facts)


def _started_after(instance: Instance, moment: datetime) -> bool:
    return instance.launched is not None and instance.launched > moment
