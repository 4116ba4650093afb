"""Writes CloudTrail records in their true shape."""

import random
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from vpce_tui.core.canonical_json import rfc3339

Record = dict[str, Any]

CONSOLE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.76.0 "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.5 os/linux lang/go#1.23.3"
)
CLI_ON_KALI = "aws-cli/2.22.4 md/awscrt#0.22.0 ua/2.0 os/linux#6.11.2-kali1-amd64 md/arch#x86_64 lang/python#3.12.6"


class EventWriter:
    """Writes records for one account; times are given in minutes before now."""

    def __init__(self, account: str, now: datetime, chance: random.Random, keep: Callable[[Record], None]) -> None:
        self.account, self.now = account, now
        self._chance, self._keep = chance, keep

    def identifier(self) -> str:
        """A UUID from the seed."""
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def write(
        self,
        minutes_ago: float,
        region: str,
        source: str,
        name: str,
        identity: Mapping[str, Any],
        *,
        ip: str,
        agent: str,
        request: Any = None,
        response: Any = None,
        error: tuple[str, str] | None = None,
        read_only: bool = False,
        **more: Any,
    ) -> Record:
        """One record; ``error`` is (code, message)."""
        record: Record = {
            "eventVersion": "1.11",
            "userIdentity": dict(identity),
            "eventTime": rfc3339(self.now - timedelta(minutes=minutes_ago)),
            "eventSource": f"{source}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": ip,
            "userAgent": agent,
            **({"errorCode": error[0], "errorMessage": error[1]} if error else {}),
            "requestParameters": request,
            "responseElements": response,
            "requestID": self.identifier(),
            "eventID": self.identifier(),
            "readOnly": read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
            **({} if "." in ip and ip.endswith("amazonaws.com") else {"tlsDetails": _tls(source, region)}),
            **more,
        }
        self._keep(record)
        return record

    def role(self, name: str, session: str, key: str, *, minutes_old: float = 60, ec2: bool = False) -> dict[str, Any]:
        """The identity of a role session."""
        principal = "AROA" + _letters(name)
        context: dict[str, Any] = {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal,
                "arn": f"arn:aws:iam::{self.account}:role/{name}",
                "accountId": self.account,
                "userName": name,
            },
            "attributes": {
                "creationDate": rfc3339(self.now - timedelta(minutes=minutes_old)),
                "mfaAuthenticated": "false",
            },
        }
        if ec2:
            context["ec2RoleDelivery"] = "1.0"
        return {
            "type": "AssumedRole",
            "principalId": f"{principal}:{session}",
            "arn": f"arn:aws:sts::{self.account}:assumed-role/{name}/{session}",
            "accountId": self.account,
            "accessKeyId": key,
            "sessionContext": context,
        }

    def user(self, name: str, key: str, *, mfa: bool | None = None) -> dict[str, Any]:
        """The identity of an IAM user; with ``mfa`` a console session."""
        identity: dict[str, Any] = {
            "type": "IAMUser",
            "principalId": "AIDA" + _letters(name),
            "arn": f"arn:aws:iam::{self.account}:user/{name}",
            "accountId": self.account,
            "accessKeyId": key,
            "userName": name,
        }
        if mfa is not None:
            identity["sessionContext"] = {
                "sessionIssuer": {},
                "webIdFederationData": {},
                "attributes": {
                    "creationDate": rfc3339(self.now - timedelta(hours=4)),
                    "mfaAuthenticated": str(mfa).lower(),
                },
            }
        return identity

    def service(self, name: str) -> dict[str, Any]:
        """The identity of an AWS service acting by itself."""
        return {"type": "AWSService", "invokedBy": f"{name}.amazonaws.com"}


def _tls(source: str, region: str) -> dict[str, str]:
    host = "iam.amazonaws.com" if source == "iam" else f"{source}.{region}.amazonaws.com"
    return {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": host,
    }


def _letters(name: str) -> str:
    """Seventeen capital letters and digits that stay the same for a name."""
    number = uuid.uuid5(uuid.NAMESPACE_DNS, name).int
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "".join(alphabet[(number >> (5 * place)) & 31] for place in range(17))


def create_endpoint(
    request: Mapping[str, Any], answered: Mapping[str, Any] | None, request_id: str = ""
) -> tuple[Any, Any]:
    """``requestParameters`` and ``responseElements`` of ``CreateVpcEndpoint`` as CloudTrail writes them.

    EC2 wraps them; one group is an object with ``tag`` and ``content``, several are a list.
    """
    asked: dict[str, Any] = {}
    for key, value in request.items():
        if isinstance(value, (list, tuple)):
            items = [{"tag": number, "content": item} for number, item in enumerate(value, start=1)]
            asked[key] = items[0] if len(items) == 1 else items
        else:
            asked[key] = value
    answer = None
    if answered is not None:
        answer = {
            "CreateVpcEndpointResponse": {
                "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/",
                "requestId": request_id,
                "vpcEndpoint": {
                    "vpcEndpointId": answered["VpcEndpointId"],
                    "vpcEndpointType": answered.get("VpcEndpointType", request.get("VpcEndpointType", "Gateway")),
                    "vpcId": answered["VpcId"],
                    "serviceName": answered.get("ServiceName", ""),
                    "state": "available" if request.get("VpcEndpointType") != "Interface" else "pending",
                    "requesterManaged": False,
                    "privateDnsEnabled": bool(answered.get("PrivateDnsEnabled", False)),
                },
            }
        }
    return {"CreateVpcEndpointRequest": asked}, answer


def made(
    scribe: EventWriter,
    facts: Mapping[str, Any],
    minutes_ago: float,
    region: str,
    identity: Mapping[str, Any],
    which: str,
    ip: str,
    agent: str,
    **more: Any,
) -> str:
    """A successful ``CreateVpcEndpoint`` that matches a live endpoint; gives the event id."""
    endpoint = facts["endpoints"][which]
    names = {"SecurityGroupIds": "SecurityGroupId", "SubnetIds": "SubnetId", "RouteTableIds": "RouteTableId"}
    request = {names.get(key, key): value for key, value in endpoint["request"].items()}
    asked, answer = create_endpoint(request, endpoint["made"], scribe.identifier())
    record = scribe.write(
        minutes_ago,
        region,
        "ec2",
        "CreateVpcEndpoint",
        identity,
        ip=ip,
        agent=agent,
        request=asked,
        response=answer,
        **more,
    )
    return str(record["eventID"])
