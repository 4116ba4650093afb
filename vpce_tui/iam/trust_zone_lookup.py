"""What is ours: the account with its organization and buckets, as far as the operator may see it."""

from collections.abc import Iterable
from dataclasses import dataclass

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient, Cancel
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.iam.trust_zone import TrustZone


@dataclass(frozen=True, slots=True)
class TrustZoneLookup:
    """:class:`TrustZone` as AWS describes it, and what could not be read of it."""

    trust_zone: TrustZone
    unknown: tuple[str, ...] = ()


def read_trust_zone(
    client: AwsClient,
    accounts: Iterable[str],
    organizations: Iterable[str],
    trusted: Iterable[str] = (),
    cancel: Cancel | None = None,
) -> TrustZoneLookup:
    """Ask for the organization and the buckets; the rest is what the team has named besides."""
    stop = cancel or Cancel()
    own, known, unknown = client.identity().account, set(organizations), []
    try:
        stop.check()
        answer = client.read(Call("organizations", "DescribeOrganization", "us-east-1")).data
        known.add(str((answer.get("Organization") or {}).get("Id", "")))
    except AwsError as error:
        if error.code != "AWSOrganizationsNotInUseException":
            unknown.append(f"the organization: {error.sentence()}")
    buckets: frozenset[str] | None = None
    try:
        pages = client.pages(Call("s3", "ListBuckets", client.home_region), cancel=stop)
        buckets = frozenset(str(raw.get("Name", "")) for page in pages for raw in page.data.get("Buckets", []))
    except AwsError as error:
        if error.kind is ErrorKind.EXPIRED:
            raise
        unknown.append(f"the buckets: {error.sentence()}")
    return TrustZoneLookup(
        TrustZone(
            accounts=frozenset({own, *accounts}),
            organizations=frozenset(known - {""}),
            buckets=buckets,
            trusted=tuple(trusted),
        ),
        tuple(unknown),
    )
