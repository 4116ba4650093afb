"""One volume on the way to an encrypted one: how a plan names what is made for it, where it belongs, what is waited for."""

from collections.abc import Mapping
from typing import Final

from vpce_tui.plans.plan import Until
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.ebs_volumes import UnencryptedVolume

VOLUME_STATE: Final = "Volumes[0].State"
_STATE: Final = "Reservations[0].Instances[0].State.Name"
STOPPED: Final = Until(_STATE, ("stopped",), ("terminated", "shutting-down"))
STILL_STOPPED: Final = Until(_STATE, ("stopped",), ("running", "pending", "terminated", "shutting-down"))


def name_of(kind: str, volume: UnencryptedVolume) -> str:
    """The reference by which a plan names what is made for a volume."""
    return f"{kind}_{volume.id.replace('-', '_').upper()}"


def home_of(volume: UnencryptedVolume, draft: Draft) -> tuple[str, str, bool]:
    """The instance and device that a volume belongs to, and whether it goes with the instance: as recorded, where we moved it."""
    recalled = draft.recall(f"attach-{volume.id}")
    if recalled is not None:
        doomed = draft.recall(f"flag-{volume.id}") is not None
        return str(recalled.parameters["InstanceId"]), str(recalled.parameters["Device"]), doomed
    return volume.instance, volume.device, volume.delete_on_termination


def wait_for(
    draft: Draft,
    call: str,
    operation: str,
    parameters: Mapping[str, object],
    until: Until,
    *,
    done: bool,
    why: str,
    region: str,
) -> None:
    """A read that is made again until it says what the next call needs."""
    draft.ensure(call, operation, parameters, so_already=done, why=why, until=until, region=region)
