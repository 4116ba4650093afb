"""Folders and files that nobody else on this host can read, replace or lead elsewhere.

The rules are those of OpenSSH's ``StrictModes``: what leads to a private folder belongs to this user or to root, and nobody
else may write to it, but for sticky folders such as ``/tmp`` (there only the owner of an entry can replace it). A symbolic
link is followed where it belongs to this user or to root.
"""

import contextlib
import errno
import os
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_WRITABLE_BY_OTHERS: Final = 0o022
_MOST_LINKS: Final = 40
_ALL_USERS: Final = 0xFFFFFFFF


class NotPrivate(OSError):
    """Somebody else could read or change what would lie there. The message says who and what to do."""


def private_folder(path: Path) -> None:
    """Make ``path`` (0700) with its parents, or take it where it is ours: others' rights on it are taken away.

    Raises :class:`NotPrivate`, ``OSError``.
    """
    real, found = _make(path)
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.chmod(real, 0o700)


def own_folder(path: Path) -> None:
    """Make ``path`` (0700) with its parents, or take it where it is ours: others may read it, and no longer write to it.

    For a folder that somebody named. Raises :class:`NotPrivate`, ``OSError``.
    """
    real, found = _make(path)
    if found.st_mode & _WRITABLE_BY_OTHERS:
        os.chmod(real, stat.S_IMODE(found.st_mode) & ~_WRITABLE_BY_OTHERS)


def trusted_file(path: Path) -> None:
    """See that nobody but this user and root can change the file ``path`` or lead it elsewhere. Raises :class:`NotPrivate`."""
    real = _resolved(path, strict=True)
    _trusted(real.parent)
    found = os.stat(real)
    if not stat.S_ISREG(found.st_mode):
        raise NotPrivate(f"{path} is {_kind(found)}: use a regular file of your own.")
    if found.st_uid not in _trusted_owners():
        raise NotPrivate(f"{path} belongs to {_owner(found.st_uid)}, and not to you or root")
    if others := _others_may_write(real, found):
        raise NotPrivate(f"{path} can be written by {others}")


def write_private(path: Path, data: bytes) -> None:
    """``data`` at ``path``, whole or not at all, readable by this user alone.

    A link that somebody else put there is not followed, a file of somebody else's is not written to, and nothing is written
    into a folder that others can write to. ``/dev/stdout`` is written to as it is. Raises :class:`NotPrivate`, ``OSError``.
    """
    real = _resolved(path)
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(real)
        if not stat.S_ISREG(found.st_mode):
            if found.st_uid not in _trusted_owners() or not (
                stat.S_ISCHR(found.st_mode) or real.is_relative_to("/proc")
            ):
                raise NotPrivate(f"{path} is {_kind(found)}: use a regular file of your own.")
            with open(real, "wb") as out:
                out.write(data)
            return
        if found.st_uid != os.geteuid():
            raise NotPrivate(f"{path} belongs to {_owner(found.st_uid)}: it is not written to")
    _trusted(real.parent)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=real.parent, prefix=".writing-")  # 0600
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, real)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise


