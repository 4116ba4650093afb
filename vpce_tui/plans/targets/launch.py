"""How an instance was started and what a clean one could be started with: AMIs, settings, rules, the role's policies.

What the incident changed about the old instance (its groups, its profile, its place in a group) is taken from the recorded
inverses, so that a replacement for an isolated instance gets what the instance had.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.core.json_values import mapping, mappings, string, strings
from vpce_tui.inventory.resources import Instance, tags_of
from vpce_tui.plans.targets.barriers import SecurityGroupRule
from vpce_tui.plans.targets.kms_keys import KmsKey, read_key
from vpce_tui.plans.targets.planning_context import (
    PlanningContext,
    iam_region,
    ours,
)
from vpce_tui.plans.targets.read_barriers import group_rule

SUBNET: Final = "subnet"
KEY: Final = "key"
GROUPS: Final = "groups"
"""What a plan's answers say about how to look; see :attr:`PlanningContext.remembered`."""


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
    """Where a new instance would be launched."""

    id: str
    vpc_id: str
    zone: str
    free: int
    public_by_default: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """How the old instance runs, beyond what every look at it shows."""

    subnet: LaunchSubnet | None
    volumes: tuple[LaunchVolume, ...] = ()
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
    document: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class NewRole:
    """The role and profile that we make for the replacement, as far as they are there."""

    arn: str = ""
    profile_arn: str = ""
    in_profile: bool = False
    inline: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    trust: Mapping[str, object] = field(default_factory=dict)
    role_id: str = ""
    profile_id: str = ""
    taken: str = ""
    """The role or profile of that name that this incident did not make; ``""``: there is none."""


def read_settings(client: AwsClient, instance: Instance, asked: PlanningContext) -> Settings:
    """How ``instance`` runs; for a terminated one AWS knows hardly anything, and the subnet must be named."""
    region = instance.region
    raw = _raw(client, instance)
    subnet = str(asked.remembered.get(SUBNET) or instance.subnet_id)
    default_key, unread = _default_key(client, region)
    return Settings(
        subnet=_subnet(client, region, subnet) if subnet else None,
        volumes=_volumes(client, instance),
        key_name=str(raw.get("KeyName") or ""),
        ebs_optimized=bool(raw.get("EbsOptimized")),
        tenancy=string(raw, "Placement", "Tenancy") or "default",
        default_key=default_key,
        default_key_unread=unread,
        user_data=b"" if instance.gone else _user_data(client, instance),
        key=read_key(client, region, str(asked.remembered.get(KEY) or "")),
    )


def vpc_of(client: AwsClient, instance: Instance, asked: PlanningContext) -> str:
    """The VPC that is meant: that of the subnet in the answers, else the instance's."""
    named = str(asked.remembered.get(SUBNET) or "")
    subnet = _subnet(client, instance.region, named) if named else None
    return subnet.vpc_id if subnet else instance.vpc_id


def _raw(client: AwsClient, instance: Instance) -> Mapping[str, object]:
    call = Call(
        service="ec2", operation="DescribeInstances", region=instance.region, parameters={"InstanceIds": [instance.id]}
    )
    found = [raw for item in client.read(call).data.get("Reservations", []) for raw in item.get("Instances", [])]
    return found[0] if found else {}


