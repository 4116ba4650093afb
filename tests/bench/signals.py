"""How fast judging is: ``python -m tests.bench.signals``. Each figure beside a floor measured in the same run."""

import json
import os
import platform
import random
import time
from collections.abc import Callable
from dataclasses import replace

from tests.bench.event_makers import _SERVICES, LIVE, _call, records
from tests.bench.inventory_pages import inventory
from tests.bench.timing import best
from tests.rules import (
    AT,
    HOME,
    OPEN,
    SESSION,
    created,
    make_instance,
    network,
    now,
    other,
    record,
    region,
)
from vpce_tui.cli.main import tune_gc
from vpce_tui.cloudtrail.event import parse, parse_text
from vpce_tui.detection.assessment import AssessmentInputs, assess_events, assess_instances, trust_zone_of, whole_past
from vpce_tui.detection.pivot import Relation, related, relations
from vpce_tui.detection.team_context import Context
from vpce_tui.iam.role_privileges import IamRole, IamRoles
from vpce_tui.inventory.account_inventory import Region
from vpce_tui.inventory.resources import Interface, SecurityGroup, SecurityGroupPermission


def assessing(what: str, count: int = 50_000, *, bad: float, alike: bool = True) -> str:
    texts = records(count, bad=bad, alike=alike)
    floor = best(lambda: [json.loads(text) for text in texts])
    events = [parse_text(text) for text in texts]
    live = {name: now(id=name, vpc_id=f"vpc-{n % 40}") for n in range(LIVE) if (name := f"vpce-{n}")}
    vpcs = {name: replace(network().vpcs["vpc-1"], id=name) for n in range(40) if (name := f"vpc-{n}")}
    here = region(net=network(endpoints=live, vpcs=vpcs))
    calls = [
        {**_call(number), "eventSource": f"{_SERVICES[number % len(_SERVICES)]}.amazonaws.com"}
        for number in range(130_000, 130_500)
    ]
    past = whole_past([*events, *(parse(call) for call in calls), *(parse(_call(number)) for number in range(500))])

    def assessed() -> object:
        return assess_events(
            events,
            AssessmentInputs(
                past=past,
                regions={HOME: here},
                trust_zone=trust_zone_of(events, Context()),
                roles=None,
                context=Context(),
                now=AT,
            ),
        )

    began = time.process_time()
    assessed()
    first = time.process_time() - began
    taken = best(assessed)
    return f"{count:,} endpoint events, {what}: {taken:.2f} s, and {first - taken:.2f} s once for what else happened; parsing their JSON {floor:.2f} s: {taken / floor:.2f}x (bounds: 1 s, 1.5x)"


def growth() -> str:
    """Each rule's worst case: everything by one principal, in one session, region and VPC, within an hour."""

    def took(count: int) -> float:
        events = [
            parse(
                {
                    **record("CreateVpcEndpoint", minutes=number / count * 50, who=SESSION, eventID=f"e-{number}"),
                    "requestParameters": {
                        "CreateVpcEndpointRequest": {"VpcId": "vpc-1", "ServiceName": f"com.amazonaws.{HOME}.ssm"}
                    },
                    **({"errorCode": "Client.UnauthorizedOperation"} if number % 3 == 0 else {}),
                }
            )
            for number in range(count)
        ]
        at = [number / count * 50 for number in range(count)]
        events += [
            other("CreateUser", "iam", minutes, SESSION, requestParameters={"userName": f"u{minutes}"})
            for minutes in at
        ]
        events += [
            other("ModifyVpcEndpoint", minutes=minutes, who=SESSION, requestParameters={"VpcEndpointId": "vpce-1"})
            for minutes in at
        ]
        known = AssessmentInputs(
            past=whole_past(events),
            regions={HOME: region()},
            trust_zone=trust_zone_of(events, Context()),
            roles=None,
            context=Context(),
            now=AT,
        )
        return best(lambda: assess_events(events, known), 1)

    took(300)
    small, large = took(1_000), took(8_000)
    return f"one principal's 1,000 endpoints, users and changes {small:.2f} s, 8,000 of each {large:.2f} s: {large / small:.1f}x for 8x"


