"""Rate limits that AWS sets per account and region, kept on our side so that they are never hit."""

import threading
import time
from collections.abc import Callable


class Bucket:
    """A token bucket: ``rate`` requests a second, ``burst`` at once; waits for its turn.

    Thread-safe. ``clock`` gives seconds and ``sleep`` waits; both are given so that a simulation can drive it.
    """

    def __init__(
        self,
        rate: float,
        burst: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rate, self._burst = rate, burst
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = clock()

    def take(self) -> float:
        """Wait until one request may go; returns the seconds waited."""
        with self._lock:
            now = self._clock()
            gap = 1.0 / self._rate
            earliest = now - (self._burst - 1.0) * gap
            at = max(self._next, earliest)
            self._next = at + gap
        wait = max(0.0, at - now)
        if wait:
            self._sleep(wait)
        return wait


class Pacer:
    """One bucket for each (account, region, operation)."""

    def __init__(self, rate: float, burst: float = 1.0) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._lock = threading.Lock()

    def bucket(self, *key: str) -> Bucket:
        """The bucket of ``key``, made when first asked for."""
        with self._lock:
            if key not in self._buckets:
                self._buckets[key] = Bucket(self._rate, self._burst)
            return self._buckets[key]
