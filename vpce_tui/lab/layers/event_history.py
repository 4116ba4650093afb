"""CloudTrail event history, which moto lacks: the store of records and ``LookupEvents`` over it.

Every request the lab handles becomes a record, so that the operator's own containment shows up on the timeline.
"""

import base64
import itertools
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from moto.core.utils import get_service_model
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from vpce_tui.core.canonical_json import digest, plain, rfc3339
from vpce_tui.inventory.parse import moment
from vpce_tui.lab.layers.front import Capture, issued_at
from vpce_tui.lab.request import App, AwsRequest, Environ, StartResponse, error, identify

Record = dict[str, Any]
_GLOBAL_SERVICES: Final = frozenset({"iam", "organizations", "route53", "cloudfront", "sts"})
_ATTRIBUTES: Final = frozenset(
    {
        "EventId",
        "EventName",
        "ReadOnly",
        "Username",
        "ResourceType",
        "ResourceName",
        "EventSource",
        "AccessKeyId",
    }
)


class HistoryEntry:
    """One record as ``LookupEvents`` lists it, made when it is first looked at."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def at(self) -> datetime | None:
        """When it happened."""
        return moment(self.record["eventTime"])

    @cached_property
    def listed(self) -> dict[str, Any]:
        """The entry of an answer, but for ``CloudTrailEvent``."""
        record = self.record
        return {
            "EventId": record["eventID"],
            "EventName": record["eventName"],
            "ReadOnly": str(record.get("readOnly", False)).lower(),
            "AccessKeyId": (record.get("userIdentity") or {}).get("accessKeyId", ""),
            "EventTime": self.at.timestamp() if self.at else 0,
            "EventSource": record["eventSource"],
            "Username": _user_name(record),
            "Resources": _resources(record),
        }

    @cached_property
    def answer(self) -> str:
        """The whole entry, as JSON."""
        return json.dumps({**self.listed, "CloudTrailEvent": json.dumps(self.record)})

    def matches(self, attribute: Mapping[str, Any]) -> bool:
        """Whether it has this lookup attribute."""
        key, value = attribute["AttributeKey"], str(attribute["AttributeValue"])
        if key in ("ResourceName", "ResourceType"):
            return any(resource[key] == value for resource in self.listed["Resources"])
        return bool(self.listed[key] == (value.lower() if key == "ReadOnly" else value))


class Store:
    """Records by region. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, list[HistoryEntry]] = {}
        self._numbers = itertools.count(1)
        self.handled: list[dict[str, Any]] = []
        """Every request in order: service, operation, region, parameters, whether it was a dry run, HTTP status."""
        self.source_identities: dict[str, str] = {}
        """Source identity by access key of the session that carries it."""

    def add(self, record: Record) -> None:
        """Keep one record."""
        with self._lock:
            self._entries.setdefault(str(record["awsRegion"]), []).append(HistoryEntry(record))

    def identifier(self) -> str:
        """The next event or request id: a UUID, the same in every run."""
        with self._lock:
            return str(uuid.uuid5(uuid.NAMESPACE_URL, f"lab:{next(self._numbers)}"))

    def newest_first(self, region: str) -> list[HistoryEntry]:
        """The region's records."""
        with self._lock:
            entries = self._entries.get(region, [])
            entries.sort(key=lambda entry: (entry.record["eventTime"], entry.record["eventID"]))
            return entries[::-1]


