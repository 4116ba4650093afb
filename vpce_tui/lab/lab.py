"""The lab's server: moto behind the layers, on loopback, with the scenario in it."""

import json
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from vpce_tui import lab as _lab  # noqa: F401 - sets moto's environment before moto is imported
from vpce_tui.aws.session import AwsAccess
from vpce_tui.lab.account import ACCOUNT, HOME, Keys
from vpce_tui.lab.layers.access_analyzer import Analyzer
from vpce_tui.lab.layers.event_history import LookupEvents, Recorder, Store
from vpce_tui.lab.layers.faults import Fault, Faults, parse_fault
from vpce_tui.lab.layers.front import ClientTokens, DryRun, Identities, OneAtATime
from vpce_tui.lab.request import App, Environ, StartResponse, guarded


def _where_it_is_night(hour: int) -> str:
    """A time zone in which it is three in the morning, at an hour of UTC: there the scenarios' teams are at home."""
    ahead = (3 - hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


class Lab:
    """One emulated AWS. :meth:`build` makes the account, :meth:`serve` answers on a port.

    ``seed`` decides every id; ``clock`` gives now (the scenario's times are relative to it); ``scenario`` is the name of what
    happens. Raises ``KeyError`` at :meth:`build` for a scenario that there is not.
    """

    def __init__(
        self, seed: int = 7, clock: Callable[[], datetime] = lambda: datetime.now(UTC), scenario: str = "stolen-role"
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.scenario = scenario
        self.store = Store()
        self.backend: App = _nothing
        """The account itself, without the layers: who asks it leaves no trace."""
        self.faults = Faults(_nothing)
        self.operator = Keys("", "")
        self.profiles: Mapping[str, Keys] = {}
        """What was stolen in the scenario, as somebody would hold it who found it."""
        self.facts: Mapping[str, Any] = {}
        self._app: App | None = None
        self._server: Any = None

    def build(self) -> "Lab":
        """Make moto's account and the scenario. Takes a few seconds; starts no thread."""
        from vpce_tui.lab import scenarios  # noqa: PLC0415

        warnings.filterwarnings("ignore", module="moto")
        bare = _moto_app(self.seed)
        account = scenarios.build(self.scenario, self.seed, self.clock(), self.store.add, bare)
        self.facts, self.operator, self.profiles = account.facts, account.operator, account.profiles
        self.backend = OneAtATime(bare)
        inner: App = LookupEvents(self.backend, self.store, self.clock)
        inner = Analyzer(inner)
        inner = ClientTokens(inner)
        inner = DryRun(inner)
        inner = guarded(Identities(inner, ACCOUNT))
        inner = Recorder(inner, self.store, ACCOUNT, self.clock)
        self.faults = Faults(inner, self.faults.faults)
        self.inject([parse_fault(text) for text in scenarios.scenarios()[self.scenario].faults])
        self._app = self.faults
        return self

    @property
    def context(self) -> str:
        """What the scenario's team says about itself: a ``context.toml``. Needs the lab to be built."""
        from vpce_tui.lab import scenarios  # noqa: PLC0415

        text = scenarios.scenarios()[self.scenario].context
        for name, value in self.facts.items():
            if isinstance(value, str):
                text = text.replace(f"<{name}>", value)
        now = self.clock()
        text = text.replace("<tomorrow>", f"{now + timedelta(days=1):%Y-%m-%d}")
        return text.replace("<zone where it is night>", _where_it_is_night(now.hour)).lstrip()

    def inject(self, faults: Sequence[Fault]) -> None:
        """Add faults."""
        self.faults.faults.extend(faults)

    def serve(self, port: int = 0) -> str:
        """Answer on ``127.0.0.1`` in threads of this process; gives the URL."""
        from vpce_tui.lab.http_server import HttpServer  # noqa: PLC0415

        self._server = HttpServer(self, self.clock, port)
        return self.url

    @property
    def url(self) -> str:
        """URL of the lab's endpoint."""
        return f"http://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def access(self, region: str = HOME) -> AwsAccess:
        """How the operator reaches the lab."""
        profiles = {name: self._access(region, keys) for name, keys in self.profiles.items()}
        return replace(self._access(region, self.operator), profiles=profiles)

    def _access(self, region: str, keys: Keys) -> AwsAccess:
        return AwsAccess(region=region, endpoint_url=self.url, key_id=keys.key_id, secret=keys.secret, token=keys.token)

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/_lab/handled":
            body = json.dumps(self.store.handled).encode()
            start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        assert self._app is not None
        return self._app(environ, start)


def _nothing(_: Environ, start: StartResponse) -> Iterable[bytes]:
    start("503 Not Ready", [("Content-Length", "0")])
    return [b""]


_installed = threading.Event()


def _moto_app(seed: int) -> App:
    from vpce_tui.lab import service_models  # noqa: PLC0415

    service_models.install()

    from moto.moto_api._internal import mock_random  # noqa: PLC0415
    from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415

    from vpce_tui.lab.layers import corrections  # noqa: PLC0415

    if not _installed.is_set():
        corrections.install()
        _installed.set()
    mock_random.seed(seed)

    class Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]
        """Finds the service of a host once; moto lists its own folder for each request."""

        @cache  # noqa: B019 - there is one for each lab
        def get_backend_for_host(self, host: str | None) -> Any:
            return super().get_backend_for_host(host)

    app: App = Dispatcher(create_backend_app)
    return app
