"""A try: one harmless read with credentials that were stolen, to see whether AWS takes them still.

Only keys that are in a profile of the AWS config or credentials file are tried: nothing is fetched, assumed or run to get
them. Nothing but :data:`~vpce_tui.aws.catalogue.CREDENTIAL_CHECK_OPERATIONS` is ever made with them.
"""

import re
from typing import Any, Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.errors import AwsError, ErrorKind

PROFILE: Final = re.compile(r"[\w.@+:/=,][\w.@+:/=, -]{0,127}")
_KEY_ID: Final = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{12,124}")

NOT_TAKEN: Final = frozenset(
    {"InvalidClientTokenId", "AuthFailure", "UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException"}
)
"""AWS does not know the key or session, or not any more. A wrong secret, a wrong clock, a proxy's answer are something else."""
DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation"}
)
"""AWS knows the credentials, and refuses the call."""


def held_in(profile: dict[str, Any]) -> tuple[str, str, str] | None:
    """Key id, secret and session token that are in a profile as botocore has read it; None where it holds none."""
    key, secret = str(profile.get("aws_access_key_id") or ""), str(profile.get("aws_secret_access_key") or "")
    if not (_KEY_ID.fullmatch(key) and secret):
        return None
    return key, secret, str(profile.get("aws_session_token") or "")


def assessed(error: AwsError) -> bool:
    """Whether AWS itself has assessed the credentials by this refusal."""
    return error.code in NOT_TAKEN | DENIED


def nothing_held(profile: str, call: Call) -> AwsError:
    """The profile holds no keys of its own."""
    said = f"the profile {profile} has no access key of its own, and vpce-tui does not fetch or assume one"
    return AwsError(
        call_name=call.name, region=call.region, code="NoCredentials", message=said, kind=ErrorKind.NO_CREDENTIALS
    )
