"""The service models that came with the installed botocore, and no others.

botocore also reads models from ``AWS_DATA_PATH`` and ``~/.aws/models``, and imports the modules that
``BOTOCORE_EXPERIMENTAL__PLUGINS`` names: whoever writes there could make a listed read send a write. A session made by
:func:`new_session` does neither.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

_PLUGINS: Final = "BOTOCORE_EXPERIMENTAL__PLUGINS"
_NO_PLUGINS: Final = "DISABLED"
"""botocore's own word for loading none. Set for the whole process, as credentials are refreshed on any thread."""


@cache
def loader() -> Any:
    """The one loader of this process's sessions: it searches botocore's own ``data`` folder alone."""
    return _new_loader()


def _new_loader() -> Any:
    from botocore.loaders import Loader  # noqa: PLC0415 - slow; nothing before the first call needs it

    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def new_session(profile: str | None) -> Any:
    """A botocore session whose clients follow the bundled models and load no plugin."""
    import botocore.session  # noqa: PLC0415

    os.environ[_PLUGINS] = _NO_PLUGINS
    session = botocore.session.Session(profile=profile)
    session.register_component("data_loader", loader())
    return session


@dataclass(frozen=True, slots=True)
class WireForm:
    """How a request of one operation looks on the wire, by the bundled model.

    ``path`` and ``fixed`` (query parameters with their values) come from ``requestUri``; ``query``: names of further query
    parameters; ``target``: the value of ``X-Amz-Target``; ``version``: of the API, for the query protocols.
    """

    protocol: str
    method: str
    path: str
    fixed: tuple[tuple[str, str], ...]
    query: frozenset[str]
    target: str
    version: str


@cache
def wire_forms(service: str) -> Mapping[str, WireForm]:
    """Every operation of ``service`` by name. Read apart from the sessions' models, which botocore's own handlers rewrite
    (they take the bucket out of the paths of S3)."""
    from urllib.parse import parse_qsl  # noqa: PLC0415

    data = _new_loader().load_service_model(service, "service-2")
    meta, shapes = data["metadata"], data["shapes"]
    prefix = meta.get("targetPrefix")
    found = {}
    for name, operation in data["operations"].items():
        path, _, fixed = str(operation["http"]["requestUri"]).partition("?")
        members = shapes[operation["input"]["shape"]]["members"] if "input" in operation else {}
        named = {m.get("locationName", key) for key, m in members.items() if m.get("location") == "querystring"}
        found[name] = WireForm(
            protocol=_protocol(meta),
            method=str(operation["http"]["method"]),
            path=path or "/",
            fixed=tuple(parse_qsl(fixed, keep_blank_values=True)),
            query=frozenset(named),
            target=f"{prefix}.{name}" if prefix else "",
            version=str(meta["apiVersion"]),
        )
    return found


def _protocol(meta: Mapping[str, Any]) -> str:
    """The protocol that botocore uses: the first of its own order of preference that the service offers."""
    from botocore.model import PRIORITY_ORDERED_SUPPORTED_PROTOCOLS  # noqa: PLC0415

    offered = meta.get("protocols") or [meta.get("protocol")]
    return next((str(name) for name in PRIORITY_ORDERED_SUPPORTED_PROTOCOLS if name in offered), "")
