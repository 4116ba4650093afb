"""Playbooks from their TOML files: ours in this package, the team's in the config folder.

A file is checked whole before any of it is used (:mod:`vpce_tui.playbooks.checking`); a broken one is reported and never
half-loaded. The schema for editors is ``playbook.schema.json`` beside this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from vpce_tui import config
from vpce_tui.playbooks.actions import (
    Action,
    blocking,
    endpoint,
    flow_logs,
    identity,
    instance,
    manual,
    network,
    service,
    traffic,
)
from vpce_tui.playbooks.actions.credentials import least, persistence, principal, refused, rotate
from vpce_tui.playbooks.actions.hardening import encryption, groups, overview, recording
from vpce_tui.playbooks.actions.relaunch import access, comeback, image, launch
from vpce_tui.playbooks.checking import LARGEST, Problem, check_text
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
    "endpoint-identify": endpoint.IDENTIFY,
    "endpoint-flow-logs": flow_logs.ENDPOINT_FLOW_LOGS,
    "endpoint-policy": endpoint.POLICY,
    "endpoint-network": endpoint.NETWORK,
    "endpoint-dns": endpoint.DNS,
    "endpoint-encryption": endpoint.ENCRYPTION,
    "endpoint-delete": endpoint.REMOVE,
    "endpoint-guard": endpoint.GUARD,
    "principal-identify": principal.IDENTIFY,
    "principal-keys": principal.KEYS,
    "principal-sessions": principal.SESSIONS,
    "principal-quarantine": principal.QUARANTINE,
    "principal-console": principal.CONSOLE,
    "principal-refused": refused.REFUSED,
    "principal-persistence": persistence.CONTAIN_MADE,
    "principal-root": principal.ROOT,
    "principal-least-privilege": least.LEAST,
    "principal-rotate": rotate.ROTATE,
    "principal-drop-keys": rotate.DROP_KEYS,
    "principal-trail": recording.PRINCIPAL_TRAIL,
    "traffic-see": traffic.TRAFFIC_SEE,
    "traffic-choose": traffic.TRAFFIC_CHOOSE,
    "traffic-acl": blocking.TRAFFIC_ACL,
    "traffic-rules": blocking.TRAFFIC_RULES,
    "traffic-flow-logs": flow_logs.TRAFFIC_FLOW_LOGS,
    "traffic-waf": blocking.TRAFFIC_WAF,
    "traffic-dark": blocking.TRAFFIC_DARK,
    "traffic-prove": traffic.TRAFFIC_PROVE,
    "relaunch-image": image.CHOOSE_IMAGE,
    "relaunch-user-data": image.REVIEW_USER_DATA,
    "relaunch-group": access.RELAUNCH_GROUP,
    "relaunch-profile": access.RELAUNCH_PROFILE,
    "relaunch-launch": launch.LAUNCH,
    "relaunch-return": comeback.RETURN,
    "relaunch-prove": comeback.PROVE,
    "account-overview": overview.ACCOUNT_OVERVIEW,
    "account-images": overview.ACCOUNT_IMAGES,
    "account-groups": groups.ACCOUNT_GROUPS,
    "account-encryption": encryption.ENCRYPTION_BY_DEFAULT,
    "account-volumes": encryption.ACCOUNT_VOLUMES,
    "account-flow-logs": flow_logs.ACCOUNT_FLOW_LOGS,
    "account-config": recording.ACCOUNT_CONFIG,
    "account-trail": recording.ACCOUNT_TRAIL,
    "manual": manual.MANUAL,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One step of a playbook as its file has it.

    ``first``: nothing after it may run before it is proved, or recorded as done by hand. ``ask``: which of the action's
    questions are asked (None: all). ``siblings``: step ids of the playbook by their action.
    """

    id: str
    title: str
    words: str
    action: Action
    target: str
    action_name: str
    first: bool = False
    defaults: Mapping[str, str] = field(default_factory=dict)
    ask: tuple[str, ...] | None = None
    guidance: tuple[str, ...] = ()
    siblings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook: prose and ordered steps. ``team``: the file it was read from, where it is the team's own."""

    name: str
    title: str
    target: str
    when: str
    steps: tuple[Recipe, ...]
    team: str = ""

    @property
    def whose(self) -> str:
        """A mark for the team's own."""
        return "(your team's)" if self.team else ""


class Broken(WrongChoice):
    """A playbook's file has faults; ``problems`` says which and where."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        said = "; ".join(str(problem) for problem in problems[:3])
        super().__init__(f"the playbook {name!r} is broken and is not used: {said}")


_ORDER: Final = (
    "terminate-instance", "contain-endpoint", "block-traffic", "revoke-credentials", "relaunch-instance", "harden-account",
)  # fmt: skip
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
    folder = config.playbooks_folder()
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder.is_dir() else {}


def names() -> tuple[str, ...]:
    """Every playbook there is, ours first, broken ones too."""
    own = sorted(_own(), key=_ORDER.index)
    return (*own, *(name for name in team_files() if name not in own))


def load(name: str) -> Playbook:
    """The playbook called ``name``. Raises :class:`WrongChoice` naming those there are, :class:`Broken`."""
    own = _own()
    if name in own:
        return _made(name, own[name], "")
    found = team_files()
    if name not in found:
        raise WrongChoice(f"there is no playbook {name!r}; there is: {', '.join(names())}.")
    return load_file(found[name])


def load_file(path: Path) -> Playbook:
    """A team's playbook from its file. Raises :class:`Broken`."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1).decode("utf-8")
    except OSError as error:
        raise Broken(path.stem, (Problem(1, 1, f"it cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise Broken(path.stem, (Problem(1, 1, "it is not UTF-8"),)) from error
    return _made(path.stem, text, str(path))


def _made(name: str, text: str, team: str) -> Playbook:
    data, problems = check_text(text, ACTIONS, taken=frozenset(_own()) if team else frozenset(), stem=name)
    if problems:
        raise Broken(name, problems)
    steps: list[Mapping[str, Any]] = data["steps"]
    siblings = {item["action"]: item["id"] for item in reversed(steps)}
    return Playbook(
        data["name"], data["title"], data["target"], data["when"].strip(),
        tuple(
            Recipe(
                item["id"], item["title"], item["words"].strip(),
                manual.told(item["guidance"]) if item["action"] == "manual" else ACTIONS[item["action"]],
                data["target"], item["action"], bool(item.get("first", False)),
                {key: str(value) for key, value in item.get("defaults", {}).items()},
                tuple(item["ask"]) if "ask" in item else None, tuple(item.get("guidance", ())), siblings,
            )
            for item in steps
        ),
        team,
    )  # fmt: skip
