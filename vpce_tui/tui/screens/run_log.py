"""What became of each call of a step while it ran, as lines, and how far it is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from textual.content import Content

from vpce_tui.core.text import many, sign
from vpce_tui.engine.outcome import Progress, ProgressState
from vpce_tui.plans.plan import Step
from vpce_tui.tui.widgets.safe_text import hanging, line

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
    made: list[tuple[ProgressState, str]] = field(default_factory=list)
    """State of each call, and what is said of it."""
    under_way: str = ""
    """What is being done now."""
    ended: set[str] = field(default_factory=set)

    def add(self, progress: Progress) -> None:
        """Take in a progress report of the engine."""
        self.under_way = ""
        if progress.state in (ProgressState.DONE, ProgressState.MISSING) and progress.call != "dry run":
            self.ended.add(progress.call)
        if progress.state is ProgressState.RUNNING:
            self.under_way = progress.says or progress.call
            return
        if self.made and self.made[-1][0] is ProgressState.WAITING:  # it has come, or is waited for still
            self.made.pop()
        if progress.state is not ProgressState.VERIFIED:
            said = progress.words + (f"  {progress.seconds:.1f} s" if progress.seconds else "")
            self.made.append((progress.state, said))

    def lines(self, width: int, *, running: bool) -> list[Content]:
        """Its calls, ``width`` cells wide: all of them where they are few, else the latest while it runs, and what did not go well
        once it has ended."""
        if len(self.made) <= _TAIL:
            return _written(self.made, width)
        if running:
            earlier = line((f"{sign('…')} {len(self.made) - _TAIL} earlier lines", "dim"))
            return [earlier, *_written(self.made[-_TAIL:], width)]
        well = sum(state.sign == "✔" for state, _ in self.made)
        said = f"{sign('✔')} {many(well, 'call or check', 'calls and checks')} succeeded; each is recorded"
        ill = [(state, said) for state, said in self.made if state.sign not in ("✔", "…")]
        return [*_written(ill, width), line((said, "dim"))]

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


def _written(made: Iterable[tuple[ProgressState, str]], width: int) -> list[Content]:
    return [
        part
        for state, said in made
        for part in hanging(f"{sign(state.sign)} ", said, width, "", _LOOKS.get(state.sign, "dim"))
    ]


def _duration(seconds: float) -> str:
    return f"{max(int(seconds), 1)} s" if seconds < 90 else f"{round(seconds / 60)} min"
