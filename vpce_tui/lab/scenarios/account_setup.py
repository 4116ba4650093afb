"""The account on an ordinary day: production in eu-west-1, and instances elsewhere. Built through boto3 in moto."""

from datetime import datetime, timedelta

from moto.backends import get_backend
from moto.ec2.models.amis import Ami

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.scenarios import flow_records, managed
from vpce_tui.lab.scenarios.account_endpoints import create_endpoints, record_flows_elsewhere
from vpce_tui.lab.scenarios.account_instances import create_other_instances, create_web_servers
from vpce_tui.lab.scenarios.account_parts import (
    ELSEWHERE,
    HOME,
    ORGANISATION,
    Facts,
    allow,
    group,
    image,
    tags_of,
    trust,
)


def build(clients: InProcess, account: str, now: datetime, *, tidy: bool = False) -> Facts:
    """Everything live that is there on an ordinary day; gives the ids by their part in the scenario.

    ``tidy``: nothing lies open: no old metadata service, no powerful role, no bastion for the world, no old AMI.
    """
    facts: Facts = {"account": account, "profiles": {}, "endpoints": {}}
    _identities(clients, account, facts, tidy=tidy)
    _network(clients, facts)
    _images(clients, account, now, facts, tidy=tidy)
    create_web_servers(clients, account, now, facts, tidy=tidy)
    create_other_instances(clients, account, now, facts, tidy=tidy)
    create_endpoints(clients, account, now, facts, tidy=tidy)
    record_flows_elsewhere(clients, account)
    flow_records.record(clients, HOME, now, facts)
    flow_records.guard(clients, HOME, facts)
    for region in (HOME, "us-east-1"):
        clients.client("guardduty", region).create_detector(Enable=True)
    _amazons(clients, account, now, facts)
    _to_harden(clients, facts)
    managed.load(account)
    backend = get_backend("ec2")[account][HOME]
    backend._create_default_encryption_key()
    facts["default_key"] = backend.default_kms_key_id
    return facts


def _identities(clients: InProcess, account: str, facts: Facts, *, tidy: bool) -> None:
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
    facts["operator"] = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])


def _network(clients: InProcess, facts: Facts) -> None:
    ec2 = clients.client("ec2", HOME)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags_of("vpc", Name="production", env="production"))
    facts["vpc"] = vpc_id = vpc["Vpc"]["VpcId"]
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
        facts[f"subnet_{name}"] = subnet["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    address = ec2.allocate_address(Domain="vpc")
    nat = ec2.create_nat_gateway(SubnetId=facts["subnet_edge-a"], AllocationId=address["AllocationId"])["NatGateway"]
    facts["nat_address"] = address["PublicIp"]
    table = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=tags_of("route-table", Name="private"))
    facts["route_table"] = table_id = table["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"])
    for name in ("app-a", "app-b", "data-a"):
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=facts[f"subnet_{name}"])
    groups: dict[str, list[tuple[int, int, str]]] = {
        "web": [(443, 443, "10.0.100.0/24")],
        "ssh-from-bastion": [(22, 22, "10.0.100.0/24")],
        "db-client": [],
        "endpoints-443": [(443, 443, "10.0.0.0/16")],
        "database": [(5432, 5432, "10.0.1.0/24")],
    }
    for name, rules in groups.items():
        facts[f"group_{name}"] = group(ec2, vpc_id, name, rules)


def _images(clients: InProcess, account: str, now: datetime, facts: Facts, *, tidy: bool) -> None:
    """What instances were started from, and the newer one that the team has baked since."""
    for region in (HOME, *ELSEWHERE):
        facts[f"image_{region}"] = image(clients, region, "storefront-base-2026-03")
        made = now - timedelta(days=60 if tidy else 268)
        get_backend("ec2")[account][region].amis[facts[f"image_{region}"]].creation_date = made
    facts["image_newer"] = image(clients, HOME, "storefront-base-2026-09")
    get_backend("ec2")[account][HOME].amis[facts["image_newer"]].creation_date = now - timedelta(
        days=50 if tidy else 71
    )


def _to_harden(clients: InProcess, facts: Facts) -> None:
    """What lies open besides: named, so that it can be chosen."""
    ec2 = clients.client("ec2", HOME)
    attached = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [facts["database"]]}])
    facts["database_disk"] = f"{HOME}/{attached['Volumes'][0]['VolumeId']}"
    ec2.modify_instance_attribute(
        InstanceId=facts["database"],
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
    facts["default_vpc"] = vpcs[0]["VpcId"]
    facts["loose_disk"] = f"{HOME}/{loose['VolumeId']}"


def _amazons(clients: InProcess, account: str, now: datetime, facts: Facts) -> None:
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
        facts[part] = identifier
