"""Keep the internet out of every VPC of a region.

(AWS: "Block public access to VPCs and subnets".)
"""

from typing import Final

from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.placeholders import ref
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.interface_state import InterfaceAspect, InterfaceState


def _vpc_options(state: InterfaceState) -> Options:
    others = [vpc for vpc in (state.public.open_vpcs if state.public else ()) if vpc != state.vpc_id]
    return tuple((vpc, "stays reachable (exclusion)") for vpc in others)


def _plan_block_public_access(state: InterfaceState, draft: Draft) -> Step:
    mode = draft.choices["mode"]
    if mode == "no":
        draft.note("not chosen: it blocks the internet for every VPC of the account in this region")
        return draft.step(StepKind.CHANGE)
    draft.block_unknown(state.unknown, InterfaceAspect.PUBLIC)
    public = state.public
    if public is not None and state.vpc_id in public.exclusions:
        draft.block(
            f"{state.vpc_id} is excluded already ({public.exclusions[state.vpc_id][0]}): its own traffic would not be blocked",
            "delete that exclusion first (VPC › Settings › Block Public Access), or deny the address in the subnet",
        )
    if draft.blocked or public is None:
        return draft.step(StepKind.CHANGE)
    for vpc in parts(draft.choices["keep"]):
        name, reference = f"exclude-{vpc}", f"EXCLUSION_{vpc.replace('-', '_').upper()}"
        draft.ensure(
            name,
            "CreateVpcBlockPublicAccessExclusion",
            {
                "VpcId": vpc,
                "InternetGatewayExclusionMode": "allow-bidirectional",
                "TagSpecifications": draft.tags(
                    "vpc-block-public-access-exclusion", name, state.target, f"vpce-tui-{vpc}"
                ),
            },
            so_already=vpc in public.exclusions,
            why=f"{vpc} is excluded",
            gives={reference: "VpcBlockPublicAccessExclusion.ExclusionId"},
        )
        if vpc in public.exclusions:
            draft.bindings[reference] = public.own.get(name, public.exclusions[vpc][0])
        draft.add_inverse(
            f"undo-{name}",
            "DeleteVpcBlockPublicAccessExclusion",
            {"ExclusionId": ref(reference)},
            undoes=(name,),
            why=f"{vpc}: exclusion deleted",
        )
    before = public.mode
    if before == mode and draft.remembered is not None:
        before = next(
            (
                str(call.parameters["InternetGatewayBlockMode"])
                for call in draft.remembered.undo
                if call.id == "undo-block-public-access"
            ),
            before,
        )
    draft.ensure(
        "block-public-access",
        "ModifyVpcBlockPublicAccessOptions",
        {"InternetGatewayBlockMode": mode},
        so_already=public.mode == mode and public.verify,
        why=f"{state.region}: internet gateways "
        + ("blocked for inbound traffic" if mode == "block-ingress" else "blocked in both directions"),
    )
    draft.add_inverse(
        "undo-block-public-access",
        "ModifyVpcBlockPublicAccessOptions",
        {"InternetGatewayBlockMode": before},
        undoes=("block-public-access",),
        why=f"{state.region}: restore the earlier mode, {before}",
    )
    kept = {*parts(draft.choices["keep"]), *public.exclusions}
    hit = tuple(vpc for vpc in public.open_vpcs if vpc not in kept)
    draft.changes.append(
        f"{state.region}: Block Public Access {public.mode} → {mode}, for every VPC of the account in this region"
    )
    draft.add_impact(
        f"{many(len(hit), 'VPC')} with an internet gateway or egress-only internet gateway: everything in them", hit
    )
    draft.note("it takes minutes to take effect everywhere; endpoints, peerings and VPNs are not affected")
    draft.prove("Block Public Access has this mode", "DescribeVpcBlockPublicAccessOptions")
    return draft.step(StepKind.CHANGE)


TRAFFIC_BLOCK_PUBLIC_ACCESS: Final[Action[InterfaceState]] = Action(
    aspects=frozenset({InterfaceAspect.PUBLIC}),
    plan=_plan_block_public_access,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice(
            "mode",
            "Turn on Block Public Access for every VPC of this region",
            (("no", "no"), ("block-ingress", "ingress only"), ("block-bidirectional", "bidirectional")),
        ),
        Choice("keep", "Which VPCs are excluded", _vpc_options, many=True),
    ),
    may=(
        "ec2:ModifyVpcBlockPublicAccessOptions",
        "ec2:CreateVpcBlockPublicAccessExclusion",
        "ec2:DeleteVpcBlockPublicAccessExclusion",
    ),
    taken_back_by=("ec2:ModifyVpcBlockPublicAccessOptions", "ec2:DeleteVpcBlockPublicAccessExclusion"),
)
