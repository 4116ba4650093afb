"""Turn flow logs on for what does not record its traffic: log group, role, flow log with the full field format.

(AWS: "Publish flow logs to CloudWatch Logs".)
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from vpce_tui.blocks.model import ColumnKind, column
from vpce_tui.plans.actions import Action, Choice, Options, S, by_effects, parts, unchanged
from vpce_tui.plans.actions.hardening.overview import gaps, read_options_in_scope, unlogged
from vpce_tui.plans.placeholders import TOKEN, document, ref
from vpce_tui.plans.plan import Option, Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.account import AccountState, AccountVpc
from vpce_tui.plans.targets.endpoint import EndpointState
from vpce_tui.plans.targets.flow_logs import OWN_POLICY, OWN_ROLE, FlowLogging
from vpce_tui.plans.targets.interface_state import InterfaceState
from vpce_tui.plans.targets.planning_context import iam_region

NEW: Final = "new"
ROLE: Final = "FLOW_LOG_ROLE"
_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}")
_GROUP: Final = re.compile(r"[A-Za-z0-9_./#-]{1,512}")
FIELDS: Final = (
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
)
"""Every field of version 2 to 5 records, in AWS's order."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where traffic is to be recorded: one VPC, subnet or interface of a region."""

    region: str
    kind: str
    id: str
    logging: FlowLogging


def _log_format() -> str:
    return " ".join(f"${{{field}}}" for field in FIELDS)


def plan_flow_logs(wanted: Iterable[Wanted], target: str, draft: Draft) -> None:
    """Plan a flow log for each that has none; ``role`` and ``log_group`` are choices of the step."""
    role, group = draft.choices["role"], draft.choices["log_group"]
    made_role = False
    for item in wanted:
        call_id = f"flow-log-{item.id}"
        covered, own = item.logging.covers(item.id), item.logging.made_by(call_id)
        if covered is not None and own is None and draft.recall(call_id) is None:
            draft.note(f"{item.id}: recorded by {covered.id} into {covered.destination}; nothing to do")
            continue
        bad = [log for log in item.logging.logs if log.resource == item.id and not log.good]
        draft.note(
            *(
                f"{log.id} of {item.id} does not work: {log.said or 'it is not active'}; it is not changed"
                for log in bad
            )
        )
        if role == NEW and not made_role:
            _new_role(item, target, draft)
            made_role = True
        _one(item, call_id, role, group, target, draft)
    if draft.calls or draft.already:
        draft.note("flow logs begin now: earlier traffic is not recorded; the first records arrive within ten minutes")
        draft.add_impact("nobody: traffic is recorded, not changed; CloudWatch Logs bills what is ingested and stored")


def _new_role(item: Wanted, target: str, draft: Draft) -> None:
    region = iam_region(item.region)
    there = bool(item.logging.own_role)
    trust = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allow = {
        "Effect": "Allow",
        "Resource": "*",
        "Action": [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
        ],
    }
    named = {"RoleName": OWN_ROLE}
    draft.ensure(
        "role",
        "CreateRole",
        {
            **named,
            "AssumeRolePolicyDocument": document({"Version": "2012-10-17", "Statement": [trust]}),
            "Description": "Lets VPC flow logs write to CloudWatch Logs; created by vpce-tui",
        },
        so_already=there,
        why=f"new role {OWN_ROLE} for the flow log service",
        gives={ROLE: "Role.Arn"},
        service="iam",
        region=region,
    )
    draft.ensure(
        "role-policy",
        "PutRolePolicy",
        {
            **named,
            "PolicyName": OWN_POLICY,
            "PolicyDocument": document({"Version": "2012-10-17", "Statement": [allow]}),
        },
        so_already=item.logging.own_policy,
        why="it may only write logs",
        service="iam",
        region=region,
    )
    draft.add_inverse(
        "undo-role", "DeleteRole", named, undoes=("role",), why=f"delete {OWN_ROLE}", service="iam", region=region
    )
    draft.add_inverse(
        "undo-role-policy",
        "DeleteRolePolicy",
        {**named, "PolicyName": OWN_POLICY},
        undoes=("role-policy",),
        why="remove its policy",
        service="iam",
        region=region,
    )
    if there:
        draft.bindings[ROLE] = item.logging.own_role
    draft.stand_ins[ROLE] = "arn:aws:iam::123456789012:role/stand-in"