def private_file(path: Path) -> None:
    """Make the file ``path`` (0600), or take it where it is ours, and no link. Raises :class:`NotPrivate`, ``OSError``."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise NotPrivate(f"{path} is a link; use a regular file of your own") from error
        raise
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivate(f"{path} is {_kind(found)}, and a file of your own is needed")
        if found.st_uid != os.geteuid():
            raise NotPrivate(f"{path} belongs to {_owner(found.st_uid)}")
        if stat.S_IMODE(found.st_mode) & 0o177:
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def _make(path: Path) -> tuple[Path, os.stat_result]:
    """The real folder behind ``path``, made (0700) with its parents where it is not there, and what the system says of it."""
    real = _resolved(path, strict=True)
    missing, there = [], real
    while not os.path.lexists(there):
        missing.append(there)
        there = there.parent
    _trusted(there if missing else there.parent)
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
    found = os.lstat(real)
    if not stat.S_ISDIR(found.st_mode):
        raise NotPrivate(f"{path} is {_kind(found)}, and a folder of your own is needed.")
    if found.st_uid != os.geteuid():
        raise NotPrivate(f"{path} belongs to {_owner(found.st_uid)}. Name a folder of your own.")
    if found.st_mode & stat.S_ISVTX and found.st_mode & 0o002:
        raise NotPrivate(f"{path} is shared by everybody. Name a folder of your own.")
    return real, found


def _resolved(path: Path, *, strict: bool = False) -> Path:
    """The real path behind ``path``; its last parts may not exist. Raises :class:`NotPrivate` for somebody else's link, and,
    where it is ``strict``, for one that others could replace."""
    left = list(Path(os.path.abspath(path)).parts)
    at, links = Path(left.pop(0)), 0
    while left:
        part = left.pop(0)
        if part == "..":
            at = at.parent
            continue
        here = at / part
        try:
            found = os.lstat(here)
        except FileNotFoundError:
            return here.joinpath(*left)
        if not stat.S_ISLNK(found.st_mode):
            at = here
            continue
        links += 1
        if strict:
            _trusted(at)
        if found.st_uid not in _trusted_owners():
            raise NotPrivate(f"{here} is a link that {_owner(found.st_uid)} made: it is not followed")
        if links > _MOST_LINKS:
            raise NotPrivate(f"{path} leads through too many links")
        target = os.readlink(here)
        if target.startswith(("pipe:", "socket:", "/dev/pts/")) and at.parts[:2] == ("/", "proc"):
            return here
        steps = Path(target).parts
        at, left = (Path(steps[0]), [*steps[1:], *left]) if os.path.isabs(target) else (at, [*steps, *left])
    return at


def _trusted(real: Path) -> None:
    """See that nobody but this user and root can put something else in the place of what is in ``real``."""
    for folder in _upwards(real):
        found = os.stat(folder)
        if found.st_uid not in _trusted_owners():
            raise NotPrivate(
                f"{folder} belongs to {_owner(found.st_uid)}, who could change its contents. Name another."
            )
        others = _others_may_write(folder, found)
        if others and not (found.st_mode & stat.S_ISVTX and not _named_writers(folder)):
            raise NotPrivate(f"{folder} can be written by {others}, who could change its contents")


def _trusted_owners() -> frozenset[int]:
    """Root and this user; in a user namespace (a rootless container) also the number that means everybody outside of it."""
    own = frozenset({0, os.geteuid()})
    try:
        ranges = [list(map(int, row.split())) for row in Path("/proc/self/uid_map").read_text().splitlines()]
        if sum(row[2] for row in ranges) < _ALL_USERS:
            return own | {int(Path("/proc/sys/kernel/overflowuid").read_text())}
    except (OSError, ValueError, IndexError):
        return own  # no Linux
    return own


def _upwards(real: Path) -> Iterator[Path]:
    yield real
    yield from real.parents


def _others_may_write(path: Path, found: os.stat_result) -> str:
    """Who but the owner and root may write there, and what to do about it; ``""``: nobody."""
    if found.st_mode & 0o002:
        return f"others: chmod go-w {path}"
    named = _named_writers(path)
    if named:
        return f"{named} by its access list: setfacl -b {path}"
    if found.st_mode & 0o020 and not _group_of_one(found.st_gid):
        return f"its group: chmod g-w {path}"
    return ""


_ACL: Final = "system.posix_acl_access"
_ACL_VERSION: Final = 2
_ACL_USER, _ACL_GROUP, _ACL_MASK = 0x02, 0x08, 0x10
_ACL_WRITE: Final = 2


def _named_writers(path: Path) -> str:
    """Users and groups that an access list of Linux lets write there; ``""``: none."""
    if not hasattr(os, "getxattr"):
        return ""
    try:
        listed = os.getxattr(path, _ACL)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOENT):
            return ""  # no list, or a file system without any
        return f"perhaps others (its access list cannot be read: {error.strerror})"
    if len(listed) < 4 or struct.unpack_from("<I", listed)[0] != _ACL_VERSION:
        return "somebody"
    entries = list(struct.iter_unpack("<HHI", listed[4:]))
    mask = next((rights for tag, rights, _ in entries if tag == _ACL_MASK), _ACL_WRITE)
    writers = [
        _owner(number) if tag == _ACL_USER else f"group {number}"
        for tag, rights, number in entries
        if tag in (_ACL_USER, _ACL_GROUP)
        and rights & mask & _ACL_WRITE
        and not (tag == _ACL_USER and number in _trusted_owners())
    ]
    return ", ".join(writers)


def _group_of_one(gid: int) -> bool:
    """Whether the group is this user's private one, as many systems make it: named as the user, of nobody else's."""
    import grp  # noqa: PLC0415
    import pwd  # noqa: PLC0415

    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    if gid != user.pw_gid or group.gr_name != user.pw_name or not set(group.gr_mem) <= {user.pw_name}:
        return False
    return all(other.pw_gid != gid or other.pw_uid == user.pw_uid for other in pwd.getpwall())


def _owner(uid: int) -> str:
    import pwd  # noqa: PLC0415

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _kind(found: os.stat_result) -> str:
    return "a link" if stat.S_ISLNK(found.st_mode) else "a file" if stat.S_ISREG(found.st_mode) else "no folder or file"
