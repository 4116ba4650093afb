"""The record: append-only, chained, private, one writer, no secrets, clear errors."""

import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import HOME, Aws
from tests.emulated_aws import clients
from vpce_tui.aws.call import Call
from vpce_tui.incident import evidence, redaction
from vpce_tui.incident.durable_files import ensure_room
from vpce_tui.incident.incident_store import incident_folder
from vpce_tui.incident.integrity import verify
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.record_errors import BadName, DiskFull, NewerRecord, ReadOnlyRecord
from vpce_tui.incident.rows import (
    CallResult,
    ErrorRecorded,
    IncidentOpened,
    NoteWritten,
    StepPlan,
    StepVerification,
)
from vpce_tui.incident.states import VerificationState

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjECwaCXVzLWVhc3QtMSJGMEQCIBxqGB94lob6KrCdvS338BkpGV8" * 2
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAsecretsecret\n-----END RSA PRIVATE KEY-----"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "incidents" / "case-1"


@pytest.fixture
def journal(folder: Path) -> Any:
    with Journal.open(folder, "arn:aws:sts::1:assumed-role/R/alice", create=True) as made:
        made.append(IncidentOpened(name="case-1", account="123456789012"))
        yield made


def test_files_are_private(journal: Journal) -> None:
    evidence.store(journal, "p/t/s", "console", b"boot")
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    for path in journal.folder.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_it_is_wal_and_synced_in_full(journal: Journal) -> None:
    assert journal._db is not None
    assert journal._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert journal._db.execute("PRAGMA synchronous").fetchone()[0] == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET payload='{}' WHERE seq=1",
        "DELETE FROM journal WHERE seq=1",
        "INSERT OR REPLACE INTO journal VALUES (1,'t','o','note','{}','p','h')",
        "INSERT INTO journal VALUES (9,'t','o','note','{}','p','h')",
    ],
)
def test_rows_cannot_be_changed_deleted_or_put_in_between(journal: Journal, statement: str) -> None:
    assert journal._db is not None
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        journal._db.execute(statement)


def test_a_good_record_verifies_and_gives_its_head(journal: Journal) -> None:
    evidence.store(journal, "p/t/s", "console", b"boot")
    verdict = verify(journal.folder)
    assert verdict.good
    assert (verdict.rows, verdict.evidence, verdict.head) == (2, 1, journal.head)


@pytest.mark.parametrize("column", ["time", "operator", "kind", "payload", "previous", "hash"])
def test_any_changed_column_is_found(journal: Journal, column: str) -> None:
    for number in range(4):
        journal.append(NoteWritten(text=f"note {number}"))
    journal.close()
    db = sqlite3.connect(journal.folder / "journal.db")
    db.execute("DROP TRIGGER journal_no_update")
    db.execute(
        f"UPDATE journal SET {column} = ? WHERE seq = 3",
        ("0" * 64 if column in ("previous", "hash") else '{"text":"x"}',),
    )
    db.commit()
    db.close()
    verdict = verify(journal.folder)
    assert not verdict.good
    assert verdict.wrong_row == 3


def test_a_removed_row_is_found(journal: Journal) -> None:
    journal.append(NoteWritten(text="one"))
    journal.append(NoteWritten(text="two"))
    journal.close()
    db = sqlite3.connect(journal.folder / "journal.db")
    db.execute("DROP TRIGGER journal_no_delete")
    db.execute("DELETE FROM journal WHERE seq = 2")
    db.commit()
    db.close()
    assert verify(journal.folder).wrong_row == 3


@pytest.mark.parametrize("how", ["changed", "longer", "gone"])
def test_changed_evidence_is_found(journal: Journal, how: str) -> None:
    kept = evidence.store(journal, "p/t/s", "console", b"boot")
    path = journal.folder / "evidence" / kept.sha256
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"BOOT" if how == "changed" else b"boot and more")
    verdict = verify(journal.folder)
    assert not verdict.good
    assert kept.sha256 in verdict.problem


def test_names_from_aws_are_never_paths(journal: Journal) -> None:
    kept = evidence.store(journal, "p/t/s", "../../../../tmp/evil\x00", {"a": 1})
    assert (journal.folder / "evidence" / kept.sha256).is_file()
    for name in ("../escape", "a/b", "", ".hidden", "x" * 64, "a b", "case\n"):
        with pytest.raises(BadName):
            incident_folder(name)
    with pytest.raises(BadName):
        incident_folder(KEY_ID)


