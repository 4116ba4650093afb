"""Starting and terminating instances as AWS does it: AMIs keep what they were registered with and must be there, protection holds from the
start, status checks take a moment, versions of launch templates build on one another."""

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.amis import Ami

_INITIALIZING: Final = 2
"""How often a new instance is described before its status checks are through."""


class Instances:
    """Answers about starting and terminating instances; stands before moto's EC2 answers."""

    ec2_backend: Any

    def register_image(self) -> Any:
        """It is of the architecture, and has the root device and volumes, that it was registered with."""
        answer = super().register_image()  # type: ignore[misc]
        image = self.ec2_backend.amis[answer.result["ImageId"]]
        for name, attribute in (
            ("Architecture", "architecture"),
            ("RootDeviceName", "root_device_name"),
            ("VirtualizationType", "virtualization_type"),
        ):
            setattr(image, attribute, self._get_param(name) or getattr(image, attribute))  # type: ignore[attr-defined]
        image.root_device_type = "ebs"
        image.lab_disks = self._get_param("BlockDeviceMappings") or []  # type: ignore[attr-defined]
        return answer

    def create_launch_template_version(self) -> Any:
        """What it does not name is as in the version it builds on."""
        source = self._get_param("SourceVersion")  # type: ignore[attr-defined]
        template = self.ec2_backend.get_launch_template(self._get_param("LaunchTemplateId"))  # type: ignore[attr-defined]
        if source:
            number = {"$Default": template.default_version_number, "$Latest": template.latest_version_number}.get(
                source, source
            )
            before = template.get_version(int(number)).data
        answer = super().create_launch_template_version()  # type: ignore[misc]
        if source:
            made = template.versions[-1]
            made.data = answer.result["LaunchTemplateVersion"]["LaunchTemplateData"] = {**before, **made.data}
        return answer

    def delete_launch_template_versions(self) -> Any:
        """Missing in moto; the default version stays."""
        template = self.ec2_backend.get_launch_template(self._get_param("LaunchTemplateId"))  # type: ignore[attr-defined]
        gone, failed = [], []
        for number in self._get_param("Versions") or []:  # type: ignore[attr-defined]
            item = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": int(number)}
            alive = [version for version in template.versions if not getattr(version, "lab_deleted", False)]
            found = next((version for version in alive if version.number == int(number)), None)
            if found is None or template.is_default(found):
                code = "launchTemplateIdVersionDoesNotExist" if found is None else "unexpectedError"
                failed.append({**item, "ResponseError": {"Code": code, "Message": f"version {number}"}})
                continue
            found.lab_deleted = True
            gone.append(item)
        return ActionResult(
            {
                "SuccessfullyDeletedLaunchTemplateVersions": gone,
                "UnsuccessfullyDeletedLaunchTemplateVersions": failed,
            }
        )

    def describe_launch_template_versions(self) -> Any:
        """Deleted versions are not listed; their numbers are not given again."""
        answer = super().describe_launch_template_versions()  # type: ignore[misc]
        template = self._get_param("LaunchTemplateId")  # type: ignore[attr-defined]
        known = self.ec2_backend.get_launch_template(template).versions if template else []
        gone = {version.number for version in known if getattr(version, "lab_deleted", False)}
        listed = answer.result["LaunchTemplateVersions"]
        answer.result["LaunchTemplateVersions"] = [item for item in listed if item["VersionNumber"] not in gone]
        return answer

    def run_instances(self) -> Any:
        """Refused where the AMI is gone; termination protection and the interface's flag are kept."""
        image = self._get_param("ImageId")  # type: ignore[attr-defined]
        known = self.ec2_backend.amis.get(image)
        if image and known is None:
            raise EC2ClientError("InvalidAMIID.NotFound", f"The AMI id '[{image}]' does not exist")
        if known is not None and known.state != "available":
            raise EC2ClientError("InvalidAMIID.Unavailable", f"The AMI ID '{image}' is not available")
        answer = super().run_instances()  # type: ignore[misc]
        protected = self._get_bool_param("DisableApiTermination")  # type: ignore[attr-defined]
        for instance in answer.result.instances:
            instance.disable_api_termination = bool(protected)
            instance.lab_checked = 0
            for nic in instance.nics.values():
                nic.delete_on_termination = True
        return answer

    def terminate_instances(self) -> Any:
        """Interfaces that outlive it are detached, and available to others."""
        answer = super().terminate_instances()  # type: ignore[misc]
        for instance in self.ec2_backend.get_multi_instances_by_id(self._get_param("InstanceIds") or []):  # type: ignore[attr-defined]
            for nic in list(instance.nics.values()):
                if nic.id in self.ec2_backend.enis:
                    nics = dict(instance.nics)
                    instance.detach_eni(nic)
                    instance.nics = nics  # moto cannot describe an instance without its first interface
        return answer

    def describe_instance_status(self) -> Any:
        """The checks of a new instance are through after a moment."""
        answer = super().describe_instance_status()  # type: ignore[misc]
        answer.result["InstanceStatuses"] = [_status(item) for item in answer.result["InstanceStatuses"]]
        return answer

    def get_ebs_default_kms_key_id(self) -> Any:
        """The key of new volumes where none is named."""
        return ActionResult({"KmsKeyId": self.ec2_backend.default_kms_key_id or "alias/aws/ebs"})


def _disks(image: Any) -> Any:
    """What it was registered with, from its own snapshot; moto's own AMIs have one volume."""
    volumes = getattr(image, "lab_disks", None) or [{"DeviceName": image.root_device_name, "Ebs": {"VolumeSize": 15}}]
    return [
        {
            **volume,
            "Ebs": {
                "DeleteOnTermination": True,
                "VolumeType": "gp3",
                **volume["Ebs"],
                "SnapshotId": image.ebs_snapshot.id,
            },
        }
        for volume in volumes
    ]


def install() -> None:
    """The volumes of an AMI are those that it was registered with."""
    Ami.block_device_mappings = property(_disks)


def _status(instance: Any) -> Any:
    checked = getattr(instance, "lab_checked", _INITIALIZING)
    instance.lab_checked = checked + 1
    if checked >= _INITIALIZING or instance.state_code != 16:
        return instance
    waiting = {"Status": "initializing", "Details": [{"Name": "reachability", "Status": "initializing"}]}
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.availability_zone,
        "InstanceState": {"Code": 16, "Name": "running"},
        "SystemStatus": waiting,
        "InstanceStatus": waiting,
    }
