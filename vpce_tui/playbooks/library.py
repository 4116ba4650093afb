"""Playbooks from their TOML files, and the actions they name."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from vpce_tui.playbooks.actions import Action, identity, instance, network, service
from vpce_tui.playbooks.plan import WrongChoice

ACTIONS: Final[Mapping[str, Action]] = {
    "identify": instance.IDENTIFY,
    "preserve": instance.PRESERVE,
    "hold": instance.HOLD,
    "take-out": service.TAKE_OUT,
    "isolate": network.ISOLATE,
    "cut-credentials": identity.CUT_CREDENTIALS,
    "snapshots": instance.SNAPSHOTS,
    "memory": instance.MEMORY,
    "terminate": instance.TERMINATE,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One step of a playbook as its file has it."""

    id: str
    title: str
    words: str
    action: Action
    first: bool = False
    """Nothing after it may run before it is proved, or recorded as done by hand."""


@dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook: prose and ordered steps."""

    name: str
    title: str
    target: str
    when: str
    steps: tuple[Recipe, ...]


def names() -> tuple[str, ...]:
    """The playbooks of this version."""
    found = files("vpce_tui.playbooks").iterdir()
    return tuple(sorted(item.name.removesuffix(".toml") for item in found if item.name.endswith(".toml")))


def load(name: str) -> Playbook:
    """The playbook called ``name``. Raises :class:`WrongChoice` naming those there are."""
    if name not in names():
        raise WrongChoice(f"there is no playbook {name!r}; there is: {', '.join(names())}.")
    data = tomllib.loads(files("vpce_tui.playbooks").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    steps = tuple(
        Recipe(item["id"], item["title"], item["words"], ACTIONS[item["action"]], bool(item.get("first", False)))
        for item in data["steps"]
    )
    return Playbook(data["name"], data["title"], data["target"], data["when"].strip(), steps)
