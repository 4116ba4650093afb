"""How an instance was started and what a clean one could be started with: AMIs, settings, rules, the role's policies.

What the incident changed about the old instance (its groups, its profile, its place in a group) is taken from the recorded
inverses, so that a replacement for an isolated instance gets what the instance had.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.caller import Caller
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.inventory import amis, parse
from vpce_tui.inventory.amis import Image
from vpce_tui.inventory.resources import Instance, tags_of
from vpce_tui.plans.targets.barriers import group_rule
from vpce_tui.plans.targets.kms_keys import KmsKey, read_key
from vpce_tui.plans.targets.planning_context import (
    TAG_CALL,
    TAG_INCIDENT,
    TAG_TARGET,
    PlanningContext,
    aws_now,
    iam_region,
    ours,
)

IMAGE: Final = "ami"
SUBNET: Final = "subnet"
KEY: Final = "key"
GROUPS: Final = "groups"
"""What a plan's answers say about how to look; see :attr:`PlanningContext.remembered`."""


@dataclass(frozen=True, slots=True)
class Images:
    """The AMI an instance was started from (None: it is gone), newer ones of its family, and AWS's time."""

    old_id: str
    old: Image | None
    candidates: tuple[Image, ...]
    now: datetime
    account: str
    family: str = ""
    ended: str = ""
    notes: tuple[str, ...] = ()
    opened: datetime | None = None

    def by_id(self, identifier: str) -> Image | None:
        """The AMI with this id, among the candidates and the old one; None: unknown."""
        known = [*self.candidates, *([self.old] if self.old else [])]
        return next((item for item in known if item.id == identifier), None)

    def suspect(self, item: Image) -> bool:
        """Whether an intruder could have made it."""
        return item.suspect(self.account, self.opened or self.now)


@dataclass(frozen=True, slots=True)
class LaunchVolume:
    """One volume of the old instance, as it would be made anew."""

    device: str
    volume: str
    size_gib: int
    type: str
    iops: int = 0
    throughput: int = 0


@dataclass(frozen=True, slots=True)
class LaunchSubnet:
    """Where a new instance would stand."""

    id: str
    vpc_id: str
    zone: str
    free: int
    public_by_default: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """How the old instance runs, beyond what every look at it shows."""

    subnet: LaunchSubnet | None
    disks: tuple[LaunchVolume, ...] = ()
    key_name: str = ""
    ebs_optimized: bool = False
    tenancy: str = "default"
    default_key: str = ""
    """The region's key for new EBS volumes; ``""``: it could not be read, see ``default_key_unread``."""
    default_key_unread: str = ""
    user_data: bytes = field(default=b"", repr=False)
    key: KmsKey = field(default_factory=lambda: KmsKey("", "Enabled"))
    """The key that its volumes are to be encrypted with, if one is named."""


