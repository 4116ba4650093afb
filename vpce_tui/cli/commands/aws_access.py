"""What commands share: the session, times, errors on stderr."""

import argparse
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vpce_tui.core import paths
from vpce_tui.core.text import visible

if TYPE_CHECKING:
    from vpce_tui.aws.session import AwsSession
    from vpce_tui.cloudtrail.event_history import EventHistory
    from vpce_tui.detection.team_context import Context


class UsageError(Exception):
    """Invalid arguments that argparse does not detect."""


def session(args: argparse.Namespace) -> "AwsSession":
    """The session the arguments ask for; its gate is read-only where asked."""
    from vpce_tui.aws.gate import Gate
    from vpce_tui.aws.session import AwsAccess, AwsSession

    gate = Gate(read_only=bool(args.read_only) or paths.read_only_asked())
    regions = getattr(args, "region", None) or []
    home = (
        regions[0] if isinstance(regions, list) and len(regions) == 1 else regions if isinstance(regions, str) else ""
    )
    return AwsSession(AwsAccess(profile=args.profile or "", region=home), gate)


def event_history(client: "AwsSession") -> "EventHistory":
    """Event history with what earlier commands and the app looked up."""
    from vpce_tui.cloudtrail.event_cache import EventCache
    from vpce_tui.cloudtrail.event_history import EventHistory

    return EventHistory(client, EventCache(paths.cache_folder()))


def context() -> "Context":
    """The team's context file."""
    from vpce_tui.investigation.context_file import load

    return load(paths.config_folder() / "context.toml")


def say(text: str) -> None:
    """A line for people, on stderr."""
    print(visible(text, limit=20_000, multiline=True), file=sys.stderr)


def say_identity(account: str, arn: str, *, read_only: bool) -> None:
    """Who we are, before anything else is done."""
    say(f"account {account}, {arn}" + (", read-only" if read_only else ""))


def print_json(value: Any, *, to_stderr: bool = False) -> None:
    """One JSON object on one line; ASCII only, so that no byte of it can steer a terminal."""
    print(json.dumps(value, ensure_ascii=True), file=sys.stderr if to_stderr else sys.stdout, flush=True)


_SPAN = re.compile(r"([0-9]+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime) -> datetime:
    """``24h`` before ``now``, or an RFC 3339 time. Raises :class:`UsageError`."""
    match = _SPAN.fullmatch(text.strip())
    if match:
        try:
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        except OverflowError:
            raise UsageError(f"{text!r} is too long ago") from None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time; write 24h, 7d, or 2026-01-31T02:00:00Z") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


LONGEST_LOOK_BACK: Final = timedelta(days=90)
"""Event history holds no more."""


def lookback(text: str, now: datetime) -> timedelta:
    """How far back to look for baseline activity: ``30d``, at most 90 days; ``0s``: not at all."""
    span = now - moment(text, now)
    if span < timedelta(0):
        raise UsageError("--lookback must be in the past; write 30d, or 0s for none")
    if span > LONGEST_LOOK_BACK:
        say(f"event history goes back {LONGEST_LOOK_BACK.days} days; nothing older is searched")
    return min(span, LONGEST_LOOK_BACK)


def write_out(path: str, text: str) -> None:
    """Write a file the operator named, for their eyes alone (0600): plans and scripts hold user data and policies.

    Raises :class:`~vpce_tui.core.private_files.NotPrivate`, ``OSError``.
    """
    from vpce_tui.core.private_files import write_private

    write_private(Path(path), text.encode("utf-8", "backslashreplace"))
