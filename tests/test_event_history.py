"""Event history is asked no more than is needed, and what is answered from memory is what AWS would have answered."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import HOME, Aws
from vpce_tui.aws import pacing
from vpce_tui.aws.call import Answer, Call, Identity
from vpce_tui.aws.client import Cancel
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.event_history import SAMPLE, EventHistory
from vpce_tui.cloudtrail.lookup import A_MOMENT, ANY, LookupQuery, look_up
from vpce_tui.core.coverage import Part, Status
from vpce_tui.core.spans import missing
from vpce_tui.lab.layers import event_history as lab

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
MONTH = timedelta(days=30)


class Account:
    """An account with these records, asked as the lab asks its own: pages of 50, attributes, time; every request counted."""

    home_region, access_key, read_only = HOME, "AKIA", True

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.store = lab.Store()
        for record in records:
            self.store.add(record)
        self.asked: list[dict[str, Any]] = []

    def identity(self) -> Identity:
        return Identity(account="123456789012", arn="arn:aws:iam::123456789012:user/ann", user_id="AIDA")

    def pages(self, call: Call, *, cancel: Cancel | None = None) -> Iterator[Answer]:
        token: str | None = None
        while True:
            if cancel:
                cancel.check()
            parameters = {**call.parameters, **({"NextToken": token} if token else {})}
            self.asked.append(parameters)
            data = json.loads(lab.look_up(self.store.newest_first(HOME), parameters, NOW + timedelta(days=1)))
            yield Answer(data=data, request_id="", aws_time=None, seconds=0.0)
            token = data.get("NextToken")
            if not token:
                return


def record(number: int, at: datetime) -> dict[str, Any]:
    return {
        "eventID": f"id-{number}",
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventName": f"Name{number % 60}",
        "eventSource": f"service{number % 7}.amazonaws.com",
        "awsRegion": HOME,
        "recipientAccountId": "123456789012",
        "readOnly": number % 3 != 0,
        "userIdentity": {"type": "IAMUser", "userName": f"user{number % 11}", "accessKeyId": f"AKIA{number % 5}"},
        "requestParameters": {"instanceId": f"i-{number % 13}"},
    }


def spread(count: int, *, burst: int = 0) -> Account:
    """Events evenly over a month, and a burst in the last minutes."""
    even = [record(at, NOW - MONTH * (at + 1) / (count + 1)) for at in range(count)]
    return Account([*even, *(record(count + at, NOW - timedelta(seconds=5 + at)) for at in range(burst))])


def questions(number: int = 40) -> list[LookupQuery]:
    begin = NOW - MONTH
    found = [LookupQuery(begin, NOW, f"Name{at}") for at in range(number - 5)]
    found += [LookupQuery(since=begin, until=NOW, value=f"user{at}", attribute="Username") for at in range(2)]
    found += [
        LookupQuery(since=begin, until=NOW, value="AKIA1", attribute="AccessKeyId"),
        LookupQuery(since=begin, until=NOW, value="i-3", attribute="ResourceName"),
    ]
    return [*found, LookupQuery(since=begin, until=NOW, value="false", attribute="ReadOnly", pages=1)]


def answers(account: Account, asked: list[LookupQuery], history: EventHistory | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def take(query: LookupQuery, events: Any, part: Part) -> None:
        assert part.status is Status.LOOKED
        found[query.key] = (sorted({event.id for event in events}), part.note)

    (history or EventHistory(account)).ask_all(HOME, asked, on_answer=take)
    return found


def one_by_one(account: Account, asked: list[LookupQuery]) -> dict[str, Any]:
    """What AWS answers to each question by itself."""
    found = {}
    for query in asked:
        pages = list(look_up(account, HOME, query))
        ids = sorted({item.event.id for page in pages for item in page.events})
        found[query.key] = (ids, SAMPLE if query.pages and pages[-1].more else "")
    return found


@pytest.mark.parametrize(("count", "burst"), [(0, 0), (30, 0), (300, 0), (300, 200), (3000, 0), (40, 2000)])
def test_many_questions_are_answered_as_each_by_itself_with_fewer_requests(count: int, burst: int) -> None:
    account, asked = spread(count, burst=burst), questions()
    wanted = one_by_one(account, asked)
    alone, account.asked = len(account.asked), []
    assert answers(account, asked) == wanted
    assert len(account.asked) <= alone + len(asked) // 4, "at the worst a quarter of the questions more"
    if count + burst <= 1000:
        assert len(account.asked) <= 1 + (count + burst) // 50 + 2


def test_an_account_that_is_busy_all_the_time_is_asked_two_requests_too_many() -> None:
    account, asked = spread(5_000), questions()
    alone = 0
    for query in asked:
        alone += len(list(look_up(account, HOME, query)))
    account.asked = []
    answers(account, asked)
    assert len(account.asked) <= alone + 2


def test_a_second_run_asks_for_the_newest_half_hour_alone() -> None:
    account, asked = spread(400, burst=30), questions()
    cache = EventCache()
    first = answers(account, asked, EventHistory(account, cache))
    account.asked = []
    later = [
        LookupQuery(
            since=q.since, until=NOW + timedelta(minutes=5), value=q.value, attribute=q.attribute, pages=q.pages
        )
        for q in asked
    ]
    assert answers(account, later, EventHistory(account, cache)) == first
    assert len(account.asked) <= 3
    new = [item for item in account.asked if not item.get("LookupAttributes")]
    assert new


def test_what_came_late_is_found_by_a_later_run() -> None:
    """An event that arrives after it was asked for: within the half hour that is not final yet."""
    account, asked, cache = spread(100), questions(), EventCache()
    answers(account, asked, EventHistory(account, cache))
    fetched = datetime.now(UTC)
    assert fetched > NOW, "what was asked until then is final by now"
    late = record(777, NOW + timedelta(minutes=1))
    account.store.add(late)
    later = LookupQuery(NOW - MONTH, NOW + timedelta(minutes=10), "Name57")
    found, _ = EventHistory(account, cache).ask(HOME, later)
    assert "id-777" in {event.id for event in found}


def test_the_tail_of_what_was_just_asked_is_not_final() -> None:
    cache, now = EventCache(), datetime.now(UTC)
    query = LookupQuery(now - MONTH, now)
    cache.keep_span("1", HOME, query.key, (query.since, query.until), now)
    assert missing((query.since, now), cache.complete_spans("1", HOME, query)) == [], "the same run"
    later = LookupQuery(query.since, now + timedelta(minutes=2))
    ((since, until),) = missing((later.since, later.until), cache.complete_spans("1", HOME, later))
    assert (until, now - since >= timedelta(minutes=29)) == (later.until, True)


def test_spans_that_leave_a_gap_are_not_one() -> None:
    cache, now = EventCache(), NOW
    fetched = now + timedelta(days=1)
    key = "EventName=x"

    def known(since: int, until: int) -> list[Any]:
        query = LookupQuery(now - timedelta(hours=since), now - timedelta(hours=until), "x")
        return missing((query.since, query.until), cache.complete_spans("1", HOME, query))

    cache.keep_span("1", HOME, key, (now - timedelta(hours=100), now - timedelta(hours=50)), fetched)
    cache.keep_span("1", HOME, key, (now - timedelta(hours=20), now - timedelta(hours=10)), fetched)
    assert known(100, 10), "fifty to twenty hours ago nobody asked"
    cache.keep_span("1", HOME, key, (now - timedelta(hours=90), now), fetched)
    assert known(90, 0) == []


@given(
    st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted), max_size=6),
)
def test_what_is_missing_of_a_span_is_all_that_no_other_holds(wanted: list[int], known: list[list[int]]) -> None:
    def at(number: int) -> datetime:
        return NOW + timedelta(minutes=number)

    found = missing((at(wanted[0]), at(wanted[1])), [(at(a), at(b)) for a, b in known])
    for minute in range(51):
        inside = wanted[0] <= minute < wanted[1]
        held = any(a <= minute < b for a, b in known)
        assert any(since <= at(minute) < until for since, until in found) == (inside and not held)


def test_a_region_that_is_denied_is_asked_once_or_twice_and_not_for_each_question() -> None:
    from vpce_tui.aws.errors import AwsError, ErrorKind

    account = spread(10)
    tried = []

    def denied(call: Call, **_: Any) -> Iterator[Answer]:
        tried.append(call)
        raise AwsError(
            call_name=call.name, region=HOME, code="AccessDeniedException", message="no", kind=ErrorKind.DENIED
        )

    account.pages = denied  # type: ignore[method-assign]
    parts: list[Part] = []
    EventHistory(account).ask_all(HOME, questions(), on_answer=lambda _, __, part: parts.append(part))
    assert len(tried) <= 2
    assert [part.status for part in parts] == [Status.DENIED] * 40


def test_a_cache_that_breaks_forgets_what_it_said_it_knew(tmp_path: Any) -> None:
    """What a broken file cannot give must not be taken for what is not there."""
    account, query = spread(200), LookupQuery(NOW - MONTH, NOW, ANY)
    cache = EventCache(tmp_path / "cache")
    first, _ = EventHistory(account, cache).ask(HOME, query)
    cache._db.execute("DROP TABLE events")
    again, part = EventHistory(account, cache).ask(HOME, query)
    assert part.status is Status.LOOKED
    again, _ = EventHistory(account, cache).ask(HOME, query)
    assert {event.id for event in again} == {event.id for event in first}


# -- one token a request, for everything in this process


def test_each_request_takes_one_token_and_no_page_that_is_not_asked_for(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    monkeypatch.setattr(pacing.TokenBucket, "take", lambda _: taken.append(1) or 0.0)
    session = aws.session()
    for name in ("CreateUser", "RunInstances", "CreateVpcEndpoint"):
        list(look_up(session, HOME, LookupQuery(NOW - MONTH, datetime.now(UTC), name)))
    list(look_up(session, HOME, LookupQuery(NOW - MONTH, datetime.now(UTC), ANY)))
    asked = [item for item in aws.handled() if item["operation"] == "LookupEvents"]
    assert len(taken) == len(asked) > 5


def test_every_session_of_an_account_shares_what_aws_allows_it(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[Any] = []
    bucket = pacing.Pacer.bucket
    monkeypatch.setattr(pacing.Pacer, "bucket", lambda self, key, rate: keys.append(key) or bucket(self, key, rate))
    query = LookupQuery(NOW - MONTH, datetime.now(UTC))
    for session in (aws.session(), aws.session()):
        session.identity()
        list(look_up(session, HOME, query))
        list(look_up(session, "us-east-1", query))
    assert len(keys) == 4
    assert len(set(keys)) == 2


def test_what_a_plan_looks_up_is_paced_too(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    from vpce_tui.plans.planner import plan_playbook
    from vpce_tui.playbooks.library import load

    taken: list[Any] = []
    monkeypatch.setattr(pacing.TokenBucket, "take", lambda _: taken.append(1) or 0.0)
    session = aws.session()
    plan_playbook(session, load("revoke-credentials"), "role/web-app", HOME, datetime.now(UTC), {}, "", None)
    asked = [item for item in aws.handled() if item["operation"] == "LookupEvents"]
    assert len(taken) == len(asked) > 3


def test_a_plan_asks_nothing_that_an_earlier_one_or_a_search_has_asked(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vpce_tui.plans.planner import plan_playbook
    from vpce_tui.playbooks.library import load

    monkeypatch.setattr(pacing.TokenBucket, "take", lambda _: 0.0)
    session, known = aws.session(), EventHistory(aws.session())

    def plan() -> tuple[str, int]:
        before = len(aws.handled())
        made = plan_playbook(
            session, load("revoke-credentials"), "role/web-app", HOME, NOW, {}, "", None, history=known
        )
        return made.sha256, sum(item["operation"] == "LookupEvents" for item in aws.handled()[before:])

    first, asked = plan()
    second, again = plan()
    assert asked > 17
    assert again == 0
    assert first == second


def test_a_search_asks_again_and_a_plan_not_within_a_moment() -> None:
    account, query = spread(40), LookupQuery(NOW - timedelta(days=1), NOW, "x", "Username", pages=20)
    cache = EventCache()
    history = EventHistory(account, cache)
    history.ask(HOME, query)
    asked = len(account.asked)
    later = replace(query, until=NOW + timedelta(seconds=10))
    history.ask(HOME, replace(later, may_be_old=A_MOMENT))
    assert len(account.asked) == asked, "a plan, a moment later"
    history.ask(HOME, later)
    assert len(account.asked) == asked + 1, "a search"
    much_later = replace(query, until=NOW + timedelta(seconds=40), may_be_old=A_MOMENT)
    history.ask(HOME, much_later)
    assert len(account.asked) == asked + 2, "a plan, some time later"


def test_what_was_fetched_long_ago_is_not_of_a_moment_ago() -> None:
    cache, query = EventCache(), LookupQuery(NOW - timedelta(days=1), NOW, "x", "Username", may_be_old=A_MOMENT)
    cache.keep_span("1", HOME, query.key, (query.since, NOW), datetime.now(UTC) - timedelta(minutes=2))
    later = replace(query, until=NOW + timedelta(seconds=10))
    assert missing((later.since, later.until), cache.complete_spans("1", HOME, later)) != []
