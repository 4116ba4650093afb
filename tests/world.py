"""A full describe dump of what playbook 1 can touch, with what AWS gives anew each time masked."""

import json
import re
from functools import cache
from typing import Any

import boto3

from tests.conftest import HOME, Aws


@cache
def _session(key: str, secret: str, token: str) -> boto3.Session:
    """One session for all labs: it keeps the service models it has read."""
    return boto3.Session(key, secret, token, region_name=HOME)


def clients(aws: Aws, region: str = HOME) -> Any:
    session = _session(*aws.zygote.keys)
    return lambda service: session.client(service, endpoint_url=aws.url, region_name=region)


def dump(aws: Aws, region: str = HOME) -> dict[str, Any]:
    """Every describe of the region's instances, interfaces, groups, disks, snapshots, scaling, balancing, and the roles."""
    client = clients(aws, region)
    ec2, iam, elbv2, logs = client("ec2"), client("iam"), client("elbv2"), client("logs")
    home = clients(aws)("ec2")
    groups = ec2.describe_security_groups()["SecurityGroups"]
    names = {group["GroupId"]: f"group:{group['GroupName']}" for group in groups}
    found: dict[str, Any] = {
        "instances": [item for page in ec2.describe_instances()["Reservations"] for item in page["Instances"]],
        "protection": {
            name: home.describe_instance_attribute(InstanceId=aws.victim, Attribute=name)[name[0].upper() + name[1:]]
            for name in ("disableApiTermination", "disableApiStop", "instanceInitiatedShutdownBehavior")
        },
        "interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"],
        "groups": groups,
        "volumes": ec2.describe_volumes()["Volumes"],
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
        "policies": {
            role["RoleName"]: {
                name: iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
                for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
            }
            for role in iam.list_roles()["Roles"]
        },
    }
    text = json.dumps(found, default=str, sort_keys=True)
    for identifier, name in names.items():
        text = text.replace(identifier, name)
    text = re.sub(r"iip-assoc-[0-9a-f]+", "association", text)
    text = re.sub(r"sgr-[0-9a-f]+", "rule", text)
    text = re.sub(r'"(aws:TokenIssueTime)": "[^"]+"', r'"\1": "a time"', text)
    text = re.sub(r"User initiated \([^)]*\)", "User initiated", text)
    masked: dict[str, Any] = json.loads(text)
    return {key: _sorted(value) for key, value in masked.items()}


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
