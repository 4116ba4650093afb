"""The team's ``keys.toml`` in the config folder: ``related-events = "ctrl+e"``, by the names of the keymap."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from vpce_tui.core.private_files import NotPrivate, trusted_file
from vpce_tui.core.typed_toml import InvalidToml, Places, Problem, check, parse
from vpce_tui.tui.widgets.keymap import KEYS, Keymap

_KEY: Final = re.compile(r"[A-Za-z0-9]|f[1-9]|f1[0-2]|ctrl\+[abdefgklnopqrstuvwxy]")
"""Keys that a terminal sends as themselves; Ctrl+C and Ctrl+Z keep their meaning, and Ctrl+H, I, J, M are other keys to it."""
_NAMED: Final = frozenset(key for item in KEYS.values() for key in item.keys.split(",") if not _KEY.fullmatch(key))

_KeysFile = msgspec.defstruct(
    "KeysFile",
    [(name.replace("-", "_"), str | None, None) for name in KEYS],
    forbid_unknown_fields=True,
    rename=lambda name: name.replace("_", "-"),
)


_MOST: Final = 5
"""Faults that are said at most."""


class KeysError(Exception):
    """The team's ``keys.toml`` cannot be used; the message says why, in which line, and what to do."""


def read(path: Path) -> Keymap:
    """The team's file, or ours where there is none. Raises :class:`KeysError`."""
    try:
        trusted_file(path)
        text = path.read_text(encoding="utf-8")
        data = parse(text)
    except FileNotFoundError:
        return Keymap()
    except (NotPrivate, OSError, UnicodeDecodeError, InvalidToml) as error:
        raise KeysError(f"{path} cannot be used: {error}") from None
    _, problems = check(text, data, _KeysFile)
    if not problems:
        problems = tuple(islice(_wrong(text, data), _MOST))
    if problems:
        raise KeysError(f"{path} cannot be used: {'; '.join(map(str, problems[:_MOST]))}")
    return Keymap({name: ",".join(map(str.strip, keys.split(","))) for name, keys in data.items()})


def _wrong(text: str, data: Mapping[str, Any]) -> Iterator[Problem]:
    """What is no key, or the key of two things."""
    places = Places(text)
    taken = {key: name for name in KEYS if name not in data for key in KEYS[name].keys.split(",")}
    for name, keys in data.items():
        place = places.of((name,))
        if not keys.strip():
            yield Problem(*place, f'{name} needs a key, for example "{KEYS[name].keys}"')
            continue
        for key in map(str.strip, keys.split(",")):
            if not _KEY.fullmatch(key) and key not in _NAMED:
                yield Problem(
                    *place,
                    f"{name}: {key!r} is not a key that can be given; write a letter, a digit, f1 to f12, ctrl+ and a letter "
                    f"(not c, h, i, j, m, z), or one of {', '.join(sorted(_NAMED))}",
                )
                continue
            other = taken.setdefault(key, name)
            if other != name:
                yield Problem(*place, f"{key!r} is the key of {other} and of {name}")
