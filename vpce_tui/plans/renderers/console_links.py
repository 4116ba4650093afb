"""Deep links into the AWS console: the page of a call's resource, in its region and partition."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote as percent_encoded

from vpce_tui.core.json_values import string
from vpce_tui.plans.plan import PlannedCall

Parameters = Mapping[str, object]

_DOMAINS: Final = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def quote(text: str, safe: str = "/") -> str:
    """Percent-encoded; what cannot be encoded (an unpaired surrogate) as a question mark."""
    return percent_encoded(text.encode("utf-8", "replace"), safe)


def link(call: PlannedCall) -> str:
    """The console page for the call's resource and region."""
    region = call.region
    domain = next((name for prefix, name in _DOMAINS.items() if region.startswith(prefix)), "console.aws.amazon.com")
    base = f"https://{region}.{domain}"
    return base + _PAGES.get(call.service, _ec2)(call.operation, call.parameters, region)


def _iam(_: str, parameters: Parameters, __: str) -> str:
    for key, page in (("RoleName", "roles/details"), ("UserName", "users/details"), ("PolicyArn", "policies/details")):
        if name := string(parameters, key):
            return f"/iam/home#/{page}/{quote(name)}"
    return "/iam/home#/roles"


def _autoscaling(_: str, parameters: Parameters, region: str) -> str:
    group = parameters.get("AutoScalingGroupName")
    page = f"AutoScalingGroupDetails:id={quote(str(group))};view=instanceManagement" if group else "AutoScalingGroups:"
    return f"/ec2/home?region={region}#{page}"


def _elbv2(_: str, parameters: Parameters, region: str) -> str:
    arn = parameters.get("TargetGroupArn")
    page = f"TargetGroup:targetGroupArn={quote(str(arn), safe=':/')}" if arn else "TargetGroups:"
    return f"/ec2/home?region={region}#{page}"


def _waf(_: str, parameters: Parameters, region: str) -> str:
    where = "global" if parameters.get("Scope") == "CLOUDFRONT" else region
    return f"/wafv2/homev2/ip-sets?region={where}"


def _s3(_: str, parameters: Parameters, region: str) -> str:
    bucket = parameters.get("Bucket")
    return f"/s3/buckets/{quote(str(bucket))}?region={region}" if bucket else f"/s3/buckets?region={region}"


def _cloudtrail(operation: str, _: Parameters, region: str) -> str:
    page = "events" if operation == "LookupEvents" else "trails"
    return f"/cloudtrailv2/home?region={region}#/{page}"


def _logs(operation: str, parameters: Parameters, region: str) -> str:
    if operation in ("StartQuery", "GetQueryResults"):
        return f"/cloudwatch/home?region={region}#logsV2:logs-insights"
    group = parameters.get("logGroupName")
    name = "/log-group/" + quote(quote(str(group), safe=""), safe="").replace("%25", "$25") if group else ""
    return f"/cloudwatch/home?region={region}#logsV2:log-groups{name}"


