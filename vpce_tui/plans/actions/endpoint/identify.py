"""See what an endpoint is, whose, and who uses it."""

from typing import Final

from vpce_tui.blocks.model import BlockRow, Fact, FactsBlock, TableBlock, column
from vpce_tui.iam import policy_document
from vpce_tui.iam.external_access import evaluate_external_access
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory import flow_log_queries
from vpce_tui.inventory.flow_log_blocks import traffic_blocks
from vpce_tui.plans.actions import Action, read_back, unchanged
from vpce_tui.plans.actions.endpoint.endpoint_action import named
from vpce_tui.plans.actions.traffic import ask
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft
from vpce_tui.plans.targets.endpoint import EndpointAspect, EndpointState


def _plan_identify(state: EndpointState, draft: Draft) -> Step:
    endpoint = state.endpoint
    about = [{"AttributeKey": "ResourceName", "AttributeValue": endpoint.id}]
    draft.read(
        "endpoint",
        "DescribeVpcEndpoints",
        named(state),
        "the endpoint: type, service, policy, security groups, route tables",
    )
    if endpoint.service and not (
        state.service and not state.service.owner
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
    if state.use is not None:
        ask(state.use, draft, "who", "who used it", flow_log_queries.flow_peers_query)
    draft.show(_what_it_is(state))
    _who_uses_it(state, draft)
    draft.note_unread(state.unknown)
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


def _what_it_is(state: EndpointState) -> FactsBlock:
    endpoint, service = state.endpoint, state.service
    owner = (service.owner if service else "") or "unknown: AWS does not list it for this account"
    whose = {"amazon": "AWS", endpoint.account: f"{endpoint.account}, this account"}.get(owner, owner)
    facts = [
        ("endpoint", f"{endpoint.type} endpoint to {endpoint.leads_to}"),
        ("state", f"{endpoint.state}, in {endpoint.vpc_id}"),
        ("resource of" if endpoint.resource else "service of", whose),
        (
            "managed",
            "by another AWS service: no step of this playbook can change it; use that service"
            if endpoint.requester_managed
            else "",
        ),
        ("groups", ", ".join(state.groups.label(group) for group in endpoint.groups) if state.groups else ""),
        ("route tables", ", ".join(endpoint.route_tables)),
        ("routes to it", ", ".join(f"{where} in {table}" for table, where in state.routes or ())),
        ("private DNS", "on" if endpoint.private_dns else "off"),
        ("policy", _policy_in_words(endpoint.policy)),
        ("traffic", _recorded_where(state)),
    ]
    return FactsBlock(facts=tuple(Fact(name=name, value=value) for name, value in facts if value))


def _policy_in_words(policy: str) -> str:
    if not policy:
        return ""
    whole = evaluate_external_access(policy_document.parse(policy), TrustZone()).everything()
    return "allows full access" if whole else "limits access; see the evidence"


def _recorded_where(state: EndpointState) -> str:
    if state.flow_logs is None:
        return ""
    log = state.flow_logs.covers(state.endpoint.vpc_id)
    return f"recorded by {log.id} into {log.destination}" if log else "not recorded, so it is unknown who uses it"


def _who_uses_it(state: EndpointState, draft: Draft) -> None:
    if state.endpoint.type == "Gateway":
        _who_can_use_it(state, draft)
    elif state.use is not None and state.use.traffic is not None:
        names = {nic.id: f"{nic.id} {nic.private_ip}" for nic in state.use.interfaces}
        draft.show(*traffic_blocks(state.use.traffic, names, state.use.holder_of))


def _who_can_use_it(state: EndpointState, draft: Draft) -> None:
    """A gateway has no interface, so that flow logs do not name its users."""
    if state.reach is None:
        draft.warn("its possible users are unknown: instances, subnets or route tables could not be read")
        return
    rows = tuple(BlockRow(id=name, cells=(name,)) for name in state.reach)
    title = "instances in the subnets of its route tables: who can use it"
    draft.show(TableBlock(title=title, columns=(column("INSTANCE"),), rows=rows))
    draft.note("flow logs show its users only with the field traffic-path: value 7 (it has no interface of its own)")


IDENTIFY: Final[Action[EndpointState]] = Action(
    aspects=frozenset(
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
    verify=read_back,
    may=(
        "cloudtrail:LookupEvents",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroupRules",
        "logs:StartQuery",
        "logs:GetQueryResults",
    ),
)
