"""Corrections that are in front of moto as WSGI layers: DryRun, ClientToken, and who may call at all."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from vpce_tui.core.canonical_json import digest
from vpce_tui.inventory.parse import moment
from vpce_tui.lab.request import App, AwsRequest, Environ, StartResponse, error, identify

SESSION_LENGTH: Final = timedelta(hours=1)


class Capture:
    """Remembers what an inner application answered: status, headers, body."""

    def __init__(self) -> None:
        self.status, self.headers = "", list[tuple[str, str]]()
        self.body = b""

    def run(self, app: App, environ: Environ) -> "Capture":
        """Run ``app`` to its end."""

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            self.status, self.headers = status, headers

        answer = app(environ, start)
        try:
            self.body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close:
                close()
        return self

    @property
    def code(self) -> int:
        """The HTTP status as a number."""
        return int(self.status.split(" ", 1)[0] or 500)

    def send(self, start: StartResponse) -> list[bytes]:
        """Give the answer on."""
        start(self.status, self.headers)
        return [self.body]


class DryRun:
    """moto runs some operations although ``DryRun`` is set; AWS never does. Answered before dispatch."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        if asked and asked.service == "ec2" and asked.parameters.get("DryRun") is True:
            return error(start, asked, 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        return self._app(environ, start)


class ClientTokens:
    """moto's ``RunInstances`` ignores ``ClientToken``; AWS gives the first answer again, or a mismatch."""

    _OPERATIONS: Final = frozenset(
        ("ec2", name)
        for name in (
            "RunInstances",
            "CreateVpcEndpoint",
            "CreateFlowLogs",
            "CreateVolume",
            "CreateLaunchTemplate",
            "CreateLaunchTemplateVersion",
        )
    )

    def __init__(self, app: App) -> None:
        self._app = app
        self._seen: dict[tuple[str, str, str], tuple[str, Capture]] = {}

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        token = asked.parameters.get("ClientToken") if asked else None
        if not asked or not token or (asked.service, asked.operation) not in self._OPERATIONS:
            return self._app(environ, start)
        key, parameters = (asked.operation, asked.region, str(token)), digest(asked.parameters)
        if key in self._seen:
            before, answer = self._seen[key]
            if before != parameters:
                return error(
                    start,
                    asked,
                    400,
                    "IdempotentParameterMismatch",
                    "The client token was used before with other parameters.",
                )
            return answer.send(start)
        answer = Capture().run(self._app, environ)
        if answer.code < 300:
            self._seen[key] = (parameters, answer)
        return answer.send(start)


class Identities:
    """moto serves anybody. AWS refuses unknown and inactive keys, and sessions that a policy cut off; whose a good key or session
    is it says whatever is denied."""

    def __init__(self, app: App, account: str) -> None:
        self._app = app
        self._account = account

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        if asked is not None:
            refusal = self._refusal(asked)
            if refusal:
                return error(start, asked, *refusal)
        return self._app(environ, start)

    def _refusal(self, asked: AwsRequest) -> tuple[int, str, str] | None:
        ec2, free = asked.protocol == "ec2", asked.name == "sts:GetCallerIdentity"
        unknown = (401, "AuthFailure", "AWS was not able to validate the provided access credentials")
        if not ec2:
            unknown = (403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        session = sts_backends[self._account]["aws"].get_assumed_role_from_access_key(asked.access_key)
        if session is None:
            backend = iam_backends[self._account]["aws"]
            key = backend.access_keys.get(asked.access_key)
            if key is None or not key.user_name or key.status != "Active":
                return unknown
            policies = () if free else backend.users[key.user_name].policies.values()
            return self._denied(asked, key.user_name) if any(_denies(item, None) for item in policies) else None
        return self._denied(asked, session.arn) if not free and self._cut(session) else None

    def _denied(self, asked: AwsRequest, who: str) -> tuple[int, str, str]:
        code = "UnauthorizedOperation" if asked.protocol == "ec2" else "AccessDenied"
        return (
            403,
            code,
            f"User: {who} is not authorized to perform: {asked.name} with an explicit deny in an identity-based policy",
        )

    def _cut(self, session: Any) -> bool:
        role_name = session.role_arn.rpartition("/")[2]
        issued = issued_at(session)
        roles = iam_backends[self._account]["aws"].roles.values()
        role = next((role for role in roles if role.name == role_name), None)
        if role is None or issued is None:
            return False
        return any(_denies(document, issued) for document in role.policies.values())


def issued_at(session: Any) -> datetime | None:
    """When moto's assumed-role session was issued."""
    ends = moment(session.expiration)
    return ends - SESSION_LENGTH if ends else None


def _denies(document: Any, issued: datetime | None) -> bool:
    """Whether a policy denies everything, or everything to sessions older than a time after ``issued`` (None: a key)."""
    import json  # noqa: PLC0415

    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        limit = statement.get("Condition", {}).get("DateLessThan", {}).get("aws:TokenIssueTime")
        limit = limit[0] if isinstance(limit, list) else limit
        before = moment(limit)
        if statement.get("Effect") != "Deny" or statement.get("Action") not in ("*", ["*"]):
            continue
        if not statement.get("Condition") or (before and issued and issued < before):
            return True
    return False


class OneAtATime:
    """moto's state has no locks of its own; requests enter it one after another."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        with self._lock:
            return Capture().run(self._app, environ).send(start)
