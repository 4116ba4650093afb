"""Who made a call: the principal whatever its session, the session, and whether an AWS service made it on its own behalf."""

import re
from collections.abc import Iterable
from typing import Final

from vpce_tui.cloudtrail.event import Event, Principal


def principal_key(principal: Principal) -> str:
    """Who somebody is, whatever session it is: the role of a session, else the principal itself."""
    return principal.role_arn or principal.arn or principal.invoked_by or principal.name


def caller_key(event: Event) -> str:
    """Who made a call (:func:`principal_key`)."""
    return principal_key(event.principal)


_LINKED: Final = re.compile(
    r"arn:aws[A-Za-z0-9_-]*:iam::([0-9]{12}):role/aws-service-role/[A-Za-z0-9_.-]+\.amazonaws\.com/AWSServiceRoleFor[A-Za-z0-9_+=,.@-]+"
)


def is_aws_service_principal(principal: Principal, account: str) -> bool:
    """Whether somebody is an AWS service of its own: its principal, or its service-linked role, which nobody else can take.

    ``invokedBy`` alone says nothing of the kind: CloudFormation works with the rights, and for the ends, of whoever asks it.
    """
    if principal.type == "AWSService":
        return True
    linked = _LINKED.fullmatch(principal.role_arn)
    return linked is not None and linked[1] == account


def called_by_aws_service(event: Event) -> bool:
    """Whether an AWS service did it of its own (:func:`is_aws_service_principal`)."""
    return is_aws_service_principal(event.principal, event.account)


def credential_of(principal: Principal) -> str:
    """The session of a call: its access key id, or its ARN where the record has none."""
    return principal.access_key_id or principal.arn or principal_key(principal)


def delivered_role_sessions(events: Iterable[Event], account: str) -> set[tuple[str, str]]:
    """(role name, instance id) of each session of ``account`` that EC2 handed to an instance and that made one of the calls.

    A session's name alone proves nothing: whoever assumes a role chooses it.
    """
    principals = (event.principal for event in events)
    return {
        (who.role_name, who.instance_id)
        for who in principals
        if who.role_name and who.instance_id and who.ec2_role_delivery and who.account == account
    }
