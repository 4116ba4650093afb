"""Faults on demand: what networks and AWS do on a bad day. Off unless asked for.

``kind@operation:count``, for instance ``lost-answer@TerminateInstances:1`` or ``throttle@ec2:*:3``; with ``each`` for the
count every different call is hit once (times in it make no difference). Kinds: throttle,
http500, reset, slow, expired-token, denied, lost-answer (the call takes effect, the connection drops before the
answer: the case that breaks tools), and empty-answer (it takes effect, and nothing is in the answer).
"""

import json
import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from vpce_tui.lab.layers.front import Capture
from vpce_tui.lab.request import CONNECTION, App, AwsRequest, Environ, StartResponse, cut, error, identify

KINDS: Final = ("throttle", "http500", "reset", "slow", "expired-token", "denied", "lost-answer", "empty-answer")
SLOW_SECONDS: Final = 3.0
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_FORM: Final = re.compile(
    r"(?P<kind>[a-z0-9-]+)@(?P<operation>(?:[a-z0-9*-]+:)?[A-Z*][A-Za-z0-9*]*)(?:%(?P<region>[a-z0-9-]+))?(?::(?P<count>\d+|each))?"
)


@dataclass
class Fault:
    """One fault: its kind, the operation it hits (``service:Operation`` or ``Operation``, ``*`` allowed), how often."""

    kind: str
    operation: str
    left: int = 1
    region: str = ""
    each: bool = False
    seen: set[str] = field(default_factory=set)

    def hits(self, asked: AwsRequest) -> bool:
        """Whether this request is hit; a dry run never is, but for ``denied``."""
        if self.left <= 0 or (self.region and self.region != asked.region):
            return False
        if asked.parameters.get("DryRun") is True and self.kind != "denied":
            return False
        if not (fnmatchcase(asked.name, self.operation) or fnmatchcase(asked.operation, self.operation)):
            return False
        return not self.each or self._first(asked)

    def _first(self, asked: AwsRequest) -> bool:
        call = _TIME.sub(
            "a time", json.dumps([asked.name, asked.region, asked.parameters], sort_keys=True, default=str)
        )
        if call in self.seen:
            return False
        self.seen.add(call)
        return True


def parse_fault(text: str) -> Fault:
    """``kind@operation[%region][:count]``; raises ``ValueError`` with what is wrong."""
    match = _FORM.fullmatch(text)
    if not match or match["kind"] not in KINDS:
        raise ValueError(f"{text!r} is no fault; write kind@operation:count with kind one of {', '.join(KINDS)}")
    each = match["count"] == "each"
    count = 1_000_000 if each else int(match["count"] or 1)
    return Fault(kind=match["kind"], operation=match["operation"], left=count, region=match["region"] or "", each=each)


class Faults:
    """The WSGI layer that injects them."""

    def __init__(self, app: App, faults: Sequence[Fault] = ()) -> None:
        self._app = app
        self._lock = threading.Lock()
        self.faults = list(faults)

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        fault = self._taken(asked) if asked and self.faults else None
        if asked is None or fault is None:
            return self._app(environ, start)
        if fault.kind == "throttle":
            if asked.protocol == "ec2":
                return error(start, asked, 503, "RequestLimitExceeded", "Request limit exceeded.")
            return error(start, asked, 400, "ThrottlingException", "Rate exceeded")
        if fault.kind == "http500":
            return error(start, asked, 500, "InternalError", "An internal error has occurred")
        if fault.kind == "expired-token":
            code = "RequestExpired" if asked.protocol == "ec2" else "ExpiredTokenException"
            return error(start, asked, 400, code, "The security token included in the request is expired")
        if fault.kind == "denied":
            code = "UnauthorizedOperation" if asked.protocol == "ec2" else "AccessDeniedException"
            return error(start, asked, 403, code, f"You are not authorized to perform this operation: {asked.name}")
        if fault.kind == "slow":
            time.sleep(SLOW_SECONDS)
            return self._app(environ, start)
        if fault.kind == "empty-answer":
            return _emptied(Capture().run(self._app, environ)).send(start)
        if fault.kind == "lost-answer":
            Capture().run(self._app, environ)
        cut(environ.get(CONNECTION))
        raise ConnectionResetError(fault.kind)

    def _taken(self, asked: AwsRequest) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.hits(asked):
                    fault.left -= 1
                    return fault
        return None


_ROOT: Final = re.compile(rb"(?:<\?[^>]*>\s*)?<([A-Za-z]+)([^>]*)>")


def _emptied(answer: Capture) -> Capture:
    """The answer without what is in it."""
    root = _ROOT.match(answer.body)
    answer.body = b"<%s%s></%s>" % (root[1], root[2], root[1]) if root else b"{}"
    answer.headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
    answer.headers.append(("Content-Length", str(len(answer.body))))
    return answer
