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
    PrincipalState,
)


def _plan_identify(world: PrincipalState, draft: Draft) -> Step:
    iam: Place = {"service": "iam", "region": world.region}
    named = names_in_iam(world)
    if world.kind == "root":
        draft.read(
            "summary", "GetAccountSummary", {}, "whether the root user has access keys and MFA", optional=True, **iam
        )
    else:
        kind = world.kind.capitalize()
        draft.read("principal", f"Get{kind}", named, f"the {world.kind}", **iam)
        draft.read("inline-policies", f"List{kind}Policies", named, "its inline policies", **iam)
        draft.read("attached-policies", f"ListAttached{kind}Policies", named, "its managed policies", **iam)
        for number, policy in enumerate(world.inline or ()):
            draft.read(
                f"inline-policy-{number}",
                f"Get{kind}Policy",
                {**named, "PolicyName": policy},
                f"inline policy {policy}",
                **iam,
            )
        for number, (arn, version) in enumerate(world.attached):
            draft.read(
                f"managed-policy-{number}",
                "GetPolicyVersion",
                {"PolicyArn": arn, "VersionId": version},
                f"managed policy {arn}",
                **iam,
            )
    if world.kind == "user":
        draft.read("keys", "ListAccessKeys", named, "its access keys", **iam)
        draft.read("groups", "ListGroupsForUser", named, "its IAM groups, whose policies also apply", **iam)
    attribute = {"AttributeKey": "Username", "AttributeValue": world.name}
    draft.read(
        "history",
        "LookupEvents",
        {"LookupAttributes": [attribute]},
        "calls in its name",
        service="cloudtrail",
        region=world.region,
        optional=True,
    )
    for number, key in enumerate(world.keys or ()):
        by_key = {"AttributeKey": "AccessKeyId", "AttributeValue": key.id}
        draft.read(
            f"history-of-key-{number}",
            "LookupEvents",
            {"LookupAttributes": [by_key]},
            f"calls with {key.id}",
            service="cloudtrail",
            region=world.region,
            optional=True,
        )
    _who(world, draft)
    draft.note_unread(world.unknown)
    draft.prove("every result is recorded as evidence")
    return draft.step(StepKind.READ)


def _who(world: PrincipalState, draft: Draft) -> None:
    policies = ""
    if world.inline is not None and world.kind != "root":
        policies = ", ".join([*world.inline, *(arn.rpartition("/")[2] for arn, _ in world.attached)]) or "none"
    sessions = world.sessions if world.kind == "role" else None
    facts = (
        (world.kind, world.name),
        ("ARN", world.arn),
        ("managed", world.managed),
        ("groups", ", ".join(world.groups or ())),
        ("policies", policies),
        ("boundary", world.boundary),
        ("trusts", ", ".join(world.trusts or ())),
        ("instances", ", ".join(world.instances or ())),
        (
            "sessions",
            f"{many(len(sessions), 'AssumeRole call')} of the last day in event history; sessions of instances, and older ones, are not among them"
            if sessions is not None
            else "",
        ),
        ("console", f"{'a' if world.password else 'no'} password" if world.kind == "user" else ""),
        ("MFA", many(len(world.mfa), "device") if world.kind == "user" else ""),
    )
    draft.show(FactsBlock(facts=tuple(Fact(name=name, value=value) for name, value in facts if value)))
    if world.keys:
        rows = tuple(BlockRow(id=key.id, cells=key_cells(key)) for key in world.keys)
        draft.show(TableBlock(title="access keys", columns=KEY_COLUMNS, rows=rows))
    draft.note(
        "what it created (users, keys, roles, grants) is listed in a separate step; for endpoints and instances see the events"
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
    facets=frozenset(
        {
            PrincipalAspect.KEYS,
            PrincipalAspect.POLICIES,
            PrincipalAspect.CONSOLE,
            PrincipalAspect.USERS,
            PrincipalAspect.SESSIONS,
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
