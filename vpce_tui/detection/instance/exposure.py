"""How open an instance lies: metadata service, ports, role, AMI, volumes, tags."""

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from vpce_tui.detection.instance.instance_facts import ADMINISTRATION_PORTS, InstanceSubject
from vpce_tui.detection.rule import Answer, Inconclusive, Match, Rule, rule
from vpce_tui.detection.signals import Fact, Severity
from vpce_tui.iam.external_access import external_assumers
from vpce_tui.iam.role_privileges import privileges_of


@rule("INST-04", Severity.MEDIUM, "relaunch-instance", techniques=("T1552.005",))
def old_metadata_service(see: InstanceSubject) -> Answer:
    """IMDSv1 is allowed.

    A forged request from any web application on it can read the role's credentials without a token.

    Harmless if nothing on it makes requests for others, and IMDSv2 is being rolled out.
    """
    instance = see.instance
    if instance.http_tokens != "optional" or instance.http_endpoint == "disabled":
        return None
    facts = [Fact("HttpTokens", "optional", "live")]
    if not instance.profile_arn:
        return Match("IMDSv1 is allowed", tuple(facts), Severity.LOW)
    facts.append(Fact("instance profile", instance.profile_arn, "live"))
    if _too_powerful(see):
        return Match("IMDSv1 is allowed, and it has a powerful role to steal", tuple(facts), Severity.HIGH)
    return Match("IMDSv1 is allowed, and it has a role to steal", tuple(facts))


def _too_powerful(see: InstanceSubject) -> bool:
    role = see.roles.of_profile(see.instance.profile_arn) if see.roles else None
    if role is None:
        return False
    power = privileges_of(role)
    return bool(power.everything or power.may)


@rule("INST-05", Severity.HIGH, "block-traffic", techniques=("T1133", "T1190"))
def reachable(see: InstanceSubject) -> Answer:
    """The whole internet reaches its administration or database ports.

    Such ports are scanned and tried within minutes.

    Harmless if a network ACL or firewall in front closes it.
    """
    if not see.public:
        return None
    why = see.unread("security groups", "networks")
    if why:
        return Inconclusive(f"which of its ports the internet reaches: {why}")
    open_ports = {}
    for group in see.groups:
        for item in group.ingress:
            if item.world and (":" in item.peer or ":" not in see.public):
                for port, name in ADMINISTRATION_PORTS.items():
                    if item.covers(port):
                        open_ports[port] = (name, group, item)
    if not open_ports:
        lists = sorted({item.peer for group in see.groups for item in group.ingress if item.peer.startswith("pl-")})
        why = see.region.network.unknown.get("prefix lists", "it was not read")
        return Inconclusive(f"whom the prefix list {lists[0]} in its groups holds: {why}") if lists else None
    ports = ", ".join(f"{name} {port}" for port, (name, _, _) in sorted(open_ports.items())[:4])
    if len(open_ports) > 4:
        ports += f" and {len(open_ports) - 4} more"
    _, group, item = open_ports[min(open_ports)]
    facts = (
        Fact("public address", see.public, "live"),
        Fact("group", f"{group.id} {group.name}", "live"),
        Fact("rule", str(item), "live"),
    )
    return Match(f"The whole internet reaches {ports}", facts)


@rule("INST-06", Severity.LOW, "block-traffic", techniques=("T1190",))
def public_address(see: InstanceSubject) -> Answer:
    """It has a public address.

    Whatever its groups let in, today or after the next change, comes from the whole internet; and it needs nothing to send
    data out.

    Harmless if it serves the public.
    """
    if not see.public:
        return None
    return Match(f"It has the public address {see.public}", (Fact("public address", see.public, "live"),))


@rule("INST-07", Severity.HIGH, "revoke-credentials", techniques=("T1078.004", "T1098"))
def powerful_role(see: InstanceSubject) -> Answer:
    """Its role may do more than an instance's work, or others may take it.

    Whoever has the instance has its role. A role that makes users, keys or endpoints turns one instance into the account; one
    that another account may take needs no instance.

    Harmless if the instance is the team's tooling and nothing else runs on it, and if you know who else may take the role.
    """
    profile = see.instance.profile_arn
    if not profile:
        return None
    if see.roles is None or see.roles.problem:
        return Inconclusive(f"what its role may do: {see.roles.problem if see.roles else 'roles were not read'}")
    role = see.roles.of_profile(profile)
    if role is None:
        return Inconclusive("what its role may do: no role of this account is in its instance profile")
    power, (takers, unsure) = privileges_of(role), external_assumers(role.trust, see.ours)
    said, facts = [], []
    if power.everything:
        said.append("may do everything")
        facts.append(Fact("policy", f"{power.everything} of {role.name}", "live"))
    elif power.may:
        words = list(dict.fromkeys(said for _, said, _ in power.may))
        more = f" and {len(words) - 3} things more" if len(words) > 3 else ""
        said.append(f"may {', '.join(words[:3])}{more}")
        facts += [Fact(action, f"policy {policy} of {role.name}", "live") for action, _, policy in power.may]
    if takers:
        said.append(f"may be taken by {takers}")
        facts.append(Fact("trust policy", role.trust, "live"))
    facts += [Fact("unknown", doubt, "live") for doubt in power.doubts[:2] if said]
    if said:
        return Match(f"Its role {role.name} {' and '.join(said)}", tuple(facts))
    if power.doubts:
        return Inconclusive(f"what its role may do: {'; '.join(power.doubts[:2])}")
    return Inconclusive(f"who may take its role: {unsure}") if unsure else None


