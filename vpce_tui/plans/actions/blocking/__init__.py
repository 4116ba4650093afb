"""Block what lets unusual traffic through: rules of security groups, network ACLs, IP sets of WAF, VPC Block Public Access; verify
that it stopped."""

from vpce_tui.plans.actions.blocking.block_public_access import TRAFFIC_BLOCK_PUBLIC_ACCESS
from vpce_tui.plans.actions.blocking.network_acl import TRAFFIC_ACL
from vpce_tui.plans.actions.blocking.security_group_rules import TRAFFIC_RULES
from vpce_tui.plans.actions.blocking.verification import VERIFY_BLOCK
from vpce_tui.plans.actions.blocking.waf import TRAFFIC_WAF

__all__ = ["TRAFFIC_ACL", "TRAFFIC_BLOCK_PUBLIC_ACCESS", "TRAFFIC_RULES", "TRAFFIC_WAF", "VERIFY_BLOCK"]
