"""What rules about an instance see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.cloudtrail.recorded_calls import RecordedCalls, incident_of
from vpce_tui.core.ip_addresses import internal
from vpce_tui.detection.signals import Severity
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.role_privileges import IamRoles
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.amis import Ami
from vpce_tui.inventory.flow_log_queries import Traffic
from vpce_tui.inventory.resources import Finding, Instance, SecurityGroup

ADMINISTRATION_PORTS: Final = {
    22: "SSH",
    3389: "RDP",
    5985: "WinRM",
    5986: "WinRM",
    23: "Telnet",
    5900: "VNC",
    2375: "Docker",
    6443: "Kubernetes",
    3306: "MySQL",
    5432: "PostgreSQL",
    1433: "SQL Server",
    1521: "Oracle",
    27017: "MongoDB",
    6379: "Redis",
    9200: "Elasticsearch",
    11211: "memcached",
}


@dataclass(frozen=True, slots=True)
class NearbySuspiciousEndpoint:
    """An endpoint event assessed high or worse: its event, its endpoint's subnets, interfaces and VPC, and how bad it is."""

    event: Event
    endpoint: str
    severity: Severity
    vpc: str
    subnets: frozenset[str]
    addresses: frozenset[str]
    gone: bool = False
    """Whether it was looked for, and no longer exists."""
    deleted: datetime | None = None
    """When it was deleted, where event history says so."""


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """The instance, its region, what was done to it or with its role, and the endpoints to worry about near it.

    ``now``: the time of assessing. ``roles`` None: not read.
    """

    instance: Instance
    region: Region
    past: EventIndex = field(default_factory=EventIndex)
    now: datetime | None = None
    context: Context = field(default_factory=Context)
    trust_zone: TrustZone = field(default_factory=TrustZone)
    roles: IamRoles | None = None
    near: tuple[NearbySuspiciousEndpoint, ...] = ()
    traffic: Traffic | None = None
    about: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)
    """Calls that name the instance, its volumes or its interfaces, by event name."""
    by_role: tuple[Event, ...] = ()
    """Calls of its role's session."""
    alike: int = 0
    """Instances of its VPC that carry an owner's tag."""
    findings: tuple[Finding, ...] = ()
    """GuardDuty's findings about it."""
    recorded: RecordedCalls = field(default_factory=dict)
    """Calls that incident records have."""

    def is_response(self, event: Event) -> bool:
        """Whether an incident record has this very call: what was done about an intrusion is no sign of one."""
        return bool(incident_of(event, self.recorded))

    @property
    def groups(self) -> tuple[SecurityGroup, ...]:
        """The groups of its interfaces that are known."""
        used = {group for nic in self.instance.interfaces for group in nic.groups}
        known = self.region.network.groups
        return tuple(known[group] for group in sorted(used) if group in known)

    @property
    def image(self) -> Ami | None:
        """The AMI it was started from, where it is still there."""
        return self.region.images.get(self.instance.image_id)

    @property
    def public(self) -> str:
        """A public address of it; ``""``: it has none."""
        nics = self.instance.interfaces
        four = self.instance.public_ip or next((nic.public_ip for nic in nics if nic.public_ip), "")
        return four or next((address for nic in nics for address in nic.ipv6 if not internal(address)), "")

    def unread(self, *parts: str) -> str:
        """Why a part of the region is not known; ``""``: all of them are."""
        unknown = self.region.unknown
        return next((f"{part}: {unknown[part]}" for part in ("everything", *parts) if part in unknown), "")
