"""Least privilege from real use: a policy of the principal cut down to the actions that it used, shown as a diff.

What event history cannot show (data events) is never taken away: its use cannot be seen. (AWS: "Refine permissions
using last accessed information", "Logging data events".)
"""

import fnmatch
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from vpce_tui.blocks.diff import pretty_json
from vpce_tui.blocks.model import DiffBlock
from vpce_tui.core.json_values import mapping
from vpce_tui.core.text import many
from vpce_tui.iam.policy_document import raw_statements, texts
from vpce_tui.iam.wildcards import patterns_overlap
from vpce_tui.plans.actions import Action, Answers, Choice, Options, by_effects, parts, unchanged
from vpce_tui.plans.actions.credentials.persistence import look_back
from vpce_tui.plans.placeholders import document, document_in, ref
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place, short_id
from vpce_tui.plans.targets.principal_state import SESSIONS, PrincipalAspect, PrincipalPolicy, PrincipalState

NONE: Final = "none"
VERSION: Final = "POLICY_VERSION"
_MOST_VERSIONS: Final = 5
UNSEEN: Final = (
    "s3:Get*",
    "s3:Put*",
    "s3:Delete*",
    "s3:List*",
    "s3:AbortMultipartUpload",
    "s3:RestoreObject",
    "dynamodb:*",
    "lambda:Invoke*",
    "sqs:*",
    "sns:Publish*",
    "logs:PutLogEvents",
    "logs:CreateLogStream",
    "logs:Get*",
    "logs:Filter*",
    "cloudwatch:PutMetricData",
    "xray:*",
    "kinesis:*",
    "firehose:*",
    "ssmmessages:*",
    "ec2messages:*",
    "ssm:UpdateInstanceInformation",
    "execute-api:*",
    "bedrock:Invoke*",
    "rds-data:*",
    "rds-db:*",
    "es:ESHttp*",
    "aoss:*",
    "cassandra:*",
    "timestream:*",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "iam:PassRole",
    "ec2:CreateTags",
    "apigateway:*",
)
"""Actions whose use is not in event history, wholly or in part, or under another name."""


