"""A server that answers every request with one status and remembers what it was sent; and parameters made from a model."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WHO = b"<R><GetCallerIdentityResult><Account></Account></GetCallerIdentityResult></R>"


@dataclass
class Wire:
    """``status``, ``body`` and ``headers`` of every answer; ``seen``: the requests as (method, path, body)."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    account: str = ""
    """Answers ``GetCallerIdentity`` for this account, and does not count it."""
    seen: list[tuple[str, str, bytes]] = field(default_factory=list)


@contextmanager
def wire() -> Iterator[Wire]:
    """Serve on loopback until the block ends."""
    known = Wire()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if known.account and b"Action=GetCallerIdentity" in sent:
                self.send_response(200)
                self.send_header("Content-Length", str(len(WHO) + len(known.account)))
                self.end_headers()
                self.wfile.write(WHO.replace(b"<Account>", b"<Account>" + known.account.encode()))
                return
            known.seen.append((self.command, self.path, sent))
            self.send_response(known.status)
            for name, value in known.headers.items():
                self.send_header(name, value)
            empty = self.command == "HEAD" or known.status in (204, 304)
            self.send_header("Content-Length", "0" if empty else str(len(known.body)))
            self.end_headers()
            if not empty:
                self.wfile.write(known.body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - the library's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()


def skeleton(shape: Any, value: str = "x", *, deep: bool = False, depth: int = 0) -> Any:
    """Parameters that a shape of botocore's accepts: what is required (``deep``: everything, three levels down)."""
    kind = shape.type_name
    if kind == "structure":
        names = shape.members if deep and depth < 3 else shape.required_members
        return {name: skeleton(shape.members[name], value, deep=deep, depth=depth + 1) for name in names}
    if kind == "list":
        least = max(int(shape.metadata.get("min", 0)), 1)
        return [skeleton(shape.member, value, deep=deep, depth=depth + 1)] * least
    if kind == "map":
        return {"key": skeleton(shape.value, value, deep=deep, depth=depth + 1)}
    if kind == "string":
        enum = shape.metadata.get("enum")
        return enum[0] if enum else (value * int(shape.metadata.get("min", 1) or 1))[:200] or value
    if kind in ("integer", "long"):
        return max(int(shape.metadata.get("min", 1)), 1)
    return {"boolean": True, "double": 1.0, "float": 1.0, "timestamp": 0, "blob": b"x"}[kind]
