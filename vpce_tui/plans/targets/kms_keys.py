"""The KMS key that volumes are to be encrypted with: whether it may be used."""

from dataclasses import dataclass

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError, ErrorKind


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A KMS key, as far as it was asked. ``state`` is KMS's, or ``missing``, or ``unknown``; ``said``: why."""

    id: str
    state: str
    said: str = ""

    @property
    def unusable(self) -> str:
        """Why it cannot be used; ``""``: it can, or none was named."""
        return "" if not self.id or self.state == "Enabled" else self.said or f"it is {self.state}"


def read_key(client: AwsClient, region: str, named: str) -> KmsKey:
    """The key of this id, ARN or alias (``""``: none was named)."""
    if not named:
        return KmsKey("", "Enabled")
    try:
        raw = (
            client.read(
                Call(service="kms", operation="DescribeKey", region=region, parameters={"KeyId": named})
            ).data.get("KeyMetadata")
            or {}
        )
    except AwsError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return KmsKey(named, "missing", f"there is no key {named} in {region}")
        return KmsKey(named, "unknown", error.sentence())
    key = str(raw.get("Arn") or named)
    kind = f"{raw.get('KeyUsage') or 'ENCRYPT_DECRYPT'} {raw.get('KeySpec') or 'SYMMETRIC_DEFAULT'}"
    if kind != "ENCRYPT_DECRYPT SYMMETRIC_DEFAULT":
        return KmsKey(key, "unusable", f"it is a key for {kind}, and EBS accepts only symmetric encryption keys")
    return KmsKey(key, str(raw.get("KeyState") or "in an unknown state"))
