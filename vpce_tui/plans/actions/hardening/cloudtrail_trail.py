"""One trail of CloudTrail for every region, that records and can be checked.

(AWS: "Creating a trail with the AWS CLI".)
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.core.arn import account_of
from vpce_tui.plans.actions import Action, Answers, Choice, Options, S, by_effects, unchanged
from vpce_tui.plans.actions.hardening.log_bucket import full_bucket_stays, partition, plan_bucket, wrong_bucket
from vpce_tui.plans.actions.hardening.overview import read_options_in_scope
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.account import AccountAspect, AccountState
from vpce_tui.plans.targets.principal_state import PrincipalState
from vpce_tui.plans.targets.recording import TRAIL_BUCKET, Trail, Trails, own_bucket

_TRAIL: Final = re.compile(r"[A-Za-z0-9](?:[._-]?[A-Za-z0-9]){2,127}")
NEW_TRAIL: Final = "vpce-tui-every-region"


def _trail_arn(account: str, home: str, name: str) -> str:
    return f"arn:{partition(home)}:cloudtrail:{home}:{account}:trail/{name}"


def _trail_statements(account: str, home: str, name: str, bucket: str) -> list[dict[str, object]]:
    service, source = {"Service": "cloudtrail.amazonaws.com"}, {"aws:SourceArn": _trail_arn(account, home, name)}
    root = f"arn:{partition(home)}:s3:::{bucket}"
    return [
        {
            "Sid": "CloudTrailAclCheck",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:GetBucketAcl",
            "Resource": root,
            "Condition": {"StringEquals": source},
        },
        {
            "Sid": "CloudTrailWrite",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"{root}/AWSLogs/{account}/*",
            "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]


def look_trail(choices: Mapping[str, str], others: Answers) -> Mapping[str, object]:
    """The bucket of the answers is looked at."""
    return {**read_options_in_scope(choices, others), TRAIL_BUCKET: choices.get("bucket", "")}


def plan_trail(trails: Trails | None, account: str, home: str, draft: Draft) -> Step:
    """A trail of every region that records and can be checked; ``home``: where a new one is made."""
    if trails is None or draft.blocked:
        return draft.step(StepKind.CHANGE)
    draft.note(
        *(
            [_said(trail) for trail in trails.trails]
            or [f"there is no trail that covers {home}; single-Region trails of other regions are not listed here"]
        )
    )
    draft.note(
        *(
            f"{trail.name} writes to {trail.bucket}, which is not a bucket of this account: verify that it is yours"
            for trail in trails.trails
            if trails.buckets and trail.bucket not in trails.buckets and not trail.organization
        )
    )
    draft.note(*(f"trail changes: {stop}" for stop in trails.stops))
    chosen = draft.choices["trail"]
    named = chosen if chosen != "new" else NEW_TRAIL
    own = draft.recall("trail") is not None
    known = trails.named(named)
    if (
        known is not None
        and not own
        and draft.recall("validate") is None
        and draft.recall("log") is None
        and known.good
    ):
        draft.note_first(f"{known.name} records every region with log file validation: nothing to do")
        return draft.step(StepKind.CHANGE)
    if known is not None and not own and known.organization and account_of(known.arn) != account:
        draft.block(
            f"{known.name} belongs to the organization's management account",
            "have it corrected there, or choose trail: new",
        )
        return draft.step(StepKind.CHANGE)
    if known is not None and not own and known.blind:
        draft.block(
            f"{known.name}: {known.blind}",
            f"turn them on: CloudTrail › Trails › {known.name} › Management events › Edit; or choose trail: new",
        )
        return draft.step(StepKind.CHANGE)
    if known is None or own:
        _new_trail(trails, account, home, named, known, draft)
    else:
        _put_right(known, draft)
    draft.add_impact(
        "nobody: calls are recorded, not changed; the first copy of management events is free, S3 bills what is stored"
    )
    draft.prove(
        "the trail is a multi-Region trail, validates its log files, and is logging",
        "DescribeTrails",
        {"trailNameList": [named]},
        service="cloudtrail",
        region=home,
    )
    return draft.step(StepKind.CHANGE)


def _said(trail: Trail) -> str:
    words = [
        "every region" if trail.multi_region else f"{trail.home} only",
        "records" if trail.logging else "is NOT logging",
        "validated" if trail.validated else "no log file validation",
        f"to {trail.bucket}",
    ]
    stopped = f"; last stopped {trail.stopped}" if trail.stopped else ""
    return f"{trail.name}: {', '.join(words)}{stopped}{f'; delivery fails: {trail.problem}' if trail.problem else ''}{f'; {trail.blind}' if trail.blind else ''}"


def _new_trail(trails: Trails, account: str, home: str, name: str, known: Trail | None, draft: Draft) -> None:
    if trails.bucket is None:
        draft.block("no bucket is named", f"name one in its prompts, or --set {draft.id}.bucket=…")
        return
    if not plan_bucket(trails.bucket, home, _trail_statements(account, home, name, trails.bucket.name), draft):
        return
    at: Place = {"service": "cloudtrail", "region": home}
    draft.ensure(
        "trail",
        "CreateTrail",
        {
            "Name": name,
            "S3BucketName": trails.bucket.name,
            "IsMultiRegionTrail": True,
            "IncludeGlobalServiceEvents": True,
            "EnableLogFileValidation": True,
            "TagsList": draft.tags("trail", "trail", account, name)[0]["Tags"],
        },
        so_already=known is not None,
        why=f"new multi-Region trail {name} with log file validation",
        **at,
    )
    draft.add_inverse(
        "undo-trail", "DeleteTrail", {"Name": name}, undoes=("trail",), why=f"delete the trail {name}", **at
    )
    draft.ensure(
        "log",
        "StartLogging",
        {"Name": name},
        so_already=known is not None and known.logging,
        why=f"start logging of {name}",
        **at,
    )
    draft.add_inverse("undo-log", "StopLogging", {"Name": name}, undoes=("log",), why=f"stop logging of {name}", **at)
    draft.changes.append(f"new trail {name}: every region, validated, recording into {trails.bucket.name}")


def _put_right(trail: Trail, draft: Draft) -> None:
    at: Place = {"service": "cloudtrail", "region": trail.home}
    now = {
        "IsMultiRegionTrail": trail.multi_region,
        "IncludeGlobalServiceEvents": trail.global_events,
        "EnableLogFileValidation": trail.validated,
    }
    wanted = dict.fromkeys(now, True)
    right = all(now.values())
    recorded = (
        next((call for call in draft.remembered.undo if call.id == "undo-validate"), None) if draft.remembered else None
    )
    if not right or recorded is not None:
        draft.ensure(
            "validate",
            "UpdateTrail",
            {"Name": trail.name, **wanted},
            so_already=right,
            why=f"{trail.name}: every region, with global events and validation",
            **at,
        )
        if recorded is not None:
            draft.undo.insert(0, recorded)
        else:
            draft.add_inverse(
                "undo-validate",
                "UpdateTrail",
                {"Name": trail.name, **now},
                undoes=("validate",),
                why=f"{trail.name}: restore the earlier settings",
                **at,
            )
        draft.changes += [f"{trail.name}: {key} on" for key, on in now.items() if not on]
    if not trail.logging or draft.recall("log") is not None:
        draft.ensure(
            "log",
            "StartLogging",
            {"Name": trail.name},
            so_already=trail.logging,
            why=f"start logging of {trail.name}",
            **at,
        )
        draft.add_inverse(
            "undo-log",
            "StopLogging",
            {"Name": trail.name},
            undoes=("log",),
            why=f"stop logging of {trail.name} again, as before",
            **at,
        )
        draft.changes.append(f"start logging of {trail.name}")
    if trail.problem:
        draft.note(f"{trail.name} cannot deliver ({trail.problem}): check the policy of {trail.bucket} and its KMS key")


def trail_choices(trails: Callable[[S], Trails | None], account: Callable[[S], str]) -> tuple[Choice[S], ...]:
    """The questions of a step that turns a trail on."""

    def options(state: S) -> Options:
        found = trails(state)
        named = [(trail.name, _said(trail)) for trail in (found.trails if found else ()) if trail.name != NEW_TRAIL]
        return (*named, ("new", f"a new one, {NEW_TRAIL}"))

    def default(state: S) -> str:
        found = trails(state)
        known = found.trails if found else ()
        best = next((trail for trail in known if trail.good), None) or next(
            (trail for trail in known if trail.multi_region and not trail.blind), None
        )
        return best.name if best and best.name != NEW_TRAIL else "new"

    def buckets(state: S) -> Options:
        found = trails(state)
        own = own_bucket(account(state), "trail")
        return tuple(
            (name, name if name != own else f"{name}, new")
            for name in dict.fromkeys([own, *(found.buckets if found else ())])
        )

    return (
        Choice(
            id="trail",
            question="Which trail",
            options=options,
            default=default,
            free=True,
            check=lambda text: "" if _TRAIL.fullmatch(text) else f"{text!r} is not a valid trail name",
        ),
        Choice("bucket", "Into which bucket a new trail writes", buckets, free=True, check=wrong_bucket),
    )


TRAIL_MAY: Final = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutPublicAccessBlock",
    "cloudtrail:CreateTrail",
    "cloudtrail:DeleteTrail",
    "cloudtrail:UpdateTrail",
    "cloudtrail:StartLogging",
    "cloudtrail:StopLogging",
)


_INVERSES: Final = (
    "s3:DeleteBucket",
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "cloudtrail:DeleteTrail",
    "cloudtrail:UpdateTrail",
    "cloudtrail:StopLogging",
)


def _plan_account_trail(state: AccountState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, AccountAspect.TRAILS)
    return plan_trail(state.trails, state.account, state.region, draft)


ACCOUNT_TRAIL: Final[Action[AccountState]] = Action(
    aspects=frozenset({AccountAspect.TRAILS}),
    plan=_plan_account_trail,
    expect=unchanged,
    verify=by_effects,
    choices=trail_choices(lambda state: state.trails, lambda state: str(state.account)),
    why_not_undone=full_bucket_stays,
    read_options=look_trail,
    may=TRAIL_MAY,
    taken_back_by=_INVERSES,
)


def _plan_principal_trail(state: PrincipalState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, AccountAspect.TRAILS)
    return plan_trail(state.trails, state.account, draft.region, draft)


PRINCIPAL_TRAIL: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({AccountAspect.TRAILS}),
    plan=_plan_principal_trail,
    expect=unchanged,
    verify=by_effects,
    choices=trail_choices(lambda state: state.trails, lambda state: str(state.account)),
    why_not_undone=full_bucket_stays,
    read_options=lambda choices, _: {TRAIL_BUCKET: choices.get("bucket", "")},
    may=TRAIL_MAY,
    taken_back_by=_INVERSES,
)
