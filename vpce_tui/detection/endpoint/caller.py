"""Who made an endpoint, and with what credentials."""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Final

from vpce_tui.cloudtrail.event_index import IAM_RECORDS_IN, MAKES_CREDENTIALS
from vpce_tui.detection.credentials_used_elsewhere import delivered, where_used
from vpce_tui.detection.endpoint.endpoint_facts import NOT_LOOKED, CallerFacts, EventFacts
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact


@rule(
    "VPCE-07",
    Severity.HIGH,
    "terminate-instance",
    name="Created with an instance's credentials",
    why=(
        "Instances seldom create endpoints. When instance credentials are used for it, they were often stolen from the metadata service."
    ),
    false_positives="the instance runs the team's infrastructure tooling",
    techniques=("T1552.005", "T1078.004"),
    applies_to_failed_calls=True,
)
def instance_session(subject: CallerFacts) -> RuleResult:
    principal = subject.principal
    if not principal.instance_id:
        return None
    facts = [SignalFact("sessionName", principal.instance_id), SignalFact("role", principal.role_name)]
    if principal.ec2_role_delivery:
        facts.append(SignalFact("ec2RoleDelivery", principal.ec2_role_delivery))
    if delivered(subject.principal, subject.instance_role):
        return Match(f"Created with an instance's credentials ({principal.instance_id})", tuple(facts))
    return Match(f"Created by a session named like an instance ({principal.instance_id})", tuple(facts))


@rule(
    "VPCE-08",
    Severity.CRITICAL,
    "terminate-instance",
    name="An instance's credentials were used from an address that is not the instance's",
    why=("Credentials of an instance work anywhere until they expire. Used elsewhere, they were stolen from it."),
    false_positives=(
        "the instance is behind a proxy or NAT that you know, or the endpoint is in another account of yours; then "
        "add that account to own_accounts"
    ),
    techniques=("T1552.005", "T1078.004"),
    applies_to_failed_calls=True,
)
def session_elsewhere(subject: EventFacts) -> RuleResult:
    name = subject.caller_facts.instance_id
    if not name:
        return None
    if subject.caller_facts.instance is None:
        return Inconclusive(
            f"the addresses of {name}: it is in none of the regions searched" if subject.region else NOT_LOOKED
        )
    instance, region = subject.caller_facts.instance
    if not delivered(subject.event.principal, subject.caller_facts.instance_role):
        return None  # a session that somebody gave the name of an instance
    found = where_used(subject.event, instance, region, subject.trust_zone)
    return found._replace(title=f"The instance's credentials were {found.title}") if isinstance(found, Match) else found


@rule(
    "VPCE-09",
    Severity.CRITICAL,
    "revoke-credentials",
    name="Created by the root user",
    why="The root user is not needed for this, and no IAM policy in its account limits it.",
    false_positives="somebody used the root user on purpose, and confirms it",
    techniques=("T1078.004",),
    applies_to_failed_calls=True,
)
def by_root(subject: CallerFacts) -> RuleResult:
    if not subject.principal.root:
        return None
    return Match(
        "Created by the root user",
        (SignalFact("userIdentity.type", "Root"), SignalFact("arn", subject.principal.arn)),
    )


@rule(
    "VPCE-10",
    Severity.MEDIUM,
    "revoke-credentials",
    name="Created by a person's session without MFA",
    why="A password or an access key alone can be phished or leaked.",
    false_positives="the team uses MFA at its identity provider",
    techniques=("T1078.004",),
    applies_to_failed_calls=True,
)
def no_mfa(subject: CallerFacts) -> RuleResult:
    principal = subject.principal
    if principal.type not in ("IAMUser", "Root") or principal.mfa != "false":
        return None
    facts = [SignalFact("mfaAuthenticated", "false")]
    if subject.console:
        facts.append(SignalFact("sessionCredentialFromConsole", "true"))
    return Match(f"{principal.name} was signed in without MFA", tuple(facts))


@rule(
    "VPCE-11",
    Severity.MEDIUM,
    "revoke-credentials",
    name="Created with a long-term access key, where the account uses temporary credentials",
    why=("Such keys are stored in files, repositories and pipelines, work from anywhere, and do not expire."),
    false_positives="this user is a tool of the team that cannot assume a role",
    techniques=("T1078.004", "T1552.001"),
    applies_to_failed_calls=True,
)
def long_lived_key(subject: CallerFacts) -> RuleResult:
    key = subject.principal.access_key_id
    if not key.startswith("AKIA") or subject.principal.type not in ("IAMUser", ""):
        return None
    known = subject.past.knows("EventName=CreateVpcEndpoint")
    if known is None:
        return Inconclusive("whether others here use temporary credentials: their endpoints were not searched")
    sessions, keyed = subject.past.makers
    me = subject.who
    with_sessions, with_keys = len(sessions - {me}), len(keyed - {me})
    others = with_sessions + with_keys
    if others < 2:
        return Inconclusive(
            f"whether others here use temporary credentials: only {others} others are known to create endpoints"
        )
    if with_keys * 4 > others:
        return None
    return Match(
        "Created with a long-term access key, where others use temporary credentials",
        (
            SignalFact("accessKeyId", key),
            SignalFact(
                "others who created endpoints",
                f"{with_sessions} with temporary credentials, {with_keys} with long-term keys",
                "history",
            ),
        ),
    )


