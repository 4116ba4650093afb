"""Where moto answers otherwise than AWS and the product depends on it: subclasses of moto's response classes.

Each method is one correction; ``install`` registers the classes in moto's own URL tables before the first request. Two
properties of moto's models are replaced as well, because group membership is kept twice there.
"""

import base64
import contextlib
from datetime import timedelta
from functools import cache
from typing import Any, Final

import moto.autoscaling.urls
import moto.core.responses
import moto.ec2.urls
import moto.ec2.utils
import moto.guardduty.urls
import moto.iam.models
import moto.iam.urls
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import method_names_from_class, utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses import EC2Response
from moto.elbv2.models import elbv2_backends
from moto.guardduty.responses import GuardDutyResponse
from moto.iam.responses import IamResponse

from vpce_tui.lab.layers import instances, logs_insights, serialization
from vpce_tui.lab.layers.instances import Instances
from vpce_tui.lab.layers.public_access import PublicAccess
from vpce_tui.lab.layers.volumes import Volumes
from vpce_tui.lab.layers.vpc_endpoints import Endpoints

REGIONS: Final = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)

# 16x12 grey JPEG: enough for a real GetConsoleScreenshot answer.
_SCREENSHOT: Final = base64.b64encode(
    bytes.fromhex(
        "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c39"
        "33383740485c4e404457453738506d51575f626768673e4d71797064785c656763ffc0000b080001000101011100ffc40014000100000000"
        "00000000000000000000000009ffc40014100100000000000000000000000000000000ffda0008010100003f0054dfffd9"
    )
).decode()


def _refusal(service: str, code: str, message: str) -> Exception:
    """An error of ``service``; moto reads the service from the exception's module."""
    kind = type("LabError", (ServiceException,), {"__module__": f"moto.{service}.exceptions"})
    made: Exception = kind(code, message)
    return made


class Guard:
    """What moto does not know becomes an AWS error, not a page of HTML with status 500."""

    def call_action(self) -> Any:
        try:
            return super().call_action()  # type: ignore[misc]
        except NotImplementedError as missing:
            problem = _refusal(self.service_name, "InvalidAction", f"the lab does not do this: {missing}")  # type: ignore[attr-defined]
        except Exception as broken:
            problem = _refusal(self.service_name, "InternalError", f"{type(broken).__name__}: {broken}")  # type: ignore[attr-defined]
        status, headers, body = self.serialized(ActionResult(problem))  # type: ignore[attr-defined]
        return int(status), headers, body


