"""A record that somebody else made to deceive: what SQLite would do with it, and what its rows may hold."""

import itertools
import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Aws
from tests.forged import append_raw
from vpce_tui.cli import main
from vpce_tui.incident import evidence
from vpce_tui.incident.integrity import verify
from vpce_tui.incident.journal import GENESIS, Journal
from vpce_tui.incident.record import replay
from vpce_tui.incident.record_errors import NotAJournal, RecordError
from vpce_tui.incident.rows import IncidentOpened, NoteWritten, RowKind, RunApproved


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good record of four rows, closed."""
    made = tmp_path / "incidents" / "case"
    with Journal.open(made, "arn:aws:iam::123456789012:user/ann", create=True) as journal:
        journal.append(IncidentOpened(name="case", account="123456789012"))
        journal.append(NoteWritten(step="p/t/s", text="what the attacker wants hidden"))
        evidence.store(journal, "p/t/s", "console", b"boot")
        journal.append(NoteWritten(step="p/t/s", text="last"))
    return made


def script(folder: Path, sql: str) -> None:
    with sqlite3.connect(folder / "journal.db") as db:
        db.executescript(sql)
    db.close()


def as_view(select: str) -> str:
    return f"""
    DROP TRIGGER journal_no_update; DROP TRIGGER journal_no_delete; DROP TRIGGER journal_in_order;
    ALTER TABLE journal RENAME TO hidden; CREATE VIEW journal AS {select};
    """


HIDING = as_view("SELECT * FROM hidden WHERE seq <= 1")
ENDLESS = as_view(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT i AS seq, '' AS time, '' AS operator, '' AS kind, '' AS payload, '' AS previous, '' AS hash FROM n"
)
FORGED = {
    "a view that hides rows": HIDING,
    "a view that never ends": ENDLESS,
    "a table more": "CREATE TABLE more (x)",
    "a trigger more": "CREATE TRIGGER more AFTER INSERT ON journal BEGIN DELETE FROM journal WHERE kind = 'undo'; END",
    "a trigger that lets through": (
        "DROP TRIGGER journal_no_update; CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT 1; END"
    ),
    "an index more": "CREATE INDEX more ON journal (kind)",
    "a column more": "ALTER TABLE journal ADD COLUMN more TEXT",
}


@pytest.mark.parametrize("how", FORGED)
def test_a_file_with_another_schema_is_never_read_as_a_record(folder: Path, how: str) -> None:
    script(folder, FORGED[how])
    verdict = verify(folder)
    assert not verdict.good
    assert verdict.rows == 0, "nothing of it is said to be good"
    for write in (False, True):
        with pytest.raises(NotAJournal):
            Journal.open(folder, "somebody", write=write)


def test_a_trigger_that_is_gone_is_found(folder: Path) -> None:
    script(folder, "DROP TRIGGER journal_no_delete")
    verdict = verify(folder)
    assert not verdict.good
    assert "journal_no_delete" in verdict.problem
    with pytest.raises(NotAJournal):
        Journal.open(folder, "somebody")


def by_link(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


def by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("how", [by_link, by_pipe, by_folder])
@pytest.mark.parametrize("write", [False, True])
def test_what_is_no_regular_file_is_not_opened(folder: Path, how: Callable[[Path], None], write: bool) -> None:
    how(folder / "journal.db")
    with pytest.raises(NotAJournal):
        Journal.open(folder, "somebody", write=write)


SHA = "0" * 64
PAYLOADS = {
    "a list": [1, 2],
    "a number": 7,
    "nothing": None,
    "no hash": {"step": "p/t/s", "evidence": "x"},
    "a list for a hash": {"step": "p/t/s", "evidence": "x", "sha256": [SHA], "size": 4},
    "an object for a hash": {"step": "p/t/s", "evidence": "x", "sha256": {"a": 1}, "size": 4},
    "a list for a size": {"step": "p/t/s", "evidence": "x", "sha256": SHA, "size": [4]},
    "a path for a hash": {"step": "p/t/s", "evidence": "x", "sha256": "../journal.db", "size": 4},
    "an absolute path": {"step": "p/t/s", "evidence": "x", "sha256": "/etc/hostname", "size": 4},
}


@pytest.mark.parametrize("what", PAYLOADS)
def test_an_evidence_row_of_another_form_is_a_finding_and_no_fault_of_ours(folder: Path, what: str) -> None:
    append_raw(folder, "evidence", json.dumps(PAYLOADS[what]))
    verdict = verify(folder)
    assert not verdict.good
    assert verdict.wrong_row == 5
    assert "fault of vpce-tui" not in verdict.problem


@pytest.mark.parametrize("kind", [kind.value for kind in RowKind])
@pytest.mark.parametrize(
    "payload",
    [
        "[",
        "[" * 100_000,
        "7",
        '{"step": ["x"]}',
        '{"whole": [1]}',
        '{"whole": {"playbook": 1}}',
        '{"step": "s", "calls": 7}',
    ],
)
def test_no_row_is_an_internal_error_for_the_state(folder: Path, kind: str, payload: str) -> None:
    append_raw(folder, kind, payload)
    verify(folder)
    with Journal.open(folder, "reader", write=False) as journal, suppress(RecordError):
        replay(journal.rows())


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (RowKind.CHECK, {"call": "a", "found": "failed"}),
        (RowKind.CHECK, {"call": "a", "found": "undone"}),
        (RowKind.CHECK, {"call": "a", "found": "intended"}),
        (RowKind.CHECK, {"verification": "proved", "saw": ""}),
        (RowKind.NOTE, {"decision": "by hand", "text": ""}),
        (RowKind.NOTE, {"text": "x", "txet": "y"}),
        (RowKind.RESULT, {"call": "a", "ok": "yes"}),
        (RowKind.EVIDENCE, {"evidence": "a", "sha256": "0" * 64, "size": "7"}),
    ],
    ids=str,
)
def test_a_state_that_no_version_of_ours_writes_is_damage(folder: Path, kind: RowKind, data: dict[str, str]) -> None:
    append_raw(folder, kind.value, json.dumps({"step": "p/t/s", **data}))
    with Journal.open(folder, "reader", write=False) as journal, pytest.raises(RecordError, match="damaged"):
        journal.record()


def test_an_evidence_file_that_is_a_link_or_a_pipe_is_found_and_not_waited_for(folder: Path) -> None:
    (kept,) = (folder / "evidence").iterdir()
    data = kept.read_bytes()
    other = folder / "elsewhere"
    other.write_bytes(data)
    for make in (lambda: kept.symlink_to(other), lambda: os.mkfifo(kept)):
        kept.unlink()
        make()
        verdict = verify(folder)
        assert not verdict.good
        assert "is a link, or not a file" in verdict.problem
        assert evidence.kept(folder, kept.name) is None


def test_rows_that_are_out_of_order_in_the_file_end_the_reading(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file damaged so that SQLite gives rows again and again."""
    monkeypatch.setattr(
        "vpce_tui.incident.row_reader.ROWS",
        "SELECT seq,time,operator,kind,payload,previous,hash FROM journal WHERE seq > ?1 - 2 ORDER BY seq LIMIT ?2",
    )
    monkeypatch.setattr("vpce_tui.incident.row_reader._AT_ONCE", 2)
    verdict = verify(folder)
    assert not verdict.good
    assert "damaged" in verdict.problem


