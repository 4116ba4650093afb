"""Two-person approval: somebody else signs a plan, and what cannot be undone runs only with it.

The signature is Ed25519 (RFC 8032) over the canonical form of the approval's body, by a key in the approver's keyring; whose
keys count is in the team's ``config.toml``. An approval is for one plan in one incident of one account, for some hours,
and for one run of each step. People differ by their keys and by who is behind their sessions.
"""

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from vpce_tui.cloudtrail.session_owner import Person, person_from_arn
from vpce_tui.core.canonical_json import canonical, loads_strict, rfc3339
from vpce_tui.incident.team_config import TeamConfig

SCHEMA: Final = "vpce-tui:approval:1"
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far two clocks may differ."""
_PREFIX: Final = "ed25519:"
_KEYS: Final = frozenset(
    {
        "schema",
        "id",
        "plan",
        "playbook",
        "target",
        "accountId",
        "incident",
        "incidentId",
        "approver",
        "userId",
        "person",
        "at",
        "until",
        "record",
        "key",
        "signature",
    }
)
_ID: Final = re.compile(r"[0-9a-f]{32}")


class ApprovalError(Exception):
    """An approval cannot be made or read; the message says why."""


class Planned(Protocol):
    """What of a plan is approved."""

    @property
    def sha256(self) -> str:
        """The hash that is approved."""

    @property
    def account(self) -> str:
        """The account it is for."""

    @property
    def operator(self) -> str:
        """ARN of who planned it."""

    @property
    def planned_at(self) -> str:
        """When (RFC 3339)."""

    @property
    def playbook(self) -> str:
        """Name of the playbook."""

    @property
    def target(self) -> str:
        """Id of the AWS resource that the plan acts on."""

    @property
    def incident(self) -> str:
        """Name of the incident that it was made for."""

    @property
    def incident_id(self) -> str:
        """Hash of that incident's first row; ``""``: it was made for none."""


