"""Hostile text in every field an attacker can write; every screen in a real terminal; not one such byte comes out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients
from tests.terminal import Terminal
from tests.test_log_files import endpoint

ESCAPES = "\x1b]52;c;RVZJTA==\x07\x1b]0;pwn\x07\x1b[31mRED\x9b5mC1\x00"
UNSEEN = "\u202ertl\u2066\u200b\ufeff\u2028\u00ad"
MARKUP = "[@click=app.quit]quit[/] [/foo] [bold]"
HOSTILE = f"{ESCAPES}{UNSEEN}{MARKUP}"
IN_XML = f"\x9b5m{UNSEEN}{MARKUP}"

FORBIDDEN = {
    "OSC 52 (clipboard)": re.compile(rb"\x1b\]52;c;RVZJ"),
    "OSC 0 (title)": re.compile(rb"\x1b\]0;pwn"),
    "BEL": re.compile(rb"\x07(?!\\)"),
    "C1 CSI": re.compile("\x9b".encode()),
    "raw C1": re.compile(rb"(?<![\x80-\xff])\x9b"),
    "planted SGR": re.compile(rb"\x1b\[31mRED"),
    "RLO": re.compile("\u202e".encode()),
    "LRI": re.compile("\u2066".encode()),
    "zero width": re.compile("\u200b".encode()),
    "BOM": re.compile("\ufeff".encode()),
    "line separator": re.compile("\u2028".encode()),
    "soft hyphen": re.compile("\u00ad".encode()),
    "lone surrogate": re.compile(rb"\xed[\xa0-\xbf]|\\ud800"),
    "OSC 8 (link)": re.compile(rb"\x1b\]8;[^;]*;[^\x1b]"),
}


def harmless(written: bytes) -> None:
    written = re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", written)  # Textual's own: the shape of the pointer
    for what, pattern in FORBIDDEN.items():
        found = pattern.search(written)
        assert not found, f"{what}: {written[max(found.start() - 60, 0) : found.end() + 60]!r}"


def planted(value: Any, text: str) -> Any:
    """Every string of a record with ``text`` behind it, but those that decide its kind and time."""
    if isinstance(value, dict):
        keep = ("eventTime", "eventName", "eventSource", "type", "creationDate")
        return {key: item if key in keep else planted(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [planted(item, text) for item in value]
    return value + text if isinstance(value, str) else value


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    session = {
        "type": "AssumedRole",
        "arn": "arn:aws:sts::123456789012:assumed-role/web/i-0a1b2c3d4e5f60718",
        "sessionContext": {
            "sessionIssuer": {"arn": "arn:aws:iam::1:role/web", "userName": "web"},
            "ec2RoleDelivery": "2.0",
        },
    }
    records = [
        planted(endpoint(eventID="e-1", userIdentity=session), HOSTILE),
        planted(
            endpoint(eventID="e-2", errorCode="Client.UnauthorizedOperation", errorMessage="no", responseElements=None),
            HOSTILE,
        ),
        endpoint(eventID="e-3", userAgent="A" * 1_000_000 + HOSTILE),
        endpoint(eventID="e-4", userAgent="surrogate"),
        {**endpoint(eventID="e-5"), "eventName": f"Other{HOSTILE}", "eventSource": HOSTILE, "awsRegion": HOSTILE},
    ]
    text = json.dumps({"Records": records}).replace('"surrogate"', '"lone \\ud800 surrogate"')
    folder = tmp_path / "trail"
    folder.mkdir()
    (folder / "a.json").write_text(text)
    (folder / "bad.json").write_text('{"Records": [' + HOSTILE)
    return folder


def names_planted(aws: Aws) -> None:
    """A group, an Auto Scaling group and a load balancer of the instance with hostile names."""
    client = clients(aws)
    ec2, scaling, classic = client("ec2"), client("autoscaling"), client("elb")
    (nic,) = [
        item
        for item in ec2.describe_instances(InstanceIds=[aws.victim])["Reservations"][0]["Instances"][0][
            "NetworkInterfaces"
        ]
        if item["Attachment"]["DeviceIndex"] == 0
    ]
    group = ec2.create_security_group(GroupName=f"group{IN_XML}", Description=f"text{IN_XML}", VpcId=nic["VpcId"])[
        "GroupId"
    ]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=nic["NetworkInterfaceId"], Groups=[group])
    (member,) = scaling.describe_auto_scaling_instances(InstanceIds=[aws.victim])["AutoScalingInstances"]
    scaling.detach_instances(
        InstanceIds=[aws.victim],
        AutoScalingGroupName=member["AutoScalingGroupName"],
        ShouldDecrementDesiredCapacity=True,
    )
    name = f"scaling{IN_XML}"
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName="storefront-web-7",
        MinSize=0,
        MaxSize=3,
        DesiredCapacity=0,
        VPCZoneIdentifier=nic["SubnetId"],
    )
    scaling.attach_instances(AutoScalingGroupName=name, InstanceIds=[aws.victim])
    classic.create_load_balancer(
        LoadBalancerName=f"balancer{IN_XML}",
        Subnets=[nic["SubnetId"]],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 8443, "InstanceProtocol": "TCP", "InstancePort": 8443}],
    )
    classic.register_instances_with_load_balancer(
        LoadBalancerName=f"balancer{IN_XML}", Instances=[{"InstanceId": aws.victim}]
    )


def environment(aws: Aws) -> dict[str, str]:
    return {**aws.env, "VPCE_TUI_THEME": "dark"}


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
def test_every_screen_over_files(aws: Aws, trail: Path, size: tuple[int, int]) -> None:
    terminal = Terminal(["--log-files", str(trail)], environment(aws), size)
    terminal.until("CRITICAL")
    for keys in (
        ("down", "down", "j", "G", "g"),
        ("t", "G", "k", "t"),
        ("enter", "j", "j", "G", "escape"),
        ("down", "enter", "G", "escape"),
        ("down", "enter", "escape"),
        ("?", "escape"),
        ("!", "escape"),
        ("e", "escape"),
        ("/", "web", "enter", "escape"),
        ("2", "escape"),
        ("3", "escape"),
        ("p",),
        ("ctrl+p", "inc", "escape"),
    ):
        terminal.send(*keys)
    harmless(terminal.written)
    terminal.send("q")
    assert terminal.close() == 0, terminal.written[-2000:]
    harmless(terminal.written)


def test_every_screen_over_a_hostile_account(labs: Labs) -> None:
    aws = labs.new("denied@LookupEvents%us-west-2:99", "denied@ListDetectors:99", hostile=f" {HOSTILE}")
    ec2, iam = clients(aws)("ec2"), clients(aws)("iam")
    ec2.create_tags(
        Resources=[aws.victim],
        Tags=[{"Key": "Name", "Value": f"web{IN_XML}"}, {"Key": f"k{IN_XML}", "Value": f"v{IN_XML}"}],
    )
    iam.put_role_policy(
        RoleName="web-app",
        PolicyName="hostile",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::x"}],
                "Id": IN_XML,
            }
        ),
    )
    names_planted(aws)
    terminal = Terminal([], environment(aws), (100, 30))
    terminal.until("4 of 5")
    terminal.quiet(1.5)
    terminal.send("!", "escape", "2")
    terminal.until("batch-worker-spot")  # only the list of instances shows it
    terminal.send("enter", "G", "escape", "!", "escape", "p")
    terminal.until("open playbook")
    terminal.send("G", "k", "enter")  # the last but one: terminate-instance
    terminal.until("planned")
    terminal.send("tab", "tab", "tab", "tab", "right", "tab", "tab", "tab", "tab", "r")
    terminal.send("enter")
    terminal.until("verified")
    terminal.quiet(1.0)
    terminal.send("right", "tab", "tab", "tab", "tab", "right", "tab", "tab", "tab", "escape", "escape", "3")
    terminal.until("record verified")
    harmless(terminal.written)
    assert "web⟨U+009B⟩5m".encode() in terminal.written or "⟨U+009B⟩".encode() in terminal.written, (
        "it must be visible, not gone"
    )
    terminal.send("q")
    assert terminal.close() == 0


@pytest.mark.parametrize(
    "words",
    [
        ("events", "--log-files", "TRAIL", "--event-name", "*"),
        ("events", "--log-files", "TRAIL", "--event-name", "*", "--json"),
        ("instances",),
        ("plan", "terminate-instance", "VICTIM", "--region", HOME),
        ("plan", "terminate-instance", "VICTIM", "--region", HOME, "--format", "cli"),
        ("plan", "terminate-instance", "VICTIM", "--region", HOME, "--format", "python"),
    ],
)
def test_every_command(labs: Labs, trail: Path, words: tuple[str, ...]) -> None:
    aws = labs.new("denied@ListDetectors:99", hostile=f" {HOSTILE}")
    clients(aws)("ec2").create_tags(Resources=[aws.victim], Tags=[{"Key": "Name", "Value": f"web{IN_XML}"}])
    names_planted(aws)
    swapped = {"TRAIL": str(trail), "VICTIM": aws.victim}
    code, _ = aws.run(*(swapped.get(word, word) for word in words))
    assert code in (0, 3)
    written = (aws.folder / f"out-{aws.runs}").read_bytes()
    assert b"\x1b" not in written
    harmless(written.replace(b"\\ud800", b"") if "--json" in words else written)


def test_a_crash_shows_no_value_of_any_variable(aws: Aws, tmp_path: Path) -> None:
    program = """
import sys
from datetime import UTC, datetime
from vpce_tui.tui.app import VpceTui
from vpce_tui.detection.team_context import Context
from vpce_tui.investigation.workspace import Workspace
from vpce_tui.cli.commands import app as opening

class Broken(VpceTui):
    def on_mount(self):
        secret_value = "wJalrXUtnFEMI" + "/K7MDENG/bPxRfiCYEXAMPLEKEY"
        raise ValueError(secret_value)

def build(args, **_):
    Broken.CSS_PATH = None
    return Broken(Workspace(lambda: None, lambda: datetime.now(UTC), Context(), read_only=True))

opening.build = build
from vpce_tui.cli.main import main
sys.exit(main([]))
"""
    import sys

    (tmp_path / "broken.py").write_text(program)
    terminal = Terminal([], environment(aws), program=[sys.executable, str(tmp_path / "broken.py")])
    code = terminal.close()
    assert code == 1
    assert b"ValueError at" in terminal.written
    assert b"wJalrXUtnFEMI" not in terminal.written
    assert b"secret_value" not in terminal.written
