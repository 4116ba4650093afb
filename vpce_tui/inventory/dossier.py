"""Everything a playbook needs to know about one instance, read live, facet by facet.

A facet that could not be read is named in ``unknown`` with the reason; it is never taken for empty.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.caller import Caller
from vpce_tui.aws.errors import AwsError, Kind
from vpce_tui.inventory import parse
from vpce_tui.inventory.model import Instance, Interface, SecurityGroup, Volume, tags_of

TAG_INCIDENT: Final = "vpce-tui:incident"
TAG_STEP: Final = "vpce-tui:step"
TAG_CALL: Final = "vpce-tui:call"
TAG_TARGET: Final = "vpce-tui:target"
CUT_POLICY: Final = "vpce-tui-cut-sessions-"
_IAM_REGIONS: Final = {"cn-": "cn-north-1", "us-gov-": "us-gov-west-1"}


def iam_region(region: str) -> str:
    """Where IAM of the partition of ``region`` is called."""
    return next((home for prefix, home in _IAM_REGIONS.items() if region.startswith(prefix)), "us-east-1")


class Unreadable(Exception):
    """Something that must be known could not be read; it is never taken for empty."""


class TargetGone(Exception):
    """The target does not exist in this region and account."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What protects the instance, and what its own shutdown does (``stop`` or ``terminate``)."""

    termination_protection: bool
    stop_protection: bool
    shutdown_behavior: str


