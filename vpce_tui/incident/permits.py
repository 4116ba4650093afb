"""Permits that were handed out for journalled calls: each is good for one call, once."""

import secrets
from collections.abc import Callable

from vpce_tui.aws.call import Permit


class IssuedPermits:
    """The permits of one open journal; it guards them with its own lock."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, bool]] = {}

    def give(self, row: int, fingerprint: str) -> Permit:
        """A permit for the call with this fingerprint, whose intent is journalled in ``row``."""
        permit = Permit(f"{row}.{secrets.token_hex(8)}", fingerprint)
        self._known[permit.number] = (fingerprint, False)
        return permit

    def use(self, permit: Permit, fingerprint: str, alone: Callable[[], bool]) -> str:
        """Use it for a call: ``""``, or why not, as :class:`vpce_tui.aws.gate.PermitIssuer` says it. ``alone``: whether this process
        is still the only writer of the journal."""
        given = self._known.get(permit.number)
        if given is None:
            return "unknown"
        of_call, used = given
        if used:
            return "used"
        if of_call != fingerprint:
            return "other"
        if not alone():
            return "lost"
        self._known[permit.number] = (of_call, True)
        return ""

    def clear(self) -> None:
        """None is good any more."""
        self._known.clear()