@rule("INST-10", Severity.HIGH, "relaunch-instance", techniques=("T1525", "T1204.003"))
def strange_image(see: InstanceSubject) -> Answer:
    """Its AMI is neither Amazon's, nor yours, nor one you trust; or was made lately inside the account.

    An AMI brings its own programs. A private one that was made while an intruder was in the account may be theirs.

    Harmless if the AMI comes from a publisher that you know; then add its owner to trusted_images.
    """
    why = see.unread("images")
    if why:
        return Inconclusive(f"whose its AMI is: {why}")
    image = see.image
    if image is None:
        return Inconclusive("whose its AMI is: it cannot be seen any more") if see.instance.image_id else None
    trusted = any(
        fnmatchcase(text, pattern)
        for text in (image.owner, image.id, image.name)
        for pattern in see.context.trusted_images
    )
    if image.alias in ("amazon", "aws-marketplace") or image.owner in _PUBLISHERS or trusted:
        return None
    facts = [Fact("AMI", f"{image.id} {image.name}", "live"), Fact("owner", image.owner, "live")]
    if image.owner in see.ours.accounts or image.owner == see.instance.account:
        began = min((near.event.time for near in see.near), default=None)
        if began is not None and image.created is not None and image.created >= began - timedelta(days=1):
            facts.append(Fact("made", f"{image.created:%Y-%m-%d %H:%M:%SZ}", "live"))
            return Match("Its AMI was made here after the trouble began", tuple(facts))
        return None
    return Match(f"Its AMI belongs to account {image.owner}, which is not known", tuple(facts))


_PUBLISHERS: Final = frozenset({
    "137112412989", "591542846629", "801119661308", "099720109477", "136693071363", "309956199498", "013907871322", "379101102735",
})  # fmt: skip
"""Accounts that publish AMIs in the open: Amazon Linux, ECS, Windows, Canonical, Debian, Red Hat, SUSE."""


@rule("INST-11", Severity.LOW, "relaunch-instance", techniques=("T1190",))
def old_image(see: InstanceSubject) -> Answer:
    """Its AMI is old, deprecated, or gone.

    What was found in it since is not mended in it, unless the instance updates itself.

    Harmless if the instance installs updates by itself.
    """
    if see.unread("images") or not see.instance.image_id:
        return None
    image = see.image
    if image is None:
        return Match(
            "Its AMI is no longer visible: it was deregistered, or is no longer shared",
            (Fact("AMI", see.instance.image_id, "live"),),
            Severity.LOW,
        )
    if see.now is None:
        return None
    if image.is_deprecated(see.now):
        return Match(
            "Its AMI is deprecated",
            (Fact("AMI", f"{image.id} {image.name}", "live"), Fact("deprecated", str(image.deprecated), "live")),
            Severity.MEDIUM,
        )
    days = image.age_days(see.now)
    if days is None or days <= see.context.image_age_days:
        return None
    return Match(
        f"Its AMI is {days} days old",
        (
            Fact("AMI", f"{image.id} {image.name}", "live"),
            Fact("limit", f"{see.context.image_age_days} days", "context"),
        ),
    )


@rule("INST-12", Severity.LOW, "harden-account")
def unencrypted_volumes(see: InstanceSubject) -> Answer:
    """It has volumes that are not encrypted.

    A snapshot of such a volume can be shared with anybody, and read by them.

    Harmless if nothing of worth is on them.
    """
    why = see.unread("volumes")
    if why:
        return Inconclusive(f"whether its volumes are encrypted: {why}")
    plain = [volume.id for volume in see.instance.volumes if volume.id in see.region.unencrypted]
    if not plain:
        return None
    return Match(
        "Its volume is not encrypted"
        if len(see.instance.volumes) == 1
        else f"{len(plain)} of its {len(see.instance.volumes)} volumes are not encrypted",
        (Fact("volumes", ", ".join(plain[:6]), "live"),),
    )


@rule("INST-20", Severity.LOW, "terminate-instance")
def no_owner(see: InstanceSubject) -> Answer:
    """It names no owner, unlike its neighbours.

    Instances of intruders and forgotten ones have in common that nobody is named on them.

    Harmless if the team knows whose it is.
    """
    if see.context.owner(see.instance.tags) or not see.alike:
        return None
    facts = (
        Fact("tags", ", ".join(sorted(see.instance.tags)) or "none", "live"),
        Fact("instances of its VPC that name one", str(see.alike), "live"),
    )
    return Match("It names no owner, unlike its neighbours", facts)


RULES: Final[tuple[Rule[InstanceSubject], ...]] = (
    old_metadata_service, reachable, public_address, powerful_role, strange_image, old_image, unencrypted_volumes, no_owner,
)  # fmt: skip
