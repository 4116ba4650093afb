"""What reaches the wire: the bundled model's request and no other, and one request for each write."""

import gzip
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest

from tests.conftest import HOME
from tests.wire import skeleton, wire
from vpce_tui.aws.call import Call, Permit
from vpce_tui.aws.catalogue import CREDENTIAL_OPERATIONS, OPERATIONS, find
from vpce_tui.aws.errors import AwsError
from vpce_tui.aws.gate import Gate, Refused, Why
from vpce_tui.aws.operation import Access as Reach
from vpce_tui.aws.service_models import loader, new_session
from vpce_tui.aws.session import AwsAccess, AwsSession
from vpce_tui.inventory import flow_log_queries

MODELS = botocore.session.Session()
WRITES = [item for item in OPERATIONS if item.access is Reach.WRITE]
READS = [item for item in OPERATIONS if item.access is Reach.READ]
STATUSES = (
    200,
    204,
    300,
    301,
    302,
    303,
    304,
    307,
    308,
    400,
    401,
    403,
    404,
    408,
    409,
    412,
    429,
    500,
    502,
    503,
    504,
    509,
)


class AnyPermit:
    """An issuer that lets every write through once: what is counted here comes after it."""

    def redeem(self, permit: Permit, fingerprint: str) -> str:
        return ""


def session_at(url: str, *, read_only: bool = False, attempts: int = 2) -> AwsSession:
    access = AwsAccess(
        region=HOME, endpoint_url=url, key_id="AKIAIOSFODNN7EXAMPLE", secret="x" * 40, read_attempts=attempts
    )
    made = AwsSession(access, Gate(read_only=read_only))
    made.gate.bind_account("123456789012")
    made.gate.open_incident(AnyPermit())
    return made


def parameters_of(service: str, operation: str) -> dict[str, Any]:
    shape = MODELS.get_service_model(service).operation_model(operation).input_shape
    found: dict[str, Any] = skeleton(shape, "x") if shape else {}
    found.update({key: "bucket-of-ours" for key in ("Bucket",) if key in found})
    if (service, operation) == ("ssm", "GetParameters"):
        found["Names"] = ["/aws/service/x"]
    if (service, operation) == ("logs", "StartQuery"):
        found["queryString"] = flow_log_queries.flow_peers_query(
            flow_log_queries.DEFAULT_FORMAT, ["eni-0123456789abcdef0"]
        )
    if (service, operation) == ("ec2", "GetConsoleScreenshot"):
        found.pop("WakeUp", None)
    return found


def changed_model(folder: Path, service: str, operation: str, **http: str) -> Path:
    """botocore's own model of a service with another method or path for one operation, below ``folder``."""
    version = loader().determine_latest_version(service, "service-2")
    data = json.loads(json.dumps(botocore.loaders.Loader().load_service_model(service, "service-2")))
    data["operations"][operation]["http"].update(http)
    place = folder / service / version
    place.mkdir(parents=True)
    (place / "service-2.json").write_text(json.dumps(data))
    for beside in (Path(loader().BUILTIN_DATA_PATH) / service / version).glob("*.gz"):
        if beside.name != "service-2.json.gz":
            (place / beside.name.removesuffix(".gz")).write_bytes(gzip.decompress(beside.read_bytes()))
    return folder


