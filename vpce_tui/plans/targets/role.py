"""The role behind an instance: its policies, who else uses it, and whether this incident revoked its sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vpce_tui.aws.call import Call
from vpce_tui.aws.client import AwsClient
from vpce_tui.core.json_values import at, sequence
from vpce_tui.iam.policy_document import raw_statements
from vpce_tui.inventory import parse
from vpce_tui.inventory.resources import Instance
from vpce_tui.plans.targets.planning_context import PlanningContext, iam_region

CUT_POLICY: Final = "vpce-tui-cut-sessions-"


@dataclass(frozen=True, slots=True)
class HeldRole:
    """The instance's profile and role. ``association`` is ``""`` when the instance holds no profile."""

    association: str
    profile_arn: str
    profile_name: str
    name: str
    arn: str
    cut: str = ""
    inline: tuple[str, ...] = ()
    attached: tuple[tuple[str, str], ...] = ()
    other_instances: tuple[str, ...] = ()


def role_of(client: AwsClient, instance: Instance, asked: PlanningContext) -> HeldRole:
    """The profile the instance holds, or that we took from it, and the role in it."""
    region = instance.region
    filters = [
        {"Name": "instance-id", "Values": [instance.id]},
        {"Name": "state", "Values": ["associating", "associated"]},
    ]
    call = Call(
        service="ec2",
        operation="DescribeIamInstanceProfileAssociations",
        region=region,
        parameters={"Filters": filters},
    )
    associations = [item for page in client.pages(call) for item in page.data.get("IamInstanceProfileAssociations", [])]
    association = str(associations[0]["AssociationId"]) if associations else ""
    profile_arn = (
        str(associations[0]["IamInstanceProfile"]["Arn"])
        if associations
        else str(asked.remembered.get("profile_arn", ""))
    )
    if not profile_arn:
        return HeldRole(association="", profile_arn="", profile_name="", name="", arn="")
    return _role_behind(client, instance, association, profile_arn, asked)


def _role_behind(
    client: AwsClient, instance: Instance, association: str, profile_arn: str, asked: PlanningContext
) -> HeldRole:
    profile_name = profile_arn.rpartition("/")[2]
    profile = client.read(
        Call(
            service="iam",
            operation="GetInstanceProfile",
            region=iam_region(instance.region),
            parameters={"InstanceProfileName": profile_name},
        )
    ).data
    roles = (profile.get("InstanceProfile") or {}).get("Roles") or []
    if not roles:
        return HeldRole(association=association, profile_arn=profile_arn, profile_name=profile_name, name="", arn="")
    name, arn = str(roles[0]["RoleName"]), str(roles[0]["Arn"])
    inline = [
        str(item)
        for page in client.pages(
            Call(
                service="iam",
                operation="ListRolePolicies",
                region=iam_region(instance.region),
                parameters={"RoleName": name},
            )
        )
        for item in page.data.get("PolicyNames", [])
    ]
    attached: list[tuple[str, str]] = []
    for page in client.pages(
        Call(
            service="iam",
            operation="ListAttachedRolePolicies",
            region=iam_region(instance.region),
            parameters={"RoleName": name},
        )
    ):
        for item in page.data.get("AttachedPolicies", []):
            policy = client.read(
                Call(
                    service="iam",
                    operation="GetPolicy",
                    region=iam_region(instance.region),
                    parameters={"PolicyArn": item["PolicyArn"]},
                )
            ).data["Policy"]
            attached.append((str(item["PolicyArn"]), str(policy["DefaultVersionId"])))
    cut, own, home = "", f"{CUT_POLICY}{asked.incident}", iam_region(instance.region)
    if asked.incident and own in inline:
        cut = cut_stage(
            client.read(
                Call(
                    service="iam",
                    operation="GetRolePolicy",
                    region=home,
                    parameters={"RoleName": name, "PolicyName": own},
                )
            ).data,
            asked.since,
        )
    filters = [
        {"Name": "iam-instance-profile.arn", "Values": [profile_arn]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    users = [
        other.label
        for page in client.pages(
            Call(service="ec2", operation="DescribeInstances", region=instance.region, parameters={"Filters": filters})
        )
        for other in parse.instances(page.data, instance.region, instance.account)
        if other.id != instance.id
    ]
    return HeldRole(
        association=association,
        profile_arn=profile_arn,
        profile_name=profile_name,
        name=name,
        arn=arn,
        cut=cut,
        inline=tuple(sorted(set(inline) - {own})),
        attached=tuple(sorted(attached)),
        other_instances=tuple(sorted(users)),
    )


def cut_stage(answer: Mapping[str, object], since: str) -> str:
    """The statement id of our cut policy; ``""`` where it is not exactly as we write it, or older than the incident."""
    document = answer.get("PolicyDocument")
    statements = raw_statements(document)
    if len(statements) != 1 or len(sequence(document, "Statement")) > 1:
        return ""
    statement = statements[0]
    limit = at(statement, "Condition", "DateLessThan", "aws:TokenIssueTime")
    exact = {
        "Sid": statement.get("Sid"),
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": limit}},
    }
    moment = parse.moment(limit)
    if dict(statement) != exact or moment is None:
        return ""
    opened = parse.moment(since)
    return "" if opened and moment < opened.replace(microsecond=0) else str(statement.get("Sid", ""))
