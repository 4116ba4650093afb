"""What records an account: trails of CloudTrail, recorders of AWS Config, and the buckets they write to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.cloudtrail.event import EPOCH
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.cloudtrail.lookup import A_MOMENT, OLDEST, LookupQuery
from vpce_tui.core.coverage import Status
from vpce_tui.core.json_values import mapping, string
from vpce_tui.inventory import parse
from vpce_tui.plans.targets.planning_context import PlanningContext, aws_now, iam_region

TRAIL_BUCKET: Final = "bucket of the trail"
CONFIG_BUCKET: Final = "bucket of AWS Config"
"""What a plan's answers say about how to look; see :attr:`PlanningContext.remembered`."""
CONFIG_ROLE: Final = "AWSServiceRoleForConfig"


def own_bucket(account: str, what: str) -> str:
    """What a bucket that we make is called: ``what`` is ``trail`` or ``config``."""
    return f"vpce-tui-{what}-{account}"


@dataclass(frozen=True, slots=True)
class LogBucket:
    """A bucket that is meant. ``mine``: it is this account's; ``taken``: the name is somebody else's; ``empty``: nothing is in it."""

    name: str
    mine: bool
    taken: bool = False
    empty: bool = True
    policy: Mapping[str, object] = field(default_factory=dict)
    blocked: bool = False
    """Whether it is closed to the public, all four ways."""
    region: str = ""
    """Where it is: a write sent to another region would be answered with a redirect, and is not sent again."""


@dataclass(frozen=True, slots=True)
class Trail:
    """One trail. ``stopped``: when its logging was last stopped (RFC 3339), where it was."""

    name: str
    arn: str
    home: str
    bucket: str
    multi_region: bool
    validated: bool
    global_events: bool
    logging: bool
    organization: bool = False
    stopped: str = ""
    problem: str = ""
    """What CloudTrail says of its last delivery, where that failed."""
    blind: str = ""
    """What its event selectors leave out of the management events."""

    @property
    def good(self) -> bool:
        """It records every region, continues, and can be checked."""
        return (
            self.multi_region
            and self.validated
            and self.logging
            and self.global_events
            and not (self.problem or self.blind)
        )


@dataclass(frozen=True, slots=True)
class Trails:
    """The trails of the account, the bucket a new one would write to, and who stopped what lately."""

    trails: tuple[Trail, ...] = ()
    bucket: LogBucket | None = None
    buckets: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()

    def named(self, name: str) -> Trail | None:
        """The trail of this name."""
        return next((trail for trail in self.trails if trail.name == name), None)


@dataclass(frozen=True, slots=True)
class ConfigRecorder:
    """The recorder of one region (``name`` ``""``: none)."""

    region: str
    name: str = ""
    role: str = ""
    recording: bool = False
    everything: bool = False
    last: str = ""
    """``SUCCESS`` or what the last delivery failed with."""
    channel: str = ""
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """AWS Config in the regions of the scope, the bucket a new channel would write to, and whether its role is there."""

    recorders: Mapping[str, ConfigRecorder] = field(default_factory=dict)
    bucket: LogBucket | None = None
    buckets: tuple[str, ...] = ()
    role: str = ""


_BUCKET_READS: Final = (
    "s3:ListBuckets",
    "s3:HeadBucket",
    "s3:GetBucketPolicy",
    "s3:GetPublicAccessBlock",
    "s3:ListObjectsV2",
)
TRAIL_READS: Final = (
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:LookupEvents",
    *_BUCKET_READS,
)
CONFIG_READS: Final = (
    "config:DescribeConfigurationRecorders",
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeDeliveryChannels",
    "iam:GetRole",
    *_BUCKET_READS,
)


