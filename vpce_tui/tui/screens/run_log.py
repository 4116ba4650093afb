"""What became of each call of a step while it ran, as lines, and how far it is."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from textual.content import Content

from vpce_tui.core.text import many, sign
from vpce_tui.engine.outcome import Progress, ProgressState
from vpce_tui.plans.plan import Step
from vpce_tui.tui.widgets.safe_text import line

_LOOKS: Final = {"✔": "$success", "✖": "bold $error", "!": "bold $warning"}
_MANY: Final = 6
"""Calls from which on a bar shows how far a step is."""
_TAIL: Final = 8
"""Calls that are shown while a step runs, and all of them where they are no more."""
_BAR: Final = 30


@dataclass
class RunLog:
    """One run of a step: its calls with what became of each, in order."""

    began: datetime
    made: list[tuple[ProgressState, Content]] = field(default_factory=list)
    """State and line of each call."""
    under_way: Content | None = None
    ended: set[str] = field(default_factory=set)

    def add(self, progress: Progress) -> None:
        """Take in what the engine tells."""
        self.under_way = None
        if progress.state in (ProgressState.DONE, ProgressState.MISSING) and progress.call != "dry run":
            self.ended.add(progress.call)
        if progress.state is ProgressState.RUNNING:
            self.under_way = line((f"{sign('▶')} ", "bold $accent"), progress.says or progress.call)
            return
        if progress.state is ProgressState.VERIFIED:
            return
        mark = progress.state.sign
        took = f"  {progress.seconds:.1f} s" if progress.seconds else ""
        written = line((f"{sign(mark)} ", _LOOKS.get(mark, "dim")), progress.words, (took, "dim"))
        if progress.state is ProgressState.WAITING and self.made and self.made[-1][0] is ProgressState.WAITING:
            self.made[-1] = (progress.state, written)
        else:
            self.made.append((progress.state, written))

    def lines(self, *, running: bool) -> list[Content]:
        """Its calls: all of them where they are few, else the latest while it runs, and what did not go well once it has
        ended."""
        written = [shown for _, shown in self.made]
        if len(written) <= _TAIL:
            return written
        if running:
            return [line((f"{sign('…')} {len(written) - _TAIL} earlier lines", "dim")), *written[-_TAIL:]]
        well = sum(state.sign == "✔" for state, _ in self.made)
        said = f"{sign('✔')} {many(well, 'call or check', 'calls and checks')} succeeded; each is recorded"
        ill = [shown for state, shown in self.made if state.sign not in ("✔", "…")]
        return [*ill, line((said, "dim"))]

    def how_far(self, step: Step, now: datetime) -> list[Content]:
        """A bar with how many of the calls have ended, and how long the rest will take at this pace."""
        total, ended = len(step.calls), len(self.ended)
        if total < _MANY:
            return []
        filled = _BAR * min(ended, total) // total
        spent = (now - self.began).total_seconds()
        left = f"  about {_duration(spent / ended * (total - ended))} left" if ended >= 3 and ended < total else ""
        bar = sign("█") * filled + sign("░") * (_BAR - filled)
        return [line((bar, "$accent"), f"  {ended} of {total}", (left, "dim"))]


def _duration(seconds: float) -> str:
    return f"{max(int(seconds), 1)} s" if seconds < 90 else f"{round(seconds / 60)} min"