def _one(item: Wanted, call_id: str, role: str, group: str, target: str, draft: Draft) -> None:
    own = item.logging.made_by(call_id)
    group_id = f"log-group-{item.region}"
    if group not in item.logging.log_groups or draft.recall(group_id) is not None:
        known = {call.id for call in (*draft.calls, *draft.already)}
        if group_id not in known:
            draft.ensure(
                group_id,
                "CreateLogGroup",
                {"logGroupName": group},
                so_already=group in item.logging.log_groups,
                why=f"new log group {group}",
                service="logs",
                region=item.region,
            )
            draft.add_inverse(
                f"undo-{group_id}",
                "DeleteLogGroup",
                {"logGroupName": group},
                undoes=(group_id,),
                why=f"delete log group {group} with what was recorded",
                service="logs",
                region=item.region,
            )
    reference = "FLOW_LOG_" + item.id.replace("-", "_").upper()
    draft.ensure(
        call_id,
        "CreateFlowLogs",
        {
            "ResourceIds": [item.id],
            "ResourceType": item.kind,
            "TrafficType": "ALL",
            "LogDestinationType": "cloud-watch-logs",
            "LogGroupName": group,
            "DeliverLogsPermissionArn": ref(ROLE) if role == NEW else role,
            "LogFormat": _log_format(),
            "MaxAggregationInterval": 60,
            "ClientToken": ref(TOKEN),
            "TagSpecifications": draft.tags("vpc-flow-log", call_id, target, f"vpce-tui-{item.id}"),
        },
        so_already=own is not None,
        why=f"{item.id}: record all traffic into {group}",
        gives={reference: "FlowLogIds[0]"},
        region=item.region,
    )
    if own is not None:
        draft.bindings[reference] = own.id
    draft.add_inverse(
        f"undo-{call_id}",
        "DeleteFlowLogs",
        {"FlowLogIds": [ref(reference)]},
        undoes=(call_id,),
        why=f"{item.id}: stop recording",
        region=item.region,
    )
    draft.changes.append(f"{item.id} records all its traffic into {group}, every field, 1-minute aggregation")
    filters = [{"Name": "resource-id", "Values": [item.id]}]
    draft.prove(f"{item.id} has an active flow log", "DescribeFlowLogs", {"Filter": filters}, region=item.region)


def _role_options(logging: Callable[[S], FlowLogging | None]) -> Callable[[S], Options]:
    def options(state: S) -> Options:
        known = logging(state)
        named = [(arn, arn.partition(":role/")[2]) for arn in (known.roles if known else ())]
        return (*named, (NEW, f"a new role, {OWN_ROLE}"))

    return options


def _group_options(logging: Callable[[S], FlowLogging | None]) -> Callable[[S], Options]:
    def options(state: S) -> Options:
        known = logging(state)
        used = [log.destination for log in (known.logs if known else ()) if log.destination.startswith("/")]
        groups = [
            name for name in (known.log_groups if known else ()) if "vpc" in name.lower() or "flow" in name.lower()
        ]
        return tuple((name, name) for name in dict.fromkeys([*used, *groups, "/vpce-tui/flow-logs"]))

    return options


def choices(logging: Callable[[S], FlowLogging | None]) -> tuple[Choice[S], ...]:
    """The questions of a step that turns flow logs on; ``logging`` finds the :class:`FlowLogging` in the state."""
    return (
        Choice(
            "role",
            "Which role may write the logs",
            _role_options(logging),
            free=True,
            check=lambda text: "" if _ARN.fullmatch(text) else f"{text!r} is not a role ARN",
        ),
        Choice(
            "log_group",
            "Into which log group",
            _group_options(logging),
            free=True,
            check=lambda text: "" if _GROUP.fullmatch(text) else f"{text!r} is not a valid log group name",
        ),
    )


