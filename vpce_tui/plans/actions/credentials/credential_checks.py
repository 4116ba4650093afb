"""See that what was stolen is refused: read back, and tried where the operator holds it in a profile.

``sts:GetCallerIdentity`` is answered whatever is denied, while key or session is good: it names the owner of the credentials,
and shows an inactive key. A harmless read shows a deny. (AWS: "GetCallerIdentity", "Troubleshoot access denied error messages".)
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from vpce_tui.aws.credential_check import DENIED, NOT_TAKEN
from vpce_tui.core.arn import parse_arn
from vpce_tui.core.json_values import string
from vpce_tui.incident.states import VerificationState
from vpce_tui.plans.actions import Action, Choice, Options, Pages, ReadBack, read_back, unchanged
from vpce_tui.plans.placeholders import INCIDENT, ref, text
from vpce_tui.plans.plan import Step, StepKind
from vpce_tui.plans.step_builder import Draft, Place
from vpce_tui.plans.targets.principal_state import SESSIONS_POLICY, PrincipalAspect, PrincipalKind, PrincipalState

_WHO: Final = "whose-it-is"
_USE: Final = "what-it-gets"


def _profiles(state: PrincipalState) -> Options:
    found = tuple((name, f"try the credentials of profile {name}") for name in state.profiles or ())
    return (("", "none: check keys and policies only, try no credentials"), *found)


def _plan(state: PrincipalState, draft: Draft) -> Step:
    draft.block_unknown(state.unknown, PrincipalAspect.KEYS, PrincipalAspect.POLICIES)
    if state.kind is PrincipalKind.ROOT or state.managed:
        draft.note(state.managed or "no IAM policy limits the root user, so there is no deny to verify")
        return draft.step(StepKind.READ)
    kind, profile = state.kind.capitalize(), draft.choices["profile"]
    named = {f"{kind}Name": state.name}
    iam: Place = {"service": "iam", "region": state.region}
    if state.kind is PrincipalKind.USER:
        draft.read("keys", "ListAccessKeys", named, "whether its keys are inactive", **iam)
        for number, key in enumerate(state.keys or ()):
            used = f"when {key.id} was last used"
            draft.read(f"last-use-{number}", "GetAccessKeyLastUsed", {"AccessKeyId": key.id}, used, **iam)
    policy = {**named, "PolicyName": text(SESSIONS_POLICY, ref(INCIDENT))}
    draft.read(
        "cut", f"Get{kind}Policy", policy, "whether the deny for older sessions is in effect", optional=True, **iam
    )
    if profile:
        it = f"credentials of profile {profile}"
        draft.read(
            _WHO,
            "GetCallerIdentity",
            {},
            f"try the {it}: who owns them, and whether they are still valid",
            service="sts",
            region=state.region,
            profile=profile,
        )
        draft.read(
            _USE, "DescribeRegions", {}, f"try the {it}: whether a call succeeds", region=state.region, profile=profile
        )
        draft.note(
            f"both calls are signed with {it} only; CloudTrail records them under the owner of those credentials, from the address of this host"
        )
    else:
        draft.note("nothing is tried: choose the profile that contains the stolen key or session, if you have it")
    draft.prove("keys are inactive, the deny is in effect, and tried credentials were refused")
    return draft.step(StepKind.READ)


def _verify_answers(state: PrincipalState, _: Step, answers: Pages) -> ReadBack:
    if state.kind is PrincipalKind.ROOT or state.managed:
        return VerificationState.VERIFIED, "there is nothing to verify here"
    unread = [
        f"the {aspect} could not be read"
        for aspect in (PrincipalAspect.KEYS, PrincipalAspect.POLICIES)
        if aspect in state.unknown
    ]
    live = [key.id for key in state.keys or () if key.active and key.id not in state.keys_given]
    left = [*unread, *(f"{key} is active" for key in live)]
    if not (state.cut or state.quarantined):
        left.append("its sessions are not revoked")
    outcome, said = _tried(state, answers)
    if outcome is _Tried.WORKS:
        return VerificationState.FAILED, said
    if outcome is _Tried.DENIED and state.quarantined and not unread:  # whatever is active: a deny refuses it
        return VerificationState.VERIFIED, f"it is refused; {said}"
    if left or outcome is _Tried.UNCLEAR:
        return VerificationState.NOT_YET, "; ".join([*left, said])
    return (
        VerificationState.VERIFIED,
        f"{'keys inactive and sessions denied' if outcome is _Tried.NOT else 'access is refused'}; {said}",
    )


class _Tried(StrEnum):
    """What came of the tries."""

    NOT = "nothing that names the principal"
    NOT_TAKEN = "AWS does not accept the key any more"
    DENIED = "an explicit deny refuses it"
    WORKS = "AWS accepts it"
    UNCLEAR = "it proves nothing"


def _tried(state: PrincipalState, answers: Pages) -> tuple[_Tried, str]:
    """What came of the tries, and in words."""
    who, use = (answers.get(name, [None])[0] for name in (_WHO, _USE))
    if who is None or use is None:
        return _Tried.NOT, "nothing was tried"
    key, code = str(who["keyId"]), str(who.get("refused", ""))
    is_its_key = key in {item.id for item in state.keys or ()}
    if key.startswith("AKIA") and not is_its_key:
        return (
            _Tried.UNCLEAR,
            f"{key}, from the chosen profile, was tried, and is not a key of {state.name}: inconclusive",
        )
    if code in NOT_TAKEN:
        if is_its_key:
            return (
                _Tried.NOT_TAKEN,
                f"{key}, from the chosen profile, was tried, and AWS does not accept it any more ({code})",
            )
        return (
            _Tried.NOT,
            f"{key}, from the chosen profile, was tried, and AWS no longer accepts it ({code}); AWS does not say whose session it was",
        )
    if code:
        return _Tried.UNCLEAR, f"{key}, from the chosen profile, was tried, and AWS does not say whose it is ({code})"
    arn = string(who, "answer", "Arn")
    if not _is_of(arn, state):
        return (
            _Tried.UNCLEAR,
            f"{key}, from the chosen profile, was tried, and belongs to {arn}, not to {state.name}: inconclusive",
        )
    return _got(key, use)


def _got(key: str, use: Mapping[str, object]) -> tuple[_Tried, str]:
    """What credentials that are known to be the principal's got."""
    code = str(use.get("refused", ""))
    if not code:
        return _Tried.WORKS, f"{key}, from the chosen profile, was tried, and AWS still accepts it: ec2:DescribeRegions"
    if code in DENIED and "explicit deny in an identity-based policy" in str(use["message"]):
        return _Tried.DENIED, f"{key}, from the chosen profile, was tried, and an explicit deny refuses it ({code})"
    return (
        _Tried.UNCLEAR,
        f"{key}, from the chosen profile, was tried and refused, but not by an explicit deny: it may lack that permission anyway ({code})",
    )


def _is_of(arn: str, state: PrincipalState) -> bool:
    """Whether an ARN of ``GetCallerIdentity`` is the user, or a session of the role."""
    if state.kind is PrincipalKind.USER:
        return arn == state.arn
    found = parse_arn(arn)
    if found is None or found.service != "sts" or found.account != state.account:
        return False
    return found.kind == "assumed-role" and found.path.partition("/")[0] == state.name


REFUSED: Final[Action[PrincipalState]] = Action(
    aspects=frozenset({PrincipalAspect.KEYS, PrincipalAspect.POLICIES, PrincipalAspect.PROFILES}),
    plan=_plan,
    expect=unchanged,
    verify=read_back,
    choices=(Choice("profile", "Which AWS profile contains the stolen credentials", _profiles),),
    verify_answers=_verify_answers,
    may=("ec2:DescribeRegions",),
)
