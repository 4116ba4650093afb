"""Which events are responses: the very calls that an incident record has, and no others, whoever wrote the record."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.rules import AT, HOME, OTHER_ACCOUNT, OURS, OWN, created, past, region
from vpce_tui.cloudtrail.recorded_calls import RecordedCall, incident_of
from vpce_tui.detection.assessment import AssessmentInputs, assess_event
from vpce_tui.detection.signals import Severity
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import CallResult, CallsIntended, DryRunResult, IncidentOpened, IntendedCall

EVENT = created(requestID="r-1")
CALL = RecordedCall("CreateVpcEndpoint", HOME, OWN, EVENT.principal.arn, EVENT.time, "case")


@pytest.mark.parametrize(
    ("change", "incident"),
    [
        ({}, "case"),
        ({"operation": "DeleteVpcEndpoints"}, ""),
        ({"region": "us-east-1"}, ""),
        ({"account": OTHER_ACCOUNT}, ""),
        ({"operator": "arn:aws:iam::123456789012:user/eve"}, ""),
        ({"at": EVENT.time + timedelta(hours=1)}, ""),
        ({"at": EVENT.time - timedelta(minutes=14)}, "case"),
    ],
)
def test_an_event_is_a_response_only_where_everything_of_the_call_fits(change: dict[str, Any], incident: str) -> None:
    assert incident_of(EVENT, {"r-1": replace(CALL, **change)}) == incident
    assert incident_of(EVENT, {"r-2": replace(CALL, **change)}) == ""
    assert incident_of(created(), {"": CALL}) == "", "an event without a request id"


def test_an_endpoint_that_an_undo_created_again_is_as_bad_as_it_was_while_it_exists() -> None:
    def assessed(recorded: dict[str, RecordedCall], regions: Any = None, **more: Any) -> Any:
        open_policy = created(
            requestID="r-1", service="com.amazonaws.vpce.eu-west-1.vpce-svc-0f3c9a1b2d4e5f607", **more
        )
        known = AssessmentInputs(past(), regions, OURS, now=AT, recorded=recorded)
        return assess_event(open_policy, known)

    before, after = assessed({}), assessed({"r-1": CALL})
    assert before.assessment.severity >= Severity.HIGH
    assert after.assessment.response == "case"
    assert after.assessment.severity >= Severity.HIGH
    live = assessed({"r-1": CALL}, {HOME: region()})
    assert (live.endpoint_gone, live.assessment.response) == (False, "case")
    assert live.assessment.severity >= Severity.HIGH
    refused = assessed({"r-1": CALL}, answer=False, errorCode="Client.UnauthorizedOperation")
    assert refused.assessment.severity is Severity.INFO


def intended(*, probe: bool = False) -> CallsIntended:
    made = IntendedCall(
        id="c", service="ec2", operation="CreateVpcEndpoint", region=HOME, parameters={}, fingerprint="f"
    )
    return CallsIntended(step="p/t/s", calls=(made,), probe=probe)


OPENED = IncidentOpened(name="case", account=OWN)


@pytest.mark.parametrize(
    ("contents", "known"),
    [
        ((OPENED, intended(), CallResult(step="p/t/s", call="c", ok=True, request_id="r-1")), True),
        ((OPENED, intended(), CallResult(step="p/t/s", call="c", ok=False, request_id="r-1")), True),
        ((OPENED, CallResult(step="p/t/s", call="c", ok=True, request_id="r-1")), False),
        ((OPENED, intended(), CallResult(step="p/t/s", call="other", ok=True, request_id="r-1")), False),
        ((OPENED, intended(probe=True), DryRunResult(step="p/t/s", probe=True, request_ids={"c": "r-1"})), True),
        ((OPENED, DryRunResult(step="p/t/s", probe=True, request_ids={"c": "r-1"})), False),
    ],
)
def test_a_record_has_a_call_only_where_its_intent_is_there(
    tmp_path: Path, contents: tuple[Any, ...], known: bool
) -> None:
    with Journal.open(tmp_path / "case", EVENT.principal.arn, create=True, clock=lambda: EVENT.time) as journal:
        for content in contents:
            journal.append(content)
        found = journal.record().recorded_calls
    assert list(found) == (["r-1"] if known else [])
    if known:
        made = replace(found["r-1"], incident="case")
        assert incident_of(EVENT, {"r-1": made}) == "case"
