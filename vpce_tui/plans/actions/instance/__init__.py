"""Actions on an instance itself: see it, preserve what vanishes, hold it still, isolate it, cut its
credentials, snapshots, memory, terminate."""

from vpce_tui.plans.actions.instance.cut_credentials import CUT_CREDENTIALS
from vpce_tui.plans.actions.instance.identify import IDENTIFY, MEMORY, PRESERVE
from vpce_tui.plans.actions.instance.isolate import ISOLATE
from vpce_tui.plans.actions.instance.out_of_service import TAKE_OUT
from vpce_tui.plans.actions.instance.protect import PROTECT
from vpce_tui.plans.actions.instance.snapshots import SNAPSHOTS
from vpce_tui.plans.actions.instance.terminate import TERMINATE

__all__ = [
    "CUT_CREDENTIALS",
    "IDENTIFY",
    "ISOLATE",
    "MEMORY",
    "PRESERVE",
    "PROTECT",
    "SNAPSHOTS",
    "TAKE_OUT",
    "TERMINATE",
]
