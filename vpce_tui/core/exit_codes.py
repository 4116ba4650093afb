"""The exit codes of every ``vpce-tui`` command, in one place."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit code of the process."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    STALE = 4
    REFUSED = 5
    NOT_VERIFIED = 6


MEANING: dict[Exit, str] = {
    Exit.DONE: "done; for a search: everything was searched",
    Exit.FAILED: "failed, or nothing could be searched; the message says why and what to do",
    Exit.USAGE: "invalid arguments",
    Exit.PARTIAL: "some part could not be searched; see the coverage for which and why",
    Exit.STALE: "the plan is stale: the step would now make other changes; nothing was done",
    Exit.REFUSED: "refused: read-only, not approved, plan file changed, another account, or incident locked or closed",
    Exit.NOT_VERIFIED: "applied but not verified, or the outcome of a call is unknown",
}


def help_text() -> str:
    """The table that ends ``--help``."""
    return "exit codes:\n" + "\n".join(f"  {code.value}  {MEANING[code]}" for code in Exit)
