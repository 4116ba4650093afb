"""One writer an incident: a lock that dies with its holder (POSIX ``flock``)."""

import fcntl
import json
import os
import socket
from pathlib import Path
from typing import IO

from vpce_tui.core.private_files import private_file
from vpce_tui.incident.durable_files import record_error_from


class Lock:
    """Holds ``path`` locked until closed or the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self, operator: str, since: str) -> str:
        """``""`` when taken; otherwise who holds it."""
        try:
            private_file(self._path)
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
            file = os.fdopen(handle, "a+", encoding="utf-8")
        except OSError as error:
            raise record_error_from(error, self._path) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = _holder(file.read())
            file.close()
            return holder
        try:
            file.seek(0)
            file.truncate()
            json.dump({"pid": os.getpid(), "host": socket.gethostname(), "operator": operator, "since": since}, file)
            file.flush()
        except OSError as error:
            raise record_error_from(error, self._path) from error
        self._file = file
        return ""

    @property
    def held(self) -> bool:
        """Whether it is held, and still the one that others would meet: a file that was removed locks nobody out."""
        if self._file is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), os.lstat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"{holder['operator']} on {holder['host']}, process {holder['pid']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
