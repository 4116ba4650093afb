"""The account on an ordinary day: production in eu-west-1, and instances elsewhere. Built through boto3 in moto."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from moto.backends import get_backend
from moto.ec2.models.amis import Ami

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios import flow_records, managed

HOME: Final = "eu-west-1"
ELSEWHERE: Final = ("us-east-1", "us-west-2", "ap-southeast-2")
NAT_ADDRESS: Final = "203.0.113.9"
ORGANISATION: Final = "o-a1b2c3d4e5"

World = dict[str, Any]


def build(clients: InProcess, account: str, now: datetime, *, tidy: bool = False) -> World:
    """Everything live that is there on an ordinary day; gives the ids by their part in the story.

    ``tidy``: nothing lies open: no old metadata service, no powerful role, no bastion for the world, no old AMI.
    """
    world: World = {"account": account, "profiles": {}, "endpoints": {}}
    _identities(clients, account, world, tidy=tidy)
    _network(clients, world)
    _images(clients, account, now, world, tidy=tidy)
    _web_servers(clients, account, now, world, tidy=tidy)
    _others(clients, account, now, world, tidy=tidy)
    _endpoints(clients, account, now, world, tidy=tidy)
    _watched(clients, account)
    flow_records.record(clients, HOME, now, world)
    flow_records.guard(clients, HOME, world)
    for region in (HOME, "us-east-1"):
        clients.client("guardduty", region).create_detector(Enable=True)
    _amazons(clients, account, now, world)
    _to_harden(clients, world)
    managed.load(account)
    backend = get_backend("ec2")[account][HOME]
    backend._create_default_encryption_key()
    world["default_key"] = backend.default_kms_key_id
    return world


def trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions: str, resource: str = "*") -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}],
        }
    )


def _identities(clients: InProcess, account: str, world: World, *, tidy: bool) -> None:
    iam, sts = clients.client("iam"), clients.client("sts")
    iam.create_account_alias(AccountAlias="prod-main")
    clients.client("organizations").create_organization(FeatureSet="ALL")
    backend = get_backend("organizations")[account]["aws"]
    backend.org.id = ORGANISATION
    for role, service in (
        ("OnCallResponder", "ec2"),
        ("ci-network", "codebuild"),
        ("batch-worker", "ec2"),
        ("flow-logs", "vpc-flow-logs"),
        ("monitoring", "ec2"),
    ):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(service))
    iam.create_role(RoleName="web-app", AssumeRolePolicyDocument=trust("ec2"), Description="Web tier, team storefront")
    iam.put_role_policy(
        RoleName="web-app",
        PolicyName="storefront-assets",
        PolicyDocument=allow("s3:GetObject", "s3:PutObject", resource="arn:aws:s3:::storefront-assets/*"),
    )
    if not tidy:
        iam.put_role_policy(
            RoleName="web-app",
            PolicyName="legacy-network",
            PolicyDocument=allow("ec2:*", "iam:CreateUser", "iam:CreateAccessKey"),
        )
    policy = iam.create_policy(
        PolicyName="web-app-logging", PolicyDocument=allow("logs:CreateLogStream", "logs:PutLogEvents")
    )
    iam.attach_role_policy(RoleName="web-app", PolicyArn=policy["Policy"]["Arn"])
    for profile in ("web-app", "batch-worker", "monitoring"):
        iam.create_instance_profile(InstanceProfileName=profile)
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=profile)
    iam.create_user(UserName="bob")
    session = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/OnCallResponder", RoleSessionName="alice")[
        "Credentials"
    ]
    world["operator"] = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])


def _network(clients: InProcess, world: World) -> None:
    ec2 = clients.client("ec2", HOME)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags_of("vpc", Name="production", env="production"))
    world["vpc"] = vpc_id = vpc["Vpc"]["VpcId"]
    for name, block, zone in (
        ("app-a", "10.0.1.0/24", "a"),
        ("app-b", "10.0.2.0/24", "b"),
        ("data-a", "10.0.9.0/24", "a"),
        ("edge-a", "10.0.100.0/24", "a"),
    ):
        subnet = ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=block,
            AvailabilityZone=f"{HOME}{zone}",
            TagSpecifications=tags_of("subnet", Name=name),
        )
        world[f"subnet_{name}"] = subnet["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    address = ec2.allocate_address(Domain="vpc")
    nat = ec2.create_nat_gateway(SubnetId=world["subnet_edge-a"], AllocationId=address["AllocationId"])["NatGateway"]
    world["nat_address"] = address["PublicIp"]
    table = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=tags_of("route-table", Name="private"))
    world["route_table"] = table_id = table["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"])
    for name in ("app-a", "app-b", "data-a"):
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=world[f"subnet_{name}"])
    groups: dict[str, list[tuple[int, int, str]]] = {
        "web": [(443, 443, "10.0.100.0/24")],
        "ssh-from-bastion": [(22, 22, "10.0.100.0/24")],
        "db-client": [],
        "endpoints-443": [(443, 443, "10.0.0.0/16")],
        "database": [(5432, 5432, "10.0.1.0/24")],
    }
    for name, rules in groups.items():
        world[f"group_{name}"] = group(ec2, vpc_id, name, rules)


def group(ec2: Any, vpc: str, name: str, rules: list[tuple[int, int, str]]) -> str:
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


def _images(clients: InProcess, account: str, now: datetime, world: World, *, tidy: bool) -> None:
    """What instances were started from, and the newer one that the team has baked since."""
    for region in (HOME, *ELSEWHERE):
        world[f"image_{region}"] = image(clients, region, "storefront-base-2026-03")
        made = now - timedelta(days=60 if tidy else 268)
        get_backend("ec2")[account][region].amis[world[f"image_{region}"]].creation_date = made
    world["image_newer"] = image(clients, HOME, "storefront-base-2026-09")
    get_backend("ec2")[account][HOME].amis[world["image_newer"]].creation_date = now - timedelta(
        days=50 if tidy else 71
    )


def image(clients: InProcess, region: str, name: str) -> str:
    """Register an AMI of the account's own; gives its id."""
    made = clients.client("ec2", region).register_image(
        Name=name,
        Architecture="x86_64",
        RootDeviceName="/dev/xvda",
        VirtualizationType="hvm",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 16}}],
    )
    return str(made["ImageId"])


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
    loose = ec2.create_volume(
        AvailabilityZone=f"{HOME}a",
        Size=40,
        VolumeType="gp3",
        Iops=4000,
        Throughput=250,
        TagSpecifications=tags_of("volume", Name="old-exports"),
    )
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    world["default_vpc"] = vpcs[0]["VpcId"]
    world["loose_disk"] = f"{HOME}/{loose['VolumeId']}"


