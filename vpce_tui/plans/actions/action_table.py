"""Every action by the name that a playbook's file gives it, one table for each kind of target."""

from collections.abc import Mapping
from typing import Final

from vpce_tui.plans.actions import (
    Action,
    AnyAction,
    blocking,
    endpoint,
    flow_logs,
    instance,
    traffic,
)
from vpce_tui.plans.actions.credentials import (
    console_access,
    credential_checks,
    identify,
    least_privilege,
    persistence,
    principal,
    rotate,
)
from vpce_tui.plans.actions.hardening import (
    aws_config,
    cloudtrail_trail,
    default_encryption,
    open_group_rules,
    overview,
    volumes,
)
from vpce_tui.plans.actions.relaunch import ami, instance_profile, launch, new_security_group, return_to_service
from vpce_tui.plans.targets import ACCOUNT, ENDPOINT, INSTANCE, INTERFACE, PRINCIPAL
from vpce_tui.plans.targets.account import AccountState
from vpce_tui.plans.targets.endpoint import EndpointState
from vpce_tui.plans.targets.instance_state import InstanceState
from vpce_tui.plans.targets.interface_state import InterfaceState
from vpce_tui.plans.targets.principal_state import PrincipalState

INSTANCE_ACTIONS: Final[Mapping[str, Action[InstanceState]]] = {
    "identify": instance.IDENTIFY,
    "preserve": instance.PRESERVE,
    "protect": instance.PROTECT,
    "take-out": instance.TAKE_OUT,
    "isolate": instance.ISOLATE,
    "cut-credentials": instance.CUT_CREDENTIALS,
    "snapshots": instance.SNAPSHOTS,
    "memory": instance.MEMORY,
    "terminate": instance.TERMINATE,
    "relaunch-ami": ami.CHOOSE_AMI,
    "relaunch-user-data": ami.REVIEW_USER_DATA,
    "relaunch-group": new_security_group.RELAUNCH_GROUP,
    "relaunch-profile": instance_profile.RELAUNCH_PROFILE,
    "relaunch-launch": launch.LAUNCH,
    "relaunch-return": return_to_service.RETURN,
    "relaunch-verify": return_to_service.VERIFY_RETURN,
}
ENDPOINT_ACTIONS: Final[Mapping[str, Action[EndpointState]]] = {
    "endpoint-identify": endpoint.IDENTIFY,
    "endpoint-flow-logs": flow_logs.ENDPOINT_FLOW_LOGS,
    "endpoint-policy": endpoint.POLICY,
    "endpoint-network": endpoint.NETWORK,
    "endpoint-dns": endpoint.DNS,
    "endpoint-encryption": endpoint.ENCRYPTION,
    "endpoint-delete": endpoint.DELETE_ENDPOINT,
    "endpoint-guard": endpoint.GUARD,
}
PRINCIPAL_ACTIONS: Final[Mapping[str, Action[PrincipalState]]] = {
    "principal-identify": identify.IDENTIFY,
    "principal-keys": principal.KEYS,
    "principal-sessions": principal.SESSIONS,
    "principal-quarantine": principal.QUARANTINE,
    "principal-console": console_access.CONSOLE,
    "principal-refused": credential_checks.REFUSED,
    "principal-persistence": persistence.CONTAIN_PERSISTENCE,
    "principal-root": principal.ROOT,
    "principal-least-privilege": least_privilege.LEAST_PRIVILEGE,
    "principal-rotate": rotate.ROTATE,
    "principal-drop-keys": rotate.DROP_KEYS,
    "principal-trail": cloudtrail_trail.PRINCIPAL_TRAIL,
}
INTERFACE_ACTIONS: Final[Mapping[str, Action[InterfaceState]]] = {
    "traffic-see": traffic.TRAFFIC_SEE,
    "traffic-choose": traffic.TRAFFIC_CHOOSE,
    "traffic-acl": blocking.TRAFFIC_ACL,
    "traffic-rules": blocking.TRAFFIC_RULES,
    "traffic-flow-logs": flow_logs.TRAFFIC_FLOW_LOGS,
    "traffic-waf": blocking.TRAFFIC_WAF,
    "traffic-block-public-access": blocking.TRAFFIC_BLOCK_PUBLIC_ACCESS,
    "traffic-verify": blocking.VERIFY_BLOCK,
}
ACCOUNT_ACTIONS: Final[Mapping[str, Action[AccountState]]] = {
    "account-overview": overview.ACCOUNT_OVERVIEW,
    "account-amis": overview.ACCOUNT_AMIS,
    "account-groups": open_group_rules.ACCOUNT_GROUPS,
    "account-encryption": default_encryption.ENCRYPTION_BY_DEFAULT,
    "account-volumes": volumes.ACCOUNT_VOLUMES,
    "account-flow-logs": flow_logs.ACCOUNT_FLOW_LOGS,
    "account-config": aws_config.ACCOUNT_CONFIG,
    "account-trail": cloudtrail_trail.ACCOUNT_TRAIL,
}

ACTIONS: Final[Mapping[str, Mapping[str, AnyAction]]] = {
    INSTANCE.name: INSTANCE_ACTIONS,
    ENDPOINT.name: ENDPOINT_ACTIONS,
    PRINCIPAL.name: PRINCIPAL_ACTIONS,
    INTERFACE.name: INTERFACE_ACTIONS,
    ACCOUNT.name: ACCOUNT_ACTIONS,
}
"""Every action by the kind of target that it acts on, then by its name; manual steps are of no kind."""