@dataclass(frozen=True, slots=True)
class PolicyOf:
    """One policy of the old instance's role. ``document``: its text, parsed."""

    name: str
    arn: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewRole:
    """The role and profile that we make for the replacement, as far as they are there."""

    arn: str = ""
    profile_arn: str = ""
    in_profile: bool = False
    inline: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    trust: Mapping[str, Any] = field(default_factory=dict)
    role_id: str = ""
    profile_id: str = ""
    taken: str = ""
    """The role or profile of that name that this incident did not make; ``""``: there is none."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """The new instance. ``checks``: ``running/ok/ok`` once it is up."""

    id: str
    state: str
    checks: str
    image: str
    vpc_id: str = ""
    private_ip: str = ""
    protected: bool = False


def read_images(caller: Caller, instance: Instance, asked: PlanningContext) -> Images:
    """The AMI of ``instance`` and what could take its place, newest first; the one already chosen is among them."""
    region, account = instance.region, caller.identity().account
    now = aws_now(caller)
    old = next(iter(_images(caller, region, {"ImageIds": [instance.image_id]})), None)
    family = amis.family_of(old) if old else None
    candidates, notes = _candidates(caller, region, old, family) if old else ([], [])
    chosen = str(asked.remembered.get(IMAGE) or "")
    known = {item.id for item in candidates}
    if chosen.startswith("ami-") and chosen not in known and chosen != instance.image_id:
        candidates += _images(caller, region, {"ImageIds": [chosen]})
    listed = amis.newest_first(candidates, now)
    return Images(
        old_id=instance.image_id,
        old=old,
        candidates=tuple(listed[:12]),
        now=now,
        account=account,
        family=family.name if family else "",
        ended=family.ended if family else "",
        notes=tuple(notes),
        opened=parse.moment(asked.since),
    )


def _candidates(caller: Caller, region: str, old: Image, family: amis.Family | None) -> tuple[list[Image], list[str]]:
    """Newer AMIs of the same family, and what is to be said of how they were found."""
    notes: list[str] = []
    if family and family.parameter:
        found, note = _by_parameter(caller, region, family.parameter)
        if found:
            return found, []
        notes = [note]
    pattern = amis.name_pattern(old.name)
    if not pattern:
        return [], [*notes, f"the name {old.name!r} has no date or number, so newer AMIs cannot be recognized by it"]
    return _by_name(caller, region, old, pattern), notes


def newest_of(
    caller: Caller, region: str, old: Image, account: str, now: datetime, opened: datetime | None
) -> Image | None:
    """The newest AMI of the family of ``old`` that no intruder can have made; None where none is known."""
    found = amis.newest_first(_candidates(caller, region, old, amis.family_of(old))[0], now)
    return next((item for item in found if not item.suspect(account, opened or now)), None)


def _images(caller: Caller, region: str, parameters: Mapping[str, Any]) -> list[Image]:
    """None where AWS knows none of them any more."""
    try:
        pages = list(
            caller.pages(Call(service="ec2", operation="DescribeImages", region=region, parameters=parameters))
        )
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND or error.code.startswith("InvalidAMIID"):
            return []
        raise
    return [amis.image(raw) for page in pages for raw in page.data.get("Images", [])]


def _by_parameter(caller: Caller, region: str, name: str) -> tuple[list[Image], str]:
    """The AMI that a public parameter names, and why not where it could not be asked."""
    try:
        answer = caller.read(
            Call(service="ssm", operation="GetParameters", region=region, parameters={"Names": [name]})
        ).data
    except AwsError as error:
        return [], f"{name} could not be read, so newer AMIs are recognized by their names: {error.sentence()}"
    found = [str(item["Value"]) for item in answer.get("Parameters", [])]
    listed = _images(caller, region, {"ImageIds": found}) if found else []
    return listed, "" if listed else f"{name} names no AMI here, so newer ones are recognized by their names"


def _by_name(caller: Caller, region: str, old: Image, pattern: str) -> list[Image]:
    filters = [
        {"Name": "name", "Values": [pattern]},
        {"Name": "architecture", "Values": [old.architecture]},
        {"Name": "virtualization-type", "Values": [old.virtualization]},
        {"Name": "state", "Values": ["available"]},
    ]
    found = _images(caller, region, {"Owners": [old.owner], "Filters": filters})
    return [item for item in found if item.id != old.id]


def read_settings(caller: Caller, instance: Instance, asked: PlanningContext) -> Settings:
    """How ``instance`` runs; for a terminated one AWS knows hardly anything, and the subnet must be named."""
    region = instance.region
    raw = _raw(caller, instance)
    subnet = str(asked.remembered.get(SUBNET) or instance.subnet_id)
    default_key, unread = _default_key(caller, region)
    return Settings(
        subnet=_subnet(caller, region, subnet) if subnet else None,
        disks=_disks(caller, instance),
        key_name=str(raw.get("KeyName") or ""),
        ebs_optimized=bool(raw.get("EbsOptimized")),
        tenancy=str((raw.get("Placement") or {}).get("Tenancy") or "default"),
        default_key=default_key,
        default_key_unread=unread,
        user_data=b"" if instance.gone else _user_data(caller, instance),
        key=read_key(caller, region, str(asked.remembered.get(KEY) or "")),
    )


def vpc_of(caller: Caller, instance: Instance, asked: PlanningContext) -> str:
    """The VPC that is meant: that of the subnet in the answers, else the instance's."""
    named = str(asked.remembered.get(SUBNET) or "")
    subnet = _subnet(caller, instance.region, named) if named else None
    return subnet.vpc_id if subnet else instance.vpc_id


