"""What every look at a target shares: on whose behalf it is taken, what counts as ours, and how aspects are read.

An aspect that could not be read is named in ``unknown`` with the reason; it is never taken for empty.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import SecurityGroup

TAG_INCIDENT: Final = "vpce-tui:incident"
TAG_STEP: Final = "vpce-tui:step"
TAG_CALL: Final = "vpce-tui:call"
TAG_TARGET: Final = "vpce-tui:target"
_IAM_REGIONS: Final = {"cn-": "cn-north-1", "us-gov-": "us-gov-west-1"}


def iam_region(region: str) -> str:
    """Where IAM of the partition of ``region`` is called."""
    return next((home for prefix, home in _IAM_REGIONS.items() if region.startswith(prefix)), "us-east-1")


class Unreadable(Exception):
    """Something that must be known could not be read; it is never taken for empty."""


class TargetGone(Exception):
    """The target does not exist in this region and account."""


@dataclass(frozen=True, slots=True)
class AppliedCall:
    """A call of the incident that is in effect. ``at``: when it was begun (RFC 3339)."""

    at: str
    operation: str
    parameters: Mapping[str, object]


OnRead = Callable[[str, int, int], object]
"""What is read next, how many were read, and of how many."""


@dataclass(frozen=True, slots=True)
class PlanningContext:
    """What a plan is made for: the incident, and what its record and earlier plans hold about the target."""

    incident: str = ""
    """Name of the incident; ``""``: none is open."""
    since: str = ""
    """When the incident was opened (RFC 3339)."""
    gave: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids that each call of this incident returned, by call id."""
    begun: frozenset[str] = frozenset()
    """Ids of the calls whose intent is recorded."""
    remembered: Mapping[str, object] = field(default_factory=dict)
    """What the action needs of an earlier plan of the step or of its answers, by the action's own keys."""
    inverses: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Parameters of the recorded inverses of this playbook's calls on the target, by call id."""
    in_effect: "Mapping[str, AppliedCall]" = field(default_factory=dict)
    """Calls in effect, by call id."""
    before: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """As ``inverses``, of every playbook of the incident on the same target: its state before the incident."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Answers to the step's prompts; empty while a whole playbook is planned."""
    live: bool = False
    """Whether one step is about to run or to be read back."""
    targets: frozenset[str] = frozenset()
    """Ids of everything that the incident acted on."""
    lost: Mapping[str, str] = field(default_factory=dict)
    """When (RFC 3339) each call was started whose answer was lost, by call id; it may have taken effect."""
    history: EventHistory | None = field(default=None, compare=False)
    """Event history as it was looked up so far, by searches and earlier plans; None: nothing was."""
    on_read: OnRead = field(default=lambda *_: None, compare=False)
    """Called before an aspect is read."""

    def event_history(self, client: AwsClient) -> EventHistory:
        """Where event history is asked: what is known of it is not asked again."""
        return self.history or EventHistory(client)

    def made_by(self, call: str, identifier: str) -> bool:
        """Whether something tagged as made by ``call`` is ours: tags can be written by anybody, so it must be what the
        record knows, or the call must have been begun and its answer not be known."""
        return identifier in self.gave[call] if call in self.gave else call in self.begun


class TargetState(Protocol):
    """Anything a step is planned over: frozen, read at one moment."""

    @property
    def unknown(self) -> Mapping[str, str]:
        """Aspects that could not be read, with the reason."""

    @property
    def gone(self) -> bool:
        """Whether the target does not exist any more."""


W = TypeVar("W", bound=TargetState)
Reader = Callable[[AwsClient, W, PlanningContext], W]
"""Reads one aspect: the state with what it read; raises :class:`AwsError`, or :class:`Unreadable`."""