def _look(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    other = others.get("principal-persistence", {})
    named = {SESSIONS: parts(other.get("sessions", ""))}
    return {**look_back(choices.get("days", "30"), other.get("days", "")), **named}


def narrowed(policy: Mapping[str, object], used: frozenset[str]) -> tuple[Mapping[str, object], list[str], list[str]]:
    """The policy with its allowed actions cut down to ``used``; what went, and what came for a wildcard.

    Statements that deny, that allow by ``NotAction``, and actions whose use cannot be seen stay as they are.
    """
    statements, gone, came = list[Mapping[str, object]](), list[str](), list[str]()
    for statement in raw_statements(policy):
        if statement.get("Effect") != "Allow" or "Action" not in statement:
            statements.append(statement)
            continue
        kept: list[str] = []
        for action in texts(statement["Action"]):
            mine = _kept(action, used)
            kept += mine
            if mine != [action]:
                gone.append(action)
                came += mine
        if kept:
            statements.append({**statement, "Action": sorted(dict.fromkeys(kept))})
    return {**policy, "Statement": statements}, sorted(set(gone)), sorted(set(came))


def _matches(action: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(action.lower(), pattern.lower().replace("[", "[[]"))


def _kept(action: str, used: frozenset[str]) -> list[str]:
    """What stays of one action: itself where its use cannot be seen or was seen; for a wildcard what was used of it, and what of
    it cannot be seen."""
    if any(_matches(action, pattern) for pattern in UNSEEN):
        return [action]
    if (
        "*" in action.rstrip("*") or "?" in action
    ):  # a part in the middle: what it means of the unseen cannot be written shorter
        return [action] if any(patterns_overlap(action, pattern) for pattern in UNSEEN) else _of(action, used)
    if "*" not in action and "?" not in action:
        return [action] if any(_matches(item, action) for item in used) else []
    hidden = [pattern for pattern in UNSEEN if _matches(pattern, action)]
    if any(patterns_overlap(action, pattern) for pattern in set(UNSEEN) - set(hidden)):
        return [action]
    return [*_of(action, used), *hidden]


def _of(action: str, used: frozenset[str]) -> list[str]:
    """What was used of a wildcard, but for what is kept anyway."""
    return sorted(
        item for item in used if _matches(item, action) and not any(_matches(item, pattern) for pattern in UNSEEN)
    )


def _options(state: PrincipalState) -> Options:
    return (
        (NONE, "none"),
        *(
            (policy.key, f"{policy.name}, {'customer managed' if policy.arn else 'inline'}")
            for policy in state.documents or ()
            if policy.editable
        ),
    )


def _until(state: PrincipalState, hours: str) -> datetime | None:
    """The end of honest use: the hours before the incident was opened (or now) are left out."""
    begun = state.incident_opened or state.now
    return begun - timedelta(hours=int(hours)) if begun and hours.isdecimal() else None


def _plan(state: PrincipalState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, PrincipalAspect.DOCUMENTS, PrincipalAspect.HISTORY)
    history, chosen = state.history, draft.choices["policy"]
    draft.note(
        *(
            f"{policy.name}: it is AWS managed and cannot be reduced; attach a customer managed policy instead"
            for policy in state.documents or ()
            if not policy.editable
        )
    )
    if history is not None and history.failed and chosen != NONE:
        draft.block(
            f"event history could not be read everywhere, so actions that were used would be removed: {history.failed}",
            "plan again",
        )
    policy = next((item for item in state.documents or () if item.key == chosen), None)
    if chosen == NONE or draft.blocked or history is None:
        draft.note_first("no policy is chosen: choose one in its prompts to see which permissions it would lose")
        return draft.step(StepKind.CHANGE)
    if policy is None:
        draft.block(f"the policy {chosen} is gone", "choose again in its prompts, or --set least-privilege.policy=…")
        return draft.step(StepKind.CHANGE)
    used = history.used(_until(state, draft.choices["leave_out"]))
    recalled = draft.recall(f"narrow-{short_id(chosen)}")
    before = _before(policy, draft)
    wanted, gone, came = narrowed(before, used)
    if recalled is not None:
        wanted = mapping(document_in(recalled.parameters["PolicyDocument"]))
    if recalled is None and used and wanted == before:
        draft.note_first(
            f"{policy.name} allows no action that was not used, or whose use is not in event history: nothing to reduce"
        )
        return draft.step(StepKind.CHANGE)
    _said(
        state=state,
        policy=policy,
        before=before,
        used=used,
        after=wanted,
        gone=gone,
        came=came,
        draft=draft,
    )
    if not used and recalled is None:
        draft.block(
            "event history shows no use in that time: every visible action would be removed",
            "look back further, or exclude less, in its prompts; or quarantine it",
        )
    if policy.arn:
        _managed(state, policy, wanted, draft)
    else:
        _inline(state, policy, before, wanted, draft)
    return draft.step(StepKind.CHANGE)


def _before(policy: PrincipalPolicy, draft: Draft) -> Mapping[str, object]:
    """The policy as it was before this step."""
    recorded = (
        next((call for call in draft.remembered.undo if call.id.startswith("undo-narrow-")), None)
        if draft.remembered
        else None
    )
    if recorded is not None and "PolicyDocument" in recorded.parameters:
        return mapping(document_in(recorded.parameters["PolicyDocument"]))
    return policy.document


def _said(
    state: PrincipalState,
    policy: PrincipalPolicy,
    before: Mapping[str, object],
    used: frozenset[str],
    after: Mapping[str, object],
    gone: list[str],
    came: list[str],
    draft: Draft,
) -> None:
    if gone:
        draft.changes.append(f"policy {policy.name} loses {many(len(gone), 'action')}")
    elif used:
        draft.changes.append(
            f"policy {policy.name} loses no action: all were used, or their use is not in event history"
        )
    if came:
        draft.changes.append(f"policy {policy.name} names {many(len(came), 'action')} in place of wildcards")
    draft.show(
        DiffBlock(
            title=f"policy {policy.name}",
            before=pretty_json(json.dumps(before)),
            after=pretty_json(json.dumps(after)),
        )
    )
    days, hours = draft.choices["days"], draft.choices["leave_out"]
    draft.note(f"{many(len(used), 'action')} used in {days} days, without the last {hours} hours before the incident")
    draft.note("data events (objects, items, messages) are not in event history: their permissions are kept")
    draft.note(*(f"not searched: {gap}" for gap in (state.history.gaps if state.history else ())))
    if any("NotAction" in item for item in raw_statements(before)):
        draft.note("a statement with NotAction is not changed: rewrite it manually")
    others = tuple(name for name in policy.holders if name != f"{state.kind}/{state.name}")
    draft.add_impact(f"rare actions that {state.name} did not use in that time are denied from now on")
    if policy.arn:
        draft.add_impact(
            f"{many(len(others), 'other principal has', 'other principals have')} the same policy, and lose the same actions",
            others,
        )


def _managed(state: PrincipalState, policy: PrincipalPolicy, wanted: Mapping[str, object], draft: Draft) -> None:
    """A new version, made default: two calls, so that each can be taken back by itself; the old version is kept."""
    iam: Place = {"service": "iam", "region": state.region}
    name, arn = short_id(policy.key), {"PolicyArn": policy.arn}
    recalled = draft.recall(f"narrow-{name}") is not None
    own = policy.version_with(wanted) if recalled else ""
    if not own and len(policy.versions) >= _MOST_VERSIONS:
        draft.block(
            f"{policy.name} has {_MOST_VERSIONS} versions, the maximum",
            "delete one that is not needed: IAM › Policies › Policy versions",
        )
    draft.ensure(
        f"narrow-{name}",
        "CreatePolicyVersion",
        {**arn, "PolicyDocument": document(wanted)},
        so_already=bool(own),
        why=f"{policy.name}: a new version, the old one is kept",
        gives={VERSION: "PolicyVersion.VersionId"},
        **iam,
    )
    draft.add_inverse(
        f"undo-narrow-{name}",
        "DeletePolicyVersion",
        {**arn, "VersionId": ref(VERSION)},
        undoes=(f"narrow-{name}",),
        why=f"{policy.name}: delete the new version",
        **iam,
    )
    draft.ensure(
        f"default-{name}",
        "SetDefaultPolicyVersion",
        {**arn, "VersionId": ref(VERSION)},
        so_already=bool(own) and own == policy.default,
        why=f"{policy.name}: the new version becomes the default",
        **iam,
    )
    recorded = (
        next((call for call in draft.remembered.undo if call.id == f"undo-default-{name}"), None)
        if draft.remembered
        else None
    )
    if recorded is not None:
        draft.undo.insert(0, recorded)
    else:
        draft.add_inverse(
            f"undo-default-{name}",
            "SetDefaultPolicyVersion",
            {**arn, "VersionId": policy.default},
            undoes=(f"default-{name}",),
            why=f"{policy.name}: version {policy.default} is the default again",
            **iam,
        )
    if own:
        draft.bindings[VERSION] = own
    draft.stand_ins[VERSION] = "v1"
    draft.prove("the new version is the default one", "GetPolicy", arn, **iam)


def _inline(
    state: PrincipalState,
    policy: PrincipalPolicy,
    before: Mapping[str, object],
    wanted: Mapping[str, object],
    draft: Draft,
) -> None:
    iam: Place = {"service": "iam", "region": state.region}
    kind = state.kind.capitalize()
    call, named = f"narrow-{short_id(policy.key)}", {f"{kind}Name": state.name, "PolicyName": policy.name}
    if wanted["Statement"]:
        forward = (f"Put{kind}Policy", {**named, "PolicyDocument": document(wanted)})
    else:
        draft.block(
            f"no action of {policy.name} was used: the policy would be empty, which IAM rejects",
            "delete it manually, or quarantine the principal",
        )
        return
    draft.ensure(
        call,
        forward[0],
        forward[1],
        so_already=policy.document == wanted,
        why=f"{policy.name}: allow only the actions that were used",
        **iam,
    )
    recorded = (
        next((item for item in draft.remembered.undo if item.id == f"undo-{call}"), None) if draft.remembered else None
    )
    if recorded is not None:
        draft.undo.insert(0, recorded)
    else:
        draft.add_inverse(
            f"undo-{call}",
            f"Put{kind}Policy",
            {**named, "PolicyDocument": document(before)},
            undoes=(call,),
            why=f"{policy.name}: restore the earlier policy",
            **iam,
        )
    draft.prove("the policy in IAM is the one shown", f"Get{kind}Policy", named, **iam)


def _wrong(most: int, unit: str) -> Callable[[str], str]:
    return lambda said: (
        "" if said.isdecimal() and 0 <= int(said) <= most else f"{said!r} is not a number of {unit} from 0 to {most}"
    )


LEAST_PRIVILEGE: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.DOCUMENTS, PrincipalAspect.HISTORY}),
    plan=_plan,
    expect=unchanged,
    verify=by_effects,
    choices=(
        Choice("policy", "Which of its policies is reduced to the actions it used", _options),
        Choice(
            "days",
            "Count use in how many days",
            (("30", "30 days"), ("90", "90 days: all of event history"), ("7", "7 days")),
            free=True,
            check=_wrong(90, "days"),
        ),
        Choice(
            "leave_out",
            "How many hours before the incident are excluded, as the intruder's",
            (("24", "24 hours"), ("0", "none"), ("72", "three days")),
            free=True,
            check=_wrong(2160, "hours"),
        ),
    ),
    read_options=_look,
    may=(
        "iam:CreatePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:DeletePolicyVersion",
        "iam:PutUserPolicy",
        "iam:PutRolePolicy",
    ),
    taken_back_by=("iam:SetDefaultPolicyVersion", "iam:DeletePolicyVersion", "iam:PutUserPolicy", "iam:PutRolePolicy"),
)
