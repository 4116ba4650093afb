"""Each rule about an instance: what raises it, the near miss that does not, and an instance of which nothing is known."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.rule_cases import instance_activity, instance_exposure
from tests.rule_cases.instance_parts import (
    BESIDE,
    HARMLESS,
    PUBLIC,
    YOUNG,
    about,
    bounded,
    finding,
    roles,
    subject,
    used,
)
from tests.rules import (
    AT,
    HOME,
    INSTANCE_ID,
    LONG_AGO,
    OWN,
    make_instance,
    network,
    other,
    past,
    region,
)
from vpce_tui.cloudtrail.event_index import Answered, EventIndex
from vpce_tui.detection.instance import RULES, assess_instance
from vpce_tui.detection.instance.instance_facts import InstanceFacts
from vpce_tui.detection.instance.related_events import UNREAD_TARGETS
from vpce_tui.detection.rule import Inconclusive, Match
from vpce_tui.iam.powerful_actions import DESCRIBED
from vpce_tui.iam.role_privileges import IamRole, IamRoles, privileges_of
from vpce_tui.inventory.resources import Instance

TABLE: list[tuple[str, str, InstanceFacts, str | None]] = [
    *instance_exposure.CASES,
    *instance_activity.CASES,
]


def raised(item: InstanceFacts) -> dict[str, str]:
    return {signal.id: signal.severity.word for signal in assess_instance(item).signals}


@pytest.mark.parametrize(("rule", "what", "item", "severity"), TABLE, ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_a_rule_about_an_instance(rule: str, what: str, item: InstanceFacts, severity: str | None) -> None:
    assert raised(item).get(rule) == severity


BARE = Instance(id=INSTANCE_ID, region=HOME, account=OWN, state="running")


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_each_rule_has_a_raiser_and_a_near_miss_and_is_silent_where_nothing_is_known(rule: Any) -> None:
    rows = [severity for identifier, _, _, severity in TABLE if identifier == rule.id]
    assert any(rows), "a raiser"
    assert None in rows, "a near miss"
    for before in (past(asked=()), past()):
        assert not isinstance(
            rule.check(InstanceFacts(BARE, region(net=network(groups={}, nat={}), instances=(BARE,)), before)), Match
        )


def test_the_defaults_of_the_table_raise_nothing_at_all() -> None:
    assessed = assess_instance(subject())
    assert (assessed.signals, assessed.unknown) == ((), ())


UNREAD = [
    ("INST-01", subject(unknown={"GuardDuty findings": "denied"}), "denied"),
    ("INST-02", subject(past=past(asked=())), "not all"),
    (
        "INST-02",
        subject(
            past=EventIndex(
                (), {f"Username={INSTANCE_ID}": Answered(LONG_AGO, frozenset({HOME}), frozenset({"us-east-1"}))}
            )
        ),
        "not all",
    ),
    ("INST-02", subject(by_role=(used("198.51.100.23"),), unknown={"NAT gateways": "denied"}), "NAT"),
    ("INST-05", subject(PUBLIC, unknown={"security groups": "denied"}), "denied"),
    ("INST-07", subject(roles=None), "not read"),
    ("INST-07", subject(roles=IamRoles(problem="denied")), "denied"),
    ("INST-07", subject(roles=IamRoles()), "no role of this account"),
    ("INST-07", subject(roles=bounded("", "{")), "boundary edge could not be read"),
    (
        "INST-07",
        subject(roles=IamRoles({"web": replace(HARMLESS.by_name["web"], trust="{")}, HARMLESS.by_profile)),
        "who may assume its role",
    ),
    ("INST-17", subject(past=past(missing=("us-east-1",))), "not searched"),
    ("INST-17", subject(past=past(asked=("EventName=ModifySnapshotAttribute",))), "not searched"),
    ("INST-15", subject(about={UNREAD_TARGETS: (other("SendCommand", "ssm", 5),)}), "cannot be evaluated"),
    (
        "INST-07",
        subject(roles=roles("ec2:*", Condition={"StringEquals": {"aws:PrincipalTag/may": "x"}})),
        "may limit it",
    ),
    ("INST-10", subject(images={}), "no longer visible"),
    ("INST-16", subject(past=past(asked=())), "not searched"),
    ("INST-17", subject(past=past(asked=())), "not searched"),
    ("INST-18", subject(past=past(asked=())), "not searched"),
    ("INST-08", subject(past=past(asked=())), "not searched"),
    ("INST-09", subject(YOUNG, past=past(asked=())), "not searched"),
    ("INST-10", subject(unknown={"AMIs": "denied"}), "denied"),
    ("INST-12", subject(unknown={"volumes": "denied"}), "denied"),
    ("INST-13", subject(traffic=None), "billed"),
    ("INST-14", subject(traffic=None, near=(BESIDE,)), "billed"),
    ("INST-15", subject(past=past(asked=())), "not searched"),
    (
        "INST-15",
        subject(about=about(other("StartSession", "ssm", 30)), past=past(since=AT - timedelta(hours=5))),
        "too little",
    ),
    ("INST-17", subject(unknown={"snapshots": "denied"}), "denied"),
    ("INST-19", subject(unknown={"traffic mirroring": "denied"}), "denied"),
    ("INST-19", subject(unknown={"everything": "denied"}), "denied"),
]


@pytest.mark.parametrize(("rule", "item", "words"), UNREAD, ids=[f"{row[0]} {row[2]}" for row in UNREAD])
def test_what_was_not_looked_at_is_said(rule: str, item: InstanceFacts, words: str) -> None:
    answers = [one.check(item) for one in RULES if one.id == rule]
    assert isinstance(answers[0], Inconclusive)
    assert words in answers[0].why
    assert rule not in raised(item)


def test_of_one_that_is_gone_only_what_outlives_it_is_said() -> None:
    gone = make_instance(state="terminated", http_tokens="optional", public_ip="203.0.113.50")
    assert set(raised(subject(gone, findings=(finding(8),), by_role=(used("198.51.100.23"),)))) == {
        "INST-01",
        "INST-02",
    }


@pytest.mark.parametrize(
    ("actions", "more", "may"),
    [
        (["iam:CreateUser"], {}, ["iam:CreateUser"]),
        (["IAM:createuser"], {}, ["iam:CreateUser"]),
        (["ec2:Create*"], {}, ["ec2:CreateVpcEndpoint"]),
        (["ec2:CreateTags"], {}, []),
        (["sts:AssumeRole"], {"resource": f"arn:aws:iam::{OWN}:role/one"}, []),
        (["sts:AssumeRole"], {"resource": f"arn:aws:iam::{OWN}:role/*"}, ["sts:AssumeRole"]),
    ],
)
def test_what_a_role_may_do(actions: list[str], more: dict[str, Any], may: list[str]) -> None:
    held = roles(*actions, **more)
    assert [action for action, _, _ in privileges_of(held.by_name["web"]).may] == may


def test_all_but_some_actions_is_nearly_everything_and_a_deny_takes_away() -> None:
    text = '{"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}]}'
    found = {action for action, _, _ in privileges_of(IamRole(name="x", arn="", trust="", policies=(("p", text),))).may}
    assert found == {action for action, _ in DESCRIBED if not action.startswith(("iam:", "ec2:"))}


def test_a_policy_that_cannot_be_read_is_a_doubt_and_not_a_weak_role() -> None:
    assert privileges_of(IamRole(name="x", arn="", trust="", policies=(("p", "{"), ("managed", "")))).doubts
