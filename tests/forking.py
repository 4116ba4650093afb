"""A process that has loaded much, and forks: each fork starts with all of it within milliseconds.

It takes a listening socket's descriptor, and ends with its standard input. Of each connection it reads one JSON object a line, and
answers each with one line.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


def child(work: Callable[[], object]) -> None:
    """Do ``work`` in this fork, and end."""
    gc.disable()  # it lives for seconds
    try:
        work()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(99)


def serve_forks(listener: int, connected: Callable[[socket.socket], object]) -> None:
    """Fork for each connection to the socket with the descriptor ``listener``: ``connected`` serves it."""
    gc.collect()
    gc.freeze()  # a collection in a fork would touch, and so copy, every page of this process
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whom this process forks is waited for by nobody
    with socket.socket(fileno=listener) as listening:
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                child(lambda connection=connection: connected(connection))
            connection.close()


def answer_lines(
    connection: socket.socket, first: dict[str, Any], answer: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Say ``first``, then answer each line until the other end is closed."""
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        print(json.dumps(first), file=stream, flush=True)
        for line in stream:
            print(json.dumps(answer(json.loads(line))), file=stream, flush=True)


class Connection:
    """The other end: asks, and waits for the answer."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self.first = self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._lines.readline()
        assert line, "the process that forks died; its words are above"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, **asked: Any) -> dict[str, Any]:
        """Ask for one thing."""
        self._socket.sendall(json.dumps(asked).encode() + b"\n")
        return self._answer()

    def close(self) -> None:
        """End it; what was forked for it ends, too."""
        self._lines.close()
        self._socket.close()