class Recorder:
    """The WSGI layer that writes a record for every request that passes."""

    def __init__(self, app: App, store: Store, account: str, clock: Callable[[], datetime]) -> None:
        self._app, self._store, self._account, self._clock = app, store, account, clock

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        if asked is None:
            return self._app(environ, start)
        answer, request_id = Capture().run(self._app, environ), self._store.identifier()
        _number(answer, request_id)
        self._store.add(self._record(asked, answer, request_id))
        self._store.handled.append(
            {
                "service": asked.service,
                "operation": asked.operation,
                "region": asked.region,
                "parameters": plain(asked.parameters),
                "dryRun": asked.parameters.get("DryRun") is True,
                "status": answer.code,
            }
        )
        return answer.send(start)

    def _record(self, asked: AwsRequest, answer: Capture, request_id: str) -> Record:
        region = "us-east-1" if asked.service in _GLOBAL_SERVICES else asked.region
        record: Record = {
            "eventVersion": "1.11",
            "userIdentity": self._identity(asked.access_key),
            "eventTime": rfc3339(self._clock()),
            "eventSource": f"{_source(asked.service)}.amazonaws.com",
            "eventName": asked.operation,
            "awsRegion": region,
            "sourceIPAddress": asked.source_ip,
            "userAgent": asked.user_agent,
            "requestParameters": request_parameters(asked),
            "responseElements": None,
            "requestID": request_id,
            "eventID": self._store.identifier(),
            "readOnly": asked.operation.startswith(("Describe", "Get", "List", "Lookup")),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self._account,
            "eventCategory": "Management",
        }
        if asked.name == "sts:AssumeRole" and answer.code < 300:
            record["responseElements"] = self._began(asked, answer.body)
        if asked.name == "ec2:CreateVpcEndpoint" and answer.code < 300:
            record["responseElements"] = _created_endpoint(answer.body, request_id)
        if answer.code >= 300:
            code = "DryRunOperation" if answer.code == 412 else answer.status.partition(" ")[2] or "Unknown"
            record["errorCode"] = f"Client.{code}" if asked.service == "ec2" else code
            record["errorMessage"] = answer.body.decode("utf-8", "replace")[:200]
        return record

    def _identity(self, access_key: str) -> dict[str, Any]:
        found = identity_of(access_key, self._account)
        source = self._store.source_identities.get(access_key)
        if source and "sessionContext" in found:
            found["sessionContext"]["sourceIdentity"] = source
        return found

    def _began(self, asked: AwsRequest, body: bytes) -> dict[str, Any]:
        """What CloudTrail shows of a session that began, and the source identity that each of its calls will carry."""
        known = {
            name: found[1].decode()
            for name in ("AccessKeyId", "Arn", "AssumedRoleId")
            if (found := _element(name).search(body))
        }
        held = self._store.source_identities.get(asked.access_key, "")
        source = str(asked.parameters.get("SourceIdentity") or held)
        if source:
            self._store.source_identities[known.get("AccessKeyId", "")] = source
        return {
            "credentials": {"accessKeyId": known.get("AccessKeyId", "")},
            "assumedRoleUser": {"assumedRoleId": known.get("AssumedRoleId", ""), "arn": known.get("Arn", "")},
            **({"sourceIdentity": source} if source else {}),
        }


def _created_endpoint(body: bytes, request_id: str) -> dict[str, Any]:
    """What CloudTrail shows of an endpoint that was created."""
    known = {
        name: found[1].decode()
        for name in ("vpcEndpointId", "vpcEndpointType", "vpcId", "serviceName", "state")
        if (found := _element(name).search(body))
    }
    return {"CreateVpcEndpointResponse": {"requestId": request_id, "vpcEndpoint": known}}


_REQUEST_ID: Final = re.compile(rb"<(requestId|RequestId|RequestID)>[^<]*</")


def _number(answer: Capture, request_id: str) -> None:
    """Give the answer the request id that CloudTrail will name: in moto's answers to EC2 and IAM all have the same."""
    if answer.body[:1] == b"<":
        answer.body = _REQUEST_ID.sub(rb"<\1>%s</" % request_id.encode(), answer.body)
    own = {"x-amzn-requestid", "content-length"}
    answer.headers = [(name, value) for name, value in answer.headers if name.lower() not in own]
    answer.headers += [("x-amzn-RequestId", request_id), ("Content-Length", str(len(answer.body)))]


def _element(name: str) -> re.Pattern[bytes]:
    return re.compile(f"<{name}>([^<]*)</{name}>".encode())


def _source(service: str) -> str:
    return str(get_service_model(service).metadata.get("endpointPrefix", service))


def request_parameters(asked: AwsRequest) -> Any:
    """The parameters as CloudTrail writes them (EC2's lists under ``items``)."""
    if not asked.parameters:
        return None
    return {_camel(key): _shaped(value, asked.service == "ec2") for key, value in plain(asked.parameters).items()}


def _shaped(value: Any, ec2: bool) -> Any:
    if isinstance(value, Mapping):
        return {_camel(str(key)): _shaped(item, ec2) for key, item in value.items()}
    if isinstance(value, list):
        items = [_shaped(item, ec2) for item in value]
        return {"items": items} if ec2 else items
    return value


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def identity_of(access_key: str, account: str) -> dict[str, Any]:
    """The ``userIdentity`` of a key the lab knows."""
    session = sts_backends[account]["aws"].get_assumed_role_from_access_key(access_key)
    key = iam_backends[account]["aws"].access_keys.get(access_key)
    if session is None and key is not None and key.user_name:
        user = iam_backends[account]["aws"].get_user(key.user_name)
        return {
            "type": "IAMUser",
            "principalId": user.id,
            "arn": user.arn,
            "accountId": account,
            "accessKeyId": access_key,
            "userName": user.name,
        }
    if session is None:
        return {"type": "Unknown", "accountId": account, "accessKeyId": access_key}
    role = session.role_arn
    issued = issued_at(session)
    return {
        "type": "AssumedRole",
        "principalId": session.user_id,
        "arn": session.arn,
        "accountId": account,
        "accessKeyId": access_key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": session.user_id.partition(":")[0],
                "arn": role,
                "accountId": account,
                "userName": role.rpartition("/")[2],
            },
            "attributes": {"creationDate": rfc3339(issued) if issued else "", "mfaAuthenticated": "true"},
        },
    }