def instances(count: int = 5_000) -> str:
    chance = random.Random(7)
    groups = {
        f"sg-{n}": SecurityGroup(
            id=f"sg-{n}",
            name=f"g{n}",
            vpc_id="vpc-1",
            region=HOME,
            ingress=tuple(
                SecurityGroupPermission(
                    protocol="tcp", from_port=port, to_port=port, peer=chance.choice(("10.0.0.0/8", "0.0.0.0/0"))
                )
                for port in (22, 443, 5432)
            ),
        )
        for n in range(400)
    }
    machines = []
    for n in range(count):
        nic = Interface(
            id=f"eni-{n}",
            private_ip=f"10.0.{n // 250}.{n % 250}",
            public_ip="203.0.113.5" if n % 9 == 0 else "",
            subnet_id=f"subnet-{n % 40}",
            vpc_id="vpc-1",
            groups=(f"sg-{n % 400}", f"sg-{(n * 7) % 400}"),
        )
        machines.append(
            make_instance(
                id=f"i-{n:017x}",
                interfaces=(nic,),
                subnet_id=nic.subnet_id,
                http_tokens="optional" if n % 3 else "required",
                profile_arn=f"arn:p/{n % 100}",
            )
        )
    document = json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": ["s3:*", "ec2:Describe*", "logs:*"], "Resource": "*"}] * 5}
    )
    held = {
        f"r{n}": IamRole(name=f"r{n}", arn="", trust="", policies=tuple((f"p{part}", document) for part in range(4)))
        for n in range(100)
    }
    roles = IamRoles(held, {f"arn:p/{n}": f"r{n}" for n in range(100)})
    ends = {f"vpce-{n}": replace(now(), id=f"vpce-{n}") for n in range(500)}
    here: Region = region(net=network(groups=groups, endpoints=ends), instances=tuple(machines))
    events = [
        other("ModifyInstanceAttribute", minutes=n, requestParameters={"instanceId": f"i-{n % count:017x}"})
        for n in range(2_000)
    ]
    known = AssessmentInputs(
        past=whole_past(events),
        regions={HOME: here},
        trust_zone=trust_zone_of(events, Context()),
        roles=roles,
        context=Context(),
        now=AT,
    )
    bad = assess_events([created(eventID=f"b{n}", rules=OPEN, who=SESSION) for n in range(20)], known)
    floor = best(
        lambda: [
            json.loads(json.dumps({"Groups": [str(nic) for nic in item.interfaces], "Tags": dict(item.tags)}))
            for item in machines
        ]
    )
    taken = best(lambda: assess_instances(known, bad), int(os.environ.get("RUNS", "3")))
    return f"{count:,} instances with 400 groups, 100 roles of 4 policies, 500 endpoints: {taken:.2f} s (bound 1 s; writing and reading a line of JSON for each: {floor:.2f} s)"


def pivots(count: int = 100_000) -> str:
    texts = [json.dumps(_call(number)) for number in range(count)]
    events = [parse_text(text) for text in texts]
    past = whole_past(events)
    subject = events[count // 2]
    rows = []
    warm = best(lambda: [related(past, relation) for relation in relations(subject)], 1)
    for relation in [*relations(subject), Relation("VPC", "vpc-0aa11bb22cc33dd44")]:
        taken = best(lambda relation=relation: related(past, relation))  # type: ignore[misc]
        rows.append(f"{relation.name} {taken * 1000:.1f}")
    floor = best(lambda: [event for event in events if event.source_ip == subject.source_ip])
    return f"{count:,} events, ms a pivot: {', '.join(rows)} (bound 100; a plain walk over all: {floor * 1000:.0f}); the first one of all kinds, with its indexes: {warm * 1000:.0f}"


def main() -> None:
    tune_gc()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    figures: list[tuple[str, Callable[[], str]]] = [
        ("assessing", lambda: assessing("1 in 100 bad", bad=0.01)),
        ("", lambda: assessing("1 in 7 bad", bad=0.14)),
        ("", lambda: assessing("1 in 100 bad, each asking for something else", bad=0.01, alike=False)),
        ("growth", growth),
        ("instances", instances),
        ("inventory", inventory),
        ("pivots", pivots),
    ]
    for what, measured in figures:
        print(f"{what:<12} {measured()}", flush=True)


if __name__ == "__main__":
    main()
