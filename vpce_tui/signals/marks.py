"""Marks that somebody makes: this event was expected, for this reason, until then. They stand in the team's context file."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from vpce_tui.private import own_folder, write_private
from vpce_tui.signals.context import FILE, Context, load, parse
from vpce_tui.text import visible

DEFAULT: Final = timedelta(days=7)
"""How long a mark holds: long enough for a week's work, short enough not to be forgotten."""


def toml(value: str) -> str:
    """A text as TOML writes it; what steers a terminal or cannot be encoded is made visible first."""
    return json.dumps(visible(value, limit=400), ensure_ascii=False)


def written(path: Path | None, event: str, reason: str, until: date, by: str) -> Context:
    """Add a mark to the context file, and give the context as it is then.

    What stands in the file stays as it is, and is never written over: the mark is appended, after the whole was read again
    and found good. Raises :class:`~vpce_tui.signals.context.ContextError` and ``OSError``.
    """
    if path is None:
        raise OSError(f"no {FILE} is known here")
    load(path)  # a broken file is not made longer
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    fields = {"event": event, "reason": reason[:300], "by": by}
    mark = "[[expected]]\n" + "".join(f"{name} = {toml(value)}\n" for name, value in fields.items() if value)
    text = f"{before.rstrip()}\n\n{mark}until = {until.isoformat()}\n".lstrip()
    context = parse(text, str(path))
    own_folder(path.parent)
    write_private(path, text.encode())
    return context
