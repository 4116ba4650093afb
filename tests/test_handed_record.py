"""An incident folder that somebody hands over: whatever lies in it, opening it changes nothing else and ends."""

import os
import resource
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Aws
from vpce_tui.aws.call import Call
from vpce_tui.incident.incident_store import records
from vpce_tui.incident.integrity import verify
from vpce_tui.incident.journal import GENESIS, Journal, row_hash
from vpce_tui.incident.journal_schema import CREATE, VERSION
from vpce_tui.incident.record_errors import NotAJournal, RecordError
from vpce_tui.incident.rows import IncidentOpened, JournalRow, NoteWritten

ANN = "arn:aws:iam::123456789012:user/ann"


def made(folder: Path, reason: str) -> Path:
    with Journal.open(folder, ANN, create=True) as journal:
        journal.append(IncidentOpened(name="case", account="123456789012", reason=reason))
        journal.append(NoteWritten(step="p/t/s", text=reason))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "incidents" / "case", "the true record")


def rollback_journal(db: Path, content: bytes, named: str = "") -> None:
    """Put a hot rollback journal beside ``db`` that brings back ``content``; ``named``: its super-journal, which SQLite deletes.

    https://www.sqlite.org/fileformat2.html#the_rollback_journal
    """
    size, magic, nonce = struct.unpack(">H", content[16:18])[0], bytes.fromhex("d9d505f920a163d7"), 12345
    pages = [content[at : at + size] for at in range(0, len(content), size)]
    written = (magic + struct.pack(">IIIII", len(pages), nonce, len(pages), 512, size)).ljust(512, b"\0")
    for number, page in enumerate(pages, start=1):
        check = nonce + sum(page[at] for at in range(size - 200, 0, -200))
        written += struct.pack(">I", number) + page + struct.pack(">I", check & 0xFFFFFFFF)
    if named:
        name = named.encode()
        written = written.ljust(-(-len(written) // 512) * 512, b"\0")
        written += struct.pack(">I", 0x40000000 // size + 1) + name
        written += struct.pack(">II", len(name), sum(name) & 0xFFFFFFFF) + magic
    beside = db.with_name("journal.db-journal")
    beside.write_bytes(written)
    beside.chmod(0o600)


def test_what_the_rollback_journal_of_the_test_does_without_us(folder: Path, tmp_path: Path) -> None:
    """SQLite itself takes it: the test below would be worth nothing otherwise."""
    target = tmp_path / "precious"
    target.write_text("x")
    db = folder / "journal.db"
    rollback_journal(db, db.read_bytes(), str(target))
    with sqlite3.connect(db) as opened:
        opened.execute("SELECT count(*) FROM journal").fetchone()
    assert not target.exists()


@pytest.mark.parametrize("write", [True, False])
def test_a_record_with_a_rollback_journal_is_not_opened(folder: Path, tmp_path: Path, write: bool) -> None:
    target = tmp_path / "config.toml"
    target.write_text("approvals = 2")
    other = made(tmp_path / "other" / "case", "WRITTEN BY THE ATTACKER")
    db = folder / "journal.db"
    before = db.read_bytes()
    rollback_journal(db, (other / "journal.db").read_bytes(), str(target))
    with pytest.raises(NotAJournal, match="is beside it"):
        Journal.open(folder, ANN, write=write)
    assert target.read_text() == "approvals = 2"
    assert db.read_bytes() == before
    assert not verify(folder).good


@pytest.mark.parametrize("kind", [os.mkfifo, lambda path: os.symlink("/nowhere", path)])
def test_a_rollback_journal_of_whatever_kind_is_refused_without_waiting(folder: Path, kind: object) -> None:
    kind(folder / "journal.db-journal")  # type: ignore[operator]
    with pytest.raises(NotAJournal):
        Journal.open(folder, ANN)


def test_a_record_that_was_made_has_nothing_beside_it_and_is_there_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["evidence", "journal.db", "lock"]
    new = folder.parent / "new"
    monkeypatch.setattr("vpce_tui.incident.journal_file.CREATE", "CREATE TABLE half (x); nonsense;")
    with pytest.raises(RecordError):
        Journal.open(new, ANN, create=True)
    assert sorted(path.name for path in new.iterdir()) == ["evidence", "lock"]


def test_a_record_that_was_changed_is_read_and_not_written_to(folder: Path) -> None:
    with sqlite3.connect(folder / "journal.db") as db:
        db.executescript("DROP TRIGGER journal_no_update; UPDATE journal SET payload = '{}' WHERE seq = 1;")
        trigger = next(line for line in CREATE.split(";\n") if "journal_no_update" in line)
        db.executescript(f"{trigger};\n")
    db.close()
    with pytest.raises(RecordError, match="was changed at row 1"):
        Journal.open(folder, ANN)
    with Journal.open(folder, ANN, write=False) as journal:
        assert len(list(journal.rows())) == 2
    assert not verify(folder).good


LIMITED = """
import sys
from pathlib import Path
from vpce_tui.incident.journal import Journal
from vpce_tui.incident import journal_schema
from vpce_tui.incident.integrity import verify
journal_schema._MOST_SECONDS = 1.0
print(verify(Path(sys.argv[1])).problem)
"""


def verified(folder: Path, *, seconds: int, memory: int) -> "subprocess.CompletedProcess[str]":
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder)], capture_output=True, text=True, check=False, preexec_fn=limited
    )


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for _ in range(9):
        value, at = (value << 7) | (data[at] & 0x7F), at + 1
        if not data[at - 1] & 0x80:
            break
    return value, at


