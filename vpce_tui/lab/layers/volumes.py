"""EBS as AWS does it: snapshots take a moment, encrypted copies are encrypted, a root volume leaves a stopped instance alone."""

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

_PENDING: Final = 1
"""How often a new snapshot is described before it is completed."""


class Volumes:
    """Answers about volumes and snapshots; stands before moto's EC2 answers."""

    ec2_backend: Any

    def _asks(self, name: str) -> Any:
        return self._get_param(name)  # type: ignore[attr-defined]

    def create_snapshot(self) -> Any:
        """Pending at first."""
        answer = super().create_snapshot()  # type: ignore[misc]
        answer.result.lab_described = 0
        return answer

    def copy_snapshot(self) -> Any:
        """Encrypted where asked, with its tags, and pending at first."""
        source = self._asks("SourceSnapshotId")
        if source not in self.ec2_backend.snapshots:
            raise EC2ClientError("InvalidSnapshot.NotFound", f"The snapshot '{source}' does not exist.")
        key = self._asks("KmsKeyId")
        copied = self.ec2_backend.copy_snapshot(
            source, self._asks("SourceRegion"), self._asks("Description") or "", key
        )
        if str(self._asks("Encrypted")).lower() == "true":
            copied.encrypted, copied.kms_key_id = True, key or self.ec2_backend.default_kms_key_id
        copied.lab_described = 0
        tags = {
            tag["Key"]: tag["Value"] for item in self._asks("TagSpecifications") or [] for tag in item.get("Tags", [])
        }
        copied.add_tags(tags)
        return ActionResult({"SnapshotId": copied.id, "Tags": copied.get_tags()})

    def describe_snapshots(self) -> Any:
        """A new one is pending, with its progress; public ones alone where those that everybody may restore are asked for."""
        for snapshot in self.ec2_backend.snapshots.values():
            described = getattr(snapshot, "lab_described", None)
            if described is None:
                continue
            snapshot.status = "pending" if described < _PENDING else "completed"
            asked = self._asks("SnapshotIds") or []
            snapshot.lab_described = described + (snapshot.id in asked)
        if self._asks("RestorableByUserIds") == ["all"] and not self._asks("SnapshotIds"):  # moto ignores it
            found = self.ec2_backend.snapshots.values()
            return ActionResult(
                {"Snapshots": [item for item in found if "all" in item.create_volume_permission_groups]}
            )
        return super().describe_snapshots()  # type: ignore[misc]

    def create_volume(self) -> Any:
        """Not from a snapshot that is not completed; with the key of the snapshot."""
        snapshot = self.ec2_backend.snapshots.get(self._asks("SnapshotId") or "")
        if snapshot is not None and getattr(snapshot, "lab_described", _PENDING) < _PENDING:
            raise EC2ClientError("IncorrectState", f"Snapshot is in invalid state - pending: {snapshot.id}")
        return super().create_volume()  # type: ignore[misc]

    def detach_volume(self) -> Any:
        """A root volume only from a stopped instance."""
        volume = self.ec2_backend.volumes.get(self._asks("VolumeId"))
        attachment = volume.attachment if volume is not None else None
        if attachment is not None:
            instance = attachment.instance
            if attachment.device == instance.root_device_name and instance.state != "stopped":
                raise EC2ClientError(
                    "OperationNotPermitted", f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'"
                )
        return super().detach_volume()  # type: ignore[misc]

    def attach_volume(self) -> Any:
        """Only where it is free: the volume, the device, and both in one zone."""
        volume = self.ec2_backend.volumes.get(self._asks("VolumeId"))
        instance = self.ec2_backend.get_instance(self._asks("InstanceId"))
        device = self._asks("Device")
        if volume is not None:
            if volume.attachment is not None:
                raise EC2ClientError("VolumeInUse", f"{volume.id} is already attached to an instance")
            if device in instance.block_device_mapping:
                raise EC2ClientError(
                    "InvalidParameterValue", f"Invalid value '{device}' for unixDevice. It is already in use"
                )
            if volume.zone.name != instance.availability_zone:
                raise EC2ClientError("InvalidVolume.ZoneMismatch", f"The volume '{volume.id}' is in another zone")
        return super().attach_volume()  # type: ignore[misc]
