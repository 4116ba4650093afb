"""Where to click in the AWS console, in its own words (2026): instances, volumes, Auto Scaling, load balancers."""

from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.core.json_values import at, mapping
from vpce_tui.plans.renderers.console_steps.phrases import Parameters, say


def _modify_instance(parameters: Parameters) -> str:
    where = f"EC2 › Instances › {say(parameters['InstanceId'])} › Actions › "
    if "DisableApiTermination" in parameters:
        return f"{where}Instance settings › Change termination protection › {_tick(parameters, 'DisableApiTermination')} › Save"
    if "DisableApiStop" in parameters:
        return f"{where}Instance settings › Change stop protection › {_tick(parameters, 'DisableApiStop')} › Save"
    if "InstanceInitiatedShutdownBehavior" in parameters:
        chosen = str(at(parameters, "InstanceInitiatedShutdownBehavior", "Value")).capitalize()
        return f"{where}Instance settings › Change shutdown behavior › {chosen} › Save"
    volume = mapping(parameters, "BlockDeviceMappings", 0)
    return (
        f"not in the console for a running instance; use the CLI view (device {volume['DeviceName']}, "
        f"DeleteOnTermination {str(at(volume, 'Ebs', 'DeleteOnTermination')).lower()})"
    )


def _tick(parameters: Parameters, attribute: str) -> str:
    return "tick Enable" if at(parameters, attribute, "Value") else "untick Enable"


def _members(parameters: Parameters) -> str:
    return say(parameters.get("InstanceIds") or [])


def _run(parameters: Parameters) -> str:
    nic = mapping(parameters, "NetworkInterfaces", 0)
    profile = parameters.get("IamInstanceProfile")
    copied = "as in the CLI view" if "UserData" in parameters else "none"
    return (
        f"EC2 › Instances › Launch instances › AMI {say(parameters['ImageId'])}, type {say(parameters['InstanceType'])}, key pair "
        f"{say(parameters.get('KeyName', 'proceed without'))} › Network settings: subnet {say(nic['SubnetId'])}, auto-assign public IP "
        f"{'enable' if nic['AssociatePublicIpAddress'] else 'disable'}, group {say(nic['Groups'])} › Configure storage: every volume encrypted › "
        f"Advanced details: IAM instance profile {say(at(profile, 'Arn') or 'none')}, shutdown behavior Stop, detailed monitoring "
        f"Enable, metadata version V2 only, response hop limit 1, user data {copied}; tags as in the CLI view › Launch instance"
    )


def _source(p: Parameters) -> str:
    return f"source version {say(p['SourceVersion'])}, " if p.get("SourceVersion") else "no source version, "


def _template(data: Parameters) -> str:
    profile = data.get("IamInstanceProfile")
    copied = "as in the CLI view" if "UserData" in data else "as it was, or none"
    return (
        f"AMI {say(data['ImageId'])}, type {say(data['InstanceType'])}, groups {say(data['SecurityGroupIds'])}, volumes encrypted, "
        f"instance profile {say(at(profile, 'Arn') or 'none')}, metadata version V2 only, hop limit 1, user data {copied}"
    )


def _by_default(chosen: str) -> str:
    return (
        "EC2 › Dashboard › Account attributes › Data protection and security › EBS encryption › Manage › "
        f"{chosen} › Update EBS encryption"
    )


WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
    "ModifyInstanceAttribute": _modify_instance,
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
        f"EC2 › Target Groups › {say(p['TargetGroupArn']).rpartition('targetgroup/')[2]} › Targets › tick {say(at(p, 'Targets', 0, 'Id'))} › Deregister"
    ),
    "RegisterTargets": lambda p: (
        f"EC2 › Target Groups › {say(p['TargetGroupArn']).rpartition('targetgroup/')[2]} › Targets › Register targets › {say(at(p, 'Targets', 0, 'Id'))} › Register pending targets"
    ),
    "DeregisterInstancesFromLoadBalancer": lambda p: (
        f"EC2 › Load Balancers › {say(p['LoadBalancerName'])} › Target instances › Manage instances › untick {say(at(p, 'Instances', 0, 'InstanceId'))} › Confirm"
    ),
    "RegisterInstancesWithLoadBalancer": lambda p: (
        f"EC2 › Load Balancers › {say(p['LoadBalancerName'])} › Target instances › Manage instances › tick {say(at(p, 'Instances', 0, 'InstanceId'))} › Confirm"
    ),
    "DisassociateIamInstanceProfile": lambda p: (
        f"EC2 › Instances › the instance › Actions › Security › Modify IAM role › No IAM Role › Update IAM role (association {say(p['AssociationId'])})"
    ),
    "AssociateIamInstanceProfile": lambda p: (
        f"EC2 › Instances › {say(p['InstanceId'])} › Actions › Security › Modify IAM role › {say(at(p, 'IamInstanceProfile', 'Arn')).rpartition('/')[2]} › Update IAM role"
    ),
    "CreateSnapshots": lambda p: (
        f"EC2 › Snapshots › Create snapshot › Instance › {say(at(p, 'InstanceSpecification', 'InstanceId'))}, root volume included; tags as in the CLI view › Create snapshot"
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
    "RunInstances": _run,
    "AssociateAddress": lambda p: (
        f"EC2 › Elastic IPs › {say(p['AllocationId'])} › Actions › Associate Elastic IP address › "
        f"{say(p.get('InstanceId') or p.get('NetworkInterfaceId'))}, tick Allow this Elastic IP address to be reassociated › Associate"
    ),
    "CreateLaunchTemplate": lambda p: (
        f"EC2 › Launch Templates › Create launch template › name {say(p['LaunchTemplateName'])}, {_template(mapping(p, 'LaunchTemplateData'))} › Create launch template"
    ),
    "DeleteLaunchTemplate": lambda p: (
        f"EC2 › Launch Templates › tick {say(p['LaunchTemplateId'])} › Actions › Delete template › type Delete › Delete"
    ),
    "CreateLaunchTemplateVersion": lambda p: (
        f"EC2 › Launch Templates › {say(p['LaunchTemplateId'])} › Actions › Modify template (Create new version) › "
        f"{_source(p)}{_template(mapping(p, 'LaunchTemplateData'))} › Create template version"
    ),
    "DeleteLaunchTemplateVersions": lambda p: (
        f"EC2 › Launch Templates › {say(p['LaunchTemplateId'])} › Actions › Delete template version › {say(p['Versions'])} › type Delete › Delete"
    ),
    "UpdateAutoScalingGroup": lambda p: (
        f"EC2 › Auto Scaling Groups › {say(p['AutoScalingGroupName'])} › Details › Launch template › Edit › "
        + (
            f"launch template {say(at(p, 'LaunchTemplate', 'LaunchTemplateId'))}, version {say(at(p, 'LaunchTemplate', 'Version'))}"
            if "LaunchTemplate" in p
            else f"switch to launch configuration {say(p['LaunchConfigurationName'])}"
        )
        + " › Update"
    ),
    "EnableEbsEncryptionByDefault": lambda _: _by_default("tick Enable"),
    "DisableEbsEncryptionByDefault": lambda _: _by_default("untick Enable"),
    "CreateSnapshot": lambda p: (
        f"EC2 › Volumes › {say(p['VolumeId'])} › Actions › Create snapshot › tags as in the CLI view › Create snapshot"
    ),
    "CopySnapshot": lambda p: (
        f"EC2 › Snapshots › {say(p['SourceSnapshotId'])} › Actions › Copy snapshot › the same region, tick Encrypt this snapshot, key "
        f"{say(p.get('KmsKeyId', 'the default'))}; tags as in the CLI view › Copy snapshot"
    ),
    "DeleteSnapshot": lambda p: (
        f"EC2 › Snapshots › {say(p['SnapshotId'])} › Actions › Delete snapshot › type delete › Delete"
    ),
    "CreateVolume": lambda p: (
        f"EC2 › Snapshots › {say(p.get('SnapshotId', ''))} › Actions › Create volume from snapshot › {say(p['VolumeType'])}, {p['Size']} GiB, "
        f"{say(p['AvailabilityZone'])}, encrypted; tags as in the CLI view › Create volume"
    ),
    "DeleteVolume": lambda p: f"EC2 › Volumes › {say(p['VolumeId'])} › Actions › Delete volume › type delete › Delete",
    "DetachVolume": lambda p: f"EC2 › Volumes › {say(p['VolumeId'])} › Actions › Detach volume › Detach",
    "AttachVolume": lambda p: (
        f"EC2 › Volumes › {say(p['VolumeId'])} › Actions › Attach volume › {say(p['InstanceId'])}, device {say(p['Device'])} › Attach volume"
    ),
    "CreateTags": lambda p: (
        f"EC2 › Volumes › {say(p['Resources'])} › Tags › Manage tags › Add tag {say(p['Tags'])} › Save"
    ),
    "DeleteTags": lambda p: (
        f"EC2 › Volumes › {say(p['Resources'])} › Tags › Manage tags › remove {say(p['Tags'])} › Save"
    ),
}