def _raw(caller: Caller, instance: Instance) -> Mapping[str, Any]:
    call = Call(
        service="ec2", operation="DescribeInstances", region=instance.region, parameters={"InstanceIds": [instance.id]}
    )
    found = [raw for item in caller.read(call).data.get("Reservations", []) for raw in item.get("Instances", [])]
    return found[0] if found else {}


def _subnet(caller: Caller, region: str, identifier: str) -> LaunchSubnet | None:
    try:
        answer = caller.read(
            Call(service="ec2", operation="DescribeSubnets", region=region, parameters={"SubnetIds": [identifier]})
        ).data
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND or error.code.startswith("InvalidSubnet"):
            return None
        raise
    raw = next(iter(answer.get("Subnets", [])), None)
    if raw is None:
        return None
    return LaunchSubnet(
        id=identifier,
        vpc_id=str(raw.get("VpcId", "")),
        zone=str(raw.get("AvailabilityZone", "")),
        free=int(raw.get("AvailableIpAddressCount") or 0),
        public_by_default=bool(raw.get("MapPublicIpOnLaunch")),
    )


def _disks(caller: Caller, instance: Instance) -> tuple[LaunchVolume, ...]:
    ids = [volume.id for volume in instance.volumes]
    if not ids:
        return ()
    pages = caller.pages(
        Call(service="ec2", operation="DescribeVolumes", region=instance.region, parameters={"VolumeIds": ids})
    )
    known = {str(raw["VolumeId"]): raw for page in pages for raw in page.data.get("Volumes", [])}
    return tuple(
        LaunchVolume(
            device=volume.device,
            volume=volume.id,
            size_gib=int(raw.get("Size") or 0),
            type=str(raw.get("VolumeType") or "gp3"),
            iops=int(raw.get("Iops") or 0),
            throughput=int(raw.get("Throughput") or 0),
        )
        for volume in sorted(instance.volumes, key=lambda item: item.device)
        if (raw := known.get(volume.id))
    )


def _default_key(caller: Caller, region: str) -> tuple[str, str]:
    try:
        return str(caller.read(Call("ec2", "GetEbsDefaultKmsKeyId", region)).data.get("KmsKeyId") or ""), ""
    except AwsError as error:
        return "", error.sentence()


def _user_data(caller: Caller, instance: Instance) -> bytes:
    parameters = {"InstanceId": instance.id, "Attribute": "userData"}
    answer = caller.read(
        Call(service="ec2", operation="DescribeInstanceAttribute", region=instance.region, parameters=parameters)
    ).data
    try:
        return base64.b64decode(str((answer.get("UserData") or {}).get("Value") or ""))
    except ValueError:
        return b""


def groups_before(instance: Instance, asked: PlanningContext) -> tuple[str, ...]:
    """The groups of its interfaces as they were before the incident moved them."""
    named = asked.remembered.get(GROUPS)
    if named:
        return tuple(named)
    found: dict[str, None] = {}
    for nic in instance.interfaces:
        recorded = asked.before.get(f"undo-{nic.id}", {}).get("Groups")
        found.update(dict.fromkeys(recorded or nic.groups))
    return tuple(found)


