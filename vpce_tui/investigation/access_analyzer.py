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
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.endpoint_services import service_short
from vpce_tui.aws.errors import AwsError
from vpce_tui.cloudtrail.event import Event
from vpce_tui.core.arn import parse_arn
from vpce_tui.detection.endpoint.endpoint_facts import evaluate_endpoint_policy
from vpce_tui.iam.trust_zone import AccessScope, TrustZone
from vpce_tui.iam.wildcards import has_wildcard

PRICE: Final = "USD 0.002"
"""Of one custom policy check, as AWS's price list has it."""
MOST: Final = 20
"""Things that a policy names which are asked about at most."""
_NOBODYS: Final = "000000000000"
_SERVICE: Final = "accessanalyzer"
_ANYWHERE: Final = "us-east-1"
_OUT: Final[Mapping[str, tuple[str, str]]] = {
    "s3": ("s3:PutObject", "arn:{partition}:s3:::somebody-elses-bucket/*"),
    "dynamodb": ("dynamodb:PutItem", "arn:{partition}:dynamodb:{region}:{nobody}:table/*"),
    "kms": ("kms:Encrypt", "arn:{partition}:kms:{region}:{nobody}:key/*"),
    "secretsmanager": ("secretsmanager:PutSecretValue", "arn:{partition}:secretsmanager:{region}:{nobody}:secret:*"),
    "sns": ("sns:Publish", "arn:{partition}:sns:{region}:{nobody}:*"),
    "sqs": ("sqs:SendMessage", "arn:{partition}:sqs:{region}:{nobody}:*"),
    "lambda": ("lambda:InvokeFunction", "arn:{partition}:lambda:{region}:{nobody}:function:*"),
    "sts": ("sts:AssumeRole", "arn:{partition}:iam::{nobody}:role/*"),
}
"""By service, the call that carries data to somebody else, and somebody else's thing."""


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """One question to Access Analyzer. ``billed``: it costs :data:`PRICE`."""

    question: str
    call: Call
    billed: bool = False


@dataclass(frozen=True, slots=True)
class PolicyCheckResult:
    """Its answer. ``good`` None: it could not be asked, and ``said`` is why."""

    question: str
    good: bool | None
    said: tuple[str, ...]


def checks(event: Event, now: str = "", trust_zone: TrustZone = TrustZone()) -> tuple[PolicyCheck, ...]:
    """What can be asked of the policy that an event set.

    ``now``: the policy that its endpoint has by now; where that is another one, both are asked about. ``ours``: whose things are
    somebody else's.
    """
    found = _policy_of(event)
    if found is None:
        return ()
    kind, text = found
    if kind:
        return _of_kind(kind, text, event.region or _ANYWHERE)
    texts = {"as set by the event": text, "current": now}
    if now == text or not now or not text:
        texts = {"": text or now}
    return tuple(
        check
        for which, document in texts.items()
        if document
        for check in _of_endpoint(event, document, which, trust_zone)
    )


def _validate(text: str, kind: str, region: str, which: str) -> PolicyCheck:
    asked: dict[str, Any] = {"policyDocument": text, "policyType": "RESOURCE_POLICY"}
    if kind:
        asked["validatePolicyResourceType"] = kind
    return PolicyCheck(
        f"Is the policy{_which(which)} valid and without findings?",
        Call(service=_SERVICE, operation="ValidatePolicy", region=region, parameters=asked),
    )


def _which(which: str) -> str:
    return f" {which}" if which else ""


def _of_kind(kind: str, text: str, region: str) -> tuple[PolicyCheck, ...]:
    asked = {"policyDocument": text, "resourceType": kind}
    public = PolicyCheck(
        "Can it grant public access?",
        Call(service=_SERVICE, operation="CheckNoPublicAccess", region=region, parameters=asked),
        billed=True,
    )
    return _validate(text, kind, region, ""), public


def _of_endpoint(event: Event, text: str, which: str, trust_zone: TrustZone) -> tuple[PolicyCheck, ...]:
    region, service = event.region or _ANYWHERE, service_short(event.request.service) if event.request else ""
    whole = [_validate(text, "", region, which)]
    if service in _OUT:
        partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
        action, pattern = _OUT[service]
        things = [
            pattern.format(partition=partition, region=region, nobody=_NOBODYS),
            *_named(text, service, trust_zone),
        ]
        access = {
            "policyDocument": text,
            "policyType": "RESOURCE_POLICY",
            "access": [{"actions": [action], "resources": things}],
        }
        question = f"Can the policy{_which(which)} allow access to external resources: {action} on {', '.join(things)}?"
        whole.append(
            PolicyCheck(
                question,
                Call(service=_SERVICE, operation="CheckAccessNotGranted", region=region, parameters=access),
                billed=True,
            )
        )
    return tuple(whole)


def _named(text: str, service: str, trust_zone: TrustZone) -> list[str]:
    """Things of the service that a policy names and that are not known to be ours: a no about others says nothing of these."""
    through = evaluate_endpoint_policy(text, trust_zone)
    found = [
        resource
        for grant in (through.grants if through else ())
        if grant.what.reach > AccessScope.AWS
        for resource in grant.statement.resources
        if (arn := parse_arn(resource)) is not None and arn.service == service and not any(map(has_wildcard, arn[:-1]))
    ]
    return list(dict.fromkeys(found))[:MOST]


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
}


def ask(client: AwsClient, asked: Sequence[PolicyCheck]) -> tuple[PolicyCheckResult, ...]:
    """Ask, one after the other. A check that is refused says why and keeps no other from being asked."""
    return tuple(_one(client, check) for check in asked)


def _one(client: AwsClient, check: PolicyCheck) -> PolicyCheckResult:
    try:
        if check.call.operation == "ValidatePolicy":
            return _validated(
                check, [item for page in client.pages(check.call) for item in _list(page.data.get("findings"))]
            )
        data = client.read(check.call).data
    except AwsError as error:
        return PolicyCheckResult(check.question, None, (error.sentence(),))
    result = _text(data, "result")
    if result not in ("PASS", "FAIL"):
        return PolicyCheckResult(check.question, None, (f"unknown result: {result or 'none'}",))
    said = [_reason(reason) for reason in _list(data.get("reasons"))]
    proved = "no, under any conditions" if result == "PASS" else "yes, possibly limited by conditions"
    return PolicyCheckResult(check.question, result == "PASS", (proved, *said))


def _validated(check: PolicyCheck, found: Sequence[Any]) -> PolicyCheckResult:
    said = tuple(f"{_text(item, 'findingType').lower()}: {_text(item, 'findingDetails')}" for item in found)
    worst = {_text(item, "findingType") for item in found}
    return PolicyCheckResult(check.question, not worst & {"ERROR", "SECURITY_WARNING"}, said or ("no findings",))


def _reason(reason: Any) -> str:
    index = reason.get("statementIndex") if isinstance(reason, Mapping) else None
    where = _text(reason, "statementId") or (str(index + 1) if isinstance(index, int) else "")
    return f"{_text(reason, 'description')}{f' (statement {where})' if where else ''}"


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(item: Any, key: str) -> str:
    return str(item.get(key) or "") if isinstance(item, Mapping) else ""
