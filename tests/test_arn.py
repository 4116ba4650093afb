"""ARNs and their parts."""

import pytest

from vpce_tui.core.arn import Arn, account_of, parse_arn


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("arn:aws:iam::123456789012:root", Arn("aws", "iam", "", "123456789012", "root")),
        ("arn:aws-cn:sts::1:assumed-role/R/s", Arn("aws-cn", "sts", "", "1", "assumed-role/R/s")),
        ("arn:aws:logs:eu-west-1:1:log-group:/a:*", Arn("aws", "logs", "eu-west-1", "1", "log-group:/a:*")),
        ("arn:aws:s3:::bucket/key", Arn("aws", "s3", "", "", "bucket/key")),
        ("arn:aws:s3::bucket", None),
        ("aws:aws:s3:::bucket", None),
        ("", None),
        ("*", None),
    ],
)
def test_the_parts_of_an_arn(text: str, wanted: Arn | None) -> None:
    assert parse_arn(text) == wanted
    assert account_of(text) == (wanted.account if wanted else "")


def test_the_parts_of_a_resource() -> None:
    arn = parse_arn("arn:aws:sts::1:assumed-role/aws-reserved/R/session")
    assert arn is not None
    assert (arn.kind, arn.path, arn.name) == ("assumed-role", "aws-reserved/R/session", "session")
    bare = parse_arn("arn:aws:iam::1:root")
    assert bare is not None
    assert (bare.kind, bare.path, bare.name) == ("root", "", "root")
