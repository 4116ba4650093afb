"""Everything a playbook needs to know to harden an account: instances and their AMIs, wide rules, volumes, flow logs, AWS Config,
trails; read in every region of the scope, side by side.

What one region keeps back is in ``gaps`` with its reason; where the answers name things of that region, the aspect is unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.core.coverage import Part, Status, side_by_side
from vpce_tui.core.json_values import strings
from vpce_tui.inventory import amis, parse
from vpce_tui.inventory.amis import Ami
from vpce_tui.inventory.resources import Instance, tags_of
from vpce_tui.plans.targets import ebs_volumes as ebs
from vpce_tui.plans.targets import launch_amis, recording
from vpce_tui.plans.targets.barriers import SecurityGroupRule
from vpce_tui.plans.targets.flow_logs import FlowLogging, flow_logging
from vpce_tui.plans.targets.planning_context import PlanningContext, Reader, Unreadable, aws_now, read_aspects
from vpce_tui.plans.targets.read_barriers import group_rule

REGIONS: Final = "regions"
"""What a plan's answers say about the regions to look in; see :attr:`PlanningContext.remembered`."""


@dataclass(frozen=True, slots=True)
class AccountInstance:
    """One instance, the AMI it runs (None: gone) and the newest of its family (None: not known)."""

    instance: Instance
    image: Ami | None
    newest: Ami | None
    age_days: int | None
    deprecated: bool = False
    ended: str = ""


@dataclass(frozen=True, slots=True)
class WideRule:
    """A rule that lets the world in, the ranges of its group's VPC, and who holds the group."""

    region: str
    rule: SecurityGroupRule
    group_name: str
    vpc_ranges: tuple[str, ...]
    holders: tuple[str, ...]
    there: frozenset[tuple[str, bool, str, int, int, str]] = frozenset()
    """Effects of every rule of the group."""

    @property
    def key(self) -> str:
        """Value of this option in ``--set``; unique in its list."""
        return f"{self.region}/{self.rule.id}"


