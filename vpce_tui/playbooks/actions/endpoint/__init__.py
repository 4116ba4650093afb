"""Actions on a VPC endpoint: what it is, close or put right by policy and by network, private DNS, delete, guard."""

from vpce_tui.playbooks.actions.endpoint.delete import REMOVE
from vpce_tui.playbooks.actions.endpoint.encryption import ENCRYPTION
from vpce_tui.playbooks.actions.endpoint.guard import GUARD
from vpce_tui.playbooks.actions.endpoint.identify import IDENTIFY
from vpce_tui.playbooks.actions.endpoint.names import DNS
from vpce_tui.playbooks.actions.endpoint.network import NETWORK
from vpce_tui.playbooks.actions.endpoint.policy import POLICY

__all__ = ["DNS", "ENCRYPTION", "GUARD", "IDENTIFY", "NETWORK", "POLICY", "REMOVE"]
