"""What a search really looked at. Every list of things from AWS carries one; a silent gap is a defect."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from vpce_tui.core.canonical_json import rfc3339
from vpce_tui.core.text import visible


class Status(StrEnum):
    """How a part of a search ended."""

    LOOKED = "searched"
    PARTIAL = "partly searched"
    FAILED = "failed"
    DENIED = "denied"
    STOPPED = "stopped"
    RUNNING = "being searched"


@dataclass(frozen=True, slots=True)
class Part:
    """One region or file of a search: how it ended, why, how many items it gave, the newest of them."""

    name: str
    status: Status
    reason: str = ""
    items: int = 0
    newest: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was asked and what came of each part. ``kind`` is the plural word for a part: regions, files."""

    kind: str
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()
    beside: tuple[Part, ...] = ()
    """What else could not be looked at, and is none of the parts: a region as it is now, beside its events."""

    @property
    def complete(self) -> bool:
        """Every part was looked at whole, and nothing is missing beside them."""
        return bool(self.parts) and all(part.status is Status.LOOKED for part in (*self.parts, *self.beside))

    @property
    def nothing(self) -> bool:
        """No part gave anything to assess by."""
        return not any(part.status in (Status.LOOKED, Status.PARTIAL) for part in self.parts)

    @property
    def looked(self) -> int:
        """Parts looked at whole."""
        return sum(part.status is Status.LOOKED for part in self.parts)

    @property
    def running(self) -> bool:
        """Whether some part is still being looked at."""
        return any(part.status is Status.RUNNING for part in self.parts)

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts that were not looked at whole."""
        return tuple(part for part in (*self.parts, *self.beside) if part.status not in (Status.LOOKED, Status.RUNNING))

    @property
    def newest(self) -> datetime | None:
        """The newest item seen."""
        return max((part.newest for part in self.parts if part.newest), default=None)

    def sentence(self) -> str:
        """``16 of 17 regions``, and what is missing."""
        said = f"{self.looked:,} of {len(self.parts):,} {self.kind}"
        if self.missing:
            first = self.missing[0]
            said += f"; {visible(first.name)} {first.status.value}"
            if len(self.missing) > 1:
                said += f", and {len(self.missing) - 1} more"
        return said

    def to_json(self) -> dict[str, Any]:
        """The coverage object that commands print."""
        return {
            "kind": self.kind,
            self.kind: [part.name for part in self.parts if part.status is Status.LOOKED],
            "failed": [
                {"name": part.name, "status": part.status.value, "reason": part.reason, "items": part.items}
                for part in self.missing
            ],
            "items": sum(part.items for part in self.parts),
            "newestEventTime": rfc3339(self.newest) if self.newest else None,
            "notes": [*self.notes, *(f"{part.name}: {part.note}" for part in self.parts if part.note)],
            "complete": self.complete,
        }


Item = TypeVar("Item")


def side_by_side(
    names: Sequence[str],
    work: Callable[[str], tuple[Sequence[Item], Part]],
    *,
    at_most: int = 20,
    on_part: Callable[[str, Sequence[Item], Part], object] | None = None,
) -> tuple[list[Item], tuple[Part, ...]]:
    """Run ``work`` for every name at once; gives the items and parts in the order of ``names``.

    ``on_part`` is called with each part as it ends, from the thread that ran it.
    """

    def one(name: str) -> tuple[Sequence[Item], Part]:
        items, part = work(name)
        if on_part:
            on_part(name, items, part)
        return items, part

    if not names:
        return [], ()
    with ThreadPoolExecutor(max_workers=min(at_most, len(names)), thread_name_prefix="region") as pool:
        ended = list(pool.map(one, names))
    items = [item for found, _ in ended for item in found]
    return items, tuple(part for _, part in ended)


def newest_of(moments: Iterable[datetime | None]) -> datetime | None:
    """The latest of the moments that are known."""
    return max((moment for moment in moments if moment), default=None)
