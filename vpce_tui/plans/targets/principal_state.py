"""What is known of an IAM user or role, and which parts of that a step may need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vpce_tui.plans.targets import recording
from vpce_tui.plans.targets.principal_history import (
    ContainmentState,
    History,
)

QUARANTINE_POLICY: Final = "vpce-tui-quarantine-"
"""Name of our deny-all policy, before the incident's name."""


SESSIONS_POLICY: Final = "vpce-tui-revoke-sessions-"
"""Name of our deny for older sessions; another one than that of an instance's playbook, so that neither takes the other's back."""


QUARANTINE_DOCUMENT: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Quarantine", "Effect": "Deny", "Action": "*", "Resource": "*"}],
}


SESSIONS: Final = "sessions"
"""Sessions that the operator names; see :attr:`PlanningContext.remembered`."""


LOST_WITHIN: Final = timedelta(minutes=2)
"""How far from the begin of a call whose answer was lost a key may be made to be its key; clocks differ."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key of a user, and what it was last used for."""

    id: str
    active: bool
    created: str = ""
    last_used: str = ""
    service: str = ""
    region: str = ""

    @property
    def usage(self) -> str:
        """``last used 2026-11-20 for ec2 in eu-west-1``."""
        return f"last used {self.last_used} for {self.service} in {self.region}" if self.last_used else "never used"


@dataclass(frozen=True, slots=True)
class PrincipalPolicy:
    """One policy of the principal. ``arn`` ``""``: inline; ``versions``: the documents of a managed one by version, ``default``
    the one that holds; ``holders``: who has it attached (``role/NAME``)."""

    name: str
    arn: str
    document: Mapping[str, object]
    default: str = ""
    versions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    holders: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Value of this option in ``--set``; unique in its list."""
        return self.arn or f"inline/{self.name}"

    @property
    def editable(self) -> bool:
        """Whether it can be changed: AWS's own cannot."""
        return ":iam::aws:" not in self.arn

    def version_with(self, document: Mapping[str, object]) -> str:
        """The version with this text; ``""``: none."""
        return next((name for name, text in self.versions.items() if text == document), "")


class PrincipalKind(StrEnum):
    """What a principal is, as IAM calls it."""

    USER = "user"
    ROLE = "role"
    ROOT = "root"


@dataclass(frozen=True, slots=True)
class PrincipalState:
    """One user, role, or the root user. A field of None was not asked for, or is in ``unknown``."""

    kind: PrincipalKind
    name: str
    arn: str
    account: str
    region: str
    path: str = "/"
    boundary: str = ""
    trusts: tuple[str, ...] = ()
    keys: tuple[AccessKey, ...] | None = None
    inline: tuple[str, ...] | None = None
    attached: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    cut: str = ""
    quarantined: bool = False
    password: bool | None = None
    mfa: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    service_credentials: tuple[str, ...] = ()
    instances: tuple[str, ...] | None = None
    sessions: tuple[str, ...] | None = None
    """Names of the role's sessions of the last day."""
    keys_given: frozenset[str] = frozenset()
    """Keys that this incident made, and whose secret somebody took."""
    keys_lost: frozenset[str] = frozenset()
    """Keys that were made while a call of ours was under way whose answer was lost."""
    documents: tuple[PrincipalPolicy, ...] | None = None
    history: History | None = None
    made_states: Mapping[str, ContainmentState] | None = None
    trails: recording.Trails | None = None
    profiles: tuple[str, ...] | None = None
    """Profiles of the operator's AWS config, one of which may hold what was stolen."""
    incident_opened: datetime | None = None
    now: datetime | None = None
    own: bool = False
    """Whether the operator is signed in as it."""
    operator: str = ""
    """Who is signed in: ``user/NAME`` or ``role/NAME``."""
    gone: bool = False
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def managed(self) -> str:
        """Why this is not ours to change; ``""``: it is."""
        if self.kind is PrincipalKind.ROLE and self.path.startswith("/aws-service-role/"):
            return "it is a service-linked role: only its AWS service uses it, and AWS refuses changes"
        if self.kind is PrincipalKind.ROLE and self.path.startswith("/aws-reserved/"):
            return "it is managed by IAM Identity Center, and AWS rejects changes from anywhere else"
        return ""

    @property
    def elsewhere(self) -> str:
        """Where what is not ours to change can be."""
        if self.path.startswith("/aws-service-role/"):
            return "stop what uses it in that service; then the service, or IAM, deletes the role"
        return "in IAM Identity Center: change the permission set, and end the person's active sessions"


class PrincipalAspect:
    """Names of the parts that can be read."""

    KEYS = "access keys"
    POLICIES = "policies"
    CONSOLE = "console access"
    INSTANCES = "instances with the role"
    SESSIONS = "sessions"
    DOCUMENTS = "policy documents"
    HISTORY = "call history"
    MADE = "created resources"
    TRAILS = "trails"
    PROFILES = "profiles of this host"
