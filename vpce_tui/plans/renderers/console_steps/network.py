"""Where to click in the AWS console, in its own words (2026): groups, lists, endpoints, WAF, public access."""

from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.core.json_values import mappings, string
from vpce_tui.plans.renderers.console_steps.phrases import Parameters, say


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


def _new_group(parameters: Parameters) -> str:
    return (
        f"EC2 › Security Groups › Create security group › name {say(parameters['GroupName'])}, VPC {say(parameters['VpcId'])}, "
        "no inbound rule; tags as in the CLI view › Create security group"
    )


def _rules(parameters: Parameters, way: str, what: str) -> str:
    ids = parameters.get("SecurityGroupRuleIds")
    said = say(ids) if ids else "; ".join(_permission(item, way) for item in mappings(parameters, "IpPermissions"))
    where = f"EC2 › Security Groups › {say(parameters['GroupId'])} › {way} rules › Edit {way.lower()} rules"
    return f"{where} › {what}: {said} › Save rules"


def _permission(item: Parameters, way: str) -> str:
    low, high = item.get("FromPort"), item.get("ToPort")
    ports = "" if low is None else f" {low}" if low == high else f" {low}-{high}"
    what = "All traffic" if item["IpProtocol"] == "-1" else f"{say(item['IpProtocol']).upper()}{ports}"
    peers = [
        str(value)
        for key in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
        for peer in mappings(item, key)
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


WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
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
        }[string(p, "InternetGatewayBlockMode")]
        + " › Save changes"
    ),
    "CreateVpcBlockPublicAccessExclusion": lambda p: (
        f"VPC › Settings › Block Public Access › Exclusions › Create exclusions › Bidirectional, {say(p['VpcId'])}; tags as in the CLI view › Create exclusions"
    ),
    "DeleteVpcBlockPublicAccessExclusion": lambda p: (
        f"VPC › Settings › Block Public Access › Exclusions › tick {say(p['ExclusionId'])} › Actions › Delete exclusions › Delete"
    ),
    "ModifyNetworkInterfaceAttribute": _groups,
    "DeleteSecurityGroup": lambda p: (
        f"EC2 › Security Groups › {say(p['GroupId'])} › Actions › Delete security groups › Delete"
    ),
    "ModifyVpcEndpoint": _endpoint,
    "DeleteVpcEndpoints": lambda p: (
        f"VPC › Endpoints › {say(p['VpcEndpointIds'])} › Actions › Delete VPC endpoints › delete › Delete"
    ),
    "CreateVpcEndpoint": _new_endpoint,
    "CreateVpcEncryptionControl": lambda p: (
        f"VPC › Encryption controls › Create encryption control › {say(p['VpcId'])}, Monitor mode › Create"
    ),
    "DeleteVpcEncryptionControl": lambda p: (
        f"VPC › Encryption controls › {say(p['VpcEncryptionControlId'])} › Actions › Delete › Delete"
    ),
}
