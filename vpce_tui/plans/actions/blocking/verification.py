"""The step that verifies that traffic stopped: asks the flow logs, or, where no interface is left, whether there is one."""

from typing import Final

from vpce_tui.core.json_values import strings
from vpce_tui.inventory import flow_log_queries
from vpce_tui.plans.actions import Action, Pages, ReadBack, parts, read_back, unchanged
from vpce_tui.plans.actions.flow_log_verdicts import (
    INTERFACES_AFTER,
    NO_INTERFACE,
    blocks_of,
    verdicts,
    verify_block,
)
from vpce_tui.plans.actions.traffic import ask, chosen, read_options
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.interface_state import InterfaceAspect, InterfaceState

_BLOCKS: Final = "BLOCKS"
"""Where a planned verification keeps which addresses it is about."""


def _plan_prove(state: InterfaceState, draft: Draft) -> Step:
    draft.bindings[_BLOCKS] = ",".join(_blocks(state, draft))
    if not state.carries_traffic:
        known = [nic.id for nic in state.interfaces] or list(strings(state.remembered, "interfaces")) or ["eni-none"]
        filters = [{"Name": "network-interface-id", "Values": known}]
        draft.read(INTERFACES_AFTER, "DescribeNetworkInterfaces", {"Filters": filters}, "whether its interfaces exist")
        draft.note(NO_INTERFACE)
        draft.prove("none of its interfaces exists and is attached")
        return draft.step(StepKind.READ)
    ask(state, draft, "after", "its peers since the change", flow_log_queries.flow_peers_query)
    if not draft.calls:
        ids = [nic.id for nic in state.interfaces]
        draft.read(
            "flow-logs",
            "DescribeFlowLogs",
            {"Filter": [{"Name": "resource-id", "Values": [state.vpc_id, *ids]}]},
            "what is recorded",
        )
    draft.note_unread(state.unknown)
    blocks = _blocks(state, draft)
    draft.note(*(said for _, said in verdicts(state, state.traffic, blocks)))
    if not blocks:
        draft.note("no address is chosen, and none was denied in this incident")
    if state.traffic is None and InterfaceAspect.TRAFFIC not in state.unknown:
        draft.note("its traffic is not recorded: inconclusive; check the instance itself")
    draft.prove("no flow of these addresses was accepted after they were blocked in both directions")
    return draft.step(StepKind.READ)


def _blocks(state: InterfaceState, draft: Draft) -> tuple[str, ...]:
    """What the verification is about: the chosen addresses, else those that this incident denied."""
    return chosen(draft) or blocks_of(state)


def _verify_answers(state: InterfaceState, step: Step, pages: Pages) -> ReadBack:
    return verify_block(state, parts(step.bindings.get(_BLOCKS, "")), pages, "traffic-after")


VERIFY_BLOCK: Final[Action[InterfaceState]] = Action(
    aspects=frozenset({InterfaceAspect.TRAFFIC, InterfaceAspect.RULES}),
    plan=_plan_prove,
    expect=unchanged,
    verify=read_back,
    read_options=read_options,
    verify_answers=_verify_answers,
    may=("logs:StartQuery", "logs:GetQueryResults", "ec2:DescribeFlowLogs"),
)