def read_trails(client: AwsClient, account: str, home: str, asked: PlanningContext) -> Trails:
    """Every trail with its status; the bucket of the answers."""
    raws = client.read(
        Call(service="cloudtrail", operation="DescribeTrails", region=home, parameters={"includeShadowTrails": True})
    ).data.get("trailList", [])
    trails = tuple(sorted((_trail(client, raw, home) for raw in raws), key=lambda trail: (trail.home, trail.name)))
    buckets = _buckets(client, home)
    named = str(asked.remembered.get(TRAIL_BUCKET) or own_bucket(account, "trail"))
    return Trails(
        trails=trails,
        bucket=read_bucket(client, named, home, buckets, account),
        buckets=buckets,
        stops=_stops(client, asked.event_history(client), sorted({home, *(trail.home for trail in trails)})),
    )


def _trail(client: AwsClient, raw: Mapping[str, object], home: str) -> Trail:
    region = str(raw.get("HomeRegion") or home)
    arn = str(raw.get("TrailARN", ""))
    status = client.read(
        Call(
            service="cloudtrail",
            operation="GetTrailStatus",
            region=region,
            parameters={"Name": arn or raw.get("Name", "")},
        )
    ).data
    stopped = parse.moment(status.get("StopLoggingTime"))
    return Trail(
        name=str(raw.get("Name", "")),
        arn=arn,
        home=region,
        bucket=str(raw.get("S3BucketName", "")),
        multi_region=bool(raw.get("IsMultiRegionTrail")),
        validated=bool(raw.get("LogFileValidationEnabled")),
        global_events=bool(raw.get("IncludeGlobalServiceEvents")),
        logging=bool(status.get("IsLogging")),
        organization=bool(raw.get("IsOrganizationTrail")),
        stopped=stopped.strftime("%Y-%m-%dT%H:%M:%SZ") if stopped else "",
        problem=str(status.get("LatestDeliveryError") or ""),
        blind=_left_out(client, region, arn or str(raw.get("Name", ""))),
    )


def _left_out(client: AwsClient, region: str, trail: str) -> str:
    """What the event selectors of a trail leave out of the management events; an intruder blinds a trail by them."""
    answer = client.read(
        Call(service="cloudtrail", operation="GetEventSelectors", region=region, parameters={"TrailName": trail})
    ).data
    simple, advanced = answer.get("EventSelectors") or (), answer.get("AdvancedEventSelectors") or ()
    if advanced:
        fields = [selector.get("FieldSelectors") or () for selector in advanced]
        whole = any(
            {item.get("Field") for item in found} == {"eventCategory"} and found[0].get("Equals") == ["Management"]
            for found in fields
            if found
        )
        return "" if whole else "not every management event is recorded (advanced event selectors)"
    if not simple:
        return ""  # a trail without selectors records every management event
    ways = {item.get("ReadWriteType", "All") for item in simple if item.get("IncludeManagementEvents", True)}
    if "All" in ways or ways >= {"ReadOnly", "WriteOnly"}:
        return ""
    return f"{'only ' + ways.pop() if ways else 'no'} management events are recorded"


def _stops(client: AwsClient, history: EventHistory, regions: Sequence[str]) -> tuple[str, ...]:
    """Who stopped logging, or deleted or changed a trail, in the last 90 days: the newest calls of each kind."""
    until, said = aws_now(client), list[str]()
    for region in regions:
        for name in ("StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"):
            events, part = history.ask(region, LookupQuery(until - OLDEST, until, name, pages=1, may_be_old=A_MOMENT))
            if part.status is not Status.LOOKED:
                said.append(f"whether logging was stopped in {region} could not be queried: {part.reason}")
                break
            for event in events:
                when = event.time.strftime("%Y-%m-%dT%H:%M:%SZ") if event.time > EPOCH else "at an unknown time"
                said.append(f"{name} by {event.principal.name or 'somebody'} in {region}, {when}")
    return tuple(said)


def _buckets(client: AwsClient, home: str) -> tuple[str, ...]:
    """The account's buckets by name."""
    answer = client.read(Call("s3", "ListBuckets", home)).data
    return tuple(sorted(str(item["Name"]) for item in answer.get("Buckets", [])))


