"""Actions on an instance itself: see it, preserve what vanishes, hold it still, snapshots, memory, terminate."""

from vpce_tui.playbooks.actions.instance.ending import TERMINATE
from vpce_tui.playbooks.actions.instance.holding import HOLD
from vpce_tui.playbooks.actions.instance.looking import IDENTIFY, MEMORY, PRESERVE
from vpce_tui.playbooks.actions.instance.snapshots import SNAPSHOTS

__all__ = ["HOLD", "IDENTIFY", "MEMORY", "PRESERVE", "SNAPSHOTS", "TERMINATE"]
