"""Files that survive: written aside, flushed to disk, moved into place; never readable by others."""

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from vpce_tui.core.private_files import NotPrivate, own_folder, private_folder
from vpce_tui.incident.record_errors import DiskFull, RecordError

ROOM_NEEDED: Final = 16 * 1024 * 1024
"""Bytes that must be free before a step begins: its rows and evidence must fit."""

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def state_folder(path: Path) -> None:
    """Make a folder that records lie in, or take it where it is ours: others may no longer write to it."""
    try:
        own_folder(path)
    except OSError as error:
        raise record_error_from(error, path) from error


def record_folder(path: Path) -> None:
    """Make the folder of a record (0700) with its parents. Raises :class:`RecordError` where somebody else could get at it."""
    try:
        if path.is_symlink():
            raise NotPrivate(f"{path} is a link; the record's folder must not be a link.")
        private_folder(path)
    except OSError as error:
        raise record_error_from(error, path) from error


def record_error_from(error: OSError, path: Path) -> RecordError:
    """An operating system error as a sentence."""
    if isinstance(error, NotPrivate):
        return RecordError(f"{error} Nothing was written. (VPCE_TUI_STATE names the folder of the records.)")
    if error.errno in _FULL:
        return DiskFull(
            f"the disk is full: {path}: {error.strerror}. Free some space, then try again; nothing was lost."
        )
    if error.errno == errno.EROFS:
        return RecordError(
            f"the file system is read-only: {path}. Set VPCE_TUI_STATE to a folder that can be written, then try again."
        )
    return RecordError(f"cannot write {path}: {error.strerror or error}. Check its owner and permissions.")


def ensure_room(path: Path, needed: int = ROOM_NEEDED) -> None:
    """Raise :class:`DiskFull` when less than ``needed`` bytes are free on the file system of ``path``."""
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        raise record_error_from(error, path) from error
    if free < needed:
        raise DiskFull(
            f"only {free // 1024:,} KiB are free at {path}; the record of a step needs {needed // 1024:,} KiB. "
            "Nothing was started. Free some space, then try again."
        )


def write_atomically(path: Path, data: bytes) -> None:
    """``data`` at ``path`` (0600): whole or not at all, on disk when this returns."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(temporary, 0o600)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise record_error_from(error, path) from error


def sync_folder(path: Path) -> None:
    """Flush the folder's own entry, so that a rename survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
