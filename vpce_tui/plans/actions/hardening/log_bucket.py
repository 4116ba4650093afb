"""A bucket closed to the public that CloudTrail or AWS Config may write to.

(AWS: "Amazon S3 bucket policy for CloudTrail", "Permissions for the Amazon S3 bucket for AWS Config".)
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from vpce_tui.iam.policy_document import raw_statements
from vpce_tui.plans.placeholders import document
from vpce_tui.plans.plan import PlannedCall
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.planning_context import TargetState
from vpce_tui.plans.targets.recording import LogBucket

_BUCKET: Final = re.compile(r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def partition(region: str) -> str:
    """The partition of a region: ``aws``, ``aws-cn``, ``aws-us-gov``."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def wrong_bucket(text: str) -> str:
    """What is wrong with the name of a bucket; ``""``: nothing."""
    return (
        ""
        if _BUCKET.fullmatch(text)
        else f"{text!r} is not a valid bucket name (3 to 63 lower-case letters, digits, dots and hyphens)"
    )


def plan_bucket(bucket: LogBucket, region: str, statements: list[dict[str, object]], draft: Draft) -> bool:
    """Plan a bucket closed to the public with a policy that holds ``statements``; what its policy says already stays."""
    if bucket.taken:
        draft.block(
            f"the bucket name {bucket.name} is taken by another account, or access to it is denied",
            f"choose another in its prompts, or --set {draft.id}.bucket=…",
        )
        return False
    at: Place = {"service": "s3", "region": bucket.region or region}
    named = {"Bucket": bucket.name}
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    recalled = draft.recall("bucket") is not None
    if not bucket.mine or recalled:
        draft.ensure(
            "bucket",
            "CreateBucket",
            {**named, **where},
            so_already=bucket.mine,
            why=f"new bucket {bucket.name} in {region}",
            **at,
        )
        draft.add_inverse(
            "undo-bucket",
            "DeleteBucket",
            named,
            undoes=("bucket", "closed"),
            why=f"delete the bucket {bucket.name}",
            **at,
        )
        draft.changes.append(f"new bucket {bucket.name} in {region}")
    closed = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    if not bucket.mine or recalled:
        draft.ensure(
            "closed",
            "PutPublicAccessBlock",
            {**named, "PublicAccessBlockConfiguration": closed},
            so_already=bucket.blocked,
            why=f"{bucket.name}: turn on Block Public Access",
            **at,
        )
    elif not bucket.blocked:
        draft.note(f"{bucket.name} does not block all public access: check it (S3 › {bucket.name} › Permissions)")
    _policy(bucket, statements, at, draft)
    return True


def _policy(bucket: LogBucket, statements: list[dict[str, object]], at: Place, draft: Draft) -> None:
    named = {"Bucket": bucket.name}
    there = raw_statements(bucket.policy)
    missing = [item for item in statements if item not in there]
    before = draft.recall("bucket-policy")
    wanted: dict[str, object] = {
        **bucket.policy,
        "Version": bucket.policy.get("Version", "2012-10-17"),
        "Statement": [*there, *missing],
    }
    parameters: Mapping[str, object] = {**named, "Policy": document(wanted)}
    if before is not None and not missing:
        parameters = before.parameters
    draft.ensure(
        "bucket-policy",
        "PutBucketPolicy",
        parameters,
        so_already=bucket.mine and not missing,
        why=f"{bucket.name}: the service may write to it",
        **at,
    )
    recorded = (
        next((call for call in draft.remembered.undo if call.id == "undo-bucket-policy"), None)
        if draft.remembered
        else None
    )
    if recorded is not None:
        draft.undo.insert(0, recorded)
    elif bucket.mine and bucket.policy:
        draft.add_inverse(
            "undo-bucket-policy",
            "PutBucketPolicy",
            {**named, "Policy": json.dumps(bucket.policy)},
            undoes=("bucket-policy",),
            why=f"{bucket.name}: restore its earlier policy",
            **at,
        )
    else:
        draft.add_inverse(
            "undo-bucket-policy",
            "DeleteBucketPolicy",
            named,
            undoes=("bucket-policy",),
            why=f"{bucket.name}: delete its policy",
            **at,
        )
    if missing:
        draft.changes += [f"{bucket.name}: + {item['Sid']}" for item in missing]


def full_bucket_stays(state: TargetState, call: PlannedCall, _: bool, __: bool) -> str:
    """A bucket that holds records by now stays, with its policy."""
    bucket: LogBucket | None = next(
        (
            found.bucket
            for found in (getattr(state, "trails", None), getattr(state, "config", None))
            if found is not None and found.bucket
        ),
        None,
    )
    if bucket is not None and bucket.mine and not bucket.empty and call.service == "s3":
        return f"{bucket.name} already contains records, so it is kept"
    return ""
