"""The exit codes of every ``vpce-tui`` command, in one place."""

from enum import IntEnum


class Exit(IntEnum):
    """What the process tells the shell that called it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    STALE = 4
    REFUSED = 5
    NOT_VERIFIED = 6


MEANING: dict[Exit, str] = {
    Exit.DONE: "done; for a search: everything asked for was looked at",
    Exit.FAILED: "failed, or nothing could be looked at; the message says what and what to do",
    Exit.USAGE: "invalid arguments",
    Exit.PARTIAL: "some part could not be looked at; the coverage says which and why",
    Exit.STALE: "the plan is stale: the step would now do something else; nothing of it was done",
    Exit.REFUSED: "refused: read-only, not approved, plan file changed, or another account, the incident is held or closed",
    Exit.NOT_VERIFIED: "applied but not verified, or the outcome of a call is unknown",
}


def help_text() -> str:
    """The table that ends ``--help``."""
    return "exit codes:\n" + "\n".join(f"  {code.value}  {MEANING[code]}" for code in Exit)
