"""Rate limits that AWS sets per account and region, kept on our side so that they are never hit."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final

LIMITS: dict[tuple[str, str], float] = {("cloudtrail", "LookupEvents"): 2.0}
"""Requests a second that AWS answers for an account in a region, by service and operation.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""


class TokenBucket:
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
    """One bucket for each key (endpoint, account, region and operation)."""

    def __init__(self) -> None:
        self._buckets: dict[Hashable, TokenBucket] = {}
        self._lock = threading.Lock()

    def bucket(self, key: Hashable, rate: float) -> TokenBucket:
        """The bucket of ``key`` at ``rate`` requests a second, made when first asked for."""
        with self._lock:
            if (key, rate) not in self._buckets:
                self._buckets[key, rate] = TokenBucket(rate)
            return self._buckets[key, rate]


PACER: Final = Pacer()
"""Of this process: every session of an account shares what AWS allows the account."""