def test_a_wrong_head_is_not_verified_from_the_first_word_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VPCE_TUI_STATE", str(folder.parent.parent))
    assert main.main(["verify", "case", "--expect-head", "0" * 64]) == 1
    said = capsys.readouterr().out
    assert said.startswith("NOT VERIFIED")
    assert "verified:" not in said
    head = verify(folder).head
    assert main.main(["verify", "case", "--expect-head", head]) == 0
    assert capsys.readouterr().out.startswith("verified: 4 rows")
    with Journal.open(folder, "ann") as journal:
        journal.append(NoteWritten(text="more"))
    assert main.main(["verify", "case", "--expect-head", head]) == 0
    assert "that of row 4" in capsys.readouterr().out
    assert main.main(["verify", "case", "--expect-head", GENESIS]) == 1
    assert main.main(["verify", "case", "--expect-head", "0000"]) == 2, "a slip of the finger accuses nobody"


def test_a_forged_record_is_a_sentence_on_every_command(aws: Aws) -> None:
    with Journal.open(aws.incident(), "ann", create=True) as journal:
        journal.append(IncidentOpened(name="case", account="123456789012"))
    script(aws.incident(), HIDING)
    for words in (("verify", "case"), ("incidents",), ("evidence", "case"), ("close", "case", "--yes")):
        code, said = aws.run(*words)
        assert "not written by vpce-tui" in said, words
        assert "fault of vpce-tui itself" not in said
        assert (code == 0) == (words[0] == "incidents")


