"""A signal is one reason to worry, raised by one rule; a judgement is all of them about one subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """How much to worry. Ordered."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """``critical``."""
        return self.name.lower()

    @property
    def sign(self) -> str:
        """The glyph that goes with the word."""
        return ("i", "·", "●", "▲", "▲▲")[self.value]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a rule saw: what, its value, and where it came from (``record``, ``live``, ``history``)."""

    what: str
    value: str
    source: str = "record"


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason. ``lowers``: it is a mitigating one."""

    id: str
    severity: Severity
    title: str
    evidence: tuple[Fact, ...]
    why: str
    harmless_if: str
    do: str = ""
    techniques: tuple[str, ...] = ()
    lowers: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form commands print."""
        return {
            "id": self.id,
            "severity": self.severity.word,
            "title": self.title,
            "evidence": [{"what": fact.what, "value": fact.value, "source": fact.source} for fact in self.evidence],
            "why": self.why,
            "harmlessIf": self.harmless_if,
            "do": self.do,
            "techniques": list(self.techniques),
            "lowers": self.lowers,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every signal about one subject, worst first, and the severity that follows; ``unknown``: what no rule could see."""

    severity: Severity
    signals: tuple[Signal, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def explained(self) -> str:
        """Why the severity is not simply that of the worst signal; ``""`` where it is."""
        against = [signal.severity for signal in self.signals if not signal.lowers]
        worst = max(against, default=Severity.INFO)
        if self.severity > worst:
            agreeing = sum(severity >= Severity.MEDIUM for severity in against)
            return f"{self.severity.word} because {agreeing} independent reasons of medium or more agree"
        if self.severity < worst:
            return f"only {self.severity.word} because of what speaks for it"
        return ""


AGREEING = 3
"""Independent signals of at least medium that together raise a subject by one level."""


def judge(signals: Sequence[Signal | None], unknown: Sequence[str] = ()) -> Judgement:
    """The worst signal, raised one level when three of medium or more agree, lowered one by a mitigating reason.

    A critical signal is never lowered. Reasons are always kept.
    """
    raised = sorted((signal for signal in signals if signal is not None), key=lambda s: (s.lowers, -s.severity, s.id))
    against = [signal for signal in raised if not signal.lowers]
    worst = max((signal.severity for signal in against), default=Severity.INFO)
    if sum(signal.severity >= Severity.MEDIUM for signal in against) >= AGREEING:
        worst = Severity(min(worst + 1, Severity.CRITICAL))
    if any(signal.lowers for signal in raised) and worst < Severity.CRITICAL:
        worst = Severity(max(worst - 1, Severity.INFO))
    return Judgement(worst, tuple(raised), tuple(unknown))