def _amazons(clients: InProcess, account: str, now: datetime, world: World) -> None:
    """Two AMIs of Amazon's: the one that its public parameter names, and an older one of the same family."""
    backend = get_backend("ec2")[account][HOME]
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64"
    newest = clients.client("ssm", HOME).get_parameters(Names=[name])["Parameters"][0]["Value"]
    for part, identifier, version, days in (
        ("image_amazon", newest, "2023.12.20260914.0", 55),
        ("image_amazon_old", "ami-0a1b2c3d4e5f60718", "2023.6.20250107.0", 680),
    ):
        backend.amis[identifier] = Ami(
            backend,
            identifier,
            name=f"al2023-ami-{version}-kernel-6.1-x86_64",
            owner_id="137112412989",
            owner_alias="amazon",
            public=True,
            virtualization_type="hvm",
            architecture="x86_64",
            creation_date=now - timedelta(days=days),
            root_device_name="/dev/xvda",
            root_device_type="ebs",
            region_name=f"{HOME}a",
        )
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


def run(ec2: Any, world: World, region: str, subnet: str, groups: list[str], **more: Any) -> str:
    tags = more.pop("tags", {})
    started = ec2.run_instances(
        ImageId=world[f"image_{region}"],
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=groups,
        TagSpecifications=tags_of("instance", **tags),
        **more,
    )
    identifier: str = started["Instances"][0]["InstanceId"]
    return identifier


def _web_servers(clients: InProcess, account: str, now: datetime, world: World, *, tidy: bool) -> None:
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
        identifier = run(
            ec2,
            world,
            HOME,
            world[f"subnet_{subnet}"],
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
        AvailabilityZone=f"{HOME}a",
        Size=100,
        VolumeType="gp3",
        Encrypted=True,
        KmsKeyId=world["kms_key"],
        TagSpecifications=tags_of("volume", Name="web-3-data"),
    )["VolumeId"]
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
        AutoScalingGroupName="storefront-web",
        LaunchConfigurationName="storefront-web-7",
        MinSize=2,
        MaxSize=6,
        DesiredCapacity=0,
        VPCZoneIdentifier=f"{world['subnet_app-a']},{world['subnet_app-b']}",
    )
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