def read_rules(caller: Caller, instance: Instance, asked: PlanningContext) -> dict[str, Any]:
    """The rules of those groups, by id, and the groups' names."""
    groups = groups_before(instance, asked)
    if not groups:
        return {"old_rules": (), "group_names": {}}
    by_group = {"Filters": [{"Name": "group-id", "Values": list(groups)}]}
    pages = caller.pages(
        Call(service="ec2", operation="DescribeSecurityGroupRules", region=instance.region, parameters=by_group)
    )
    rules = [group_rule(raw) for page in pages for raw in page.data.get("SecurityGroupRules", [])]
    named = caller.pages(
        Call(service="ec2", operation="DescribeSecurityGroups", region=instance.region, parameters=by_group)
    )
    return {
        "old_rules": tuple(sorted(rules, key=lambda rule: (rule.egress, rule.group, rule.peer, rule.id))),
        "group_names": {
            str(raw["GroupId"]): str(raw.get("GroupName", ""))
            for page in named
            for raw in page.data.get("SecurityGroups", [])
        },
    }


def profile_before(instance: Instance, asked: PlanningContext) -> str:
    """The ARN of its instance profile, before the incident took it."""
    taken = asked.before.get("undo-take-profile", {}).get("IamInstanceProfile") or {}
    return instance.profile_arn or str(taken.get("Arn", ""))


def read_policies(caller: Caller, instance: Instance, asked: PlanningContext) -> tuple[PolicyOf, ...]:
    """The policies of the old instance's role, ours left out; none where it had no role."""
    arn, home = profile_before(instance, asked), iam_region(instance.region)
    if not arn:
        return ()
    named = {"InstanceProfileName": arn.rpartition("/")[2]}
    profile = caller.read(Call(service="iam", operation="GetInstanceProfile", region=home, parameters=named)).data
    role = next((str(item["RoleName"]) for item in profile["InstanceProfile"].get("Roles") or ()), "")
    if not role:
        return ()
    found = []
    for page in caller.pages(
        Call(service="iam", operation="ListRolePolicies", region=home, parameters={"RoleName": role})
    ):
        for name in page.data.get("PolicyNames", []):
            if not str(name).startswith("vpce-tui-"):
                parameters = {"RoleName": role, "PolicyName": name}
                answer = caller.read(
                    Call(service="iam", operation="GetRolePolicy", region=home, parameters=parameters)
                ).data
                found.append(PolicyOf(str(name), "", answer.get("PolicyDocument") or {}))
    for page in caller.pages(
        Call(service="iam", operation="ListAttachedRolePolicies", region=home, parameters={"RoleName": role})
    ):
        for item in page.data.get("AttachedPolicies", []):
            found.append(PolicyOf(str(item["PolicyName"]), str(item["PolicyArn"]), _version(caller, home, item)))
    return tuple(sorted(found, key=lambda item: (item.arn, item.name)))


