"""The account as it stands: production in eu-west-1, and ordinary machines elsewhere. Built through boto3 in moto."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from moto.backends import get_backend
from moto.ec2.models.amis import Ami

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.story import managed, traffic

HOME: Final = "eu-west-1"
ELSEWHERE: Final = ("us-east-1", "us-west-2", "ap-southeast-2")
FOREIGN_SERVICE: Final = "com.amazonaws.vpce.eu-west-1.vpce-svc-0f3c9a1b2d4e5f607"
NAT_ADDRESS: Final = "203.0.113.9"
ORGANISATION: Final = "o-a1b2c3d4e5"

World = dict[str, Any]


def build(clients: InProcess, account: str, now: datetime) -> World:
    """Everything live; gives the ids by their part in the story."""
    world: World = {"account": account}
    _identities(clients, account, now, world)
    _network(clients, world)
    _images(clients, world)
    _web_servers(clients, account, now, world)
    _others(clients, account, now, world)
    _endpoints(clients, account, now, world)
    traffic.record(clients, HOME, now, world)
    traffic.guard(clients, HOME, world)
    _findings(clients, account, now, world)
    _newer_images(clients, account, now, world)
    _to_harden(clients, world)
    managed.load(account)
    backend = get_backend("ec2")[account][HOME]
    backend._create_default_encryption_key()
    world["default_key"] = backend.default_kms_key_id
    stolen = clients.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/web-app", RoleSessionName=world["victim"]
    )["Credentials"]
    world["profiles"]["stolen-session"] = (stolen["AccessKeyId"], stolen["SecretAccessKey"], stolen["SessionToken"])
    return world


def _trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _allow(*actions: str, resource: str = "*") -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}],
        }
    )


def _identities(clients: InProcess, account: str, now: datetime, world: World) -> None:
    iam, sts = clients.client("iam"), clients.client("sts")
    iam.create_account_alias(AccountAlias="prod-main")
    clients.client("organizations").create_organization(FeatureSet="ALL")
    backend = get_backend("organizations")[account]["aws"]
    backend.org.id = ORGANISATION
    for role, service in (
        ("OnCallResponder", "ec2"), ("ci-network", "codebuild"), ("batch-worker", "ec2"), ("flow-logs", "vpc-flow-logs"),
        ("monitoring", "ec2"),
    ):  # fmt: skip
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=_trust(service))
    iam.create_role(RoleName="web-app", AssumeRolePolicyDocument=_trust("ec2"), Description="Web tier, team storefront")
    iam.put_role_policy(
        RoleName="web-app", PolicyName="storefront-assets",
        PolicyDocument=_allow("s3:GetObject", "s3:PutObject", resource="arn:aws:s3:::storefront-assets/*"),
    )  # fmt: skip
    iam.put_role_policy(
        RoleName="web-app",
        PolicyName="legacy-network",
        PolicyDocument=_allow("ec2:*", "iam:CreateUser", "iam:CreateAccessKey"),
    )
    policy = iam.create_policy(
        PolicyName="web-app-logging", PolicyDocument=_allow("logs:CreateLogStream", "logs:PutLogEvents")
    )
    iam.attach_role_policy(RoleName="web-app", PolicyArn=policy["Policy"]["Arn"])
    for profile in ("web-app", "batch-worker", "monitoring"):
        iam.create_instance_profile(InstanceProfileName=profile)
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=profile)
    iam.create_user(UserName="bob")
    iam.create_user(UserName="ci-backup")
    iam.create_login_profile(UserName="ci-backup", Password="Intruder-1-was-here")  # noqa: S106 - part of the story
    made = iam.create_access_key(UserName="ci-backup")["AccessKey"]
    world["intruder_user_key"] = made["AccessKeyId"]
    held = get_backend("iam")[account]["aws"]
    held.access_keys[made["AccessKeyId"]].create_date = now - timedelta(minutes=44)
    held.users["ci-backup"].create_date = now - timedelta(minutes=45)
    world["profiles"] = {"stolen-key": (made["AccessKeyId"], made["SecretAccessKey"], "")}
    session = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/OnCallResponder", RoleSessionName="alice")[
        "Credentials"
    ]
    world["operator"] = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])


def _network(clients: InProcess, world: World) -> None:
    ec2 = clients.client("ec2", HOME)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_tags("vpc", Name="production", env="production"))
    world["vpc"] = vpc_id = vpc["Vpc"]["VpcId"]
    for name, block, zone in (
        ("app-a", "10.0.1.0/24", "a"), ("app-b", "10.0.2.0/24", "b"), ("data-a", "10.0.9.0/24", "a"), ("edge-a", "10.0.100.0/24", "a"),
    ):  # fmt: skip
        subnet = ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=block,
            AvailabilityZone=f"{HOME}{zone}",
            TagSpecifications=_tags("subnet", Name=name),
        )
        world[f"subnet_{name}"] = subnet["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    address = ec2.allocate_address(Domain="vpc")
    nat = ec2.create_nat_gateway(SubnetId=world["subnet_edge-a"], AllocationId=address["AllocationId"])["NatGateway"]
    world["nat_address"] = address["PublicIp"]
    table = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=_tags("route-table", Name="private"))
    world["route_table"] = table_id = table["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"])
    for name in ("app-a", "app-b", "data-a"):
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=world[f"subnet_{name}"])
    groups: dict[str, list[tuple[int, int, str]]] = {
        "web": [(443, 443, "10.0.100.0/24")], "ssh-from-bastion": [(22, 22, "10.0.100.0/24")],
        "db-client": [], "endpoints-443": [(443, 443, "10.0.0.0/16")], "database": [(5432, 5432, "10.0.1.0/24")],
    }  # fmt: skip
    for name, rules in groups.items():
        world[f"group_{name}"] = _group(ec2, vpc_id, name, rules)
    open_group = _group(ec2, vpc_id, "endpoint-access", [])
    ec2.authorize_security_group_ingress(
        GroupId=open_group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    world["group_open"] = open_group


def _group(ec2: Any, vpc: str, name: str, rules: list[tuple[int, int, str]]) -> str:
    group: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    if rules:
        ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": low, "ToPort": high, "IpRanges": [{"CidrIp": source}]}
                for low, high, source in rules
            ],
        )
    return group


def _images(clients: InProcess, world: World) -> None:
    for region in (HOME, *ELSEWHERE):
        image = clients.client("ec2", region).register_image(
            Name="storefront-base-2026-03", Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm",
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 16}}],
        )  # fmt: skip
        world[f"image_{region}"] = image["ImageId"]


def _newer_images(clients: InProcess, account: str, now: datetime, world: World) -> None:
    """The team has baked a newer image since; and the intruder one that looks newer still."""
    images = get_backend("ec2")[account][HOME].amis
    for region in (HOME, *ELSEWHERE):
        get_backend("ec2")[account][region].amis[world[f"image_{region}"]].creation_date = now - timedelta(days=268)
    ec2 = clients.client("ec2", HOME)
    for part, name, age in (
        ("image_newer", "storefront-base-2026-09", timedelta(days=71)),
        ("image_poisoned", "storefront-base-2026-10", timedelta(minutes=31)),
    ):
        made = ec2.register_image(
            Name=name, Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm",
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 16}}],
        )  # fmt: skip
        world[part] = made["ImageId"]
        images[made["ImageId"]].creation_date = now - age
    _amazons(clients, account, now, world)


def _to_harden(clients: InProcess, world: World) -> None:
    """What lies open besides: named, so that it can be chosen."""
    ec2 = clients.client("ec2", HOME)
    attached = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [world["database"]]}])
    world["database_disk"] = f"{HOME}/{attached['Volumes'][0]['VolumeId']}"
    ec2.modify_instance_attribute(
        InstanceId=world["database"],
        BlockDeviceMappings=[
            {"DeviceName": attached["Volumes"][0]["Attachments"][0]["Device"], "Ebs": {"DeleteOnTermination": True}}
        ],
    )
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [world["group_open"]]}])
    wide = next(rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"])
    world["wide_rule"] = f"{HOME}/{wide['SecurityGroupRuleId']}"
    loose = ec2.create_volume(
        AvailabilityZone=f"{HOME}a", Size=40, VolumeType="gp3", Iops=4000, Throughput=250, TagSpecifications=_tags("volume", Name="old-exports"),
    )  # fmt: skip
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    world["default_vpc"] = vpcs[0]["VpcId"]
    world["loose_disk"] = f"{HOME}/{loose['VolumeId']}"


def _amazons(clients: InProcess, account: str, now: datetime, world: World) -> None:
    """Two images of Amazon's: the one that its public parameter names, and an older one of the same family."""
    backend = get_backend("ec2")[account][HOME]
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64"
    newest = clients.client("ssm", HOME).get_parameters(Names=[name])["Parameters"][0]["Value"]
    for part, identifier, version, days in (
        ("image_amazon", newest, "2023.12.20260914.0", 55), ("image_amazon_old", "ami-0a1b2c3d4e5f60718", "2023.6.20250107.0", 680),
    ):  # fmt: skip
        backend.amis[identifier] = Ami(
            backend, identifier, name=f"al2023-ami-{version}-kernel-6.1-x86_64", owner_id="137112412989", owner_alias="amazon",
            public=True, virtualization_type="hvm", architecture="x86_64", creation_date=now - timedelta(days=days),
            root_device_name="/dev/xvda", root_device_type="ebs", region_name=f"{HOME}a",
        )  # fmt: skip
        world[part] = identifier


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