_EC2_OPERATIONS: Final = {
    "DescribeVolumes": "Volumes:",
    "DescribeNetworkInterfaces": "NIC:",
    "DescribeAddresses": "Addresses:",
    "DescribeSnapshots": "Snapshots:",
    "DescribeSecurityGroupRules": "SecurityGroups:",
    "DescribeImages": "LaunchAmis:",
    "CreateSnapshot": "Snapshots:",
    "CopySnapshot": "Snapshots:",
    "DeleteSnapshot": "Snapshots:",
    "CreateVolume": "Volumes:",
    "CreateLaunchTemplate": "LaunchTemplates:",
    "DeleteLaunchTemplate": "LaunchTemplates:",
    "AssociateAddress": "Addresses:",
    "CreateLaunchTemplateVersion": "LaunchTemplates:",
    "DeleteLaunchTemplateVersions": "LaunchTemplates:",
    "GetEbsEncryptionByDefault": "Settings:",
    "EnableEbsEncryptionByDefault": "Settings:",
    "DisableEbsEncryptionByDefault": "Settings:",
}
_VPC_OPERATIONS: Final = {
    "DescribeSubnets": "subnets:",
    "DescribeRouteTables": "RouteTables:",
    "DescribeNetworkAcls": "acls:",
    "DescribeVpcs": "vpcs:",
    "DescribeVpcEndpoints": "Endpoints:",
    "DescribeVpcEndpointServices": "Endpoints:",
    "DescribeFlowLogs": "vpcs:",
    "CreateFlowLogs": "vpcs:",
    "DeleteFlowLogs": "vpcs:",
    "CreateVpcEndpoint": "CreateVpcEndpoint:",
    "CreateNetworkAclEntry": "acls:",
    "DeleteNetworkAclEntry": "acls:",
    "DescribeInternetGateways": "igws:",
    "DescribeVpcBlockPublicAccessOptions": "Settings:",
    "ModifyVpcBlockPublicAccessOptions": "Settings:",
    "CreateVpcBlockPublicAccessExclusion": "Settings:",
    "DeleteVpcBlockPublicAccessExclusion": "Settings:",
    "CreateVpcEncryptionControl": "EncryptionControls:",
    "DeleteVpcEncryptionControl": "EncryptionControls:",
    "DescribeVpcEncryptionControls": "EncryptionControls:",
}


def _ec2(operation: str, parameters: Parameters, region: str) -> str:
    endpoint = string(parameters, "VpcEndpointId") or string(parameters, "VpcEndpointIds", 0)
    resource = string(parameters, "ResourceIds", 0)
    if endpoint:
        return f"/vpcconsole/home?region={region}#EndpointDetails:vpcEndpointId={quote(endpoint)}"
    if resource.startswith("vpc-"):
        return f"/vpcconsole/home?region={region}#VpcDetails:VpcId={quote(resource)}"
    if operation in _VPC_OPERATIONS:
        return f"/vpcconsole/home?region={region}#{_VPC_OPERATIONS[operation]}"
    return f"/ec2/home?region={region}#{_ec2_page(operation, parameters)}"


def _ec2_page(operation: str, parameters: Parameters) -> str:
    if operation in _EC2_OPERATIONS:
        return _EC2_OPERATIONS[operation]
    if instance := string(parameters, "InstanceIds", 0) or string(parameters, "InstanceId"):
        return f"InstanceDetails:instanceId={quote(instance)}"
    if volume := string(parameters, "VolumeId"):
        return f"VolumeDetails:volumeId={quote(volume)}"
    if interface := string(parameters, "NetworkInterfaceId"):
        return f"NetworkInterface:networkInterfaceId={quote(interface)}"
    if "SnapshotId" in parameters:
        return "Snapshots:"
    if group := string(parameters, "GroupId"):
        return f"SecurityGroup:groupId={quote(group)}"
    if "GroupName" in parameters or "GroupId" in parameters or "GroupIds" in parameters:
        return "SecurityGroups:"
    if "InstanceSpecification" in parameters:
        return f"InstanceDetails:instanceId={quote(string(parameters, 'InstanceSpecification', 'InstanceId'))}"
    return "Instances:"


_PAGES: Final[Mapping[str, Callable[[str, Parameters, str], str]]] = {
    "iam": _iam,
    "autoscaling": _autoscaling,
    "elbv2": _elbv2,
    "logs": _logs,
    "wafv2": _waf,
    "elb": lambda _, __, region: f"/ec2/home?region={region}#LoadBalancers:",
    "cloudtrail": _cloudtrail,
    "s3": _s3,
    "config": lambda _, __, region: f"/config/home?region={region}#/settings",
    "guardduty": lambda _, __, region: f"/guardduty/home?region={region}#/findings",
    "organizations": lambda _, __, ___: "/organizations/v2/home",
}
