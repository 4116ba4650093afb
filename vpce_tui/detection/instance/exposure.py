"""How exposed an instance is: metadata service, ports, role, AMI, volumes, tags."""

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from vpce_tui.detection.instance.instance_facts import ADMINISTRATION_PORTS, InstanceFacts
from vpce_tui.detection.rule import Inconclusive, Match, Rule, RuleResult, rule
from vpce_tui.detection.signals import Severity, SignalFact
from vpce_tui.iam.external_access import external_assumers
from vpce_tui.iam.role_privileges import privileges_of


@rule(
    "INST-04",
    Severity.MEDIUM,
    "relaunch-instance",
    name="IMDSv1 is allowed",
    why=("A server-side request forgery in any web application on it can read the role's credentials without a token."),
    false_positives="nothing on it sends requests for its clients, and IMDSv2 is being rolled out",
    techniques=("T1552.005",),
)
def old_metadata_service(subject: InstanceFacts) -> RuleResult:
    instance = subject.instance
    if instance.http_tokens != "optional" or instance.http_endpoint == "disabled":
        return None
    facts = [SignalFact("HttpTokens", "optional", "live")]
    if not instance.profile_arn:
        return Match("IMDSv1 is allowed", tuple(facts), Severity.LOW)
    facts.append(SignalFact("instance profile", instance.profile_arn, "live"))
    if _too_powerful(subject):
        return Match("IMDSv1 is allowed, and its role has powerful permissions", tuple(facts), Severity.HIGH)
    return Match("IMDSv1 is allowed, and it has a role", tuple(facts))


def _too_powerful(subject: InstanceFacts) -> bool:
    role = subject.roles.of_profile(subject.instance.profile_arn) if subject.roles else None
    if role is None:
        return False
    power = privileges_of(role)
    return bool(power.everything or power.may)


@rule(
    "INST-05",
    Severity.HIGH,
    "block-traffic",
    name="Its administration or database ports are open to the internet",
    why="Such ports are scanned and attacked within minutes.",
    false_positives="a network ACL or a firewall blocks them",
    techniques=("T1133", "T1190"),
)
def reachable(subject: InstanceFacts) -> RuleResult:
    if not subject.public:
        return None
    why = subject.unread("security groups", "networks")
    if why:
        return Inconclusive(f"which of its ports are open to the internet: {why}")
    open_ports = {}
    for group in subject.groups:
        for item in group.ingress:
            if item.open_to_world and (":" in item.peer or ":" not in subject.public):
                for port, name in ADMINISTRATION_PORTS.items():
                    if item.covers(port):
                        open_ports[port] = (name, group, item)
    if not open_ports:
        lists = sorted({item.peer for group in subject.groups for item in group.ingress if item.peer.startswith("pl-")})
        why = subject.region.network.unknown.get("prefix lists", "it was not read")
        return (
            Inconclusive(f"which addresses the prefix list {lists[0]} in its security groups contains: {why}")
            if lists
            else None
        )
    ports = ", ".join(f"{name} {port}" for port, (name, _, _) in sorted(open_ports.items())[:4])
    if len(open_ports) > 4:
        ports += f" and {len(open_ports) - 4} more"
    _, group, item = open_ports[min(open_ports)]
    facts = (
        SignalFact("public address", subject.public, "live"),
        SignalFact("group", f"{group.id} {group.name}", "live"),
        SignalFact("rule", str(item), "live"),
    )
    return Match(f"Open to the internet: {ports}", facts)


@rule(
    "INST-06",
    Severity.LOW,
    "block-traffic",
    name="Has a public address",
    why=(
        "What its security groups allow, today or after the next change, is reachable from the internet; and it "
        "can send data out directly."
    ),
    false_positives="it serves the public",
    techniques=("T1190",),
)
def public_address(subject: InstanceFacts) -> RuleResult:
    if not subject.public:
        return None
    return Match(f"Has the public address {subject.public}", (SignalFact("public address", subject.public, "live"),))


@rule(
    "INST-07",
    Severity.HIGH,
    "revoke-credentials",
    name="Its role has powerful permissions, or can be assumed from outside",
    why=(
        "Whoever controls the instance has its role. A role that can create users, access keys or endpoints can "
        "take over the account; one that another account can assume needs no instance."
    ),
    false_positives=(
        "the instance is the team's tooling and nothing else runs on it, and you know who else may assume its role"
    ),
    techniques=("T1078.004", "T1098"),
)
def powerful_role(subject: InstanceFacts) -> RuleResult:
    profile = subject.instance.profile_arn
    if not profile:
        return None
    if subject.roles is None or subject.roles.problem:
        return Inconclusive(
            f"what its role may do: {subject.roles.problem if subject.roles else 'roles were not read'}"
        )
    role = subject.roles.of_profile(profile)
    if role is None:
        return Inconclusive("what its role may do: its instance profile has no role of this account")
    power, (takers, unsure) = privileges_of(role), external_assumers(role.trust, subject.trust_zone)
    said, facts = [], []
    if power.everything:
        said.append("may do everything")
        facts.append(SignalFact("policy", f"{power.everything} of {role.name}", "live"))
    elif power.may:
        words = list(dict.fromkeys(said for _, said, _ in power.may))
        more = f" and {len(words) - 3} more" if len(words) > 3 else ""
        said.append(f"may {', '.join(words[:3])}{more}")
        facts += [SignalFact(action, f"policy {policy} of {role.name}", "live") for action, _, policy in power.may]
    if takers:
        said.append(f"may be assumed by {takers}")
        facts.append(SignalFact("trust policy", role.trust, "live"))
    facts += [SignalFact("unknown", doubt, "live") for doubt in power.doubts[:2] if said]
    if said:
        return Match(f"Its role {role.name} {' and '.join(said)}", tuple(facts))
    if power.doubts:
        return Inconclusive(f"what its role may do: {'; '.join(power.doubts[:2])}")
    return Inconclusive(f"who may assume its role: {unsure}") if unsure else None


