"""A rule: a small function that looks at one thing of a subject, and the texts that users read about it.

``vpce-tui rules``, the app, the generated README and every signal take their words from its arguments.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from vpce_tui.detection.signals import Severity, Signal, SignalFact


class Match(NamedTuple):
    """A rule's answer where it has something against its subject (or for it): what, in one line, and the evidence.

    ``severity`` is in the place of the rule's own where it is given.
    """

    title: str
    facts: tuple[SignalFact, ...]
    severity: Severity | None = None


class Inconclusive(NamedTuple):
    """A rule's answer where it would have to look at what nobody has looked at. Never the same as fine."""

    why: str


class Pass(NamedTuple):
    """A rule's answer where it looked and found good what people will ask about: in one line, what it saw."""

    what: str


RuleResult = Match | Inconclusive | Pass | None
"""None: it has nothing to say of this subject."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Rule(Generic[S]):
    """One rule of the catalogue.

    ``category`` is what it looks at: rules of one category are not independent of each other. ``section`` is the part of an
    endpoint's detail that shows its answer (access, encryption, network; ``""``: none).
    """

    id: str
    severity: Severity
    category: str
    name: str
    why: str
    false_positives: str
    playbook: str
    techniques: tuple[str, ...]
    check: Callable[[S], RuleResult]
    applies_to_failed_calls: bool = False
    mitigating: bool = False
    section: str = ""

    def signal(self, seen: Match) -> Signal:
        """What it raised, as a signal."""
        return Signal(
            self.id,
            self.severity if seen.severity is None else seen.severity,
            seen.title,
            seen.facts,
            self.why,
            self.false_positives,
            self.playbook,
            self.techniques,
            self.mitigating,
            self.category,
        )


def rule(
    identifier: str,
    severity: Severity,
    playbook: str = "",
    *,
    name: str,
    why: str,
    false_positives: str,
    techniques: Sequence[str] = (),
    applies_to_failed_calls: bool = False,
    mitigating: bool = False,
    section: str = "",
) -> Callable[[Callable[[S], RuleResult]], Rule[S]]:
    """Make a :class:`Rule` of a function; its category is the module that it is in.

    ``name``: the rule in one line. ``why``: why a match matters. ``false_positives``: when it is none, as the end of a sentence that
    begins with "if". ``playbook``: the playbook that contains it. ``techniques``: MITRE ATT&CK ids.
    ``applies_to_failed_calls``: it can also match a call that created nothing.
    """

    def made(check: Callable[[S], RuleResult]) -> Rule[S]:
        category = check.__module__.rpartition(".")[2]
        return Rule(
            id=identifier,
            severity=severity,
            category=category,
            name=name,
            why=why,
            false_positives=false_positives,
            playbook=playbook,
            techniques=tuple(techniques),
            check=check,
            applies_to_failed_calls=applies_to_failed_calls,
            mitigating=mitigating,
            section=section,
        )

    return made


class RuleResults(NamedTuple):
    """What some rules say of a subject: signals, and (rule, why or what) of what is inconclusive and of what is fine."""

    signals: tuple[Signal, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    fine: tuple[tuple[str, str], ...] = ()


SAID_NOTHING: Final = RuleResults()


def results_of(subject: S, rules: Sequence[Rule[S]]) -> RuleResults:
    """What some rules say of a subject."""
    signals: tuple[Signal, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    fine: tuple[tuple[str, str], ...] = ()
    for one in rules:
        answer = one.check(subject)
        if answer is None:
            continue
        if type(answer) is Match:
            signals += (one.signal(answer),)
        elif type(answer) is Inconclusive:
            unknown += ((one.id, answer.why),)
        elif type(answer) is Pass:
            fine += ((one.id, answer.what),)
    return RuleResults(signals, unknown, fine) if signals or unknown or fine else SAID_NOTHING
