"""Parts of a value whose shape is known only when it runs: JSON, what AWS answered, the parameters of a call.

Each function looks along ``path`` (keys of objects, places in lists) and gives one type: what is not there, or is of another
type, is the empty value of that type. Where absent differs from empty, use :func:`at`.
"""

from collections.abc import Mapping


def at(value: object, *path: str | int) -> object:
    """What is at ``path``; None where there is nothing."""
    for part in path:
        if isinstance(part, str):
            value = value.get(part) if isinstance(value, Mapping) else None
        else:
            value = value[part] if isinstance(value, (list, tuple)) and -len(value) <= part < len(value) else None
    return value


def mapping(value: object, *path: str | int) -> Mapping[str, object]:
    """The object there."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else {}


def sequence(value: object, *path: str | int) -> tuple[object, ...]:
    """The items of the list there."""
    found = at(value, *path)
    return tuple(found) if isinstance(found, (list, tuple)) else ()


def mappings(value: object, *path: str | int) -> tuple[Mapping[str, object], ...]:
    """The objects of the list there."""
    return tuple(item for item in sequence(value, *path) if isinstance(item, Mapping))


def strings(value: object, *path: str | int) -> tuple[str, ...]:
    """The texts of the list there."""
    return tuple(item for item in sequence(value, *path) if isinstance(item, str))


def string(value: object, *path: str | int) -> str:
    """The text there."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def integer(value: object, *path: str | int) -> int:
    """The whole number there, also where it is written as a text; 0 where it is none."""
    found = at(value, *path)
    try:
        return int(found) if isinstance(found, (int, float, str)) else 0
    except (ValueError, OverflowError):
        return 0
