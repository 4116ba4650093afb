"""The session: makes the calls, every one through the gate.

Reads are retried by botocore in *adaptive* mode; writes never (``total_max_attempts=1``): after a lost answer the
engine asks AWS what happened. Credentials are found by a second botocore session whose gate knows only credential
operations. botocore is imported when the first session is made, not when this file is.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from vpce_tui.aws.call import Answer, Call, CredentialCheck, Identity, Permit
from vpce_tui.aws.catalogue import CREDENTIAL_CHECK_OPERATIONS, CREDENTIAL_OPERATIONS
from vpce_tui.aws.client import Cancel
from vpce_tui.aws.credential_check import PROFILE, assessed, held_in, nothing_held
from vpce_tui.aws.errors import AwsError, Cancelled, ErrorKind, kind_of
from vpce_tui.aws.gate import CredentialGate, Gate, Refused
from vpce_tui.aws.pacing import LIMITS, PACER
from vpce_tui.aws.service_models import new_session

GLOBAL_REGION: Final = "us-east-1"
"""Where global services (IAM) are called and recorded."""

CONNECT_TIMEOUT: Final = 5
READ_TIMEOUT: Final = 30
_READ_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class AwsAccess:
    """How to reach AWS. The secret never shows in ``repr``."""

    profile: str = ""
    region: str = ""
    endpoint_url: str = ""
    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    read_attempts: int = _READ_ATTEMPTS
    profiles: "Mapping[str, AwsAccess] | None" = field(default=None, repr=False)
    """Profiles by name in place of those of the AWS config (the lab has its own)."""


class AwsSession:
    """A :class:`~vpce_tui.aws.client.AwsClient` over botocore."""

    def __init__(self, access: AwsAccess, gate: Gate) -> None:
        self._access = access
        self._gate = gate
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str, bool], Any] = {}
        self._identity: Identity | None = None
        from botocore.handlers import inject_presigned_url_ec2  # noqa: PLC0415

        try:
            self._session = new_session(access.profile or None)
            emitter = self._session.get_component("event_emitter")
            emitter.unregister("before-call.ec2.CopySnapshot", inject_presigned_url_ec2)  # nothing is ever presigned
            gate.guard(emitter)
            for service, operation in LIMITS:
                emitter.register_first(f"before-sign.{service}.{operation}", self._paced)
            self._lend_credentials()
            region = access.region or self._session.get_config_variable("region")
        except Exception as error:
            raise translate(error, Call("sts", "GetCallerIdentity", "")) from None
        self.home_region: str = region or GLOBAL_REGION

    def _paced(self, request: Any, region_name: str, operation_name: str, request_signer: Any, **_: Any) -> None:
        """Wait until AWS allows one request more: each page and each retry is one."""
        service = str(request_signer._service_id).lower()
        account = self._identity.account if self._identity else self.access_key
        rate = LIMITS[service, operation_name]
        PACER.bucket((self._access.endpoint_url, account, region_name, service, operation_name), rate).take()

    def _lend_credentials(self) -> None:
        """Credentials come from their own session, or are given (the lab)."""
        if self._access.key_id:
            self._session.set_credentials(self._access.key_id, self._access.secret, self._access.token or None)
            return
        lender = new_session(self._access.profile or None)
        CredentialGate(CREDENTIAL_OPERATIONS).guard(lender.get_component("event_emitter"))
        self._session._credentials = lender.get_credentials()

    @property
    def read_only(self) -> bool:
        """Whether writes are refused for the life of this process."""
        return self._gate.read_only

    @property
    def gate(self) -> Gate:
        """The gate of this session."""
        return self._gate

    @property
    def access_key(self) -> str:
        """Id of the access key that signs; ``""``: not known. Never the secret."""
        if self._access.key_id:
            return self._access.key_id
        held = self._session.get_credentials()
        return str(held.access_key or "") if held else ""

    def client(self, service: str, region: str, *, write: bool) -> Any:
        """The (cached) client; its hooks come from the session."""
        key = (service, region, write)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._new_client(service, region, write=write)
            return self._clients[key]

    def _new_client(self, service: str, region: str, *, write: bool) -> Any:
        from botocore.config import Config  # noqa: PLC0415

        retries: dict[str, Any] = (
            {"total_max_attempts": 1}
            if write
            else {"mode": "adaptive", "total_max_attempts": self._access.read_attempts}
        )
        given: dict[str, Any] = {
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "retries": retries,
            "max_pool_connections": 4,
            "user_agent_extra": "vpce-tui",
        }
        if self._access.endpoint_url:  # the lab, on this host
            given["proxies"] = {}
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._access.endpoint_url or None,
            config=Config(**given),
        )

    def identity(self) -> Identity:
        """Who AWS says we are; the first call of every run."""
        return self._identity or self.confirm_identity()

    def confirm_identity(self) -> Identity:
        """Ask AWS again who we are, and bind the gate to that account."""
        answer = self.read(Call("sts", "GetCallerIdentity", self.home_region)).data
        found = Identity(account=str(answer["Account"]), arn=str(answer["Arn"]), user_id=str(answer["UserId"]))
        self._gate.bind_account(found.account)
        self._identity = found
        return found

    def account_alias(self) -> str:
        """The name that people gave the account; ``""``: it has none, or it may not be read."""
        try:
            aliases = self.read(Call("iam", "ListAccountAliases", GLOBAL_REGION)).data.get("AccountAliases", [])
        except AwsError:
            return ""
        return str(aliases[0]) if aliases else ""

    def read(self, call: Call) -> Answer:
        """Make one read."""
        return self._made(call, write=False)

    def write(self, call: Call, permit: Permit) -> Answer:
        """Make one write under ``permit``; never retried here."""
        with self._gate.carrying(permit) as carried:
            try:
                return self._made(call, write=True)
            except AwsError as error:
                error.outcome_known = error.outcome_known or not carried.signed
                raise

    def pages(self, call: Call, *, cancel: Cancel | None = None) -> Iterator[Answer]:
        """Every page, by botocore's paginator. Raises :class:`Cancelled` before a page where ``cancel`` was raised."""
        try:
            client = self.client(call.service, call.region, write=False)
            method = _method(call.operation)
            if not client.can_paginate(method):
                if cancel:
                    cancel.check()
                yield self.read(call)
                return
            pages = iter(client.get_paginator(method).paginate(**call.parameters))
        except Exception as error:
            raise translate(error, call) from None
        while True:
            if cancel:
                cancel.check()
            started = time.perf_counter()
            try:
                page = next(pages)
            except StopIteration:
                return
            except Exception as error:
                raise translate(error, call) from None
            yield _answer(page, started)

    def profiles(self) -> tuple[str, ...]:
        """Names of the profiles that hold keys of their own: what :meth:`check_credentials` can use."""
        if self._access.profiles is not None:
            return tuple(sorted(self._access.profiles))
        known = self._session.full_config.get("profiles", {})
        return tuple(sorted(name for name, held in known.items() if PROFILE.fullmatch(name) and held_in(held)))

    def check_credentials(self, profile: str, call: Call) -> CredentialCheck:
        """Make one read of :data:`CREDENTIAL_CHECK_OPERATIONS` with the keys that are in ``profile``, in a session of its own.

        A refusal is an answer. Raises :class:`AwsError` where AWS did not assess the credentials.
        """
        try:
            access = self._held(profile)
        except Exception as error:
            raise translate(error, call) from None
        if access is None:
            raise nothing_held(profile, call)
        session = AwsSession(access, Gate(read_only=True, only=CREDENTIAL_CHECK_OPERATIONS))
        try:
            return CredentialCheck(access.key_id, answer=session.read(call).data)
        except AwsError as error:
            if not assessed(error):
                raise
            return CredentialCheck(access.key_id, refused=error.code, message=error.message)

    def _held(self, profile: str) -> AwsAccess | None:
        if self._access.profiles is not None:
            return self._access.profiles.get(profile)
        held = held_in(self._session.full_config.get("profiles", {}).get(profile, {}))
        if held is None:
            return None
        key, secret, token = held
        return AwsAccess(
            profile="",
            region=self.home_region,
            endpoint_url=self._access.endpoint_url,
            key_id=key,
            secret=secret,
            token=token,
            read_attempts=2,
        )

    def _made(self, call: Call, *, write: bool) -> Answer:
        started = time.perf_counter()
        try:
            client = self.client(call.service, call.region, write=write)
            data = client._make_api_call(call.operation, dict(call.parameters))
        except Exception as error:
            raise translate(error, call) from None
        failed = next((key for key, value in data.items() if key.startswith("Unsuccessful") and value), "")
        if write and failed:
            raise _unsuccessful(data, failed, call)
        return _answer(data, started)


