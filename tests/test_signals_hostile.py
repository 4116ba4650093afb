"""Records, policies, groups and tags as an intruder or an accident may write them: judged, never crashed by, never fooled by."""

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules import (
    AT,
    FOREIGN,
    HOME,
    OWN,
    SESSION,
    WORLD,
    created,
    make_instance,
    network,
    now,
    other,
    record,
    region,
)
from vpce_tui.cloudtrail.event import Event, parse
from vpce_tui.cloudtrail.log_files import CONFLICTING_RECORD, read
from vpce_tui.detection.assessment import AssessmentInputs, assess_event, assess_instances, trust_zone_of, whole_past
from vpce_tui.detection.attack_path import attack_path
from vpce_tui.detection.pivot import chain, related, relations
from vpce_tui.detection.signals import Severity
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.flow_log_queries import Traffic, Window
from vpce_tui.inventory.resources import SecurityGroupPermission

BAD = created(
    FOREIGN,
    None,
    who=SESSION,
    sourceIPAddress="198.51.100.23",
    userAgent="aws-cli/2.22 kali",
    tlsDetails={"tlsVersion": "TLSv1.3"},
    additionalEventData={"x": 1},
    sessionCredentialFromConsole="false",
    managementEvent=True,
    requestID="r-1",
    eventCategory="Management",
).record
HERE = region(SecurityGroupPermission(protocol="-1", from_port=None, to_port=None, peer=WORLD))
BEFORE = [
    other("StopLogging", "cloudtrail", 20, SESSION),
    created(minutes=9, eventID="no", who=SESSION, errorCode="Client.UnauthorizedOperation"),
]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["Root", "AWSService", "*", "vpce-1", "2026-01-31T02:00:00Z"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            found += paths(item, (*at, number))
    return found


def put(document: dict[str, Any], at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    holder = made
    for key in at[:-1]:
        if isinstance(holder, dict) and not isinstance(holder.get(key), (dict, list)):
            holder[key] = {}
        holder = holder[key]
    holder[at[-1]] = value
    return made


def assessed(event: Event, *others: Event) -> Any:
    events = [event, *BEFORE, *others]
    known = AssessmentInputs(
        past=whole_past(events),
        regions={HOME: HERE},
        trust_zone=trust_zone_of([event], Context()),
        roles=None,
        context=Context(),
        now=AT,
    )
    found = assess_event(event, known)
    assess_instances(known, [found])
    for relation in relations(event):
        related(known.past, relation)
    chain(event, known.past)
    list(
        attack_path(event, found.assessment, known.past, HERE, None, None, Traffic(Window(AT - timedelta(hours=1), AT)))
    )
    return found


@given(st.sampled_from(paths(BAD)), JSON)
@settings(max_examples=400, deadline=None)
def test_any_value_in_any_field_is_judged_and_never_raises(at: tuple[Any, ...], value: Any) -> None:
    assessed(parse(put(BAD, at, value)))


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_any_value_in_the_place_of_a_record_is_judged_and_never_raises(value: Any) -> None:
    assessed(
        parse(value),
        parse({**BAD, "requestParameters": value}),
        parse({**BAD, "responseElements": value, "userIdentity": value}),
    )


UNREAD = [
    ("requestID",),
    ("eventVersion",),
    ("managementEvent",),
    ("eventCategory",),
    ("additionalEventData",),
    ("tlsDetails",),
    ("sessionCredentialFromConsole",),
    ("eventType",),
    ("errorMessage",),
    ("apiVersion",),
    ("somethingNew",),
    ("requestParameters", "CreateVpcEndpointRequest", "ClientToken"),
    ("requestParameters", "Another"),
    ("responseElements", "CreateVpcEndpointResponse", "requestId"),
    ("userIdentity", "sessionContext", "webIdFederationData"),
    ("userIdentity", "somethingNew"),
]
"""Fields that no rule which speaks against the bad record reads."""


def reasons(event: Event) -> dict[str, Severity]:
    return {signal.id: signal.severity for signal in assessed(event).assessment.signals}


ALONE = {
    "VPCE-01": parse({**BAD, "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/x", "userName": "x"}}),
    "VPCE-02": created(f"com.amazonaws.{HOME}.s3", None),
    "VPCE-07": created(who=SESSION),
    "VPCE-09": created(who={"type": "Root", "arn": "arn:aws:iam::1:root"}),
    "VPCE-15": created(userAgent="Boto3 Pacu/1.5"),
    "VPCE-33": created(request={"ServiceRegion": "us-east-1"}),
}
"""Records, each with one bad thing in it among others that every endpoint has."""


@given(st.sampled_from(sorted(ALONE)), st.sampled_from(UNREAD), JSON)
@settings(max_examples=300, deadline=None)
def test_what_no_rule_reads_takes_no_reason_away_and_no_severity_down(
    rule: str, at: tuple[Any, ...], value: Any
) -> None:
    event = ALONE[rule]
    before, after = assessed(event).assessment, assessed(parse(put(event.record, at, value)))
    assert rule in {signal.id for signal in before.signals}
    assert after.assessment.severity >= before.severity
    assert {signal.id for signal in before.signals} <= {signal.id for signal in after.assessment.signals}


@pytest.mark.parametrize("rule", sorted(ALONE))
@pytest.mark.parametrize("agent", ["Terraform", "rds.amazonaws.com", "AWS Internal", "console.amazonaws.com"])
def test_a_record_is_not_made_harmless_by_what_the_caller_writes(rule: str, agent: str) -> None:
    if rule == "VPCE-15":
        return  # the caller may leave the attacker's name out of the agent: that a good one proves nothing is said there
    assert rule in reasons(parse({**ALONE[rule].record, "userAgent": agent}))
    assert not [
        signal
        for signal in assessed(parse({**ALONE[rule].record, "userAgent": agent})).assessment.signals
        if signal.mitigating
    ]


def test_a_service_that_works_for_somebody_makes_nothing_harmless() -> None:
    """CloudFormation makes an endpoint with the rights of whoever asks it: ``invokedBy`` is no mitigating reason."""
    through = {**SESSION, "invokedBy": "cloudformation.amazonaws.com"}
    assert not [s for s in assessed(created(FOREIGN, None, who=through)).assessment.signals if s.mitigating]
    linked = copy.deepcopy(SESSION)
    linked["sessionContext"]["sessionIssuer"]["arn"] = (
        f"arn:aws:iam::{OWN}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
    )
    assert [s.id for s in assessed(created(who=linked)).assessment.signals if s.mitigating] == ["VPCE-29"]


def test_ten_thousand_rules_and_groups_that_are_gone() -> None:
    many = [
        SecurityGroupPermission(
            protocol="tcp", from_port=port, to_port=port, peer=f"10.{port // 250}.{port % 250}.0/24"
        )
        for port in range(10_000)
    ]
    gone = SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="sg-0gone")
    known = AssessmentInputs(
        past=whole_past([created()]),
        regions={HOME: region(*many, gone)},
        trust_zone=TrustZone(),
        roles=None,
        context=Context(),
        now=AT,
    )
    found = assess_event(created(), known).assessment
    assert {signal.id for signal in found.signals} >= {"VPCE-34"}
    lost = AssessmentInputs(
        past=whole_past([created()]),
        regions={HOME: region(net=network(groups={}, endpoints={"vpce-1": now(groups=("sg-0gone",))}))},
        trust_zone=TrustZone(),
        roles=None,
        context=Context(),
    )
    assert any("do not exist any more" in why for _, why in assess_event(created(), lost).assessment.unknown)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 3_000_000,
        '{"Statement": [' + "[" * 200_000,
        "\x00",
        '{"Statement": "\ud800"}',
        json.dumps({"Statement": [{"Effect": "Allow"}] * 5_000}),
    ],
)
def test_policies_that_are_none(text: str) -> None:
    found = assess_event(
        created(rules=text),
        AssessmentInputs(
            past=whole_past([created()]),
            regions={HOME: region()},
            trust_zone=TrustZone(),
            roles=None,
            context=Context(),
        ),
    ).assessment
    assert found.unknown or found.signals


