"""The plan in words, as a person does it in the AWS console, with deep links."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from vpce_tui.playbooks.plan import Kind, Plan, PlannedCall, Step
from vpce_tui.playbooks.values import is_document, is_ref, is_text
from vpce_tui.text import visible

Parameters = Mapping[str, Any]


def plan_text(plan: Plan) -> str:
    """The whole plan."""
    head = f"{plan.playbook} {plan.target} in {plan.region}, account {plan.account}, planned {plan.planned_at}\n"
    return "\n".join([visible(head, multiline=True), *(line for step in plan.steps for line in _step(step))])


def step_text(_: Plan, step: Step) -> str:
    """One step."""
    return "\n".join(_step(step))


def _step(step: Step) -> Iterator[str]:
    yield f"{visible(step.title)} ({step.id})"
    if step.kind is Kind.MANUAL:
        yield from (f"  by hand: {visible(note)}" for note in step.notes)
        yield ""
        return
    yield from (f"  blocked: {visible(item.says)}" for item in step.blocked)
    yield from (f"  already so: {visible(call.why or call.name)}" for call in step.already)
    if not step.calls and not step.already:
        yield "  nothing to do"
    for number, call in enumerate(step.calls, start=1):
        yield f"  {number}. {visible(call.why or call.name)}"
        yield f"     {visible(words(call), limit=1500)}"
        yield f"     {link(call)}"
    yield ""


def link(call: PlannedCall) -> str:
    """The console page for the call's resource and region."""
    region, parameters = call.region, call.parameters
    base = f"https://{region}.console.aws.amazon.com"
    if call.service == "iam":
        role = parameters.get("RoleName")
        return (
            f"https://us-east-1.console.aws.amazon.com/iam/home#/roles/details/{quote(str(role))}"
            if role
            else f"{base}/iam/home"
        )
    if call.service == "autoscaling":
        group = parameters.get("AutoScalingGroupName", "")
        return f"{base}/ec2/home?region={region}#AutoScalingGroupDetails:id={quote(str(group))};view=instanceManagement"
    if call.service == "elbv2":
        return f"{base}/ec2/home?region={region}#TargetGroup:targetGroupArn={quote(str(parameters.get('TargetGroupArn', '')), safe=':/')}"
    if call.service == "elb":
        return f"{base}/ec2/home?region={region}#LoadBalancers:"
    if call.service == "cloudtrail":
        return f"{base}/cloudtrailv2/home?region={region}#/events"
    if call.service == "guardduty":
        return f"{base}/guardduty/home?region={region}#/findings"
    return f"{base}/ec2/home?region={region}#{_ec2_page(parameters)}"


def _ec2_page(parameters: Parameters) -> str:
    instances = parameters.get("InstanceIds") or [parameters.get("InstanceId")]
    if isinstance(instances[0], str):
        return f"InstanceDetails:instanceId={quote(instances[0])}"
    if isinstance(parameters.get("NetworkInterfaceId"), str):
        return f"NetworkInterface:networkInterfaceId={quote(parameters['NetworkInterfaceId'])}"
    if "SnapshotId" in parameters:
        return "Snapshots:"
    if "GroupName" in parameters or "GroupId" in parameters:
        return "SecurityGroups:"
    if "InstanceSpecification" in parameters:
        return f"InstanceDetails:instanceId={quote(str(parameters['InstanceSpecification']['InstanceId']))}"
    return "Instances:"


def words(call: PlannedCall) -> str:
    """Where to click."""
    saying = _WORDS.get(call.operation)
    if saying is not None:
        return saying(call.parameters)
    shown = ", ".join(f"{key} {say(value)}" for key, value in call.parameters.items())
    return f"look at {call.name}" + (f" ({shown})" if shown else "")


