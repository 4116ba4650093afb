"""What rules about a ``CreateVpcEndpoint`` event see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Final

from vpce_tui.aws.endpoint_services import FOREIGN_SERVICE, looks_like_aws, service_short, source_of
from vpce_tui.cloudtrail.callers import is_aws_service_principal, principal_key
from vpce_tui.cloudtrail.event import EndpointRequest, Event, Principal
from vpce_tui.cloudtrail.event_index import Answered, EventIndex, RegionServiceUsage
from vpce_tui.cloudtrail.event_timeline import NO_BASELINE, CallerBaseline, Timeline
from vpce_tui.detection.rule import RuleResult, RuleResults
from vpce_tui.detection.signals import Assessment
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.external_access import ExternalAccess, evaluate_external_access
from vpce_tui.iam.policy_document import parse
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.flow_log_queries import Traffic
from vpce_tui.inventory.networks import Network
from vpce_tui.inventory.resources import Endpoint, Instance, SecurityGroup

USUAL: Final = timedelta(days=7)
"""A shorter look-back gives no baseline."""

NOT_LOOKED: Final = "the current state of the account was not read"
NOBODY: Final = EventIndex()
PolicyAnswers = tuple[RuleResult, RuleResult, RuleResult]
SensitiveCallSet = Mapping[str, tuple[Timeline, Timeline]]
"""Calls that mean something, by their name: those that open something, and the others."""


@dataclass(slots=True)
class EndpointFacts:
    """What was asked for and what is there now, in whatever event: equal for all that asked for the same, and assessed once.

    It holds nothing of who asked, when, or from where, so that no rule about it can rest on that. ``request`` names no tags, and
    an endpoint only where something is known of it; ``named``: the record does. ``used``: the calls through it that are known. Not to be
    changed once made; ``owner`` of the service is ``amazon``, an account, or ``""`` where AWS was not asked or does not say.
    """

    request: EndpointRequest
    where: str = ""
    """The region of the record."""
    region: Region | None = None
    """That region as it is now; None: not looked at."""
    context: Context = field(default_factory=Context)
    trust_zone: TrustZone = field(default_factory=TrustZone)
    account: str = ""
    """The account that recorded it."""
    shared_event_id: str = ""
    """The id that the records of several accounts about the call share."""
    named: bool = False
    past: EventIndex = NOBODY
    traffic: Traffic | None = None
    """What flow logs said of it; None: they were not asked."""
    used: Sequence[Event] = field(init=False)
    endpoint: Endpoint | None = field(init=False)
    owner: str = field(init=False)
    short: str = field(init=False)
    """The name of the service in short."""
    aws_service: bool = field(init=False)
    """Whether the service is AWS's, by its owner or name."""
    gateway: bool = field(init=False)
    source: str = field(init=False)
    """The event source in which the use of its service shows; ``""``: that is not in event history."""
    place: RegionServiceUsage = field(init=False)
    """What is known of the region, and of the use of the service there."""
    takes_policy: bool = field(init=False)
    """Whether it takes a policy: those for other people's services and for load balancers do not, nor those that lead to a resource."""
    matters: tuple[str, str] | None = field(init=False)
    """The VPC or subnet that matters most, and the tag that says so; None: no such tag was seen."""
    groups: tuple[SecurityGroup, ...] | None = field(init=False)
    """Its security groups as they are now; None where they are not known."""
    answers: dict[bool, RuleResults] = field(init=False, default_factory=dict)
    """What the rules about it said, of an attempt and of one that made something: kept, as it cannot change."""
    by_policy: PolicyAnswers | None = field(init=False, default=None)
    """What the rules about its policy say, once they were asked."""
    assessments: dict[bool, Assessment] = field(init=False, default_factory=dict)
    """And how that is assessed where nothing is to be said of who made it, and when."""

    def __post_init__(self) -> None:
        network, request = self.region.network if self.region else None, self.request
        self.endpoint = network.endpoints.get(request.endpoint_id) if network else None
        self.owner = network.owners.get(request.service, "") if network else ""
        self.short = service_short(request.service)
        self.aws_service = self.owner == "amazon" or (not self.owner and looks_like_aws(request.service))
        kind = request.type or (self.endpoint.type if self.endpoint else "")
        self.gateway = kind == "Gateway" or (not kind and self.short in ("s3", "dynamodb") and not request.subnets)
        self.takes_policy = (
            bool(request.service)
            and request.type != "GatewayLoadBalancer"
            and (self.aws_service or not FOREIGN_SERVICE.fullmatch(request.service))
        )
        line = self.past.through.get(request.endpoint_id) if request.endpoint_id else None
        self.used = line.events if line else ()
        self.source = source_of(request.service)
        self.place = self.past.place(self.where, self.source)
        self.matters = _what_matters(network, request, self.context) if network else None
        self.groups = None
        if network is not None and self.endpoint is not None and "groups" not in network.unknown:
            self.groups = tuple(network.groups[group] for group in self.endpoint.groups if group in network.groups)

    @property
    def policies(self) -> tuple[str, ...]:
        """The policy that it was made with (``""``: the default one), and the one that it has now, where that is another."""
        made, now = self.request.policy or "", self.endpoint.policy if self.endpoint else ""
        return (made, now) if now and now != made else (made,)

    @property
    def gone(self) -> bool:
        """Whether the endpoint that the record names was looked for, and no longer exists."""
        if self.endpoint is not None:
            return self.named and self.endpoint.state in ("deleted", "deleting")
        return self.named and self.region is not None and not self.not_read("endpoints", "the endpoint")

    def not_read(self, part: str, words: str) -> str:
        """Why a part of the region's network is not known; ``""``: it is."""
        if self.region is None:
            return NOT_LOOKED
        why = self.region.unknown.get("everything") or self.region.network.unknown.get(part)
        return f"{words}: {why}" if why else ""


