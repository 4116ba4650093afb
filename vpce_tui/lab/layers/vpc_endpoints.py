"""VPC endpoints as AWS does them: what a change refuses, what follows it, and VPC Encryption Control, which moto lacks."""

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.utils import add_tag_specification
from moto.moto_api._internal import mock_random

_LATTICE: Final = {"Resource": "ResourceConfigurationArn", "ServiceNetwork": "ServiceNetworkArn"}
_WITHOUT_POLICY: Final = ("gatewayloadbalancer", "resource", "servicenetwork")


class Endpoints:
    """Answers about endpoints; stands before moto's EC2 answers."""

    ec2_backend: Any

    def create_vpc_endpoint(self) -> Any:
        """Its interfaces are in its groups, and say whose they are; services of others take no policy."""
        if self._asks("PolicyDocument") and _takes_no_policy(self._asks("VpcEndpointType"), self._asks("ServiceName")):
            raise EC2ClientError("InvalidParameter", "Endpoint policies are not supported for this service.")
        answer = self._to_a_resource() or super().create_vpc_endpoint()  # type: ignore[misc]
        endpoint = answer.result["VpcEndpoint"]
        if endpoint.vpc_endpoint_type is None:
            endpoint.vpc_endpoint_type = "Gateway"
        if _takes_no_policy(endpoint.vpc_endpoint_type, endpoint.service_name):
            endpoint.policy_document = None
        if endpoint.vpc_endpoint_type == "Gateway":
            endpoint.private_dns_enabled = False
        self._follow(endpoint)
        return answer

    def _to_a_resource(self) -> Any:
        """An endpoint to a resource configuration or a service network of VPC Lattice: interfaces, groups, no service, no policy."""
        kind = self._asks("VpcEndpointType")
        if kind not in _LATTICE:
            return None
        if not self._asks(_LATTICE[kind]):
            raise EC2ClientError("MissingParameter", f"An endpoint of type {kind} needs {_LATTICE[kind]}.")
        endpoint = self.ec2_backend.create_vpc_endpoint(
            vpc_id=self._asks("VpcId"),
            service_name="",
            endpoint_type="Interface",
            policy_document=None,
            route_table_ids=[],
            subnet_ids=self._asks("SubnetIds"),
            client_token=self._asks("ClientToken"),
            security_group_ids=self._asks("SecurityGroupIds"),
            tags=add_tag_specification(self._asks("TagSpecifications") or []),
            private_dns_enabled=str(self._asks("PrivateDnsEnabled")).lower() == "true",
        )
        endpoint.vpc_endpoint_type, endpoint.service_name, endpoint.dns_entries = kind, None, []
        endpoint.resource_configuration_arn = self._asks("ResourceConfigurationArn")
        endpoint.service_network_arn = self._asks("ServiceNetworkArn")
        return ActionResult({"VpcEndpoint": endpoint})

    def describe_vpc_endpoints(self) -> Any:
        """Those that a service manages say so."""
        answer = super().describe_vpc_endpoints()  # type: ignore[misc]
        for endpoint in answer.result["VpcEndpoints"]:
            endpoint.requester_managed = _managed(endpoint)
        return answer

    def modify_vpc_endpoint(self) -> Any:
        """Refused for managed and unknown ones; tables, interfaces and names follow."""
        endpoint = self._endpoint(self._asks("VpcEndpointId"))
        if _managed(endpoint):
            raise EC2ClientError("OperationNotPermitted", f"The VPC endpoint {endpoint.id} is managed by a service.")
        if self._asks("PolicyDocument") and _takes_no_policy(endpoint.vpc_endpoint_type, endpoint.service_name):
            raise EC2ClientError("InvalidParameter", "Endpoint policies are not supported for this service.")
        for group in self._asks("AddSecurityGroupIds") or []:
            if not self.ec2_backend.get_security_group_from_id(group):
                raise EC2ClientError("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
        left = set(endpoint.security_group_ids) | set(self._asks("AddSecurityGroupIds") or [])
        if endpoint.vpc_endpoint_type == "Interface" and not left - set(self._asks("RemoveSecurityGroupIds") or []):
            raise EC2ClientError("InvalidParameter", "An interface endpoint needs at least one security group.")
        for table in self._asks("RemoveRouteTableIds") or []:
            if endpoint.destination_prefix_list_id and table in endpoint.route_table_ids:
                self.ec2_backend.delete_route(
                    table, None, destination_prefix_list_id=endpoint.destination_prefix_list_id
                )
        added = [table for table in self._asks("AddRouteTableIds") or [] if table not in endpoint.route_table_ids]
        answer = super().modify_vpc_endpoint()  # type: ignore[misc]
        for table in added:
            if endpoint.destination_prefix_list_id:
                self.ec2_backend.create_route(
                    table, None, gateway_id=endpoint.id, destination_prefix_list_id=endpoint.destination_prefix_list_id
                )
        if str(self._asks("ResetPolicy")).lower() == "true":
            endpoint.policy_document = VPCEndPoint(self.ec2_backend, "", "", "", None, None, []).policy_document
        if self._asks("PrivateDnsEnabled") is not None:
            endpoint.private_dns_enabled = str(self._asks("PrivateDnsEnabled")).lower() == "true"
        self._follow(endpoint)
        return answer

    def delete_vpc_endpoints(self) -> Any:
        """Status 200 with a list of what could not be deleted; what is deleted is no longer listed."""
        failed = []
        for identifier in self._asks("VpcEndpointIds") or []:
            endpoint = self.ec2_backend.vpc_end_points.get(identifier)
            problem = None
            if endpoint is None:
                problem = ("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{identifier}' does not exist")
            elif _managed(endpoint):
                problem = ("OperationNotPermitted", f"The VPC endpoint {identifier} is managed by a service.")
            if problem:
                failed.append({"ResourceId": identifier, "Error": {"Code": problem[0], "Message": problem[1]}})
                continue
            assert endpoint is not None
            for table in endpoint.route_table_ids or []:
                if endpoint.destination_prefix_list_id:
                    self.ec2_backend.delete_route(
                        table, None, destination_prefix_list_id=endpoint.destination_prefix_list_id
                    )
            for nic in endpoint.network_interface_ids:
                self.ec2_backend.enis.pop(nic, None)
            del self.ec2_backend.vpc_end_points[identifier]
        return ActionResult({"Unsuccessful": failed})

    def _asks(self, name: str) -> Any:
        return self._get_param(name)  # type: ignore[attr-defined]

    def _endpoint(self, identifier: str) -> Any:
        endpoint = self.ec2_backend.vpc_end_points.get(identifier)
        if endpoint is None:
            raise EC2ClientError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{identifier}' does not exist")
        return endpoint

    def _follow(self, endpoint: Any) -> None:
        groups = [self.ec2_backend.get_security_group_from_id(group) for group in endpoint.security_group_ids]
        for identifier in endpoint.network_interface_ids:
            nic = self.ec2_backend.enis[identifier]
            nic._group_set = list(groups)
            nic.interface_type = "vpc_endpoint"
            nic.description = f"VPC Endpoint Interface {endpoint.id}"

    # -- VPC Encryption Control

    def _controls(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.ec2_backend.__dict__.setdefault("lab_encryption_controls", {})
        return found

    def create_vpc_encryption_control(self) -> Any:
        """One a VPC, in monitor mode."""
        vpc = self._asks("VpcId")
        self.ec2_backend.get_vpc(vpc)
        if any(control["VpcId"] == vpc for control in self._controls().values()):
            raise EC2ClientError("VpcEncryptionControlAlreadyExists", f"The VPC {vpc} has an encryption control.")
        identifier = "vpcec-" + mock_random.get_random_hex(17)
        specifications = self._asks("TagSpecifications") or []
        tags = [tag for item in specifications for tag in item.get("Tags", [])]
        self._controls()[identifier] = {
            "VpcId": vpc,
            "VpcEncryptionControlId": identifier,
            "Mode": "monitor",
            "State": "available",
            "Tags": tags,
        }
        return ActionResult({"VpcEncryptionControl": self._controls()[identifier]})

    def describe_vpc_encryption_controls(self) -> Any:
        """Those of the VPCs asked for."""
        asked = self._asks("VpcIds") or []
        found = [control for control in self._controls().values() if not asked or control["VpcId"] in asked]
        return ActionResult({"VpcEncryptionControls": found})

    def delete_vpc_encryption_control(self) -> Any:
        """It is gone at once."""
        identifier = self._asks("VpcEncryptionControlId")
        if identifier not in self._controls():
            raise EC2ClientError("InvalidVpcEncryptionControlId.NotFound", f"'{identifier}' does not exist")
        return ActionResult({"VpcEncryptionControl": {**self._controls().pop(identifier), "State": "deleting"}})


def _managed(endpoint: Any) -> bool:
    """Whether a service made it and manages it: in the lab a tag says so."""
    return any(tag["key"] == "lab:requester-managed" for tag in endpoint.get_tags())


def _takes_no_policy(kind: str | None, service: str | None) -> bool:
    """Endpoints to services of others, and those of the newer kinds, have no policy."""
    return (kind or "").lower() in _WITHOUT_POLICY or (service or "").startswith("com.amazonaws.vpce.")
