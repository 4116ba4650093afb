"""The scenarios of the lab: an account, what happened in it, and the truth about it.

Deterministic from the lab's seed; times relative to its clock. The live state agrees with the records.
"""

import random
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vpce_tui.lab.account import ACCOUNT, Keys, LabAccount
from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.request import App

if TYPE_CHECKING:
    from vpce_tui.lab.scenarios.scenario import Scenario

NAMES = {
    "stolen-role": "An application server's role credentials are stolen and used to create endpoints for exfiltration",
    "leaked-key": "A user's access key leaks: mining in an unused region, a snapshot and files exfiltrated",
    "insider": "An engineer intercepts traffic: subnets routed through an external principal's appliance, traffic mirrored, the trail stopped",
    "partner": "A partner's role is compromised, and endpoints to an external database are created with it",
    "false-alarm": "A night in which everything is harmless: a known partner, the on-call engineer, an announced test",
    "gaps": "A stolen session in an account that is only partly readable: a denied region, a stopped trail, refused parts",
}
"""Every scenario and what happens in it, the first one first. Here, as the scenarios themselves load moto, which looks at the
environment before it may."""


def scenarios() -> "dict[str, Scenario]":
    """Every scenario by its name, the first one first."""
    from vpce_tui.lab.scenarios import (  # noqa: PLC0415 - moto looks at the environment when it is imported
        false_alarm,
        gaps,
        insider,
        leaked_key,
        partner,
        stolen_role,
    )

    found = (stolen_role, leaked_key, insider, partner, false_alarm, gaps)
    return {module.SCENARIO.name: module.SCENARIO for module in found}


def build(name: str, seed: int, now: datetime, add: Callable[..., Any], app: App) -> LabAccount:
    """Build the account in moto (``app``), and its records, each given to ``add``. Raises ``KeyError`` for no scenario."""
    from vpce_tui.lab.scenarios import account_setup, noise, ordinary  # noqa: PLC0415
    from vpce_tui.lab.scenarios.records import EventWriter  # noqa: PLC0415

    scenario = scenarios()[name]
    clients = InProcess(app, "AKIALABBUILDER000000")
    made = account_setup.build(clients, ACCOUNT, now, tidy=scenario.tidy)
    scenario.build(clients, ACCOUNT, now, made)
    chance = random.Random(seed)
    scribe = EventWriter(ACCOUNT, now, chance, add)
    scenario.write(scribe, made, chance)
    ordinary.write(scribe, made)
    noise.write(scribe, made, chance)
    facts = {key: value for key, value in made.items() if key not in ("operator", "profiles")}
    return LabAccount(facts, Keys(*made["operator"]), {name: Keys(*keys) for name, keys in made["profiles"].items()})
