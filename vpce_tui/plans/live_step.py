"""A step planned from live state, and what its action says of that state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vpce_tui.plans.actions import Pages, ReadBack
from vpce_tui.plans.plan import PlannedCall, Step


@dataclass(frozen=True, slots=True)
class LiveStep:
    """A step planned from what is there now. ``unknown``: aspects that could not be read, with the reason.

    ``read_back``: whether its effects are there. ``leave``: why an inverse call makes no sense now (``""``: it does), given the call,
    whether what it takes back is still so, and whether everything is being undone. ``verify_answers``: for a step that is verified from the
    answers that were kept, by call id; None: it is not.
    """

    step: Step
    unknown: Mapping[str, str]
    read_back: Callable[[], ReadBack]
    why_not_undone: Callable[[PlannedCall, bool, bool], str]
    verify_answers: Callable[[Pages], ReadBack] | None = None
