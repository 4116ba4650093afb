"""Where to click in the AWS console for each operation, in the console's own words (2026)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from vpce_tui.playbooks.values import is_document, is_ref, is_sealed, is_text

Parameters = Mapping[str, Any]


def say(value: Any) -> str:
    """A parameter in words; a reference as what it stands for."""
    if is_ref(value):
        return _REFERENCES.get(str(value["$ref"]), f"the {str(value['$ref']).lower().replace('_', ' ')} from above")
    if is_sealed(value):
        return f"‹{say(value['$sealed'])}, not shown›"
    if is_text(value):
        return "".join(part if isinstance(part, str) else f"‹{say(part)}›" for part in value["$text"])
    if is_document(value):
        import json  # noqa: PLC0415

        return json.dumps(_said(value["$json"]), ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(say(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {say(item)}" for key, item in value.items())
    return str(value)


def _said(value: Any) -> Any:
    if is_ref(value) or is_text(value):
        return f"‹{say(value)}›"
    if isinstance(value, Mapping):
        return {key: _said(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_said(item) for item in value]
    return value


_REFERENCES: Final = {
    "INCIDENT": "the incident's name",
    "AWS_NOW": "the time now, UTC",
    "QUARANTINE_GROUP": "the quarantine group from above",
    "UNTRACKED_GROUP": "the untracked group from above",
}


def _modify_instance(parameters: Parameters) -> str:
    where = f"EC2 › Instances › {say(parameters['InstanceId'])} › Actions › "
    if "DisableApiTermination" in parameters:
        return f"{where}Instance settings › Change termination protection › {_tick(parameters['DisableApiTermination'])} › Save"
    if "DisableApiStop" in parameters:
        return f"{where}Instance settings › Change stop protection › {_tick(parameters['DisableApiStop'])} › Save"
    if "InstanceInitiatedShutdownBehavior" in parameters:
        chosen = str(parameters["InstanceInitiatedShutdownBehavior"]["Value"]).capitalize()
        return f"{where}Instance settings › Change shutdown behavior › {chosen} › Save"
    disk = parameters["BlockDeviceMappings"][0]
    return (
        f"not in the console for a running instance; use the CLI view (device {disk['DeviceName']}, "
        f"DeleteOnTermination {str(disk['Ebs']['DeleteOnTermination']).lower()})"
    )


def _endpoint(parameters: Parameters) -> str:
    where = f"VPC › Endpoints › {say(parameters['VpcEndpointId'])} › Actions › "
    if "PolicyDocument" in parameters:
        return f"{where}Manage policy › Custom: {say(parameters['PolicyDocument'])} › Save"
    if "PrivateDnsEnabled" in parameters:
        return f"{where}Modify private DNS name › {'tick' if parameters['PrivateDnsEnabled'] else 'untick'} Enable for this endpoint › Save changes"
    if "RemoveRouteTableIds" in parameters:
        return f"{where}Manage route tables › untick {say(parameters['RemoveRouteTableIds'])} › Modify route tables"
    if "AddRouteTableIds" in parameters:
        return f"{where}Manage route tables › tick {say(parameters['AddRouteTableIds'])} › Modify route tables"
    return (
        f"{where}Manage security groups › tick {say(parameters.get('AddSecurityGroupIds', []))}, "
        f"untick {say(parameters.get('RemoveSecurityGroupIds', []))} › Modify security groups"
    )


def _new_endpoint(parameters: Parameters) -> str:
    return (
        f"VPC › Endpoints › Create endpoint › {say(parameters.get('ServiceName', 'the service as in the CLI view'))}, "
        f"VPC {say(parameters['VpcId'])}, subnets {say(parameters.get('SubnetIds', []))}, "
        f"route tables {say(parameters.get('RouteTableIds', []))}, groups {say(parameters.get('SecurityGroupIds', []))}, policy and "
        "tags as in the CLI view › Create endpoint"
    )


def _new_flow_log(parameters: Parameters) -> str:
    kind = {"VPC": "Your VPCs", "Subnet": "Subnets", "NetworkInterface": "EC2 › Network Interfaces"}[
        parameters["ResourceType"]
    ]
    return (
        f"VPC › {kind} › {say(parameters['ResourceIds'])} › Flow logs › Create flow log › Filter All, 1 minute, Send to "
        f"CloudWatch Logs, log group {say(parameters['LogGroupName'])}, role {say(parameters['DeliverLogsPermissionArn'])}, "
        "custom format: select all fields › Create flow log"
    )


def _tick(value: Parameters) -> str:
    return "tick Enable" if value["Value"] else "untick Enable"


def _new_group(parameters: Parameters) -> str:
    return (
        f"EC2 › Security Groups › Create security group › name {say(parameters['GroupName'])}, VPC {say(parameters['VpcId'])}, "
        "no inbound rule; tags as in the CLI view › Create security group"
    )


def _rules(parameters: Parameters, way: str, what: str) -> str:
    ids = parameters.get("SecurityGroupRuleIds")
    said = say(ids) if ids else "; ".join(_permission(item, way) for item in parameters["IpPermissions"])
    where = f"EC2 › Security Groups › {say(parameters['GroupId'])} › {way} rules › Edit {way.lower()} rules"
    return f"{where} › {what}: {said} › Save rules"


def _permission(item: Parameters, way: str) -> str:
    low, high = item.get("FromPort"), item.get("ToPort")
    ports = "" if low is None else f" {low}" if low == high else f" {low}-{high}"
    what = "All traffic" if item["IpProtocol"] == "-1" else f"{say(item['IpProtocol']).upper()}{ports}"
    peers = [
        str(value)
        for key in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
        for peer in item.get(key) or ()
        for name, value in peer.items()
        if name != "Description"
    ]
    return f"{what} {'to' if way == 'Outbound' else 'from'} {', '.join(peers)}"


def _way(parameters: Parameters) -> str:
    return "Outbound" if parameters["Egress"] else "Inbound"


def _groups(parameters: Parameters) -> str:
    return (
        f"EC2 › Network Interfaces › {say(parameters['NetworkInterfaceId'])} › Actions › Change security groups › "
        f"remove all, add {say(parameters['Groups'])} › Save"
    )


def _members(parameters: Parameters) -> str:
    return say(parameters.get("InstanceIds") or [])


WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
    "ModifyInstanceAttribute": _modify_instance,
    "CreateSecurityGroup": _new_group,
    "RevokeSecurityGroupEgress": lambda p: _rules(p, "Outbound", "Delete"),
    "RevokeSecurityGroupIngress": lambda p: _rules(p, "Inbound", "Delete"),
    "AuthorizeSecurityGroupEgress": lambda p: _rules(p, "Outbound", "Add rule"),
    "AuthorizeSecurityGroupIngress": lambda p: _rules(p, "Inbound", "Add rule"),
    "CreateNetworkAclEntry": lambda p: (
        f"VPC › Network ACLs › {say(p['NetworkAclId'])} › {_way(p)} rules › Edit {_way(p).lower()} rules › Add new rule: number "
        f"{p['RuleNumber']}, All traffic, {say(p.get('CidrBlock') or p.get('Ipv6CidrBlock'))}, Deny › Save changes"
    ),
    "DeleteNetworkAclEntry": lambda p: (
        f"VPC › Network ACLs › {say(p['NetworkAclId'])} › {_way(p)} rules › Edit {_way(p).lower()} rules › remove rule {p['RuleNumber']} › "
        "Save changes"
    ),
    "GetIPSet": lambda p: f"WAF & Shield › IP sets › {say(p['Name'])}",
    "UpdateIPSet": lambda p: (
        f"WAF & Shield › IP sets › {say(p['Name'])} › add or delete so that it holds {say(p['Addresses'])} › Save"
    ),
    "ModifyVpcBlockPublicAccessOptions": lambda p: (
        "VPC › Settings › Block Public Access › Edit public access settings › "
        + {
            "off": "untick Turn on block public access",
            "block-ingress": "tick it, Ingress-only",
            "block-bidirectional": "tick it, Bidirectional",
        }[p["InternetGatewayBlockMode"]]
        + " › Save changes"
    ),
    "CreateVpcBlockPublicAccessExclusion": lambda p: (
        f"VPC › Settings › Block Public Access › Exclusions › Create exclusions › Bidirectional, {say(p['VpcId'])}; tags as in the CLI view › Create exclusions"
    ),
    "DeleteVpcBlockPublicAccessExclusion": lambda p: (
        f"VPC › Settings › Block Public Access › Exclusions › tick {say(p['ExclusionId'])} › Actions › Delete exclusions › Delete"
    ),
    "StartQuery": lambda p: (
        f"CloudWatch › Logs › Logs Insights › log group {say(p['logGroupName'])}, the time range, the query of the CLI view › Run query"
    ),
    "GetQueryResults": lambda _: "CloudWatch › Logs › Logs Insights › wait for the results of that query",
    "ModifyNetworkInterfaceAttribute": _groups,
    "DeleteSecurityGroup": lambda p: (
        f"EC2 › Security Groups › {say(p['GroupId'])} › Actions › Delete security groups › Delete"
    ),
    "DetachInstances": lambda p: (
        f"EC2 › Auto Scaling Groups › {say(p['AutoScalingGroupName'])} › Instance management › tick {_members(p)} › Actions › Detach › "
        + (
            "leave “Add a new instance” unticked"
            if p["ShouldDecrementDesiredCapacity"]
            else "tick “Add a new instance”"
        )
        + " › Detach instance"
    ),
    "AttachInstances": lambda p: (
        f"EC2 › Instances › {_members(p)} › Actions › Instance settings › Attach to Auto Scaling Group › {say(p['AutoScalingGroupName'])} › Attach"
    ),
    "DeregisterTargets": lambda p: (
        f"EC2 › Target Groups › {say(p['TargetGroupArn']).rpartition('targetgroup/')[2]} › Targets › tick {say(p['Targets'][0]['Id'])} › Deregister"
    ),
    "RegisterTargets": lambda p: (
        f"EC2 › Target Groups › {say(p['TargetGroupArn']).rpartition('targetgroup/')[2]} › Targets › Register targets › {say(p['Targets'][0]['Id'])} › Register pending targets"
    ),
    "DeregisterInstancesFromLoadBalancer": lambda p: (
        f"EC2 › Load Balancers › {say(p['LoadBalancerName'])} › Target instances › Manage instances › untick {say(p['Instances'][0]['InstanceId'])} › Confirm"
    ),
    "RegisterInstancesWithLoadBalancer": lambda p: (
        f"EC2 › Load Balancers › {say(p['LoadBalancerName'])} › Target instances › Manage instances › tick {say(p['Instances'][0]['InstanceId'])} › Confirm"
    ),
    "PutRolePolicy": lambda p: (
        f"IAM › Roles › {say(p['RoleName'])} › Permissions › Add permissions › Create inline policy › JSON, name {say(p['PolicyName'])}: {say(p['PolicyDocument'])}"
    ),
    "DeleteRolePolicy": lambda p: f"IAM › Roles › {say(p['RoleName'])} › Permissions › {say(p['PolicyName'])} › Remove",
    "DisassociateIamInstanceProfile": lambda p: (
        f"EC2 › Instances › the instance › Actions › Security › Modify IAM role › No IAM Role › Update IAM role (association {say(p['AssociationId'])})"
    ),
    "AssociateIamInstanceProfile": lambda p: (
        f"EC2 › Instances › {say(p['InstanceId'])} › Actions › Security › Modify IAM role › {say(p['IamInstanceProfile']['Arn']).rpartition('/')[2]} › Update IAM role"
    ),
    "CreateSnapshots": lambda p: (
        f"EC2 › Snapshots › Create snapshot › Instance › {say(p['InstanceSpecification']['InstanceId'])}, root volume included; tags as in the CLI view › Create snapshot"
    ),
    "LockSnapshot": lambda p: (
        f"EC2 › Snapshots › {say(p['SnapshotId'])} › Actions › Snapshot settings › Manage snapshot lock › Governance, {p['LockDuration']} days › Save"
    ),
    "ModifySnapshotAttribute": lambda p: (
        f"EC2 › Snapshots › {say(p['SnapshotId'])} › Actions › Snapshot settings › Modify permissions › Private › Add account {say(p['UserIds'])} › Modify permissions"
    ),
    "StopInstances": lambda p: f"EC2 › Instances › {_members(p)} › Instance state › Stop instance › Stop",
    "StartInstances": lambda p: f"EC2 › Instances › {_members(p)} › Instance state › Start instance",
    "TerminateInstances": lambda p: (
        f"EC2 › Instances › {_members(p)} › Instance state › Terminate (delete) instance › Terminate (delete)"
    ),
    "CancelSpotInstanceRequests": lambda p: (
        f"EC2 › Spot Requests › {say(p['SpotInstanceRequestIds'])} › Actions › Cancel request › Confirm"
    ),
    "ModifyVpcEndpoint": _endpoint,
    "DeleteVpcEndpoints": lambda p: (
        f"VPC › Endpoints › {say(p['VpcEndpointIds'])} › Actions › Delete VPC endpoints › delete › Delete"
    ),
    "CreateVpcEndpoint": _new_endpoint,
    "CreateFlowLogs": _new_flow_log,
    "DeleteFlowLogs": lambda p: (
        f"VPC › Your VPCs › the VPC › Flow logs › tick {say(p['FlowLogIds'])} › Actions › Delete flow logs › Delete"
    ),
    "CreateVpcEncryptionControl": lambda p: (
        f"VPC › Encryption controls › Create encryption control › {say(p['VpcId'])}, Monitor mode › Create"
    ),
    "DeleteVpcEncryptionControl": lambda p: (
        f"VPC › Encryption controls › {say(p['VpcEncryptionControlId'])} › Actions › Delete › Delete"
    ),
    "UpdateAccessKey": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Access keys › {say(p['AccessKeyId'])} › Actions › "
        + ("Deactivate" if p["Status"] == "Inactive" else "Activate")
    ),
    "PutUserPolicy": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Permissions › Add permissions › Create inline policy › JSON, name {say(p['PolicyName'])}: {say(p['PolicyDocument'])}"
    ),
    "DeleteUserPolicy": lambda p: f"IAM › Users › {say(p['UserName'])} › Permissions › {say(p['PolicyName'])} › Remove",
    "DeleteLoginProfile": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Console sign-in › Manage console access › Disable access"
    ),
    "DeactivateMFADevice": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Multi-factor authentication › {say(p['SerialNumber'])} › Remove"
    ),
    "DeleteSigningCertificate": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › X.509 Signing certificates › {say(p['CertificateId'])} › Delete"
    ),
    "DeleteServiceSpecificCredential": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › credentials for the service › {say(p['ServiceSpecificCredentialId'])} › Delete"
    ),
    "CreateLogGroup": lambda p: (
        f"CloudWatch › Logs › Log groups › Create log group › {say(p['logGroupName'])} › Create"
    ),
    "DeleteLogGroup": lambda p: (
        f"CloudWatch › Logs › Log groups › tick {say(p['logGroupName'])} › Actions › Delete log group(s) › Delete"
    ),
    "CreateRole": lambda p: (
        f"IAM › Roles › Create role › Custom trust policy: {say(p['AssumeRolePolicyDocument'])} › Next › Next › name {say(p['RoleName'])} › Create role"
    ),
    "DeleteRole": lambda p: f"IAM › Roles › tick {say(p['RoleName'])} › Delete › type its name › Delete",
}
