"""Playbooks from their TOML files: ours in this package, the team's in the config folder.

A file is checked whole before any of it is used (:mod:`vpce_tui.playbooks.checking`); a broken one is reported and never
half-loaded. The schema for editors is ``playbook.schema.json`` beside this file.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from vpce_tui.core import paths
from vpce_tui.core.private_files import trusted_file
from vpce_tui.core.typed_toml import Problem
from vpce_tui.plans.actions.action_table import ACTIONS
from vpce_tui.plans.kind_planners import planner_of
from vpce_tui.plans.plan import WrongChoice
from vpce_tui.plans.playbook import Playbook, PlaybookStep
from vpce_tui.plans.targets import KINDS
from vpce_tui.playbooks.checking import LARGEST, PlaybookFile, check_text


class InvalidPlaybook(WrongChoice):
    """A playbook's file has faults; ``problems`` says which and where."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        said = "; ".join(str(problem) for problem in problems[:3])
        super().__init__(f"the playbook {name!r} is invalid and is not used: {said}")


_ORDER: Final = (
    "contain-endpoint",
    "revoke-credentials",
    "block-traffic",
    "relaunch-instance",
    "terminate-instance",
    "harden-account",
)
"""Ours, in the order in which an incident needs them."""


@cache
def _own() -> Mapping[str, str]:
    """The texts of this package's playbooks by name."""
    found = files("vpce_tui.playbooks").iterdir()
    return {
        item.name.removesuffix(".toml"): item.read_text(encoding="utf-8")
        for item in found
        if item.name.endswith(".toml")
    }


def team_files() -> dict[str, Path]:
    """The team's playbook files by name."""
    folder = paths.playbooks_folder()
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder.is_dir() else {}


def names() -> tuple[str, ...]:
    """Every playbook there is, ours first, broken ones too."""
    own = sorted(_own(), key=_ORDER.index)
    return (*own, *(name for name in team_files() if name not in own))


def load(name: str) -> Playbook:
    """The playbook called ``name``. Raises :class:`WrongChoice` naming those there are, :class:`InvalidPlaybook`."""
    own = _own()
    if name in own:
        return _made(name, own[name], "")
    found = team_files()
    if name not in found:
        raise WrongChoice(f"there is no playbook {name!r}; there is: {', '.join(names())}.")
    return load_file(found[name])


def load_file(path: Path) -> Playbook:
    """A team's playbook from its file. Raises :class:`InvalidPlaybook`."""
    try:
        trusted_file(path)
        with path.open("rb") as file:
            text = file.read(LARGEST + 1).decode("utf-8")
    except OSError as error:
        raise InvalidPlaybook(path.stem, (Problem(1, 1, f"it cannot be read: {error.strerror or error}"),)) from error
    except UnicodeDecodeError as error:
        raise InvalidPlaybook(path.stem, (Problem(1, 1, "it is not UTF-8"),)) from error
    return _made(path.stem, text, str(path))


def _made(name: str, text: str, team: str) -> Playbook:
    file, problems = check_text(text, ACTIONS, taken=frozenset(_own()) if team else frozenset(), stem=name)
    if file is None:
        raise InvalidPlaybook(name, problems)
    siblings = {step.action: step.id for step in reversed(file.steps)}
    planner, actions = planner_of(file.target, [(step.id, step.action, step.guidance or ()) for step in file.steps])
    steps = tuple(
        PlaybookStep(
            id=step.id,
            title=step.title,
            description=step.description.strip(),
            action=actions[step.id],
            action_name=step.action,
            prerequisite=step.prerequisite,
            defaults={key: str(value) for key, value in step.defaults.items()},
            prompts=step.prompts,
            guidance=step.guidance or (),
            siblings=siblings,
        )
        for step in file.steps
    )
    return Playbook(
        name=file.name,
        title=file.title,
        target=file.target,
        use_when=file.use_when.strip(),
        steps=steps,
        planner=planner,
        team=team,
    )


def schema_text() -> str:
    """JSON Schema (2020-12) of a playbook's file, made from the types; what ``playbook.schema.json`` holds."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(PlaybookFile)}
    schema["$defs"]["PlaybookFile"]["properties"]["target"]["enum"] = list(KINDS)
    return json.dumps(schema, indent=2) + "\n"
