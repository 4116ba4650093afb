"""A full describe of what the playbooks can touch, with what AWS gives anew each time masked."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from vpce_tui.lab.account import HOME


def state(clients: Callable[[str, str], Any], victim: str, region: str) -> dict[str, Any]:
    """Every describe of the region's instances, interfaces, groups, volumes, snapshots, scaling, balancing, and the roles.

    ``clients(service, region)`` gives a boto3 client; ``victim``: the id of the instance that the scenario is about.
    """

    def client(service: str) -> Any:
        return clients(service, region)

    ec2, iam, elbv2, logs = client("ec2"), client("iam"), client("elbv2"), client("logs")
    home = clients("ec2", HOME)
    groups = ec2.describe_security_groups()["SecurityGroups"]
    names = {group["GroupId"]: f"group:{group['GroupName']}" for group in groups}
    machines = [item for page in ec2.describe_instances()["Reservations"] for item in page["Instances"]]
    own = [item for item in machines if _call(item) == "launch"]
    templates = ec2.describe_launch_templates()["LaunchTemplates"]
    names |= {item["LaunchTemplateId"]: f"template:{item['LaunchTemplateName']}" for item in templates}
    found: dict[str, Any] = {
        "instances": [item for item in machines if item not in own or item["State"]["Name"] != "terminated"],
        "templates": [
            [
                {key: value for key, value in version.items() if key not in ("CreateTime", "LaunchTemplateId")}
                for version in ec2.describe_launch_template_versions(LaunchTemplateId=item["LaunchTemplateId"])[
                    "LaunchTemplateVersions"
                ]
            ]
            for item in templates
        ],
        "protection": {
            name: home.describe_instance_attribute(InstanceId=victim, Attribute=name)[name[0].upper() + name[1:]]
            for name in ("disableApiTermination", "disableApiStop", "instanceInitiatedShutdownBehavior")
        },
        "interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"],
        "groups": groups,
        "volumes": [item for item in ec2.describe_volumes()["Volumes"] if not _kept(item)],
        "snapshots": [
            {"VolumeId": item["VolumeId"], "Tags": item.get("Tags")}
            for item in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        ],
        "profiles": ec2.describe_iam_instance_profile_associations(
            Filters=[{"Name": "state", "Values": ["associated"]}]
        )["IamInstanceProfileAssociations"],
        "endpoints": [
            {key: value for key, value in item.items() if key != "CreationTimestamp"}
            for item in ec2.describe_vpc_endpoints()["VpcEndpoints"]
        ],
        "routes": [item["Routes"] for item in ec2.describe_route_tables()["RouteTables"]],
        "acls": [item["Entries"] for item in ec2.describe_network_acls()["NetworkAcls"]],
        "flow logs": [
            {key: value for key, value in item.items() if key not in ("CreationTime", "FlowLogId")}
            for item in ec2.describe_flow_logs()["FlowLogs"]
        ],
        "encryption": [
            {key: item[key] for key in ("VpcId", "Mode", "State")}
            for item in ec2.describe_vpc_encryption_controls()["VpcEncryptionControls"]
        ],
        "sets": [
            client("wafv2").get_ip_set(Name=item["Name"], Scope="REGIONAL", Id=item["Id"])["IPSet"]
            for item in client("wafv2").list_ip_sets(Scope="REGIONAL")["IPSets"]
        ],
        "new volumes encrypted": ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"],
        "buckets": {name: _bucket(client("s3"), name) for name in _buckets(client("s3"))},
        "trails": {
            item["Name"]: (
                {key: value for key, value in item.items() if key != "TrailARN"},
                client("cloudtrail").get_trail_status(Name=item["TrailARN"])["IsLogging"],
            )
            for item in client("cloudtrail").describe_trails(includeShadowTrails=True)["trailList"]
        },
        "config": [
            client("config").describe_configuration_recorders()["ConfigurationRecorders"],
            [
                item["recording"]
                for item in client("config").describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
            ],
            client("config").describe_delivery_channels()["DeliveryChannels"],
        ],
        "public access": [
            ec2.describe_vpc_block_public_access_options()["VpcBlockPublicAccessOptions"]["InternetGatewayBlockMode"],
            ec2.describe_vpc_block_public_access_exclusions()["VpcBlockPublicAccessExclusions"],
        ],
        "log groups": [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]],
        "spot": ec2.describe_spot_instance_requests()["SpotInstanceRequests"],
        "scaling": client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
        "classic": client("elb").describe_load_balancers()["LoadBalancerDescriptions"],
        "health": {
            group["TargetGroupName"]: elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
            for group in elbv2.describe_target_groups()["TargetGroups"]
        },
        "users": {
            user["UserName"]: {
                "keys": [
                    {key: item[key] for key in ("AccessKeyId", "Status")}
                    for item in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
                ],
                "policies": {
                    name: iam.get_user_policy(UserName=user["UserName"], PolicyName=name)["PolicyDocument"]
                    for name in iam.list_user_policies(UserName=user["UserName"])["PolicyNames"]
                },
                "password": _has_password(iam, user["UserName"]),
            }
            for user in iam.list_users()["Users"]
        },
        "profiles of IAM": {
            item["InstanceProfileName"]: [role["RoleName"] for role in item["Roles"]]
            for item in iam.list_instance_profiles()["InstanceProfiles"]
        },
        "attached": {
            role["RoleName"]: iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
            for role in iam.list_roles()["Roles"]
        },
        "managed": {
            policy["PolicyName"]: [
                (version["VersionId"], version["IsDefaultVersion"])
                for version in iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
            ]
            for policy in iam.list_policies(Scope="Local")["Policies"]
        },
        "addresses": ec2.describe_addresses()["Addresses"],
        "policies": {
            role["RoleName"]: {
                name: iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
                for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
            }
            for role in iam.list_roles()["Roles"]
        },
    }
    moved = [item for item in ec2.describe_volumes()["Volumes"] if _call(item).startswith("volume-")]
    text = _masked(found, own, moved)
    for identifier, name in names.items():
        text = text.replace(identifier, name)
    text = re.sub(r'"(AttachTime|LaunchTime)": "[^"]*"', r'"\1": "a time"', text)
    text = re.sub(r'("Arn": "[^"]+:instance-profile/[^"]+", "Id": )"[a-z0-9]{20}"', r'\1"profile"', text)
    text = re.sub(r"iip-assoc-[0-9a-f]+", "association", text)
    text = re.sub(r"sgr-[0-9a-f]+", "rule", text)
    text = re.sub(r'"(aws:TokenIssueTime)": "[^"]+"', r'"\1": "a time"', text)
    text = re.sub(r"User initiated \([^)]*\)", "User initiated", text)
    masked: dict[str, Any] = json.loads(text)
    return {key: _sorted(value) for key, value in masked.items()}


def _buckets(s3: Any) -> list[str]:
    return [item["Name"] for item in s3.list_buckets()["Buckets"]]


def _bucket(s3: Any, name: str) -> Any:
    """Its policy, and whether it is closed to the public."""
    found = []
    for ask, missing in (
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration"),
    ):
        try:
            answer = ask(Bucket=name)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != missing:
                raise
            found.append(None)
        else:
            found.append(
                json.loads(answer["Policy"]) if "Policy" in answer else answer["PublicAccessBlockConfiguration"]
            )
    return found


def _call(item: dict[str, Any]) -> str:
    """The call of ours that made it."""
    return next((tag["Value"] for tag in item.get("Tags", []) if tag["Key"] == "vpce-tui:call"), "")


def _kept(item: dict[str, Any]) -> bool:
    """Whether an undo left it on purpose: an encrypted volume that was written to."""
    return any(tag["Key"] == "vpce-tui:kept-after-undo" for tag in item.get("Tags", []))


def _masked(found: dict[str, Any], launched: list[dict[str, Any]], moved: list[dict[str, Any]]) -> str:
    """As text, with what AWS gives an instance or volume that we made anew each time masked: ids, addresses, times."""
    own: list[str] = [item["VolumeId"] for item in sorted(moved, key=_call)]
    for item in launched:
        nics = item.get("NetworkInterfaces", [])
        disks = [mapping["Ebs"]["VolumeId"] for mapping in item.get("BlockDeviceMappings", [])]
        own += [item["InstanceId"], *disks, *(nic["NetworkInterfaceId"] for nic in nics)]
        own += [nic["Attachment"]["AttachmentId"] for nic in nics]
        own += [text for nic in nics for text in (nic["PrivateIpAddress"], nic["PrivateIpAddress"].replace(".", "-"))]
    text = json.dumps({key: _timeless(value, own) for key, value in found.items()}, default=str, sort_keys=True)
    for number, identifier in enumerate(own):
        text = text.replace(identifier, f"launched-{number}")
    return text


_ANEW = ("ReservationId", "ClientToken", "StateTransitionReason", "MacAddress", "SnapshotId")


def _timeless(value: Any, own: list[str]) -> Any:
    """Each item that names something of ours without its times and tokens."""
    if isinstance(value, list):
        return [_timeless(item, own) for item in value]
    if not isinstance(value, dict) or not any(identifier in json.dumps(value, default=str) for identifier in own):
        return value
    return {key: _bare(item) for key, item in value.items() if key not in _ANEW}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in _ANEW}
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return "a time" if isinstance(value, datetime) else value


def _has_password(iam: Any, user: str) -> bool:
    try:
        iam.get_login_profile(UserName=user)
    except iam.exceptions.NoSuchEntityException:
        return False
    return True


def _sorted(value: Any) -> Any:
    """Lists in one order: AWS promises none."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value