@dataclass(frozen=True, slots=True)
class AccountVpc:
    """One VPC and how many interfaces are in it."""

    region: str
    id: str
    name: str
    default: bool
    interfaces: int

    @property
    def key(self) -> str:
        """Value of this option in ``--set``; unique in its list."""
        return f"{self.region}/{self.id}"


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account. A field of None was not asked for, or is in ``unknown``."""

    account: str
    region: str
    regions: tuple[str, ...] = ()
    instances: tuple[AccountInstance, ...] | None = None
    rules: tuple[WideRule, ...] | None = None
    group_effects: Mapping[str, frozenset[tuple[str, bool, str, int, int, str]]] = field(default_factory=dict)
    """Effects of the rules of every group that was looked at, by ``region/group``."""
    encrypted: Mapping[str, bool] | None = None
    """Whether new volumes are encrypted, by region."""
    volumes: ebs.EbsVolumes | None = None
    vpcs: tuple[AccountVpc, ...] | None = None
    logging: Mapping[str, FlowLogging] = field(default_factory=dict)
    config: recording.Config | None = None
    trails: recording.Trails | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)
    gone: bool = False
    unknown: Mapping[str, str] = field(default_factory=dict)


class AccountAspect:
    """Names of the parts that can be read."""

    INSTANCES = "instances"
    RULES = "security group rules"
    ENCRYPTION = "encryption by default"
    VOLUMES = "volumes"
    FLOW_LOGS = "flow logs"
    CONFIG = "AWS Config"
    TRAILS = "trails"


def observe(
    client: AwsClient, target: str, region: str, aspects: Iterable[str], asked: PlanningContext
) -> AccountState:
    """Read the named aspects now, in the regions of the answers (nothing: every enabled one).

    Where the answers of a step that is about to run name things (``region/id``), only their regions are read. Raises
    :class:`Unreadable` where the credentials are for another account.
    """
    account = client.identity().account
    if target != account:
        raise Unreadable(f"{target} is not the account of these credentials, {account}.")
    answer = client.read(Call("ec2", "DescribeRegions", client.home_region)).data
    enabled = sorted(str(item["RegionName"]) for item in answer.get("Regions", []))
    wanted = [name for name in strings(asked.remembered, REGIONS) if name in enabled]
    read, unknown = read_aspects(
        client, AccountState(account, region, tuple(wanted or enabled)), aspects, _READERS, asked
    )
    return replace(read, unknown=unknown)


Found = TypeVar("Found")


def _each(
    client: AwsClient, state: AccountState, asked: PlanningContext, what: str, read: Callable[[str], Found]
) -> tuple[dict[str, Found], dict[str, str]]:
    """``read`` in every region; gives what was found and the gaps. Raises :class:`Unreadable` where nothing could be read, or
    not where it matters."""
    named = _named_regions(state, asked)
    regions = [name for name in state.regions if name in named] if named else list(state.regions)
    found: dict[str, Found] = {}

    def one(name: str) -> tuple[list[str], Part]:
        try:
            found[name] = read(name)
        except AwsError as error:
            if error.kind in (ErrorKind.EXPIRED, ErrorKind.NO_CREDENTIALS):
                raise
            return [], Part(name, Status.FAILED, error.sentence())
        return [name], Part(name=name, status=Status.LOOKED, reason="", items=1)

    _, parts = side_by_side(regions, one, at_most=8)
    failed = {part.name: part.reason for part in parts if part.status is not Status.LOOKED}
    if failed and (named & set(failed) or len(failed) == len(regions)):
        raise Unreadable("; ".join(f"{name}: {why}" for name, why in failed.items()))
    gaps = {**state.gaps, **{f"{what} in {name}": why for name, why in failed.items()}}
    return {name: found[name] for name in regions if name in found}, gaps


def _named_regions(state: AccountState, asked: PlanningContext) -> set[str]:
    """The regions of what the answers name (``region/id``, or a region)."""
    parts = [part.strip() for value in asked.choices.values() for part in value.split(",")]
    return {region for part in parts if (region := part.partition("/")[0]) in state.regions}


def _instances(client: AwsClient, state: AccountState, asked: PlanningContext) -> AccountState:
    now, opened = aws_now(client), parse.moment(asked.since)

    def read(region: str) -> tuple[AccountInstance, ...]:
        instances = [
            item
            for page in client.pages(Call("ec2", "DescribeInstances", region))
            for item in parse.instances(page.data, region, state.account)
            if not item.gone
        ]
        known = _images_of(client, region, instances)
        newest = {
            identifier: launch_amis.newest_of(client, region, item, state.account, now, opened)
            for identifier, item in known.items()
        }
        made = []
        for item in instances:
            image = known.get(item.image_id)
            family = amis.family_of(image) if image else None
            made.append(
                AccountInstance(
                    instance=item,
                    image=image,
                    newest=newest.get(item.image_id),
                    age_days=image.age_days(now) if image else None,
                    deprecated=bool(image and image.is_deprecated(now)),
                    ended=family.ended if family else "",
                )
            )
        return tuple(made)

    found, gaps = _each(client, state, asked, "instances", read)
    return replace(state, instances=tuple(item for some in found.values() for item in some), gaps=gaps)


def _images_of(client: AwsClient, region: str, instances: Iterable[Instance]) -> dict[str, Ami]:
    ids = sorted({item.image_id for item in instances if item.image_id})
    found: dict[str, Ami] = {}
    for start in range(0, len(ids), 100):
        filters = [{"Name": "image-id", "Values": ids[start : start + 100]}]
        for page in client.pages(
            Call(service="ec2", operation="DescribeImages", region=region, parameters={"Filters": filters})
        ):
            found.update({str(raw["ImageId"]): amis.image(raw) for raw in page.data.get("Images", [])})
    return found


def _rules(client: AwsClient, state: AccountState, asked: PlanningContext) -> AccountState:
    def read(region: str) -> tuple[tuple[WideRule, ...], dict[str, frozenset[tuple[str, bool, str, int, int, str]]]]:
        pages = client.pages(Call("ec2", "DescribeSecurityGroupRules", region))
        every = [group_rule(raw) for page in pages for raw in page.data.get("SecurityGroupRules", [])]
        effects: dict[str, set[tuple[str, bool, str, int, int, str]]] = {}
        for rule in every:
            effects.setdefault(rule.group, set()).add(rule.effect)
        frozen = {f"{region}/{group}": frozenset(held) for group, held in effects.items()}
        wide = [rule for rule in every if not rule.egress and rule.peer in ("0.0.0.0/0", "::/0")]
        groups = sorted({rule.group for rule in wide})
        if not groups:
            return (), frozen
        names, ranges = _group_facts(client, region, groups)
        holders = _holders(client, region, groups)
        return tuple(
            WideRule(
                region=region,
                rule=rule,
                group_name=names.get(rule.group, ""),
                vpc_ranges=ranges.get(rule.group, ()),
                holders=holders.get(rule.group, ()),
                there=frozen[f"{region}/{rule.group}"],
            )
            for rule in sorted(wide, key=lambda rule: (rule.group, rule.from_port, rule.peer))
        ), frozen

    found, gaps = _each(client, state, asked, "security group rules", read)
    return replace(
        state,
        rules=tuple(item for some, _ in found.values() for item in some),
        group_effects={key: held for _, some in found.values() for key, held in some.items()},
        gaps=gaps,
    )


def _group_facts(
    client: AwsClient, region: str, groups: list[str]
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Names of some groups, and the ranges of their VPCs."""
    names, vpc_of = {}, {}
    filters = [{"Name": "group-id", "Values": groups}]
    for page in client.pages(
        Call(service="ec2", operation="DescribeSecurityGroups", region=region, parameters={"Filters": filters})
    ):
        for raw in page.data.get("SecurityGroups", []):
            names[str(raw["GroupId"])], vpc_of[str(raw["GroupId"])] = (
                str(raw.get("GroupName", "")),
                str(raw.get("VpcId", "")),
            )
    ranges = {}
    for page in client.pages(Call("ec2", "DescribeVpcs", region)):
        for raw in page.data.get("Vpcs", []):
            blocks = [
                str(item["CidrBlock"]) for item in raw.get("CidrBlockAssociationSet") or () if item.get("CidrBlock")
            ]
            six = [str(item["Ipv6CidrBlock"]) for item in raw.get("Ipv6CidrBlockAssociationSet") or ()]
            ranges[str(raw["VpcId"])] = tuple(dict.fromkeys([*(blocks or [str(raw.get("CidrBlock", ""))]), *six]))
    return names, {group: ranges.get(vpc, ()) for group, vpc in vpc_of.items()}


