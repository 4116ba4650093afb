"""What rules about a ``CreateVpcEndpoint`` event see."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Final

from vpce_tui.inventory.account import Region
from vpce_tui.inventory.flows import Traffic
from vpce_tui.inventory.model import Endpoint, Instance, SecurityGroup
from vpce_tui.inventory.policies.model import parse
from vpce_tui.inventory.policies.outside import Ours, Outside, outside
from vpce_tui.signals.context import Context
from vpce_tui.signals.past import Past
from vpce_tui.trail.event import EndpointRequest, Event

AWS_SERVICE: Final = re.compile(
    r"(?:cn\.)?com\.amazonaws\.(?!vpce\.)[a-z0-9.-]+|aws\.(?:api|sagemaker)\.[a-z0-9.-]+|amazon\.[a-z0-9.-]+|software\.amazon\.[a-z0-9.-]+"
)
FOREIGN_SERVICE: Final = re.compile(r"(?:cn\.)?com\.amazonaws\.vpce\.[a-z0-9-]+\.vpce-svc-[0-9a-f]+")
USUAL: Final = timedelta(days=7)
"""Less of a look-back than this tells nothing of what is usual."""

NOT_LOOKED: Final = "the account as it is now was not looked at"
NOBODY: Final = Past()


@dataclass(slots=True)
class Subject:
    """The event with its request, what else happened, and the region as it is now (None: not looked at).

    Not to be changed once made. What many rules ask for is found out once: ``endpoint`` as it is now, the ``owner`` of the
    service (``amazon``, an account, or ``""`` where AWS was not asked or does not say), its name in ``short``, whether it is
    an ``aws_service`` by its owner or name, and whether it is a ``gateway``.
    """

    event: Event
    request: EndpointRequest
    past: Past = NOBODY
    region: Region | None = None
    machine: tuple[Instance, Region] | None = None
    """The instance whose session made it, with its region, where it was found in some region."""
    context: Context = field(default_factory=Context)
    ours: Ours = field(default_factory=Ours)
    traffic: Traffic | None = None
    machine_role: str = ""
    """The role that the machine's profile hands out, where it is known."""
    endpoint: Endpoint | None = field(init=False)
    owner: str = field(init=False)
    short: str = field(init=False)
    aws_service: bool = field(init=False)
    gateway: bool = field(init=False)

    def __post_init__(self) -> None:
        network, request = self.region.network if self.region else None, self.request
        self.endpoint = network.endpoints.get(request.endpoint_id) if network else None
        self.owner = network.owners.get(request.service, "") if network else ""
        self.short = service_short(request.service)
        self.aws_service = self.owner == "amazon" or (not self.owner and _looks_like_aws(request.service))
        kind = request.type or (self.endpoint.type if self.endpoint else "")
        self.gateway = kind == "Gateway" or (not kind and self.short in ("s3", "dynamodb") and not request.subnets)

    @property
    def policies(self) -> tuple[str, ...]:
        """The policy that it was made with (``""``: the default one), and the one that it has now, where that is another."""
        made, now = self.request.policy or "", self.endpoint.policy if self.endpoint else ""
        return (made, now) if now and now != made else (made,)

    def lets_through(self, policy: str) -> Outside | None:
        """Who may do what through it by a policy; None for the default one."""
        return _through(policy, self.ours) if policy else None

    @property
    def groups(self) -> tuple[SecurityGroup, ...] | None:
        """Its security groups as they are now; None where they are not known."""
        if self.region is None or self.endpoint is None or "groups" in self.region.network.unknown:
            return None
        known = self.region.network.groups
        return tuple(known[group] for group in self.endpoint.groups if group in known)

    def not_read(self, part: str, words: str) -> str:
        """Why a part of the region's network is not known; ``""``: it is."""
        if self.region is None:
            return NOT_LOOKED
        why = self.region.unknown.get("everything") or self.region.network.unknown.get(part)
        return f"{words}: {why}" if why else ""


@lru_cache(maxsize=4096)
def _looks_like_aws(name: str) -> bool:
    return bool(AWS_SERVICE.fullmatch(name))


@lru_cache(maxsize=4096)
def _through(text: str, ours: Ours) -> Outside:
    return outside(parse(text), ours)


@lru_cache(maxsize=4096)
def service_short(name: str) -> str:
    """``s3`` of ``com.amazonaws.eu-west-1.s3``; the whole ``vpce-svc-…`` of a foreign one."""
    parts = name.split(".")
    if "vpce" in parts:
        return parts[-1]
    if len(parts) > 3 and name.startswith(("com.amazonaws.", "cn.com.amazonaws.")):
        return ".".join(parts[3:] if parts[0] == "com" else parts[4:])
    return name
