"""Each rule: a record that raises it, a near miss that does not, and one with the fields absent. And the story, scored."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HOME, Aws
from tests.test_trail import endpoint
from vpce_tui.inventory.account import EndpointState, Region
from vpce_tui.inventory.model import Endpoint, Finding, Instance, Interface, Rule, SecurityGroup
from vpce_tui.signals.context import Context, ContextError, load
from vpce_tui.signals.endpoint_rules import judge_event, service_short
from vpce_tui.signals.instance_rules import judge_instance
from vpce_tui.signals.model import Judgement, Severity, Signal, judge
from vpce_tui.trail.event import Event, parse

FOREIGN = "com.amazonaws.vpce.eu-west-1.vpce-svc-0f3c9a1b2d4e5f607"
LIMITED = json.dumps(
    {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
            }
        ]
    }
)
OPEN = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["*"], "Resource": ["*"]}]})
INSTANCE = "i-0a1b2c3d4e5f60718"
SESSION = {
    "type": "AssumedRole", "arn": f"arn:aws:sts::123456789012:assumed-role/web/{INSTANCE}",
    "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::123456789012:role/web", "userName": "web"}},
}  # fmt: skip


def event(service: str = "com.amazonaws.eu-west-1.sns", policy: str | None = LIMITED, **changes: Any) -> Event:
    asked = {"VpcId": "vpc-1", "ServiceName": service, **({"PolicyDocument": policy} if policy else {})}
    return parse(endpoint(requestParameters={"CreateVpcEndpointRequest": asked}, **changes))


def state(*ingress: Rule, name: str = "g", **changes: Any) -> EndpointState:
    group = SecurityGroup("sg-1", name, "vpc-1", HOME, tuple(ingress))
    made: dict[str, Any] = {
        "endpoint": Endpoint("vpce-1", HOME, "1", "Interface", "s", "available", "vpc-1", ("sg-1",)),
        "groups": (group,),
    }
    return EndpointState(**{**made, **changes})


def found(judgement: Judgement) -> dict[str, str]:
    return {signal.id: signal.severity.word for signal in judgement.signals}


WORLD = "0.0.0.0/0"
REFUSED = event(
    errorCode="Client.UnauthorizedOperation", responseElements=None, eventTime="2026-01-31T01:50:00Z", eventID="e-0"
)

CASES: list[tuple[str, Event, dict[str, Any], str, str | None]] = [
    ("a foreign service", event(FOREIGN), {}, "VPCE-01", "critical"),
    ("a foreign service whose owner is known and foreign", event(FOREIGN), {"state": state(service_owner="999999999999")}, "VPCE-01", "critical"),
    ("a service of an own account", event(FOREIGN), {"state": state(service_owner="111111111111"), "context": Context(own_accounts=frozenset({"111111111111"}))}, "VPCE-01", None),
    ("a trusted service", event(FOREIGN), {"context": Context(trusted_services=("com.amazonaws.vpce.*.vpce-svc-0f3*",))}, "VPCE-01", None),
    ("AWS's own service", event(), {}, "VPCE-01", None),
    ("AWS's own service by its other names", event("aws.api.eu-west-1.bedrock"), {}, "VPCE-01", None),
    ("a name made to look like AWS's", event("com.amazonaws.evil/vpce"), {}, "VPCE-01", "critical"),
    ("no service in the record", parse(endpoint(requestParameters=None)), {}, "VPCE-01", None),
    ("no policy, a valuable service", event("com.amazonaws.eu-west-1.s3", None), {}, "VPCE-02", "high"),
    ("an open policy, another service", event(policy=OPEN), {}, "VPCE-02", "medium"),
    ("an open policy with a condition", event(policy=LIMITED), {}, "VPCE-02", None),
    ("a policy that is no JSON", event(policy="{"), {}, "VPCE-02", None),
    ("no request at all", parse(endpoint(requestParameters=None)), {}, "VPCE-02", None),
    ("a group open on every port", event(), {"state": state(Rule("-1", None, None, WORLD))}, "VPCE-05", "high"),
    ("a group open on IPv6", event(), {"state": state(Rule("tcp", 0, 65535, "::/0"))}, "VPCE-05", "high"),
    ("a group open on 443 alone", event(), {"state": state(Rule("tcp", 443, 443, WORLD))}, "VPCE-05", "medium"),
    ("the default group", event(), {"state": state(name="default")}, "VPCE-05", "high"),
    ("a group open to the VPC", event(), {"state": state(Rule("tcp", 443, 443, "10.0.0.0/16"))}, "VPCE-05", None),
    ("groups that could not be read", event(), {"state": state(groups=None, unknown={"security groups": "denied"})}, "VPCE-05", None),
    ("an instance's session", event(userIdentity=SESSION), {}, "VPCE-07", "high"),
    ("a role session of a person", event(userIdentity={**SESSION, "arn": "arn:aws:sts::1:assumed-role/web/alice"}), {}, "VPCE-07", None),
    ("no identity", event(userIdentity=None), {}, "VPCE-07", None),
    ("root", event(userIdentity={"type": "Root", "arn": "arn:aws:iam::1:root"}), {}, "VPCE-09", "critical"),
    ("a user called root", event(userIdentity={"type": "IAMUser", "userName": "root"}), {}, "VPCE-09", None),
    ("a refused attempt", REFUSED, {"others": [REFUSED]}, "VPCE-18", "medium"),
    ("a success after refused attempts", event(), {"others": [REFUSED]}, "VPCE-18", "high"),
    ("a success after another's refused attempts", event(userIdentity={"type": "IAMUser", "arn": "arn:aws:iam::1:user/eve"}), {"others": [REFUSED]}, "VPCE-18", None),
    ("a success long after", event(eventTime="2026-01-31T09:00:00Z"), {"others": [REFUSED]}, "VPCE-18", None),
    ("an AWS service", event(userIdentity={"type": "AWSService", "invokedBy": "rds.amazonaws.com"}), {}, "VPCE-29", "info"),
    ("the pipeline", event(userIdentity={"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/ci/x"}, userAgent="Terraform"), {"context": Context(pipelines=(("*:assumed-role/ci/*", "*Terraform*"),))}, "VPCE-29", "info"),
    ("the pipeline with another agent", event(userIdentity={"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/ci/x"}, userAgent="curl"), {"context": Context(pipelines=(("*:assumed-role/ci/*", "*Terraform*"),))}, "VPCE-29", None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "record", "more", "rule", "severity"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_about_an_event(what: str, record: Event, more: dict[str, Any], rule: str, severity: str | None) -> None:
    assert found(judge_event(record, **more)).get(rule) == severity


def test_the_same_name_of_another_service_is_not_judged() -> None:
    assert judge_event(event(FOREIGN, eventSource="es.amazonaws.com")).signals == ()


def test_what_made_no_endpoint_is_judged_as_an_attempt() -> None:
    judged = judge_event(event(FOREIGN, errorCode="Client.DryRunOperation", responseElements=None))
    assert judged.severity is Severity.MEDIUM
    assert "VPCE-02" not in found(judged)


def test_what_was_not_looked_at_is_said_and_not_taken_for_fine() -> None:
    assert any("not looked at" in said for said in judge_event(event()).unknown)
    assert any(
        "denied" in said
        for said in judge_event(event(), state=state(groups=None, unknown={"security groups": "denied"})).unknown
    )


def signal(severity: Severity, *, lowers: bool = False) -> Signal:
    return Signal("X", severity, "t", (), "w", "h", lowers=lowers)


@pytest.mark.parametrize(
    ("signals", "severity"),
    [
        ([], Severity.INFO),
        ([signal(Severity.HIGH)], Severity.HIGH),
        ([signal(Severity.MEDIUM)] * 3, Severity.HIGH),
        ([signal(Severity.MEDIUM)] * 2 + [signal(Severity.LOW)], Severity.MEDIUM),
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
        (FOREIGN, "vpce-svc-0f3c9a1b2d4e5f607"),
        ("aws.api.x.y", "aws.api.x.y"),
        ("", ""),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert service_short(name) == short


# -- instances

NIC = Interface("eni-1", "10.0.1.17", "", "subnet-1", "vpc-1", ("sg-1",), primary=True)


def instance(**changes: Any) -> Instance:
    made: dict[str, Any] = {
        "id": INSTANCE,
        "region": HOME,
        "account": "1",
        "state": "running",
        "vpc_id": "vpc-1",
        "private_ip": "10.0.1.17",
        "interfaces": (NIC,),
        "http_tokens": "required",
        "profile_arn": "arn:aws:iam::1:instance-profile/web",
    }
    return Instance(**{**made, **changes})


def region(*ingress: Rule, findings: tuple[Finding, ...] = ()) -> Region:
    return Region(
        HOME, (), {"sg-1": SecurityGroup("sg-1", "g", "vpc-1", HOME, ingress)}, findings, {"vpc-1": ("203.0.113.9",)}
    )


def used_from(address: str, **more: Any) -> Event:
    return event(userIdentity=SESSION, sourceIPAddress=address, **more)


PUBLIC = {"public_ip": "203.0.113.50"}
INSTANCE_CASES: list[tuple[str, Instance, Region, list[Event], str, str | None]] = [
    ("a high finding", instance(), region(findings=(Finding("f", HOME, "Backdoor:EC2/C&CActivity.B", 8, INSTANCE, "t", None),)), [], "INST-01", "high"),
    ("a critical finding", instance(), region(findings=(Finding("f", HOME, "AttackSequence:EC2", 9.1, INSTANCE, "t", None),)), [], "INST-01", "critical"),
    ("a finding about another", instance(), region(findings=(Finding("f", HOME, "Recon:EC2", 8, "i-other", "t", None),)), [], "INST-01", None),
    ("credentials used outside", instance(), region(), [used_from("198.51.100.23")], "INST-02", "critical"),
    ("credentials used from its NAT", instance(), region(), [used_from("203.0.113.9")], "INST-02", None),
    ("credentials used from its own address", instance(), region(), [used_from("10.0.1.17")], "INST-02", None),
    ("credentials used through a VPC endpoint", instance(), region(), [used_from("10.0.7.7", vpcEndpointId="vpce-1")], "INST-02", None),
    ("credentials used by an AWS service", instance(), region(), [used_from("ec2.amazonaws.com")], "INST-02", None),
    ("no address in the record", instance(), region(), [used_from("")], "INST-02", None),
    ("IMDSv1 with a role", instance(http_tokens="optional"), region(), [], "INST-04", "medium"),
    ("IMDSv1 without a role", instance(http_tokens="optional", profile_arn=""), region(), [], "INST-04", "low"),
    ("IMDSv2", instance(), region(), [], "INST-04", None),
    ("the metadata service off", instance(http_tokens="optional", http_endpoint="disabled"), region(), [], "INST-04", None),
    ("no metadata options", instance(http_tokens=""), region(), [], "INST-04", None),
    ("SSH open to the world", instance(**PUBLIC), region(Rule("tcp", 22, 22, WORLD)), [], "INST-05", "high"),
    ("everything open to the world on IPv6", instance(**PUBLIC), region(Rule("-1", None, None, "::/0")), [], "INST-05", "high"),
    ("a database port inside a range", instance(**PUBLIC), region(Rule("tcp", 5000, 6000, WORLD)), [], "INST-05", "high"),
    ("HTTPS open to the world", instance(**PUBLIC), region(Rule("tcp", 443, 443, WORLD)), [], "INST-05", None),
    ("SSH open, no public address", instance(), region(Rule("tcp", 22, 22, WORLD)), [], "INST-05", None),
    ("SSH open by UDP", instance(**PUBLIC), region(Rule("udp", 22, 22, WORLD)), [], "INST-05", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "subject", "where", "events", "rule", "severity"), INSTANCE_CASES, ids=[case[0] for case in INSTANCE_CASES]
)
def test_a_rule_about_an_instance(
    what: str, subject: Instance, where: Region, events: list[Event], rule: str, severity: str | None
) -> None:
    assert found(judge_instance(subject, where, events)).get(rule) == severity


def test_an_instance_whose_calls_were_not_looked_up_says_so() -> None:
    assert judge_instance(instance(), region(), [], history_known=False).unknown


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