READ_IT = """
import sys
from vpce_tui.aws.call import Call
from vpce_tui.aws.gate import Gate
from vpce_tui.aws.session import AwsAccess, AwsSession
access = AwsAccess(region="eu-west-1", endpoint_url=sys.argv[1], key_id="AKIAIOSFODNN7EXAMPLE", secret="x" * 40, read_attempts=1)
session = AwsSession(access, Gate(read_only=True))
for service, operation, parameters in (
    ("guardduty", "ListFindings", {"DetectorId": "d1"}), ("s3", "HeadBucket", {"Bucket": "trail-bucket"}),
):
    try:
        session.read(Call(service, operation, "eu-west-1", parameters))
    except Exception as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize("where", ["AWS_DATA_PATH", "~/.aws/models"])
def test_a_changed_model_on_this_machine_does_not_make_a_read_a_write(where: str, tmp_path: Path) -> None:
    folder = tmp_path / "models" if where == "AWS_DATA_PATH" else tmp_path / ".aws" / "models"
    changed_model(folder, "guardduty", "ListFindings", requestUri="/detector/{DetectorId}/findings/archive")
    changed_model(folder, "s3", "HeadBucket", method="DELETE")
    env = {**os.environ, "HOME": str(tmp_path), "AWS_CONFIG_FILE": os.devnull}
    env |= {"AWS_DATA_PATH": str(folder)} if where == "AWS_DATA_PATH" else {}
    with wire() as known:
        done = subprocess.run(
            [sys.executable, "-c", READ_IT, known.url], env=env, capture_output=True, text=True, check=False
        )
    assert [(method, path) for method, path, _ in known.seen] == [
        ("POST", "/detector/d1/findings"),
        ("HEAD", "/trail-bucket"),
    ], done.stdout + done.stderr


def test_no_plugin_of_the_environment_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "evil_plugin.py").write_text("def initialize_client_plugin(client):\n    print('plugin ran')\n")
    env = {
        **os.environ,
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": os.devnull,
        "PYTHONPATH": str(tmp_path),
        "BOTOCORE_EXPERIMENTAL__PLUGINS": "evil=evil_plugin",
    }
    with wire() as known:
        done = subprocess.run(
            [sys.executable, "-c", READ_IT, known.url], env=env, capture_output=True, text=True, check=False
        )
    assert len(known.seen) == 2, done.stderr
    assert "plugin ran" not in done.stdout


@pytest.mark.parametrize(
    ("service", "operation", "http"),
    [
        ("guardduty", "ListFindings", {"requestUri": "/detector/{DetectorId}/findings/archive"}),
        ("guardduty", "ListFindings", {"method": "DELETE"}),
        ("s3", "HeadBucket", {"method": "DELETE"}),
        ("s3", "GetBucketPolicy", {"method": "DELETE"}),
        ("s3", "GetBucketPolicy", {"requestUri": "/{Bucket}?acl"}),
        ("s3", "GetBucketPolicy", {"requestUri": "/{Bucket}/key?policy"}),
        ("s3", "ListObjectsV2", {"requestUri": "/{Bucket}?list-type=2&delete"}),
        ("accessanalyzer", "ValidatePolicy", {"requestUri": "/policy/other"}),
    ],
)
def test_a_request_that_is_not_the_bundled_models_is_refused_before_it_is_signed(
    service: str, operation: str, http: dict[str, str]
) -> None:
    """Whatever changed the model: the second line of defence, with the first one taken away."""
    with wire() as known:
        session = session_at(known.url, read_only=True)
        client = session.client(service, HOME, write=False)
        model = client.meta.service_model.operation_model(operation)
        before = dict(model.http)
        model.http.update(http)
        try:
            with pytest.raises(Refused) as caught:
                session.read(
                    Call(
                        service=service, operation=operation, region=HOME, parameters=parameters_of(service, operation)
                    )
                )
        finally:
            model.http.clear()
            model.http.update(before)
    assert caught.value.why is Why.NOT_AS_MODELLED
    assert known.seen == []


@pytest.mark.parametrize(
    ("service", "hook", "change"),
    [
        ("ec2", "before-call.ec2", lambda params: params["body"].update(Action="TerminateInstances")),
        ("ec2", "before-call.ec2", lambda params: params["body"].update(Version="2006-01-01")),
        (
            "cloudtrail",
            "before-call.cloudtrail",
            lambda params: params["headers"].update({"X-Amz-Target": "CloudTrail_20131101.DeleteTrail"}),
        ),
        ("iam", "before-call.iam", lambda params: params.update(url=params["url"] + "?Action=DeleteUser")),
    ],
)
def test_what_a_handler_makes_of_a_request_is_seen_too(service: str, hook: str, change: Any) -> None:
    operation = {"ec2": "DescribeInstances", "cloudtrail": "DescribeTrails", "iam": "ListRoles"}[service]
    with wire() as known:
        session = session_at(known.url, read_only=True)
        session.client(service, HOME, write=False).meta.events.register(hook, lambda params, **_: change(params))
        with pytest.raises(Refused) as caught:
            session.read(Call(service, operation, HOME))
    assert caught.value.why is Why.NOT_AS_MODELLED
    assert known.seen == []


def test_an_endpoint_with_a_path_is_refused() -> None:
    with wire() as known:
        for more in ("/detector/d1/findings/archive?x=", "/x", "/?Action=TerminateInstances"):
            for service, operation in (
                ("guardduty", "ListDetectors"),
                ("ec2", "DescribeInstances"),
                ("s3", "ListBuckets"),
            ):
                with pytest.raises((Refused, AwsError)):
                    session_at(known.url + more, read_only=True).read(Call(service, operation, HOME))
    assert all((method, path) == ("POST", "/") for method, path, _ in known.seen), (
        known.seen
    )  # what botocore dropped of it


@pytest.mark.parametrize(
    ("host", "bucket", "operation"),
    [
        ("somebodys.s3.eu-west-1.amazonaws.com", "bucket-of-ours", "CreateBucket"),
        ("x.s3.amazonaws.com", "b2-of-ours", "DeleteBucket"),
        ("s3-victim.s3.eu-west-1.amazonaws.com", "bucket-of-ours", "CreateBucket"),
        ("s3.victim.s3.eu-west-1.amazonaws.com", "bucket-of-ours", "DeleteBucket"),
        ("bucket.vpce-x.s3.eu-west-1.amazonaws.com", "bucket-of-ours", "CreateBucket"),
    ],
)
def test_a_bucket_of_ours_is_no_object_in_somebody_elses(host: str, bucket: str, operation: str) -> None:
    """With the host of another bucket as endpoint, path-style names of buckets would be keys in it."""
    session = session_at(f"https://{host}")
    with pytest.raises(Refused) as caught:
        session.write(
            Call(service="s3", operation=operation, region=HOME, parameters={"Bucket": bucket}), Permit("1", "x")
        )
    assert caught.value.why is Why.NOT_AS_MODELLED


@pytest.mark.parametrize("part", range(4))
def test_every_listed_read_passes_as_the_bundled_model_gives_it(part: int) -> None:
    with wire() as known:
        session = session_at(known.url, read_only=True, attempts=1)
        for number, item in enumerate(READS[part::4], start=1):
            with suppress(AwsError):  # the server's answer is no answer of AWS; what was sent counts
                session.read(
                    Call(
                        service=item.service,
                        operation=item.name,
                        region=HOME,
                        parameters=parameters_of(item.service, item.name),
                    )
                )
            assert len(known.seen) == number, item


def test_the_credential_session_sends_what_its_models_say() -> None:
    from vpce_tui.aws.gate import CredentialGate

    for service, operation in sorted(CREDENTIAL_OPERATIONS):
        with wire() as known:
            session = new_session(None)
            session.set_credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)
            CredentialGate(CREDENTIAL_OPERATIONS).guard(session.get_component("event_emitter"))
            client = session.create_client(service, region_name=HOME, endpoint_url=known.url)
            shape = client.meta.service_model.operation_model(operation).input_shape
            given = skeleton(shape, "x" * 20)
            with suppress(Exception):  # the server's answer is none; what was sent counts
                client._make_api_call(operation, given)
            assert len(known.seen) == 1, (service, operation)


def answers(service: str, url: str) -> list[tuple[bytes, dict[str, str]]]:
    """Bodies and headers that make botocore, or a library below it, send again."""
    protocol = MODELS.get_service_model(service).resolved_protocol
    again = {"Location": f"{url}/elsewhere", "Retry-After": "0", "x-amz-bucket-region": "us-west-2"}
    if protocol in ("json", "rest-json"):
        return [
            (json.dumps({"__type": code, "message": "m", "Message": "m"}).encode(), again)
            for code in ("ThrottlingException",)
        ]
    codes = ["RequestLimitExceeded"]
    if service == "s3":
        codes = [
            "PermanentRedirect",
            "TemporaryRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "SlowDown",
        ]
    inner = "<Code>{0}</Code><Message>m</Message><Region>us-west-2</Region><Bucket>bucket-of-ours</Bucket><Endpoint>s3.us-west-2.amazonaws.com</Endpoint>"
    frame = (
        "<Error>{0}</Error>"
        if service == "s3"
        else "<Response><Errors><Error>{0}</Error></Errors><Error>{0}</Error></Response>"
    )
    return [(frame.format(inner.format(code)).encode(), again) for code in codes]


def outcome(session: AwsSession, call: Call) -> AwsError | None:
    try:
        session.write(call, Permit("1", "x"))
    except AwsError as error:
        return error
    return None


@pytest.mark.parametrize("service", sorted({item.service for item in WRITES}))
def test_a_write_is_one_request_whatever_the_answer(service: str) -> None:
    with wire() as known:
        session = session_at(known.url)
        for item in (item for item in WRITES if item.service == service):
            call = Call(service=service, operation=item.name, region=HOME, parameters=parameters_of(service, item.name))
            for status in STATUSES:
                for body, headers in answers(service, known.url):
                    known.status, known.body, known.headers, known.seen[:] = status, body, headers, []
                    error = outcome(session, call)
                    assert len(known.seen) == 1, (item.name, status, body, known.seen)
                    if status >= 500 and b"RequestLimit" not in body:
                        assert error is not None and not error.outcome_known, (item.name, status)


def test_an_answer_that_cannot_be_read_leaves_a_write_unknown() -> None:
    """A proxy's page, a body cut off: botocore ends with a plain KeyError, and the write may have taken effect."""
    with wire() as known:
        session = session_at(known.url)
        for service, operation in (
            ("autoscaling", "DetachInstances"),
            ("ec2", "StopInstances"),
            ("cloudtrail", "StopLogging"),
        ):
            for known.body in (b"<html>sign in to the proxy", b"<Response/>", b"{"):
                error = outcome(
                    session,
                    Call(
                        service=service, operation=operation, region=HOME, parameters=parameters_of(service, operation)
                    ),
                )
                assert error is None or not error.outcome_known, (operation, known.body)
        assert len(known.seen) == 9