def read_bucket(client: AwsClient, name: str, home: str, mine: Sequence[str], account: str) -> LogBucket:
    """What is to be known of a bucket before something is written to it, or it is deleted."""
    owned: dict[str, object] = {"Bucket": name, "ExpectedBucketOwner": account}
    if name not in mine:
        try:
            client.read(Call(service="s3", operation="HeadBucket", region=home, parameters={"Bucket": name}))
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND or error.code in ("404", "NoSuchBucket"):
                return LogBucket(name, mine=False)
            if error.kind in (
                ErrorKind.EXPIRED,
                ErrorKind.NO_CREDENTIALS,
                ErrorKind.UNREACHABLE,
                ErrorKind.THROTTLED,
                ErrorKind.SERVER,
            ):
                raise
        return LogBucket(name, mine=False, taken=True)
    region = str(
        client.read(Call(service="s3", operation="HeadBucket", region=home, parameters=owned)).data.get("BucketRegion")
        or home
    )
    objects = client.read(
        Call(service="s3", operation="ListObjectsV2", region=region, parameters={**owned, "MaxKeys": 1})
    ).data
    policy = _or_nothing(
        client, Call(service="s3", operation="GetBucketPolicy", region=region, parameters=owned), "NoSuchBucketPolicy"
    ).get("Policy")
    block = _or_nothing(
        client,
        Call(service="s3", operation="GetPublicAccessBlock", region=region, parameters=owned),
        "NoSuchPublicAccessBlockConfiguration",
    )
    ways = mapping(block, "PublicAccessBlockConfiguration")
    return LogBucket(
        name,
        mine=True,
        empty=not objects.get("KeyCount"),
        policy=mapping(json.loads(policy)) if isinstance(policy, str) and policy else {},
        blocked=len(ways) >= 4 and all(ways.values()),
        region=region,
    )


def _or_nothing(client: AwsClient, call: Call, code: str) -> Mapping[str, object]:
    try:
        return client.read(call).data
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND or error.code == code:
            return {}
        raise


def read_recorder(client: AwsClient, region: str) -> ConfigRecorder:
    """The recorder and channel of one region; AWS allows one of each."""
    recorders = client.read(Call("config", "DescribeConfigurationRecorders", region)).data.get(
        "ConfigurationRecorders", []
    )
    channels = client.read(Call("config", "DescribeDeliveryChannels", region)).data.get("DeliveryChannels", [])
    channel: Mapping[str, object] = channels[0] if channels else {}
    if not recorders:
        return ConfigRecorder(region, channel=str(channel.get("name", "")), bucket=str(channel.get("s3BucketName", "")))
    raw = recorders[0]
    statuses = client.read(Call("config", "DescribeConfigurationRecorderStatus", region)).data
    status: Mapping[str, object] = next(iter(statuses.get("ConfigurationRecordersStatus", [])), {})
    return ConfigRecorder(
        region=region,
        name=str(raw.get("name", "")),
        role=str(raw.get("roleARN", "")),
        recording=bool(status.get("recording")),
        everything=bool((raw.get("recordingGroup") or {}).get("allSupported")),
        last=str(status.get("lastStatus") or ""),
        channel=str(channel.get("name", "")),
        bucket=str(channel.get("s3BucketName", "")),
    )


def read_config(
    client: AwsClient, account: str, home: str, recorders: Mapping[str, ConfigRecorder], asked: PlanningContext
) -> Config:
    """With what a new recorder needs: its bucket and role."""
    buckets = _buckets(client, home)
    named = str(asked.remembered.get(CONFIG_BUCKET) or own_bucket(account, "config"))
    role = _or_nothing(
        client,
        Call(service="iam", operation="GetRole", region=iam_region(home), parameters={"RoleName": CONFIG_ROLE}),
        "NoSuchEntity",
    )
    return Config(
        recorders=recorders,
        bucket=read_bucket(client, named, home, buckets, account),
        buckets=buckets,
        role=string(role, "Role", "Arn"),
    )
