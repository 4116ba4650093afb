"""The policies of an IAM user or role: attached, inline, as documents with their versions; and who may assume it."""

from collections.abc import Mapping
from dataclasses import replace

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.iam.policy_document import raw_statements, texts
from vpce_tui.plans.targets.planning_context import (
    PlanningContext,
)
from vpce_tui.plans.targets.principal_state import (
    QUARANTINE_DOCUMENT,
    QUARANTINE_POLICY,
    SESSIONS_POLICY,
    PrincipalKind,
    PrincipalPolicy,
    PrincipalState,
)
from vpce_tui.plans.targets.role import CUT_POLICY, cut_stage


def trusted_by(document: object) -> tuple[str, ...]:
    """Who may take the role, from its trust policy."""
    found: set[str] = set()
    for statement in raw_statements(document):
        principal = statement.get("Principal")
        for value in principal.values() if isinstance(principal, Mapping) else (principal,):
            found |= set(texts(value))
    return tuple(sorted(found))


def read_policies(client: AwsClient, state: PrincipalState, asked: PlanningContext) -> PrincipalState:
    kind = state.kind.capitalize()
    named = {f"{kind}Name": state.name}
    inline = [
        str(item)
        for page in client.pages(
            Call(service="iam", operation=f"List{kind}Policies", region=state.region, parameters=named)
        )
        for item in page.data.get("PolicyNames", [])
    ]
    attached = []
    for page in client.pages(
        Call(service="iam", operation=f"ListAttached{kind}Policies", region=state.region, parameters=named)
    ):
        for item in page.data.get("AttachedPolicies", []):
            policy = client.read(
                Call(
                    service="iam",
                    operation="GetPolicy",
                    region=state.region,
                    parameters={"PolicyArn": item["PolicyArn"]},
                )
            ).data["Policy"]
            attached.append((str(item["PolicyArn"]), str(policy["DefaultVersionId"])))
    groups: list[str] = []
    if state.kind is PrincipalKind.USER:
        groups = [
            str(item["GroupName"])
            for page in client.pages(
                Call(service="iam", operation="ListGroupsForUser", region=state.region, parameters=named)
            )
            for item in page.data.get("Groups", [])
        ]
    cut, own, quarantine = "", f"{SESSIONS_POLICY}{asked.incident}", f"{QUARANTINE_POLICY}{asked.incident}"
    if asked.incident and own in inline:
        call = Call(
            service="iam", operation=f"Get{kind}Policy", region=state.region, parameters={**named, "PolicyName": own}
        )
        cut = cut_stage(client.read(call).data, asked.since)
    denied = False
    if asked.incident and quarantine in inline:
        call = Call(
            service="iam",
            operation=f"Get{kind}Policy",
            region=state.region,
            parameters={**named, "PolicyName": quarantine},
        )
        denied = client.read(call).data.get("PolicyDocument") == QUARANTINE_DOCUMENT
    return replace(
        state,
        inline=tuple(sorted(set(inline) - {own, quarantine})),
        attached=tuple(sorted(attached)),
        groups=tuple(sorted(groups)),
        cut=cut,
        quarantined=denied,
    )


def read_policy_documents(client: AwsClient, state: PrincipalState, _: PlanningContext) -> PrincipalState:
    if state.kind is PrincipalKind.ROOT:
        return replace(state, documents=())
    kind, home = state.kind.capitalize(), state.region
    named = {f"{kind}Name": state.name}
    found = []
    for page in client.pages(Call(service="iam", operation=f"List{kind}Policies", region=home, parameters=named)):
        for name in page.data.get("PolicyNames", []):
            if not str(name).startswith((QUARANTINE_POLICY, SESSIONS_POLICY, CUT_POLICY)):
                answer = client.read(
                    Call(
                        service="iam",
                        operation=f"Get{kind}Policy",
                        region=home,
                        parameters={**named, "PolicyName": name},
                    )
                ).data
                found.append(PrincipalPolicy(str(name), "", answer.get("PolicyDocument") or {}))
    for page in client.pages(
        Call(service="iam", operation=f"ListAttached{kind}Policies", region=home, parameters=named)
    ):
        found += [_managed(client, home, str(item["PolicyArn"])) for item in page.data.get("AttachedPolicies", [])]
    return replace(state, documents=tuple(sorted(found, key=lambda policy: policy.key)))


def _managed(client: AwsClient, home: str, arn: str) -> PrincipalPolicy:
    name, one = arn.rpartition("/")[2], {"PolicyArn": arn}
    if ":iam::aws:" in arn:
        return PrincipalPolicy(name, arn, {})
    default = str(
        client.read(Call(service="iam", operation="GetPolicy", region=home, parameters=one)).data["Policy"][
            "DefaultVersionId"
        ]
    )
    versions = {
        str(item["VersionId"]): client.read(
            Call(
                service="iam",
                operation="GetPolicyVersion",
                region=home,
                parameters={**one, "VersionId": item["VersionId"]},
            )
        )
        .data["PolicyVersion"]
        .get("Document")
        or {}
        for page in client.pages(Call(service="iam", operation="ListPolicyVersions", region=home, parameters=one))
        for item in page.data.get("Versions", [])
    }
    holders = []
    for page in client.pages(Call(service="iam", operation="ListEntitiesForPolicy", region=home, parameters=one)):
        holders += [f"user/{item['UserName']}" for item in page.data.get("PolicyUsers", [])]
        holders += [f"role/{item['RoleName']}" for item in page.data.get("PolicyRoles", [])]
        holders += [f"group/{item['GroupName']}" for item in page.data.get("PolicyGroups", [])]
    return PrincipalPolicy(
        name=name,
        arn=arn,
        document=versions.get(default, {}),
        default=default,
        versions=versions,
        holders=tuple(sorted(holders)),
    )
