"""Disable the private DNS of an endpoint: names of its service resolve as before it."""

from typing import Final

from vpce_tui.plans.actions import Action, by_effects, unchanged
from vpce_tui.plans.actions.endpoint.endpoint_action import cannot, named, only_live, seen_using
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState


def _plan_dns(state: EndpointState, draft: Draft) -> Step:
    endpoint = state.endpoint
    if cannot(state, draft):
        return draft.step(StepKind.CHANGE)
    if not endpoint.private_dns and draft.recall("dns") is None:
        draft.note("private DNS is off: no DNS name of the service resolves to it")
        return draft.step(StepKind.CHANGE)
    it = {"VpcEndpointId": endpoint.id}
    draft.ensure(
        "dns",
        "ModifyVpcEndpoint",
        {**it, "PrivateDnsEnabled": False},
        so_already=not endpoint.private_dns,
        why=f"disable private DNS: names of {endpoint.leads_to} resolve as before the endpoint",
    )
    draft.add_inverse(
        "undo-dns",
        "ModifyVpcEndpoint",
        {**it, "PrivateDnsEnabled": True},
        undoes=("dns",),
        why=f"enable private DNS: names of {endpoint.leads_to} resolve to the endpoint again",
    )
    draft.changes.append(f"in {endpoint.vpc_id} the names of {endpoint.leads_to} no longer resolve to {endpoint.id}")
    draft.add_impact(
        f"everything in {endpoint.vpc_id} that calls {endpoint.leads_to}: it needs other egress, for example a NAT gateway"
    )
    seen_using(state, draft)
    draft.prove("private DNS is off", "DescribeVpcEndpoints", named(state))
    return draft.step(StepKind.CHANGE)


DNS: Final[Action[EndpointState]] = Action(
    aspects=frozenset({EndpointAspect.HIT}),
    plan=_plan_dns,
    expect=unchanged,
    verify=by_effects,
    why_not_undone=only_live,
    may=("ec2:ModifyVpcEndpoint",),
    taken_back_by=("ec2:ModifyVpcEndpoint",),
)