def say(value: Any) -> str:
    """A parameter in words; a reference as what it stands for."""
    if is_ref(value):
        return _REFERENCES.get(str(value["$ref"]), f"the {str(value['$ref']).lower().replace('_', ' ')} from above")
    if is_text(value):
        return "".join(part if isinstance(part, str) else f"‹{say(part)}›" for part in value["$text"])
    if is_document(value):
        import json  # noqa: PLC0415

        return json.dumps(_said(value["$json"]), ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(say(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {say(item)}" for key, item in value.items())
    return str(value)


def _said(value: Any) -> Any:
    if is_ref(value) or is_text(value):
        return f"‹{say(value)}›"
    if isinstance(value, Mapping):
        return {key: _said(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_said(item) for item in value]
    return value


_REFERENCES: Final = {
    "INCIDENT": "the incident's name",
    "AWS_NOW": "the time now, UTC",
    "QUARANTINE_GROUP": "the quarantine group from above",
    "UNTRACKED_GROUP": "the untracked group from above",
}


def _modify_instance(parameters: Parameters) -> str:
    where = f"EC2 › Instances › {say(parameters['InstanceId'])} › Actions › "
    if "DisableApiTermination" in parameters:
        return f"{where}Instance settings › Change termination protection › {_tick(parameters['DisableApiTermination'])} › Save"
    if "DisableApiStop" in parameters:
        return f"{where}Instance settings › Change stop protection › {_tick(parameters['DisableApiStop'])} › Save"
    if "InstanceInitiatedShutdownBehavior" in parameters:
        chosen = str(parameters["InstanceInitiatedShutdownBehavior"]["Value"]).capitalize()
        return f"{where}Instance settings › Change shutdown behavior › {chosen} › Save"
    disk = parameters["BlockDeviceMappings"][0]
    return (
        f"not in the console for a running instance; use the CLI view (device {disk['DeviceName']}, "
        f"DeleteOnTermination {str(disk['Ebs']['DeleteOnTermination']).lower()})"
    )


def _tick(value: Parameters) -> str:
    return "tick Enable" if value["Value"] else "untick Enable"


def _new_group(parameters: Parameters) -> str:
    return (
        f"EC2 › Security Groups › Create security group › name {say(parameters['GroupName'])}, VPC {say(parameters['VpcId'])}, "
        "no inbound rule; tags as in the CLI view › Create security group"
    )


def _groups(parameters: Parameters) -> str:
    return (
        f"EC2 › Network Interfaces › {say(parameters['NetworkInterfaceId'])} › Actions › Change security groups › "
        f"remove all, add {say(parameters['Groups'])} › Save"
    )


def _members(parameters: Parameters) -> str:
    return say(parameters.get("InstanceIds") or [])


_WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
    "ModifyInstanceAttribute": _modify_instance,
    "CreateSecurityGroup": _new_group,
    "RevokeSecurityGroupEgress": lambda p: (
        f"EC2 › Security Groups › {say(p['GroupId'])} › Outbound rules › Edit outbound rules › Delete every rule › Save rules"
    ),
    "AuthorizeSecurityGroupIngress": lambda p: (
        f"EC2 › Security Groups › {say(p['GroupId'])} › Edit inbound rules › Add rule: All traffic, Anywhere-IPv4 and Anywhere-IPv6 › Save rules"
    ),
    "ModifyNetworkInterfaceAttribute": _groups,
    "DeleteSecurityGroup": lambda p: (
        f"EC2 › Security Groups › {say(p['GroupId'])} › Actions › Delete security groups › Delete"
    ),
    "DetachInstances": lambda p: (
        f"EC2 › Auto Scaling Groups › {say(p['AutoScalingGroupName'])} › Instance management › tick {_members(p)} › Actions › Detach › "
        + (
            "leave “Add a new instance” unticked"
            if p["ShouldDecrementDesiredCapacity"]
            else "tick “Add a new instance”"
        )
        + " › Detach instance"
    ),
    "AttachInstances": lambda p: (
        f"EC2 › Instances › {_members(p)} › Actions › Instance settings › Attach to Auto Scaling Group › {say(p['AutoScalingGroupName'])} › Attach"
    ),
    "DeregisterTargets": lambda p: (
        f"EC2 › Target Groups › {say(p['TargetGroupArn']).rpartition('targetgroup/')[2]} › Targets › tick {say(p['Targets'][0]['Id'])} › Deregister"
    ),
    "RegisterTargets": lambda p: (
        f"EC2 › Target Groups › {say(p['TargetGroupArn']).rpartition('targetgroup/')[2]} › Targets › Register targets › {say(p['Targets'][0]['Id'])} › Register pending targets"
    ),
    "DeregisterInstancesFromLoadBalancer": lambda p: (
        f"EC2 › Load Balancers › {say(p['LoadBalancerName'])} › Target instances › Manage instances › untick {say(p['Instances'][0]['InstanceId'])} › Confirm"
    ),
    "RegisterInstancesWithLoadBalancer": lambda p: (
        f"EC2 › Load Balancers › {say(p['LoadBalancerName'])} › Target instances › Manage instances › tick {say(p['Instances'][0]['InstanceId'])} › Confirm"
    ),
    "PutRolePolicy": lambda p: (
        f"IAM › Roles › {say(p['RoleName'])} › Permissions › Add permissions › Create inline policy › JSON, name {say(p['PolicyName'])}: {say(p['PolicyDocument'])}"
    ),
    "DeleteRolePolicy": lambda p: f"IAM › Roles › {say(p['RoleName'])} › Permissions › {say(p['PolicyName'])} › Remove",
    "DisassociateIamInstanceProfile": lambda p: (
        f"EC2 › Instances › the instance › Actions › Security › Modify IAM role › No IAM Role › Update IAM role (association {say(p['AssociationId'])})"
    ),
    "AssociateIamInstanceProfile": lambda p: (
        f"EC2 › Instances › {say(p['InstanceId'])} › Actions › Security › Modify IAM role › {say(p['IamInstanceProfile']['Arn']).rpartition('/')[2]} › Update IAM role"
    ),
    "CreateSnapshots": lambda p: (
        f"EC2 › Snapshots › Create snapshot › Instance › {say(p['InstanceSpecification']['InstanceId'])}, root volume included; tags as in the CLI view › Create snapshot"
    ),
    "LockSnapshot": lambda p: (
        f"EC2 › Snapshots › {say(p['SnapshotId'])} › Actions › Snapshot settings › Manage snapshot lock › Governance, {p['LockDuration']} days › Save"
    ),
    "ModifySnapshotAttribute": lambda p: (
        f"EC2 › Snapshots › {say(p['SnapshotId'])} › Actions › Snapshot settings › Modify permissions › Private › Add account {say(p['UserIds'])} › Modify permissions"
    ),
    "StopInstances": lambda p: f"EC2 › Instances › {_members(p)} › Instance state › Stop instance › Stop",
    "StartInstances": lambda p: f"EC2 › Instances › {_members(p)} › Instance state › Start instance",
    "TerminateInstances": lambda p: (
        f"EC2 › Instances › {_members(p)} › Instance state › Terminate (delete) instance › Terminate (delete)"
    ),
    "CancelSpotInstanceRequests": lambda p: (
        f"EC2 › Spot Requests › {say(p['SpotInstanceRequestIds'])} › Actions › Cancel request › Confirm"
    ),
}
