"""A signal is one reason to worry, raised by one rule; an assessment is all of them about one subject.

Facts and signals are named tuples: tens of thousands of them are made at a time, and nothing else is made as fast.
"""

from collections.abc import Sequence
from enum import IntEnum
from operator import attrgetter
from typing import Any, Final, NamedTuple


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


class SignalFact(NamedTuple):
    """One thing a rule saw: what, its value, and where it came from (``record``, ``live``, ``history``)."""

    what: str
    value: str
    source: str = "record"


class Signal(NamedTuple):
    """One reason. ``mitigating``: it lowers the severity."""

    id: str
    severity: Severity
    title: str
    evidence: tuple[SignalFact, ...]
    why: str
    false_positives: str
    playbook: str = ""
    techniques: tuple[str, ...] = ()
    mitigating: bool = False
    category: str = ""
    """What the rule looks at: signals of one category are not independent of each other."""

    def to_json(self) -> dict[str, Any]:
        """The form commands print."""
        return {
            "id": self.id,
            "severity": self.severity.word,
            "title": self.title,
            "evidence": [{"what": fact.what, "value": fact.value, "source": fact.source} for fact in self.evidence],
            "why": self.why,
            "falsePositives": self.false_positives,
            "playbook": self.playbook,
            "techniques": list(self.techniques),
            "mitigating": self.mitigating,
        }


class Assessment(NamedTuple):
    """Every signal about one subject, worst first, and the severity that follows.

    ``unknown``: what is inconclusive, as (rule, why). ``fine``: what was looked at and found good, as (rule, what).
    """

    severity: Severity
    signals: tuple[Signal, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    fine: tuple[tuple[str, str], ...] = ()
    suppressed: str = ""
    """Until when, why and by whom it was suppressed; empty: it was not."""
    response: str = ""
    """The incident in whose record the call is: a response, an undo for instance. Empty: none."""

    @property
    def against(self) -> tuple[Signal, ...]:
        """The signals that are reasons to worry."""
        return tuple(signal for signal in self.signals if not signal.mitigating)

    @property
    def cannot_tell(self) -> tuple[str, ...]:
        """What is inconclusive, each reason once, with the rules that it keeps from assessing."""
        rules: dict[str, list[str]] = {}
        for rule, why in sorted(self.unknown):
            rules.setdefault(why, []).append(rule)
        return tuple(f"{why} ({', '.join(named)})" for why, named in rules.items())

    @property
    def explained(self) -> str:
        """Why the severity is not simply that of the worst signal; ``""`` where it is."""
        if self.response:
            return f"a response: the record of incident {self.response} has this call"
        if self.suppressed:
            return self.suppressed
        worst = max((signal.severity for signal in self.against), default=Severity.INFO)
        if self.severity > worst:
            return (
                f"{self.severity.word} because {agreeing(self.against)} independent signals of medium or higher agree"
            )
        if self.severity < worst and any(signal.mitigating for signal in self.signals):
            return f"{self.severity.word}: lowered from {worst.word} by mitigating signals"
        if self.severity < worst:
            return f"{self.severity.word} and not {worst.word}, as nothing was created"
        return ""


AGREEING = 3
"""Independent signals of at least medium that together raise a subject by one level."""


def agreeing(signals: Sequence[Signal]) -> int:
    """How many signals of at least medium look at different things: those of one category count once."""
    found = [
        signal.category or str(number) for number, signal in enumerate(signals) if signal.severity >= Severity.MEDIUM
    ]
    return len(set(found))


def combine_signals(
    signals: Sequence[Signal], unknown: tuple[tuple[str, str], ...] = (), fine: tuple[tuple[str, str], ...] = ()
) -> Assessment:
    """The worst signal, raised one level when three independent ones of medium or more agree, lowered one by a mitigating one.

    A critical signal is never lowered. Reasons are always kept.
    """
    if not signals:
        return Assessment(Severity.INFO, (), unknown, fine)
    raised = sorted(signals, key=_ID)
    raised.sort(key=_SEVERITY, reverse=True)
    against = [signal for signal in raised if not signal.mitigating]
    if len(against) < len(raised):
        raised.sort(key=_LOWERS)
    worst = against[0].severity if against else Severity.INFO
    if len(against) >= AGREEING and agreeing(against) >= AGREEING:
        worst = Severity(min(worst + 1, Severity.CRITICAL))
    if len(against) < len(raised) and worst < Severity.CRITICAL:
        worst = Severity(max(worst - 1, Severity.INFO))
    return Assessment(worst, tuple(raised), unknown, fine)


_ID: Final = attrgetter("id")
_SEVERITY: Final = attrgetter("severity")
_LOWERS: Final = attrgetter("mitigating")
