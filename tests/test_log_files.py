"""Events: records of every shape, files good and broken, history over regions, the cache."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import HOME, Aws, Labs
from vpce_tui.cloudtrail.event import EPOCH, EndpointRequest, Event, parse, parse_text
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.cloudtrail.event_history import EventHistory, enabled_regions
from vpce_tui.cloudtrail.log_files import read
from vpce_tui.cloudtrail.lookup import LookupQuery
from vpce_tui.core.coverage import Status

# Shapes taken from public records (github: invictus-ir/aws_dataset, MIT), shortened.
SERVICE_EVENT = {
    "eventVersion": "1.08",
    "userIdentity": {"accountId": "123837392027", "invokedBy": "ec2.amazonaws.com"},
    "eventTime": "2023-07-10T11:55:23Z",
    "eventSource": "ec2.amazonaws.com",
    "eventName": "SharedSnapshotVolumeCreated",
    "awsRegion": "us-east-1",
    "sourceIPAddress": "ec2.amazonaws.com",
    "userAgent": "ec2.amazonaws.com",
    "requestParameters": None,
    "responseElements": None,
    "eventID": "895dc875-cb08-45a5-b8c2-9158838741c0",
    "recipientAccountId": "123837392027",
}


def endpoint_request(event: Event) -> EndpointRequest:
    return event.request or EndpointRequest()


def endpoint(**changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "eventID": "e-1",
        "eventTime": "2026-01-31T02:00:00Z",
        "eventName": "CreateVpcEndpoint",
        "eventSource": "ec2.amazonaws.com",
        "awsRegion": HOME,
        "recipientAccountId": "123456789012",
        "sourceIPAddress": "198.51.100.23",
        "userAgent": "aws-cli",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/bob", "userName": "bob"},
        "requestParameters": {
            "CreateVpcEndpointRequest": {
                "VpcId": "vpc-1",
                "ServiceName": "com.amazonaws.eu-west-1.s3",
                "SecurityGroupId": {"tag": 1, "content": "sg-1"},
                "PolicyDocument": "{}",
            }
        },
        "responseElements": {"CreateVpcEndpointResponse": {"vpcEndpoint": {"vpcEndpointId": "vpce-1"}}},
    }
    record.update(changes)
    return record


@pytest.mark.parametrize(
    "groups",
    [
        {"SecurityGroupId": {"tag": 1, "content": "sg-1"}},
        {"SecurityGroupId": "sg-1"},
        {"SecurityGroupId": [{"tag": 1, "content": "sg-1"}]},
        {"SecurityGroupIds": ["sg-1"]},
        {"securityGroupIdSet": {"items": [{"content": "sg-1"}]}},
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_groups_in_every_shape(groups: dict[str, Any], wrapped: bool) -> None:
    asked = {"VpcId": "vpc-1", "ServiceName": "s", **groups}
    record = endpoint(requestParameters={"CreateVpcEndpointRequest": asked} if wrapped else asked)
    request = endpoint_request(parse(record))
    assert request.groups == ("sg-1",)
    assert (request.vpc_id, request.service, request.endpoint_id) == ("vpc-1", "s", "vpce-1")


def test_several_groups_are_a_list() -> None:
    asked = {"SecurityGroupId": [{"tag": 1, "content": "sg-1"}, {"tag": 2, "content": "sg-2"}]}
    assert endpoint_request(parse(endpoint(requestParameters={"CreateVpcEndpointRequest": asked}))).groups == (
        "sg-1",
        "sg-2",
    )


def test_an_absent_policy_is_none_and_the_default() -> None:
    assert (
        endpoint_request(parse(endpoint(requestParameters={"CreateVpcEndpointRequest": {"VpcId": "v"}}))).policy is None
    )


def test_the_same_name_of_another_service_makes_no_ec2_endpoint() -> None:
    assert not parse(endpoint(eventSource="es.amazonaws.com")).creates_endpoint
    assert parse(endpoint()).creates_endpoint


@pytest.mark.parametrize(
    ("code", "refused", "dry"),
    [
        ("Client.UnauthorizedOperation", True, False),
        ("Client.DryRunOperation", False, True),
        ("AccessDenied", True, False),
    ],
)
def test_an_error_code_says_that_it_never_happened(code: str, refused: bool, dry: bool) -> None:
    event = parse(endpoint(errorCode=code, responseElements=None))
    assert (event.refused, event.dry_run) == (refused, dry)
    assert endpoint_request(event).endpoint_id == ""


def test_a_service_event_without_identity_type() -> None:
    event = parse(SERVICE_EVENT)
    assert (event.principal.type, event.principal.name, event.parse_warnings) == ("", "ec2.amazonaws.com", ())


def test_an_instance_session_is_recognised() -> None:
    identity = {
        "type": "AssumedRole",
        "principalId": "AROAX:i-0a1b2c3d4e5f60718",
        "arn": "arn:aws:sts::1:assumed-role/web/i-0a1b2c3d4e5f60718",
        "sessionContext": {
            "sessionIssuer": {"arn": "arn:aws:iam::1:role/web", "userName": "web"},
            "ec2RoleDelivery": "2.0",
        },
    }
    principal = parse(endpoint(userIdentity=identity)).principal
    assert (principal.instance_id, principal.role_name, principal.ec2_role_delivery) == (
        "i-0a1b2c3d4e5f60718",
        "web",
        "2.0",
    )


@pytest.mark.parametrize("missing", list(endpoint()))
def test_a_record_without_a_field_is_kept_and_the_oddity_named(missing: str) -> None:
    record = endpoint()
    del record[missing]
    event = parse(record)
    assert json.loads(event.raw) == record
    if missing in ("userIdentity", "eventTime", "eventID"):
        assert any(missing in oddity for oddity in event.parse_warnings)
    if missing == "eventTime":
        assert event.time == EPOCH


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_anything_at_all_can_stand_where_a_record_should(value: Any) -> None:
    event = parse(value)
    endpoint_request(event)
    if isinstance(value, dict):
        assert parse_text(event.raw).raw == event.raw


@given(
    st.fixed_dictionaries(
        {},
        optional={
            key: st.none() | st.integers() | st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text())
            for key in endpoint()
        },
    )
)
def test_fields_of_the_wrong_type_never_break_a_reader(record: dict[str, Any]) -> None:
    event = parse({**endpoint(), **record})
    endpoint_request(event)
    assert isinstance(event.user_agent, str)


# -- files


def write(path: Path, records: list[Any], *, pack: bool = False) -> Path:
    data = json.dumps({"Records": records}).encode()
    path.write_bytes(gzip.compress(data) if pack else data)
    return path


def records(count: int, prefix: str = "e") -> list[dict[str, Any]]:
    return [endpoint(eventID=f"{prefix}-{number}") for number in range(count)]


def test_a_folder_of_files_plain_and_gzipped(tmp_path: Path) -> None:
    write(tmp_path / "a.json", records(3, "a"))
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep" / "b.json.gz", records(4, "b"), pack=True)
    (tmp_path / "notes.txt").write_text("not a trail")
    found = read(tmp_path)
    assert len(found.events) == 7
    assert found.coverage.complete
    assert found.coverage.looked == 2


def test_a_truncated_gzip_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps({"Records": records(400)}).encode(), 1)
    (tmp_path / "cut.json.gz").write_bytes(packed[: len(packed) * 2 // 3])
    write(tmp_path / "good.json", records(2, "good"))
    found = read(tmp_path)
    assert 2 < len(found.events) < 402
    (part,) = found.coverage.missing
    assert part.status is Status.PARTIAL
    assert "gzip ends in the middle" in part.reason
    assert f"{len(found.events) - 2} records before that" in part.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "incomplete JSON"),
        (b"{}", "no CloudTrail records"),
        (b"\x1f\x8bgarbage", "damaged"),
        (b'{"Records": 5}', "no CloudTrail records"),
        (b"[1, 2]", "not JSON objects"),
    ],
)
def test_a_broken_file_is_a_failed_part_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    (part,) = read(tmp_path / "x.json").coverage.missing
    assert reason in part.reason


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert read(tmp_path / "nothing.json").coverage.nothing
    assert read(tmp_path).coverage.nothing


def test_records_that_come_twice_are_listed_once_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.json", records(3))
    write(tmp_path / "b.json", records(3))
    found = read(tmp_path)
    assert len(found.events) == 3
    assert "3 duplicate records are listed once" in found.coverage.notes[0]


def test_records_without_an_id_are_all_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.json", [{**endpoint(), "eventID": None}] * 3)
    assert len(read(tmp_path).events) == 3


def test_the_command_over_files(aws: Aws, tmp_path: Path) -> None:
    write(tmp_path / "a.json", [endpoint(), {**SERVICE_EVENT}])
    code, said = aws.run("events", "--log-files", str(tmp_path), "--event-name", "*", "--json")
    assert code == 0, said
    objects = [json.loads(line) for line in said.splitlines()]
    assert len([item for item in objects if "eventID" in item]) == 2
    assert objects[-1]["coverage"]["complete"] is True
    wanted = {
        "eventID",
        "eventTime",
        "eventName",
        "eventSource",
        "awsRegion",
        "accountId",
        "principal",
        "sourceIPAddress",
        "userAgent",
        "errorCode",
        "vpcEndpointId",
        "serviceName",
        "severity",
        "signals",
    }
    assert wanted <= set(objects[0])
    assert aws.handled() == [], "no AWS is needed for files"


# -- history


def question(hours: float = 24, name: str = "CreateVpcEndpoint") -> LookupQuery:
    now = datetime.now(UTC)
    return LookupQuery(now - timedelta(hours=hours), now, name)


def test_every_enabled_region_is_asked_and_the_endpoint_events_found(aws: Aws) -> None:
    session = aws.session()
    regions, note = enabled_regions(session)
    found = EventHistory(session).search(regions, [question()])
    assert (len(regions), note) == (5, "")
    assert found.coverage.complete
    assert len(found.events) == 15
    assert [event.time for event in found.events] == sorted((event.time for event in found.events), reverse=True)
    asked = [item for item in aws.handled() if item["operation"] == "LookupEvents"]
    assert {item["region"] for item in asked} == set(regions)
    assert all(
        item["parameters"]["LookupAttributes"] == [{"AttributeKey": "EventName", "AttributeValue": "CreateVpcEndpoint"}]
        for item in asked
    )


def test_many_pages_lose_nothing(aws: Aws) -> None:
    found = EventHistory(aws.session()).search([HOME], [question(name="*")])
    ids = {event.id for event in found.events}
    assert len(ids) > 150
    assert found.coverage.parts[0].items == len(ids)


def test_a_second_look_shows_what_is_known_and_asks_only_for_what_is_new(aws: Aws, tmp_path: Path) -> None:
    session, cache = aws.session(), EventCache(tmp_path / "cache")
    first = EventHistory(session, cache).search([HOME], [question()])
    shown: list[list[str]] = []
    later = replace(question(), until=datetime.now(UTC) + timedelta(minutes=2))
    again = EventHistory(session, cache).search(
        [HOME], [later], on_events=lambda _, found: shown.append([event.id for event in found])
    )
    assert set(shown[0]) == {event.id for event in first.events}, "what is known is there before AWS is asked"
    assert [event.id for event in again.events] == [event.id for event in first.events]
    spans = [item["parameters"] for item in aws.handled() if item["operation"] == "LookupEvents"]
    assert spans[1]["StartTime"] > spans[0]["StartTime"]


def test_a_denied_region_is_in_the_coverage_and_loses_no_other(labs: Labs) -> None:
    aws = labs.new("denied@LookupEvents%us-west-2:99")
    code, said = aws.run("events", "--json")
    assert code == 3, said
    objects = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    (failed,) = objects[-1]["coverage"]["failed"]
    assert (failed["name"], failed["status"]) == ("us-west-2", "denied")
    assert len(objects) - 1 == 14


def test_throttling_is_waited_out(labs: Labs) -> None:
    aws = labs.new("throttle@LookupEvents:2")
    found = EventHistory(aws.session(attempts=5)).search([HOME], [question()])
    assert found.coverage.complete
    assert len(found.events) == 7


def test_when_regions_may_not_be_listed_the_default_ones_are_asked_and_it_is_said(labs: Labs) -> None:
    regions, note = enabled_regions(labs.new("denied@DescribeRegions:9").session())
    assert len(regions) == 17
    assert "could not be listed" in note


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("expired-token@GetCallerIdentity:99", "sign in again"),
        ("http500@GetCallerIdentity:99", "AWS had a server error"),
    ],
)
def test_nothing_can_be_looked_at(labs: Labs, fault: str, words: str) -> None:
    code, said = labs.new(fault).run("events")
    assert code == 1
    assert words in said
    assert "Traceback" not in said


def test_an_unknown_region_an_unreachable_endpoint_and_no_credentials(aws: Aws) -> None:
    for env, words in (
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "check network"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}, "credentials"),
    ):
        code, said = aws.run("events", env=env)
        assert code == 1
        assert words in said
        assert "Traceback" not in said
    code, said = aws.run("events", "--region", "no such region!")
    assert code == 1
    assert "region" in said.lower()
    assert "Traceback" not in said
