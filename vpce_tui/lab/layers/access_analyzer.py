"""IAM Access Analyzer's checks of a policy, which moto lacks: by moto's own validator and evaluator of policies.

A layer before moto. Like AWS's, the custom checks take every condition as met.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from moto.iam.access_control import IAMPolicyStatement
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from vpce_tui.lab.request import App, AwsRequest, Environ, StartResponse, error, identify


class Analyzer:
    """Answers for ``access-analyzer``; everything else continues to moto."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        if asked is None or asked.service != "accessanalyzer":
            return self._app(environ, start)
        answer = {
            "ValidatePolicy": _validated,
            "CheckAccessNotGranted": _not_granted,
            "CheckNoPublicAccess": _not_public,
        }.get(asked.operation)
        if answer is None:
            return error(start, asked, 400, "ValidationException", f"the lab has no {asked.operation}")
        try:
            data = json.dumps(answer(asked)).encode()
        except ValueError as wrong:
            return error(start, asked, 400, "InvalidParameterException", f"The policy is not valid: {wrong}")
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]


def _validated(asked: AwsRequest) -> Mapping[str, Any]:
    document = asked.parameters["policyDocument"]
    findings = []
    try:
        without = {**json.loads(document), "Version": "2012-10-17"}  # an older version is valid, too
        without["Statement"] = [
            {key: value for key, value in statement.items() if key not in ("Principal", "NotPrincipal")}
            for statement in _statements(document)
        ]
        if all("Resource" in statement or "NotResource" in statement for statement in without["Statement"]):
            IAMPolicyDocumentValidator(json.dumps(without)).validate()
    except ValueError:
        findings.append(_finding("ERROR", "JSON_SYNTAX_ERROR", "Fix the JSON syntax error."))
    except MalformedPolicyDocument as wrong:
        findings.append(_finding("ERROR", "SYNTAX_ERROR", str(wrong.message)))
    else:
        if any(
            statement.get("Effect") == "Allow" and "NotPrincipal" in statement for statement in _statements(document)
        ):
            words = (
                "Using Allow with NotPrincipal can be overly permissive. We recommend that you use Principal instead."
            )
            findings.append(_finding("SECURITY_WARNING", "ALLOW_WITH_NOT_PRINCIPAL", words))
    return {"findings": findings}


def _finding(kind: str, code: str, words: str) -> dict[str, Any]:
    link = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
    return {"findingType": kind, "issueCode": code, "findingDetails": words, "learnMoreLink": link, "locations": []}


def _not_granted(asked: AwsRequest) -> Mapping[str, Any]:
    access = asked.parameters["access"][0]
    resources = access.get("resources") or ["*"]

    def means(statement: Mapping[str, Any]) -> bool:
        bare = {key: value for key, value in statement.items() if key not in ("Condition", "Principal", "NotPrincipal")}
        found = IAMPolicyStatement(bare)
        return any(
            str(found.is_action_permitted(action, resource)).endswith(("PERMITTED", "DENIED"))
            for action in access["actions"]
            for resource in resources
        )

    return _result(asked, means, "grants the specified access")


def _not_public(asked: AwsRequest) -> Mapping[str, Any]:
    def means(statement: Mapping[str, Any]) -> bool:
        principal = statement.get("Principal")
        named = principal.get("AWS") if isinstance(principal, dict) else principal
        everybody = "NotPrincipal" in statement or "*" in (named if isinstance(named, list) else [named])
        return everybody and not statement.get("Condition")

    return _result(asked, means, "allows public access")


def _result(asked: AwsRequest, means: Any, words: str) -> Mapping[str, Any]:
    statements = _statements(asked.parameters["policyDocument"])
    denied = any(one.get("Effect") == "Deny" and not one.get("Condition") and means(one) for one in statements)
    reasons = [
        {
            "description": f"One or more of the statements {words}",
            "statementIndex": number,
            **({"statementId": one["Sid"]} if "Sid" in one else {}),
        }
        for number, one in enumerate(statements)
        if one.get("Effect") == "Allow" and not denied and means(one)
    ]
    return {
        "result": "FAIL" if reasons else "PASS",
        "message": f"The policy document {words if reasons else 'does not'}.",
        "reasons": reasons,
    }


def _statements(document: str) -> list[dict[str, Any]]:
    held = json.loads(document)
    found = held.get("Statement") if isinstance(held, dict) else None
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError("it has no statements")
    return found
