"""Who on this host could read, replace or lead elsewhere what is written: tried with another user's files."""

import errno
import os
import resource
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import HOME, Aws
from vpce_tui.cloudtrail.event_cache import EventCache
from vpce_tui.core.private_files import (
    NotPrivate,
    own_folder,
    private_file,
    private_folder,
    trusted_file,
    write_private,
)
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record_errors import RecordError

SOMEBODY = 65_533
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of somebody else")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def theirs(path: Path) -> Path:
    os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    return path


def folder(path: Path, bits: int = 0o755) -> Path:
    path.mkdir()
    path.chmod(bits)
    return path


def test_whatever_the_umask_a_folder_is_made_private_with_all_its_parents(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert [mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_a_loose_folder_of_ours_is_tightened(tmp_path: Path) -> None:
    private_folder(folder(tmp_path / "open", 0o777))
    own_folder(folder(tmp_path / "named", 0o777))
    assert mode(tmp_path / "open") == 0o700
    assert mode(tmp_path / "named") == 0o755


@as_root
@pytest.mark.parametrize("make", [private_folder, own_folder])
def test_a_folder_of_somebody_else_is_refused_at_every_level(tmp_path: Path, make: Callable[[Path], None]) -> None:
    other = theirs(folder(tmp_path / "other", 0o777))
    for path in (other, other / "in", other / "in" / "deeper"):
        with pytest.raises(NotPrivate, match="belongs to"):
            make(path)
    assert list(other.iterdir()) == []
    own = folder(other / "ours", 0o700)  # what is ours in their folder can be taken away by them
    with pytest.raises(NotPrivate):
        make(own)


@pytest.mark.parametrize("make", [private_folder, own_folder])
@pytest.mark.parametrize("bits", [0o777, 0o757])
def test_below_a_folder_that_others_may_write_to_nothing_is_made(
    tmp_path: Path, make: Callable[[Path], None], bits: int
) -> None:
    above = folder(tmp_path / "above", bits)
    with pytest.raises(NotPrivate, match="can be written by"):
        make(above / "in")
    above.chmod(0o1777)  # as /tmp: what is ours stays ours
    make(above / "in")
    with pytest.raises(NotPrivate, match="shared"):
        make(above)


@as_root
def test_a_link_of_somebody_else_is_not_followed_and_ours_is(tmp_path: Path) -> None:
    shared = folder(tmp_path / "shared", 0o1777)
    target = folder(tmp_path / "target", 0o700)
    (shared / "ours").symlink_to(target)
    theirs_link = shared / "theirs"
    theirs_link.symlink_to(target)
    theirs(theirs_link)
    private_folder(shared / "ours" / "in")
    write_private(shared / "ours" / "file", b"x")
    for action in (
        lambda: private_folder(theirs_link / "in2"),
        lambda: write_private(theirs_link / "file", b"y"),
        lambda: write_private(theirs_link, b"y"),
        lambda: trusted_file(theirs_link / "file"),
    ):
        with pytest.raises(NotPrivate, match="link"):
            action()
    assert (target / "file").read_bytes() == b"x"
    assert sorted(path.name for path in target.iterdir()) == ["file", "in"]


@as_root
def test_a_chain_of_links_is_looked_at_to_its_end(tmp_path: Path) -> None:
    shared = folder(tmp_path / "shared", 0o1777)
    (shared / "second").symlink_to(tmp_path / "secret")
    theirs(shared / "second")
    (tmp_path / "first").symlink_to(shared / "second")
    with pytest.raises(NotPrivate, match="link"):
        write_private(tmp_path / "first", b"x")
    assert not (tmp_path / "secret").exists()


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(NotPrivate, match="too many"):
        write_private(tmp_path / "a", b"x")


@as_root
def test_a_file_of_somebody_else_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"before")
    theirs(path)
    path.chmod(0o666)
    with pytest.raises(NotPrivate):
        write_private(path, b"after")
    assert path.read_bytes() == b"before"


def test_what_is_written_is_private_and_whole_whatever_was_there(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "plan.json"
        path.write_bytes(b"before, and longer than what comes after")
        path.chmod(0o644)
        write_private(path, b"after")
    finally:
        os.umask(before)
    assert (path.read_bytes(), mode(path)) == (b"after", 0o600)
    assert [item.name for item in tmp_path.iterdir()] == ["plan.json"]
    write_private(Path("/dev/null"), b"x")


def test_nothing_is_written_into_a_pipe_or_a_folder_that_others_can_write_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o666)
    with pytest.raises(NotPrivate, match="file of your own"):
        write_private(tmp_path / "pipe", b"x")
    with pytest.raises(NotPrivate, match="can be written by"):
        write_private(folder(tmp_path / "open", 0o777) / "plan.json", b"x")
    write_private(folder(tmp_path / "sticky", 0o1777) / "plan.json", b"x")


@as_root
def test_nothing_is_written_into_a_folder_of_somebody_else(tmp_path: Path) -> None:
    other = theirs(folder(tmp_path / "other", 0o755))
    with pytest.raises(NotPrivate, match="belongs to"):
        write_private(other / "plan.json", b"x")
    assert list(other.iterdir()) == []


@as_root
def test_a_context_and_playbooks_of_somebody_else_are_not_used(aws: Aws) -> None:
    config = folder(aws.folder / "config")
    playbooks = folder(config / "playbooks")
    for path in (config / "context.toml", playbooks / "ours.toml"):
        path.write_text("")
        theirs(path)
    code, said = aws.run("plan", "ours", aws.victim)
    assert code == 2
    assert "belongs to" in said
    code, said = aws.run("events", "--since", "1h", "--lookback", "0s")
    assert code == 2
    assert "belongs to" in said


def test_a_private_file_is_no_link_and_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(NotPrivate):
            private_file(tmp_path / name)
    assert not (tmp_path / "target").exists()


# -- what of the product rests on it


@as_root
def test_no_record_is_written_into_somebody_elses_folder(aws: Aws) -> None:
    other = theirs(folder(aws.folder / "theirs", 0o777))
    plan = aws.folder / "plan.json"
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--out", str(plan))[0] == 0
    words = ("apply", str(plan), "--incident", "case", "--yes", "--step", "protect")
    code, said = aws.run(*words, env={"VPCE_TUI_STATE": str(other)})
    assert code == 1
    assert "belongs to" in said
    assert "Nothing was written" in said
    assert list(other.iterdir()) == []
    assert aws.writes() == []


def test_a_loose_state_folder_of_ours_is_tightened_and_used(aws: Aws) -> None:
    state = folder(aws.folder / "state", 0o777)
    plan = aws.folder / "plan.json"
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--out", str(plan))[0] == 0
    code, said = aws.run("apply", str(plan), "--incident", "case", "--yes", "--step", "identify")
    assert code == 0, said
    assert mode(state) & 0o022 == 0
    every = [aws.incident(), *aws.incident().rglob("*")]
    assert {mode(path) for path in every if path.is_dir()} == {0o700}
    assert {mode(path) for path in every if path.is_file()} == {0o600}


@pytest.mark.parametrize("form", ["json", "cli", "python", "console"])
def test_plans_and_scripts_are_private(aws: Aws, form: str) -> None:
    path = aws.folder / "out"
    words = ("plan", "relaunch-instance", aws.victim, "--region", HOME, "--format", form, "--out", str(path))
    assert aws.run(*words)[0] == 0
    assert mode(path) == 0o600


@pytest.mark.parametrize("name", ["lock", "evidence", "journal.db", "journal.db-wal"])
def test_a_link_in_a_record_that_was_handed_over_leads_nowhere(tmp_path: Path, name: str) -> None:
    made = tmp_path / "case"
    with Journal.open(made, "ann", create=True):
        pass
    target = tmp_path / "precious"
    if name == "evidence":
        target.mkdir()
        target.chmod(0o755)
        (made / name).rmdir()
    else:
        target.write_text("keep me")
        (made / name).unlink(missing_ok=True)
    (made / name).symlink_to(target)
    with pytest.raises(RecordError):
        Journal.open(made, "ann")
    if name == "evidence":
        assert mode(target) == 0o755
    else:
        assert target.read_text() == "keep me"


def test_the_cache_follows_no_link(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    cache = folder(tmp_path / "cache", 0o700)
    (cache / "events-3.db").symlink_to(target)
    made = EventCache(cache)
    made.keep("1", "eu-west-1", [])
    made.close()
    assert (cache / "events-3.db").is_symlink()
    assert target.read_text() == "keep me"


@as_root
def test_the_cache_is_not_used_in_somebody_elses_folder(tmp_path: Path) -> None:
    cache = theirs(folder(tmp_path / "cache", 0o777))
    EventCache(cache).close()
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("bits", [0o666, 0o602])
def test_rules_of_the_team_that_others_could_change_do_not_count(aws: Aws, bits: int) -> None:
    config = folder(aws.folder / "config")
    (config / "config.toml").write_text("approvals = 1\n")
    (config / "config.toml").chmod(bits)
    plan = aws.folder / "plan.json"
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--out", str(plan))[0] == 0
    code, said = aws.run("apply", str(plan), "--incident", "case", "--yes", "--step", "protect")
    assert code == 2
    assert "chmod go-w" in said
    assert aws.writes() == []


def test_the_process_leaves_no_core_dump(tmp_path: Path) -> None:
    """Of a real process, started with the limit lifted: it may leave nothing, and what it makes is its own."""
    program = (
        "import resource, ctypes, os, sys\n"
        "from vpce_tui.cli import main as cli\n"
        "try:\n    cli.main(['--version'])\nexcept SystemExit:\n    pass\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)), ctypes.CDLL(None).prctl(3) if sys.platform == 'linux' else 0)\n"
    )

    def lifted() -> None:
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, preexec_fn=lifted
    )
    assert done.stdout.splitlines()[-1] == "(0, 0) 0o77 0"


def acl(path: Path, *entries: tuple[int, int, int]) -> None:
    """Set an access list: (tag, rights, id) besides the owner's, the group's, the mask's and the others' entries."""
    listed = [(0x01, 7, 0xFFFFFFFF), *entries, (0x04, 5, 0xFFFFFFFF), (0x10, 7, 0xFFFFFFFF), (0x20, 5, 0xFFFFFFFF)]
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(listed))
    try:
        os.setxattr(path, "system.posix_acl_access", data)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EPERM):
            pytest.skip("no access lists on this file system")
        raise


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="access lists of Linux")
@pytest.mark.parametrize("entry", [(0x02, 7, 12345), (0x08, 7, 12345)])
def test_whom_an_access_list_lets_write_is_seen(tmp_path: Path, entry: tuple[int, int, int]) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "config.toml").write_text("approvals = 2")
    trusted_file(folder / "config.toml")
    acl(folder, entry)
    with pytest.raises(NotPrivate, match="access list"):
        trusted_file(folder / "config.toml")
    with pytest.raises(NotPrivate, match="access list"):
        write_private(folder / "plan.json", b"x")
    with pytest.raises(NotPrivate, match="access list"):
        private_folder(folder / "records")


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="access lists of Linux")
def test_who_may_only_read_by_an_access_list_is_no_writer(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "config.toml").write_text("approvals = 2")
    acl(folder, (0x02, 5, 12345))
    trusted_file(folder / "config.toml")


def test_a_private_group_that_is_somebody_elses_first_group_is_not_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``/etc/group`` names no user whose first group it is."""
    import grp
    import pwd

    me = pwd.getpwuid(os.geteuid())
    others = [me]
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group((me.pw_name, "x", me.pw_gid, [])))
    monkeypatch.setattr(pwd, "getpwall", lambda: others)
    path = tmp_path / "config.toml"
    path.write_text("approvals = 2")
    path.chmod(0o664)
    os.chown(path, -1, me.pw_gid)
    trusted_file(path)
    others.append(pwd.struct_passwd(("mallory", "x", me.pw_uid + 4711, me.pw_gid, "", "/", "/bin/sh")))
    with pytest.raises(NotPrivate, match="its group"):
        trusted_file(path)
