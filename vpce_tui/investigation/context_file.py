"""The team's ``context.toml`` on this host: reading it, and adding a suppression to it.

A suppression names an event, a reason and an end.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Final

from vpce_tui.core.private_files import own_folder, trusted_file, write_private
from vpce_tui.core.toml_text import toml
from vpce_tui.detection.team_context import FILE, Context, ContextError, parse

DEFAULT: Final = timedelta(days=7)
"""Default length of a suppression: a week of work, and short enough not to be forgotten."""


def load(path: Path) -> Context:
    """Read ``context.toml``; no file is an empty context. Raises :class:`ContextError`."""
    if not path.exists():
        return Context()
    try:
        trusted_file(path)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContextError(f"{path}: {error}. None of its settings are used. Correct it, then start again.") from error
    return parse(text, str(path))


def written(path: Path | None, event: str, reason: str, until: date, by: str) -> Context:
    """Append a suppression to the context file; returns the context as read back.

    What is in the file stays as it is, and is never written over: the suppression is appended, after the whole was read again
    and found good. Raises :class:`~vpce_tui.detection.team_context.ContextError` and ``OSError``.
    """
    if path is None:
        raise OSError(f"no {FILE} is known here")
    load(path)  # a broken file is not made longer
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    fields = {"event": event, "reason": reason[:300], "by": by}
    mark = "[[suppressions]]\n" + "".join(f"{name} = {toml(value)}\n" for name, value in fields.items() if value)
    text = f"{before.rstrip()}\n\n{mark}until = {until.isoformat()}\n".lstrip()
    context = parse(text, str(path))
    own_folder(path.parent)
    write_private(path, text.encode())
    return context
