"""Every playbook on every kind of target the scenario has: the cases that the playbook tests walk."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conftest import HOME, Aws
from tests.emulated_aws import clients


@dataclass(frozen=True)
class Case:
    """A playbook on one target of the scenario. ``target``: a key of the scenario's facts; ``sets``: answers."""

    name: str
    playbook: str
    target: str
    sets: tuple[str, ...] = ()
    region: str = HOME
    deep: bool = False
    """Whether it is also faulted and killed at each call, and its scripts are run: of ``terminate-instance`` always, of the
    others where ``EVERY_CASE=1`` is set, as the suite must end within minutes."""
    scripted: bool = False
    """Whether its scripts are run all the same."""
    before: Callable[[Aws], object] = lambda _: None
    """What happens in the account before."""

    def target_in(self, aws: Aws) -> str:
        known = {**aws.facts, **aws.facts["endpoint_ids"], **aws.made}
        return str(known.get(self.target, self.target))

    def options(self, aws: Aws) -> list[str]:
        known = {**aws.facts, "disk": aws.facts["victim_data_volume"]}
        return [word for item in self.sets for word in ("--set", item.format(**known))]


def flow(aws: Aws, target: str, line: str, *, minutes: float = 0.0) -> None:
    """One more record in production's flow log, of now; ``line`` after the interface, its times ``minutes`` from now."""
    logs, ec2 = clients(aws)("logs"), clients(aws)("ec2")
    if target.startswith("vpce-"):
        (interface,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[target])["VpcEndpoints"][0]["NetworkInterfaceIds"][:1]
        (nic,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    else:
        (instance,) = ec2.describe_instances(InstanceIds=[target])["Reservations"][0]["Instances"]
        nic = min(instance["NetworkInterfaces"], key=lambda nic: nic["Attachment"]["DeviceIndex"])
    at, interface = int(time.time() + minutes * 60), nic["NetworkInterfaceId"]
    said = line.format(own=nic["PrivateIpAddress"], begin=at - 59, end=at)
    logs.create_log_stream(logGroupName="/vpc/production", logStreamName=f"{interface}-more-{time.time_ns()}")
    stream = logs.describe_log_streams(logGroupName="/vpc/production", logStreamNamePrefix=f"{interface}-more")
    logs.put_log_events(
        logGroupName="/vpc/production",
        logStreamName=stream["logStreams"][-1]["logStreamName"],
        logEvents=[{"timestamp": int(time.time() * 1000), "message": f"2 123456789012 {interface} {said}"}],
    )


INTRUDER = "198.51.100.23"
REJECTED = "{own} 198.51.100.23 52110 443 6 3 180 {begin} {end} REJECT OK"


def _rejected_later(name: str) -> Callable[[Aws], None]:
    """What flow logs will say once the address is blocked: it goes on trying."""
    return lambda aws: flow(aws, str(aws.facts["endpoint_ids"].get(name) or aws.facts[name]), REJECTED, minutes=60)


LATTICE = "arn:aws:vpc-lattice:eu-west-1:444455556666"


def to_somebodys_resource(kind: str, **leads_to: str) -> Callable[[Aws], None]:
    """Somebody opened a way to what another account shares."""

    def made(aws: Aws) -> None:
        ec2, facts = clients(aws)("ec2"), aws.facts
        aws.made["to_resource"] = ec2.create_vpc_endpoint(
            VpcEndpointType=kind,
            VpcId=facts["vpc"],
            SubnetIds=[facts["subnet_app-a"]],
            SecurityGroupIds=[facts["group_open"]],
            PrivateDnsEnabled=True,
            **leads_to,
        )["VpcEndpoint"]["VpcEndpointId"]

    return made


def with_template(aws: Aws) -> str:
    """The group starts version 2 of a launch template of the team's."""
    ec2, scaling = clients(aws)("ec2"), clients(aws)("autoscaling")
    data = {"ImageId": aws.facts[f"image_{HOME}"], "InstanceType": "m6i.large", "KeyName": "team"}
    made = ec2.create_launch_template(LaunchTemplateName="storefront", LaunchTemplateData=data)["LaunchTemplate"]
    template = {"LaunchTemplateId": made["LaunchTemplateId"]}
    ec2.create_launch_template_version(**template, SourceVersion="1", LaunchTemplateData={"EbsOptimized": True})
    scaling.update_auto_scaling_group(
        AutoScalingGroupName="storefront-web", LaunchTemplate={**template, "Version": "2"}
    )
    return str(made["LaunchTemplateId"])


def with_managed_policy(aws: Aws) -> None:
    """The role has a managed policy that allows too much, and the account a trail that somebody stopped."""
    iam, home = clients(aws)("iam"), clients(aws, "us-east-1")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["ec2:*", "s3:GetObject"], "Resource": "*"}],
    }
    made = iam.create_policy(PolicyName="web-app-network", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="web-app", PolicyArn=made)
    home("s3").create_bucket(Bucket="team-trail")
    home("cloudtrail").create_trail(Name="team", S3BucketName="team-trail", IsMultiRegionTrail=True)