def _run(ec2: Any, world: World, region: str, subnet: str, groups: list[str], **more: Any) -> str:
    tags = more.pop("tags", {})
    started = ec2.run_instances(
        ImageId=world[f"image_{region}"], MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=groups,
        TagSpecifications=_tags("instance", **tags), **more,
    )  # fmt: skip
    identifier: str = started["Instances"][0]["InstanceId"]
    return identifier


def _web_servers(clients: InProcess, account: str, now: datetime, world: World) -> None:
    ec2, kms = clients.client("ec2", HOME), clients.client("kms", HOME)
    balancer, scaling, classic = (
        clients.client("elbv2", HOME),
        clients.client("autoscaling", HOME),
        clients.client("elb", HOME),
    )
    world["kms_key"] = kms.create_key(Description="data volumes")["KeyMetadata"]["Arn"]
    web = [world["group_web"], world["group_ssh-from-bastion"]]
    servers = []
    for number, subnet, days in ((1, "app-a", 40), (2, "app-b", 40), (3, "app-a", 12)):
        identifier = _run(
            ec2, world, HOME, world[f"subnet_{subnet}"], web, InstanceType="m6i.large", UserData=_USER_DATA,
            IamInstanceProfile={"Name": "web-app"}, MetadataOptions={"HttpTokens": "optional", "HttpEndpoint": "enabled"},
            BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 16, "DeleteOnTermination": True}}],
            tags={"Name": f"web-{number}", "team": "storefront", "env": "production"},
        )  # fmt: skip
        _age(account, HOME, identifier, now - timedelta(days=days, hours=3 * number))
        servers.append(identifier)
    world["web_servers"], world["victim"] = servers, servers[2]
    victim = servers[2]
    second = ec2.create_network_interface(
        SubnetId=world["subnet_data-a"],
        Groups=[world["group_db-client"]],
        Description="database side",
        PrivateIpAddress="10.0.9.14",
    )["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=victim, DeviceIndex=1)
    world["victim_second_interface"] = second
    data = ec2.create_volume(
        AvailabilityZone=f"{HOME}a", Size=100, VolumeType="gp3", Encrypted=True, KmsKeyId=world["kms_key"],
        TagSpecifications=_tags("volume", Name="web-3-data"),
    )["VolumeId"]  # fmt: skip
    ec2.attach_volume(VolumeId=data, InstanceId=victim, Device="/dev/sdf")
    ec2.modify_instance_attribute(
        InstanceId=victim,
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}],
    )
    world["victim_data_volume"] = data
    target_group = balancer.create_target_group(
        Name="storefront-web", Protocol="HTTPS", Port=443, VpcId=world["vpc"], TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    world["target_group"] = target_group
    scaling.create_launch_configuration(
        LaunchConfigurationName="storefront-web-7", ImageId=world[f"image_{HOME}"], InstanceType="m6i.large"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="storefront-web", LaunchConfigurationName="storefront-web-7", MinSize=2, MaxSize=6,
        DesiredCapacity=0, VPCZoneIdentifier=f"{world['subnet_app-a']},{world['subnet_app-b']}",
    )  # fmt: skip
    scaling.attach_instances(AutoScalingGroupName="storefront-web", InstanceIds=servers)
    balancer.register_targets(TargetGroupArn=target_group, Targets=[{"Id": item, "Port": 443} for item in servers])
    classic.create_load_balancer(
        LoadBalancerName="storefront-internal",
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 8443, "InstanceProtocol": "TCP", "InstancePort": 8443}],
        Subnets=[world["subnet_app-a"]],
    )
    classic.register_instances_with_load_balancer(
        LoadBalancerName="storefront-internal", Instances=[{"InstanceId": item} for item in servers]
    )
    get_backend("ec2")[account][HOME].get_instance(victim).lab_console = _CONSOLE


