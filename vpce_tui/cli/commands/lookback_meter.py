"""How far an investigation is, on stderr: a bar where somebody watches, one line where nobody does."""

import sys
from types import TracebackType
from typing import Any, Final, Self

from vpce_tui.cli.commands.aws_access import say
from vpce_tui.core.coverage import Status
from vpce_tui.core.text import many
from vpce_tui.investigation.snapshot import Snapshot

_SOON: Final = 3.0
"""Seconds that are not worth a line."""


class LookbackMeter:
    """Shows how far the look back in event history is: a context, whose :meth:`show` takes each snapshot."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._said = False

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def show(self, snapshot: Snapshot) -> None:
        """Take in what is known by now."""
        left = snapshot.seconds_left
        if left is None:
            return
        parts = snapshot.lookback.parts
        done = sum(part.status is not Status.RUNNING for part in parts)
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task("event history", total=len(parts), left="")
            said = f"{done} of {many(len(parts), 'query', 'queries')}, about {left:.0f} s left (^C: continue with the results so far)"
            self._bar.update(self._task, completed=done, left=said)
        elif not self._said and left > _SOON:
            self._said = True
            say(
                f"running {many(len(parts), 'event history query', 'event history queries')} in {many(len(snapshot.regions), 'region')}, about {left:.0f} s "
                "(^C: continue with the results so far; --lookback 0s: skip)"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
