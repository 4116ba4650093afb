"""Where to click in the AWS console for each operation, in the console's own words (2026)."""

from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.plans.renderers.console_steps import identity, instances, network, recording
from vpce_tui.plans.renderers.console_steps.phrases import Parameters

WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
    **instances.WORDS,
    **network.WORDS,
    **identity.WORDS,
    **recording.WORDS,
}
