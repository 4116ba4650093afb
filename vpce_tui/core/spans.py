"""Spans of time: which parts of a span other spans do not cover."""

from collections.abc import Iterable
from datetime import datetime

Span = tuple[datetime, datetime]


def missing(wanted: Span, known: Iterable[Span]) -> list[Span]:
    """The parts of ``wanted`` that no span of ``known`` holds, oldest first."""
    begin, end = wanted
    found: list[Span] = []
    for since, until in sorted(known):
        if until <= begin or since >= until:
            continue
        if since > begin:
            found.append((begin, min(since, end)))
        begin = max(begin, until)
        if begin >= end:
            return [span for span in found if span[0] < span[1]]
    found.append((begin, end))
    return [span for span in found if span[0] < span[1]]