def _others(clients: InProcess, account: str, now: datetime, world: World, *, tidy: bool) -> None:
    ec2 = clients.client("ec2", HOME)
    world["database"] = run(
        ec2,
        world,
        HOME,
        world["subnet_data-a"],
        [world["group_database"]],
        InstanceType="r6i.xlarge",
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
        tags={"Name": "db-1", "team": "storefront"},
    )
    age(account, HOME, world["database"], now - timedelta(days=101))
    request = ec2.request_spot_instances(
        SpotPrice="0.09",
        InstanceCount=1,
        Type="persistent",
        LaunchSpecification={
            "ImageId": world[f"image_{HOME}"],
            "InstanceType": "c6i.large",
            "SubnetId": world["subnet_app-b"],
        },
    )["SpotInstanceRequests"][0]
    world["spot"], world["spot_request"] = request["InstanceId"], request["SpotInstanceRequestId"]
    ec2.create_tags(
        Resources=[world["spot"]],
        Tags=[{"Key": "Name", "Value": "batch-worker-spot"}, {"Key": "team", "Value": "batch"}],
    )
    ec2.associate_iam_instance_profile(InstanceId=world["spot"], IamInstanceProfile={"Name": "batch-worker"})
    if tidy:
        ec2.modify_instance_metadata_options(InstanceId=world["spot"], HttpTokens="required")
    spot = get_backend("ec2")[account][HOME].get_instance(world["spot"])
    spot.spot_instance_request_id, spot.lifecycle = world["spot_request"], "spot"
    age(account, HOME, world["spot"], now - timedelta(hours=7))
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
            world,
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
        world[name] = identifier


def age(account: str, region: str, identifier: str, at: datetime) -> None:
    """Set when an instance, its volumes and interfaces began; moto knows only now."""
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


def _watched(clients: InProcess, account: str) -> None:
    """Flow logs of the networks elsewhere; what they record is not asked in any story."""
    for region in ELSEWHERE:
        local, logs = clients.client("ec2", region), clients.client("logs", region)
        logs.create_log_group(logGroupName="/vpc/platform")
        local.create_flow_logs(
            ResourceIds=[local.describe_vpcs()["Vpcs"][0]["VpcId"]],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="cloud-watch-logs",
            LogGroupName="/vpc/platform",
            DeliverLogsPermissionArn=f"arn:aws:iam::{account}:role/flow-logs",
        )


def policy_with_limits() -> str:
    """Own organization's principals and resources only."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OwnOrganizationOnly",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {"aws:PrincipalOrgID": ORGANISATION, "aws:ResourceOrgID": ORGANISATION}
                    },
                }
            ],
        }
    )


def _endpoints(clients: InProcess, account: str, now: datetime, world: World, *, tidy: bool) -> None:
    ec2 = clients.client("ec2", HOME)
    vpc, private = world["vpc"], [world["subnet_app-a"], world["subnet_app-b"]]
    made: dict[str, Any] = world["endpoints"]
    for service in ("sts", "logs", "ssm"):
        made[f"pipeline_{service}"] = endpoint(
            ec2,
            account,
            HOME,
            now - timedelta(hours=3, minutes=4),
            VpcEndpointType="Interface",
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{HOME}.{service}",
            SubnetIds=private,
            SecurityGroupIds=[world["group_endpoints-443"]],
            PrivateDnsEnabled=True,
            PolicyDocument=policy_with_limits(),
        )
    for region, service in (("us-east-1", "sqs"), ("us-west-2", "ecr.api"), ("ap-southeast-2", "logs")):
        local = clients.client("ec2", region)
        home = local.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
        guard = group(local, home, "endpoints-443", [(443, 443, "172.31.0.0/16")])
        made[f"pipeline_{region}"] = endpoint(
            local,
            account,
            region,
            now - timedelta(hours=5),
            VpcEndpointType="Interface",
            VpcId=home,
            ServiceName=f"com.amazonaws.{region}.{service}",
            SubnetIds=[subnet],
            SecurityGroupIds=[guard],
            PrivateDnsEnabled=True,
            PolicyDocument=policy_with_limits(),
        )
    local = clients.client("ec2", "us-east-1")
    home = local.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = sorted(item["SubnetId"] for item in local.describe_subnets()["Subnets"])[0]
    made["bob"] = endpoint(
        local,
        account,
        "us-east-1",
        now - timedelta(hours=2),
        VpcEndpointType="Interface",
        VpcId=home,
        ServiceName="com.amazonaws.us-east-1.sns",
        SubnetIds=[subnet],
        SecurityGroupIds=[group(local, home, "bob-test", [(443, 443, "172.31.0.0/16")])],
        PrivateDnsEnabled=False,
        **({"PolicyDocument": policy_with_limits()} if tidy else {}),
    )


def endpoint(ec2: Any, account: str, region: str, at: datetime, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ec2.create_vpc_endpoint(**request)["VpcEndpoint"]
    backend = get_backend("ec2")[account][region]
    backend.vpc_end_points[answer["VpcEndpointId"]].creation_timestamp = at
    return {
        "request": request,
        "made": {key: value for key, value in answer.items() if key != "CreationTimestamp"},
    }


def tags_of(kind: str, **tags: str) -> list[Mapping[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