def _others(clients: InProcess, account: str, now: datetime, world: World) -> None:
    ec2 = clients.client("ec2", HOME)
    world["database"] = _run(
        ec2, world, HOME, world["subnet_data-a"], [world["group_database"]], InstanceType="r6i.xlarge",
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"}, tags={"Name": "db-1", "team": "storefront"},
    )  # fmt: skip
    _age(account, HOME, world["database"], now - timedelta(days=101))
    request = ec2.request_spot_instances(
        SpotPrice="0.09", InstanceCount=1, Type="persistent",
        LaunchSpecification={
            "ImageId": world[f"image_{HOME}"], "InstanceType": "c6i.large", "SubnetId": world["subnet_app-b"],
        },
    )["SpotInstanceRequests"][0]  # fmt: skip
    world["spot"], world["spot_request"] = request["InstanceId"], request["SpotInstanceRequestId"]
    ec2.create_tags(
        Resources=[world["spot"]],
        Tags=[{"Key": "Name", "Value": "batch-worker-spot"}, {"Key": "team", "Value": "batch"}],
    )
    ec2.associate_iam_instance_profile(InstanceId=world["spot"], IamInstanceProfile={"Name": "batch-worker"})
    spot = get_backend("ec2")[account][HOME].get_instance(world["spot"])
    spot.spot_instance_request_id, spot.lifecycle = world["spot_request"], "spot"
    _age(account, HOME, world["spot"], now - timedelta(hours=7))
    for region, name, days in (
        ("us-east-1", "bastion", 210), ("us-east-1", "reports", 33), ("us-west-2", "build-1", 5), ("us-west-2", "build-2", 5),
        ("ap-southeast-2", "edge-syd", 61),
    ):  # fmt: skip
        local = clients.client("ec2", region)
        subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
        vpc = local.describe_vpcs()["Vpcs"][0]["VpcId"]
        group = _group(local, vpc, name, [(22, 22, "0.0.0.0/0")] if name == "bastion" else [(443, 443, "10.0.0.0/8")])
        identifier = _run(
            local, world, region, subnet, [group], InstanceType="t3.medium",
            MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"}, tags={"Name": name, "team": "platform"},
        )  # fmt: skip
        if name != "bastion":
            get_backend("ec2")[account][region].get_instance(identifier).nics[0].public_ip = None
        _age(account, region, identifier, now - timedelta(days=days))
        world[name] = identifier