def test_the_second_process_reads_and_says_who_holds_it(journal: Journal, folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from vpce_tui.incident.journal import Journal\n"
        "j = Journal.open(Path(sys.argv[1]), 'bob'); print(j.writable, '|', j.holder, '|', len(list(j.rows())))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("False | ")
    assert "alice" in said
    assert f"process {os.getpid()}" in said


def test_the_lock_dies_with_its_holder(folder: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from vpce_tui.incident.journal import Journal\n"
        "from vpce_tui.incident.rows import IncidentOpened\n"
        "j = Journal.open(Path(sys.argv[1]), 'bob', create=True); j.append(IncidentOpened()); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(folder)], check=False).returncode == -9
    with Journal.open(folder, "alice") as mine:
        assert mine.writable
        assert len(list(mine.rows())) == 1


def test_a_newer_format_is_left_untouched(journal: Journal, folder: Path) -> None:
    journal.close()
    db = sqlite3.connect(folder / "journal.db")
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    with pytest.raises(NewerRecord, match="newer vpce-tui"):
        Journal.open(folder, "alice")
    with pytest.raises(NewerRecord):
        verify(folder)


def test_a_full_disk_is_said_before_anything_is_begun(journal: Journal) -> None:
    with pytest.raises(DiskFull, match="Nothing was started"):
        ensure_room(journal.folder, needed=1 << 60)


def test_a_disk_that_fills_up_gives_no_permit_and_loses_no_row(folder: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from vpce_tui.aws.call import Call
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentOpened
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
j = Journal.open(Path(sys.argv[1]), 'bob', create=True)
j.append(IncidentOpened())
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    for n in range(500):
        j.intend('s', {'c': Call('ec2', 'StopInstances', 'r', {'InstanceIds': ['i-%d' % n] * 50})}, '1')
except RecordError as error:
    print(type(error).__name__, error)
"""
    said = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("DiskFull"), said.stdout + said.stderr
    assert verify(folder).good
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_evidence_on_a_full_disk_leaves_no_half_file(folder: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
from vpce_tui.incident import evidence
from vpce_tui.incident.record_errors import RecordError
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentOpened
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
j = Journal.open(Path(sys.argv[1]), 'bob', create=True)
j.append(IncidentOpened())
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    evidence.store(j, 's', 'big', b'x' * 200_000)
except RecordError as error:
    print(type(error).__name__)
print(list((j.folder / 'evidence').iterdir()))
"""
    said = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    ).stdout
    assert said.splitlines() == ["DiskFull", "[]"]


def test_a_read_only_journal_appends_nothing(journal: Journal, folder: Path) -> None:
    with Journal.open(folder, "x", write=False) as reader, pytest.raises(ReadOnlyRecord):
        reader.append(NoteWritten(text="x"))


# -- secrets


@pytest.mark.parametrize("planted", [KEY_ID, SECRET, SESSION_TOKEN, PEM.split("\n")[1]])
@pytest.mark.parametrize(
    "wrap",
    [
        "{}",
        "it said {} twice: {}",
        "aws_secret_access_key = {}",
        '{{"SecretAccessKey": "{}"}}',
        "Authorization: {}\n",
        "({})",
    ],
)
def test_a_planted_secret_in_free_text_is_taken_out(planted: str, wrap: str) -> None:
    text = wrap.replace("{}", PEM if planted in PEM else planted).replace("{{", "{").replace("}}", "}")
    assert planted not in redaction.text(text)


@pytest.mark.parametrize("planted", [KEY_ID, SECRET, SESSION_TOKEN])
def test_planted_secrets_never_reach_the_journal(journal: Journal, planted: str) -> None:
    journal.append(NoteWritten(text=f"found {planted}"))
    journal.append(ErrorRecorded(step="p/t/s", error=f"AccessDenied: key {planted} was refused"))
    journal.append(CallResult(step="p/t/s", call="c", ok=True, gave={"X": planted}))
    journal.append(StepPlan(step="p/t/s", plan={"changes": [f"tag {planted}"], "affects": [{"says": planted}]}))
    journal.append(
        StepVerification(step="p/t/s", verification=VerificationState.VERIFIED, saw=f"user data: export K={planted}")
    )
    journal.close()
    for path in journal.folder.glob("journal.db*"):
        assert planted.encode() not in path.read_bytes()


def test_secrets_by_key_are_taken_out_whatever_they_look_like() -> None:
    seen = redaction.payload(
        {"SecretAccessKey": "short", "nested": [{"Password": "p"}, {"UserData": "abc"}], "AccessKeyId": KEY_ID}
    )
    assert "short" not in str(seen)
    assert "'p'" not in str(seen)
    assert "abc" not in str(seen)


def test_names_and_ids_are_never_touched_so_that_the_inverse_is_exact() -> None:
    parameters = {
        "RoleName": "A" * 20 + "b1" * 10,
        "InstanceId": "i-0123456789abcdef0",
        "Groups": ["sg-1"],
        "PolicyName": "token: abcdefgh",
    }
    assert not redaction.holds_secret(parameters)
    assert redaction.payload(parameters) == parameters


def test_our_own_policies_are_no_secrets() -> None:
    document = '{"Statement":[{"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-31T02:14:05Z"}}}]}'
    assert not redaction.holds_secret({"PolicyDocument": document})


@given(st.text(max_size=200))
def test_redaction_is_settled_after_one_pass(text: str) -> None:
    assert redaction.text(redaction.text(text)) == redaction.text(text)


def test_a_whole_run_over_planted_secrets_leaves_none_in_the_journal(aws: Aws) -> None:
    """Planted in tags, names, user data and policies of the instance; only the evidence files may hold them."""
    ec2, iam = clients(aws)("ec2"), clients(aws)("iam")
    ec2.create_tags(
        Resources=[aws.victim],
        Tags=[{"Key": "Name", "Value": f"web {KEY_ID} {SECRET}"}, {"Key": SECRET, "Value": KEY_ID}],
    )
    iam.put_role_policy(
        RoleName="web-app",
        PolicyName="leak",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "x",
                        "Effect": "Allow",
                        "Action": "s3:*",
                        "Resource": f"arn:aws:s3:::{SECRET.lower()}",
                        "Condition": {"StringEquals": {"aws:x": SECRET}},
                    }
                ],
            }
        ),
    )
    path = str(aws.folder / "plan.json")
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--out", path)[0] == 0
    code, said = aws.run(
        "apply",
        path,
        "--incident",
        "case",
        "--yes",
        "--confirm",
        aws.victim,
        "--wait",
        "3",
        "--reason",
        f"key {KEY_ID}/{SECRET}",
    )
    assert code == 0, said
    journal = b"".join(item.read_bytes() for item in aws.incident().glob("journal.db*"))
    own_secret = aws.zygote.keys[1]
    for planted in (KEY_ID, SECRET, "correct-horse-battery-staple", own_secret, aws.zygote.keys[2]):
        assert planted.encode() not in journal
        assert planted not in said
    assert own_secret.encode() not in b"".join(item.read_bytes() for item in (aws.incident() / "evidence").iterdir())


