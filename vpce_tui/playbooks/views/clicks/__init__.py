"""Where to click in the AWS console for each operation, in the console's own words (2026)."""

from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.playbooks.views.clicks import identity, machines, network, recording
from vpce_tui.playbooks.views.clicks.words import Parameters

WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
    **machines.WORDS, **network.WORDS, **identity.WORDS, **recording.WORDS,
}  # fmt: skip
