"""AWS's errors in words: what happened, what it means here, what to do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ErrorKind(StrEnum):
    """What sort of failure it was; decides what the caller may do next."""

    DENIED = "denied"
    EXPIRED = "expired"
    NO_CREDENTIALS = "no credentials"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not found"
    INVALID = "invalid"
    CONFLICT = "conflict"
    SERVER = "server error"
    REGION = "region"
    DRY_RUN_OK = "dry run passed"


ADVICE: Final[dict[ErrorKind, str]] = {
    ErrorKind.DENIED: "access denied; ask for the permission, or do this part manually",
    ErrorKind.EXPIRED: "the credentials have expired; sign in again in another window (aws sso login), then try again",
    ErrorKind.NO_CREDENTIALS: "no AWS credentials were found; set AWS_PROFILE, or run aws configure sso",
    ErrorKind.THROTTLED: "AWS throttled the request; wait a moment and try again",
    ErrorKind.UNREACHABLE: "AWS did not answer; check network, VPN and AWS_ENDPOINT_URL, then try again",
    ErrorKind.NOT_FOUND: "it does not exist (any more), or it is in another region or account",
    ErrorKind.INVALID: "AWS rejects the request as invalid",
    ErrorKind.CONFLICT: "the resource is in use, or its state does not allow this call",
    ErrorKind.SERVER: "AWS had a server error; check whether the change took effect",
    ErrorKind.REGION: "no such region, or it is not enabled for this account; see aws account list-regions",
    ErrorKind.DRY_RUN_OK: "the permission is granted",
}

_CODES: Final[dict[str, ErrorKind]] = {
    "DryRunOperation": ErrorKind.DRY_RUN_OK,
    "UnauthorizedOperation": ErrorKind.DENIED,
    "AccessDenied": ErrorKind.DENIED,
    "AccessDeniedException": ErrorKind.DENIED,
    "AuthorizationError": ErrorKind.DENIED,
    "Client.UnauthorizedOperation": ErrorKind.DENIED,
    "ExpiredToken": ErrorKind.EXPIRED,
    "ExpiredTokenException": ErrorKind.EXPIRED,
    "RequestExpired": ErrorKind.EXPIRED,
    "TokenRefreshRequired": ErrorKind.EXPIRED,
    "AuthFailure": ErrorKind.DENIED,
    "InvalidClientTokenId": ErrorKind.DENIED,
    "UnrecognizedClientException": ErrorKind.DENIED,
    "SignatureDoesNotMatch": ErrorKind.DENIED,
    "Throttling": ErrorKind.THROTTLED,
    "ThrottlingException": ErrorKind.THROTTLED,
    "RequestLimitExceeded": ErrorKind.THROTTLED,
    "TooManyRequestsException": ErrorKind.THROTTLED,
    "SlowDown": ErrorKind.THROTTLED,
    "OptInRequired": ErrorKind.REGION,
    "NoSuchEntity": ErrorKind.NOT_FOUND,
    "ResourceNotFoundException": ErrorKind.NOT_FOUND,
    "DependencyViolation": ErrorKind.CONFLICT,
    "OperationNotPermitted": ErrorKind.CONFLICT,
    "IncorrectState": ErrorKind.CONFLICT,
    "IncorrectInstanceState": ErrorKind.CONFLICT,
    "IdempotentParameterMismatch": ErrorKind.CONFLICT,
    "InvalidGroup.Duplicate": ErrorKind.CONFLICT,
    "InternalError": ErrorKind.SERVER,
    "InternalFailure": ErrorKind.SERVER,
    "InternalServerError": ErrorKind.SERVER,
    "ServiceUnavailable": ErrorKind.SERVER,
    "Unavailable": ErrorKind.SERVER,
}


def kind_of(code: str, status: int = 0) -> ErrorKind:
    """The kind behind an AWS error code, by code first and by HTTP status where the code is new."""
    if code in _CODES:
        return _CODES[code]
    if code.endswith((".NotFound", "NotFound", "NotFoundException")):
        return ErrorKind.NOT_FOUND
    if "Throttl" in code:
        return ErrorKind.THROTTLED
    if status >= 500:
        return ErrorKind.SERVER
    if status == 403:
        return ErrorKind.DENIED
    return ErrorKind.INVALID


@dataclass(eq=False)
class AwsError(Exception):
    """A call that AWS refused, or whose answer never came.

    ``outcome_known`` is False where the request may have taken effect although no answer arrived
    (connection lost, 5xx): a write must then be read back, never repeated. ``message`` is AWS's own text,
    unsafe until shown through :func:`vpce_tui.core.text.visible`.
    """

    call_name: str
    region: str
    code: str
    message: str
    kind: ErrorKind
    outcome_known: bool = True
    request_id: str = ""

    def __post_init__(self) -> None:
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """One line: what happened and what to do."""
        from vpce_tui.core.text import visible  # noqa: PLC0415 - errors are rare; keeps import order flat

        where = f" in {self.region}" if self.region else ""
        said = visible(self.message, limit=300).strip().rstrip(".")
        return f"{self.code}: {self.call_name}{where}: {said}. {ADVICE[self.kind][0].upper()}{ADVICE[self.kind][1:]}."

    @property
    def permission(self) -> str:
        """The IAM action that was missing, when that was the reason."""
        return self.call_name if self.kind is ErrorKind.DENIED else ""


class Cancelled(Exception):
    """The operator stopped the work; nothing further was asked."""


def error_message(error: BaseException) -> str:
    """Any error as a sentence for the operator."""
    return error.sentence() if isinstance(error, AwsError) else str(error)
