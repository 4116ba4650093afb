"""Cases of the rules about where an endpoint leads, and its network."""

from dataclasses import replace

from tests.rule_cases.endpoint_parts import ALL_OPEN, GATEWAY, ROLE, S3, lattice, talks, through, vpc
from tests.rules import (
    FOREIGN,
    HOME,
    LIMITED,
    LIMITS,
    OPEN,
    OTHER_ACCOUNT,
    OURS,
    OWN,
    WORLD,
    allow,
    created,
    network,
    now,
    other,
    past,
    policy,
    region,
    see,
)
from vpce_tui.detection.endpoint.endpoint_facts import EventFacts
from vpce_tui.detection.team_context import Context
from vpce_tui.inventory.networks import AclEntry, Routes, Subnet
from vpce_tui.inventory.resources import SecurityGroupPermission

CASES: list[tuple[str, str, EventFacts, str | None]] = [
    ("VPCE-01", "a service of somebody", see(created(FOREIGN, None)), "critical"),
    (
        "VPCE-01",
        "whose owner is known and foreign",
        see(created(FOREIGN, None), region=region(net=network(owners={FOREIGN: OTHER_ACCOUNT}))),
        "critical",
    ),
    ("VPCE-01", "a name made to look like AWS's", see(created("com.amazonaws.evil/vpce")), "critical"),
    (
        "VPCE-01",
        "of an own account",
        see(created(FOREIGN, None), region=region(net=network(owners={FOREIGN: OWN}))),
        None,
    ),
    (
        "VPCE-01",
        "trusted",
        see(created(FOREIGN, None), context=Context(trusted_services=("com.amazonaws.vpce.*.vpce-svc-0f3*",))),
        None,
    ),
    ("VPCE-01", "AWS's by another name", see(created("aws.api.eu-west-1.bedrock")), None),
    ("VPCE-20", "never used", see(created(f"com.amazonaws.{HOME}.ssm"), past=past()), "medium"),
    (
        "VPCE-20",
        "the fellows of a shell",
        see(
            created(f"com.amazonaws.{HOME}.ssmmessages"),
            past=past(created(f"com.amazonaws.{HOME}.ssm", minutes=5, eventID="one")),
        ),
        "high",
    ),
    (
        "VPCE-20",
        "fellows of somebody else",
        see(
            created(f"com.amazonaws.{HOME}.ssmmessages"),
            past=past(
                other("OpenDataChannel", "ssmmessages", who=ROLE),
                created(f"com.amazonaws.{HOME}.ssm", minutes=5, eventID="one", who=ROLE),
            ),
        ),
        None,
    ),
    (
        "VPCE-20",
        "used before",
        see(created(f"com.amazonaws.{HOME}.ssm"), past=past(other("UpdateInstanceInformation", "ssm", who=ROLE))),
        None,
    ),
    (
        "VPCE-20",
        "its own refused look just before",
        see(
            created(f"com.amazonaws.{HOME}.ssm"),
            past=past(
                other("DescribeInstanceInformation", "ssm", 1, errorCode="AccessDenied"),
                other("DescribeInstanceInformation", "ssm", 2),
            ),
        ),
        "medium",
    ),
    (
        "VPCE-20",
        "a shell by an endpoint of another region",
        see(
            created(f"com.amazonaws.{HOME}.ssm"),
            past=past(created("com.amazonaws.us-east-1.ssmmessages", minutes=30, eventID="m")),
        ),
        "high",
    ),
    (
        "VPCE-30",
        "a VPC of another account",
        see(created(), region=region(net=network(vpcs=vpc(owner=OTHER_ACCOUNT)))),
        "medium",
    ),
    ("VPCE-30", "seen by two accounts", see(created(sharedEventID="s-1"), region=None), "medium"),
    (
        "VPCE-30",
        "a VPC of an own account",
        see(
            created(),
            region=region(net=network(vpcs=vpc(owner="222222222222"))),
            trust_zone=replace(OURS, accounts=frozenset({OWN, "222222222222"})),
        ),
        None,
    ),
    (
        "VPCE-31",
        "a load balancer endpoint",
        see(created(FOREIGN, None, request={"VpcEndpointType": "GatewayLoadBalancer"})),
        "high",
    ),
    (
        "VPCE-31",
        "with a route to it",
        see(
            created(FOREIGN, None, request={"VpcEndpointType": "GatewayLoadBalancer"}),
            region=region(net=network(tables={"rtb-1": Routes("rtb-1", (), ((WORLD, "vpce-1"),))})),
        ),
        "critical",
    ),
    ("VPCE-31", "an interface endpoint", see(created()), None),
    ("VPCE-32", "an external principal's database", see(created(rules=None, request=lattice(OTHER_ACCOUNT))), "high"),
    ("VPCE-32", "an own one", see(created(rules=None, request=lattice(OWN))), None),
    ("VPCE-33", "asked for another region", see(created(request={"ServiceRegion": "us-east-1"})), "medium"),
    ("VPCE-33", "named another region", see(created("com.amazonaws.us-east-1.sns")), "medium"),
    ("VPCE-33", "this region", see(created(request={"ServiceRegion": HOME})), None),
    ("VPCE-33", "a global name", see(created("com.amazonaws.s3-global.accesspoint")), None),
    (
        "VPCE-05",
        "every port for the world",
        see(created(), region=region(SecurityGroupPermission(protocol="-1", from_port=None, to_port=None, peer=WORLD))),
        "high",
    ),
    (
        "VPCE-05",
        "IPv6",
        see(created(), region=region(SecurityGroupPermission(protocol="tcp", from_port=0, to_port=65535, peer="::/0"))),
        "high",
    ),
    (
        "VPCE-05",
        "half of the internet",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="0.0.0.0/1")),
        ),
        "medium",
    ),
    (
        "VPCE-05",
        "443 for the world",
        see(created(), region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer=WORLD))),
        "medium",
    ),
    ("VPCE-05", "the default group", see(created(), region=region(net=network(group="default"))), "high"),
    ("VPCE-05", "the VPC alone", see(created()), None),
    (
        "VPCE-06",
        "no group named",
        see(created(request={"SecurityGroupId": None}), region=region(net=network(group="default"))),
        "medium",
    ),
    ("VPCE-06", "a gateway has none", see(created(S3, request=GATEWAY)), None),
    (
        "VPCE-34",
        "a condition that is always true",
        see(
            created(
                rules=policy(allow(Condition={**LIMITS, "BoolIfExists": {"aws:SecureTransport": ["true", "false"]}})),
            ),
            region=region(net=network(endpoints={"vpce-1": now(policy="")})),
        ),
        "low",
    ),
    (
        "VPCE-34",
        "more than 443",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=80, to_port=443, peer="10.0.0.0/16")),
        ),
        "medium",
    ),
    (
        "VPCE-34",
        "plain calls were seen",
        see(created(), past=past(through(tlsDetails={"tlsVersion": "TLSv1.1"}))),
        "high",
    ),
    (
        "VPCE-34",
        "nothing enforces it",
        see(
            created(rules=policy(allow(Condition=LIMITS))),
            region=region(
                net=network(vpcs=vpc(encryption=""), endpoints={"vpce-1": now(policy=policy(allow(Condition=LIMITS)))})
            ),
        ),
        "low",
    ),
    (
        "VPCE-34",
        "mail has ports of its own",
        see(
            created(f"com.amazonaws.{HOME}.email-smtp"),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=587, to_port=587, peer="10.0.0.0/16")),
        ),
        None,
    ),
    ("VPCE-34", "443, a condition, enforced", see(created()), None),
    (
        "VPCE-35",
        "an ACL of its own that is all open",
        see(
            created(),
            region=region(
                net=network(
                    acls=(
                        replace(
                            ALL_OPEN,
                            default=False,
                            entries=(
                                AclEntry(
                                    number=50, egress=False, allow=True, protocol="6", block=WORLD, ports=(443, 443)
                                ),
                                *ALL_OPEN.entries,
                            ),
                        ),
                    )
                )
            ),
        ),
        "low",
    ),
    ("VPCE-21", "names are taken over", see(created(request={"PrivateDnsEnabled": True})), "low"),
    ("VPCE-21", "names are not", see(created(request={"PrivateDnsEnabled": False})), None),
    (
        "VPCE-22",
        "the only way out",
        see(
            created(S3, request=GATEWAY),
            region=region(
                net=network(
                    tables={"rtb-1": Routes("rtb-1", ("subnet-1",), (("10.0.0.0/16", "local"), ("pl-1", "vpce-1")))}
                )
            ),
        ),
        "medium",
    ),
    ("VPCE-22", "beside a NAT gateway", see(created(S3, request=GATEWAY)), None),
    (
        "VPCE-27",
        "production, nobody named",
        see(
            created(),
            region=region(net=network(vpcs=vpc(tags={"env": "production"}), endpoints={"vpce-1": now(tags={})})),
        ),
        "low",
    ),
    (
        "VPCE-27",
        "a restricted subnet",
        see(
            created(),
            region=region(
                net=network(
                    subnets={"subnet-1": Subnet("subnet-1", {"data-classification": "restricted"})},
                    endpoints={"vpce-1": now(tags={})},
                )
            ),
        ),
        "low",
    ),
    (
        "VPCE-27",
        "an owner is named",
        see(created(), region=region(net=network(vpcs=vpc(tags={"env": "production"})))),
        None,
    ),
    ("VPCE-28", "gone", see(created(), region=region(net=network(endpoints={}))), "info"),
    (
        "VPCE-28",
        "another group now",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(groups=("sg-2",))}))),
        "medium",
    ),
    (
        "VPCE-28",
        "another policy now",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(policy=OPEN)}))),
        "medium",
    ),
    (
        "VPCE-28",
        "the same, written otherwise",
        see(created(), region=region(net=network(endpoints={"vpce-1": now(policy=LIMITED.replace(" ", ""))}))),
        None,
    ),
    (
        "VPCE-35",
        "an open ACL, and no flow logs",
        see(created(), region=region(net=network(acls=(ALL_OPEN,), recorded=frozenset()))),
        "medium",
    ),
    ("VPCE-35", "no flow logs", see(created(), region=region(net=network(recorded=frozenset()))), "low"),
    (
        "VPCE-35",
        "another network is let in",
        see(
            created(),
            region=region(SecurityGroupPermission(protocol="tcp", from_port=443, to_port=443, peer="10.8.0.0/16")),
        ),
        "low",
    ),
    (
        "VPCE-35",
        "recorded by its subnet",
        see(created(), region=region(net=network(recorded=frozenset({"subnet-1"})))),
        None,
    ),
    ("VPCE-25", "much, since it was made", see(created(), traffic=talks(900_000_000)), "high"),
    ("VPCE-25", "little", see(created(), traffic=talks(9_000)), None),
    (
        "VPCE-26",
        "refused by its policy",
        see(created(), past=past(through(errorCode="VpceAccessDenied", tlsDetails={"tlsVersion": "TLSv1.3"}))),
        "high",
    ),
    (
        "VPCE-26",
        "another account's principal",
        see(
            created(),
            past=past(
                through(
                    who={"type": "AssumedRole", "arn": "x", "accountId": OTHER_ACCOUNT},
                    tlsDetails={"tlsVersion": "TLSv1.3"},
                )
            ),
        ),
        "high",
    ),
    ("VPCE-26", "an own one", see(created(), past=past(through(tlsDetails={"tlsVersion": "TLSv1.3"}))), None),
]
