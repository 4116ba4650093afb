"""A request as it is about to be signed, compared with what the bundled model says of its operation.

Method, path, query, ``Action`` and ``X-Amz-Target`` are what AWS dispatches on: with these as the model gives them, a listed
read cannot be another operation, whatever made the request. Unknown protocols are refused.
"""

import re
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from vpce_tui.aws.service_models import WireForm, wire_forms

_LABEL: Final = re.compile(r"\{(\w+)(\+?)\}")
_S3_HOST: Final = re.compile(
    r"s3(?:-fips)?(?:[.-](?:dualstack\.)?[a-z]{2,4}(?:-[a-z]+)+-[0-9])?\.amazonaws\.com(?:\.cn)?"
    r"|bucket\.vpce-[0-9a-z-]+\.s3\.[a-z0-9-]+\.vpce\.amazonaws\.com(?:\.cn)?"
)
"""Hosts of S3 that are no bucket's."""
_QUERY: Final = ("query", "ec2")
_JSON: Final = ("json",)
_REST: Final = ("rest-json", "rest-xml")


def mismatch(service: str, operation: str, bucket: str, request: Any) -> str:
    """What of ``request`` (an ``AWSRequest`` before it is signed) is not the operation's; ``""``: nothing.

    ``bucket``: the bucket that an S3 operation was asked for.
    """
    form = wire_forms(service).get(operation)
    if form is None:
        return "the bundled model has no such operation"
    url = urlsplit(request.url)
    if request.method != form.method:
        return f"it would be sent as {request.method}, and the operation is a {form.method}"
    if service == "s3":
        if not _at_bucket(form, bucket, url.hostname or "", unquote(url.path or "/")):
            return f"it would be sent to {url.hostname}{url.path}, and the operation is at {form.path} of {bucket or 'no bucket'}"
    elif not _path(form).fullmatch(url.path or "/"):
        return f"it would be sent to {url.path}, and the operation is at {form.path}"
    if form.protocol in _REST:
        return _rest(form, url.query)
    if url.query or getattr(request, "params", None):
        return "it would carry a query string, and the operation has none"
    if form.protocol in _QUERY:
        return _action(form, operation, request)
    if form.protocol in _JSON:
        found = _header(request, "X-Amz-Target")
        return "" if found == form.target else f"its target would be {found}, and the operation is {form.target}"
    return f"its protocol ({form.protocol or 'none'}) is not known here"


def _path(form: WireForm) -> re.Pattern[str]:
    """``requestUri`` as a pattern; a label is one segment."""
    parts = _LABEL.split(form.path)
    pattern = ""
    for number, part in enumerate(parts):
        if number % 3 == 0:
            pattern += re.escape(part)
        elif number % 3 == 1:
            pattern += ".+" if parts[number + 1] else "[^/]+"
    return re.compile(pattern)


def _at_bucket(form: WireForm, bucket: str, host: str, path: str) -> bool:
    """Whether host and path name this bucket and nothing in it: in the host's name, or as the path's one segment.

    The host of another bucket with a path would be an object of that bucket.
    """
    aws_host = host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    of_no_bucket = not aws_host or bool(_S3_HOST.fullmatch(host))
    if not form.path.startswith("/{Bucket}"):
        return path == form.path and of_no_bucket
    if not bucket:
        return False
    if path == "/":
        return host.startswith(f"{bucket.lower()}.")
    return path == f"/{bucket}" and of_no_bucket


def _rest(form: WireForm, query: str) -> str:
    given = parse_qsl(query, keep_blank_values=True)
    missing = [name for name, value in form.fixed if given.count((name, value)) != 1]
    if missing:
        return f"its query string would lack {missing[0]}"
    known = form.query | {name for name, _ in form.fixed}
    more = next((name for name, _ in given if name not in known), "")
    return f"its query string would hold {more}, which the operation does not know" if more else ""


def _action(form: WireForm, operation: str, request: Any) -> str:
    data = request.data
    if isinstance(data, (bytes, str)):
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        held = {key: values[-1] if len(values) == 1 else "" for key, values in parse_qs(text).items()}
    else:
        held = dict(data or {})
    if held.get("Action") != operation or held.get("Version") != form.version:
        return f"its action would be {held.get('Action')} of {held.get('Version')}, and the operation is {operation} of {form.version}"
    return ""


def _header(request: Any, name: str) -> str:
    found = request.headers.get_all(name) if hasattr(request.headers, "get_all") else [request.headers.get(name)]
    if not found or len(found) != 1:
        return "none"
    return found[0].decode("ascii", "replace") if isinstance(found[0], bytes) else str(found[0])