def test_what_was_never_sent_is_known_not_to_have_happened() -> None:
    with wire() as known:
        session = session_at(known.url)
        client = session.client("ec2", HOME, write=True)
        client.meta.events.register("before-call.ec2", lambda **_: {}["something of botocore's own"])
        error = outcome(
            session, Call(service="ec2", operation="StopInstances", region=HOME, parameters={"InstanceIds": ["i-1"]})
        )
        assert error is not None
        assert error.outcome_known
        assert known.seen == []


def test_in_the_name_of_a_write_nothing_else_is_sent() -> None:
    """A handler that asks for something while a write is under way (botocore's S3 redirector did) is refused."""
    with wire() as known:
        session = session_at(known.url)
        client = session.client("s3", HOME, write=True)
        seen: list[Why] = []

        def ask_more(**_: Any) -> None:
            try:
                client.head_bucket(Bucket="bucket-of-ours")
            except Refused as refused:
                seen.append(refused.why)

        client.meta.events.register("before-call.s3.DeleteBucket", ask_more)
        session.write(
            Call(service="s3", operation="DeleteBucket", region=HOME, parameters={"Bucket": "bucket-of-ours"}),
            Permit("1", "x"),
        )
    assert seen == [Why.NESTED]
    assert len(known.seen) == 1


def test_every_write_has_a_method_and_a_protocol_that_are_known() -> None:
    from vpce_tui.aws.service_models import wire_forms

    for item in OPERATIONS:
        assert wire_forms(item.service)[item.name].protocol in ("query", "ec2", "json", "rest-json", "rest-xml"), item
        assert find(item.service, item.name) is item