def _holders(client: AwsClient, region: str, groups: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    filters = [{"Name": "group-id", "Values": groups}]
    for page in client.pages(
        Call(service="ec2", operation="DescribeNetworkInterfaces", region=region, parameters={"Filters": filters})
    ):
        for raw in page.data.get("NetworkInterfaces", []):
            owner = (raw.get("Attachment") or {}).get("InstanceId") or raw.get("Description") or "unattached"
            for held in raw.get("Groups") or ():
                found.setdefault(str(held.get("GroupId", "")), set()).add(f"{owner} ({raw['NetworkInterfaceId']})")
    return {group: tuple(sorted(names)) for group, names in found.items()}


def _encryption(client: AwsClient, state: AccountState, asked: PlanningContext) -> AccountState:
    def read(region: str) -> bool:
        return bool(client.read(Call("ec2", "GetEbsEncryptionByDefault", region)).data.get("EbsEncryptionByDefault"))

    found, gaps = _each(client, state, asked, "encryption by default", read)
    return replace(state, encrypted=found, gaps=gaps)


def _volumes(client: AwsClient, state: AccountState, asked: PlanningContext) -> AccountState:
    found, gaps = _each(client, state, asked, "volumes", lambda region: ebs.read(client, region, state.account, asked))
    return replace(state, volumes=ebs.merged(found.values()), gaps=gaps)


def _flow_logs(client: AwsClient, state: AccountState, asked: PlanningContext) -> AccountState:
    def read(region: str) -> tuple[tuple[AccountVpc, ...], FlowLogging]:
        raws = [raw for page in client.pages(Call("ec2", "DescribeVpcs", region)) for raw in page.data.get("Vpcs", [])]
        count: dict[str, int] = {}
        for page in client.pages(Call("ec2", "DescribeNetworkInterfaces", region)):
            for raw in page.data.get("NetworkInterfaces", []):
                count[str(raw.get("VpcId", ""))] = count.get(str(raw.get("VpcId", "")), 0) + 1
        vpcs = tuple(
            AccountVpc(
                region=region,
                id=str(raw["VpcId"]),
                name=tags_of(raw.get("Tags")).get("Name", ""),
                default=bool(raw.get("IsDefault")),
                interfaces=count.get(str(raw["VpcId"]), 0),
            )
            for raw in sorted(raws, key=lambda raw: str(raw["VpcId"]))
        )
        ids = [vpc.id for vpc in vpcs]
        return vpcs, flow_logging(client, region, ids, state.account, asked) if ids else FlowLogging()

    found, gaps = _each(client, state, asked, "flow logs", read)
    return replace(
        state,
        vpcs=tuple(vpc for vpcs, _ in found.values() for vpc in vpcs),
        logging={region: logging for region, (_, logging) in found.items()},
        gaps=gaps,
    )


def _config(client: AwsClient, state: AccountState, asked: PlanningContext) -> AccountState:
    found, gaps = _each(client, state, asked, "AWS Config", lambda region: recording.read_recorder(client, region))
    return replace(state, config=recording.read_config(client, state.account, state.region, found, asked), gaps=gaps)


def _trails(client: AwsClient, state: AccountState, asked: PlanningContext) -> AccountState:
    return replace(state, trails=recording.read_trails(client, state.account, state.region, asked))


READS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("ec2:DescribeRegions",),
    AccountAspect.INSTANCES: ("ec2:DescribeInstances", "ec2:DescribeImages", "ssm:GetParameters"),
    AccountAspect.RULES: (
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeVpcs",
        "ec2:DescribeNetworkInterfaces",
    ),
    AccountAspect.ENCRYPTION: ("ec2:GetEbsEncryptionByDefault",),
    AccountAspect.VOLUMES: ebs.READS,
    AccountAspect.FLOW_LOGS: (
        "ec2:DescribeVpcs",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeFlowLogs",
        "iam:ListRoles",
        "iam:ListRolePolicies",
        "logs:DescribeLogGroups",
    ),
    AccountAspect.CONFIG: recording.CONFIG_READS,
    AccountAspect.TRAILS: recording.TRAIL_READS,
}
"""The operations that reading each aspect takes; under ``""`` those of the account itself."""

_READERS: Final[Mapping[str, Reader[AccountState]]] = {
    AccountAspect.INSTANCES: _instances,
    AccountAspect.RULES: _rules,
    AccountAspect.ENCRYPTION: _encryption,
    AccountAspect.VOLUMES: _volumes,
    AccountAspect.FLOW_LOGS: _flow_logs,
    AccountAspect.CONFIG: _config,
    AccountAspect.TRAILS: _trails,
}
