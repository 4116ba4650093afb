"""What a raw HTTP request asks of AWS: service, operation, region, access key, parameters; and errors in its protocol."""

import io
import json
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import NotFound, get_service_router
from moto.core.utils import get_service_model

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_SCOPE: Final = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_SIGNING_NAMES: Final = {"monitoring": "cloudwatch", "access-analyzer": "accessanalyzer"}
KEY: Final = "vpce_tui.lab.request"
CONNECTION: Final = "vpce_tui.lab.connection"
"""Where the environment of a request has its socket."""


@dataclass(slots=True)
class AwsRequest:
    """One request, identified. ``parameters`` are as boto3 was given them."""

    service: str
    operation: str
    region: str
    access_key: str
    parameters: dict[str, Any]
    protocol: str
    user_agent: str
    source_ip: str

    @property
    def name(self) -> str:
        """``ec2:RunInstances``."""
        return f"{self.service}:{self.operation}"


def _with_zones(value: Any) -> Any:
    """``value`` with every time in UTC, as AWS means them: the parser leaves the zone out."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, dict):
        return {key: _with_zones(item) for key, item in value.items()}
    return [_with_zones(item) for item in value] if isinstance(value, list) else value


def identify(environ: Environ) -> AwsRequest | None:
    """The request in ``environ`` (its body is put back), or None where it is no AWS API request."""
    if KEY in environ:
        found: AwsRequest | None = environ[KEY]
        return found
    body = _body(environ)
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    found = _identify(environ, body, *scope.groups()) if scope else None
    environ[KEY] = found
    return found


def guarded(app: App) -> App:
    """What breaks inside ``app`` becomes an AWS ``InternalError``, never a page of HTML."""

    def answer(environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        try:
            return app(environ, start)
        except ConnectionError:
            raise
        except Exception as broken:
            if asked is None:
                raise
            return error(start, asked, 500, "InternalError", f"{type(broken).__name__}: {broken}")

    return answer


def _body(environ: Environ) -> bytes:
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(size) if size else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _identify(environ: Environ, body: bytes, key: str, region: str, signing_name: str) -> AwsRequest | None:
    form: dict[str, list[str]] = {}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    service = _SIGNING_NAMES.get(signing_name, signing_name)
    if service == "elasticloadbalancing":
        service = "elbv2" if form.get("Version", [""])[0] == "2015-12-01" else "elb"
    model = get_service_model(service)
    path_parameters: dict[str, Any] = {}
    if "Action" in form:
        operation = form["Action"][0]
    elif environ.get("HTTP_X_AMZ_TARGET"):
        operation = environ["HTTP_X_AMZ_TARGET"].rsplit(".", 1)[-1]
    else:
        try:
            matched, path_parameters = get_service_router(service).match(Request(_copy(environ, body)))
        except NotFound:
            return None
        operation = matched.name
    request = Request(_copy(environ, body))
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)](model.operation_model(operation))
    parameters = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": path_parameters,
        }
    )
    return AwsRequest(
        service=service,
        operation=operation,
        region=region,
        access_key=key,
        parameters=_with_zones(dict(parameters or {})),
        protocol=model.metadata["protocol"],
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
    )


def _copy(environ: Environ, body: bytes) -> Environ:
    return {**environ, "wsgi.input": io.BytesIO(body)}


def error(start: StartResponse, asked: AwsRequest, status: int, code: str, message: str) -> list[bytes]:
    """An AWS error in the protocol of the request."""
    text = escape(message)
    headers = [("x-amzn-RequestId", "lab")]
    if asked.protocol == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
            "<RequestID>lab</RequestID></Response>"
        )
    elif asked.protocol == "query":
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            "<RequestId>lab</RequestId></ErrorResponse>"
        )
    elif asked.protocol == "rest-xml":
        body = f"<Error><Code>{code}</Code><Message>{text}</Message><RequestId>lab</RequestId></Error>"
    else:
        body = json.dumps({"__type": code, "message": message, "Message": message})
        headers.append(("x-amzn-ErrorType", code))
    kind = "application/json" if body.startswith("{") else "text/xml"
    data = body.encode()
    start(f"{status} {code}", [("Content-Type", kind), ("Content-Length", str(len(data))), *headers])
    return [data]


def cut(wire: socket.socket | None) -> None:
    """End a connection without another word."""
    if wire is not None:
        try:
            wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
