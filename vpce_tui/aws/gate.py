"""The one door every AWS request passes.

Hooks on the botocore session, so that every client made from it has them: ``provide-client-params`` (before parameters
are looked at; presigning passes it too) and ``before-sign`` (helpers that sign without a call, such as database tokens,
end here; what is about to be signed is compared with the bundled model). One call makes one write request:
botocore's S3 redirector, which would send it again, is made to believe that it has done so already.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from vpce_tui.aws.call import Call, Permit
from vpce_tui.aws.catalogue import find
from vpce_tui.aws.operation import Access
from vpce_tui.aws.wire import mismatch
from vpce_tui.core.text import visible

_TICKET: Final = "vpce_tui_ticket"

_GLOBAL_ENDPOINTS: Final = {
    "aws-global": "us-east-1",
    "aws-cn-global": "cn-north-1",
    "aws-us-gov-global": "us-gov-west-1",
}
"""What botocore calls the region of a global service, and the region it is in."""


class Why(StrEnum):
    """Why the gate refused."""

    UNKNOWN = "not on the reviewed list of operations"
    OUTSIDE = "its parameters are not allowed for this operation"
    READ_ONLY = "this process is read-only"
    NO_INCIDENT = "no incident is open"
    NO_PERMIT = "there is no journalled intent for it"
    WRONG_PERMIT = "the permit was given for another call"
    USED = "the permit was used already"
    LOST = "another process has locked the incident"
    NO_ACCOUNT = "the account is not known yet"
    PRESIGN = "presigned requests leave this process uncontrolled"
    UNSEEN = "it did not pass the gate"
    NOT_AS_MODELLED = "the request is not the one that the bundled service model gives for the operation"
    NESTED = "a write is in progress, and nothing else may be sent under its permit"


_ALLOWED_BY: Final[dict[Why, str]] = {
    Why.UNKNOWN: "nothing in this version; the operation must be added to vpce_tui/aws/catalogue.py and reviewed",
    Why.OUTSIDE: "nothing in this version; the operation is allowed only in a narrower form, see vpce_tui/aws/operation.py",
    Why.READ_ONLY: "starting vpce-tui without --read-only (and without VPCE_TUI_READ_ONLY)",
    Why.NO_INCIDENT: "opening an incident and approving a plan that contains this call",
    Why.NO_PERMIT: "approving a plan that contains this call, so that its intent is journalled",
    Why.WRONG_PERMIT: "a new plan that contains exactly this call",
    Why.USED: "nothing: a permit works once; plan the step again",
    Why.LOST: "opening the incident again, when no other process writes to it (was its lock file removed?)",
    Why.NO_ACCOUNT: "a successful sts:GetCallerIdentity first",
    Why.PRESIGN: "nothing: vpce-tui never presigns",
    Why.UNSEEN: "nothing: only calls made through the caller may be signed",
    Why.NOT_AS_MODELLED: "nothing; look for AWS_ENDPOINT_URL with a path, or a changed installation of botocore",
    Why.NESTED: "nothing: one permit is one request",
}


class Refused(Exception):
    """The gate did not let an operation through. Nothing was sent."""

    def __init__(self, operation: str, why: Why, details: str = "") -> None:
        self.operation = operation
        self.why = why
        self.allowed_by = _ALLOWED_BY[why]
        more = f" ({visible(details, limit=200)})" if details else ""
        super().__init__(f"refused: {operation}: {why.value}{more}. What would allow it: {self.allowed_by}.")


class PermitIssuer(Protocol):
    """Issuer of permits for writes: an open journal."""

    def redeem(self, permit: Permit, fingerprint: str) -> str:
        """``""`` when the permit is genuine, for this fingerprint and unused (it is used now); else why not:
        ``"unknown"``, ``"other"``, ``"used"``, or ``"lost"`` where somebody else writes to the journal by now."""


@dataclass(slots=True)
class _Ticket:
    """Proof, inside one request, that it passed the first hook."""

    service: str
    operation: str
    write: bool
    bucket: str = ""
    signed: int = 0


@dataclass(slots=True)
class Carried:
    """A permit while the one call is made that it is for. ``signed``: whether a request was signed, and so may be out."""

    permit: Permit
    signed: bool = False


_carried: ContextVar[Carried | None] = ContextVar("vpce_tui_carried", default=None)


class Gate:
    """Refuses everything that is not listed, and every write without a journal behind it.

    ``read_only`` is fixed for the life of the object; there is no way to lift it. ``only``: of the listed operations
    these alone.
    """

    __slots__ = ("__only", "__read_only", "_account", "_issuer")

    def __init__(self, *, read_only: bool, only: frozenset[tuple[str, str]] | None = None) -> None:
        self.__read_only = read_only
        self.__only = only
        self._account = ""
        self._issuer: PermitIssuer | None = None

    @property
    def read_only(self) -> bool:
        """Fixed when the process started."""
        return self.__read_only

    def bind_account(self, account: str) -> None:
        """Record the account AWS named; permits hold for it alone."""
        self._account = account

    def open_incident(self, issuer: PermitIssuer | None) -> None:
        """Let this journal's permits through (None: no incident is open any more)."""
        self._issuer = issuer

    @contextmanager
    def carrying(self, permit: Permit) -> Iterator[Carried]:
        """Make the one call of this block under ``permit``."""
        carried = Carried(permit)
        token = _carried.set(carried)
        try:
            yield carried
        finally:
            _carried.reset(token)

    def guard(self, events: Any) -> None:
        """Put the hooks on a botocore session's (or client's) event system."""
        events.register_last("provide-client-params", self._on_params, unique_id="vpce-tui-gate-params")
        events.register_last("before-parameter-build.s3", _no_second_request, unique_id="vpce-tui-gate-s3")
        events.register_last("before-sign", _on_sign, unique_id="vpce-tui-gate-sign")

    def _on_params(self, params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        service, operation = model.service_model.service_name, model.name
        name = f"{service}:{operation}"
        listed = find(service, operation)
        if listed is None or (self.__only is not None and (service, operation) not in self.__only):
            raise Refused(name, Why.UNKNOWN)
        if context.get("is_presign_request"):
            raise Refused(name, Why.PRESIGN)
        if listed.parameters_problem(params):
            raise Refused(name, Why.OUTSIDE)
        write = listed.access is Access.WRITE
        if write:
            named = str(context.get("client_region") or "")
            region = _GLOBAL_ENDPOINTS.get(named, named)
            self._check_write(Call(service=service, operation=operation, region=region, parameters=params), name)
        elif _carried.get() is not None:
            raise Refused(name, Why.NESTED)
        context[_TICKET] = _Ticket(
            service=service, operation=operation, write=write, bucket=str(params.get("Bucket", ""))
        )

    def _check_write(self, call: Call, name: str) -> None:
        if self.__read_only:
            raise Refused(name, Why.READ_ONLY)
        if self._issuer is None:
            raise Refused(name, Why.NO_INCIDENT)
        if not self._account:
            raise Refused(name, Why.NO_ACCOUNT)
        carried = _carried.get()
        if carried is None:
            raise Refused(name, Why.NO_PERMIT)
        problem = self._issuer.redeem(carried.permit, call.fingerprint(self._account))
        if problem:
            raise Refused(
                name, {"used": Why.USED, "other": Why.WRONG_PERMIT, "lost": Why.LOST}.get(problem, Why.NO_PERMIT)
            )


def _on_sign(request: Any, operation_name: str, **_: Any) -> None:
    ticket = request.context.get(_TICKET)
    if not isinstance(ticket, _Ticket) or ticket.operation != operation_name:
        raise Refused(operation_name, Why.UNSEEN)
    if ticket.write and ticket.signed:
        raise Refused(operation_name, Why.USED)
    other = mismatch(ticket.service, operation_name, ticket.bucket, request)
    if other:
        raise Refused(f"{ticket.service}:{operation_name}", Why.NOT_AS_MODELLED, other)
    ticket.signed += 1
    carried = _carried.get()
    if carried is not None:
        carried.signed = True


def _no_second_request(context: dict[str, Any], **_: Any) -> None:
    """Keep botocore's S3 redirector from sending a write again, in another region: it does so whatever retries are
    allowed, and asks for the bucket's region in between."""
    ticket = context.get(_TICKET)
    if isinstance(ticket, _Ticket) and ticket.write:
        context.setdefault("s3_redirect", {})["redirected"] = True


class CredentialGate:
    """The gate of the credential session: its tiny list, nothing else."""

    def __init__(self, allowed: frozenset[tuple[str, str]]) -> None:
        self._allowed = allowed

    def guard(self, events: Any) -> None:
        """Put the hooks on the credential session's event system."""
        events.register_last("provide-client-params", self._on_params, unique_id="vpce-tui-credential-gate")
        events.register_last("before-sign", _on_sign, unique_id="vpce-tui-credential-gate-sign")

    def _on_params(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        name = f"{model.service_model.service_name}:{model.name}"
        if (model.service_model.service_name, model.name) not in self._allowed:
            raise Refused(name, Why.UNKNOWN)
        if context.get("is_presign_request"):
            raise Refused(name, Why.PRESIGN)
        context[_TICKET] = _Ticket(model.service_model.service_name, model.name, write=False)
