"""What an endpoint's policy lets through."""

from typing import Final

from vpce_tui.inventory.policies.outside import Outside, Reach
from vpce_tui.signals.endpoint.subject import FOREIGN_SERVICE, Subject
from vpce_tui.signals.model import Fact, Severity
from vpce_tui.signals.rule import Answer, CannotTell, Fine, Rule, Seen, rule

_VALUABLE: Final = frozenset({"s3", "s3express", "dynamodb", "sts", "kms", "secretsmanager", "ssm", "execute-api"})


def _takes_policy(see: Subject) -> bool:
    """Endpoints for other people's services and for load balancers take none; nor do those that lead to a resource."""
    request = see.request
    return (
        bool(request.service)
        and request.type != "GatewayLoadBalancer"
        and not FOREIGN_SERVICE.fullmatch(request.service)
    )


def _everything(see: Subject, found: Outside | None) -> bool:
    return found is None or found.everything(see.short.split(".")[0])


@rule("VPCE-02", Severity.MEDIUM, "contain-endpoint", techniques=("T1567", "T1537"), section="network")
def open_policy(see: Subject) -> Answer:
    """Its policy lets everybody do everything through it.

    Any principal, also of a foreign account, can use the service through it: data can be copied to somebody else's
    resources.

    Harmless if the team accepts open endpoint policies and limits access at the resources instead.
    """
    if not _takes_policy(see):
        return None
    found = see.lets_through
    if not _everything(see, found):
        return (
            CannotTell(f"what its policy lets through: {found.problem}")
            if found and found.problem and not found.grants
            else None
        )
    said = "absent: the default allows everybody everything" if see.request.policy is None else see.request.policy
    valuable = see.short in _VALUABLE or see.short.split(".")[0].removesuffix("-global") in _VALUABLE
    return Seen(
        f"Its policy lets everybody do everything through it ({see.short})",
        (Fact("PolicyDocument", said),),
        Severity.HIGH if valuable else Severity.MEDIUM,
    )


@rule("VPCE-03", Severity.MEDIUM, "contain-endpoint", techniques=("T1567", "T1537"), section="network")
def no_limits(see: Subject) -> Answer:
    """Its policy does not limit it to what is yours.

    A policy that names actions but neither whose principals may ask (aws:PrincipalOrgID) nor whose resources may be reached
    (aws:ResourceOrgID) still carries data to a stranger's bucket.

    Harmless if the actions it allows cannot carry data.
    """
    found = see.lets_through if _takes_policy(see) else None
    if found is None or _everything(see, found):
        return None
    who, what = found.who, found.what
    open_sides = [
        words
        for side, words in ((who, "whose principals may ask"), (what, "whose resources may be reached"))
        if side.reach is Reach.ANY
    ]
    if open_sides:
        actions = sorted({action for grant in found.grants for action in grant.actions})
        title = f"Its policy does not limit {' or '.join(open_sides)}"
        return Seen(title, (Fact("actions", ", ".join(actions[:8])), Fact("PolicyDocument", see.request.policy or "")))
    if found.doubts:
        return CannotTell(f"what its policy lets through: {'; '.join(found.doubts[:3])}")
    if Reach.NAMED in (who.reach, what.reach):
        return None
    return Fine("its policy lets only your principals reach only your resources")


@rule("VPCE-04", Severity.CRITICAL, "contain-endpoint", techniques=("T1537", "T1098"), section="network")
def names_strangers(see: Subject) -> Answer:
    """Its policy names a principal or a resource of another account.

    Somebody wrote a stranger into it by name. That is how data is carried out, or how somebody from outside is let in.

    Harmless if the account is a partner's that you know; then add it to own_accounts.
    """
    found = see.lets_through if _takes_policy(see) else None
    if found is None:
        return None
    names = [name for side in (found.who, found.what) for name in side.names]
    if not names:
        return None
    return Seen(
        f"Its policy names {names[0]}",
        (Fact("names", "; ".join(names[:6])), Fact("PolicyDocument", see.request.policy or "")),
    )


RULES: Final[tuple[Rule[Subject], ...]] = (open_policy, no_limits, names_strangers)
