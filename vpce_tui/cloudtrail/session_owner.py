"""Who is behind a session, as far as AWS records it.

A role session's name is what its holder wrote there, so it says nothing by itself. What does: the name of an IAM user, the
session name that IAM Identity Center sets (the user's), the source identity (fixed when the first role was assumed, carried
through role chains), or who assumed the role by event history. (AWS: "Monitor and control actions taken with assumed roles".)
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.aws.errors import AwsError
from vpce_tui.core.arn import parse_arn

_IDENTITY_CENTER: Final = "AWSReservedSSO_"
_LONGEST_CHAIN: Final = 3


class IdentitySource(StrEnum):
    """How it is known who is behind a session."""

    USER = "IAM user"
    ROOT = "root user"
    IDENTITY_CENTER = "IAM Identity Center user"
    SOURCE_IDENTITY = "source identity"
    ASSUMED_BY = "who assumed the role, by event history"
    FEDERATED = "federated user"
    SESSION = "role and session name alone"


@dataclass(frozen=True, slots=True)
class Person:
    """``name``: what they are called there; ``arn``: of the session or user; ``also``: other names that AWS knows them by."""

    name: str
    source: IdentitySource
    arn: str
    also: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether the name is more than what the session's holder wrote."""
        return self.source not in (IdentitySource.SESSION, IdentitySource.FEDERATED, IdentitySource.ROOT)

    def same_as(self, other: "Person") -> bool:
        """Whether both are, or may be, one person: the same session or user, or the same name (before an ``@``, in any case)."""
        return self.arn == other.arn or bool(self._names & other._names)

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(map(_plain, (self.name, *self.also)))

    def __str__(self) -> str:
        return f"{self.name} ({self.source.value})"

    def to_json(self) -> dict[str, Any]:
        """As an approval and a journal have it."""
        return {"name": self.name, "behind": self.source.value, "arn": self.arn, "also": list(self.also)}

    @classmethod
    def from_json(cls, data: Any) -> "Person":
        """Read it back. Raises ``ValueError``."""
        if not isinstance(data, Mapping) or not all(
            isinstance(data.get(key), str) for key in ("name", "behind", "arn")
        ):
            raise ValueError("it names no person")
        also = data.get("also", [])
        if not isinstance(also, list) or not all(isinstance(name, str) for name in also):
            raise ValueError("it names no person")
        person, plain = (
            cls(data["name"], IdentitySource(data["behind"]), data["arn"], tuple(also)),
            person_from_arn(data["arn"]),
        )
        if person.source not in (IdentitySource.SOURCE_IDENTITY, IdentitySource.ASSUMED_BY) and (
            person.name,
            person.source,
        ) != (
            plain.name,
            plain.source,
        ):
            raise ValueError("it names another person than its ARN")
        if person.source is not plain.source and plain.source is not IdentitySource.SESSION:
            raise ValueError("it names another person than its ARN")
        return person


def _plain(name: str) -> str:
    return name.partition("@")[0].casefold()


def person_from_arn(arn: str) -> Person:
    """What an ARN alone says (``sts:GetCallerIdentity``)."""
    found = parse_arn(arn)
    resource = found.resource if found else arn
    kind, _, rest = resource.partition("/")
    name = rest.rpartition("/")[2]
    if kind == "user":
        return Person(name, IdentitySource.USER, arn)
    if kind == "federated-user":
        return Person(name, IdentitySource.FEDERATED, arn)
    if resource == "root":
        return Person("root", IdentitySource.ROOT, arn)
    if kind == "assumed-role" and rest.startswith(_IDENTITY_CENTER):
        return Person(name, IdentitySource.IDENTITY_CENTER, arn)
    return Person(name or resource, IdentitySource.SESSION, arn)


def identify_operator(client: AwsClient, regions: tuple[str, ...]) -> Person:
    """Who is behind the caller's own session. ``regions``: where STS may have recorded it: the home region and the global one.

    Events come minutes after the call, and event history may be denied: then what the ARN says is all there is.
    """
    person = person_from_arn(client.identity().arn)
    return person if person.certain else _by_history(client, client.access_key, regions, person)


def _by_history(client: AwsClient, key: str, regions: tuple[str, ...], person: Person) -> Person:
    """Both count where both are known: the source identity, which whoever assumed the first role may have chosen, and who that was."""
    source, assumer = "", ""
    for _ in range(_LONGEST_CHAIN):
        events = list(_events(client, key, regions)) if key else []
        source = source or next((found for event in events if (found := _source_identity(event, key))), "")
        by = next((event["userIdentity"] for event in events if _began(event, key)), None)
        if by is None:
            break
        who = _who(by)
        if who is not None:
            assumer = who.name
            break
        key = str(by.get("accessKeyId") or "")
    if assumer:
        return Person(name=assumer, source=IdentitySource.ASSUMED_BY, arn=person.arn, also=(source,) if source else ())
    return Person(source, IdentitySource.SOURCE_IDENTITY, person.arn) if source else person


def _who(identity: Mapping[str, Any]) -> Person | None:
    """Who assumed a role, where that is somebody: a user, Identity Center's, a federated subject."""
    arn = str(identity.get("arn") or "")
    found = person_from_arn(arn) if arn else None
    if found is not None and found.source in (
        IdentitySource.USER,
        IdentitySource.IDENTITY_CENTER,
        IdentitySource.ROOT,
    ):
        return found
    if identity.get("type") in ("SAMLUser", "WebIdentityUser") and identity.get("userName"):
        return Person(str(identity["userName"]), IdentitySource.FEDERATED, arn)
    return None


def _source_identity(event: Mapping[str, Any], key: str) -> str:
    """The source identity of the session with this key, from a call that it made or the one that began it."""
    if _began(event, key):
        return str((event.get("requestParameters") or {}).get("sourceIdentity") or "")
    identity = event["userIdentity"]
    if identity.get("accessKeyId") != key:
        return ""
    return str((identity.get("sessionContext") or {}).get("sourceIdentity") or "")


def _began(event: Mapping[str, Any], key: str) -> bool:
    """Whether this call gave out the session with this key."""
    given = ((event.get("responseElements") or {}).get("credentials") or {}).get("accessKeyId")
    return str(event.get("eventName", "")).startswith("AssumeRole") and given == key and not event.get("errorCode")


def _events(client: AwsClient, key: str, regions: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for region in dict.fromkeys(regions):
        for attribute in ("ResourceName", "AccessKeyId"):
            asked = {"LookupAttributes": [{"AttributeKey": attribute, "AttributeValue": key}], "MaxResults": 10}
            try:
                found = client.read(
                    Call(service="cloudtrail", operation="LookupEvents", region=region, parameters=asked)
                ).data.get("Events", [])
            except AwsError:
                continue
            for item in found:
                try:
                    event = json.loads(item.get("CloudTrailEvent") or "")
                except ValueError:
                    continue
                if isinstance(event, dict) and isinstance(event.get("userIdentity"), dict):
                    yield event
