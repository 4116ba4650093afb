"""A real terminal: a pty with a program in it, the keys sent, every byte that was written."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence

import pytest

KEYS = {
    "enter": b"\r",
    "tab": b"\t",
    "f5": b"\x1b[15~",
    "escape": b"\x1b",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "down": b"\x1b[B",
    "ctrl+p": b"\x10",
    "ctrl+c": b"\x03",
}


class Terminal:
    """``python -m vpce_tui ARGV`` in a pty of ``size`` (columns, rows)."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        size: tuple[int, int] = (80, 24),
        program: Sequence[str] | None = None,
    ) -> None:
        words = [*(program or (sys.executable, "-m", "vpce_tui")), *argv]
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it, and hands that on
            os.execvpe(words[0], words, {**env, "TERM": "xterm-256color", "LANG": "C.UTF-8"})
        self.written = b""
        self.pressed = 0
        self.resize(*size)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def read(self, wait: float) -> bytes:
        """What is written within ``wait`` seconds; ends early when the program does."""
        ready, _, _ = select.select([self.descriptor], [], [], wait)
        if not ready:
            return b""
        try:
            data = os.read(self.descriptor, 1 << 16)
        except OSError:
            return b""
        self.written += data
        return data

    def quiet(self, silence: float = 0.15) -> None:
        """Read until nothing comes any more."""
        while self.read(silence):
            pass

    def until(self, text: str, limit: float = 30) -> None:
        """Read until ``text`` was written since the last key was pressed; fails when it never is."""
        end = time.monotonic() + limit
        while text.encode() not in self.written[self.pressed :]:
            if time.monotonic() > end or (not self.read(0.5) and not self.alive()):
                pytest.fail(f"{text!r} was never written; the end was {self.written[-1500:]!r}")

    def send(self, *keys: str) -> None:
        """Press keys, and read what they make.

        An escape is let alone until it has done something: a program too busy to read it at once would take it and
        the key after it for one, as a terminal does.
        """
        for key in keys:
            self.pressed = len(self.written)
            os.write(self.descriptor, KEYS.get(key, key.encode()))
            if key == "escape":
                self.read(3.0)
            self.quiet()

    def alive(self) -> bool:
        try:
            return os.waitpid(self.pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False

    def close(self) -> int:
        """Wait for the end, gently then not; the exit code (-9: it had to be killed)."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            self.read(0.1)
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return 0
            if pid:
                os.close(self.descriptor)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return -9
