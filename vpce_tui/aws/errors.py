"""AWS's errors in words: what happened, what it means here, what to do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
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


ADVICE: Final[dict[Kind, str]] = {
    Kind.DENIED: "this role may not do it; ask for the permission, or do this part by hand",
    Kind.EXPIRED: "the credentials have expired; sign in again in another window (aws sso login), then press r",
    Kind.NO_CREDENTIALS: "no AWS credentials were found; set AWS_PROFILE, or run aws configure sso",
    Kind.THROTTLED: "AWS asks to go slower; wait a moment and try again",
    Kind.UNREACHABLE: "AWS did not answer; check network, VPN and AWS_ENDPOINT_URL, then try again",
    Kind.NOT_FOUND: "it is not there (any more), or it is in another region or account",
    Kind.INVALID: "AWS does not accept the request as it stands",
    Kind.CONFLICT: "the resource is in a state, or in use, that does not allow it",
    Kind.SERVER: "AWS failed on its side; whether a change took effect must be read back",
    Kind.REGION: "no such region, or it is not enabled for this account; see aws account list-regions",
    Kind.DRY_RUN_OK: "the permission is there",
}

_CODES: Final[dict[str, Kind]] = {
    "DryRunOperation": Kind.DRY_RUN_OK,
    "UnauthorizedOperation": Kind.DENIED,
    "AccessDenied": Kind.DENIED,
    "AccessDeniedException": Kind.DENIED,
    "AuthorizationError": Kind.DENIED,
    "Client.UnauthorizedOperation": Kind.DENIED,
    "ExpiredToken": Kind.EXPIRED,
    "ExpiredTokenException": Kind.EXPIRED,
    "RequestExpired": Kind.EXPIRED,
    "TokenRefreshRequired": Kind.EXPIRED,
    "AuthFailure": Kind.DENIED,
    "InvalidClientTokenId": Kind.DENIED,
    "UnrecognizedClientException": Kind.DENIED,
    "SignatureDoesNotMatch": Kind.DENIED,
    "Throttling": Kind.THROTTLED,
    "ThrottlingException": Kind.THROTTLED,
    "RequestLimitExceeded": Kind.THROTTLED,
    "TooManyRequestsException": Kind.THROTTLED,
    "SlowDown": Kind.THROTTLED,
    "OptInRequired": Kind.REGION,
    "NoSuchEntity": Kind.NOT_FOUND,
    "ResourceNotFoundException": Kind.NOT_FOUND,
    "DependencyViolation": Kind.CONFLICT,
    "OperationNotPermitted": Kind.CONFLICT,
    "IncorrectState": Kind.CONFLICT,
    "IncorrectInstanceState": Kind.CONFLICT,
    "IdempotentParameterMismatch": Kind.CONFLICT,
    "InvalidGroup.Duplicate": Kind.CONFLICT,
    "InternalError": Kind.SERVER,
    "InternalFailure": Kind.SERVER,
    "InternalServerError": Kind.SERVER,
    "ServiceUnavailable": Kind.SERVER,
    "Unavailable": Kind.SERVER,
}


def kind_of(code: str, status: int = 0) -> Kind:
    """The kind behind an AWS error code, by code first and by HTTP status where the code is new."""
    if code in _CODES:
        return _CODES[code]
    if code.endswith((".NotFound", "NotFound", "NotFoundException")):
        return Kind.NOT_FOUND
    if "Throttl" in code:
        return Kind.THROTTLED
    if status >= 500:
        return Kind.SERVER
    if status == 403:
        return Kind.DENIED
    return Kind.INVALID


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
    kind: Kind
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
        return self.call_name if self.kind is Kind.DENIED else ""


class Cancelled(Exception):
    """The operator stopped the work; nothing further was asked."""


def told(error: BaseException) -> str:
    """Any error as a sentence for the operator."""
    return error.sentence() if isinstance(error, AwsError) else str(error)
