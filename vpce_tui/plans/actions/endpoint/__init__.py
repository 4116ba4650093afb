"""Actions on a VPC endpoint: what it is, close or put right by policy and by network, private DNS, delete, guard."""

from vpce_tui.plans.actions.endpoint.delete import DELETE_ENDPOINT
from vpce_tui.plans.actions.endpoint.encryption import ENCRYPTION
from vpce_tui.plans.actions.endpoint.guard import GUARD
from vpce_tui.plans.actions.endpoint.identify import IDENTIFY
from vpce_tui.plans.actions.endpoint.network import NETWORK
from vpce_tui.plans.actions.endpoint.policy import POLICY
from vpce_tui.plans.actions.endpoint.private_dns import DNS

__all__ = ["DELETE_ENDPOINT", "DNS", "ENCRYPTION", "GUARD", "IDENTIFY", "NETWORK", "POLICY"]
