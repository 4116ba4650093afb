"""What is known of an instance, and which parts of that a step may need."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vpce_tui.inventory.resources import Instance, Interface, Volume
from vpce_tui.plans.targets import launch, launch_amis, load_balancing
from vpce_tui.plans.targets.barriers import SecurityGroupRule
from vpce_tui.plans.targets.load_balancing import AutoScalingMembership, Registration
from vpce_tui.plans.targets.planning_context import (
    VpcGroups,
)
from vpce_tui.plans.targets.replacement import Replacement
from vpce_tui.plans.targets.role import HeldRole


@dataclass(frozen=True, slots=True)
class Attributes:
    """What protects the instance, and what its own shutdown does (``stop`` or ``terminate``)."""

    termination_protection: bool
    stop_protection: bool
    shutdown_behavior: str


@dataclass(frozen=True, slots=True)
class Spot:
    """The spot request behind it; a ``persistent`` one starts it again."""

    id: str
    type: str
    state: str


@dataclass(frozen=True, slots=True)
class EbsSnapshot:
    """A snapshot that we made of one of its volumes."""

    id: str
    volume_id: str
    state: str
    progress: str
    call: str
    locked: bool = False
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceState:
    """One instance and all around it. A field of None was not asked for, or is in ``unknown``."""

    instance: Instance
    attributes: Attributes | None = None
    interfaces: tuple[Interface, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    role: HeldRole | None = None
    scaling: AutoScalingMembership | None = None
    targets: tuple[Registration, ...] | None = None
    classic: tuple[Registration, ...] | None = None
    groups: VpcGroups | None = None
    snapshots: tuple[EbsSnapshot, ...] | None = None
    spot: Spot | None = None
    detectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    images: launch_amis.LaunchAmis | None = None
    settings: launch.Settings | None = None
    old_rules: tuple[SecurityGroupRule, ...] | None = None
    group_names: Mapping[str, str] = field(default_factory=dict)
    policies: tuple[launch.PolicyOf, ...] | None = None
    new_role: launch.NewRole | None = None
    replacement: Replacement | None = None
    starter: load_balancing.LaunchSource | None = None
    target_groups: tuple[load_balancing.TargetGroup, ...] | None = None
    balancers: tuple[load_balancing.ClassicBalancer, ...] = ()
    registered: Mapping[str, frozenset[tuple[str, int]]] = field(default_factory=dict)
    """Targets (id and port) of each of those target groups."""
    addresses: tuple[load_balancing.ElasticIp, ...] | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Whether it is terminated, or on its way there."""
        return self.instance.gone


class InstanceAspect:
    """Names of the parts that can be read."""

    ATTRIBUTES = "protection"
    INTERFACES = "interfaces"
    VOLUMES = "volumes"
    ROLE = "role"
    SCALING = "Auto Scaling group"
    TARGETS = "target groups"
    CLASSIC = "classic load balancers"
    GROUPS = "quarantine groups"
    SNAPSHOTS = "snapshots"
    SPOT = "Spot request"
    FINDINGS = "findings"
    IMAGES = "AMIs"
    SETTINGS = "launch settings"
    OLD_RULES = "rules of its groups"
    POLICIES = "policies of its role"
    NEW_ROLE = "new role"
    REPLACEMENT = "replacement"
    STARTER = "launch source of its Auto Scaling group"
    TARGET_GROUPS = "target groups of the VPC"
    ADDRESSES = "addresses"
