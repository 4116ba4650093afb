"""How a step ended, and its progress while it runs."""

from dataclasses import dataclass, field
from enum import StrEnum

from vpce_tui.core.exit_codes import Exit


class Ended(StrEnum):
    """How a step, or its undo, ended."""

    VERIFIED = "verified"
    NOTHING = "nothing to do"
    UNDONE = "undone"
    OPEN = "open"
    NOT_VERIFIED = "applied, not verified"
    INCOMPLETE = "incomplete"
    STOPPED = "stopped"
    FAILED = "failed"
    BLOCKED = "blocked"
    STALE = "the plan is stale"
    REFUSED = "refused"
    OUTCOME_UNKNOWN = "outcome unknown"

    @property
    def sign(self) -> str:
        """The glyph that is shown with it."""
        return _ENDED_SIGNS.get(self, "✖")


_ENDED_SIGNS = {
    Ended.VERIFIED: "✔",
    Ended.NOTHING: "–",
    Ended.UNDONE: "↩",
    Ended.OPEN: "!",
    Ended.NOT_VERIFIED: "!",
    Ended.INCOMPLETE: "!",
}
EXIT_OF = {
    Ended.VERIFIED: Exit.DONE,
    Ended.NOTHING: Exit.DONE,
    Ended.UNDONE: Exit.DONE,
    Ended.OPEN: Exit.DONE,
    Ended.NOT_VERIFIED: Exit.NOT_VERIFIED,
    Ended.INCOMPLETE: Exit.NOT_VERIFIED,
    Ended.STOPPED: Exit.NOT_VERIFIED,
    Ended.FAILED: Exit.FAILED,
    Ended.BLOCKED: Exit.FAILED,
    Ended.STALE: Exit.STALE,
    Ended.REFUSED: Exit.REFUSED,
    Ended.OUTCOME_UNKNOWN: Exit.NOT_VERIFIED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended, in words; ``details`` line by line."""

    ended: Ended
    says: str
    details: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether a run may continue to the next step."""
        return EXIT_OF[self.ended] is Exit.DONE

    @property
    def exit(self) -> Exit:
        """The exit code that says so."""
        return EXIT_OF[self.ended]


class ProgressState(StrEnum):
    """What became of a call, or of the verification, while a step runs."""

    RUNNING = "running"
    WAITING = "waiting"
    ASKING = "asking"
    DONE = "done"
    NOT_DONE = "not done"
    DENIED = "denied"
    FAILED = "failed"
    MISSING = "missing"
    LOST = "lost"
    UNKNOWN = "unknown"
    VERIFIED = "verified"
    NOT_YET = "not yet"

    @property
    def sign(self) -> str:
        """The glyph that is shown with it."""
        return _SIGNS[self]


_SIGNS = {
    ProgressState.RUNNING: "▶",
    ProgressState.WAITING: "…",
    ProgressState.ASKING: "…",
    ProgressState.DONE: "✔",
    ProgressState.NOT_DONE: "✖",
    ProgressState.DENIED: "✖",
    ProgressState.FAILED: "✖",
    ProgressState.MISSING: "!",
    ProgressState.LOST: "!",
    ProgressState.UNKNOWN: "!",
    ProgressState.VERIFIED: "✔",
    ProgressState.NOT_YET: "!",
}

VERIFICATION = "verification"
"""The ``call`` of a :class:`Progress` that is about the verification of the step."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One line while a step runs: which call, what became of it, how long it took (seconds)."""

    step: str
    call: str
    state: ProgressState
    says: str = ""
    seconds: float = 0.0

    @property
    def words(self) -> str:
        """What is shown of it: nothing for a call that is done, the state otherwise."""
        return (
            self.says
            if self.state in (ProgressState.DONE, ProgressState.WAITING) and self.call != "dry run"
            else f"{self.call}  {self.says}"
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """The operator's yes: how it was given, and the id that was typed for what cannot be undone."""

    how: str
    confirmed: str = ""


@dataclass(frozen=True, slots=True)
class WaitPolicy:
    """Waits in seconds: ``call_outcome`` between asking whether a lost call took effect, ``verification`` between reading a
    step back, ``condition`` between reading what a later call waits for.

    ``under_way``: how long after it began a call without an answer may still take effect.
    """

    call_outcome: tuple[float, ...] = (1.0, 2.0, 4.0)
    verification: tuple[float, ...] = field(default=(0.3, 0.7, 1.0, 2.0, 3.0, *([5.0] * 115)))
    condition: tuple[float, ...] = field(default=(0.3, 0.7, 1.0, 2.0, 3.0, *([5.0] * 355)))
    under_way: float = 60.0