def _unsuccessful(data: Mapping[str, Any], failed: str, call: Call) -> AwsError:
    """An answer of status 200 that lists what failed (``DeleteVpcEndpoints``, ``CreateFlowLogs`` and others) under the key
    ``failed``: a failure.

    Where something else in it succeeded, what took effect must be read back.
    """
    first = data[failed][0]
    body = first.get("Error") or first.get("ResponseError") or {}
    code = str(body.get("Code", "Unsuccessful"))
    others = [key for key, value in data.items() if isinstance(value, list) and value and key != failed]
    said = f"{first.get('ResourceId', '')}: {body.get('Message', '')}".lstrip(": ")
    return AwsError(
        call_name=call.name,
        region=call.region,
        code=code,
        message=said,
        kind=kind_of(code),
        outcome_known=not others,
        request_id=str(data.get("ResponseMetadata", {}).get("RequestId", "")),
    )


def _answer(data: dict[str, Any], started: float) -> Answer:
    meta = data.pop("ResponseMetadata", {})
    return Answer(
        data=data,
        request_id=str(meta.get("RequestId", "")),
        aws_time=_http_date(meta.get("HTTPHeaders", {}).get("date")),
        seconds=time.perf_counter() - started,
    )


def _http_date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None


def _method(operation: str) -> str:
    from botocore import xform_name  # noqa: PLC0415

    return str(xform_name(operation))


