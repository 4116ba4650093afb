"""What IAM Access Analyzer says of a policy: AWS's own check, offered beside ours. Nothing is changed by it.

``ValidatePolicy`` is free; the others are AWS's "custom policy checks", billed by the call. They take each condition as met:
what passes can never be granted, what fails can be granted to somebody at some time. Follows AWS's "IAM Access Analyzer
custom policy checks" and its API reference.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.caller import Caller
from vpce_tui.aws.errors import AwsError
from vpce_tui.signals.endpoint.subject import service_short
from vpce_tui.trail.event import Event

PRICE: Final = "USD 0.002"
"""Of one custom policy check, as AWS's price list has it."""
_NOBODYS: Final = "000000000000"
_OUT: Final[Mapping[str, tuple[str, str]]] = {
    "s3": ("s3:PutObject", "arn:{partition}:s3:::somebody-elses-bucket/*"),
    "dynamodb": ("dynamodb:PutItem", "arn:{partition}:dynamodb:{region}:{nobody}:table/*"),
    "kms": ("kms:Encrypt", "arn:{partition}:kms:{region}:{nobody}:key/*"),
    "secretsmanager": ("secretsmanager:PutSecretValue", "arn:{partition}:secretsmanager:{region}:{nobody}:secret:*"),
    "sns": ("sns:Publish", "arn:{partition}:sns:{region}:{nobody}:*"),
    "sqs": ("sqs:SendMessage", "arn:{partition}:sqs:{region}:{nobody}:*"),
    "lambda": ("lambda:InvokeFunction", "arn:{partition}:lambda:{region}:{nobody}:function:*"),
    "sts": ("sts:AssumeRole", "arn:{partition}:iam::{nobody}:role/*"),
}  # fmt: skip
"""By service, the call that carries data to somebody else, and somebody else's thing."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question to Access Analyzer. ``billed``: it costs :data:`PRICE`."""

    question: str
    call: Call
    billed: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Its answer. ``good`` None: it could not be asked, and ``said`` is why."""

    question: str
    good: bool | None
    said: tuple[str, ...]


def checks(event: Event, now: str = "") -> tuple[Check, ...]:
    """What can be asked of the policy that an event set. ``now``: the policy that its endpoint has by now, which stands in its place."""
    found = _policy_of(event)
    if found is None:
        return ()
    kind, text = found
    region = event.region or "us-east-1"
    text = now or text if not kind else text
    if not text:
        return ()
    validate: dict[str, Any] = {"policyDocument": text, "policyType": "RESOURCE_POLICY"}
    if kind:
        validate["validatePolicyResourceType"] = kind
    whole = [
        Check(
            "Is it valid, and does it do what it seems to?", Call("accessanalyzer", "ValidatePolicy", region, validate)
        )
    ]
    if kind:
        asked = {"policyDocument": text, "resourceType": kind}
        whole.append(
            Check("Can it let in everybody?", Call("accessanalyzer", "CheckNoPublicAccess", region, asked), billed=True)
        )
    elif event.request is not None and (out := _OUT.get(service_short(event.request.service))):
        partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        action, pattern = out
        thing = pattern.format(partition=partition, region=region, nobody=_NOBODYS)
        access = {
            "policyDocument": text,
            "policyType": "RESOURCE_POLICY",
            "access": [{"actions": [action], "resources": [thing]}],
        }
        question = f"Can it carry data to somebody else: {action} on {thing}?"
        whole.append(Check(question, Call("accessanalyzer", "CheckAccessNotGranted", region, access), billed=True))
    return tuple(whole)


def _policy_of(event: Event) -> tuple[str, str] | None:
    """The kind of what an event set a policy of (``""``: an endpoint), and the policy; None: it set none."""
    if event.request is not None:
        return "", event.request.policy or ""
    asked = event.record.get("requestParameters")
    asked = asked if isinstance(asked, Mapping) else {}
    kind, key = _SETS.get((event.source, event.name), ("", ""))
    document = asked.get(key) if key else None
    if document is None:
        return None
    return kind, document if isinstance(document, str) else json.dumps(document)


_SETS: Final = {
    ("s3.amazonaws.com", "PutBucketPolicy"): ("AWS::S3::Bucket", "bucketPolicy"),
    ("iam.amazonaws.com", "UpdateAssumeRolePolicy"): ("AWS::IAM::AssumeRolePolicyDocument", "policyDocument"),
    ("iam.amazonaws.com", "CreateRole"): ("AWS::IAM::AssumeRolePolicyDocument", "assumeRolePolicyDocument"),
}  # fmt: skip


def ask(caller: Caller, asked: Sequence[Check]) -> tuple[Verdict, ...]:
    """Ask, one after the other. A check that is refused says why and keeps no other from being asked."""
    return tuple(_one(caller, check) for check in asked)


def _one(caller: Caller, check: Check) -> Verdict:
    try:
        if check.call.operation == "ValidatePolicy":
            found = [finding for page in caller.pages(check.call) for finding in page.data.get("findings") or ()]
            said = tuple(f"{_text(item, 'findingType').lower()}: {_text(item, 'findingDetails')}" for item in found)
            worst = {_text(item, "findingType") for item in found}
            return Verdict(
                check.question, not worst & {"ERROR", "SECURITY_WARNING"}, said or ("nothing to find fault with",)
            )
        data = caller.read(check.call).data
    except AwsError as error:
        return Verdict(check.question, None, (error.sentence(),))
    result, reasons = _text(data, "result"), data.get("reasons") or ()
    if result not in ("PASS", "FAIL"):
        return Verdict(check.question, None, (f"its answer is not known: {result or 'none'}",))
    said = tuple(
        f"{_text(reason, 'description')} (statement {reason.get('statementId') or int(reason.get('statementIndex') or 0) + 1})"
        for reason in reasons
    )
    proved = (
        "no, whatever the conditions are"
        if result == "PASS"
        else "yes, to somebody at some time; conditions may limit whom"
    )
    return Verdict(check.question, result == "PASS", (proved, *said))


def _text(item: Mapping[str, Any], key: str) -> str:
    return str(item.get(key) or "")
