"""One CloudTrail record, normalised; the raw record is kept, unchanged, as the bytes it came in.

Shapes and parse_warnings: AWS's "CloudTrail record contents". Nothing about a record is taken for
granted: whatever is absent or of the wrong type becomes empty and is named in ``parse_warnings``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

_INSTANCE_ID: Final = re.compile(r"i-[0-9a-f]{8,17}")
EPOCH: Final = datetime.fromtimestamp(0, UTC)
EC2: Final = "ec2.amazonaws.com"
_AWS_BEGAN: Final = 2006
_FAR: Final = 2200
"""A record cannot be older than AWS; and what is further away than this is no time, either."""


class Principal(NamedTuple):
    """Who made the call, as the record has it. ``name`` is the short form people use."""

    type: str = ""
    arn: str = ""
    name: str = ""
    account: str = ""
    access_key_id: str = ""
    session_name: str = ""
    role_arn: str = ""
    role_name: str = ""
    invoked_by: str = ""
    principal_id: str = ""
    mfa: str = ""
    ec2_role_delivery: str = ""

    @property
    def instance_id(self) -> str:
        """The instance whose role session this is, or ``""``."""
        name = self.session_name
        return name if name.startswith("i-") and _INSTANCE_ID.fullmatch(name) else ""

    @property
    def root(self) -> bool:
        """The account's root user."""
        return self.type == "Root"


class EndpointRequest(NamedTuple):
    """What a ``CreateVpcEndpoint`` record asked for, and, as the last ones, its tags and the endpoint it made (``""``: none)."""

    vpc_id: str = ""
    service: str = ""
    service_region: str = ""
    type: str = ""
    groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    route_tables: tuple[str, ...] = ()
    policy: str | None = None
    private_dns: bool | None = None
    resource: str = ""
    """The ARN of a resource configuration or service network, for endpoints that lead to one."""
    tags: tuple[tuple[str, str], ...] = ()
    endpoint_id: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``raw`` is the record's JSON text; ``parse_warnings`` says what was missing or malformed."""

    id: str
    time: datetime
    name: str
    source: str
    region: str
    account: str
    principal: Principal
    source_ip: str
    user_agent: str
    error_code: str
    error_message: str
    raw: str
    parse_warnings: tuple[str, ...] = ()
    request: EndpointRequest | None = None
    """What was asked for, where it is an EC2 ``CreateVpcEndpoint``."""
    vpc_endpoint_id: str = ""
    """The VPC endpoint through which the call came (``vpcEndpointId``)."""
    vpc_endpoint_account_id: str = ""
    """Whose endpoint that is, where the record says (``vpcEndpointAccountId``)."""
    tls: str | None = None
    """The TLS version of the call; ``""``: the record has TLS details without one; None: it has no such details."""
    session_credential_from_console: bool = False
    """Whether the session's credentials came from a console sign-in."""
    shared_event_id: str = ""
    """The id that the records of several accounts about one call share."""
    event_type: str = ""
    """``AwsApiCall``, ``AwsServiceEvent``, ``AwsVpceEvent``, …"""
    read_only: bool | None = None

    @property
    def record(self) -> dict[str, Any]:
        """The raw record, parsed anew each time (so that it cannot be changed by a reader)."""
        parsed = json.loads(self.raw)
        return parsed if isinstance(parsed, dict) else {}

    @property
    def request_id(self) -> str:
        """The id that AWS gave the request, and its caller in the answer; ``""``: the record has none."""
        found = self.record.get("requestID")
        return found if isinstance(found, str) else ""

    @property
    def creates_endpoint(self) -> bool:
        """An EC2 ``CreateVpcEndpoint`` (other services use the same name for other things)."""
        return self.name == "CreateVpcEndpoint" and self.source == EC2

    @property
    def refused(self) -> bool:
        """It never happened: permission was missing."""
        code = self.error_code
        return bool(code) and code.removeprefix("Client.") in ("UnauthorizedOperation", "AccessDenied")

    @property
    def dry_run(self) -> bool:
        """It never happened: it was a dry run."""
        return bool(self.error_code) and self.error_code.removeprefix("Client.") == "DryRunOperation"


def parse(record: Any, raw: str | None = None) -> Event:
    """``record`` as an :class:`Event`. Never raises for what a record holds; ``raw`` saves writing it again."""
    parse_warnings: list[str] = []
    if not isinstance(record, Mapping):
        parse_warnings.append(f"the record is not an object but {type(record).__name__}")
        record = {}

    def text(key: str) -> str:
        value = record.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            parse_warnings.append(f"{key} is not a string")
            return json.dumps(value, sort_keys=True, default=str)
        return value

    identity = record.get("userIdentity")
    if not isinstance(identity, Mapping):
        parse_warnings.append("the record has no userIdentity")
        identity = {}
    time = _time(record.get("eventTime"))
    if time is None:
        parse_warnings.append("eventTime is missing or invalid")
    event_id = text("eventID")
    if not event_id:
        parse_warnings.append("the record has no eventID")
    name, source, tls = text("eventName"), text("eventSource"), record.get("tlsDetails")
    return Event(
        id=event_id,
        time=time or EPOCH,
        name=name,
        source=source,
        region=text("awsRegion"),
        account=text("recipientAccountId") or _str(identity.get("accountId")),
        principal=_principal(identity),
        source_ip=text("sourceIPAddress"),
        user_agent=text("userAgent"),
        error_code=text("errorCode"),
        error_message=text("errorMessage"),
        raw=raw if raw is not None else json.dumps(record, ensure_ascii=True, separators=(",", ":"), default=str),
        parse_warnings=tuple(parse_warnings),
        request=_request(record) if name == "CreateVpcEndpoint" and source == EC2 else None,
        vpc_endpoint_id=_str(record.get("vpcEndpointId")),
        vpc_endpoint_account_id=_str(record.get("vpcEndpointAccountId")),
        tls=_str(tls.get("tlsVersion")) if isinstance(tls, Mapping) else None,
        session_credential_from_console=_str(record.get("sessionCredentialFromConsole")).lower() == "true",
        shared_event_id=_str(record.get("sharedEventID")),
        event_type=_str(record.get("eventType")),
        read_only=record["readOnly"] if isinstance(record.get("readOnly"), bool) else None,
    )


