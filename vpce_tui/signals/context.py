"""What the team has told us about itself. Nothing here is guessed; unknown is never treated as fine."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any


class ContextError(Exception):
    """The context file is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Context:
    """Own accounts, known owners of endpoint services, and the pipelines that make endpoints.

    ``pipelines`` are pairs of patterns (principal ARN, user agent), both of which must match (``*`` and ``?`` allowed).
    ``forensics_account`` may be given evidence snapshots.
    """

    own_accounts: frozenset[str] = frozenset()
    trusted_services: tuple[str, ...] = ()
    pipelines: tuple[tuple[str, str], ...] = ()
    forensics_account: str = ""

    def pipeline(self, arns: tuple[str, ...], user_agent: str) -> bool:
        """Whether one of these ARNs with this agent is a configured pipeline."""
        return any(
            fnmatchcase(user_agent, agent) and any(fnmatchcase(arn, pattern) for arn in arns if arn)
            for pattern, agent in self.pipelines
        )

    def knows_service(self, name: str) -> bool:
        """Whether the team trusts this endpoint service by name."""
        return any(fnmatchcase(name, pattern) for pattern in self.trusted_services)


def load(path: Path) -> Context:
    """Read ``context.toml``; no file is an empty context. Raises :class:`ContextError`."""
    if not path.exists():
        return Context()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ContextError(f"{path}: {error}. Nothing of it is used; mend it, then start again.") from error
    known = {"own_accounts", "trusted_services", "pipelines", "forensics_account"}
    strange = sorted(set(data) - known)
    if strange:
        raise ContextError(f"{path}: unknown setting {strange[0]!r}; known are {', '.join(sorted(known))}.")
    return Context(
        own_accounts=frozenset(_texts(data, "own_accounts", path)),
        trusted_services=tuple(_texts(data, "trusted_services", path)),
        pipelines=tuple(_pipeline(item, path) for item in data.get("pipelines", [])),
        forensics_account=str(data.get("forensics_account", "")),
    )


def _texts(data: dict[str, Any], key: str, path: Path) -> list[str]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ContextError(f"{path}: {key} must be a list of texts.")
    return value


def _pipeline(item: Any, path: Path) -> tuple[str, str]:
    if not isinstance(item, dict) or not isinstance(item.get("principal"), str):
        raise ContextError(f'{path}: each pipeline needs principal = "arn pattern" (and user_agent = "pattern").')
    return item["principal"], str(item.get("user_agent", "*"))
