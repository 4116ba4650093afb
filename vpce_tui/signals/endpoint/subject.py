"""What rules about a ``CreateVpcEndpoint`` event see."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from vpce_tui.inventory.account import Region
from vpce_tui.inventory.flows import Traffic
from vpce_tui.inventory.model import Endpoint, Instance, SecurityGroup
from vpce_tui.inventory.policies.model import parse
from vpce_tui.inventory.policies.outside import Ours, Outside, outside
from vpce_tui.signals.context import Context
from vpce_tui.signals.past import Past, by_service, who_of
from vpce_tui.signals.rule import Answers
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
class Made:
    """What was asked for and what is there now, in whatever event: equal for all that asked for the same, and judged once.

    It holds nothing of who asked, when, or from where, so that no rule about it can rest on that. ``request`` names an endpoint
    only where something is known of it; ``named``: the record does. ``used``: the calls through it that are known. Not to be
    changed once made; ``owner`` of the service is ``amazon``, an account, or ``""`` where AWS was not asked or does not say.
    """

    request: EndpointRequest
    where: str = ""
    """The region of the record."""
    region: Region | None = None
    """That region as it is now; None: not looked at."""
    context: Context = field(default_factory=Context)
    ours: Ours = field(default_factory=Ours)
    used: Sequence[Event] = ()
    named: bool = False
    endpoint: Endpoint | None = field(init=False)
    owner: str = field(init=False)
    short: str = field(init=False)
    """The name of the service in short."""
    aws_service: bool = field(init=False)
    """Whether the service is AWS's, by its owner or name."""
    gateway: bool = field(init=False)
    groups: tuple[SecurityGroup, ...] | None = field(init=False)
    """Its security groups as they are now; None where they are not known."""
    answers: dict[bool, Answers] = field(init=False, default_factory=dict)
    """What the rules about it said, of an attempt and of one that made something: kept, as it cannot change."""

    def __post_init__(self) -> None:
        network, request = self.region.network if self.region else None, self.request
        self.endpoint = network.endpoints.get(request.endpoint_id) if network else None
        self.owner = network.owners.get(request.service, "") if network else ""
        self.short = service_short(request.service)
        self.aws_service = self.owner == "amazon" or (not self.owner and _looks_like_aws(request.service))
        kind = request.type or (self.endpoint.type if self.endpoint else "")
        self.gateway = kind == "Gateway" or (not kind and self.short in ("s3", "dynamodb") and not request.subnets)
        self.groups = None
        if network is not None and self.endpoint is not None and "groups" not in network.unknown:
            self.groups = tuple(network.groups[group] for group in self.endpoint.groups if group in network.groups)

    @property
    def policies(self) -> tuple[str, ...]:
        """The policy that it was made with (``""``: the default one), and the one that it has now, where that is another."""
        made, now = self.request.policy or "", self.endpoint.policy if self.endpoint else ""
        return (made, now) if now and now != made else (made,)

    def lets_through(self, policy: str) -> Outside | None:
        """Who may do what through it by a policy; None for the default one."""
        return _through(policy, self.ours) if policy else None

    def not_read(self, part: str, words: str) -> str:
        """Why a part of the region's network is not known; ``""``: it is."""
        if self.region is None:
            return NOT_LOOKED
        why = self.region.unknown.get("everything") or self.region.network.unknown.get(part)
        return f"{words}: {why}" if why else ""


_ASKED: Final = attrgetter(*(item.name for item in fields(EndpointRequest) if item.name != "endpoint_id"))
"""All that a request says but the endpoint that came of it."""


@dataclass(slots=True)
class MadeOnce:
    """Gives the :class:`Made` of each event, one for all that asked for the same."""

    regions: Mapping[str, Region] | None
    context: Context
    ours: Ours
    past: Past = NOBODY
    _held: dict[tuple[Any, ...], Made] = field(default_factory=dict)

    def of(self, event: Event, request: EndpointRequest) -> Made:
        """What an event asked for, and what is there now."""
        region = self.regions.get(event.region) if self.regions is not None else None
        name = request.endpoint_id
        line = self.past.through.get(name) if name else None
        known = line is not None or (region is not None and name in region.network.endpoints)
        key = (event.region, bool(name), name if known else "", _ASKED(request))
        found = self._held.get(key)
        if found is None:
            found = self._held[key] = Made(
                request if known or not name else replace(request, endpoint_id=""), event.region, region, self.context,
                self.ours, line.events if line else (), bool(name),
            )  # fmt: skip
        return found


@dataclass(slots=True)
class Subject:
    """The event with what it made, what else happened, and the region as it is now (None: not looked at).

    Not to be changed once made. ``who`` made it, whatever session it was; ``by_aws``: a service of AWS, of its own.
    """

    event: Event
    made: Made
    past: Past = NOBODY
    machine: tuple[Instance, Region] | None = None
    """The instance whose session made it, with its region, where it was found in some region."""
    traffic: Traffic | None = None
    machine_role: str = ""
    """The role that the machine's profile hands out, where it is known."""
    who: str = field(init=False)
    by_aws: bool = field(init=False)
    endpoint_id: str = field(init=False)
    """The endpoint that it made; ``""``: none, or the record does not say."""
    region: Region | None = field(init=False)
    context: Context = field(init=False)
    ours: Ours = field(init=False)

    def __post_init__(self) -> None:
        event, made = self.event, self.made
        self.who, self.by_aws = who_of(event), by_service(event)
        self.endpoint_id = event.request.endpoint_id if event.request else ""
        self.region, self.context, self.ours = made.region, made.context, made.ours


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