CASES = (
    Case(
        "block-traffic-instance",
        "block-traffic",
        "victim",
        (f"addresses={INTRUDER}", "rules=matching", "waf.ip_set={ip_set}", "block-public-access.mode=block-ingress"),
        deep=True,
        before=_rejected_later("victim"),
    ),
    Case(
        "block-traffic-endpoint",
        "block-traffic",
        "pipeline_sts",
        ("addresses=10.0.100.20,192.0.2.0/24", "rules=matching", "replace=own"),
        before=_rejected_later("pipeline_sts"),
    ),
    Case("revoke-credentials-user", "revoke-credentials", "intruder_user_key", ("profile=stolen-key",), deep=True),
    Case(
        "revoke-credentials-role",
        "revoke-credentials",
        "role/web-app",
        ("quarantine.deny=yes", "policy=inline/legacy-network", "leave_out=0", "profile=stolen-session"),
        deep=True,
    ),
    Case(
        "revoke-credentials-managed-policy",
        "revoke-credentials",
        "role/web-app",
        ("policy=arn:aws:iam::123456789012:policy/web-app-network", "leave_out=0", "trail.bucket=team-trail"),
        before=with_managed_policy,
        deep=True,
    ),
    Case("relaunch-instance", "relaunch-instance", "victim", ("user_data=copy", "launch.volumes={disk}"), deep=True),
    Case(
        "harden-account",
        "harden-account",
        "account",
        (
            "overview.regions=eu-west-1",
            "groups.rules={wide_rule}",
            "config.in=eu-west-1",
            "encryption.in=eu-west-1",
            "flow-logs.vpcs=eu-west-1/{default_vpc}",
            "volumes.volumes={database_disk},{loose_disk}",
        ),
        deep=True,
    ),
    Case(
        "relaunch-instance-with-template",
        "relaunch-instance",
        "victim",
        ("profile=none",),
        before=with_template,
        deep=True,
    ),
    Case("terminate-instance", "terminate-instance", "victim", ("lock_days=3", "share_with=210987654321"), deep=True),
    Case("contain-endpoint-foreign", "contain-endpoint", "intruder_exit", scripted=True),
    Case(
        "contain-endpoint-resource",
        "contain-endpoint",
        "to_resource",
        before=to_somebodys_resource(
            "Resource", ResourceConfigurationArn=f"{LATTICE}:resourceconfiguration/rcfg-0123456789abcdef0"
        ),
    ),
    Case(
        "contain-endpoint-service-network",
        "contain-endpoint",
        "to_resource",
        before=to_somebodys_resource(
            "ServiceNetwork", ServiceNetworkArn=f"{LATTICE}:servicenetwork/sn-0123456789abcdef0"
        ),
    ),
    Case("contain-endpoint-gateway", "contain-endpoint", "intruder_s3"),
    Case("contain-endpoint-interface", "contain-endpoint", "pipeline_sts", ("policy.mode=deny-all",), deep=True),
    Case(
        "contain-endpoint-that-stays",
        "contain-endpoint",
        "bob",
        ("policy.mode=own-organization", "network.mode=narrow", "encryption.monitor=yes", "flow-logs.role=new"),
        "us-east-1",
        deep=True,
    ),
)


def planned(aws: Aws, case: Case, *more: str) -> dict:
    """The case's plan, made and kept as ``plan.json``."""
    path = aws.folder / "plan.json"
    code, said = aws.run("plan", case.playbook, case.target_in(aws), "--out", str(path), *case.options(aws), *more)
    assert code == 0, said
    found: dict = json.loads(path.read_text())
    return found


def apply(
    aws: Aws, case: Case, *more: str, kill_new: list[str] | None = None, incident: str = "case"
) -> tuple[int | None, str]:
    """Run the case's plan."""
    words = ["apply", str(aws.folder / "plan.json"), "--incident", incident, "--yes", "--wait", "3"]
    return aws.run(*words, "--confirm", case.target_in(aws), *more, kill_new=kill_new)


def reversible(plan: dict) -> list[str]:
    """The steps that can be undone, and the reads that they require, as words for ``apply``."""
    chosen = [step for step in plan["steps"] if step["kind"] == "change" and step["reversible"] and not step["blocked"]]
    needed = {name for step in chosen for name in step["requires"]}
    steps = [
        step["id"] for step in plan["steps"] if step in chosen or (step["kind"] == "read" and step["id"] in needed)
    ]
    return [word for step in steps for word in ("--step", step)]


def effects(aws: Aws) -> Counter[str]:
    """The writes that took effect, by operation."""
    return Counter(name for name, _ in aws.writes())


EVERY_CASE = bool(os.environ.get("EVERY_CASE"))
DEEP = tuple(case for case in CASES if case.deep and (EVERY_CASE or case.name == "contain-endpoint-interface"))
"""By default one with few calls, as each of them is hit by each fault and killed; test_kill kills ``terminate-instance``."""
SCRIPTED = tuple(
    (case, form)
    for case in CASES
    for form in ("cli", "python")
    if EVERY_CASE or case.scripted or (case.playbook == "terminate-instance" and form == "python")
)
"""Each script; by default the longest one not by ``awscli``, which starts anew for each of its calls."""


def shown(step: dict[str, Any]) -> list[str]:
    """What a step's content blocks say, a sentence, fact or row each."""
    found: list[str] = []
    for block in step["content"]:
        if block["block"] == "text":
            found.append(block["text"])
        elif block["block"] == "facts":
            found += [f"{fact['name']}: {fact['value']}" for fact in block["facts"]]
        elif block["block"] == "table":
            found.append(block["title"])
            found += ["  ".join(str(cell) for cell in row["cells"]) for row in block["rows"]]
        elif block["block"] == "diff":
            found += [block["before"], block["after"]]
    return found


def table(step: dict[str, Any], title: str) -> dict[str, dict[str, Any]]:
    """The rows of the table whose title holds ``title``: for each row id, its cells by column."""
    (block,) = [item for item in step["content"] if item["block"] == "table" and title in item["title"]]
    names = [column["name"] for column in block["columns"]]
    return {row["id"]: dict(zip(names, row["cells"], strict=True)) for row in block["rows"]}
