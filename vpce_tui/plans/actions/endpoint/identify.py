"""See what an endpoint is, whose, and who uses it."""

from typing import Final

from vpce_tui.core.text import many
from vpce_tui.iam import policy_document
from vpce_tui.iam.external_access import TrustZone, outside
from vpce_tui.inventory import flow_log_queries
from vpce_tui.plans.actions import Action, read_back, unchanged
from vpce_tui.plans.actions.endpoint.endpoint_action import named
from vpce_tui.plans.actions.traffic import ask, describe
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState

_SHOWN: Final = 8


def _plan_identify(world: EndpointState, draft: Draft) -> Step:
    endpoint = world.endpoint
    about = [{"AttributeKey": "ResourceName", "AttributeValue": endpoint.id}]
    draft.read(
        "endpoint",
        "DescribeVpcEndpoints",
        named(world),
        "the endpoint: type, service, policy, security groups, route tables",
    )
    if endpoint.service and not (
        world.service and not world.service.owner
    ):  # what AWS does not list gives no answer to keep
        draft.read(
            "service",
            "DescribeVpcEndpointServices",
            {"ServiceNames": [endpoint.service]},
            "owner of its service",
            optional=True,
        )
    draft.read(
        "history",
        "LookupEvents",
        {"LookupAttributes": about},
        "who created and changed it",
        service="cloudtrail",
        optional=True,
    )
    if endpoint.interfaces:
        by_id = [{"Name": "network-interface-id", "Values": list(endpoint.interfaces)}]
        draft.read("interfaces", "DescribeNetworkInterfaces", {"Filters": by_id}, "its interfaces", optional=True)
    if endpoint.groups:
        by_group = [{"Name": "group-id", "Values": list(endpoint.groups)}]
        draft.read(
            "group-rules",
            "DescribeSecurityGroupRules",
            {"Filters": by_group},
            "rules of its security groups",
            optional=True,
        )
    in_vpc = [{"Name": "vpc-id", "Values": [endpoint.vpc_id]}]
    draft.read("routes", "DescribeRouteTables", {"Filters": in_vpc}, "routes of its VPC", optional=True)
    by_resource = [{"Name": "resource-id", "Values": [endpoint.vpc_id, *endpoint.interfaces]}]
    draft.read("flow-logs", "DescribeFlowLogs", {"Filter": by_resource}, "flow logs of its traffic", optional=True)
    if world.use is not None:
        ask(world.use, draft, "who", "who used it", flow_log_queries.talkers_query)
    draft.notes += _what_it_is(world)
    draft.notes += _who_uses_it(world)
    draft.notes += [f"the {facet} could not be read: {why}" for facet, why in world.unknown.items()]
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


def _what_it_is(world: EndpointState) -> list[str]:
    endpoint, service = world.endpoint, world.service
    owner = (service.owner if service else "") or "unknown: AWS does not list it to this account"
    whose = {"amazon": "AWS", endpoint.account: f"{endpoint.account}, this account"}.get(owner, owner)
    said = [
        f"{endpoint.type} endpoint to {endpoint.leads_to}, state {endpoint.state}, in {endpoint.vpc_id}",
        f"owner of the {'resource' if endpoint.resource else 'service'}: {whose}",
    ]
    if endpoint.requester_managed:
        said.append("it is managed by another AWS service: no step of this playbook can change it; use that service")
    if world.groups and endpoint.groups:
        said.append(f"groups: {', '.join(world.groups.label(group) for group in endpoint.groups)}")
    if endpoint.route_tables:
        said.append(f"route tables: {', '.join(endpoint.route_tables)}")
    if world.routes:
        said.append(f"routes to it: {', '.join(f'{where} in {table}' for table, where in world.routes)}")
    said.append(f"private DNS: {'on' if endpoint.private_dns else 'off'}")
    if endpoint.policy:
        said.append(
            "policy: "
            + (
                "allows full access"
                if outside(policy_document.parse(endpoint.policy), TrustZone()).everything()
                else "has limits; in evidence"
            )
        )
    if world.flow_logs is not None:
        log = world.flow_logs.covers(endpoint.vpc_id)
        said.append(
            f"traffic: recorded by {log.id} into {log.destination}"
            if log
            else "traffic: not recorded, so it is unknown who uses it"
        )
    return said


def _who_uses_it(world: EndpointState) -> list[str]:
    if world.endpoint.type == "Gateway":
        if world.reach is None:
            return ["its possible users are unknown: instances, subnets or route tables could not be read"]
        reach = world.reach
        return [
            f"who can use it: {many(len(reach), 'instance')} in the subnets of its route tables",
            *(f"  {name}" for name in reach[:_SHOWN]),
            *([f"  and {len(reach) - _SHOWN} more"] if len(reach) > _SHOWN else []),
            "flow logs show its users only with the field traffic-path: value 7 (it has no interface of its own)",
        ]
    if world.use is None or world.use.traffic is None:
        return []
    traffic, holders = world.use.traffic, world.use.holder_of
    hours = traffic.window.hours
    said = [
        f"who used it in the last {hours} h:" if traffic.flow_peers else f"flow logs show no use in the last {hours} h"
    ]
    said += [
        f"{describe(flow_peer)}{', ' + holders[flow_peer.peer] if flow_peer.peer in holders else ''}"
        for flow_peer in traffic.flow_peers[:_SHOWN]
    ]
    if len(traffic.flow_peers) > _SHOWN:
        said.append(f"and {len(traffic.flow_peers) - _SHOWN} more, in evidence")
    if traffic.cut:
        said.append(f"only the {flow_log_queries.MOST} largest flows were returned")
    return said


IDENTIFY: Final = Action(
    facets=frozenset(
        {
            EndpointAspect.SERVICE,
            EndpointAspect.GROUPS,
            EndpointAspect.ROUTES,
            EndpointAspect.FLOW_LOGS,
            EndpointAspect.USE,
        }
    ),
    plan=_plan_identify,
    expect=unchanged,
    settled=read_back,
    target="endpoint",
    may=(
        "cloudtrail:LookupEvents",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroupRules",
        "logs:StartQuery",
        "logs:GetQueryResults",
    ),
)
