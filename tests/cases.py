"""Every playbook on every kind of target the story has: the cases that the playbook tests walk."""

import json
import os
from collections import Counter
from dataclasses import dataclass

from tests.conftest import HOME, Aws


@dataclass(frozen=True)
class Case:
    """A playbook on one target of the story. ``target``: a key of the story's facts; ``sets``: answers."""

    name: str
    playbook: str
    target: str
    sets: tuple[str, ...] = ()
    region: str = HOME
    deep: bool = False
    """Whether it is also faulted and killed at each call, and its scripts are run: of ``terminate-instance`` always, of the
    others where ``EVERY_CASE=1`` is set, as the suite must end within minutes."""
    scripted: bool = False
    """Whether its scripts are run all the same."""

    def target_in(self, aws: Aws) -> str:
        return str(aws.facts["endpoint_ids"].get(self.target) or aws.facts.get(self.target, self.target))

    @property
    def options(self) -> list[str]:
        return [word for item in self.sets for word in ("--set", item)]


CASES = (
    Case("revoke-credentials-user", "revoke-credentials", "intruder_user_key", deep=True),
    Case("revoke-credentials-role", "revoke-credentials", "role/web-app", ("quarantine.deny=yes",)),
    Case("terminate-instance", "terminate-instance", "victim", deep=True),
    Case("contain-endpoint-foreign", "contain-endpoint", "intruder_exit", scripted=True),
    Case("contain-endpoint-gateway", "contain-endpoint", "intruder_s3"),
    Case("contain-endpoint-interface", "contain-endpoint", "pipeline_sts", ("policy.mode=deny-all",)),
    Case(
        "contain-endpoint-that-stays", "contain-endpoint", "bob",
        ("policy.mode=own-organisation", "network.mode=narrow", "encryption.monitor=yes", "flow-logs.role=new"),
        "us-east-1", deep=True,
    ),
)  # fmt: skip


def planned(aws: Aws, case: Case, *more: str) -> dict:
    """The case's plan, made and kept as ``plan.json``."""
    path = aws.folder / "plan.json"
    code, said = aws.run("plan", case.playbook, case.target_in(aws), "--out", str(path), *case.options, *more)
    assert code == 0, said
    found: dict = json.loads(path.read_text())
    return found


def apply(
    aws: Aws, case: Case, *more: str, kill_new: list[str] | None = None, incident: str = "case"
) -> tuple[int | None, str]:
    """Run the case's plan."""
    words = ["apply", str(aws.folder / "plan.json"), "--incident", incident, "--yes", "--wait", "3"]
    return aws.run(*words, "--confirm", case.target_in(aws), *more, kill_new=kill_new)


def reversible(plan: dict) -> list[str]:
    """The steps that can be undone, as words for ``apply``."""
    return [
        word
        for step in plan["steps"]
        if step["kind"] == "change" and step["reversible"] and not step["blocked"]
        for word in ("--step", step["id"])
    ]


def effects(aws: Aws) -> Counter[str]:
    """The writes that took effect, by operation."""
    return Counter(name for name, _ in aws.writes())


EVERY_CASE = bool(os.environ.get("EVERY_CASE"))
DEEP = tuple(case for case in CASES if case.deep and (EVERY_CASE or case.playbook == "terminate-instance"))
SCRIPTED = tuple(case for case in CASES if case in DEEP or case.scripted or EVERY_CASE)
