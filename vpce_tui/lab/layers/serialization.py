"""Writes moto's answers faster: moto works out anew, for each value, under which names the value may be found in its objects, and
whether a name is valid in XML. Here both are remembered. What is written is the same."""

from functools import cache
from typing import Any, Final

import xmltodict
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker
from moto.core.utils import MISSING, get_value

_plain: Final = XFormedAttributePicker.get_possible_keys
_known: Final[dict[tuple[type, str, Any], tuple[str, ...]]] = {}


def _names(picker: XFormedAttributePicker, context: AttributePickerContext) -> tuple[str, ...]:
    """By the class of the object and the shape of the value; both live as long as the process."""
    key = (type(context.obj), context.key, context.shape)
    names = _known.get(key)
    if names is None:
        names = _known[key] = tuple(dict.fromkeys(_plain(picker, context)))
    return names


def pick(picker: XFormedAttributePicker, context: AttributePickerContext) -> Any:
    """The value of an attribute, as moto finds it."""
    value: Any = None
    for name in _names(picker, context):
        found = get_value(context.obj, name, MISSING)
        if found is not MISSING:
            value = found
            break
    path = f"{context.key_path}.{context.key}"
    if path.endswith(tuple(picker.response_transformers)):
        for ending, transform in picker.response_transformers.items():
            if path.endswith(ending):
                return transform(value)
    return value


def install() -> None:
    """Once a process, before the first answer."""
    XFormedAttributePicker.__call__ = pick
    xmltodict._validate_name = cache(xmltodict._validate_name)