class Ec2(Guard, Endpoints, PublicAccess, Instances, Volumes, EC2Response):  # type: ignore[misc]
    """EC2 as AWS does it."""

    def describe_regions(self) -> Any:
        """Only the regions that are enabled."""
        asked = self._get_param("RegionNames", []) or REGIONS
        unknown = [name for name in asked if name not in REGIONS]
        if unknown:
            raise EC2ClientError("InvalidParameterValue", f"Invalid region name: {unknown[0]}")
        return ActionResult(
            {
                "Regions": [
                    {
                        "RegionName": name,
                        "Endpoint": f"ec2.{name}.amazonaws.com",
                        "OptInStatus": "opt-in-not-required",
                    }
                    for name in asked
                ]
            }
        )

    def delete_security_group(self) -> Any:
        """A group in use cannot be deleted."""
        group = self._get_param("GroupId")
        if any(group == used.id for nic in self.ec2_backend.enis.values() for used in nic.group_set):
            raise EC2ClientError("DependencyViolation", f"resource {group} has a dependent object")
        return super().delete_security_group()

    def modify_network_interface_attribute(self) -> Any:
        """The groups must exist."""
        for group in self._get_param("Groups", []) or []:
            if not self.ec2_backend.get_security_group_from_id(group):
                raise EC2ClientError("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
        return super().modify_network_interface_attribute()

    def start_instances(self) -> Any:
        """A terminated instance stays terminated; one that was stopped says when it was started again."""
        instances = [self.ec2_backend.get_instance(identifier) for identifier in self._get_param("InstanceIds", [])]
        for instance in instances:
            if instance.state == "terminated":
                raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance.id}' cannot be started.")
        stopped = [instance for instance in instances if instance.state == "stopped"]
        answer = super().start_instances()
        for instance in stopped:
            instance.launch_time = utcnow()
        return answer

    def terminate_instances(self) -> Any:
        """One protected instance refuses the whole request; a spot request does not start it again when cancelled."""
        for identifier in self._get_param("InstanceIds", []):
            instance = self.ec2_backend.get_instance(identifier)
            if instance.disable_api_termination in (True, "true", "True"):
                raise EC2ClientError(
                    "OperationNotPermitted",
                    f"The instance '{identifier}' may not be terminated. Modify its 'disableApiTermination' instance "
                    "attribute and try again.",
                )
        return super().terminate_instances()

    def get_console_output(self) -> Any:
        """What this instance printed, not moto's sample of 2006."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        printed = getattr(instance, "lab_console", "")
        output = Base64EncodedString.from_raw_string(printed) if printed else None
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    def get_console_screenshot(self) -> Any:
        """A tiny real JPEG."""
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        return ActionResult({"InstanceId": instance.id, "ImageData": _SCREENSHOT})

    def lock_snapshot(self) -> Any:
        """Locks are missing in moto."""
        snapshot = self.ec2_backend.get_snapshot(self._get_param("SnapshotId"))
        now, days = utcnow(), int(self._get_param("LockDuration") or 1)
        snapshot.lab_lock = {
            "OwnerId": snapshot.owner_id,
            "SnapshotId": snapshot.id,
            "LockState": self._get_param("LockMode"),
            "LockDuration": days,
            "LockCreatedOn": now,
            "LockExpiresOn": now + timedelta(days=days),
        }
        return ActionResult({key: value for key, value in snapshot.lab_lock.items() if key != "OwnerId"})

    def describe_locked_snapshots(self) -> Any:
        """Locks are missing in moto."""
        asked = self._get_param("SnapshotIds", [])
        locks = [
            getattr(item, "lab_lock", None)
            for item in self.ec2_backend.snapshots.values()
            if not asked or item.id in asked
        ]
        return ActionResult({"Snapshots": [lock for lock in locks if lock]})

    def delete_snapshot(self) -> Any:
        """A locked snapshot cannot be deleted."""
        snapshot = self.ec2_backend.snapshots.get(self._get_param("SnapshotId"))
        if snapshot is not None and getattr(snapshot, "lab_lock", None):
            raise EC2ClientError("SnapshotLocked", f"The snapshot '{snapshot.id}' is locked")
        return super().delete_snapshot()

    def cancel_spot_instance_requests(self) -> Any:
        """A cancelled request stays listed, with its state."""
        asked = self._get_param("SpotInstanceRequestIds", [])
        known = self.ec2_backend.spot_instance_requests
        for identifier in asked:
            if identifier not in known:
                raise EC2ClientError(
                    "InvalidSpotInstanceRequestID.NotFound",
                    f"The spot instance request ID '{identifier}' does not exist",
                )
        for identifier in asked:
            known[identifier].state = "cancelled"
        cancelled = [{"SpotInstanceRequestId": identifier, "State": "cancelled"} for identifier in asked]
        return ActionResult({"CancelledSpotInstanceRequests": cancelled})


class AutoScaling(Guard, AutoScalingResponse):  # type: ignore[misc]
    """Auto Scaling as AWS does it."""

    def _group(self) -> Any:
        name = self._get_param("AutoScalingGroupName")
        group = self.autoscaling_backend.autoscaling_groups.get(name)
        if group is None:
            raise _refusal("autoscaling", "ValidationError", f"AutoScalingGroup name not found - {name}")
        return group

    def detach_instances(self) -> Any:
        """Only members; not below the minimum; and the members leave the group's target groups."""
        group, asked = self._group(), self._get_param("InstanceIds", [])
        members = {state.instance.id for state in group.instance_states}
        for identifier in asked:
            if identifier not in members:
                raise _refusal(
                    "autoscaling",
                    "ValidationError",
                    f"The instance {identifier} is not part of Auto Scaling group {group.name}.",
                )
        if (
            self._get_bool_param("ShouldDecrementDesiredCapacity")
            and group.desired_capacity - len(asked) < group.min_size
        ):
            raise _refusal(
                "autoscaling",
                "ValidationError",
                "Current MinSize prevents the desired capacity from dropping.",
            )
        answer = super().detach_instances()
        balancer = elbv2_backends[self.current_account][self.region]
        for arn in group.target_group_arns or []:
            with contextlib.suppress(Exception):
                balancer.deregister_targets(arn, [{"Id": identifier} for identifier in asked])
        return answer

    def attach_instances(self) -> Any:
        """Nobody twice, and not above the maximum."""
        group, asked = self._group(), self._get_param("InstanceIds", [])
        members = {state.instance.id for state in group.instance_states}
        for identifier in asked:
            if identifier in members:
                raise _refusal(
                    "autoscaling", "ValidationError", f"The instance {identifier} is already part of a group."
                )
        if len(members) + len(asked) > group.max_size:
            raise _refusal("autoscaling", "ValidationError", "AutoScalingGroup max size exceeded.")
        return super().attach_instances()

    def update_auto_scaling_group(self) -> Any:
        """A group has a launch template or a launch configuration: naming one drops the other."""
        group = self._group()
        answer = super().update_auto_scaling_group()
        if self._get_param("LaunchTemplate"):
            group.launch_configuration_name, group.launch_config = None, None
        elif self._get_param("LaunchConfigurationName"):
            group.ec2_launch_template, group.launch_template_version, group.provided_launch_template_version = (
                None,
                None,
                None,
            )
        return answer