def _subnet(client: AwsClient, region: str, identifier: str) -> LaunchSubnet | None:
    try:
        answer = client.read(
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


def _volumes(client: AwsClient, instance: Instance) -> tuple[LaunchVolume, ...]:
    ids = [volume.id for volume in instance.volumes]
    if not ids:
        return ()
    pages = client.pages(
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


def _default_key(client: AwsClient, region: str) -> tuple[str, str]:
    try:
        return str(client.read(Call("ec2", "GetEbsDefaultKmsKeyId", region)).data.get("KmsKeyId") or ""), ""
    except AwsError as error:
        return "", error.sentence()


def _user_data(client: AwsClient, instance: Instance) -> bytes:
    parameters = {"InstanceId": instance.id, "Attribute": "userData"}
    answer = client.read(
        Call(service="ec2", operation="DescribeInstanceAttribute", region=instance.region, parameters=parameters)
    ).data
    try:
        return base64.b64decode(str((answer.get("UserData") or {}).get("Value") or ""))
    except ValueError:
        return b""


def groups_before(instance: Instance, asked: PlanningContext) -> tuple[str, ...]:
    """The groups of its interfaces as they were before the incident moved them."""
    named = strings(asked.remembered, GROUPS)
    if named:
        return named
    found: dict[str, None] = {}
    for nic in instance.interfaces:
        recorded = strings(asked.before.get(f"undo-{nic.id}"), "Groups")
        found.update(dict.fromkeys(recorded or nic.groups))
    return tuple(found)


def read_rules(
    client: AwsClient, instance: Instance, asked: PlanningContext
) -> tuple[tuple[SecurityGroupRule, ...], dict[str, str]]:
    """The rules of those groups, by id, and the groups' names."""
    groups = groups_before(instance, asked)
    if not groups:
        return (), {}
    by_group = {"Filters": [{"Name": "group-id", "Values": list(groups)}]}
    pages = client.pages(
        Call(service="ec2", operation="DescribeSecurityGroupRules", region=instance.region, parameters=by_group)
    )
    rules = [group_rule(raw) for page in pages for raw in page.data.get("SecurityGroupRules", [])]
    named = client.pages(
        Call(service="ec2", operation="DescribeSecurityGroups", region=instance.region, parameters=by_group)
    )
    names = {
        str(raw["GroupId"]): str(raw.get("GroupName", ""))
        for page in named
        for raw in page.data.get("SecurityGroups", [])
    }
    return tuple(sorted(rules, key=lambda rule: (rule.egress, rule.group, rule.peer, rule.id))), names


def profile_before(instance: Instance, asked: PlanningContext) -> str:
    """The ARN of its instance profile, before the incident took it."""
    taken = asked.before.get("undo-take-profile", {}).get("IamInstanceProfile") or {}
    return instance.profile_arn or string(taken, "Arn")


def read_policies(client: AwsClient, instance: Instance, asked: PlanningContext) -> tuple[PolicyOf, ...]:
    """The policies of the old instance's role, ours left out; none where it had no role."""
    arn, home = profile_before(instance, asked), iam_region(instance.region)
    if not arn:
        return ()
    named = {"InstanceProfileName": arn.rpartition("/")[2]}
    profile = client.read(Call(service="iam", operation="GetInstanceProfile", region=home, parameters=named)).data
    role = next((str(item["RoleName"]) for item in profile["InstanceProfile"].get("Roles") or ()), "")
    if not role:
        return ()
    found = []
    for page in client.pages(
        Call(service="iam", operation="ListRolePolicies", region=home, parameters={"RoleName": role})
    ):
        for name in page.data.get("PolicyNames", []):
            if not str(name).startswith("vpce-tui-"):
                parameters = {"RoleName": role, "PolicyName": name}
                answer = client.read(
                    Call(service="iam", operation="GetRolePolicy", region=home, parameters=parameters)
                ).data
                found.append(PolicyOf(str(name), "", answer.get("PolicyDocument") or {}))
    for page in client.pages(
        Call(service="iam", operation="ListAttachedRolePolicies", region=home, parameters={"RoleName": role})
    ):
        for item in page.data.get("AttachedPolicies", []):
            found.append(PolicyOf(str(item["PolicyName"]), str(item["PolicyArn"]), _version(client, home, item)))
    return tuple(sorted(found, key=lambda item: (item.arn, item.name)))


def _version(client: AwsClient, home: str, item: Mapping[str, object]) -> Mapping[str, object]:
    arn = str(item["PolicyArn"])
    policy = client.read(Call(service="iam", operation="GetPolicy", region=home, parameters={"PolicyArn": arn})).data[
        "Policy"
    ]
    parameters = {"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]}
    document = (
        client.read(Call(service="iam", operation="GetPolicyVersion", region=home, parameters=parameters))
        .data["PolicyVersion"]
        .get("Document")
    )
    return document if isinstance(document, Mapping) else {}


def own_role_name(instance: str) -> str:
    """What the role and profile that we make for its replacement are called."""
    return f"vpce-tui-relaunch-{instance}"


def read_new_role(client: AwsClient, instance: Instance, asked: PlanningContext) -> NewRole:
    """Our role and profile, as far as they are there."""
    name, home = own_role_name(instance.id), iam_region(instance.region)
    role = _there(client, Call(service="iam", operation="GetRole", region=home, parameters={"RoleName": name}))
    profile = _there(
        client,
        Call(service="iam", operation="GetInstanceProfile", region=home, parameters={"InstanceProfileName": name}),
    )
    held = [string(item, "RoleName") for item in mappings(profile, "InstanceProfile", "Roles")]
    inline: dict[str, Mapping[str, object]] = {}
    attached: list[str] = []
    if role:
        for page in client.pages(
            Call(service="iam", operation="ListRolePolicies", region=home, parameters={"RoleName": name})
        ):
            for policy in page.data.get("PolicyNames", []):
                parameters = {"RoleName": name, "PolicyName": policy}
                answer = client.read(
                    Call(service="iam", operation="GetRolePolicy", region=home, parameters=parameters)
                ).data
                inline[str(policy)] = answer.get("PolicyDocument") or {}
        for page in client.pages(
            Call(service="iam", operation="ListAttachedRolePolicies", region=home, parameters={"RoleName": name})
        ):
            attached += [str(item["PolicyArn"]) for item in page.data.get("AttachedPolicies", [])]
    the_role, the_profile = mapping(role, "Role"), mapping(profile, "InstanceProfile")
    taken = [
        f"the {kind} {name}"
        for kind, raw, call, key in (
            ("role", the_role, "role", "RoleId"),
            ("profile", the_profile, "profile", "InstanceProfileId"),
        )
        if raw and not (ours(tags_of(raw.get("Tags")), instance.id, asked) and asked.made_by(call, string(raw, key)))
    ]
    return NewRole(
        arn=string(the_role, "Arn"),
        profile_arn=string(the_profile, "Arn"),
        in_profile=name in held,
        inline=inline,
        attached=tuple(sorted(attached)),
        trust=mapping(the_role, "AssumeRolePolicyDocument"),
        role_id=string(the_role, "RoleId"),
        profile_id=string(the_profile, "InstanceProfileId"),
        taken=" and ".join(taken),
    )


def _there(client: AwsClient, call: Call) -> Mapping[str, object]:
    """The answer; empty where AWS knows no such thing."""
    try:
        return client.read(call).data
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return {}
        raise
