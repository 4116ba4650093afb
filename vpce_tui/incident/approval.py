"""Four eyes: a second operator signs a plan's hash; what cannot be undone runs only with it.

The signature is Ed25519 (RFC 8032) over the canonical form of the approval's body, by a key that lives in the approver's keyring;
whose keys count stands in the team's ``config.toml``. The identity is what STS says when it is signed.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from vpce_tui.canonical import canonical, rfc3339
from vpce_tui.team import Rules

SCHEMA: Final = "vpce-tui:approval:1"
_PREFIX: Final = "ed25519:"


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
        """Who planned it."""

    @property
    def playbook(self) -> str:
        """What it does."""

    @property
    def target(self) -> str:
        """To what."""


@dataclass(frozen=True, slots=True)
class Approved:
    """One approval: its body, the public key and the signature."""

    body: Mapping[str, Any]
    key: str
    signature: str

    @property
    def arn(self) -> str:
        """Who approved."""
        return str(self.body.get("approver", ""))

    def text(self) -> str:
        """The file's content."""
        return json.dumps({**self.body, "key": self.key, "signature": self.signature}, indent=2) + "\n"


def new_key() -> str:
    """A private key, as it is kept in the keyring."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def public_key(private: str) -> str:
    """What stands in the team's configuration: ``ed25519:…``."""
    return _PREFIX + base64.b64encode(_private(private).public_key().public_bytes_raw()).decode()


def _private(private: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(private))


def approve(plan: Planned, arn: str, user_id: str, at: datetime, record: str, private: str) -> Approved:
    """Sign a plan's hash as ``arn``. ``record``: the head of the approver's own record."""
    body = {
        "schema": SCHEMA, "plan": plan.sha256, "playbook": plan.playbook, "target": plan.target, "accountId": plan.account,
        "approver": arn, "userId": user_id, "at": rfc3339(at), "record": record,
    }  # fmt: skip
    signature = base64.b64encode(_private(private).sign(canonical(body))).decode()
    return Approved(body, public_key(private), signature)


def read(text: str, name: str) -> Approved:
    """An approval from its file. Raises :class:`ApprovalError`."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ApprovalError(f"{name} is no approval: it is no JSON.") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ApprovalError(f"{name} is no approval of this version ({SCHEMA}).")
    key, signature = data.pop("key", ""), data.pop("signature", "")
    if not isinstance(key, str) or not isinstance(signature, str):
        raise ApprovalError(f"{name} is no approval: it has no signature.")
    return Approved(data, key, signature)


def problem(approved: Approved, plan: Planned, runner: str, rules: Rules) -> str:
    """Why an approval does not count; ``""``: it does."""
    who = approved.arn
    if approved.body.get("plan") != plan.sha256:
        return f"the approval of {who} is for another plan (sha256 {str(approved.body.get('plan', ''))[:12]}…)"
    if approved.body.get("accountId") != plan.account:
        return f"the approval of {who} is for another account"
    if not _signed(approved):
        return f"the signature of {who} does not fit: the approval was changed"
    if not any(item.key == approved.key and fnmatchcase(who, item.arn) for item in rules.approvers):
        return f"{who} with this key is no approver of your team (config.toml)"
    if who == runner:
        return f"{who} runs it: approving it is for somebody else"
    return ""


def _signed(approved: Approved) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(approved.key.removeprefix(_PREFIX)))
        public.verify(base64.b64decode(approved.signature), canonical(dict(approved.body)))
    except (InvalidSignature, ValueError):
        return False
    return True


def lacking(
    plan: Planned, runner: str, rules: Rules, approvals: Sequence[Approved], count: Callable[[str], object] = lambda _: None
) -> str:  # fmt: skip
    """What keeps a step that cannot be undone from running; ``""``: nothing. ``count`` is told of each that counts."""
    if rules.approvals <= 1:
        return ""
    said, people = [], set[str]()
    for approved in approvals:
        wrong = problem(approved, plan, runner, rules)
        if wrong:
            said.append(wrong)
        elif approved.arn not in people:
            people.add(approved.arn)
            count(approved.arn)
    open_still = rules.approvals - 1 - len(people)
    if open_still <= 0:
        return ""
    more = f" ({'; '.join(said)})" if said else ""
    return (
        f"your team wants {rules.approvals} people behind what cannot be undone, and {open_still} more must approve this plan{more}: "
        "vpce-tui plan … --out plan.json, then vpce-tui approve plan.json by somebody else, then vpce-tui apply plan.json --approval FILE"
    )
