"""Actions on an instance itself: see it, preserve what vanishes, hold it still, snapshots, memory, terminate."""

from vpce_tui.plans.actions.instance.identify import IDENTIFY, MEMORY, PRESERVE
from vpce_tui.plans.actions.instance.protect import PROTECT
from vpce_tui.plans.actions.instance.snapshots import SNAPSHOTS
from vpce_tui.plans.actions.instance.terminate import TERMINATE

__all__ = ["IDENTIFY", "MEMORY", "PRESERVE", "PROTECT", "SNAPSHOTS", "TERMINATE"]
