"""Rules about a ``CreateVpcEndpoint`` event. Each looks at one thing, and says nothing where its fields are absent."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vpce_tui.inventory.account import EndpointState
from vpce_tui.inventory.policy import allows_everything
from vpce_tui.signals.context import Context
from vpce_tui.signals.model import Fact, Judgement, Severity, Signal, judge
from vpce_tui.trail.event import EndpointRequest, Event, endpoint_request

AWS_SERVICE: Final = re.compile(
    r"(?:cn\.)?com\.amazonaws\.(?!vpce\.)[a-z0-9.-]+|aws\.(?:api|sagemaker)\.[a-z0-9.-]+|amazon\.[a-z0-9.-]+|software\.amazon\.[a-z0-9.-]+"
)
FOREIGN_SERVICE: Final = re.compile(r"(?:cn\.)?com\.amazonaws\.vpce\.[a-z0-9-]+\.vpce-svc-[0-9a-f]+")
_VALUABLE: Final = frozenset({"s3", "s3express", "dynamodb", "sts", "kms", "secretsmanager", "ssm", "execute-api"})
_SHORT_WHILE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules see: the event, its request, other endpoint events, the live state (None: not looked at)."""

    event: Event
    request: EndpointRequest
    others: Sequence[Event]
    state: EndpointState | None
    context: Context


def service_short(name: str) -> str:
    """``s3`` of ``com.amazonaws.eu-west-1.s3``; the whole ``vpce-svc-…`` of a foreign one."""
    parts = name.split(".")
    if "vpce" in parts:
        return parts[-1]
    if len(parts) > 3 and name.startswith(("com.amazonaws.", "cn.com.amazonaws.")):
        return ".".join(parts[3:] if parts[0] == "com" else parts[4:])
    return name


def foreign_service(subject: Subject) -> Signal | None:
    """VPCE-01"""
    name = subject.request.service
    owner = subject.state.service_owner if subject.state else None
    if not name or owner == "amazon" or subject.context.knows_service(name):
        return None
    if owner and owner in subject.context.own_accounts:
        return None
    if AWS_SERVICE.fullmatch(name) and not owner:
        return None
    said = Fact("owner", owner, "live") if owner else Fact("owner", "unknown")
    return Signal(
        "VPCE-01", Severity.CRITICAL,
        "It leads to a service that is not AWS's, owner " + (owner if owner else "unknown"),
        (Fact("serviceName", name), said),
        "An endpoint to somebody else's service is a private way out of the VPC: no internet gateway, proxy or DNS log sees it.",
        "the service belongs to a partner that you know; then add it to trusted_services",
        "contain-endpoint", ("T1048", "T1537"),
    )  # fmt: skip


def open_policy(subject: Subject) -> Signal | None:
    """VPCE-02"""
    request = subject.request
    if FOREIGN_SERVICE.fullmatch(request.service) or request.type == "GatewayLoadBalancer" or not request.service:
        return None
    if request.policy is None:
        seen = Fact("PolicyDocument", "absent: the default allows everybody everything")
    elif allows_everything(request.policy):
        seen = Fact("PolicyDocument", request.policy)
    else:
        return None
    short = service_short(request.service)
    valuable = short.split(".")[0].removesuffix("-global") in _VALUABLE or short in _VALUABLE
    return Signal(
        "VPCE-02", Severity.HIGH if valuable else Severity.MEDIUM,
        f"Its policy lets everybody do everything through it ({short})",
        (seen,),
        "Any principal, also of a foreign account, can use the service through it: data can be copied to somebody else's resources.",
        "the team accepts open endpoint policies and limits access at the resources instead",
        "contain-endpoint", ("T1567", "T1537"),
    )  # fmt: skip


def open_group(subject: Subject) -> Signal | None:
    """VPCE-05"""
    groups = subject.state.groups if subject.state else None
    if not groups:
        return None
    worst: tuple[Severity, list[Fact], str] | None = None
    for group in groups:
        for rule in group.ingress:
            if rule.world:
                only_https = rule.protocol in ("tcp", "6") and (rule.from_port, rule.to_port) == (443, 443)
                severity = Severity.MEDIUM if only_https else Severity.HIGH
                what = f"lets in {rule.peer} on {'port 443' if only_https else 'more than port 443'}"
                facts = [Fact("group", f"{group.id} {group.name}", "live"), Fact("rule", str(rule), "live")]
                if worst is None or severity > worst[0]:
                    worst = (severity, facts, what)
        if group.name == "default" and (worst is None or worst[0] < Severity.HIGH):
            worst = (
                Severity.HIGH,
                [Fact("group", f"{group.id} default", "live")],
                "is the VPC's default group",
            )
    if worst is None:
        return None
    return Signal(
        "VPCE-05", worst[0], f"Its security group {worst[2]}", tuple(worst[1]),
        "Whoever reaches the VPC, by peering, VPN or transit gateway, reaches the endpoint.",
        "nothing but this VPC can route to it, and the team keeps groups open on purpose",
        "contain-endpoint", ("T1562.007",),
    )  # fmt: skip