@dataclass(frozen=True, slots=True)
class Scaling:
    """The Auto Scaling group the instance is in."""

    group: str
    lifecycle: str
    minimum: int
    desired: int
    maximum: int
    target_groups: tuple[str, ...] = ()
    launch: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration with a target group (``id``: instance id or address) or classic load balancer (port 0)."""

    balancer: str
    id: str
    port: int = 0
    state: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """The instance's profile and role. ``association`` is ``""`` when the instance holds no profile."""

    association: str
    profile_arn: str
    profile_name: str
    name: str
    arn: str
    cut: str = ""
    inline: tuple[str, ...] = ()
    attached: tuple[tuple[str, str], ...] = ()
    other_users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that we made of one of its volumes."""

    id: str
    volume_id: str
    state: str
    progress: str
    call: str
    locked: bool = False
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """The spot request behind it; a ``persistent`` one starts it again."""

    id: str
    type: str
    state: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """One instance and all around it. A field of None was not asked for, or is in ``unknown``."""

    instance: Instance
    attributes: Attributes | None = None
    interfaces: tuple[Interface, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    role: Role | None = None
    scaling: Scaling | None = None
    targets: tuple[Registration, ...] | None = None
    classic: tuple[Registration, ...] | None = None
    own_groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    group_names: frozenset[str] = frozenset()
    group_labels: Mapping[str, str] = field(default_factory=dict)
    vpc_ipv6: bool = False
    snapshots: tuple[Snapshot, ...] | None = None
    spot: Spot | None = None
    detectors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """On whose behalf a look is taken: the incident (``""``: none yet), and what plan and record remember.

    ``since``: when the incident was opened (RFC 3339); ``known``: ids by the call that made them; ``begun``: calls begun.
    """

    incident: str = ""
    profile_arn: str = ""
    interfaces: tuple[str, ...] = ()
    since: str = ""
    known: Mapping[str, str] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()

    def made_by(self, call: str, identifier: str) -> bool:
        """Whether something tagged as made by ``call`` is ours: tags can be written by anybody, so it must be what the
        record knows, or the call must have been begun and its answer not be known."""
        return self.known[call] == identifier if call in self.known else call in self.begun


class Facet:
    """Names of the parts that can be read."""

    ATTRIBUTES = "protection"
    INTERFACES = "interfaces"
    VOLUMES = "volumes"
    ROLE = "role"
    SCALING = "auto scaling"
    TARGETS = "target groups"
    CLASSIC = "classic load balancers"
    GROUPS = "quarantine groups"
    SNAPSHOTS = "snapshots"
    SPOT = "spot request"
    FINDINGS = "findings"


def observe(
    caller: Caller, instance_id: str, region: str, facets: Iterable[str], asked: Asked | None = None
) -> Dossier:
    """Read the instance and the named facets now.

    ``asked.incident`` limits what counts as made by us to this incident; without one, nothing does.
    Raises :class:`TargetGone`, and :class:`AwsError` where the instance itself cannot be read.
    """
    account = caller.identity().account
    world = Dossier(_instance(caller, instance_id, region, account))
    unknown: dict[str, str] = {}
    for facet in sorted(set(facets)):
        try:
            world = replace(world, **_READERS[facet](caller, world, asked or Asked()))
        except AwsError as error:
            unknown[facet] = error.sentence()
    return replace(world, unknown=unknown)


def find_region(caller: Caller, instance_id: str, regions: Iterable[str]) -> str:
    """The region in which the instance is; raises :class:`TargetGone` when in none, :class:`Unreadable` when not all could be asked."""
    problems: dict[str, AwsError] = {}
    for region in regions:
        call = Call("ec2", "DescribeInstances", region, {"Filters": [{"Name": "instance-id", "Values": [instance_id]}]})
        try:
            if any(page.data.get("Reservations") for page in caller.pages(call)):
                return region
        except AwsError as error:
            if error.kind in (Kind.EXPIRED, Kind.NO_CREDENTIALS, Kind.UNREACHABLE):
                raise
            problems[region] = error
    if problems:
        first = next(iter(problems.values()))
        raise Unreadable(
            f"{instance_id} was not found, and {len(problems)} regions could not be asked ({', '.join(problems)}): "
            f"{first.sentence()} Name its region with --region."
        )
    raise TargetGone(f"{instance_id} was found in none of the regions asked; is it another account?")


def _instance(caller: Caller, instance_id: str, region: str, account: str) -> Instance:
    try:
        answer = caller.read(Call("ec2", "DescribeInstances", region, {"InstanceIds": [instance_id]}))
    except AwsError as error:
        if error.kind is Kind.NOT_FOUND or error.code.startswith("InvalidInstanceID"):
            raise TargetGone(f"{instance_id} does not exist in {region} of account {account}.") from error
        raise
    found = list(parse.instances(answer.data, region, account))
    if not found:
        raise TargetGone(f"{instance_id} does not exist in {region} of account {account}.")
    return found[0]


def _attributes(caller: Caller, world: Dossier, _: Asked) -> dict[str, Any]:
    if world.instance.gone:
        return {"attributes": Attributes(False, False, "")}

    def one(name: str) -> Any:
        parameters = {"InstanceId": world.instance.id, "Attribute": name}
        answer = caller.read(Call("ec2", "DescribeInstanceAttribute", world.instance.region, parameters)).data
        return (answer.get(name[0].upper() + name[1:]) or {}).get("Value")

    return {
        "attributes": Attributes(
            termination_protection=bool(one("disableApiTermination")),
            stop_protection=bool(one("disableApiStop")),
            shutdown_behavior=str(one("instanceInitiatedShutdownBehavior") or "stop"),
        )
    }


def _interfaces(caller: Caller, world: Dossier, asked: Asked) -> dict[str, Any]:
    filters = [{"Name": "attachment.instance-id", "Values": [world.instance.id]}]
    if world.instance.gone and asked.interfaces:  # some outlive the instance, detached
        filters = [{"Name": "network-interface-id", "Values": list(asked.interfaces)}]
    call = Call("ec2", "DescribeNetworkInterfaces", world.instance.region, {"Filters": filters})
    found = [parse.interface(raw) for page in caller.pages(call) for raw in page.data.get("NetworkInterfaces", [])]
    return {"interfaces": tuple(sorted(found, key=lambda nic: (not nic.primary, nic.id)))}


def _volumes(caller: Caller, world: Dossier, _: Asked) -> dict[str, Any]:
    ids = [volume.id for volume in world.instance.volumes]
    known: dict[str, Mapping[str, Any]] = {}
    if ids:
        call = Call("ec2", "DescribeVolumes", world.instance.region, {"VolumeIds": ids})
        for page in caller.pages(call):
            known.update({str(raw["VolumeId"]): raw for raw in page.data.get("Volumes", [])})
    managers = {
        key: _key_manager(caller, world.instance.region, key)
        for key in {str(raw.get("KmsKeyId", "")) for raw in known.values()}
        if key
    }
    volumes = [
        replace(
            volume,
            key_manager=managers.get(str(raw.get("KmsKeyId", "")), ""),
            encrypted=bool(raw.get("Encrypted")),
            kms_key=str(raw.get("KmsKeyId", "")),
            size_gib=int(raw.get("Size", 0)),
        )
        for volume in world.instance.volumes
        for raw in (known.get(volume.id, {}),)
    ]
    return {"volumes": tuple(volumes)}


def _key_manager(caller: Caller, region: str, key: str) -> str:
    """``AWS`` or ``CUSTOMER``; ``""`` where it may not be asked."""
    try:
        answer = caller.read(Call("kms", "DescribeKey", region, {"KeyId": key})).data
    except AwsError:
        return ""
    return str((answer.get("KeyMetadata") or {}).get("KeyManager", ""))


def _role(caller: Caller, world: Dossier, asked: Asked) -> dict[str, Any]:
    region = world.instance.region
    filters = [
        {"Name": "instance-id", "Values": [world.instance.id]},
        {"Name": "state", "Values": ["associating", "associated"]},
    ]
    call = Call("ec2", "DescribeIamInstanceProfileAssociations", region, {"Filters": filters})
    associations = [item for page in caller.pages(call) for item in page.data.get("IamInstanceProfileAssociations", [])]
    association = str(associations[0]["AssociationId"]) if associations else ""
    profile_arn = str(associations[0]["IamInstanceProfile"]["Arn"]) if associations else asked.profile_arn
    if not profile_arn:
        return {"role": Role("", "", "", "", "")}
    return {"role": _role_behind(caller, world, association, profile_arn, asked)}


def _role_behind(caller: Caller, world: Dossier, association: str, profile_arn: str, asked: Asked) -> Role:
    profile_name = profile_arn.rpartition("/")[2]
    profile = caller.read(
        Call("iam", "GetInstanceProfile", iam_region(world.instance.region), {"InstanceProfileName": profile_name})
    ).data
    roles = (profile.get("InstanceProfile") or {}).get("Roles") or []
    if not roles:
        return Role(association, profile_arn, profile_name, "", "")
    name, arn = str(roles[0]["RoleName"]), str(roles[0]["Arn"])
    inline = [
        str(item)
        for page in caller.pages(Call("iam", "ListRolePolicies", iam_region(world.instance.region), {"RoleName": name}))
        for item in page.data.get("PolicyNames", [])
    ]
    attached: list[tuple[str, str]] = []
    for page in caller.pages(
        Call("iam", "ListAttachedRolePolicies", iam_region(world.instance.region), {"RoleName": name})
    ):
        for item in page.data.get("AttachedPolicies", []):
            policy = caller.read(
                Call("iam", "GetPolicy", iam_region(world.instance.region), {"PolicyArn": item["PolicyArn"]})
            ).data["Policy"]
            attached.append((str(item["PolicyArn"]), str(policy["DefaultVersionId"])))
    cut, own, home = "", f"{CUT_POLICY}{asked.incident}", iam_region(world.instance.region)
    if asked.incident and own in inline:
        cut = cut_stage(
            caller.read(Call("iam", "GetRolePolicy", home, {"RoleName": name, "PolicyName": own})).data, asked.since
        )
    filters = [
        {"Name": "iam-instance-profile.arn", "Values": [profile_arn]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    users = [
        other.id
        for page in caller.pages(Call("ec2", "DescribeInstances", world.instance.region, {"Filters": filters}))
        for other in parse.instances(page.data, world.instance.region, world.instance.account)
        if other.id != world.instance.id
    ]
    return Role(
        association, profile_arn, profile_name, name, arn, cut,
        tuple(sorted(set(inline) - {own})), tuple(sorted(attached)), tuple(sorted(users)),
    )  # fmt: skip


def cut_stage(answer: Mapping[str, Any], since: str) -> str:
    """The statement id of our cut policy; ``""`` where it is not exactly as we write it, or older than the incident."""
    document = answer.get("PolicyDocument")
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or len(statements) != 1 or not isinstance(statements[0], Mapping):
        return ""
    statement = statements[0]
    limit = (statement.get("Condition") or {}).get("DateLessThan", {}).get("aws:TokenIssueTime")
    exact = {"Sid": statement.get("Sid"), "Effect": "Deny", "Action": "*", "Resource": "*",
             "Condition": {"DateLessThan": {"aws:TokenIssueTime": limit}}}  # fmt: skip
    at = parse.moment(limit)
    if dict(statement) != exact or at is None:
        return ""
    opened = parse.moment(since)
    return "" if opened and at < opened.replace(microsecond=0) else str(statement.get("Sid", ""))


def _scaling(caller: Caller, world: Dossier, _: Asked) -> dict[str, Any]:
    region = world.instance.region
    call = Call("autoscaling", "DescribeAutoScalingInstances", region, {"InstanceIds": [world.instance.id]})
    members = [item for page in caller.pages(call) for item in page.data.get("AutoScalingInstances", [])]
    if not members:
        return {"scaling": None}
    name = str(members[0]["AutoScalingGroupName"])
    groups = caller.read(
        Call("autoscaling", "DescribeAutoScalingGroups", region, {"AutoScalingGroupNames": [name]})
    ).data
    group: Mapping[str, Any] = next(iter(groups.get("AutoScalingGroups", [])), {})
    template = group.get("LaunchTemplate") or {}
    return {
        "scaling": Scaling(
            name,
            str(members[0].get("LifecycleState", "")),
            int(group.get("MinSize", 0)),
            int(group.get("DesiredCapacity", 0)),
            int(group.get("MaxSize", 0)),
            tuple(sorted(str(arn) for arn in group.get("TargetGroupARNs") or ())),
            str(template.get("LaunchTemplateName") or group.get("LaunchConfigurationName") or ""),
        )
    }


def _targets(caller: Caller, world: Dossier, _: Asked) -> dict[str, Any]:
    instance, found = world.instance, []
    for page in caller.pages(Call("elbv2", "DescribeTargetGroups", instance.region)):
        for group in page.data.get("TargetGroups", []):
            kind = group.get("TargetType")
            if group.get("VpcId") != instance.vpc_id or kind not in ("instance", "ip"):
                continue
            own = {instance.id} if kind == "instance" else instance.addresses
            arn = str(group["TargetGroupArn"])
            health = caller.read(Call("elbv2", "DescribeTargetHealth", instance.region, {"TargetGroupArn": arn})).data
            for item in health.get("TargetHealthDescriptions", []):
                target, state = item.get("Target", {}), str((item.get("TargetHealth") or {}).get("State", ""))
                if target.get("Id") in own and state != "draining":
                    found.append(
                        Registration(
                            arn,
                            str(target["Id"]),
                            int(target.get("Port", 0)),
                            state,
                            str(group.get("TargetGroupName", "")),
                        )
                    )
    return {"targets": tuple(sorted(found, key=lambda item: (item.balancer, item.id, item.port)))}


def _classic(caller: Caller, world: Dossier, _: Asked) -> dict[str, Any]:
    found = [
        Registration(str(item["LoadBalancerName"]), world.instance.id, name=str(item["LoadBalancerName"]))
        for page in caller.pages(Call("elb", "DescribeLoadBalancers", world.instance.region))
        for item in page.data.get("LoadBalancerDescriptions", [])
        if any(member.get("InstanceId") == world.instance.id for member in item.get("Instances", []))
    ]
    return {"classic": tuple(sorted(found, key=lambda item: item.balancer))}


def _groups(caller: Caller, world: Dossier, asked: Asked) -> dict[str, Any]:
    region, vpc = world.instance.region, world.instance.vpc_id
    call = Call("ec2", "DescribeSecurityGroups", region, {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]})
    own: dict[str, SecurityGroup] = {}
    names = set()
    labels: dict[str, str] = {}
    for page in caller.pages(call):
        for raw in page.data.get("SecurityGroups", []):
            group = parse.security_group(raw, region)
            labels[group.id] = group.name
            if _ours(group.tags, world.instance.id, asked) and asked.made_by(group.tags[TAG_CALL], group.id):
                own[group.tags[TAG_CALL]] = group
            else:
                names.add(group.name)
    vpcs = caller.read(Call("ec2", "DescribeVpcs", region, {"VpcIds": [vpc]})).data.get("Vpcs", [])
    blocks = [block for raw in vpcs for block in raw.get("Ipv6CidrBlockAssociationSet") or ()]
    ipv6 = any((block.get("Ipv6CidrBlockState") or {}).get("State") == "associated" for block in blocks)
    return {"own_groups": own, "group_names": frozenset(names), "group_labels": labels, "vpc_ipv6": ipv6}


def _ours(tags: Mapping[str, str], target: str, asked: Asked) -> bool:
    marked = tags.get(TAG_TARGET) == target and TAG_CALL in tags
    return bool(asked.incident) and marked and tags.get(TAG_INCIDENT) == asked.incident


def _snapshots(caller: Caller, world: Dossier, asked: Asked) -> dict[str, Any]:
    if not asked.incident:
        return {"snapshots": ()}
    region = world.instance.region
    filters = [
        {"Name": f"tag:{TAG_TARGET}", "Values": [world.instance.id]},
        {"Name": f"tag:{TAG_INCIDENT}", "Values": [asked.incident]},
    ]
    call = Call("ec2", "DescribeSnapshots", region, {"OwnerIds": ["self"], "Filters": filters})
    raws = [
        raw
        for page in caller.pages(call)
        for raw in page.data.get("Snapshots", [])
        if tags_of(raw.get("Tags")).get(TAG_CALL, "") in {*asked.known, *asked.begun}
    ]
    locked: set[str] = set()
    if raws:
        ids = [str(raw["SnapshotId"]) for raw in raws]
        answer = caller.read(Call("ec2", "DescribeLockedSnapshots", region, {"SnapshotIds": ids})).data
        locked = {
            str(item["SnapshotId"])
            for item in answer.get("Snapshots", [])
            if item.get("LockState") not in (None, "expired")
        }
    shared = {str(raw["SnapshotId"]): _shared_with(caller, region, str(raw["SnapshotId"])) for raw in raws}
    return {
        "snapshots": tuple(
            Snapshot(
                str(raw["SnapshotId"]), str(raw.get("VolumeId", "")), str(raw.get("State", "")), str(raw.get("Progress", "")),
                tags_of(raw.get("Tags")).get(TAG_CALL, ""), str(raw["SnapshotId"]) in locked,
                shared[str(raw["SnapshotId"])],
            )
            for raw in sorted(raws, key=lambda raw: str(raw["SnapshotId"]))
        )
    }  # fmt: skip


def _shared_with(caller: Caller, region: str, snapshot: str) -> tuple[str, ...]:
    parameters = {"SnapshotId": snapshot, "Attribute": "createVolumePermission"}
    answer = caller.read(Call("ec2", "DescribeSnapshotAttribute", region, parameters)).data
    return tuple(
        sorted(str(item["UserId"]) for item in answer.get("CreateVolumePermissions") or () if item.get("UserId"))
    )


def _spot(caller: Caller, world: Dossier, _: Asked) -> dict[str, Any]:
    request = world.instance.spot_request_id
    if not request:
        return {"spot": None}
    call = Call("ec2", "DescribeSpotInstanceRequests", world.instance.region, {"SpotInstanceRequestIds": [request]})
    found = [item for page in caller.pages(call) for item in page.data.get("SpotInstanceRequests", [])]
    if not found:
        return {"spot": None}
    return {"spot": Spot(request, str(found[0].get("Type", "")), str(found[0].get("State", "")))}


def _findings(caller: Caller, world: Dossier, _: Asked) -> dict[str, Any]:
    region, found = world.instance.region, {}
    for page in caller.pages(Call("guardduty", "ListDetectors", region)):
        for detector in page.data.get("DetectorIds", []):
            criteria = {"Criterion": {"resource.instanceDetails.instanceId": {"Eq": [world.instance.id]}}}
            call = Call("guardduty", "ListFindings", region, {"DetectorId": detector, "FindingCriteria": criteria})
            ids = [str(item) for answer in caller.pages(call) for item in answer.data.get("FindingIds", [])]
            found[str(detector)] = tuple(ids[:50])
    return {"detectors": found}


_Reader = Callable[[Caller, Dossier, Asked], dict[str, Any]]
_READERS: Final[Mapping[str, _Reader]] = {
    Facet.ATTRIBUTES: _attributes,
    Facet.INTERFACES: _interfaces,
    Facet.VOLUMES: _volumes,
    Facet.ROLE: _role,
    Facet.SCALING: _scaling,
    Facet.TARGETS: _targets,
    Facet.CLASSIC: _classic,
    Facet.GROUPS: _groups,
    Facet.SNAPSHOTS: _snapshots,
    Facet.SPOT: _spot,
    Facet.FINDINGS: _findings,
}
