"""Severity, the team's context, and the first story."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Aws
from vpce_tui.signals.context import Context, ContextError, load
from vpce_tui.signals.endpoint.subject import service_short
from vpce_tui.signals.model import Severity, Signal, judge


def signal(severity: Severity, *, lowers: bool = False, family: str = "") -> Signal:
    return Signal("X", severity, "t", (), "w", "h", lowers=lowers, family=family)


@pytest.mark.parametrize(
    ("signals", "severity"),
    [
        ([], Severity.INFO),
        ([signal(Severity.HIGH)], Severity.HIGH),
        ([signal(Severity.MEDIUM)] * 3, Severity.HIGH),
        ([signal(Severity.MEDIUM)] * 2 + [signal(Severity.LOW)], Severity.MEDIUM),
        ([signal(Severity.MEDIUM, family="who")] * 3, Severity.MEDIUM),
        ([signal(Severity.MEDIUM, family="who")] * 3 + [signal(Severity.MEDIUM)] * 2, Severity.HIGH),
        ([signal(Severity.CRITICAL)] * 4, Severity.CRITICAL),
        ([signal(Severity.HIGH), signal(Severity.INFO, lowers=True)], Severity.MEDIUM),
        ([signal(Severity.CRITICAL), signal(Severity.INFO, lowers=True)], Severity.CRITICAL),
    ],
)
def test_the_worst_counts_three_agreeing_raise_and_a_mitigating_one_lowers(
    signals: list[Signal], severity: Severity
) -> None:
    assert judge(signals).severity is severity


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
        ("own_accounts = 5", "list of texts"),
        ("own_acounts = []", "own_acounts"),
        ("x = ", "context.toml"),
        ("[[pipelines]]\nuser_agent='x'", "principal"),
    ):
        path.write_text(text)
        with pytest.raises(ContextError, match=words):
            load(path)


# -- the story


def test_the_story_is_told_apart_from_the_noise(aws: Aws) -> None:
    code, said = aws.run("events", "--json")
    assert code == 0, said
    events = [json.loads(line) for line in said.splitlines() if line.startswith('{"eventID"')]
    by_id = {item["eventID"]: item for item in events}
    assert [item["eventID"] for item in events[:2]] == [aws.facts["event_exit"], aws.facts["event_s3"]], (
        "worst first, then newest"
    )
    assert {signal["id"] for signal in by_id[aws.facts["event_exit"]]["signals"]} == {
        "VPCE-01",
        "VPCE-05",
        "VPCE-07",
        "VPCE-18",
    }
    assert {signal["id"] for signal in by_id[aws.facts["event_s3"]]["signals"]} == {"VPCE-02", "VPCE-07", "VPCE-18"}
    for harmless in ("event_sts", "event_logs", "event_ssm", "event_pipeline_us-east-1", "event_service"):
        assert by_id[aws.facts[harmless]]["severity"] in ("info", "low")
    now = datetime.now(UTC)
    assert all(now - timedelta(hours=25) < datetime.fromisoformat(item["eventTime"]) <= now for item in events)


def test_the_victim_is_the_worst_instance(aws: Aws) -> None:
    code, said = aws.run("instances", "--json")
    assert code == 0, said
    instances = [json.loads(line) for line in said.splitlines() if line.startswith('{"instanceId"')]
    assert instances[0]["instanceId"] == aws.victim
    assert {"instanceId", "awsRegion", "accountId", "name", "state", "severity", "signals"} <= set(instances[0])
    assert [signal["id"] for signal in instances[0]["signals"]] == ["INST-02", "INST-01", "INST-04"]
    by_id = {item["instanceId"]: item for item in instances}
    assert by_id[aws.facts["bastion"]]["severity"] == "high"
    assert by_id[aws.facts["web_servers"][0]]["severity"] == "medium"
    assert by_id[aws.facts["database"]]["severity"] == "info"