class Iam(Guard, IamResponse):  # type: ignore[misc]
    """IAM as AWS does it."""

    def list_service_specific_credentials(self) -> Any:
        """Missing in moto: nobody in the scenario has any."""
        return ActionResult({"ServiceSpecificCredentials": []})


class GuardDuty(Guard, GuardDutyResponse):  # type: ignore[misc]
    """Findings are missing in moto: the scenario's are served."""

    def _findings(self) -> dict[str, Any]:
        detector = self.guardduty_backend.get_detector(self.path.split("/")[2])
        found: dict[str, Any] = getattr(detector, "lab_findings", {})
        return found

    def list_findings(self) -> Any:
        """Ids of all findings of the detector."""
        return ActionResult({"FindingIds": list(self._findings())})

    def get_findings(self) -> Any:
        """The findings asked for."""
        found = self._findings()
        asked = self._get_param("FindingIds", None) or self._get_param("findingIds", [])
        return ActionResult({"Findings": [found[item] for item in asked if item in found]})


def _service_names() -> None:
    """Service-linked roles are called as AWS calls them."""
    moto.iam.models.SERVICE_NAME_CONVERSION.setdefault("config", "Config")


def install() -> None:
    """Put the corrected classes into moto's URL tables; once a process, before the first request."""
    _register(moto.ec2.urls, EC2Response, Ec2)
    _register(moto.autoscaling.urls, AutoScalingResponse, AutoScaling)
    _register(moto.iam.urls, IamResponse, Iam)
    extra = ("{0}/detector/<detector_id>/findings", "{0}/detector/<detector_id>/findings/get")
    _register(moto.guardduty.urls, GuardDutyResponse, GuardDuty, extra)
    logs_insights.install()
    serialization.install()
    instances.install()
    moto.core.responses.method_names_from_class = cache(method_names_from_class)  # asked again for each request
    _one_truth_for_groups()
    _filters()
    _service_names()


def _register(module: Any, old: Any, new: Any, extra: tuple[str, ...] = ()) -> None:
    for path, handler in list(module.url_paths.items()):
        if getattr(handler, "__self__", None) is old:
            module.url_paths[path] = new.dispatch
    for path in extra:
        module.url_paths[path] = new.dispatch


def _one_truth_for_groups() -> None:
    """An interface owns its groups; an instance's groups are those of its first interface."""

    def read(instance: Any) -> Any:
        nics = instance.__dict__.get("nics") or {}
        return nics[0]._group_set if 0 in nics else instance.__dict__.get("lab_groups", [])

    def write(instance: Any, groups: Any) -> None:
        nics = instance.__dict__.get("nics") or {}
        if 0 in nics:
            nics[0]._group_set = list(groups)
        else:
            instance.__dict__["lab_groups"] = groups

    NetworkInterface.group_set = property(lambda nic: nic._group_set)
    Instance.security_groups = property(read, write)


def _filters() -> None:
    """Filters that moto answers with status 500."""
    known = VPCEndPoint.get_filter_value

    def value(endpoint: Any, name: str, method: Any = None) -> Any:
        own = {
            "vpc-endpoint-id": endpoint.id,
            "service-name": endpoint.service_name,
            "vpc-id": endpoint.vpc_id,
        }
        return own[name] if name in own else known(endpoint, name, method)

    VPCEndPoint.get_filter_value = value
    moto.ec2.utils.filter_dict_attribute_mapping.update(
        {"iam-instance-profile.arn": "lab_profile_arn", "instance-lifecycle": "lifecycle"}
    )
    Instance.lab_profile_arn = property(_profile_arn)


def _profile_arn(instance: Any) -> str | None:
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    return association.iam_instance_profile.arn if association else None
