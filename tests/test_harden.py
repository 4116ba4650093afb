"""Playbook harden-account: what goes wrong on the way to encrypted volumes, and what is in the way of recording."""

import json
from typing import Any

from tests.cases import shown
from tests.conftest import HOME, Aws, Labs
from tests.emulated_aws import clients, dump
from vpce_tui.aws.client import Cancel
from vpce_tui.engine import Engine
from vpce_tui.engine.outcome import Approval, Ended, Progress, WaitPolicy
from vpce_tui.incident.journal import Journal
from vpce_tui.incident.rows import IncidentOpened
from vpce_tui.playbooks.plan_reader import read as read_plan


def plan(aws: Aws, *sets: str) -> dict[str, Any]:
    """The plan's steps by id."""
    path = aws.folder / "plan.json"
    words = [word for item in sets for word in ("--set", item)]
    words += ["--incident", "case"] if aws.incident().exists() else []
    code, said = aws.run("plan", "harden-account", aws.facts["account"], "--region", HOME, "--out", str(path), *words)
    assert code == 0, said
    return {step["id"]: step for step in json.loads(path.read_text())["steps"]}


def apply(aws: Aws, step: str) -> tuple[int | None, str]:
    path = str(aws.folder / "plan.json")
    words = ("--incident", "case", "--yes", "--wait", "3", "--step", "overview", "--step", step)
    return aws.run("apply", path, *words)


def undo(aws: Aws, step: str) -> tuple[int | None, str]:
    return aws.run("undo", "--incident", "case", step, "--yes", "--wait", "3")


def moved(aws: Aws) -> tuple[str, str, str]:
    """The database's volume moved to an encrypted one; gives instance, old volume, new volume."""
    old, instance_id = aws.facts["database_disk"], aws.facts["database"]
    plan(aws, f"volumes.volumes={old}", f"overview.regions={HOME}")
    code, said = apply(aws, "volumes")
    assert code == 0, said
    (now,) = _disks(aws, instance_id)
    assert now["Encrypted"]
    return instance_id, old.rpartition("/")[2], now["VolumeId"]


def _disks(aws: Aws, instance_id: str) -> list[dict[str, Any]]:
    by_instance = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
    return list(clients(aws)("ec2").describe_volumes(Filters=by_instance)["Volumes"])


