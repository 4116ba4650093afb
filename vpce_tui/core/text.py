"""The one place that makes text from AWS harmless to a terminal.

Everything an attacker can name (user agents, tags, names, error messages) passes :func:`visible` before
it is shown. Control, bidi, zero-width and unpaired surrogate characters are *made visible*, not dropped:
what was there matters to the reader.
"""

import os
import re
import sys
from typing import Final

# Characters that steer a terminal or the reading order, are invisible, or cannot be encoded.
_UNSAFE: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad"  # soft hyphen
    "\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f"
    "\u200b-\u200f"  # zero width, LRM, RLM
    "\u2028-\u202e"  # line and paragraph separators, bidi embedding and override
    "\u2060-\u206f"  # joiners, bidi isolates, deprecated format characters
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\ud800-\udfff"  # unpaired surrogates
    "\ufdd0-\ufdef\ufffe\uffff"
    "\U000e0000-\U000e0fff"  # tags and variation selectors
    "]"
)
_COMBINING_RUN: Final = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)

LIMIT: Final = 4_000
"""Characters of one value shown at most, unless the caller says otherwise."""


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"⟨U+{code:04X}⟩"


def visible(value: object, *, limit: int = LIMIT, multiline: bool = False) -> str:
    """Text of ``value`` in which nothing can steer the terminal or hide.

    Control characters become their pictures (``␛``), bidi, invisible and unpaired characters their number
    (``⟨U+202E⟩``). Longer than ``limit`` characters is cut, and the number of characters left out is said.
    ``multiline`` keeps line feeds and tabs (tabs as four blanks).
    """
    raw = value if isinstance(value, str) else str(value)
    left_out = len(raw) - limit
    if left_out > 0:
        raw = raw[:limit]
    if multiline:
        lines = raw.replace("\r\n", "\n").replace("\t", "    ").split("\n")
        safe = "\n".join(_UNSAFE.sub(_shown, line) for line in lines)
    else:
        safe = _UNSAFE.sub(_shown, raw)
    safe = _COMBINING_RUN.sub(r"\1", safe)
    if left_out > 0:
        safe += f" … {left_out:,} more characters"
    return safe


def short(value: object, width: int) -> str:
    """One line of :func:`visible` text, at most ``width`` characters, the cut shown by ``…``."""
    safe = visible(value, limit=max(width * 2, 200))
    return safe if len(safe) <= width else safe[: max(width - 1, 0)] + "…"


_ASCII: Final = {
    "▲▲": "!!", "▲": "!", "●": "*", "·": ".", "✔": "+", "✖": "x", "▶": ">", "○": "o", "↩": "<", "–": "-", "◆": "*",
    "→": "->", "←": "<-", "↑": "^", "↓": "v", "…": "...", "─": "-", "│": "|", "↗": "^", "↵": "Enter", "█": "#",
    "░": ".", "›": ">", "⟨": "<", "⟩": ">", "“": '"', "”": '"', "⏳": "~",
}  # fmt: skip


def ascii_only() -> bool:
    """True where the console cannot show our signs, or ``VPCE_TUI_ASCII=1`` asks for plain ones."""
    if os.environ.get("VPCE_TUI_ASCII"):
        return True
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return not encoding.startswith("utf")


def sign(glyph: str) -> str:
    """``glyph``, or its ASCII twin on a console that lacks it."""
    if not ascii_only():
        return glyph
    return "".join(_ASCII.get(part, part) for part in ([glyph] if glyph in _ASCII else glyph))


def many(number: int, one: str, more: str = "") -> str:
    """``1 flow``, ``2 flows``; ``more`` is the plural where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"