_ATTACK: Final = re.compile(
    r"(?<![a-z])(?:pacu|cloudgoat|stratus[-_ ]?red[-_ ]?team|kali|parrot|blackarch|pentoo|weirdaal|enumerate[-_]iam|aws[-_]consoler"
    r"|cloudfox|nimbostratus|endgame)(?![a-z])",
    re.IGNORECASE,
)
_RAW: Final = re.compile(
    r"^(?:aws-cli|boto3|botocore|aws-sdk-|python-requests|curl|go-http-client|powershell|awspowershell)", re.IGNORECASE
)


@lru_cache(maxsize=8192)
def _attack_tool(agent: str) -> str:
    found = _ATTACK.search(agent)
    return found[0].lower() if found else ""


@rule(
    "VPCE-15",
    Severity.HIGH,
    "revoke-credentials",
    name="The tool that created it is an attack tool, or not the team's tool for endpoints",
    why=(
        "The caller chooses the user agent, so a normal one proves nothing. Attack tools and their systems often "
        "leave theirs as it is."
    ),
    false_positives="somebody on the team tests on purpose, or did manually what the pipeline does",
    techniques=("T1059", "T1588.002"),
    applies_to_failed_calls=True,
)
def strange_agent(subject: CallerFacts) -> RuleResult:
    agent = subject.agent
    found = _attack_tool(agent)
    if found:
        return Match(f"The user agent names {found}", (SignalFact("userAgent", agent),), Severity.HIGH)
    if subject.context.pipelines and _RAW.match(agent) and not subject.pipeline:
        return Match("Created manually, where the team has a pipeline", (SignalFact("userAgent", agent),), Severity.LOW)
    return None


_DAY: Final = timedelta(days=1)
_OF_ROLE: Final = ("CreateAccessKey", "CreateRole")
_OF_USER: Final = ("CreateAccessKey", "CreateUser", "CreateLoginProfile")
_WHOSE: Final = {"CreateAccessKey": "Its access key", "CreateUser": "Its user", "CreateRole": "Its role"}


@rule(
    "VPCE-13",
    Severity.HIGH,
    "revoke-credentials",
    name="The access key, user or role that created it was itself created within the day before",
    why=("Intruders create credentials of their own first, to keep access when the stolen ones are revoked."),
    false_positives="the team created the user or role for this work",
    techniques=("T1136.003", "T1098.001"),
    applies_to_failed_calls=True,
)
def new_credentials(subject: EventFacts) -> RuleResult:
    principal, at = subject.event.principal, subject.event.time
    if principal.type not in ("IAMUser", "AssumedRole"):
        return None
    made = subject.past.credentials
    names = _OF_ROLE if principal.type == "AssumedRole" else _OF_USER
    for name in names if made else ():
        said = principal.access_key_id if name == "CreateAccessKey" else principal.role_name or principal.name
        line = made.get(f"{name} {subject.event.account} {said}") if said else None
        for other in line.before(at, within=_DAY)[:1] if line else ():
            minutes = int((at - other.time).total_seconds() // 60)
            age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
            facts = (
                SignalFact(other.name, f"{said} at {other.time:%Y-%m-%d %H:%M:%SZ}", "history"),
                SignalFact("created by", other.principal.name, "history"),
            )
            return Match(f"{_WHOSE.get(other.name, 'Its console access')} was created {age} before", facts)
    since = at - _DAY
    if subject.past.credentials_since <= since:
        return None
    missing = [
        name
        for name in MAKES_CREDENTIALS
        if subject.past.knows(f"EventName={name}", IAM_RECORDS_IN, since=since) is None
    ]
    return Inconclusive("whether its key or user is new: " + ", ".join(missing) + " were not searched")


CALLER_RULES: Final[tuple[Rule[CallerFacts], ...]] = (instance_session, by_root, no_mfa, long_lived_key, strange_agent)
EVENT_RULES: Final[tuple[Rule[EventFacts], ...]] = (session_elsewhere, new_credentials)
