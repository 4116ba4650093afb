"""The lab does what AWS does, where moto does not; each correction by its name."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.conftest import HOME, Aws, Labs, Zygote
from tests.emulated_aws import clients
from vpce_tui.cloudtrail.event_history import EventHistory
from vpce_tui.cloudtrail.lookup import LookupQuery
from vpce_tui.inventory.account_inventory import read_inventory
from vpce_tui.lab.layers.faults import parse_fault


def code_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_a_dry_run_changes_nothing_whatever_the_operation(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    before = len(ec2.describe_vpc_endpoints()["VpcEndpoints"])
    assert (
        code_of(ec2.create_vpc_endpoint, DryRun=True, VpcId=aws.facts["vpc"], ServiceName="com.amazonaws.eu-west-1.kms")
        == "DryRunOperation"
    )
    assert (
        code_of(ec2.delete_vpc_endpoints, DryRun=True, VpcEndpointIds=[aws.facts["endpoint_ids"]["intruder_exit"]])
        == "DryRunOperation"
    )
    assert (
        code_of(ec2.modify_instance_metadata_options, DryRun=True, InstanceId=aws.victim, HttpTokens="required")
        == "DryRunOperation"
    )
    assert len([item for item in ec2.describe_vpc_endpoints()["VpcEndpoints"] if item["State"] != "deleted"]) == before


def test_a_client_token_gives_the_first_answer_again_or_a_mismatch(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    launch = {"ImageId": aws.facts[f"image_{HOME}"], "MinCount": 1, "MaxCount": 1, "ClientToken": "case-step-call"}
    first = ec2.run_instances(**launch, InstanceType="t3.micro")["Instances"][0]["InstanceId"]
    assert ec2.run_instances(**launch, InstanceType="t3.micro")["Instances"][0]["InstanceId"] == first
    assert code_of(ec2.run_instances, **launch, InstanceType="t3.large") == "IdempotentParameterMismatch"


def lookup(aws: Aws, **parameters: Any) -> dict[str, Any]:
    answer: dict[str, Any] = clients(aws)("cloudtrail").lookup_events(**parameters)
    return answer


def test_lookup_events_pages_newest_first_and_its_tokens_hold_for_their_question(aws: Aws) -> None:
    first = lookup(aws, MaxResults=50)
    times = [event["EventTime"] for event in first["Events"]]
    assert len(times) == 50
    assert times == sorted(times, reverse=True)
    attribute = [{"AttributeKey": "EventName", "AttributeValue": "DescribeInstances"}]
    trail = clients(aws)("cloudtrail")
    assert (
        code_of(trail.lookup_events, NextToken=first["NextToken"], LookupAttributes=attribute)
        == "InvalidNextTokenException"
    )
    assert code_of(trail.lookup_events, MaxResults=50, NextToken="nonsense") == "InvalidNextTokenException"
    now = datetime.now(UTC)
    assert code_of(trail.lookup_events, StartTime=now, EndTime=now - timedelta(hours=1)) == "InvalidTimeRangeException"


@pytest.mark.parametrize("size", [51, 0])
def test_lookup_events_refuses_other_sizes(aws: Aws, size: int) -> None:
    key, secret, token = aws.zygote.keys
    trail = boto3.client(
        "cloudtrail",
        region_name=HOME,
        endpoint_url=aws.url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(parameter_validation=False),
    )
    assert code_of(trail.lookup_events, MaxResults=size) == "InvalidMaxResultsException"


def test_every_attribute_of_lookup_events_finds(aws: Aws) -> None:
    wanted = {
        "EventId": aws.facts["event_exit"],
        "EventName": "CreateSecurityGroup",
        "ReadOnly": "false",
        "Username": aws.victim,
        "ResourceType": "AWS::EC2::VPCEndpoint",
        "ResourceName": aws.facts["endpoint_ids"]["intruder_exit"],
        "EventSource": "ec2.amazonaws.com",
        "AccessKeyId": "ASIALABSTOLEN0000001",
    }
    for key, value in wanted.items():
        found = lookup(aws, LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])["Events"]
        assert found, key
    assert lookup(aws, LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "nobody"}])["Events"] == []


def test_every_handled_request_becomes_a_record_with_who_made_it(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    ec2.create_security_group(GroupName="mine", Description="d", VpcId=aws.facts["vpc"])
    code_of(ec2.terminate_instances, InstanceIds=["i-0123456789abcdef0"])
    (made,) = lookup(aws, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}])[
        "Events"
    ][:1]
    record = json.loads(made["CloudTrailEvent"])
    assert record["userIdentity"]["arn"].endswith("assumed-role/OnCallResponder/alice")
    assert record["requestParameters"]["groupName"] == "mine"
    (failed,) = lookup(aws, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "TerminateInstances"}])[
        "Events"
    ]
    assert json.loads(failed["CloudTrailEvent"])["errorCode"].startswith("Client.")


def test_an_inactive_key_and_an_unknown_one_are_refused(aws: Aws) -> None:
    iam = clients(aws)("iam")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    own = boto3.client(
        "sts",
        region_name=HOME,
        endpoint_url=aws.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert own.get_caller_identity()["Arn"].endswith("user/bob")
    iam.update_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert code_of(own.get_caller_identity) == "InvalidClientTokenId"
    stranger = boto3.client(
        "ec2",
        region_name=HOME,
        endpoint_url=aws.url,
        aws_access_key_id="AKIANOBODY0000000000",
        aws_secret_access_key="x",
    )
    assert code_of(stranger.describe_instances) == "AuthFailure"


def test_groups_of_an_interface_read_the_same_everywhere(aws: Aws) -> None:
    ec2, second = clients(aws)("ec2"), aws.facts["victim_second_interface"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=second, Groups=[aws.facts["group_database"]])
    nic = ec2.describe_network_interfaces(NetworkInterfaceIds=[second])["NetworkInterfaces"][0]
    instance = ec2.describe_instances(InstanceIds=[aws.victim])["Reservations"][0]["Instances"][0]
    assert [group["GroupId"] for group in nic["Groups"]] == [aws.facts["group_database"]]
    (there,) = [item for item in instance["NetworkInterfaces"] if item["NetworkInterfaceId"] == second]
    assert [group["GroupId"] for group in there["Groups"]] == [aws.facts["group_database"]]
    assert aws.facts["group_database"] not in [group["GroupId"] for group in instance["SecurityGroups"]]
    assert (
        code_of(ec2.modify_network_interface_attribute, NetworkInterfaceId=second, Groups=["sg-0123456789abcdef0"])
        == "InvalidGroup.NotFound"
    )


def test_a_group_in_use_cannot_be_deleted(aws: Aws) -> None:
    assert code_of(clients(aws)("ec2").delete_security_group, GroupId=aws.facts["group_web"]) == "DependencyViolation"


def test_a_protected_instance_and_a_terminated_one(aws: Aws) -> None:
    ec2, database = clients(aws)("ec2"), aws.facts["database"]
    ec2.modify_instance_attribute(InstanceId=database, DisableApiTermination={"Value": True})
    assert code_of(ec2.terminate_instances, InstanceIds=[database]) == "OperationNotPermitted"
    ec2.modify_instance_attribute(InstanceId=database, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[database])
    assert code_of(ec2.start_instances, InstanceIds=[database]) == "IncorrectInstanceState"


def test_console_output_and_screenshot_are_of_this_machine(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    assert "web-3 login" in ec2.get_console_output(InstanceId=aws.victim, Latest=True)["Output"]
    assert ec2.get_console_screenshot(InstanceId=aws.victim)["ImageData"].startswith("/9j/")


def test_a_cancelled_spot_request_stays_listed(aws: Aws) -> None:
    ec2, request = clients(aws)("ec2"), aws.facts["spot_request"]
    ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[request])
    assert (
        ec2.describe_spot_instance_requests(SpotInstanceRequestIds=[request])["SpotInstanceRequests"][0]["State"]
        == "cancelled"
    )
    assert (
        code_of(ec2.cancel_spot_instance_requests, SpotInstanceRequestIds=["sir-00000000"])
        == "InvalidSpotInstanceRequestID.NotFound"
    )


def test_auto_scaling_refuses_strangers_minima_and_maxima(aws: Aws) -> None:
    scaling, group = clients(aws)("autoscaling"), {"AutoScalingGroupName": "storefront-web"}
    assert (
        code_of(
            scaling.detach_instances, **group, InstanceIds=[aws.facts["database"]], ShouldDecrementDesiredCapacity=True
        )
        == "ValidationError"
    )
    scaling.update_auto_scaling_group(**group, MinSize=3, MaxSize=3)
    assert (
        code_of(scaling.detach_instances, **group, InstanceIds=[aws.victim], ShouldDecrementDesiredCapacity=True)
        == "ValidationError"
    )
    assert code_of(scaling.attach_instances, **group, InstanceIds=[aws.victim]) == "ValidationError"
    assert code_of(scaling.attach_instances, **group, InstanceIds=[aws.facts["database"]]) == "ValidationError"


def test_a_locked_snapshot_cannot_be_deleted(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    snapshot = ec2.create_snapshot(VolumeId=aws.facts["victim_data_volume"])["SnapshotId"]
    ec2.lock_snapshot(SnapshotId=snapshot, LockMode="governance", LockDuration=7)
    assert ec2.describe_locked_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["LockState"] == "governance"
    assert code_of(ec2.delete_snapshot, SnapshotId=snapshot) == "SnapshotLocked"


def test_endpoints_can_be_filtered_by_id(aws: Aws) -> None:
    wanted = aws.facts["endpoint_ids"]["intruder_s3"]
    found = clients(aws)("ec2").describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [wanted]}])[
        "VpcEndpoints"
    ]
    assert [item["VpcEndpointId"] for item in found] == [wanted]


def test_what_the_lab_does_not_know_is_an_aws_error(aws: Aws) -> None:
    assert code_of(clients(aws)("ec2").create_replace_root_volume_task, InstanceId=aws.victim) == "InvalidAction"


# -- faults


def one_try(aws: Aws, service: str = "sts") -> Any:
    key, secret, token = aws.zygote.keys
    return boto3.client(
        service,
        region_name=HOME,
        endpoint_url=aws.url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=1),
    )


@pytest.mark.parametrize(
    ("kind", "service", "call", "code"),
    [
        ("throttle", "sts", "get_caller_identity", "ThrottlingException"),
        ("throttle", "ec2", "describe_regions", "RequestLimitExceeded"),
        ("http500", "sts", "get_caller_identity", "InternalError"),
        ("expired-token", "sts", "get_caller_identity", "ExpiredTokenException"),
        ("denied", "ec2", "describe_regions", "UnauthorizedOperation"),
    ],
)
def test_a_fault_hits_as_often_as_asked(labs: Labs, kind: str, service: str, call: str, code: str) -> None:
    client = one_try(labs.new(f"{kind}@{service}:*:1"), service)
    assert code_of(getattr(client, call)) == code
    getattr(client, call)()


def test_reset_and_slow_and_lost_answers(labs: Labs) -> None:
    with pytest.raises(ConnectionClosedError):
        one_try(labs.new("reset@GetCallerIdentity:1")).get_caller_identity()
    with pytest.raises(ReadTimeoutError):
        one_try(labs.new("slow@GetCallerIdentity:1")).get_caller_identity()
    aws = labs.new("lost-answer@CreateSecurityGroup:1")
    ec2 = one_try(aws, "ec2")
    with pytest.raises(ConnectionClosedError):
        ec2.create_security_group(GroupName="lost", Description="d", VpcId=aws.facts["vpc"])
    assert ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["lost"]}])["SecurityGroups"], (
        "it took effect"
    )


@pytest.mark.parametrize("text", ["nonsense", "melt@X:1", "throttle@", "throttle@X:-1", "throttle@X:many"])
def test_a_fault_written_wrongly_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no fault"):
        parse_fault(text)


# -- the scenario


def test_the_story_is_the_same_for_the_same_seed_and_another_for_another(zygote: Zygote) -> None:
    program = (
        "import sys; from vpce_tui.lab.lab import Lab; lab = Lab(seed=int(sys.argv[1])).build()\n"
        "print(lab.facts['victim'], lab.facts['event_exit'], lab.facts['vpc'], sum(len(lab.store.newest_first(r)) for r in ('eu-west-1','us-east-1','us-west-2','ap-southeast-2')))"
    )

    def told(seed: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", program, str(seed)], capture_output=True, text=True, check=True
        ).stdout

    again = told(7)
    assert again.split()[:3] == [zygote.facts[name] for name in ("victim", "event_exit", "vpc")]
    assert again != told(8)
    assert int(again.split()[-1]) > 300


def test_the_records_agree_with_what_stands(aws: Aws) -> None:
    session, now = aws.session(), datetime.now(UTC)
    events = EventHistory(session).search([HOME], [LookupQuery(now - timedelta(hours=24), now)]).events
    network = read_inventory(session, [HOME]).regions[HOME].network
    assert not network.unknown
    for event in events:
        request = event.request
        if request is None or not request.endpoint_id or event.principal.type == "AWSService":
            continue
        now_there = network.endpoints[request.endpoint_id]
        assert (now_there.service, now_there.vpc_id) == (request.service, request.vpc_id)
        assert set(request.groups) == set(now_there.groups)
        if request.policy:
            assert json.loads(now_there.policy) == json.loads(request.policy)
    flow_logs = clients(aws)("ec2").describe_flow_logs()["FlowLogs"]
    assert [item["ResourceId"] for item in flow_logs] == [aws.facts["vpc"]]
    assert clients(aws)("logs").describe_log_streams(logGroupName="/vpc/production")["logStreams"]


def test_serve_prints_what_to_export_and_nothing_before(tmp_path: Any) -> None:
    server = subprocess.Popen([sys.executable, "-m", "vpce_tui", "lab", "--serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    lines = [server.stdout.readline().strip() for _ in range(5)]
    server.kill()
    server.wait()
    names = [re.fullmatch(r"export (\w+)=(.+)", line) for line in lines]
    assert [match[1] for match in names if match] == [
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "AWS_SESSION_TOKEN",
    ]


def test_a_revoked_key_and_a_quarantined_user_are_refused_by_the_lab_itself(aws: Aws) -> None:
    import boto3
    from botocore.exceptions import ClientError

    iam = clients(aws)("iam")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    theirs = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=HOME)
    theirs.client("sts", endpoint_url=aws.url).get_caller_identity()
    path = str(aws.folder / "plan.json")
    assert aws.run("plan", "revoke-credentials", key["AccessKeyId"], "--out", path)[0] == 0
    words = ("apply", path, "--incident", "case", "--yes", "--wait", "3")
    assert aws.run(*words, "--step", "keys")[0] == 0
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        theirs.client("sts", endpoint_url=aws.url).get_caller_identity()
    assert aws.run("undo", "--incident", "case", "keys", "--yes", "--wait", "3")[0] == 0
    theirs.client("sts", endpoint_url=aws.url).get_caller_identity()
    assert aws.run(*words, "--step", "quarantine")[0] == 0
    with pytest.raises(ClientError, match="explicit deny"):
        theirs.client("iam", endpoint_url=aws.url).list_users()


def test_a_session_of_a_cut_role_is_refused_and_a_new_one_is_not_until_quarantined(aws: Aws) -> None:
    import boto3
    from botocore.exceptions import ClientError

    def session() -> Any:
        arn = "arn:aws:iam::123456789012:role/batch-worker"
        made = clients(aws)("sts").assume_role(RoleArn=arn, RoleSessionName="thief")["Credentials"]
        theirs = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], region_name=HOME)
        return theirs.client("iam", endpoint_url=aws.url)

    stolen, path = session(), str(aws.folder / "plan.json")
    stolen.list_users()
    words = ("plan", "revoke-credentials", "role/batch-worker", "--out", path, "--set", "quarantine.deny=yes")
    assert aws.run(*words)[0] == 0
    run = ("apply", path, "--incident", "case", "--yes", "--wait", "3", "--step")
    assert aws.run(*run, "sessions")[0] == 0
    with pytest.raises(ClientError, match="explicit deny"):
        stolen.list_users()
    assert aws.run(*run, "quarantine")[0] == 0
    with pytest.raises(ClientError, match="explicit deny"):
        session().list_users()


def test_only_public_snapshots_are_listed_where_those_are_asked_for(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    own, public = (ec2.create_snapshot(VolumeId=aws.facts["victim_data_volume"])["SnapshotId"] for _ in range(2))
    ec2.modify_snapshot_attribute(
        SnapshotId=public, Attribute="createVolumePermission", OperationType="add", GroupNames=["all"]
    )
    found = ec2.describe_snapshots(OwnerIds=["self"], RestorableByUserIds=["all"])["Snapshots"]
    assert [item["SnapshotId"] for item in found] == [public]
    assert own not in str(found)