def test_a_schema_that_holds_itself_ends(folder: Path) -> None:
    """``sqlite_master`` as a tree of 17 levels whose nodes share one child: an astronomical number of rows in 84 kB."""
    db = folder / "journal.db"
    data, size = bytearray(db.read_bytes()), 4096
    pages, first = len(data) // size, data[:size]
    cells = []
    for at in range(struct.unpack(">H", first[103:105])[0]):
        begin = struct.unpack(">H", first[108 + 2 * at : 110 + 2 * at])[0]
        length, end = varint(first, begin)
        _, end = varint(first, end)
        cells.append(bytes(first[begin : end + length]))

    def leaf(held: list[bytes]) -> bytearray:
        page, end, places = bytearray(size), size, []
        page[0] = 13
        for cell in held:
            end -= len(cell)
            page[end : end + len(cell)] = cell
            places.append(end)
        page[3:5], page[5:7] = struct.pack(">H", len(held)), struct.pack(">H", end)
        for at, place in enumerate(places):
            page[8 + 2 * at : 10 + 2 * at] = struct.pack(">H", place)
        return page

    def interior(one: int, child: int, offset: int = 0) -> bytearray:
        page, count, end = bytearray(size), (size - offset - 12) // 8, size
        page[offset] = 5
        for at in range(count):
            end -= 5
            page[end : end + 5] = struct.pack(">I", one if at == 0 else child) + b"\x05"
            page[offset + 12 + 2 * at : offset + 14 + 2 * at] = struct.pack(">H", end)
        page[offset + 3 : offset + 5], page[offset + 5 : offset + 7] = struct.pack(">H", count), struct.pack(">H", end)
        page[offset + 8 : offset + 12] = struct.pack(">I", child)
        return page

    more = [leaf(cells), leaf([cell for cell in cells if b"sqlite_autoindex" in cell and b"CREATE" not in cell])]
    child = pages + 2
    for _ in range(16):
        more.append(interior(child, child))
        child = pages + len(more)
    root = interior(pages + 1, child, 100)
    root[:100] = first[:100]
    data[:size] = root
    data += b"".join(more)
    data[28:32], data[92:96] = struct.pack(">I", len(data) // size), data[24:28]
    db.write_bytes(data)
    done = verified(folder, seconds=60, memory=4 << 30)
    assert done.returncode in (0, 1), (done.returncode, done.stderr[-300:])
    assert "the true record" not in done.stdout


def fat(folder: Path, rows: int, size: int) -> None:
    """Rows whose long payload is one and the same chain of pages."""
    (folder / "journal.db").unlink()
    db = sqlite3.connect(folder / "journal.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.executescript(f"{CREATE}PRAGMA user_version={VERSION};")
    payload = '{"a":"' + "x" * size + '"}'
    own = row_hash(GENESIS, 1, "2026-01-01T00:00:00.000000Z", ANN, "note", payload)
    db.execute(
        "INSERT INTO journal VALUES (1,?,?,?,?,?,?)",
        ("2026-01-01T00:00:00.000000Z", ANN, "note", payload, GENESIS, own),
    )
    db.execute("PRAGMA wal_checkpoint(truncate)")
    root = db.execute("SELECT rootpage FROM sqlite_master WHERE name='journal'").fetchone()[0]
    db.close()
    data, page = bytearray((folder / "journal.db").read_bytes()), 4096
    leaf = data[(root - 1) * page : root * page]
    cell = bytes(leaf[struct.unpack(">H", leaf[8:10])[0] :])
    _, end = varint(cell, 0)
    head, rest = cell[:end], cell[end + 1 :]

    def number(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([0x80 | value >> 7, value & 0x7F])

    last, leaves = len(data) // page, []
    for at in range(rows):
        held, made_of = bytearray(page), head + number(at + 1) + rest
        begin = page - len(made_of)
        held[0], held[begin:] = 13, made_of
        held[3:5], held[5:7], held[8:10] = struct.pack(">H", 1), struct.pack(">H", begin), struct.pack(">H", begin)
        leaves.append(held)
    inner, end = bytearray(page), page
    inner[0] = 5
    for at in range(rows - 1):
        held_cell = struct.pack(">I", last + 1 + at) + number(at + 1)
        end -= len(held_cell)
        inner[end : end + len(held_cell)] = held_cell
        inner[12 + 2 * at : 14 + 2 * at] = struct.pack(">H", end)
    inner[3:5], inner[5:7] = struct.pack(">H", rows - 1), struct.pack(">H", end)
    inner[8:12] = struct.pack(">I", last + rows)
    data[(root - 1) * page : root * page] = inner
    data += b"".join(leaves)
    data[28:32], data[92:96] = struct.pack(">I", last + rows), data[24:28]
    (folder / "journal.db").write_bytes(data)


@pytest.mark.parametrize("size", [12_000_000, 40_000_000])
def test_rows_that_share_what_they_hold_take_no_more_memory_than_the_file(folder: Path, size: int) -> None:
    fat(folder, 300, size)
    done = verified(folder, seconds=60, memory=1 << 30)
    assert done.returncode == 0, (done.returncode, done.stderr[-300:])
    assert done.stdout.strip()


def test_one_record_that_breaks_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPCE_TUI_STATE", str(tmp_path))
    made(tmp_path / "incidents" / "a", "one")
    made(tmp_path / "incidents" / "b", "two")

    def broken(*_: object) -> object:
        raise MemoryError

    monkeypatch.setattr("vpce_tui.incident.journal.replay", broken)
    assert [path.name for path, _ in records()] == ["a", "b"]


# -- one writer


STOP = Call(service="ec2", operation="StopInstances", region="eu-west-1", parameters={"InstanceIds": ["i-1"]})


def test_a_permit_is_void_once_the_lock_was_taken_away(folder: Path) -> None:
    with Journal.open(folder, ANN) as journal:
        permits = journal.intend("s", {"a": STOP, "b": STOP}, "1")
        assert journal.redeem(permits["a"], STOP.fingerprint("1")) == ""
        (folder / "lock").unlink()
        assert journal.redeem(permits["b"], STOP.fingerprint("1")) == "lost"
        with Journal.open(folder, ANN) as second:
            assert second.writable
            assert journal.redeem(permits["b"], STOP.fingerprint("1")) == "lost"


def test_a_permit_is_void_once_somebody_else_wrote_to_the_record(folder: Path) -> None:
    with Journal.open(folder, ANN) as journal:
        permit = journal.intend("s", {"a": STOP}, "1")["a"]
        (folder / "lock").rename(folder / "aside")
        with Journal.open(folder, ANN) as second:
            second.append(NoteWritten(text="x"))
        (folder / "lock").unlink()
        (folder / "aside").rename(folder / "lock")
        assert journal.redeem(permit, STOP.fingerprint("1")) == "lost"


def test_a_write_whose_permit_is_void_is_not_sent(aws: Aws) -> None:
    from vpce_tui.aws.gate import Refused

    session = aws.session()
    identity = session.identity()
    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        session.gate.open_incident(journal)
        call = Call(
            service="ec2", operation="StopInstances", region="eu-west-1", parameters={"InstanceIds": [aws.victim]}
        )
        permit = journal.intend("s", {"a": call}, identity.account)["a"]
        (aws.incident() / "lock").unlink()
        with pytest.raises(Refused, match="another process has locked"):
            session.write(call, permit)
    assert aws.writes() == []


@pytest.mark.parametrize("name", ["journal.db", "lock"])
def test_a_record_that_was_taken_away_gives_no_permit(folder: Path, name: str) -> None:
    with Journal.open(folder, ANN) as journal:
        permit = journal.intend("s", {"a": STOP}, "1")["a"]
        (folder / name).unlink()
        assert journal.redeem(permit, STOP.fingerprint("1")) == "lost"
        if name == "journal.db":
            with pytest.raises(RecordError, match="was removed"):
                journal.append(NoteWritten(text="x"))


def test_an_empty_file_beside_what_was_written_ahead_is_left_alone(folder: Path) -> None:
    """SQLite would delete the rows that were not moved into the file yet."""
    journal = Journal.open(folder, ANN)
    journal.append(NoteWritten(text="written ahead"))
    ahead = (folder / "journal.db-wal").read_bytes()
    journal.close()
    (folder / "journal.db").write_bytes(b"")
    (folder / "journal.db-wal").write_bytes(ahead)
    assert not verify(folder).good
    assert (folder / "journal.db-wal").read_bytes() == ahead


def test_each_evidence_file_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vpce_tui.incident import evidence, integrity

    read: list[Path] = []
    hashed = integrity.file_hash
    monkeypatch.setattr(integrity, "file_hash", lambda path: read.append(path) or hashed(path))
    with Journal.open(folder, ANN) as journal:
        for number in range(20):
            evidence.store(journal, "s", f"name-{number}", b"the same")
    assert verify(folder).good
    assert len(read) == 1


def test_rows_that_say_more_than_the_file_holds_end_the_reading(folder: Path) -> None:
    fat(folder, 50, 1_000_000)
    with (
        Journal.open(folder, ANN, write=False) as journal,
        pytest.raises(RecordError, match="more rows than its file can"),
    ):
        list(journal.rows())


@pytest.mark.parametrize("kind", ["plan", "result", "evidence", "check", "approved", "undo"])
@pytest.mark.parametrize("payload", ["{}", '{"ok": true, "gave": []}', '{"plan": [], "calls": 3}', "[]"])
def test_a_row_that_no_version_wrote_is_a_line_of_the_story_and_not_a_crash(
    tmp_path: Path, kind: str, payload: str
) -> None:
    from vpce_tui.incident.narrative import narrate
    from vpce_tui.investigation.incident_timeline import events_in_evidence, incident_timeline

    def row(seq: int, kind: str, payload: str, at: str = "2026-01-31T02:14:05Z") -> JournalRow:
        return JournalRow(seq=seq, time=at, operator="arn:x/ann", kind=kind, payload=payload, previous="0", hash="1")

    good = row(3, "note", '{"text": "seen"}')
    rows = [row(1, kind, payload), row(2, "note", '{"text": "when"}', at="yesterday"), good]
    said = [line.says for line in narrate(rows)]
    assert said[-1] == "note: seen (ann)"
    assert any("row 2 of the record is damaged" in line for line in said)
    _, missing = events_in_evidence(rows, tmp_path)
    assert incident_timeline(rows, [], missing=missing)