@dataclass(frozen=True, slots=True)
class Approved:
    """One approval: its body, the public key and the signature."""

    body: Mapping[str, Any]
    key: str
    signature: str

    @property
    def id(self) -> str:
        """Its own number: what is used once."""
        return str(self.body["id"])

    @property
    def arn(self) -> str:
        """ARN of who approved."""
        return str(self.body["approver"])

    @property
    def person(self) -> Person:
        """Who approved. Raises ``ValueError``."""
        return Person.from_json(self.body["person"])

    def text(self) -> str:
        """The file's content."""
        return json.dumps({**self.body, "key": self.key, "signature": self.signature}, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs a step: the person, and the public key of this host's keyring (``""``: it has none)."""

    person: Person
    key: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """What an approval is asked to cover: the incident by id, the time by AWS's clock, approvals that are used up."""

    incident_id: str
    now: datetime
    spent: frozenset[str] = frozenset()


def new_key() -> str:
    """A private key, as it is kept in the keyring."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def public_key(private: str) -> str:
    """What is in the team's configuration: ``ed25519:…``."""
    return _PREFIX + base64.b64encode(_private(private).public_key().public_bytes_raw()).decode()


def canonical_key(key: str) -> str:
    """A public key as it is written in one way only; ``""``: it is none."""
    try:
        raw = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except ValueError:
        return ""
    return _PREFIX + base64.b64encode(raw).decode() if len(raw) == 32 and key.startswith(_PREFIX) else ""


def _private(private: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(private))


def approve(
    plan: Planned, person: Person, user_id: str, *, at: datetime, hours: float, record: str, private: str
) -> Approved:
    """Sign a plan as ``person``. ``hours``: how long it holds; ``record``: the head of the approver's own record."""
    body = {
        "schema": SCHEMA,
        "id": secrets.token_hex(16),
        "plan": plan.sha256,
        "playbook": plan.playbook,
        "target": plan.target,
        "accountId": plan.account,
        "incident": plan.incident,
        "incidentId": plan.incident_id,
        "approver": person.arn,
        "userId": user_id,
        "person": person.to_json(),
        "at": rfc3339(at),
        "until": rfc3339(at + timedelta(hours=hours)),
        "record": record,
    }
    signature = base64.b64encode(_private(private).sign(canonical(body))).decode()
    return Approved(body, public_key(private), signature)


def read(text: str, name: str) -> Approved:
    """An approval from its file. Raises :class:`ApprovalError`."""
    try:
        data = loads_strict(text)
    except (ValueError, RecursionError) as error:
        raise ApprovalError(f"{name} is not an approval: it is not valid JSON ({error}).") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ApprovalError(f"{name} is not an approval of this schema version ({SCHEMA}).")
    if set(data) != _KEYS or not all(isinstance(value, str) for key, value in data.items() if key != "person"):
        raise ApprovalError(f"{name} is not an approval: its fields are wrong.")
    key, signature = data.pop("key"), data.pop("signature")
    approved = Approved(data, key, signature)
    try:
        known = bool(_ID.fullmatch(approved.id)) and approved.person.arn == approved.arn
        _moment(data["at"]), _moment(data["until"])
    except ValueError as error:
        raise ApprovalError(f"{name} is not an approval: {error}.") from error
    if not known or canonical_key(key) != key:
        raise ApprovalError(f"{name} is not an approval: its number, key or person is invalid.")
    return approved


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def problem(approved: Approved, plan: Planned, runner: Runner, rules: TeamConfig, use: Use) -> str:
    """Why an approval does not count; ``""``: it does."""
    body, who = approved.body, approved.arn
    for field, wanted, what in (
        ("plan", plan.sha256, "plan"),
        ("accountId", plan.account, "account"),
        ("incidentId", use.incident_id, "incident"),
    ):
        if body[field] != wanted:
            return f"the approval of {who} is for another {what} ({body[field][:12] or 'none'}…)"
    if not _signed(approved):
        return f"the signature of {who} is invalid: the approval was changed"
    if not any(item.key == approved.key and fnmatchcase(who, item.arn) for item in rules.approvers):
        return f"{who} with this key is not an approver in config.toml"
    return (
        _out_of_time(approved, plan, rules, use)
        or _not_another(approved, plan, runner, rules)
        or (
            f"the approval of {who} was already used: one approval is valid for one run of a step"
            if approved.id in use.spent
            else ""
        )
    )


def _out_of_time(approved: Approved, plan: Planned, rules: TeamConfig, use: Use) -> str:
    at, until, who = _moment(approved.body["at"]), _moment(approved.body["until"]), approved.arn
    if at > use.now + CLOCK_SKEW:
        return f"the approval of {who} is dated {rfc3339(at)}, and by AWS's clock it is {rfc3339(use.now)}"
    if at < _moment(plan.planned_at) - CLOCK_SKEW:
        return f"the approval of {who} is older than the plan"
    until = min(until, at + timedelta(hours=rules.approval_hours))
    return f"the approval of {who} expired at {rfc3339(until)}" if use.now >= until else ""


def _not_another(approved: Approved, plan: Planned, runner: Runner, rules: TeamConfig) -> str:
    """Why the approver may be the person who runs or planned it; ``""``: it is somebody else."""
    who = approved.person
    if who.same_as(runner.person):
        return f"{who} runs the plan and cannot approve it; somebody else must"
    if who.same_as(person_from_arn(plan.operator)):
        return f"{who} created the plan and cannot approve it; somebody else must"
    if runner.key and runner.key == approved.key:
        return f"the approval of {who} was signed with the key of this host; somebody else must approve it"
    if not any(item.key == runner.key and fnmatchcase(runner.person.arn, item.arn) for item in rules.approvers):
        return (
            f"the key of this host is not listed in config.toml for {runner.person.arn}: people are also distinguished by their "
            "keys, because session names can be chosen freely. Print the key: vpce-tui approve --key"
        )
    return ""


def _signed(approved: Approved) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(approved.key.removeprefix(_PREFIX), validate=True))
        public.verify(base64.b64decode(approved.signature, validate=True), canonical(dict(approved.body)))
    except (InvalidSignature, ValueError):
        return False
    return True


def lacking(
    plan: Planned,
    runner: Runner,
    rules: TeamConfig,
    approvals: Sequence[Approved],
    use: Use,
    count: Callable[[Approved], object] = lambda _: None,
) -> str:
    """What keeps something that cannot be undone from running; ``""``: nothing. ``count`` is called with each that counts."""
    if rules.approvals <= 1:
        return ""
    said, counted = [], list[Approved]()
    if not plan.incident_id:
        said.append("this plan has no incident: plan with --incident NAME, so that an approval can be bound to it")
    for approved in approvals:
        wrong = problem(approved, plan, runner, rules, use) or _again(approved, counted)
        if wrong:
            said.append(wrong)
        else:
            counted.append(approved)
    open_still = rules.approvals - 1 - len(counted)
    if open_still <= 0:
        for approved in counted:
            count(approved)
        return ""
    more = f" ({'; '.join(said)})" if said else ""
    return (
        f"your team requires {rules.approvals} people for irreversible steps; {open_still} more must approve this plan{more}: "
        "vpce-tui plan … --incident NAME --out plan.json, then vpce-tui approve plan.json by somebody else, then "
        "vpce-tui apply plan.json --approval FILE"
    )


def _again(approved: Approved, counted: Sequence[Approved]) -> str:
    """Why an approval is no further person's; ``""``: it is."""
    for other in counted:
        if other.key == approved.key:
            return f"{approved.arn} signed with the same key as {other.arn}"
        if other.person.same_as(approved.person):
            return f"{approved.person} is the same person as {other.person}"
    return ""