def _what_matters(network: Network, request: EndpointRequest, context: Context) -> tuple[str, str] | None:
    vpc = network.vpcs.get(request.vpc_id)
    said = context.restricted(vpc.tags) if vpc is not None else ""
    if said:
        return f"VPC {request.vpc_id}", said
    for name in request.subnets:
        subnet = network.subnets.get(name)
        said = context.restricted(subnet.tags) if subnet is not None else ""
        if said:
            return f"subnet {name}", said
    return None


@dataclass(slots=True)
class CallerFacts:
    """Who asked, with which credentials and tool: equal for all of their calls, and assessed once.

    It holds nothing of when and for what. Not to be changed once made. ``who`` it is, whatever the session; ``by_aws``: a
    service of AWS, of its own.
    """

    principal: Principal
    account: str = ""
    """The account that recorded it."""
    agent: str = ""
    console: bool = False
    context: Context = field(default_factory=Context)
    past: EventIndex = NOBODY
    instance: tuple[Instance, Region] | None = None
    """The instance whose session it is, with its region, where it was found in some region."""
    instance_role: str = ""
    """The role that the instance's profile hands out, where it is known."""
    who: str = field(init=False)
    by_aws: bool = field(init=False)
    instance_id: str = field(init=False)
    """The instance whose session it says it is."""
    pipeline: bool = field(init=False)
    """Whether the team configured it as a pipeline."""
    baseline: CallerBaseline = field(init=False)
    refused: Timeline | None = field(init=False)
    """Its refused attempts to make an endpoint."""
    sensitive_calls: SensitiveCallSet = field(init=False, default_factory=dict)
    """What the session did that means something."""
    sensitive_calls_elsewhere: SensitiveCallSet = field(init=False, default_factory=dict)
    """What the same did in whatever session."""
    calls: Answered | None = field(init=False)
    """What was asked of its session's calls; None: nothing."""
    answers: dict[bool, RuleResults] = field(init=False, default_factory=dict)
    """What the rules about it said, of an attempt and of a call that made something: kept, as it cannot change."""

    def __post_init__(self) -> None:
        principal, past = self.principal, self.past
        self.who = who = principal_key(principal)
        self.by_aws = is_aws_service_principal(principal, self.account)
        self.instance_id = principal.instance_id
        self.pipeline = self.context.pipeline((principal.arn, principal.role_arn), self.agent)
        self.baseline = past.baselines.get(who, NO_BASELINE)
        self.refused = past.refused.get(who)
        key = principal.access_key_id
        self.calls = past.knows(f"AccessKeyId={key}") if key else None


@dataclass(slots=True)
class EventFacts:
    """The event with what it made and who made it, and what else happened. Not to be changed once made."""

    event: Event
    endpoint_facts: EndpointFacts
    caller_facts: CallerFacts
    past: EventIndex = NOBODY
    endpoint_id: str = field(init=False)
    """The endpoint that it made; ``""``: none, or the record does not say."""
    region: Region | None = field(init=False)
    context: Context = field(init=False)
    trust_zone: TrustZone = field(init=False)

    def __post_init__(self) -> None:
        made = self.endpoint_facts
        self.endpoint_id = self.event.request.endpoint_id if self.event.request else ""
        self.region, self.context, self.trust_zone = made.region, made.context, made.trust_zone


@lru_cache(maxsize=4096)
def evaluate_endpoint_policy(policy: str, trust_zone: TrustZone) -> ExternalAccess | None:
    """Who may do what by a policy of an endpoint; None for the default one (``""``)."""
    return evaluate_external_access(parse(policy), trust_zone) if policy else None
