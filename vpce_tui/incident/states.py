"""The states that a record knows: of a step, of a call, and of a verification."""

from enum import StrEnum
from typing import Final


class StepState(StrEnum):
    """The state of a step in an incident.

    ``NOT_VERIFIED``: its changes were applied, and reading back did not show them yet. ``INCOMPLETE``: it only reads, and what was
    read does not answer its question yet. ``DRIFTED``: it was verified, and planning from live state shows that it is no longer so;
    no row says it. ``INTERRUPTED``: the record says that it runs, and nothing here runs it.
    """

    TODO = "to do"
    RUNNING = "running"
    VERIFIED = "verified"
    NOTHING_TO_DO = "nothing to do"
    NOT_VERIFIED = "applied, not verified"
    INCOMPLETE = "incomplete"
    DRIFTED = "no longer in effect"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome unknown"
    OPEN = "open"
    SKIPPED = "skipped"
    MANUAL = "done manually"
    UNDONE = "undone"

    @property
    def sign(self) -> str:
        """The glyph that is shown with it."""
        return _SIGNS[self]


_SIGNS = {
    StepState.TODO: "○",
    StepState.RUNNING: "▶",
    StepState.VERIFIED: "✔",
    StepState.NOTHING_TO_DO: "–",
    StepState.NOT_VERIFIED: "!",
    StepState.INCOMPLETE: "!",
    StepState.DRIFTED: "!",
    StepState.INTERRUPTED: "!",
    StepState.FAILED: "✖",
    StepState.OUTCOME_UNKNOWN: "!",
    StepState.OPEN: "!",
    StepState.SKIPPED: "–",
    StepState.MANUAL: "✎",
    StepState.UNDONE: "↩",
}


SETTLED: Final = frozenset({StepState.VERIFIED, StepState.NOTHING_TO_DO, StepState.MANUAL})
"""States of a step that needs nothing more."""


NEEDS_ATTENTION: Final = frozenset(
    {
        StepState.RUNNING,
        StepState.OPEN,
        StepState.FAILED,
        StepState.NOT_VERIFIED,
        StepState.INCOMPLETE,
        StepState.OUTCOME_UNKNOWN,
    }
)
"""States of a step that was begun and is not where it should be."""


class CallState(StrEnum):
    """The state of one API call: its intent is recorded, then its result."""

    INTENDED = "intended"
    DONE = "done"
    NOT_DONE = "not done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNDONE = "undone"


class VerificationState(StrEnum):
    """What reading back showed: the effect is there, is not there yet (eventual consistency), or is not going to be; or that the
    step had no effect to read back."""

    VERIFIED = "verified"
    NOTHING_TO_DO = "nothing to do"
    NOT_YET = "not yet"
    FAILED = "failed"


class Decision(StrEnum):
    """What a person decided about a step."""

    SKIPPED = "skipped"
    MANUAL = "manual"
    OPEN = "open"
