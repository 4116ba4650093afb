"""The best of a few runs."""

import time
from collections.abc import Callable


def best(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds of one core."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)
