"""VPC Block Public Access, which moto lacks: the region's mode, and the VPCs that are excluded from it."""

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.moto_api._internal import mock_random

_MODES: Final = ("off", "block-ingress", "block-bidirectional")


class PublicAccess:
    """Answers about it; stands before moto's EC2 answers."""

    ec2_backend: Any

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.ec2_backend.__dict__.setdefault("lab_public_access", {"mode": "off", "out": {}})
        return state

    def _options(self) -> Any:
        mode = self._state()["mode"]
        state = "default-state" if mode == "off" else "update-complete"
        return ActionResult({"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": mode, "State": state}})

    def describe_vpc_block_public_access_options(self) -> Any:
        """The mode."""
        return self._options()

    def modify_vpc_block_public_access_options(self) -> Any:
        """Another mode, at once."""
        mode = self._get_param("InternetGatewayBlockMode")  # type: ignore[attr-defined]
        if mode not in _MODES:
            raise EC2ClientError("InvalidParameterValue", f"Invalid value for InternetGatewayBlockMode: {mode}")
        self._state()["mode"] = mode
        return self._options()

    def create_vpc_block_public_access_exclusion(self) -> Any:
        """One a VPC."""
        vpc = self._get_param("VpcId")  # type: ignore[attr-defined]
        self.ec2_backend.get_vpc(vpc)
        out = self._state()["out"]
        if any(item["ResourceArn"].endswith(f"/{vpc}") for item in out.values()):
            raise EC2ClientError("VpcBlockPublicAccessExclusionAlreadyExists", f"{vpc} is excluded already.")
        identifier = "vpcbpa-exclude-" + mock_random.get_random_hex(17)
        specifications = self._get_param("TagSpecifications") or []  # type: ignore[attr-defined]
        out[identifier] = {
            "ExclusionId": identifier,
            "State": "create-complete",
            "InternetGatewayExclusionMode": self._get_param("InternetGatewayExclusionMode"),  # type: ignore[attr-defined]
            "ResourceArn": f"arn:aws:ec2:{self.ec2_backend.region_name}:{self.ec2_backend.account_id}:vpc/{vpc}",
            "Tags": [tag for item in specifications for tag in item.get("Tags", [])],
        }
        return ActionResult({"VpcBlockPublicAccessExclusion": out[identifier]})

    def describe_vpc_block_public_access_exclusions(self) -> Any:
        """All of the region."""
        return ActionResult({"VpcBlockPublicAccessExclusions": list(self._state()["out"].values())})

    def delete_vpc_block_public_access_exclusion(self) -> Any:
        """It is gone at once."""
        identifier = self._get_param("ExclusionId")  # type: ignore[attr-defined]
        gone = self._state()["out"].pop(identifier, None)
        if gone is None:
            raise EC2ClientError("InvalidVpcBlockPublicAccessExclusionId.NotFound", f"'{identifier}' does not exist")
        return ActionResult({"VpcBlockPublicAccessExclusion": {**gone, "State": "delete-complete"}})
