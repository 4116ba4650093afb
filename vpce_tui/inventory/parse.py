"""boto3's answers into the values of :mod:`vpce_tui.inventory.resources`. Missing fields become empty ones."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from vpce_tui.inventory.resources import (
    Endpoint,
    Finding,
    Instance,
    Interface,
    SecurityGroup,
    SecurityGroupPermission,
    Volume,
    tags_of,
)

Raw = Mapping[str, Any]


def instance(raw: Raw, region: str, account: str) -> Instance:
    """One item of ``DescribeInstances`` (its Reservation's ``Instances``)."""
    metadata = raw.get("MetadataOptions") or {}
    return Instance(
        id=str(raw.get("InstanceId", "")),
        region=region,
        account=account,
        state=str((raw.get("State") or {}).get("Name", "unknown")),
        type=str(raw.get("InstanceType", "")),
        image_id=str(raw.get("ImageId", "")),
        launched=raw.get("LaunchTime"),
        vpc_id=str(raw.get("VpcId", "")),
        subnet_id=str(raw.get("SubnetId", "")),
        private_ip=str(raw.get("PrivateIpAddress", "")),
        public_ip=str(raw.get("PublicIpAddress", "")),
        profile_arn=str((raw.get("IamInstanceProfile") or {}).get("Arn", "")),
        lifecycle=str(raw.get("InstanceLifecycle", "")),
        spot_request_id=str(raw.get("SpotInstanceRequestId", "")),
        http_tokens=str(metadata.get("HttpTokens", "")),
        http_endpoint=str(metadata.get("HttpEndpoint", "")),
        root_device=str(raw.get("RootDeviceName", "")),
        interfaces=tuple(interface(item) for item in raw.get("NetworkInterfaces") or ()),
        volumes=tuple(
            Volume(
                id=str((item.get("Ebs") or {}).get("VolumeId", "")),
                device=str(item.get("DeviceName", "")),
                delete_on_termination=bool((item.get("Ebs") or {}).get("DeleteOnTermination", False)),
            )
            for item in raw.get("BlockDeviceMappings") or ()
            if item.get("Ebs")
        ),
        tags=tags_of(raw.get("Tags")),
    )


def instances(page: Raw, region: str, account: str) -> Iterator[Instance]:
    """Every instance of one ``DescribeInstances`` page."""
    for reservation in page.get("Reservations") or ():
        for raw in reservation.get("Instances") or ():
            yield instance(raw, region, str(reservation.get("OwnerId") or account))


def interface(raw: Raw) -> Interface:
    """One item of ``DescribeNetworkInterfaces``, or of an instance's ``NetworkInterfaces``."""
    attachment = raw.get("Attachment") or {}
    return Interface(
        id=str(raw.get("NetworkInterfaceId", "")),
        private_ip=str(raw.get("PrivateIpAddress", "")),
        public_ip=str((raw.get("Association") or {}).get("PublicIp", "")),
        subnet_id=str(raw.get("SubnetId", "")),
        vpc_id=str(raw.get("VpcId", "")),
        groups=tuple(sorted(str(group.get("GroupId", "")) for group in raw.get("Groups") or ())),
        primary=attachment.get("DeviceIndex") == 0,
        requester_managed=bool(raw.get("RequesterManaged", False)),
        ipv6=tuple(str(item.get("Ipv6Address", "")) for item in raw.get("Ipv6Addresses") or ()),
        private_ips=tuple(str(item.get("PrivateIpAddress", "")) for item in raw.get("PrivateIpAddresses") or ()),
        attached=raw.get("Status") != "available",
    )


def rules(permissions: Any) -> tuple[SecurityGroupPermission, ...]:
    """``IpPermissions`` flattened: one rule a peer (address range, group or prefix list)."""
    found = []
    for item in permissions or ():
        ports = (item.get("FromPort"), item.get("ToPort"))
        peers = [str(peer.get("CidrIp", "")) for peer in item.get("IpRanges") or ()]
        peers += [str(peer.get("CidrIpv6", "")) for peer in item.get("Ipv6Ranges") or ()]
        peers += [str(peer.get("GroupId", "")) for peer in item.get("UserIdGroupPairs") or ()]
        peers += [str(peer.get("PrefixListId", "")) for peer in item.get("PrefixListIds") or ()]
        found += [SecurityGroupPermission(str(item.get("IpProtocol", "-1")), *ports, peer) for peer in peers]
    return tuple(sorted(found, key=lambda rule: (rule.protocol, rule.from_port or -1, rule.to_port or -1, rule.peer)))


def security_group(raw: Raw, region: str) -> SecurityGroup:
    """One item of ``DescribeSecurityGroups``."""
    return SecurityGroup(
        id=str(raw.get("GroupId", "")),
        name=str(raw.get("GroupName", "")),
        vpc_id=str(raw.get("VpcId", "")),
        region=region,
        ingress=rules(raw.get("IpPermissions")),
        egress=rules(raw.get("IpPermissionsEgress")),
        tags=tags_of(raw.get("Tags")),
    )


def endpoint(raw: Raw, region: str, account: str) -> Endpoint:
    """One item of ``DescribeVpcEndpoints``."""
    return Endpoint(
        id=str(raw.get("VpcEndpointId", "")),
        region=region,
        account=str(raw.get("OwnerId") or account),
        type=str(raw.get("VpcEndpointType", "")),
        service=str(raw.get("ServiceName", "")),
        state=str(raw.get("State", "")).lower(),
        vpc_id=str(raw.get("VpcId", "")),
        groups=tuple(str(group.get("GroupId", "")) for group in raw.get("Groups") or ()),
        subnets=tuple(str(item) for item in raw.get("SubnetIds") or ()),
        route_tables=tuple(str(item) for item in raw.get("RouteTableIds") or ()),
        interfaces=tuple(str(item) for item in raw.get("NetworkInterfaceIds") or ()),
        policy=str(raw.get("PolicyDocument") or ""),
        private_dns=bool(raw.get("PrivateDnsEnabled", False)),
        requester_managed=bool(raw.get("RequesterManaged", False)),
        created=raw.get("CreationTimestamp"),
        tags=tags_of(raw.get("Tags")),
        resource=str(raw.get("ResourceConfigurationArn") or raw.get("ServiceNetworkArn") or ""),
    )


def finding(raw: Raw, region: str) -> Finding:
    """One item of GuardDuty's ``GetFindings``."""
    resource = raw.get("Resource") or {}
    service = raw.get("Service") or {}
    return Finding(
        id=str(raw.get("Id", "")),
        region=str(raw.get("Region") or region),
        type=str(raw.get("Type", "")),
        severity=float(raw.get("Severity") or 0),
        instance_id=_finding_instance(resource),
        title=str(raw.get("Title", "")),
        updated=moment(raw.get("UpdatedAt")),
        count=int(service.get("Count") or 1),
        access_key_id=str((resource.get("AccessKeyDetails") or {}).get("AccessKeyId", "")),
    )


def _finding_instance(resource: Raw) -> str:
    """The instance a finding is about; for stolen role credentials the principal id names it (``AROA…:i-…``)."""
    direct = str((resource.get("InstanceDetails") or {}).get("InstanceId") or "")
    if direct:
        return direct
    session = str((resource.get("AccessKeyDetails") or {}).get("PrincipalId") or "").rpartition(":")[2]
    return session if session.startswith("i-") else ""


def moment(value: Any) -> datetime | None:
    """A time from boto3 (datetime) or from JSON (RFC 3339 text); None where it is neither."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return None
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return None
