"""Content blocks as text for a terminal, Markdown, or JSON: one choice for every command."""

import json
import os
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import Final, TextIO

from vpce_tui.blocks.markdown import markdown
from vpce_tui.blocks.model import Block, as_data
from vpce_tui.blocks.terminal import terminal_text

FORMATS: Final = ("text", "markdown", "json")
_PIPED: Final = 140
"""Columns where the output is no terminal."""


def print_blocks(blocks: Sequence[Block], form: str, out: TextIO) -> None:
    """Write them in one of :data:`FORMATS`."""
    out.write(rendered(blocks, form, terminal=out.isatty()))


def rendered(blocks: Sequence[Block], form: str, *, terminal: bool = False) -> str:
    """Them in one of :data:`FORMATS`; ``terminal``: as wide as it is, in colour unless ``NO_COLOR`` says otherwise."""
    if form == "json":
        return json.dumps(as_data(blocks), indent=2) + "\n"
    if form == "markdown":
        return markdown(blocks)
    width = get_terminal_size((_PIPED, 24)).columns if terminal else _PIPED
    return terminal_text(blocks, width=width, colour=terminal and not os.environ.get("NO_COLOR"))