class LookupEvents:
    """The WSGI layer that answers ``cloudtrail:LookupEvents``; optionally at AWS's true rate (2 a second)."""

    def __init__(self, app: App, store: Store, clock: Callable[[], datetime]) -> None:
        self._app, self._store, self._clock = app, store, clock

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        asked = identify(environ)
        if asked is None or asked.name != "cloudtrail:LookupEvents":
            return self._app(environ, start)
        try:
            answer = look_up(self._store.newest_first(asked.region), asked.parameters, self._clock())
        except LookupError as problem:
            code, message = problem.args
            return error(start, asked, 400, str(code), str(message))
        body = answer.encode()
        start("200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))])
        return [body]


def look_up(entries: list[HistoryEntry], asked: Mapping[str, Any], now: datetime) -> str:
    """The answer to one ``LookupEvents`` request, as JSON; raises ``LookupError(code, message)`` as AWS would refuse."""
    size = asked.get("MaxResults", 50)
    if not 1 <= int(size) <= 50:
        raise LookupError("InvalidMaxResultsException", "MaxResults must be between 1 and 50.")
    since, until = moment(asked.get("StartTime")), moment(asked.get("EndTime"))
    if since and until and since > until:
        raise LookupError("InvalidTimeRangeException", "The start time is after the end time.")
    attributes = asked.get("LookupAttributes") or []
    if len(attributes) > 1 or any(item.get("AttributeKey") not in _ATTRIBUTES for item in attributes):
        raise LookupError("InvalidLookupAttributesException", "One lookup attribute is allowed.")
    bound = digest([plain(attributes), plain(asked.get("StartTime")), plain(asked.get("EndTime"))])[:16]
    offset = _offset(asked.get("NextToken"), bound)
    until = (until or now).astimezone(UTC)
    matching = [
        entry
        for entry in entries
        if entry.at
        and (since is None or since <= entry.at)
        and entry.at <= until
        and all(map(entry.matches, attributes))
    ]
    page = ",".join(entry.answer for entry in matching[offset : offset + int(size)])
    if offset + int(size) >= len(matching):
        return f'{{"Events":[{page}]}}'
    token = base64.b64encode(f"{bound}:{offset + int(size)}".encode()).decode()
    return f'{{"Events":[{page}],"NextToken":"{token}"}}'


def _offset(token: Any, bound: str) -> int:
    if not token:
        return 0
    try:
        asked_for, _, offset = base64.b64decode(str(token), validate=True).decode().partition(":")
        if asked_for == bound:
            return int(offset)
    except ValueError:
        pass
    raise LookupError("InvalidNextTokenException", "The token is not valid for this request.")


def _user_name(record: Record) -> str:
    identity = record.get("userIdentity") or {}
    if identity.get("type") == "Root":
        return "root"
    return str(
        identity.get("userName") or str(identity.get("arn", "")).rpartition("/")[2] or identity.get("invokedBy", "")
    )


def _resources(record: Record) -> list[dict[str, str]]:
    """Every id-like value of request and answer, with its type, as event history lists resources."""
    found: dict[str, str] = {}

    def walk(value: Any) -> None:
        if isinstance(value, Mapping):
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, str):
            for prefix, kind in _RESOURCE_TYPES.items():
                if value.startswith(prefix):
                    found[value] = kind

    walk(record.get("requestParameters"))
    walk(record.get("responseElements"))
    return [{"ResourceName": name, "ResourceType": kind} for name, kind in found.items()]


_RESOURCE_TYPES: Final = {
    "i-": "AWS::EC2::Instance",
    "vpce-": "AWS::EC2::VPCEndpoint",
    "vpc-": "AWS::EC2::VPC",
    "sg-": "AWS::EC2::SecurityGroup",
    "eni-": "AWS::EC2::NetworkInterface",
    "subnet-": "AWS::EC2::Subnet",
    "vol-": "AWS::EC2::Volume",
    "ASIA": "AWS::IAM::AccessKey",
    "AKIA": "AWS::IAM::AccessKey",
    "arn:aws:iam::": "AWS::IAM::Role",
    "arn:aws:sts::": "AWS::STS::AssumedRole",
}
