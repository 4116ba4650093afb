"""Severity, the team's context, and the first scenario."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Aws
from tests.rules import (
    AT,
    FOREIGN,
    HOME,
    OTHER_ACCOUNT,
    OWN,
    SESSION,
    created,
    make_instance,
    other,
    past,
    record,
    region,
)
from vpce_tui.aws.endpoint_services import service_short
from vpce_tui.cloudtrail.event import Event
from vpce_tui.cloudtrail.event import parse as parse_record
from vpce_tui.detection.assessment import AssessmentInputs, assess_event, assess_instances, whole_past
from vpce_tui.detection.context_proposal import as_toml, propose
from vpce_tui.detection.instance.related_events import about
from vpce_tui.detection.signals import Severity, Signal, combine_signals
from vpce_tui.detection.team_context import Context, ContextError, Suppression, parse
from vpce_tui.investigation.context_file import load, written


def signal(severity: Severity, *, mitigating: bool = False, category: str = "") -> Signal:
    return Signal("X", severity, "t", (), "w", "h", mitigating=mitigating, category=category)


@pytest.mark.parametrize(
    ("signals", "severity"),
    [
        ([], Severity.INFO),
        ([signal(Severity.HIGH)], Severity.HIGH),
        ([signal(Severity.MEDIUM)] * 3, Severity.HIGH),
        ([signal(Severity.MEDIUM)] * 2 + [signal(Severity.LOW)], Severity.MEDIUM),
        ([signal(Severity.MEDIUM, category="who")] * 3, Severity.MEDIUM),
        ([signal(Severity.MEDIUM, category="who")] * 3 + [signal(Severity.MEDIUM)] * 2, Severity.HIGH),
        ([signal(Severity.CRITICAL)] * 4, Severity.CRITICAL),
        ([signal(Severity.HIGH), signal(Severity.INFO, mitigating=True)], Severity.MEDIUM),
        ([signal(Severity.CRITICAL), signal(Severity.INFO, mitigating=True)], Severity.CRITICAL),
    ],
)
def test_the_worst_counts_three_agreeing_raise_and_a_mitigating_one_lowers(
    signals: list[Signal], severity: Severity
) -> None:
    assert combine_signals(signals).severity is severity


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("com.amazonaws.eu-west-1.s3", "s3"),
        ("com.amazonaws.us-east-1.ecr.api", "ecr.api"),
        ("com.amazonaws.vpce.eu-west-1.vpce-svc-0f3c9a1b2d4e5f607", "vpce-svc-0f3c9a1b2d4e5f607"),
        ("aws.api.x.y", "aws.api.x.y"),
        ("", ""),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert service_short(name) == short


# -- context


def test_context_is_read_and_wrong_context_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "context.toml"
    assert load(path) == Context()
    path.write_text('own_accounts = ["1"]\n[[pipelines]]\nprincipal = "a"\n')
    assert load(path).pipelines == (("a", "*"),)
    for text, words in (
        ("own_accounts = 5", "line 1, column 1: 'own_accounts' must be a list"),
        ("own_acounts = []", "own_acounts"),
        ("x = ", "context.toml"),
        ("[[pipelines]]\nuser_agent='x'", "principal"),
    ):
        path.write_text(text)
        with pytest.raises(ContextError, match=words):
            load(path)


# -- the scenario


def test_the_worst_comes_first_and_each_line_is_whole(aws: Aws) -> None:
    code, said = aws.run("events", "--json")
    assert code == 0, said
    events = [json.loads(line) for line in said.splitlines() if line.startswith('{"eventID"')]
    assert [item["eventID"] for item in events[:2]] == [aws.facts["event_exit"], aws.facts["event_s3"]], (
        "worst first, then newest"
    )
    now = datetime.now(UTC)
    assert all(now - timedelta(hours=25) < datetime.fromisoformat(item["eventTime"]) <= now for item in events)
    code, said = aws.run("instances", "--json")
    assert code == 0, said
    instances = [json.loads(line) for line in said.splitlines() if line.startswith('{"instanceId"')]
    assert instances[0]["instanceId"] == aws.victim
    assert {"instanceId", "awsRegion", "accountId", "name", "state", "severity", "signals"} <= set(instances[0])


def test_without_a_look_back_what_it_would_tell_is_said_to_be_unknown(aws: Aws) -> None:
    code, said = aws.run("events", "--json", "--lookback", "0s")
    assert code == 0, said
    first = next(json.loads(line) for line in said.splitlines() if line.startswith('{"eventID"'))
    assert "VPCE-24" not in {signal["id"] for signal in first["signals"]}
    assert any("VPCE-24" in why for why in first["unknown"])


def test_a_signal_is_shown_in_words_and_a_wrong_name_is_told(aws: Aws) -> None:
    code, said = aws.run("rules", "list")
    assert code == 0
    assert len(said.splitlines()) == 55
    code, said = aws.run("rules", "show", "vpce-08")
    assert code == 0
    assert "Harmless" not in said
    assert "false positives" in said
    assert aws.run("rules", "show", "VPCE-99")[0] == 2


# -- marks and learning


def test_a_mark_is_added_to_the_context_and_nothing_in_it_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "context.toml"
    context = written(path, "e-1", 'because "it" \n was\x1b[2J announced', date(2026, 2, 7), "alice")
    assert context.is_suppressed("e-1", datetime(2026, 2, 7, 23, tzinfo=UTC))
    assert not context.is_suppressed("e-1", datetime(2026, 2, 8, tzinfo=UTC))
    assert "\x1b" not in path.read_text()
    path.write_text('# ours\nown_accounts = ["1"]\n' + path.read_text())
    context = written(path, "e-2", "why", date(2026, 2, 7), "")
    assert path.read_text().startswith('# ours\nown_accounts = ["1"]\n')
    assert (len(context.suppressions), context.own_accounts) == (2, frozenset({"1"}))
    path.write_text("own_acounts = []")
    with pytest.raises(ContextError, match="own_acounts"):
        written(path, "e-3", "why", date(2026, 2, 7), "")
    assert path.read_text() == "own_acounts = []"
    path.write_bytes(b"# \xff")
    with pytest.raises(ContextError, match="Correct it"):
        written(path, "e-4", "why", date(2026, 2, 7), "")
    assert path.read_bytes() == b"# \xff"


def test_an_expected_event_counts_as_harmless_and_keeps_its_reasons() -> None:
    event = created(FOREIGN, None, who=SESSION)
    mark = Suppression(event.id, "a test", (AT + timedelta(days=2)).date())
    known = AssessmentInputs(context=Context(suppressions=(mark,)), now=AT)
    assert assess_event(event, known).assessment.severity is Severity.INFO
    assert assess_event(event, known).assessment.signals
    assert "a test" in assess_event(event, known).assessment.explained
    assert (
        assess_event(
            event, AssessmentInputs(context=Context(suppressions=(mark,)), now=AT + timedelta(days=3))
        ).assessment.severity
        is Severity.CRITICAL
    )


def test_a_context_is_proposed_from_history_and_never_from_the_last_days(aws: Aws) -> None:
    code, said = aws.run("context", "learn")
    assert code == 0, said
    text = said[said.index("# Proposed") :]
    context = parse(text, "the proposal")
    assert context.pipelines == ((f"arn:aws:sts::{aws.facts['account']}:assumed-role/ci-network/*", "*Terraform*"),)
    assert context.organizations == frozenset({"o-a1b2c3d4e5"})
    assert context.trusted_services == ()
    assert "vpce-svc" not in text, "what the intruder made yesterday is not learned"
    assert text.count("# seen: ") >= 4
    code, said = aws.run("context", "learn", "--since", "1d")
    assert (code, "last 2 days" in said) == (2, True)
    code, said = aws.run("context", "show")
    assert code == 0
    assert "no team context" in said, "nothing is kept by learning"


def test_hours_and_networks_are_learned_from_people_alone() -> None:
    days = [AT - timedelta(days=number) for number in range(3, 20)]
    console = {"userAgent": "Mozilla/5.0", "sourceIPAddress": "192.0.2.9"}
    events = [
        parse_record(
            {
                **record("CreateTags", **console),
                "eventTime": f"{day:%Y-%m-%d}T{hour:02}:30:00Z",
                "eventID": f"{day}{hour}",
            }
        )
        for day in days
        for hour in (9, 11, 16)
    ]
    events += [
        other("CreateTags", minutes=9000 + number, userAgent="Boto3/1", sourceIPAddress="198.51.100.9")
        for number in range(99)
    ]
    text = as_toml(propose(events, "1", (), ()), "1", AT, AT, "all")
    context = parse(text, "x")
    assert context.working_hours is not None
    assert (context.working_hours.begin.hour, context.working_hours.end.hour) == (9, 17)
    assert [str(net) for net in context.networks] == ["192.0.2.9/32"]
    assert propose([], "1", (), ()) == ()


def test_accounts_whose_principals_work_here_day_after_day_are_proposed_as_own_and_others_are_not() -> None:
    def by(account: str, *days: int) -> list[Event]:
        who = {"type": "AWSAccount", "principalId": f"AROA:{account}", "accountId": account}
        return [other("AssumeRole", "sts", day * 1440, who, eventID=f"{account}-{day}") for day in days]

    events = [
        *by("222222222222", 3, 4, 5),
        *by("333333333333", 3, 3, 4),
        *by(OWN, 3, 4, 5),
        *by("444444444444", 6, 7, 9),
    ]
    refused = {"type": "AWSAccount", "accountId": "555555555555"}
    events += [
        other("AssumeRole", "sts", day * 1440, refused, eventID=f"no{day}", errorCode="AccessDenied")
        for day in (3, 4, 5)
    ]
    found = propose(events, OWN, (), (), ("222222222222", "333333333333"))
    assert [item.toml for item in found] == [
        'own_accounts = ["222222222222"]',
        '# own_accounts = ["444444444444"]  # only where you know that they are yours',
    ]
    assert "ask whose it is" in found[0].evidence[0]
    assert parse(as_toml(found, OWN, AT, AT, "all"), "x").own_accounts == frozenset({"222222222222"})


@pytest.mark.parametrize(
    ("targets", "sent"),
    [
        ([{"key": "tag:app", "values": ["web", "api"]}], True),
        ([{"key": "tag:app", "values": ["web"]}, {"key": "tag:env", "values": ["prod"]}], True),
        (
            [{"key": "tag:app", "values": ["web"]}, {"key": "tag:env", "values": ["dev"]}],
            False,
        ),  # all of them must be so
        ([{"key": "tag-key", "values": ["app"]}], True),
        ([{"key": "tag-key", "values": ["other"]}], False),
        ([{"key": "InstanceIds", "values": ["i-0a1b2c3d4e5f60718"]}], True),
        ([{"key": "resource-groups:Name", "values": ["all"]}], None),
        ([7, {"key": 3}, {}], False),
    ],
)
def test_a_command_is_sent_to_the_machines_that_its_targets_mean(targets: Any, sent: bool | None) -> None:
    held = make_instance(tags={"app": "web", "env": "prod", "owner": "x"})
    elsewhere = make_instance(id="i-0other0000000001", region="us-east-1", tags=held.tags)
    call = other("SendCommand", "ssm", 30, SESSION, requestParameters={"targets": targets})
    theirs = other(
        "SendCommand",
        "ssm",
        30,
        SESSION,
        requestParameters={"targets": targets},
        recipientAccountId=OTHER_ACCOUNT,
        eventID="x",
    )
    regions = {HOME: region(instances=(held,)), "us-east-1": region(instances=(elsewhere,))}

    def found(*events: Event) -> dict[str, Any]:
        return {
            item.instance.id: item.assessment
            for item in assess_instances(AssessmentInputs(past(*events), regions, now=AT), [])
        }

    here = found(call)[held.id]
    assert ("INST-15" in {signal.id for signal in here.signals}) is bool(sent)
    assert ("INST-15" in {rule for rule, _ in here.unknown}) is (sent is None)
    assert "INST-15" not in {signal.id for signal in found(call)[elsewhere.id].signals}
    if targets[0] != {"key": "InstanceIds", "values": [held.id]}:
        assert "INST-15" not in {signal.id for signal in found(theirs)[held.id].signals}


def test_any_number_of_commands_by_tag_is_two_calls_a_maker_for_each_machine() -> None:
    sent = [
        other(
            "SendCommand",
            "ssm",
            number,
            SESSION,
            eventID=f"c{number}",
            requestParameters={"targets": [{"key": "tag:app", "values": ["web"]}]},
        )
        for number in range(500)
    ]
    held = [make_instance(id=f"i-{number:017x}", tags={"app": "web"}) for number in range(50)]
    found = about(past(*sent), held, AT)
    assert [len(calls["SendCommand"]) for calls in found.values()] == [2] * 50


@pytest.mark.parametrize(("given", "days"), [("0s", 0), ("400d", 90), ("12h", 0.5)])
def test_a_look_back_has_bounds(given: str, days: float) -> None:
    from vpce_tui.cli.commands.aws_access import lookback

    assert lookback(given, AT) == timedelta(days=days)


def test_a_look_back_into_the_future_is_a_wrong_command_line() -> None:
    from vpce_tui.cli.commands.aws_access import UsageError, lookback

    with pytest.raises(UsageError, match="in the past"):
        lookback("2099-01-01T00:00:00Z", AT)


def test_files_of_which_somebody_picked_one_kind_of_call_say_nothing_of_the_others() -> None:
    picked = [created(eventID=f"e{day}", minutes=1440 * day) for day in range(12)]
    assert whole_past(picked).knows("EventName=CreateVpcEndpoint", HOME) is not None
    assert whole_past(picked).knows("ReadOnly=false", HOME) is None
    assert whole_past([*picked, other("DescribeVpcs")]).knows("ReadOnly=false", HOME) is not None
    assessed = assess_event(picked[0], AssessmentInputs(whole_past(picked), now=AT)).assessment
    assert "VPCE-16" not in {signal.id for signal in assessed.signals}
    assert "VPCE-16" in {rule for rule, _ in assessed.unknown}


async def test_the_app_looks_back_as_far_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vpce_tui.cli.commands.app import build
    from vpce_tui.cli.main import parse as parse_arguments

    monkeypatch.setenv("VPCE_TUI_CONFIG", str(tmp_path))
    for given, days in ((["--lookback", "7d"], 7), ([], 30)):
        found = build(parse_arguments(given)).workspace.look_back
        assert round(found.total_seconds() / 86_400) == days


def test_an_opening_by_id_waits_until_all_that_was_found_is_judged(tmp_path: Path) -> None:
    """Between the end of a search and its assessment nothing may be taken for not found."""
    from vpce_tui.investigation.workspace import Workspace

    (tmp_path / "a.json").write_text(json.dumps({"Records": [record("CreateVpcEndpoint")]}))
    work = Workspace(lambda: (None, None), lambda: AT, Context(), read_only=True, log_files=tmp_path)
    work.start()
    while work.fetched_at is None:
        work.deliver()
    assert (work.settled, work.assessed) == (False, [])
    while not work.settled:
        work.deliver()
    assert len(work.assessed) == 1


def test_the_last_mark_about_an_event_counts() -> None:
    until = (AT + timedelta(days=3)).date()
    marked = Suppression("e", "a test", until)
    back = Suppression("e", "taken back", (AT - timedelta(days=1)).date())
    assert Context(suppressions=(marked,)).is_suppressed("e", AT) == marked
    assert Context(suppressions=(marked, back)).is_suppressed("e", AT) is None
    assert Context(suppressions=(marked, back, marked)).is_suppressed("e", AT) == marked
    assert Context(suppressions=(marked, Suppression("other", "x", back.until))).is_suppressed("e", AT) == marked


def test_a_first_shell_of_long_ago_is_no_reason_today() -> None:
    def raised(minutes: float) -> set[str]:
        opened = other("StartSession", "ssm", minutes, requestParameters={"target": make_instance().id})
        known = AssessmentInputs(past(opened), {HOME: region()}, now=AT)
        return {signal.id for item in assess_instances(known, []) for signal in item.assessment.signals}

    assert "INST-15" in raised(3 * 1440)
    assert "INST-15" not in raised(16 * 1440)


def test_the_lab_keeps_marks_in_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vpce_tui.cli.commands.app import build
    from vpce_tui.cli.main import parse as parse_arguments

    monkeypatch.setenv("VPCE_TUI_CONFIG", str(tmp_path / "mine"))
    monkeypatch.setenv("VPCE_TUI_CACHE", str(tmp_path / "scratch"))
    app = build(parse_arguments([]), lab=(7, "false-alarm"))
    client, told = app.workspace._connect()
    kept = load(app.workspace.context_file)
    assert (kept.trusted_services, kept.pipelines) == (told.trusted_services, told.pipelines) != ((), ())
    assert app.workspace.context_file.parent == tmp_path / "scratch"
    assert not (tmp_path / "mine").exists()
    client.close() if hasattr(client, "close") else None


def test_what_happened_near_a_machine_is_no_attack_on_it() -> None:
    gone = other(
        "DeleteFlowLogs", minutes=30, requestParameters={"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1"}}}
    )
    near_it = replace(region(), network=replace(region().network, recorded=frozenset()))
    found = assess_instances(AssessmentInputs(past(gone), {HOME: near_it}, now=AT), [])[0]
    assert ("INST-18" in {signal.id for signal in found.assessment.signals}, found.status) == (True, "exposed")
    shell = other("SendCommand", "ssm", 30, SESSION, requestParameters={"instanceIds": [make_instance().id]})
    assert assess_instances(AssessmentInputs(past(shell), {HOME: region()}, now=AT), [])[0].status == "compromised"