@rule(
    "INST-10",
    Severity.HIGH,
    "relaunch-instance",
    name="Its AMI is neither Amazon's, nor yours, nor trusted; or was created recently in this account",
    why=(
        "An AMI contains programs. One that was created while an intruder was in the account may contain the intruder's."
    ),
    false_positives="the AMI comes from a publisher that you know; then add its owner to trusted_amis",
    techniques=("T1525", "T1204.003"),
)
def strange_image(subject: InstanceFacts) -> RuleResult:
    why = subject.unread("AMIs")
    if why:
        return Inconclusive(f"who owns its AMI: {why}")
    image = subject.image
    if image is None:
        return Inconclusive("who owns its AMI: it is no longer visible") if subject.instance.image_id else None
    trusted = any(
        fnmatchcase(text, pattern)
        for text in (image.owner, image.id, image.name)
        for pattern in subject.context.trusted_amis
    )
    if image.alias in ("amazon", "aws-marketplace") or image.owner in _PUBLISHERS or trusted:
        return None
    facts = [SignalFact("AMI", f"{image.id} {image.name}", "live"), SignalFact("owner", image.owner, "live")]
    if image.owner in subject.trust_zone.accounts or image.owner == subject.instance.account:
        began = min((near.event.time for near in subject.near), default=None)
        if began is not None and image.created is not None and image.created >= began - timedelta(days=1):
            facts.append(SignalFact("created", f"{image.created:%Y-%m-%d %H:%M:%SZ}", "live"))
            return Match("Its AMI was created in this account during the incident", tuple(facts))
        return None
    return Match(f"Its AMI belongs to account {image.owner}, which is not trusted", tuple(facts))


_PUBLISHERS: Final = frozenset(
    {
        "137112412989",
        "591542846629",
        "801119661308",
        "099720109477",
        "136693071363",
        "309956199498",
        "013907871322",
        "379101102735",
    }
)
"""Accounts that publish AMIs in the open: Amazon Linux, ECS, Windows, Canonical, Debian, Red Hat, SUSE."""


@rule(
    "INST-11",
    Severity.LOW,
    "relaunch-instance",
    name="Its AMI is old, deprecated, or gone",
    why="Later vulnerabilities are not patched in it, unless the instance updates itself.",
    false_positives="the instance installs updates by itself",
    techniques=("T1190",),
)
def old_image(subject: InstanceFacts) -> RuleResult:
    if subject.unread("AMIs") or not subject.instance.image_id:
        return None
    image = subject.image
    if image is None:
        return Match(
            "Its AMI is no longer visible: it was deregistered, or is no longer shared",
            (SignalFact("AMI", subject.instance.image_id, "live"),),
            Severity.LOW,
        )
    if subject.now is None:
        return None
    if image.is_deprecated(subject.now):
        return Match(
            "Its AMI is deprecated",
            (
                SignalFact("AMI", f"{image.id} {image.name}", "live"),
                SignalFact("deprecated", str(image.deprecated), "live"),
            ),
            Severity.MEDIUM,
        )
    days = image.age_days(subject.now)
    if days is None or days <= subject.context.ami_age_days:
        return None
    return Match(
        f"Its AMI is {days} days old",
        (
            SignalFact("AMI", f"{image.id} {image.name}", "live"),
            SignalFact("limit", f"{subject.context.ami_age_days} days", "context"),
        ),
    )


@rule(
    "INST-12",
    Severity.LOW,
    "harden-account",
    name="Has volumes that are not encrypted",
    why="A snapshot of such a volume can be shared with anybody, and read by them.",
    false_positives="they contain no sensitive data",
)
def unencrypted_volumes(subject: InstanceFacts) -> RuleResult:
    why = subject.unread("volumes")
    if why:
        return Inconclusive(f"whether its volumes are encrypted: {why}")
    plain = [volume.id for volume in subject.instance.volumes if volume.id in subject.region.unencrypted]
    if not plain:
        return None
    return Match(
        "Its volume is not encrypted"
        if len(subject.instance.volumes) == 1
        else f"{len(plain)} of its {len(subject.instance.volumes)} volumes are not encrypted",
        (SignalFact("volumes", ", ".join(plain[:6]), "live"),),
    )


@rule(
    "INST-20",
    Severity.LOW,
    "terminate-instance",
    name="Has no owner tag, unlike the other instances of its VPC",
    why="Instances of intruders, and forgotten ones, often have no owner tag.",
    false_positives="the team knows its owner",
)
def no_owner(subject: InstanceFacts) -> RuleResult:
    if subject.context.owner(subject.instance.tags) or not subject.alike:
        return None
    facts = (
        SignalFact("tags", ", ".join(sorted(subject.instance.tags)) or "none", "live"),
        SignalFact("instances of its VPC that name one", str(subject.alike), "live"),
    )
    return Match("Has no owner tag, unlike the other instances of its VPC", facts)


RULES: Final[tuple[Rule[InstanceFacts], ...]] = (
    old_metadata_service,
    reachable,
    public_address,
    powerful_role,
    strange_image,
    old_image,
    unencrypted_volumes,
    no_owner,
)