# -- what a schema lists twice, rows before the first, numbers that are none


def hidden_trigger(folder: Path) -> None:
    """The same index listed over and over, and behind it a trigger that drops what is written."""
    db = sqlite3.connect(folder / "journal.db", isolation_level=None)
    (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_journal_1'").fetchone()
    db.execute("PRAGMA writable_schema = ON")
    for _ in range(120):
        db.execute(
            "INSERT INTO sqlite_master VALUES ('index', 'sqlite_autoindex_journal_1', 'journal', ?, NULL)", (root,)
        )
    drop = "CREATE TRIGGER zz BEFORE INSERT ON journal WHEN NEW.kind <> 'note' BEGIN SELECT RAISE(IGNORE); END"
    db.execute("INSERT INTO sqlite_master VALUES ('trigger', 'zz', 'journal', 0, ?)", (drop,))
    db.close()


def test_a_trigger_behind_a_schema_that_repeats_itself_is_seen(folder: Path) -> None:
    hidden_trigger(folder)
    assert not verify(folder).good
    for write in (False, True):
        with pytest.raises(NotAJournal):
            Journal.open(folder, "somebody", write=write)


def test_a_row_that_was_not_kept_is_no_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second line of defence: whatever made SQLite drop it, no permit comes of it."""
    hidden_trigger(folder)
    for name in ("foreign", "lacking"):
        monkeypatch.setattr(f"vpce_tui.incident.journal.{name}", lambda _: "")
    with Journal.open(folder, "somebody") as journal, pytest.raises(RecordError, match="lost a row"):
        journal.append(RunApproved(step="p/t/s"))


def test_rows_before_the_first_are_found(folder: Path) -> None:
    db = sqlite3.connect(folder / "journal.db", isolation_level=None)
    (guard,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'journal_in_order'").fetchone()
    db.execute("DROP TRIGGER journal_in_order")
    for seq in (-5, 0):
        db.execute("INSERT INTO journal VALUES (?, 't', 'o', 'note', '{}', 'p', ?)", (seq, f"h{seq}"))
    db.execute(guard)
    db.close()
    assert not verify(folder).good


ODD = {
    "a number without end": ("result", '{"step": "p/t/s", "call": "c", "ok": true, "seconds": ' + "9" * 400 + "}"),
    "a list for what it gave": ("result", '{"step": "p/t/s", "call": "c", "ok": true, "gave": [1]}'),
    "a list within undoes": (
        "plan",
        '{"step": "p/t/s", "plan": {"calls": [], "undo": [{"id": "u", "undoes": [["x"]]}]}}',
    ),
    "a plan of nothing": ("plan", '{"step": "p/t/s", "plan": {}}'),
    "a plan that is a number": ("plan", '{"step": "p/t/s", "plan": 7}'),
    "choices that are a number": ("plan", '{"step": "p/t/s", "plan": {"calls": [], "undo": [], "choices": 7}}'),
}


@pytest.mark.parametrize("what", ODD)
def test_a_row_of_odd_values_is_a_sentence_and_the_other_records_are_listed(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(folder.parent / "other", "ann", create=True) as journal:
        journal.append(IncidentOpened(name="other", account="123456789012"))
    intent = {"step": "p/t/s", "calls": [{"id": "c", "service": "ec2", "operation": "x", "parameters": {}}]}
    append_raw(folder, "intent", json.dumps(intent))
    append_raw(folder, *ODD[what])
    monkeypatch.setenv("VPCE_TUI_STATE", str(folder.parent.parent))
    main.main(["incidents"])
    main.main(["evidence", "case"])
    said = capsys.readouterr()
    assert "fault of vpce-tui itself" not in said.out + said.err
    assert "other" in said.out


def test_evidence_larger_than_any_is_not_read(folder: Path) -> None:
    (kept,) = (folder / "evidence").iterdir()
    with open(kept, "wb") as file:
        file.truncate(8 << 40)
    append_raw(folder, "evidence", json.dumps({"step": "p/t/s", "evidence": "x", "sha256": kept.name, "size": 8 << 40}))
    assert evidence.kept(folder, kept.name) is None
    assert not verify(folder).good


# -- a record that makes undo do something else


def held(aws: Aws) -> str:
    """An incident in which the instance is protected; the journal's key of the step."""
    plan = str(aws.folder / "plan.json")
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", "eu-west-1", "--out", plan)[0] == 0
    assert aws.run("apply", plan, "--incident", "case", "--yes", "--wait", "3", "--step", "protect")[0] == 0
    return f"terminate-instance/{aws.victim}/protect"


def test_undo_makes_only_calls_of_the_kind_that_the_step_makes(aws: Aws) -> None:
    key = held(aws)
    with Journal.open(aws.incident(), "reader", write=False) as journal:
        planned = dict(replay(journal.rows()).step(key).planned)
    in_effect = planned["undo"][0]
    extra = {
        "id": "more",
        "service": "iam",
        "operation": "AttachUserPolicy",
        "region": "us-east-1",
        "why": in_effect["why"],
        "undoes": in_effect["undoes"],
        "parameters": {"UserName": "bob", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    }
    planned["undo"] = [*planned["undo"], extra]
    append_raw(
        aws.incident(), "plan", json.dumps({"step": key, "plan": planned}, sort_keys=True, separators=(",", ":"))
    )
    assert aws.run("verify", "case")[0] == 0
    before = len(aws.writes())
    code, said = aws.run("undo", "protect", "--incident", "case", "--yes", "--wait", "1")
    assert code == 1, said
    assert "not valid for that step" in said
    assert len(aws.writes()) == before


def test_undo_shows_every_call_with_its_parameters(aws: Aws) -> None:
    held(aws)
    _, said = aws.run("undo", "protect", "--incident", "case", "--yes", "--wait", "3")
    assert (
        f'ec2:ModifyInstanceAttribute in eu-west-1 {{"DisableApiTermination": {{"Value": false}}, "InstanceId": "{aws.victim}"}}'
        in said
    )


def test_a_long_incident_does_not_use_the_bound_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is of one statement: a record that is read all day goes on being read."""
    monkeypatch.setattr("vpce_tui.incident.journal_schema._STEPS", 10)
    clock = itertools.count()
    monkeypatch.setattr("vpce_tui.incident.journal_schema.monotonic", lambda: next(clock) / 100)
    with Journal.open(folder, "ann") as journal:
        for _ in range(300):
            assert len(list(journal.rows())) >= 4
        journal.append(NoteWritten(text="x"))
    assert next(clock) / 100 > 10, "all of it together takes longer than one statement may"


MANY = """
import json
from vpce_tui.incident.rows import JournalRow
from vpce_tui.incident.record import replay

def rows(count):
    for at in range(1, count + 1):
        call = {"id": f"x{at // 2}", "service": "s", "operation": "o", "region": "r", "parameters": {}, "fingerprint": "f"}
        undo = {**call, "id": f"u{at // 2}", "undoes": [call["id"]]}
        plan = {"id": "c", "title": "t", "kind": "change", "calls": [call], "undo": [undo]}
        kind, data = ("plan", {"step": "a/b/c", "plan": plan}) if at % 2 else ("intent", {"step": "a/b/c", "calls": [call]})
        yield JournalRow(at, "2026-01-01T00:00:00.000000Z", "o", kind, json.dumps(data), "", f"h{at}")

print(len(replay(rows(20_000)).steps))
"""


def test_a_record_of_many_rows_is_read_in_bounded_time() -> None:
    """With a cost that grows by the square of the rows this takes minutes; a process that may use one does it."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (30, 30))

    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=False, preexec_fn=limited)
    assert done.stdout == "1\n", (done.returncode, done.stderr[-300:])