def read_aspects(
    client: AwsClient, state: W, aspects: Iterable[str], readers: Mapping[str, Reader[W]], asked: PlanningContext
) -> tuple[W, dict[str, str]]:
    """``state`` with each aspect read, and why by each aspect that could not be read."""
    unknown: dict[str, str] = {}
    wanted = sorted(set(aspects))
    for done, aspect in enumerate(wanted):
        asked.on_read(aspect, done, len(wanted))
        try:
            state = readers[aspect](client, state, asked)
        except AwsError as error:
            unknown[aspect] = error.sentence()
        except Unreadable as error:
            unknown[aspect] = str(error)
    return state, unknown


def aws_now(client: AwsClient) -> datetime:
    """AWS's clock."""
    answer = client.read(Call("sts", "GetCallerIdentity", client.home_region))
    return answer.aws_time or datetime.now(UTC)


def ours(tags: Mapping[str, str], target: str, asked: PlanningContext) -> bool:
    """Whether tags say that this incident made it for ``target``; anybody may write tags, see :meth:`PlanningContext.made_by`."""
    marked = tags.get(TAG_TARGET) == target and TAG_CALL in tags
    return bool(asked.incident) and marked and tags.get(TAG_INCIDENT) == asked.incident


@dataclass(frozen=True, slots=True)
class VpcGroups:
    """The security groups of a VPC: ours by the call that made them, and the names that are taken."""

    own: Mapping[str, SecurityGroup] = field(default_factory=dict)
    all: Mapping[str, SecurityGroup] = field(default_factory=dict)
    ipv6: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Names that somebody else has taken."""
        mine = {group.id for group in self.own.values()}
        return frozenset(group.name for group in self.all.values() if group.id not in mine)

    def label(self, identifier: str) -> str:
        """``name id`` where the name is known."""
        known = self.all.get(identifier)
        return f"{known.name} {identifier}" if known and known.name else identifier


def vpc_groups(client: AwsClient, region: str, vpc: str, target: str, asked: PlanningContext) -> VpcGroups:
    """Every group of ``vpc``, and which of them this incident made for ``target``."""
    call = Call(
        service="ec2",
        operation="DescribeSecurityGroups",
        region=region,
        parameters={"Filters": [{"Name": "vpc-id", "Values": [vpc]}]},
    )
    own: dict[str, SecurityGroup] = {}
    found: dict[str, SecurityGroup] = {}
    for page in client.pages(call):
        for raw in page.data.get("SecurityGroups", []):
            group = parse.security_group(raw, region)
            found[group.id] = group
            if ours(group.tags, target, asked) and asked.made_by(group.tags[TAG_CALL], group.id):
                own[group.tags[TAG_CALL]] = group
    vpcs = client.read(
        Call(service="ec2", operation="DescribeVpcs", region=region, parameters={"VpcIds": [vpc]})
    ).data.get("Vpcs", [])
    blocks = [block for raw in vpcs for block in raw.get("Ipv6CidrBlockAssociationSet") or ()]
    ipv6 = any((block.get("Ipv6CidrBlockState") or {}).get("State") == "associated" for block in blocks)
    return VpcGroups(own, found, ipv6)


def find_region(
    client: AwsClient,
    target: str,
    regions: Iterable[str],
    service: str,
    operation: str,
    key: str,
    parameters: Mapping[str, object],
) -> str:
    """The region in which a describe call finds the target; raises :class:`TargetGone` when in none, :class:`Unreadable`
    when not all could be asked."""
    problems: dict[str, AwsError] = {}
    for region in regions:
        try:
            if any(
                page.data.get(key)
                for page in client.pages(
                    Call(service=service, operation=operation, region=region, parameters=parameters)
                )
            ):
                return region
        except AwsError as error:
            if error.kind in (ErrorKind.EXPIRED, ErrorKind.NO_CREDENTIALS, ErrorKind.UNREACHABLE):
                raise
            problems[region] = error
    if problems:
        first = next(iter(problems.values()))
        raise Unreadable(
            f"{target} was not found, and {len(problems)} regions could not be searched ({', '.join(problems)}): "
            f"{first.sentence()} Name its region with --region."
        )
    raise TargetGone(f"{target} was found in none of the regions searched; is it in another account?")
