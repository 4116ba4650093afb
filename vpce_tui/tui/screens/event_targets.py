"""What a playbook can act on, of an event: its endpoint, the instance and the principal that made the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vpce_tui.core.arn import account_of, parse_arn
from vpce_tui.tui.screens.frame import Frame

if TYPE_CHECKING:
    from vpce_tui.cloudtrail.event import Event, Principal
    from vpce_tui.detection.assessment import AssessedEvent


def open_instance_of(screen: Frame, item: AssessedEvent) -> None:
    """Open the instance whose role session made the call."""
    if item.event.principal.instance_id:
        screen.main.open_instance(item.event.principal.instance_id)
    else:
        screen.main.say("This call was not made with an instance role session.")


def choose_playbook(screen: Frame, item: AssessedEvent) -> None:
    """Open the playbooks for what is behind an event, or say why there is none."""
    if screen.workspace.log_files:
        screen.main.say("A playbook needs the account: start vpce-tui without --log-files.")
        return
    instance, endpoint, region = item.event.principal.instance_id, item.request.endpoint_id, item.event.region
    targets = [(instance, region)] if instance else []
    if endpoint and not item.endpoint_gone:
        targets.append((endpoint, region))
    own = screen.workspace.identity.account if screen.workspace.identity else ""
    targets += [(named, region) for named in named_principals(item.event, own)]
    principal = principal_target(item.event.principal, own)
    if item.assessment.response:  # the caller is one of us
        screen.main.open_playbooks(targets)
        return
    if principal:
        targets.append((principal, region))
    else:
        who = item.event.principal
        screen.main.say(
            f"The caller is not an IAM user or role of this account: {who.name} ({who.type or 'no type'}). "
            "Find the call that created its session: GetFederationToken, AssumeRoleWithSAML or AssumeRoleWithWebIdentity."
        )
    screen.main.open_playbooks(targets)


def named_principals(event: Event, own: str) -> list[str]:
    """The user or role of the account ``own`` that an IAM call created or changed, as a playbook's target; none of a refused call."""
    from vpce_tui.plans.targets import KINDS  # noqa: PLC0415 - the first paint does not wait for it

    if event.source != "iam.amazonaws.com" or event.error_code or event.account != own:
        return []
    asked = event.record.get("requestParameters")
    names = asked if isinstance(asked, Mapping) else {}
    found = (f"{kind}/{names.get(key, '')}" for kind, key in (("user", "userName"), ("role", "roleName")))
    return [target for target in found if KINDS["principal"].pattern.fullmatch(target)]


def principal_target(principal: Principal, own: str) -> str:
    """The user or role behind a principal as a playbook's target; of a session the one that handed it out; ``""``: none.

    One of another account than ``own`` is named by its whole ARN: the playbook then says that it is not ours to act on.
    """
    for arn in (principal.arn, principal.role_arn):
        target = _target_of(arn)
        if target:
            return target if account_of(arn) == own else arn
    return ""


def _target_of(arn: str) -> str:
    found = parse_arn(arn)
    if found is None:
        return ""
    if found.kind == "assumed-role":
        return f"role/{found.path.partition('/')[0]}"
    return found.resource if found.kind in ("user", "root") else ""
