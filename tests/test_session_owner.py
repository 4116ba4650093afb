"""Who is behind a session: what its ARN says, and who assumed the role."""

from typing import Any

import pytest

from tests.conftest import HOME, Aws
from tests.emulated_aws import clients
from vpce_tui.cloudtrail.session_owner import IdentitySource, Person, person_from_arn

PEOPLE = [
    ("arn:aws:iam::123456789012:user/ops/alice", "alice", IdentitySource.USER),
    ("arn:aws:iam::123456789012:root", "root", IdentitySource.ROOT),
    (
        "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice@example.com",
        "alice@example.com",
        IdentitySource.IDENTITY_CENTER,
    ),
    ("arn:aws:sts::123456789012:federated-user/alice", "alice", IdentitySource.FEDERATED),
    ("arn:aws:sts::123456789012:assumed-role/OnCall/alice", "alice", IdentitySource.SESSION),
    ("arn:aws-cn:sts::123456789012:assumed-role/OnCall/x", "x", IdentitySource.SESSION),
]


@pytest.mark.parametrize(("arn", "name", "behind"), PEOPLE)
def test_what_an_arn_says_of_a_person(arn: str, name: str, behind: IdentitySource) -> None:
    person = person_from_arn(arn)
    assert (person.name, person.source) == (name, behind)
    assert person.certain is (behind in (IdentitySource.USER, IdentitySource.IDENTITY_CENTER))
    assert Person.from_json(person.to_json()) == person


def test_two_names_of_one_person_are_one() -> None:
    sso = person_from_arn("arn:aws:sts::1:assumed-role/AWSReservedSSO_A_1/Alice@example.com")
    other_account = person_from_arn("arn:aws:sts::2:assumed-role/AWSReservedSSO_B_2/alice@example.com")
    assert sso.same_as(other_account)
    assert sso.same_as(person_from_arn("arn:aws:iam::1:user/alice"))
    assert not sso.same_as(person_from_arn("arn:aws:iam::1:user/bob"))


SELF_MADE: list[dict[str, Any]] = [
    {"name": "zed", "behind": "IAM user", "arn": "arn:aws:sts::1:assumed-role/OnCall/alice", "also": []},
    {"name": "zed", "behind": "IAM user", "arn": "arn:aws:iam::1:user/alice", "also": []},
    {"name": "zed", "behind": "source identity", "arn": "arn:aws:iam::1:user/alice", "also": []},
    {
        "name": "zed",
        "behind": "role and session name alone",
        "arn": "arn:aws:sts::1:assumed-role/OnCall/alice",
        "also": [],
    },
    {"name": "zed", "behind": "nobody", "arn": "arn:aws:sts::1:assumed-role/OnCall/alice", "also": []},
    {"name": "alice", "behind": "IAM user", "arn": "arn:aws:iam::1:user/alice", "also": [7]},
]


@pytest.mark.parametrize("data", SELF_MADE)
def test_a_person_is_not_another_than_its_arn_says(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Person.from_json(data)


@pytest.mark.parametrize("source", ["", "zoe@example.com"])
def test_who_assumed_a_role_is_found_through_a_chain(source: str, aws: Aws) -> None:
    """A user takes a role, and with it another one: behind both is the user, whatever source identity she chose."""
    import boto3

    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import AwsAccess, AwsSession
    from vpce_tui.cloudtrail.session_owner import identify_operator

    iam = clients(aws)("iam")
    iam.create_user(UserName="dora")
    key = iam.create_access_key(UserName="dora")["AccessKey"]
    role = f"arn:aws:iam::{aws.facts['account']}:role/OnCallResponder"
    creds = (key["AccessKeyId"], key["SecretAccessKey"], None)
    for name in ("first", "second"):
        sts = boto3.client(
            "sts",
            region_name=HOME,
            endpoint_url=aws.url,
            aws_access_key_id=creds[0],
            aws_secret_access_key=creds[1],
            aws_session_token=creds[2],
        )
        more = {"SourceIdentity": source} if source and name == "first" else {}
        got = sts.assume_role(RoleArn=role, RoleSessionName=name, **more)["Credentials"]
        creds = (got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    session_ = AwsSession(
        AwsAccess(region=HOME, endpoint_url=aws.url, key_id=creds[0], secret=creds[1], token=creds[2] or ""),
        Gate(read_only=True),
    )
    person = identify_operator(session_, (HOME, "us-east-1"))
    assert (person.name, person.source, person.also) == ("dora", IdentitySource.ASSUMED_BY, (source,) if source else ())
    assert person.same_as(person_from_arn("arn:aws:iam::123456789012:user/dora"))