def translate(error: BaseException, call: Call) -> Exception:
    """Whatever went wrong in botocore as :class:`AwsError`; a refusal of the gate as it is.

    An answer that botocore cannot read (a proxy's page, a truncated body) ends in a plain ``KeyError`` there.
    """
    import botocore.exceptions as be  # noqa: PLC0415
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    def made(code: str, kind: ErrorKind, *, known: bool = True) -> AwsError:
        return AwsError(
            call_name=call.name, region=call.region, code=code, message=str(error), kind=kind, outcome_known=known
        )

    if "header value" in str(error):  # its text would show the session token
        said = "the credentials contain a character that cannot be sent, perhaps a line break"
        return AwsError(
            call_name=call.name,
            region=call.region,
            code=type(error).__name__,
            message=said,
            kind=ErrorKind.NO_CREDENTIALS,
        )
    if isinstance(error, be.ClientError):
        return _from_client_error(error, call)
    if isinstance(error, (be.NoCredentialsError, be.PartialCredentialsError, be.ProfileNotFound)):
        return made(type(error).__name__, ErrorKind.NO_CREDENTIALS)
    if isinstance(
        error,
        (
            be.UnauthorizedSSOTokenError,
            be.SSOTokenLoadError,
            be.TokenRetrievalError,
            be.CredentialRetrievalError,
        ),
    ):
        return made(type(error).__name__, ErrorKind.EXPIRED)
    if isinstance(error, (be.EndpointConnectionError, be.ConnectTimeoutError, be.ProxyConnectionError, be.SSLError)):
        return made(type(error).__name__, ErrorKind.UNREACHABLE)
    if isinstance(error, (be.InvalidRegionError, be.NoRegionError)):
        return made(type(error).__name__, ErrorKind.REGION)
    if isinstance(error, (be.ParamValidationError, be.UnknownServiceError)):
        return made(type(error).__name__, ErrorKind.INVALID)
    if isinstance(error, (be.HTTPClientError, be.ConnectionError)):
        return made(type(error).__name__, ErrorKind.UNREACHABLE, known=False)
    if isinstance(error, (be.BotoCoreError, ResponseParserError)):
        return made(type(error).__name__, ErrorKind.SERVER, known=False)
    if isinstance(error, (AwsError, Cancelled, Refused)):
        return error
    said = f"the request or the response could not be read ({type(error).__name__})"
    return AwsError(
        call_name=call.name,
        region=call.region,
        code=type(error).__name__,
        message=said,
        kind=ErrorKind.SERVER,
        outcome_known=False,
    )


def _from_client_error(error: Any, call: Call) -> AwsError:
    body = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    code = str(body.get("Code", "Unknown"))
    status = int(meta.get("HTTPStatusCode", 0) or 0)
    return AwsError(
        call_name=call.name,
        region=call.region,
        code=code,
        message=str(body.get("Message", "")),
        kind=kind_of(code, status),
        outcome_known=status < 500 or (status == 503 and code == "RequestLimitExceeded"),
        request_id=str(meta.get("RequestId", "")),
    )
