"""Work off the screen's thread: daemon threads, whose results a queue hands over. Leaving the app never waits for them."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Background:
    """Daemon threads whose results are delivered by :meth:`deliver`, on the caller's thread."""

    _done: deque[Callable[[], object]] = field(default_factory=deque)

    def start(
        self, name: str, work: Callable[[], Any], then: Callable[[Any], object], failed: Callable[[Exception], object]
    ) -> None:
        """Run ``work`` on a thread; ``then`` or ``failed`` is called at the next delivery."""

        def run() -> None:
            try:
                result = work()
            except Exception as error:  # handed to the screen, which says it
                problem = error
                self._done.append(lambda: failed(problem))
            else:
                self._done.append(lambda: then(result))

        threading.Thread(target=run, name=name, daemon=True).start()

    def hand_over(self, callback: Callable[[], object]) -> None:
        """From any thread: call this at the next delivery."""
        self._done.append(callback)

    def deliver(self, at_most: int = 200) -> int:
        """Call what is due; gives how many."""
        count = 0
        while self._done and count < at_most:
            self._done.popleft()()
            count += 1
        return count
