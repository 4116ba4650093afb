"""Whether parameters are those of an operation, by the bundled service model: names, and the type of every value.

botocore looks at them too, but only once a call is made. A plan is looked at when it is read, before anybody is shown what
is in it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vpce_tui.aws.service_models import loader

_NUMBERS = ("integer", "long", "short")
_FRACTIONS = ("double", "float")


def problem(service: str, operation: str, parameters: Any, is_text: Callable[[Any], bool] = lambda _: False) -> str:
    """What is wrong with ``parameters``; ``""``: nothing. ``is_text``: whether a value means a text that is known later.

    Required parameters that are missing are left to botocore: nothing is sent without them.
    """
    model = _model(service)
    operations = model["operations"]
    if operation not in operations:
        return f"{service} has no operation {operation}"
    if not isinstance(parameters, Mapping):
        return "the parameters are not an object"
    named = operations[operation].get("input")
    if named is None:
        return f"{operation} takes no parameters" if parameters else ""
    return _wrong(model["shapes"], named["shape"], parameters, "", is_text)


def _model(service: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = loader().load_service_model(service, "service-2")
    return found


def _wrong(shapes: Mapping[str, Any], name: str, value: Any, path: str, is_text: Callable[[Any], bool]) -> str:
    shape = shapes[name]
    kind = shape["type"]
    if kind in ("string", "blob") and is_text(value):
        return ""
    if kind == "structure" and isinstance(value, Mapping):
        return _structure(shapes, shape, value, path, is_text)
    if kind == "list" and isinstance(value, (list, tuple)):
        inner = (_wrong(shapes, shape["member"]["shape"], item, f"{path}[]", is_text) for item in value)
        return next((found for found in inner if found), "")
    if kind == "map" and isinstance(value, Mapping):
        inner = (_wrong(shapes, shape["value"]["shape"], item, f"{path}.*", is_text) for item in value.values())
        return next((found for found in inner if found), "" if all(isinstance(key, str) for key in value) else path)
    return "" if _fits(kind, value) else f"{path.lstrip('.') or 'it'} is {_called(value)}, and AWS expects a {kind}"


def _structure(
    shapes: Mapping[str, Any],
    shape: Mapping[str, Any],
    value: Mapping[str, Any],
    path: str,
    is_text: Callable[[Any], bool],
) -> str:
    members = shape["members"]
    for key, item in value.items():
        if key not in members:
            where = f" in {path.lstrip('.')}" if path else ""
            return f"there is no parameter {str(key)[:60]!r}{where}"
        found = _wrong(shapes, members[key]["shape"], item, f"{path}.{key}", is_text)
        if found:
            return found
    return ""


def _fits(kind: str, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in _NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in _FRACTIONS:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "timestamp":
        return not isinstance(value, (bool, Mapping, list, tuple)) and value is not None
    return kind in ("string", "blob") and isinstance(value, (str, bytes) if kind == "blob" else str)


def _called(value: Any) -> str:
    names = (
        (bool, "a boolean"),
        (int, "a number"),
        (float, "a number"),
        (str, "a text"),
        (Mapping, "an object"),
        ((list, tuple), "a list"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "nothing")