def _version(caller: Caller, home: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
    arn = str(item["PolicyArn"])
    policy = caller.read(Call(service="iam", operation="GetPolicy", region=home, parameters={"PolicyArn": arn})).data[
        "Policy"
    ]
    parameters = {"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]}
    document = (
        caller.read(Call(service="iam", operation="GetPolicyVersion", region=home, parameters=parameters))
        .data["PolicyVersion"]
        .get("Document")
    )
    return document if isinstance(document, Mapping) else {}


def own_role_name(instance: str) -> str:
    """What the role and profile that we make for its replacement are called."""
    return f"vpce-tui-relaunch-{instance}"


def read_new_role(caller: Caller, instance: Instance, asked: PlanningContext) -> NewRole:
    """Our role and profile, as far as they are there."""
    name, home = own_role_name(instance.id), iam_region(instance.region)
    role = _there(caller, Call(service="iam", operation="GetRole", region=home, parameters={"RoleName": name}))
    profile = _there(
        caller,
        Call(service="iam", operation="GetInstanceProfile", region=home, parameters={"InstanceProfileName": name}),
    )
    held = [str(item["RoleName"]) for item in (profile.get("InstanceProfile") or {}).get("Roles") or ()]
    inline: dict[str, Mapping[str, Any]] = {}
    attached: list[str] = []
    if role:
        for page in caller.pages(
            Call(service="iam", operation="ListRolePolicies", region=home, parameters={"RoleName": name})
        ):
            for policy in page.data.get("PolicyNames", []):
                parameters = {"RoleName": name, "PolicyName": policy}
                answer = caller.read(
                    Call(service="iam", operation="GetRolePolicy", region=home, parameters=parameters)
                ).data
                inline[str(policy)] = answer.get("PolicyDocument") or {}
        for page in caller.pages(
            Call(service="iam", operation="ListAttachedRolePolicies", region=home, parameters={"RoleName": name})
        ):
            attached += [str(item["PolicyArn"]) for item in page.data.get("AttachedPolicies", [])]
    the_role, the_profile = role.get("Role") or {}, profile.get("InstanceProfile") or {}
    trust = the_role.get("AssumeRolePolicyDocument")
    taken = [
        f"the {kind} {name}"
        for kind, raw, call, key in (
            ("role", the_role, "role", "RoleId"),
            ("profile", the_profile, "profile", "InstanceProfileId"),
        )
        if raw
        and not (ours(tags_of(raw.get("Tags")), instance.id, asked) and asked.made_by(call, str(raw.get(key, ""))))
    ]
    return NewRole(
        arn=str(the_role.get("Arn", "")),
        profile_arn=str(the_profile.get("Arn", "")),
        in_profile=name in held,
        inline=inline,
        attached=tuple(sorted(attached)),
        trust=trust if isinstance(trust, Mapping) else {},
        role_id=str(the_role.get("RoleId", "")),
        profile_id=str(the_profile.get("InstanceProfileId", "")),
        taken=" and ".join(taken),
    )


def _there(caller: Caller, call: Call) -> Mapping[str, Any]:
    """The answer; empty where AWS knows no such thing."""
    try:
        return caller.read(call).data
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return {}
        raise


def read_replacement(caller: Caller, instance: Instance, asked: PlanningContext) -> Replacement | None:
    """The instance that this incident started in its place, where there is one."""
    if not asked.incident:
        return None
    filters = [
        {"Name": f"tag:{TAG_TARGET}", "Values": [instance.id]},
        {"Name": f"tag:{TAG_INCIDENT}", "Values": [asked.incident]},
        {"Name": f"tag:{TAG_CALL}", "Values": ["launch"]},
    ]
    pages = caller.pages(
        Call(service="ec2", operation="DescribeInstances", region=instance.region, parameters={"Filters": filters})
    )
    found = [
        item
        for page in pages
        for item in parse.instances(page.data, instance.region, instance.account)
        if asked.made_by("launch", item.id) and item.state != "terminated"
    ]
    if not found:
        return None
    new = found[0]
    return Replacement(
        id=new.id,
        state=new.state,
        checks=_checks(caller, instance.region, new.id),
        image=new.image_id,
        vpc_id=new.vpc_id,
        private_ip=new.private_ip,
        protected=_protected(caller, instance.region, new.id),
    )


def _protected(caller: Caller, region: str, identifier: str) -> bool:
    parameters = {"InstanceId": identifier, "Attribute": "disableApiTermination"}
    answer = _there(
        caller, Call(service="ec2", operation="DescribeInstanceAttribute", region=region, parameters=parameters)
    )
    return bool((answer.get("DisableApiTermination") or {}).get("Value"))


CHECKS: Final = "InstanceStatuses[0].[InstanceState.Name, SystemStatus.Status, InstanceStatus.Status] | join('/', @)"
"""How far a new instance is, as JMESPath over ``DescribeInstanceStatus``; good once it is :data:`UP`."""
UP: Final = "running/ok/ok"


def _checks(caller: Caller, region: str, identifier: str) -> str:
    parameters = {"InstanceIds": [identifier], "IncludeAllInstances": True}
    answer = _there(
        caller, Call(service="ec2", operation="DescribeInstanceStatus", region=region, parameters=parameters)
    )
    statuses: Sequence[Mapping[str, Any]] = answer.get("InstanceStatuses") or ()
    if not statuses:
        return "not listed yet"
    one = statuses[0]
    parts = [(one.get("InstanceState") or {}).get("Name"), *((one.get(key) or {}).get("Status") for key in _BOTH)]
    return "/".join(str(part or "unknown") for part in parts)


_BOTH: Final = ("SystemStatus", "InstanceStatus")