def _age(account: str, region: str, identifier: str, at: datetime) -> None:
    """Set when an instance, its disks and interfaces began; moto knows only now."""
    backend = get_backend("ec2")[account][region]
    instance = backend.get_instance(identifier)
    instance.launch_time = at
    instance.kernel = None
    for nic in instance.nics.values():
        nic.attach_time = at
    for mapping in instance.block_device_mapping.values():
        mapping.attach_time = at
        volume = backend.volumes.get(mapping.volume_id)
        if volume is not None:
            volume.create_time = at


def _policy_with_limits() -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OwnOrganisationOnly", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
                    "Condition": {
                        "StringEquals": {"aws:PrincipalOrgID": ORGANISATION, "aws:ResourceOrgID": ORGANISATION}
                    },
                }
            ],
        }
    )  # fmt: skip


def _endpoints(clients: InProcess, account: str, now: datetime, world: World) -> None:
    ec2 = clients.client("ec2", HOME)
    vpc, private = world["vpc"], [world["subnet_app-a"], world["subnet_app-b"]]
    made: dict[str, Any] = {}
    made["intruder_s3"] = _endpoint(
        ec2, account, HOME, now - timedelta(minutes=21), VpcEndpointType="Gateway", VpcId=vpc,
        ServiceName=f"com.amazonaws.{HOME}.s3", RouteTableIds=[world["route_table"]],
    )  # fmt: skip
    made["intruder_exit"] = _endpoint(
        ec2, account, HOME, now - timedelta(minutes=13), VpcEndpointType="Interface", VpcId=vpc, ServiceName=FOREIGN_SERVICE,
        SubnetIds=[world["subnet_app-a"]], SecurityGroupIds=[world["group_open"]], PrivateDnsEnabled=False,
    )  # fmt: skip
    for service in ("sts", "logs", "ssm"):
        made[f"pipeline_{service}"] = _endpoint(
            ec2, account, HOME, now - timedelta(hours=3, minutes=4), VpcEndpointType="Interface", VpcId=vpc,
            ServiceName=f"com.amazonaws.{HOME}.{service}", SubnetIds=private, SecurityGroupIds=[world["group_endpoints-443"]],
            PrivateDnsEnabled=True, PolicyDocument=_policy_with_limits(),
        )  # fmt: skip
    for region, service in (("us-east-1", "sqs"), ("us-west-2", "ecr.api"), ("ap-southeast-2", "logs")):
        local = clients.client("ec2", region)
        home = local.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
        group = _group(local, home, "endpoints-443", [(443, 443, "172.31.0.0/16")])
        made[f"pipeline_{region}"] = _endpoint(
            local, account, region, now - timedelta(hours=5), VpcEndpointType="Interface", VpcId=home,
            ServiceName=f"com.amazonaws.{region}.{service}", SubnetIds=[subnet], SecurityGroupIds=[group],
            PrivateDnsEnabled=True, PolicyDocument=_policy_with_limits(),
        )  # fmt: skip
    local = clients.client("ec2", "us-east-1")
    home = local.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
    made["bob"] = _endpoint(
        local, account, "us-east-1", now - timedelta(hours=2), VpcEndpointType="Interface", VpcId=home,
        ServiceName="com.amazonaws.us-east-1.sns", SubnetIds=[subnet],
        SecurityGroupIds=[_group(local, home, "bob-test", [(443, 443, "172.31.0.0/16")])], PrivateDnsEnabled=False,
    )  # fmt: skip
    world["endpoints"] = made


