"""What this process lets others see of it: files that it makes are its user's alone, and it leaves no core dump."""

import contextlib
import os
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def keep_to_ourselves() -> None:
    """Called once, first: a tight umask; no core dump, which would hold credentials, whatever collects such dumps."""
    import resource  # noqa: PLC0415

    os.umask(0o077)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # a collector behind a pipe is given the dump whatever the limit
        import ctypes  # noqa: PLC0415

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
