"""Every scenario of the lab, judged and scored against its truth: the table in detection/README.md."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.test_documents import generated
from vpce_tui.detection import endpoint, instance
from vpce_tui.detection.signals import Severity
from vpce_tui.lab.scenarios import scenarios

README = Path(__file__).parent.parent / "README.md"

IN_NO_SCENARIO = {
    "VPCE-25": "flow logs are asked only when the operator wants it, as the question is billed: test_app asks them in stolen-role",
    "VPCE-26": "event history cannot be searched for calls through an endpoint, and holds no network activity events: only files show them",
    "INST-13": "flow logs, as VPCE-25",
    "INST-14": "flow logs, as VPCE-25",
}


def assessed() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.scenarios"], capture_output=True, text=True, check=False, cwd=README.parent
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def row(scenario: str, truth: dict[str, Any], said: dict[str, Any]) -> str:
    so = {True: "bad", False: "harmless", None: "touched"}[truth["bad"]]
    against = [signal["id"] for signal in said["signals"] if signal["severity"] != "low" and not signal["mitigating"]]
    return f"| {scenario} | {truth['what']} | {so} | {said['severity']} | {', '.join(against) or '–'} |"


def test_every_planted_bad_thing_is_found_for_the_right_reasons_and_every_harmless_one_is_not() -> None:
    found = assessed()
    assert set(found) == set(scenarios())
    rows, wrong, raised = [], [], set()
    for name, result in found.items():
        for said in result["subjects"].values():
            raised |= {signal["id"] for signal in said["signals"]}
        for truth in result["truth"]:
            said = result["subjects"][truth["id"]]
            severity = Severity[said["severity"].upper()]
            reasons = {signal["id"] for signal in said["signals"]}
            if truth["bad"] and (severity < Severity.HIGH or not set(truth["reasons"]) <= reasons):
                wrong.append(f"{name}: {truth['what']} is bad, and judged {said['severity']} for {sorted(reasons)}")
            if truth["bad"] is False and severity > Severity.LOW:
                wrong.append(
                    f"{name}: {truth['what']} is harmless, and judged {said['severity']} for {sorted(reasons)}"
                )
            if truth["bad"] is None and not set(truth["reasons"]) <= reasons:
                wrong.append(f"{name}: {truth['what']}: {sorted(reasons)}")
            rows.append(row(name, truth, said))
        if not any(truth["bad"] for truth in result["truth"]):
            loud = {
                key: said["severity"]
                for key, said in result["subjects"].items()
                if said["severity"] not in ("info", "low")
            }
            assert not loud, f"{name}: a night in which everything is harmless has nothing to look at"
        gaps = set(result["gaps"])
        assert gaps <= set(result["failed"]) if gaps else not result["failed"], "what cannot be looked at is said"
        assert (result["events"], result["instances"]) == ((3, 3) if gaps else (0, 0))
    table = "\n".join(
        ["| scenario | what | truth | verdict | because (medium and above) |", "| --- | --- | --- | --- | --- |", *rows]
    )
    print(table)
    assert not wrong, "\n".join(wrong)
    known = {rule.id for rule in (*endpoint.RULES, *instance.RULES)}
    assert known - raised == set(IN_NO_SCENARIO), "each rule is raised in a scenario, or says why none can have it"
    generated("vpce_tui/detection/README.md", "scenarios", table + "\n")
