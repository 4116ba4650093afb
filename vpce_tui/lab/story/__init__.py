"""The story: an application server's role credentials are stolen and used to build private ways out.

Deterministic from the lab's seed; times relative to its clock. The live state agrees with the records.
"""

import random
from typing import TYPE_CHECKING, Any

from vpce_tui.lab.inprocess import InProcess
from vpce_tui.lab.request import App

if TYPE_CHECKING:
    from vpce_tui.lab.server import Lab


def tell(lab: "Lab", app: App) -> dict[str, Any]:
    """Build the account in moto and the records in the store; gives the facts (ids by role) that tests score by."""
    from vpce_tui.lab.server import ACCOUNT, Keys  # noqa: PLC0415
    from vpce_tui.lab.story import attack, noise, world  # noqa: PLC0415
    from vpce_tui.lab.story.records import Scribe  # noqa: PLC0415

    now = lab.clock()
    clients = InProcess(app, "AKIALABBUILDER000000")
    made = world.build(clients, ACCOUNT, now)
    lab.operator = Keys(*made["operator"])
    lab.profiles = {name: Keys(*keys) for name, keys in made["profiles"].items()}
    chance = random.Random(lab.seed)
    scribe = Scribe(ACCOUNT, now, chance, lab.store.add)
    attack.write(scribe, made)
    noise.write(scribe, made, chance)
    return {key: value for key, value in made.items() if key not in ("operator", "profiles")}
