"""The one place that makes text from AWS harmless to a terminal.

Everything an attacker can name (user agents, tags, names, error messages) passes :func:`visible` before
it is shown. Control, bidi, zero-width and unpaired surrogate characters are *made visible*, not dropped:
what was there matters to the reader.
"""

import os
import sys
import unicodedata
from typing import Final

_INVISIBLE: Final = frozenset(
    (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10))
) | frozenset(range(0xE0000, 0xE1000))
"""Characters that show nothing and are no format characters (Default_Ignorable_Code_Point of Unicode; the blank of Braille)."""
_HIDING: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
"""Unicode's categories of what steers a terminal or the reading order, is invisible, or is no character that is known."""
_MARKS: Final = frozenset({"Mn", "Me"})
_MOST_MARKS: Final = 3
"""Marks on one letter: more of them climb over the lines above."""
_FIRST_MARK: Final = "\u02ff"


class _Shown(dict[int, str | int]):
    """How each character is shown, found out once: what :meth:`str.translate` asks."""

    def __missing__(self, code: int) -> str | int:
        hides = code in _INVISIBLE or unicodedata.category(chr(code)) in _HIDING
        self[code] = _picture(code) if hides else code
        return self[code]


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


_SHOWN: Final = _Shown()


def _safe(text: str) -> str:
    """One line in which nothing steers or hides."""
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_SHOWN)
    if text.isascii() or max(text) <= _FIRST_MARK:
        return text
    kept, marks = [], 0
    for letter in text:
        marks = marks + 1 if letter > _FIRST_MARK and unicodedata.category(letter) in _MARKS else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


LIMIT: Final = 4_000
"""Characters of one value shown at most, unless the caller says otherwise."""


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
        safe = "\n".join(map(_safe, lines))
    else:
        safe = _safe(raw)
    if left_out > 0:
        safe += f" … {left_out:,} more characters"
    return safe


def short(value: object, width: int) -> str:
    """One line of :func:`visible` text, at most ``width`` characters, the cut shown by ``…``."""
    safe = visible(value, limit=max(width * 2, 200))
    return safe if len(safe) <= width else safe[: max(width - 1, 0)] + "…"


_ASCII: Final = {
    "▲▲": "!!",
    "▲": "!",
    "●": "*",
    "·": ".",
    "✔": "+",
    "✖": "x",
    "✎": "m",
    "▶": ">",
    "○": "o",
    "↩": "<",
    "–": "-",
    "◆": "*",
    "→": "->",
    "←": "<-",
    "↑": "^",
    "↓": "v",
    "…": "...",
    "─": "-",
    "│": "|",
    "┬": "+",
    "├": "|",
    "└": "`",
    "↗": "^",
    "↵": "Enter",
    "█": "#",
    "░": ".",
    "›": ">",
    "⟨": "<",
    "⟩": ">",
    "“": '"',
    "”": '"',
    "⏳": "~",
}


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


def size(number: int) -> str:
    """Bytes in words: ``1.1 GB`` (10^9)."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