def _endpoint(ec2: Any, account: str, region: str, at: datetime, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ec2.create_vpc_endpoint(**request)["VpcEndpoint"]
    backend = get_backend("ec2")[account][region]
    backend.vpc_end_points[answer["VpcEndpointId"]].creation_timestamp = at
    return {
        "request": request,
        "made": {key: value for key, value in answer.items() if key != "CreationTimestamp"},
    }


def _findings(clients: InProcess, account: str, now: datetime, world: World) -> None:
    victim = world["victim"]
    for region in (HOME, "us-east-1"):
        clients.client("guardduty", region).create_detector(Enable=True)
    detectors = get_backend("guardduty")[account][HOME].detectors
    detector = next(iter(detectors.values()))
    stolen = {
        "SchemaVersion": "2.0", "AccountId": account, "Region": HOME, "Id": "8ec1f0c7a2b04f7d9e6b5a4c3d2e1f00",
        "Arn": f"arn:aws:guardduty:{HOME}:{account}:detector/{detector.id}/finding/8ec1f0c7a2b04f7d9e6b5a4c3d2e1f00",
        "Type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", "Partition": "aws", "Severity": 8.0,
        "Title": f"Credentials for instance role web-app of {victim} used from an external address.",
        "Description": "Credentials created exclusively for an EC2 instance were used from an external IP address.",
        "CreatedAt": (now - timedelta(minutes=44)).isoformat(), "UpdatedAt": (now - timedelta(minutes=9)).isoformat(),
        "Resource": {
            "ResourceType": "AccessKey",
            "AccessKeyDetails": {"AccessKeyId": "ASIALABSTOLEN0000001", "PrincipalId": f"AROAEXAMPLE:{victim}", "UserName": "web-app", "UserType": "AssumedRole"},
            "InstanceDetails": {"InstanceId": victim},
        },
        "Service": {"ServiceName": "guardduty", "DetectorId": detector.id, "Archived": False, "Count": 14, "ResourceRole": "TARGET",
                    "Action": {"ActionType": "AWS_API_CALL", "AwsApiCallAction": {"Api": "CreateVpcEndpoint", "ServiceName": "ec2.amazonaws.com",
                               "RemoteIpDetails": {"IpAddressV4": "198.51.100.23"}}}},
    }  # fmt: skip
    detector.lab_findings = {stolen["Id"]: stolen}


def _tags(kind: str, **tags: str) -> list[Mapping[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
