"""What is given and cannot work has its own sentence, with what to do, and leaves everything as it was."""

import json
from typing import Any

import pytest

from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients
from vpce_tui.cloudtrail.event import parse
from vpce_tui.tui.screens.event_targets import principal_target


def planned(aws: Aws, playbook: str, target: str, *sets: str) -> dict[str, Any]:
    """The plan's steps by id."""
    words = [word for item in sets for word in ("--set", item)]
    path = aws.folder / "plan.json"
    code, said = aws.run("plan", playbook, target, "--region", HOME, "--out", str(path), *words)
    assert code == 0, said
    return {step["id"]: step for step in json.loads(path.read_text())["steps"]}


def blocked(aws: Aws, step: dict[str, Any], *first: str) -> tuple[str, str]:
    """Why it is blocked and what would make it pass; applied, nothing reaches AWS."""
    before = aws.tried()
    named = [word for name in (*first, step["id"]) for word in ("--step", name)]
    words = ("--incident", "case", "--yes", "--wait", "3", *named)
    code, said = aws.run("apply", str(aws.folder / "plan.json"), *words)
    assert code == 1, said
    assert aws.tried() == before, "nothing was tried"
    found = step["blocked"][0]
    assert found["says"] in said
    assert found["remedy"] in said
    return found["says"], found["remedy"]


def test_a_bucket_name_that_is_taken(labs: Labs) -> None:
    aws = labs.new("denied@HeadBucket:99")
    steps = planned(aws, "harden-account", aws.facts["account"], f"overview.regions={HOME}", "trail.bucket=somebodys")
    says, remedy = blocked(aws, steps["trail"], "overview")
    assert "the bucket name somebodys is taken by another account" in says
    assert "--set trail.bucket=" in remedy


@pytest.mark.parametrize("playbook", ["harden-account", "relaunch-instance"])
def test_a_disabled_key(playbook: str, aws: Aws) -> None:
    kms = clients(aws)("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    if playbook == "harden-account":
        sets = (f"overview.regions={HOME}", f"volumes.volumes={aws.facts['database_disk']}", f"volumes.key={key}")
        step = planned(aws, playbook, aws.facts["account"], *sets)["volumes"]
        says, remedy = blocked(aws, step, "overview")
    else:
        step = planned(aws, playbook, aws.victim, f"launch.key={key}")["launch"]
        says, remedy = step["blocked"][0]["says"], step["blocked"][0]["remedy"]
    assert key in says
    assert "cannot be used: it is Disabled" in says
    assert "enable it in KMS" in remedy


def test_a_key_that_no_disk_can_be_encrypted_with(aws: Aws) -> None:
    key = clients(aws)("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["KeyId"]
    step = planned(aws, "relaunch-instance", aws.victim, f"launch.key={key}")["launch"]
    assert "EBS accepts only symmetric encryption keys" in step["blocked"][0]["says"]


def test_a_volume_in_another_zone_gets_its_encrypted_one_there(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    made = ec2.create_volume(AvailabilityZone=f"{HOME}c", Size=3, VolumeType="gp3", Encrypted=False)["VolumeId"]
    step = planned(
        aws, "harden-account", aws.facts["account"], f"overview.regions={HOME}", f"volumes.volumes={HOME}/{made}"
    )
    (call,) = [call for call in step["volumes"]["calls"] if call["operation"] == "CreateVolume"]
    assert call["parameters"]["AvailabilityZone"] == f"{HOME}c"


def test_a_role_that_an_important_service_shares(aws: Aws) -> None:
    services = ["ec2.amazonaws.com", "lambda.amazonaws.com"]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    clients(aws)("iam").update_assume_role_policy(RoleName="web-app", PolicyDocument=document)
    steps = planned(aws, "revoke-credentials", "role/web-app", "quarantine.deny=yes")
    for name in ("sessions", "quarantine"):
        assert steps[name]["calls"]
        assert any("also trusted to assume it: lambda.amazonaws.com" in item["says"] for item in steps[name]["affects"])


def test_a_role_that_belongs_to_an_aws_service(aws: Aws) -> None:
    clients(aws)("iam").create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    steps = planned(aws, "revoke-credentials", "role/AWSServiceRoleForAutoScaling")
    says, _ = blocked(aws, steps["sessions"])
    assert "only its AWS service uses it, and AWS refuses changes" in says


def test_a_federated_user(aws: Aws) -> None:
    code, said = aws.run("plan", "revoke-credentials", "arn:aws:sts::123456789012:federated-user/visitor")
    assert code == 1, said
    assert "visitor is a federated user: no policy is attached to it" in said
    assert "name that one" in said


@pytest.mark.parametrize(
    ("identity", "target"),
    [
        (
            {
                "type": "FederatedUser",
                "arn": "arn:aws:sts::1:federated-user/bob",
                "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/broker"}},
            },
            "user/broker",
        ),
        ({"type": "FederatedUser", "principalId": "1:"}, ""),
        ({"type": "WebIdentityUser", "principalId": "cognito-identity.amazonaws.com:x", "userName": "x"}, ""),
        ({"type": "SAMLUser"}, ""),
        ({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/web/i-0"}, "role/web"),
        ({"type": "Root", "arn": "arn:aws:iam::1:root"}, "root"),
        ({}, ""),
    ],
)
def test_who_stands_behind_an_event_as_a_target(identity: dict[str, Any], target: str) -> None:
    assert principal_target(parse({"userIdentity": identity}).principal, "1") == target


def test_somebody_elses_namesake_is_never_taken_for_ours() -> None:
    identity = {"type": "AssumedRole", "arn": "arn:aws:sts::666666666666:assumed-role/web-app/evil"}
    assert principal_target(parse({"userIdentity": identity}).principal, "123456789012") == identity["arn"]
