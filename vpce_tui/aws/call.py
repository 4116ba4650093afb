"""A call as a value: one API operation with its parameters, before it is made, and its answer after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vpce_tui.core.canonical_json import digest


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of one service in one region, with the parameters boto3 takes.

    ``service`` is botocore's name (``elbv2``), ``operation`` AWS's (``DescribeTargetHealth``).
    Global services (IAM) are called in ``us-east-1``.
    """

    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``ec2:DescribeInstances``: how messages name the call."""
        return f"{self.service}:{self.operation}"

    def fingerprint(self, account: str) -> str:
        """SHA-256 that binds service, operation, region, account and every parameter."""
        return digest([self.service, self.operation, self.region, account, self.parameters])


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS said: the parsed body, its request id, AWS's own clock and how long it took (seconds)."""

    data: Mapping[str, Any]
    request_id: str
    aws_time: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make exactly one write, once. Only the journal gives these out."""

    number: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who AWS says we are (``sts:GetCallerIdentity``)."""

    account: str
    arn: str
    user_id: str

    @property
    def operator(self) -> str:
        """The short name people know: session name or user name."""
        return self.arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1]


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """What AWS said when stolen credentials were tried: its ``answer``, or the code and message it ``refused`` them with."""

    key_id: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it is kept as evidence. No secret is in it."""
        if self.refused:
            return {"keyId": self.key_id, "refused": self.refused, "message": self.message}
        return {"keyId": self.key_id, "answer": dict(self.answer)}
