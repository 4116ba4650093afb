"""What groups let in when their rules are read together: prefix lists by what they hold, narrow blocks by their sum."""

import pytest

from tests.conftest import Aws
from tests.rules import HOME, WORLD, created, network, region, see
from tests.world import clients
from vpce_tui.inventory.account import look
from vpce_tui.inventory.model import Rule
from vpce_tui.inventory.openness import read_together
from vpce_tui.signals.endpoint import judge_event


def rule(peer: str, port: int = 443) -> Rule:
    return Rule("tcp", port, port, peer)


def worlds(*rules: Rule, **lists: tuple[str, ...]) -> list[str]:
    named = {name.replace("_", "-"): blocks for name, blocks in lists.items()}
    return [item.peer for item in read_together(rules, named) if item.world]


SLICES = tuple(f"{first}.0.0.0/9" for first in range(40, 43))


@pytest.mark.parametrize(
    ("rules", "lists", "world"),
    [
        ((rule("8.0.0.0/9"), rule("9.0.0.0/9")), {}, ["8.0.0.0/9", "9.0.0.0/9"]),
        ((rule("8.0.0.0/9"),), {}, []),
        ((rule("8.0.0.0/9"), rule("8.0.0.0/10"), rule("8.64.0.0/10")), {}, []),  # one inside the other
        ((rule("8.0.0.0/9"), rule("9.0.0.0/9", 22)), {}, []),  # of other ports
        ((rule("10.0.0.0/9"), rule("172.16.0.0/12"), rule("192.168.0.0/16"), rule("sg-1"), rule("no block")), {}, []),
        ((rule("2600::/17"), rule("2700::/17")), {}, ["2600::/17", "2700::/17"]),
        ((rule("pl-1"),), {"pl_1": (WORLD,)}, [WORLD]),
        ((rule("pl-1"),), {"pl_1": SLICES}, list(SLICES)),
        ((rule("pl-1"),), {"pl_1": ("10.0.0.0/8", "203.0.113.0/24")}, []),
        ((rule("pl-1"),), {}, []),
    ],
)
def test_what_comes_to_the_whole_internet(
    rules: tuple[Rule, ...], lists: dict[str, tuple[str, ...]], world: list[str]
) -> None:
    assert worlds(*rules, **lists) == world


def test_a_rule_says_of_which_list_it_is_and_with_how_many_others_it_is_the_internet() -> None:
    found = read_together([rule("pl-1")], {"pl-1": SLICES})
    assert str(found[0]) == "tcp 443 40.0.0.0/9 (of pl-1) and 2 blocks more, together a large part of the internet"


def test_slices_of_the_internet_raise_what_the_internet_raises() -> None:
    sliced = read_together([rule("8.0.0.0/9"), rule("9.0.0.0/9")], {})
    found = judge_event(see(created(), region=region(net=network(*sliced))))
    assert "VPCE-05" in {signal.id for signal in found.signals}


def test_ten_thousand_blocks_are_read_in_one_go() -> None:
    many = [rule(f"{40 + number // 65_536}.{number // 256 % 256}.{number % 256}.0/24") for number in range(70_000)]
    assert len(read_together(many, {})) == 70_000
    assert all(item.world for item in read_together(many, {}))


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
    net = look(aws.session(), [HOME]).regions[HOME].network
    found = net.groups[group].ingress
    assert {(item.peer, item.through, item.world) for item in found} == {
        ("198.18.0.0/15", made, False),
        (WORLD, made, True),
    }
    assert "prefix lists" not in net.unknown
