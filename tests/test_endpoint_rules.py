"""Each rule about an event: what raises it, the near miss that does not, and a record in which its fields are absent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.rule_cases import endpoint_caller, endpoint_caller_activity, endpoint_network, endpoint_policy
from tests.rule_cases.endpoint_parts import GATEWAY, KEY, MINE, REFUSED, ROLE, S3, USUAL
from tests.rules import (
    AT,
    EMPTY,
    FOREIGN,
    HOME,
    INSTANCE_ID,
    OURS,
    SESSION,
    allow,
    created,
    network,
    now,
    other,
    past,
    policy,
    region,
    says,
    see,
)
from vpce_tui.cloudtrail.event_index import Answered, EventIndex
from vpce_tui.detection.endpoint import RULES, assess_signals
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts
from vpce_tui.detection.rule import Inconclusive, Match
from vpce_tui.iam.trust_zone import TrustZone
from vpce_tui.inventory.resources import SecurityGroupPermission

TABLE: list[tuple[str, str, EventFacts, str | None]] = [
    *endpoint_network.CASES,
    *endpoint_policy.CASES,
    *endpoint_caller.CASES,
    *endpoint_caller_activity.CASES,
]


def raised(subject: EventFacts) -> dict[str, str]:
    return {signal.id: signal.severity.word for signal in assess_signals(subject).signals}


@pytest.mark.parametrize(("rule", "what", "subject", "severity"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_a_rule_about_an_event(rule: str, what: str, subject: EventFacts, severity: str | None) -> None:
    assert raised(subject).get(rule) == severity


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_each_rule_has_a_raiser_and_a_near_miss_and_is_silent_where_its_fields_are_absent(rule: Any) -> None:
    rows = [severity for identifier, _, _, severity in TABLE if identifier == rule.id]
    assert any(rows), "a raiser"
    assert None in rows, "a near miss"
    for region_now in (None, region()):
        for before in (past(asked=()), past()):
            assert EMPTY.request is not None
            answer = says(rule, see(EMPTY, past=before, region=region_now, trust_zone=TrustZone()))
            assert not isinstance(answer, Match), f"raised by a record that says nothing: {answer}"


def test_the_defaults_of_the_table_raise_nothing_at_all() -> None:
    assessed = assess_signals(see(created(), past=past(*USUAL, created(minutes=9000, eventID="before"))))
    assert assessed.signals == ()
    assert sorted(rule for rule, _ in assessed.unknown) == ["VPCE-25", "VPCE-26"], (
        "flow logs and network activity were not searched"
    )


# -- what was not searched is never taken for fine

UNREAD = [
    (
        "VPCE-03",
        see(
            created(
                S3,
                policy(
                    allow(
                        Action="s3:Put*",
                        Condition={"StringEquals": {"aws:PrincipalOrgID": "o-x", "aws:ResourceOrgID": "o-x"}},
                    )
                ),
            ),
            trust_zone=replace(OURS, organizations=frozenset()),
        ),
        "organization o-x",
    ),
    ("VPCE-02", see(created(rules="{")), "not valid JSON"),
    ("VPCE-05", see(created(), region=region(net=network(unknown={"groups": "denied"}))), "denied"),
    ("VPCE-05", see(created(), region=None), "was not read"),
    ("VPCE-05", see(created(), region=region(net=network(groups={}))), "do not exist any more"),
    ("VPCE-08", see(created(who=SESSION, sourceIPAddress="198.51.100.23")), INSTANCE_ID),
    (
        "VPCE-08",
        see(
            created(who=SESSION, sourceIPAddress="198.51.100.23"),
            machine=(MINE, region(net=network(unknown={"nat": "denied"}, nat={}))),
        ),
        "denied",
    ),
    ("VPCE-11", see(created(who=KEY), past=past(asked=())), "not searched"),
    ("VPCE-12", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-12", see(created(), past=past(since=AT - timedelta(hours=5))), "only 0 days"),
    ("VPCE-13", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-14", see(created(), past=past()), "too few"),
    ("VPCE-16", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-16", see(created(), past=past(missing=(HOME,))), "not searched"),
    ("VPCE-20", see(created(f"com.amazonaws.{HOME}.ssm"), past=past(asked=())), "not searched"),
    ("VPCE-16", see(created(), past=past(cut=(HOME,)), region=region(instances=())), "all are by the same caller"),
    ("VPCE-20", see(created(f"com.amazonaws.{HOME}.ssm"), past=past(cut=(HOME,))), "only the newest"),
    (
        "VPCE-05",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(groups=("sg-1", "sg-theirs"))}))),
        "sg-theirs",
    ),
    (
        "VPCE-05",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="pl-0everything")),
        ),
        "prefix list",
    ),
    (
        "VPCE-08",
        see(
            created(who=SESSION, sourceIPAddress="10.0.1.17", vpcEndpointId="vpce-x"),
            machine=(MINE, region(net=network(endpoints={}, unknown={"endpoints": "denied"}))),
        ),
        "denied",
    ),
    (
        "VPCE-08",
        see(
            created(who=SESSION, sourceIPAddress="198.51.100.23"),
            machine=(replace(MINE, launched=AT + timedelta(hours=1)), region()),
        ),
        "stopped and started",
    ),
    ("VPCE-13", see(created(), past=past(since=AT - timedelta(minutes=5))), "not searched"),
    ("VPCE-16", see(created(), region=region(instances=(), unknown={"everything": "denied"})), "denied"),
    ("VPCE-24", see(created(), past=past(since=AT - timedelta(minutes=5))), "not searched"),
    ("VPCE-34", see(created(), region=region(net=network(unknown={"groups": "denied"}))), "denied"),
    ("VPCE-35", see(created(), region=region(net=network(unknown={"groups": "denied"}))), "denied"),
    ("VPCE-22", see(created(S3, request=GATEWAY), region=region(net=network(unknown={"tables": "denied"}))), "denied"),
    ("VPCE-23", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-24", see(created(), past=past(asked=())), "not searched"),
    ("VPCE-25", see(created()), "billed"),
    ("VPCE-26", see(created(), past=past(asked=())), "network activity"),
    ("VPCE-28", see(created(), region=region(net=network(endpoints={}, unknown={"endpoints": "denied"}))), "denied"),
    (
        "VPCE-32",
        see(created(rules=None, request={"ServiceName": None, "VpcEndpointType": "Resource"})),
        "does not name it",
    ),
    ("VPCE-34", see(created(), region=region(net=network(unknown={"encryption": "denied"}))), "denied"),
    (
        "VPCE-35",
        see(created(), region=region(net=network(unknown={"recorded": "denied"}, recorded=frozenset()))),
        "denied",
    ),
]


@pytest.mark.parametrize(("rule", "subject", "words"), UNREAD, ids=[f"{row[0]} {row[2]}" for row in UNREAD])
def test_what_was_not_looked_at_is_said(rule: str, subject: EventFacts, words: str) -> None:
    answers = [says(item, subject) for item in RULES if item.id == rule]
    assert isinstance(answers[0], Inconclusive)
    assert words in answers[0].why
    assert rule not in raised(subject)


def test_never_is_said_of_what_was_looked_at_alone() -> None:
    line = created(minutes=9000, eventID="theirs", who=ROLE)
    answered = Answered(AT - timedelta(days=30), frozenset({HOME}), frozenset({"ap-southeast-2"}))
    assessed = assess_signals(see(created(), past=EventIndex((line,), {"EventName=CreateVpcEndpoint": answered})))
    title = next(signal.title for signal in assessed.signals if signal.id == "VPCE-12")
    assert title == "Its creator never created an endpoint in the 30 days before, as far as 1 of 2 regions known"


def test_that_a_role_changed_nothing_is_not_said_where_its_other_sessions_are_not_known() -> None:
    role = {"EventName=CreateVpcEndpoint": Answered(AT - timedelta(days=30))}
    before = other("DescribeVpcs", minutes=9000, who=ROLE, readOnly=True)
    assessed = assess_signals(see(created(who=ROLE), past=EventIndex((before,), role)))
    assert "created an endpoint" in next(signal.title for signal in assessed.signals if signal.id == "VPCE-12")


def test_the_same_name_of_another_service_is_not_judged() -> None:
    assert created(FOREIGN, eventSource="es.amazonaws.com").request is None


def test_what_made_no_endpoint_is_judged_as_an_attempt_and_at_most_medium() -> None:
    assessed = assess_signals(see(created(FOREIGN, None, errorCode="Client.DryRunOperation")))
    assert assessed.severity.word == "medium"
    assert {"VPCE-01", "VPCE-19"} <= {signal.id for signal in assessed.signals}
    assert "VPCE-02" not in raised(see(created(S3, None, **REFUSED)))


def test_whether_the_endpoint_is_gone_is_known_only_where_it_was_looked_for() -> None:
    there = region(net=network(endpoints={"vpce-1": now()}))
    for here, gone in (
        (region(net=network(endpoints={})), True),
        (region(net=network(endpoints={"vpce-1": now(state="deleted")})), True),
        (there, False),
        (region(net=network(endpoints={}, unknown={"endpoints": "denied"})), False),
        (None, False),
    ):
        assert see(created(), region=here).endpoint_facts.gone is gone
