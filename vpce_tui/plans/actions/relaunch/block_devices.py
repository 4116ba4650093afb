"""The volumes of a new instance: never smaller than the old ones, each encrypted."""

from vpce_tui.inventory.amis import Ami
from vpce_tui.plans.actions import parts
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.instance_state import InstanceState
from vpce_tui.plans.targets.launch import LaunchVolume, Settings


def block_device_mappings(
    state: InstanceState, settings: Settings, image: Ami, draft: Draft
) -> list[dict[str, object]]:
    """The AMI's root volume, not smaller than the old one, and the ticked data volumes, empty; every one encrypted."""
    key = {"KmsKeyId": draft.choices["key"]} if draft.choices["key"] else {}
    old_root = next((volume for volume in settings.volumes if volume.device == state.instance.root_device), None)
    size = max(image.root_size, old_root.size_gib if old_root else 0)
    root: dict[str, object] = {"VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True, **key}
    if size:
        root["VolumeSize"] = size
    found: list[dict[str, object]] = [{"DeviceName": image.root_device, "Ebs": root}]
    wanted = parts(draft.choices["volumes"])
    for volume in settings.volumes:
        if volume.volume in wanted:
            ebs = {
                "VolumeSize": volume.size_gib,
                "Encrypted": True,
                "DeleteOnTermination": True,
                **_speed(volume),
                **key,
            }
            found.append({"DeviceName": volume.device, "Ebs": ebs})
    named = {str(item["DeviceName"]) for item in found}
    for extra in image.volumes:  # what the AMI brings along is encrypted too
        if extra.device not in named:
            found.append({"DeviceName": extra.device, "Ebs": {"Encrypted": True, "DeleteOnTermination": True, **key}})
    return found


def _speed(volume: LaunchVolume) -> dict[str, object]:
    """Its type, and the speed that this type takes."""
    found: dict[str, object] = {"VolumeType": volume.type}
    if volume.iops and volume.type in ("gp3", "io1", "io2"):
        found["Iops"] = volume.iops
    if volume.throughput and volume.type == "gp3":
        found["Throughput"] = volume.throughput
    return found
