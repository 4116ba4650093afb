"""Going on from an event: who else, from where, and back along a chain of roles to whoever began it."""

from typing import Any

import pytest

from tests.rules import AT, BOB, INSTANCE_ID, OTHER_ACCOUNT, OWN, SESSION, created, other, past
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event_history import SAMPLE
from vpce_tui.cloudtrail.event_index import EventIndex
from vpce_tui.cloudtrail.lookup import LookupQuery
from vpce_tui.core.coverage import Part, Status
from vpce_tui.detection.attack_path import attack_path
from vpce_tui.detection.pivot import Relation, chain, related, relations
from vpce_tui.detection.signals import Assessment, Severity
from vpce_tui.investigation.lookback import LookbackQuery, answered_by, asks, coverage_of


def session(key: str, role: str = "ci") -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{OWN}:assumed-role/{role}/x",
        "accountId": OWN,
        "accessKeyId": key,
        "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{OWN}:role/{role}", "userName": role}},
    }


def hands_out(key: str, who: Any, name: str = "AssumeRole", **more: Any) -> Event:
    return other(
        name, "sts", who=who, eventID=f"{name}-{key}", responseElements={"credentials": {"accessKeyId": key}}, **more
    )


def who_stands_behind(event: Event, *others: Event) -> list[str]:
    return [link.who for link in chain(event, past(event, *others))]


def test_a_chain_of_roles_is_followed_to_the_human() -> None:
    made = created(who=session("ASIA2", "net"))
    steps = [hands_out("ASIA2", session("ASIA1", "ci")), hands_out("ASIA1", BOB)]
    assert who_stands_behind(made, *steps) == [f"arn:aws:sts::{OWN}:assumed-role/ci/x", BOB["arn"]]


def test_across_accounts_the_callers_own_record_goes_on() -> None:
    made = created(who=session("ASIA2"))
    theirs = {"type": "AWSAccount", "accountId": OTHER_ACCOUNT, "principalId": "AROA:x"}
    here = hands_out("ASIA2", theirs, sharedEventID="s-1")
    assert who_stands_behind(made, here) == [f"account {OTHER_ACCOUNT}"]
    there = hands_out(
        "ASIA2",
        {**session("ASIA9", "etl"), "accountId": OTHER_ACCOUNT},
        sharedEventID="s-1",
        recipientAccountId=OTHER_ACCOUNT,
    )
    begun = hands_out("ASIA9", {**BOB, "accountId": OTHER_ACCOUNT}, "AssumeRoleWithSAML")
    assert who_stands_behind(made, here, there, begun)[-1] == BOB["arn"]


def test_a_machines_session_ends_at_the_machine_and_a_broken_chain_says_where() -> None:
    assert who_stands_behind(created(who=SESSION)) == ["EC2"]
    (link,) = chain(created(who=session("ASIA2")), past())
    assert (link.who, link.event) == ("unknown", None)
    assert "ASIA2" in link.how
    assert chain(created(), past()) == []


def test_a_chain_that_bites_its_tail_ends() -> None:
    made = created(who=session("ASIA1"))
    assert len(who_stands_behind(made, hands_out("ASIA1", session("ASIA2")), hands_out("ASIA2", session("ASIA1")))) == 2


def test_a_session_that_was_refused_handed_out_nothing() -> None:
    made = created(who=session("ASIA1"))
    assert who_stands_behind(made, hands_out("ASIA1", BOB, errorCode="AccessDenied")) == ["unknown"]


def test_every_relation_of_an_event_holds_the_event_itself() -> None:
    event = created(who=SESSION, sourceIPAddress="198.51.100.23", vpcEndpointId="vpce-2", sharedEventID="s-1")
    found = relations(event)
    assert [relation.name for relation in found] == [
        "key",
        "principal",
        "address",
        "instance",
        "endpoint",
        "VPC",
        "endpoint",
        "shared call",
    ]
    strange = other("DescribeVpcs", who=BOB, sourceIPAddress="192.0.2.99")
    known = past(event, strange)
    for relation in found:
        assert event in related(known, relation)
        assert strange not in related(known, relation)


def test_a_machine_is_found_where_it_is_only_named() -> None:
    named = other("StartSession", "ssm", requestParameters={"target": INSTANCE_ID})
    longer = other("StartSession", "ssm", requestParameters={"target": f"{INSTANCE_ID}0"}, eventID="longer")
    assert related(past(named, longer), Relation("instance", INSTANCE_ID)) == [named]


@pytest.mark.parametrize(
    ("relation", "question"),
    [
        (Relation("key", "AKIA1"), "AccessKeyId=AKIA1"),
        (Relation("instance", INSTANCE_ID), f"ResourceName={INSTANCE_ID}"),
        (Relation("principal", f"arn:aws:iam::{OWN}:user/bob"), "Username=bob"),
        (Relation("principal", f"arn:aws:iam::{OWN}:role/ci"), ""),
        (Relation("address", "192.0.2.1"), ""),
    ],
)
def test_what_history_can_be_asked(relation: Relation, question: str) -> None:
    assert relation.question == question


# -- what is asked, and what was answered