def test_two_records_with_one_id_and_different_content_are_both_there_and_say_so(tmp_path: Path) -> None:
    one = record("CreateVpcEndpoint", eventID="e-1")
    (tmp_path / "a.json").write_text(json.dumps({"Records": [one, {**one, "sourceIPAddress": "198.51.100.1"}, one]}))
    found = read(tmp_path)
    assert sorted(event.source_ip for event in found.events) == ["192.0.2.7", "198.51.100.1"]
    assert all(CONFLICTING_RECORD in event.parse_warnings for event in found.events)
    assert len(found.coverage.notes) == 2


@pytest.mark.parametrize(
    "name",
    [
        "EnableRegion",
        "CreateSnapshot",
        "ModifyVpcEndpoint",
        "CreateAccessKey",
        "AssumeRole",
        "RunInstances",
        "PutBucketPolicy",
    ],
)
@pytest.mark.parametrize("value", ["x", [1], {"items": "x"}, None, 5])
def test_one_odd_record_does_not_end_the_judging_of_the_others(name: str, value: Any) -> None:
    for source in ("ec2", "iam", "sts", "s3", "account"):
        assessed(parse(BAD), other(name, source, 30, requestParameters=value, responseElements=value))


def test_times_that_cannot_be_are_judged_by_the_rest() -> None:
    for text in ("2199-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "yesterday", "1969-12-31T23:59:59Z"):
        assert assessed(parse({**BAD, "eventTime": text})).assessment.severity is Severity.CRITICAL


def test_hostile_tags_are_text() -> None:
    hostile = {"Name": "\x1b]52;c;x\x07", "owner": "", "env": "[@click=app.quit]production[/]", "\u202e": "x"}
    known = AssessmentInputs(
        past=whole_past([created()]),
        regions={HOME: region(instances=(make_instance(tags=hostile),))},
        trust_zone=TrustZone(),
        roles=None,
        context=Context(),
        now=AT,
    )
    assert assess_instances(known, [])