def instance_session(subject: Subject) -> Signal | None:
    """VPCE-07"""
    principal = subject.event.principal
    if not principal.instance_id:
        return None
    facts = [Fact("sessionName", principal.instance_id), Fact("role", principal.role_name)]
    if principal.ec2_role_delivery:
        facts.append(Fact("ec2RoleDelivery", principal.ec2_role_delivery))
    return Signal(
        "VPCE-07", Severity.HIGH, f"An instance's credentials made it ({principal.instance_id})", tuple(facts),
        "Machines seldom build networks. Credentials of an instance that do were often stolen from its metadata service.",
        "the instance runs the team's infrastructure tooling",
        "terminate-instance", ("T1552.005", "T1078.004"),
    )  # fmt: skip


def by_root(subject: Subject) -> Signal | None:
    """VPCE-09"""
    if not subject.event.principal.root:
        return None
    return Signal(
        "VPCE-09", Severity.CRITICAL, "The root user made it",
        (Fact("userIdentity.type", "Root"), Fact("sourceIPAddress", subject.event.source_ip)),
        "Root has no need to build networks; nobody can limit it by policy.",
        "somebody used root on purpose, and says so",
        "revoke-credentials", ("T1078.004",),
    )  # fmt: skip


def refused_attempts(subject: Subject) -> Signal | None:
    """VPCE-18"""
    event = subject.event
    who = event.principal.arn or event.principal.name
    before = sorted(
        (
            other
            for other in subject.others
            if other.refused
            and (other.principal.arn or other.principal.name) == who
            and event.time - _SHORT_WHILE <= other.time <= event.time
        ),
        key=lambda other: other.time,
    )
    if event.refused:
        count = len({other.id for other in before} | {event.id})
        title = (
            f"Refused: permission was missing, {count} times within the hour"
            if count > 1
            else "Refused: permission was missing"
        )
        severity = Severity.MEDIUM
        facts = (Fact("errorCode", event.error_code), Fact("refused within the hour", str(count), "history"))
    elif not event.error_code and before:
        title = f"It succeeded after {len(before)} refused {'attempt' if len(before) == 1 else 'attempts'}"
        severity = Severity.HIGH
        regions = ", ".join(sorted({other.region for other in before}))
        facts = (Fact("refused before", str(len(before)), "history"), Fact("regions", regions, "history"))
    else:
        return None
    return Signal(
        "VPCE-18", severity, title, facts,
        "Somebody is trying out what these credentials may do.",
        "a new pipeline whose permissions were being set up",
        "revoke-credentials", ("T1580",),
    )  # fmt: skip


def expected_maker(subject: Subject) -> Signal | None:
    """VPCE-29"""
    event = subject.event
    principal = event.principal
    managed = bool(subject.state and subject.state.endpoint and subject.state.endpoint.requester_managed)
    if (
        principal.type == "AWSService"
        or (principal.invoked_by and principal.invoked_by.endswith(".amazonaws.com"))
        or managed
    ):
        said, fact = "An AWS service made it", Fact("invokedBy", principal.invoked_by or "requester-managed")
    elif subject.context.pipeline((principal.arn, principal.role_arn), event.user_agent):
        said, fact = "Your configured pipeline made it", Fact("principal", principal.arn)
    else:
        return None
    return Signal(
        "VPCE-29", Severity.INFO, said, (fact, Fact("userAgent", event.user_agent)),
        "This is who should make endpoints here.",
        "it is, unless the pipeline itself was taken over",
        lowers=True,
    )  # fmt: skip


Rule = Callable[[Subject], Signal | None]

RULES: Final[tuple[Rule, ...]] = (
    foreign_service, open_policy, open_group, instance_session, by_root, refused_attempts, expected_maker,
)  # fmt: skip

ATTEMPT_RULES: Final[tuple[Rule, ...]] = (foreign_service, instance_session, by_root, refused_attempts, expected_maker)
"""What can be said of an attempt that made no endpoint."""


def judge_event(
    event: Event,
    others: Sequence[Event] = (),
    state: EndpointState | None = None,
    context: Context | None = None,
) -> Judgement:
    """Every reason to worry about ``event``. An event that made no endpoint is judged as an attempt.

    ``others`` are endpoint events of the same search. Events that create no EC2 endpoint have no signals.
    """
    if not event.creates_endpoint:
        return Judgement(Severity.INFO)
    subject = Subject(event, endpoint_request(event), others, state, context or Context())
    rules = ATTEMPT_RULES if event.error_code else RULES
    unknown: list[str] = []
    if not event.error_code:
        if state is None:
            unknown.append("the endpoint as it is now was not looked at")
        else:
            unknown += [f"{what}: {why}" for what, why in state.unknown.items()]
    judged = judge([rule(subject) for rule in rules], unknown)
    if event.dry_run or event.error_code:
        return Judgement(min(judged.severity, Severity.MEDIUM), judged.signals, judged.unknown)
    return judged
