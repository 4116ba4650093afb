"""The lab's web server, on this host: connections are kept, as AWS keeps them, and a fault can cut one."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import WSGITask

from vpce_tui.lab.request import CONNECTION, App, Environ, StartResponse, cut

_THREADS: Final = 16
"""Requests that are answered side by side; a slow one takes a thread, and waits for nobody."""

_CONNECTIONS: Final = 5_000
"""Connections that are kept at once: a client has a few for each service and region. What is beyond waits."""


class _Task(WSGITask):  # type: ignore[misc]
    def get_environment(self) -> Any:
        environ = super().get_environment()
        environ[CONNECTION] = self.channel.socket
        return environ


class _Channel(HTTPChannel):  # type: ignore[misc]
    task_class = _Task


class HttpServer:
    """Answers on ``127.0.0.1`` in threads of this process. Raises ``OSError`` where the port is taken."""

    def __init__(self, app: App, clock: Callable[[], datetime], port: int = 0) -> None:
        """``clock``: the time that answers carry."""
        logging.getLogger("waitress").setLevel(logging.CRITICAL)

        def dated(environ: Environ, start: StartResponse) -> Any:
            def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
                date = format_datetime(clock().astimezone(UTC), usegmt=True)
                kept = [(name, value) for name, value in headers if name.lower() not in ("date", "connection")]
                return start(status, [*kept, ("Date", date)], *more)

            return app(environ, begin)

        self._server = create_server(
            dated, host="127.0.0.1", port=port, threads=_THREADS, ident="lab", connection_limit=_CONNECTIONS
        )
        self._server.channel_class = _Channel
        self.port: int = self._server.effective_port
        self._stopped = False
        threading.Thread(target=self._run, name="lab", daemon=True).start()

    def _run(self) -> None:
        try:
            self._server.run()
        except OSError:  # what it waited for was closed
            if not self._stopped:
                raise

    def stop(self) -> None:
        """Stop answering, on connections that are kept, too."""
        self._stopped = True
        for channel in list(self._server.active_channels.values()):
            cut(channel.socket)
        cut(self._server.socket)  # closed alone, it would accept as long as the thread waits for it
        self._server.close()