def test_an_intent_holds_the_call_exactly(journal: Journal) -> None:
    call = Call(
        service="ec2",
        operation="ModifyNetworkInterfaceAttribute",
        region="r",
        parameters={"NetworkInterfaceId": "eni-1", "Groups": ["sg-1", "sg-2"]},
    )
    journal.intend("p/t/s", {"x": call}, "123456789012")
    row = list(journal.rows())[-1]
    assert row.content.calls[0].parameters == call.parameters
    assert row.content.calls[0].fingerprint == call.fingerprint("123456789012")


def test_a_file_system_that_cannot_be_written_is_said_with_what_to_do(aws: Aws) -> None:
    import errno

    from vpce_tui.incident.durable_files import record_error_from

    assert "read-only" in str(record_error_from(OSError(errno.EROFS, "Read-only file system"), Path("/x")))
    path = aws.folder / "plan.json"
    assert aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--out", str(path))[0] == 0
    code, said = aws.run("apply", str(path), "--incident", "case", "--yes", env={"VPCE_TUI_STATE": "/proc/nowhere"})
    assert code == 1
    assert "cannot write /proc" in said
    assert "Traceback" not in said
    assert aws.writes() == []
    code, said = aws.run("plan", "terminate-instance", aws.victim, "--region", HOME, "--out", "/proc/plan.json")
    assert code == 1
    assert "/proc/plan.json" in said


# -- the record, folded once