def _plan_vpc(region: str, vpc: str, target: str, state: EndpointState | InterfaceState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, "flow logs")
    if not vpc:
        draft.note(f"{target} does not exist any more")
    elif state.flow_logs is not None and not draft.blocked:
        plan_flow_logs([Wanted(region=region, kind="VPC", id=vpc, logging=state.flow_logs)], target, draft)
    return draft.step(StepKind.CHANGE)


_COLUMNS: Final = (
    column("REGION"),
    column("VPC"),
    column("NAME"),
    column("INTERFACES", ColumnKind.COUNT),
    column("DEFAULT", ColumnKind.YES_NO, "whether it is the region's default VPC"),
    column("RECORDED", ColumnKind.YES_NO, "whether a flow log records all of its traffic"),
)


def _vpc_options(state: AccountState) -> Options:
    return tuple(_vpc_option(state, vpc) for vpc in state.vpcs or ())


def _vpc_option(state: AccountState, vpc: AccountVpc) -> Option:
    missing = unlogged(state, vpc.region, vpc.id)
    return Option(
        value=vpc.key,
        label=f"{vpc.name} {vpc.interfaces} interfaces{', default VPC' if vpc.default else ''}".strip(),
        cells=(vpc.region, vpc.id, vpc.name, vpc.interfaces, vpc.default, not missing),
        why_not="" if missing else "a flow log records it already, or its flow logs could not be read",
    )


def _used(state: AccountState) -> str:
    """VPCs that contain anything."""
    return ",".join(vpc.key for vpc in state.vpcs or () if vpc.interfaces and unlogged(state, vpc.region, vpc.id))


def _plan_account(state: AccountState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, "flow logs")
    chosen = parts(draft.choices["vpcs"])
    if not draft.blocked:
        known = {vpc.key: vpc for vpc in state.vpcs or ()}
        for key in chosen:
            if key not in known:
                draft.block(f"the VPC {key} is gone", "choose again in its prompts, or --set flow-logs.vpcs=…")
        found = [known[key] for key in chosen if key in known]
        plan_flow_logs(
            [Wanted(region=vpc.region, kind="VPC", id=vpc.id, logging=state.logging[vpc.region]) for vpc in found],
            draft.target,
            draft,
        )
        if not chosen:
            draft.note("no VPC is chosen, or every one records its traffic")
    gaps(state, draft, "flow logs")
    return draft.step(StepKind.CHANGE)


_MAY: Final = (
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:PutRolePolicy",
    "iam:DeleteRolePolicy",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "ec2:CreateFlowLogs",
    "ec2:DeleteFlowLogs",
)
_INVERSES: Final = ("iam:DeleteRole", "iam:DeleteRolePolicy", "logs:DeleteLogGroup", "ec2:DeleteFlowLogs")
ENDPOINT_FLOW_LOGS: Final[Action[EndpointState]] = Action(
    aspects=frozenset({"flow logs"}),
    plan=lambda state, draft: _plan_vpc(state.endpoint.region, state.endpoint.vpc_id, state.endpoint.id, state, draft),
    expect=unchanged,
    verify=by_effects,
    choices=choices(lambda state: state.flow_logs),
    may=_MAY,
    taken_back_by=_INVERSES,
)
TRAFFIC_FLOW_LOGS: Final[Action[InterfaceState]] = Action(
    aspects=frozenset({"flow logs"}),
    plan=lambda state, draft: _plan_vpc(state.region, state.vpc_id, state.target, state, draft),
    expect=unchanged,
    verify=by_effects,
    choices=choices(lambda state: state.flow_logs),
    may=_MAY,
    taken_back_by=_INVERSES,
)
ACCOUNT_FLOW_LOGS: Final[Action[AccountState]] = Action(
    aspects=frozenset({"flow logs"}),
    plan=_plan_account,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            id="vpcs",
            question="Which VPCs record their traffic from now on",
            options=_vpc_options,
            columns=_COLUMNS,
            default=_used,
            many=True,
        ),
        *choices(lambda state: next(iter(state.logging.values()), None)),
    ),
    read_options=read_options_in_scope,
    may=_MAY,
    taken_back_by=_INVERSES,
)
