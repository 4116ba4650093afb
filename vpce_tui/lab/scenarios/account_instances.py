"""The instances of the account on an ordinary day."""

from datetime import datetime, timedelta
from typing import Any, Final

from moto.backends import get_backend

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios.account_parts import HOME, Facts, age, group, tags_of

_USER_DATA: Final = """#!/bin/bash
# storefront bootstrap
export DB_HOST=storefront.cluster-abc.eu-west-1.rds.amazonaws.com
export DB_PASSWORD=correct-horse-battery-staple
systemctl enable --now storefront
"""


_CONSOLE: Final = """[    0.000000] Linux version 6.1.112-122.189.amzn2023.x86_64
[    3.114159] cloud-init[2011]: Cloud-init v. 22.2.2 running 'modules:final'
web-3 login: [ 8123.220011] audit: type=1400 apparmor="DENIED" comm="curl" name="/tmp/.x/meta"
"""


def run(ec2: Any, facts: Facts, region: str, subnet: str, groups: list[str], **more: Any) -> str:
    tags = more.pop("tags", {})
    started = ec2.run_instances(
        ImageId=facts[f"image_{region}"],
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=groups,
        TagSpecifications=tags_of("instance", **tags),
        **more,
    )
    identifier: str = started["Instances"][0]["InstanceId"]
    return identifier


def create_web_servers(clients: InProcess, account: str, now: datetime, facts: Facts, *, tidy: bool) -> None:
    ec2, kms = clients.client("ec2", HOME), clients.client("kms", HOME)
    balancer, scaling, classic = (
        clients.client("elbv2", HOME),
        clients.client("autoscaling", HOME),
        clients.client("elb", HOME),
    )
    facts["kms_key"] = kms.create_key(Description="data volumes")["KeyMetadata"]["Arn"]
    web = [facts["group_web"], facts["group_ssh-from-bastion"]]
    servers = []
    for number, subnet, days in ((1, "app-a", 40), (2, "app-b", 40), (3, "app-a", 12)):
        identifier = run(
            ec2,
            facts,
            HOME,
            facts[f"subnet_{subnet}"],
            web,
            InstanceType="m6i.large",
            UserData=_USER_DATA,
            IamInstanceProfile={"Name": "web-app"},
            MetadataOptions={"HttpTokens": "required" if tidy else "optional", "HttpEndpoint": "enabled"},
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 16, "DeleteOnTermination": True}}],
            tags={"Name": f"web-{number}", "team": "storefront", "env": "production"},
        )
        age(account, HOME, identifier, now - timedelta(days=days, hours=3 * number))
        servers.append(identifier)
    facts["web_servers"], facts["victim"] = servers, servers[2]
    victim = servers[2]
    second = ec2.create_network_interface(
        SubnetId=facts["subnet_data-a"],
        Groups=[facts["group_db-client"]],
        Description="database side",
        PrivateIpAddress="10.0.9.14",
    )["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=victim, DeviceIndex=1)
    facts["victim_second_interface"] = second
    data = ec2.create_volume(
        AvailabilityZone=f"{HOME}a",
        Size=100,
        VolumeType="gp3",
        Encrypted=True,
        KmsKeyId=facts["kms_key"],
        TagSpecifications=tags_of("volume", Name="web-3-data"),
    )["VolumeId"]
    ec2.attach_volume(VolumeId=data, InstanceId=victim, Device="/dev/sdf")
    ec2.modify_instance_attribute(
        InstanceId=victim,
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}],
    )
    facts["victim_data_volume"] = data
    target_group = balancer.create_target_group(
        Name="storefront-web", Protocol="HTTPS", Port=443, VpcId=facts["vpc"], TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    facts["target_group"] = target_group
    scaling.create_launch_configuration(
        LaunchConfigurationName="storefront-web-7", ImageId=facts[f"image_{HOME}"], InstanceType="m6i.large"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="storefront-web",
        LaunchConfigurationName="storefront-web-7",
        MinSize=2,
        MaxSize=6,
        DesiredCapacity=0,
        VPCZoneIdentifier=f"{facts['subnet_app-a']},{facts['subnet_app-b']}",
    )
    scaling.attach_instances(AutoScalingGroupName="storefront-web", InstanceIds=servers)
    balancer.register_targets(TargetGroupArn=target_group, Targets=[{"Id": item, "Port": 443} for item in servers])
    classic.create_load_balancer(
        LoadBalancerName="storefront-internal",
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 8443, "InstanceProtocol": "TCP", "InstancePort": 8443}],
        Subnets=[facts["subnet_app-a"]],
    )
    classic.register_instances_with_load_balancer(
        LoadBalancerName="storefront-internal", Instances=[{"InstanceId": item} for item in servers]
    )
    get_backend("ec2")[account][HOME].get_instance(victim).lab_console = _CONSOLE


def create_other_instances(clients: InProcess, account: str, now: datetime, facts: Facts, *, tidy: bool) -> None:
    ec2 = clients.client("ec2", HOME)
    facts["database"] = run(
        ec2,
        facts,
        HOME,
        facts["subnet_data-a"],
        [facts["group_database"]],
        InstanceType="r6i.xlarge",
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
        tags={"Name": "db-1", "team": "storefront"},
    )
    age(account, HOME, facts["database"], now - timedelta(days=101))
    request = ec2.request_spot_instances(
        SpotPrice="0.09",
        InstanceCount=1,
        Type="persistent",
        LaunchSpecification={
            "ImageId": facts[f"image_{HOME}"],
            "InstanceType": "c6i.large",
            "SubnetId": facts["subnet_app-b"],
        },
    )["SpotInstanceRequests"][0]
    facts["spot"], facts["spot_request"] = request["InstanceId"], request["SpotInstanceRequestId"]
    ec2.create_tags(
        Resources=[facts["spot"]],
        Tags=[{"Key": "Name", "Value": "batch-worker-spot"}, {"Key": "team", "Value": "batch"}],
    )
    ec2.associate_iam_instance_profile(InstanceId=facts["spot"], IamInstanceProfile={"Name": "batch-worker"})
    if tidy:
        ec2.modify_instance_metadata_options(InstanceId=facts["spot"], HttpTokens="required")
    spot = get_backend("ec2")[account][HOME].get_instance(facts["spot"])
    spot.spot_instance_request_id, spot.lifecycle = facts["spot_request"], "spot"
    age(account, HOME, facts["spot"], now - timedelta(hours=7))
    for region, name, days in (
        ("us-east-1", "bastion", 210),
        ("us-east-1", "reports", 33),
        ("us-west-2", "build-1", 5),
        ("us-west-2", "build-2", 5),
        ("ap-southeast-2", "edge-syd", 61),
    ):
        local = clients.client("ec2", region)
        subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
        vpc = local.describe_vpcs()["Vpcs"][0]["VpcId"]
        guard = group(
            local, vpc, name, [(22, 22, "0.0.0.0/0")] if name == "bastion" and not tidy else [(443, 443, "10.0.0.0/8")]
        )
        identifier = run(
            local,
            facts,
            region,
            subnet,
            [guard],
            InstanceType="t3.medium",
            MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
            tags={"Name": name, "team": "platform"},
        )
        if name != "bastion":
            get_backend("ec2")[account][region].get_instance(identifier).nics[0].public_ip = None
        age(account, region, identifier, now - timedelta(days=days))
        facts[name] = identifier
