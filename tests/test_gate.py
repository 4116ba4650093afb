"""The gate: nothing unlisted, nothing written without a journal behind it, nothing presigned."""

import secrets
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from tests.conftest import HOME, Aws
from vpce_tui.aws.call import Call, Permit
from vpce_tui.aws.catalogue import OPERATIONS, find
from vpce_tui.aws.errors import AwsError, ErrorKind
from vpce_tui.aws.gate import Gate, Refused, Why
from vpce_tui.aws.operation import Access
from vpce_tui.aws.session import AwsSession, translate
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record_errors import ReadOnlyRecord, RecordError
from vpce_tui.inventory import flow_log_queries

SESSION = botocore.session.get_session()
SERVICES = SESSION.get_available_services()
PARTS = 8


class Passed(Exception):
    """A request got as far as the wire."""


def guarded(gate: Gate) -> botocore.session.Session:
    session = botocore.session.Session()
    session.set_config_variable("config_file", "/dev/null")
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)
    gate.guard(session.get_component("event_emitter"))

    def stop(**_: Any) -> None:
        raise Passed

    session.register("before-send", stop)
    return session


def needed(client: Any, operation: str) -> dict[str, Any]:
    """The required parameters, so that a listed read gets as far as the wire."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    kinds = {"string": "x", "list": ["x"], "timestamp": 0, "long": 0, "integer": 0}
    found = {name: kinds[shape.members[name].type_name] for name in (shape.required_members if shape else ())}
    return {**found, **LISTED_FOR.get((client.meta.service_model.service_name, operation), {})}


LISTED_FOR: dict[tuple[str, str], dict[str, Any]] = {
    ("ssm", "GetParameters"): {"Names": ["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64"]},
    ("logs", "StartQuery"): {
        "queryString": flow_log_queries.flow_peers_query(flow_log_queries.DEFAULT_FORMAT, ["eni-0123456789abcdef0"])
    },
    ("accessanalyzer", "CheckAccessNotGranted"): {"access": [{"actions": ["s3:PutObject"]}]},
}
"""What a read is listed for, where that is less than all it can do."""


@pytest.mark.parametrize(
    ("service", "method", "parameters"),
    [
        ("ssm", "GetParameters", {"Names": ["/prod/database/password"]}),
        ("ssm", "GetParameters", {"Names": [*LISTED_FOR["ssm", "GetParameters"]["Names"], "db-password"]}),
        ("ssm", "GetParameters", {**LISTED_FOR["ssm", "GetParameters"], "WithDecryption": True}),
        ("ssm", "GetParameters", {}),
        ("logs", "StartQuery", {"queryString": "fields @message"}),
        ("logs", "StartQuery", {"queryString": 'parse @message "*" as f_a\n| fields f_a'}),
        ("logs", "StartQuery", {"queryString": 'parse @message "*" as f_a\n| stats count(*) by @message'}),
        ("logs", "StartQuery", {"queryString": "SOURCE logGroups()\n| stats count(*)"}),
        ("logs", "StartQuery", {"queryString": 'parse @message "*" as everything\n| stats count(*) by everything'}),
        ("logs", "StartQuery", {"queryString": 'parse @message "*" as all | limit 9\n| stats count(*) by all'}),
        ("ec2", "GetConsoleScreenshot", {"InstanceId": "i-0123456789abcdef0", "WakeUp": True}),
    ],
)
def test_a_read_that_could_hand_out_more_is_refused_beyond_what_it_is_listed_for(
    service: str, method: str, parameters: dict[str, Any]
) -> None:
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    client = guarded(Gate(read_only=False)).create_client(service, region_name="us-east-1", config=config)
    with pytest.raises(Refused) as caught:
        client._make_api_call(method, parameters)
    assert caught.value.why is Why.OUTSIDE


@pytest.mark.parametrize("part", range(PARTS))
def test_of_all_operations_of_all_services_only_the_listed_reads_pass_a_read_only_client(part: int) -> None:
    session, walked = guarded(Gate(read_only=True)), 0
    for service in SERVICES[part::PARTS]:
        client = session.create_client(
            service,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        for operation in client.meta.service_model.operation_names:
            listed = find(service, operation)
            allowed = listed is not None and listed.access is Access.READ
            with pytest.raises(Exception) as caught:
                client._make_api_call(operation, needed(client, operation) if allowed else {})
            if allowed:
                assert isinstance(caught.value, Passed), (
                    f"{service}:{operation} is listed, and was stopped by {caught.value!r}"
                )
            else:
                assert isinstance(caught.value, Refused), f"{service}:{operation} got through: {caught.value!r}"
                assert operation in caught.value.operation
            walked += 1
        client.close()
    assert walked > 500


def test_the_walk_covers_tens_of_thousands_of_operations() -> None:
    total = sum(len(SESSION.get_service_model(service).operation_names) for service in SERVICES[::16])
    assert total * 16 > 10_000


@pytest.mark.parametrize(
    ("service", "method"),
    [
        ("ec2", "describe_instances"),
        ("ec2", "terminate_instances"),
        ("s3", "get_object"),
        ("sts", "get_caller_identity"),
    ],
)
def test_nothing_is_presigned(service: str, method: str) -> None:
    client = guarded(Gate(read_only=False)).create_client(service, region_name="us-east-1")
    with pytest.raises(Refused):
        client.generate_presigned_url(method, Params={})


def test_helpers_that_sign_without_a_call_are_refused() -> None:
    session = guarded(Gate(read_only=False))
    with pytest.raises(Refused) as caught:
        session.create_client("rds", region_name="us-east-1").generate_db_auth_token("host", 5432, "user")
    assert caught.value.why is Why.UNSEEN
    with pytest.raises(Refused):
        session.create_client("s3", region_name="us-east-1").generate_presigned_post("bucket", "key")


def test_an_operation_that_does_not_exist_yet_is_refused() -> None:
    gate = Gate(read_only=False)

    class Model:
        name = "EraseEverything"

        class service_model:  # noqa: N801 - botocore's name
            service_name = "ec2"

    with pytest.raises(Refused) as caught:
        gate._on_params({}, Model, {"client_region": "us-east-1"})
    assert "EraseEverything" in str(caught.value)
    assert "catalogue" in caught.value.allowed_by


def write(session: AwsSession, permit: Permit | None, **changes: Any) -> Any:
    call = Call(
        service="ec2",
        operation="StopInstances",
        region=HOME,
        parameters={"InstanceIds": ["i-0123456789abcdef0"], **changes},
    )
    return session.write(call, permit or Permit("made up", "x"))


@pytest.fixture
def armed(aws: Aws) -> Any:
    """A session with an open incident, and its journal."""
    session = aws.session()
    identity = session.identity()
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        session.gate.open_incident(journal)
        yield session, journal, identity.account


STOP = {"InstanceIds": ["i-0123456789abcdef0"]}


def permit_for(journal: Journal, account: str, **changes: Any) -> Permit:
    call = Call(
        service="ec2", operation="StopInstances", region=changes.pop("region", HOME), parameters={**STOP, **changes}
    )
    return journal.intend("step", {"stop": call}, account)["stop"]


def test_without_an_incident_a_write_is_refused(aws: Aws) -> None:
    session = aws.session()
    session.identity()
    with pytest.raises(Refused) as caught:
        write(session, None)
    assert caught.value.why is Why.NO_INCIDENT
    assert aws.writes() == []


def test_in_read_only_a_write_is_refused_even_with_a_permit(aws: Aws) -> None:
    session = aws.session(read_only=True)
    identity = session.identity()
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        session.gate.open_incident(journal)
        with pytest.raises(Refused) as caught:
            write(session, permit_for(journal, identity.account))
        assert caught.value.why is Why.READ_ONLY
    assert not any(item["operation"] == "StopInstances" for item in aws.handled())


def test_read_only_cannot_be_lifted() -> None:
    gate = Gate(read_only=True)
    with pytest.raises(AttributeError):
        gate.read_only = False  # type: ignore[misc]


def test_a_permit_works_once(armed: Any, aws: Aws) -> None:
    session, journal, account = armed
    permit = permit_for(journal, account)
    with pytest.raises(AwsError) as first:
        write(session, permit)
    assert first.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(Refused) as second:
        write(session, permit)
    assert second.value.why is Why.USED
    assert sum(item["operation"] == "StopInstances" for item in aws.handled()) == 1


@pytest.mark.parametrize("changes", [{"Hibernate": True}, {"Force": True}, {"InstanceIds": ["i-00000000000000000"]}])
def test_a_permit_holds_for_exactly_its_parameters(armed: Any, changes: dict[str, Any]) -> None:
    session, journal, account = armed
    with pytest.raises(Refused) as caught:
        write(session, permit_for(journal, account), **changes)
    assert caught.value.why is Why.WRONG_PERMIT


def test_a_permit_holds_for_its_region_and_account_and_operation(armed: Any) -> None:
    session, journal, account = armed
    for permit in (permit_for(journal, account, region="us-east-1"), permit_for(journal, "000000000000")):
        with pytest.raises(Refused) as caught:
            write(session, permit)
        assert caught.value.why is Why.WRONG_PERMIT
    with pytest.raises(Refused):
        session.write(
            Call(service="ec2", operation="TerminateInstances", region=HOME, parameters=STOP),
            permit_for(journal, account),
        )


def test_a_made_up_permit_is_refused(armed: Any) -> None:
    session, journal, account = armed
    genuine = permit_for(journal, account)
    with pytest.raises(Refused) as caught:
        write(session, Permit(secrets.token_hex(8), genuine.fingerprint))
    assert caught.value.why is Why.NO_PERMIT


def test_the_intent_is_on_disk_before_the_permit_exists(armed: Any, aws: Aws) -> None:
    _, journal, account = armed
    permit_for(journal, account)
    with Journal.open(aws.incident(), "reader", write=False) as reader:
        rows = list(reader.rows())
    assert rows[-1].kind == "intent"
    assert rows[-1].content.calls[0].parameters == STOP


def test_a_journal_that_cannot_write_gives_no_permit(armed: Any, aws: Aws) -> None:
    _, _, account = armed
    second = Journal.open(aws.incident(), "somebody else")
    assert "process" in second.holder
    with pytest.raises(ReadOnlyRecord):
        permit_for(second, account)
    second.close()


def test_a_call_with_a_secret_in_it_is_not_journalled_and_gets_no_permit(armed: Any) -> None:
    _, journal, account = armed
    call = Call(
        service="ec2",
        operation="CreateSecurityGroup",
        region=HOME,
        parameters={"Description": "ghp_abcdefghijklmnopqrst0123456789", "GroupName": "x"},
    )
    with pytest.raises(RecordError, match="looks like a secret"):
        journal.intend("step", {"c": call}, account)


def test_writes_are_not_retried_by_botocore(armed: Any, aws: Aws, labs: Any) -> None:
    failing = labs.new("http500@StopInstances:5")
    session = failing.session(attempts=4)
    identity = session.identity()
    with Journal.open(failing.incident(), identity.arn, create=True) as journal:
        session.gate.open_incident(journal)
        with pytest.raises(AwsError) as caught:
            write(session, permit_for(journal, identity.account))
    assert not caught.value.outcome_known
    assert sum(item["operation"] == "StopInstances" for item in failing.handled()) <= 1
    assert session.client("ec2", HOME, write=True).meta.config.retries["total_max_attempts"] == 1


def test_every_listed_operation_exists_and_its_access_agrees_with_policy_sentry() -> None:
    from policy_sentry.querying.actions import get_action_data

    different = {
        # policy_sentry says Read; it also starts nothing and returns no secret. None differs today:
        # an entry here needs a sentence why.
    }
    for operation in OPERATIONS:
        model = SESSION.get_service_model(operation.service).operation_model(operation.name)
        prefix, _, action = operation.iam_action.partition(":")
        levels = {item["access_level"] for item in get_action_data(prefix, action)[prefix]}
        expected = Access.READ if levels <= {"Read", "List"} else Access.WRITE
        assert different.get(operation.iam_action, expected) is operation.access, f"{operation.iam_action}: {levels}"
        takes_dry_run = "DryRun" in (model.input_shape.members if model.input_shape else {})
        if operation.access is Access.WRITE:
            assert operation.dry_run == (takes_dry_run and operation.service == "ec2"), operation.name
        assert operation.why


def test_listed_reads_hand_out_no_secret() -> None:
    forbidden = {
        ("ec2", "GetPasswordData"),
        ("ssm", "GetParameter"),
        ("ssm", "GetParametersByPath"),
        ("iam", "GenerateCredentialReport"),
        ("secretsmanager", "GetSecretValue"),
        ("sts", "GetSessionToken"),
        ("sts", "GetFederationToken"),
        ("kms", "Decrypt"),
        ("logs", "FilterLogEvents"),
        ("logs", "GetLogEvents"),
        ("athena", "StartQueryExecution"),
        ("lambda", "GetFunction"),
    }
    # logs:StartQuery and ssm:GetParameters are listed for less than all they can do: see LISTED_FOR
    assert not [item for item in forbidden if (found := find(*item)) and found.access is Access.READ]


def test_the_secret_of_the_session_shows_nowhere(aws: Aws) -> None:
    session = aws.session()
    secret = aws.zygote.keys[1]
    assert secret not in repr(session._access)
    error = translate(ValueError("plain"), Call("ec2", "DescribeInstances", HOME))
    assert secret not in repr(error)


def test_the_catalogue_lists_each_operation_once() -> None:
    keys = [(item.service, item.name) for item in OPERATIONS]
    assert len(keys) == len(set(keys))


def test_credentials_are_found_by_a_session_that_can_do_nothing_else(tmp_path: Path) -> None:
    from vpce_tui.aws.catalogue import CREDENTIAL_OPERATIONS
    from vpce_tui.aws.gate import CredentialGate

    session = botocore.session.Session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40)
    CredentialGate(CREDENTIAL_OPERATIONS).guard(session.get_component("event_emitter"))
    with pytest.raises(Refused):
        session.create_client("ec2", region_name="us-east-1").describe_instances()
    with pytest.raises(Refused):
        session.create_client("sts", region_name="us-east-1").get_session_token()
