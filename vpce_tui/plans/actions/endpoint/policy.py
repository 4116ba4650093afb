"""Close an endpoint by its policy, or put the policy right.

(AWS: "Control access to VPC endpoints using endpoint policies".)
"""

import json
from collections.abc import Mapping
from typing import Final

from vpce_tui.blocks.diff import pretty_json
from vpce_tui.blocks.model import DiffBlock
from vpce_tui.plans.actions import Action, Choice, by_effects, unchanged
from vpce_tui.plans.actions.endpoint.endpoint_action import cannot, named, only_live, seen_using
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState


def policy_of(mode: str, organization: str, account: str) -> dict[str, object]:
    """The endpoint policy of a mode: ``deny-all``, ``own-organization`` or ``own-account``."""
    anything: dict[str, object] = {"Principal": "*", "Action": "*", "Resource": "*"}
    if mode == "deny-all":
        statements = [{"Sid": "IncidentDenyAll", "Effect": "Deny", **anything}]
    else:
        own = (
            {"aws:PrincipalOrgID": organization, "aws:ResourceOrgID": organization}
            if mode == "own-organization"
            else {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}
        )
        statements = [
            {"Sid": "OwnOnly", "Effect": "Allow", **anything, "Condition": {"StringEquals": own}},
            {
                "Sid": "EncryptedOnly",
                "Effect": "Deny",
                **anything,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def _same(one: str, other: Mapping[str, object]) -> bool:
    try:
        return bool(json.loads(one) == other)
    except (ValueError, RecursionError):
        return False


def _plan_policy(state: EndpointState, draft: Draft) -> Step:
    endpoint, mode = state.endpoint, draft.choices["mode"]
    if cannot(
        state, draft, EndpointAspect.SERVICE, *((EndpointAspect.ORGANISATION,) if mode == "own-organization" else ())
    ):
        return draft.step(StepKind.CHANGE)
    if not endpoint.policy or (state.service and state.service.takes_policy is False):
        draft.note(
            f"an endpoint of type {endpoint.type} to {endpoint.leads_to} has no endpoint policy: restrict its network, the next step"
        )
        return draft.step(StepKind.CHANGE)
    if mode == "own-organization" and not state.organization:
        draft.block("this account is in no organization", "choose mode: own-account, or deny-all")
        return draft.step(StepKind.CHANGE)
    wanted = policy_of(mode, state.organization, endpoint.account)
    so_already = _same(endpoint.policy, wanted)
    done = draft.recall("policy")
    before = endpoint.policy
    if so_already and draft.remembered is not None:
        before = next(
            (str(call.parameters["PolicyDocument"]) for call in draft.remembered.undo if call.id == "undo-policy"),
            before,
        )
    it = {"VpcEndpointId": endpoint.id}
    why = {
        "deny-all": f"{endpoint.id}: everything through it is denied",
        "own-organization": f"{endpoint.id}: only principals of {state.organization} reach resources of {state.organization}, and only over TLS",
        "own-account": f"{endpoint.id}: only principals of account {endpoint.account} reach resources of that account, and only over TLS",
    }[mode]
    draft.ensure(
        "policy",
        "ModifyVpcEndpoint",
        {**it, "PolicyDocument": json.dumps(wanted, separators=(",", ":"))},
        so_already=so_already,
        why=why,
    )
    if not so_already or done is not None:
        draft.add_inverse(
            "undo-policy",
            "ModifyVpcEndpoint",
            {**it, "PolicyDocument": before},
            undoes=("policy",),
            why=f"{endpoint.id}: restore the earlier policy",
        )
    draft.changes.append(why)
    draft.show(
        DiffBlock(title=f"policy of {endpoint.id}", before=pretty_json(before), after=pretty_json(json.dumps(wanted)))
    )
    draft.add_impact(
        "everything that uses this endpoint"
        + (
            " loses the service it leads to"
            if mode == "deny-all"
            else " loses access to external resources, as external principals, and without TLS"
        ),
        state.endpoint.route_tables or state.endpoint.subnets,
    )
    seen_using(state, draft)
    if mode != "deny-all":
        draft.note(
            "AWS-owned resources behind S3 (package repositories, AMI layers) are outside your organization: add those that you need manually"
        )
    draft.note("a policy change can take some minutes to take effect")
    draft.prove("the endpoint has this policy", "DescribeVpcEndpoints", named(state))
    return draft.step(StepKind.CHANGE)


POLICY: Final[Action[EndpointState]] = Action(
    aspects=frozenset({EndpointAspect.SERVICE, EndpointAspect.ORGANISATION, EndpointAspect.HIT}),
    plan=_plan_policy,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "mode",
            "What its policy still allows",
            (
                ("deny-all", "nothing: deny everything"),
                ("own-organization", "it stays: only your organization's principals and resources, only over TLS"),
                ("own-account", "it stays: only this account's principals and resources, only over TLS"),
            ),
        ),
    ),
    why_not_undone=only_live,
    may=("ec2:ModifyVpcEndpoint",),
    taken_back_by=("ec2:ModifyVpcEndpoint",),
)
