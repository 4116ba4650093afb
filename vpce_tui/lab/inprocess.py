"""boto3 clients that reach a WSGI application in this process, without a socket: how the scenario is built."""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.awsrequest
from botocore.config import Config
from werkzeug.test import EnvironBuilder, run_wsgi_app

from vpce_tui.lab.request import App
from vpce_tui.lab.service_models import new_session


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class InProcess:
    """Makes clients whose requests go straight to ``app``."""

    def __init__(self, app: App, key_id: str) -> None:
        self._app = app
        self._session = new_session(key_id)
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A boto3 client."""
        if (service, region) not in self._clients:
            client = self._session.client(
                service,
                region_name=region,
                endpoint_url="http://127.0.0.1:9",
                config=Config(retries={"total_max_attempts": 1}),
            )
            client.meta.events.register("before-send", self._send)
            self._clients[service, region] = client
        return self._clients[service, region]

    def _send(self, request: Any, **_: Any) -> Any:
        url = urlsplit(request.url)
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        if isinstance(body, str):
            body = body.encode()
        headers = [
            (key, value.decode() if isinstance(value, bytes) else value) for key, value in request.headers.items()
        ]
        environ = EnvironBuilder(
            method=request.method,
            path=url.path,
            query_string=url.query,
            base_url=f"{url.scheme}://{url.netloc}/",
            headers=headers,
            data=body,
        ).get_environ()
        answer, status, answered = run_wsgi_app(self._app, environ, buffered=True)
        return botocore.awsrequest.AWSResponse(
            request.url, int(status.split()[0]), dict(answered), _Body(b"".join(answer))
        )
