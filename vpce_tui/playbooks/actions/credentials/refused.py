"""See that what was stolen is refused: read back, and tried where the operator holds it in a profile.

``sts:GetCallerIdentity`` is answered whatever is denied, while key or session is good: it tells whose the credentials are,
and shows an inactive key. A harmless read shows a deny. (AWS: "GetCallerIdentity", "Troubleshoot access denied error messages".)
"""

from collections.abc import Mapping
from typing import Any, Final

from vpce_tui.inventory.dossiers.principal import SESSIONS_POLICY, Dossier, Facet
from vpce_tui.playbooks.actions import Action, Choice, Options, Proof, read_back, unchanged
from vpce_tui.playbooks.draft import Draft
from vpce_tui.playbooks.plan import Kind, Step
from vpce_tui.playbooks.values import INCIDENT, ref, text

_WHO: Final = "whose-it-is"
_USE: Final = "what-it-gets"


def _profiles(world: Dossier) -> Options:
    found = tuple((name, f"try what profile {name} holds") for name in world.profiles or ())
    return (("", "none: nothing is tried, it is read back alone"), *found)


def _plan(world: Dossier, draft: Draft) -> Step:
    draft.block_unknown(world.unknown, Facet.KEYS, Facet.POLICIES)
    if world.kind == "root" or world.managed:
        draft.notes.append(world.managed or "no policy limits the root user, so there is no deny to see")
        return draft.step(Kind.READ)
    kind, profile = world.kind.capitalize(), draft.choices["profile"]
    named = {f"{kind}Name": world.name}
    iam: dict[str, Any] = {"service": "iam", "region": world.region}
    if world.kind == "user":
        draft.read("keys", "ListAccessKeys", named, "are its keys inactive", **iam)
        for number, key in enumerate(world.keys or ()):
            used = f"when {key.id} was last used"
            draft.read(f"last-use-{number}", "GetAccessKeyLastUsed", {"AccessKeyId": key.id}, used, **iam)
    policy = {**named, "PolicyName": text(SESSIONS_POLICY, ref(INCIDENT))}
    draft.read("cut", f"Get{kind}Policy", policy, "does the deny for older sessions stand", optional=True, **iam)
    if profile:
        it = f"what profile {profile} holds"
        draft.read(
            _WHO,
            "GetCallerIdentity",
            {},
            f"{it}, tried: whose it is, and whether it is good still",
            service="sts",
            profile=profile,
        )
        draft.read(_USE, "DescribeRegions", {}, f"{it}, tried: does it get an answer", profile=profile)
        draft.notes.append(
            f"both tries are signed with {it}, and with nothing else; CloudTrail records them as {world.name}'s, from this machine"
        )
    else:
        draft.notes.append("nothing is tried: choose the profile that holds the stolen key or session, if you have it")
    draft.prove("keys read inactive, the deny stands, and what was tried was refused")
    return draft.step(Kind.READ)


def _judge(world: Dossier, _: Step, answers: Mapping[str, Any]) -> Proof:
    if world.kind == "root" or world.managed:
        return "proved", "there is nothing to prove here"
    live = [key.id for key in world.keys or () if key.active and key.id not in world.keys_given]
    open_still = [f"{key} is active" for key in live]
    if not (world.cut or world.quarantined):
        open_still.append("its sessions are not cut")
    outcome, tried = _tried(world, answers)
    if outcome == "works":
        return "failed", tried
    if open_still and not (outcome == "refused" and world.quarantined):
        return "not yet", "; ".join([*open_still, tried])
    if outcome in ("refused", ""):
        return "proved", f"{'it reads as refused' if not outcome else 'it is refused'}; {tried}"
    return "not yet", tried


def _tried(world: Dossier, answers: Mapping[str, Any]) -> tuple[str, str]:
    """What the tries say: ``refused``, ``works``, ``unclear``, or ``""`` where nothing was tried; and in words."""
    who, use = (answers.get(name, [None])[0] for name in (_WHO, _USE))
    if who is None or use is None:
        return "", "nothing was tried"
    key, arn = str(who["keyId"]), str(who.get("answer", {}).get("Arn", ""))
    known = {item.id for item in world.keys or ()}
    if key.startswith("AKIA") and key not in known:
        return "unclear", f"{key} was tried, and is no key of {world.name}: that proves nothing"
    if arn and not arn.endswith(f"/{world.name}") and f"/{world.name}/" not in arn:
        return "unclear", f"{key} was tried, and belongs to {arn}, not to {world.name}: that proves nothing"
    if "refused" in who:
        return "refused", f"{key} was tried, and AWS does not take it any more ({who['refused']})"
    if "refused" not in use:
        return "works", f"{key} was tried, and AWS still answers it: ec2:DescribeRegions"
    if "explicit deny" in str(use["message"]):
        return "refused", f"{key} was tried, and a deny refuses it ({use['refused']})"
    return (
        "unclear",
        f"{key} was tried and refused, but not by a deny: it may lack that right anyway ({use['refused']})",
    )


REFUSED: Final = Action(
    frozenset({Facet.KEYS, Facet.POLICIES, Facet.PROFILES}), _plan, unchanged, read_back,
    (Choice("profile", "Which profile of your AWS config holds what was stolen", _profiles),), target="principal", judge=_judge,
    may=("ec2:DescribeRegions",),
)  # fmt: skip