def _state(aws: Aws, instance_id: str) -> str:
    found = clients(aws)("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return str(found["State"]["Name"])


def test_undo_keeps_the_encrypted_disk_as_what_was_written_since_is_on_it_alone(aws: Aws) -> None:
    instance_id, old, new = moved(aws)
    code, said = undo(aws, "volumes")
    assert code == 0, said
    assert [disk["VolumeId"] for disk in _disks(aws, instance_id)] == [old]
    (kept,) = clients(aws)("ec2").describe_volumes(VolumeIds=[new])["Volumes"]
    assert {"Key": "vpce-tui:kept-after-undo", "Value": old} in kept["Tags"]
    plan(aws, f"volumes.volumes={aws.facts['database_disk']}", f"overview.regions={HOME}")
    code, said = apply(aws, "volumes")
    assert code == 0, said
    (again,) = _disks(aws, instance_id)
    assert again["VolumeId"] not in (old, new), "after an undo it is copied anew"


def test_a_disk_of_before_that_is_used_elsewhere_leaves_the_machine_as_it_is(aws: Aws) -> None:
    instance_id, old, new = moved(aws)
    ec2 = clients(aws)("ec2")
    ec2.attach_volume(VolumeId=old, InstanceId=aws.victim, Device="/dev/sdz")
    start = len(aws.writes())
    _, said = undo(aws, "volumes")
    assert f"{old}, the earlier volume, is attached to {aws.victim}" in said
    assert aws.writes()[start:] == []
    assert [disk["VolumeId"] for disk in _disks(aws, instance_id)] == [new]
    assert _state(aws, instance_id) == "running"


def test_a_copy_that_is_older_than_what_the_machine_wrote_since_is_never_swapped_in(labs: Labs) -> None:
    aws = labs.new("http500@CreateVolume:9")
    disk, instance_id = aws.facts["database_disk"], aws.facts["database"]
    before = dump(aws)
    plan(aws, f"volumes.volumes={disk}", f"overview.regions={HOME}")
    code, said = apply(aws, "volumes")
    assert code != 0, said
    assert _state(aws, instance_id) == "stopped"
    clients(aws)("ec2").start_instances(InstanceIds=[instance_id])  # on-call brings it back, and it writes
    code, said = apply(aws, "volumes")
    assert code != 0
    assert "was started after" in said
    step = plan(aws, f"volumes.volumes={disk}", f"overview.regions={HOME}")["volumes"]
    assert "was started after" in step["blocked"][0]["says"]
    assert [found["VolumeId"] for found in _disks(aws, instance_id)] == [disk.rpartition("/")[2]]
    code, said = undo(aws, "volumes")
    assert code == 0, said
    assert dump(aws) == before


def test_a_machine_that_somebody_starts_meanwhile_keeps_its_disk(aws: Aws) -> None:
    disk, instance_id = aws.facts["database_disk"], aws.facts["database"]
    ec2 = clients(aws)("ec2")
    ec2.stop_instances(InstanceIds=[instance_id])
    step = plan(aws, f"volumes.volumes={disk}", f"overview.regions={HOME}")["volumes"]
    ids = [call["id"] for call in step["calls"]]
    safe = ids.index(f"detach-{disk.rpartition('/')[2]}-safe")
    assert ids[safe + 1] == f"detach-{disk.rpartition('/')[2]}"
    assert not any(call["operation"] == "StartInstances" for call in step["calls"]), "it was stopped before"
    ec2.start_instances(InstanceIds=[instance_id])
    start = len(aws.tried())
    code, said = apply(aws, "volumes")
    assert code != 0, said
    assert aws.tried()[start:] == []


def test_a_key_that_does_not_exist_and_a_machine_of_a_group_are_blocked_with_what_to_do(aws: Aws) -> None:
    step = plan(
        aws, f"volumes.volumes={aws.facts['database_disk']}", f"overview.regions={HOME}", "volumes.key=alias/none"
    )
    (blocked,) = step["volumes"]["blocked"]
    assert "there is no key alias/none" in blocked["says"]
    assert blocked["remedy"]


def test_a_region_that_may_not_be_read_is_a_gap_and_is_named(labs: Labs) -> None:
    aws = labs.new("denied@DescribeVolumes%eu-central-1:99")
    step = plan(aws, f"overview.regions={HOME},eu-central-1")["volumes"]
    said = json.dumps(step, ensure_ascii=False)
    assert "eu-central-1" in said
    assert "ec2:DescribeVolumes" in said


def test_a_trail_that_an_intruder_blinded_is_not_taken_for_a_good_one(aws: Aws) -> None:
    home = clients(aws, "us-east-1")
    home("s3").create_bucket(Bucket="team-trail")
    home("cloudtrail").create_trail(
        Name="team", S3BucketName="team-trail", IsMultiRegionTrail=True, EnableLogFileValidation=True
    )
    home("cloudtrail").start_logging(Name="team")
    words = (f"overview.regions={HOME}", "trail.trail=team")
    assert any("nothing to do" in note for note in shown(plan(aws, *words)["trail"]))
    blinded = [{"ReadWriteType": "All", "IncludeManagementEvents": False, "DataResources": []}]
    home("cloudtrail").put_event_selectors(TrailName="team", EventSelectors=blinded)
    step = plan(aws, *words)["trail"]
    assert "no management events are recorded" in step["blocked"][0]["says"]
    assert plan(aws, f"overview.regions={HOME}")["trail"]["choices"]["trail"] == "new"


def test_escape_ends_after_the_present_machine_is_recorded_and_the_rest_is_done_later(aws: Aws) -> None:
    instance_id, loose = aws.facts["database"], aws.facts["loose_disk"]
    plan(aws, f"volumes.volumes={aws.facts['database_disk']},{loose}", f"overview.regions={HOME}")
    made = read_plan((aws.folder / "plan.json").read_text())
    session, cancel = aws.session(), Cancel()
    identity = session.identity()

    def stop(progress: Progress) -> None:
        if progress.call.startswith("snapshot-") and not cancel.stopped:
            cancel.stop()

    with Journal.open(aws.incident(), identity.arn, create=True) as journal:
        journal.append(IncidentOpened(account=identity.account))
        session.gate.open_incident(journal)
        engine = Engine(
            session,
            journal,
            made,
            wait_policy=WaitPolicy(call_outcome=(), verification=(0.1,), condition=(0.1,) * 20),
            cancel=cancel,
            on_progress=stop,
        )
        outcome = engine.run("volumes", Approval("test"))
        assert outcome.ended is Ended.STOPPED, outcome
        assert any("stopped by the operator" in str(row.content) for row in journal.rows())

    encrypted = [disk["Encrypted"] for disk in _disks(aws, instance_id)]
    copied = [name for name, words in aws.writes() if name == "ec2:CreateSnapshot"]
    assert len(copied) == 1, "the other one was not begun"
    assert encrypted in ([True], [False])
    assert _state(aws, instance_id) == "running", "an instance is never left half done by Escape"
    code, said = apply(aws, "volumes")
    assert code == 0, said
    assert [disk["Encrypted"] for disk in _disks(aws, instance_id)] == [True]
