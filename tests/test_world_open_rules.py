"""What groups let in when their rules are read together: prefix lists by what they hold, narrow blocks by their sum."""

import pytest

from tests.conftest import Aws, Labs
from tests.emulated_aws import clients
from tests.rules import HOME, WORLD, created, network, region, see
from vpce_tui.detection.endpoint import assess_signals
from vpce_tui.inventory.account_inventory import read_inventory
from vpce_tui.inventory.resources import SecurityGroupPermission
from vpce_tui.inventory.world_open_rules import read_together


def rule(peer: str, port: int = 443) -> SecurityGroupPermission:
    return SecurityGroupPermission(protocol="tcp", from_port=port, to_port=port, peer=peer)


def worlds(*rules: SecurityGroupPermission, **lists: tuple[str, ...]) -> list[str]:
    named = {name.replace("_", "-"): blocks for name, blocks in lists.items()}
    return [item.peer for item in read_together(rules, named) if item.open_to_world]


SLICES = tuple(f"{first}.0.0.0/9" for first in range(40, 43))


@pytest.mark.parametrize(
    ("rules", "lists", "world"),
    [
        ((rule("8.0.0.0/9"), rule("9.0.0.0/9")), {}, ["8.0.0.0/9"]),
        ((rule("9.0.0.0/10"), rule("8.0.0.0/9"), rule("9.64.0.0/10")), {}, ["8.0.0.0/9"]),  # the widest says so
        ((rule("8.0.0.0/9"),), {}, []),
        ((rule("8.0.0.0/9"), rule("8.0.0.0/10"), rule("8.64.0.0/10")), {}, []),  # one inside the other
        ((rule("8.0.0.0/9"), rule("9.0.0.0/9", 22)), {}, []),  # of other ports
        (
            (
                SecurityGroupPermission(protocol="tcp", from_port=443, to_port=444, peer="8.0.0.0/9"),
                SecurityGroupPermission(protocol="tcp", from_port=400, to_port=443, peer="9.0.0.0/9"),
            ),
            {},
            ["8.0.0.0/9"],
        ),  # for 443 both
        (
            (SecurityGroupPermission(protocol="-1", from_port=None, to_port=None, peer="8.0.0.0/9"), rule("9.0.0.0/9")),
            {},
            ["8.0.0.0/9"],
        ),
        (
            (SecurityGroupPermission(protocol="udp", from_port=443, to_port=443, peer="8.0.0.0/9"), rule("9.0.0.0/9")),
            {},
            [],
        ),
        ((rule("10.0.0.0/9"), rule("172.16.0.0/12"), rule("192.168.0.0/16"), rule("sg-1"), rule("no block")), {}, []),
        ((rule("100.64.0.0/10"), rule("100.128.0.0/10"), rule("8.0.0.0/10"), rule("9.0.0.0/10")), {}, []),  # RFC 6598
        ((rule("2600::/17"), rule("2700::/17")), {}, ["2600::/17"]),
        ((rule("pl-1"),), {"pl_1": (WORLD,)}, [WORLD]),
        ((rule("pl-1"),), {"pl_1": SLICES}, ["40.0.0.0/9"]),
        ((rule("pl-1"),), {"pl_1": ("10.0.0.0/8", "203.0.113.0/24")}, []),
        ((rule("pl-1"),), {}, []),
    ],
)
def test_what_comes_to_the_whole_internet(
    rules: tuple[SecurityGroupPermission, ...], lists: dict[str, tuple[str, ...]], world: list[str]
) -> None:
    assert worlds(*rules, **lists) == world


def test_a_rule_says_of_which_list_it_is_and_with_how_many_others_it_is_the_internet() -> None:
    found = read_together([rule("pl-1"), rule("10.0.0.0/8"), rule("sg-1")], {"pl-1": SLICES})
    assert str(found[0]) == "tcp 443 40.0.0.0/9 (of pl-1) and 2 more blocks, together a large part of the internet,"


def test_slices_of_the_internet_raise_what_the_internet_raises_and_say_that_they_are_slices() -> None:
    sliced = read_together([rule("8.0.0.0/9"), rule("9.0.0.0/9")], {})
    found = assess_signals(see(created(), region=region(net=network(*sliced))))
    title = next(signal.title for signal in found.signals if signal.id == "VPCE-05")
    assert title == (
        "Its security group allows 8.0.0.0/9 and 1 more block, together a large part of the internet, on port 443"
    )


def test_many_blocks_at_many_ports_are_read_in_one_go() -> None:
    many = [
        SecurityGroupPermission(
            protocol="tcp",
            from_port=at % 900,
            to_port=at % 900,
            peer=f"{40 + at // 65_536}.{at // 256 % 256}.{at % 256}.0/24",
        )
        for at in range(20_000)
    ]
    assert len(read_together(many, {})) == 20_000
    same = [rule(block.peer) for block in many] + [rule(f"{first}.0.0.0/10") for first in range(60, 64)]
    assert any(item.open_to_world for item in read_together(same, {}))


def test_prefix_lists_of_groups_are_read_from_aws(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    made = ec2.create_managed_prefix_list(
        PrefixListName="partners",
        MaxEntries=5,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "198.18.0.0/15"}, {"Cidr": WORLD}],
    )["PrefixList"]["PrefixListId"]
    group = ec2.create_security_group(GroupName="by-list", Description="x", VpcId=aws.facts["vpc"])["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": made}]}],
    )
    net = read_inventory(aws.session(), [HOME]).regions[HOME].network
    found = net.groups[group].ingress
    assert {(item.peer, item.through, item.open_to_world) for item in found} == {
        ("198.18.0.0/15", made, False),
        (WORLD, made, True),
    }
    assert "prefix lists" not in net.unknown


def test_a_prefix_list_that_may_not_be_read_stays_a_list_and_says_why(labs: Labs) -> None:
    aws = labs.new("denied@GetManagedPrefixListEntries:99")
    ec2 = clients(aws)("ec2")
    made = ec2.create_managed_prefix_list(PrefixListName="p", MaxEntries=2, AddressFamily="IPv4")["PrefixList"][
        "PrefixListId"
    ]
    group = ec2.create_security_group(GroupName="by-list", Description="x", VpcId=aws.facts["vpc"])["GroupId"]
    allowed = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": made}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=allowed)
    net = read_inventory(aws.session(), [HOME]).regions[HOME].network
    assert [item.peer for item in net.groups[group].ingress] == [made]
    assert "GetManagedPrefixListEntries" in net.unknown["prefix lists"]
