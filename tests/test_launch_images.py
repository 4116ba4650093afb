"""Which AMI a replacement is launched from."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cases import planned, shown
from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients
from tests.relaunch import CASE, step
from vpce_tui.inventory import amis
from vpce_tui.inventory.amis import Ami, family_of, name_pattern, newest_first

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def an_image(name: str, owner: str, architecture: str = "x86_64", **more: Any) -> Ami:
    return Ami(
        id="ami-1",
        name=name,
        owner=owner,
        alias="",
        created=NOW,
        deprecated=None,
        state="available",
        architecture=architecture,
        virtualization="hvm",
        root_device="/dev/xvda",
        **more,
    )


@pytest.mark.parametrize(
    ("name", "owner", "architecture", "parameter"),
    [
        (
            "al2023-ami-2023.5.20240916.0-kernel-6.1-x86_64",
            "137112412989",
            "x86_64",
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64",
        ),
        (
            "al2023-ami-minimal-2023.5.20240916.0-kernel-6.1-arm64",
            "137112412989",
            "arm64",
            "/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-6.1-arm64",
        ),
        (
            "amzn2-ami-hvm-2.0.20240412.0-x86_64-gp2",
            "137112412989",
            "x86_64",
            "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2",
        ),
        (
            "amzn2-ami-kernel-5.10-hvm-2.0.20240412.0-arm64-gp2",
            "137112412989",
            "arm64",
            "/aws/service/ami-amazon-linux-latest/amzn2-ami-kernel-5.10-hvm-arm64-gp2",
        ),
        (
            "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20230516",
            "099720109477",
            "x86_64",
            "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        ),
        (
            "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20240927",
            "099720109477",
            "arm64",
            "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
        ),
        (
            "Windows_Server-2022-English-Full-Base-2024.09.11",
            "801119661308",
            "x86_64",
            "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base",
        ),
        ("debian-12-amd64-20240717-1811", "136693071363", "x86_64", "/aws/service/debian/release/12/latest/amd64"),
        (
            "al2023-ami-ecs-hvm-2023.0.20240905-kernel-6.1-arm64",
            "591542846629",
            "arm64",
            "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id",
        ),
    ],
)
def test_the_newest_of_a_publishers_family_is_named_by_its_public_parameter(
    name: str, owner: str, architecture: str, parameter: str
) -> None:
    family = family_of(an_image(name, owner, architecture))
    assert family is not None
    assert family.parameter == parameter


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("al2023-ami-2023.5.20240916.0-kernel-6.1-x86_64", "999999999999"),
        ("ubuntu-jammy-22.04", "099720109477"),
        ("Windows", "801119661308"),
        ("", "137112412989"),
    ],
)
def test_a_name_alone_makes_no_family(name: str, owner: str) -> None:
    assert family_of(an_image(name, owner)) is None


def test_a_family_that_is_not_mended_any_more_says_since_when() -> None:
    family = family_of(an_image("amzn2-ami-hvm-2.0.20240412.0-x86_64-gp2", "137112412989"))
    assert family is not None
    assert family.ended == "2026-06-30"


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("storefront-base-2026-03", "storefront-base-*"),
        ("app-1.2.3-x86_64", "app-*-x86_64"),
        ("golden_amd64_20260101T0230", "golden_amd64_*T*"),
        ("no number at all", ""),
        ("odd*name-7", "odd\\*name-*"),
    ],
)
def test_what_newer_images_of_a_team_are_called(name: str, pattern: str) -> None:
    assert name_pattern(name) == pattern


def test_deprecated_and_disabled_images_are_not_offered() -> None:
    raw = {
        "OwnerId": "1",
        "Name": "x",
        "State": "available",
        "Architecture": "x86_64",
        "CreationDate": "2026-01-01T00:00:00.000Z",
    }
    listed = [
        amis.image({**raw, "ImageId": "ami-good"}),
        amis.image({**raw, "ImageId": "ami-late", "DeprecationTime": "2026-10-01T00:00:00.000Z"}),
        amis.image({**raw, "ImageId": "ami-off", "State": "disabled"}),
        amis.image({**raw, "ImageId": "ami-soon", "DeprecationTime": "2027-10-01T00:00:00.000Z"}),
        amis.image({"ImageId": "ami-bare"}),
    ]
    assert [item.id for item in newest_first(listed, NOW)] == ["ami-soon", "ami-good"]


def test_the_newest_image_of_the_team_is_taken_and_the_intruders_is_called_suspect(aws: Aws) -> None:
    chosen = step(planned(aws, CASE), "ami")
    (question,) = chosen["questions"]
    assert question["chosen"] == aws.facts["image_newer"]
    labels = {item["value"]: item["label"] for item in question["options"]}
    assert "SUSPECT" in labels[aws.facts["image_poisoned"]]
    assert "SUSPECT" not in labels[aws.facts["image_newer"]]
    said = "\n".join(shown(chosen))
    assert "storefront-base-2026-03" in said
    assert "268 days old" in said
    assert "71 days old" in said


@pytest.mark.parametrize("fault", ["", "denied@ssm:GetParameters:99"])
def test_an_image_of_amazons_is_followed_by_its_public_parameter_or_by_its_name(fault: str, labs: Labs) -> None:
    aws = labs.new(*([fault] if fault else []))
    made = clients(aws)("ec2").run_instances(
        ImageId=aws.facts["image_amazon_old"],
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        SubnetId=aws.facts["subnet_app-a"],
    )["Instances"][0]["InstanceId"]
    code, said = aws.run("plan", "relaunch-instance", made, "--region", HOME, "--out", str(aws.folder / "plan.json"))
    assert code == 0, said
    chosen = step(json.loads((aws.folder / "plan.json").read_text()), "ami")
    assert chosen["choices"]["ami"] == aws.facts["image_amazon"]
    assert any("Amazon Linux 2023" in note for note in shown(chosen))
    assert any("recognized by their names" in note for note in shown(chosen)) is bool(fault)