def parse_text(raw: str) -> Event:
    """The record in a JSON text (``CloudTrailEvent`` of LookupEvents), as an event."""
    try:
        return parse(json.loads(raw), raw)
    except (ValueError, RecursionError):
        return parse(None, raw="{}")


def _principal(identity: Mapping[str, Any]) -> Principal:
    session = _map(identity.get("sessionContext"))
    issuer = _map(session.get("sessionIssuer"))
    attributes = _map(session.get("attributes"))
    kind = _str(identity.get("type"))
    arn = _str(identity.get("arn"))
    principal_id = _str(identity.get("principalId"))
    session_name = arn.rpartition("/")[2] if ":assumed-role/" in arn else ""
    if not session_name and kind in ("AssumedRole", "FederatedUser"):
        session_name = principal_id.partition(":")[2]
    role_arn = _str(issuer.get("arn"))
    role_name = _str(issuer.get("userName")) or role_arn.rpartition("/")[2]
    if not role_name and ":assumed-role/" in arn:
        role_name = arn.split("/")[1] if arn.count("/") >= 2 else ""
    invoked_by = _str(identity.get("invokedBy"))
    names = {"Root": "root", "AWSService": invoked_by}
    if kind == "AssumedRole" or role_name:
        name = f"{role_name}/{session_name}" if session_name else role_name
    else:
        name = names.get(kind) or _str(identity.get("userName")) or arn.rpartition("/")[2] or invoked_by
    return Principal(
        type=kind,
        arn=arn,
        name=name or principal_id or _str(identity.get("accountId")) or "unknown",
        account=_str(identity.get("accountId")),
        access_key_id=_str(identity.get("accessKeyId")),
        session_name=session_name,
        role_arn=role_arn,
        role_name=role_name,
        invoked_by=invoked_by,
        principal_id=principal_id,
        mfa=_str(attributes.get("mfaAuthenticated")),
        ec2_role_delivery=_str(session.get("ec2RoleDelivery")),
    )


def _request(record: Mapping[str, Any]) -> EndpointRequest:
    """The request in a record, wrapped or flat, one item or several."""
    asked = _map(record.get("requestParameters"))
    asked = _map(asked.get("CreateVpcEndpointRequest")) or asked
    answered = _map(record.get("responseElements"))
    answered = _map(answered.get("CreateVpcEndpointResponse")) or answered
    made = _map(answered.get("vpcEndpoint") or answered.get("VpcEndpoint"))

    def one(*keys: str) -> str:
        for holder in (asked, made):
            for key in keys:
                value = holder.get(key)
                if value not in (None, "") and not isinstance(value, (Mapping, list)):
                    return str(value)
        return ""

    policy = next((asked[key] for key in ("PolicyDocument", "policyDocument") if key in asked), None)
    if policy is not None and not isinstance(policy, str):
        policy = json.dumps(policy)
    dns = one("PrivateDnsEnabled", "privateDnsEnabled").lower()
    return EndpointRequest(
        vpc_id=one("VpcId", "vpcId"),
        service=one("ServiceName", "serviceName"),
        service_region=one("ServiceRegion", "serviceRegion"),
        type=one("VpcEndpointType", "vpcEndpointType"),
        groups=_many(asked, "SecurityGroupId", "SecurityGroupIds", "securityGroupIds", "securityGroupIdSet"),
        subnets=_many(asked, "SubnetId", "SubnetIds", "subnetIds", "subnetIdSet"),
        route_tables=_many(asked, "RouteTableId", "RouteTableIds", "routeTableIds", "routeTableIdSet"),
        policy=policy or None,
        private_dns=None if not dns else dns == "true",
        endpoint_id=_str(made.get("vpcEndpointId") or made.get("VpcEndpointId")),
        resource=one("ResourceConfigurationArn", "resourceConfigurationArn", "ServiceNetworkArn", "serviceNetworkArn"),
        tags=_tags(asked.get("TagSpecification") or asked.get("tagSpecificationSet") or asked.get("TagSpecifications")),
    )


def _tags(value: Any) -> tuple[tuple[str, str], ...]:
    """The tags in a ``TagSpecification``, in whichever of its forms."""
    found: list[tuple[str, str]] = []
    waiting, looked = [value], 0
    while waiting and looked < 200:  # a bound: what is asked for is an intruder's to write
        item, looked = waiting.pop(), looked + 1
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, Mapping):
            key = item.get("Key", item.get("key"))
            if isinstance(key, str):
                found.append((key, _str(item.get("Value", item.get("value")))))
            else:
                waiting += [inner for inner in item.values() if isinstance(inner, (list, Mapping))]
    return tuple(sorted(found))


def _many(holder: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    for key in keys:
        found = tuple(_items(holder.get(key)))
        if found:
            return found
    return ()


def _items(value: Any) -> Iterable[str]:
    """The texts in ``"x"``, ``{"content": "x"}``, ``{"items": […]}`` or a list of any of these."""
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping):
        if "content" in value:
            yield from _items(value["content"])
        else:
            for key in ("items", "item"):
                yield from _items(value.get(key))
    elif isinstance(value, list):
        for item in value:
            yield from _items(item)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _str(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _time(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
            found = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return found if _AWS_BEGAN <= found.year <= _FAR else None
    return None