def test_what_is_asked_covers_keys_makers_endpoints_and_machines_each_once() -> None:
    from tests.rules import make_instance

    events = [created(who=SESSION), created(who=SESSION, eventID="again"), created(who=BOB, eventID="bob")]
    wanted = asks(events, [make_instance()], [INSTANCE_ID], ["eu-west-1", "eu-west-3"], AT)
    keys = [item.query.key for item in wanted]
    assert len(keys) == len(set(keys))
    assert {
        "AccessKeyId=ASIAWEB",
        "AccessKeyId=ASIABOB",
        "ResourceName=vpce-1",
        "Username=bob",
        f"Username={INSTANCE_ID}",
        "EventName=CreateVpcEndpoint",
    } <= set(keys)
    by_key = {item.query.key: item for item in wanted}
    assert by_key["AccessKeyId=ASIAWEB"].regions == ("eu-west-1", "eu-west-3", "us-east-1")
    assert by_key["EventName=CreateUser"].regions == ("us-east-1",)
    assert asks([], [], [], ["eu-west-1"], AT)[0].query.key == "EventName=CreateVpcEndpoint"


def test_a_question_that_a_region_did_not_answer_is_not_known_there_nor_everywhere() -> None:
    ask = LookbackQuery(LookupQuery(AT, AT, "x"), ("eu-west-1", "eu-west-3"), "why")
    ended = {
        "EventName=x": {
            "eu-west-1": Part("eu-west-1", Status.LOOKED),
            "eu-west-3": Part("eu-west-3", Status.DENIED, "denied"),
        }
    }
    known = EventIndex((), answered_by([ask], ended))
    assert known.knows("EventName=x", "eu-west-1") is not None
    assert known.knows("EventName=x", "eu-west-3") is None
    assert known.knows("EventName=x", "eu-west-9") is None
    assert known.knows("EventName=x") is None
    (part,) = coverage_of([ask], ended).parts
    assert (part.status, "eu-west-3: denied" in part.reason) == (Status.PARTIAL, True)
    assert coverage_of([ask], {}).running


def test_a_sample_is_known_to_be_one() -> None:
    ask = LookbackQuery(
        LookupQuery(since=AT, until=AT, value="false", attribute="ReadOnly", pages=1), ("eu-west-1",), "why"
    )
    known = answered_by([ask], {"ReadOnly=false": {"eu-west-1": Part("eu-west-1", Status.LOOKED, note=SAMPLE)}})
    assert known["ReadOnly=false"].cut == {"eu-west-1"}


def test_the_path_of_an_event_about_which_nothing_is_known() -> None:
    event = created(who=None, answer=False)
    nodes = list(attack_path(event, Assessment(Severity.INFO), EventIndex(), None, None, None, None))
    assert nodes[0].text == "unknown"
    assert nodes[-1].text.startswith("leads to")


def test_the_path_names_what_else_the_session_did_each_kind_once() -> None:
    event = created(who=SESSION)
    first = other("CreateUser", "iam", 9, SESSION, eventID="u-1")
    known = past(
        event,
        first,
        other("CreateUser", "iam", 8, SESSION),
        other("RunInstances", "ec2", 7, SESSION, errorCode="AccessDenied"),
    )
    nodes = [
        node
        for node in attack_path(event, Assessment(Severity.INFO), known, None, None, None, None)
        if "also" in node.text
    ]
    assert [(node.text, node.event) for node in nodes[:1]] == [("also: user created", first.id)]
    assert [node.text for node in nodes[1:]] == ["also: 1 call refused"]


class Listening(EventIndex):
    """A past that knows nothing, and remembers what it was asked."""

    def knows(self, question: str, region: str = "", *, since: object = None) -> None:
        heard.add((question, region))


heard: set[tuple[str, str]] = set()
NEVER = ("EventName=DescribeInstanceAttribute", "eu-west-1")
"""Too frequent to be asked for: of those that are found otherwise it is said that what is usual cannot be told."""


def test_every_question_whose_answer_a_rule_rests_on_is_asked_in_the_regions_it_speaks_of() -> None:
    from dataclasses import replace

    from tests.rules import make_instance, says
    from tests.test_endpoint_rules import TABLE
    from tests.test_instance_rules import TABLE as OF_INSTANCES
    from vpce_tui.detection.endpoint import RULES
    from vpce_tui.detection.instance import RULES as INSTANCE_RULES

    for _, what, subject, _ in TABLE:
        heard.clear()
        for rule in RULES:
            before = Listening(subject.past.events)
            whole = replace(
                subject,
                past=before,
                caller_facts=replace(subject.caller_facts, past=before),
                endpoint_facts=replace(subject.endpoint_facts, past=before),
            )
            says(rule, whole)
        asked = {
            item.query.key: item.regions
            for item in asks([subject.event], [make_instance()], [], ["eu-west-1", "eu-west-3"], AT)
        }
        for question, region in heard:
            assert question in asked, f"{what}: {question} is never asked"
            assert not region or region in asked[question], f"{what}: {question} is not asked in {region}"
    for _, what, subject, _ in OF_INSTANCES:
        heard.clear()
        for rule in INSTANCE_RULES:
            rule.check(replace(subject, past=Listening(subject.past.events)))
        asked = {item.query.key: item.regions for item in asks([created()], [make_instance()], [], ["eu-west-1"], AT)}
        for question, region in heard - {NEVER}:
            assert question in asked, f"{what}: {question} is never asked"
            assert not region or region in asked[question], f"{what}: {question} is not asked in {region}"


def test_a_flood_of_attempts_does_not_starve_the_questions_about_what_was_made() -> None:
    flood = [
        created(
            minutes=number / 100,
            who=session(f"ASIA{number}"),
            eventID=f"no-{number}",
            errorCode="Client.UnauthorizedOperation",
        )
        for number in range(1_000)
    ]
    made = created(minutes=30, who=BOB)
    wanted = [item.query.key for item in asks([*flood, made], [], [], ["eu-west-1"], AT)]
    assert wanted[0] == "AccessKeyId=ASIABOB"
    assert len(wanted) < 200
