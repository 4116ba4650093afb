"""Who a principal is: its keys, policies, sessions and what trusts it. Only reads."""

from typing import Final

from vpce_tui.blocks.model import BlockRow, Cell, ColumnKind, Fact, FactsBlock, TableBlock, column
from vpce_tui.core.text import many
from vpce_tui.plans.actions import Action, read_back, unchanged
from vpce_tui.plans.actions.credentials.principal_helpers import names_in_iam
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.principal_state import (
    AccessKey,
    PrincipalAspect,
    PrincipalKind,
    PrincipalState,
)


def _plan_identify(state: PrincipalState, draft: Draft) -> Step:
    iam: Place = {"service": "iam", "region": state.region}
    named = names_in_iam(state)
    if state.kind is PrincipalKind.ROOT:
        draft.read(
            "summary", "GetAccountSummary", {}, "whether the root user has access keys and MFA", optional=True, **iam
        )
    else:
        kind = state.kind.capitalize()
        draft.read("principal", f"Get{kind}", named, f"the {state.kind}", **iam)
        draft.read("inline-policies", f"List{kind}Policies", named, "its inline policies", **iam)
        draft.read("attached-policies", f"ListAttached{kind}Policies", named, "its managed policies", **iam)
        for number, policy in enumerate(state.inline or ()):
            draft.read(
                f"inline-policy-{number}",
                f"Get{kind}Policy",
                {**named, "PolicyName": policy},
                f"inline policy {policy}",
                **iam,
            )
        for number, (arn, version) in enumerate(state.attached):
            draft.read(
                f"managed-policy-{number}",
                "GetPolicyVersion",
                {"PolicyArn": arn, "VersionId": version},
                f"managed policy {arn}",
                **iam,
            )
    if state.kind is PrincipalKind.USER:
        draft.read("keys", "ListAccessKeys", named, "its access keys", **iam)
        draft.read("groups", "ListGroupsForUser", named, "its IAM groups, whose policies also apply", **iam)
    _calls(state, draft)
    for number, key in enumerate(state.keys or ()):
        by_key = {"AttributeKey": "AccessKeyId", "AttributeValue": key.id}
        draft.read(
            f"history-of-key-{number}",
            "LookupEvents",
            {"LookupAttributes": [by_key]},
            f"calls with {key.id}",
            service="cloudtrail",
            region=state.region,
            optional=True,
        )
    _who(state, draft)
    draft.note_unread(state.unknown)
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


_MOST_READS: Final = 12
"""Queries of event history that are kept as evidence of one role."""


def _calls(state: PrincipalState, draft: Draft) -> None:
    """The calls made as this principal: under its name, or of a role under the names of its sessions, where they made any."""
    asked = [(state.region, state.name)]
    if state.kind is PrincipalKind.ROLE and state.history is not None:
        regions = sorted({event.region for event in state.history.events})
        asked = [(region, name) for region in regions for name in state.history.asked]
    for number, (region, name) in enumerate(asked[:_MOST_READS]):
        draft.read(
            f"history-{number}" if state.kind is PrincipalKind.ROLE else "history",
            "LookupEvents",
            {"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": name}]},
            f"calls made as {name} in {region}",
            service="cloudtrail",
            region=region,
            optional=True,
        )
    if len(asked) > _MOST_READS:
        draft.note(f"calls of sessions: {_MOST_READS} of {len(asked)} queries are recorded as evidence")


def _who(state: PrincipalState, draft: Draft) -> None:
    policies = ""
    if state.inline is not None and state.kind is not PrincipalKind.ROOT:
        policies = ", ".join([*state.inline, *(arn.rpartition("/")[2] for arn, _ in state.attached)]) or "none"
    sessions = state.sessions if state.kind is PrincipalKind.ROLE else None
    facts = (
        (state.kind, state.name),
        ("ARN", state.arn),
        ("managed", state.managed),
        ("groups", ", ".join(state.groups or ())),
        ("policies", policies),
        ("boundary", state.boundary),
        ("trusts", ", ".join(state.trusts or ())),
        ("instances", ", ".join(state.instances or ())),
        (
            "sessions",
            f"{many(len(sessions), 'AssumeRole call')} of the last day in event history; sessions of instances, and older ones, are not included"
            if sessions is not None
            else "",
        ),
        ("console", f"{'a' if state.password else 'no'} password" if state.kind is PrincipalKind.USER else ""),
        ("MFA", many(len(state.mfa), "device") if state.kind is PrincipalKind.USER else ""),
    )
    draft.show(FactsBlock(facts=tuple(Fact(name=name, value=value) for name, value in facts if value)))
    if state.keys:
        rows = tuple(BlockRow(id=key.id, cells=key_cells(key)) for key in state.keys)
        draft.show(TableBlock(title="access keys", columns=KEY_COLUMNS, rows=rows))
    draft.note(
        "what it created (users, access keys, roles, permissions) is listed in a separate step; for endpoints and instances see the events"
    )


KEY_COLUMNS: Final = (
    column("KEY"),
    column("ACTIVE", ColumnKind.YES_NO),
    column("CREATED"),
    column("USE", means="when and where it was used last"),
)


def key_cells(key: AccessKey) -> tuple[Cell, ...]:
    """One access key under :data:`KEY_COLUMNS`."""
    return key.id, key.active, key.created, key.usage


IDENTIFY: Final[Action[PrincipalState]] = Action(
    aspects=frozenset(
        {
            PrincipalAspect.KEYS,
            PrincipalAspect.POLICIES,
            PrincipalAspect.CONSOLE,
            PrincipalAspect.INSTANCES,
            PrincipalAspect.SESSIONS,
            PrincipalAspect.HISTORY,
        }
    ),
    plan=_plan_identify,
    expect=unchanged,
    verify=read_back,
    may=(
        "cloudtrail:LookupEvents",
        "iam:GetPolicyVersion",
        "iam:GetAccountSummary",
    ),
)
