"""Texts of policies that keep endpoints from coming back."""

import json
from typing import Final

from vpce_tui.plans.actions import Action, read_back, unchanged
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState


def _plan_guard(state: EndpointState, draft: Draft) -> Step:
    organization = state.organization or "o-yourorganization"
    guard = {
        "Sid": "EndpointsOnlyByThePipeline",
        "Effect": "Deny",
        "Action": "ec2:CreateVpcEndpoint",
        "Resource": "*",
        "Condition": {
            "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{state.endpoint.account}:role/YOUR-PIPELINE-ROLE"}
        },
    }
    services = {
        "Sid": "OnlyServicesOfAws",
        "Effect": "Deny",
        "Action": "ec2:CreateVpcEndpoint",
        "Resource": "arn:aws:ec2:*:*:vpc-endpoint/*",
        "Condition": {"StringNotEquals": {"ec2:VpceServiceOwner": ["amazon", state.endpoint.account]}},
    }
    data = {
        "Sid": "OnlyThroughOwnEndpoints",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:VpceOrgID": organization},
            "Bool": {"aws:ViaAWSService": "false"},
            "Null": {"aws:SourceVpce": "false"},
        },
    }
    draft.note(
        "service control policy, so that only your pipeline creates endpoints (insert the ARN of its role): "
        + json.dumps(guard),
        "service control policy, so that endpoints lead only to AWS's services and your own: " + json.dumps(services),
        "bucket or resource control policy, so that your data leaves only through endpoints of your organization: "
        + json.dumps(data),
        "try each on one account first; a wrong deny stops your own deployments",
    )
    return draft.step(StepKind.MANUAL)


GUARD: Final[Action[EndpointState]] = Action(
    aspects=frozenset({EndpointAspect.ORGANISATION}),
    plan=_plan_guard,
    expect=unchanged,
    verify=read_back,
)
