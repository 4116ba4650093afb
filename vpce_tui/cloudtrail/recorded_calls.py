"""Calls that incident records on this host have, and their events in CloudTrail: what was done about an intrusion is no sign of one.

A record may be handed over, or forged: a request id alone proves nothing. The event must be of the same call, by the operator of the
record, in its account, at that time; and what is said of it names the incident.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vpce_tui.cloudtrail.event import Event

_APART: Final = timedelta(minutes=15)
"""AWS refuses a signature that is older: between the clock of the host and CloudTrail's."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as an incident's record has it. ``operator``: ARN; ``at``: when it was about to be made; ``incident``: its name."""

    operation: str
    region: str
    account: str
    operator: str
    at: datetime
    incident: str = ""


RecordedCalls = Mapping[str, RecordedCall]
"""By AWS's request id."""


def incident_of(event: Event, recorded: RecordedCalls) -> str:
    """The incident in whose record the call is; ``""``: in none."""
    request_id = event.request_id if recorded else ""
    known = recorded.get(request_id) if request_id else None
    same = (
        known is not None
        and event.name.startswith(known.operation)
        and (event.region, event.account, event.principal.arn) == (known.region, known.account, known.operator)
        and abs(event.time - known.at) <= _APART
    )
    return known.incident if known is not None and same else ""
